"""The logarithm of the gamma function and its derivatives, which NumPy does not have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.ops.special import as_float, one_by_one

__all__ = [
    "digamma", "lgamma", "mvlgamma", "polygamma",
]  # fmt: skip

# Bernoulli numbers B₂, B₄, ...: the coefficients of the expansions for large numbers
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
LARGE = 10.0  # from here on the expansions are exact to the last digit


@op(lambda g, x: g * digamma(x), promote=True, notation="lgamma({x})")
def lgamma(x: Array) -> Array:
    """Logarithm of the magnitude of the gamma function.

    Forward    out = log |Γ(x)|, infinite at 0, -1, -2, ...
    Gradient   x̄ = ḡ * digamma(x)
    Shapes     (...) -> (...)
    Example    >>> mg.lgamma(mg.tensor([0.5, 5.0]))
               tensor([0.5724, 3.1781])
    """
    return one_by_one(log_gamma, as_float(x))


def log_gamma(x: float) -> float:
    try:
        return math.lgamma(x)
    except ValueError:  # a pole
        return math.inf


@op(lambda g, x: g * _polygamma(x, 1), promote=True, notation="digamma({x})")
def digamma(x: Array) -> Array:
    """Derivative of the logarithm of the gamma function.

    Forward    out = Γ'(x) / Γ(x); -∞ at 0, and NaN at -1, -2, ..., where both signs meet
    Gradient   x̄ = ḡ * polygamma(1, x)
    Shapes     (...) -> (...)
    Source     Bernardo 1976, Algorithm AS 103
    Example    >>> mg.digamma(mg.tensor([1.0, 0.5]))
               tensor([-0.5772, -1.9635])
    """
    given = as_float(x)
    x = np.asarray(given, dtype=np.float64)
    with np.errstate(all="ignore"):
        mirrored = x < 0
        # ψ(1 - x) - ψ(x) = π / tan(πx); the distance to a whole number keeps the digits of πx
        tangent = np.tan(np.pi * (x - np.rint(x)))
        out = digamma_of_positive(np.where(mirrored, 1 - x, x))
        pole = np.where(x == np.floor(x), np.nan, np.pi / tangent)
        out = np.where(mirrored, out - pole, out)
        out = np.where(x == 0, np.copysign(np.inf, -x), out)
        out = np.where(x == -np.inf, np.nan, out)
    return out.astype(getattr(given, "dtype", np.float64))


def digamma_of_positive(x: Array) -> Array:
    """The recurrence ψ(x) = ψ(x + 1) - 1/x up to large x, and there the expansion in 1/x²."""
    total = np.zeros_like(x)
    for _ in range(int(LARGE)):
        small = x < LARGE
        total -= np.where(small, 1 / x, 0)
        x = np.where(small, x + 1, x)
    inverse_square = 1 / (x * x)
    series = np.zeros_like(x)
    for k, bernoulli in reversed(list(enumerate(BERNOULLI, start=1))):
        series = (series + bernoulli / (2 * k)) * inverse_square
    return total + np.log(x) - 0.5 / x - series


@op(lambda g, x, n: g * _polygamma(x, n + 1), promote=True, notation="polygamma({n}, {x})")
def _polygamma(x: Array, n: int) -> Array:
    """Derivative n of the digamma function, for n ≥ 1.

    Forward    out = (-1)ⁿ⁺¹ n! Σ 1 / (x + k)ⁿ⁺¹ over k = 0, 1, ...
    Gradient   x̄ = ḡ * polygamma(n + 1, x)
    Shapes     (...) -> (...)
    Source     Euler-Maclaurin summation, Johansson 2014, section 2
    """
    given = as_float(x)
    with np.errstate(all="ignore"):
        zeta = hurwitz_zeta(n + 1, np.asarray(given, dtype=np.float64))
    out = (-1.0) ** (n + 1) * math.factorial(n) * zeta
    return np.asarray(out).astype(getattr(given, "dtype", np.float64))


def hurwitz_zeta(s: int, x: Array) -> Array:
    """Σ 1 / (x + k)ˢ over k = 0, 1, ..., for an integer s > 1.

    Over all whole numbers k the sum has period 1; what it has too much is a sum of the same kind.
    """
    if not (x < -1).any():
        return zeta_of_positive(s, x)
    mirrored = x < -1
    offset = np.where(mirrored, x - np.rint(x), 0)
    behind = zeta_of_positive(s, 1 - offset) - zeta_of_positive(s, np.where(mirrored, 1 - x, 1.0))
    ahead = zeta_of_positive(s, np.where(mirrored, offset, x))
    return ahead + np.where(mirrored, (-1) ** s * behind, 0)


def zeta_of_positive(s: int, x: Array) -> Array:
    """The same by steps up to large x and the expansion there; x is at least -1."""
    lowest = np.min(x, initial=LARGE, where=np.isfinite(x))
    total = np.zeros_like(x)
    for _ in range(math.ceil(LARGE - lowest)):
        small = x < LARGE
        total += np.where(small, x**-s, 0)
        x = np.where(small, x + 1, x)
    power = x ** (1.0 - s)
    total += power / (s - 1) + power / (2 * x)
    factor = s * power / (x * x)
    for k, bernoulli in enumerate(BERNOULLI, start=1):
        total += bernoulli / math.factorial(2 * k) * factor
        factor = factor * (s + 2 * k - 1) * (s + 2 * k) / (x * x)
    return np.where(x < LARGE, np.nan, np.where(np.isposinf(x), 0.0, total))


@composition
def polygamma(n: int, input: Any) -> Any:
    """Derivative n of the digamma function; 0: the digamma function itself.

    Forward    out = (-1)ⁿ⁺¹ n! Σ 1 / (x + k)ⁿ⁺¹ over k = 0, 1, ..., for n ≥ 1
    Gradient   x̄ = ḡ * polygamma(n + 1, x)
    Shapes     (...) -> (...)
    Raises     ValueError if n is negative
    Example    >>> mg.polygamma(1, mg.tensor([1.0, 0.5]))
               tensor([1.6449, 4.9348])
    """
    if n < 0:
        raise ValueError(f"polygamma: n is not negative, got {n}")
    return digamma(input) if n == 0 else _polygamma(input, n)


@composition
def mvlgamma(input: Any, p: int) -> Any:
    """Logarithm of the multivariate gamma function of dimension p.

    Forward    out = p (p - 1) / 4 log π + Σ lgamma(x - j / 2) over j = 0 ... p - 1
    Gradient   x̄ = ḡ * Σ digamma(x - j / 2)
    Shapes     (...) -> (...)
    Raises     ValueError if p is not positive
    Example    >>> mg.mvlgamma(mg.tensor([2.0, 3.0]), 2)
               tensor([0.4516, 1.5502])
    """
    if p < 1:
        raise ValueError(f"mvlgamma: p is at least 1, got {p}")
    total = lgamma(input)
    for j in range(1, p):
        total = total + lgamma(input - j / 2)
    return total + p * (p - 1) / 4 * math.log(math.pi)
