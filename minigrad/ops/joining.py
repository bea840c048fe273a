"""Joining tensors, and taking them apart: each op is the transpose of one of the other group."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.ops.shaping import atleast_1d, atleast_2d, atleast_3d, expand, numbers, reshape
from minigrad.typed import Tensor

__all__ = [
    "block_diag", "cat", "chunk", "column_stack", "concat", "concatenate", "dsplit", "dstack",
    "hsplit", "hstack", "meshgrid", "row_stack", "split", "stack", "tensor_split", "unbind",
    "vsplit", "vstack",
]  # fmt: skip

Tensors = Sequence[Any]


def along(dim: int, part: Any) -> tuple[Any, ...]:
    """The index that takes `part` of axis `dim` (not negative), and all of the others."""
    return (slice(None),) * dim + (part,)


def pieces(x: Any, sizes: Sequence[int], dim: int) -> tuple[Array, ...]:
    """Views of neighbouring parts of x, of `sizes` along axis `dim`."""
    before = (slice(None),) * normalize_axis_index(dim, x.ndim)
    ends = accumulate(sizes)
    return tuple([x[(*before, slice(end - n, end))] for n, end in zip(sizes, ends)])


def layers(x: Any, dim: int) -> tuple[Array, ...]:
    """Views of the parts of x along axis `dim`, without the axis."""
    before = (slice(None),) * normalize_axis_index(dim, x.ndim)
    return tuple([x[(*before, i, ...)] for i in range(x.shape[dim])])


def with_zeros(g: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    """The cotangents of several results, zeros in place of those that did not come."""
    known = next(each for each in g if each is not None)
    return [
        np.zeros_like(known, shape=shape) if each is None else each
        for each, shape in zip(g, shapes)
    ]


def check_some(name: str, tensors: Any) -> None:
    """Refuse what is not a sequence of tensors, or an empty one."""
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(f"{name}: takes a list of tensors, got {type(tensors).__name__}")
    if not tensors:
        raise ValueError(f"{name}: there is nothing to join, the list is empty")


def shapes_of(name: str, tensors: Any) -> list[tuple[int, ...]]:
    try:
        return [x.shape for x in tensors]
    except AttributeError as error:
        raise TypeError(f"{name}: takes tensors or arrays; use mg.tensor(...)") from error


# ------------------------------------------------------------------------------------------ joining


def in_rows(out: Array) -> Array:
    """A new array in row-major memory, where NumPy keeps that of transposed operands."""
    return out if out.flags.c_contiguous else out.copy("C")


@op(
    joint=lambda g, dim, sizes: pieces(g, [n for (n,) in sizes], dim),
    promote=True,
    notation="cat({tensors})",
)
def _cat(tensors: Tensors, dim: int, sizes: tuple[tuple[int, ...], ...]) -> Array:
    """Tensors one after the other along an axis.

    Forward    out = [x₀, x₁, ...] along `dim`, of `sizes` (a tuple of one each) along it
    Gradient   x̄ᵢ = part i of ḡ, where xᵢ went
    Shapes     (..., n₀, ...), (..., n₁, ...) -> (..., n₀ + n₁, ...)
    """
    return in_rows(np.concatenate(tensors, dim))


@composition
def cat(tensors: Tensors, dim: int = 0) -> Tensor:
    """Tensors one after the other along an axis that they have.

    Forward    out = [x₀, x₁, ...] along `dim`
    Gradient   x̄ᵢ = the part of ḡ that xᵢ went to
    Shapes     (..., n₀, ...), (..., n₁, ...) -> (..., n₀ + n₁, ...); a tensor of shape (0,) is left
               out beside others, as in PyTorch
    Raises     ValueError if other sizes differ, if one is 0-d, or if the list is empty
    Example    >>> mg.cat([mg.tensor([1.0, 2.0]), mg.tensor([3.0])])
               tensor([1., 2., 3.])
    """
    check_some("cat", tensors)
    shapes = shapes_of("cat", tensors)
    if (0,) in shapes and any(shape != (0,) for shape in shapes):
        tensors = [x for x in tensors if x.shape != (0,)]
        shapes = [shape for shape in shapes if shape != (0,)]
    if () in shapes:
        raise ValueError("cat: a 0-d tensor has no axis to join along; use stack, or reshape(1)")
    axis = normalize_axis_index(dim, len(shapes[0]))
    try:
        return _cat(tensors, axis, tuple([shape[axis : axis + 1] for shape in shapes]))
    except ValueError as error:
        if all(agree(shape, shapes[0], axis) for shape in shapes):
            raise
        raise ValueError(
            f"cat: along axis {axis}, the tensors need as many axes and the same sizes of the "
            f"others; got shapes {shapes}"
        ) from error


def agree(shape: tuple[int, ...], other: tuple[int, ...], axis: int) -> bool:
    """Whether tensors of these shapes can be joined along `axis`."""
    rest = other[:axis] + other[axis + 1 :]
    return len(shape) == len(other) and shape[:axis] + shape[axis + 1 :] == rest


concat = concatenate = cat


@op(joint=lambda g, dim: layers(g, dim), promote=True, notation="stack({tensors})")
def stack(tensors: Tensors, dim: int = 0) -> Array:
    """Tensors side by side along a new axis.

    Forward    out[..., i, ...] = xᵢ, with i at axis `dim`
    Gradient   x̄ᵢ = slice i of ḡ along axis dim
    Shapes     n of (m, k) -> (n, m, k) for dim 0, (m, k, n) for dim -1
    Raises     ValueError if the shapes differ, or if the list is empty; AxisError if `dim` is out
               of range
    Example    >>> mg.stack([mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])])
               tensor([[1., 2.],
                       [3., 4.]])
    """
    if not tensors:
        raise ValueError("stack: there is nothing to join, the list is empty")
    shapes = shapes_of("stack", tensors)
    if shapes.count(shapes[0]) != len(shapes):
        raise ValueError(f"stack: all tensors have one shape, got {shapes}; see cat")
    dim = normalize_axis_index(dim, tensors[0].ndim + 1)
    at = along(dim, None)
    return in_rows(np.concatenate([x[at] for x in tensors], dim))


@composition
def hstack(tensors: Tensors) -> Tensor:
    """Tensors one after the other along the second axis; vectors along their only one.

    Forward    out = [x₀, x₁, ...] along the second axis
    Gradient   x̄ᵢ = the part of ḡ that xᵢ went to
    Shapes     (n, m), (n, k) -> (n, m + k); (m,), (k,) -> (m + k,)
    Raises     ValueError if other sizes differ, or if the list is empty
    Example    >>> mg.hstack([mg.tensor([1.0]), mg.tensor([2.0])])
               tensor([1., 2.])
    """
    check_some("hstack", tensors)
    parts = [atleast_1d(x) for x in tensors]
    return cat(parts, 0 if len(parts[0].shape) == 1 else 1)


@composition
def vstack(tensors: Tensors) -> Tensor:
    """Tensors one below the other; a vector is a row.

    Forward    out = [x₀, x₁, ...] along the first axis
    Gradient   x̄ᵢ = the part of ḡ that xᵢ went to
    Shapes     (n, m), (k, m) -> (n + k, m); (m,), (m,) -> (2, m)
    Raises     ValueError if other sizes differ, or if the list is empty
    Example    >>> mg.vstack([mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])])
               tensor([[1., 2.],
                       [3., 4.]])
    """
    check_some("vstack", tensors)
    return cat([atleast_2d(x) for x in tensors], 0)


row_stack = vstack


@composition
def dstack(tensors: Tensors) -> Tensor:
    """Tensors one behind the other, along the third axis; a vector is a row, a matrix a front.

    Forward    out = [x₀, x₁, ...] along the third axis
    Gradient   x̄ᵢ = the part of ḡ that xᵢ went to
    Shapes     (n, m), (n, m) -> (n, m, 2); (m,), (m,) -> (1, m, 2)
    Raises     ValueError if other sizes differ, or if the list is empty
    Example    >>> mg.dstack([mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])])
               tensor([[[1., 3.],
                        [2., 4.]]])
    """
    check_some("dstack", tensors)
    return cat([atleast_3d(x) for x in tensors], 2)


@composition
def column_stack(tensors: Tensors) -> Tensor:
    """Vectors as the columns of a matrix; matrices keep theirs.

    Forward    out = [x₀, x₁, ...] along the second axis
    Gradient   x̄ᵢ = the columns of ḡ that xᵢ went to
    Shapes     (n,), (n,) -> (n, 2); (n,), (n, m) -> (n, 1 + m)
    Raises     ValueError if the numbers of rows differ, or if the list is empty
    Example    >>> mg.column_stack([mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])])
               tensor([[1., 3.],
                       [2., 4.]])
    """
    check_some("column_stack", tensors)
    return cat([x if len(x.shape) > 1 else reshape(x, -1, 1) for x in tensors], 1)


def blocks(shapes: Sequence[tuple[int, int]]) -> list[tuple[slice, slice]]:
    """Where matrices of `shapes` lie on the diagonal of a block-diagonal one."""
    rows = accumulate([n for n, _ in shapes])
    columns = accumulate([m for _, m in shapes])
    return [
        (slice(row - n, row), slice(column - m, column))
        for (n, m), row, column in zip(shapes, rows, columns)
    ]


@op(
    joint=lambda g, shapes: [g[block] for block in blocks(shapes)],
    promote=True,
    notation="block_diag({tensors})",
)
def _block_diag(tensors: Tensors, shapes: tuple[tuple[int, int], ...]) -> Array:
    """Matrices of `shapes` on the diagonal of a larger one, zeros elsewhere.

    Forward    out = [[x₀, 0], [0, x₁]]
    Gradient   x̄ᵢ = block i of ḡ, where xᵢ went
    Shapes     (n, m), (k, l) -> (n + k, m + l)
    """
    shape = tuple([sum(sizes) for sizes in zip(*shapes)])
    out = np.zeros_like(tensors[0], shape=shape, dtype=np.result_type(*tensors))
    for x, block in zip(tensors, blocks(shapes)):
        out[block] = x
    return out


@composition
def block_diag(*tensors: Any) -> Tensor:
    """Matrices on the diagonal of a larger one, zeros elsewhere; vectors count as rows.

    Forward    out = [[x₀, 0], [0, x₁]]
    Gradient   x̄ᵢ = the block of ḡ that xᵢ went to
    Shapes     (n, m), (k, l) -> (n + k, m + l)
    Raises     ValueError if one has more than two axes, or if none is given
    Example    >>> mg.block_diag(mg.tensor([[1.0, 2.0]]), mg.tensor([[3.0]]))
               tensor([[1., 2., 0.],
                       [0., 0., 3.]])
    """
    tensors = numbers(tensors)
    check_some("block_diag", tensors)
    matrices = [atleast_2d(x) for x in tensors]
    shapes = tuple([tuple(x.shape) for x in matrices])
    if any(len(shape) > 2 for shape in shapes):
        raise ValueError(f"block_diag: takes matrices, got shapes {shapes}")
    return _block_diag(matrices, shapes)


@composition
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """The coordinates of a grid, from those along each of its axes.

    indexing  "ij": axis i of the results belongs to the i-th tensor; "xy": the first two exchanged
    Returns   as many tensors as were given, all of the grid's shape, without copying
    Forward   outᵢ[j₀, j₁, ...] = xᵢ[jᵢ]
    Gradient  x̄ᵢ = ḡᵢ, summed over the other axes
    Shapes    (n,), (m,) -> (n, m), (n, m) for "ij", (m, n), (m, n) for "xy"
    Raises    ValueError if a tensor has more than one axis, or for another `indexing`
    Example   >>> x, y = mg.meshgrid(mg.tensor([1, 2]), mg.tensor([3, 4]))
              >>> y
              tensor([[3, 4],
                      [3, 4]])
    """
    tensors = numbers(tensors)
    if indexing not in ("ij", "xy"):
        raise ValueError(f"meshgrid: indexing is 'ij' or 'xy', got {indexing!r}")
    if any(len(x.shape) > 1 for x in tensors):
        raise ValueError(f"meshgrid: takes vectors, got shapes {[tuple(x.shape) for x in tensors]}")
    vectors = [atleast_1d(x) for x in tensors]
    places = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        places[:2] = 1, 0
    shape = [1] * len(vectors)
    for place, x in zip(places, vectors):
        shape[place] = x.shape[0]
    ones = [1] * len(vectors)
    return tuple([
        expand(reshape(x, (*ones[:place], -1, *ones[place + 1 :])), tuple(shape))
        for place, x in zip(places, vectors)
    ])  # fmt: skip


# ------------------------------------------------------------------------------------- taking apart


def split_vjp(g: Any, x_shape: tuple[int, ...], sizes: tuple[int, ...], dim: int) -> Array:
    """x̄ = the parts of ḡ, joined."""
    dim %= len(x_shape)
    shapes = [(*x_shape[:dim], n, *x_shape[dim + 1 :]) for n in sizes]
    return np.concatenate(with_zeros(g, shapes), axis=dim)


@op(split_vjp, view=True, notation="split({x})")
def _split(x: Array, sizes: tuple[int, ...], dim: int) -> Any:
    """Neighbouring parts along an axis, of given sizes.

    Forward    [out₀, out₁, ...] = x
    Gradient   x̄ = ḡ, joined along axis dim
    Shapes     (..., n₀ + n₁, ...) -> (..., n₀, ...), (..., n₁, ...)
    """
    return pieces(x, sizes, dim)


@composition
def split(x: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Parts of a tensor along an axis: views.

    split_size_or_sections  the size of the parts, of which the last may be smaller, or a list of
                            sizes. (NumPy's split takes the number of parts; that is
                            `tensor_split`.)
    Forward    [out₀, out₁, ...] = x along `dim`
    Gradient   x̄ = [ḡ₀, ḡ₁, ...]
    Shapes     (..., n, ...) -> several of (..., size, ...)
    Raises     ValueError if the sizes do not add up to n, or are not positive
    Example    >>> mg.split(mg.arange(5), 2)
               (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    n = x.shape[normalize_axis_index(dim, len(x.shape))]
    if isinstance(split_size_or_sections, (tuple, list)):
        sizes = tuple([operator.index(size) for size in split_size_or_sections])
        if sum(sizes) != n or min(sizes, default=0) < 0:
            raise ValueError(f"split: sizes {list(sizes)} for an axis of size {n}: not its parts")
    else:
        size = operator.index(split_size_or_sections)
        if size < 0 or (size == 0 and n):
            raise ValueError(f"split: the size of a part is positive, got {size}")
        sizes = tuple([min(size, n - start) for start in range(0, n, size or 1)]) or (0,)
    return _split(x, sizes, dim) if sizes else ()  # type: ignore[return-value]  # an op is typed as one tensor


@composition
def chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """At most `chunks` parts of equal size, the last one perhaps smaller.

    Forward    [out₀, out₁, ...] = x along `dim`
    Gradient   x̄ = [ḡ₀, ḡ₁, ...]
    Shapes     (..., n, ...) -> several of (..., ⌈n / chunks⌉, ...)
    Raises     ValueError if `chunks` is not positive
    Example    >>> mg.chunk(mg.arange(5), 3)
               (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    if chunks < 1:
        raise ValueError(f"chunk: the number of parts is positive, got {chunks}")
    n = x.shape[normalize_axis_index(dim, len(x.shape))]
    if not n:
        return _split(x, (0,) * chunks, dim)  # type: ignore[return-value]  # an op is typed as one tensor
    return split(x, -(-n // chunks), dim)


def part_sizes(n: int, indices_or_sections: Any) -> tuple[int, ...]:
    """Sizes of the parts of n entries, cut at positions, or into a number of nearly equal parts."""
    if isinstance(indices_or_sections, (tuple, list, np.ndarray)) and np.ndim(indices_or_sections):
        cuts = [0, *[slice(None, i).indices(n)[1] for i in indices_or_sections], n]
        sizes = tuple([end - start for start, end in pairwise(cuts)])
        if min(sizes) < 0:
            raise ValueError(f"tensor_split: positions {list(indices_or_sections)} do not rise")
        return sizes
    sections = operator.index(indices_or_sections)
    if sections < 1:
        raise ValueError(f"tensor_split: the number of parts is positive, got {sections}")
    each, more = divmod(n, sections)
    return (each + 1,) * more + (each,) * (sections - more)


@composition
def tensor_split(x: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Parts of a tensor, cut at positions or into a number of nearly equal parts: views.

    indices_or_sections  positions to cut at, in rising order, or the number of parts, of which the
                         first are larger by one where the size is not divisible
    Forward    [out₀, out₁, ...] = x along `dim`
    Gradient   x̄ = [ḡ₀, ḡ₁, ...]
    Shapes     (..., n, ...) -> several of (..., size, ...)
    Raises     ValueError if the number is not positive, or the positions do not rise
    Example    >>> mg.tensor_split(mg.arange(5), 2)
               (tensor([0, 1, 2]), tensor([3, 4]))
               >>> mg.tensor_split(mg.arange(5), (1, 3))
               (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    where = getattr(indices_or_sections, "_array", indices_or_sections)
    n = x.shape[normalize_axis_index(dim, len(x.shape))]
    return _split(x, part_sizes(n, where), dim)  # type: ignore[return-value]  # an op is typed as one tensor


def equal_parts(name: str, x: Any, indices_or_sections: Any, dim: int) -> tuple[Any, ...]:
    """`tensor_split` along `dim`, where a number of parts must divide the size."""
    count = int(indices_or_sections) if np.ndim(indices_or_sections) == 0 else None
    if count is not None and (count < 1 or x.shape[dim] % count):
        raise ValueError(
            f"{name}: {x.shape[dim]} entries along axis {dim} cannot be cut into "
            f"{indices_or_sections} equal parts; use tensor_split"
        )
    return tensor_split(x, indices_or_sections, dim)


@composition
def hsplit(x: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Parts along the second axis, or the only one of a vector: equal ones, or cut at positions.

    Forward    [out₀, out₁, ...] = x
    Gradient   x̄ = [ḡ₀, ḡ₁, ...]
    Shapes     (n, m) -> several of (n, size)
    Raises     ValueError if the number does not divide the size, or x is 0-d
    Example    >>> mg.hsplit(mg.arange(4), 2)
               (tensor([0, 1]), tensor([2, 3]))
    """
    check_axes("hsplit", x, 1)
    return equal_parts("hsplit", x, indices_or_sections, 0 if len(x.shape) == 1 else 1)


@composition
def vsplit(x: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Parts along the first axis: equal ones, or cut at positions.

    Forward    [out₀, out₁, ...] = x
    Gradient   x̄ = [ḡ₀, ḡ₁, ...]
    Shapes     (n, m) -> several of (size, m)
    Raises     ValueError if the number does not divide the size, or x has fewer than two axes
    Example    >>> mg.vsplit(mg.arange(4).reshape(2, 2), 2)
               (tensor([[0, 1]]), tensor([[2, 3]]))
    """
    check_axes("vsplit", x, 2)
    return equal_parts("vsplit", x, indices_or_sections, 0)


@composition
def dsplit(x: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Parts along the third axis: equal ones, or cut at positions.

    Forward    [out₀, out₁, ...] = x
    Gradient   x̄ = [ḡ₀, ḡ₁, ...]
    Shapes     (n, m, k) -> several of (n, m, size)
    Raises     ValueError if the number does not divide the size, or x has fewer than three axes
    Example    >>> [part.shape for part in mg.dsplit(mg.zeros(1, 2, 4), 2)]
               [(1, 2, 2), (1, 2, 2)]
    """
    check_axes("dsplit", x, 3)
    return equal_parts("dsplit", x, indices_or_sections, 2)


def check_axes(name: str, x: Any, least: int) -> None:
    if len(x.shape) < least:
        raise ValueError(f"{name}: takes at least {least} axes, got shape {tuple(x.shape)}")


def unbind_vjp(g: Any, x_shape: tuple[int, ...], dim: int) -> Array:
    """x̄ = the cotangents of the parts, side by side."""
    dim %= len(x_shape)
    shape = (*x_shape[:dim], *x_shape[dim + 1 :])
    return np.stack(with_zeros(g, [shape] * x_shape[dim]), axis=dim)


@op(unbind_vjp, view=True, notation="unbind({x})")
def _unbind(x: Array, dim: int) -> Any:
    """The parts along an axis, without the axis.

    Forward    outᵢ = x[..., i, ...]
    Gradient   x̄ = ḡ, stacked along axis dim
    Shapes     (..., n, ...) -> n of (..., ...)
    """
    return layers(x, dim)


@composition
def unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    """The parts along an axis, without the axis: views.

    Forward    outᵢ = x[..., i, ...], with i at axis `dim`
    Gradient   x̄[..., i, ...] = ḡᵢ
    Shapes     (..., n, ...) -> n of (..., ...)
    Raises     AxisError if the axis is out of range
    Example    >>> mg.unbind(mg.arange(2))
               (tensor(0), tensor(1))
    """
    if not x.shape[normalize_axis_index(dim, len(x.shape))]:
        return ()
    return _unbind(x, dim)  # type: ignore[return-value]  # an op is typed as one tensor
