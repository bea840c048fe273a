"""Numerical derivatives with an error estimate for each entry, and no step size to tune.

A cheap pass comes first: one central difference per entry.  Where it is not good enough (or does
not agree with what the caller expects), Ridders' method takes over: central differences at steps
that shrink by 4, extrapolated to step zero, the best of the table chosen by its own error estimate.
The left and right differences at the same steps tell a kink from a wrong value: at a smooth point
their gap shrinks with the step, at a kink it stays.  What these steps leave open, a kink above all,
is looked at again from nearby: beside a singular point, everything looks like a kink from afar.

Source   Ridders 1982, "Accurate computation of F'(x) and F'(x)F''(x)"; Press et al. 2007,
         Numerical Recipes, section 5.7; Squire and Trapp 1998 for the complex step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minigrad.testing.rounding import noise_within, shaken
from minigrad.testing.staircase import precision_inside

Array = Any

EPS = float(np.finfo(np.float64).eps)
FIRST_STEP = 0.05  # of Ridders' table, relative to the entry or to 1, whichever is larger
WIDE_STEP = 0.5  # the same where rounding errors are those of a shorter type
SHRINK = 4.0
COLUMNS = 4  # of Ridders' table: more extrapolation only amplifies rounding
NEAREST = 1e-13  # step, relative to the entry or to 1: below, the entry itself is rounded
CLOSING = 16.0  # how fast steps shrink on the way there
GROWTH = 1024.0  # how much larger a change is tried, to tell rounding from a jump
ZERO = 1e-8  # of the slope at the steps: a derivative whose error is below can be told from it


@dataclass
class Numeric:
    """A numerical Jacobian, entry by entry; all arrays have shape (outputs, inputs).

    value        the derivative; the mean of the one-sided ones at a kink
    error        estimated error of `value`; infinite where nothing converged
    kink         whether there is a kink at the entry, or nearer to it than a usual step
    left, right  the one-sided derivatives at a kink, NaN elsewhere
    at_kink      whether the kink is at the entry itself, so that `value` means nothing
    flat         whether the output did not change at all, at any step
    slope        the steepest that the function is at steps up to the size of the inputs: what the
                 derivative is small against at a flat point, as that of x^3 at 0
    constant     whether the output did not change by more than rounding, even at a wide step
    """

    value: Array
    error: Array
    kink: Array
    left: Array
    right: Array
    at_kink: Array
    flat: Array
    slope: Array
    constant: Array

    @staticmethod
    def empty(shape: tuple[int, int]) -> Numeric:
        nan = np.full(shape, np.nan)
        no = np.zeros(shape, bool)
        return Numeric(
            value=nan,
            error=np.full(shape, np.inf),
            kink=no,
            left=nan.copy(),
            right=nan.copy(),
            at_kink=no.copy(),
            flat=no.copy(),
            slope=np.zeros(shape),
            constant=no.copy(),
        )

    def put(self, j: int, rows: Array, column: Numeric) -> None:
        """Put the derivatives of some outputs for one input into their rows of column `j`."""
        for name in vars(self):
            getattr(self, name)[rows, j] = getattr(column, name)


Evaluate = Callable[[], Array]  # the outputs as one flat float64 array, at the current inputs


def guarded(evaluate: Evaluate, size: int) -> Array:
    """The outputs, NaN where the function refuses such inputs (log of -1, a singular matrix).

    A result of another size (`unique`, where two entries meet) counts as refused, too.
    """
    try:
        outputs = evaluate()
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        return np.full(size, np.nan)
    return outputs if outputs.size == size else np.full(size, np.nan)


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
) -> Numeric:
    """The Jacobian of `evaluate` with respect to the entries of `x`, which is changed and restored.

    evaluate        the outputs at the current contents of `x`
    x               flat array of float64, of n entries
    base            the m outputs at x
    noise           rounding error of each output
    expected        (m, n): entries that agree with it after the cheap pass are not refined
    complex_column  column j by a complex step, if the function takes complex numbers
    eps             rounding of one operation inside the function: steps stay above its staircase
    """
    m, n = base.size, x.size
    result = Numeric.empty((m, n))
    if m == 0 or n == 0:
        return result
    steps = eps ** (1 / 3) * np.maximum(1.0, np.abs(x))
    above, below = np.empty((n, m)), np.empty((n, m))
    widths = np.empty(n)
    for j in range(n):
        entry = x[j]
        x[j] = upper = entry + steps[j]
        above[j] = guarded(evaluate, m)
        x[j] = lower = entry - steps[j]
        below[j] = guarded(evaluate, m)
        x[j] = entry
        widths[j] = upper - lower
    value = ((above - below) / widths[:, None]).T
    if complex_column is not None:
        value = np.stack([complex_column(j) for j in range(n)], axis=1)
    rounding = 4 * noise_at(noise, above, below).T / steps
    gap = np.abs(above - 2 * base + below).T / steps
    settled = settles(value, expected, rounding, gap)
    result.value[...] = value
    result.slope[...] = abs(value)
    result.error[...] = rounding if expected is None else np.fmax(rounding, abs(value - expected))
    for column in np.flatnonzero(~settled.all(axis=0)):
        rows = np.flatnonzero(~settled[:, column])
        there = None if expected is None else expected[rows, column]
        parts = Parts(evaluate, m, rows)
        found = refine(parts, x, int(column), base[rows], noise[rows], there, eps)
        result.put(int(column), rows, found)
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
    little = size <= 1e-2 * np.nanmax(size, axis=0, initial=0.0)  # need not be known as exactly
    small = rounding <= np.where(little, 2e-3, 1e-4) * size
    agrees = (difference <= 1e-6 * size) | ((difference <= rounding) & small)
    exact = (value == expected) & (gap == 0) & (rounding <= 1e-6)
    return (agrees & small & (gap <= 1e-3 * size + 2 * rounding)) | exact


class Parts(NamedTuple):
    """Some of the outputs of a function: those in `rows`, of `total`."""

    evaluate: Evaluate
    total: int
    rows: Array

    def __call__(self) -> Array:
        return guarded(self.evaluate, self.total)[self.rows]


def refine(
    evaluate: Parts,
    x: Array,
    j: int,
    base: Array,
    noise: Array,
    expected: Array | None,
    eps: float = EPS,
) -> Numeric:
    """Column j of the Jacobian by Ridders' method, with kinks told apart."""
    entry = x[j]
    scale = max(1.0, abs(entry)) if np.isfinite(entry) else 1.0
    extent = max(abs(entry), float(np.max(abs(x)))) or 1.0  # the function may vary on this scale
    smallest = 1e-7 * min(abs(entry) or 1.0, 1.0) * (eps / EPS) ** 0.4

    def at(h: float) -> Differences:
        x[j] = upper = entry + h
        above = evaluate()
        x[j] = lower = entry - h
        below = evaluate()
        x[j] = entry
        return (upper - lower) / 2, above, below

    table = Table(base, noise, near=eps ** (1 / 3) * scale)
    h = (FIRST_STEP if eps <= EPS else WIDE_STEP) * scale
    while h >= smallest:
        if not table.local and h <= FIRST_STEP * extent:
            table.go_local()
        known = table.add(*at(h))
        if known and table.local and table.confirm(*at(table.probe(smallest, h))):
            return table.result(expected)
        h /= SHRINK
    table.confirm(*at(table.probe(smallest, h)))
    if table.constant.any():
        table.notice_change(*at(0.7 * extent))
    found = table.result(expected)
    open_still = unanswered(found, noise / h)
    nearest = NEAREST * scale * (eps / EPS)
    if h > nearest and open_still.any():
        answer(found, open_still, look_closer(at, Table(base, noise, h, CLOSING), h, nearest))
    return found


