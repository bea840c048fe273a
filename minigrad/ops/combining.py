"""Compositions that put tensors together: products of sets, slopes, powers, limited norms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations as choices
from itertools import combinations_with_replacement
from typing import Any, Literal, cast

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.calls import Array, Variable, op
from minigrad.composition import composition
from minigrad.graph import plain, without_history
from minigrad.ops.indexing import narrow
from minigrad.ops.joining import along, meshgrid, stack
from minigrad.ops.norms import vector_norm
from minigrad.ops.products import multi_dot
from minigrad.ops.reduction import sum
from minigrad.ops.scans import axis_of, cumsum, diff
from minigrad.ops.shaping import clone, reshape
from minigrad.promotion import get_default_dtype as default_float

__all__ = [
    "cartesian_prod", "chain_matmul", "combinations", "cumulative_trapezoid", "gradient",
    "narrow_copy", "renorm", "unravel_index",
]  # fmt: skip

# ------------------------------------------------------------------------------------ sets


@composition
def cartesian_prod(*tensors: Any) -> Any:
    """All ways to take one entry of each vector, one in each row.

    Forward    out = the rows (x[i], y[j], ...), the last index changing fastest
    Gradient   that of the entries: ḡ added over the rows they are in
    Shapes     (n,), (m,), ... -> (n m ⋯, number of vectors); of one vector the vector
    Example    >>> mg.cartesian_prod(mg.tensor([1, 2]), mg.tensor([3, 4]))
               tensor([[1, 3],
                       [1, 4],
                       [2, 3],
                       [2, 4]])
    """
    if len(tensors) == 1:
        return tensors[0]
    grids = meshgrid(*tensors, indexing="ij")
    return stack([reshape(grid, -1) for grid in grids], 1)


@composition
def combinations(x: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """All ways to take r entries of a vector, in order, one in each row.

    Forward    out = the rows (x[i], x[j], ...) with i < j < ..., or i ≤ j ≤ ... with replacement
    Gradient   x̄ = ḡ added over the rows an entry is in
    Shapes     (n,) -> (number of ways, r)
    Raises     ValueError unless x is a vector
    Example    >>> mg.combinations(mg.tensor([1, 2, 3]))
               tensor([[1, 2],
                       [1, 3],
                       [2, 3]])
    """
    if len(x.shape) != 1:
        raise ValueError(f"combinations: takes a vector, got shape {tuple(x.shape)}")
    if r == 0:
        return x[:0]
    choose = combinations_with_replacement if with_replacement else choices
    rows = np.array(list(choose(range(x.shape[0]), r)), np.intp).reshape(-1, r)
    return x[rows]


@op(notation="unravel_index({x})")
def _unravel_index(x: Array, shape: tuple[int, ...]) -> Any:
    """See `unravel_index`.

    Forward    out = the position along each axis
    Gradient   none: positions are integers
    Shapes     (...) -> (...) for each axis
    """
    return tuple([np.asarray(each) for each in np.unravel_index(x, shape)])


@composition
def unravel_index(indices: Any, shape: Any) -> Any:
    """Positions along each axis of what is given by row-major positions.

    Forward    out = (i, j, ...) such that indices = i m ⋯ + j ⋯ + ...
    Gradient   none: positions are integers
    Shapes     (...) -> (...) for each axis
    Raises     ValueError if a position is out of range
    Example    >>> mg.unravel_index(mg.tensor([4, 2]), (2, 3))
               (tensor([1, 0]), tensor([1, 2]))
    """
    return _unravel_index(indices, (shape,) if isinstance(shape, int) else tuple(shape))


# --------------------------------------------------------------------------- slopes and integrals


@composition
def gradient(
    input: Any, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1
) -> tuple[Any, ...]:
    """Slopes of sampled values along axes, one tensor for each of them.

    spacing     the distance of neighbours; or one for each axis, or the coordinates along each
    edge_order  1 or 2: of the differences at both ends
    Forward     out[i] = (x[i + 1] - x[i - 1]) / (2 spacing) inside, one-sided at the ends
    Gradient    x̄ = the transpose of these differences, of ḡ
    Shapes      (...) -> (...) for each axis
    Raises      ValueError if an axis is too short
    Source      Fornberg 1988
    Example     >>> mg.gradient(mg.tensor([0.0, 1.0, 4.0, 9.0]))
                (tensor([1., 2., 4., 5.]),)
    """
    n = len(input.shape)
    spacing = 1 if spacing is None else spacing
    axes = tuple(range(n)) if dim is None else normalize_axis_tuple(dim, n)
    spacings = spacing if isinstance(spacing, (tuple, list)) else [spacing] * len(axes)
    if len(spacings) != len(axes):
        raise ValueError(f"gradient: {len(spacings)} spacings for {len(axes)} axes")
    if input.dtype.kind != "f":
        input = input.astype(default_float())
    places = [plain(s) for s in spacings if isinstance(s, Variable)]
    kind = np.result_type(input.dtype, *[s.dtype for s in places if s.ndim and s.dtype.kind == "f"])
    input = input if kind == input.dtype else input.astype(kind)
    return tuple([slope(input, plain(s), axis, edge_order) for s, axis in zip(spacings, axes)])


@composition
def slope(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    """Differences of second order inside, of `edge_order` at the two ends.

    `spacing` is the distance of neighbours, or the coordinates along the axis.
    """
    n = np.shape(f)[axis]
    if n < edge_order + 1:
        raise ValueError(f"gradient: axis {axis} of shape {np.shape(f)} is too short")
    x = np.asarray(spacing) if np.ndim(spacing) else np.arange(n) * spacing
    if np.shape(x) != (n,):
        raise ValueError(f"gradient: {np.shape(x)} coordinates for axis {axis} of size {n}")
    f = np.moveaxis(f, axis, 0)
    steps = np.diff(x).reshape((-1,) + (1,) * (np.ndim(f) - 1)).astype(f.dtype)
    before, after = steps[:-1], steps[1:]
    if (steps == steps[:1]).all():  # without the middle, whose weight is 0: it may be NaN
        inside = (f[2:] - f[:-2]) / (2 * steps[1:])
    else:
        inside = (
            f[2:] * (before / (after * (before + after)))
            + f[1:-1] * ((after - before) / (before * after))
            - f[:-2] * (after / (before * (before + after)))
        )
    few, order = edge_order + 1, cast(Literal[1, 2], edge_order)

    def end(part: slice, row: slice) -> Any:
        slopes: Any = np.gradient(np.eye(few), x[part], axis=0, edge_order=order)
        return np.tensordot(slopes[row].astype(f.dtype), f[part], 1)

    first, last = end(slice(few), slice(1)), end(slice(n - few, n), slice(few - 1, few))
    return np.moveaxis(np.concatenate([first, inside, last], axis=0), 0, axis)


@composition
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: float = 1.0, dim: int = -1) -> Any:
    """Integrals of sampled values up to each place, by the trapezoidal rule.

    Forward    out[i] = Σ over k ≤ i of ½ (y[k] + y[k + 1]) (x[k + 1] - x[k]); without x steps of dx
    Gradient   that of the terms, summed from each place to the end
    Shapes     (..., n, ...) -> (..., n - 1, ...)
    Raises     AxisError if y has no such axis
    Example    >>> mg.cumulative_trapezoid(mg.tensor([1.0, 5.0, 10.0]))
               tensor([ 3. , 10.5])
    """
    dim = axis_of(y, dim)
    steps: Any = dx
    if x is not None:
        steps = diff(x, dim=0 if np.ndim(x) == 1 else dim)
        if np.ndim(x) == 1:
            steps = np.reshape(steps, (-1,) + (1,) * (np.ndim(y) - dim - 1))
    heights = y[along(dim, slice(1, None))] + y[along(dim, slice(None, -1))]
    return cumsum(heights * steps * 0.5, dim)


# --------------------------------------------------------------------------------- powers and norms


@composition
def vander_columns(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of the entries of a vector, as the columns of a matrix.

    N           number of columns; left out: that of the entries
    increasing  x⁰ first, rather than last
    Forward     out[i, j] = x[i]^(N - 1 - j), or x[i]^j
    Gradient    x̄ = Σ ḡ times the slopes of the powers
    Shapes      (n,) -> (n, N)
    Raises      ValueError unless x is a vector and N is not negative
    Example     >>> mg.vander(mg.tensor([2, 3]), 3)
                tensor([[4, 2, 1],
                        [9, 3, 1]])
    """
    if len(x.shape) != 1:
        raise ValueError(f"vander: takes a vector, got shape {tuple(x.shape)}")
    n = x.shape[0] if N is None else N
    if n < 0:
        raise ValueError(f"vander: N is not negative, got {n}")
    if x.dtype.kind == "b" or (x.dtype.itemsize < 8 and x.dtype.kind in "iu"):
        x = x.astype(np.int64)
    if n == 0:
        return x[:, None][:, :0]
    columns: list[Any] = [np.ones(x.shape, x.dtype)]
    for _ in range(n - 1):
        columns.append(columns[-1] * x)
    if n == 1:
        columns[0] = x * 0 + 1 if x.dtype.kind != "f" else np.ones_like(x)
    return stack(columns if increasing else columns[::-1], 1)


