"""Ridders' method for many entries of a Jacobian at once, with kinks told apart.

Central differences at steps that shrink by 4, extrapolated to step zero; of the table, the best is
chosen by its own error estimate.  The left and right differences at the same steps tell a kink from
a wrong value: at a smooth point their gap shrinks with the step, at a kink it stays.  What these
steps leave open, a kink above all, is looked at again from nearby: beside a singular point,
everything looks like a kink from afar.

All arrays have one number for each entry, or for each column where that is said.

Source   Ridders 1982, "Accurate computation of F'(x) and F'(x)F''(x)"; Press et al. 2007,
         Numerical Recipes, section 5.7.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from minigrad.testing.numeric import EPS, ZERO, Numeric
from minigrad.testing.points import Points

Array = Any

FIRST_STEP = 0.05  # of the table, relative to the entry or to 1, whichever is larger
WIDE_STEP = 0.5  # the same where rounding errors are those of a shorter type
SHRINK = 4.0
COLUMNS = 4  # of the table: more extrapolation only amplifies rounding
NEAREST = 1e-13  # step, relative to the entry or to 1: below, the entry itself is rounded
CLOSING = 16.0  # how fast steps shrink on the way there


class Entries:
    """Some entries of a Jacobian, sorted by column.

    rows, columns  where they are
    distinct       the columns, each once
    of             for each entry, which of the distinct columns it is in
    """

    def __init__(self, rows: Array, columns: Array) -> None:
        self.rows, self.columns = rows, columns
        self.distinct, self.starts, self.of = np.unique(
            columns, return_index=True, return_inverse=True
        )

    def largest(self, values: Array) -> Array:
        """The largest of each column, NaN left out, for each of its entries."""
        return np.fmax(np.fmax.reduceat(values, self.starts), 0.0)[self.of]

    def every(self, holds: Array) -> Array:
        """For each column, whether something holds for all its entries."""
        return np.logical_and.reduceat(holds, self.starts)

    def some(self, holds: Array) -> Array:
        return np.logical_or.reduceat(holds, self.starts)

    def outputs(self, points: Points, h: Array) -> Differences:
        """Half the distance, the outputs above and those below, NaN where `h` is.

        h   the steps, one for each column; where it is NaN, nothing is evaluated
        """
        half, above, below = np.full((3, len(self.rows)), np.nan)
        asked = np.flatnonzero(np.isfinite(h))
        if not len(asked):
            return half, above, below
        columns = self.distinct[asked]
        upper, lower = points.x[columns] + h[asked], points.x[columns] - h[asked]
        found = points.outputs(np.tile(columns, 2), np.concatenate([upper, lower]))
        slots = np.full(len(h), -1)
        slots[asked] = np.arange(len(asked))
        slot = slots[self.of]
        mine = slot >= 0
        half[mine] = ((upper - lower) / 2)[slot[mine]]
        above[mine] = found[slot[mine], self.rows[mine]]
        below[mine] = found[len(asked) + slot[mine], self.rows[mine]]
        return half, above, below


Differences = tuple[Array, Array, Array]  # half the distance, the outputs above, and those below


def refine(
    points: Points, unsettled: Array, noise: Array, expected: Array | None, eps: float = EPS
) -> tuple[Array, Array, Numeric]:
    """The entries of the Jacobian that are marked in `unsettled`: rows, columns, derivatives.

    noise      rounding error of each output
    expected   (outputs, inputs): where the derivative agrees with it, it need not be as exact
    """
    columns, rows = np.nonzero(unsettled.T)
    entries, base = Entries(rows, columns), points.base
    entry = points.x[entries.distinct]
    scale = np.where(np.isfinite(entry), np.fmax(1.0, abs(entry)), 1.0)
    # the function may vary on this scale
    extent = np.fmax(abs(entry), np.fmax.reduce(abs(points.x)))
    extent = np.where(extent == 0, 1.0, extent)
    smallest = np.where(entry == 0, 1.0, np.fmin(abs(entry), 1.0)) * 1e-7 * (eps / EPS) ** 0.4
    there = np.full(len(rows), np.nan) if expected is None else expected[rows, columns]
    near = (eps ** (1 / 3) * scale)[entries.of]
    table = Table(entries, base[rows], noise[rows], there, near)
    h = (FIRST_STEP if eps <= EPS else WIDE_STEP) * scale
    found, last = Numeric.empty((len(rows),)), np.full(len(scale), np.nan)
    columns_left = np.arange(len(scale))
    entries_left = np.arange(len(rows))
    while len(columns_left):
        table.go_local((h <= FIRST_STEP * extent)[table.entries.of])
        table.add(*table.entries.outputs(points, h))
        known, done = table.known(), table.known() | table.blind
        enough = table.entries.every(done & table.local)
        short = h / SHRINK < smallest
        if (enough | short).any():
            probe = np.where(enough, table.probe(smallest, h), np.nan)
            sure = enough & table.confirm(*table.entries.outputs(points, probe))
            over = (sure & ~table.entries.every(known)) | (~sure & short)
            if over.any():
                probe = np.where(over & ~sure, table.probe(smallest, h / SHRINK), np.nan)
                table.confirm(*table.entries.outputs(points, probe))
                table.look_wide(points, over, extent)
            leave = sure | over
            mine = leave[table.entries.of]
            found.put(entries_left[mine], table.part(mine).result())
            last[columns_left[over]] = np.where(sure, smallest, h / SHRINK)[over]
            table = table.part(~mine)
            columns_left, entries_left = columns_left[~leave], entries_left[~mine]
            h, smallest, extent = h[~leave], smallest[~leave], extent[~leave]
        h = h / SHRINK
    look_closer(points, entries, found, last, NEAREST * scale * (eps / EPS), noise)
    return rows, columns, found


def look_closer(
    points: Points, entries: Entries, found: Numeric, h: Array, nearest: Array, noise: Array
) -> None:
    """Put what shorter steps say in the place of what longer ones left open.

    h, nearest   for each column, the first step (NaN: nothing is open) and the last one
    """
    asked = unanswered(found, noise[entries.rows] / h[entries.of])
    chosen = (h > nearest) & entries.some(asked)
    if not chosen.any():
        return
    mine = np.flatnonzero(chosen[entries.of])
    rows = entries.rows[mine]
    nan = np.full(len(mine), np.nan)
    some = Entries(rows, entries.columns[mine])
    table = Table(some, points.base[rows], noise[rows], nan, h[entries.of][mine], CLOSING)
    table.local[...] = True
    near, judged = Numeric.empty((len(mine),)), np.zeros(len(mine), int)
    left, h, nearest = np.arange(len(mine)), h[chosen], nearest[chosen]
    while len(left):
        table.add(*table.entries.outputs(points, h))
        leave = table.entries.every(table.known()) | table.all_kinks()
        h = h / table.shrink
        leave |= h < nearest
        gone = leave[table.entries.of]
        if gone.any():
            part = table.part(gone)
            judged[left[gone]] = part.judged
            near.put(left[gone], part.result())
            table, left, h, nearest = table.part(~gone), left[~gone], h[~leave], nearest[~leave]
    before = found.part(mine)
    answer(before, asked[mine], near, judged)
    found.put(mine, before)


def unanswered(found: Numeric, rounding: Array) -> Array:
    """The entries that shorter steps, of which the rounding error is given, may tell more about."""
    size = np.nan_to_num(abs(found.value))
    unsure = (4 * found.error > 1e-2 * size) & (4 * found.error > ZERO * found.slope)
    clear = 100 * rounding < np.fmin(found.error, found.slope)
    return (found.at_kink | (unsure & clear)) & ~found.flat & np.isfinite(rounding)


def answer(found: Numeric, asked: Array, near: Numeric, judged: Array) -> None:
    """Put what shorter steps say (`near`) in the place of what longer ones left open.

    A kink is one if it is the same from nearby; otherwise a singular point is near, and the
    derivative is what shorter steps say, or unknown.
    """
    stays = abs(near.right - near.left) / (found.right - found.left)
    same = near.at_kink & (abs(abs(stays) - 1) < 0.1)
    contradicted = asked & found.at_kink & ~same & (judged >= 2)
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
    """Ridders' table for all entries at once, and what the one-sided differences say."""

    def __init__(
        self,
        entries: Entries,
        base: Array,
        noise: Array,
        expected: Array,
        near: Array,
        shrink: float = SHRINK,
    ) -> None:
        m = base.size
        self.entries, self.base, self.noise, self.expected = entries, base, noise, expected
        self.near, self.shrink = near, shrink
        self.rows: list[Array] = []  # of the previous step
        self.value, self.error = np.full(m, np.nan), np.full(m, np.inf)
        self.reach = np.full(m, np.inf)  # from `value` to the difference that it came from
        self.slope = np.zeros(m)
        self.gap = np.full(m, np.inf)
        self.constant = np.isfinite(base)
        self.judged = np.zeros(m, int)  # steps at which rounding would not hide a kink
        self.before = np.full((3, m), np.nan)  # the differences at the step before
        self.kink_now = np.zeros(m, bool)  # at the smallest step that rounding lets us judge
        self.kink_near = np.zeros(m, bool)
        self.kinked_before = np.zeros(m, bool)
        self.left, self.right = np.full(m, np.nan), np.full(m, np.nan)
        self.beyond = np.full((2, m), np.nan)  # the slopes beyond a kink that is nearby
        self.flat, self.longest = np.isfinite(base), np.zeros(m)
        self.local = np.zeros(m, bool)
        self.far = np.array([self.value, self.error])
        self.rough = np.zeros(m, bool)  # at this step, left and right do not approach each other
        self.hidden = np.zeros(m, bool)  # at this step, rounding would hide a kink
        self.blind = np.zeros(m, bool)  # shorter steps would see rounding errors

    def part(self, mine: Array) -> Table:
        """The table of some of the entries: whole columns."""
        part = copy(self)
        part.entries = Entries(self.entries.rows[mine], self.entries.columns[mine])
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(part, name, value[..., mine])
        part.rows = [row[mine] for row in self.rows]
        return part

    def go_local(self, short: Array) -> None:
        """From here on, steps are shorter than the inputs are large: begin a table of its own.

        What converged at longer steps is more exact, if the function is as smooth as it looked from
        there; `result` takes it where the local table agrees.
        """
        begins = short & ~self.local
        if begins.any():
            self.local = self.local | short
            self.far = np.where(begins, [self.value, self.error], self.far)
            self.begin_again(begins)

    def begin_again(self, where: Array) -> None:
        self.value = np.where(where, np.nan, self.value)
        self.error = np.where(where, np.inf, self.error)
        self.forget_rows(where)

    def forget_rows(self, where: Array) -> None:
        self.rows = [np.where(where, np.nan, row) for row in self.rows]

    def add(self, h: Array, above: Array, below: Array) -> None:
        """Add a step."""
        rounding = noise_at(self.noise, above, below) / h
        self.longest = np.fmax(h, self.longest)
        self.flat = self.flat & (above == self.base) & (below == self.base)
        self.notice_change(above, below)
        rough = self.look_for_kink(h, above, below, rounding)
        self.before = np.array([h, above, below])
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
        self.rows, self.rough = rows, rough
        best = np.isfinite(self.error) & (4 * rounding >= self.error)
        self.blind = best & (self.hidden | (abs(self.value - self.expected) <= self.error)) & ~rough
        self.blind |= self.flat & (abs(self.expected) <= rounding)

    def known(self) -> Array:
        """Where the derivative is known well enough."""
        value, error = abs(self.value), self.error
        enough = (error <= 1e-8 * value) | (error <= 1e-12 * self.entries.largest(value))
        # two computations agree
        size, off = np.fmax(value, abs(self.expected)), abs(self.value - self.expected)
        agrees = (off <= 1e-7 * size) & (error <= 1e-4 * size)
        agrees |= (off <= error) & (error <= 1e-5 * size)
        agrees |= (off <= error) & (4 * error <= 0.1 * ZERO * self.slope)  # zero at a flat point
        return (enough | agrees | (self.flat & (self.expected == 0))) & ~self.rough

    def forget(self, difference: Array, rounding: Array) -> None:
        """Forget what a difference at a shorter step contradicts.

        Where a value has converged, shorter steps come nearer to it.  Steps that are far wider than
        a wave seem to converge to its mean.
        """
        off = abs(difference - self.value)
        wrong = off > 4 * self.reach + 16 * rounding + 10 * self.error
        self.value = np.where(wrong, np.nan, self.value)
        self.error = np.where(wrong, np.inf, self.error)

    def all_kinks(self) -> Array:
        """For each column, whether all outputs have a kink here, or are constant or not finite."""
        kinks = self.kink_now & self.kink_near & (self.judged >= 2)
        return self.entries.every(kinks | self.flat | ~np.isfinite(self.base))

    def notice_change(self, above: Array, below: Array) -> None:
        noise = 16 * noise_at(self.noise, above, below)
        moved = (abs(above - self.base) > noise) | (abs(below - self.base) > noise)
        self.constant = self.constant & ~moved

    def probe(self, smallest: Array, h: Array) -> Array:
        """For each column a step far below `h` at which differences have still three digits."""
        value = abs(self.value)
        useful = value > 1e-3 * self.entries.largest(value)
        needed = self.entries.largest(np.where(useful, self.noise / value, 0.0))
        needed = needed[self.entries.starts]
        return np.fmax(smallest, np.fmin(1e4 * needed, h))

    def confirm(self, h: Array, above: Array, below: Array) -> Array:
        """Compare with differences at the tiny steps `h`, and forget what they contradict.

        A staircase looks like a slope from afar: what converged at long steps need not be the
        derivative here.

        Returns  for each column, whether nothing was contradicted
        """
        near = (above - below) / (2 * h)
        noise = noise_at(self.noise, above, below)
        size = np.fmax(abs(self.value), 1e-6 * self.entries.largest(abs(self.value)))
        contradicted = abs(near - self.value) > 1e-3 * size + 16 * noise / h + 10 * self.error
        if not contradicted.any():
            return np.ones(len(self.entries.distinct), bool)
        columns = self.entries.some(contradicted)
        self.value = np.where(contradicted, np.nan, self.value)
        self.error = np.where(contradicted, np.inf, self.error)
        self.forget_rows(columns[self.entries.of])
        return ~columns

    def look_wide(self, points: Points, columns: Array, extent: Array) -> None:
        """Whether what has been constant so far is so at a wide step as well."""
        asked = columns & self.entries.some(self.constant)
        if asked.any():
            wide = np.where(asked, 0.7 * extent, np.nan)
            _, above, below = self.entries.outputs(points, wide)
            self.notice_change(above, below)

    def look_for_kink(self, h: Array, above: Array, below: Array, rounding: Array) -> Array:
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
        self.hidden = 16 * rounding > 0.1 * np.fmax(gap, np.fmax(abs(right), abs(left)))
        self.judged = self.judged + (judged & np.isfinite(gap))
        self.kink_now = np.where(judged, kinked, self.kink_now)
        near = kinked & self.kinked_before & (h <= 2 * self.near)
        self.kinked_before = kinked
        if near.any():
            self.kink_near = self.kink_near | near
            self.left = np.where(near, left, self.left)
            self.right = np.where(near, right, self.right)
            longer, higher, lower = self.before
            sides = (lower - below) / (h - longer), (higher - above) / (longer - h)
            self.beyond = np.where(near, sides, self.beyond)
        steepest = np.fmax(abs(right), abs(left)) - rounding
        steepest = np.where(self.local & np.isfinite(steepest), steepest, 0.0)
        self.slope = np.fmax(self.slope, steepest)
        self.gap = gap
        return rough

    def result(self) -> Numeric:
        far, far_error = self.far
        size = np.fmax(abs(far), 1e-3 * self.entries.largest(abs(far)))
        telling = 4 * self.error <= size
        # two computations agree, and rounding hides what is nearby
        telling |= abs(far - self.expected) <= 4 * far_error + 1e-6 * abs(far)
        better = (far_error < self.error) & (abs(far - self.value) <= 4 * self.error) & telling
        # from afar a minimum of two functions looks like the other one
        near_says_so = abs(self.value - self.expected) <= 4 * self.error
        better &= ~(near_says_so & (abs(far - self.expected) > 4 * far_error + 1e-6 * abs(far)))
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
