"""Hypotheses about which entries of the result and of the input belong together.

Those of `hypotheses` change numbers or their order; these concern terms that couple entries: the
sums inside a softmax or a normalisation, the chosen entry of a maximum, the gates of a layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations
from typing import Any

import numpy as np

from minigrad.testing.hypotheses import Case, Mistake

Array = Any

ENOUGH = 3  # wrong entries, below which an order fits by coincidence
BLOCKS = (2, 3, 4)  # parts of an axis: the gates of recurrent layers; queries, keys and values


def structural_mistakes(case: Case) -> Iterator[Mistake]:
    """The hypotheses that explain all wrong entries, and leave the right ones right."""
    if np.count_nonzero(case.wrong & case.known) < ENOUGH:
        return
    yield from chosen(case)
    yield from missing_term(case)
    yield from wrong_axis(case)
    yield from own_entries_only(case)
    yield from cotangent_axes(case)
    yield from blocks(case)
    yield from flipped_kernel(case)


def chosen(case: Case) -> Iterator[Mistake]:
    """A maximum, or an index, chooses one entry; the gradient reaches others, too."""
    one_each = np.count_nonzero(case.n, axis=1) == 1
    rows = case.wrong.any(axis=1)
    reached = case.right.any(axis=1)
    if rows.any() and np.all((one_each & reached)[rows]) and not case.n[case.wrong].any():
        text = (
            f"it also reaches entries on which {case.jacobian.output} does not depend: one of them "
            "is chosen (by a maximum, an index), the others get 0"
        )
        yield Mistake("chosen", text)


def same_line(shape: tuple[int, ...], axes: Sequence[int]) -> Array:
    """Which pairs of entries differ in their indices along `axes` only."""
    grids = np.indices(shape).reshape(len(shape), -1)
    others = np.delete(grids, axes, axis=0)
    return np.all(others[:, :, None] == others[:, None, :], axis=0)


def centred(x: Array, axes: tuple[int, ...]) -> Array:
    """The products of all pairs of entries of x, less its mean along some axes."""
    c = (x - x.mean(axes, keepdims=True)).reshape(-1)
    return np.outer(c, c)


def missing_term(case: Case) -> Iterator[Mistake]:
    """Of a softmax or a normalisation, the sum over an axis is not differentiated."""
    if case.x.shape != case.y.shape:
        return
    y = case.y.reshape(-1)
    terms = (
        (
            np.outer(y, y),
            "a term with {0} · sum(g · {0}) over axis {1} is missing, or has a wrong factor",
        ),
        (
            np.ones((y.size, y.size)),
            "the mean over axis {1} is not differentiated: subtract that of g",
        ),
    )
    for axes in sets_of_axes(case.y.shape):
        line = same_line(case.y.shape, axes)
        axis = axes[0] if len(axes) == 1 else axes
        spread = "the variance over axis {1} is not differentiated: subtract x̂ · mean(g · x̂)"
        for term, words in (*terms, (centred(case.x, axes), spread)):
            used = line & (term != 0) & case.known
            off = np.where(used, case.a - case.n, 0) / np.where(used, term, 1)
            scale = np.array([np.median(row[on]) if on.any() else 0 for row, on in zip(off, used)])
            if case.fits(case.n + scale[:, None] * term * line):
                text = words.format(case.jacobian.output, axis)
                yield Mistake("cross terms", f"{text} (softmax, normalisation)")
                return


def sets_of_axes(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The axes that a sum may go along: each, or several at a time."""
    long = [k for k, size in enumerate(shape) if size > 1]
    return [axes for count in range(1, len(long) + 1) for axes in combinations(long, count)]


def coupled_along(jacobian: Array, shape: tuple[int, ...]) -> int | None:
    """The one axis along which entries have an effect on others, if there is one."""
    off = (abs(jacobian) > 1e-9 * np.max(abs(jacobian), initial=0.0)) & ~np.eye(
        len(jacobian), dtype=bool
    )
    if not off.any():
        return None
    axes = [
        k for k, size in enumerate(shape) if size > 1 and not np.any(off & ~same_line(shape, [k]))
    ]
    return axes[0] if len(axes) == 1 else None


