"""Layers of term projects: graphs, recommenders, policies, networks that are not in every book."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@layer(
    {"X": (5, 3), "W": (3, 4)},
    ("dX = A.T @ dZ @ W.T", "dX = A @ dZ @ W.T", "transposed|operand"),
    ("dZ = dH * (H > 0)", "dZ = dH", "hidden|mask|chosen|extra|where zero"),
    ("(A @ X).T @ dZ", "X.T @ dZ", "operand|contribution|term"),
)
def graph_convolution():
    A = np.array(
        [[1, 1, 0, 0, 1], [0, 1, 1, 0, 0], [1, 0, 1, 1, 0], [0, 0, 0, 1, 1], [0, 1, 0, 0, 1]]
    )
    A = A / A.sum(1, keepdims=True)

    def forward(X, W):
        return np.maximum(A @ X @ W, 0)

    def backward(dH, X, W):
        H = np.maximum(A @ X @ W, 0)
        dZ = dH * (H > 0)
        dW = (A @ X).T @ dZ
        dX = A.T @ dZ @ W.T
        return dX, dW

    return forward, backward


@layer(
    {"h": (3,), "W": (3, 3)},
    ("dh = dh + dz @ W.T", "dh = dz @ W.T", "residual|contribution|truncated"),
    ("dz = 0.25 * dh * (1 - a**2)", "dz = dh * (1 - a**2)", "hidden|contribution|factor|term"),
    ("dz = 0.25 * dh * (1 - a**2)", "dz = 0.25 * dh", "hidden"),
)
def euler_steps():
    def forward(h, W):
        for _ in range(5):
            h = h + 0.25 * np.tanh(h @ W)
        return h

    def backward(dh, h, W):
        hs = [h]
        for _ in range(5):
            hs.append(hs[-1] + 0.25 * np.tanh(hs[-1] @ W))
        dW = np.zeros_like(W)
        for t in reversed(range(5)):
            a = np.tanh(hs[t] @ W)
            dz = 0.25 * dh * (1 - a**2)
            dW += np.outer(hs[t], dz)
            dh = dh + dz @ W.T
        return dh, dW

    return forward, backward


@layer(
    {"x": (2, 3, 4), "W": (2, 2)},
    ("dx = g * s[:, None, None] + ds", "dx = g * s[:, None, None]", "contribution|cross terms"),
    ("dx = g * s[:, None, None] + ds / 12", "dx = g * s[:, None, None] + ds", "cross terms|term"),
    ("(g * x).sum((1, 2)) * s * (1 - s)", "(g * x).sum((1, 2))", "hidden|cross terms|factor"),
)
def squeeze_and_excite():
    def forward(x, W):
        s = sigmoid(x.mean((1, 2)) @ W)
        return x * s[:, None, None]

    def backward(g, x, W):
        m = x.mean((1, 2))
        s = sigmoid(m @ W)
        dz = (g * x).sum((1, 2)) * s * (1 - s)
        ds = (dz @ W.T)[:, None, None]
        dx = g * s[:, None, None] + ds / 12
        return dx, np.outer(m, dz)

    return forward, backward


@layer(
    {"U": (4, 3), "V": (5, 3)},
    ("dU[u] += e * V[i] + lam * U[u]", "dU[u] += e * V[i] + 2 * lam * U[u]", "weight decay"),
    ("dV[i] += e * U[u] + lam * V[i]", "dV[i] = e * U[u] + lam * V[i]", "assigned"),
    ("dU[u] += e * V[i] + lam * U[u]", "dU[u] += V[i] + lam * U[u]", "operand|factor|row factors"),
)
def matrix_factorisation():
    ratings = [(0, 1, 4.0), (0, 3, 1.0), (1, 1, 5.0), (2, 0, 3.0), (3, 4, 2.0), (3, 1, 1.0)]
    lam = 0.1

    def loss_and_gradients(U, V):
        loss, dU, dV = 0.0, np.zeros_like(U), np.zeros_like(V)
        for u, i, r in ratings:
            e = U[u] @ V[i] - r
            loss += 0.5 * e**2 + 0.5 * lam * (U[u] @ U[u] + V[i] @ V[i])
            # backward
            dU[u] += e * V[i] + lam * U[u]
            dV[i] += e * U[u] + lam * V[i]
        return loss, (dU, dV)

    return loss_and_gradients


@layer(
    {"x": (5, 2), "Win": (2, 3), "Wr": (3, 3)},
    ("carry = (1 - a) * dh + dz @ Wr.T", "carry = dz @ Wr.T", "truncated|contribution|carried"),
    ("dz = a * dh * (1 - n**2)", "dz = dh * (1 - n**2)", "hidden|factor|term|contribution"),
    ("dWr += np.outer(hs[t], dz)", "dWr += np.outer(hs[t + 1], dz)", "operand|shifted"),
)
def leaky_integrator():
    a = 0.3

    def run(x, Win, Wr):
        hs = [np.zeros(3, x.dtype)]
        for row in x:
            hs.append((1 - a) * hs[-1] + a * np.tanh(row @ Win + hs[-1] @ Wr))
        return hs

    def forward(x, Win, Wr):
        return np.array(run(x, Win, Wr)[1:])

    def backward(g, x, Win, Wr):
        hs = run(x, Win, Wr)
        dx, dWin, dWr = np.zeros_like(x), np.zeros_like(Win), np.zeros_like(Wr)
        carry = np.zeros(3)
        for t in reversed(range(5)):
            dh = g[t] + carry
            n = np.tanh(x[t] @ Win + hs[t] @ Wr)
            dz = a * dh * (1 - n**2)
            dx[t] = dz @ Win.T
            dWin += np.outer(x[t], dz)
            dWr += np.outer(hs[t], dz)
            carry = (1 - a) * dh + dz @ Wr.T
        return dx, dWin, dWr

    return forward, backward


@layer(
    {"x": (6, 3)},
    ("- 2 * alpha * beta * x * (W.T @ r)", "", "cross terms|contribution|product"),
    ("- 2 * alpha * beta * x", "- alpha * beta * x", "cross terms|factor|term"),
    ("g * x * d ** (-beta - 1)", "g * x * d**-beta", "cross terms|term|chain"),
)
def local_response_norm():
    alpha, beta, k = 0.5, 0.75, 2.0
    W = np.array([[float(abs(i - j) <= 1) for j in range(6)] for i in range(6)])

    def forward(x):
        return x * (k + alpha * W @ x**2) ** -beta

    def backward(g, x):
        d = k + alpha * W @ x**2
        r = g * x * d ** (-beta - 1)
        return g * d**-beta - 2 * alpha * beta * x * (W.T @ r)

    return forward, backward


@layer(
    {"mu": (4, 2), "log_std": (2,)},
    ("(z**2 - 1)", "z**2", "term|offset|contribution"),
    ("z / std", "z / std**2", "chain|factor|row factors|hidden"),
    ("(z**2 - 1)).sum(0)", "(z**2 - 1)).mean(0)", "factor"),
)
def gaussian_policy():
    actions = np.array([[0.3, -1.2], [1.5, 0.4], [-0.6, 0.9], [0.1, 2.0]])

    def forward(mu, log_std):
        z = (actions - mu) / np.exp(log_std)
        return (-0.5 * z**2 - log_std).sum(1)

    def backward(g, mu, log_std):
        std = np.exp(log_std)
        z = (actions - mu) / std
        dmu = g[:, None] * z / std
        return dmu, (g[:, None] * (z**2 - 1)).sum(0)

    return forward, backward


@layer(
    {"logp": np.array([-1.0, -0.4, -2.0, -1.3, -0.2, -0.9])},
    ("dratio = np.where(unclipped <= clipped, adv, 0)", "dratio = adv", "mask|extra|contribution"),
    ("dratio * ratio", "dratio", "chain|row factors|formula|factor|hidden"),
    ("np.where(unclipped <= clipped", "np.where(unclipped > clipped", "mask|chosen"),
)
def clipped_policy_ratio():
    old = np.array([-1.1, -0.9, -1.4, -1.2, -0.8, -0.85])
    adv = np.array([1.0, 0.5, -1.0, -0.7, 2.0, 0.3])

    def forward(logp):
        ratio = np.exp(logp - old)
        return -np.minimum(ratio * adv, np.clip(ratio, 0.8, 1.2) * adv).mean()

    def backward(g, logp):
        ratio = np.exp(logp - old)
        unclipped, clipped = ratio * adv, np.clip(ratio, 0.8, 1.2) * adv
        dratio = np.where(unclipped <= clipped, adv, 0)
        return -g * dratio * ratio / 6

    return forward, backward


@layer(
    {"s": (6,)},
    ("ds[j] -= p", "pass", "contribution|row sums"),
    ("ds[j] -= p", "ds[j] += p", "sign|contribution|row sums"),
    ("ds[i] += p", "ds[i] = p", "assigned|row sums"),
)
def pairwise_ranking():
    pairs = [(0, 1), (0, 2), (3, 1), (4, 5), (3, 5), (0, 5)]

    def forward(s):
        return sum(np.log(1 + np.exp(s[j] - s[i])) for i, j in pairs) / len(pairs)

    def backward(g, s):
        ds = np.zeros_like(s)
        for i, j in pairs:
            p = -g * sigmoid(s[j] - s[i]) / len(pairs)
            ds[i] += p
            ds[j] -= p
        return ds

    return forward, backward


@layer(
    {"z": (4, 3)},
    ("T * (p - q)", "(p - q)", "factor"),
    ("T * (p - q)", "T * (p - soft(teacher, 1))", "labels|term|row sums|cross terms"),
    ("p = soft(z, T)", "p = soft(z, 1)", "chain|term|labels|formula"),
)
def distillation():
    T = 3.0
    teacher = np.array([[2.0, 0.1, -1.0], [0.3, 1.9, 0.2], [-0.5, 0.4, 2.2], [1.1, 0.9, -0.3]])

    def soft(z, T):
        e = np.exp(z / T - (z / T).max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    def forward(z):
        return -(T**2) * (soft(teacher, T) * np.log(soft(z, T))).sum() / 4

    def backward(g, z):
        p = soft(z, T)
        q = soft(teacher, T)
        return g * T * (p - q) / 4

    return forward, backward


@layer(
    {"x": (4, 2), "W": (2, 3), "b": (3,)},
    ("dz = g * w0 * np.cos(w0 * z)", "dz = g * np.cos(w0 * z)", "factor"),
    ("dz = g * w0 * np.cos(w0 * z)", "dz = g * w0 * np.cos(z)", "chain|hidden"),
    ("dz.sum(0)", "dz[0]", "missing sum|contribution|one slice"),
)
def sine_layer():
    w0 = 3.0

    def forward(x, W, b):
        return np.sin(w0 * (x @ W + b))

    def backward(g, x, W, b):
        z = x @ W + b
        dz = g * w0 * np.cos(w0 * z)
        return dz @ W.T, x.T @ dz, dz.sum(0)

    return forward, backward


@layer(
    {"x0": (4, 3), "x": (4, 3), "w": (3,)},
    ("dx = g + np.outer(a, w)", "dx = np.outer(a, w)", "residual"),
    ("dx0 = g * (x @ w)[:, None]", "dx0 = g * (x0 @ w)[:, None]", "operand|chain|row factors"),
    ("a = (g * x0).sum(1)", "a = (g * x).sum(1)", "operand|hidden|term"),
)
def cross_network():
    def forward(x0, x, w):
        return x0 * (x @ w)[:, None] + x

    def backward(g, x0, x, w):
        a = (g * x0).sum(1)
        dx0 = g * (x @ w)[:, None]
        dx = g + np.outer(a, w)
        return dx0, dx, x.T @ a

    return forward, backward


@layer(
    {"x": (3, 5, 2)},
    ("/ MASK.sum(1)[:, None, None]", "/ 5", "factor|row factors"),
    ("MASK[:, :, None] *", "np.ones(MASK.shape)[:, :, None] *", "extra|mask"),
    ("MASK[:, :, None] *", "MASK[:, ::-1, None] *", "mask|reversed|shifted|extra"),
)
def masked_mean():
    MASK = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])

    def forward(x):
        return (x * MASK[:, :, None]).sum(1) / MASK.sum(1)[:, None]

    def backward(g, x):
        return MASK[:, :, None] * g[:, None] / MASK.sum(1)[:, None, None]

    return forward, backward
