"""A compiled function as an op: its forward is one program, its VJP another.

The traced call is followed by a traced backward pass from its outputs, so that one program computes
both.  What the outputs need is the forward; the rest is the backward, and what it reads of the
forward are the residuals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.differentiate import grad
from minigrad.calls import op
from minigrad.compile.effects import may_raise
from minigrad.compile.lowering import Lowered, lower
from minigrad.compile.program import NotCompiled, Program, Value
from minigrad.graph import Variable

if TYPE_CHECKING:
    from minigrad.compile.capture import Captured

__all__ = ["Halves", "split"]


class Halves:
    """The forward and the backward of a program.

    residuals   what the backward reads of the forward, returned by the one and given to the other
    """

    def __init__(self, forward: Program, backward: Program, residuals: list[Value]) -> None:
        self.forward, self.backward, self.residuals = forward, backward, residuals


def split(program: Program, results: int, cotangents: list[Value]) -> Halves:
    """Cut a program in two.

    results      how many outputs the call returns; the others are gradients
    cotangents   the inputs that only the backward has
    """
    needed = {*program.outputs[:results], *[new for _, new in program.updates]}
    first, second = [], []
    for statement in reversed(program.statements):
        raising = statement.section == "forward" and may_raise(statement)
        if statement.effect or raising or needed.intersection(statement.results):
            needed.update(statement.reads())
            first.append(statement)
        else:
            second.append(statement)
    changed = {old for old, _ in program.updates}
    if any(not changed.isdisjoint(statement.reads()) for statement in second):
        raise NotCompiled(
            "memory that the gradient of the result needs is changed in place: use the operation "
            "that is not in place, or a copy"
        )
    made = {value for statement in first for value in statement.results}
    gradients = program.outputs[results:]
    read = [value for statement in second for value in statement.reads()] + gradients
    residuals = list(dict.fromkeys([value for value in read if value in made]))
    inputs = [value for value in program.inputs if value not in cotangents]
    forward = replace(
        program, inputs=inputs, statements=first[::-1],
        outputs=[*program.outputs[:results], *residuals],
    )  # fmt: skip
    given = [*cotangents, *inputs, *residuals]
    inner = {value: replace_kind(value) for value in residuals}
    backward = Program(given, second[::-1], gradients).substituted(inner)
    backward = replace(backward, inputs=[inner.get(value, value) for value in given])
    return Halves(forward.check(), backward.check(), residuals)


def replace_kind(value: Value) -> Value:
    return Value(value.name, value.shape, value.dtype, "input")


class CompiledOp:
    """The op of a compiled function.

    tensors   what it is differentiated with respect to: leaves of the arguments (their number among
              them) and other tensors (themselves)
    """

    def __init__(self, captured: Captured, halves: Halves, arrays: Any, function: Any) -> None:
        self.captured, self.halves, self.function = captured, halves, function
        self.forward: Lowered = lower(halves.forward, arrays=arrays)
        self.backward: Lowered = lower(halves.backward, arrays=arrays)
        self.call = self.make_op(self.forward.function(), self.backward.function())

    def make_op(self, run: Callable[..., Any], run_back: Callable[..., Any]) -> Any:
        count = self.captured.results
        cotangents = self.captured.cotangents

        def compiled(tensors: Any, inputs: Any, leaves: Any) -> Any:
            """A compiled function: forward and backward are programs.

            Forward    the compiled function
            Gradient   the program of its backward pass
            """
            out = run(*inputs)
            outs = tuple([np.asarray(each) for each in out[:count]])
            return (outs[0] if count == 1 else outs), out[count:]

        def vjp(g: Any, tensors: Any, residuals: Any, inputs: Any, leaves: Any) -> list[Any]:
            if residuals is None:
                return self.differentiable_vjp(g, tensors, leaves)
            given = [g] if count == 1 else list(g)
            for i, value in enumerate(cotangents):
                if given[i] is None:
                    given[i] = np.zeros(value.shape, value.dtype)
                elif isinstance(given[i], Variable):  # in a trace, or for further derivatives
                    return self.differentiable_vjp(g, tensors, leaves)
            return list(run_back(*given, *inputs, *residuals))

        def residuals(tensors: Any) -> Any:
            return None

        return op(joint=vjp, keep={"residuals": residuals})(compiled)

    def differentiable_vjp(self, g: Any, tensors: Any, leaves: Any) -> list[Any]:
        """The same gradients, recorded: the function itself runs, and is differentiated."""
        if any(statement.effect for statement in self.halves.forward.statements):
            raise RuntimeError(
                "a compiled function that draws random numbers has no derivatives of its gradient; "
                "call the function itself for these"
            )
        given = list(leaves)
        wanted = []
        for tensor, place in zip(tensors, self.captured.places):
            if isinstance(place, int):
                given[place] = tensor
                wanted.append(tensor)
            else:
                wanted.append(place)
        args, kwargs = self.captured.rebuild_arguments(given)
        result = self.function(*args, **kwargs)
        outputs = self.captured.result_tensors(result)
        cotangents = [g] if self.captured.results == 1 else list(g)
        pairs = [
            (o, c) for o, c in zip(outputs, cotangents) if c is not None and o._node is not None
        ]
        return list(
            grad(
                [o for o, _ in pairs], wanted, [c for _, c in pairs], create_graph=True,
                allow_unused=True,
            )
        )  # fmt: skip
