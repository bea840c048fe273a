"""From analytic and numeric values to verdicts: correct, wrong, kink, inconclusive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from minigrad.testing.numeric import EPS, ZERO, Numeric

Array = Any


class Verdict(IntEnum):
    """What the comparison of one entry of a Jacobian says.

    CORRECT       both values agree within the error of the numeric one
    WRONG         they do not
    KINK          the function has a kink here; the analytic value lies between the one-sided ones
    INCONCLUSIVE  the numeric value is too uncertain to judge by (overflow, rounding, a jump)
    """

    CORRECT = 0
    WRONG = 1
    KINK = 2
    INCONCLUSIVE = 3


class Entry(NamedTuple):
    """One entry of a Jacobian: what was computed, what finite differences say, and the verdict."""

    input: str
    input_index: tuple[int, ...]
    output: str
    output_index: tuple[int, ...]
    analytic: float
    numeric: float
    error: float
    verdict: Verdict
    interval: tuple[float, float] | None

    def __str__(self) -> str:
        where = f"d {indexed(self.output, self.output_index)} / "
        where += f"d {indexed(self.input, self.input_index)}"
        text = f"{where}: gradient {self.analytic:.6g}, finite differences "
        if self.interval is not None:
            return f"{text}between {self.interval[0]:.6g} and {self.interval[1]:.6g}"
        return f"{text}{self.numeric:.6g} (± {self.error:.1g})"


def indexed(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(str(i) for i in index)}]" if index else name


@dataclass
class Jacobian:
    """The derivatives of one output with respect to one input, entry by entry.

    `analytic`, `numeric`, `error` and `verdict` have shape (output entries, input entries), both in
    row-major order.  `x` and `y` are the input and the output, `left` and `right` the one-sided
    derivatives at kinks.
    """

    input: str
    output: str
    x: Array
    y: Array
    analytic: Array
    numeric: Array
    error: Array
    verdict: Array
    left: Array
    right: Array
    others: dict[str, Array] = field(default_factory=dict)  # the other inputs, by name

    def count(self, verdict: Verdict) -> int:
        return int(np.count_nonzero(self.verdict == verdict))

    def entry(self, i: int, j: int) -> Entry:
        """The entry of flat output position `i` and flat input position `j`."""
        verdict = Verdict(int(self.verdict[i, j]))
        low, high = sorted((float(self.left[i, j]), float(self.right[i, j])))
        return Entry(
            self.input,
            position(j, self.x.shape),
            self.output,
            position(i, self.y.shape),
            float(self.analytic[i, j]),
            float(self.numeric[i, j]),
            float(self.error[i, j]),
            verdict,
            None if np.isnan(low) else (low, high),
        )

    def entries(self) -> Iterator[Entry]:
        for i, j in np.ndindex(self.analytic.shape):
            yield self.entry(i, j)

    def worst(self) -> Entry | None:
        """The wrong entry with the largest difference, relative to what is expected."""
        wrong = self.verdict == Verdict.WRONG
        if not wrong.any():
            return None
        with np.errstate(all="ignore"):
            difference = abs(self.analytic - self.numeric)
            typical = np.nanmax(abs(self.numeric), initial=0.0) + np.finfo(float).tiny
            size = difference / (abs(self.numeric) + 1e-3 * typical)
        size = np.where(wrong, np.where(np.isnan(size), np.inf, size), -1.0)
        i, j = np.unravel_index(int(np.argmax(size)), size.shape)
        return self.entry(int(i), int(j))


def position(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()


ROUNDED = 100 * EPS  # of the largest entry of a row or column: rounding of a gradient


@dataclass
class Tolerance:
    """How far a correct gradient may be from the numeric one, beside the latter's own error."""

    relative: float = 1e-6
    absolute: float = 0.0
    eps: float = EPS  # of the type that the gradient was computed in

    def for_type(self, eps: float) -> Tolerance:
        """The same for gradients computed in a type of rounding `eps`."""
        eps = max(eps, self.eps)
        return Tolerance(max(self.relative, 32 * eps), self.absolute, eps)

    @property
    def sharp(self) -> float:
        """The error of a numeric value, relative, up to which it can be judged by."""
        return max(1e-2, min(4e5 * self.eps, 0.25)) if self.eps > EPS else 1e-2

    @property
    def zero(self) -> float:
        """The same, relative to the slope around, of a value that is zero."""
        return max(ZERO, 256 * self.eps) if self.eps > EPS else ZERO


