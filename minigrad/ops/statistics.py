"""Variance, quantiles, distances and counts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, overload

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad.calls import Array, Variable, op
from minigrad.composition import composition
from minigrad.graph import plain, without_history
from minigrad.ops.norms import smallest_safe, vector_norm
from minigrad.ops.reduction import (
    Dim,
    Shape,
    ValuesAndIndices,
    axes_of,
    count_along,
    extreme_vjp,
    maximum_reduce,
    mean,
    one_place_vjp,
    reduced_axes,
    restore,
)
from minigrad.ops.sorting import sort
from minigrad.ops.special import as_float
from minigrad.sums import divided, in_float32, is_half, sum_of
from minigrad.typed import Tensor

__all__ = [
    "bincount", "dist", "median", "quantile", "std", "std_mean", "var", "var_mean",
]  # fmt: skip

# ----------------------------------------------------------------------------------- the spread


def centered(x: Array, dim: Dim) -> Array:
    """x without its mean along `dim`."""
    return x - mean(x, dim, True)


def deviation_of(x: Array, dim: Dim) -> Array:
    """The same for arrays, and exactly 0 for equal numbers: the first is subtracted before."""
    axes = reduced_axes(x.shape, dim)
    first = x[tuple([slice(1) if i in axes else slice(None) for i in range(x.ndim)])]
    x = x - first
    x -= sum_of(x, axes, True) / count_along(x.shape, dim)
    return x


def degrees_of_freedom(shape: Shape, dim: Dim, correction: float | None) -> float:
    """What the sum of squares is divided by; 0, for a result of NaN, if it were negative."""
    n = count_along(shape, dim) - (1 if correction is None else correction)
    return n if n > 0 else 0


P = ParamSpec("P")
R = TypeVar("R")


def takes_unbiased(operation: Callable[P, R]) -> Callable[P, R]:
    """`operation`, which then reads ``f(x, False)`` as PyTorch does: all axes, correction 0."""

    @wraps(operation)
    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) > 1 and isinstance(args[1], bool):
            args = (args[0], None, *args[1:])
        return operation(*args, **kwargs)

    return call


def var_vjp(
    g: Array, deviation: Array, x_shape: Shape, dim: Dim, correction: float | None, keepdim: bool
) -> Array:
    """x̄ = 2 ḡ (x - mean) / (n - correction)."""
    n = degrees_of_freedom(x_shape, dim, correction)
    return deviation * divided(restore(g, x_shape, dim, keepdim) * 2, n)


@takes_unbiased
@op(var_vjp, keep={"deviation": centered}, promote=True, notation="var {x}")
def var(x: Array, dim: Dim = None, correction: float | None = 1, keepdim: bool = False) -> Array:
    """Variance along axes.

    `correction` 1 (or True) gives the unbiased estimate, 0 (or False) the mean squared deviation;
    ``mg.var(x, False)`` is taken for the latter, over all axes.

    Forward    out = Σ (x - mean)² / (n - correction)
    Gradient   x̄ = 2 ḡ (x - mean(x)) / (size(x) / size(out) - correction)
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.var(mg.tensor([1.0, 2.0, 4.0]))
               tensor(2.3333)
    """
    x = as_float(x)
    if is_half(x):
        return in_float32(var, x, dim, correction, keepdim)
    deviation = deviation_of(x, dim)
    squares = sum_of(deviation * deviation, axes_of(dim, x.ndim), keepdim)
    return squares / degrees_of_freedom(x.shape, dim, correction), deviation


def std_vjp(
    g: Array, out: Array, deviation: Array, x_shape: Shape, dim: Dim,
    correction: float | None, keepdim: bool,
) -> Array:  # fmt: skip
    """x̄ = ḡ (x - mean) / (out (n - correction)), 0 where out is 0."""
    n = degrees_of_freedom(x_shape, dim, correction)
    out = restore(np.where(np.equal(out, 0), np.inf, out), x_shape, dim, keepdim)
    return deviation / out * divided(restore(g, x_shape, dim, keepdim), n)


@takes_unbiased
@op(std_vjp, keep={"deviation": centered}, promote=True, notation="std {x}")
def std(x: Array, dim: Dim = None, correction: float | None = 1, keepdim: bool = False) -> Array:
    """Standard deviation along axes, without overflow or underflow on the way.

    `correction` 1 (or True) gives the usual estimate, 0 (or False) the root of the mean square.

    Forward    out = √(Σ (x - mean)² / (n - correction))
    Gradient   x̄ = ḡ (x - mean(x)) / (out * (size(x) / size(out) - correction)); of equal
               numbers 0
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.std(mg.tensor([1.0, 2.0, 4.0]))
               tensor(1.5275)
    """
    x = as_float(x)
    if is_half(x):
        return in_float32(std, x, dim, correction, keepdim)
    deviation = deviation_of(x, dim)
    freedom = degrees_of_freedom(x.shape, dim, correction)
    with np.errstate(over="ignore"):
        squares = sum_of(deviation * deviation, axes_of(dim, x.ndim), keepdim)
    if squares.size and squares.min() > smallest_safe(deviation.dtype) and squares.max() < np.inf:
        return np.sqrt(squares / freedom), deviation
    largest = maximum_reduce(np.absolute(deviation), axes_of(dim, x.ndim), None, None, True, 0)
    largest = np.where((largest > 0) & np.isfinite(largest), largest, 1)
    scaled = deviation / largest
    squares = sum_of(scaled * scaled, axes_of(dim, x.ndim), keepdim)
    out = np.sqrt(squares / freedom)
    return out * (largest if keepdim else largest.reshape(out.shape)), deviation


@takes_unbiased
@composition
def var_mean(
    x: Array, dim: Dim = None, correction: float | None = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """Variance and mean along axes.

    Forward    (var(x), mean(x))
    Gradient   the sum of both
    Shapes     (..., n, ...) -> twice (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.var_mean(mg.tensor([1.0, 2.0, 3.0]))
               (tensor(1.), tensor(2.))
    """
    return var(x, dim, correction, keepdim), mean(x, dim, keepdim)


@takes_unbiased
@composition
def std_mean(
    x: Array, dim: Dim = None, correction: float | None = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean along axes.

    Forward    (std(x), mean(x))
    Gradient   the sum of both
    Shapes     (..., n, ...) -> twice (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.std_mean(mg.tensor([1.0, 2.0, 3.0]))
               (tensor(1.), tensor(2.))
    """
    return std(x, dim, correction, keepdim), mean(x, dim, keepdim)


# -------------------------------------------------------------------------- the median and others


def middle_vjp(g: Array, out: Array, x: Array) -> Array:
    """ḡ, shared evenly by the entries that equal the median."""
    return extreme_vjp(g, out, x, None, False)


@op(middle_vjp, notation="median {x}")
def _median(x: Array) -> Array:
    """The lower median of all entries.

    Forward    out = the entry that (n - 1) // 2 others come before; NaN if there is one
    Gradient   x̄ = ḡ shared evenly by the entries equal to the middle entry, else 0
    Shapes     (...) -> ()
    """
    if x.size == 0:
        if x.dtype.kind == "f":
            return np.full_like(x, np.nan, shape=())
        raise ValueError("median of no entries")
    ordered = np.sort(x, axis=None)
    last = ordered[-1]
    return last if last != last else ordered[(x.size - 1) // 2]


@op(one_place_vjp, notation="median {x}")
def _median_along(x: Array, dim: int, keepdim: bool = False) -> Any:
    """The lower medians along an axis, and their indices.

    Forward    values = the entries in the middle; NaN if there is one, and its index
    Gradient   x̄[indices] = values̅, else 0
    Shapes     (..., n, ...) -> twice (..., ...)
    """
    axis = normalize_axis_index(dim, x.ndim or 1)
    lines = np.moveaxis(x, axis, -1) if x.ndim else x.reshape(1)
    n = lines.shape[-1]
    if n == 0:
        raise ValueError(f"median along axis {axis} without entries: shape {x.shape}")
    undefined = np.isnan(lines)
    middle = np.argpartition(lines, (n - 1) // 2, axis=-1)[..., (n - 1) // 2]
    index = np.where(undefined.any(-1), undefined.argmax(-1), middle)[..., None]
    value = np.take_along_axis(lines, index, -1)
    if keepdim and x.ndim:
        return ValuesAndIndices(np.moveaxis(value, -1, axis), np.moveaxis(index, -1, axis))
    return ValuesAndIndices(value[..., 0], index[..., 0])


@overload
def median(x: Array, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def median(x: Array, dim: int, keepdim: bool = False) -> ValuesAndIndices[Tensor]: ...
@composition
def median(x: Array, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median: of all entries, or along an axis with its index.

    Of an even number of entries it is the smaller of the two in the middle, as in PyTorch;
    ``np.median(t)`` is their mean.

    Forward    median(x) = the middle entry; median(x, dim) = (values, indices); NaN if there is one
    Gradient   ḡ to the middle entry; without `dim`, several equal ones share it evenly
    Shapes     (...) -> (); (..., n, ...) -> twice (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis; ValueError if there are no entries
    Example    >>> mg.median(mg.tensor([4.0, 1.0, 3.0, 2.0]))
               tensor(2.)
    """
    if dim is None:
        return _median(x)
    return _median_along(x, dim, keepdim)


ROUNDING: dict[str, Callable[[Array], Array]] = {
    "lower": np.floor,
    "higher": np.ceil,
    "nearest": np.round,
}


@composition
def quantile(
    x: Array, q: Any, dim: int | None = None, keepdim: bool = False, interpolation: str = "linear"
) -> Tensor:
    """The number below which a fraction of the entries lies.

    Forward    out = the sorted entries, read at position q (n - 1); between two of them by
               `interpolation`: "linear", "lower", "higher", "nearest", "midpoint"
    Gradient   x̄ = ḡ at the one or two entries that were read, by their weights
               q̄ = (n - 1) ḡ times the step between the two; 0 unless "linear"
    Shapes     (..., n, ...), () -> (..., ...), or (..., 1, ...) with keepdim;
               q of shape (k,) adds a first axis of size k
    Raises     ValueError if q is not in [0, 1], or for another interpolation; AxisError if x has no
               such axis
    Source     Hyndman and Fan 1996, definition 7
    Example    >>> mg.quantile(mg.tensor([1.0, 2.0, 3.0, 4.0]), 0.5)
               tensor(2.5)
    """
    fractions = np.asarray(getattr(q, "_array", q), np.float64)
    if not np.all((fractions >= 0) & (fractions <= 1)):
        raise ValueError(f"quantile: q lies in [0, 1], got {fractions}")
    return quantile_along(x, q, dim, keepdim, lambda x: read_quantiles(x, q, interpolation))


def quantile_along(
    x: Any, q: Any, dim: int | None, keepdim: bool, read: Callable[[Any], Any]
) -> Any:
    """What `read` makes of the last axis, with the axes of q first."""
    leading, ndim = np.ndim(q), np.ndim(x)
    if dim is None or not ndim:
        normalize_axis_index(dim or 0, ndim or 1)
        values = read(np.reshape(x, (-1,)))
        return np.reshape(values, np.shape(q) + (1,) * ndim) if keepdim else values
    dim = normalize_axis_index(dim, ndim)
    values = read(np.moveaxis(x, dim, -1))
    return np.expand_dims(values, leading + dim) if keepdim else values


def read_quantiles(x: Array, q: Any, interpolation: str) -> Array:
    """Quantiles along the last axis; the axes of q come first."""
    n = x.shape[-1]
    if n == 0:
        raise ValueError("quantile of no entries")
    ordered: Any = sort(x, -1)[0]
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(float)
    q = q if isinstance(q, Variable) else np.asarray(q, dtype)
    position = q * (n - 1)
    if interpolation in ROUNDING:
        values = ordered[..., ROUNDING[interpolation](plain(position)).astype(np.intp)]
    elif interpolation in ("linear", "midpoint"):
        below = np.floor(plain(position)).astype(np.intp)
        weight = position - below.astype(dtype)
        if interpolation == "midpoint":
            weight = np.ceil(plain(weight)) / 2
        low, high = ordered[..., below], ordered[..., np.minimum(below + 1, n - 1)]
        values = between(low, high, weight)
    else:
        raise ValueError(
            "quantile: interpolation is linear, lower, higher, nearest or midpoint, got "
            f"{interpolation!r}"
        )
    if x.dtype.kind == "f":
        undefined = np.isnan(ordered[..., -1:]).reshape(x.shape[:-1] + (1,) * np.ndim(q))
        values = np.where(undefined, np.asarray(np.nan, dtype), values)
    axes = tuple(range(len(x.shape) - 1, len(x.shape) - 1 + np.ndim(q)))
    return np.moveaxis(values, axes, tuple(range(np.ndim(q)))) if axes else values


def between(low: Any, high: Any, weight: Array) -> Any:
    """The number so far on the way from low to high; an infinite one counts if its weight is not 0.

    The formula for finite numbers gives equal ones back to the last digit.
    """
    low_array, high_array = without_history(low), without_history(high)
    with np.errstate(over="ignore", invalid="ignore"):  # the step may overflow between finite ends
        finite = np.isfinite(high_array - low_array)
    if not isinstance(finite, Variable) and finite.all():
        return low + (high - low) * weight
    start, end = np.where(finite, low, 0), np.where(finite, high, 0)
    share = np.where(weight == 0, 0.5, weight).astype(weight.dtype)
    with np.errstate(invalid="ignore"):  # from -inf to inf: NaN
        mixed = np.where(weight == 0, low, low * (1 - share) + high * share)
    return np.where(finite, start + (end - start) * weight, mixed)


@composition
def dist(x: Array, y: Array, p: float = 2) -> Tensor:
    """Distance of two tensors: the norm of their difference, over all entries.

    Forward    out = (Σ |x - y|ᵖ)^(1/p); p may be inf
    Gradient   x̄ = ḡ sign(x - y) (|x - y| / out)ᵖ⁻¹, 0 where x = y        ȳ = -x̄
    Shapes     (...), (...) -> ()
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.dist(mg.tensor([1.0, 2.0]), mg.tensor([4.0, 6.0]))
               tensor(5.)
    """
    return vector_norm(x - y, p)


# ---------------------------------------------------------------------------- counts, not recorded


@op(notation="bincount {x}")
def bincount(x: Array, weights: Array = None, minlength: int = 0) -> Array:
    """How often each of the numbers 0, 1, 2, ... occurs.

    Forward    out[i] = the number of entries equal to i, or the sum of their weights
    Gradient   none
    Shapes     (n,) of integers, (n,) -> (largest entry + 1,), or longer by `minlength`
    Raises     ValueError for negative entries or another number of axes; TypeError for floats
    Example    >>> mg.bincount(mg.tensor([0, 2, 2]))
               tensor([1, 0, 2])
    """
    counts = np.bincount(x, weights, minlength)
    return (
        counts
        if weights is None
        else counts.astype(weights.dtype if weights.dtype == np.float32 else float)
    )
