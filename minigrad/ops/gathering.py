"""Taking and putting along one axis, by tensors of positions, and by masks.

``index`` holds integers.  For `gather` and its relatives it has as many axes as x, and says for
each entry of the result where along `dim` it comes from: ``out[i, j] = x[index[i, j], j]`` for dim
0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.lib.stride_tricks import as_strided

from minigrad.calls import Array, Variable, op, own_array
from minigrad.composition import composition
from minigrad.graph import plain
from minigrad.memory import owner_of
from minigrad.noted import noted
from minigrad.ops.elementwise import scaled
from minigrad.ops.indexing import (
    _add_at,
    _getitem,
    _setitem,
    _take,
    getitem,
    integers,
    setitem,
)
from minigrad.ops.joining import along
from minigrad.ops.reduction import row_starts
from minigrad.ops.shaping import broadcast_to, clone, reshape
from minigrad.typed import Tensor

__all__ = [
    "gather", "index_add", "index_copy", "index_fill", "index_select", "masked_scatter", "scatter",
    "scatter_add", "take_along_dim",
]  # fmt: skip

P = ParamSpec("P")

# ------------------------------------------------------------------------------- 0-d tensors


def takes_0d(function: Callable[P, Any]) -> Callable[P, Any]:
    """`function` of (x, dim, ...), which then takes a 0-d x as one with an axis of size 1.

    So does PyTorch; index and source may be 0-d as well.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        x: Any = args[0] if args else kwargs.get("x", kwargs.get("input"))
        if np.ndim(x) or x is None:
            return function(*args, **kwargs)
        given: Any = tuple(map(with_an_axis, args))
        named: Any = {name: with_an_axis(value) for name, value in kwargs.items()}
        return reshape(function(*given, **named), ())

    return call


def with_an_axis(value: Any) -> Any:
    """A 0-d tensor or array as a vector; anything else as it is."""
    if not isinstance(value, (Variable, np.ndarray)):
        return value
    entries: Any = value
    return entries if entries.ndim else entries.reshape(1)


# ------------------------------------------------------------------------------- whole slices


def slices_index(name: str, x: Any, dim: int, index: Any) -> tuple[Any, ...]:
    """The index that takes the slices `index` along axis `dim`."""
    positions = integers(name, index)
    if positions.ndim > 1:
        raise ValueError(f"{name}: the index is a vector, got shape {positions.shape}")
    return along(normalize_axis_index(dim, len(x.shape)), positions.reshape(-1))


@takes_0d
@composition
def index_select(x: Any, dim: int, index: Any) -> Tensor:
    """Slices of a tensor along an axis, in any order and number.

    Forward    out[..., i, ...] = x[..., index[i], ...]
    Gradient   x̄ = zeros, with the slices of ḡ added at `index`
    Shapes     (..., n, ...), (k,) -> (..., k, ...)
    Raises     IndexError if a position is out of range or not an integer; ValueError unless `index`
               is a vector
    Example    >>> mg.index_select(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, mg.tensor([1, 1, 0]))
               tensor([[2., 2., 1.],
                       [4., 4., 3.]])
    """
    return _getitem(x, slices_index("index_select", x, dim, index))


