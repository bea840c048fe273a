"""Ops that run along one axis: cumulative sums and products, differences, integrals.

``dim`` is one axis; negative ones count from the end.  A 0-d tensor has one axis, of size 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.graph import plain
from minigrad.ops.joining import along
from minigrad.ops.reduction import sum
from minigrad.sums import is_half, widened

__all__ = [
    "cumprod", "cumsum", "diff", "logcumsumexp", "trapezoid", "trapz",
]  # fmt: skip


LONG = 1 << 12  # entries; so many float32 numbers one after the other lose digits


def accumulated(ufunc: Any, x: Array, dim: int, dtype: Any = None) -> Array:
    """``ufunc.accumulate``, of 0-d arrays too; of float16 in float32."""
    if dtype is None and is_half(x):
        with np.errstate(over="ignore"):
            return accumulated(ufunc, widened(x), dim).astype(x.dtype)
    if ufunc is np.add and dtype is None and x.dtype == np.float32 and x.size > LONG:
        return accumulated(ufunc, x, dim, np.float64).astype(np.float32)
    if dtype is None and x.dtype.kind == "u" and x.dtype.itemsize < 8:
        dtype = np.int64  # as in PyTorch
    if np.ndim(x):
        return ufunc.accumulate(x, dim, dtype)
    normalize_axis_index(dim, 1)
    return ufunc.accumulate(np.reshape(x, (1,)), 0, dtype).reshape(())


def axis_of(x: Array, dim: int) -> int:
    """`dim` as a number from 0."""
    return normalize_axis_index(dim, len(x.shape))


# ------------------------------------------------------------------------------- cumulative sums


def cumsum_vjp(g: Array, dim: int) -> Array:
    """x̄ = the sums of ḡ from each place to the end."""
    if not g.shape:
        return g
    back = along(axis_of(g, dim), slice(None, None, -1))
    if is_half(g) or (type(g) is np.ndarray and g.size > LONG):
        return accumulated(np.add, g[back], dim)[back]
    return np.add.accumulate(g[back], dim)[back]


@op(cumsum_vjp, notation="cumsum {x}")
def cumsum(x: Array, dim: int, dtype: Any = None) -> Array:
    """Sums of the entries up to each place along an axis.

    Forward    out[i] = x[0] + ... + x[i]
    Gradient   x̄[i] = Σ over k ≥ i of ḡ[k]
    Shapes     (..., n, ...) -> (..., n, ...)
    Raises     AxisError if x has no such axis
    Example    >>> mg.cumsum(mg.tensor([1.0, 2.0, 3.0]), dim=0)
               tensor([1., 3., 6.])
    """
    return accumulated(np.add, x, dim, dtype)


@op(
    lambda g, out, factor, backwards: _recurrence(g, _moved(factor, backwards), not backwards),
    lambda g, out, factor, backwards: _moved_back(g, out, factor, backwards),
    notation="recurrence({x}, {factor})",
)
def _recurrence(x: Array, factor: Array, backwards: bool = False) -> Array:
    """The solution of a linear recurrence along the first axis, without a division.

    Forward    out[i] = x[i] + factor[i] * out[i - 1]; backwards: + factor[i] * out[i + 1]
    Gradient   x̄[i] = ḡ[i] + factor[i + 1] * x̄[i + 1]        factor̅[i] = x̄[i] * out[i - 1]; if it
               runs backwards, i - 1 and i + 1 change places
    Shapes     (n, ...), (n, ...) -> (n, ...)
    """
    out = np.array(x)
    places = range(len(out) - 2, -1, -1) if backwards else range(1, len(out))
    before = 1 if backwards else -1
    infinite = not np.isfinite(factor).all()
    for i in places:
        step = factor[i]
        if infinite:  # what gets no gradient gives none on
            step = np.where(out[i + before] == 0, 0, step)
        out[i] += step * out[i + before]
    return out


def _moved(factor: Array, backwards: bool) -> Array:
    """The factors as the recurrence of the other direction needs them: moved by one place."""
    edge = np.zeros_like(factor[:1])
    if backwards:
        return np.concatenate([edge, factor[:-1]], axis=0)
    return np.concatenate([factor[1:], edge], axis=0)


def _moved_back(g: Array, out: Array, factor: Array, backwards: bool) -> Array:
    """The gradient of the factors of `_recurrence`."""
    x_gradient = _recurrence(g, _moved(factor, backwards), not backwards)
    edge = np.zeros_like(out[:1])
    if backwards:
        return x_gradient * np.concatenate([out[1:], edge], axis=0)
    return x_gradient * np.concatenate([edge, out[:-1]], axis=0)


def cumprod_vjp(g: Array, out: Array, x: Array, dim: int) -> Array:
    """x̄ by a division where there is no 0, else by a recurrence."""
    if not g.shape:
        return g
    if np.isfinite(out).all() and (out != 0).all():
        return cumsum_vjp(g * out, dim) / x
    dim = axis_of(x, dim)
    g, x = np.moveaxis(g, dim, 0), np.moveaxis(x, dim, 0)
    one = np.ones_like(x[:1])
    before = np.concatenate([one, np.cumprod(x, axis=0)[:-1]], axis=0)
    after = _recurrence(g, np.concatenate([x[1:], one], axis=0), True)
    if not np.isfinite(plain(before)).all():
        before = np.where(np.equal(after, 0), 0, before)
    return np.moveaxis(before * after, 0, dim)


@op(cumprod_vjp, notation="cumprod {x}")
def cumprod(x: Array, dim: int, dtype: Any = None) -> Array:
    """Products of the entries up to each place along an axis.

    Forward    out[i] = x[0] * ... * x[i]
    Gradient   x̄[i] = Σ over k ≥ i of ḡ[k] * the product of the others up to k, zeros or not
    Shapes     (..., n, ...) -> (..., n, ...)
    Raises     AxisError if x has no such axis
    Example    >>> mg.cumprod(mg.tensor([1.0, 2.0, 3.0]), dim=0)
               tensor([1., 2., 6.])
    """
    return accumulated(np.multiply, x, dim, dtype)


def logcumsumexp_vjp(g: Array, out: Array, x: Array, dim: int) -> Array:
    """x̄ by a recurrence whose factors are at most one: nothing overflows, nothing cancels."""
    if not g.shape:
        return g
    dim = axis_of(x, dim)
    g, out, x = (np.moveaxis(a, dim, 0) for a in (g, out, x))
    behind = np.equal(plain(out), np.inf)
    if behind.any():
        out, x = among_infinite(out, x, behind)
    nothing = np.equal(out, -np.inf)
    out = np.where(nothing, 0, out)
    apart = nothing[:-1] | (behind[:-1] != behind[1:])
    shrink = np.where(apart, 0, np.exp(np.minimum(out[:-1] - out[1:], 0.0)))
    after = _recurrence(g, np.concatenate([shrink, np.ones_like(out[:1])], axis=0), True)
    share = np.exp(x - out)
    if np.isnan(plain(out)).any():  # nothing flows back from behind a NaN to what is before it
        share = np.where(np.equal(after, 0), 0, share)
    return np.moveaxis(share * after, 0, dim)


def among_infinite(out: Array, x: Array, behind: Array) -> tuple[Array, Array]:
    """Finite numbers with the same shares: from the first infinite entry on only such count.

    behind   where the sum is infinite
    """
    count = np.cumsum(np.equal(x, np.inf), 0, dtype=x.dtype)
    logarithms = np.log(np.maximum(count, 1))
    among = np.where(np.equal(x, np.inf), 0, -np.inf)
    return np.where(behind, logarithms, out), np.where(behind, among, x)


@op(logcumsumexp_vjp, promote=True, notation="logcumsumexp {x}")
def logcumsumexp(x: Array, dim: int) -> Array:
    """Logarithms of the sums of exponentials up to each place along an axis.

    Forward    out[i] = log(e^x[0] + ... + e^x[i])
    Gradient   x̄[i] = Σ over k ≥ i of ḡ[k] * e^(x[i] - out[k])
    Shapes     (..., n, ...) -> (..., n, ...)
    Raises     AxisError if x has no such axis
    Example    >>> mg.logcumsumexp(mg.tensor([1000.0, 1000.0]), dim=0)
               tensor([1000.    , 1000.6932])
    """
    return accumulated(np.logaddexp, x, dim, None if x.dtype.kind == "f" else np.float64)


# --------------------------------------------------------------------- differences and integrals


@composition
def diff(x: Array, n: int = 1, dim: int = -1, prepend: Array = None, append: Array = None) -> Any:
    """Differences of neighbours along an axis.

    Forward    out[i] = x[i + 1] - x[i], n times over; of booleans, whether they differ
    Gradient   x̄[i] = ḡ[i - 1] - ḡ[i]
    Shapes     (..., m, ...) -> (..., m - n, ...); `prepend` and `append` are joined to x before
    Raises     AxisError if x has no such axis; ValueError for a negative n or a 0-d x
    Example    >>> mg.diff(mg.tensor([1.0, 4.0, 9.0]))
               tensor([3., 5.])
    """
    if n < 0:
        raise ValueError(f"diff: n is at least 0, got {n}")
    if not np.ndim(x):
        raise ValueError("diff takes at least one axis, got a 0-d tensor")
    dim = axis_of(x, dim)
    if n == 0:
        return x
    joined = [part for part in (prepend, x, append) if part is not None]
    if len(joined) > 1:
        x = np.concatenate([as_slab(part, x, dim) for part in joined], axis=dim)
    for _ in range(min(n, x.shape[dim])):  # after so many there is nothing left
        after, before = x[along(dim, slice(1, None))], x[along(dim, slice(None, -1))]
        x = np.not_equal(after, before) if x.dtype.kind == "b" else after - before
    return x


def as_slab(part: Array, x: Array, dim: int) -> Array:
    """What is joined to x along an axis; a number becomes one layer."""
    if np.ndim(part):
        return part
    layer = (*x.shape[:dim], 1, *x.shape[dim + 1 :])
    return np.broadcast_to(np.asarray(part, x.dtype) if not hasattr(part, "shape") else part, layer)


@composition
def trapezoid(y: Array, x: Array = None, dx: float = 1.0, dim: int = -1) -> Any:
    """Integral of sampled values by the trapezoidal rule.

    Forward    out = Σ ½ (y[i] + y[i + 1]) (x[i + 1] - x[i]); without x the steps are dx
    Gradient   ȳ[i] = ½ ḡ (x[i + 1] - x[i - 1]), the outer terms missing at the ends;
               x̄[i] = ½ ḡ (y[i - 1] - y[i + 1]) inside, ∓½ ḡ (y[i] + its neighbour) at the ends
    Shapes     (..., n, ...), (n,) or the shape of y -> (..., ...)
    Raises     AxisError if y has no such axis; ValueError if x does not fit
    Example    >>> mg.trapezoid(mg.tensor([1.0, 5.0, 10.0]))
               tensor(10.5)
    """
    dim = axis_of(y, dim)
    steps: Any = dx
    if x is not None:
        steps = diff(x, dim=0 if np.ndim(x) == 1 else dim)
        if np.ndim(x) == 1:
            steps = np.reshape(steps, (-1,) + (1,) * (np.ndim(y) - dim - 1))
    heights = y[along(dim, slice(1, None))] + y[along(dim, slice(None, -1))]
    return sum(heights * steps, dim) * 0.5


trapz = trapezoid  # PyTorch's other name
