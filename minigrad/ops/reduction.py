"""Ops that reduce or scan along axes.

``dim`` is None (all axes), an integer, or a tuple of integers; negative ones count from the end.
With ``keepdim`` a reduced axis stays, with size 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.operation import Array, op

Dim = int | tuple[int, ...] | list[int] | None


def axes_of(dim: Dim) -> Any:
    """`dim` as NumPy wants it; PyTorch lets an empty tuple mean all axes."""
    if isinstance(dim, (tuple, list)):
        return tuple(dim) if len(dim) else None
    return dim


def restore(g: Array, shape: tuple[int, ...], dim: Dim, keepdim: bool) -> Array:
    """Put the reduced axes back into `g`, with size 1, so that it broadcasts against `shape`."""
    if keepdim or not shape:
        return g
    axes = axes_of(dim)
    if axes is None:
        return g
    axes = {a % len(shape) for a in (axes if isinstance(axes, tuple) else (axes,))}
    return g[tuple(None if i in axes else slice(None) for i in range(len(shape)))]


def count_along(shape: tuple[int, ...], dim: Dim) -> int:
    """How many entries a reduction over `dim` takes together."""
    axes = axes_of(dim)
    if axes is None:
        axes = tuple(range(len(shape)))
    n = 1
    for a in axes if isinstance(axes, tuple) else (axes,):
        n *= shape[a]
    return n


@op(
    lambda g, x_shape, dim, keepdim: np.broadcast_to(restore(g, x_shape, dim, keepdim), x_shape),
    numpy=np.sum,
    notation="Σ {x}",
)
def sum(x: Array, dim: Dim = None, keepdim: bool = False, dtype: Any = None) -> Array:
    """Sum of the entries along axes.

    Forward    out = Σ x over the axes `dim`
    Gradient   x̄ = ḡ, repeated along the summed axes
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     IndexError (numpy.exceptions.AxisError) if x has no such axis
    Example    >>> mg.sum(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
               tensor([4., 6.])
    """
    return np.add.reduce(x, axes_of(dim), dtype, None, keepdim)
