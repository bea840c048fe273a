"""Comparisons, logic and tests for kinds of numbers.  None has a gradient."""

from __future__ import annotations

import numpy as np

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.graph import plain

__all__ = [
    "allclose", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "eq", "equal", "ge",
    "greater", "greater_equal", "gt", "isclose", "isfinite", "isinf", "isnan", "le", "less",
    "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "ne",
    "not_equal", "signbit",
]  # fmt: skip

# ------------------------------------------------------------------------------------ comparisons


@op(None, None, numpy=np.equal, promote=True, notation="{x} = {y}")
def eq(x: Array, y: Array) -> Array:
    """Whether two numbers are equal.

    Forward    out = x = y; False where one is NaN
    Gradient   none: the result is boolean
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.eq(mg.tensor([1.0, 2.0, 3.0]), 2)
               tensor([False,  True, False])
    """
    return np.equal(x, y)


@op(None, None, numpy=np.not_equal, promote=True, notation="{x} ≠ {y}")
def ne(x: Array, y: Array) -> Array:
    """Whether two numbers differ.

    Forward    out = x ≠ y; True where one is NaN
    Gradient   none: the result is boolean
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.ne(mg.tensor([1.0, 2.0, 3.0]), 2)
               tensor([ True, False,  True])
    """
    return np.not_equal(x, y)


@op(None, None, numpy=np.less, promote=True, notation="{x} < {y}")
def lt(x: Array, y: Array) -> Array:
    """Whether the first number is smaller.

    Forward    out = x < y; False where one is NaN
    Gradient   none: the result is boolean
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.lt(mg.tensor([1.0, 2.0, 3.0]), 2)
               tensor([ True, False, False])
    """
    return np.less(x, y)


@op(None, None, numpy=np.less_equal, promote=True, notation="{x} ≤ {y}")
def le(x: Array, y: Array) -> Array:
    """Whether the first number is smaller or equal.

    Forward    out = x ≤ y; False where one is NaN
    Gradient   none: the result is boolean
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.le(mg.tensor([1.0, 2.0, 3.0]), 2)
               tensor([ True,  True, False])
    """
    return np.less_equal(x, y)


@op(None, None, numpy=np.greater, promote=True, notation="{x} > {y}")
def gt(x: Array, y: Array) -> Array:
    """Whether the first number is larger.

    Forward    out = x > y; False where one is NaN
    Gradient   none: the result is boolean
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.gt(mg.tensor([1.0, 2.0, 3.0]), 2)
               tensor([False, False,  True])
    """
    return np.greater(x, y)


@op(None, None, numpy=np.greater_equal, promote=True, notation="{x} ≥ {y}")
def ge(x: Array, y: Array) -> Array:
    """Whether the first number is larger or equal.

    Forward    out = x ≥ y; False where one is NaN
    Gradient   none: the result is boolean
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.ge(mg.tensor([1.0, 2.0, 3.0]), 2)
               tensor([False,  True,  True])
    """
    return np.greater_equal(x, y)


# ------------------------------------------------------------------------------------------ logic


@op(None, None, numpy=np.logical_and, promote=True, notation="{x} ∧ {y}")
def logical_and(x: Array, y: Array) -> Array:
    """Whether both are true.

    Forward    out = x and y, where a number other than 0 is true
    Gradient   none: the result is boolean
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.logical_and(mg.tensor([True, True, False]), mg.tensor([True, False, False]))
               tensor([ True, False, False])
    """
    return np.logical_and(x, y)


@op(None, None, numpy=np.logical_or, promote=True, notation="{x} ∨ {y}")
def logical_or(x: Array, y: Array) -> Array:
    """Whether one or both are true.

    Forward    out = x or y, where a number other than 0 is true
    Gradient   none: the result is boolean
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.logical_or(mg.tensor([True, True, False]), mg.tensor([True, False, False]))
               tensor([ True,  True, False])
    """
    return np.logical_or(x, y)


@op(None, None, numpy=np.logical_xor, promote=True, notation="{x} ⊻ {y}")
def logical_xor(x: Array, y: Array) -> Array:
    """Whether exactly one is true.

    Forward    out = x or y but not both, where a number other than 0 is true
    Gradient   none: the result is boolean
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.logical_xor(mg.tensor([True, True, False]), mg.tensor([True, False, False]))
               tensor([False,  True, False])
    """
    return np.logical_xor(x, y)


@op(numpy=np.logical_not, notation="¬{x}")
def logical_not(x: Array) -> Array:
    """The opposite truth.

    Forward    out = not x, where a number other than 0 is true
    Gradient   none: the result is boolean
    Shapes     (...) -> (...)
    Example    >>> mg.logical_not(mg.tensor([True, False]))
               tensor([False,  True])
    """
    return np.logical_not(x)


