"""Diagonals and triangles of matrices, and one-hot vectors."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.ops.matrices import check_matrix
from minigrad.ops.shaping import clone, reshape
from minigrad.typed import Tensor

__all__ = ["diag", "diag_embed", "diagflat", "diagonal", "trace", "tril", "triu"]


def two_axes(name: str, ndim: int, dim1: int, dim2: int) -> tuple[int, int]:
    """Two different axes, counted from 0."""
    axes = normalize_axis_index(dim1, ndim), normalize_axis_index(dim2, ndim)
    if axes[0] == axes[1]:
        raise ValueError(f"{name}: two different axes are needed, got {dim1} twice")
    return axes


def view_of_diagonal(x: Array, offset: int, dim1: int, dim2: int) -> Array:
    """``np.diagonal``, which can be written to where x can."""
    out = x.diagonal(offset, dim1, dim2)
    if type(out) is np.ndarray and x.flags.writeable:
        out.flags.writeable = True  # NumPy's own caution of 2012, when this became a view
    return out


@op(
    lambda g, x_shape, offset, dim1, dim2: _diagonal_into(g, x_shape, offset, dim1, dim2),
    view=True,
    notation="diagonal({x})",
)
def diagonal(x: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """The diagonal of each matrix along two axes, as the last axis: a view.

    offset     0: the main diagonal; k > 0: the k-th above it; k < 0: below
    Forward    out[..., i] = x[i, ..., i + offset] for the axes 0 and 1
    Gradient   x̄ = zeros, with ḡ on the diagonal
    Shapes     (n, m, ...) -> (..., length of the diagonal)
    Raises     AxisError if an axis is out of range; ValueError if both are the same
    Example    >>> mg.diagonal(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
               tensor([1., 4.])
    """
    dim1, dim2 = two_axes("diagonal", x.ndim, dim1, dim2)
    return view_of_diagonal(x, offset, dim1, dim2)


@op(
    lambda g, offset, dim1, dim2: diagonal(g, offset, dim1, dim2),
    notation="diagonal({g})ᵀ",
)
def _diagonal_into(g: Array, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Array:
    """The transpose of `diagonal`: zeros of `shape`, with g on the diagonal.

    Forward    out[i, ..., i + offset] = g[..., i], and 0 elsewhere
    Gradient   ḡ = the diagonal of out̄
    Shapes     (..., length of the diagonal) -> shape
    """
    out = np.zeros_like(g, shape=shape)
    view_of_diagonal(out, offset, dim1, dim2)[...] = g
    return out


@composition
def diag_embed(x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last axis of x as their diagonal, zeros elsewhere.

    Forward    out[..., i, i + offset] = x[..., i]
    Gradient   x̄ = the diagonals of ḡ
    Shapes     (..., n) -> (..., n + |offset|, n + |offset|), the matrices along `dim1` and `dim2`
    Raises     ValueError if x is 0-d, or if both axes are the same; AxisError if one is out of
               range
    Example    >>> mg.diag_embed(mg.tensor([1.0, 2.0]))
               tensor([[1., 0.],
                       [0., 2.]])
    """
    if not x.shape:
        raise ValueError("diag_embed: x is 0-d, it has no axis to put on a diagonal")
    dim1, dim2 = two_axes("diag_embed", len(x.shape) + 1, dim1, dim2)
    shape = list(x.shape[:-1])
    for axis in sorted((dim1, dim2)):
        shape.insert(axis, x.shape[-1] + abs(offset))
    return _diagonal_into(x, tuple(shape), offset, dim1, dim2)


@composition
def diag(x: Any, diagonal: int = 0) -> Tensor:
    """A matrix with a vector on its diagonal, or the diagonal of a matrix (a copy).

    diagonal   0: the main one; k > 0: the k-th above it; k < 0: below
    Forward    out[i, i + k] = x[i]; for a matrix out[i] = x[i, i + k]
    Gradient   x̄ = the diagonal of ḡ; for a matrix zeros, with ḡ on the diagonal
    Shapes     (n,) -> (n + |k|, n + |k|); (n, m) -> (length of the diagonal,)
    Raises     ValueError if x has another number of axes; see diagonal and diag_embed
    Example    >>> mg.diag(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
               tensor([2.])
    """
    if len(x.shape) == 1:
        return diag_embed(x, diagonal)
    if len(x.shape) == 2:
        return clone(diagonal_of(x, diagonal))
    raise ValueError(
        f"diag: takes a vector or a matrix, got shape {tuple(x.shape)}; for stacks of matrices see "
        "diagonal and diag_embed"
    )


diagonal_of = diagonal  # `diag` has an argument of that name


@composition
def diagflat(x: Any, offset: int = 0) -> Tensor:
    """A matrix with all entries of x on its diagonal.

    Forward    out[i, i + offset] = x.ravel()[i]
    Gradient   x̄ = the diagonal of ḡ
    Shapes     (...) of n entries -> (n + |offset|, n + |offset|)
    Example    >>> mg.diagflat(mg.tensor([[1.0, 2.0]]))
               tensor([[1., 0.],
                       [0., 2.]])
    """
    return diag_embed(reshape(x, -1), offset)


@op(
    lambda g, x_shape: np.where(np.eye(*x_shape, dtype=np.bool_), g, 0),
    notation="tr({x})",
)
def trace(x: Array) -> Array:
    """The sum of the diagonal of a matrix.

    Forward    out = Σ x[i, i]
    Gradient   x̄ = ḡ on the diagonal, 0 elsewhere: ḡ I
    Shapes     (n, m) -> ()
    Raises     ValueError if x is not a matrix; for stacks of matrices diagonal(...).sum(-1)
    Source     Petersen and Pedersen 2012, equation 99
    Example    >>> mg.trace(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
               tensor(5.)
    """
    if x.ndim != 2:
        raise ValueError(f"trace: takes a matrix, got shape {x.shape}; see diagonal(...).sum(-1)")
    return x.trace(dtype=np.int64 if x.dtype == np.uint8 else None)  # as in PyTorch


@lru_cache(maxsize=64)
def triangle(n: int, m: int, k: int) -> Array:
    """True on and below the k-th diagonal of an n by m matrix."""
    mask = np.tri(n, m, k, dtype=bool)
    mask.flags.writeable = False
    return mask


@op(lambda g, diagonal: tril(g, diagonal), notation="tril({x})")
def tril(x: Array, diagonal: int = 0) -> Array:
    """The lower triangle of each matrix, zeros elsewhere.

    diagonal   the last diagonal to keep: 0 the main one, k > 0 the k-th above it
    Forward    out[..., i, j] = x[..., i, j] where j ≤ i + diagonal, else 0
    Gradient   x̄ = the same triangle of ḡ
    Shapes     (..., n, m) -> (..., n, m)
    Raises     ValueError if x has fewer than two axes
    Example    >>> mg.tril(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
               tensor([[1., 0.],
                       [3., 4.]])
    """
    check_matrix("tril", x)
    return np.where(triangle(x.shape[-2], x.shape[-1], diagonal), x, x.dtype.type(0))


@op(lambda g, diagonal: triu(g, diagonal), notation="triu({x})")
def triu(x: Array, diagonal: int = 0) -> Array:
    """The upper triangle of each matrix, zeros elsewhere.

    diagonal   the first diagonal to keep: 0 the main one, k > 0 the k-th above it
    Forward    out[..., i, j] = x[..., i, j] where j ≥ i + diagonal, else 0
    Gradient   x̄ = the same triangle of ḡ
    Shapes     (..., n, m) -> (..., n, m)
    Raises     ValueError if x has fewer than two axes
    Example    >>> mg.triu(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
               tensor([[1., 2.],
                       [0., 4.]])
    """
    check_matrix("triu", x)
    return np.where(triangle(x.shape[-2], x.shape[-1], diagonal - 1), x.dtype.type(0), x)


@op(notation="one_hot({x})")
def _one_hot(x: Array, num_classes: int) -> Array:
    """Ones at the positions that x says, which were checked; see `one_hot`.

    Forward    out[..., j] = 1 where j = x[...], else 0
    Gradient   none: the result holds integers
    Shapes     (...) of integers -> (..., num_classes) of integers
    """
    return (x[..., None] == np.arange(num_classes)).astype(np.int64)


@composition
def one_hot(x: Any, num_classes: int = -1) -> Any:
    """Vectors of zeros with a one at the position that x says.

    num_classes  length of the vectors; -1: the largest entry of x plus 1
    Forward      out[..., j] = 1 where j = x[...], else 0
    Gradient     none: the result holds integers
    Shapes       (...) of integers 0 ... num_classes - 1 -> (..., num_classes) of integers
    Raises       TypeError if x holds no integers; ValueError if an entry is negative or too large
    Example      >>> mg.nn.functional.one_hot(mg.tensor([0, 2]))
                 tensor([[1, 0, 0],
                         [0, 0, 1]])
    """
    positions = np.asarray(getattr(x, "_array", x))
    if positions.dtype.kind not in "iu":
        raise TypeError(f"one_hot: classes are integers, got {positions.dtype}")
    if num_classes == -1:
        if not positions.size:
            raise ValueError("one_hot: there are no entries to tell num_classes from; pass it")
        num_classes = int(positions.max()) + 1
    if positions.size and not 0 <= positions.min() <= positions.max() < num_classes:
        raise ValueError(
            f"one_hot: classes are from 0 to {num_classes - 1}, got {positions.min()} to "
            f"{positions.max()}"
        )
    return _one_hot(x, num_classes)