def wrong_axis(case: Case) -> Iterator[Mistake]:
    """Entries of a column are coupled, where those of a row should be."""
    if case.x.shape != case.y.shape or case.x.ndim < 2 or not case.known.all():
        return
    here, there = (coupled_along(each, case.x.shape) for each in (case.a, case.n))
    if here is not None and there is not None and here != there:
        text = (
            f"it couples entries along axis {here}, the function does along axis {there}: is a "
            "sum or a mean taken over the wrong axis?"
        )
        yield Mistake("axis", text)
    extra = (abs(case.a) > 1e-9 * case.typical) & (case.n == 0)
    if there is None or not extra.any() or np.any(extra & np.eye(len(extra), dtype=bool)):
        return
    for k in range(case.x.ndim):
        if k != there and not np.any(extra & ~same_line(case.x.shape, [k])):
            text = (
                f"it couples entries along axis {k}, too, the function does along axis {there}: is "
                "one of the sums or means taken over the wrong axis?"
            )
            yield Mistake("axis", text)


def own_entries_only(case: Case) -> Iterator[Mistake]:
    """Each entry by itself, though the function couples them."""
    if case.x.shape != case.y.shape or case.x.size < 2:
        return
    diagonal = np.eye(len(case.a), dtype=bool)
    if not case.a[~diagonal].any() and np.any(case.wrong & ~diagonal):
        text = (
            "it treats each entry by itself; the terms between different entries are missing (as "
            "of the sum in a softmax, or of the mean and variance in a normalisation)"
        )
        yield Mistake("cross terms", text)


def cotangent_axes(case: Case) -> Iterator[Mistake]:
    """The cotangent transposed, or used without its transpose where the result is symmetric."""
    shape = case.y.shape
    a, n = (each.reshape(*shape, -1) for each in (case.a, case.n))
    for i, j in combinations(range(len(shape)), 2):
        if shape[i] != shape[j] or shape[i] < 2:
            continue
        swapped = np.swapaxes(n, i, j).reshape(case.n.shape)
        if case.fits(swapped):
            text = (
                f"the cotangent g is transposed (its axes {i} and {j}), or summed over the wrong "
                "one of them"
            )
            yield Mistake("transposed", text)
            continue
        other = np.swapaxes(a, i, j).reshape(case.a.shape)
        if case.fits(case.n - other) or case.fits(2 * case.n - other):
            text = "of two contributions one is missing, or taken twice: g + g.T where g stands?"
            yield Mistake("contribution", text)


def blocks(case: Case) -> Iterator[Mistake]:
    """Equal parts of the input along an axis, in another order: the gates of a layer."""
    shape, m = case.x.shape, len(case.n)
    grid = case.n.reshape(m, *shape)
    for axis, size in enumerate(shape):
        for count in BLOCKS:
            if size % count or size == count:
                continue
            parts = np.split(grid, count, axis + 1)
            for order in permutations(range(count)):
                if list(order) == sorted(order):
                    continue
                moved = np.concatenate([parts[k] for k in order], axis + 1)
                if case.fits(moved.reshape(m, -1)):
                    text = (
                        f"its {count} blocks of {size // count} along axis {axis} are in the order "
                        f"{', '.join(map(str, order))} (gates exchanged?)"
                    )
                    yield Mistake("blocks", text)
                    return


def flipped_kernel(case: Case) -> Iterator[Mistake]:
    """A convolution with its kernel turned round: result and input both run backwards."""
    dims = len(case.x.shape)
    if dims != len(case.y.shape) or not dims:
        return
    whole = case.n.reshape(*case.y.shape, *case.x.shape)
    for count in {1, min(2, dims)}:
        last = range(dims - count, dims)
        both = [*last, *(dims + k for k in last)]
        if case.fits(np.flip(whole, tuple(both)).reshape(case.n.shape)):
            text = "it is computed with the kernel flipped (convolution or correlation?)"
            yield Mistake("flipped", text)
            return
