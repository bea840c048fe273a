"""Order along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.graph import plain
from minigrad.ops.indexing import _getitem, _take
from minigrad.ops.joining import along
from minigrad.ops.reduction import ValuesAndIndices
from minigrad.typed import Tensor, returns

__all__ = [
    "argsort", "sort", "topk", "unique",
]  # fmt: skip


def order(x: Array, dim: int, descending: bool, stable: bool = True) -> Array:
    """Indices that sort x along an axis; NaN counts as the largest number."""
    kind: Any = "stable" if stable else None
    if not descending:
        return np.argsort(x, axis=dim, kind=kind)
    turned = np.flip(x, dim)  # so that equal entries keep their order when turned back
    return x.shape[dim] - 1 - np.flip(np.argsort(turned, axis=dim, kind=kind), dim)


def sort_vjp(g: ValuesAndIndices, out: ValuesAndIndices, dim: int) -> Array:
    """Every entry of ḡ, back at its place."""
    if not g.values.shape:
        return g.values
    back = np.argsort(out.indices, axis=dim)
    return np.take_along_axis(g.values, back, dim)


@returns(ValuesAndIndices[Tensor])
@op(sort_vjp, notation="sort {x}")
def sort(x: Array, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The entries in order along an axis, and where they were.

    Forward    values = x[indices], which rise, or fall with `descending`; NaN counts as the largest
    Gradient   x̄[indices] = values̅
    Shapes     (..., n, ...) -> twice (..., n, ...)
    Raises     AxisError if x has no such axis
    Example    >>> mg.sort(mg.tensor([3.0, 1.0, 2.0])).values
               tensor([1., 2., 3.])
    """
    if not np.ndim(x):
        normalize_axis_index(dim, 1)
        return ValuesAndIndices(np.array(x), np.zeros_like(x, dtype=np.intp))
    indices = order(x, dim, descending, stable)
    return ValuesAndIndices(np.take_along_axis(x, indices, dim), indices)


@op(notation="argsort {x}")
def argsort(x: Array, dim: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """Indices that sort along an axis.

    Forward    out such that x[out] rises, or falls with `descending`; NaN counts as the largest
    Gradient   none: the result is integers
    Shapes     (..., n, ...) -> (..., n, ...)
    Raises     AxisError if x has no such axis
    Example    >>> mg.argsort(mg.tensor([3.0, 1.0, 2.0]))
               tensor([1, 2, 0])
    """
    if not np.ndim(x):
        normalize_axis_index(dim, 1)
        return np.zeros_like(x, dtype=np.intp)
    return order(x, dim, descending, stable)


@composition
def topk(
    x: Array, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> ValuesAndIndices[Tensor]:
    """The k largest or smallest entries along an axis, and where they were.

    Forward    values = the first k of the entries in falling (or rising) order; always sorted
    Gradient   ḡ to the entries that were taken
    Shapes     (..., n, ...) -> twice (..., k, ...)
    Raises     AxisError if x has no such axis; ValueError if it has fewer than k entries
    Example    >>> mg.topk(mg.tensor([3.0, 1.0, 2.0]), 2).values
               tensor([3., 2.])
    """
    axis = normalize_axis_index(dim, np.ndim(x) or 1)
    n = x.shape[axis] if np.ndim(x) else 1
    if not 0 <= k <= n:
        raise ValueError(
            f"topk: k = {k}, but axis {axis} of shape {tuple(x.shape)} has {n} entries"
        )
    values, indices = sort(x, dim, largest)
    if not np.ndim(x):
        return ValuesAndIndices(values, indices)
    first = along(axis, slice(k))
    return ValuesAndIndices(values[first], indices[first])


@op(notation="unique {x}")
def _unique(x: Array, return_inverse: bool, return_counts: bool, dim: int | None) -> Any:
    """Each entry once, and where it occurs.

    Forward    the distinct entries in order; the place of each entry of x; how often each is
    Gradient   none
    Shapes     (...) -> (k,), (...), (k,)
    """
    everything: Any = {"return_inverse": True, "return_counts": True, "axis": dim}
    values, inverse, counts = np.unique(x, **everything)
    return (values, *[inverse] * return_inverse, *[counts] * return_counts)


@composition
def unique(
    x: Array,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Each entry once; or each layer along an axis.

    Forward    out = the distinct entries, always in order; with `return_inverse` also the place
               of each entry of x among them, with `return_counts` how often each occurs
    Gradient   x̄ = ḡ at the first of equal entries, else 0
    Shapes     (...) -> (k,); the inverse has the shape of x, the counts (k,)
    Raises     AxisError if x has no such axis
    Example    >>> mg.unique(mg.tensor([3, 1, 3]))
               tensor([1, 3])
    """
    found: Any
    if return_inverse or return_counts:
        found = _unique(x, return_inverse, return_counts, dim)
    else:
        found = _unique_values(x, dim)
    if getattr(x, "_node", None) is None:
        return found
    values = first_of_equal(x, dim)
    return (values, *found[1:]) if isinstance(found, tuple) else values


def first_of_equal(x: Any, dim: int | None) -> Any:
    """The distinct entries or layers of a tensor, taken from where each of them is first."""
    first: Any = np.unique(plain(x), return_index=True, axis=dim)[1]
    if dim is None:
        return _take(x, first)
    return _getitem(x, along(normalize_axis_index(dim, x.ndim), first))


@op(notation="unique {x}")
def _unique_values(x: Array, dim: int | None) -> Array:
    """Each entry once.

    Forward    out = the distinct entries in order
    Gradient   none
    Shapes     (...) -> (k,)
    """
    return np.unique(x, axis=dim)
