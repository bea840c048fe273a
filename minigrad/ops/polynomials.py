"""Orthogonal polynomials, by their recurrences: compositions, with gradients of every order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.calls import Array
from minigrad.composition import composition
from minigrad.graph import plain
from minigrad.promotion import get_default_dtype as default_float

__all__ = [
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v",
    "chebyshev_polynomial_w", "hermite_polynomial_h", "hermite_polynomial_he",
    "laguerre_polynomial_l", "legendre_polynomial_p", "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
]  # fmt: skip


def floating(x: Any) -> Any:
    """Integers in the default type."""
    return x if x.dtype.kind == "f" else x.astype(default_float())


def recurrence(
    name: str, x: Any, n: int, first: Callable[[Any], Any], step: Callable[..., Any]
) -> Any:
    """The polynomial of degree n: 1, `first`, and ``step(x, k, pₖ₋₁, pₖ)`` from there on."""
    if np.ndim(n):
        return of_degrees(name, x, plain(n), first, step)
    if n != int(n):
        raise TypeError(f"{name}: the degree n is an integer, got {n}")
    x = floating(x)
    if n < 1:
        return np.ones_like(x) if n == 0 else np.zeros_like(x)
    a, b = np.ones_like(x), first(x * 1.0)
    for k in range(1, int(n)):
        a, b = b, step(x, k, a, b)
    return b


def of_degrees(name: str, x: Any, n: Array, first: Any, step: Any) -> Any:
    """The polynomials of degrees that differ from entry to entry."""
    degrees = n.astype(np.int64)
    if (degrees != n).any():
        raise TypeError(f"{name}: degrees are integers, got {n[degrees != n][0]}")
    shape = np.broadcast_shapes(tuple(x.shape), n.shape)
    x = np.broadcast_to(floating(x), shape)
    out = np.zeros_like(x)
    a, b = np.ones_like(x), first(x * 1.0)
    for k in range(int(degrees.max(initial=-1)) + 1):
        out = np.where(degrees == k, a, out)
        a, b = b, step(x, k + 1, a, b)
    return out


@composition
def chebyshev_polynomial_t(x: Array, n: int) -> Array:
    """Chebyshev polynomials of the first kind, of degree n.

    Forward    T₀ = 1, T₁ = x, Tₙ₊₁ = 2 x Tₙ - Tₙ₋₁
    Gradient   x̄ = ḡ times the slope of the polynomial
    Shapes     (...), and n a number or (...) -> broadcast (...)
    Raises     TypeError if a degree is not an integer
    Example    >>> mg.special.chebyshev_polynomial_t(mg.tensor([0.5]), 2)
               tensor([-0.5])
    """
    return recurrence("chebyshev_polynomial_t", x, n, lambda x: x, lambda x, k, a, b: 2 * x * b - a)


@composition
def chebyshev_polynomial_u(x: Array, n: int) -> Array:
    """Chebyshev polynomials of the second kind, of degree n.

    Forward    U₀ = 1, U₁ = 2 x, Uₙ₊₁ = 2 x Uₙ - Uₙ₋₁
    Gradient   x̄ = ḡ times the slope of the polynomial
    Shapes     (...), and n a number or (...) -> broadcast (...)
    Raises     TypeError if a degree is not an integer
    Example    >>> mg.special.chebyshev_polynomial_u(mg.tensor([0.5]), 2)
               tensor([0.])
    """
    return recurrence(
        "chebyshev_polynomial_u", x, n, lambda x: 2 * x, lambda x, k, a, b: 2 * x * b - a
    )


@composition
def chebyshev_polynomial_v(x: Array, n: int) -> Array:
    """Chebyshev polynomials of the third kind, of degree n.

    Forward    V₀ = 1, V₁ = 2 x - 1, Vₙ₊₁ = 2 x Vₙ - Vₙ₋₁
    Gradient   x̄ = ḡ times the slope of the polynomial
    Shapes     (...), and n a number or (...) -> broadcast (...)
    Raises     TypeError if a degree is not an integer
    Example    >>> mg.special.chebyshev_polynomial_v(mg.tensor([0.5]), 2)
               tensor([-1.])
    """
    return recurrence(
        "chebyshev_polynomial_v", x, n, lambda x: 2 * x - 1, lambda x, k, a, b: 2 * x * b - a
    )


@composition
def chebyshev_polynomial_w(x: Array, n: int) -> Array:
    """Chebyshev polynomials of the fourth kind, of degree n.

    Forward    W₀ = 1, W₁ = 2 x + 1, Wₙ₊₁ = 2 x Wₙ - Wₙ₋₁
    Gradient   x̄ = ḡ times the slope of the polynomial
    Shapes     (...), and n a number or (...) -> broadcast (...)
    Raises     TypeError if a degree is not an integer
    Example    >>> mg.special.chebyshev_polynomial_w(mg.tensor([0.5]), 2)
               tensor([1.])
    """
    return recurrence(
        "chebyshev_polynomial_w", x, n, lambda x: 2 * x + 1, lambda x, k, a, b: 2 * x * b - a
    )


@composition
def hermite_polynomial_h(x: Array, n: int) -> Array:
    """Hermite polynomials of physics, of degree n.

    Forward    H₀ = 1, H₁ = 2 x, Hₙ₊₁ = 2 x Hₙ - 2 n Hₙ₋₁
    Gradient   x̄ = ḡ times the slope of the polynomial
    Shapes     (...), and n a number or (...) -> broadcast (...)
    Raises     TypeError if a degree is not an integer
    Example    >>> mg.special.hermite_polynomial_h(mg.tensor([0.5]), 2)
               tensor([-1.])
    """
    return recurrence(
        "hermite_polynomial_h", x, n, lambda x: 2 * x, lambda x, k, a, b: 2 * x * b - 2 * k * a
    )


@composition
def hermite_polynomial_he(x: Array, n: int) -> Array:
    """Hermite polynomials of probability, of degree n.

    Forward    He₀ = 1, He₁ = x, Heₙ₊₁ = x Heₙ - n Heₙ₋₁
    Gradient   x̄ = ḡ times the slope of the polynomial
    Shapes     (...), and n a number or (...) -> broadcast (...)
    Raises     TypeError if a degree is not an integer
    Example    >>> mg.special.hermite_polynomial_he(mg.tensor([0.5]), 2)
               tensor([-0.75])
    """
    return recurrence("hermite_polynomial_he", x, n, lambda x: x, lambda x, k, a, b: x * b - k * a)


@composition
def laguerre_polynomial_l(x: Array, n: int) -> Array:
    """Laguerre polynomials, of degree n.

    Forward    L₀ = 1, L₁ = 1 - x, (n + 1) Lₙ₊₁ = (2 n + 1 - x) Lₙ - n Lₙ₋₁
    Gradient   x̄ = ḡ times the slope of the polynomial
    Shapes     (...), and n a number or (...) -> broadcast (...)
    Raises     TypeError if a degree is not an integer
    Example    >>> mg.special.laguerre_polynomial_l(mg.tensor([0.5]), 2)
               tensor([0.125])
    """
    return recurrence(
        "laguerre_polynomial_l",
        x,
        n,
        lambda x: 1 - x,
        lambda x, k, a, b: ((2 * k + 1 - x) * b - k * a) / (k + 1),
    )


@composition
def legendre_polynomial_p(x: Array, n: int) -> Array:
    """Legendre polynomials, of degree n.

    Forward    P₀ = 1, P₁ = x, (n + 1) Pₙ₊₁ = (2 n + 1) x Pₙ - n Pₙ₋₁
    Gradient   x̄ = ḡ times the slope of the polynomial
    Shapes     (...), and n a number or (...) -> broadcast (...)
    Raises     TypeError if a degree is not an integer
    Example    >>> mg.special.legendre_polynomial_p(mg.tensor([0.5]), 2)
               tensor([-0.125])
    """
    return recurrence(
        "legendre_polynomial_p",
        x,
        n,
        lambda x: x,
        lambda x, k, a, b: ((2 * k + 1) * x * b - k * a) / (k + 1),
    )


@composition
def shifted_chebyshev_polynomial_t(x: Array, n: int) -> Array:
    """Chebyshev polynomials for [0, 1] of the first kind, of degree n.

    Forward    out = Tₙ(2 x - 1)
    Gradient   x̄ = ḡ times the slope of the polynomial
    Shapes     (...), and n a number or (...) -> broadcast (...)
    Raises     TypeError if a degree is not an integer
    Example    >>> mg.special.shifted_chebyshev_polynomial_t(mg.tensor([0.5]), 2)
               tensor([-1.])
    """
    return recurrence(
        "shifted_chebyshev_polynomial_t",
        2 * floating(x) - 1,
        n,
        lambda x: x,
        lambda x, k, a, b: 2 * x * b - a,
    )


@composition
def shifted_chebyshev_polynomial_u(x: Array, n: int) -> Array:
    """Chebyshev polynomials for [0, 1] of the second kind, of degree n.

    Forward    out = Uₙ(2 x - 1)
    Gradient   x̄ = ḡ times the slope of the polynomial
    Shapes     (...), and n a number or (...) -> broadcast (...)
    Raises     TypeError if a degree is not an integer
    Example    >>> mg.special.shifted_chebyshev_polynomial_u(mg.tensor([0.5]), 2)
               tensor([-1.])
    """
    return recurrence(
        "shifted_chebyshev_polynomial_u",
        2 * floating(x) - 1,
        n,
        lambda x: 2 * x,
        lambda x, k, a, b: 2 * x * b - a,
    )


@composition
def shifted_chebyshev_polynomial_v(x: Array, n: int) -> Array:
    """Chebyshev polynomials for [0, 1] of the third kind, of degree n.

    Forward    out = Vₙ(2 x - 1)
    Gradient   x̄ = ḡ times the slope of the polynomial
    Shapes     (...), and n a number or (...) -> broadcast (...)
    Raises     TypeError if a degree is not an integer
    Example    >>> mg.special.shifted_chebyshev_polynomial_v(mg.tensor([0.5]), 2)
               tensor([-1.])
    """
    return recurrence(
        "shifted_chebyshev_polynomial_v",
        2 * floating(x) - 1,
        n,
        lambda x: 2 * x - 1,
        lambda x, k, a, b: 2 * x * b - a,
    )


@composition
def shifted_chebyshev_polynomial_w(x: Array, n: int) -> Array:
    """Chebyshev polynomials for [0, 1] of the fourth kind, of degree n.

    Forward    out = Wₙ(2 x - 1)
    Gradient   x̄ = ḡ times the slope of the polynomial
    Shapes     (...), and n a number or (...) -> broadcast (...)
    Raises     TypeError if a degree is not an integer
    Example    >>> mg.special.shifted_chebyshev_polynomial_w(mg.tensor([0.5]), 2)
               tensor([-1.])
    """
    return recurrence(
        "shifted_chebyshev_polynomial_w",
        2 * floating(x) - 1,
        n,
        lambda x: 2 * x + 1,
        lambda x, k, a, b: 2 * x * b - a,
    )
