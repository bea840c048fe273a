"""Layers of papers as people rebuild them in NumPy: attention, norms, gates, generative losses."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer


def softmax(z, axis=-1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def sigma(z):
    return 1.0 / (1.0 + np.exp(-z))


@layer(
    {"x": (2, 3, 4)},
    ("ds = ds / np.sqrt(self.d)", "ds = ds * 1.0", "factor"),
    (
        "a * (da - np.sum(da * a, axis=-1, keepdims=True))",
        "a * (1 - a) * da",
        "attention|cross terms",
    ),
    ("da = dctx @ v.swapaxes(-1, -2)", "da = dctx @ v.swapaxes(-1, -2) * 0", "zero"),
    ("dk = ds.swapaxes(-1, -2) @ q", "dk = ds @ q", "transposed"),
    ("self.merge(dctx_heads)", "dctx.reshape(2, 3, 4)", "transposed"),
)
def multi_head_self_attention():
    class SelfAttention:
        def __init__(self, dim=4, heads=2):
            rng = np.random.default_rng(21)
            self.h, self.d = heads, dim // heads
            for name in ("Wq", "Wk", "Wv", "Wo"):
                setattr(self, name, rng.standard_normal((dim, dim)) / 2)

        def split(self, t):
            b, n, _ = t.shape
            return t.reshape(b, n, self.h, self.d).transpose(0, 2, 1, 3)

        def merge(self, t):
            b, _, n, _ = t.shape
            return t.transpose(0, 2, 1, 3).reshape(b, n, -1)

        def forward(self, x):
            q, k, v = (self.split(x @ w) for w in (self.Wq, self.Wk, self.Wv))
            a = softmax(q @ k.swapaxes(-1, -2) / np.sqrt(self.d))
            ctx = self.merge(a @ v)
            self.saved = x, q, k, v, a, ctx
            return ctx @ self.Wo

        def backward(self, dout):
            x, q, k, v, a, ctx = self.saved
            flat = x.reshape(-1, x.shape[-1])
            self.dWo = ctx.reshape(flat.shape).T @ dout.reshape(flat.shape)
            dctx = self.split(dout @ self.Wo.T)
            dctx_heads = a.swapaxes(-1, -2) @ dctx
            da = dctx @ v.swapaxes(-1, -2)
            ds = a * (da - np.sum(da * a, axis=-1, keepdims=True))
            ds = ds / np.sqrt(self.d)
            dq = ds @ k
            dk = ds.swapaxes(-1, -2) @ q
            dq, dk, dv = self.merge(dq), self.merge(dk), self.merge(dctx_heads)
            self.dWq = flat.T @ dq.reshape(flat.shape)
            self.dWk = flat.T @ dk.reshape(flat.shape)
            self.dWv = flat.T @ dv.reshape(flat.shape)
            return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T

    return SelfAttention()


@layer(
    {"x": (4, 3), "We": (3, 4), "Wd": (2, 3), "eps": (4, 2)},
    (
        "dlogvar = 0.5 * deps * std + 0.5 * (var - 1)",
        "dlogvar = deps * std + 0.5 * (var - 1)",
        "factor|term",
    ),
    ("dmu = dz + mu", "dmu = dz", "term"),
    ("dlogvar = 0.5 * deps * std", "dlogvar = 0.5 * deps", "chain|hidden"),
    ("dWd = z.T @ drec", "dWd = mu.T @ drec", "operand"),
)
def variational_autoencoder_with_loss():
    def forward(x, We, Wd, eps):
        mu, logvar = np.split(x @ We, 2, axis=1)
        z = mu + np.exp(0.5 * logvar) * eps
        rec = z @ Wd
        kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
        return 0.5 * np.sum((rec - x) ** 2) + kl

    def backward(g, x, We, Wd, eps):
        mu, logvar = np.split(x @ We, 2, axis=1)
        var, std = np.exp(logvar), np.exp(0.5 * logvar)
        z = mu + std * eps
        drec = z @ Wd - x
        dz = drec @ Wd.T
        deps = dz * eps
        dmu = dz + mu
        dlogvar = 0.5 * deps * std + 0.5 * (var - 1)
        dWd = z.T @ drec
        dh = np.concatenate([dmu, dlogvar], axis=1)
        dx = dh @ We.T - drec
        return g * dx, g * (x.T @ dh), g * dWd, g * dz * std

    return forward, backward


@layer(
    {"xhat": (5, 3), "W": (3, 4), "v": (4,)},
    ("coef = 2 * lam * (norm - 1) / norm", "coef = 2 * lam * (norm - 1)", "row factors"),
    ("dt = -2 * t * (du @ W) * v", "dt = 0 * t", "zero|contribution"),
    ("coef = 2 * lam", "coef = lam", "factor"),
    ("/ len(xhat)", "", "factor"),
)
def gradient_penalty():
    lam = 10.0

    def forward(xhat, W, v):
        t = np.tanh(xhat @ W)
        grad_x = ((1 - t**2) * v) @ W.T
        norm = np.sqrt((grad_x**2).sum(axis=1))
        return lam * np.mean((norm - 1) ** 2)

    def backward(g, xhat, W, v):
        t = np.tanh(xhat @ W)
        s = (1 - t**2) * v
        grad_x = s @ W.T
        norm = np.sqrt((grad_x**2).sum(axis=1, keepdims=True))
        coef = 2 * lam * (norm - 1) / norm
        du = g * coef * grad_x / len(xhat)
        dt = -2 * t * (du @ W) * v
        dpre = dt * (1 - t**2)
        dW = du.T @ s + xhat.T @ dpre
        dv = ((du @ W) * (1 - t**2)).sum(axis=0)
        return dpre @ W.T, dW, dv

    return forward, backward


@layer(
    {"x": (2, 4, 3, 3)},
    ("dxhat.mean(axis=(2, 3, 4), keepdims=True)", "dxhat.mean(axis=(3, 4), keepdims=True)", "axis"),
    (
        "self.dgamma = np.sum(dy * self.xhat, axis=(0, 2, 3))",
        "self.dgamma = np.sum(dy * self.xhat, axis=(0, 2, 3)) / 2",
        "factor",
    ),
    ("dy * self.gamma[None, :, None, None]", "dy", "chain|row factors|gain"),
    ("(dxhat * xhat).mean(axis=(2, 3, 4), keepdims=True)", "0", "cross terms"),
)
def group_norm_of_images():
    class GroupNorm:
        def __init__(self, groups=2, channels=4, eps=1e-5):
            self.G, self.eps = groups, eps
            self.gamma = np.linspace(0.5, 2, channels)
            self.beta = np.linspace(-1, 1, channels)

        def forward(self, x):
            N, C, H, W = x.shape
            g = x.reshape(N, self.G, C // self.G, H, W)
            mean = g.mean(axis=(2, 3, 4), keepdims=True)
            var = g.var(axis=(2, 3, 4), keepdims=True)
            self.inv = 1 / np.sqrt(var + self.eps)
            self.xhat = ((g - mean) * self.inv).reshape(x.shape)
            return self.xhat * self.gamma[None, :, None, None] + self.beta[None, :, None, None]

        def backward(self, dy):
            N, C, H, W = dy.shape
            self.dbeta = np.sum(dy, axis=(0, 2, 3))
            self.dgamma = np.sum(dy * self.xhat, axis=(0, 2, 3))
            shape = (N, self.G, C // self.G, H, W)
            dxhat = (dy * self.gamma[None, :, None, None]).reshape(shape)
            xhat = self.xhat.reshape(shape)
            mean = dxhat.mean(axis=(2, 3, 4), keepdims=True)
            proj = (dxhat * xhat).mean(axis=(2, 3, 4), keepdims=True)
            return (self.inv * (dxhat - mean - xhat * proj)).reshape(dy.shape)

    return GroupNorm()


@layer(
    {"x": (3, 5)},
    ("- self.x * c / D * self.r**3", "", "norm|product|cross terms"),
    ("c / D * self.r**3", "c * self.r**3", "norm|cross terms"),
    ("(dy * self.x * self.r).sum(axis=0)", "(dy * self.x).sum(axis=0)", "operand|chain"),
    ("c = (dy * self.weight * self.x)", "c = (dy * self.x)", "norm|gain|cross terms"),
)
def rms_norm_with_weight_grad():
    class RMSNorm:
        def __init__(self, dim=5):
            self.weight = np.linspace(0.5, 1.5, dim)
            self.weight_grad = None

        def __call__(self, x):
            self.x = x
            self.r = 1 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-6)
            return x * self.r * self.weight

        def backward(self, dy):
            D = dy.shape[-1]
            self.weight_grad = (dy * self.x * self.r).sum(axis=0)
            c = (dy * self.weight * self.x).sum(axis=-1, keepdims=True)
            return dy * self.weight * self.r - self.x * c / D * self.r**3

    return RMSNorm()


@layer(
    {"q": (2, 3, 4)},
    (
        "g1 * cos + g2 * sin, g2 * cos - g1 * sin",
        "g1 * cos - g2 * sin, g2 * cos + g1 * sin",
        "transposed",
    ),
    (
        "g1 * cos + g2 * sin, g2 * cos - g1 * sin",
        "g2 * cos - g1 * sin, g1 * cos + g2 * sin",
        "blocks",
    ),
    ("g1 * cos + g2 * sin,", "g1 * cos,", "contribution"),
)
def rotary_embedding_of_halves():
    theta = np.arange(3)[:, None] / 100.0 ** (np.arange(2) / 2)
    cos, sin = np.cos(theta), np.sin(theta)

    def forward(q):
        q1, q2 = q[..., :2], q[..., 2:]
        return np.concatenate([q1 * cos - q2 * sin, q2 * cos + q1 * sin], axis=-1)

    def backward(g, q):
        g1, g2 = g[..., :2], g[..., 2:]
        return np.concatenate([g1 * cos + g2 * sin, g2 * cos - g1 * sin], axis=-1)

    return forward, backward


@layer(
    {"x": (3, 4), "W1": (4, 5), "W3": (4, 5), "W2": (5, 4)},
    ("s * (1 + a * (1 - s))", "s * (1 - s)", "hidden|chain"),
    ("db = dh * a * s", "db = dh * s", "hidden|chain"),
    ("da @ W1.T + db @ W3.T", "da @ W1.T", "contribution"),
    ("x.T @ da, x.T @ db", "x.T @ db, x.T @ da", "other input"),
)
def swiglu():
    def forward(x, W1, W3, W2):
        a, b = x @ W1, x @ W3
        return (a * sigma(a) * b) @ W2

    def backward(dout, x, W1, W3, W2):
        a, b = x @ W1, x @ W3
        s = sigma(a)
        h = a * s * b
        dh = dout @ W2.T
        da = dh * b * s * (1 + a * (1 - s))
        db = dh * a * s
        return da @ W1.T + db @ W3.T, x.T @ da, x.T @ db, h.T @ dout

    return forward, backward


@layer(
    {"x": (1, 8, 2, 3)},
    (".transpose(0, 1, 3, 5, 2, 4)", ".transpose(0, 1, 5, 3, 2, 4)", "transposed|blocks"),
    (".reshape(N, C, H // r, r, W // r, r).transpose(0, 1, 3, 5, 2, 4)", "", "transposed|identity"),
    ("return t.reshape(x.shape)", "return t.reshape(x.shape) / r**2", "factor"),
)
def pixel_shuffle():
    r = 2

    def forward(x):
        N, C, H, W = x.shape
        t = x.reshape(N, C // r**2, r, r, H, W).transpose(0, 1, 4, 2, 5, 3)
        return t.reshape(N, C // r**2, H * r, W * r)

    def backward(dy, x):
        N, C, H, W = dy.shape
        t = dy.reshape(N, C, H // r, r, W // r, r).transpose(0, 1, 3, 5, 2, 4)
        return t.reshape(x.shape)

    return forward, backward


@layer(
    {"img": (2, 3, 4)},
    ("din[:, y0, x0] += (1 - fy) * (1 - fx)", "din[:, y0, x0] += 1", "window"),
    ("din[:, y1, x1] +=", "din[:, y1, x1] =", "assigned"),
    ("din[:, y0, x1] += (1 - fy) * fx", "din[:, y0, x1] += fy * (1 - fx)", "operand"),
    ("din[:, y1, x0] += fy * (1 - fx) * dout[:, i, j]", "pass", "contribution"),
)
def bilinear_upsampling():
    def corners(i, j, H, W):
        y, x = i * (H - 1) / (2 * H - 1), j * (W - 1) / (2 * W - 1)
        y0, x0 = int(y), int(x)
        return y0, x0, min(y0 + 1, H - 1), min(x0 + 1, W - 1), y - y0, x - x0

    def forward(img):
        C, H, W = img.shape
        out = np.zeros((C, 2 * H, 2 * W), img.dtype)
        for i in range(2 * H):
            for j in range(2 * W):
                y0, x0, y1, x1, fy, fx = corners(i, j, H, W)
                top = img[:, y0, x0] * (1 - fx) + img[:, y0, x1] * fx
                bottom = img[:, y1, x0] * (1 - fx) + img[:, y1, x1] * fx
                out[:, i, j] = top * (1 - fy) + bottom * fy
        return out

    def backward(dout, img):
        _, H, W = img.shape
        din = np.zeros_like(img)
        for i in range(2 * H):
            for j in range(2 * W):
                y0, x0, y1, x1, fy, fx = corners(i, j, H, W)
                din[:, y0, x0] += (1 - fy) * (1 - fx) * dout[:, i, j]
                din[:, y0, x1] += (1 - fy) * fx * dout[:, i, j]
                din[:, y1, x0] += fy * (1 - fx) * dout[:, i, j]
                din[:, y1, x1] += fy * fx * dout[:, i, j]
        return din

    return forward, backward
