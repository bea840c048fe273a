"""A numerical Jacobian: what differences say about each entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any

EPS = float(np.finfo(np.float64).eps)
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
    def empty(shape: tuple[int, ...]) -> Numeric:
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

    def put(self, where: Any, part: Numeric) -> None:
        """Put the derivatives of some entries into their places."""
        for name in vars(self):
            getattr(self, name)[where] = getattr(part, name)

    def part(self, where: Array) -> Numeric:
        return Numeric(*[value[where] for value in vars(self).values()])
