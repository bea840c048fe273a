"""What a backward pass keeps from one call to the next, found by calling both passes again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from minigrad.testing.linearity import gradients_of, join
from minigrad.testing.report import Diagnosis

Array = Any

SAME = 1e-4  # relative difference of two gradients up to which they are rounding errors apart


class Passes(NamedTuple):
    """A forward and a backward pass, to be called in any order.

    forward    the outputs, as one flat array
    backward   the gradients for a cotangent, without a forward pass before
    both       the same after a forward pass
    names      of the inputs
    """

    forward: Callable[[], Array]
    backward: Callable[[Array], list[Any]]
    both: Callable[[Array], list[Any]]
    names: Sequence[str]


def hidden_state(passes: Passes, v: Array) -> list[Diagnosis]:
    """What makes a call differ from the one before: sums, writes, random numbers, garbage.

    v     a cotangent
    """
    with np.errstate(all="ignore"):
        outputs = passes.forward()
        first, second, third = (copies(passes.both(v)) for _ in range(3))
        if not same(passes.forward(), outputs):
            return [changes_forward(passes)]
        added = [k for k, each in enumerate(zip(first, second, third)) if accumulates(*each)]
        if added:
            return [accumulation([passes.names[k] for k in added])]
        different = [k for k, (a, b) in enumerate(zip(first, second)) if not same(a, b)]
        draws = draws_random_numbers(passes, v)
        garbage = reads_garbage(passes, v, first)
        if garbage:
            return [garbage]
        if different or draws:
            return [not_the_same([passes.names[k] for k in different] or passes.names, draws)]
        return list(twice_in_a_row(passes, v, first))


def copies(gradients: Sequence[Any]) -> list[Any]:
    return [None if g is None else np.array(g) for g in gradients]


def same(a: Any, b: Any) -> bool:
    if a is None or b is None or np.shape(a) != np.shape(b):
        return (a is None) == (b is None)
    a, b = np.asarray(a, float), np.asarray(b, float)
    size = np.nanmax(abs(a), initial=0.0)
    return bool(np.all((abs(a - b) <= SAME * size) | (np.isnan(a) & np.isnan(b)) | (a == b)))


def accumulates(first: Any, second: Any, third: Any) -> bool:
    """Whether each call adds as much to what was there."""
    if first is None or np.shape(first) != np.shape(second) or same(first, second):
        return False
    step = second - first
    return bool(np.any(step)) and same(third - second, step)


def accumulation(names: Sequence[str]) -> Diagnosis:
    text = (
        f"{gradients_of(names)} accumulate{'' if len(names) > 1 else 's'}: each call adds to what "
        "the calls before have left. Set them to zero where the backward pass begins, or return "
        "new arrays"
    )
    return Diagnosis("accumulates", text, names[0])


def changes_forward(passes: Passes) -> Diagnosis:
    text = (
        "the backward pass changes what the forward pass uses: with the same inputs, the forward "
        "pass returns other values after it (an update of parameters inside of backward?)"
    )
    return Diagnosis("changes forward", text)


def not_the_same(names: Sequence[str], draws: bool) -> Diagnosis:
    if draws:
        text = (
            "the backward pass draws random numbers: forward and backward use different ones (a "
            "mask drawn again?); keep those of the forward pass"
        )
        return Diagnosis("random", text)
    text = (
        f"{gradients_of(names)} {'is' if len(names) == 1 else 'are'} not the same in two calls "
        "with the same numbers: the backward pass draws random numbers, or reads what a call "
        "before has left"
    )
    return Diagnosis("non-deterministic", text, names[0])


def draws_random_numbers(passes: Passes, v: Array) -> bool:
    """Whether NumPy's global random numbers are drawn in the backward pass."""
    passes.forward()
    before: Any = np.random.get_state()  # noqa: NPY002  # what hand-written layers draw from
    try:
        passes.backward(v)
        after: Any = np.random.get_state()  # noqa: NPY002
    finally:
        np.random.set_state(before)  # noqa: NPY002
    return before[2] != after[2] or not np.array_equal(before[1], after[1])


@contextmanager
def poisoned() -> Iterator[None]:
    """Within, memory that is not written to holds NaN."""
    empty, empty_like = np.empty, np.empty_like

    def filled(made: Any) -> Any:
        if isinstance(made, np.ndarray) and made.dtype.kind == "f":
            made[...] = np.nan
        return made

    with (
        mock.patch.object(np, "empty", lambda *a, **options: filled(empty(*a, **options))),
        mock.patch.object(
            np, "empty_like", lambda *a, **options: filled(empty_like(*a, **options))
        ),
    ):
        yield


def reads_garbage(passes: Passes, v: Array, gradients: Sequence[Any]) -> Diagnosis | None:
    """Whether NaN comes out where memory from `np.empty` is read that nothing has written to."""
    with poisoned():
        again = copies(passes.both(v))
    names = [
        name
        for name, a, b in zip(passes.names, gradients, again)
        if a is not None and np.shape(a) == np.shape(b) and np.isfinite(a).all()
        if np.isnan(b).any()
    ]
    if not names:
        return None
    text = (
        f"{gradients_of(names)} read{'s' if len(names) == 1 else ''} memory that nothing was "
        "written to (np.empty where np.zeros belongs?)"
    )
    return Diagnosis("uninitialised", text, names[0])


def twice_in_a_row(passes: Passes, v: Array, gradients: list[Any]) -> Iterator[Diagnosis]:
    """Whether a second backward pass after one forward pass returns something else."""
    passes.both(v)
    try:
        again = copies(passes.backward(v))
    except Exception:  # a layer may let go what it kept
        return
    pairs = zip(passes.names, gradients, again)
    names = [name for name, a, b in pairs if not same(a, b)]
    if names:
        text = (
            f"the backward pass changes what it has kept: a second call after one forward pass "
            f"returns other numbers for {join(names)}"
        )
        yield Diagnosis("changes cache", text, names[0])
