"""Hypotheses about single terms: what a gradient is off by, and between which entries.

Each has a numeric test.  Where a function cannot change in some way, as x/|x| under a longer x, its
gradient must say so; and a term that is missing leaves its own numbers as the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations
from typing import Any

import numpy as np

from minigrad.testing.hypotheses import FUNCTIONS, Case, Mistake, chain_factors, factor
from minigrad.testing.verdicts import Jacobian

Array = Any

SAME = 1e-4  # relative difference up to which two numbers are one
COUPLED = 400  # entries of an input, above which pairs of them are not looked at
OF_UNITS: list[tuple[str, Callable[[Array], Array]]] = [
    *FUNCTIONS,
    ("tanh{0}", np.tanh),
    ("σ{0}", lambda z: 1 / (1 + np.exp(-z))),
    ("relu{0}", lambda z: np.maximum(z, 0)),
]
FEW = 6  # entries, below which a pattern may be coincidence


def term_mistakes(case: Case, jacobians: Sequence[Jacobian]) -> Iterator[Mistake]:
    """The hypotheses that explain all wrong entries, the most certain ones first."""
    if np.count_nonzero(case.wrong & case.known) < 2 or not np.isfinite(case.a).all():
        return
    with np.errstate(all="ignore"):
        yield from reordered(case)
        yield from length(case)
        yield from whole_numbers(case)
        yield from sums_of_rows(case)
        yield from behind_a_product(case, jacobians)
        yield from term_of(case)
        yield from term_of_units(case)
        yield from few_factors(case)
        yield from between_entries(case)


def negligible(case: Case, values: Array, size: Any) -> Array:
    """Where values are nothing but errors; nowhere if errors are as large as what is looked at."""
    slack = 10 * case.slack.max(initial=0.0)
    return (abs(values) <= SAME * size + slack) & (slack <= 0.05 * case.typical)


# ------------------------------------------------------------------------------------- orders


def reordered(case: Case) -> Iterator[Mistake]:
    """Axes in another order, of the result or of the input, read on as if they were in theirs."""
    for name, shape, rows in (
        ("g, the gradient of the result,", case.y.shape, True),
        (f"the gradient of {case.jacobian.input}", case.x.shape, False),
    ):
        if not 2 <= len(shape) <= 4 or sum(size > 1 for size in shape) < 2:
            continue
        places = np.arange(int(np.prod(shape))).reshape(shape)
        seen = {tuple(places.reshape(-1))}
        for order in permutations(range(len(shape))):
            moved = places.transpose(order).reshape(-1)
            for index in (moved, np.argsort(moved)):
                if tuple(index) in seen:
                    continue
                seen.add(tuple(index))
                if case.fits(case.n[index] if rows else case.n[:, index]):
                    text = (
                        f"the axes of {name} are read in another order, as by a .reshape without "
                        f"the .transpose before it (or after it): order {order}"
                    )
                    yield Mistake("transposed", text)
                    return


# ------------------------------------------------------------------------- what must come out as 0


def along(case: Case, jacobian: Array, values: Array, axis: int | None) -> Array:
    """The products of a Jacobian with an array of the input's shape, summed along an axis."""
    products = jacobian.reshape(len(jacobian), *case.x.shape) * values
    if axis is None:
        return products.reshape(len(jacobian), -1).sum(1)
    return products.sum(axis + 1, keepdims=True)


def length(case: Case) -> Iterator[Mistake]:
    """The result does not change with the length of x, so its gradient is perpendicular to x."""
    x = case.x
    for axis in [*range(x.ndim), None]:
        count = x.size if axis is None else x.shape[axis]
        if count < 3 or (axis is None and x.ndim == 1):
            continue
        size = along(case, abs(case.n), abs(x), axis)
        if not negligible(case, along(case, case.n, x, axis), size).all() or not size.any():
            continue
        off = along(case, case.a, x, axis)
        if negligible(case, off, size).all():
            continue
        squares = (x * x).sum(axis, keepdims=axis is not None)
        part = (off.reshape(len(case.n), *(1,) * x.ndim) if axis is None else off) / squares * x
        if case.fits(case.n + part.reshape(case.n.shape)):
            where = "" if axis is None else f" along axis {axis}"
            text = (
                f"{case.jacobian.output} does not change with the length of {case.jacobian.input}"
                f"{where}, and the gradient has a part along {case.jacobian.input}: the norm is "
                "not differentiated, or that term has a wrong factor"
            )
            yield Mistake("norm", text)
            return


