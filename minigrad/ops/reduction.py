"""Ops that take the entries along axes together.

``dim`` is None (all axes), an integer, or a tuple of integers; negative ones count from the end.
With ``keepdim`` a reduced axis stays, with size 1.  An axis that x does not have is refused by
NumPy's AxisError, which is both an IndexError and a ValueError.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod as product
from typing import Any, Generic, NamedTuple, overload

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.ops.selection import maximum, minimum, where
from minigrad.ops.special import as_float
from minigrad.promotion import get_default_dtype as default_float
from minigrad.sums import add_reduce, divided, in_float32, is_half, ones_cached, sum_of, widened
from minigrad.typed import Each, Tensor, returns

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "log_softmax", "logsumexp",
    "max", "mean", "min", "nanmean", "nansum", "prod", "softmax", "softmin", "sum",
]  # fmt: skip

# Methods of ufuncs cost half of np.prod and its kin.  Any: NumPy's stubs want literal keepdims
multiply_reduce: Any = np.multiply.reduce
maximum_reduce: Any = np.maximum.reduce
minimum_reduce: Any = np.minimum.reduce
logical_and_reduce: Any = np.logical_and.reduce
logical_or_reduce: Any = np.logical_or.reduce

Dim = int | tuple[int, ...] | list[int] | None
Shape = tuple[int, ...]

# ------------------------------------------------------------------------- axes, and their way back


def axes_of(dim: Dim, ndim: int) -> Any:
    """`dim` as NumPy wants it; PyTorch lets an empty tuple mean all axes."""
    if isinstance(dim, (tuple, list)):
        if not len(dim) or not ndim:
            normalize_axis_tuple(dim, ndim or 1)  # a 0-d tensor has one axis, as in PyTorch
            return None
        return tuple(dim)
    return dim


def reduced_axes(shape: Shape, dim: Dim) -> tuple[int, ...]:
    """The axes that `dim` means, as numbers from 0."""
    if type(dim) is int and -len(shape) <= dim < len(shape):
        return (dim % len(shape),)
    axes = axes_of(dim, len(shape))
    if axes is None:
        return tuple(range(len(shape)))
    if not shape and axes in (0, -1):  # NumPy and PyTorch let a 0-d tensor have one axis
        return ()
    return normalize_axis_tuple(axes, len(shape))


def restore(g: Array, shape: Shape, dim: Dim, keepdim: bool) -> Array:
    """Put the reduced axes back into `g`, with size 1, so that it broadcasts against `shape`."""
    if keepdim or not shape or dim is None:
        return g
    axes = reduced_axes(shape, dim)
    return g[tuple([None if i in axes else slice(None) for i in range(len(shape))])]


def count_along(shape: Shape, dim: Dim) -> int:
    """How many entries a reduction over `dim` takes together."""
    if dim is None:
        return product(shape)
    return product([shape[axis] for axis in reduced_axes(shape, dim)])


def repeat_along(g: Array, shape: Shape, dim: Dim, keepdim: bool) -> Array:
    """`g` repeated along the reduced axes: the transpose of a sum over them."""
    g = restore(g, shape, dim, keepdim)
    if type(g) is np.ndarray and product(shape) <= FEW:
        repeated = np.empty(shape, g.dtype)
        repeated[...] = g
        return repeated
    return np.broadcast_to(g, shape)


# ---------------------------------------------------------------------- along one axis, which stays

FEW = 4096  # up to so many numbers a copy is quicker than the machinery of a broadcast view
SMALL = 512  # up to so many numbers ``reduce`` is as quick as what avoids it
SHORT = 1024  # up to so many numbers a product with ones sums as accurately as ``reduce`` does


def sum_along(x: Array, dim: int) -> Array:
    """The sum along one axis, which stays: for matrices by a product, a fifth of the cost."""
    if (
        type(x) is np.ndarray and x.size > SMALL and x.ndim == 2 and x.shape[dim] <= SHORT
        and x.dtype in (np.float32, np.float64)
    ):  # fmt: skip
        ones = ones_cached(x.shape[dim], x.dtype)
        return ones.dot(x)[None] if dim == 0 or dim == -2 else x.dot(ones)[:, None]
    return sum_of(x, dim, True)


def total(x: Array, dim: Dim, keepdim: bool, dtype: Any) -> Array:
    """The sum along axes; that of unsigned integers has a sign, as in PyTorch."""
    if dtype is None and x.dtype.kind == "u" and x.dtype.itemsize < 8:
        dtype = np.int64
    if type(dim) is int and -2 <= dim < 2 and x.size > SMALL and x.ndim == 2 and dtype is None:
        out = sum_along(x, dim)
        return out if keepdim else out.reshape(-1)
    if dtype is None:
        return sum_of(x, axes_of(dim, x.ndim), keepdim)
    return add_reduce(x, axes_of(dim, x.ndim), dtype, None, keepdim)


@lru_cache(maxsize=64)
def row_starts(shape: Shape) -> Array:
    """Where each row, along the last axis of an array of this shape, starts in its memory."""
    starts = np.arange(0, product(shape), shape[-1]).reshape(shape[:-1])
    starts.flags.writeable = False
    return starts


def at_places(x: Array, places: Array, keepdim: bool) -> Array:
    """The entry of each row, along the last axis of an array, at `places`."""
    starts = row_starts(x.shape)
    return x.reshape(-1).take(places + (starts[..., None] if keepdim else starts))


def is_last_axis(x: Array, dim: Any) -> bool:
    """Whether the rows along axis `dim` of an array lie in its memory one after the other."""
    return (
        type(x) is np.ndarray and x.size > 0 and (dim == x.ndim - 1 or dim == -1)
        and x.ndim > 0 and x.flags.c_contiguous
    )  # fmt: skip


def largest_along(x: Array, dim: Any) -> Array:
    """The largest entry along one axis, which stays: along the last by its place, half the cost."""
    if x.size > SMALL and is_last_axis(x, dim):
        return at_places(x, x.argmax(dim, keepdims=True), True)
    return maximum_reduce(x, dim, None, None, True)


# ------------------------------------------------------------------------------- sums and products


@op(
    lambda g, x_shape, dim, keepdim: repeat_along(g, x_shape, dim, keepdim),
    notation="Σ {x}",
)
def sum(x: Array, dim: Dim = None, keepdim: bool = False, dtype: Any = None) -> Array:
    """Sum of the entries along axes.

    Forward    out = Σ x over the axes `dim`
    Gradient   x̄ = ḡ, repeated along the summed axes
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.sum(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
               tensor([4., 6.])
    """
    return total(x, dim, keepdim, dtype)


@op(
    lambda g, x_shape, dim, keepdim: repeat_along(
        divided(g, count_along(x_shape, dim)), x_shape, dim, keepdim
    ),
    notation="mean {x}",
)
def mean(x: Array, dim: Dim = None, keepdim: bool = False, dtype: Any = None) -> Array:
    """Mean of the entries along axes.

    Forward    out = Σ x / n over the n entries along `dim`; that of integers is a float
    Gradient   x̄ = ḡ / (size(x) / size(out)), repeated along the axes
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.mean(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
               tensor([2., 3.])
    """
    if x.dtype.kind != "f" and dtype is None:
        dtype = default_float()
    count = count_along(x.shape, dim)
    if dtype is None and is_half(x):  # the sum may be infinite where the mean is not
        return (total(widened(x), dim, keepdim, None) / count).astype(x.dtype)
    return total(x, dim, keepdim, dtype) / count


def products_of_others(x: Array) -> Array:
    """For each entry, the product of the others along the last axis; without a division."""
    ones = np.ones_like(x[..., :1])
    before = np.cumprod(np.concatenate([ones, x[..., :-1]], axis=-1), axis=-1)
    reverse = np.flip(x, -1)
    after = np.cumprod(np.concatenate([ones, reverse[..., :-1]], axis=-1), axis=-1)
    return before * np.flip(after, -1)


def prod_vjp(g: Array, out: Array, x: Array, dim: Dim, keepdim: bool) -> Array:
    """x̄ = ḡ * the product of the other entries."""
    g = restore(g, x.shape, dim, keepdim)
    if np.isfinite(out).all() and (out != 0).all():
        return g * restore(out, x.shape, dim, keepdim) / x
    axes = reduced_axes(x.shape, dim)
    kept = tuple([i for i in range(len(x.shape)) if i not in axes])
    order = kept + axes
    flat = np.reshape(np.transpose(x, order), (*[x.shape[i] for i in kept], -1))
    products = np.reshape(products_of_others(flat), tuple([x.shape[i] for i in order]))
    return g * np.transpose(products, tuple([order.index(i) for i in range(len(order))]))


@op(prod_vjp, notation="Π {x}")
def prod(x: Array, dim: Dim = None, keepdim: bool = False, dtype: Any = None) -> Array:
    """Product of the entries along axes.

    Forward    out = Π x over the axes `dim`
    Gradient   x̄ = ḡ * the product of the other entries, zeros among them or not
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.prod(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
               tensor([ 2., 12.])
    """
    if dtype is None and x.dtype.kind == "u" and x.dtype.itemsize < 8:
        dtype = np.int64
    return multiply_reduce(x, axes_of(dim, x.ndim), dtype, None, keepdim)


@composition
def nansum(x: Array, dim: Dim = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Sum of the entries that are not NaN.

    Forward    out = Σ x over the axes `dim`, NaN counting as 0
    Gradient   x̄ = ḡ, repeated; 0 where x is NaN
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.nansum(mg.tensor([1.0, np.nan, 3.0]))
               tensor(4.)
    """
    return sum(where(np.isnan(x), 0, x), dim, keepdim, dtype)


@composition
def nanmean(x: Array, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Mean of the entries that are not NaN.

    dtype      of the result, and to compute in

    Forward    out = Σ x / n over the n entries along `dim` that are not NaN
    Gradient   x̄ = ḡ / n, repeated; 0 where x is NaN
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.nanmean(mg.tensor([1.0, np.nan, 3.0]))
               tensor(2.)
    """
    x = x if dtype is None else x.astype(dtype)
    there = np.logical_not(np.isnan(x))
    count = np.sum(
        there, axis=axes_of(dim, np.ndim(x)), keepdims=keepdim, dtype=widened_type(x.dtype)
    )
    if count.dtype != x.dtype:
        return (nansum(x.astype(count.dtype), dim, keepdim) / count).astype(x.dtype)
    return nansum(x, dim, keepdim) / count


def widened_type(dtype: Any) -> Any:
    """float32 for float16."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype


# ------------------------------------------------------------------------------------- the extremes


class ValuesAndIndices(NamedTuple, Generic[Each]):
    """What `max`, `sort` and their kin return: values, and the places where they were."""

    values: Each
    indices: Each


def extreme_vjp(g: Array, out: Array, x: Array, dim: Dim, keepdim: bool) -> Array:
    """ḡ, shared evenly by the entries that equal the result."""
    chosen = np.equal(x, restore(out, x.shape, dim, keepdim)) | np.not_equal(x, x)  # NaN wins
    axes = reduced_axes(x.shape, dim)
    count = add_reduce(chosen, axis=axes, dtype=x.dtype, keepdims=True)
    return np.where(chosen, restore(g, x.shape, dim, keepdim) / count, 0)


@op(extreme_vjp, notation="max {x}")
def amax(x: Array, dim: Dim = None, keepdim: bool = False) -> Array:
    """The largest entry along axes.

    Forward    out = max x over the axes `dim`; NaN if there is one
    Gradient   x̄ = ḡ shared evenly by the entries equal to the largest (by those that are NaN, if
               there are any), else 0
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis; ValueError if there are no entries
    Example    >>> mg.amax(mg.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
               tensor([4., 3.])
    """
    return maximum_reduce(x, axes_of(dim, x.ndim), None, None, keepdim)


@op(extreme_vjp, notation="min {x}")
def amin(x: Array, dim: Dim = None, keepdim: bool = False) -> Array:
    """The smallest entry along axes.

    Forward    out = min x over the axes `dim`; NaN if there is one
    Gradient   x̄ = ḡ shared evenly by the entries equal to the smallest, else 0
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis; ValueError if there are no entries
    Example    >>> mg.amin(mg.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
               tensor([1., 2.])
    """
    return minimum_reduce(x, axes_of(dim, x.ndim), None, None, keepdim)


def one_place_vjp(
    g: ValuesAndIndices, out: ValuesAndIndices, x_shape: Shape, dim: int, keepdim: bool
) -> Array:
    """ḡ at the place that the indices name."""
    if not x_shape:
        return g.values
    axis = normalize_axis_index(dim, len(x_shape))
    if type(g.values) is np.ndarray and axis == len(x_shape) - 1:
        indices, values = restore(out.indices, x_shape, axis, keepdim), g.values
        gradient = np.zeros_like(values, shape=x_shape, order="C")
        positions = indices[..., 0] + row_starts(x_shape)
        gradient.reshape(-1)[positions] = values[..., 0] if keepdim else values
        return gradient
    places = np.arange(x_shape[axis]).reshape((-1,) + (1,) * (len(x_shape) - axis - 1))
    chosen = np.equal(places, restore(out.indices, x_shape, axis, keepdim))
    return np.where(chosen, restore(g.values, x_shape, axis, keepdim), 0)


@returns(ValuesAndIndices[Tensor])
@op(one_place_vjp, notation="max {x}")
def _max(x: Array, dim: int, keepdim: bool = False) -> Any:
    """The largest entries along an axis, and their first indices.

    Forward    values = max x, indices = argmax x
    Gradient   x̄[indices] = values̅, else 0
    Shapes     (..., n, ...) -> twice (..., ...)
    """
    indices = x.argmax(axis_of_any(x, dim), keepdims=keepdim)
    if is_last_axis(x, dim):
        return ValuesAndIndices(at_places(x, indices, keepdim), indices)
    return ValuesAndIndices(maximum_reduce(x, dim, None, None, keepdim), indices)


@returns(ValuesAndIndices[Tensor])
@op(one_place_vjp, notation="min {x}")
def _min(x: Array, dim: int, keepdim: bool = False) -> Any:
    """The smallest entries along an axis, and their first indices.

    Forward    values = min x, indices = argmin x
    Gradient   x̄[indices] = values̅, else 0
    Shapes     (..., n, ...) -> twice (..., ...)
    """
    indices = x.argmin(axis_of_any(x, dim), keepdims=keepdim)
    if is_last_axis(x, dim):
        return ValuesAndIndices(at_places(x, indices, keepdim), indices)
    return ValuesAndIndices(minimum_reduce(x, dim, None, None, keepdim), indices)


@overload
def max(x: Array, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def max(x: Array, dim: int, keepdim: bool = False) -> ValuesAndIndices[Tensor]: ...
@overload
def max(x: Array, dim: Tensor) -> Tensor: ...
@composition
def max(x: Array, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest entry of all; or along an axis, with its index; or of each pair of two tensors.

    Forward    max(x) = the largest entry; max(x, dim) = (values, indices) along one axis;
               max(x, y) = maximum(x, y)
    Gradient   max(x): ḡ shared evenly by equal largest entries; max(x, dim): to the first of them;
               max(x, y): ½ each at a tie
    Shapes     (...) -> (); (..., n, ...) -> twice (..., ...); (...), (...) -> broadcast (...)
    Raises     AxisError if x has no such axis; ValueError if there are no entries;
               TypeError for several axes
    Example    >>> mg.max(mg.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1).indices
               tensor([1, 0])
    """
    if dim is None:
        return amax(x, None, keepdim)
    if isinstance(dim, (int, np.integer)):
        return _max(x, int(dim), keepdim)
    if isinstance(dim, (tuple, list)):
        raise TypeError(f"max: the index along several axes {dim} is not one number; use amax")
    return maximum(x, dim)


@overload
def min(x: Array, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def min(x: Array, dim: int, keepdim: bool = False) -> ValuesAndIndices[Tensor]: ...
@overload
def min(x: Array, dim: Tensor) -> Tensor: ...
@composition
def min(x: Array, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest entry of all; or along an axis, with its index; or of each pair of two tensors.

    Forward    min(x) = the smallest entry; min(x, dim) = (values, indices) along one axis;
               min(x, y) = minimum(x, y)
    Gradient   min(x): ḡ shared evenly by equal smallest entries; min(x, dim): to the first of them;
               min(x, y): ½ each at a tie
    Shapes     (...) -> (); (..., n, ...) -> twice (..., ...); (...), (...) -> broadcast (...)
    Raises     AxisError if x has no such axis; ValueError if there are no entries;
               TypeError for several axes
    Example    >>> mg.min(mg.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1).indices
               tensor([0, 1])
    """
    if dim is None:
        return amin(x, None, keepdim)
    if isinstance(dim, (int, np.integer)):
        return _min(x, int(dim), keepdim)
    if isinstance(dim, (tuple, list)):
        raise TypeError(f"min: the index along several axes {dim} is not one number; use amin")
    return minimum(x, dim)


@op(numpy=np.argmax, notation="argmax {x}")
def argmax(x: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Place of the largest entry: along an axis, or in row-major order of all.

    Forward    out = the first index of the largest entry; of NaN, if there is one
    Gradient   none: the result is integers
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis; ValueError if there are no entries
    Example    >>> mg.argmax(mg.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
               tensor([1, 0])
    """
    return x.argmax(axis_of_any(x, dim), keepdims=keepdim)


@op(numpy=np.argmin, notation="argmin {x}")
def argmin(x: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Place of the smallest entry: along an axis, or in row-major order of all.

    Forward    out = the first index of the smallest entry; of NaN, if there is one
    Gradient   none: the result is integers
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis; ValueError if there are no entries
    Example    >>> mg.argmin(mg.tensor([[1.0, 4.0], [3.0, 2.0]]), dim=1)
               tensor([0, 1])
    """
    return x.argmin(axis_of_any(x, dim), keepdims=keepdim)


def axis_of_any(x: Array, dim: int | None) -> int | None:
    """One axis; a 0-d x has axis 0, as in PyTorch."""
    return None if np.ndim(x) == 0 and dim in (0, -1) else dim


# -------------------------------------------------------------------------------------------- truth


def answer(x: Array, truth: Array) -> Array:
    """Booleans; of bytes, bytes: with them PyTorch answers as it did before it had booleans."""
    return truth.astype(np.uint8) if x.dtype == np.uint8 else truth


@op(notation="all {x}")
def all(x: Array, dim: Dim = None, keepdim: bool = False) -> Array:
    """Whether all entries along axes are true.

    Forward    out = x and x and ... over the axes `dim`, where a number other than 0 is true
    Gradient   none: the result is boolean
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.all(mg.tensor([[True, False], [True, True]]), dim=1)
               tensor([False,  True])
    """
    return answer(x, logical_and_reduce(x, axes_of(dim, x.ndim), None, None, keepdim))


@op(notation="any {x}")
def any(x: Array, dim: Dim = None, keepdim: bool = False) -> Array:
    """Whether some entry along axes is true.

    Forward    out = x or x or ... over the axes `dim`, where a number other than 0 is true
    Gradient   none: the result is boolean
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.any(mg.tensor([[True, False], [False, False]]), dim=1)
               tensor([ True, False])
    """
    return answer(x, logical_or_reduce(x, axes_of(dim, x.ndim), None, None, keepdim))


@op(notation="count {x}")
def count_nonzero(x: Array, dim: Dim = None, keepdim: bool = False) -> Array:
    """How many entries along axes are not 0.

    Forward    out = the number of x ≠ 0 over the axes `dim`
    Gradient   none: the result is integers
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Example    >>> mg.count_nonzero(mg.tensor([[1.0, 0.0], [3.0, 2.0]]), dim=1)
               tensor([1, 2])
    """
    return add_reduce(np.not_equal(x, 0), axes_of(dim, x.ndim), np.intp, None, keepdim)


# ------------------------------------------------------------------------- exponentials, added up


def logsumexp_vjp(g: Array, out: Array, x: Array, dim: Dim, keepdim: bool) -> Array:
    """x̄ = ḡ softmax(x); 0 where all entries are -inf."""
    out = restore(out, x.shape, dim, keepdim)
    if np.equal(out, np.inf).any():  # entries that are infinite share the gradient
        x = np.where(np.equal(out, np.inf), np.where(np.equal(x, np.inf), 0, -np.inf), x)
    out = np.where(np.isinf(out), 0, out)
    weights = np.exp(x - out)
    # they add up to 1 but for the rounding of out, which is a factor of 3 at three times 1e8
    total = sum_of(weights, axes_of(dim, len(x.shape)), True)
    return restore(g, x.shape, dim, keepdim) * (weights / np.where(np.equal(total, 0), 1, total))


@op(logsumexp_vjp, promote=True, notation="log Σ exp {x}")
def logsumexp(x: Array, dim: Dim = None, keepdim: bool = False) -> Array:
    """Logarithm of a sum of exponentials, without overflow on the way.

    Forward    out = m + log Σ e^(x - m) over the axes `dim`, m the largest entry
    Gradient   x̄ = ḡ * e^(x - out), the softmax; 0 where all entries are -inf
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     AxisError if x has no such axis
    Source     Blanchard, Higham and Higham 2021
    Example    >>> mg.logsumexp(mg.tensor([1000.0, 1000.0]), dim=0)
               tensor(1000.6932)
    """
    axes = axes_of(dim, x.ndim)
    x = as_float(x)
    if is_half(x):
        return in_float32(logsumexp, x, dim, keepdim)
    largest = maximum_reduce(x, axes, None, None, True, -np.inf)
    largest = np.where(np.isfinite(largest), largest, 0)
    total = sum_of(np.exp(x - largest), axes, keepdim)
    with np.errstate(divide="ignore"):  # the logarithm of a sum of nothing is -inf
        return np.log(total) + (largest if keepdim else largest.reshape(total.shape))


def softmax_vjp(g: Array, out: Array, dim: int) -> Array:
    """x̄ = out * (ḡ - Σ ḡ out)."""
    weighted = g * out
    return weighted - out * sum_along(weighted, dim)


def in_type(x: Array, dtype: Any) -> Array:
    """x in the type `dtype`, and integers in the default type if that is None."""
    if dtype is not None:
        return x.astype(dtype)
    return x if x.dtype.kind == "f" else x.astype(default_float())


@op(softmax_vjp, notation="softmax({x})")
def softmax(x: Array, dim: int, dtype: Any = None) -> Array:
    """Positive numbers that sum to one along an axis.

    Forward    out = e^(x - m) / Σ e^(x - m), m the largest entry along `dim`
    Gradient   x̄ = out * (ḡ - Σ ḡ * out)
    Shapes     (..., n, ...) -> (..., n, ...)
    Raises     AxisError if x has no such axis
    Source     Blanchard, Higham and Higham 2021
    Example    >>> mg.softmax(mg.tensor([[0.0, 0.0], [1000.0, 0.0]]), dim=1)
               tensor([[0.5, 0.5],
                       [1. , 0. ]])
    """
    x = in_type(x, dtype)
    dim = axis_or_all(x, dim)
    if not x.size:
        return np.positive(x)
    if not x.ndim:
        return np.exp(x - x)  # 1; NaN of NaN and inf
    if x.itemsize == 2 and is_half(x):
        return in_float32(softmax, x, dim)
    out = x - largest_along(x, dim)
    if not x.ndim:  # NumPy's difference of 0-d arrays is a number
        out = np.asarray(out)
    np.exp(out, out=out)
    out /= sum_along(out, dim)
    return out


def log_softmax_vjp(g: Array, out: Array, dim: int) -> Array:
    """x̄ = ḡ - softmax(x) Σ ḡ."""
    return g - np.exp(out) * sum_along(g, dim)


@op(log_softmax_vjp, notation="log softmax({x})")
def log_softmax(x: Array, dim: int, dtype: Any = None) -> Array:
    """Logarithm of the softmax, accurate where that is nearly 0.

    Forward    out = x - m - log Σ e^(x - m), m the largest entry along `dim`
    Gradient   x̄ = ḡ - e^out * Σ ḡ
    Shapes     (..., n, ...) -> (..., n, ...)
    Raises     AxisError if x has no such axis
    Source     Blanchard, Higham and Higham 2021
    Example    >>> mg.log_softmax(mg.tensor([1000.0, 0.0]), dim=0)
               tensor([    0., -1000.])
    """
    x = in_type(x, dtype)
    dim = axis_or_all(x, dim)
    if not x.size:
        return np.positive(x)
    if not x.ndim:
        return as_float(x - x)
    if x.itemsize == 2 and is_half(x):
        return in_float32(log_softmax, x, dim)
    out = x - largest_along(x, dim)
    out -= np.log(sum_along(np.exp(out), dim))
    return out


def axis_or_all(x: Array, dim: int) -> Any:
    """One axis for ``reduce``; a 0-d x has axis 0, as in PyTorch."""
    return () if np.ndim(x) == 0 and dim in (0, -1) else normalize_axis_index(dim, x.ndim)


@composition
def softmin(x: Array, dim: int, dtype: Any = None) -> Tensor:
    """Softmax of the opposite numbers.

    Forward    out = softmax(-x)
    Gradient   x̄ = -out * (ḡ - Σ ḡ * out)
    Shapes     (..., n, ...) -> (..., n, ...)
    Raises     AxisError if x has no such axis
    Example    >>> mg.softmin(mg.tensor([0.0, 1000.0]), dim=0)
               tensor([1., 0.])
    """
    return softmax(-x if dtype is None else -x.astype(dtype), dim, dtype)
