"""The error function, which NumPy does not have."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from math import pi, sqrt

import numpy as np

from minigrad.calls import Array, op
from minigrad.ops.masks import choose

__all__ = [
    "erf", "erfc",
]  # fmt: skip

# Rational approximations of W. J. Cody: erf(x) = x N(x²) / D(x²) for |x| ≤ 0.46875,
# erfc(x) = e^(-x²) N(x) / D(x) up to 4, and beyond e^(-x²) / x (1/√π - N(1/x²) / (D(1/x²) x²)).
# Coefficients fall from the highest power.
SMALL = (
    (1.85777706184603153e-1, 3.16112374387056560e00, 1.13864154151050156e02,
     3.77485237685302021e02, 3.20937758913846947e03),
    (1.0, 2.36012909523441209e01, 2.44024637934444173e02,
     1.28261652607737228e03, 2.84423683343917062e03),
)  # fmt: skip
MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e00,
     6.61191906371416295e01, 2.98635138197400131e02, 8.81952221241769090e02,
     1.71204761263407058e03, 2.05107837782607147e03, 1.23033935479799725e03),
    (1.0, 1.57449261107098347e01, 1.17693950891312499e02,
     5.37181101862009858e02, 1.62138957456669019e03, 3.29079923573345963e03,
     4.36261909014324716e03, 3.43936767414372164e03, 1.23033935480374942e03),
)  # fmt: skip
LARGE = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e00, 1.87295284992346725e00,
     5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip
SMALL_LIMIT, MIDDLE_LIMIT = 0.46875, 4.0
NOTHING_LEFT = 27.3  # erfc is below the smallest float64 from here on


def ratio(x: Array, coefficients: Sequence[Sequence[float]]) -> Array:
    """Quotient of two polynomials, by Horner's rule."""
    numerator, denominator = [polynomial(x, each) for each in coefficients]
    numerator /= denominator
    return numerator


def polynomial(x: Array, coefficients: Sequence[float]) -> Array:
    """A polynomial of an array with axes, by Horner's rule; in place, which is twice as fast."""
    first, *others, last = coefficients
    out: Array = np.multiply(x, first)
    for coefficient in others:
        out += coefficient
        out *= x
    out += last
    return out


def exp_minus_square(x: Array) -> Array:
    """e^(-x²) for x ≥ 0, to full relative accuracy: x is split so that one square is exact."""
    head = np.trunc(x * 16) / 16
    return np.exp(-head * head) * np.exp(-(x - head) * (x + head))


def erf_small(x: Array) -> Array:
    """erf for |x| up to SMALL_LIMIT; beyond, anything finite."""
    x = x.clip(-SMALL_LIMIT, SMALL_LIMIT)
    return x * ratio(x * x, SMALL)


def erfc_of_positive(size: Array) -> Array:
    """erfc for x from SMALL_LIMIT on; below, anything finite."""
    size = size.clip(SMALL_LIMIT, NOTHING_LEFT)
    scaled = ratio(size.clip(max=MIDDLE_LIMIT), MIDDLE)
    if (size > MIDDLE_LIMIT).any():
        far = size.clip(MIDDLE_LIMIT)
        inverse_square = 1 / (far * far)
        tail = (1 / sqrt(pi) - inverse_square * ratio(inverse_square, LARGE)) / far
        scaled = choose(size <= MIDDLE_LIMIT, scaled, tail)
    return exp_minus_square(size) * scaled


def bell(x: Array) -> Array:
    """2/√π e^(-x²), the slope of erf."""
    near = np.minimum(np.maximum(x, -NOTHING_LEFT), NOTHING_LEFT)  # the square cannot overflow
    return np.exp(-near * near) * (2 / sqrt(pi))


FEW = 256  # up to so many numbers C's function, one by one, beats the sixty calls of NumPy below


def one_by_one(function: Callable[[float], float], x: Array) -> Array:
    """A function of one number, on every entry."""
    out = np.empty_like(x)
    out.flat = [function(number) for number in np.ravel(x).tolist()]
    return out


@op(lambda g, x: g * bell(x), promote=True, notation="erf({x})")
def erf(x: Array) -> Array:
    """Error function.

    Forward    out = 2/√π ∫ e^(-t²) dt from 0 to x
    Gradient   x̄ = ḡ * 2/√π e^(-x²)
    Shapes     (...) -> (...)
    Source     Cody 1969, Rational Chebyshev approximations for the error function
    Example    >>> mg.erf(mg.tensor([0.0, 1.0]))
               tensor([0.    , 0.8427])
    """
    x = as_float(x)
    if np.size(x) <= FEW:
        return one_by_one(math.erf, x)
    size = np.absolute(x)
    large = np.copysign(1 - erfc_of_positive(size), x)
    return choose(size <= SMALL_LIMIT, erf_small(x), large)


@op(lambda g, x: -g * bell(x), promote=True, notation="erfc({x})")
def erfc(x: Array) -> Array:
    """Complementary error function, accurate where `erf` is nearly one.

    Forward    out = 1 - erf(x)
    Gradient   x̄ = -ḡ * 2/√π e^(-x²)
    Shapes     (...) -> (...)
    Source     Cody 1969, Rational Chebyshev approximations for the error function
    Example    >>> mg.erfc(mg.tensor([0.0, 5.0]))
               tensor([1.0000e+00, 1.5375e-12])
    """
    x = as_float(x)
    if np.size(x) <= FEW:
        return one_by_one(math.erfc, x)
    size = np.absolute(x)
    tail = erfc_of_positive(size)
    large = choose(x < 0, 2 - tail, tail)
    return choose(size <= SMALL_LIMIT, 1 - erf_small(x), large)


def as_float(x: Array) -> Array:
    """Integers as floating-point numbers."""
    return x if getattr(x, "dtype", np.dtype(float)).kind == "f" else np.true_divide(x, 1)