def sums_of_rows(case: Case) -> Iterator[Mistake]:
    """The right gradient sums to 0 along the last axis, as a softmax makes it."""
    x = case.x
    if not x.ndim or x.shape[-1] < 3 or x.size < FEW or x.shape == case.y.shape:
        return
    right = case.n.reshape(-1, x.shape[-1])
    size = abs(right).sum(1)
    if not negligible(case, right.sum(1), size).all():
        return
    sums = case.a.reshape(right.shape).sum(1)
    wrong = case.wrong.reshape(right.shape).any(1)
    if negligible(case, sums, size)[wrong].any():
        return
    e = np.exp(x - x.max(-1, keepdims=True))
    p = (e / e.sum(-1, keepdims=True)).reshape(1, -1)
    scale = np.median(((case.a - case.n) / p), axis=1)[:, None]
    if case.fits(case.n + scale * p):
        missing = "missing" if np.all(scale < 0) else "there once too often"
        text = f"its rows must sum to 0 (softmax), and the softmax of {case.jacobian.input} is "
        yield Mistake("labels", text + missing)
        return
    text = (
        "its rows must sum to 0 (as of a softmax, or of differences), and do not: one of the terms "
        "that cancel, a label perhaps, is missing, there twice, or has a wrong sign or factor"
    )
    yield Mistake("row sums", text)


def whole_numbers(case: Case) -> Iterator[Mistake]:
    """Off by counts: the labels, which are not subtracted, or at exchanged indices."""
    if len(case.n) != 1:
        return
    off = (case.a - case.n).reshape(-1)
    for count in sorted({1, *case.x.shape[:-1]}):
        if count * case.slack.max(initial=0.0) > 5e-3:
            return  # everything is near a whole number
        near = np.rint(off * count)
        if not negligible(case, off * count - near, 1.0).all() or np.max(abs(near)) > 100:
            continue
        if np.count_nonzero(near) < 2 or negligible(case, case.n * count % 1, 1.0).all():
            continue
        grid = near.reshape(case.x.shape)
        if grid.ndim == 2 and grid.shape[0] == grid.shape[1] and np.array_equal(grid, -grid.T):
            text = "what is subtracted at [i, j] belongs to [j, i]: are two indices exchanged?"
            yield Mistake("transposed", text)
            return
        by = "whole numbers" if count == 1 else f"whole numbers, each divided by {count}"
        text = f"it is off by {by}, as counts are: the labels are not subtracted, or twice?"
        yield Mistake("labels", text)
        return


# ------------------------------------------------------------------------------------------- terms


def term_of(case: Case) -> Iterator[Mistake]:
    """Off by a multiple of a function of the input, or, row by row, of another input."""
    off, x = np.where(case.known, case.a - case.n, 0.0), case.x.reshape(1, -1)
    name = case.jacobian.input
    if x.size >= 4:
        for text, function in FUNCTIONS:
            values = function(x)
            if not np.isfinite(values).all() or np.ptp(values) <= 1e-6 * np.max(abs(values)):
                continue
            scale = (off * values).sum(1) / (values * values).sum()
            if np.any(scale) and case.fits(case.n + scale[:, None] * values):
                size = f"{scale[np.argmax(abs(scale))]:.4g}"
                found = text.format(name)
                yield Mistake(
                    "term", f"it is off by {size} times {found}: a term with {found} is missing, "
                    "or has a wrong factor"
                )  # fmt: skip
                return
    for other, v in case.jacobian.others.items():
        if v.shape != case.x.shape or not v.ndim or v.shape[-1] < 3:
            continue
        grid = off.reshape(len(off), *v.shape)
        scales = (grid * v).sum(-1, keepdims=True) / (v * v).sum(-1, keepdims=True)
        if case.fits(case.n + (scales * v).reshape(case.n.shape)):
            text = (
                f"it is off by a multiple of {other}, in each row: the term with {other} has a "
                "wrong factor, or is missing"
            )
            yield Mistake("term", text)
            return


def products_with(case: Case) -> Iterator[tuple[str, Array, Array]]:
    """The other inputs x that may be multiplied by this one: a text, x, and x @ this one."""
    w = case.x
    for name, x in case.jacobian.others.items():
        if w.ndim == 2 and x.ndim >= 2 and x.shape[-1] == w.shape[0]:
            yield f"{name} @ {case.jacobian.input}", x, x @ w


