"""Numerical derivatives with an error estimate for each entry, and no step size to tune.

A cheap pass comes first: one central difference per entry.  Where it is not good enough (or does
not agree with what the caller expects), Ridders' method takes over (`ridders.py`).

Source   Squire and Trapp 1998 for the complex step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.testing.numeric import EPS, Numeric
from minigrad.testing.points import Evaluate, Points, Stacked, guarded
from minigrad.testing.ridders import noise_at, refine
from minigrad.testing.rounding import noise_within, shaken
from minigrad.testing.staircase import precision_inside

Array = Any

GROWTH = 1024.0  # how much larger a change is tried, to tell rounding from a jump


def rounding_noise(
    evaluate: Evaluate, inputs: list[Array], base: Array, eps: float, within: Any = 0.0
) -> Array:
    """How much of each output is rounding: its change when all inputs change in the last bit.

    Rounding, as any change of a continuous function, grows with the change of the inputs.  What is
    more than a millionth and does not grow is a jump: infinite, nothing can be measured there.

    within   the rounding error of the operations inside, from `rounding.noise_within`
    """
    noise = np.fmax(2 * eps * np.abs(base), within)
    jump = 1e-6 * np.fmax(np.abs(base), 1e-3 * np.nanmax(np.abs(base), initial=0.0))
    jump = np.fmax(jump, 10 * within)
    for seed in range(2):
        change = change_at(evaluate, inputs, base, eps, seed)
        large = (change > jump) & (eps <= EPS)
        if large.any():
            larger = change_at(evaluate, inputs, base, GROWTH * eps, seed)
            large &= larger < GROWTH / 64 * change
        noise = np.fmax(noise, np.where(large, np.inf, change))
    return noise + np.finfo(np.float64).tiny


def change_at(
    evaluate: Evaluate, inputs: list[Array], base: Array, amplitude: float, seed: int
) -> Array:
    """How much the outputs change with all inputs by `amplitude`, relative, up or down."""
    rng = np.random.default_rng(seed)
    before = [x.copy() for x in inputs]
    for x in inputs:
        x *= 1 + amplitude * rng.choice([-1.0, 1.0], x.shape)
    change = np.abs(guarded(evaluate, base.size) - base)
    for x, values in zip(inputs, before):
        x[...] = values
    return change


def jacobian(
    evaluate: Evaluate,
    x: Array,
    base: Array,
    noise: Array,
    expected: Array | None = None,
    complex_column: Callable[[int], Array] | None = None,
    eps: float = EPS,
    stacked: Stacked | None = None,
) -> Numeric:
    """The Jacobian of `evaluate` with respect to the entries of `x`, which is changed and restored.

    evaluate        the outputs at the current contents of `x`
    x               flat array of float64, of n entries
    base            the m outputs at x
    noise           rounding error of each output
    expected        (m, n): entries that agree with it after the cheap pass are not refined
    complex_column  column j by a complex step, if the function takes complex numbers
    eps             rounding of one operation inside the function: steps stay above its staircase
    stacked         the outputs at many inputs at once, as in `Points`
    """
    m, n = base.size, x.size
    result = Numeric.empty((m, n))
    if m == 0 or n == 0:
        return result
    steps = eps ** (1 / 3) * np.maximum(1.0, np.abs(x))
    every = np.arange(n)
    upper, lower = x + steps, x - steps
    points = Points(evaluate, x, base, stacked)
    found = points.outputs(np.tile(every, 2), np.concatenate([upper, lower]))
    above, below = found[:n], found[n:]
    widths = upper - lower
    value = ((above - below) / widths[:, None]).T
    if complex_column is not None:
        value = np.stack([complex_column(j) for j in range(n)], axis=1)
    rounding = 4 * noise_at(noise, above, below).T / steps
    gap = np.abs(above - 2 * base + below).T / steps
    settled = settles(value, expected, rounding, gap)
    result.value[...] = value
    same = ((above == base) & (below == base)).T
    result.flat[...] = settled & same
    result.slope[...] = abs(value)
    result.error[...] = rounding if expected is None else np.fmax(rounding, abs(value - expected))
    if not settled.all():
        rows, columns, refined = refine(points, ~settled, noise, expected, eps)
        result.put((rows, columns), refined)
        result.flat &= same
    return result


def numerical_jacobian(f: Callable[..., Any], x: Any) -> tuple[Array, Array]:
    """The Jacobian of a NumPy function of one array by extrapolated differences, and its error.

    f        a function of a float64 array that returns an array or a number
    x        where; any shape

    Returns  two arrays of shape (output shape..., shape of x...): the derivative, NaN where none
             was found, and its estimated error; at a kink, the mean of the one-sided derivatives
             and half their difference.
    Example  >>> import minigrad as mg
             >>> value, error = mg.testing.numerical_jacobian(np.exp, np.zeros(1))
             >>> bool(abs(value[0, 0] - 1) < 1e-11), bool(error[0, 0] < 1e-8)
             (True, True)
    """
    moved = np.array(x, np.float64, order="C")
    shape = np.shape(f(moved))

    def evaluate(at: Array = moved) -> Array:
        return np.array(f(at), np.float64).reshape(-1)

    @contextmanager
    def otherwise(rng: np.random.Generator, amplitude: float) -> Iterator[Any]:
        yield lambda: evaluate(shaken(moved, rng, amplitude))

    with np.errstate(all="ignore"):
        base = evaluate()
        inside = precision_inside(evaluate, [moved], base)
        eps = EPS if inside is None else inside.eps
        noise = rounding_noise(evaluate, [moved], base, eps, noise_within(otherwise, base, eps))
        found = jacobian(evaluate, moved.reshape(-1), base, noise, eps=eps)
    whole = (*shape, *moved.shape)
    return found.value.reshape(whole), found.error.reshape(whole)


def settles(value: Array, expected: Array | None, rounding: Array, gap: Array) -> Array:
    """Where the cheap pass is enough: two computations agree, and no kink is in sight."""
    if expected is None:
        return np.zeros(value.shape, bool)
    size = np.fmax(np.abs(value), np.abs(expected))
    difference = np.abs(value - expected)
    columns = np.nanmax(size, axis=0, initial=0.0)
    little = size <= 1e-2 * columns  # need not be known as exactly
    small = rounding <= np.where(little, 2e-3, 1e-4) * size
    agrees = (difference <= 1e-6 * size) | ((difference <= rounding) & small)
    exact = (value == expected) & (gap == 0) & (rounding <= 1e-6 * np.fmax(1.0, columns))
    return (agrees & small & (gap <= 1e-3 * size + 2 * rounding)) | exact
