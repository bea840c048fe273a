"""Functions of functions mean what they mean in `torch.func` and `torch.autograd.functional`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.pytrees import map_tree, paired

torch = pytest.importorskip("torch")

pytestmark = [  # what PyTorch says of its own internals
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

rng = np.random.default_rng(0)
VECTOR, OTHER = rng.standard_normal((2, 3))
MATRIX = rng.standard_normal((2, 3))

Case = Callable[[Any, Any, Any, Any, Any], Any]  # of the library, its func, x, y and m


def cube(x: Any) -> Any:
    return (x * x * x).sum()


def weighted(x: Any, y: Any) -> Any:
    return (x * x * y).sum()


def pair(x: Any, y: Any) -> Any:
    return {"a": x, "b": [y]}


def of_pair(p: Any) -> Any:
    return (p["a"] ** 2 * p["b"][0]).sum()


AGREE: dict[str, Case] = {
    "grad of grad": lambda L, F, x, y, m: F.grad(F.grad(lambda x: L.sin(x)))(x[0]),
    "three times": lambda L, F, x, y, m: F.grad(F.grad(F.grad(lambda x: L.sin(x))))(x[0]),
    "second derivative of a linear function": lambda L, F, x, y, m: F.grad(F.grad(lambda x: 2 * x))(
        x[0]
    ),
    "argnums": lambda L, F, x, y, m: F.grad(weighted, argnums=(1, 0))(x, y),
    "negative argnums": lambda L, F, x, y, m: F.grad(weighted, argnums=-1)(x, y),
    "aux": lambda L, F, x, y, m: F.grad(lambda x: (cube(x), {"twice": x * 2}), has_aux=True)(x),
    "value and aux": lambda L, F, x, y, m: F.grad_and_value(
        lambda x: (cube(x), x * 2), has_aux=True
    )(x),
    "unused argument": lambda L, F, x, y, m: F.grad(lambda x, y: cube(x), argnums=(0, 1))(x, y),
    "constant": lambda L, F, x, y, m: F.grad(lambda x: y.sum())(x),
    "identity": lambda L, F, x, y, m: F.grad(lambda x: x)(x[0]),
    "no entries": lambda L, F, x, y, m: F.grad(lambda x: x.sum())(x[:0]),
    "tree": lambda L, F, x, y, m: F.grad(of_pair)(pair(x, y)),
    "hessian of a tree": lambda L, F, x, y, m: F.hessian(of_pair)(pair(x, y)),
    "hessian of two": lambda L, F, x, y, m: F.hessian(weighted, argnums=(0, 1))(x, y),
    "hessian of the second": lambda L, F, x, y, m: F.hessian(weighted, argnums=1)(x, y),
    "hessian without entries": lambda L, F, x, y, m: F.hessian(lambda x: x.sum())(x[:0]),
    "hessian of a constant": lambda L, F, x, y, m: F.hessian(lambda x: y.sum())(x),
    "vmap of hessian": lambda L, F, x, y, m: F.vmap(F.hessian(cube))(m),
    "vmap of grad": lambda L, F, x, y, m: F.vmap(F.grad(cube))(m),
    "grad of vmap": lambda L, F, x, y, m: F.grad(lambda m: F.vmap(cube)(m).sum())(m),
    "vmap of vmap": lambda L, F, x, y, m: F.vmap(F.vmap(lambda x: x * x))(m),
    "jacrev of vmap": lambda L, F, x, y, m: F.jacrev(F.vmap(cube))(m),
    "vmap of constants": lambda L, F, x, y, m: F.vmap(lambda r: L.tensor(2.0))(m),
    "vmap last axis": lambda L, F, x, y, m: F.vmap(cube, in_dims=-1)(m),
    "vmap out axes": lambda L, F, x, y, m: F.vmap(lambda r: (r, 2 * r), out_dims=(0, -1))(m),
    "vmap one out axis": lambda L, F, x, y, m: F.vmap(lambda r: r, out_dims=(1,))(m),
    "vmap out None": lambda L, F, x, y, m: F.vmap(
        lambda r, y: (r, y * 2), in_dims=(0, None), out_dims=(0, None)
    )(m, y),
    "vmap tree of axes": lambda L, F, x, y, m: F.vmap(
        lambda p: p["a"] * p["b"][0], in_dims=({"a": 0, "b": None},)
    )(pair(m, y)),
    "vmap keyword": lambda L, F, x, y, m: F.vmap(lambda r, s: r * s)(m, s=x),
    "vmap same randomness": lambda L, F, x, y, m: F.vmap(
        lambda r: r + 0 * L.rand(1), randomness="same"
    )(m),
    "vjp": lambda L, F, x, y, m: F.vjp(lambda x: {"s": x * x, "t": y * x}, x)[1]({"s": y, "t": x}),
    "vjp of a constant": lambda L, F, x, y, m: F.vjp(lambda x: y * 2, x)[1](y),
    "vjp twice": lambda L, F, x, y, m: [F.vjp(L.sin, x)[1](v) for v in (y, 2 * y)],
    "jvp of a constant": lambda L, F, x, y, m: F.jvp(lambda x: y * 2, (x,), (y,)),
    "jvp with an integer result": lambda L, F, x, y, m: F.jvp(
        lambda x: (x * x, x.long()), (x,), (y,)
    ),
    "jvp aux": lambda L, F, x, y, m: F.jvp(lambda x: (x * x, x), (x,), (y,), has_aux=True),
    "linearize": lambda L, F, x, y, m: F.linearize(lambda x: {"s": x * x}, x)[1](y),
}
for transform in ("jacrev", "jacfwd"):
    for name, function in {
        "of itself": lambda L, J, x, y, m: J(J(lambda x: x**3))(x),
        "no result entries": lambda L, J, x, y, m: J(lambda x: x[:0])(x),
        "no entries": lambda L, J, x, y, m: J(lambda x: x.sum())(x[:0]),
        "no entries at all": lambda L, J, x, y, m: J(lambda x: x * 2)(m[:0]),
        "constant": lambda L, J, x, y, m: J(lambda x: y.sum())(x),
        "several results": lambda L, J, x, y, m: J(lambda x: (x * x, [x.sum()]))(x),
        "aux": lambda L, J, x, y, m: J(lambda x: (x * x, {"i": x.long()}), has_aux=True)(x),
        "tree": lambda L, J, x, y, m: J(lambda p: {"out": p["a"] * p["b"][0]})(pair(x, y)),
        "two arguments": lambda L, J, x, y, m: J(lambda x, y: x, argnums=(0, 1))(x, y),
    }.items():
        AGREE[f"{transform}, {name}"] = lambda L, F, *t, function=function, transform=transform: (
            function(L, getattr(F, transform), *t)
        )

REFUSED: dict[str, Case] = {
    "argnums twice": lambda L, F, x, y, m: F.grad(weighted, argnums=(0, 0))(x, y),
    "argnums twice, one negative": lambda L, F, x, y, m: F.jacrev(weighted, argnums=(0, -2))(x, y),
    "argnums empty": lambda L, F, x, y, m: F.grad(weighted, argnums=())(x, y),
    "argnums of another type": lambda L, F, x, y, m: F.grad(weighted, argnums="0")(x, y),
    "argnums out of range": lambda L, F, x, y, m: F.grad(weighted, argnums=2)(x, y),
    "only keywords": lambda L, F, x, y, m: F.grad(weighted)(x=x, y=y),
    "several numbers": lambda L, F, x, y, m: F.grad(lambda x: x)(x),
    "no tensor": lambda L, F, x, y, m: F.grad(lambda x: 2.0)(x),
    "no pair": lambda L, F, x, y, m: F.grad(cube, has_aux=True)(x),
    "three for a pair": lambda L, F, x, y, m: F.grad(lambda x: (x, 1, 2), has_aux=True)(x[0]),
    "integers": lambda L, F, x, y, m: F.grad(cube)(x.long()),
    "an array": lambda L, F, x, y, m: F.grad(cube)(VECTOR),
    "jacrev of an integer result": lambda L, F, x, y, m: F.jacrev(lambda x: x.long())(x),
    "jacrev of a float": lambda L, F, x, y, m: F.jacrev(lambda x: 2.0)(x),
    "jacfwd of a float": lambda L, F, x, y, m: F.jacfwd(lambda x: 2.0)(x),
    "jacfwd of integers": lambda L, F, x, y, m: F.jacfwd(cube)(x.long()),
    "hessian of integers": lambda L, F, x, y, m: F.hessian(cube)(x.long()),
    "cotangents of another shape": lambda L, F, x, y, m: F.vjp(L.sin, x)[1](m),
    "cotangents of another form": lambda L, F, x, y, m: F.vjp(lambda x: {"s": x}, x)[1](y),
    "cotangents of other keys": lambda L, F, x, y, m: F.vjp(lambda x: {"s": x}, x)[1]({"t": y}),
    "tangents of another shape": lambda L, F, x, y, m: F.jvp(L.sin, (x,), (m,)),
    "tangents of other keys": lambda L, F, x, y, m: F.jvp(of_pair, (pair(x, y),), ({"a": x},)),
    "tangent None": lambda L, F, x, y, m: F.jvp(weighted, (x, y), (x, None)),
    "too many tangents": lambda L, F, x, y, m: F.jvp(L.sin, (x,), (x, y)),
    "vmap of a number": lambda L, F, x, y, m: F.vmap(lambda r: 2.0)(m),
    "vmap of None": lambda L, F, x, y, m: F.vmap(lambda r: None)(m),
    "vmap of item": lambda L, F, x, y, m: F.vmap(lambda r: r.sum().item())(m),
    "vmap of 0-d": lambda L, F, x, y, m: F.vmap(cube)(x[0]),
    "vmap, no such axis": lambda L, F, x, y, m: F.vmap(cube, in_dims=2)(m),
    "vmap, no such negative axis": lambda L, F, x, y, m: F.vmap(cube, in_dims=-3)(m),
    "vmap, axis of another type": lambda L, F, x, y, m: F.vmap(cube, in_dims=0.5)(m),
    "vmap, no axis": lambda L, F, x, y, m: F.vmap(cube, in_dims=(None,))(m),
    "vmap, too few axes": lambda L, F, x, y, m: F.vmap(weighted, in_dims=(0,))(m, m),
    "vmap, too many places": lambda L, F, x, y, m: F.vmap(lambda r: (r, r), out_dims=(0, 1, 0))(m),
    "vmap, None for a batch": lambda L, F, x, y, m: F.vmap(lambda r: r, out_dims=None)(m),
    "vmap, sizes differ": lambda L, F, x, y, m: F.vmap(weighted)(m, x),
    "vmap, random numbers": lambda L, F, x, y, m: F.vmap(lambda r: r + L.rand(1))(m),
    "vmap, unknown randomness": lambda L, F, x, y, m: F.vmap(cube, randomness="some")(m),
}

FUNCTIONAL = {"jacobian": 0, "hessian": 0, "vjp": 0, "jvp": 1, "hvp": 1, "vhp": 1}  # vectors


def run(library: Any, case: Case) -> Any:
    return case(library, library.func, *[library.tensor(a) for a in (VECTOR, OTHER, MATRIX)])


@pytest.mark.parametrize("name", AGREE)
def test_results_are_the_same(name: str) -> None:
    theirs, ours = run(torch, AGREE[name]), run(mg, AGREE[name])
    for path, here, there in paired(ours, map_tree(lambda t: t.numpy(), theirs)):
        assert here.shape == there.shape, path
        assert here.dtype == there.dtype, path
        np.testing.assert_allclose(here.numpy(), there, rtol=1e-12, atol=1e-14, err_msg=path)


@pytest.mark.parametrize("name", REFUSED)
def test_what_pytorch_refuses_is_refused_with_a_reason(name: str) -> None:
    with pytest.raises(Exception):  # noqa: B017  of whatever kind PyTorch chose
        run(torch, REFUSED[name])
    with pytest.raises((TypeError, ValueError, RuntimeError)) as caught:
        run(mg, REFUSED[name])
    assert not isinstance(caught.value, IndexError)  # np.exceptions.AxisError is a ValueError, too


@pytest.mark.parametrize("name", FUNCTIONAL)
@pytest.mark.parametrize(
    "function",
    [lambda x, y: (x * x * y).sum(), lambda x, y: (x * x).sum(), lambda x, y: (x * y).sum()],
    ids=["both", "first", "product"],
)
def test_strict_refuses_what_pytorchs_does(name: str, function: Any) -> None:
    said = []
    for library in (torch, mg):
        inputs = tuple(library.tensor(a) for a in (VECTOR, OTHER))
        vectors = (inputs,) * FUNCTIONAL[name]
        try:
            getattr(library.autograd.functional, name)(function, inputs, *vectors, strict=True)
            said.append("accepted")
        except RuntimeError:
            said.append("refused")
    assert said[0] == said[1]
