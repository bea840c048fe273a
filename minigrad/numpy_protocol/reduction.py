"""NumPy's door: reductions, scans and sorting, with NumPy's arguments and defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad import ops
from minigrad.graph import plain, wrap
from minigrad.numpy_protocol.dispatch import of
from minigrad.numpy_protocol.shaping import refuse

# ------------------------------------------------------------------------------------ reductions


def reducing(*names: Any, operation: Callable[..., Any], empty: Callable[..., Any]) -> None:
    """Map reductions whose arguments are NumPy's common ones; `empty` is what axis=() gives."""

    def reduce(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
        **others: Any,
    ) -> Any:  # fmt: skip
        refuse(names[0].__name__, out=out, **others)
        if dtype is not None:
            a = a.astype(dtype)
        return empty(a) if axis == () else operation(a, axis, keepdims)

    of(*names)(reduce)


def typeless(*names: Any, operation: Callable[..., Any], empty: Callable[..., Any]) -> None:
    """The same, of functions that take no dtype."""

    def reduce(
        a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, **others: Any
    ) -> Any:
        refuse(names[0].__name__, out=out, **others)
        return empty(a) if axis == () else operation(a, axis, keepdims)

    of(*names)(reduce)


reducing(np.sum, operation=ops.sum, empty=ops.positive)
reducing(np.prod, operation=ops.prod, empty=ops.positive)
reducing(np.mean, operation=ops.mean, empty=ops.positive)
reducing(np.nansum, operation=ops.nansum, empty=lambda a: ops.where(np.isnan(a), 0, a))
reducing(np.nanmean, operation=ops.nanmean, empty=ops.positive)
typeless(np.max, np.amax, operation=ops.amax, empty=ops.positive)
typeless(np.min, np.amin, operation=ops.amin, empty=ops.positive)
typeless(np.all, operation=ops.all, empty=lambda a: np.not_equal(a, 0))
typeless(np.any, operation=ops.any, empty=lambda a: np.not_equal(a, 0))


