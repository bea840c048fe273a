"""Reductions by target, copies with a part replaced, and views by strides."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.ops.gathering import mesh, part_for, strided, takes_0d
from minigrad.ops.indexing import _add_at, _getitem, _put_zeros, _setitem, integers
from minigrad.ops.joining import along

__all__ = [
    "as_strided", "diagonal_scatter", "index_reduce", "scatter_reduce", "select_scatter",
    "slice_scatter",
]  # fmt: skip

# ---------------------------------------------------------------------------- reductions by target


def shares_of(g: Array, out: Array, x: Array, source: Array, where: Any) -> tuple[Array, Any, Any]:
    """ḡ divided by the number of winners, and who they are."""
    self_wins, source_wins = np.equal(x, out), np.equal(source, _getitem(out, where))
    count = _add_at(self_wins.astype(g.dtype), source_wins.astype(g.dtype), where)
    return g / count, self_wins, source_wins


def extreme_x_vjp(g: Array, out: Array, x: Array, source: Array, where: Any) -> Array:
    share, wins, _ = shares_of(g, out, x, source, where)
    return np.where(wins, share, 0)


def extreme_source_vjp(g: Array, out: Array, x: Array, source: Array, where: Any) -> Array:
    share, _, wins = shares_of(g, out, x, source, where)
    return np.where(wins, _getitem(share, where), 0)


@op(extreme_x_vjp, extreme_source_vjp, notation="{x} with [{where}] = extreme({source})")
def _scatter_extreme(x: Array, source: Array, where: Any, largest: bool) -> Array:
    """A copy of x with its entries at `where` replaced by larger (or smaller) ones of the source.

    Forward    out = x; out[where] = max(out[where], source), repeated positions one after the other
    Gradient   x̄ = ḡ shared evenly by the entries equal to it        source̅ = ḡ at its
               places, shared evenly by the entries equal to it
    Shapes     (...), shape of x[where] -> (...)
    """
    out = np.array(x, order="C")
    (np.maximum if largest else np.minimum).at(out, where, source)
    return out


def multiplied_at(x: Any, source: Any, where: Any) -> Any:
    """x times the source at `where`: first of each position's factors, then of the second ones."""
    places = np.arange(int(np.prod(x.shape))).reshape(x.shape)[where].ravel()
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    turn = np.empty_like(order)
    turn[order] = np.arange(order.size) - np.repeat(starts, np.diff(np.append(starts, order.size)))
    flat, factors = np.reshape(x, (-1,)), np.reshape(source, (-1,))
    for k in range(int(turn.max(initial=-1)) + 1):
        chosen = np.flatnonzero(turn == k)
        ones = np.ones_like(flat)
        flat = flat * _setitem(ones, _getitem(factors, chosen), places[chosen])
    return np.reshape(flat, x.shape)


def limits_of(kind: Any) -> tuple[Any, Any]:
    """The smallest and the largest number of a type."""
    if kind.kind not in "iu":
        return (False, True) if kind.kind == "b" else (-np.inf, np.inf)
    return np.iinfo(kind).min, np.iinfo(kind).max


def reduce_at(name: str, x: Any, where: Any, source: Any, reduce: str, include_self: bool) -> Any:
    """A copy of x with the entries at `where` reduced with those of the source."""
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise ValueError(f"{name}: reduce is sum, prod, mean, amax or amin, got {reduce!r}")
    neutral: Any = {"sum": 0, "mean": 0, "prod": 1}.get(reduce)
    if not include_self:
        if neutral is None:
            low, high = limits_of(x.dtype)
            neutral = high if reduce == "amin" else low
        x = _setitem(x, neutral, where)
    if reduce == "prod":
        return multiplied_at(x, source, where)
    if reduce in ("amax", "amin"):
        return _scatter_extreme(x, source, where, reduce == "amax")
    total = _add_at(x, source, where)
    if reduce == "sum":
        return total
    count = np.ones(x.shape, np.int64)
    if not include_self:
        count[where] = 0
    np.add.at(count, where, 1)
    count = np.maximum(count, 1)
    count = count.astype(x.dtype)
    return total / count if x.dtype.kind == "f" else total // count


