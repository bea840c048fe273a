"""Incomplete gamma functions and the zeta function, which SciPy computes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.calls import Array, op
from minigrad.ops.gamma import lgamma
from minigrad.ops.special import as_float

__all__ = ["igamma", "igammac", "zeta"]


def scipy_special() -> Any:
    """SciPy's special functions, which are an extra of this package."""
    try:
        import scipy.special
    except ImportError as error:
        raise ImportError(
            "this function is SciPy's: pip install 'minigrad-numpy[special]'"
        ) from error
    return scipy.special


def in_double(function: Callable[..., Array], x: Array, *others: Any) -> Array:
    """`function` computed in float64, in the type of x."""
    x = np.asarray(as_float(x))
    return np.asarray(function(x.astype(np.float64), *others)).astype(x.dtype, copy=False)


def no_derivative(name: str, argument: str) -> Callable[[Array], Array]:
    """A VJP that says that there is none."""

    def vjp(g: Array) -> Array:
        raise NotImplementedError(f"{name} has no derivative in its argument {argument!r}")

    return vjp


def of_one_type(x: Any, y: Any) -> list[Array]:
    """Two operands, of which one may be a number, in one floating-point type."""
    dtype = np.result_type(x, y)
    return [np.asarray(each, dtype if dtype.kind == "f" else float) for each in (x, y)]


def gamma_density(a: Array, x: Array) -> Array:
    """xᵃ⁻¹ e⁻ˣ / Γ(a)."""
    log = math.lgamma(a) if isinstance(a, (int, float)) else lgamma(a)
    return np.exp((a - 1) * np.log(x) - x - log)


@op(
    no_derivative("igamma", "input"),
    lambda g, x, y: g * gamma_density(x, y),
    promote=True,
    notation="P({x}, {y})",
)
def igamma(x: Array, y: Array) -> Array:
    """The lower incomplete gamma function, regularised; needs SciPy.

    Forward    out = ∫ tˣ⁻¹ e⁻ᵗ dt from 0 to y / Γ(x)
    Gradient   ȳ = ḡ * yˣ⁻¹ * e⁻ʸ / Γ(x)
    Shapes     (...), (...) -> broadcast (...)
    Raises     ImportError without SciPy; NotImplementedError at backward if x requires grad
    Source     Abramowitz and Stegun 1964, section 6.5
    Example    >>> mg.igamma(mg.tensor([1.0]), mg.tensor([2.0]))
               tensor([0.8647])
    """
    return scipy_special().gammainc(*of_one_type(x, y))


@op(
    no_derivative("igammac", "input"),
    lambda g, x, y: -g * gamma_density(x, y),
    promote=True,
    notation="Q({x}, {y})",
)
def igammac(x: Array, y: Array) -> Array:
    """The upper incomplete gamma function, regularised; needs SciPy.

    Forward    out = ∫ tˣ⁻¹ e⁻ᵗ dt from y to ∞ / Γ(x)
    Gradient   ȳ = -ḡ * yˣ⁻¹ * e⁻ʸ / Γ(x)
    Shapes     (...), (...) -> broadcast (...)
    Raises     ImportError without SciPy; NotImplementedError at backward if x requires grad
    Source     Abramowitz and Stegun 1964, section 6.5
    Example    >>> mg.igammac(mg.tensor([1.0]), mg.tensor([2.0]))
               tensor([0.1353])
    """
    return scipy_special().gammaincc(*of_one_type(x, y))


@op(
    no_derivative("zeta", "input"),
    lambda g, x, y: -g * x * zeta(x + 1, y),
    promote=True,
    notation="ζ({x}, {y})",
)
def zeta(x: Array, y: Array) -> Array:
    """The zeta function of Hurwitz; needs SciPy.

    Forward    out = Σ (y + k)⁻ˣ over k = 0, 1, ...
    Gradient   ȳ = -ḡ * x * ζ(x + 1, y)
    Shapes     (...), (...) -> broadcast (...)
    Raises     ImportError without SciPy; NotImplementedError at backward if x requires grad
    Source     Abramowitz and Stegun 1964, section 23.2
    Example    >>> mg.special.zeta(mg.tensor([2.0]), 1.0)
               tensor([1.6449])
    """
    return scipy_special().zeta(*of_one_type(x, y))