def term_of_units(case: Case) -> Iterator[Mistake]:
    """The gradient of W is off by x.T @ f(x @ W): a term of the units, a penalty perhaps."""
    if len(case.n) != 1 or case.x.size < FEW:
        return
    off = (case.a - case.n).reshape(case.x.shape)
    for text, x, z in products_with(case):
        rows, units = x.reshape(-1, x.shape[-1]), z.reshape(-1, z.shape[-1])
        for form, function in FUNCTIONS:
            term = rows.T @ function(units)
            scale = (off * term).sum(0) / (term * term).sum(0)
            used = abs(scale) > 1e-6 * np.max(abs(scale))
            steady = abs(scale[used] - scale[used][:1]) <= SAME * abs(scale[used][:1])
            if not used.any() or not steady.all() or np.count_nonzero(off[:, used]) < FEW:
                continue
            if case.fits(case.n + (np.where(used, scale, 0) * term).reshape(case.n.shape)):
                told = f"{scale[used][0]:.4g} times {form.format(f'({text})')}"
                told = f"a term of {text}, whose gradient is {told}, is missing, or there twice"
                yield Mistake("term", f"{told} (a penalty?)")
                return


def few_factors(case: Case) -> Iterator[Mistake]:
    """Each entry has one of two or three factors: that of its class."""
    size = abs(case.n)
    big = case.known & (size > 1e-3 * case.typical)
    if np.count_nonzero(big.any(axis=0)) < FEW:
        return
    ratio = np.where(big, case.a / case.n, np.nan)
    each = np.nanmedian(ratio[:, big.any(axis=0)], axis=0)
    groups: list[list[float]] = []
    for c in sorted(each):
        if groups and abs(c - groups[-1][0]) <= 10 * SAME * abs(c):
            groups[-1].append(float(c))
        else:
            groups.append([float(c)])
    if not 2 <= len(groups) <= 3 or min(map(len, groups)) < 2:
        return
    wrong = [group[0] for group in groups if abs(group[0] - 1) > 1e-3]
    if len(wrong) < 2 or not all(wrong):
        return  # one factor is told by the places where it stands
    column = np.ones(case.x.size)
    column[big.any(axis=0)] = each
    if case.fits(case.n * column):
        factors = " or ".join(f"{group[0]:.4g}" for group in groups)
        text = (
            f"each entry has one of {len(groups)} factors, {factors}: weights of classes, a mask?"
        )
        yield Mistake("row factors", text)


# ----------------------------------------------------------------------------- between two entries


def between_entries(case: Case) -> Iterator[Mistake]:
    """The terms by which different entries act on each other have a factor of their own."""
    if case.x.shape != case.y.shape or not 4 <= case.x.size <= COUPLED:
        return
    between = ~np.eye(case.x.size, dtype=bool)
    if np.count_nonzero(case.wrong & between) < FEW:
        return
    found = factor(case, between) or next(chain_factors(case, between), None)
    if found is not None:
        text = (
            f"between different entries {found.text.split(':')[0]} (a sum inside of the function)"
        )
        yield Mistake("cross terms", text)


