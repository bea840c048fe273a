"""Bugs, planted in the VJPs of ops for the length of a ``with`` block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Bug:
    """A mistake in a VJP.

    name      what it is called in the table of results
    kinds     the diagnoses that name it rightly
    change    from the gradient, the cotangent and the operand, what the mistaken VJP returns; None
              where this mistake cannot be made
    """

    name: str
    kinds: frozenset[str]
    change: Callable[[Array, Any, Array], Array | None]
    swap: bool = False  # instead of `change`: each of two operands gets the other's gradient


def transposed(r: Array, g: Array, x: Array) -> Array | None:
    if r.ndim < 2 or min(r.shape[-2:]) < 2 or len(set(r.shape[-2:])) != 1:
        return None
    return r.mT


def shifted(r: Array, g: Array, x: Array) -> Array | None:
    axes = [i for i, size in enumerate(r.shape) if size > 1]
    return np.roll(r, 1, axes[0]) if axes else None


def first_lost(r: Array, g: Array, x: Array) -> Array | None:
    axes = [i for i, size in enumerate(r.shape) if size > 1]
    if not axes:
        return None
    lost = np.array(r)
    lost[(slice(None),) * axes[0] + (0,)] = 0
    return lost


def first_slice_only(r: Array, g: Array, x: Array) -> Array | None:
    """The sum over a broadcast axis left out: one slice of what should be summed."""
    if r.shape == x.shape:
        return None
    lead = r.ndim - x.ndim
    for i, size in enumerate(r.shape):
        if size > 1 and (i < lead or x.shape[i - lead] == 1):
            kept = np.zeros_like(r)
            kept[(slice(None),) * i + (0,)] = r[(slice(None),) * i + (0,)]
            return kept
    return None


def when_same_shape(change: Callable[[Array, Array], Array]) -> Any:
    return lambda r, g, x: change(r, x) if r.shape == x.shape and x.size > 1 else None


BUGS = [
    Bug("sign flipped", frozenset({"sign"}), lambda r, g, x: -r),
    Bug("factor 2", frozenset({"factor"}), lambda r, g, x: 2 * r),
    Bug("0.1 % too large", frozenset({"factor"}), lambda r, g, x: 1.001 * r),
    Bug(
        "divided by n",
        frozenset({"factor"}),
        lambda r, g, x: r / x.size if x.size > 1 else None,
    ),
    Bug("zero", frozenset({"zero"}), lambda r, g, x: 0 * r),
    Bug("transposed", frozenset({"transposed"}), transposed),
    Bug("shifted by one row", frozenset({"shifted"}), shifted),
    Bug("first row lost", frozenset({"one slice"}), first_lost),
    Bug(
        "zero where negative",
        frozenset({"where negative"}),
        when_same_shape(lambda r, x: np.where(x < 0, 0, r)),
    ),
    Bug("times x", frozenset({"chain"}), when_same_shape(lambda r, x: r * x)),
    Bug(
        "cotangent passed on",
        frozenset({"identity", "chain"}),
        lambda r, g, x: g if getattr(g, "shape", None) == r.shape and r.size > 1 else None,
    ),
    Bug("operands swapped", frozenset({"other input"}), lambda r, g, x: None, swap=True),
    Bug("missing broadcast sum", frozenset({"missing sum"}), first_slice_only),
]


@contextmanager
def planted(operation: Any, position: int, operand: Array, bug: Bug) -> Iterator[None]:
    """Let the VJP of `operation` for its operand at `position` make a mistake.

    A joint VJP, which returns the gradients of a list of operands, makes it in one of them.
    """

    def mistaken(vjp: Any) -> Any:
        def wrong(g: Any, *args: Any) -> Any:
            right = vjp(g, *args)
            changed = bug.change(right, g, operand) if isinstance(right, np.ndarray) else None
            return right if changed is None else changed

        return wrong

    def mistaken_for_one(joint: Any) -> Any:
        def wrong(g: Any, *args: Any) -> Any:
            gradients = list(joint(g, *args))
            right = gradients[position]
            if bug.swap:
                gradients[:2] = gradients[1::-1]
            elif isinstance(right, np.ndarray):
                changed = bug.change(right, g, operand)
                gradients[position] = right if changed is None else changed
            return gradients

        return wrong

    def steps_of(steps: Any) -> Any:
        if operation.joint is not None:
            return tuple((i, mistaken_for_one(v), pick) for i, v, pick in steps)
        if not bug.swap:
            return tuple((i, mistaken(v) if i == position else v, pick) for i, v, pick in steps)
        if len(steps) != 2:
            return steps
        (i, v, pick), (j, w, other) = steps
        return (i, w, other), (j, v, pick)

    plans = list(operation.plans.values())
    before = [plan.steps for plan in plans]
    try:
        for plan in plans:
            plan.steps = steps_of(plan.steps)
        yield
    finally:
        for plan, steps in zip(plans, before):
            plan.steps = steps
