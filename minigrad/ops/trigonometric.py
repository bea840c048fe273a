"""Trigonometric and hyperbolic functions."""

from __future__ import annotations

from math import factorial, pi

import numpy as np

from minigrad.calls import Array, op

__all__ = [
    "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "deg2rad", "rad2deg", "sin", "sinc",
    "sinh", "tan", "tanh",
]  # fmt: skip

# -------------------------------------------------------------------------------- trigonometric


def over_one_plus_square(g: Array, x: Array) -> Array:
    """ḡ / (1 + x²), for x whose square overflows, too."""
    length = np.hypot(x, 1.0)
    return g / length / length


@op(lambda g, x: g * np.cos(x), numpy=np.sin, promote=True, notation="sin({x})")
def sin(x: Array) -> Array:
    """Sine of an angle in radians.

    Forward    out = sin x
    Gradient   x̄ = ḡ * cos x
    Shapes     (...) -> (...)
    Example    >>> mg.sin(mg.tensor([0.0, 1.0]))
               tensor([0.    , 0.8415])
    """
    return np.sin(x)


@op(lambda g, x: -g * np.sin(x), numpy=np.cos, promote=True, notation="cos({x})")
def cos(x: Array) -> Array:
    """Cosine of an angle in radians.

    Forward    out = cos x
    Gradient   x̄ = -ḡ * sin x
    Shapes     (...) -> (...)
    Example    >>> mg.cos(mg.tensor([0.0, 1.0]))
               tensor([1.    , 0.5403])
    """
    return np.cos(x)


@op(lambda g, out: g * (1 + out * out), numpy=np.tan, promote=True, notation="tan({x})")
def tan(x: Array) -> Array:
    """Tangent of an angle in radians.

    Forward    out = tan x
    Gradient   x̄ = ḡ * (1 + out²)
    Shapes     (...) -> (...)
    Example    >>> mg.tan(mg.tensor([0.0, 1.0]))
               tensor([0.    , 1.5574])
    """
    return np.tan(x)


@op(
    lambda g, x: g / np.sqrt((1 - x) * (1 + x)), numpy=np.arcsin, promote=True, notation="asin({x})"
)
def asin(x: Array) -> Array:
    """Angle in [-π/2, π/2] with the given sine.

    Forward    out = arcsin x; NaN where |x| > 1
    Gradient   x̄ = ḡ / √(1 - x²); infinite at -1 and 1
    Shapes     (...) -> (...)
    Example    >>> mg.asin(mg.tensor([0.0, 1.0]))
               tensor([0.    , 1.5708])
    """
    return np.arcsin(x)


@op(
    lambda g, x: -g / np.sqrt((1 - x) * (1 + x)),
    numpy=np.arccos,
    promote=True,
    notation="acos({x})",
)
def acos(x: Array) -> Array:
    """Angle in [0, π] with the given cosine.

    Forward    out = arccos x; NaN where |x| > 1
    Gradient   x̄ = -ḡ / √(1 - x²); infinite at -1 and 1
    Shapes     (...) -> (...)
    Example    >>> mg.acos(mg.tensor([0.0, 1.0]))
               tensor([1.5708, 0.    ])
    """
    return np.arccos(x)


@op(lambda g, x: over_one_plus_square(g, x), numpy=np.arctan, promote=True, notation="atan({x})")
def atan(x: Array) -> Array:
    """Angle in (-π/2, π/2) with the given tangent.

    Forward    out = arctan x
    Gradient   x̄ = ḡ / (1 + x²)
    Shapes     (...) -> (...)
    Example    >>> mg.atan(mg.tensor([0.0, 1.0]))
               tensor([0.    , 0.7854])
    """
    return np.arctan(x)


