"""Arithmetic of whole numbers: shifts, common divisors and multiples.  None has a gradient."""

from __future__ import annotations

import numpy as np

from minigrad.calls import Array, op

__all__ = ["bitwise_left_shift", "bitwise_right_shift", "gcd", "lcm"]


@op(None, None, numpy=(np.left_shift, np.bitwise_left_shift), promote=True, notation="{x} << {y}")
def bitwise_left_shift(x: Array, y: Array) -> Array:
    """The bits of a whole number moved to the left, like ``<<``.

    Forward    out = x * 2ʸ, in the type of x
    Gradient   none: the result is integers
    Shapes     (...), (...) -> broadcast (...)
    Raises     TypeError for floating-point numbers
    Example    >>> mg.tensor([1, 3]) << 2
               tensor([ 4, 12])
    """
    return np.left_shift(x, y)


@op(
    None, None,
    numpy=(np.right_shift, np.bitwise_right_shift), promote=True, notation="{x} >> {y}",
)  # fmt: skip
def bitwise_right_shift(x: Array, y: Array) -> Array:
    """The bits of a whole number moved to the right, like ``>>``.

    Forward    out = ⌊x / 2ʸ⌋
    Gradient   none: the result is integers
    Shapes     (...), (...) -> broadcast (...)
    Raises     TypeError for floating-point numbers
    Example    >>> mg.tensor([4, 12]) >> 2
               tensor([1, 3])
    """
    return np.right_shift(x, y)


@op(None, None, numpy=np.gcd, promote=True, notation="gcd({x}, {y})")
def gcd(x: Array, y: Array) -> Array:
    """Greatest common divisor.

    Forward    out = the largest number that divides x and y; 0 if both are 0
    Gradient   none: the result is integers
    Shapes     (...), (...) -> broadcast (...)
    Raises     TypeError for floating-point numbers
    Example    >>> mg.gcd(mg.tensor([12, 5]), mg.tensor([18, 10]))
               tensor([6, 5])
    """
    return np.gcd(x, y)


@op(None, None, numpy=np.lcm, promote=True, notation="lcm({x}, {y})")
def lcm(x: Array, y: Array) -> Array:
    """Least common multiple.

    Forward    out = the smallest positive number that x and y divide; 0 if one is 0
    Gradient   none: the result is integers
    Shapes     (...), (...) -> broadcast (...)
    Raises     TypeError for floating-point numbers
    Example    >>> mg.lcm(mg.tensor([4, 5]), mg.tensor([6, 10]))
               tensor([12, 10])
    """
    return np.lcm(x, y)


@op(None, notation="⌊{x}⌋")
def _whole(x: Array, low: int, high: int, nearest: bool = False) -> Array:
    """Numbers rounded down to integers, or to the nearest, and kept within bounds.

    Forward    out = ⌊x⌋ between `low` and `high`; `low` where x is NaN
    Gradient   none: the result is of integers
    Shapes     (...) -> (...)
    """
    rounded = np.rint(x) if nearest else np.floor(x)
    return np.clip(np.nan_to_num(rounded, nan=low), low, high).astype(np.int64)
