"""Parameters side by side: how a flat array is made of several, and taken apart again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.calls import Array, Op

__all__ = ["FLAT", "PARTS", "arranged", "memory_order", "zeros_like"]

Orders = Sequence[tuple[int, ...]]


def memory_order(array: Array) -> tuple[int, ...]:
    """The axes of an array from the largest stride to the smallest."""
    return tuple(sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis])))


def zeros_like(array: Array) -> Array:
    """Zeros in the shape and order of an array, whose pages are touched when they are written."""
    return arranged(np.zeros(array.size, array.dtype), array.shape, memory_order(array))


def flat(arrays: Sequence[Array], orders: Orders) -> Array:
    """The entries of several arrays in one, each in the given order of its axes.

    Forward    out = (x₀ᵀ, x₁ᵀ, ...), every xᵢᵀ with the axes of xᵢ in the order `orders[i]`
    Shapes     (...), (...), ... -> (n,)
    """
    return np.concatenate([x.transpose(order).reshape(-1) for x, order in zip(arrays, orders)])


def parts(x: Array, shapes: Sequence[tuple[int, ...]], orders: Orders) -> tuple[Array, ...]:
    """A flat array taken apart again: the inverse of `flat`.

    Forward    out[i] = the entries of xᵢ, in its shape
    Shapes     (n,) -> (...), (...), ...
    """
    taken, start = [], 0
    for shape, order in zip(shapes, orders):
        size = int(np.prod(shape))
        taken.append(arranged(x[start : start + size], shape, order))
        start += size
    return tuple(taken)


def arranged(x: Array, shape: tuple[int, ...], order: tuple[int, ...]) -> Array:
    """A flat array in `shape`, its axes in memory in the given order."""
    inner = x.reshape([shape[axis] for axis in order])
    return inner.transpose(np.argsort(order)) if order else inner


def no_gradient(g: Any) -> Any:
    raise NotImplementedError


FLAT = Op(flat, (), joint=no_gradient)
PARTS = Op(parts, (no_gradient,))
