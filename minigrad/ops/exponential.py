"""Exponentials, logarithms, and what is built of them, safe near the ends of the number range."""

from __future__ import annotations

from math import inf
from math import log as natural_log

import numpy as np

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.ops.selection import clamp
from minigrad.ops.special import as_float
from minigrad.typed import Tensor

__all__ = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "logit",
    "sigmoid",
    "softplus",
    "xlogy",
]  # fmt: skip

LN_2, LN_10 = natural_log(2), natural_log(10)


# ---------------------------------------------------------------------------------- exponentials


@op(lambda g, out: g * out, numpy=np.exp, promote=True, notation="exp({x})")
def exp(x: Array) -> Array:
    """Exponential.

    Forward    out = eˣ
    Gradient   x̄ = ḡ * out
    Shapes     (...) -> (...)
    Example    >>> mg.exp(mg.tensor([0.0, 1.0]))
               tensor([1.    , 2.7183])
    """
    return np.exp(x)


@op(lambda g, out: g * out * LN_2, numpy=np.exp2, promote=True, notation="2^{x}")
def exp2(x: Array) -> Array:
    """Power of two.

    Forward    out = 2ˣ
    Gradient   x̄ = ḡ * out * log 2
    Shapes     (...) -> (...)
    Example    >>> mg.exp2(mg.tensor([0.0, 3.0]))
               tensor([1., 8.])
    """
    return np.exp2(x)


@op(lambda g, x: g * np.exp(x), numpy=np.expm1, promote=True, notation="exp({x}) - 1")
def expm1(x: Array) -> Array:
    """Exponential minus one, accurate near 0.

    Forward    out = eˣ - 1
    Gradient   x̄ = ḡ * eˣ
    Shapes     (...) -> (...)
    Example    >>> mg.expm1(mg.tensor([0.0, 1e-6]))
               tensor([0.e+00, 1.e-06])
    """
    return np.expm1(x)


# ------------------------------------------------------------------------------------- logarithms


@op(lambda g, x: g / x, numpy=np.log, promote=True, notation="log({x})")
def log(x: Array) -> Array:
    """Natural logarithm.

    Forward    out = log x; -inf at 0, NaN below
    Gradient   x̄ = ḡ / x
    Shapes     (...) -> (...)
    Example    >>> mg.log(mg.tensor([1.0, 10.0]))
               tensor([0.    , 2.3026])
    """
    return np.log(x)


@op(lambda g, x: g / x / LN_2, numpy=np.log2, promote=True, notation="log₂({x})")
def log2(x: Array) -> Array:
    """Logarithm to base 2.

    Forward    out = log₂ x
    Gradient   x̄ = ḡ / (x log 2)
    Shapes     (...) -> (...)
    Example    >>> mg.log2(mg.tensor([1.0, 8.0]))
               tensor([0., 3.])
    """
    return np.log2(x)


@op(lambda g, x: g / x / LN_10, numpy=np.log10, promote=True, notation="log₁₀({x})")
def log10(x: Array) -> Array:
    """Logarithm to base 10.

    Forward    out = log₁₀ x
    Gradient   x̄ = ḡ / (x log 10)
    Shapes     (...) -> (...)
    Example    >>> mg.log10(mg.tensor([1.0, 100.0]))
               tensor([0., 2.])
    """
    return np.log10(x)


@op(lambda g, x: g / (1 + x), numpy=np.log1p, promote=True, notation="log(1 + {x})")
def log1p(x: Array) -> Array:
    """Logarithm of one plus a number, accurate near 0.

    Forward    out = log(1 + x)
    Gradient   x̄ = ḡ / (1 + x)
    Shapes     (...) -> (...)
    Example    >>> mg.log1p(mg.tensor([0.0, 1.0]))
               tensor([0.    , 0.6931])
    """
    return np.log1p(x)


def share_of_first(x: Array, y: Array, scale: float = 1.0) -> Array:
    """eˣ / (eˣ + eʸ), one half where both are the same infinity."""
    same_infinity = np.equal(x, y) & np.isinf(x)
    with np.errstate(invalid="ignore"):
        difference = np.where(same_infinity, 0, np.subtract(x, y))
    return sigmoid(difference if scale == 1.0 else scale * difference)


@op(
    lambda g, x, y: g * share_of_first(x, y),
    lambda g, x, y: g * share_of_first(y, x),
    numpy=np.logaddexp,
    promote=True,
    notation="log(exp({x}) + exp({y}))",
)
def logaddexp(x: Array, y: Array) -> Array:
    """Sum of two numbers that are given by their logarithms.

    Forward    out = log(eˣ + eʸ)
    Gradient   x̄ = ḡ * exp(x - out)        ȳ = ḡ * exp(y - out)
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.logaddexp(mg.tensor([1000.0]), mg.tensor([1000.0]))
               tensor([1000.6932])
    """
    return np.logaddexp(x, y)


@op(
    lambda g, x, y: g * share_of_first(x, y, LN_2),
    lambda g, x, y: g * share_of_first(y, x, LN_2),
    numpy=np.logaddexp2,
    promote=True,
    notation="log₂(2^{x} + 2^{y})",
)
def logaddexp2(x: Array, y: Array) -> Array:
    """Sum of two numbers that are given by their logarithms to base 2.

    Forward    out = log₂(2ˣ + 2ʸ)
    Gradient   x̄ = ḡ * 2^(x - out)        ȳ = ḡ * 2^(y - out)
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.logaddexp2(mg.tensor([3.0]), mg.tensor([3.0]))
               tensor([4.])
    """
    return np.logaddexp2(x, y)


