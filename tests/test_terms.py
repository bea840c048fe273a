"""Mistakes in single terms are named by what the gradient is off by, and as nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.testing import check_layer, check_vjp

RNG = np.random.default_rng(11)
X = RNG.standard_normal((3, 4))
V = RNG.standard_normal((3, 4))
IMAGE = RNG.standard_normal((2, 4, 3))
W = RNG.standard_normal((4, 5))
U = RNG.standard_normal((4, 5))
LABELS = np.array([0, 2, 1])


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def unit_vjp(g, x, share):
    n = np.linalg.norm(x, axis=1, keepdims=True)
    return g / n - share * x * (g * x).sum(1, keepdims=True) / n**3


def turned(x):
    return x.transpose(0, 2, 1) * 2


def groups(x):
    """Less the mean of each pair of channels."""
    parts = x.reshape(2, 2, 2, 3)
    return (parts - parts.mean((2, 3), keepdims=True)).reshape(x.shape)


def groups_vjp(g, x, axes):
    parts = g.reshape(2, 2, 2, 3)
    return (parts - parts.mean(axes, keepdims=True)).reshape(x.shape)


def cross_entropy(x):
    return -np.log(softmax(x)[np.arange(3), LABELS]).sum()


def cross_entropy_vjp(g, x, p, one):
    d = p * softmax(x)
    d[np.arange(3), LABELS] -= one
    return g * d


def counted(b):
    """A loss whose gradient has counts of labels."""
    return 3 * np.log(np.exp(b).sum()) - b[LABELS].sum() - b[0]


def counted_vjp(g, b, labels):
    return g * (3 * softmax(b) - labels * (np.bincount(LABELS, minlength=len(b)) + np.eye(5)[0]))


def gated(x, w, u):
    return np.tanh(x @ w) * (x @ u)


def gated_vjp(g, x, w, u, slope=lambda t: 1 - t * t, factor=np.tanh):
    t = np.tanh(x @ w)
    a, b = g * (x @ u) * slope(t), g * factor(x @ w)
    return a @ w.T + b @ u.T, x.T @ a, x.T @ b


def penalised(x, w):
    return (np.sin(x @ w)).sum() + 0.5 * ((x @ w) ** 2).sum()


def weighted(x):
    return (np.where(X > 0, 3.0, 0.5) * np.exp(x)).sum()


def penalised_vjp(g, x, w, term):
    d = g * (np.cos(x @ w) + term * (x @ w))
    return d @ w.T, x.T @ d


MISTAKES = {
    "the norm": (unit, lambda g, x: unit_vjp(g, x, 0), [X], "norm"),
    "the norm's factor": (unit, lambda g, x: unit_vjp(g, x, 2), [X], "norm|cross terms"),
    "axes": (turned, lambda g, x: 2 * g.reshape(x.shape), [IMAGE], "transposed"),
    "groups": (groups, lambda g, x: groups_vjp(g, x, 3), [IMAGE], "axis"),
    "no groups": (groups, lambda g, x: g, [IMAGE], "cross terms|identity"),
    "softmax": (cross_entropy, lambda g, x: cross_entropy_vjp(g, x, 0, 1), [X], "labels"),
    "label": (cross_entropy, lambda g, x: cross_entropy_vjp(g, x, 1, 0), [X], "labels"),
    "counts": (counted, lambda g, b: counted_vjp(g, b, 0), [RNG.standard_normal(5)], "labels"),
    "slope": (gated, lambda *a: gated_vjp(*a, slope=lambda t: 1 - t), [X, W, U], "hidden|chain"),
    "gate": (gated, lambda *a: gated_vjp(*a, factor=np.ones_like), [X, W, U], "hidden|chain"),
    "penalty": (penalised, lambda g, x, w: penalised_vjp(g, x, w, 0), [X, W], "term"),
    "of another input": (
        lambda x, v: (x * v).sum(1) + (x**2).sum(1),
        lambda g, x, v: (g[:, None] * (2 * v + 2 * x), g[:, None] * x),
        [X, V],
        "term",
    ),
    "classes": (weighted, lambda g, x: g * np.exp(x), [X], "row factors"),
}


RIGHT = [
    (unit, lambda g, x: unit_vjp(g, x, 1), [X]),
    (turned, lambda g, x: 2 * g.transpose(0, 2, 1), [IMAGE]),
    (groups, lambda g, x: groups_vjp(g, x, (2, 3)), [IMAGE]),
    (cross_entropy, lambda g, x: cross_entropy_vjp(g, x, 1, 1), [X]),
    (counted, lambda g, b: counted_vjp(g, b, 1), [RNG.standard_normal(5)]),
    (gated, gated_vjp, [X, W, U]),
    (penalised, lambda g, x, w: penalised_vjp(g, x, w, 1), [X, W]),
    (weighted, lambda g, x: g * np.where(X > 0, 3.0, 0.5) * np.exp(x), [X]),
]


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named(name: str) -> None:
    f, vjp, inputs, kinds = MISTAKES[name]
    report = check_vjp(f, vjp, inputs)
    assert not report.ok
    found = {diagnosis.kind for diagnosis in report.diagnoses} - {"unknown"}
    assert found, report
    assert found <= set(kinds.split("|")), report


@pytest.mark.parametrize(("f", "vjp", "inputs"), RIGHT)
def test_the_right_ones_are_right(f, vjp, inputs) -> None:
    report = check_vjp(f, vjp, inputs)
    assert report.ok, report


class Adam:
    """A layer whose optimizer keeps means of gradients, and updates inside of backward."""

    def __init__(self, factor=1.0):
        self.W, self.factor = W[:, :2].copy(), factor
        self.m, self.v, self.t = np.zeros((4, 2)), np.zeros((4, 2)), 0

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, g):
        dx, self.dW = g @ self.W.T, self.factor * self.x.T @ g
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * self.dW
        self.v = 0.999 * self.v + 0.001 * self.dW**2
        self.W = self.W - 0.1 * self.m / (np.sqrt(self.v) + 1e-8)
        return dx


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_the_state_of_an_optimizer_is_no_parameter(factor: float) -> None:
    layer = Adam(factor)
    report = check_layer(layer, X)
    assert {j.input for j in report.jacobians} == {"x", "W"}
    assert report.ok == (factor == 1)
    assert {(d.kind, d.input) for d in report.diagnoses} == (
        {("factor", "W")} if factor > 1 else set()
    )
    np.testing.assert_array_equal(layer.W, W[:, :2])


class Loss:
    """A loss whose backward pass takes nothing."""

    def forward(self, x, target):
        self.off = x - target
        return (self.off**2).mean()

    def backward(self):
        return self.factor * self.off / self.off.size


@pytest.mark.parametrize("factor", [2, 1])
def test_a_backward_pass_without_arguments_is_that_of_a_loss(factor: int) -> None:
    loss = Loss()
    loss.factor = factor
    report = check_layer(loss, X, V)
    assert report.ok == (factor == 2)
    assert {d.kind for d in report.diagnoses} == (set() if factor == 2 else {"factor"})
