"""Where a Jacobian is wrong: at entries of some sign, at zeros, ties, slices, beyond a bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from math import comb
from typing import Any, NamedTuple

import numpy as np

from minigrad.testing.hypotheses import Case

Array = Any

RARE = 100  # ways to choose the wrong entries, from which on that all are large is not a chance


class Place(NamedTuple):
    """Entries that have something in common.

    kind, text   what it is called, in short and in words
    where        the entries of the Jacobian
    """

    kind: str
    text: str
    where: Array


def places_of(case: Case) -> list[Place]:
    """Where all the wrong entries are, and none of the right ones that matter.

    At most two: by values and by positions, between which few entries cannot decide.
    """
    m, n = case.n.shape
    values = chain(by_input(case), by_output(case))
    positions = chain(
        slices_of(case, case.jacobian.input, case.x.shape, (1, n)),
        slices_of(case, case.jacobian.output, case.y.shape, (m, 1)),
    )
    found = first_that_explains(case, values)
    if case.right.any():  # else any slice around the wrong entries would do
        found += first_that_explains(case, positions)
    return found or first_that_explains(case, chain(matrix_parts(case), bounds(case)))


def first_that_explains(case: Case, places: Iterable[Place]) -> list[Place]:
    return list(islice((place for place in places if explains_place(case, place.where)), 1))


def explains_place(case: Case, where: Array) -> bool:
    """Whether entries are wrong in `where` and nowhere else, and mostly wrong in it."""
    if where.all() or np.any(case.wrong & ~where):
        return False
    wrong, right = np.count_nonzero(case.wrong), np.count_nonzero(case.right & where)
    return bool(wrong >= 9 * right)


def by_input(case: Case) -> Iterator[Place]:
    """Where the input is zero, tied, negative, positive."""
    m, n = case.n.shape
    name = case.jacobian.input
    x = np.broadcast_to(case.x.reshape(1, n), (m, n))
    flat = case.x.reshape(-1)
    tied = (flat[:, None] == flat[None, :]).sum(axis=0) > 1
    yield Place("where zero", f"where {name} is zero", x == 0)
    for other, values in case.jacobian.others.items():
        if values.shape == case.x.shape:
            equal = (case.x == values).reshape(1, n)
            yield Place("where tied", f"where {name} equals {other}", equal & np.ones((m, 1), bool))
    yield Place("where tied", f"where entries of {name} are equal", x * 0 + tied > 0)
    yield Place("where negative", f"where {name} is negative", x < 0)
    yield Place("where positive", f"where {name} is positive", x > 0)


def by_output(case: Case) -> Iterator[Place]:
    """Where the output is zero, negative, positive."""
    output, y = case.jacobian.output, np.broadcast_to(case.y.reshape(-1, 1), case.n.shape)
    yield Place("where zero", f"where {output} is zero", y == 0)
    yield Place("where negative", f"where {output} is negative", y < 0)
    yield Place("where positive", f"where {output} is positive", y > 0)


def slices_of(
    case: Case, name: str, shape: tuple[int, ...], along: tuple[int, int]
) -> Iterator[Place]:
    """The first and last slices along the axes of the input, or of the output.

    along    shape of one number for each entry of it, beside the Jacobian
    """
    for axis, size in enumerate(shape):
        place = np.indices(shape)[axis].reshape(along)
        for k in sorted({0, size - 1}) if size > 1 else ():
            text = f"at position {k} of axis {axis} of {name}"
            yield Place("one slice", text, np.broadcast_to(place == k, case.n.shape))


def matrix_parts(case: Case) -> Iterator[Place]:
    """The diagonal and the triangles of a square input."""
    shape = case.x.shape
    if len(shape) < 2 or shape[-1] != shape[-2] or shape[-1] < 3:
        return
    i, j = np.indices(shape)[-2:]
    for words, part in (
        ("on the diagonal", i == j),
        ("above the diagonal", i < j),
        ("below the diagonal", i > j),
        ("off the diagonal", i != j),
    ):
        where = np.broadcast_to(part.reshape(1, -1), case.n.shape)
        yield Place("matrix part", f"{words} of {case.jacobian.input}", where)


def bounds(case: Case) -> Iterator[Place]:
    """Beyond a bound: all entries that are wrong are larger than all that are right."""
    wrong, right = case.wrong.any(axis=0), case.right.any(axis=0) & ~case.wrong.any(axis=0)
    if wrong.sum() < 2 or comb(int(wrong.sum() + right.sum()), int(wrong.sum())) < RARE:
        return
    x, name = case.x.reshape(-1), case.jacobian.input
    for words, values in ((f"{name}", x), (f"|{name}|", abs(x))):
        low, high = float(np.min(values[wrong])), float(np.max(values[wrong]))
        for text, beyond in (
            (f"where {words} is {low:.4g} or more", values >= low),
            (f"where {words} is {high:.4g} or less", values <= high),
        ):
            if not np.any(beyond & right):
                yield Place("beyond a bound", text, np.broadcast_to(beyond, case.n.shape))
