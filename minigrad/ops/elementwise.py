"""Arithmetic on each entry, with broadcasting.

Shapes, throughout: operands broadcast against each other by NumPy's rule (aligned at the last
axis, sizes equal or 1), the result has the broadcast shape, and a gradient has the shape of its
operand.  ``*`` below is the elementwise product.  Python numbers take the type of the tensor.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy as np

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.ops.masks import choose
from minigrad.typed import Tensor

__all__ = [
    "abs", "absolute", "addcdiv", "addcmul", "ceil", "div", "divide", "fix", "floor",
    "floor_divide", "fmod", "frac", "hypot", "lerp", "mul", "multiply", "neg", "negative",
    "positive", "pow", "reciprocal", "remainder", "round", "rsqrt", "sign", "sqrt", "square",
    "subtract", "true_divide", "trunc",
]  # fmt: skip

# --------------------------------------------------------------------------- sums and products


@op(lambda g: g, lambda g: g, numpy=np.add, promote=True, notation="{x} + {y}")
def add(x: Array, y: Array) -> Array:
    """Sum of two tensors.

    Forward    out = x + y; ``mg.add(x, y, alpha=a)`` is x + a y
    Gradient   x̄ = ḡ        ȳ = ḡ
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.add(mg.tensor([1.0, 2.0]), 10)
               tensor([11., 12.])
    """
    return np.add(x, y)


@op(lambda g: g, lambda g: -g, numpy=np.subtract, promote=True, notation="{x} - {y}")
def sub(x: Array, y: Array) -> Array:
    """Difference of two tensors.

    Forward    out = x - y; ``mg.sub(x, y, alpha=a)`` is x - a y
    Gradient   x̄ = ḡ        ȳ = -ḡ
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> 1.0 - mg.tensor([1.0, 2.0])
               tensor([ 0., -1.])
    """
    return np.subtract(x, y)


def scaled(x: Any, alpha: Any) -> Any:
    """``alpha x``; of bytes by a negative one, modulo their range as all arithmetic."""
    kind: Any = getattr(x, "dtype", None)
    if kind == np.uint8 and isinstance(alpha, int) and not 0 <= alpha <= 255:
        alpha %= 256
    return x * alpha


def with_alpha(operation: Any) -> Any:
    """`operation` with PyTorch's factor of the second operand: f(x, y, alpha=a) is f(x, a y).

    Operators do without it: they are the op itself.
    """

    @wraps(operation)
    def call(*operands: Any, alpha: float = 1, **kwargs: Any) -> Any:
        if alpha == 1:
            return operation(*operands, **kwargs)
        x, y = operation.op.bind(operands, kwargs)
        kinds = [getattr(getattr(each, "dtype", None), "kind", "") for each in (x, y)]
        alpha = bool(alpha) if kinds == ["b", "b"] else alpha  # x or y: booleans stay booleans
        return operation(x, scaled(y, alpha))

    return call


plus, minus = with_alpha(add), with_alpha(sub)  # `mg.add` and `mg.sub`


@op(lambda g, y: g * y, lambda g, x: g * x, numpy=np.multiply, promote=True, notation="{x} * {y}")
def mul(x: Array, y: Array) -> Array:
    """Elementwise (Hadamard) product.

    Forward    out = x * y
    Gradient   x̄ = ḡ * y        ȳ = ḡ * x
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.mul(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
               tensor([3., 8.])
    """
    return np.multiply(x, y)


@op(
    lambda g, y: g / y,
    lambda g, out, y: -g * out / y,
    numpy=np.divide,
    promote=True,
    notation="{x} / {y}",
)
def true_divide(x: Array, y: Array) -> Array:
    """True quotient; `div` adds the rounding modes.

    Forward    out = x / y
    Gradient   x̄ = ḡ / y        ȳ = -ḡ * out / y
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.true_divide(mg.tensor([1, 2]), 2)
               tensor([0.5, 1. ])
    """
    return np.divide(x, y)


@composition
def div(x: Array, y: Array, *, rounding_mode: str | None = None) -> Tensor:
    """Quotient, rounded or not.

    Forward    out = x / y; with rounding_mode "trunc" rounded towards 0, with "floor" down
    Gradient   x̄ = ḡ / y        ȳ = -ḡ * out / y; 0 with a rounding mode
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast, or for another rounding mode
    Example    >>> mg.div(mg.tensor([-7.0, 7.0]), 2, rounding_mode="trunc")
               tensor([-3.,  3.])
    """
    if rounding_mode is None:
        return true_divide(x, y)
    if rounding_mode == "floor":
        return floor_divide(x, y)
    if rounding_mode == "trunc":
        return _truncated_divide(x, y)
    raise ValueError(f"div: rounding_mode is None, 'trunc' or 'floor', got {rounding_mode!r}")


@op(
    lambda g: np.zeros_like(g),
    lambda g: np.zeros_like(g),
    numpy=np.floor_divide,
    promote=True,
    notation="⌊{x} / {y}⌋",
)
def floor_divide(x: Array, y: Array) -> Array:
    """Quotient rounded down, like ``//``.

    Forward    out = ⌊x / y⌋
    Gradient   x̄ = 0        ȳ = 0; the result is constant between its jumps
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.floor_divide(mg.tensor([-7, 7]), 2)
               tensor([-4,  3])
    """
    return np.floor_divide(x, y)


@op(
    lambda g: np.zeros_like(g),
    lambda g: np.zeros_like(g),
    promote=True,
    notation="trunc({x} / {y})",
)
def _truncated_divide(x: Array, y: Array) -> Array:
    """Quotient rounded towards 0; of integers, exactly.

    Forward    out = trunc(x / y)
    Gradient   x̄ = 0        ȳ = 0; the result is constant between its jumps
    Shapes     (...), (...) -> broadcast (...)
    """
    if np.result_type(x, y).kind == "f":
        return np.trunc(np.divide(x, y))
    down = np.floor_divide(x, y)
    return down + ((down < 0) & (np.remainder(x, y) != 0))


@op(
    lambda g: g,
    lambda g, x, y: -g * np.floor_divide(x, y),
    numpy=np.remainder,
    promote=True,
    notation="{x} mod {y}",
)
def remainder(x: Array, y: Array) -> Array:
    """Remainder with the sign of the divisor, like ``%``.

    Forward    out = x - ⌊x / y⌋ * y
    Gradient   x̄ = ḡ        ȳ = -ḡ * ⌊x / y⌋
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.remainder(mg.tensor([-3.0, 5.0]), 2)
               tensor([1., 1.])
    """
    return np.remainder(x, y)


@op(
    lambda g: g,
    lambda g, x, y: -g * np.trunc(x / y),
    numpy=np.fmod,
    promote=True,
    notation="fmod({x}, {y})",
)
def fmod(x: Array, y: Array) -> Array:
    """Remainder with the sign of the dividend, as in C.

    Forward    out = x - trunc(x / y) * y
    Gradient   x̄ = ḡ        ȳ = -ḡ * trunc(x / y)
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.fmod(mg.tensor([-3.0, 5.0]), 2)
               tensor([-1.,  1.])
    """
    return np.fmod(x, y)


@composition
def addcmul(x: Array, tensor1: Array, tensor2: Array, *, value: float = 1) -> Tensor:
    """A product, added.

    Forward    out = x + value * t₁ * t₂
    Gradient   x̄ = ḡ        t̄₁ = ḡ * value * t₂        t̄₂ = ḡ * value * t₁
    Shapes     (...), (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.addcmul(mg.tensor([1.0]), mg.tensor([2.0]), mg.tensor([3.0]), value=0.5)
               tensor([4.])
    """
    product = mul(tensor1, tensor2)
    return add(x, product if value == 1 else mul(product, value))


@composition
def addcdiv(x: Array, tensor1: Array, tensor2: Array, *, value: float = 1) -> Tensor:
    """A quotient, added.

    Forward    out = x + value * t₁ / t₂
    Gradient   x̄ = ḡ        t̄₁ = ḡ * value / t₂        t̄₂ = -ḡ * value * t₁ / t₂²
    Shapes     (...), (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.addcdiv(mg.tensor([1.0]), mg.tensor([6.0]), mg.tensor([3.0]))
               tensor([3.])
    """
    quotient = true_divide(tensor1, tensor2)
    return add(x, quotient if value == 1 else mul(quotient, value))


@op(
    lambda g, weight: g * (1 - weight),
    lambda g, weight: g * weight,
    lambda g, x, end: g * (end - x),
    promote=True,
    notation="lerp({x}, {end}, {weight})",
)
def lerp(x: Array, end: Array, weight: Array) -> Array:
    """Linear interpolation, exact at both ends.

    Forward    out = x + weight * (end - x), from the nearer end
    Gradient   x̄ = ḡ * (1 - weight)        end̅ = ḡ * weight        weight̅ = ḡ * (end - x)
    Shapes     (...), (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.lerp(mg.tensor([0.0, 1.0]), mg.tensor([10.0, 2.0]), 0.5)
               tensor([5. , 1.5])
    """
    with np.errstate(over="ignore"):
        step = end - x
    if np.isinf(step).any():  # the ends may be finite, and so is what lies between them
        far = np.isinf(step) & np.isfinite(x) & np.isfinite(end)
        return choose(far, x * (1 - weight) + end * weight, along(x, end, step, weight))
    return along(x, end, step, weight)


def along(x: Array, end: Array, step: Array, weight: Array) -> Array:
    """So far on the way from x to end, from the nearer one."""
    if np.ndim(weight) == 0:
        return x + step * weight if weight < 0.5 else end - step * (1 - weight)
    return choose(weight < 0.5, x + step * weight, end - step * (1 - weight))


# ------------------------------------------------------------------------- signs and magnitudes


@op(lambda g: -g, numpy=np.negative, promote=True, notation="-{x}")
def neg(x: Array) -> Array:
    """The opposite number.

    Forward    out = -x
    Gradient   x̄ = -ḡ
    Shapes     (...) -> (...)
    Raises     TypeError for booleans
    Example    >>> mg.neg(mg.tensor([1.0, -2.0]))
               tensor([-1.,  2.])
    """
    return np.negative(x)


@op(lambda g: g, numpy=np.positive, promote=True, view=True, notation="+{x}")
def positive(x: Array) -> Array:
    """The same number.

    Forward    out = +x
    Gradient   x̄ = ḡ
    Shapes     (...) -> (...)
    Raises     TypeError for booleans
    Example    >>> mg.positive(mg.tensor([1.0, -2.0]))
               tensor([ 1., -2.])
    """
    return np.positive(x)


@op(lambda g, x: g * np.sign(x), numpy=np.absolute, promote=True, notation="|{x}|")
def abs(x: Array) -> Array:
    """Absolute value.

    Forward    out = |x|
    Gradient   x̄ = ḡ * sign(x); at the kink x = 0 it is 0
    Shapes     (...) -> (...)
    Example    >>> mg.abs(mg.tensor([-1.5, 2.0]))
               tensor([1.5, 2. ])
    """
    return np.absolute(x)


@op(lambda g: np.zeros_like(g), numpy=np.sign, promote=True, notation="sign({x})")
def sign(x: Array) -> Array:
    """Sign: -1, 0 or 1.

    Forward    out = -1 where x < 0, 0 where x = 0, 1 where x > 0
    Gradient   x̄ = 0
    Shapes     (...) -> (...)
    Example    >>> mg.sign(mg.tensor([-3.0, 0.0, 2.0]))
               tensor([-1.,  0.,  1.])
    """
    return x if x.dtype.kind == "b" else np.sign(x)


# --------------------------------------------------------------------------- powers and roots


@op(lambda g, out: -g * out * out, numpy=np.reciprocal, promote=True, notation="1/{x}")
def reciprocal(x: Array) -> Array:
    """One over a number.

    Forward    out = 1 / x
    Gradient   x̄ = -ḡ * out²
    Shapes     (...) -> (...)
    Example    >>> mg.reciprocal(mg.tensor([2.0, 4.0]))
               tensor([0.5 , 0.25])
    """
    return np.divide(1.0, x)


@op(lambda g, x: g * (2 * x), numpy=np.square, promote=True, notation="{x}²")
def square(x: Array) -> Array:
    """A number times itself.

    Forward    out = x²
    Gradient   x̄ = 2 ḡ * x
    Shapes     (...) -> (...)
    Example    >>> mg.square(mg.tensor([2.0, -3.0]))
               tensor([4., 9.])
    """
    return np.multiply(x, x, dtype=np.int64) if x.dtype == bool else np.square(x)


@op(lambda g, out: 0.5 * g / out, numpy=np.sqrt, promote=True, notation="√{x}")
def sqrt(x: Array) -> Array:
    """Square root.

    Forward    out = √x; NaN where x < 0
    Gradient   x̄ = ḡ / (2 out); infinite at x = 0
    Shapes     (...) -> (...)
    Example    >>> mg.sqrt(mg.tensor([4.0, 9.0]))
               tensor([2., 3.])
    """
    return np.sqrt(x)


@op(lambda g, out, x: -0.5 * g * out / x, promote=True, notation="1/√{x}")
def rsqrt(x: Array) -> Array:
    """One over the square root.

    Forward    out = 1 / √x
    Gradient   x̄ = -ḡ * out / (2 x)
    Shapes     (...) -> (...)
    Example    >>> mg.rsqrt(mg.tensor([4.0, 16.0]))
               tensor([0.5 , 0.25])
    """
    return np.divide(1.0, np.sqrt(x))


def pow_x_vjp(g: Array, x: Array, y: Array) -> Array:
    """x̄ = ḡ * y * xʸ⁻¹; 0 where y = 0, at x = 0, too."""
    if isinstance(y, (int, float)):
        if y == 2:
            return g * (2 * x)
        return g * (y * pow(x, y - 1)) if y != 0 else np.zeros_like(g)
    return g * y * np.where((x == 0) & (y == 0), 1, x) ** (y - 1)


def pow_y_vjp(g: Array, out: Array, x: Array, y: Array) -> Array:
    """ȳ = ḡ * out * log x; 0 where x = 0 and y is not negative: there out is constant."""
    return g * out * np.log(np.where((np.equal(x, 0)) & (y >= 0), 1, x))


@op(pow_x_vjp, pow_y_vjp, numpy=np.power, promote=True, notation="{x}^{y}")
def pow(x: Array, y: Array) -> Array:
    """Power.

    Forward    out = xʸ, with x⁰ = 1
    Gradient   x̄ = ḡ * y * x^(y - 1), 0 where y = 0
               ȳ = ḡ * out * log x, 0 where x = 0 and y ≥ 0; NaN where x < 0
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast, or for integers to a negative power
    Example    >>> mg.tensor([1.0, 2.0, 3.0]) ** 2
               tensor([1., 4., 9.])
    """
    whole = type(y) in (int, float) and y in (3, 4)
    if whole and type(x) is np.ndarray and x.dtype.kind == "f":
        squared = x * x  # np.power would take logarithms, at a tenth of the speed
        return squared * (x if y == 3 else squared)
    return x**y  # for the exponents 2, 0.5 and -1 the operator is faster than np.power


@op(
    lambda g, out, x: g * (x / np.where(out == 0, np.inf, out)),
    lambda g, out, y: g * (y / np.where(out == 0, np.inf, out)),
    numpy=np.hypot,
    promote=True,
    notation="√({x}² + {y}²)",
)
def hypot(x: Array, y: Array) -> Array:
    """Length of the hypotenuse, without overflow on the way.

    Forward    out = √(x² + y²)
    Gradient   x̄ = ḡ * x / out        ȳ = ḡ * y / out; both 0 at the origin
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.hypot(mg.tensor([3.0]), mg.tensor([4.0]))
               tensor([5.])
    """
    return np.hypot(x, y)


# ------------------------------------------------------------------------------------ rounding


@op(lambda g: np.zeros_like(g), numpy=np.floor, promote=True, notation="⌊{x}⌋")
def floor(x: Array) -> Array:
    """Round down.

    Forward    out = the largest integer not above x
    Gradient   x̄ = 0; the result is constant between its jumps
    Shapes     (...) -> (...)
    Example    >>> mg.floor(mg.tensor([-1.5, 1.5]))
               tensor([-2.,  1.])
    """
    return np.floor(x)


@op(lambda g: np.zeros_like(g), numpy=np.ceil, promote=True, notation="⌈{x}⌉")
def ceil(x: Array) -> Array:
    """Round up.

    Forward    out = the smallest integer not below x
    Gradient   x̄ = 0; the result is constant between its jumps
    Shapes     (...) -> (...)
    Example    >>> mg.ceil(mg.tensor([-1.5, 1.5]))
               tensor([-1.,  2.])
    """
    return np.ceil(x)


@op(lambda g: np.zeros_like(g), numpy=np.trunc, promote=True, notation="trunc({x})")
def trunc(x: Array) -> Array:
    """Round towards 0.

    Forward    out = x without its fraction
    Gradient   x̄ = 0; the result is constant between its jumps
    Shapes     (...) -> (...)
    Example    >>> mg.trunc(mg.tensor([-1.5, 1.5]))
               tensor([-1.,  1.])
    """
    return np.trunc(x)


@op(lambda g: np.zeros_like(g), numpy=np.round, promote=True, notation="round({x})")
def round(x: Array, decimals: int = 0) -> Array:
    """Round to the nearest, halves to the even one.

    Forward    out = x, rounded to so many decimals
    Gradient   x̄ = 0; the result is constant between its jumps
    Shapes     (...) -> (...)
    Example    >>> mg.round(mg.tensor([0.5, 1.5, 2.4]))
               tensor([0., 2., 2.])
    """
    return np.round(x, decimals)


@op(lambda g: g, promote=True, notation="frac({x})")
def frac(x: Array) -> Array:
    """The fraction, with the sign of the number.

    Forward    out = x - trunc(x)
    Gradient   x̄ = ḡ
    Shapes     (...) -> (...)
    Example    >>> mg.frac(mg.tensor([-1.5, 2.25]))
               tensor([-0.5 ,  0.25])
    """
    return np.subtract(x, np.trunc(x))


# PyTorch's other names
subtract, multiply, divide, negative, absolute, fix = minus, mul, div, neg, abs, trunc
