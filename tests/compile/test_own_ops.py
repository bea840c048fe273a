"""Ops of a user's own that have names of ours: they are compiled as what they are."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

OPS: dict[str, tuple[Any, ...]] = {
    # name: forward, VJPs
    "inv": (lambda x: 1 / x, lambda g, x: -g / x / x),
    "T": (lambda x: x * 2, lambda g: g * 2),
    "mT": (lambda x: x * 3, lambda g: g * 3),
    "matmul": (lambda x, y: x * y * 2, lambda g, y: g * 2 * y, lambda g, x: g * 2 * x),
    "mul": (lambda x, y: x * y * y, lambda g, y: g * y * y, lambda g, x, y: g * x * 2 * y),
    "neg": (lambda x: x + 0, lambda g: g),
    "trace": (lambda x: x.sum(), lambda g, x_shape: np.broadcast_to(g, x_shape)),
    "mean": (lambda x: x.sum() * 2, lambda g, x_shape: np.broadcast_to(g * 2, x_shape)),
    "clone": (lambda x: x * 5, lambda g: g * 5),
    "add": (lambda x, y: x - y, lambda g: g, lambda g: -g),
    "square": (lambda x: x * x * x, lambda g, x: g * 3 * x * x),
    "linear": (lambda x, y: x - 2 * y, lambda g: g, lambda g: -2 * g),
    "where": (lambda x, y: x + 3 * y, lambda g: g, lambda g: 3 * g),
    "solve": (lambda x, y: x + y * y, lambda g: g, lambda g, y: 2 * g * y),
}
BACKENDS = [
    "numpy",
    pytest.param(
        "numba",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("numba") is None, reason="numba is not installed"
        ),
    ),
]


def own(name: str) -> Callable[..., Any]:
    forward, *vjps = OPS[name]
    forward.__name__ = name
    made: Callable[..., Any] = mg.op(*vjps)(forward)
    return made


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", OPS)
def test_an_op_is_known_by_what_it_is(name: str, backend: str) -> None:
    function = own(name)
    two = len(OPS[name]) == 3

    def gradients(a: mg.Tensor, b: mg.Tensor) -> Any:
        a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
        out = function(a @ b, b) @ b if two else function(a @ b) * a + function(a) * (a @ b)
        return out.detach(), *mg.autograd.grad((out * out).sum(), (a, b))

    compiled = mg.compile(gradients, algebra=True, backend=backend)
    rng = np.random.default_rng(0)
    for _ in range(3):
        a, b = mg.tensor(rng.random((3, 3)) + np.eye(3)), mg.tensor(rng.random((3, 3)))
        for found, expected in zip(compiled(a, b), gradients(a, b), strict=True):
            np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-11)