@op(None, None, numpy=np.bitwise_and, promote=True, notation="{x} & {y}")
def bitwise_and(x: Array, y: Array) -> Array:
    """And, bit by bit; of booleans, the logical one.

    Forward    out = x & y
    Gradient   none: the result is integers or booleans
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast; TypeError for floating-point numbers
    Example    >>> mg.bitwise_and(mg.tensor([6, 5]), 3)
               tensor([2, 1])
    """
    return np.bitwise_and(x, y)


@op(None, None, numpy=np.bitwise_or, promote=True, notation="{x} | {y}")
def bitwise_or(x: Array, y: Array) -> Array:
    """Or, bit by bit; of booleans, the logical one.

    Forward    out = x | y
    Gradient   none: the result is integers or booleans
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast; TypeError for floating-point numbers
    Example    >>> mg.bitwise_or(mg.tensor([6, 5]), 3)
               tensor([7, 7])
    """
    return np.bitwise_or(x, y)


@op(None, None, numpy=np.bitwise_xor, promote=True, notation="{x} ^ {y}")
def bitwise_xor(x: Array, y: Array) -> Array:
    """Exclusive or, bit by bit; of booleans, the logical one.

    Forward    out = x ^ y
    Gradient   none: the result is integers or booleans
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast; TypeError for floating-point numbers
    Example    >>> mg.bitwise_xor(mg.tensor([6, 5]), 3)
               tensor([5, 6])
    """
    return np.bitwise_xor(x, y)


@op(numpy=np.bitwise_not, notation="~{x}")
def bitwise_not(x: Array) -> Array:
    """Not, bit by bit; of booleans, the logical one.

    Forward    out = ~x
    Gradient   none: the result is integers or booleans
    Shapes     (...) -> (...)
    Raises     TypeError for floating-point numbers
    Example    >>> mg.bitwise_not(mg.tensor([True, False]))
               tensor([False,  True])
    """
    return np.bitwise_not(x)


# -------------------------------------------------------------------------------- kinds of numbers


@op(numpy=np.isnan, notation="isnan({x})")
def isnan(x: Array) -> Array:
    """Whether a number is NaN.

    Forward    out = x ≠ x
    Gradient   none: the result is boolean
    Shapes     (...) -> (...)
    Example    >>> mg.isnan(mg.tensor([1.0, np.nan]))
               tensor([False,  True])
    """
    return np.isnan(x)


@op(numpy=np.isinf, notation="isinf({x})")
def isinf(x: Array) -> Array:
    """Whether a number is infinite, of either sign.

    Forward    out = |x| = ∞
    Gradient   none: the result is boolean
    Shapes     (...) -> (...)
    Example    >>> mg.isinf(mg.tensor([1.0, -np.inf]))
               tensor([False,  True])
    """
    return np.isinf(x)


@op(numpy=np.isfinite, notation="isfinite({x})")
def isfinite(x: Array) -> Array:
    """Whether a number is neither infinite nor NaN.

    Forward    out = |x| < ∞
    Gradient   none: the result is boolean
    Shapes     (...) -> (...)
    Example    >>> mg.isfinite(mg.tensor([1.0, np.nan]))
               tensor([ True, False])
    """
    return np.isfinite(x)


@op(numpy=np.signbit, notation="signbit({x})")
def signbit(x: Array) -> Array:
    """Whether the sign is minus; that of -0.0 is.

    Forward    out = the sign bit of x
    Gradient   none: the result is boolean
    Shapes     (...) -> (...)
    Example    >>> mg.signbit(mg.tensor([1.0, -0.0]))
               tensor([False,  True])
    """
    return np.signbit(x)


@op(numpy=np.isclose, notation="{x} ≈ {y}")
def isclose(
    x: Array, y: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Whether two numbers agree within a tolerance that is relative to the second.

    Forward    out = |x - y| ≤ atol + rtol |y|; equal infinities agree, NaN only with `equal_nan`
    Gradient   none: the result is boolean
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.isclose(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.1]))
               tensor([ True, False])
    """
    return np.isclose(x, y, rtol, atol, equal_nan)


@composition
def allclose(
    x: Array, y: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether all numbers of two tensors agree within a tolerance; a Python bool.

    Forward    all of |x - y| ≤ atol + rtol |y|
    Gradient   none: the result is a bool
    Shapes     (...), (...) -> bool
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.allclose(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.1]))
               False
    """
    return np.allclose(plain(x), plain(y), plain(rtol), plain(atol), bool(plain(equal_nan)))


@composition
def equal(x: Array, y: Array) -> bool:
    """Whether two tensors have the same shape and the same numbers; a Python bool.

    Forward    shapes equal, and all of x = y
    Gradient   none: the result is a bool
    Shapes     (...), (...) -> bool
    Example    >>> mg.equal(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.0]))
               True
    """
    return np.array_equal(plain(x), plain(y))


# PyTorch's other names
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
