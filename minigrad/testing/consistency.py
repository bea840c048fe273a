"""What is wrong with a VJP whatever its numbers are: types too short, arrays that it changes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.function import FunctionOp
from minigrad.backward import picked
from minigrad.pytrees import leaves_of
from minigrad.testing.linearity import join
from minigrad.testing.localise import nodes_of
from minigrad.testing.report import Diagnosis

Array = Any


class OwnGradient(NamedTuple):
    """What a VJP of a node returns.

    argument   the position of the argument
    gradient   what the VJP returned
    changed    names of what it was given, and changed in place
    """

    argument: int
    gradient: Any
    changed: list[str]


def own_gradients(node: Any) -> Iterator[OwnGradient]:
    """What the VJPs of a node return for a cotangent of halves, and which arrays they change.

    Ones would hide ``out *= g``.  VJPs that serve several operands or results at once are left out.
    """
    if isinstance(node.op, FunctionOp):
        cotangents = node.op.cotangents(node, 0.5)
        given = [*cotangents, *leaves_of(list(node.saved or ()))]
        before = copies(given)
        gradients = node.op.gradients(node, cotangents)
        changed = restore(given, before)
        names = ["a saved tensor" if k >= len(cotangents) else "its cotangent" for k in changed]
        yield from (OwnGradient(i, g, names) for i, g in enumerate(gradients))
        return
    if node.op.joint is not None or (node.shape and isinstance(node.shape[0], tuple)):
        return
    for i, vjp, pick in node.plan.steps:
        given = [np.full(node.shape, 0.5, node.dtype), *picked(node, node.saved, pick)]
        before = copies(given)
        gradient = vjp(*given)
        changed = restore(given, before)
        yield OwnGradient(i, gradient, [parameter_name(vjp, k) for k in changed])


def copies(given: Sequence[Any]) -> list[Any]:
    return [x.copy() if isinstance(x, np.ndarray) else x for x in given]


def restore(given: Sequence[Any], before: Sequence[Any]) -> list[int]:
    """Undo changes of arrays; the positions of those that had changed."""
    changed = []
    for k, (x, old) in enumerate(zip(given, before)):
        numbers = isinstance(x, np.ndarray) and x.dtype.kind in "fiubc"
        if numbers and not np.array_equal(x, old, equal_nan=x.dtype.kind == "f"):
            changed.append(k)
            x[...] = old
    return changed


def parameter_name(function: Callable[..., Any], k: int) -> str:
    try:
        return list(inspect.signature(function).parameters)[k]
    except (TypeError, ValueError, IndexError):
        return "an argument"


def overwriting(outputs: Sequence[Any]) -> list[Diagnosis]:
    """VJPs that change what they are given, which other VJPs, or the program, still read."""
    found: dict[str, list[str]] = {}
    with np.errstate(all="ignore"):
        for node in nodes_of(list(outputs)):
            for own in own_gradients(node):
                names = found.setdefault(node.op.name, [])
                names += [name for name in own.changed if name not in names]
    return [
        Diagnosis(
            "in-place",
            f"the VJP of {op} changes {join(names)} in place, which others read, too: let it "
            "change a copy",
            op=op,
        )
        for op, names in found.items()
        if names
    ]


def narrowed(outputs: Sequence[Any]) -> list[Diagnosis]:
    """Gradients of a shorter type than their operand, which autograd casts silently."""
    found = []
    with np.errstate(all="ignore"):
        for node in nodes_of(list(outputs)):
            for i, g, _ in own_gradients(node):
                edge = node.inputs[i]
                if edge is None or g is None or edge.dtype != node.dtype or g.dtype.kind != "f":
                    continue
                if g.dtype.itemsize < edge.dtype.itemsize:
                    text = (
                        f"{node.op.name} returns a gradient of {g.dtype} for argument {i}, which "
                        f"is {edge.dtype}: digits are lost (autograd casts it back silently)"
                    )
                    found.append(Diagnosis("dtype", text, op=node.op.name))
    return found
