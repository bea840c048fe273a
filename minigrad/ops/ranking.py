"""Order statistics, running extremes, places in sorted sequences, and histograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad.calls import Array, Variable, op
from minigrad.composition import composition
from minigrad.graph import plain
from minigrad.ops.gathering import scatter_add, take_along_dim
from minigrad.ops.indexing import nonzero
from minigrad.ops.reduction import ValuesAndIndices, amax, amin, one_place_vjp
from minigrad.ops.sorting import sort
from minigrad.ops.statistics import quantile_along

__all__ = [
    "aminmax", "argwhere", "bucketize", "cummax", "cummin", "histc", "histogram", "kthvalue",
    "mode", "msort", "nanmedian", "nanquantile", "searchsorted", "unique_consecutive",
]  # fmt: skip

# --------------------------------------------------------------------------------- running extremes


def running_vjp(g: ValuesAndIndices, out: ValuesAndIndices, dim: int) -> Array:
    """Every entry of ḡ, added where its value came from."""
    if not g.values.shape:
        return g.values
    return scatter_add(np.zeros_like(g.values), dim, out.indices, g.values)


def running(x: Array, dim: int, ufunc: Any, reached: Any) -> ValuesAndIndices:
    """`ufunc` accumulated, and the last place at which each value was reached."""
    axis = normalize_axis_index(dim, x.ndim or 1)
    if not x.ndim:
        return ValuesAndIndices(x.copy(), np.zeros_like(x, dtype=np.intp))
    values = ufunc.accumulate(x, axis)
    places = np.arange(x.shape[axis]).reshape((-1,) + (1,) * (x.ndim - axis - 1))
    new = reached(x, values) | np.isnan(x)
    return ValuesAndIndices(values, np.maximum.accumulate(np.where(new, places, 0), axis))


@op(running_vjp, notation="cummax {x}")
def cummax(x: Array, dim: int) -> Any:
    """The largest entries up to each place along an axis, and where they are.

    Forward    values[i] = max(x[0], ..., x[i]), indices the last place of it
    Gradient   x̄ = zeros, with values̅ added at `indices`
    Shapes     (..., n, ...) -> twice (..., n, ...)
    Raises     AxisError if x has no such axis
    Example    >>> mg.cummax(mg.tensor([1.0, 3.0, 2.0]), dim=0).values
               tensor([1., 3., 3.])
    """
    return running(x, dim, np.maximum, np.equal)


@op(running_vjp, notation="cummin {x}")
def cummin(x: Array, dim: int) -> Any:
    """The smallest entries up to each place along an axis, and where they are.

    Forward    values[i] = min(x[0], ..., x[i]), indices the last place of it
    Gradient   x̄ = zeros, with values̅ added at `indices`
    Shapes     (..., n, ...) -> twice (..., n, ...)
    Raises     AxisError if x has no such axis
    Example    >>> mg.cummin(mg.tensor([2.0, 1.0, 3.0]), dim=0).values
               tensor([2., 1., 1.])
    """
    return running(x, dim, np.minimum, np.equal)


class Extremes(NamedTuple):
    """What `aminmax` returns."""

    min: Any
    max: Any


@composition
def aminmax(x: Array, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest and the largest entry, of all or along an axis.

    Forward    (amin(x), amax(x))
    Gradient   the sum of both: shared evenly by entries that are equal to them
    Shapes     (..., n, ...) -> twice (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis; ValueError if there are no entries
    Example    >>> mg.aminmax(mg.tensor([3.0, 1.0, 2.0]))
               Extremes(min=tensor(1.), max=tensor(3.))
    """
    return Extremes(amin(x, dim, keepdim), amax(x, dim, keepdim))


# --------------------------------------------------------------------------------- order statistics


def at_index(x: Array, index: Array, axis: int, keepdim: bool) -> ValuesAndIndices:
    """The entries at an index along an axis, which has size 1 in `index`."""
    values = np.take_along_axis(x, index, axis)
    if not keepdim:
        values, index = values.squeeze(axis), index.squeeze(axis)
    return ValuesAndIndices(values, index)


@op(one_place_vjp, notation="kthvalue {x}")
def _kthvalue(x: Array, dim: int, keepdim: bool, k: int) -> Any:
    """See `kthvalue`.

    Forward    values = the k-th smallest entries, indices where they are
    Gradient   x̄[indices] = values̅, else 0
    Shapes     (..., n, ...) -> twice (..., ...)
    """
    axis = normalize_axis_index(dim, x.ndim or 1)
    n = x.shape[axis] if x.ndim else 1
    if not 1 <= k <= n:
        some = n or "no"
        raise ValueError(
            f"kthvalue: k = {k}, but axis {axis} of shape {x.shape} has {some} entries"
        )
    if not x.ndim:
        return ValuesAndIndices(x.copy(), np.zeros_like(x, dtype=np.intp))
    order = np.argsort(x, axis, kind="stable")
    return at_index(x, np.take(order, [k - 1], axis), axis, keepdim)


