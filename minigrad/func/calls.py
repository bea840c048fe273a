"""One call of a function whose arguments are to be differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.autograd.differentiate import grad as gradients_of
from minigrad.errors import ArgumentError
from minigrad.graph import Leaf, Variable, ancestors, wrap
from minigrad.modes import enable_grad, recording
from minigrad.pytrees import describe, flatten, leaves_of, map_tree

Argnums = int | tuple[int, ...]


def is_float(value: Any) -> bool:
    return isinstance(value, Variable) and value._array.dtype.kind == "f"


def start_here(value: Any) -> Any:
    """A tensor with the value of `value`, at which differentiation with respect to it stops.

    If `value` is recorded (an outer `grad` is differentiating it), the new one is recorded after
    it.
    """
    if not is_float(value):
        return value
    if value._node is None:
        return wrap(value._array).requires_grad_()
    return ops.mul(value, 1.0)


def check_argnums(argnums: Argnums, count: int) -> tuple[int, ...]:
    """The positions that `argnums` names, among `count` arguments."""
    listed = argnums if isinstance(argnums, tuple) else (argnums,)
    for i in listed:
        if isinstance(i, bool) or not isinstance(i, (int, np.integer)):
            raise TypeError(f"argnums is an int or a tuple of ints, got {argnums!r}")
        if not -count <= i < count:
            raise ArgumentError(
                f"argnums {i} is out of range: the function was given {count} positional arguments"
            )
    chosen = tuple(i % count for i in listed)
    if not chosen:
        raise ArgumentError("argnums names no argument to differentiate")
    if len(set(chosen)) < len(chosen):
        raise ArgumentError(f"argnums {argnums} names an argument twice")
    return chosen


def refuse_inputs(leaves: Sequence[Any]) -> None:
    """Raise the error that says why nothing among `leaves` can be differentiated."""
    text = "there is no floating-point tensor among the arguments to differentiate"
    if leaves:
        first = leaves[0]
        if isinstance(first, Variable):
            text += f", but an {first._array.dtype} one: convert it, x.float()"
        else:
            text += f", but {describe(first)}: make it a tensor, mg.tensor(x)"
    raise TypeError(text)


def split(returned: Any, has_aux: bool) -> tuple[Any, Any]:
    """The output of a function, and what it returned besides."""
    if not has_aux:
        return returned, None
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise TypeError(
            "with has_aux=True the function returns a pair (output, aux), it returned "
            f"{describe(returned)}"
        )
    return returned[0], returned[1]


def check_outputs(output: Any, name: str, only_floats: bool = False) -> None:
    """Refuse what a function returned if it has no derivative; None passes."""
    leaves = [y for y in leaves_of(output) if y is not None]
    for y in leaves or [None]:
        if not isinstance(y, Variable):
            raise TypeError(f"{name}: the function must return tensors, it returned {describe(y)}")
        if only_floats and not is_float(y):
            raise TypeError(
                f"{name}: the function returned a tensor of {y._array.dtype}, which has no "
                "derivative; return such results beside the output, with has_aux=True"
            )


class Call:
    """One call of a function with some arguments replaced by differentiable copies.

    inputs   the differentiable leaves, in order
    output   what the function returned
    nested   whether the derivative may be differentiated in turn, by someone outside
    """

    def __init__(
        self, fn: Callable[..., Any], args: Sequence[Any], kwargs: Any, argnums: Argnums
    ) -> None:
        recorded_before = any(
            is_float(x) and x._node is not None for x in leaves_of((args, kwargs))
        )
        self.argnums = argnums
        chosen = check_argnums(argnums, len(args))
        selected = [args[i] for i in chosen]
        leaves, self.rebuild = flatten(selected)
        with enable_grad():
            leaves = [start_here(x) for x in leaves]
            given = list(args)
            for i, argument in zip(chosen, self.rebuild(leaves)):
                given[i] = argument
            self.inputs = [x for x in leaves if is_float(x)]
            if not self.inputs:
                refuse_inputs(leaves)
            self.leaves = leaves
            self.output = fn(*given, **kwargs)
        self.nested = recording.enabled and (recorded_before or self.reaches_outside())

    def reaches_outside(self) -> bool:
        """Whether the output depends on other tensors that require grad (a closure's)."""
        outputs = [y._node for y in leaves_of(self.output) if isinstance(y, Variable)]
        before = ancestors(outputs, beyond=[x._node for x in self.inputs])
        return any(isinstance(edge, Leaf) for edge in before)

    def arrange(self, gradients: Sequence[Any]) -> Any:
        """Gradients of the inputs in the form of the arguments."""
        found = iter(gradients)
        tree = self.rebuild([next(found) if is_float(x) else None for x in self.leaves])
        return tree[0] if isinstance(self.argnums, int) else tuple(tree)

    def gradients(
        self, outputs: Sequence[Any], cotangents: Sequence[Any], create: bool
    ) -> list[Any]:
        """The VJP at all inputs; zeros where the outputs do not depend on one."""
        pairs = [(y, v) for y, v in zip(outputs, cotangents) if is_float(y) and y._node is not None]
        if not pairs:
            return [wrap(np.zeros_like(x._array)) for x in self.inputs]
        return list(
            gradients_of(
                [y for y, _ in pairs],
                self.inputs,
                [v for _, v in pairs],
                retain_graph=True,
                create_graph=create,
                materialize_grads=True,
            )
        )


def detached(tree: Any) -> Any:
    """Results without the graph, which served only the derivative."""
    return map_tree(lambda y: wrap(y._array) if isinstance(y, Variable) else y, tree)