@of(np.nanmax)
def nanmax(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    refuse("nanmax", out=out)
    return ops.amax(ops.where(np.isnan(a), -np.inf, a), axis, keepdims)


@of(np.nanmin)
def nanmin(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    refuse("nanmin", out=out)
    return ops.amin(ops.where(np.isnan(a), np.inf, a), axis, keepdims)


@of(np.var)
def var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
    keepdims: bool = False, *, where: Any = None, mean: Any = None, correction: float | None = None,
) -> Any:  # fmt: skip
    refuse("var", out=out, where=where, mean=mean)
    a = a if dtype is None else a.astype(dtype)
    return ops.var(a, axis, ddof if correction is None else correction, keepdims)


@of(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
    keepdims: bool = False, *, where: Any = None, mean: Any = None, correction: float | None = None,
) -> Any:  # fmt: skip
    refuse("std", out=out, where=where, mean=mean)
    a = a if dtype is None else a.astype(dtype)
    return ops.std(a, axis, ddof if correction is None else correction, keepdims)


@of(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    refuse("ptp", out=out)
    return ops.amax(a, axis, keepdims) - ops.amin(a, axis, keepdims)


@of(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return ops.count_nonzero(a, axis, keepdims)


@of(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    if weights is None:
        mean = ops.mean(a, axis, keepdims)
        count = np.full_like(mean, np.size(a) // np.size(mean))
        return (mean, count) if returned else mean
    if np.shape(weights) != np.shape(a):
        if axis is None:
            raise TypeError("np.average: weights of another shape than a need an axis")
        axes = normalize_axis_tuple(axis, np.ndim(a))
        if np.shape(weights) != tuple(np.shape(a)[i] for i in axes):
            raise ValueError(
                f"np.average: weights of shape {np.shape(weights)} do not fit axis {axis} of shape "
                f"{np.shape(a)}"
            )
        weights = np.transpose(weights, np.argsort(axes))
        weights = np.reshape(weights, [n if i in axes else 1 for i, n in enumerate(np.shape(a))])
    total: Any = ops.sum(np.broadcast_to(weights, np.shape(a)), axis, keepdims)
    if np.any(np.equal(total, 0)):
        raise ZeroDivisionError("np.average: the weights sum to zero")
    mean = ops.sum(a * weights, axis, keepdims) / total
    return (mean, total) if returned else mean


# ---------------------------------------------------------------------- quantiles, with axis tuples


def along_axes(
    function: Callable[..., Any], a: Any, axis: Any, keepdims: bool, leading: int
) -> Any:
    """Apply a function of the last axis to several; its result has `leading` new first axes."""
    n = np.ndim(a)
    axes = tuple(range(n)) if axis is None else normalize_axis_tuple(axis, n)
    kept = [i for i in range(n) if i not in axes]
    shape = [np.shape(a)[i] for i in kept]
    result = function(np.reshape(np.transpose(a, (*kept, *axes)), (*shape, -1)))
    if not keepdims:
        return result
    ones = [1 if i in axes else size for i, size in enumerate(np.shape(a))]
    return np.reshape(result, (*np.shape(result)[:leading], *ones))


@of(np.quantile)
def quantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: bool = False, *, weights: Any = None,
    interpolation: Any = None,
) -> Any:  # fmt: skip
    refuse("quantile", out=out, weights=weights, interpolation=interpolation)

    def read(values: Any) -> Any:
        return ops.quantile(values, q, -1, interpolation=method)

    return along_axes(read, a, axis, keepdims, np.ndim(q))


@of(np.percentile)
def percentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: bool = False, *, weights: Any = None,
    interpolation: Any = None,
) -> Any:  # fmt: skip
    refuse("percentile", out=out, weights=weights, interpolation=interpolation)
    return quantile(a, np.true_divide(plain(q), 100), axis, None, False, method, keepdims)


@of(np.median)
def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    refuse("median", out=out)
    return quantile(a, 0.5, axis, keepdims=keepdims)


# -------------------------------------------------------------------------------------------- scans


@of(np.cumsum)
def cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    refuse("cumsum", out=out)
    return ops.cumsum(np.ravel(a), 0, dtype) if axis is None else ops.cumsum(a, axis, dtype)


@of(np.cumprod)
def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    refuse("cumprod", out=out)
    return ops.cumprod(np.ravel(a), 0, dtype) if axis is None else ops.cumprod(a, axis, dtype)


@of(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    return ops.diff(a, n, axis, prepend, append)


@of(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    return ops.trapezoid(y, np.asarray(x) if isinstance(x, (list, tuple)) else x, dx, axis)


@of(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    n = np.ndim(f)
    axes = tuple(range(n)) if axis is None else normalize_axis_tuple(axis, n)
    spacings = [plain(v) for v in varargs] or [1.0]
    if len(spacings) == 1 and np.ndim(spacings[0]) == 0:
        spacings = spacings * len(axes)
    if len(spacings) != len(axes):
        raise TypeError(f"np.gradient: {len(spacings)} spacings for {len(axes)} axes")
    if edge_order not in (1, 2):
        raise ValueError(f"np.gradient: edge_order is 1 or 2, got {edge_order}")
    slopes = [slope(f, spacing, k, edge_order) for spacing, k in zip(spacings, axes, strict=True)]
    return slopes[0] if len(axes) == 1 else tuple(slopes)


def slope(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    """Differences of second order inside, of `edge_order` at the two ends.

    `spacing` is the distance of neighbours, or the coordinates along the axis.
    """
    n = np.shape(f)[axis]
    if n < edge_order + 1:
        raise ValueError(f"np.gradient: axis {axis} of shape {np.shape(f)} is too short")
    x = np.asarray(spacing) if np.ndim(spacing) else np.arange(n) * spacing
    if np.shape(x) != (n,):
        raise ValueError(f"np.gradient: {np.shape(x)} coordinates for axis {axis} of size {n}")
    f = np.moveaxis(f, axis, 0)
    steps = np.diff(x).reshape((-1,) + (1,) * (np.ndim(f) - 1)).astype(f.dtype)
    before, after = steps[:-1], steps[1:]
    if (steps == steps[:1]).all():  # without the middle, whose weight is 0: it may be NaN
        inside = (f[2:] - f[:-2]) / (2 * steps[1:])
    else:
        inside = (
            f[2:] * (before / (after * (before + after)))
            + f[1:-1] * ((after - before) / (before * after))
            - f[:-2] * (after / (before * (before + after)))
        )
    few, order = edge_order + 1, cast(Literal[1, 2], edge_order)

    def end(part: slice, row: slice) -> Any:
        slopes: Any = np.gradient(np.eye(few), x[part], axis=0, edge_order=order)
        return np.tensordot(slopes[row].astype(f.dtype), f[part], 1)

    first, last = end(slice(few), slice(1)), end(slice(n - few, n), slice(few - 1, few))
    return np.moveaxis(np.concatenate([first, inside, last], axis=0), 0, axis)


# -------------------------------------------------------------------------------------------- order


@of(np.sort)
def sort(
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: bool | None = None,
) -> Any:
    refuse("sort", order=order)
    ordered: Any = ops.sort(np.ravel(a), 0) if axis is None else ops.sort(a, axis)
    return ordered.values


@of(np.argsort)
def argsort(
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: bool | None = None,
) -> Any:
    refuse("argsort", order=order)
    return ops.argsort(np.ravel(a), 0) if axis is None else ops.argsort(a, axis)


@of(np.partition)
def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    refuse("partition", order=order)
    if axis is None:
        a, axis = np.ravel(a), 0
    indices = np.argpartition(plain(a), kth, normalize_axis_index(axis, np.ndim(a)), kind)
    return np.take_along_axis(a, indices, axis)


@of(np.argpartition)
def argpartition(
    a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    return wrap(np.argpartition(plain(a), kth, axis, kind, order))


@of(np.unique)
def unique(ar: Any, *args: Any, **kwargs: Any) -> Any:
    found = np.unique(plain(ar), *args, **kwargs)
    return tuple(wrap(part) for part in found) if isinstance(found, tuple) else wrap(found)


@of(np.searchsorted)
def searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    return wrap(np.asarray(np.searchsorted(plain(a), plain(v), side, plain(sorter))))


@of(np.isin)
def isin(element: Any, test_elements: Any, **kwargs: Any) -> Any:
    return wrap(np.isin(plain(element), plain(test_elements), **kwargs))


@of(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    return ops.bincount(x, weights, minlength)


@of(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    counts, edges = np.histogram(plain(a), plain(bins), range, density, plain(weights))
    return wrap(counts), wrap(edges)
