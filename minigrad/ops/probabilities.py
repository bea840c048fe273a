"""Functions of probabilities: the normal distribution, its inverse, and entropies."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.ops.incomplete import in_double, scipy_special
from minigrad.ops.special import as_float, erf, erfc

__all__ = ["entr", "erfcx", "erfinv", "log_ndtr", "ndtr", "ndtri", "xlog1py"]


def erfinv_in_double(y: Array) -> Array:
    """A first guess of four digits, then steps of Halley's method on erf, or erfc in the tails."""
    size = np.absolute(y)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log1p(-size * size)
        half = 2 / (pi * 0.147) + log / 2
        guess = np.sqrt(np.sqrt(half * half - log / 0.147) - half)
        x = np.where(size < 0.01, size * (sqrt(pi) / 2), guess)
        rest = 1 - size
        for _ in range(3):
            error = np.where(size < 0.5, erf(x) - size, rest - erfc(x))
            step = error / (2 / sqrt(pi) * np.exp(-x * x))
            x = x - step / (1 + x * step)
        x = np.where(size == 1, np.inf, np.where(size > 1, np.nan, x))
    return np.copysign(x, y)


@op(
    lambda g, out: g * np.exp(out * out) * (sqrt(pi) / 2),
    promote=True,
    notation="erf⁻¹({x})",
)
def erfinv(x: Array) -> Array:
    """Inverse of the error function.

    Forward    out such that erf(out) = x; infinite at ±1, NaN beyond
    Gradient   x̄ = ḡ * √π / 2 e^(out²)
    Shapes     (...) -> (...)
    Source     Winitzki 2008, for the first guess
    Example    >>> mg.erfinv(mg.tensor([0.0, 0.5]))
               tensor([0.    , 0.4769])
    """
    return in_double(erfinv_in_double, x)


FAR = 10.0  # from here on erfcx is its expansion in 1/x², to the last digit


def erfcx_slope(x: Array, out: Array) -> Array:
    """2 x out - 2/√π, which cancels for large x: there the slope of the expansion."""
    far = np.where(x > FAR, x, FAR)
    inverse = -0.5 / (far * far)
    terms, term = [], 1.0
    for k in range(1, 13):
        term *= 2 * k - 1
        terms.append((2 * k + 1) * term)
    total = terms[-1] * inverse
    for term in reversed(terms[:-1]):
        total = (total + term) * inverse
    slope = -(1 + total) / far / far / sqrt(pi)
    return np.where(x > FAR, slope, 2 * np.where(x > FAR, 0, x * out) - 2 / sqrt(pi))


@op(lambda g, out, x: g * erfcx_slope(x, out), promote=True, notation="erfcx({x})")
def erfcx(x: Array) -> Array:
    """The complementary error function, scaled so that it does not vanish; needs SciPy.

    Forward    out = e^(x²) erfc(x)
    Gradient   x̄ = ḡ * (2 x * out - 2/√π)
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.erfcx(mg.tensor([0.0, 10.0]))
               tensor([1.    , 0.0561])
    """
    return scipy_special().erfcx(x)


@composition
def ndtr(x: Array) -> Array:
    """The distribution function of the standard normal distribution.

    Forward    out = ½ erfc(-x / √2)
    Gradient   x̄ = ḡ * e^(-x²/2) / √(2π)
    Shapes     (...) -> (...)
    Example    >>> mg.special.ndtr(mg.tensor([0.0, 1.0]))
               tensor([0.5   , 0.8413])
    """
    return erfc(x * -sqrt(0.5)) * 0.5


@op(
    lambda g, out: g * np.exp(0.5 * out * out) * sqrt(2 * pi),
    promote=True,
    notation="Φ⁻¹({x})",
)
def ndtri(x: Array) -> Array:
    """Quantiles of the standard normal distribution; needs SciPy.

    Forward    out such that ndtr(out) = x
    Gradient   x̄ = ḡ * √(2π) e^(out²/2)
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.ndtri(mg.tensor([0.5, 0.975]))
               tensor([0.  , 1.96])
    """
    return scipy_special().ndtri(x)


def log_ndtr_slope(x: Array, out: Array) -> Array:
    """φ(x) / Φ(x): below 0 by `erfcx`, which keeps the digits that x²/2 takes from the exponent."""
    low = x < 0
    below = sqrt(2 / pi) / erfcx(np.where(low, x, 0) * -sqrt(0.5))
    above = np.where(low, 0, x)
    return np.where(low, below, np.exp(-0.5 * above * above - np.where(low, 0, out)) / sqrt(2 * pi))


@op(lambda g, out, x: g * log_ndtr_slope(x, out), promote=True, notation="log Φ({x})")
def log_ndtr(x: Array) -> Array:
    """Logarithm of the normal distribution function, accurate in its lower tail; needs SciPy.

    Forward    out = log ndtr(x)
    Gradient   x̄ = ḡ * e^(-x²/2 - out) / √(2π)
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.log_ndtr(mg.tensor([0.0, -40.0]))
               tensor([-6.9315e-01, -8.0461e+02])
    """
    return scipy_special().log_ndtr(x)


@op(lambda g, x: -g * (np.log(x) + 1), promote=True, notation="-{x} log {x}")
def entr(x: Array) -> Array:
    """The terms of an entropy.

    Forward    out = -x log x; 0 at 0, -∞ below
    Gradient   x̄ = -ḡ * (log x + 1)
    Shapes     (...) -> (...)
    Example    >>> mg.special.entr(mg.tensor([0.0, 0.5, 1.0]))
               tensor([0.    , 0.3466, 0.    ])
    """
    x = as_float(x)
    safe = np.where(x > 0, x, np.ones_like(x))
    out: Any = 0.0 - x * np.log(safe)
    return np.where(x < 0, np.full_like(x, -np.inf), out)


@op(
    lambda g, x, y: g * np.log1p(np.where(np.equal(x, 0) & (y <= -1), 0, y)),
    lambda g, x, y: g * x / (1 + y),
    promote=True,
    notation="{x} log1p({y})",
)
def xlog1py(x: Array, y: Array) -> Array:
    """A number times log(1 + another), 0 if the number is 0.

    Forward    out = x log(1 + y); 0 where x = 0, unless y is NaN
    Gradient   x̄ = ḡ * log(1 + y), 0 where x = 0 and y ≤ -1        ȳ = ḡ * x / (1 + y)
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.special.xlog1py(mg.tensor([0.0, 2.0]), mg.tensor([-1.0, 0.0]))
               tensor([0., 0.])
    """
    y = np.asarray(y, np.result_type(x, y))
    return np.multiply(x, np.log1p(np.where(np.equal(x, 0) & np.equal(y, y), 0, y)))