@composition
def kthvalue(x: Array, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The k-th smallest entries along an axis, and where they are; k counts from 1.

    Forward    values = sort(x)[k - 1], indices where they are; NaN counts as the largest
    Gradient   x̄[indices] = values̅, else 0
    Shapes     (..., n, ...) -> twice (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis; ValueError if it has fewer than k entries
    Example    >>> mg.kthvalue(mg.tensor([3.0, 1.0, 2.0]), 2).values
               tensor(2.)
    """
    return _kthvalue(x, dim, keepdim, k)


@op(one_place_vjp, notation="mode {x}")
def mode(x: Array, dim: int = -1, keepdim: bool = False) -> Any:
    """The most frequent entries along an axis, and the last place of each.

    Forward    values = what occurs most often, of several the smallest; indices where
    Gradient   x̄[indices] = values̅, else 0
    Shapes     (..., n, ...) -> twice (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis; ValueError if there are no entries
    Example    >>> mg.mode(mg.tensor([2.0, 1.0, 2.0])).values
               tensor(2.)
    """
    axis = normalize_axis_index(dim, x.ndim or 1)
    if not x.ndim:
        return ValuesAndIndices(x.copy(), np.zeros_like(x, dtype=np.intp))
    if not x.shape[axis]:
        raise ValueError(f"mode: axis {axis} of shape {x.shape} has no entries")
    lines = np.moveaxis(x, axis, -1)
    order = np.argsort(lines, -1, kind="stable")
    ordered = np.take_along_axis(lines, order, -1)
    same = ordered[..., :, None] == ordered[..., None, :]
    first = same.sum(-1).argmax(-1)[..., None]  # of the most frequent, the smallest
    last = first + np.take_along_axis(same.sum(-1), first, -1) - 1
    index = np.moveaxis(np.take_along_axis(order, last, -1), -1, axis)
    return at_index(x, index, axis, keepdim)


def nanmedian_vjp(g: Array, out: Array, x: Array) -> Array:
    """ḡ, shared evenly by the entries that equal the median."""
    chosen = np.equal(x, out)
    count = np.maximum(np.sum(chosen, dtype=x.dtype), 1)
    return np.where(chosen, g / count, 0)


@op(nanmedian_vjp, notation="nanmedian {x}")
def _nanmedian(x: Array) -> Array:
    """The lower median of all entries that are not NaN.

    Forward    out = the middle one of them; NaN if there is none
    Gradient   x̄ = ḡ shared evenly by the entries equal to it, else 0
    Shapes     (...) -> ()
    """
    ordered = np.sort(x, axis=None)
    count = x.size - int(np.isnan(x).sum())
    return ordered[(count - 1) // 2] if count else np.full_like(x, np.nan, shape=())


@op(one_place_vjp, notation="nanmedian {x}")
def _nanmedian_along(x: Array, dim: int, keepdim: bool = False) -> Any:
    """The lower medians along an axis of what is not NaN, and their indices.

    Forward    values = the entries in the middle; NaN if all are
    Gradient   x̄[indices] = values̅, else 0
    Shapes     (..., n, ...) -> twice (..., ...)
    """
    axis = normalize_axis_index(dim, x.ndim or 1)
    if not x.ndim:
        return ValuesAndIndices(x.copy(), np.zeros_like(x, dtype=np.intp))
    count = x.shape[axis] - np.isnan(x).sum(axis, keepdims=True)
    order = np.argsort(x, axis, kind="stable")
    index = np.take_along_axis(order, np.maximum((count - 1) // 2, 0), axis)
    return at_index(x, index, axis, keepdim)


@composition
def nanmedian(x: Array, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median of what is not NaN: of all entries, or along an axis with its index.

    Forward    nanmedian(x) = the middle entry; nanmedian(x, dim) = (values, indices)
    Gradient   ḡ to the middle entry; without `dim`, several equal ones share it evenly
    Shapes     (...) -> (); (..., n, ...) -> twice (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.nanmedian(mg.tensor([4.0, np.nan, 3.0, 2.0]))
               tensor(3.)
    """
    return _nanmedian(x) if dim is None else _nanmedian_along(x, dim, keepdim)


@composition
def nanquantile(
    x: Array,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Any:
    """The number below which a fraction of the entries lies that are not NaN.

    Forward    out = the sorted entries without NaN, read at position q (n - 1); between two of
               them by `interpolation`: "linear", "lower", "higher", "nearest", "midpoint"
    Gradient   x̄ = ḡ at the one or two entries that were read, by their weights
               q̄ = (n - 1) ḡ times the step between the two; 0 unless "linear"
    Shapes     (..., n, ...), () -> (..., ...), or (..., 1, ...) with keepdim;
               q of shape (k,) adds a first axis of size k
    Raises     ValueError if q is not in [0, 1], or for another interpolation
    Example    >>> mg.nanquantile(mg.tensor([1.0, 2.0, np.nan, 3.0]), 0.5)
               tensor(2.)
    """
    fractions = np.asarray(plain(q), np.float64)
    if not np.all((fractions >= 0) & (fractions <= 1)):
        raise ValueError(f"nanquantile: q lies in [0, 1], got {fractions}")

    def read(lines: Any) -> Any:
        if np.ndim(q) == 0:
            return read_without_nan(lines, q, interpolation)
        return np.stack([read_without_nan(lines, each, interpolation) for each in q], axis=0)

    return quantile_along(x, q, dim, keepdim, read)


STEPS: dict[str, Any] = {"lower": np.floor, "higher": np.ceil, "nearest": np.round}


def read_without_nan(x: Any, q: Any, interpolation: str) -> Any:
    """One quantile along the last axis; the number of entries differs from row to row."""
    ordered, _ = sort(x, -1)
    count = (~np.isnan(plain(x))).sum(-1, keepdims=True)
    q = q if isinstance(q, Variable) else np.asarray(q, x.dtype)
    position = q * np.maximum(count - 1, 0).astype(x.dtype)
    where = plain(position)
    if interpolation in STEPS:
        places = STEPS[interpolation](where).astype(np.intp)
        return take_along_dim(ordered, places, -1)[..., 0]
    if interpolation not in ("linear", "midpoint"):
        raise ValueError(
            "nanquantile: interpolation is linear, lower, higher, nearest or midpoint, got "
            f"{interpolation!r}"
        )
    below = np.floor(where).astype(np.intp)
    weight = position - below.astype(x.dtype)
    if interpolation == "midpoint":
        weight = np.ceil(plain(weight)) / 2
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    low, high = take_along_dim(ordered, below, -1), take_along_dim(ordered, above, -1)
    return (low + (high - low) * weight)[..., 0]


@composition
def msort(x: Array) -> Array:
    """The entries in order along the first axis.

    Forward    out = sort(x, 0).values
    Gradient   x̄ = ḡ, back at its places
    Shapes     (n, ...) -> (n, ...)
    Example    >>> mg.msort(mg.tensor([3.0, 1.0, 2.0]))
               tensor([1., 2., 3.])
    """
    ordered, _ = sort(x, 0)
    return ordered


@composition
def argwhere(x: Array) -> Array:
    """The positions of entries that are not zero, one in each row.

    Forward    out = the positions, in row-major order
    Gradient   none: positions are integers
    Shapes     (...) -> integers, (number of entries, number of axes)
    Example    >>> mg.argwhere(mg.tensor([0.0, 5.0]))
               tensor([[1]])
    """
    return nonzero(x)


# --------------------------------------------------------------------------- repeated, not recorded


@op(notation="unique_consecutive {x}")
def _unique_consecutive(x: Array, dim: int | None) -> Any:
    """See `unique_consecutive`.

    Forward    out = x without the repetitions, the place of each entry, the number of each
    Gradient   none
    Shapes     (...) -> (k,), the shape of x, (k,)
    """
    shape, axis = x.shape, 0
    if dim is None:
        x = x.reshape(-1)
    else:
        axis = normalize_axis_index(dim, x.ndim)
        shape = (x.shape[axis],)
    layers = np.moveaxis(x, axis, 0)
    n = len(layers)
    new = np.ones(n, bool)
    new[1:] = (layers[1:] != layers[:-1]).any(tuple(range(1, layers.ndim)))
    starts = np.flatnonzero(new)
    counts = np.diff(np.append(starts, n))
    values = np.moveaxis(layers[starts], 0, axis)
    return values, (np.cumsum(new) - 1).reshape(shape), counts


@composition
def unique_consecutive(
    x: Array, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The entries without repetitions of their neighbours; or the layers along an axis.

    Forward    out = x without what equals the entry before it; with `return_inverse` also the
               place of each entry in out, with `return_counts` how often each was repeated
    Gradient   none: the result is a new constant
    Shapes     (...) -> (k,); the inverse has the shape of x, the counts (k,)
    Raises     AxisError if x has no such axis
    Example    >>> mg.unique_consecutive(mg.tensor([1, 1, 2, 1]))
               tensor([1, 2, 1])
    """
    values, inverse, counts = _unique_consecutive(x, dim)
    more = [part for part, wanted in ((inverse, return_inverse), (counts, return_counts)) if wanted]
    return (values, *more) if more else values


# ----------------------------------------------------------------- sorted sequences and histograms


@op(None, None, notation="searchsorted({x}, {values})")
def _searchsorted(x: Array, values: Array, side: str, dtype: Any) -> Array:
    """See `searchsorted`.

    Forward    out = the place of each value
    Gradient   none: places are integers
    Shapes     (..., n), (..., k) -> (..., k)
    """
    values = np.asarray(values)
    if x.ndim == 1:
        return np.asarray(np.searchsorted(x, values, side), dtype)  # type: ignore[call-overload]  # a side
    if values.shape[:-1] != x.shape[:-1]:
        raise ValueError(
            f"searchsorted: sequences of shape {x.shape} and values of shape {values.shape} need "
            "the same leading axes"
        )
    out = np.empty(values.shape, dtype)
    for row in np.ndindex(x.shape[:-1]):
        out[row] = np.searchsorted(x[row], values[row], side)  # type: ignore[call-overload]
    return out


@composition
def searchsorted(
    sorted_sequence: Any,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> Any:
    """Where values would go in sorted sequences, so that these stay in order.

    sorter     places that sort the sequence, as `argsort` gives them
    Forward    out = the number of entries < value; with `right`, or side="right", ≤ value
    Gradient   none: places are integers
    Shapes     (n,), (...) -> (...); (..., n), (..., k) -> (..., k)
    Raises     ValueError if the leading axes differ, or for another side
    Example    >>> mg.searchsorted(mg.tensor([1, 3, 5]), mg.tensor([0, 3, 9]))
               tensor([0, 1, 3])
    """
    if side not in (None, "left", "right"):
        raise ValueError(f"searchsorted: side is 'left' or 'right', got {side!r}")
    if sorter is not None:
        sorted_sequence = take_along_dim(sorted_sequence, sorter, -1)
    right = right or side == "right"
    kind = np.int32 if out_int32 else np.int64
    return _searchsorted(sorted_sequence, input, "right" if right else "left", kind)


@composition
def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """The number of the bucket of each value, between sorted boundaries.

    Forward    out = the number of boundaries < value; with `right`, ≤ value
    Gradient   none: numbers of buckets are integers
    Shapes     (...), (n,) -> (...)
    Example    >>> mg.bucketize(mg.tensor([0.5, 1.0, 7.0]), mg.tensor([1.0, 5.0]))
               tensor([0, 0, 2])
    """
    kind = np.int32 if out_int32 else np.int64
    return _searchsorted(boundaries, input, "right" if right else "left", kind)


@op(notation="histc {x}")
def histc(x: Array, bins: int = 100, min: float = 0, max: float = 0) -> Array:
    """How many entries lie in each of a number of equal intervals.

    Forward    out[i] = the number of entries in interval i of [min, max], which are those of x if
               both are equal; others do not count
    Gradient   none: counts are constant between jumps
    Shapes     (...) -> (bins,)
    Raises     ValueError if bins is not positive, or max < min
    Example    >>> mg.histc(mg.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
               tensor([0., 2., 1., 0.])
    """
    if bins < 1:
        raise ValueError(f"histc: bins is positive, got {bins}")
    if max < min:
        raise ValueError(f"histc: min {min} is larger than max {max}")
    low, high = float(min), float(max)
    if low == high and x.size:
        low, high = float(x.min()), float(x.max())
    if low == high:
        low, high = low - 1, high + 1
    return np.histogram(x, bins, (low, high))[0].astype(x.dtype)


class Histogram(NamedTuple):
    """What `histogram` returns."""

    hist: Any
    bin_edges: Any


@op(notation="histogram {x}")
def _histogram(x: Array, bins: Any, range: Any, weight: Any, density: bool) -> Any:
    """See `histogram`.

    Forward    hist = counts, or sums of weights, and the edges of the intervals
    Gradient   none
    Shapes     (...) -> (bins,), (bins + 1,)
    """
    bins = bins if isinstance(bins, int) else np.asarray(bins)
    if weight is not None:
        weight = weight.reshape(-1)
    hist, edges = np.histogram(x.reshape(-1), bins, range, weights=weight, density=density)
    return Histogram(hist.astype(x.dtype), edges.astype(x.dtype))


@composition
def histogram(
    input: Any,
    bins: int | Sequence[float] | Any,
    *,
    range: tuple[float, float] | None = None,
    weight: Any = None,
    density: bool = False,
) -> Any:
    """How many entries lie in each of several intervals, and the edges of these.

    bins       their number, or a tensor with their edges
    weight     what each entry counts
    density    divide by the total and by the widths
    Forward    hist[i] = the number of entries between edges i and i + 1
    Gradient   none: counts are constant between jumps
    Shapes     (...) -> (bins,), (bins + 1,)
    Example    >>> mg.histogram(mg.tensor([1.0, 2.0, 1.0]), bins=2, range=(0.0, 3.0)).hist
               tensor([2., 1.])
    """
    bins = plain(bins) if isinstance(bins, Variable) else bins
    return _histogram(input, bins, range, weight, density)
