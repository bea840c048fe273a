"""Convolutions, pools and upsampling: by loops, with windows, and over columns."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer

windows = np.lib.stride_tricks.sliding_window_view
DISTINCT = np.random.default_rng(4).permutation(48).reshape(1, 2, 4, 6) / 7.0
TIES = np.array(
    [[[[1.0, 1.0, 0.0, 2.0], [0.5, 1.0, 2.0, 2.0], [0.0, 3.0, 1.0, 0.5], [3.0, 1.0, 4.0, 2.0]]]]
)


@layer(
    {"x": (7,), "w": (3,)},
    ("g[i] * w", "g[i] * w[::-1]", "flipped|reversed"),
    ("g[i] * x[i : i + 3]", "g[i] * x[i : i + 3][::-1]", "flipped|reversed"),
    ("dx[i : i + 3] += g[i] * w", "dx[i : i + 3] = g[i] * w", "assigned"),
    ("dw += g[i] * x[i : i + 3]", "dw = g[i] * x[i : i + 3]", "assigned|one slice"),
    ("dx[i : i + 3] +=", "dx[i + 1 : i + 4] +=", "shifted|window", 64),
)
def conv1d_valid():
    def forward(x, w):
        return np.array([x[i : i + 3] @ w for i in range(5)])

    def backward(g, x, w):
        dx, dw = np.zeros(8), np.zeros(3)
        for i in range(5):
            dx[i : i + 3] += g[i] * w
            dw += g[i] * x[i : i + 3]
        return dx[:7], dw

    return forward, backward


@layer(
    {"x": (2, 6), "w": (3,)},
    ("dxp[:, 1:-1]", "dxp[:, :-2]", "shifted|window"),
    ("dxp[:, 1:-1]", "dxp[:, 2:]", "shifted|window"),
    ("g[:, i : i + 1] * w", "g[:, i : i + 1] * w[::-1]", "flipped|reversed"),
    ("g[:, i] @ xp[:, i : i + 3]", "g[:, i] @ xp[:, i : i + 3] / 2", "factor"),
)
def conv1d_same():
    def forward(x, w):
        xp = np.pad(x, ((0, 0), (1, 1)))
        return np.stack([xp[:, i : i + 3] @ w for i in range(6)], axis=1)

    def backward(g, x, w):
        xp = np.pad(x, ((0, 0), (1, 1)))
        dxp, dw = np.zeros_like(xp), np.zeros_like(w)
        for i in range(6):
            dxp[:, i : i + 3] += g[:, i : i + 1] * w
            dw += g[:, i] @ xp[:, i : i + 3]
        return dxp[:, 1:-1], dw

    return forward, backward


@layer(
    {"x": (1, 2, 5, 5), "w": (2, 2, 3, 3), "b": (2,)},
    ("i * s : i * s + 3, j * s : j * s + 3] += np", "i : i + 3, j : j + 3] += np", "window"),
    ("dxp[:, :, 1:-1, 1:-1]", "dxp[:, :, :-2, :-2]", "window|shifted"),
    ("dxp[:, :, 1:-1, 1:-1]", "dxp[:, :, 2:, 2:]", "window|shifted"),
    ("g.sum((0, 2, 3))", "g.sum((0, 2, 3)) / 9", "factor"),
    ("g.sum((0, 2, 3))", "g.mean((0, 2, 3))", "factor"),
)
def conv2d_by_loops():
    s = 2

    def forward(x, w, b):
        xp = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        out = np.zeros((len(x), len(w), 3, 3))
        for i in range(3):
            for j in range(3):
                patch = xp[:, :, i * s : i * s + 3, j * s : j * s + 3]
                out[:, :, i, j] = np.tensordot(patch, w, ((1, 2, 3), (1, 2, 3))) + b
        return out

    def backward(g, x, w, b):
        xp = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        dxp, dw = np.zeros_like(xp), np.zeros_like(w)
        for i in range(3):
            for j in range(3):
                patch = xp[:, :, i * s : i * s + 3, j * s : j * s + 3]
                dw += np.tensordot(g[:, :, i, j], patch, (0, 0))
                dxp[:, :, i * s : i * s + 3, j * s : j * s + 3] += np.tensordot(g[:, :, i, j], w, 1)
        return dxp[:, :, 1:-1, 1:-1], dw, g.sum((0, 2, 3))

    return forward, backward


@layer(
    {"x": (2, 2, 4, 4), "w": (3, 2, 3, 3), "b": (3,)},
    ("cols.T @ dout", "cols.T @ dout / 2", "factor"),
    ("(dout @ W)", "(dout @ W[:, ::-1])", "flipped"),
    ("+= dcols", "= dcols", "assigned"),
    ("dout.sum(0)", "dout.mean(0)", "factor"),
    ("(dw.T).reshape(w.shape)", "dw.reshape(w.shape)", "transposed"),
)
def conv2d_im2col():
    def columns(x):
        return windows(x, (3, 3), (2, 3)).transpose(0, 2, 3, 1, 4, 5).reshape(-1, 18)

    def forward(x, w, b):
        out = columns(x) @ w.reshape(3, -1).T + b
        return out.reshape(2, 2, 2, 3).transpose(0, 3, 1, 2)

    def backward(g, x, w, b):
        cols, W = columns(x), w.reshape(3, -1)
        dout = g.transpose(0, 2, 3, 1).reshape(-1, 3)
        dw = cols.T @ dout
        back = (dout @ W).reshape(2, 2, 2, 2, 3, 3)
        dx = np.zeros_like(x)
        for i in range(2):
            for j in range(2):
                dcols = back[:, i, j]
                dx[:, :, i : i + 3, j : j + 3] += dcols
        return dx, (dw.T).reshape(w.shape), dout.sum(0)

    return forward, backward


@layer(
    {"x": (1, 3, 4, 4), "w": (3, 2, 2)},
    (
        "g[:, :, i : i + 1, j : j + 1] * w",
        "g[:, :, i : i + 1, j : j + 1] * w[:, ::-1, ::-1]",
        "flipped",
    ),
    ("+= (g[:, :, i, j]", "+= 2 * (g[:, :, i, j]", "factor"),
    (
        "* xp[:, :, i : i + 2, j : j + 2]",
        "* xp[:, :, i : i + 2, j : j + 2].swapaxes(-1, -2)",
        "transposed",
    ),
)
def depthwise_conv():
    def forward(x, w):
        return np.einsum("ncijkl,ckl->ncij", windows(x, (2, 2), (2, 3)), w)

    def backward(g, x, w):
        xp, dx, dw = x, np.zeros_like(x), np.zeros_like(w)
        for i in range(3):
            for j in range(3):
                dx[:, :, i : i + 2, j : j + 2] += g[:, :, i : i + 1, j : j + 1] * w
                dw += (g[:, :, i, j][:, :, None, None] * xp[:, :, i : i + 2, j : j + 2]).sum(0)
        return dx, dw

    return forward, backward


@layer(
    {"x": (1, 2, 3, 3), "w": (2, 2)},
    ("g, w), np", "g, w) / 9, np", "factor"),
    ("g, w), np", "g, -w), np", "sign"),
    ("nchw->oc", "nchw->co", "shape|transposed"),
)
def pointwise_conv():
    def forward(x, w):
        return np.einsum("nchw,oc->nohw", x, w)

    def backward(g, x, w):
        return np.einsum("nohw,oc->nchw", g, w), np.einsum("nohw,nchw->oc", g, x)

    return forward, backward


@layer(
    {"x": (2, 3), "w": (4,)},
    ("2 * i : 2 * i + 4] @", "i : i + 4] @", "window"),
    ("@ w", "@ w[::-1]", "flipped|reversed"),
    ("slice(2 * i, 2 * i + 4)", "slice(i, i + 4)", "window"),
)
def transposed_conv1d():
    def forward(x, w):
        out = np.zeros((2, 8))
        for i in range(3):
            out[:, 2 * i : 2 * i + 4] += x[:, i : i + 1] * w
        return out

    def backward(g, x, w):
        part = lambda i: g[:, slice(2 * i, 2 * i + 4)]
        dx = np.stack([g[:, 2 * i : 2 * i + 4] @ w for i in range(3)], axis=1)
        return dx, sum((x[:, i : i + 1] * part(i)).sum(0) for i in range(3))

    return forward, backward


@layer(
    {"x": DISTINCT},
    ("(v == v.max((3, 5), keepdims=True))", "np.ones_like(v)", "chosen"),
    (
        "(v == v.max((3, 5), keepdims=True))",
        "(v == v.min((3, 5), keepdims=True))",
        "chosen",
    ),
    ("g[:, :, :, None, :, None] *", "g[:, :, :, None, :, None] / 4 *", "factor"),
    ("g[:, :, :, None, :, None] *", "np.roll(g, 1, 3)[:, :, :, None, :, None] *", "shifted"),
)
def max_pool_reshape():
    def forward(x):
        return x.reshape(1, 2, 2, 2, 3, 2).max((3, 5))

    def backward(g, x):
        v = x.reshape(1, 2, 2, 2, 3, 2)
        return (g[:, :, :, None, :, None] * (v == v.max((3, 5), keepdims=True))).reshape(x.shape)

    return forward, backward


@layer(
    {"x": TIES},
    ("mask / mask.sum((2, 3), keepdims=True)", "mask", "tie"),
    ("mask / mask.sum((2, 3), keepdims=True)", "mask * 0.4", "tie|factor"),
    ("g[:, :, i, j] * share", "-g[:, :, i, j] * share", "tie|sign"),
)
def max_pool_with_ties():
    def forward(x):
        return np.array([[[[x[0, 0, i : i + 2, j : j + 2].max() for j in (0, 2)] for i in (0, 2)]]])

    def backward(g, x):
        dx = np.zeros_like(x)
        for i in range(2):
            for j in range(2):
                part = x[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
                mask = part == part.max((2, 3), keepdims=True)
                share = mask / mask.sum((2, 3), keepdims=True)
                dx[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] += g[:, :, i, j] * share
        return dx

    return forward, backward


@layer(
    {"x": np.random.default_rng(2).permutation(25).reshape(5, 5) / 5.0},
    ("[2 * i + k, 2 * j + m] += g[i, j]", "[i + k, j + m] += g[i, j]", "window"),
    ("[2 * i + k, 2 * j + m] += g[i, j]", "[2 * i + k, 2 * j + m] = g[i, j]", "assigned"),
    (
        "[2 * i + k, 2 * j + m] += g[i, j]",
        "[2 * i + m, 2 * j + k] += g[i, j]",
        "transposed",
    ),
)
def max_pool_overlapping():
    def forward(x):
        return windows(x, (3, 3))[::2, ::2].max((2, 3))

    def backward(g, x):
        dx = np.zeros_like(x)
        for i in range(2):
            for j in range(2):
                part = x[2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
                k, m = np.unravel_index(np.argmax(part), part.shape)
                dx[2 * i + k, 2 * j + m] += g[i, j]
        return dx

    return forward, backward


@layer(
    {"x": (2, 4, 6)},
    ("/ 4", "", "factor"),
    ("/ 4", "/ 2", "factor"),
    ("axis=2)", "axis=2)[:, :, ::-1]", "reversed|shifted"),
)
def average_pool():
    def forward(x):
        return x.reshape(2, 2, 2, 3, 2).mean((2, 4))

    def backward(g, x):
        return np.repeat(np.repeat(g, 2, axis=1), 2, axis=2) / 4

    return forward, backward


@layer(
    {"x": (7,)},
    ("dx[2 * i : 2 * i + 3]", "dx[i : i + 3]", "window"),
    ("dx[2 * i : 2 * i + 3] +=", "dx[2 * i : 2 * i + 3] =", "assigned"),
    ("g[i] / 3", "g[i]", "factor"),
)
def average_pool_overlapping():
    def forward(x):
        return np.array([x[2 * i : 2 * i + 3].mean() for i in range(3)])

    def backward(g, x):
        dx = np.zeros_like(x)
        for i in range(3):
            dx[2 * i : 2 * i + 3] += g[i] / 3
        return dx

    return forward, backward


@layer(
    {"x": (2, 3, 4, 4)},
    ("/ 16", "", "factor"),
    ("/ 16", "/ 4", "factor"),
    ("np.ones_like(x)", "x", "chain"),
)
def global_average_pool():
    def forward(x):
        return x.mean((2, 3))

    def backward(g, x):
        return g[:, :, None, None] * np.ones_like(x) / 16

    return forward, backward


@layer(
    {"x": (2, 3, 3)},
    ("g.reshape(2, 3, 2, 3, 2).sum((2, 4))", "g[:, ::2, ::2]", "missing sum|assigned|contribution"),
    (".sum((2, 4))", ".mean((2, 4))", "factor"),
    (
        "g.reshape(2, 3, 2, 3, 2).sum((2, 4))",
        "g.reshape(2, 2, 3, 2, 3).sum((1, 3))",
        "window|shifted",
    ),
)
def upsample_nearest():
    def forward(x):
        return x.repeat(2, axis=1).repeat(2, axis=2)

    def backward(g, x):
        return g.reshape(2, 3, 2, 3, 2).sum((2, 4))

    return forward, backward


@layer(
    {"x": (4,)},
    ("g[1:-1:2] / 2", "g[1:-1:2]", "factor"),
    ("dx[1:] +=", "dx[1:] -=", "sign"),
    ("dx = g[::2].copy()", "dx = np.zeros_like(x)", "contribution"),
)
def upsample_linear():
    def forward(x):
        out = np.zeros(7)
        out[::2] = x
        out[1:-1:2] = (x[1:] + x[:-1]) / 2
        return out

    def backward(g, x):
        dx = g[::2].copy()
        half = g[1:-1:2] / 2
        dx[1:] += half
        dx[:-1] += half
        return dx

    return forward, backward


@layer(
    {"x": (2, 3, 3)},
    ("g[:, 1:-1, 2:-1]", "g[:, 1:-1, 1:-2]", "shifted|window"),
    ("g[:, 1:-1, 2:-1]", "g[:, :-2, :-3]", "window|shifted"),
    ("g[:, 1:-1, 2:-1]", "g[:, 1:-1, 2:-1] * 2", "factor"),
)
def zero_padding():
    def forward(x):
        return np.pad(x, ((0, 0), (1, 1), (2, 1)))

    def backward(g, x):
        return g[:, 1:-1, 2:-1]

    return forward, backward


@layer(
    {"x": (2, 2, 3)},
    ("g.reshape(x.shape)", "g.reshape(3, 2, 2).T.reshape(x.shape)", "transposed"),
    ("g.reshape(x.shape)", "g.T.reshape(x.shape)", "transposed"),
    ("g.reshape(x.shape)", "g.reshape(x.shape)[::-1]", "shifted|reversed"),
)
def flatten():
    def forward(x):
        return x.reshape(len(x), -1)

    def backward(g, x):
        return g.reshape(x.shape)

    return forward, backward