@takes_0d
@composition
def index_add(x: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
    """A copy of x with slices added along an axis, repeated positions adding up.

    Forward    out = x; out[..., index[i], ...] += alpha source[..., i, ...]
    Gradient   x̄ = ḡ        source̅ = alpha ḡ[..., index[i], ...]
    Shapes     (..., n, ...), (k,), (..., k, ...) -> (..., n, ...)
    Raises     IndexError if an index is out of range; ValueError if the source does not fit
    Example    >>> mg.index_add(mg.zeros(2), 0, mg.tensor([0, 0]), mg.tensor([1.0, 2.0]))
               tensor([3., 0.])
    """
    where = slices_index("index_add", x, dim, index)
    check_source("index_add", x, where, source)
    return _add_at(x, source if alpha == 1 else scaled(source, alpha), where)


@takes_0d
@composition
def index_copy(x: Any, dim: int, index: Any, source: Any) -> Tensor:
    """A copy of x with slices replaced along an axis.

    Forward    out = x; out[..., index[i], ...] = source[..., i, ...]
    Gradient   x̄ = ḡ, zero at `index`        source̅ = ḡ[..., index[i], ...]
    Shapes     (..., n, ...), (k,), (..., k, ...) -> (..., n, ...)
    Raises     IndexError if an index is out of range; ValueError if the source does not fit
    Example    >>> mg.index_copy(mg.zeros(3), 0, mg.tensor([2, 0]), mg.tensor([1.0, 2.0]))
               tensor([2., 0., 1.])
    """
    where = slices_index("index_copy", x, dim, index)
    check_source("index_copy", x, where, source)
    return _setitem(x, source, where)


@takes_0d
@composition
def index_fill(x: Any, dim: int, index: Any, value: Any) -> Tensor:
    """A copy of x with slices along an axis filled with one number.

    Forward    out = x; out[..., index[i], ...] = value
    Gradient   x̄ = ḡ, zero at `index`        value̅ = Σ ḡ there
    Shapes     (..., n, ...), (k,) -> (..., n, ...)
    Raises     IndexError if an index is out of range; ValueError if `value` is not one number
    Example    >>> mg.index_fill(mg.zeros(3), 0, mg.tensor([0, 2]), 5.0)
               tensor([5., 0., 5.])
    """
    value = value.reshape(()) if np.shape(value) == (1,) else value
    if np.shape(value) != ():
        raise ValueError(f"index_fill: value is one number, got shape {np.shape(value)}")
    return _setitem(x, value, slices_index("index_fill", x, dim, index))


def check_source(name: str, x: Any, where: tuple[Any, ...], source: Any) -> None:
    """Refuse slices that are not of the shape that `where` takes of x."""
    *before, positions = where
    shape = list(x.shape)
    shape[len(before)] = positions.size
    if tuple(source.shape) != tuple(shape):
        raise ValueError(
            f"{name}: the source has shape {tuple(source.shape)}, needed is {tuple(shape)}"
        )


# -------------------------------------------------------------------------------- entry by entry


def mesh(name: str, x: Any, dim: int, index: Any) -> tuple[Any, ...]:
    """The index that takes, along axis `dim`, what `index` says for each entry of the result."""
    positions = integers(name, index)
    shape = tuple(x.shape)
    if positions.ndim != len(shape):
        raise ValueError(
            f"{name}: index has shape {positions.shape}, x has {shape}; they need as many axes"
        )
    if not shape:
        normalize_axis_index(dim, 1)  # the only entry: PyTorch takes dim 0 or -1
        return ()
    dim = normalize_axis_index(dim, len(shape))
    if positions.size and any(
        n > m for i, (n, m) in enumerate(zip(positions.shape, shape)) if i != dim
    ):
        raise ValueError(
            f"{name}: index of shape {positions.shape} is larger than x of shape {shape} "
            f"along an axis other than {dim}"
        )
    grid = open_grid(positions.shape)
    return (*grid[:dim], positions, *grid[dim + 1 :])


@lru_cache(maxsize=64)
def open_grid(shape: tuple[int, ...]) -> tuple[Array, ...]:
    """The positions along each axis, shaped to broadcast against the others: ``np.ogrid``."""
    grid = np.ogrid[tuple([slice(n) for n in shape])]
    for positions in grid:
        positions.flags.writeable = False
    return tuple(grid)


@composition
def gather(x: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Tensor:
    """Entries along an axis, one choice for each entry of the result.

    sparse_grad   accepted for PyTorch's sake: gradients are dense

    Forward    out[i, j] = x[index[i, j], j] for dim 0, x[i, index[i, j]] for dim 1, and so on
    Gradient   x̄ = zeros, with ḡ added where the entries came from
    Shapes     (n, m), (k, l) with l ≤ m for dim 0 -> (k, l)
    Raises     IndexError if an index is out of range; ValueError if the shapes do not fit
    Example    >>> mg.gather(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, mg.tensor([[1], [0]]))
               tensor([[2.],
                       [3.]])
    """
    if np.ndim(x) < 2 and np.ndim(x) != np.ndim(index) < 2:  # a number is a vector of one entry
        return reshape(gather(reshape(x, -1), dim, index.reshape(-1)), np.shape(index))
    if 0 in np.shape(index) and np.ndim(x) != np.ndim(index):  # nothing to take, as in PyTorch
        return reshape(getitem(reshape(x, -1), slice(0)), np.shape(index))
    where = mesh("gather", x, dim, index)
    if not where:
        return clone(x)
    if dim in (-1, len(where) - 1) and where[-1].size > FEW:
        positions, shape = where[-1], tuple(x.shape)
        fit = positions.shape[:-1] == shape[:-1]
        if fit and positions.min() >= 0 and positions.max() < shape[-1]:
            # row-major positions cost half of what an index with several arrays does
            return _take(x, positions + row_starts(shape)[..., None])
    return _getitem(x, where)


FEW = 1024  # entries; measured


@composition
def take_along_dim(x: Any, indices: Any, dim: int | None = None) -> Tensor:
    """`gather`, whose arguments broadcast along the other axes.

    dim        None: positions in row-major order, of a vector
    Forward    out[i, j] = x[i, indices[i, j]] for dim 1
    Gradient   x̄ = zeros, with ḡ added where the entries came from
    Shapes     (..., n, ...), (..., k, ...) -> (..., k, ...)
    Raises     IndexError if an index is out of range; ValueError if the shapes do not fit
    Example    >>> x = mg.tensor([[3.0, 1.0, 2.0]])
               >>> mg.take_along_dim(x, mg.argsort(x, 1), 1)
               tensor([[1., 2., 3.]])
    """
    positions = integers("take_along_dim", indices)
    if dim is None:
        return gather(reshape(x, -1), 0, noted(flattened, positions))
    if positions.ndim != len(x.shape):
        raise ValueError(
            f"take_along_dim: indices of shape {positions.shape} and x of shape {tuple(x.shape)} "
            "need as many axes"
        )
    dim = normalize_axis_index(dim, len(x.shape))
    one = tuple([1 if i == dim else n for i, n in enumerate(x.shape)])
    shape = list(np.broadcast_shapes(one, tuple([1 if i == dim else n for i, n in
                                                 enumerate(positions.shape)])))  # fmt: skip
    shape[dim] = x.shape[dim]
    x = broadcast_to(x, tuple(shape)) if tuple(shape) != tuple(x.shape) else x
    shape[dim] = positions.shape[dim]
    if positions.shape != tuple(shape):
        positions = noted(stretched, positions, tuple(shape))
    return gather(x, dim, positions)


def flattened(positions: Array) -> Array:
    return positions.reshape(-1)


def stretched(positions: Array, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(positions, shape)


def part_for(name: str, index: Any, source: Any) -> Any:
    """The leading part of `source` that has the shape of `index`."""
    shape = np.shape(index)
    if np.ndim(source) == 0 and len(shape):
        return source
    if len(source.shape) != len(shape) or any(n > m for n, m in zip(shape, source.shape)):
        raise ValueError(
            f"{name}: the source has shape {tuple(source.shape)}, smaller than the index {shape}"
        )
    return source if tuple(source.shape) == shape else getitem(source, tuple(map(slice, shape)))


@takes_0d
@composition
def scatter(x: Any, dim: int, index: Any, src: Any = None, *, value: Any = None,
            reduce: str | None = None) -> Tensor:  # fmt: skip
    """A copy of x with entries replaced along an axis: the reverse of `gather`.

    src        a tensor at least as large as the index, or one number (also `value`)
    reduce     "add" or "multiply": add to what is there, or multiply it, instead
    Forward    out = x; out[index[i, j], j] = src[i, j] for dim 0
    Gradient   x̄ = ḡ, zero where replaced        src̅ = ḡ there; of several for one position only
               the last gets it
    Shapes     (n, m), (k, l), (k, l) -> (n, m)
    Raises     IndexError if an index is out of range; ValueError if the shapes do not fit
    Example    >>> mg.scatter(mg.zeros(2, 2), 1, mg.tensor([[1], [0]]), 5.0)
               tensor([[0., 5.],
                       [5., 0.]])
    """
    index = index.reshape(1) if np.ndim(x) == 1 and np.ndim(index) == 0 else index
    source = value if src is None else src
    if source is None:
        raise TypeError("scatter: there is nothing to put in; give src or value")
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise ValueError(f"scatter: reduce is None, 'add' or 'multiply', got {reduce!r}")
        if np.ndim(source) == 0:
            source = np.full_like(x, plain(source), shape=np.shape(index))
        if reduce == "add":
            return scatter_add(x, dim, index, source)
        from minigrad.ops.scattering import scatter_reduce  # which imports this file

        return scatter_reduce(x, dim, index, source, "prod")
    where = mesh("scatter", x, dim, index)
    return _setitem(x, part_for("scatter", index, source), where)


@takes_0d
@composition
def scatter_add(x: Any, dim: int, index: Any, src: Any) -> Tensor:
    """A copy of x with entries added along an axis: the transpose of `gather`.

    Forward    out = x; out[index[i, j], j] += src[i, j] for dim 0, repeated positions adding up
    Gradient   x̄ = ḡ        src̅[i, j] = ḡ[index[i, j], j]
    Shapes     (n, m), (k, l), (k, l) -> (n, m)
    Raises     IndexError if an index is out of range; ValueError if the shapes do not fit
    Example    >>> mg.scatter_add(mg.zeros(2), 0, mg.tensor([1, 1]), mg.tensor([1.0, 2.0]))
               tensor([0., 3.])
    """
    index = index.reshape(1) if np.ndim(x) == 1 and np.ndim(index) == 0 else index
    where = mesh("scatter_add", x, dim, index)
    return _add_at(x, part_for("scatter_add", index, src), where)


# ---------------------------------------------------------------------------------------- by mask


def mask_of(name: str, mask: Any) -> Array:
    """`mask` as an array of booleans."""
    # a plain array is copied: nobody would know if it was written to before backward
    array = mask._array if isinstance(mask, Variable) else own_array(np.asarray(mask))
    if array.dtype != bool:
        raise TypeError(f"{name}: the mask is boolean, got {array.dtype}; compare, or use .bool()")
    return array


@composition
def masked_scatter(x: Any, mask: Any, source: Any) -> Tensor:
    """x with the entries of `source`, one after the other, where the mask is true.

    Forward    out = x; out[mask] = source.ravel()[: number of entries]
    Gradient   x̄ = ḡ where not mask, else 0        source̅ = the entries of ḡ, zeros for what was
               unused
    Shapes     (...), (...), (...) -> broadcast (...) of the first two
    Raises     TypeError if the mask is not boolean; ValueError if the source has too few entries
    Example    >>> mask = mg.tensor([True, False, True])
               >>> mg.masked_scatter(mg.zeros(3), mask, mg.tensor([1.0, 2.0, 3.0]))
               tensor([1., 0., 2.])
    """
    known = mask_of("masked_scatter", mask)
    shape = np.broadcast_shapes(known.shape, tuple(x.shape))
    x = broadcast_to(x, shape) if shape != tuple(x.shape) else x
    where = np.broadcast_to(known, shape)
    count = int(where.sum())
    entries = reshape(source, -1)
    if entries.shape[0] < count:
        raise ValueError(
            f"masked_scatter: the mask has {count} entries, the source only {entries.shape[0]}"
        )
    return setitem(x, getitem(entries, slice(count)), where)


# ---------------------------------------------------------------------------------------- windows


@op(
    lambda g, x_shape, dimension, size, step: _overlap_add(g, x_shape, dimension, size, step),
    view=True,
    notation="unfold({x})",
)
def unfold(x: Array, dimension: int, size: int, step: int) -> Array:
    """Windows along an axis: a view, which can be written to where they do not overlap.

    Forward    out[..., w, ..., k] = x[..., w step + k, ...]
    Gradient   x̄ = the windows of ḡ, added where they overlap
    Shapes     (..., n, ...) -> (..., ⌊(n - size) / step⌋ + 1, ..., size)
    Raises     ValueError if a window does not fit, or the step is not positive
    Example    >>> mg.arange(5).unfold(0, 3, 2)
               tensor([[0, 1, 2],
                       [2, 3, 4]])
    """
    axis = normalize_axis_index(dimension, x.ndim or 1)
    n = x.shape[axis] if x.ndim else 1
    if step < 1:
        raise ValueError(f"unfold: the step is positive, got {step}")
    if not 0 <= size <= n:
        raise ValueError(f"unfold: windows of size {size} do not fit in an axis of size {n}")
    if not x.ndim:
        return x.reshape(1)[:size]
    shape = (*x.shape[:axis], (n - size) // step + 1, *x.shape[axis + 1 :], size)
    strides = (*x.strides[:axis], x.strides[axis] * step, *x.strides[axis + 1 :], x.strides[axis])
    view = strided(x, shape, strides)
    view.flags.writeable = view.flags.writeable and step >= size
    return view


def strided(x: Array, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> Array:
    """A view of the memory of x; unlike NumPy's `as_strided`, with x in its chain of bases."""
    owner = owner_of(x)
    buffer = owner if owner.flags.c_contiguous else owner.T
    if not buffer.flags.c_contiguous or not x.size:
        return as_strided(x, shape, strides)
    start = x.__array_interface__["data"][0] - buffer.__array_interface__["data"][0]
    view: Array = np.ndarray(shape, x.dtype, buffer, start + offset, strides)
    return view


@op(
    lambda g, dimension, size, step: unfold(g, dimension, size, step),
    notation="unfold({g})ᵀ",
)
def _overlap_add(g: Array, shape: tuple[int, ...], dimension: int, size: int, step: int) -> Array:
    """The transpose of `unfold`: windows added where they overlap.

    Forward    out[..., w step + k, ...] += g[..., w, ..., k]
    Gradient   ḡ = the windows of out̄
    Shapes     (..., w, ..., size) -> shape
    """
    if not shape:
        return g.sum()
    dimension = normalize_axis_index(dimension, len(shape))
    out = np.zeros_like(g, shape=shape)
    span = (g.shape[dimension] - 1) * step + 1
    for k in range(size):  # the windows' k-th entries lie apart: no two of them meet
        out[along(dimension, slice(k, k + span, step))] += g[..., k]
    return out