Differences = tuple[float, Array, Array]  # half the distance, the outputs above, and those below


def unanswered(found: Numeric, rounding: Array) -> Array:
    """The entries that shorter steps, of which the rounding error is given, may tell more about."""
    size = np.nan_to_num(abs(found.value))
    unsure = (4 * found.error > 1e-2 * size) & (4 * found.error > ZERO * found.slope)
    clear = 100 * rounding < np.fmin(found.error, found.slope)
    return (found.at_kink | (unsure & clear)) & ~found.flat & np.isfinite(rounding)


def look_closer(
    at: Callable[[float], Differences], table: Table, h: float, nearest: float
) -> Table:
    """Fill a table with steps from `h` to `nearest`, or until all outputs are clear."""
    table.local = True
    while h >= nearest and not table.add(*at(h)):
        if table.all_kinks():
            break
        h /= table.shrink
    return table


def answer(found: Numeric, asked: Array, closer: Table) -> None:
    """Put what shorter steps say in the place of what longer ones left open.

    A kink is one if it is the same from nearby; otherwise a singular point is near, and the
    derivative is what shorter steps say, or unknown.
    """
    near = closer.result()
    stays = abs(near.right - near.left) / (found.right - found.left)
    same = near.at_kink & (abs(abs(stays) - 1) < 0.1)
    contradicted = asked & found.at_kink & ~same & (closer.judged >= 2)
    found.at_kink &= ~contradicted
    found.error = np.where(contradicted, np.inf, found.error)
    better = asked & ~found.at_kink & (near.error < found.error) & ~near.at_kink
    found.value = np.where(better, near.value, np.where(contradicted, np.nan, found.value))
    found.error = np.where(better, near.error, found.error)
    low, high = np.fmin(found.left, found.right), np.fmax(found.left, found.right)
    between = (found.value >= low) & (found.value <= high)
    found.kink &= ~contradicted | between


