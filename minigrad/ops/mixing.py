"""Weighted sums of a few entries along an axis: what resizing and uneven pooling are made of.

Not a product with a matrix that is 0 almost everywhere: 0 times an infinite entry is NaN, so one
such entry would spoil all others.
"""

from __future__ import annotations

import numpy as np

from minigrad.calls import Array, op
from minigrad.ops.masks import choose
from minigrad.sums import widened


@op(
    lambda g, x_shape, places, weights, axis: _mix_back(g, places, weights, axis, x_shape[axis]),
    notation="mix({x})",
)
def _mix(x: Array, places: Array, weights: Array, axis: int) -> Array:
    """Entries of an axis, mixed; one whose weight is 0 does not count, whatever it is.

    Forward    out[..., i, ...] = Σₖ weights[i, k] x[..., places[i, k], ...]
    Gradient   x̄[..., j, ...] = Σ weights[i, k] ḡ[..., i, ...] over the i, k with places[i, k] = j
    Shapes     (..., n, ...), (m, k) twice -> (..., m, ...)
    """
    wide = widened(x)
    after = (1,) * (x.ndim - axis - 1)
    shape = (*x.shape[:axis], len(places), *x.shape[axis + 1 :])
    out = np.zeros_like(wide, shape=shape)
    for place, weight in zip(places.T, weights.T):
        out += weighted(wide.take(place, axis), weight.reshape(-1, *after))
    return out if wide is x else out.astype(x.dtype)


@op(lambda g, places, weights, axis: _mix(g, places, weights, axis), notation="mix({g})ᵀ")
def _mix_back(g: Array, places: Array, weights: Array, axis: int, size: int) -> Array:
    """The transpose of `_mix`: each entry goes back, weighted, to those that it was mixed of.

    Forward    out[..., j, ...] = Σ weights[i, k] g[..., i, ...] over the i, k with places[i, k] = j
    Gradient   ḡ = out̄, mixed
    Shapes     (..., m, ...), (m, k) twice -> (..., size, ...)
    """
    wide = widened(g)
    after = (1,) * (g.ndim - axis - 1)
    out = np.zeros_like(wide, shape=(*g.shape[:axis], size, *g.shape[axis + 1 :]))
    rows = np.moveaxis(out, axis, 0)
    for place, weight in zip(places.T, weights.T):
        part = weighted(wide, weight.reshape(-1, *after))
        np.add.at(rows, place, np.moveaxis(part, axis, 0))
    return out if wide is g else out.astype(g.dtype)


def weighted(x: Array, weight: Array) -> Array:
    """x times its weights, 0 where they are 0."""
    weight = weight.astype(x.dtype)
    if weight.all():
        return x * weight
    counts = np.broadcast_to(weight != 0, x.shape)
    return choose(counts, x, 0) * weight
