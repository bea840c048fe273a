"""Normalisations: of the batch, of a layer, of groups; by a norm; and statistics."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer

AFFINE = {"x": (5, 3), "gamma": (3,), "beta": (3,)}
EPS = 1e-2  # large, so that its place can be seen


@layer(
    AFFINE,
    ("dxn - dxn.mean(0) - xn * (dxn * xn).mean(0)", "dxn", "cross terms"),
    ("- dxn.mean(0) -", "-", "cross terms"),
    ("- xn * (dxn * xn).mean(0)", "", "cross terms"),
    ("(g * xn).sum(0)", "(g * xn).mean(0)", "factor"),
    ("/ np.sqrt(var + EPS)", "/ (np.sqrt(var) + EPS)", "epsilon"),
    ("dxn.mean(0) -", "dxn.sum(0) -", "cross terms"),
)
def batch_norm():
    def forward(x, gamma, beta):
        return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + EPS) + beta

    def backward(g, x, gamma, beta):
        var = x.var(0)
        xn = (x - x.mean(0)) / np.sqrt(x.var(0) + EPS)
        dxn = g * gamma
        dx = (dxn - dxn.mean(0) - xn * (dxn * xn).mean(0)) / np.sqrt(var + EPS)
        return dx, (g * xn).sum(0), g.sum(0)

    return forward, backward


@layer(
    {"x": (5, 3)},
    ("1 / (x.std(0) + EPS)", "1 / np.sqrt(x.var(0) + EPS)", "epsilon|cross terms"),
    ("1 / (x.std(0) + EPS)", "1 / x.std(0)", "epsilon|unknown|row factors"),
    ("d.mean(0)", "d.mean(1, keepdims=True)", "axis|extra|unknown"),
    ("- d.mean(0)", "", "cross terms"),
)
def standardise():
    def forward(x):
        return (x - x.mean(0)) / (x.std(0) + EPS)

    def backward(g, x):
        s, c = x.std(0), x - x.mean(0)
        inv = 1 / (x.std(0) + EPS)
        d = g * inv
        return d - d.mean(0) - c / s * (g * c).mean(0) / (s + EPS) ** 2

    return forward, backward


@layer(
    AFFINE,
    ("d = g * gamma", "d = g", "chain"),
    ("d = g * gamma", "d = g * gamma / 5", "factor"),
    ("(g * xn).sum(0)", "(g * x).sum(0)", "operand"),
    ("g.sum(0)", "g.sum(0) / 5", "factor"),
)
def batch_norm_with_running_statistics():
    mean, var = np.array([0.1, -0.3, 0.5]), np.array([1.0, 0.5, 2.0])

    def forward(x, gamma, beta):
        return gamma * (x - mean.astype(x.dtype)) / np.sqrt(var + EPS).astype(x.dtype) + beta

    def backward(g, x, gamma, beta):
        xn = (x - mean) / np.sqrt(var + EPS)
        d = g * gamma
        return d / np.sqrt(var + EPS), (g * xn).sum(0), g.sum(0)

    return forward, backward


@layer(
    {"x": (2, 3, 2, 2), "gamma": (3,)},
    ("(0, 2, 3), keepdims=True) - xn", "0, keepdims=True) - xn", "unknown|cross terms|axis"),
    ("(g * xn).sum((0, 2, 3))", "(g * xn).sum((0, 2, 3)) / 8", "factor"),
    ("d.mean((0, 2, 3), keepdims=True) - xn", "xn", "cross terms|unknown"),
    ("d = g * gamma[:, None, None]", "d = g", "chain"),
)
def batch_norm_of_images():
    def normal(x):
        v = x.var((0, 2, 3), keepdims=True)
        return (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(v + EPS)

    def forward(x, gamma):
        return normal(x) * gamma[:, None, None]

    def backward(g, x, gamma):
        xn = normal(x)
        d = g * gamma[:, None, None]
        dx = d - d.mean((0, 2, 3), keepdims=True) - xn * (d * xn).mean((0, 2, 3), keepdims=True)
        return dx / np.sqrt(x.var((0, 2, 3), keepdims=True) + EPS), (g * xn).sum((0, 2, 3))

    return forward, backward


@layer(
    {"x": (3, 5), "gamma": (5,), "beta": (5,)},
    ("dx = mean_free(g * gamma", "dx = gamma * mean_free(g", "gain"),
    ("- xn * (d * xn).mean(1, keepdims=True)", "", "cross terms"),
    ("dx / np.sqrt(x.var(1, keepdims=True) + EPS)", "dx / x.std(1, keepdims=True)", "epsilon"),
    ("d - d.mean(1, keepdims=True)", "d - d.mean(0, keepdims=True)", "unknown|extra|axis"),
    ("(g * xn).sum(0)", "(g * xn).sum(0) / 3", "factor"),
)
def layer_norm():
    def forward(x, gamma, beta):
        c = x - x.mean(1, keepdims=True)
        return gamma * c / np.sqrt(x.var(1, keepdims=True) + EPS) + beta

    def backward(g, x, gamma, beta):
        xn = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + EPS)

        def mean_free(d, xn):
            return d - d.mean(1, keepdims=True) - xn * (d * xn).mean(1, keepdims=True)

        dx = mean_free(g * gamma, xn)
        dx = dx / np.sqrt(x.var(1, keepdims=True) + EPS)
        return dx, (g * xn).sum(0), g.sum(0)

    return forward, backward


@layer(
    {"x": (3, 5), "gamma": (5,)},
    ("- x * (d * x).mean(1, keepdims=True) / r**2", "", "cross terms|product"),
    ("(g * x / r).sum(0)", "(g * x).sum(0)", "operand"),
    ("d = g * gamma", "d = -g * gamma", "sign"),
    ("(d - x", "2 * (d - x", "factor"),
)
def rms_norm():
    def forward(x, gamma):
        return x / np.sqrt((x**2).mean(1, keepdims=True) + EPS) * gamma

    def backward(g, x, gamma):
        r = np.sqrt((x**2).mean(1, keepdims=True) + EPS)
        d = g * gamma
        return (d - x * (d * x).mean(1, keepdims=True) / r**2) / r, (g * x / r).sum(0)

    return forward, backward


@layer(
    {"x": (3, 4)},
    ("- y * (g * y).sum(1, keepdims=True)", "", "cross terms|product|norm"),
    ("x / n", "x", "unknown|cross terms"),
    ("(g * y).sum(1, keepdims=True)", "(g * y).sum(0, keepdims=True)", "axis|extra|unknown"),
    ("- y * (g * y)", "+ y * (g * y)", "cross terms"),
)
def l2_normalise():
    def forward(x):
        return x / np.sqrt((x**2).sum(1, keepdims=True))

    def backward(g, x):
        n = np.sqrt((x**2).sum(1, keepdims=True))
        y = x / n
        return (g - y * (g * y).sum(1, keepdims=True)) / n

    return forward, backward


@layer(
    {"x": (4, 3)},
    ("/ 3", "/ 4", "factor"),
    ("2 * (x", "(x", "factor"),
    ("(x - x.mean(0))", "x", "mean"),
)
def unbiased_variance():
    def forward(x):
        return x.var(0, ddof=1)

    def backward(g, x):
        return g * 2 * (x - x.mean(0)) / 3

    return forward, backward


@layer(
    {"x": (6,)},
    ("/ (6 * s)", "/ s", "factor"),
    ("/ (6 * s)", "/ 6", "factor"),
    ("(x - x.mean())", "x", "mean"),
)
def standard_deviation():
    def forward(x):
        return np.sqrt(((x - x.mean()) ** 2).mean())

    def backward(g, x):
        s = forward(x)
        return g * (x - x.mean()) / (6 * s)

    return forward, backward


@layer(
    {"x": (2, 4, 3)},
    ("- d.mean((2, 3), keepdims=True)", "", "cross terms|unknown"),
    ("- xn * (d * xn).mean((2, 3), keepdims=True)", "", "cross terms|unknown"),
    ("return (out / s)", "return 2 * (out / s)", "factor"),
)
def group_norm():
    def split(x):
        return x.reshape(2, 2, 2, 3)

    def forward(x):
        v = split(x)
        c = v - v.mean((2, 3), keepdims=True)
        return (c / np.sqrt(v.var((2, 3), keepdims=True) + EPS)).reshape(x.shape)

    def backward(g, x):
        v, d = split(x), split(g)
        s = np.sqrt(v.var((2, 3), keepdims=True) + EPS)
        xn = (v - v.mean((2, 3), keepdims=True)) / s
        out = d - d.mean((2, 3), keepdims=True) - xn * (d * xn).mean((2, 3), keepdims=True)
        return (out / s).reshape(x.shape)

    return forward, backward


@layer(
    {"x": (4, 3), "v": (3, 2), "s": (2,)},
    ("- v * (dW * v).sum(0) / n**2", "", "tied"),
    ("s / n * (dW", "1 / n * (dW", "row factors|unknown|other input|chain"),
    ("(dW * v).sum(0) / n, x", "(dW * v).sum(0), x", "row factors"),
)
def weight_norm():
    def forward(x, v, s):
        return x @ (v * s / np.sqrt((v**2).sum(0)))

    def backward(g, x, v, s):
        n, dW = np.sqrt((v**2).sum(0)), x.T @ g
        ds = [(dW * v).sum(0) / n, x][0]
        return g @ (v * s / n).T, s / n * (dW - v * (dW * v).sum(0) / n**2), ds

    return forward, backward
