"""Gradients and products with the Jacobian: ``grad grad_and_value vjp jvp linearize``.

Forward mode is computed with reverse mode, twice: the VJP of f at a cotangent v, u = Jᵀ v, is
linear in v, so the VJP of *that* function of v, with the tangent t, is J t.  It costs a few times
f; no second set of derivative rules is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from minigrad.autograd.differentiate import grad as gradients_of
from minigrad.errors import ArgumentError
from minigrad.func.calls import Argnums, Call, check_outputs, detached, is_float, split
from minigrad.graph import Variable, wrap
from minigrad.modes import enable_grad, recording
from minigrad.pytrees import describe, flatten, leaves_of, paired


def grad_and_value(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that returns the gradient of `func` and its value.

    func      returns a tensor of one entry, or, with `has_aux`, a pair of that and anything else
    argnums   the argument(s) to differentiate: an int, or a tuple of ints for a tuple of gradients
    has_aux   pass on what `func` returns beside the number: ``(gradient, (value, aux))``

    Raises   ValueError if `func` returns more than one number, or `argnums` names an argument that
             is not there, or one twice; TypeError if `func` returns no tensor, or the argument
             holds no floating-point tensor.
    Example  >>> import minigrad as mg
             >>> mg.func.grad_and_value(lambda x: (x * x).sum())(mg.tensor([1.0, 2.0]))
             (tensor([2., 4.]), tensor(5.))
    """

    @wraps(func)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        call = Call(func, args, kwargs, argnums)
        value, aux = split(call.output, has_aux)
        if not isinstance(value, Variable):
            raise TypeError(
                "grad: the function must return a tensor of one entry, it returned "
                f"{describe(value)}"
            )
        if value._array.size != 1:
            raise ArgumentError(
                "grad: the function must return a tensor of one entry, it returned one of shape "
                f"{value._array.shape}; jacrev takes any shape, or reduce it (.sum(), .mean())"
            )
        one = wrap(np.ones_like(value._array))
        create = call.nested
        gradient = call.arrange(call.gradients([value], [one], create))
        if not create:
            value, aux = detached(value), detached(aux)
        return gradient, ((value, aux) if has_aux else value)

    return derivative


def grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that returns the gradient of `func`; with `has_aux`, ``(gradient, aux)``.

    The arguments and errors are those of `grad_and_value`.

    Example  >>> import minigrad as mg
             >>> mg.func.grad(mg.func.grad(lambda x: x * x * x))(mg.tensor(2.0))
             tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return derivative


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of `func` at `primals`, and its vector-Jacobian product as a function.

    Returns  ``(output, vjp_fn)``, or ``(output, vjp_fn, aux)``; ``vjp_fn(cotangents)`` takes
             cotangents in the form of the output and returns a tuple with the gradient of each
             primal.
    Raises   TypeError if no primal holds a floating-point tensor; ValueError if the cotangents have
             another form than the output.
    Example  >>> import minigrad as mg
             >>> y, pull_back = mg.func.vjp(lambda x: x * x, mg.tensor([1.0, 2.0]))
             >>> pull_back(mg.tensor([1.0, 10.0]))
             (tensor([ 2., 40.]),)
    """
    if not primals:
        raise TypeError("vjp: there are no primals to differentiate for")
    call = Call(func, primals, {}, tuple(range(len(primals))))
    output, aux = split(call.output, has_aux)
    check_outputs(output, "vjp")
    outputs = leaves_of(output)

    def vjp_fn(cotangents: Any) -> tuple[Any, ...]:
        given = matched(cotangents, output, "vjp: the cotangents", "the output")
        recorded = call.nested or any(is_float(v) and v._node is not None for v in given)
        gradients = call.gradients(outputs, given, recording.enabled and recorded)
        return tuple(call.arrange(gradients))

    shown = output if call.nested else detached(output)
    return (shown, vjp_fn, detached(aux)) if has_aux else (shown, vjp_fn)


def matched(tree: Any, pattern: Any, what: str, of: str) -> list[Any]:
    """The leaves of `tree` in the order of `pattern`, whose form and shapes it must have."""
    try:
        pairs = paired(tree, pattern)
    except ValueError as error:
        raise ArgumentError(f"{what} do not have the structure of {of}: {error}") from None
    for path, v, y in pairs:
        if v is None or not is_float(y):
            continue
        shape, expected = getattr(v, "shape", ()), y._array.shape
        if shape != expected:
            at = f" at {path}" if path else ""
            raise ArgumentError(f"{what} have shape {shape}{at}, {of} shape {expected}")
    return [v for _, v, _ in pairs]


def jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """The value of `func` at `primals`, and its derivative in the direction `tangents`: J t.

    primals   a tuple of the arguments
    tangents  a tuple of the same form
    strict    complain of an output that does not depend on the primals

    Returns  ``(output, tangent of the output)``, or with `has_aux` these and what it returned
             besides. Computed by reverse mode twice (see the module), so it costs about three calls
             of `func`.
    Raises   TypeError if primals and tangents are not tuples of tensors; ValueError if they have
             not the same form and shapes.
    Example  >>> import minigrad as mg
             >>> mg.func.jvp(lambda x: x * x, (mg.tensor([1.0, 2.0]),), (mg.tensor([1.0, 10.0]),))
             (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple) or not primals:
        raise TypeError("jvp: primals and tangents are tuples, one entry for each argument")
    result = linear_part(func, primals, has_aux)
    if strict and not all(y.requires_grad for y in result.outputs):
        raise RuntimeError("jvp: with strict=True every output depends on the primals")
    pushed = result.push(tangents)
    shown = result.output if result.call.nested else detached(result.output)
    return (shown, pushed, detached(result.aux)) if has_aux else (shown, pushed)


