"""Gradients at ties: several entries whose kinks belong together must be right together.

At a tie of the maximum, any share between 0 and 1 is right for each entry, but the shares must add
up to one: moved together, the tied entries have a smooth maximum, whose derivative is known.
"""

from __future__ import annotations

import numpy as np

from minigrad.testing.numeric import EPS, Array, Numeric
from minigrad.testing.points import Evaluate, guarded

AROUND = 1e-4  # how far from the point derivatives are looked at, relative to the entries or to 1
STEP = 1e-6  # of their differences
SAMPLES = 6
MOST = 8  # rows that are looked at


def apart(
    evaluate: Evaluate,
    arrays: list[Array],
    analytic: list[Array],
    numerics: list[Numeric],
    base: Array,
    noise: Array,
    eps: float = EPS,
) -> list[tuple[int, float, float]]:
    """The outputs whose gradients are impossible at their ties: output, claimed slope, true slope.

    The entries at a kink are moved together: all by as much, or each in proportion to itself.  Only
    where the slope is the same at all points around is anything concluded.
    """
    found = []
    tied = [n.at_kink for n in numerics]
    rows = np.flatnonzero(np.sum([t.sum(axis=1) for t in tied], axis=0) >= 2)
    for i in rows[:MOST]:
        for along in (np.ones_like, np.copy):
            directions = [
                np.where(t[i], along(x.reshape(-1)), 0.0).reshape(x.shape)
                for t, x in zip(tied, arrays)
            ]
            terms = [a[i] * d.reshape(-1) for a, d in zip(analytic, directions)]
            claimed = float(sum(np.sum(t[d.reshape(-1) != 0]) for t, d in zip(terms, directions)))
            slopes = slopes_around(evaluate, arrays, directions, directions, int(i), base.size, eps)
            size = max(sum(float(np.nansum(abs(t))) for t in terms), float(np.max(abs(slopes))))
            slack = 1e-3 * size + 16 * float(noise[i]) / step_in(eps)
            true = float(np.mean(slopes))
            same = np.max(abs(slopes - true)) <= slack and slack <= 1e-2 * size
            if same and abs(claimed - true) > 4 * slack:
                found.append((int(i), claimed, true))
                break
    return found


def within_ties(
    evaluate: Evaluate,
    arrays: list[Array],
    k: int,
    i: int,
    wrong: Array,
    analytic: Array,
    noise: Array,
    eps: float = EPS,
) -> tuple[Array, float, float] | None:
    """The wrong entries of output `i` that belong to a tie inside input `k`, and their interval.

    Where three numbers are equal, the middle one in order stays the same when one of them moves:
    the differences are 0, and the gradient is 1 for one of the three.  It is right if the gradients
    of all three together are, and each is a slope of the function at points around.
    """
    flat = arrays[k].reshape(-1)
    for value in np.unique(flat[wrong]):
        group = flat == value
        if np.count_nonzero(group) < 2:
            continue
        zeros = [np.zeros_like(x) for x in arrays]
        moved = [*zeros[:k], group.reshape(arrays[k].shape) * 1.0, *zeros[k + 1 :]]
        together = slopes_around(evaluate, arrays, moved, moved, i, len(noise), eps)
        each = []
        members = np.flatnonzero(group)[:MOST]
        for j in members:
            unit = np.zeros_like(flat)
            unit[j] = 1.0
            alone = [*zeros[:k], unit.reshape(arrays[k].shape), *zeros[k + 1 :]]
            each.append(slopes_around(evaluate, arrays, alone, moved, i, len(noise), eps))
        low, high = float(np.min(each)), float(np.max(each))
        slack = 1e-3 * (high - low) + 16 * float(noise[i]) / step_in(eps)
        claimed = analytic[i, group]
        fits = np.all(abs(together - np.sum(claimed)) <= 4 * slack)
        between = np.all((claimed >= low - slack) & (claimed <= high + slack))
        # equal numbers are not a tie where the function is smooth: then no slope changes around
        changes = np.ptp(each, axis=1) > 10 * slack
        if fits and between and np.any(changes & wrong[members]):
            return wrong & group, low, high
    return None


def step_in(eps: float) -> float:
    """The step of differences of a function that computes with a rounding of `eps`."""
    return STEP * float(eps / EPS) ** 0.4


def slopes_around(
    evaluate: Evaluate,
    arrays: list[Array],
    directions: list[Array],
    spread: list[Array],
    i: int,
    m: int,
    eps: float,
) -> Array:
    """The slopes of output `i` along the directions: here, to either side, and at points around.

    spread  which entries differ at the points around: those that are not zero
    """
    before = [x.copy() for x in arrays]
    rng = np.random.default_rng(0)
    largest = max(float(np.max(abs(d), initial=0.0)) for d in directions) or 1.0
    h = step_in(eps) / largest
    around = AROUND * (eps / EPS) ** (1 / 3)

    def moved(start: list[Array], step: float) -> float:
        for x, s, d in zip(arrays, start, directions):
            x[...] = s + step * d
        return float(guarded(evaluate, m)[i])

    slopes = []
    try:
        here = moved(before, 0.0)
        slopes += [(moved(before, h) - here) / h, (here - moved(before, -h)) / h]
        for _ in range(SAMPLES):
            start = [
                s + around * np.fmax(1.0, abs(s)) * (d != 0) * rng.uniform(-1, 1, s.shape)
                for s, d in zip(before, spread)
            ]
            slopes.append((moved(start, h) - moved(start, -h)) / (2 * h))
    finally:
        for x, values in zip(arrays, before):
            x[...] = values
    return np.array(slopes)
