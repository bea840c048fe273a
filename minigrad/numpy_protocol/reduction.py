"""NumPy's door: reductions, scans and sorting, with NumPy's arguments and defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad import ops
from minigrad.graph import Variable, plain, wrap
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
        a = typed(a, dtype, names[0])
        return empty(a) if axis == () else operation(a, axis, keepdims)

    of(*names)(reduce)


def typed(a: Any, dtype: Any, function: Any) -> Any:
    """`a` in the type in which NumPy's `function` adds it up."""
    if dtype is None and a.dtype.kind in "biu":
        if function in (np.mean, np.nanmean, np.var, np.std):
            dtype = float
        elif a.dtype.kind == "u":
            dtype = np.uint64
    return a if dtype is None else a.astype(dtype)


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
typeless(np.all, operation=lambda a, *more: ops.all(a.bool(), *more), empty=lambda a: a.bool())
typeless(np.any, operation=lambda a, *more: ops.any(a.bool(), *more), empty=lambda a: a.bool())
typeless(np.ptp, operation=lambda *a: ops.sub(ops.amax(*a), ops.amin(*a)), empty=np.zeros_like)
typeless(np.nanmax, empty=ops.positive, operation=lambda a, *more: ops.amax(
    ops.where(np.isnan(a), -np.inf, a), *more))  # fmt: skip
typeless(np.nanmin, empty=ops.positive, operation=lambda a, *more: ops.amin(
    ops.where(np.isnan(a), np.inf, a), *more))  # fmt: skip


@of(np.var)
def var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
    keepdims: bool = False, *, where: Any = None, mean: Any = None, correction: float | None = None,
) -> Any:  # fmt: skip
    refuse("var", out=out, where=where, mean=mean)
    a = typed(a, dtype, np.var)
    if axis == ():  # of one number each
        a, axis, keepdims = ops.unsqueeze(a, -1), -1, False
    return ops.var(a, axis, ddof if correction is None else correction, keepdims)


@of(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
    keepdims: bool = False, *, where: Any = None, mean: Any = None, correction: float | None = None,
) -> Any:  # fmt: skip
    refuse("std", out=out, where=where, mean=mean)
    a = typed(a, dtype, np.std)
    if axis == ():
        a, axis, keepdims = ops.unsqueeze(a, -1), -1, False
    return ops.std(a, axis, ddof if correction is None else correction, keepdims)


@of(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    if axis == ():
        return ops.not_equal(a, 0).long()
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

    a = typed(a, None, np.mean)

    def read(values: Any) -> Any:
        if 0 in values.shape[-1:]:
            return wrap(np.asarray(np.quantile(values._array, plain(q), -1)))  # NumPy's error
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
    if not np.size(a):
        return wrap(np.asarray(np.median(plain(a), axis, keepdims=keepdims)))  # NumPy's warning
    return quantile(a, 0.5, axis, keepdims=keepdims)


# -------------------------------------------------------------------------------------------- scans


@of(np.cumsum)
def cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    refuse("cumsum", out=out)
    a = typed(a, dtype, np.cumsum)
    return ops.cumsum(np.ravel(a), 0) if axis is None else ops.cumsum(a, axis)


@of(np.cumprod)
def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    refuse("cumprod", out=out)
    a = typed(a, dtype, np.cumprod)
    return ops.cumprod(np.ravel(a), 0) if axis is None else ops.cumprod(a, axis)


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
    slopes = [
        ops.slope(f, spacing, k, edge_order) for spacing, k in zip(spacings, axes, strict=True)
    ]
    return slopes[0] if len(axes) == 1 else tuple(slopes)


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
    if isinstance(ar, Variable) and ar._node is not None and not (args or kwargs):
        return ops.unique(ar)
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