@composition
def renorm(x: Any, p: float, dim: int, maxnorm: float) -> Any:
    """Slices along an axis, scaled down where their norm is too large.

    Forward    out = x where ‖slice‖ₚ ≤ maxnorm, else x * maxnorm / ‖slice‖ₚ
    Gradient   that of the formula
    Shapes     (..., n, ...) -> (..., n, ...)
    Raises     AxisError if x has no such axis; ValueError for fewer than two axes
    Example    >>> mg.renorm(mg.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
               tensor([[0.6, 0.8],
                       [0.3, 0.4]])
    """
    n = len(x.shape)
    if n < 2:
        raise ValueError(f"renorm: takes two axes or more, got shape {tuple(x.shape)}")
    dim = normalize_axis_index(dim, n)
    norms = vector_norm(x, p, tuple([i for i in range(n) if i != dim]), True)
    tiny = 1e-7  # as in PyTorch
    return x * np.where(without_history(norms) > maxnorm, maxnorm / (norms + tiny), 1.0)


@composition
def sum_to_size(x: Any, *size: Any) -> Any:
    """The sum over the axes that were broadcast from `size`.

    Forward    out = Σ x over the axes that `size` does not have, or has with size 1
    Gradient   x̄ = ḡ, broadcast
    Shapes     (...) -> size
    Raises     ValueError if `size` does not broadcast to the shape of x
    Example    >>> mg.ones(2, 3).sum_to_size(1, 3)
               tensor([[2., 2., 2.]])
    """
    shape: Sequence[int] = size[0] if len(size) == 1 and not isinstance(size[0], int) else size
    lead = len(x.shape) - len(shape)
    if lead < 0 or any(m not in (1, n) for m, n in zip(shape, x.shape[lead:])):
        raise ValueError(f"sum_to_size: {tuple(shape)} does not broadcast to {tuple(x.shape)}")
    if not shape:
        return sum(x)
    summed = [i for i, n in enumerate(x.shape) if i < lead or shape[i - lead] == 1 != n]
    out = sum(x, tuple(summed), True) if summed else x
    return reshape(out, tuple(shape))


@composition
def narrow_copy(x: Any, dim: int, start: int, length: int) -> Any:
    """`narrow`, copied.

    Forward    out = x[..., start : start + length, ...]
    Gradient   x̄ = zeros, with ḡ where it came from
    Shapes     (..., n, ...) -> (..., length, ...)
    Raises     IndexError if the part is not inside the axis, or the axis is out of range
    Example    >>> mg.narrow_copy(mg.arange(5), 0, 1, 3)
               tensor([1, 2, 3])
    """
    return clone(narrow(x, dim, start, length))


@composition
def chain_matmul(*matrices: Any) -> Any:
    """The product of several matrices, in the order of multiplication that costs least.

    Forward    out = A B C ⋯
    Gradient   that of the products
    Shapes     (n, k), (k, l), ..., (..., m) -> (n, m)
    Raises     ValueError if inner sizes differ, or for no matrix
    Example    >>> mg.chain_matmul(mg.eye(2), mg.ones(2, 3))
               tensor([[1., 1., 1.],
                       [1., 1., 1.]])
    """
    return matrices[0] if len(matrices) == 1 else multi_dot(list(matrices))
