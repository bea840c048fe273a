"""Attention, and the layers of transformers."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer

QKV = {"q": (3, 4), "k": (5, 4), "v": (5, 2)}
CAUSAL = np.tril(np.ones((4, 4), bool))


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_back(s, g):
    return s * (g - (s * g).sum(-1, keepdims=True))


@layer(
    QKV,
    ("ds / 2", "ds", "factor"),
    ("ds / 2", "ds / 4", "factor"),
    ("softmax_back(A, g @ v.T)", "A * (g @ v.T)", "attention"),
    ("softmax_back(A, g @ v.T)", "A * (1 - A) * (g @ v.T)", "attention"),
    ("A.T @ g", "A.T @ g / 3", "factor"),
    ("softmax_back(A, g @ v.T)", "(g @ v.T)", "attention"),
)
def attention():
    def forward(q, k, v):
        return softmax(q @ k.T / 2) @ v

    def backward(g, q, k, v):
        A = softmax(q @ k.T / 2)
        ds = softmax_back(A, g @ v.T)
        ds = ds / 2
        return ds @ k, ds.T @ q, A.T @ g

    return forward, backward


@layer(
    {"q": (4, 3), "k": (4, 3), "v": (4, 3)},
    ("A.T @ g", "A @ g", "transposed"),
    ("ds.T @ q", "ds @ q", "attention|unknown"),
    ("softmax_back(A, g @ v.T)", "softmax_back(A, v @ g.T)", "unknown"),
    ("softmax_back(A, g @ v.T)", "softmax_back(A.T, g @ v.T)", "unknown"),
    ("ds = ds / np.sqrt(3)", "ds = ds * np.sqrt(3)", "factor"),
)
def self_attention_of_equal_sizes():
    def forward(q, k, v):
        return softmax(q @ k.T / float(np.sqrt(3))) @ v

    def backward(g, q, k, v):
        A = softmax(q @ k.T / float(np.sqrt(3)))
        ds = softmax_back(A, g @ v.T)
        ds = ds / np.sqrt(3)
        return ds @ k, ds.T @ q, A.T @ g

    return forward, backward


@layer(
    {"q": (4, 3), "k": (4, 3), "v": (4, 2)},
    ("* CAUSAL", "/ 4", "factor"),
    ("A = weights(q, k)", "A = softmax(q @ k.T)", "extra|unknown"),
    ("A.T @ g", "2 * A.T @ g", "factor"),
    ("ds @ k", "-ds @ k", "sign"),
)
def causal_attention():
    def weights(q, k):
        return softmax(np.where(CAUSAL, q @ k.T, -1e9))

    def forward(q, k, v):
        return weights(q, k) @ v

    def backward(g, q, k, v):
        A = weights(q, k)
        ds = softmax_back(A, g @ v.T) * CAUSAL
        return ds @ k, ds.T @ q, A.T @ g

    return forward, backward


@layer(
    {"x": (3, 4), "Wq": (4, 4), "Wk": (4, 4), "Wv": (4, 4)},
    ("+ dk @ Wk.T", "", "unknown|contribution"),
    ("dq @ Wq.T +", "", "unknown|contribution"),
    ("x.T @ dk", "x.T @ dq", "other input"),
    ("x.T @ dv", "x.T @ dv * 2", "factor"),
    ("dv @ Wv.T", "dv @ Wv", "transposed"),
)
def self_attention_with_projections():
    def forward(x, Wq, Wk, Wv):
        return softmax((x @ Wq) @ (x @ Wk).T / 2) @ (x @ Wv)

    def backward(g, x, Wq, Wk, Wv):
        q, k, v = x @ Wq, x @ Wk, x @ Wv
        A = softmax(q @ k.T / 2)
        ds = softmax_back(A, g @ v.T) / 2
        dq, dk, dv = ds @ k, ds.T @ q, A.T @ g
        dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
        return dx, x.T @ dq, x.T @ dk, x.T @ dv

    return forward, backward


@layer(
    {"x": (2, 3, 4), "W": (4, 12)},
    ("[dq, dk, dv]", "[dk, dq, dv]", "blocks"),
    ("[dq, dk, dv]", "[dq, dk, 0 * dv]", "contribution|one slice|unknown"),
    ("dh @ W.T", "dh @ W.T / 2", "factor"),
    ("x.reshape(-1, 4).T", "-x.reshape(-1, 4).T", "sign"),
)
def multi_head_attention():
    def heads(x, W):
        return [p.reshape(2, 3, 2, 2).transpose(0, 2, 1, 3) for p in np.split(x @ W, 3, 2)]

    def forward(x, W):
        q, k, v = heads(x, W)
        out = softmax(q @ k.mT / float(np.sqrt(2))) @ v
        return out.transpose(0, 2, 1, 3).reshape(2, 3, 4)

    def backward(g, x, W):
        q, k, v = heads(x, W)
        A = softmax(q @ k.mT / float(np.sqrt(2)))
        g = g.reshape(2, 3, 2, 2).transpose(0, 2, 1, 3)
        ds = softmax_back(A, g @ v.mT) / float(np.sqrt(2))
        dq, dk, dv = ds @ k, ds.mT @ q, A.mT @ g
        join = lambda p: p.transpose(0, 2, 1, 3).reshape(2, 3, 4)
        dh = np.concatenate([join(p) for p in [dq, dk, dv]], axis=2)
        return dh @ W.T, x.reshape(-1, 4).T @ dh.reshape(-1, 12)

    return forward, backward


@layer(
    {"h": (5, 3), "w": (3,)},
    ("+ np.outer(a, g)", "", "unknown|contribution"),
    ("softmax_back(a, h @ g)", "a * (h @ g)", "unknown|cross terms"),
    ("h.T @ ds", "h.T @ ds / 5", "factor"),
    ("np.outer(ds, w)", "np.outer(ds, w) * 0", "tied"),
)
def attention_pooling():
    def forward(h, w):
        return softmax(h @ w) @ h

    def backward(g, h, w):
        a = softmax(h @ w)
        ds = softmax_back(a, h @ g)
        return np.outer(ds, w) + np.outer(a, g), h.T @ ds

    return forward, backward


@layer(
    {"x": (3, 4), "W1": (4, 6), "W2": (6, 4)},
    ("g + dz @ W1.T", "dz @ W1.T", "residual"),
    ("(z > 0)", "1", "hidden"),
    ("x.T @ dz", "x.T @ dz / 3", "factor"),
    ("a.T @ g", "a.T @ g * 0", "zero"),
)
def feed_forward_block():
    def forward(x, W1, W2):
        return x + np.maximum(x @ W1, 0) @ W2

    def backward(g, x, W1, W2):
        z = x @ W1
        a = np.maximum(z, 0)
        dz = (g @ W2.T) * (z > 0)
        return g + dz @ W1.T, x.T @ dz, a.T @ g

    return forward, backward


@layer(
    {"x": (3, 4)},
    ("* c + rotated(g * s)", "* c - rotated(g * s)", "transposed"),
    ("* c + rotated(g * s)", "* c", "unknown|contribution|cross terms"),
    ("return g", "return 2 * g", "factor|unknown"),
)
def rotary_embedding():
    angle = np.outer(np.arange(3), [1.0, 0.1]).repeat(2, axis=1)
    c, s = np.cos(angle), np.sin(angle)

    def rotated(v):
        return np.stack([v[:, 1::2], -v[:, ::2]], axis=2).reshape(v.shape)

    def forward(x):
        return (x * c - rotated(x) * s).astype(x.dtype)

    def backward(g, x):
        return g * c + rotated(g * s)

    return forward, backward


@layer(
    {"x": (4, 3), "P": (6, 3)},
    ("dP[:4] = g", "dP[1:5] = g", "shifted|window"),
    ("dP[:4] = g", "dP[:4] = g / 4", "factor"),
    ("dP[:4] = g", "dP[:4] = 3 * g", "factor"),
)
def positional_embedding():
    def forward(x, P):
        return x + P[:4]

    def backward(g, x, P):
        dP = np.zeros_like(P)
        dP[:4] = g
        return g, dP

    return forward, backward


@layer(
    {"x": (4, 3), "Wg": (3, 2), "W": (2, 3, 3)},
    ("softmax_back(p, dp) @ Wg.T", "(p * dp) @ Wg.T", "unknown"),
    ("+= (p[:, k : k + 1] * g) @ W[k].T", "+= g @ W[k].T", "unknown"),
    ("x.T @ (p[:, k : k + 1] * g)", "x.T @ (p[:, k : k + 1] * g) * 2", "factor"),
    ("x.T @ softmax_back", "-x.T @ softmax_back", "sign"),
)
def mixture_of_experts():
    def forward(x, Wg, W):
        p = softmax(x @ Wg)
        return sum(p[:, k : k + 1] * (x @ W[k]) for k in range(2))

    def backward(g, x, Wg, W):
        p = softmax(x @ Wg)
        dp = np.stack([(g * (x @ W[k])).sum(1) for k in range(2)], axis=1)
        dx = softmax_back(p, dp) @ Wg.T
        dW = np.zeros_like(W)
        for k in range(2):
            dx += (p[:, k : k + 1] * g) @ W[k].T
            dW[k] = x.T @ (p[:, k : k + 1] * g)
        return dx, x.T @ softmax_back(p, dp), dW

    return forward, backward
