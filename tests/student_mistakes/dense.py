"""Dense layers and activations."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer

DENSE = {"x": (4, 3), "W": (3, 5), "b": (5,)}
MLP = {"x": (4, 3), "W1": (3, 5), "b1": (5,), "W2": (5, 2), "b2": (2,)}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@layer(
    DENSE,
    ("x.T @ g", "x.T @ g / len(x)", "factor"),
    ("g @ W.T", "0 * x", "zero"),
    ("g.sum(0)", "g", "missing sum"),
    ("g.sum(0)", "g.mean(0)", "factor"),
)
def dense():
    def forward(x, W, b):
        return x @ W + b

    def backward(g, x, W, b):
        return g @ W.T, x.T @ g, g.sum(0)

    return forward, backward


@layer(
    {"x": (4, 3), "W": (3, 3), "b": (3,)},
    ("g @ W.T", "g @ W", "transposed"),
    ("x.T @ g", "g.T @ x", "transposed"),
    ("g @ W.T, x.T @ g", "g @ W.T, -x.T @ g", "sign"),
    ("g.sum(0)", "g[0]", "missing sum"),
)
def dense_square():
    def forward(x, W, b):
        return x @ W + b

    def backward(g, x, W, b):
        return g @ W.T, x.T @ g, g.sum(0)

    return forward, backward


@layer(
    {"x": (3, 4), "W": (5, 3), "b": (5, 1)},
    ("axis=1, keepdims=True) / m", "axis=1, keepdims=True)", "factor"),
    ("np.dot(g, x.T) / m", "np.dot(g, x.T)", "factor"),
    ("axis=1, keepdims=True", "axis=1", "shape|missing sum"),
    ("np.dot(W.T, g) / m", "np.dot(W.T, g) * m", "factor"),
)
def columns_are_examples():
    def forward(x, W, b):
        return (np.dot(W, x) + b) / x.shape[1]

    def backward(g, x, W, b):
        m = x.shape[1]
        return np.dot(W.T, g) / m, np.dot(g, x.T) / m, np.sum(g, axis=1, keepdims=True) / m

    return forward, backward


@layer(
    DENSE,
    ("g * (z > 0)", "g", "where zero|where negative|relu|mask"),
    ("(z > 0)", "(z < 0)", "mask|relu"),
    ("x.T @ dz", "x.T @ g", "relu|mask|where zero|hidden"),
    ("dz @ W.T", "2 * dz @ W.T", "factor"),
)
def dense_relu():
    def forward(x, W, b):
        return np.maximum(x @ W + b, 0)

    def backward(g, x, W, b):
        z = x @ W + b
        dz = g * (z > 0)
        return dz @ W.T, x.T @ dz, dz.sum(0)

    return forward, backward


@layer(
    DENSE,
    ("a * (1 - a)", "1", "chain"),
    ("a * (1 - a)", "a", "chain"),
    ("a * (1 - a)", "(1 - a)", "chain"),
    ("a * (1 - a)", "a * (1 + a)", "mixed up|chain|hidden"),
)
def dense_sigmoid():
    def forward(x, W, b):
        return sigmoid(x @ W + b)

    def backward(g, x, W, b):
        a = sigmoid(x @ W + b)
        dz = g * a * (1 - a)
        return dz @ W.T, x.T @ dz, dz.sum(0)

    return forward, backward


@layer(
    DENSE,
    ("1 - a**2", "1", "chain"),
    ("1 - a**2", "1 - a", "chain"),
    ("1 - a**2", "1 + a**2", "mixed up|chain|hidden"),
    ("dz.sum(0)", "dz.sum(0) / 4", "factor"),
)
def dense_tanh():
    def forward(x, W, b):
        return np.tanh(x @ W + b)

    def backward(g, x, W, b):
        a = np.tanh(x @ W + b)
        dz = g * (1 - a**2)
        return dz @ W.T, x.T @ dz, dz.sum(0)

    return forward, backward


@layer(
    MLP,
    ("da * (1 - a**2)", "da", "hidden"),
    ("a.T @ g", "a.T @ g / 4", "factor"),
    ("da = g @ W2.T", "da = g @ W2.T * 2", "factor"),
    ("dz.sum(0)", "dz[0]", "missing sum|time"),
    ("(1 - a**2)", "(1 - a)", "hidden"),
)
def mlp_tanh():
    def forward(x, W1, b1, W2, b2):
        return np.tanh(x @ W1 + b1) @ W2 + b2

    def backward(g, x, W1, b1, W2, b2):
        a = np.tanh(x @ W1 + b1)
        da = g @ W2.T
        dz = da * (1 - a**2)
        return dz @ W1.T, x.T @ dz, dz.sum(0), a.T @ g, g.sum(0)

    return forward, backward


@layer(
    MLP,
    ("da * (z > 0)", "da", "hidden"),
    ("(z > 0)", "(da > 0)", "nonlinear"),
    ("np.maximum(z, 0).T @ g", "z.T @ g", "extra|operand"),
    ("g.sum(0)", "g.sum(0) * 0", "zero"),
)
def mlp_relu():
    def forward(x, W1, b1, W2, b2):
        return np.maximum(x @ W1 + b1, 0) @ W2 + b2

    def backward(g, x, W1, b1, W2, b2):
        z = x @ W1 + b1
        da = g @ W2.T
        dz = da * (z > 0)
        return dz @ W1.T, x.T @ dz, dz.sum(0), np.maximum(z, 0).T @ g, g.sum(0)

    return forward, backward


@layer(
    {"x": (4, 3), "W1": (3, 3), "W2": (3, 3)},
    ("(g @ W2.T)", "(g @ W1.T)", "operand"),
    ("(g @ W2.T)", "(g @ W2)", "transposed"),
    ("dz @ W1.T", "dz @ W1", "transposed"),
    ("dz @ W1.T", "dz @ W2.T", "operand"),
    ("a.T @ g", "x.T @ g", "operand"),
)
def two_of_one_shape():
    def forward(x, W1, W2):
        return sigmoid(x @ W1) @ W2

    def backward(g, x, W1, W2):
        a = sigmoid(x @ W1)
        dz = (g @ W2.T) * a * (1 - a)
        return dz @ W1.T, x.T @ dz, a.T @ g

    return forward, backward


@layer(
    {"x": (4, 3), "W": (3, 3)},
    ("g + dz @ W.T", "dz @ W.T", "residual"),
    ("g + dz @ W.T", "2 * g + dz @ W.T", "residual"),
    ("g + dz @ W.T", "g", "identity"),
    ("1 - a**2", "a**2", "chain|hidden"),
)
def residual_block():
    def forward(x, W):
        return x + np.tanh(x @ W)

    def backward(g, x, W):
        a = np.tanh(x @ W)
        dz = g * (1 - a**2)
        return g + dz @ W.T, x.T @ dz

    return forward, backward


@layer(
    {"x": (4, 3), "Wt": (3, 3), "Wh": (3, 3)},
    ("g * (h - x) * t * (1 - t)", "g * h * t * (1 - t)", "chain|mixed up|contribution"),
    ("+ g * (1 - t)", "", "residual"),
    ("+ g * (1 - t)", "+ g", "residual"),
    ("x.T @ dt", "-x.T @ dt", "sign"),
)
def highway():
    def forward(x, Wt, Wh):
        t, h = sigmoid(x @ Wt), np.tanh(x @ Wh)
        return t * h + (1 - t) * x

    def backward(g, x, Wt, Wh):
        t, h = sigmoid(x @ Wt), np.tanh(x @ Wh)
        dt = g * (h - x) * t * (1 - t)
        dh = g * t * (1 - h**2)
        return dt @ Wt.T + dh @ Wh.T + g * (1 - t), x.T @ dt, x.T @ dh

    return forward, backward


def activation(name, *wrongs, x=(3, 4)):
    """Wrong versions of an activation without parameters."""
    return layer({"x": x}, *wrongs)


@activation(
    "leaky_relu",
    ("np.where(x > 0, 1, 0.1)", "(x > 0)", "where negative|zero"),
    ("np.where(x > 0, 1, 0.1)", "np.where(x > 0, 1, 0.01)", "where negative"),
    ("np.where(x > 0, 1, 0.1)", "np.where(x < 0, 1, 0.1)", "formula|mask|row factors"),
)
def leaky_relu():
    def forward(x):
        return np.where(x > 0, x, 0.1 * x)

    def backward(g, x):
        return g * np.where(x > 0, 1, 0.1)

    return forward, backward


@activation(
    "elu",
    ("np.exp(x))", "np.exp(x) - 1)", "where negative"),
    ("np.exp(x))", "0)", "where negative"),
    ("g * np.where", "np.where", "without g"),
)
def elu():
    def forward(x):
        return np.where(x > 0, x, np.exp(x) - 1)

    def backward(g, x):
        return g * np.where(x > 0, 1, np.exp(x))

    return forward, backward


@activation(
    "gelu",
    ("+ 0.5 * x * (1 - t**2) * c * (1 + 3 * 0.044715 * x**2)", "", "product"),
    ("3 * 0.044715", "0.044715", "formula"),
    ("1 - t**2", "1 - t", "formula"),
)
def gelu():
    def forward(x):
        c = float(np.sqrt(2 / np.pi))
        return 0.5 * x * (1 + np.tanh(c * (x + 0.044715 * x**3)))

    def backward(g, x):
        c = float(np.sqrt(2 / np.pi))
        t = np.tanh(c * (x + 0.044715 * x**3))
        return g * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * c * (1 + 3 * 0.044715 * x**2))

    return forward, backward


@activation(
    "swish",
    ("s + x * s * (1 - s)", "s", "product"),
    ("s + x * s * (1 - s)", "s * (1 - s)", "formula"),
    ("s + x * s * (1 - s)", "s - x * s * (1 - s)", "formula"),
)
def swish():
    def forward(x):
        return x * sigmoid(x)

    def backward(g, x):
        s = sigmoid(x)
        return g * (s + x * s * (1 - s))

    return forward, backward


@activation(
    "softplus",
    ("sigmoid(x)", "sigmoid(-x)", "chain"),
    ("sigmoid(x)", "np.log(1 + np.exp(x))", "formula"),
    ("sigmoid(x)", "1 / (1 + np.exp(-x)) ** 2", "chain"),
)
def softplus():
    def forward(x):
        return np.log(1 + np.exp(x))

    def backward(g, x):
        return g * sigmoid(x)

    return forward, backward


@layer(
    {"x": (4, 3), "a": (3,)},
    ("(g * np.minimum(x, 0)).sum(0)", "(g * np.minimum(x, 0)).mean(0)", "factor"),
    ("(g * np.minimum(x, 0)).sum(0)", "(g * (x < 0)).sum(0)", "chain"),
    ("np.where(x > 0, 1, a)", "np.where(x > 0, 1, -a)", "where negative"),
    ("np.where(x > 0, 1, a)", "a", "where positive|chain"),
)
def prelu():
    def forward(x, a):
        return np.where(x > 0, x, a * x)

    def backward(g, x, a):
        return g * np.where(x > 0, 1, a), (g * np.minimum(x, 0)).sum(0)

    return forward, backward


@layer(
    {"x": (4, 3), "W": (3, 4)},
    ("g * s, g * a * s * (1 - s)", "g * s, g * a", "gate|hidden"),
    ("g * s, g * a * s * (1 - s)", "g * a * s * (1 - s), g * s", "blocks"),
    ("x.T @ dz", "x.T @ dz / 2", "factor"),
)
def gated_linear_unit():
    def forward(x, W):
        a, z = np.split(x @ W, 2, axis=1)
        return a * sigmoid(z)

    def backward(g, x, W):
        a, z = np.split(x @ W, 2, axis=1)
        s = sigmoid(z)
        dz = np.concatenate([g * s, g * a * s * (1 - s)], axis=1)
        return dz @ W.T, x.T @ dz

    return forward, backward


@layer(
    {"x": (4, 5), "W": (5, 3)},
    ("x.T @ dz + g.T @ h", "x.T @ dz", "tied"),
    ("x.T @ dz + g.T @ h", "g.T @ h", "tied"),
    ("1 - h**2", "1", "hidden"),
)
def tied_autoencoder():
    def forward(x, W):
        return np.tanh(x @ W) @ W.T

    def backward(g, x, W):
        h = np.tanh(x @ W)
        dz = g @ W * (1 - h**2)
        return dz @ W.T, x.T @ dz + g.T @ h

    return forward, backward


@layer(
    {"x": (4, 3), "W": (3, 2), "y": (4, 2)},
    ("+ 0.1 * W", "+ 0.2 * W", "weight decay"),
    ("+ 0.1 * W", "", "weight decay"),
    ("g * (2 * x.T @ e / e.size + 0.1 * W)", "g * 2 * x.T @ e / e.size + 0.1 * W", "without g"),
    ("e = x @ W - y\n        return", "e = y - x @ W\n        return", "unknown"),
)
def weight_decay():
    def forward(x, W, y):
        return np.mean((x @ W - y) ** 2) + 0.05 * np.sum(W**2)

    def backward(g, x, W, y):
        e = x @ W - y
        return None, g * (2 * x.T @ e / e.size + 0.1 * W), None

    return forward, backward


MASK = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 1]])


@layer(
    {"x": (3, 4)},
    ("g * MASK / 0.8", "g / 0.8", "mask|where zero"),
    ("g * MASK / 0.8", "g * MASK", "factor"),
    ("g * MASK / 0.8", "g * MASK / 0.2", "factor"),
)
def dropout():
    def forward(x):
        return x * MASK / 0.8

    def backward(g, x):
        return g * MASK / 0.8

    return forward, backward


@layer(
    {"x": (3, 4)},
    ("s * (g - (g * s).sum(1, keepdims=True))", "g * s * (1 - s)", "cross terms"),
    ("(g * s).sum(1, keepdims=True)", "(g * s).sum(0, keepdims=True)", "axis|cross terms"),
    ("s * (g - (g * s).sum(1, keepdims=True))", "s * g", "cross terms"),
    ("(g * s).sum(1, keepdims=True)", "g.sum(1, keepdims=True)", "cross terms"),
)
def softmax():
    def forward(x):
        e = np.exp(x - x.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    def backward(g, x):
        s = forward(x)
        return s * (g - (g * s).sum(1, keepdims=True))

    return forward, backward


@layer(
    {"x": (3, 4)},
    ("g - s * g.sum(1, keepdims=True)", "g - s", "without g"),
    ("g - s * g.sum(1, keepdims=True)", "g * (1 - s)", "cross terms"),
    ("g - s * g.sum(1, keepdims=True)", "g - s * g.sum()", "axis|extra"),
)
def log_softmax():
    def forward(x):
        z = x - x.max(1, keepdims=True)
        return z - np.log(np.exp(z).sum(1, keepdims=True))

    def backward(g, x):
        s = np.exp(forward(x))
        return g - s * g.sum(1, keepdims=True)

    return forward, backward


@layer(
    {"u": (3, 2), "A": (2, 4), "v": (3, 4)},
    ("g[:, None] * (v @ A.T)", "g[:, None] * (u @ A)[:, :2]", "other input"),
    ("(g[:, None] * u).T @ v", "u.T @ v", "without g"),
    ("(g[:, None] * u).T @ v", "(g[:, None] * u).T @ v / 3", "factor"),
)
def bilinear():
    def forward(u, A, v):
        return np.sum((u @ A) * v, axis=1)

    def backward(g, u, A, v):
        return g[:, None] * (v @ A.T), (g[:, None] * u).T @ v, g[:, None] * (u @ A)

    return forward, backward


@layer(
    {"x": (4, 3), "c": (2, 3)},
    ("-2 * d", "2 * d", "sign"),
    ("-2 * d", "-d", "factor"),
    ("dd.sum(0)", "dd.sum(1)", "shape|transposed"),
)
def radial_basis():
    def forward(x, c):
        return np.exp(-((x[:, None] - c) ** 2).sum(2))

    def backward(g, x, c):
        d = x[:, None] - c
        dd = (g * forward(x, c))[:, :, None] * -2 * d
        return dd.sum(1), -dd.sum(0)

    return forward, backward


@layer(
    {"a": (3, 4), "b": (3, 4)},
    ("b / (na * nb) - c * a / na**2", "b / (na * nb)", "contribution|norm"),
    ("g * (b", "-g * (b", "sign"),
    ("g * (b / (na * nb)", "g / 3 * (b / (na * nb)", "factor"),
)
def cosine_similarity():
    def forward(a, b):
        na, nb = np.sqrt((a**2).sum(1)), np.sqrt((b**2).sum(1))
        return (a * b).sum(1) / (na * nb)

    def backward(g, a, b):
        na, nb = (np.sqrt((v**2).sum(1, keepdims=True)) for v in (a, b))
        c, g = forward(a, b)[:, None], g[:, None]
        return g * (b / (na * nb) - c * a / na**2), g * (a / (na * nb) - c * b / nb**2)

    return forward, backward


@layer(
    {"x": (4, 3), "W": (2, 3, 2)},
    ("np.where(winner == k, g, 0)", "g", "chosen|extra"),
    ("np.where(winner == k, g, 0)", "np.where(winner == k, g, 0) / 2", "factor"),
    ("np.where(winner == k, g, 0)", "np.where(winner != k, g, 0)", "chosen|shifted"),
)
def maxout():
    def forward(x, W):
        return np.max([x @ W[0], x @ W[1]], axis=0)

    def backward(g, x, W):
        winner = np.argmax([x @ W[0], x @ W[1]], axis=0)
        dx, dW = np.zeros_like(x), np.zeros_like(W)
        for k in range(2):
            dz = np.where(winner == k, g, 0)
            dx += dz @ W[k].T
            dW[k] = x.T @ dz
        return dx, dW

    return forward, backward
