"""Matrix and tensor products."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.operation import Array, op


def matmul_x_vjp(g: Array, x_shape: tuple[int, ...], y: Array) -> Array:
    """x̄ = ḡ yᵀ, where a 1-D operand stands for a row (x) or a column (y)."""
    if len(y.shape) == 1:
        return np.multiply(g[..., None], y) if len(x_shape) > 1 else g * y
    if len(x_shape) == 1:
        return np.matmul(y, g[..., None])[..., 0]
    return np.matmul(g, y.mT)


def matmul_y_vjp(g: Array, x: Array, y_shape: tuple[int, ...]) -> Array:
    """ȳ = xᵀ ḡ, where a 1-D operand stands for a row (x) or a column (y)."""
    if len(x.shape) == 1:
        return x[:, None] * g[..., None, :] if len(y_shape) > 1 else g * x
    if len(y_shape) == 1:
        return np.matmul(x.mT, g[..., None])[..., 0]
    return np.matmul(x.mT, g)


@op(matmul_x_vjp, matmul_y_vjp, numpy=np.matmul, promote=True, notation="{x} @ {y}")
def matmul(x: Array, y: Array) -> Array:
    """Matrix product, batched over leading axes.

    Forward    out = x @ y
    Gradient   x̄ = ḡ yᵀ        ȳ = xᵀ ḡ
    Shapes     (..., n, k), (..., k, m) -> (..., n, m); leading axes broadcast.
               1-D: (k,), (k,) -> (); (..., n, k), (k,) -> (..., n); (k,), (..., k, m) -> (..., m)
    Raises     ValueError if the inner sizes differ, or for a 0-d operand
    Source     Giles 2008, section 2.2.1
    Example    >>> mg.matmul(mg.tensor([[1.0, 2.0]]), mg.tensor([[3.0], [4.0]]))
               tensor([[11.]])
    """
    if type(x) is type(y) is np.ndarray and x.ndim == 2 == y.ndim:
        return np.dot(x, y)  # the same product, at half the cost of a call of np.matmul
    return np.matmul(x, y)


# ----------------------------------------------------------------------------------- the linear layer


@lru_cache(maxsize=64)
def ones_cached(n: int, dtype: Any) -> Array:
    """A row of ones: ``ones @ g`` sums the rows of g three times as fast as ``g.sum(0)``."""
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


def linear_weight_vjp(g: Array, x: Array) -> Array:
    """W̄ = ḡᵀ x, computed as (xᵀ ḡ)ᵀ: the memory order that `nn.Linear` gives its weight."""
    if len(g.shape) != 2:
        g, x = np.reshape(g, (-1, g.shape[-1])), np.reshape(x, (-1, x.shape[-1]))
    return np.dot(x.T, g).T


def linear_bias_vjp(g: Array) -> Array:
    """b̄ = Σ ḡ over all axes but the last."""
    if len(g.shape) != 2:
        g = np.reshape(g, (-1, g.shape[-1]))
    return np.dot(ones_cached(g.shape[0], g.dtype), g)


@op(
    lambda g, weight: np.dot(g, weight),
    linear_weight_vjp,
    linear_bias_vjp,
    notation="{x} {weight}ᵀ + {bias}",
)
def linear(x: Array, weight: Array, bias: Array = None) -> Array:
    """A fully connected layer.

    Forward    out = x Wᵀ + b
    Gradient   x̄ = ḡ W        W̄ = ḡᵀ x        b̄ = Σ ḡ over the rows
    Shapes     (..., n), (m, n), (m,) -> (..., m)
    Raises     ValueError if the last axis of x is not n
    Source     Goodfellow, Bengio and Courville 2016, section 6.5.6
    Example    >>> mg.linear(mg.tensor([[1.0, 2.0]]), mg.tensor([[3.0, 4.0]]), mg.tensor([5.0]))
               tensor([[16.]])
    """
    out = np.dot(x, weight.T)
    if bias is None:
        return out
    return np.add(out, bias, out=out) if type(out) is np.ndarray and out.dtype == bias.dtype else out + bias
