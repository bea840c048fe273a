"""Derivatives of functions at given inputs, with PyTorch's ``autograd.functional`` names.

`minigrad.func` is the newer interface, which returns functions; this one takes ``func, inputs``.
Inputs and outputs are a tensor or a tuple of tensors, and results have the form of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import func as transforms
from minigrad.autograd.differentiate import grad
from minigrad.errors import ArgumentError
from minigrad.func.calls import detached
from minigrad.graph import Variable, wrap
from minigrad.modes import enable_grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def as_tuple(value: Any, what: str) -> tuple[Any, ...]:
    listed = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    for each in listed:
        if not isinstance(each, Variable):
            raise TypeError(
                f"{what}: expected a tensor or a tuple of tensors, got {type(each).__name__}"
            )
    return listed


def like(value: Any, pattern: Any) -> Any:
    """A tuple, or its one member, as `pattern` is one or the other."""
    return tuple(value) if isinstance(pattern, (tuple, list)) else value[0]


def prepared(inputs: Any, create_graph: bool) -> tuple[Any, ...]:
    """The inputs as a tuple; recorded only if the result is to be differentiated in turn."""
    listed = as_tuple(inputs, "inputs")
    return listed if create_graph else tuple(wrap(x._array) for x in listed)


def cleaned(tree: Any, create_graph: bool) -> Any:
    return tree if create_graph else detached(tree)


def given_or_ones(v: Any, pattern: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    """The vectors `v`, checked; None stands for 1 where there is a single number."""
    if v is None:
        if len(pattern) != 1 or pattern[0]._array.size != 1:
            raise RuntimeError(f"{what}: v may be left out only for a single number")
        return (wrap(np.ones_like(pattern[0]._array)),)
    listed = as_tuple(v, "v")
    shapes = [x.shape for x in listed]
    if shapes != [x.shape for x in pattern]:
        raise RuntimeError(f"{what}: v has shapes {shapes}, expected {[x.shape for x in pattern]}")
    return listed


def check_dependence(
    func: Callable[..., Any], primals: tuple[Any, ...], what: str, each: bool = False
) -> None:
    """What ``strict=True`` asks for: no output is a constant, and each input matters.

    each   to every output; otherwise to one of them
    """
    leaves = [wrap(x._array).requires_grad_() for x in primals]
    with enable_grad():
        outputs = as_tuple(func(*leaves), "outputs")
    for i, y in enumerate(outputs):
        if y._node is None:
            raise RuntimeError(f"{what}: strict=True, and output {i} does not depend on the inputs")
    for i, group in enumerate([[y] for y in outputs] if each else [outputs]):
        ones = [wrap(np.ones_like(y._array)) for y in group]
        gradients: Any = grad(group, leaves, ones, True, allow_unused=True)
        for j, gradient in enumerate(gradients):
            if gradient is None:
                which = f"output {i} does" if each else "the outputs do"
                raise RuntimeError(f"{what}: strict=True, and {which} not depend on input {j}")


def transform_of(strategy: str, what: str) -> Callable[..., Any]:
    transforms_of: dict[str, Callable[..., Any]] = {
        "reverse-mode": transforms.jacrev,
        "forward-mode": transforms.jacfwd,
    }
    if strategy not in transforms_of:
        raise ArgumentError(f"{what}: strategy is one of {sorted(transforms_of)}, got {strategy!r}")
    return transforms_of[strategy]


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The outputs of `func` at `inputs`, and vᵀ J for each input.

    v             cotangents of the outputs; may be left out for a single number
    create_graph  record the result
    strict        raise if an output does not depend on an input, instead of returning zeros

    Raises   RuntimeError if v has other shapes than the outputs, or with `strict`; TypeError if an
             input is not a tensor.
    Example  >>> import minigrad as mg
             >>> from minigrad.autograd.functional import vjp
             >>> vjp(lambda x: (x * x).sum(), mg.tensor([1.0, 2.0]))
             (tensor(5.), tensor([2., 4.]))
    """
    primals = prepared(inputs, create_graph)
    if strict:
        check_dependence(func, primals, "vjp")
    output, pull_back = transforms.vjp(func, *primals)
    cotangents = given_or_ones(v, as_tuple(output, "outputs"), "vjp")
    found = pull_back(like(cotangents, output))
    return cleaned(output, create_graph), like(cleaned(found, create_graph), inputs)


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The outputs of `func` at `inputs`, and J v for each output (by reverse mode twice).

    v             tangents of the inputs; may be left out for a single number
    The other arguments and errors are those of `vjp`.

    Example  >>> import minigrad as mg
             >>> from minigrad.autograd.functional import jvp
             >>> jvp(lambda x: x * x, mg.tensor([1.0, 2.0]), mg.tensor([1.0, 10.0]))
             (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    primals = prepared(inputs, create_graph)
    if strict:
        check_dependence(func, primals, "jvp")
    tangents = given_or_ones(v, primals, "jvp")
    output, pushed = transforms.jvp(func, primals, tangents)
    return cleaned(output, create_graph), cleaned(pushed, create_graph)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func` at `inputs`: a tensor of shape (output shape..., input shape...).

    strategy   "reverse-mode" (a backward pass for each output entry) or "forward-mode" (for each
               input)
    strict     raise if an output does not depend on an input, instead of returning zeros
    vectorize  accepted for PyTorch's sake

    Returns  a tensor; a tuple over inputs if `inputs` is a tuple, and over outputs, outermost, if
             `func` returns a tuple.
    Raises   ValueError for an unknown strategy; RuntimeError with `strict`.
    Example  >>> import minigrad as mg
             >>> mg.autograd.functional.jacobian(lambda x: x * x, mg.tensor([1.0, 2.0]))
             tensor([[2., 0.],
                     [0., 4.]])
    """
    transform = transform_of(strategy, "jacobian")
    primals = prepared(inputs, create_graph)
    if strict:
        check_dependence(func, primals, "jacobian", each=True)
    argnums = tuple(range(len(primals))) if isinstance(inputs, (tuple, list)) else 0
    return cleaned(transform(func, argnums)(*primals), create_graph)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of `func`, which returns a single number: shape (input shape..., input shape...).

    outer_jacobian_strategy  "reverse-mode" or "forward-mode", for the derivative of the gradient
    The other arguments are those of `jacobian`.

    Returns  a tensor, or a tuple of tuples if `inputs` is a tuple.
    Raises   ValueError for an unknown strategy; RuntimeError if `func` does not return a single
             number, or with `strict`, if it or its gradient does not depend on an input.
    Example  >>> import minigrad as mg
             >>> mg.autograd.functional.hessian(lambda x: (x * x * x).sum(), mg.tensor([1.0, 2.0]))
             tensor([[ 6.,  0.],
                     [ 0., 12.]])
    """
    primals = prepared(inputs, create_graph)
    argnums = tuple(range(len(primals))) if isinstance(inputs, (tuple, list)) else 0
    outer = transform_of(outer_jacobian_strategy, "hessian")
    first = gradient(func, argnums, "hessian")
    if strict:
        check_dependence(func, primals, "hessian", each=True)
        check_dependence(first, primals, "hessian, of the gradient", each=True)
    return cleaned(outer(first, argnums)(*primals), create_graph)


def gradient(func: Callable[..., Any], argnums: Any, what: str) -> Callable[..., Any]:
    """`minigrad.func.grad` of a function that must return one number."""

    def number(*args: Any) -> Any:
        value = func(*args)
        if not isinstance(value, Variable) or value._array.size != 1:
            shape = getattr(value, "shape", type(value).__name__)
            raise RuntimeError(f"{what}: the function must return a single number, got {shape}")
        return value

    return transforms.grad(number, argnums)


def hvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of `func`, which returns a number, and the product of its Hessian with v.

    The Hessian itself is never formed: the cost is a few calls of `func`.

    v        a vector of the form of the inputs; may be left out for a single number
    strict   raise if `func` or its gradient does not depend on an input
    Raises   RuntimeError if `func` does not return a single number, or v has other shapes than the
             inputs, or with `strict`.
    Example  >>> import minigrad as mg
             >>> from minigrad.autograd.functional import hvp
             >>> hvp(lambda x: (x * x * x).sum(), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 1.0]))
             (tensor(9.), tensor([ 6., 12.]))
    """
    primals = prepared(inputs, create_graph)
    vector = given_or_ones(v, primals, "hvp")
    first = gradient(func, tuple(range(len(primals))), "hvp")
    if strict:
        check_dependence(func, primals, "hvp")
        check_dependence(first, primals, "hvp, of the gradient")
    # the Hessian is symmetric: H v = vᵀ H, a VJP of the gradient
    _, pull_back = transforms.vjp(first, *primals)
    found = pull_back(vector)
    value = cleaned(func(*primals), create_graph)
    return value, like(cleaned(found, create_graph), inputs)


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of `func`, which returns a number, and vᵀ times its Hessian: the same as `hvp`.

    Example  >>> import minigrad as mg
             >>> from minigrad.autograd.functional import vhp
             >>> vhp(lambda x: (x * x * x).sum(), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 1.0]))
             (tensor(9.), tensor([ 6., 12.]))
    """
    return hvp(func, inputs, v, create_graph, strict)