def noise_at(noise: Array, above: Array, below: Array) -> Array:
    """The noise of a difference: that at the point itself, or more where the values are larger."""
    return np.fmax(noise, 2 * EPS * np.fmax(abs(above), abs(below)))


class Table:
    """Ridders' table for all outputs at once, and what the one-sided differences say."""

    def __init__(self, base: Array, noise: Array, near: float, shrink: float = SHRINK) -> None:
        m = base.size
        self.base, self.noise, self.near, self.shrink = base, noise, near, shrink
        self.rows: list[Array] = []  # of the previous step
        self.value, self.error = np.full(m, np.nan), np.full(m, np.inf)
        self.reach = np.full(m, np.inf)  # from `value` to the difference that it came from
        self.slope = np.zeros(m)
        self.gap = np.full(m, np.inf)
        self.constant = np.isfinite(base)
        self.judged = np.zeros(m, int)  # steps at which rounding would not hide a kink
        self.before: Differences | None = None
        self.kink_now = np.zeros(m, bool)  # at the smallest step that rounding lets us judge
        self.kink_near = np.zeros(m, bool)
        self.kinked_before = np.zeros(m, bool)
        self.left, self.right = np.full(m, np.nan), np.full(m, np.nan)
        self.beyond = self.left, self.right  # the slopes beyond a kink that is nearby
        self.flat, self.longest = np.isfinite(base), 0.0
        self.local = False
        self.far: tuple[Array, Array] = self.value, self.error

    def go_local(self) -> None:
        """From here on, steps are shorter than the inputs are large: begin a table of its own.

        What converged at longer steps is more exact, if the function is as smooth as it looked from
        there; `result` takes it where the local table agrees.
        """
        self.local = True
        self.far = self.value, self.error
        self.value, self.error = np.full_like(self.value, np.nan), np.full_like(self.error, np.inf)
        self.rows = []

    def add(self, h: float, above: Array, below: Array) -> bool:
        """Add a step; true when every output is known well enough."""
        rounding = noise_at(self.noise, above, below) / h
        self.longest = max(h, self.longest)
        self.flat &= (above == self.base) & (below == self.base)
        self.notice_change(h, above, below)
        rough = self.look_for_kink(h, above, below, rounding)
        self.before = h, above, below
        rows = [(above - below) / (2 * h)]
        self.forget(rows[0], rounding)
        factor = self.shrink**2
        for before in self.rows[: COLUMNS - 1]:
            rows.append((factor * rows[-1] - before) / (factor - 1))
            error = np.fmax(abs(rows[-1] - rows[-2]), abs(rows[-1] - before))
            error += 2 * rounding + 4 * EPS * abs(rows[-1])
            better = (error < self.error) & ~rough
            self.value = np.where(better, rows[-1], self.value)
            self.error = np.where(better, error, self.error)
            self.reach = np.where(better, abs(rows[0] - rows[-1]), self.reach)
            factor *= self.shrink**2
        self.rows = rows
        enough = (self.error <= 1e-8 * abs(self.value)) & ~rough
        return bool(np.all(enough | (self.error <= 1e-12 * np.nanmax(abs(self.value), initial=0))))

    def forget(self, difference: Array, rounding: Array) -> None:
        """Forget what a difference at a shorter step contradicts.

        Where a value has converged, shorter steps come nearer to it.  Steps that are far wider than
        a wave seem to converge to its mean.
        """
        off = abs(difference - self.value)
        wrong = off > 4 * self.reach + 16 * rounding + 10 * self.error
        self.value = np.where(wrong, np.nan, self.value)
        self.error = np.where(wrong, np.inf, self.error)

    def all_kinks(self) -> bool:
        """Whether every output has a kink here, or has been constant or not finite."""
        kinks = self.kink_now & self.kink_near & (self.judged >= 2)
        return bool(np.all(kinks | self.flat | ~np.isfinite(self.base)))

    def notice_change(self, h: float, above: Array, below: Array) -> None:
        noise = 16 * noise_at(self.noise, above, below)
        moved = (abs(above - self.base) > noise) | (abs(below - self.base) > noise)
        self.constant &= ~moved

    def probe(self, smallest: float, h: float) -> float:
        """A step far below `h` at which a central difference has still three digits."""
        size = np.nanmax(abs(self.value), initial=0.0)
        useful = abs(self.value) > 1e-3 * size
        needed = float(np.max(self.noise[useful] / abs(self.value[useful]), initial=0.0))
        return max(smallest, min(1e4 * needed, h))

    def confirm(self, h: float, above: Array, below: Array) -> bool:
        """Compare with a difference at the tiny step `h`, and forget what it contradicts.

        A staircase looks like a slope from afar: what converged at long steps need not be the
        derivative here.
        """
        near = (above - below) / (2 * h)
        noise = noise_at(self.noise, above, below)
        size = np.fmax(abs(self.value), 1e-6 * np.nanmax(abs(self.value), initial=0.0))
        contradicted = abs(near - self.value) > 1e-3 * size + 16 * noise / h + 10 * self.error
        self.value = np.where(contradicted, np.nan, self.value)
        self.error = np.where(contradicted, np.inf, self.error)
        if contradicted.any():
            self.rows = []
        return not contradicted.any()

    def look_for_kink(self, h: float, above: Array, below: Array, rounding: Array) -> Array:
        """Where the left and right differences do not approach each other as the step shrinks.

        At a smooth point their gap falls to a quarter; at a kink it stays; where it grows, the
        steps are too long to see the point at all.
        """
        right, left = (above - self.base) / h, (self.base - below) / h
        gap = abs(right - left)
        certain = gap > 1e-3 * np.fmax(abs(right), abs(left)) + 16 * rounding
        rough = certain & (gap > 0.6 * self.gap)
        kinked = rough & (gap < 1.7 * self.gap)
        judged = (16 * rounding <= 0.1 * np.fmax(gap, abs(right))) | (gap == 0)
        self.judged += judged & np.isfinite(gap)
        self.kink_now = np.where(judged, kinked, self.kink_now)
        near = kinked & self.kinked_before & (h <= 2 * self.near)
        self.kinked_before = kinked
        self.kink_near |= near
        self.left = np.where(near, left, self.left)
        self.right = np.where(near, right, self.right)
        if self.before is not None:
            longer, higher, lower = self.before
            left_side, right_side = (lower - below) / (h - longer), (higher - above) / (longer - h)
            self.beyond = (
                np.where(near, left_side, self.beyond[0]),
                np.where(near, right_side, self.beyond[1]),
            )
        if self.local:
            steepest = np.fmax(abs(right), abs(left)) - rounding
            self.slope = np.fmax(self.slope, np.where(np.isfinite(steepest), steepest, 0.0))
        self.gap = gap
        return rough

    def result(self, expected: Array | None = None) -> Numeric:
        far, far_error = self.far
        size = np.fmax(abs(far), 1e-3 * np.nanmax(abs(far), initial=0.0))
        telling = 4 * self.error <= size
        if expected is not None:  # two computations agree, and rounding hides what is nearby
            telling |= abs(far - expected) <= 4 * far_error + 1e-6 * abs(far)
        better = (far_error < self.error) & (abs(far - self.value) <= 4 * self.error) & telling
        self.value = np.where(better, far, self.value)
        self.error = np.where(better, far_error, self.error)
        self.value = np.where(self.flat, 0, self.value)
        self.error = np.where(self.flat, self.noise / self.longest, self.error)
        self.value = np.where(np.isfinite(self.base), self.value, np.nan)
        at_kink = self.kink_now & self.kink_near
        self.left, self.right = (
            np.where(at_kink | ~np.isfinite(far), near, far)
            for near, far in zip((self.left, self.right), self.beyond)
        )
        on_the_left = abs(self.value - self.left) < abs(self.value - self.right)
        self.left = np.where(on_the_left & ~at_kink, self.value, self.left)
        self.right = np.where(~on_the_left & ~at_kink & self.kink_near, self.value, self.right)
        middle = (self.left + self.right) / 2
        low, high = np.fmin(self.left, self.right), np.fmax(self.left, self.right)
        slack = 1e-2 * (high - low)
        between = (self.value >= low - slack) & (self.value <= high + slack)
        return Numeric(
            value=np.where(at_kink, middle, self.value),
            error=np.where(at_kink, abs(self.right - self.left) / 2, self.error),
            kink=at_kink | (self.kink_near & between),
            left=self.left,
            right=self.right,
            at_kink=at_kink,
            flat=self.flat,
            slope=self.slope,
            constant=self.constant,
        )
