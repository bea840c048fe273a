"""Functions of `mg.func` are compiled like any others: one program, other numbers at each call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import minigrad as mg
from minigrad.func import grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

W = mg.tensor(np.random.default_rng(0).standard_normal((5, 4)))


def layer(x: mg.Tensor) -> mg.Tensor:
    return mg.tanh(W @ x)


def number(x: mg.Tensor) -> mg.Tensor:
    return layer(x).sum()


TRANSFORMS: dict[str, Callable[[mg.Tensor], mg.Tensor]] = {
    "grad": lambda xs: grad(number)(xs[0]),
    "grad of grad": lambda xs: grad(lambda x: grad(number)(x).square().sum())(xs[0]),
    "jvp": lambda xs: jvp(layer, (xs[0],), (xs[1],))[1],
    "vjp": lambda xs: vjp(layer, xs[0])[1](layer(xs[1]))[0],
    "jacrev": lambda xs: jacrev(layer)(xs[0]),
    "jacfwd": lambda xs: jacfwd(layer)(xs[0]),
    "hessian": lambda xs: hessian(number)(xs[0]),
    "vmap": lambda xs: vmap(number)(xs),
    "vmap of grad": lambda xs: vmap(grad(number))(xs),
    "vmap of hessian": lambda xs: vmap(hessian(number))(xs),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_compiled_transform_equals_eager(name: str) -> None:
    function = TRANSFORMS[name]
    compiled = mg.compile(function)
    for seed in range(4):
        xs = mg.tensor(np.random.default_rng(seed).standard_normal((7, 4)))
        np.testing.assert_allclose(compiled(xs).numpy(), function(xs).numpy(), 1e-12, 1e-14)
    assert len(compiled.programs) == 1


def test_a_compiled_hessian_is_that_of_the_formula() -> None:
    compiled = mg.compile(TRANSFORMS["hessian"])
    w = W.numpy()
    for seed in range(4):
        xs = np.random.default_rng(seed).standard_normal((7, 4))
        y = np.tanh(w @ xs[0])
        formula = w.T @ np.diag(-2 * y * (1 - y * y)) @ w
        np.testing.assert_allclose(compiled(mg.tensor(xs)).numpy(), formula, 1e-12, 1e-13)
