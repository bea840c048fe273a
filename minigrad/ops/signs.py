"""More functions of each entry: signs, steps, parts of numbers, and powers in float64."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.calls import Array, Variable, op
from minigrad.composition import composition
from minigrad.graph import plain
from minigrad.ops.conversion import astype
from minigrad.ops.elementwise import minus, mul, pow, scaled, sign
from minigrad.ops.shaping import broadcast_to
from minigrad.ops.special import as_float

__all__ = [
    "angle", "conj", "conj_physical", "copysign", "fill", "float_power", "frexp", "heaviside",
    "is_nonzero", "is_same_size", "isin", "isneginf", "isposinf", "isreal", "ldexp", "nextafter",
    "real", "resolve_conj", "resolve_neg", "rsub", "sgn",
]  # fmt: skip

# -------------------------------------------------------------------------------- signs and steps


def copysign_x_vjp(g: Array, out: Array, x: Array) -> Array:
    """ḡ, its sign changed where that of x was; 0 at x = 0, as for |x|."""
    return g * np.sign(x) * np.sign(plain(out))


@op(
    copysign_x_vjp,
    lambda g: np.zeros_like(g),
    numpy=np.copysign,
    promote=True,
    notation="copysign({x}, {y})",
)
def copysign(x: Array, y: Array) -> Array:
    """The size of one number with the sign of another.

    Forward    out = |x| with the sign of y; also that of -0
    Gradient   x̄ = ḡ * sign(x) * sign(out), 0 at x = 0        ȳ = 0
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.copysign(mg.tensor([1.0, 2.0]), mg.tensor([-3.0, 3.0]))
               tensor([-1.,  2.])
    """
    return np.copysign(x, y)


@op(None, None, numpy=np.heaviside, promote=True, notation="H({x})")
def heaviside(x: Array, y: Array) -> Array:
    """The unit step.

    Forward    out = 0 where x < 0, 1 where x > 0, y where x = 0; in the type of x and y
    Gradient   none: the result is constant between its jumps
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.heaviside(mg.tensor([-1.0, 0.0, 2.0]), mg.tensor([0.5]))
               tensor([0. , 0.5, 1. ])
    """
    kind = np.result_type(x, y)
    out: Any = (
        np.heaviside(x, y) if kind.kind == "f" else np.where(np.equal(x, 0), y, np.greater(x, 0))
    )
    return out.astype(kind, copy=False)


sgn = sign  # of real numbers the same


# ------------------------------------------------------------------------- parts, and neighbours


class MantissaAndExponent(NamedTuple):
    """What `frexp` returns."""

    mantissa: Any
    exponent: Any


def frexp_vjp(g: MantissaAndExponent, out: MantissaAndExponent) -> Array:
    exponent: Any = plain(out.exponent)
    return g.mantissa * np.exp2(-exponent.astype(out.mantissa.dtype))


@op(frexp_vjp, notation="frexp({x})")
def frexp(x: Array) -> Any:
    """A number as a fraction of a power of two.

    Forward    x = mantissa * 2^exponent, with ½ ≤ |mantissa| < 1, or both 0
    Gradient   x̄ = mantissa̅ / 2^exponent
    Shapes     (...) -> twice (...), the second of int32
    Raises     TypeError for integers
    Example    >>> mg.frexp(mg.tensor([6.0]))
               MantissaAndExponent(mantissa=tensor([0.75]), exponent=tensor([3], dtype=int32))
    """
    if x.dtype.kind != "f":
        raise TypeError(f"frexp: takes floating-point numbers, got {x.dtype}")
    return MantissaAndExponent(*np.frexp(x))


@composition
def ldexp(x: Array, y: Array) -> Array:
    """A number times a power of two.

    Forward    out = x 2ʸ
    Gradient   x̄ = ḡ * 2ʸ        ȳ = ḡ * out * log 2
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.ldexp(mg.tensor([1.0, 3.0]), mg.tensor([2, -1]))
               tensor([4. , 1.5])
    """
    return mul(x, pow(2.0, y))


@op(
    lambda g, x, y: np.where(np.equal(x, y), 0, g),
    lambda g, x, y: np.where(np.equal(x, y), g, 0),
    numpy=np.nextafter,
    promote=True,
    notation="nextafter({x}, {y})",
)
def nextafter(x: Array, y: Array) -> Array:
    """The neighbour among floating-point numbers, in the direction of another number.

    Forward    out = the next number after x towards y
    Gradient   x̄ = ḡ where x ≠ y, else 0        ȳ = ḡ where x = y, else 0
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.nextafter(mg.tensor([1.0]), mg.tensor([2.0])) > 1
               tensor([ True])
    """
    return np.nextafter(x, y)


@op(lambda g, out: g / (3 * out * out), numpy=np.cbrt, promote=True, notation="∛{x}")
def cbrt(x: Array) -> Array:
    """Cube root, NumPy's.

    Forward    out = ∛x, with the sign of x
    Gradient   x̄ = ḡ / (3 out²); infinite at x = 0
    Shapes     (...) -> (...)
    Example    >>> np.cbrt(mg.tensor([8.0, -27.0]))
               tensor([ 2., -3.])
    """
    return np.cbrt(x)


# ------------------------------------------------------------------------------------ arithmetic


@composition
def float_power(x: Array, exponent: Array) -> Array:
    """Power, computed in float64.

    Forward    out = x^exponent
    Gradient   as of `pow`
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.float_power(mg.tensor([2, 3]), -1).dtype
               dtype('float64')
    """
    x, exponent = (astype(v, float) if hasattr(v, "astype") else v for v in (x, exponent))
    return pow(x, exponent)


@composition
def rsub(x: Array, other: Array, *, alpha: float = 1) -> Array:
    """A number minus the tensor: `sub` with its operands exchanged.

    Forward    out = other - alpha x
    Gradient   x̄ = -alpha ḡ        other̅ = ḡ
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.rsub(mg.tensor([1.0, 2.0]), 5)
               tensor([4., 3.])
    """
    return minus(other, x if alpha == 1 else scaled(x, alpha))


@composition
def fill(x: Array, value: Array) -> Array:
    """One number, in the shape and type of a tensor.

    Forward    out = value
    Gradient   x̄ = 0        value̅ = Σ ḡ
    Shapes     (...), () -> (...)
    Raises     ValueError if the value has dimensions
    Example    >>> mg.fill(mg.zeros(2), 3)
               tensor([3., 3.])
    """
    if np.ndim(value):
        raise ValueError(f"fill: value is one number, got shape {np.shape(value)}")
    if isinstance(value, Variable):
        return broadcast_to(astype(value, x.dtype), x.shape).clone()
    return np.full_like(x, value)


# ---------------------------------------------------------------- complex functions of real numbers


@op(lambda g: g, view=True, notation="{x}")
def conj(x: Array) -> Array:
    """The complex conjugate: of real numbers, the same numbers.

    Forward    out = x
    Gradient   x̄ = ḡ
    Shapes     (...) -> (...)
    Example    >>> mg.conj(mg.tensor([1.0]))
               tensor([1.])
    """
    return x.view()


conj_physical = conj


@composition
def resolve_conj(input: Any) -> Any:
    """The same numbers: none waits to be conjugated or negated.

    Forward    out = x
    Gradient   x̄ = ḡ
    Shapes     (...) -> (...)
    Example    >>> mg.resolve_conj(mg.tensor([1.0]))
               tensor([1.])
    """
    return conj(input) if input.dtype.kind != "c" else input


resolve_neg = resolve_conj


@composition
def real(input: Any) -> Any:
    """The real part: of real numbers, the same numbers.

    Forward    out = Re x
    Gradient   x̄ = ḡ
    Shapes     (...) -> (...)
    Example    >>> mg.real(mg.tensor([1.0]))
               tensor([1.])
    """
    return conj(input) if input.dtype.kind != "c" else input.real


@op(lambda g: np.zeros_like(g), promote=True, notation="arg {x}")
def angle(x: Array) -> Array:
    """The angle of real numbers in the complex plane.

    Forward    out = 0 where x ≥ 0, π where x < 0, NaN where x is NaN
    Gradient   x̄ = 0
    Shapes     (...) -> (...)
    Example    >>> mg.angle(mg.tensor([1.0, -1.0]))
               tensor([0.    , 3.1416])
    """
    x = as_float(x)
    return np.where(np.less(x, 0), np.full_like(x, np.pi), x * 0)


# -------------------------------------------------------------------------------------- questions


@op(None, numpy=np.isposinf, notation="{x} = ∞")
def isposinf(x: Array) -> Array:
    """Whether a number is +∞.

    Forward    out = x = ∞
    Gradient   none: the result is boolean
    Shapes     (...) -> (...)
    Example    >>> mg.isposinf(mg.tensor([1.0, np.inf, -np.inf]))
               tensor([False,  True, False])
    """
    return np.equal(x, np.inf)


@op(None, numpy=np.isneginf, notation="{x} = -∞")
def isneginf(x: Array) -> Array:
    """Whether a number is -∞.

    Forward    out = x = -∞
    Gradient   none: the result is boolean
    Shapes     (...) -> (...)
    Example    >>> mg.isneginf(mg.tensor([1.0, np.inf, -np.inf]))
               tensor([False, False,  True])
    """
    return np.equal(x, -np.inf)


@op(None, notation="{x} is real")
def isreal(x: Array) -> Array:
    """Whether a number is real: always, here.

    Forward    out = True
    Gradient   none: the result is boolean
    Shapes     (...) -> (...)
    Example    >>> mg.isreal(mg.tensor([1.0, 2.0]))
               tensor([ True,  True])
    """
    return np.ones_like(x, dtype=bool)


@op(None, None, notation="{x} ∈ {y}")
def _isin(x: Array, y: Array, invert: bool) -> Array:
    """See `isin`.

    Forward    out = whether x is among the entries of y
    Gradient   none: the result is boolean
    Shapes     (...), (k...) -> (...)
    """
    return np.isin(x, y, invert=invert)


@composition
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Any:
    """Whether each entry is among those of another tensor.

    Forward    out = x = t for some entry t of `test_elements`; with `invert`, for none
    Gradient   none: the result is boolean
    Shapes     (...), (k...) -> (...)
    Example    >>> mg.isin(mg.tensor([1, 2, 3]), mg.tensor([2, 5]))
               tensor([False,  True, False])
    """
    return _isin(elements, test_elements, invert)


@composition
def is_same_size(input: Any, other: Any) -> bool:
    """Whether two tensors have one shape.

    Forward    out = the shapes are equal
    Gradient   none
    Shapes     (...), (...) -> a bool
    Example    >>> mg.is_same_size(mg.zeros(2), mg.ones(2))
               True
    """
    return tuple(input.shape) == tuple(other.shape)


@composition
def is_nonzero(input: Any) -> bool:
    """Whether the only entry of a tensor is not zero.

    Forward    out = x ≠ 0
    Gradient   none
    Shapes     (1...) -> a bool
    Raises     RuntimeError unless there is exactly one entry
    Example    >>> mg.is_nonzero(mg.tensor([0.0]))
               False
    """
    if plain(input).size != 1:
        raise RuntimeError(f"is_nonzero: takes one entry, got shape {tuple(input.shape)}")
    return bool(plain(input).reshape(())[()] != 0)