@op(
    lambda g, x, y: g * np.log(np.where(np.equal(x, 0) & (y <= 0), 1, y)),
    lambda g, x, y: g * (x / np.where(np.equal(x, 0) & (y == 0), 1, y)),
    promote=True,
    notation="{x} log {y}",
)
def _xlogy(x: Array, y: Array) -> Array:
    """See `xlogy`.

    Forward    out = x log y; 0 where x = 0, unless y is NaN
    Gradient   x̄ = ḡ * log y, 0 where x = 0 and y ≤ 0        ȳ = ḡ * x / y, 0 where both are 0
    Shapes     (...), (...) -> broadcast (...)
    """
    y = np.asarray(y, np.result_type(x, y))
    return np.multiply(x, np.log(np.where(np.equal(x, 0) & np.equal(y, y), 1, y)))


@composition
def xlogy(x: Array, y: Array) -> Tensor:
    """A number times a logarithm, 0 if the number is 0: the terms of an entropy.

    Forward    out = x log y; 0 where x = 0, unless y is NaN
    Gradient   x̄ = ḡ * log y, 0 where x = 0 and y ≤ 0        ȳ = ḡ * x / y, 0 where both are 0
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.xlogy(mg.tensor([0.0, 2.0]), mg.tensor([0.0, 1.0]))
               tensor([0., 0.])
    """
    if type(y) in (int, float) and x.dtype.kind == "f":  # takes the type of x, also in np.where
        y = np.asarray(y, x.dtype)
    return _xlogy(x, y)


# ---------------------------------------------------------------------------------- the logistic


@op(
    lambda g, out, x: g * out * -np.tanh(0.5 * x),
    promote=True,
    notation="σ′({x})",
)
def _sigmoid_slope(x: Array) -> Array:
    """The slope of the logistic function, to all its digits where that is nearly 0 or 1.

    Forward    out = σ(x) σ(-x) = e / (1 + e)² with e = exp(-|x|)
    Gradient   x̄ = -ḡ * out * tanh(x / 2)
    Shapes     (...) -> (...)
    """
    e = np.exp(-np.absolute(x))
    return e / np.square(1 + e)


@op(lambda g, x: g * _sigmoid_slope(x), promote=True, notation="σ({x})")
def sigmoid(x: Array) -> Array:
    """Logistic function.

    Forward    out = 1 / (1 + e⁻ˣ)
    Gradient   x̄ = ḡ * σ(x) * σ(-x); not out * (1 - out), which is 0 from x = 37 on
    Shapes     (...) -> (...)
    Source     Goodfellow, Bengio and Courville 2016, section 3.10
    Example    >>> mg.sigmoid(mg.tensor([-1000.0, 0.0, 1000.0]))
               tensor([0. , 0.5, 1. ])
    """
    with np.errstate(over="ignore"):  # e⁻ˣ may be infinite: one over it is the 0 that is wanted
        return 1 / (1 + np.exp(-as_float(x)))


@composition
def logit(x: Array, eps: float | None = None) -> Tensor:
    """Inverse of the logistic function: the log-odds of a probability.

    Forward    out = log(x / (1 - x)); with `eps`, of x clamped to [eps, 1 - eps]
    Gradient   x̄ = ḡ / (x (1 - x)), 0 beyond the bounds that `eps` sets
    Shapes     (...) -> (...)
    Example    >>> mg.logit(mg.tensor([0.5, 0.9]))
               tensor([0.    , 2.1972])
    """
    return _logit(x if eps is None else clamp(x, eps, 1 - eps))


@op(lambda g, x: g / (x * (1 - x)), promote=True, notation="logit({x})")
def _logit(x: Array) -> Array:
    """The log-odds, unclamped.

    Forward    out = log(x / (1 - x))
    Gradient   x̄ = ḡ / (x (1 - x))
    Shapes     (...) -> (...)
    """
    x = as_float(x)
    return np.log(x) - np.log1p(-x)


def softplus_vjp(g: Array, x: Array, beta: float, threshold: float) -> Array:
    """x̄ = ḡ * σ(beta x), and ḡ where the function is replaced by the identity."""
    scaled = x if beta == 1 else beta * x
    slope = g * sigmoid(scaled)
    return slope if threshold == inf else np.where(scaled > threshold, g, slope)


@op(softplus_vjp, promote=True, notation="softplus({x})")
def softplus(x: Array, beta: float = 1, threshold: float = 20) -> Array:
    """A smooth relu.

    Forward    out = log(1 + e^(beta x)) / beta; x itself where beta x > threshold
    Gradient   x̄ = ḡ * σ(beta * x); ḡ where beta * x > threshold
    Shapes     (...) -> (...)
    Source     Dugas et al. 2001; Goodfellow, Bengio and Courville 2016, equation 3.31
    Example    >>> mg.softplus(mg.tensor([-1000.0, 0.0, 1000.0]))
               tensor([0.0000e+00, 6.9315e-01, 1.0000e+03])
    """
    scaled = x if beta == 1 else beta * x
    out = np.maximum(scaled, 0) + np.log1p(np.exp(-np.absolute(scaled)))
    out = out if beta == 1 else out / beta
    return out if threshold == inf else np.where(scaled > threshold, x, out)