class linear_part:
    """A function at a point, ready to be pushed forward along any number of tangents."""

    def __init__(self, func: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool) -> None:
        self.call = Call(func, primals, {}, tuple(range(len(primals))))
        self.output, self.aux = split(self.call.output, has_aux)
        check_outputs(self.output, "jvp")
        self.outputs, self.rebuild = flatten(self.output)
        with enable_grad():
            self.cotangents = [
                wrap(np.zeros_like(y._array)).requires_grad_() if is_float(y) else None
                for y in self.outputs
            ]
            # u = Jᵀ v, recorded as a function of v; it is linear, so v = 0 will do
            self.pulled = self.call.gradients(self.outputs, self.cotangents, True)

    def push(self, tangents: Any) -> Any:
        """J t, in the form of the output."""
        primals = tuple(self.call.rebuild(self.call.leaves))
        given = matched(tangents, primals, "jvp: the tangents", "the primals")
        directions = [t for t, x in zip(given, self.call.leaves) if is_float(x)]
        for t in directions:
            if not isinstance(t, Variable):
                raise TypeError(f"jvp: the tangents are tensors, one is {describe(t)}")
        wanted = [v for v in self.cotangents if v is not None]
        pairs = [(u, t) for u, t in zip(self.pulled, directions) if u._node is not None]
        recorded = any(t._node is not None for _, t in pairs)
        create = recording.enabled and (self.call.nested or recorded)
        if pairs:
            found = gradients_of(
                [u for u, _ in pairs],
                wanted,
                [t for _, t in pairs],
                retain_graph=True,
                create_graph=create,
                materialize_grads=True,
            )
        else:
            found = tuple(wrap(np.zeros_like(v._array)) for v in wanted)
        pushed = iter(found)
        return self.rebuild(
            [next(pushed) if v is not None else still(y)
             for v, y in zip(self.cotangents, self.outputs)]
        )  # fmt: skip


def still(y: Any) -> Any:
    """The tangent of a result that has no derivative: zeros for integers, None for None."""
    return wrap(np.zeros_like(y._array)) if isinstance(y, Variable) else None


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of `func` at `primals`, and the function that maps tangents to J t there.

    `func` runs once; each call of the returned function costs two backward passes at most.

    Example  >>> import minigrad as mg
             >>> y, push = mg.func.linearize(lambda x: x * x, mg.tensor([1.0, 2.0]))
             >>> push(mg.tensor([1.0, 10.0]))
             tensor([ 2., 40.])
    """
    result = linear_part(func, primals, False)
    shown = result.output if result.call.nested else detached(result.output)
    return shown, lambda *tangents: result.push(tangents)
