"""Layers as objects, which keep what they need, their parameters and their gradients."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer


def parameters():
    rng = np.random.default_rng(7)
    return rng.standard_normal((3, 4)), rng.standard_normal(4)


@layer(
    {"x": (5, 3)},
    ("self.cache.T @ g", "self.cache.T @ g / 5", "factor"),
    ("g.sum(axis=0)", "g", "missing sum"),
    ("g @ self.W.T", "-g @ self.W.T", "sign"),
)
def dense_with_attributes():
    class Dense:
        def __init__(self):
            self.W, self.b = parameters()

        def forward(self, x):
            self.cache = x
            return x @ self.W + self.b

        def backward(self, g):
            self.dW = self.cache.T @ g
            self.db = g.sum(axis=0)
            return g @ self.W.T

    return Dense()


@layer(
    {"x": (5, 3)},
    ('self.grads["W"] = x.T @ d', 'self.grads["W"] = x.T @ g', "chain|hidden|mask|extra"),
    ("d.sum(axis=0)", "d.mean(axis=0)", "factor"),
    ("g * (self.out > 0)", "g", "mask|extra|hidden|where zero"),
)
def dense_with_dicts():
    class Dense:
        def __init__(self):
            W, b = parameters()
            self.params, self.grads = {"W": W, "b": b}, {}

        def forward(self, x):
            self.x, self.out = x, np.maximum(x @ self.params["W"] + self.params["b"], 0)
            return self.out

        def backward(self, g):
            x, d = self.x, g * (self.out > 0)
            self.grads["W"] = x.T @ d
            self.grads["b"] = d.sum(axis=0)
            return d @ self.params["W"].T

    return Dense()


@layer(
    {"x": (5, 3)},
    ("lr * self.x.T @ g", "lr * self.x.T @ g / 5", "factor"),
    ("self.W -= lr", "self.W += lr", "sign"),
    (
        "dx = g @ self.W.T\n            self.W -= lr * self.x.T @ g",
        "self.W -= lr * self.x.T @ g\n            dx = g @ self.W.T",
        "nonlinear",
    ),
)
def dense_that_updates():
    class Dense:
        def __init__(self):
            self.W, self.b = parameters()

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, g, lr):
            dx = g @ self.W.T
            self.W -= lr * self.x.T @ g
            self.b -= lr * g.sum(0)
            return dx

    return Dense()


@layer(
    {"x": (5, 3)},
    (
        "self.W_opt.update(self.W, self.x.T @ g)",
        "self.W_opt.update(self.W, self.x.T @ g * 2)",
        "factor",
    ),
    ("W = self.W\n", "W = 0 * self.W\n", "zero"),
    ("self.x.T @ g", "-self.x.T @ g", "sign"),
)
def dense_with_an_optimizer():
    class Dense:
        def __init__(self):
            self.W, _ = parameters()
            self.W_opt = None

        def forward_pass(self, x, training=True):
            self.x = x
            return x @ self.W

        def backward_pass(self, g):
            W = self.W
            self.W = self.W_opt.update(self.W, self.x.T @ g)
            return g @ W.T

        forward, backward = forward_pass, backward_pass

    return Dense()


@layer(
    {"x": (3, 4)},
    ("g * self.mask", "g", "mask|extra|where zero|identity"),
    ("g * self.mask", "g * (np.random.rand(*g.shape) < 0.8) / 0.8", "random"),
    ("g * self.mask", "g * self.mask * 0.8", "factor"),
    seed=0,
)
def dropout_with_random_numbers():
    class Dropout:
        def forward(self, x):
            self.mask = (np.random.rand(*x.shape) < 0.8) / 0.8  # noqa: NPY002
            return x * self.mask

        def backward(self, g):
            return g * self.mask

    return Dropout()


@layer(
    {"x": (4, 3)},
    ("self.dW = part", "self.total = self.dW = self.total + part", "accumulates"),
    ("dx = np.zeros", "dx = np.empty", "uninitialised"),
    ("self.dW = part", "self.dW = part * (1 + np.random.rand())", "random"),
)
def state_that_stays():
    class Layer:
        def __init__(self):
            self.W, self.total = parameters()[0], 0

        def forward(self, x):
            self.x = x
            return np.maximum(x, 0)[:, :2] @ self.W[:2]

        def backward(self, g):
            dx = np.zeros((4, 3))
            dx[:, :2] = g @ self.W[:2].T * (self.x[:, :2] > 0)
            part = (np.maximum(self.x, 0) * [1, 1, 0]).T @ g
            self.dW = part
            return dx

    return Layer()
