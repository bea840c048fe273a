"""Ops that rearrange entries without changing them.

Where NumPy can, the result is a view of the same memory, as in PyTorch.  ``dim`` counts from 0, or
from the end if negative; one that is out of range is refused by NumPy's AxisError, which is both an
IndexError and a ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import update_wrapper, wraps
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.graph import Variable
from minigrad.memory import Alias

__all__ = [
    "T", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_tensors", "broadcast_to",
    "expand", "flatten", "mT", "moveaxis", "movedim", "permute", "ravel", "reshape", "squeeze",
    "swapaxes", "swapdims", "t", "transpose", "unflatten", "unsqueeze",
]  # fmt: skip


def numbers(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of ``f(2, 3)`` or ``f((2, 3))``, as one tuple."""
    if len(values) == 1 and isinstance(values[0], (tuple, list)):
        return tuple(values[0])
    return values


# ------------------------------------------------------------------------------------ another shape


@op(lambda g, x_shape: g.reshape(x_shape), view=True, notation="reshape({x})")
def reshape(x: Array, *shape: Any) -> Array:
    """The same entries in another shape, in row-major order; a view where possible.

    Forward    out = x, read row by row into `shape`; one size may be -1
    Gradient   x̄ = ḡ, read back into the shape of x
    Shapes     (...) -> shape
    Raises     ValueError if the sizes differ
    Example    >>> mg.arange(6).reshape(2, 3)
               tensor([[0, 1, 2],
                       [3, 4, 5]])
    """
    return x.reshape(shape)


@composition
def view(x: Any, *shape: int) -> Any:
    """`reshape`; where no view is possible it is a copy that cannot be written to.

    PyTorch refuses there.  To read a copy is harmless, but a change of it that was meant for x
    would be lost without a word: it is refused.

    Forward    out = x, read row by row into `shape`
    Gradient   x̄ = ḡ, read back into the shape of x
    Shapes     (...) -> shape
    Raises     ValueError if the sizes differ
    Example    >>> mg.arange(4).view(2, 2)
               tensor([[0, 1],
                       [2, 3]])
    """
    return guarded(reshape(x, *shape), x)


def guarded(out: Any, x: Any) -> Any:
    """`out`, which cannot be written to if it is a copy of x."""
    array, source = [each._array if isinstance(each, Variable) else each for each in (out, x)]
    if isinstance(array, np.ndarray) and array.size and not np.may_share_memory(array, source):
        array.flags.writeable = False
        if isinstance(out, Variable):  # in-place operations on it look whether they may
            out._alias = Alias(out)
            out._alias.detached = True
    return out


@composition
def view_as(x: Any, other: Any) -> Any:
    """`x` in the shape of another tensor.

    Forward    out = x, read row by row into the shape of other
    Gradient   x̄ = ḡ, read back into the shape of x
    Shapes     (...), (m, k) -> (m, k)
    Example    >>> mg.arange(4).view_as(mg.zeros(2, 2)).shape
               (2, 2)
    """
    return guarded(reshape(x, other.shape), x)


@composition
def reshape_as(x: Any, other: Any) -> Any:
    """`x` in the shape of another tensor; a copy where no view is possible.

    Forward    out = x, read row by row into the shape of other
    Gradient   x̄ = ḡ, read back into the shape of x
    Shapes     (...), (m, k) -> (m, k)
    Example    >>> mg.arange(4).reshape_as(mg.zeros(2, 2)).shape
               (2, 2)
    """
    return reshape(x, other.shape)


