"""Ops that choose between values: by order, by bounds, by a mask."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, overload

import numpy as np

from minigrad.calls import Array, Variable, op
from minigrad.composition import composition
from minigrad.ops.indexing import nonzero
from minigrad.ops.masks import choose, where_positive
from minigrad.typed import Tensor

__all__ = [
    "clamp", "clamp_max", "clamp_min", "clip", "fmax", "fmin", "masked_fill", "masked_select",
    "maximum", "minimum", "nan_to_num", "relu", "where",
]  # fmt: skip

# ----------------------------------------------------------------------------------- the larger one


def share(g: Array, loses: Array, ties: Array) -> Array:
    """ḡ where an operand was chosen, half of it at a tie, 0 where it `loses`."""
    keeps = np.logical_not(loses)  # chosen, and not multiplied: 0 times an infinite ḡ is NaN
    if type(ties) is np.ndarray and not ties.any():
        return choose(keeps, g, 0)
    half = 0.5 * g
    return choose(keeps, half, 0) + choose(keeps & np.logical_not(ties), half, 0)


@op(
    lambda g, x, y: share(g, np.less(x, y), np.equal(x, y)),
    lambda g, x, y: share(g, np.less(y, x), np.equal(x, y)),
    numpy=np.maximum,
    promote=True,
    notation="max({x}, {y})",
)
def maximum(x: Array, y: Array) -> Array:
    """The larger of two numbers; NaN if one of them is.

    Forward    out = max(x, y)
    Gradient   x̄ = ḡ where x > y, ½ ḡ where x = y, else 0
               ȳ = ḡ where y > x, ½ ḡ where x = y, else 0; so max(x, 0) has the gradient ½ at 0,
               where `relu` has 0
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.maximum(mg.tensor([1.0, 5.0]), mg.tensor([3.0, 4.0]))
               tensor([3., 5.])
    """
    return np.maximum(x, y)


@op(
    lambda g, x, y: share(g, np.greater(x, y), np.equal(x, y)),
    lambda g, x, y: share(g, np.greater(y, x), np.equal(x, y)),
    numpy=np.minimum,
    promote=True,
    notation="min({x}, {y})",
)
def minimum(x: Array, y: Array) -> Array:
    """The smaller of two numbers; NaN if one of them is.

    Forward    out = min(x, y)
    Gradient   x̄ = ḡ where x < y, ½ ḡ where x = y, else 0
               ȳ = ḡ where y < x, ½ ḡ where x = y, else 0
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.minimum(mg.tensor([1.0, 5.0]), mg.tensor([3.0, 4.0]))
               tensor([1., 4.])
    """
    return np.minimum(x, y)


@op(
    lambda g, x, y: share(g, np.less(x, y) | np.isnan(x), np.equal(x, y)),
    lambda g, x, y: share(g, np.less(y, x) | np.isnan(y), np.equal(x, y)),
    numpy=np.fmax,
    promote=True,
    notation="fmax({x}, {y})",
)
def fmax(x: Array, y: Array) -> Array:
    """The larger of two numbers; if one is NaN, the other.

    Forward    out = max(x, y)
    Gradient   x̄ = ḡ where x was chosen, ½ ḡ at a tie, else 0
               ȳ = ḡ where y was chosen, ½ ḡ at a tie, else 0
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.fmax(mg.tensor([1.0, np.nan]), mg.tensor([3.0, 4.0]))
               tensor([3., 4.])
    """
    return np.fmax(x, y)


@op(
    lambda g, x, y: share(g, np.greater(x, y) | np.isnan(x), np.equal(x, y)),
    lambda g, x, y: share(g, np.greater(y, x) | np.isnan(y), np.equal(x, y)),
    numpy=np.fmin,
    promote=True,
    notation="fmin({x}, {y})",
)
def fmin(x: Array, y: Array) -> Array:
    """The smaller of two numbers; if one is NaN, the other.

    Forward    out = min(x, y)
    Gradient   x̄ = ḡ where x was chosen, ½ ḡ at a tie, else 0
               ȳ = ḡ where y was chosen, ½ ḡ at a tie, else 0
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.fmin(mg.tensor([1.0, np.nan]), mg.tensor([3.0, 4.0]))
               tensor([1., 4.])
    """
    return np.fmin(x, y)


@lru_cache(maxsize=64)
def zeros_cached(shape: tuple[int, ...], dtype: Any) -> Array:
    """Zeros to compare with: ``np.maximum(x, zeros)`` is twice as fast as ``np.maximum(x, 0)``."""
    zeros = np.zeros(shape, dtype)
    zeros.flags.writeable = False
    return zeros


@op(lambda g, out: where_positive(g, out), notation="relu({x})")
def relu(x: Array) -> Array:
    """Rectified linear unit.

    Forward    out = max(x, 0)
    Gradient   x̄ = ḡ where x > 0, else 0; at the kink x = 0 it is 0
    Shapes     (...) -> (...)
    Source     Goodfellow, Bengio and Courville 2016, section 6.3.1
    Example    >>> mg.relu(mg.tensor([-1.0, 0.0, 2.0]))
               tensor([0., 0., 2.])
    """
    if type(x) is np.ndarray:
        return np.maximum(x, zeros_cached(x.shape, x.dtype))
    return np.maximum(x, 0)


# ------------------------------------------------------------------------------------------ bounds


NUMBERS = {int, float}


def clamp_x_vjp(g: Array, x: Array, min: Array, max: Array) -> Array:
    """ḡ where x lies within the bounds or on them."""
    inside = True
    if min is not None:
        inside = np.greater_equal(x, min)
    if max is not None:
        below = np.less_equal(x, max)
        inside = below if inside is True else inside & below
    return choose(inside, g, 0)


def clamp_min_vjp(g: Array, x: Array, min: Array, max: Array) -> Array:
    """ḡ where the lower bound is the result."""
    chosen = np.less(x, min)
    return choose(chosen if max is None else chosen & np.less_equal(min, max), g, 0)


def clamp_max_vjp(g: Array, x: Array, min: Array, max: Array) -> Array:
    """ḡ where the upper bound is the result."""
    chosen = np.greater(x, max)
    return choose(chosen if min is None else chosen | np.greater(min, max), g, 0)


@op(
    clamp_x_vjp, clamp_min_vjp, clamp_max_vjp,
    promote=True, notation="clamp({x}, min={min}, max={max})",
)  # fmt: skip
def clamp(x: Array, min: Array = None, max: Array = None) -> Array:
    """Limit numbers to an interval; a bound may be a number, a tensor, or None.

    Forward    out = min(max(x, lower), upper); upper where lower > upper
    Gradient   x̄ = ḡ where out = x, else 0
               min̅ = ḡ where out > x, else 0        max̅ = ḡ where out < x, else 0
    Shapes     (...), (...), (...) -> broadcast (...)
    Raises     ValueError if both bounds are None, or the shapes do not broadcast
    Example    >>> mg.clamp(mg.tensor([-2.0, 0.5, 2.0]), -1, 1)
               tensor([-1. ,  0.5,  1. ])
    """
    if min is None and max is None:
        raise ValueError("clamp: give min, max or both")
    if type(x) is np.ndarray and type(min) in NUMBERS and type(max) in NUMBERS:
        return np.asarray(x.clip(min, max))  # one pass
    out = x if min is None else np.maximum(x, min)
    return out if max is None else np.minimum(out, max)


@composition
def clamp_min(x: Array, min: Array) -> Tensor:
    """Limit numbers from below.

    Forward    out = max(x, min)
    Gradient   x̄ = ḡ where x ≥ min, else 0
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.clamp_min(mg.tensor([-2.0, 0.5]), 0)
               tensor([0. , 0.5])
    """
    return clamp(x, min, None)


@composition
def clamp_max(x: Array, max: Array) -> Tensor:
    """Limit numbers from above.

    Forward    out = min(x, max)
    Gradient   x̄ = ḡ where x ≤ max, else 0
    Shapes     (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.clamp_max(mg.tensor([-2.0, 0.5]), 0)
               tensor([-2.,  0.])
    """
    return clamp(x, None, max)


@op(lambda g, x: choose(np.isfinite(x), g, 0), promote=True, notation="nan_to_num({x})")
def nan_to_num(
    x: Array, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """Replace what is not a finite number.

    Forward    out = x; `nan` where x is NaN, `posinf` and `neginf` where it is infinite (left out:
               the largest and smallest number of the type)
    Gradient   x̄ = ḡ where x is finite, else 0
    Shapes     (...) -> (...)
    Example    >>> mg.nan_to_num(mg.tensor([1.0, np.nan, np.inf]), posinf=9.0)
               tensor([1., 0., 9.])
    """
    return np.nan_to_num(x, True, nan, posinf, neginf)


# ------------------------------------------------------------------------------------------- masks


@op(
    lambda g, condition: choose(condition, g, 0),
    lambda g, condition: choose(np.logical_not(condition), g, 0),
    promote=True,
    notation="where({condition}, {x}, {y})",
)
def _where(x: Array, y: Array, condition: Array) -> Array:
    """Choose by a mask; `where` has PyTorch's order of arguments.

    Forward    out = x where `condition`, else y
    Gradient   x̄ = ḡ where `condition`, else 0        ȳ = 0 where `condition`, else ḡ
    Shapes     (...), (...), (...) -> broadcast (...)
    """
    return choose(condition, x, y)


@overload
def where(condition: Array) -> tuple[Tensor, ...]: ...
@overload
def where(condition: Array, x: Array, y: Array) -> Tensor: ...
@composition
def where(condition: Array, x: Array = None, y: Array = None) -> Any:
    """Choose between two numbers by a mask; with the mask alone, the places where it is true.

    Forward    out = x where `condition`, else y
    Gradient   x̄ = ḡ where `condition`, else 0; ȳ the other way round.  If the branch that was
               not taken has an infinite derivative, 0 times that is NaN: mask its input instead
    Shapes     (...), (...), (...) -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast, or if one of x and y is missing
    Example    >>> x = mg.tensor([-1.0, 2.0])
               >>> mg.where(x > 0, x, 0.0)
               tensor([0., 2.])
    """
    if x is None and y is None:
        return nonzero(condition, as_tuple=True)
    if x is None or y is None:
        raise ValueError("where: give both x and y, or neither")
    return _where(x, y, condition)


@composition
def masked_fill(x: Array, mask: Array, value: Array) -> Tensor:
    """Put one value where a mask is true.

    Forward    out = value where `mask`, else x
    Gradient   x̄ = ḡ where not `mask`, else 0        value̅ = Σ ḡ where `mask`
    Shapes     (...), (...), () -> broadcast (...)
    Raises     ValueError if the shapes do not broadcast, or if the value is not a single number
    Example    >>> mg.masked_fill(mg.tensor([1.0, 2.0]), mg.tensor([True, False]), 9.0)
               tensor([9., 2.])
    """
    if np.ndim(value) != 0:
        raise ValueError(f"masked_fill: the value is one number, got shape {np.shape(value)}")
    if getattr(value, "dtype", None) != x.dtype:  # the value takes the type of x
        is_array = hasattr(value, "astype")
        value = value.astype(x.dtype) if is_array else np.asarray(value).astype(x.dtype)[()]
    return _where(value, x, mask)


@composition
def masked_select(x: Array, mask: Array) -> Tensor:
    """The entries where a mask is true, row by row.

    Forward    out = x[mask], after x and the mask were broadcast to a common shape
    Gradient   x̄ = zeros, with ḡ where `mask`
    Shapes     (...), (...) -> (number of true entries,)
    Raises     ValueError if the shapes do not broadcast; TypeError if the mask is not boolean
    Example    >>> mg.masked_select(mg.tensor([1.0, 2.0, 3.0]), mg.tensor([True, False, True]))
               tensor([1., 3.])
    """
    if np.dtype(getattr(mask, "dtype", None)) != np.bool_:
        raise TypeError("masked_select: the mask is a tensor or an array of booleans")
    plain_mask = mask._array if isinstance(mask, Variable) else mask
    shape = np.broadcast_shapes(np.shape(x), plain_mask.shape)
    return np.broadcast_to(x, shape)[np.broadcast_to(plain_mask, shape)]


clip = clamp  # PyTorch's other name
