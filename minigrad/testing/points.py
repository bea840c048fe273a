"""The outputs of a function at many points, all at once where the function takes them so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any

Evaluate = Callable[[], Array]  # the outputs as one flat float64 array, at the current inputs
Stacked = Callable[[Array], Array]  # the same for points (p, n), as an array (p, outputs)

TOGETHER = 1 << 15  # entries of a stack of inputs or outputs
FEWEST = 8  # points that are worth a stack
TRIED = (0.05, 0.3, 1.0)  # how far the points are at which a stack is tried first


def guarded(evaluate: Evaluate, size: int) -> Array:
    """The outputs, NaN where the function refuses such inputs (log of -1, a singular matrix).

    A result of another size (`unique`, where two entries meet) counts as refused, too.
    """
    try:
        outputs = evaluate()
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        return np.full(size, np.nan)
    return outputs if outputs.size == size else np.full(size, np.nan)


class Points:
    """Points that differ from the present input in one entry.

    evaluate   the outputs at the current contents of `x`, which is changed and restored
    x          the input, flat
    base       the outputs
    stacked    the outputs for many inputs along a new axis; it may raise, or return anything else.
               It is used if it gives bit for bit what single calls give: at some points before it
               is used, at the present input in each stack, and at a point by chance
    """

    def __init__(
        self, evaluate: Evaluate, x: Array, base: Array, stacked: Stacked | None = None
    ) -> None:
        self.evaluate, self.x, self.base, self.stacked = evaluate, x, base, stacked
        self.rng = np.random.default_rng(5)
        self.most = TOGETHER // max(x.size, base.size, 1)
        self.tried = False

    def outputs(self, columns: Array, values: Array) -> Array:
        """(p, m): the outputs with entry ``columns[i]`` of the input at ``values[i]``."""
        found = np.empty((len(columns), self.base.size))
        if len(columns) >= FEWEST and self.takes_stacks():
            size, chance = self.most, self.rng.integers(len(columns))
            parts = [slice(i, i + size) for i in range(0, len(columns), size)]
            taken = all(self.put_stack(found, columns, values, part) for part in parts)
            if taken and same(found[chance], self.single(columns[chance], values[chance])):
                return found
            self.stacked = None
        for i, (j, value) in enumerate(zip(columns, values)):
            found[i] = self.single(j, value)
        return found

    def put_stack(self, found: Array, columns: Array, values: Array, part: slice) -> bool:
        """Fill a part of `found` at once; whether the present input, with them, gave its result."""
        rows = np.repeat(self.x[None], 1 + len(columns[part]), axis=0)
        rows[np.arange(1, len(rows)), columns[part]] = values[part]
        outputs = self.stack(rows)
        if outputs is None or not same(outputs[0], self.base):
            return False
        found[part] = outputs[1:]
        return True

    def single(self, j: int, value: float) -> Array:
        entry = self.x[j]
        self.x[j] = value
        outputs = guarded(self.evaluate, self.base.size)
        self.x[j] = entry
        return outputs

    def stack(self, rows: Array) -> Array | None:
        """The outputs for each row; None where the function does not take them at once."""
        if self.stacked is None:
            return None
        try:
            found = self.stacked(rows)
        except Exception:  # it was not written for this, however it says so
            return None
        return found if found.shape == (len(rows), self.base.size) else None

    def takes_stacks(self) -> bool:
        """Whether a stack of points far from each other gives what each gives alone."""
        if not self.tried:
            self.tried = True
            if self.most < FEWEST or not self.agrees():
                self.stacked = None
        return self.stacked is not None

    def agrees(self) -> bool:
        before = self.x.copy()
        spread = self.rng.uniform(-1, 1, (2, len(TRIED), before.size)) * np.array(TRIED)[:, None]
        rows = before * (1 + spread[0]) + spread[1]
        found = self.stack(rows)
        if found is None:
            return False
        try:
            for row, outputs in zip(rows, found):
                self.x[...] = row
                if not same(outputs, guarded(self.evaluate, self.base.size)):
                    return False
        finally:
            self.x[...] = before
        return True


def same(a: Array, b: Array) -> bool:
    return np.array_equal(a, b, equal_nan=True)