@op(lambda g, x_shape: g.reshape(x_shape), view=True, notation="flatten({x})")
def flatten(x: Array, start_dim: int = 0, end_dim: int = -1) -> Array:
    """Neighbouring axes made into one.

    Forward    out[..., i, ...] = x, its axes from `start_dim` to `end_dim` read row by row
    Gradient   x̄ = ḡ, read back into the shape of x
    Shapes     (..., n, ..., m, ...) -> (..., n ⋯ m, ...); a 0-d tensor becomes (1,)
    Raises     AxisError if an axis is out of range; ValueError if start_dim is behind end_dim
    Example    >>> mg.flatten(mg.zeros(2, 3, 4), 1).shape
               (2, 12)
    """
    if not x.ndim:
        return x.reshape(1)
    start, end = normalize_axis_index(start_dim, x.ndim), normalize_axis_index(end_dim, x.ndim)
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} is behind end_dim {end_dim}")
    shape = x.shape
    return x.reshape((*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


@op(lambda g, x_shape: g.reshape(x_shape), view=True, notation="unflatten({x})")
def unflatten(x: Array, dim: int, sizes: Sequence[int]) -> Array:
    """One axis made into several.

    Forward    out = x, its axis `dim` read row by row into `sizes`, of which one may be -1
    Gradient   x̄ = ḡ, read back into the shape of x
    Shapes     (..., n, ...) -> (..., *sizes, ...)
    Raises     ValueError if the product of the sizes is not n; AxisError if the axis is out of
               range
    Example    >>> mg.unflatten(mg.zeros(2, 12), 1, (3, -1)).shape
               (2, 3, 4)
    """
    dim = normalize_axis_index(dim, x.ndim)
    try:  # before the other axes can lend their entries to a wrong product
        sizes = np.broadcast_to(0, x.shape[dim]).reshape(tuple(sizes)).shape
    except ValueError as error:
        error.add_note(f"unflatten: an axis of size {x.shape[dim]} into sizes {tuple(sizes)}")
        raise
    return x.reshape((*x.shape[:dim], *sizes, *x.shape[dim + 1 :]))


@composition
def ravel(x: Any) -> Any:
    """All entries in one axis, in row-major order.

    Forward    out = x, read row by row
    Gradient   x̄ = ḡ, read back into the shape of x
    Shapes     (...) -> (n,)
    Example    >>> mg.ravel(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
               tensor([1., 2., 3., 4.])
    """
    return reshape(x, -1)


def squeezed(shape: tuple[int, ...], dim: Any) -> tuple[int, ...]:
    """`shape` without the axes `dim` (None: without all) where these have size 1."""
    if dim is None:
        return tuple([n for n in shape if n != 1])
    if not shape:  # PyTorch takes 0 and -1 for a 0-d tensor, which has nothing to squeeze
        normalize_axis_tuple(dim, 1)
        return shape
    dims = normalize_axis_tuple(dim, len(shape))
    return tuple([n for i, n in enumerate(shape) if n != 1 or i not in dims])


@op(lambda g, x_shape: g.reshape(x_shape), view=True, notation="squeeze({x})")
def squeeze(x: Array, dim: int | tuple[int, ...] | None = None) -> Array:
    """Without axes of size 1.

    Forward    out = x, without its axes of size 1 among `dim` (None: all); others stay
    Gradient   x̄ = ḡ, in the shape of x
    Shapes     (n, 1, m) -> (n, m)
    Raises     AxisError if an axis is out of range
    Example    >>> mg.squeeze(mg.zeros(2, 1, 3)).shape
               (2, 3)
    """
    return x.reshape(squeezed(x.shape, dim))


@op(lambda g, x_shape: g.reshape(x_shape), view=True, notation="unsqueeze({x})")
def unsqueeze(x: Array, dim: int) -> Array:
    """With a new axis of size 1 at position `dim` of the result.

    Forward    out[..., 0, ...] = x
    Gradient   x̄ = ḡ, without the axis
    Shapes     (n, m) -> (n, 1, m)
    Raises     AxisError if the position is out of range
    Example    >>> mg.unsqueeze(mg.zeros(2, 3), 1).shape
               (2, 1, 3)
    """
    dim = normalize_axis_index(dim, x.ndim + 1)
    return x.reshape((*x.shape[:dim], 1, *x.shape[dim:]))


@composition
def atleast_1d(*tensors: Any) -> Any:
    """0-d tensors as vectors of one entry; others as they are.

    Returns    the tensor, or a tuple if several (or a sequence) were given
    Forward    out = x, its single entry in an axis
    Gradient   x̄ = ḡ, in the shape of x
    Shapes     () -> (1,)
    Example    >>> mg.atleast_1d(mg.tensor(1.0))
               tensor([1.])
    """
    return each(lambda x: x if len(x.shape) else reshape(x, 1), tensors)


@composition
def atleast_2d(*tensors: Any) -> Any:
    """With axes of size 1 in front where there are fewer than two axes.

    Returns    the tensor, or a tuple if several (or a sequence) were given
    Forward    out = x, as a row
    Gradient   x̄ = ḡ, in the shape of x
    Shapes     () -> (1, 1); (n,) -> (1, n)
    Example    >>> mg.atleast_2d(mg.tensor([1.0, 2.0]))
               tensor([[1., 2.]])
    """
    return each(lambda x: x if len(x.shape) > 1 else reshape(x, 1, -1), tensors)


@composition
def atleast_3d(*tensors: Any) -> Any:
    """With axes of size 1 around where there are fewer than three axes.

    Returns    the tensor, or a tuple if several (or a sequence) were given
    Forward    out = x, with axes added
    Gradient   x̄ = ḡ, in the shape of x
    Shapes     () -> (1, 1, 1); (n,) -> (1, n, 1); (n, m) -> (n, m, 1)
    Example    >>> mg.atleast_3d(mg.tensor([1.0, 2.0])).shape
               (1, 2, 1)
    """

    def widened(x: Any) -> Any:
        if len(x.shape) > 2:
            return x
        return reshape(x, (*x.shape, 1)) if len(x.shape) == 2 else reshape(x, 1, -1, 1)

    return each(widened, tensors)


def each(function: Any, tensors: tuple[Any, ...]) -> Any:
    """`function` of one tensor, or a tuple of its results for several."""
    if len(tensors) == 1 and not isinstance(tensors[0], (tuple, list)):
        return function(tensors[0])
    return tuple([function(tensor) for tensor in numbers(tensors)])


# ------------------------------------------------------------------------------------ order of axes


@op(lambda g: g.T, view=True, notation="{x}ᵀ")
def T(x: Array) -> Array:
    """All axes reversed: the transpose of a matrix.

    Forward    out[i, ..., j] = x[j, ..., i]
    Gradient   x̄ = ḡᵀ
    Shapes     (n, ..., m) -> (m, ..., n)
    Example    >>> mg.T(mg.tensor([[1.0, 2.0]]))
               tensor([[1.],
                       [2.]])
    """
    return x.T


@op(lambda g: g.mT, numpy=np.matrix_transpose, view=True, notation="{x}ᵀ")
def mT(x: Array) -> Array:
    """The transpose of each matrix of a stack.

    Forward    out[..., i, j] = x[..., j, i]
    Gradient   x̄ = ḡᵀ, matrix by matrix
    Shapes     (..., n, m) -> (..., m, n)
    Raises     ValueError if x has fewer than two axes
    Example    >>> mg.mT(mg.tensor([[[1.0, 2.0]]])).shape
               (1, 2, 1)
    """
    return x.mT


@op(lambda g: g.T, view=True, notation="{x}ᵀ")
def t(x: Array) -> Array:
    """The transpose of a matrix; vectors and 0-d tensors stay as they are.

    Forward    out[i, j] = x[j, i]
    Gradient   x̄ = ḡᵀ
    Shapes     (n, m) -> (m, n)
    Raises     ValueError if x has more than two axes
    Example    >>> mg.t(mg.tensor([[1.0, 2.0]]))
               tensor([[1.],
                       [2.]])
    """
    if x.ndim > 2:
        raise ValueError(f"t: takes a matrix, got shape {x.shape}; use mT for stacks of matrices")
    return x.T


def by_axes(transpose: Callable[..., Any]) -> Callable[..., Any]:
    """Let ``transpose(x, axes)`` be NumPy's: all axes in the order of a tuple."""

    def call(*args: Any, **kwargs: Any) -> Any:
        numpys = "axes" in kwargs or (len(args) == 2 and isinstance(args[1], (tuple, list)))
        return permute(*args, **kwargs) if numpys else transpose(*args, **kwargs)

    update_wrapper(call, transpose)
    return call


@by_axes
@op(lambda g, dim0, dim1: transpose(g, dim0, dim1), view=True, notation="transpose({x})")
def transpose(x: Array, dim0: int, dim1: int) -> Array:
    """Two axes exchanged; with NumPy's tuple ``axes``, all in that order, as `permute` does.

    Forward    out[..., i, ..., j, ...] = x[..., j, ..., i, ...]
    Gradient   x̄ = ḡ, the same axes exchanged
    Shapes     (..., n, ..., m, ...) -> (..., m, ..., n, ...)
    Raises     AxisError if an axis is out of range
    Example    >>> mg.transpose(mg.zeros(2, 3, 4), 0, 2).shape
               (4, 3, 2)
    """
    if not x.ndim:  # it has one axis, as in PyTorch
        normalize_axis_tuple((dim0,), 1), normalize_axis_tuple((dim1,), 1)
        return x.reshape(())
    return x.swapaxes(dim0, dim1)


swapaxes = swapdims = transpose


def inverse_order(dims: Sequence[int]) -> tuple[int, ...]:
    """The order of axes that undoes `dims`."""
    order = [0] * len(dims)
    for i, dim in enumerate(dims):
        order[dim] = i
    return tuple(order)


@op(lambda g, dims: permute(g, inverse_order(dims)), view=True, notation="permute({x})")
def permute(x: Array, *dims: Any) -> Array:
    """The axes in another order.

    Forward    axis i of out is axis dims[i] of x
    Gradient   x̄ = ḡ, in the inverse order
    Shapes     (n₀, n₁, ...) -> (n_dims[0], n_dims[1], ...)
    Raises     ValueError if `dims` is not an order of all axes
    Example    >>> mg.permute(mg.zeros(2, 3, 4), (2, 0, 1)).shape
               (4, 2, 3)
    """
    return x.transpose(dims)


@op(
    lambda g, source, destination: movedim(g, destination, source),
    view=True,
    notation="movedim({x})",
)
def movedim(x: Array, source: Any, destination: Any) -> Array:
    """Axes moved to other places, the others kept in order.

    Forward    axis `destination` of out is axis `source` of x; both may be tuples
    Gradient   x̄ = ḡ, moved back
    Shapes     (n, m, k) -> (m, k, n) for source 0 and destination -1
    Raises     AxisError if an axis is out of range; ValueError if the two differ in number
    Example    >>> mg.movedim(mg.zeros(2, 3, 4), 0, -1).shape
               (3, 4, 2)
    """
    if not x.ndim:
        normalize_axis_tuple(source, 1), normalize_axis_tuple(destination, 1)
        return x.reshape(())
    return np.moveaxis(x, source, destination)


moveaxis = movedim

# -------------------------------------------------------------------------------------- repetition


def broadcast(x: Array, shape: tuple[int, ...]) -> Array:
    """``np.broadcast_to(x, shape)``, at a quarter of its cost where the memory is contiguous."""
    if type(x) is not np.ndarray or not x.flags.c_contiguous or not x.size or 0 in shape:
        return np.broadcast_to(x, shape)
    lead = len(shape) - x.ndim
    if lead < 0:
        return np.broadcast_to(x, shape)
    strides = [0] * lead
    for size, wanted, stride in zip(x.shape, shape[lead:], x.strides):
        if size != wanted and size != 1:
            return np.broadcast_to(x, shape)
        strides.append(stride if size != 1 else 0)
    out: Array = np.ndarray(shape, x.dtype, x, 0, tuple(strides))
    out.flags.writeable = False
    return out


@op(lambda g: g, view=True, notation="expand({x})")
def expand(x: Array, *shape: Any) -> Array:
    """Repeat x along axes of size 1, and along new leading axes, without copying.

    Forward    out = x, broadcast to `shape`; -1 leaves a size as it is
    Gradient   x̄ = ḡ, summed over the repeated axes (by the engine)
    Shapes     (..., 1, ...) -> shape
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.expand(mg.tensor([[1.0], [2.0]]), 2, 3)
               tensor([[1., 1., 1.],
                       [2., 2., 2.]])
    """
    lead = len(shape) - x.ndim
    if lead < 0:
        raise ValueError(f"expand: shape {shape} has fewer axes than x, of shape {x.shape}")
    if -1 in shape:
        if -1 in shape[:lead]:
            raise ValueError(f"expand: the size of a new axis cannot be -1, got {shape}")
        shape = tuple([x.shape[i - lead] if n == -1 else n for i, n in enumerate(shape)])
    return broadcast(x, shape)


@composition
def expand_as(x: Any, other: Any) -> Any:
    """`x`, broadcast to the shape of another tensor.

    Forward    out = x, broadcast
    Gradient   x̄ = ḡ, summed over the repeated axes
    Shapes     (..., 1, ...), (m, k) -> (m, k)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.tensor([1.0]).expand_as(mg.zeros(3))
               tensor([1., 1., 1.])
    """
    return expand(x, other.shape)


@composition
def broadcast_to(x: Any, size: Sequence[int]) -> Any:
    """`x`, broadcast to the shape `size`, without copying.

    Forward    out = x, broadcast
    Gradient   x̄ = ḡ, summed over the repeated axes
    Shapes     (..., 1, ...) -> size
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.broadcast_to(mg.tensor([1.0, 2.0]), (2, 2))
               tensor([[1., 2.],
                       [1., 2.]])
    """
    return expand(x, tuple(size))


@composition
def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """Tensors broadcast against each other, without copying.

    Forward    outᵢ = xᵢ, broadcast against the others
    Gradient   x̄ᵢ = ḡᵢ, summed over the repeated axes
    Shapes     (n, 1), (m,) -> (n, m), (n, m)
    Raises     ValueError if the shapes do not broadcast
    Example    >>> a, b = mg.broadcast_tensors(mg.zeros(2, 1), mg.zeros(3))
               >>> a.shape, b.shape
               ((2, 3), (2, 3))
    """
    tensors = numbers(tensors)
    shape = np.broadcast_shapes(*[x.shape for x in tensors])
    return tuple([expand(x, shape) for x in tensors])


@op(lambda g: g, notation="clone({x})")
def clone(x: Array) -> Array:
    """A copy.

    Forward    out = x
    Gradient   x̄ = ḡ
    Shapes     (...) -> (...)
    Example    >>> mg.clone(mg.tensor([1.0, 2.0]))
               tensor([1., 2.])
    """
    return x.copy("K")


def with_layout(operation: Any) -> Any:
    """`operation`, a copy, with PyTorch's argument of a layout; by default the layout is kept."""

    @wraps(operation)
    def call(*operands: Any, memory_format: Any = None, **kwargs: Any) -> Any:
        if memory_format == "contiguous_format":
            return _contiguous(*operation.op.bind(operands, kwargs))
        return operation(*operands, **kwargs)

    return call


copied = with_layout(clone)  # `mg.clone`


@op(lambda g: g, notation="contiguous({x})")
def _contiguous(x: Array) -> Array:
    """A copy in row-major order.

    Forward    out = x
    Gradient   x̄ = ḡ
    Shapes     (...) -> (...)
    """
    return x.copy("C")


@composition
def contiguous(x: Any, memory_format: Any = None) -> Any:
    """`x` itself if its memory is in row-major order, else a copy that is.

    Forward    out = x
    Gradient   x̄ = ḡ
    Shapes     (...) -> (...)
    Example    >>> mg.zeros(2, 3).T.contiguous().is_contiguous()
               True
    """
    return x if getattr(x, "_array", x).flags.c_contiguous else _contiguous(x)
