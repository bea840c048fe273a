"""Bessel functions, and their kin; SciPy computes them.

The letters are those of Abramowitz and Stegun 1964, chapters 9 and 10.
"""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.ops.incomplete import scipy_special
from minigrad.ops.trigonometric import sinc

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "i0", "i0e", "i1", "i1e",
    "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1", "spherical_bessel_j0",
]  # fmt: skip


TERMS = 13


def far(x: Array) -> float:
    """From where on e^-x I and eˣ K are their expansions in 1/x, to the last digit of the type."""
    return 50.0 if x.dtype.itemsize > 4 else 12.0


def far_slope(x: Array, order: int, alternate: int) -> Array:
    """The slope of an expansion for large x; that of I has alternating signs, that of K has none.

    There a slope from the functions themselves, which nearly cancel, would lose its digits.
    """
    x = np.where(x > far(x), x, far(x))
    terms, term = [], 1.0
    for k in range(TERMS):
        terms.append(-(k + 0.5) * term)
        term *= alternate * (4 * order**2 - (2 * k + 1) ** 2) / (8 * (k + 1))
    total = terms[-1] / x
    for term in reversed(terms[:-1]):
        total = (total + term) / x
    return total / np.sqrt(x)


def scaled_i_slope(x: Array, order: int) -> Array:
    """The slope of e^-|x| I of order 0 or 1."""
    size, sign = np.abs(x), np.sign(x)
    slope = far_slope(size, order, -1) / sqrt(2 * pi)
    slope = slope * sign if order == 0 else slope
    near = i1e(x) if order == 0 else 0.5 * (i0e(x) + _scaled_i(x, 2))
    return np.where(size > far(x), slope, near - sign * (i0e(x) if order == 0 else i1e(x)))


def scaled_k_slope(x: Array, order: int) -> Array:
    """The slope of eˣ K of order 0 or 1."""
    k0, k1 = scaled_modified_bessel_k0(x), scaled_modified_bessel_k1(x)
    near = k0 - k1 if order == 0 else k1 - k0 - k1 / x
    return np.where(x > far(x), far_slope(x, order, 1) * sqrt(pi / 2), near)


@op(lambda g, x: g * i1(x), promote=True, notation="I₀({x})")
def i0(x: Array) -> Array:
    """The modified Bessel function of the first kind, of order 0; needs SciPy.

    Forward    out = I₀(x)
    Gradient   x̄ = ḡ * I₁(x)
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.i0(mg.tensor([1.0]))
               tensor([1.2661])
    """
    return scipy_special().i0(x)


@op(lambda g, x: g * scaled_i_slope(x, 0), promote=True, notation="i0e({x})")
def i0e(x: Array) -> Array:
    """`i0`, scaled by e^-|x|; needs SciPy.

    Forward    out = e^-|x| I₀(x)
    Gradient   x̄ = ḡ * (i1e(x) - sign(x) * out)
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.i0e(mg.tensor([1.0]))
               tensor([0.4658])
    """
    return scipy_special().i0e(x)


@op(lambda g, x: g * (0.5 * (i0(x) + _bessel_i(x, 2))), promote=True, notation="I₁({x})")
def i1(x: Array) -> Array:
    """The modified Bessel function of the first kind, of order 1; needs SciPy.

    Forward    out = I₁(x)
    Gradient   x̄ = ḡ * (I₀(x) + I₂(x)) / 2
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.i1(mg.tensor([1.0]))
               tensor([0.5652])
    """
    return scipy_special().i1(x)


@op(lambda g, x: g * scaled_i_slope(x, 1), promote=True, notation="i1e({x})")
def i1e(x: Array) -> Array:
    """`i1`, scaled by e^-|x|; needs SciPy.

    Forward    out = e^-|x| I₁(x)
    Gradient   x̄ = ḡ * (i0e(x) - sign(x) * out - out / x), ½ ḡ at 0
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.i1e(mg.tensor([1.0]))
               tensor([0.2079])
    """
    return scipy_special().i1e(x)


@op(
    lambda g, x, order: g * (0.5 * (_bessel_i(x, order - 1) + _bessel_i(x, order + 1))),
    promote=True,
    notation="I({x})",
)
def _bessel_i(x: Array, order: int) -> Array:
    """The modified Bessel function of the first kind, of any order n.

    Forward    out = Iₙ(x)
    Gradient   x̄ = ḡ * (Iₙ₋₁(x) + Iₙ₊₁(x)) / 2
    Shapes     (...) -> (...)
    """
    return scipy_special().iv(order, x)


@op(
    lambda g, x, order: (
        g
        * (
            0.5 * (_scaled_i(x, order - 1) + _scaled_i(x, order + 1))
            - np.sign(x) * _scaled_i(x, order)
        )
    ),
    promote=True,
    notation="Ie({x})",
)
def _scaled_i(x: Array, order: int) -> Array:
    """`_bessel_i`, scaled by e^-|x|.

    Forward    out = e^-|x| Iₙ(x)
    Gradient   x̄ = ḡ * ((e^-|x| Iₙ₋₁(x) + e^-|x| Iₙ₊₁(x)) / 2 - sign(x) * out)
    Shapes     (...) -> (...)
    """
    return scipy_special().ive(order, x)


@op(lambda g, x: -g * bessel_j1(x), promote=True, notation="bessel_j0({x})")
def bessel_j0(x: Array) -> Array:
    """The Bessel function of the first kind, of order 0; needs SciPy.

    Forward    out = J₀(x)
    Gradient   x̄ = -ḡ * J₁(x)
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.bessel_j0(mg.tensor([1.0]))
               tensor([0.7652])
    """
    return scipy_special().j0(x)


