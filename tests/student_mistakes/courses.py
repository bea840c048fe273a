"""Layers as courses and blogs write them: caches, dicts, (out, cache), (loss, grads)."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer


def get_im2col_indices(shape, field, padding=1, stride=1):
    _, C, H, W = shape
    out_height = (H + 2 * padding - field) // stride + 1
    out_width = (W + 2 * padding - field) // stride + 1
    i0 = np.tile(np.repeat(np.arange(field), field), C)
    i1 = stride * np.repeat(np.arange(out_height), out_width)
    j0 = np.tile(np.arange(field), field * C)
    j1 = stride * np.tile(np.arange(out_width), out_height)
    i = i0.reshape(-1, 1) + i1.reshape(1, -1)
    j = j0.reshape(-1, 1) + j1.reshape(1, -1)
    k = np.repeat(np.arange(C), field * field).reshape(-1, 1)
    return k, i, j


@layer(
    {"x": (2, 2, 4, 4)},
    (
        "d_out.transpose(1, 2, 3, 0).reshape(3, -1)",
        "d_out.reshape(3, -1)",
        "transposed",
    ),
    (
        "np.add.at(padded, (slice(None), k, i, j), dcols)",
        "padded[:, k, i, j] = dcols",
        "assigned",
    ),
    ("padded[:, :, 1:-1, 1:-1]", "padded[:, :, :-2, :-2]", "window|shifted"),
    (
        "dout_flat @ self.cols.T",
        "dout_flat @ self.cols.T / x.shape[0]",
        "factor",
    ),
)
def conv_im2col():
    class Conv:
        def __init__(self, n_filters=3, h_filter=3):
            rng = np.random.RandomState(0)
            self.W = rng.randn(n_filters, 2, h_filter, h_filter) / 3
            self.b = rng.randn(n_filters, 1)

        def forward(self, X):
            self.X = X
            n = X.shape[0]
            padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
            self.idx = get_im2col_indices(X.shape, 3)
            k, i, j = self.idx
            cols = padded[:, k, i, j]
            self.cols = cols.transpose(1, 2, 0).reshape(18, -1)
            out = self.W.reshape(3, -1) @ self.cols + self.b
            return out.reshape(3, 4, 4, n).transpose(3, 0, 1, 2)

        def backward(self, d_out):
            x = self.X
            k, i, j = self.idx
            dout_flat = d_out.transpose(1, 2, 3, 0).reshape(3, -1)
            self.dW = (dout_flat @ self.cols.T).reshape(self.W.shape)
            self.db = dout_flat.sum(axis=1, keepdims=True)
            dcols = self.W.reshape(3, -1).T @ dout_flat
            dcols = dcols.reshape(18, -1, x.shape[0]).transpose(2, 0, 1)
            padded = np.zeros((x.shape[0], 2, 6, 6), dtype=x.dtype)
            np.add.at(padded, (slice(None), k, i, j), dcols)
            return padded[:, :, 1:-1, 1:-1]

    return Conv()


@layer(
    {"Wxh": (4, 5), "Whh": (4, 4), "Why": (5, 4), "bh": (4, 1), "by": (5, 1)},
    ("dy[targets[t]] -= 1", "dy[targets[t]] -= 0", "labels"),
    ("Why.T @ dy + dhnext", "Why.T @ dy", "truncated"),
    ("(1 - hs[t] * hs[t]) * dh", "(1 - hs[t]) * dh", "hidden|chain"),
    ("dbh += dhraw", "dbh = dhraw", "assigned"),
    ("dWhh += dhraw @ hs[t - 1].T", "dWhh += dhraw @ hs[t].T", "operand"),
)
def min_char_rnn():
    inputs, targets = [0, 2, 1, 4, 2], [2, 1, 4, 2, 3]

    def loss_fun(Wxh, Whh, Why, bh, by):
        xs, hs, ps = {}, {-1: np.zeros((4, 1), Wxh.dtype)}, {}
        loss = 0
        for t in range(len(inputs)):
            xs[t] = np.zeros((5, 1), Wxh.dtype)
            xs[t][inputs[t]] = 1
            hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
            y = Why @ hs[t] + by
            ps[t] = np.exp(y) / np.sum(np.exp(y))
            loss += -np.log(ps[t][targets[t], 0])
        # backward pass
        dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
        dbh, dby = np.zeros_like(bh), np.zeros_like(by)
        dhnext = np.zeros_like(hs[0])
        for t in reversed(range(len(inputs))):
            dy = np.copy(ps[t])
            dy[targets[t]] -= 1
            dWhy += dy @ hs[t].T
            dby += dy
            dh = Why.T @ dy + dhnext
            dhraw = (1 - hs[t] * hs[t]) * dh
            dbh += dhraw
            dWxh += dhraw @ xs[t].T
            dWhh += dhraw @ hs[t - 1].T
            dhnext = Whh.T @ dhraw
        return loss, (dWxh, dWhh, dWhy, dbh, dby)

    return loss_fun


@layer(
    {"x": (4, 2, 3), "w": (6, 5), "b": (5,)},
    ("dout[out <= 0] = 0", "dout[dout <= 0] = 0", "nonlinear"),
    (
        "dw = x.reshape(x.shape[0], -1).T @ dout",
        "dw = x.reshape(x.shape[0], -1).T @ upstream",
        "mask|hidden",
    ),
    ("db = np.sum(dout, axis=0)", "db = np.sum(dout, axis=0) / x.shape[0]", "factor"),
)
def affine_relu_with_cache():
    def affine_relu_forward(x, w, b):
        out = np.maximum(0, x.reshape(x.shape[0], -1).dot(w) + b)
        cache = (x, w, b, out)
        return out, cache

    def affine_relu_backward(dout, cache):
        x, w, _, out = cache
        upstream, dout = dout, dout.copy()  # noqa: F841  # for one of the mistakes
        dout[out <= 0] = 0
        dx = dout.dot(w.T).reshape(x.shape)
        dw = x.reshape(x.shape[0], -1).T @ dout
        db = np.sum(dout, axis=0)
        return dx, dw, db

    return affine_relu_forward, affine_relu_backward


@layer(
    {"x": (6, 3)},
    ("np.sum(dx_norm, axis=0) - along", "np.sum(dx_norm, axis=0)", "cross terms|norm"),
    ("- np.sum(dx_norm, axis=0)", "- np.mean(dx_norm, axis=0)", "cross terms"),
    ("1.0 / N * inv_std", "inv_std", "factor"),
    ("np.sum(dout * x_norm, axis=0)", "np.sum(dout, axis=0)", "other input|operand|chain"),
)
def batchnorm_simplified():
    class BatchNorm:
        def __init__(self, momentum=0.9):
            self.momentum = momentum
            self.params = {"gamma": np.array([1.0, 0.5, 2.0]), "beta": np.zeros(3)}
            self.grads = {"gamma": None, "beta": None}
            self.running_mean, self.running_var = np.zeros(3), np.ones(3)

        def forward(self, x):
            mu, var = x.mean(axis=0), x.var(axis=0)
            inv_std = 1.0 / np.sqrt(var + 1e-5)
            x_norm = (x - mu) * inv_std
            m = self.momentum
            self.running_mean = m * self.running_mean + (1 - m) * mu
            self.running_var = m * self.running_var + (1 - m) * var
            self.cache = {"x_norm": x_norm, "inv_std": inv_std}
            return self.params["gamma"] * x_norm + self.params["beta"]

        def backward(self, dout):
            x_norm, inv_std = self.cache["x_norm"], self.cache["inv_std"]
            N = dout.shape[0]
            self.grads["beta"] = np.sum(dout, axis=0)
            self.grads["gamma"] = np.sum(dout * x_norm, axis=0)
            dx_norm = dout * self.params["gamma"]
            along = x_norm * np.sum(dx_norm * x_norm, axis=0)
            return 1.0 / N * inv_std * (N * dx_norm - np.sum(dx_norm, axis=0) - along)

    return BatchNorm()


@layer(
    {"x": (5, 3)},
    ("self.dW = np.dot(self.inp.T, grad)", "self.dW = np.dot(grad.T, self.inp).T * 2", "factor"),
    ("self.db = np.sum(grad, axis=0)", "self.db = np.mean(grad, axis=0)", "factor"),
    ("np.dot(grad, W_before.T)", "np.dot(grad, self.W.T)", "non-deterministic|nonlinear"),
)
def dense_with_adam_inside():
    class Dense:
        def __init__(self):
            rng = np.random.default_rng(3)
            self.W, self.b = rng.normal(0, 0.5, (3, 4)), np.full(4, 0.1)
            self.m = {"W": np.zeros_like(self.W), "b": np.zeros_like(self.b)}
            self.v = {"W": np.zeros_like(self.W), "b": np.zeros_like(self.b)}
            self.t = 0

        def adam(self, name, value, grad, lr=0.01):
            self.m[name] = 0.9 * self.m[name] + 0.1 * grad
            self.v[name] = 0.999 * self.v[name] + 0.001 * grad**2
            m_hat = self.m[name] / (1 - 0.9**self.t)
            v_hat = self.v[name] / (1 - 0.999**self.t)
            return value - lr * m_hat / (np.sqrt(v_hat) + 1e-8)

        def forward(self, inp):
            self.inp = inp
            return np.dot(inp, self.W) + self.b

        def backward(self, grad):
            self.t += 1
            W_before = self.W
            self.dW = np.dot(self.inp.T, grad)
            self.db = np.sum(grad, axis=0)
            self.W = self.adam("W", self.W, self.dW)
            self.b = self.adam("b", self.b, self.db)
            return np.dot(grad, W_before.T)

    return Dense()


@layer(
    {"x": (2, 3), "h_prev": (2, 4)},
    ('dh_prev = dh * c["z"]', "dh_prev = np.zeros_like(dh)", "residual"),
    ('c["r"] * (1 - c["r"])', 'c["r"]', "hidden|chain|gate"),
    ('(c["h_prev"] - c["n"])', '(c["n"] - c["h_prev"])', "sign"),
    ('c["rh"].T @ dn_raw', 'c["h_prev"].T @ dn_raw', "operand"),
)
def gru_with_dicts():
    class GRUCell:
        def __init__(self):
            rng = np.random.default_rng(12)
            self.params = {}
            for gate in "zrn":
                self.params["W" + gate] = rng.standard_normal((3, 4)) * 0.5
                self.params["U" + gate] = rng.standard_normal((4, 4)) * 0.5
                self.params["b" + gate] = rng.standard_normal(4) * 0.1
            self.grads = {k: np.zeros_like(v) for k, v in self.params.items()}

        def forward(self, x, h_prev):
            p = self.params
            z = 1 / (1 + np.exp(-(x @ p["Wz"] + h_prev @ p["Uz"] + p["bz"])))
            r = 1 / (1 + np.exp(-(x @ p["Wr"] + h_prev @ p["Ur"] + p["br"])))
            rh = r * h_prev
            n = np.tanh(x @ p["Wn"] + rh @ p["Un"] + p["bn"])
            self.cache = {"x": x, "h_prev": h_prev, "z": z, "r": r, "rh": rh, "n": n}
            return z * h_prev + (1 - z) * n

        def backward(self, dh):
            p, c, g = self.params, self.cache, self.grads
            dn_raw = dh * (1 - c["z"]) * (1 - c["n"] ** 2)
            dz_raw = dh * (c["h_prev"] - c["n"]) * c["z"] * (1 - c["z"])
            drh = dn_raw @ p["Un"].T
            dr_raw = drh * c["h_prev"] * c["r"] * (1 - c["r"])
            dh_prev = dh * c["z"]
            dh_prev = dh_prev + drh * c["r"] + dz_raw @ p["Uz"].T + dr_raw @ p["Ur"].T
            dx = dz_raw @ p["Wz"].T + dr_raw @ p["Wr"].T + dn_raw @ p["Wn"].T
            g["Wz"], g["Wr"] = c["x"].T @ dz_raw, c["x"].T @ dr_raw
            g["Uz"], g["Ur"] = c["h_prev"].T @ dz_raw, c["h_prev"].T @ dr_raw
            g["Wn"], g["Un"] = c["x"].T @ dn_raw, c["rh"].T @ dn_raw
            g["bz"], g["br"], g["bn"] = dz_raw.sum(0), dr_raw.sum(0), dn_raw.sum(0)
            return dx, dh_prev

    return GRUCell()


@layer(
    {"x": (2, 3, 4, 4), "w": (3, 3, 3)},
    ("w[c] * dout[n, c, i, j]", "w[c, ::-1, ::-1] * dout[n, c, i, j]", "flipped"),
    ("dw[c] += patch * dout[n, c, i, j]", "dw[c] = patch * dout[n, c, i, j]", "assigned"),
    ("dw[c] += patch * dout[n, c, i, j]", "dw += patch * dout[n, c, i, j]", "extra"),
    ("dxp[:, :, 1:-1, 1:-1]", "dxp[:, :, 2:, 2:]", "window|shifted"),
)
def depthwise_conv_naive():
    def forward(x, w):
        N, C, H, W = x.shape
        xp = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
        out = np.zeros_like(x)
        for n in range(N):
            for c in range(C):
                for i in range(H):
                    for j in range(W):
                        out[n, c, i, j] = np.sum(xp[n, c, i : i + 3, j : j + 3] * w[c])
        return out

    def backward(dout, x, w):
        N, C, H, W = x.shape
        xp = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
        dxp, dw = np.zeros_like(xp), np.zeros_like(w)
        for n in range(N):
            for c in range(C):
                for i in range(H):
                    for j in range(W):
                        patch = xp[n, c, i : i + 3, j : j + 3]
                        dxp[n, c, i : i + 3, j : j + 3] += w[c] * dout[n, c, i, j]
                        dw[c] += patch * dout[n, c, i, j]
        return dxp[:, :, 1:-1, 1:-1], dw

    return forward, backward


@layer(
    {"x": (2, 3, 9)},
    ("k * self.dilation : k * self.dilation + T]\n", "k : k + T]\n", "window|shifted"),
    ("dxp[:, :, self.left :]", "dxp[:, :, :T]", "window|shifted"),
    ("self.db[:] = dy.sum(axis=(0, 2))", "self.db[:] = dy.sum(axis=(0, 2)) / T", "factor"),
)
def causal_dilated_conv():
    class CausalConv1d:
        def __init__(self, c_in=3, c_out=2, k=3, dilation=2):
            rng = np.random.default_rng(5)
            self.dilation, self.left = dilation, (k - 1) * dilation
            self.W = rng.standard_normal((k, c_out, c_in)) / 3
            self.b = rng.standard_normal(c_out)
            self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

        def forward(self, x):
            T = x.shape[2]
            self.xp = np.pad(x, ((0, 0), (0, 0), (self.left, 0)))
            y = 0
            for k in range(3):
                part = self.xp[:, :, k * self.dilation : k * self.dilation + T]
                y = y + np.einsum("oi,bit->bot", self.W[k], part)
            return y + self.b[:, None]

        def backward(self, dy):
            T = dy.shape[2]
            dxp = np.zeros_like(self.xp)
            for k in range(3):
                span = slice(k * self.dilation, k * self.dilation + T)
                part = self.xp[:, :, k * self.dilation : k * self.dilation + T]
                self.dW[k] = np.einsum("bot,bit->oi", dy, part)
                dxp[:, :, span] += np.einsum("oi,bot->bit", self.W[k], dy)
            self.db[:] = dy.sum(axis=(0, 2))
            return dxp[:, :, self.left :]

    return CausalConv1d()