@op(
    lambda g, x, y: g * over_square_sum(y, x, y),
    lambda g, x, y: -g * over_square_sum(x, x, y),
    numpy=np.arctan2,
    promote=True,
    notation="atan2({x}, {y})",
)
def atan2(x: Array, y: Array) -> Array:
    """Angle in [-π, π] of the point with ordinate x and abscissa y.

    Forward    out = the angle with sine x / r and cosine y / r, where r = √(x² + y²)
    Gradient   x̄ = ḡ * y / (x² + y²)        ȳ = -ḡ * x / (x² + y²); both 0 at the origin
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.atan2(mg.tensor([1.0, 0.0]), mg.tensor([1.0, -1.0]))
               tensor([0.7854, 3.1416])
    """
    return np.arctan2(x, y)


def over_square_sum(numerator: Array, x: Array, y: Array) -> Array:
    """numerator / (x² + y²), 0 at the origin; for x and y whose squares overflow, too."""
    length = np.hypot(x, y)
    length = np.where(length == 0, 1, length)
    return numerator / length / length


def sinc_series(u: Array, order: int) -> Array:
    """A derivative of sin u / u for |u| up to about 3, by its Taylor series."""
    terms = range((order + 1) // 2, (order + 1) // 2 + 16)
    square, out = u * u, np.zeros_like(u)
    for k in reversed(terms):
        out = out * square + (-1) ** k / ((2 * k + 1) * factorial(2 * k - order))
    return out * u if order % 2 else out


def sinc_far(u: Array, order: int) -> Array:
    """The same away from 0: the n-th derivative of u f = sin u is u fₙ + n fₙ₋₁."""
    out = np.sin(u) / u
    for n in range(1, order + 1):
        out = (np.sin(u + n * (pi / 2)) - n * out) / u
    return out


@op(
    lambda g, x, order: g * _sinc_derivative(x, order + 1),
    promote=True,
    notation="sinc⁽{order}⁾({x})",
)
def _sinc_derivative(x: Array, order: int) -> Array:
    """A derivative of `sinc`, exact near 0 where its formula cancels.

    Forward    out = dⁿ/dxⁿ sin(πx) / (πx), n = order; near 0 by its series
    Gradient   x̄ = ḡ * the derivative of order n + 1
    Shapes     (...) -> (...)
    """
    u = np.multiply(x, pi)
    near = np.absolute(u) <= 1 + order
    u_far = np.where(near, 1 + order, u)
    out: Array = np.where(near, sinc_series(np.where(near, u, 0), order), sinc_far(u_far, order))
    return out * pi**order


@op(
    lambda g, x: g * _sinc_derivative(x, 1),
    numpy=np.sinc,
    promote=True,
    notation="sinc({x})",
)
def sinc(x: Array) -> Array:
    """The normalised sinc function.

    Forward    out = sin(πx) / (πx); 1 at x = 0
    Gradient   x̄ = ḡ * (cos(π x) - out) / x, near 0 by its series; 0 at x = 0
    Shapes     (...) -> (...)
    Example    >>> mg.sinc(mg.tensor([0.0, 0.5]))
               tensor([1.    , 0.6366])
    """
    at_0 = np.equal(x, 0)
    angle = np.where(at_0, 1, pi * x)
    return np.where(at_0, 1, np.sin(angle) / angle)


@op(lambda g: g * (pi / 180), numpy=(np.deg2rad, np.radians), promote=True, notation="{x}°")
def deg2rad(x: Array) -> Array:
    """Degrees to radians.

    Forward    out = x * π / 180
    Gradient   x̄ = ḡ * π / 180
    Shapes     (...) -> (...)
    Example    >>> mg.deg2rad(mg.tensor([180.0]))
               tensor([3.1416])
    """
    return np.multiply(x, pi / 180)


@op(lambda g: g * (180 / pi), numpy=(np.rad2deg, np.degrees), promote=True, notation="deg({x})")
def rad2deg(x: Array) -> Array:
    """Radians to degrees.

    Forward    out = x * 180 / π
    Gradient   x̄ = ḡ * 180 / π
    Shapes     (...) -> (...)
    Example    >>> mg.rad2deg(mg.tensor([1.0]))
               tensor([57.2958])
    """
    return np.multiply(x, 180 / pi)


# ----------------------------------------------------------------------------------- hyperbolic


@op(lambda g, x: g * np.cosh(x), numpy=np.sinh, promote=True, notation="sinh({x})")
def sinh(x: Array) -> Array:
    """Hyperbolic sine.

    Forward    out = (eˣ - e⁻ˣ) / 2
    Gradient   x̄ = ḡ * cosh x
    Shapes     (...) -> (...)
    Example    >>> mg.sinh(mg.tensor([0.0, 1.0]))
               tensor([0.    , 1.1752])
    """
    return np.sinh(x)


@op(lambda g, x: g * np.sinh(x), numpy=np.cosh, promote=True, notation="cosh({x})")
def cosh(x: Array) -> Array:
    """Hyperbolic cosine.

    Forward    out = (eˣ + e⁻ˣ) / 2
    Gradient   x̄ = ḡ * sinh x
    Shapes     (...) -> (...)
    Example    >>> mg.cosh(mg.tensor([0.0, 1.0]))
               tensor([1.    , 1.5431])
    """
    return np.cosh(x)


@op(
    lambda g, out, x: g * out * (-2 * np.tanh(x)),
    promote=True,
    notation="tanh′({x})",
)
def _tanh_slope(x: Array) -> Array:
    """The slope of the hyperbolic tangent, to all its digits where that is nearly ±1.

    Forward    out = 1 / cosh² x = 4 e / (1 + e)² with e = exp(-2 |x|)
    Gradient   x̄ = -2 ḡ * out * tanh x
    Shapes     (...) -> (...)
    """
    e = np.exp(-2 * np.absolute(x))
    return 4 * e / np.square(1 + e)


@op(lambda g, x: g * _tanh_slope(x), numpy=np.tanh, promote=True, notation="tanh({x})")
def tanh(x: Array) -> Array:
    """Hyperbolic tangent.

    Forward    out = (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ)
    Gradient   x̄ = ḡ / cosh² x; not ḡ * (1 - out²), which is 0 from x = 19 on
    Shapes     (...) -> (...)
    Example    >>> mg.tanh(mg.tensor([0.0, 1.0]))
               tensor([0.    , 0.7616])
    """
    return np.tanh(x)


@op(lambda g, x: g / np.hypot(x, 1.0), numpy=np.arcsinh, promote=True, notation="asinh({x})")
def asinh(x: Array) -> Array:
    """Inverse of the hyperbolic sine.

    Forward    out = log(x + √(x² + 1))
    Gradient   x̄ = ḡ / √(x² + 1)
    Shapes     (...) -> (...)
    Example    >>> mg.asinh(mg.tensor([0.0, 1.0]))
               tensor([0.    , 0.8814])
    """
    return np.arcsinh(x)


@op(
    lambda g, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    numpy=np.arccosh,
    promote=True,
    notation="acosh({x})",
)
def acosh(x: Array) -> Array:
    """Inverse of the hyperbolic cosine.

    Forward    out = log(x + √(x² - 1)); NaN where x < 1
    Gradient   x̄ = ḡ / √(x² - 1); infinite at 1
    Shapes     (...) -> (...)
    Example    >>> mg.acosh(mg.tensor([1.0, 2.0]))
               tensor([0.   , 1.317])
    """
    return np.arccosh(x)


@op(lambda g, x: g / ((1 - x) * (1 + x)), numpy=np.arctanh, promote=True, notation="atanh({x})")
def atanh(x: Array) -> Array:
    """Inverse of the hyperbolic tangent.

    Forward    out = ½ log((1 + x) / (1 - x)); NaN where |x| > 1
    Gradient   x̄ = ḡ / (1 - x²)
    Shapes     (...) -> (...)
    Example    >>> mg.atanh(mg.tensor([0.0, 0.5]))
               tensor([0.    , 0.5493])
    """
    return np.arctanh(x)


# PyTorch's other names
arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