@takes_0d
@composition
def scatter_reduce(
    x: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """A copy of x with the entries of `src` reduced into their positions along an axis.

    reduce        "sum", "prod", "mean", "amax" or "amin"
    include_self  whether the entry of x takes part where entries of `src` arrive
    Forward       out[index[i, j], j] = the reduction of x there and of all src[i, j], for dim 0
    Gradient      that of the reduction; amax, amin: shared evenly by equal entries
    Shapes        (n, m), (k, l), (k, l) -> (n, m)
    Raises        IndexError if an index is out of range; ValueError if the shapes do not fit, or
                  for another reduction
    Example       >>> x, index = mg.zeros(2), mg.tensor([0, 0, 1])
                  >>> mg.scatter_reduce(x, 0, index, mg.tensor([1.0, 5.0, 2.0]), "amax")
                  tensor([5., 2.])
    """
    where = mesh("scatter_reduce", x, dim, index)
    source = part_for("scatter_reduce", index, src)
    return reduce_at("scatter_reduce", x, where, source, reduce, include_self)


@takes_0d
@composition
def index_reduce(
    x: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """A copy of x with the slices of `source` reduced into it along an axis.

    reduce        "prod", "mean", "amax" or "amin"
    include_self  whether the slice of x takes part
    Forward       out[..., index[i], ...] = the reduction of x there and of all source[..., i, ...]
    Gradient      that of the reduction; amax, amin: shared evenly by equal entries
    Shapes        (..., n, ...), (k,), (..., k, ...) -> (..., n, ...)
    Raises        IndexError if an index is out of range; ValueError if the shapes do not fit, or
                  for another reduction
    Example       >>> x, index = mg.ones(2), mg.tensor([0, 0, 1])
                  >>> mg.index_reduce(x, 0, index, mg.tensor([2.0, 5.0, 3.0]), "prod")
                  tensor([10.,  3.])
    """
    dim = normalize_axis_index(dim, len(x.shape))
    positions = integers("index_reduce", index).reshape(-1)
    shape = tuple(source.shape)
    if shape != (*x.shape[:dim], positions.size, *x.shape[dim + 1 :]):
        raise ValueError(
            f"index_reduce: a source of shape {shape} for {positions.size} slices along axis "
            f"{dim} of {tuple(x.shape)}"
        )
    spread = positions.reshape((-1,) + (1,) * (len(shape) - dim - 1))
    where = mesh("index_reduce", x, dim, np.broadcast_to(spread, shape))
    return reduce_at("index_reduce", x, where, source, reduce, include_self)


# -------------------------------------------------------------------------------- a part, replaced


def replaced(name: str, x: Any, src: Any, where: Any) -> Any:
    """A copy of x with ``x[where] = src``, whose shape has to fit exactly."""
    shape = np.broadcast_to(np.empty(()), x.shape)[where].shape
    if tuple(src.shape) != shape:
        raise ValueError(f"{name}: the source has shape {tuple(src.shape)}, needed is {shape}")
    return _setitem(x, src, where)


@composition
def select_scatter(x: Any, src: Any, dim: int, index: int) -> Any:
    """A copy of x with one entry along an axis replaced.

    Forward    out = x; out[..., index, ...] = src
    Gradient   x̄ = ḡ, zero there        src̅ = ḡ[..., index, ...]
    Shapes     (..., n, ...), (..., ...) -> (..., n, ...)
    Raises     IndexError if the index is out of range; ValueError if the source does not fit
    Example    >>> mg.select_scatter(mg.zeros(2, 2), mg.ones(2), 0, 1)
               tensor([[0., 0.],
                       [1., 1.]])
    """
    where = along(normalize_axis_index(dim, len(x.shape)), operator.index(index))
    return replaced("select_scatter", x, src, where)


@composition
def slice_scatter(
    x: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    """A copy of x with a slice along an axis replaced.

    Forward    out = x; out[..., start:end:step, ...] = src
    Gradient   x̄ = ḡ, zero there        src̅ = ḡ[..., start:end:step, ...]
    Shapes     (..., n, ...), (..., k, ...) -> (..., n, ...)
    Raises     ValueError if the source does not fit
    Example    >>> mg.slice_scatter(mg.zeros(4), mg.ones(2), start=1, end=3)
               tensor([0., 1., 1., 0.])
    """
    where = along(normalize_axis_index(dim, len(x.shape)), slice(start, end, step))
    return replaced("slice_scatter", x, src, where)


@composition
def diagonal_scatter(x: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """A copy of x with a diagonal replaced.

    Forward    out = x; diagonal(out, offset, dim1, dim2) = src
    Gradient   x̄ = ḡ, zero there        src̅ = diagonal(ḡ)
    Shapes     (..., n, m), (..., k) -> (..., n, m)
    Raises     ValueError if the source does not fit; AxisError if an axis is out of range
    Example    >>> mg.diagonal_scatter(mg.zeros(2, 2), mg.ones(2))
               tensor([[1., 0.],
                       [0., 1.]])
    """
    ndim = len(x.shape)
    row, column = normalize_axis_index(dim1, ndim), normalize_axis_index(dim2, ndim)
    order = [i for i in range(ndim) if i not in (row, column)] + [row, column]
    count = np.diagonal(np.empty(tuple([x.shape[i] for i in order[-2:]])), offset).size
    first = np.arange(count) + max(-offset, 0)
    moved = np.transpose(x, order)
    out = replaced("diagonal_scatter", moved, src, (..., first, np.arange(count) + max(offset, 0)))
    return np.transpose(out, np.argsort(order))


# ------------------------------------------------------------------------------------- by strides


def positions_of(size: Sequence[int], stride: Sequence[int], offset: int) -> Array:
    """Row-major positions of the entries that `as_strided` takes."""
    total = np.full(tuple(size), offset)
    for axis, (n, step) in enumerate(zip(size, stride, strict=True)):
        total += (np.arange(n) * step).reshape((-1,) + (1,) * (len(size) - axis - 1))
    return total


@op(
    lambda g, x_shape, size, stride, storage_offset: _put_zeros(
        g, positions_of(size, stride, storage_offset or 0), x_shape
    ),
    view=True,
    notation="as_strided({x})",
)
def as_strided(
    x: Array, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Array:
    """A view of the memory of a tensor by a size and a stride for each axis, counted in entries.

    Forward    out[i, j] = x.ravel()[storage_offset + i stride[0] + j stride[1]]
    Gradient   x̄ = zeros, with ḡ added where the entries came from
    Shapes     (...) -> size
    Raises     ValueError if x is not contiguous, or the view would leave its memory
    Example    >>> mg.as_strided(mg.arange(4), (2, 2), (1, 2))
               tensor([[0, 2],
                       [1, 3]])
    """
    if not x.flags.c_contiguous:
        raise ValueError("as_strided: takes a contiguous tensor, call contiguous() first")
    offset = storage_offset or 0
    reach = [(n - 1) * step for n, step in zip(size, stride, strict=True)]
    low, high = offset + sum(min(r, 0) for r in reach), offset + sum(max(r, 0) for r in reach)
    if 0 not in size and not 0 <= low <= high < x.size:
        raise ValueError(
            f"as_strided: entries {low} to {high} are not all among the {x.size} of the tensor"
        )
    bytes_each = tuple([step * x.itemsize for step in stride])
    return strided(x, tuple(size), bytes_each, offset * x.itemsize)