def lines_of(shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Sets of entries that a mean may be taken over: along axes, and groups of one of them."""
    grids = np.indices(shape).reshape(len(shape), -1)
    long = [k for k, size in enumerate(shape) if size > 1]
    for count in range(1, len(long) + 1):
        for axes in combinations(long, count):
            others = np.delete(grids, axes, axis=0)
            same = np.all(others[:, :, None] == others[:, None, :], axis=0)
            name = f"axis {axes[0]}" if count == 1 else f"axes {axes}"
            yield name, same
            for k in axes:
                for group in range(2, shape[k]):
                    if shape[k] % group == 0:
                        part = grids[k] // group
                        inside = same & (part[:, None] == part[None, :])
                        yield f"{name} in groups of {group} of axis {k}", inside


def means(case: Case) -> Iterator[Mistake]:
    """A mean, or the mean with x̂, along other entries than those that belong together."""
    if case.x.shape != case.y.shape or not 4 <= case.x.size <= COUPLED:
        return
    lines = list(lines_of(case.x.shape))
    off = np.where(case.known, case.a - case.n, 0.0)
    x = case.x.reshape(-1)
    for words in ("the mean of g", "x̂ · mean(g · x̂)"):
        terms: list[tuple[str, Array]] = []
        for name, line in lines:
            share = line / line.sum(1, keepdims=True)
            centred = x - share @ x
            spread = centred * centred
            normal = np.outer(centred, centred) / (share @ spread) if "x̂" in words else 1.0
            terms.append((name, share * normal))
        for name, term in terms:
            if fits_scaled(case, off, term):
                text = f"{words} over {name} is not subtracted, or has a wrong factor"
                yield Mistake("cross terms", f"{text} (normalisation)")
                return
        for (name, term), (other, instead) in permutations(terms, 2):
            if fits_scaled(case, off, term - instead, positive=True):
                text = f"{words} is taken over {other} where it belongs over {name}"
                yield Mistake("axis", f"{text} (normalisation)")
                return


def fits_scaled(case: Case, off: Array, term: Array, positive: bool = False) -> bool:
    """Whether each row is off by a multiple of that of a term."""
    squares = (term * term).sum(1)
    scale = np.where(squares > 0, (off * term).sum(1) / np.where(squares > 0, squares, 1), 0.0)
    if not np.any(scale) or (positive and len(np.unique(np.sign(scale[scale != 0]))) > 1):
        return False
    return case.fits(case.n + scale[:, None] * term)


# -------------------------------------------------------------------------------- behind a product


def arriving(x: Array, w: Array, y: Array, jacobian: Array) -> Array | None:
    """What arrives at ``x @ w``, (outputs, rows, units), from the Jacobian for w.

    None where x has more rows than columns: then w does not tell.
    """
    if w.ndim != 2 or x.ndim not in (2, 3) or x.shape[-1] != w.shape[0]:
        return None
    whole = jacobian.reshape(-1, *w.shape)
    if x.ndim == 2 and x.shape[0] <= x.shape[1] and np.linalg.cond(x) < 1e5:
        return np.linalg.pinv(x.T) @ whole
    if x.ndim == 3 and x.shape[1] <= x.shape[2] and y.ndim and y.shape[0] == x.shape[0]:
        parts = whole.reshape(len(x), -1, *w.shape)  # each example has its own results
        if np.all(np.linalg.cond(x) < 1e5):
            return (np.linalg.pinv(x.mT)[:, None] @ parts).reshape(len(whole), -1, w.shape[1])
    return None


def behind_a_product(case: Case, jacobians: Sequence[Jacobian]) -> Iterator[Mistake]:
    """Each number that arrives at x @ W has a factor of its own, the same for every cotangent."""
    for text, x, _ in products_with(case):
        a, n = (arriving(x, case.x, case.y, each) for each in (case.a, case.n))
        if a is None or n is None or len(n) < 2:
            continue
        largest = np.max(abs(n), axis=0)
        big = abs(n) > 1e-3 * largest
        if big[0].size < FEW or not largest.all():
            continue
        ratio = np.where(big, a / n, np.nan)
        each = np.nanmedian(ratio, axis=0)
        steady = abs(ratio - each) <= 1e-3 * abs(each) + 1e-6
        if not np.all(steady | ~big) or not np.all(negligible(case, a - each * n, largest)):
            continue
        if np.ptp(each) <= 1e-3 * np.max(abs(each)) or np.any(abs(each) < 1e-6):
            continue  # one factor for all, or a term that is missing
        found = factor_of_units(case, text, each)
        if not found and np.count_nonzero(big.sum(0) > 1) >= FEW:  # several results agree on it
            low, high = float(np.min(each)), float(np.max(each))
            found = (
                f"each number that arrives at {text} has a factor of its own, {low:.3g} to "
                f"{high:.3g}, whatever g is: the derivative of what follows it (an activation, a "
                "gate) is wrong"
            )
        if found:
            yield Mistake("hidden", found)
            return


def factor_of_units(case: Case, text: str, each: Array) -> str:
    """Which function of a product of the inputs has the numbers of a factor."""
    products = [(text, product) for text, _, product in products_with(case)]
    for name, x in case.jacobian.others.items():
        for other, w in case.jacobian.others.items():
            if w.ndim == 2 and x.ndim >= 2 and w is not x and x.shape[-1] == w.shape[0]:
                products.append((f"{name} @ {other}", x @ w))
    for name, z in products:
        flat = z.reshape(-1, z.shape[-1])
        for form, function in OF_UNITS if flat.shape == each.shape else ():
            values, found = function(flat), form.format(f"({name})")
            if np.allclose(each * values, 1.0, 1e-3):
                return f"a factor {found} is missing in what arrives at {text}"
            if np.allclose(each, values, 1e-3):
                return f"there is a factor {found} too many in what arrives at {text}"
    return ""