@op(
    lambda g, x: g * (0.5 * (bessel_j0(x) - _bessel_j(x, 2))),
    promote=True,
    notation="bessel_j1({x})",
)
def bessel_j1(x: Array) -> Array:
    """The Bessel function of the first kind, of order 1; needs SciPy.

    Forward    out = J₁(x)
    Gradient   x̄ = ḡ * (J₀(x) - J₂(x)) / 2
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.bessel_j1(mg.tensor([1.0]))
               tensor([0.4401])
    """
    return scipy_special().j1(x)


@op(
    lambda g, x, order: g * (0.5 * (_bessel_j(x, order - 1) - _bessel_j(x, order + 1))),
    promote=True,
    notation="J({x})",
)
def _bessel_j(x: Array, order: int) -> Array:
    """The Bessel function of the first kind, of any order n.

    Forward    out = Jₙ(x)
    Gradient   x̄ = ḡ * (Jₙ₋₁(x) - Jₙ₊₁(x)) / 2
    Shapes     (...) -> (...)
    """
    return scipy_special().jv(order, x)


@op(lambda g, x: -g * bessel_y1(x), promote=True, notation="bessel_y0({x})")
def bessel_y0(x: Array) -> Array:
    """The Bessel function of the second kind, of order 0; needs SciPy.

    Forward    out = Y₀(x)
    Gradient   x̄ = -ḡ * Y₁(x)
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.bessel_y0(mg.tensor([1.0]))
               tensor([0.0883])
    """
    return scipy_special().y0(x)


@op(lambda g, x: g * (bessel_y0(x) - bessel_y1(x) / x), promote=True, notation="bessel_y1({x})")
def bessel_y1(x: Array) -> Array:
    """The Bessel function of the second kind, of order 1; needs SciPy.

    Forward    out = Y₁(x)
    Gradient   x̄ = ḡ * (Y₀(x) - Y₁(x) / x)
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.bessel_y1(mg.tensor([1.0]))
               tensor([-0.7812])
    """
    return scipy_special().y1(x)


@op(lambda g, x: -g * modified_bessel_k1(x), promote=True, notation="modified_bessel_k0({x})")
def modified_bessel_k0(x: Array) -> Array:
    """The modified Bessel function of the second kind, of order 0; needs SciPy.

    Forward    out = K₀(x)
    Gradient   x̄ = -ḡ * K₁(x)
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.modified_bessel_k0(mg.tensor([1.0]))
               tensor([0.421])
    """
    return scipy_special().k0(x)


@op(
    lambda g, x: -g * (modified_bessel_k0(x) + modified_bessel_k1(x) / x),
    promote=True,
    notation="modified_bessel_k1({x})",
)
def modified_bessel_k1(x: Array) -> Array:
    """The modified Bessel function of the second kind, of order 1; needs SciPy.

    Forward    out = K₁(x)
    Gradient   x̄ = -ḡ * (K₀(x) + K₁(x) / x)
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.modified_bessel_k1(mg.tensor([1.0]))
               tensor([0.6019])
    """
    return scipy_special().k1(x)


@op(
    lambda g, x: g * scaled_k_slope(x, 0),
    promote=True,
    notation="scaled_modified_bessel_k0({x})",
)
def scaled_modified_bessel_k0(x: Array) -> Array:
    """`modified_bessel_k0`, scaled by eˣ; needs SciPy.

    Forward    out = eˣ K₀(x)
    Gradient   x̄ = ḡ * (out - eˣ K₁(x))
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.scaled_modified_bessel_k0(mg.tensor([1.0]))
               tensor([1.1445])
    """
    return scipy_special().k0e(x)


@op(lambda g, x: g * scaled_k_slope(x, 1), promote=True, notation="scaled_modified_bessel_k1({x})")
def scaled_modified_bessel_k1(x: Array) -> Array:
    """`modified_bessel_k1`, scaled by eˣ; needs SciPy.

    Forward    out = eˣ K₁(x)
    Gradient   x̄ = ḡ * (out - eˣ K₀(x) - out / x)
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.scaled_modified_bessel_k1(mg.tensor([1.0]))
               tensor([1.6362])
    """
    return scipy_special().k1e(x)


@op(lambda g, x: g * _airy_ai_slope(x), promote=True, notation="Ai({x})")
def airy_ai(x: Array) -> Array:
    """The Airy function Ai; needs SciPy.

    Forward    out = Ai(x), for which Ai'' = x Ai
    Gradient   x̄ = ḡ * Ai'(x)
    Shapes     (...) -> (...)
    Raises     ImportError without SciPy
    Example    >>> mg.special.airy_ai(mg.tensor([0.0]))
               tensor([0.355])
    """
    return scipy_special().airy(x)[0]


@op(lambda g, x: g * x * airy_ai(x), promote=True, notation="Ai'({x})")
def _airy_ai_slope(x: Array) -> Array:
    """The slope of the Airy function.

    Forward    out = Ai'(x)
    Gradient   x̄ = ḡ * x * Ai(x)
    Shapes     (...) -> (...)
    """
    return scipy_special().airy(x)[1]


@composition
def spherical_bessel_j0(x: Array) -> Array:
    """The spherical Bessel function of the first kind, of order 0.

    Forward    out = sin(x) / x, 1 at 0
    Gradient   x̄ = ḡ * (cos(x) - out) / x, 0 at 0
    Shapes     (...) -> (...)
    Example    >>> mg.special.spherical_bessel_j0(mg.tensor([0.0, 1.0]))
               tensor([1.    , 0.8415])
    """
    return sinc(x / pi)