def judge(
    analytic: Array,
    numeric: Numeric,
    tolerance: Tolerance,
    natural: Array,
    wobble: Callable[[], Array],
) -> Array:
    """Verdicts for the entries of a Jacobian, as an array of `Verdict` codes.

    natural  for each output, the size that its derivatives have where nothing cancels
    wobble   how much the analytic entries change when the inputs change in their last bits; it is
             asked only if something looks wrong
    """
    verdict = compare(analytic, numeric, tolerance, natural, 0.0)
    if np.any((verdict == Verdict.WRONG) | (verdict == Verdict.INCONCLUSIVE)):
        verdict = compare(analytic, numeric, tolerance, natural, 10 * wobble())
    return verdict


def compare(
    analytic: Array, numeric: Numeric, tolerance: Tolerance, natural: Array, wobble: Any
) -> Array:
    value, error = numeric.value, numeric.error
    finite = np.isfinite(value) & np.isfinite(error)
    size = np.fmax(abs(analytic), np.where(finite, abs(value), 0.0))
    rows = np.fmax.reduce(np.where(np.isfinite(size), size, 0.0), axis=1, initial=0.0)[:, None]
    columns = np.fmax.reduce(np.where(np.isfinite(size), size, 0.0), axis=0, initial=0.0)
    typical = np.fmax(rows, columns)
    rounded = max(ROUNDED, 4 * tolerance.eps)
    flat = np.fmax(rounded * typical, 1e-2 * tolerance.zero * numeric.slope)
    exact = tolerance.absolute + tolerance.relative * size + flat
    allowed = exact + wobble
    difference = abs(analytic - value)

    verdict = np.full(analytic.shape, int(Verdict.WRONG), np.int8)
    close = difference <= allowed + 4 * error
    unsure = 4 * error + wobble
    sharp = unsure <= tolerance.sharp * size + tolerance.absolute
    sharp |= (analytic == value) & (error <= 1e-6)
    sharp |= unsure <= tolerance.zero * numeric.slope  # zero at a flat point, as of x^3 at 0
    nature = np.fmax(natural[:, None], typical)
    zero = numeric.constant & (unsure <= tolerance.zero * nature)  # as of softmax(x).sum()
    # zero where nothing changes, or so little that it is not seen; a claim that only large rounding
    # errors hide is not seen to be right
    hidden = (difference <= error) & (error <= np.fmax(1e-6, tolerance.zero * nature))
    zero |= numeric.flat & ((analytic == value) | hidden)
    verdict[close & (sharp | zero)] = Verdict.CORRECT
    verdict[close & ~sharp & ~zero] = Verdict.INCONCLUSIVE
    verdict[~close & (difference <= 40 * error)] = Verdict.INCONCLUSIVE
    verdict[~finite] = Verdict.INCONCLUSIVE
    lost = ~np.isfinite(analytic)
    verdict[finite & sharp & lost] = Verdict.WRONG
    singular = (lost & ~finite).any(axis=0)  # there the derivative is infinite, and 0 * inf NaN
    verdict[lost & singular] = Verdict.INCONCLUSIVE

    slack = exact + 1e-3 * abs(numeric.right - numeric.left)
    low, high = np.fmin(numeric.left, numeric.right), np.fmax(numeric.left, numeric.right)
    inside = (analytic >= low - slack) & (analytic <= high + slack)
    verdict[numeric.at_kink & inside] = Verdict.KINK
    verdict[numeric.at_kink & ~inside] = Verdict.WRONG
    verdict[numeric.kink & (verdict == Verdict.CORRECT)] = Verdict.KINK
    return verdict


def excuse_triangle(jacobian: Jacobian) -> bool:
    """Make the wrong entries inconclusive if the function reads one triangle of a symmetric input.

    Cholesky and the symmetric eigenvalue problem do.  Differences see an entry of that triangle
    change alone; the gradient is shared with its mirror image, and for changes that keep the input
    symmetric both agree, or the entries stay wrong.
    """
    x = jacobian.x
    square = x.ndim >= 2 and x.shape[-1] == x.shape[-2] >= 2
    if not square or not jacobian.count(Verdict.WRONG) or not np.array_equal(x, x.mT):
        return False
    grids = (jacobian.analytic, jacobian.numeric, jacobian.error)
    a, n, error = (grid.reshape(-1, *x.shape) for grid in grids)
    upper = np.triu(np.ones(x.shape[-2:], bool), 1)
    if np.any(n[..., upper]) == np.any(n[..., upper.T]):
        return False
    size = np.max(abs(a), initial=0.0)
    off = abs(a + a.mT - n - n.mT) - 8 * (error + error.mT) - 1e-6 * (abs(a) + abs(a.mT))
    if not np.all(off <= 1e-9 * size):
        return False
    jacobian.verdict[jacobian.verdict == Verdict.WRONG] = Verdict.INCONCLUSIVE
    return True
