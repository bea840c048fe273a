"""Matrix and tensor products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.ops.contraction import tensordot
from minigrad.sums import ones_cached, sum_of
from minigrad.typed import Tensor

__all__ = [
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "bmm", "cross", "dot", "linear", "matmul", "mm",
    "mv", "outer",
]  # fmt: skip


def matmul_x_vjp(g: Array, x_shape: tuple[int, ...], y: Array) -> Array:
    """x̄ = ḡ yᵀ, where a 1-D operand stands for a row (x) or a column (y)."""
    if len(y.shape) == 1:
        return g[..., None] * y if len(x_shape) > 1 else g * y
    if len(x_shape) == 1:
        return np.matmul(y, g) if len(y.shape) == 2 else np.matmul(y, g[..., None])[..., 0]
    return np.matmul(g, y.mT)


def matmul_y_vjp(g: Array, x: Array, y_shape: tuple[int, ...]) -> Array:
    """ȳ = xᵀ ḡ, where a 1-D operand stands for a row (x) or a column (y)."""
    if len(x.shape) == 1:
        return x[:, None] * g[..., None, :] if len(y_shape) > 1 else g * x
    if len(y_shape) == 1:
        return np.matmul(x.T, g) if len(x.shape) == 2 else np.matmul(x.mT, g[..., None])[..., 0]
    return np.matmul(x.mT, g)


@op(matmul_x_vjp, matmul_y_vjp, numpy=np.matmul, promote=True, notation="{x} @ {y}")
def matmul(x: Array, y: Array) -> Array:
    """Matrix product, batched over leading axes.

    Forward    out = x @ y
    Gradient   x̄ = ḡ yᵀ        ȳ = xᵀ ḡ
    Shapes     (..., n, k), (..., k, m) -> (..., n, m); leading axes broadcast.
               1-D: (k,), (k,) -> (); (..., n, k), (k,) -> (..., n); (k,), (..., k, m) -> (..., m)
    Raises     ValueError if the inner sizes differ, or for a 0-d operand
    Source     Giles 2008, section 2.2.1
    Example    >>> mg.matmul(mg.tensor([[1.0, 2.0]]), mg.tensor([[3.0], [4.0]]))
               tensor([[11.]])
    """
    if type(x) is type(y) is np.ndarray and 0 < x.ndim <= 2 and 0 < y.ndim <= 2:
        return np.dot(x, y)  # the same product, at half the cost of a call of np.matmul
    return np.matmul(x, y)


# --------------------------------------------------------------------------------- the linear layer


def linear_weight_vjp(g: Array, x: Array) -> Array:
    """W̄ = ḡᵀ x, computed as (xᵀ ḡ)ᵀ: the memory order that `nn.Linear` gives its weight."""
    if len(g.shape) != 2:
        g, x = np.reshape(g, (-1, g.shape[-1])), np.reshape(x, (-1, x.shape[-1]))
    if type(x) is type(g) is np.ndarray:  # the same, without a dispatch that costs as much again
        return x.T.dot(g).T
    return np.dot(x.T, g).T


MANY_ROWS = 4096


def linear_bias_vjp(g: Array) -> Array:
    """b̄ = Σ ḡ over all axes but the last."""
    if len(g.shape) != 2:
        g = np.reshape(g, (-1, g.shape[-1]))
    if g.shape[0] > MANY_ROWS:  # where one addend after the other would lose digits
        return sum_of(g, 0)
    return g.T.dot(ones_cached(g.shape[0], g.dtype))


def rows_dot(x: Array, matrix: Array) -> Array:
    """x @ matrix, with the leading axes of x folded into one: only matrices are given to BLAS."""
    if len(x.shape) > 2 and type(x) is np.ndarray:
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        return rows.dot(matrix).reshape(*x.shape[:-1], matrix.shape[-1])
    return x.dot(matrix)


@op(
    lambda g, weight: g.dot(weight) if len(g.shape) == 2 else rows_dot(g, weight),
    linear_weight_vjp,
    linear_bias_vjp,
    promote=True,
    notation="{x} {weight}ᵀ + {bias}",
)
def linear(x: Array, weight: Array, bias: Array = None) -> Array:
    """A fully connected layer.

    Forward    out = x Wᵀ + b
    Gradient   x̄ = ḡ W        W̄ = ḡᵀ x        b̄ = Σ ḡ over the rows
    Shapes     (..., n), (m, n), (m,) -> (..., m)
    Raises     ValueError if the last axis of x is not n, or if x is 0-d
    Source     Goodfellow, Bengio and Courville 2016, section 6.5.6
    Example    >>> mg.linear(mg.tensor([[1.0, 2.0]]), mg.tensor([[3.0, 4.0]]), mg.tensor([5.0]))
               tensor([[16.]])
    """
    if x.ndim == 2:
        out = x.dot(weight.T)
    elif x.ndim:
        out = rows_dot(x, weight.T)
    else:
        raise ValueError("linear: x has at least one axis, its features; got a 0-d tensor")
    if bias is None:
        return out
    if type(out) is np.ndarray and out.dtype is bias.dtype:
        out += bias
        return out
    return out + bias


# ------------------------------------------------------------------- products under PyTorch's names


def check_ndim(name: str, operand: str, x: Array, ndim: int) -> None:
    """Raise a ValueError unless `x` has `ndim` axes."""
    if x.ndim != ndim:
        raise ValueError(
            f"{name}: {operand} has {ndim} axes, got one of shape {tuple(x.shape)}; "
            "mg.matmul takes any number"
        )


@composition
def mm(input: Array, mat2: Array) -> Tensor:
    """Product of two matrices; `matmul` is the general form.

    Forward    out = input @ mat2
    Gradient   x̄ = ḡ yᵀ        ȳ = xᵀ ḡ
    Shapes     (n, k), (k, m) -> (n, m)
    Raises     ValueError if an operand is not a matrix, or the inner sizes differ
    Example    >>> mg.mm(mg.eye(2), mg.tensor([[1.0], [2.0]]))
               tensor([[1.],
                       [2.]])
    """
    check_ndim("mm", "input", input, 2)
    check_ndim("mm", "mat2", mat2, 2)
    return matmul(input, mat2)


@composition
def mv(input: Array, vec: Array) -> Tensor:
    """Product of a matrix and a vector.

    Forward    out = input @ vec
    Gradient   x̄ = ḡ vecᵀ        vec̅ = xᵀ ḡ
    Shapes     (n, k), (k,) -> (n,)
    Raises     ValueError if the operands are not a matrix and a vector, or the sizes differ
    Example    >>> mg.mv(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([1.0, 1.0]))
               tensor([3., 7.])
    """
    check_ndim("mv", "input", input, 2)
    check_ndim("mv", "vec", vec, 1)
    return matmul(input, vec)


@composition
def bmm(input: Array, mat2: Array) -> Tensor:
    """Products of the matrices of two stacks, pair by pair; `matmul` also broadcasts.

    Forward    out[i] = input[i] @ mat2[i]
    Gradient   x̄ = ḡ yᵀ        ȳ = xᵀ ḡ
    Shapes     (b, n, k), (b, k, m) -> (b, n, m)
    Raises     ValueError if an operand has not three axes, or the sizes differ
    Example    >>> mg.bmm(mg.ones(5, 2, 3), mg.ones(5, 3, 4)).shape
               (5, 2, 4)
    """
    check_ndim("bmm", "input", input, 3)
    check_ndim("bmm", "mat2", mat2, 3)
    if input.shape[0] != mat2.shape[0]:
        raise ValueError(
            f"bmm: {tuple(input.shape)} and {tuple(mat2.shape)}: {input.shape[0]} and "
            f"{mat2.shape[0]} matrices; mg.matmul broadcasts a single one"
        )
    return matmul(input, mat2)


@composition
def dot(input: Array, tensor: Array) -> Tensor:
    """Dot product of two vectors; of other operands what ``np.dot`` gives.

    Forward    out = Σ xᵢ yᵢ; matrices are multiplied, 0-d operands too; with more axes the last
               of x is summed against the last but one of y
    Gradient   x̄ = ḡ y        ȳ = ḡ x
    Shapes     (n,), (n,) -> ();  (n, k), (k,) -> (n,);  (n, k), (k, m) -> (n, m)
    Raises     ValueError if the sizes differ
    Example    >>> mg.dot(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
               tensor(11.)
    """
    x, y = input, tensor
    if 1 <= x.ndim <= 2 >= y.ndim >= 1:
        return matmul(x, y)
    if not (x.ndim and y.ndim):
        return x * y
    return tensordot(x, y, ([-1], [max(y.ndim - 2, 0)]))


@op(
    lambda g, y: np.matmul(g, y),
    lambda g, x: np.matmul(x, g),
    promote=True,
    notation="{x} {y}ᵀ",
)
def _outer(x: Array, y: Array) -> Array:
    """Products of all entries of a vector with all entries of another.

    Forward    out[i, j] = x[i] y[j]
    Gradient   x̄ = ḡ y        ȳ = ḡᵀ x
    Shapes     (n,), (m,) -> (n, m)
    """
    return np.multiply(x[:, None], y)


@composition
def outer(input: Array, vec2: Array) -> Tensor:
    """Outer product of two vectors; operands with several axes are flattened.

    Forward    out[i, j] = input[i] vec2[j]
    Gradient   x̄ = ḡ y        ȳ = ḡᵀ x
    Shapes     (n,), (m,) -> (n, m)
    Example    >>> mg.outer(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
               tensor([[3., 4.],
                       [6., 8.]])
    """
    x = input if input.ndim == 1 else input.reshape(-1)
    y = vec2 if vec2.ndim == 1 else vec2.reshape(-1)
    return _outer(x, y)


def scaled_sum(name: str, x: Array, product: Array, beta: float, alpha: float) -> Array:
    """``beta x + alpha product``; with beta = 0 not even a NaN of x counts, as in BLAS."""
    if alpha != 1:
        product = product * alpha
    np.broadcast_shapes(tuple(x.shape), tuple(product.shape))
    if len(x.shape) > len(product.shape):
        raise ValueError(
            f"{name}: input of shape {tuple(x.shape)} does not broadcast to the product's shape "
            f"{tuple(product.shape)}"
        )
    if beta == 0:
        return product
    return product + (x if beta == 1 else x * beta)


@composition
def addmm(input: Array, mat1: Array, mat2: Array, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """A matrix product, added to a matrix.

    Forward    out = beta input + alpha mat1 @ mat2
    Gradient   input̅ = beta ḡ        mat1̅ = alpha ḡ mat2ᵀ        mat2̅ = alpha mat1ᵀ ḡ
    Shapes     broadcastable to (n, m), (n, k), (k, m) -> (n, m)
    Raises     ValueError if the shapes do not fit
    Example    >>> mg.addmm(mg.tensor([1.0, 2.0]), mg.eye(2), mg.eye(2), alpha=10)
               tensor([[11.,  2.],
                       [ 1., 12.]])
    """
    return scaled_sum("addmm", input, mm(mat1, mat2), beta, alpha)


@composition
def addmv(input: Array, mat: Array, vec: Array, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """A product of a matrix and a vector, added to a vector.

    Forward    out = beta input + alpha mat @ vec
    Gradient   input̅ = beta ḡ        mat̅ = alpha ḡ vecᵀ        vec̅ = alpha matᵀ ḡ
    Shapes     broadcastable to (n,), (n, k), (k,) -> (n,)
    Raises     ValueError if the shapes do not fit
    Example    >>> mg.addmv(mg.tensor([1.0, 2.0]), mg.eye(2), mg.tensor([10.0, 20.0]))
               tensor([11., 22.])
    """
    return scaled_sum("addmv", input, mv(mat, vec), beta, alpha)


@composition
def addr(input: Array, vec1: Array, vec2: Array, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """An outer product, added to a matrix.

    Forward    out = beta input + alpha vec1 vec2ᵀ
    Gradient   input̅ = beta ḡ        vec1̅ = alpha ḡ vec2        vec2̅ = alpha ḡᵀ vec1
    Shapes     broadcastable to (n, m), (n,), (m,) -> (n, m)
    Raises     ValueError if the shapes do not fit
    Example    >>> mg.addr(mg.eye(2), mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
               tensor([[4., 4.],
                       [6., 9.]])
    """
    check_ndim("addr", "vec1", vec1, 1)
    check_ndim("addr", "vec2", vec2, 1)
    return scaled_sum("addr", input, _outer(vec1, vec2), beta, alpha)


@composition
def baddbmm(
    input: Array, batch1: Array, batch2: Array, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """Matrix products of two stacks, added to a stack.

    Forward    out[i] = beta input[i] + alpha batch1[i] @ batch2[i]
    Gradient   input̅ = beta ḡ        batch1̅ = alpha ḡ batch2ᵀ        batch2̅ = alpha batch1ᵀ ḡ
    Shapes     broadcastable to (b, n, m), (b, n, k), (b, k, m) -> (b, n, m)
    Raises     ValueError if the shapes do not fit
    Example    >>> mg.baddbmm(mg.ones(5, 2, 4), mg.ones(5, 2, 3), mg.ones(5, 3, 4)).shape
               (5, 2, 4)
    """
    return scaled_sum("baddbmm", input, bmm(batch1, batch2), beta, alpha)


@composition
def addbmm(
    input: Array, batch1: Array, batch2: Array, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """The sum of the matrix products of two stacks, added to a matrix.

    Forward    out = beta input + alpha Σᵢ batch1[i] @ batch2[i]
    Gradient   input̅ = beta ḡ        batch1̅[i] = alpha ḡ batch2[i]ᵀ        and the same for batch2
    Shapes     broadcastable to (n, m), (b, n, k), (b, k, m) -> (n, m)
    Raises     ValueError if the shapes do not fit
    Example    >>> mg.addbmm(mg.zeros(1), mg.ones(5, 2, 3), mg.ones(5, 3, 2))
               tensor([[15., 15.],
                       [15., 15.]])
    """
    products: Any = bmm(batch1, batch2)
    total = sum_of(products, 0).astype(products.dtype)
    return scaled_sum("addbmm", input, total, beta, alpha)


@composition
def vecdot(x: Array, y: Array, dim: int = -1) -> Tensor:
    """Dot products along one axis.

    Forward    out = Σ x y along `dim`
    Gradient   x̄ = ḡ y        ȳ = ḡ x
    Shapes     (..., n), (..., n) -> (...); the axes broadcast
    Raises     ValueError if the sizes differ; IndexError if there is no such axis
    Example    >>> mg.linalg.vecdot(mg.ones(2, 3), mg.tensor([1.0, 2.0, 3.0]))
               tensor([6., 6.])
    """
    sizes = [each.shape[dim] if -each.ndim <= dim < each.ndim else None for each in (x, y)]
    if None not in sizes and sizes[0] != sizes[1]:
        raise ValueError(f"vecdot: {tuple(x.shape)} and {tuple(y.shape)}: sizes {sizes[0]} and "
                         f"{sizes[1]} along dim {dim}")  # fmt: skip
    return sum_of(x * y, dim)


# ------------------------------------------------------------------------------- the cross product


@op(
    lambda g, y, dim: _cross(y, g, dim),
    lambda g, x, dim: _cross(g, x, dim),
    promote=True,
    notation="{x} × {y}",
)
def _cross(x: Array, y: Array, dim: int) -> Array:
    """The vector perpendicular to two vectors, along a negative `dim`; see `linalg_cross`.

    Forward    out = x × y
    Gradient   x̄ = y × ḡ        ȳ = ḡ × x
    Shapes     (..., 3), (..., 3) -> (..., 3)
    """
    after = (slice(None),) * (-dim - 1)
    x0, x1, x2 = [x[(..., i, *after)] for i in range(3)]
    y0, y1, y2 = [y[(..., i, *after)] for i in range(3)]
    return np.stack([x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0], dim)


@composition
def linalg_cross(input: Array, other: Array, *, dim: int = -1) -> Tensor:
    """Cross product of vectors with three entries.

    Forward    out = (x₁y₂ - x₂y₁, x₂y₀ - x₀y₂, x₀y₁ - x₁y₀) along `dim`
    Gradient   x̄ = y × ḡ        ȳ = ḡ × x
    Shapes     (..., 3), (..., 3) -> (..., 3); the other axes broadcast
    Raises     ValueError if the size along `dim` is not 3; IndexError if there is no such axis
    Example    >>> mg.linalg.cross(mg.tensor([1.0, 2.0, 3.0]), mg.tensor([4.0, 5.0, 6.0]))
               tensor([-3.,  6., -3.])
    """
    for x in (input, other):
        if not -x.ndim <= dim < x.ndim:
            raise np.exceptions.AxisError(dim, x.ndim)
        if x.shape[dim] != 3:
            raise ValueError(
                f"cross: a vector has 3 entries along dim {dim}, got one of shape {tuple(x.shape)}"
            )
    if dim >= 0:
        if input.ndim != other.ndim:
            raise ValueError(
                f"cross: {tuple(input.shape)} and {tuple(other.shape)} have different numbers of "
                "axes: count dim from the end, such as dim=-1"
            )
        dim -= input.ndim
    return _cross(input, other, dim)


@composition
def cross(input: Array, other: Array, dim: int | None = None) -> Tensor:
    """Cross product of vectors with three entries, along the first axis of size 3.

    Forward    out = (x₁y₂ - x₂y₁, x₂y₀ - x₀y₂, x₀y₁ - x₁y₀) along `dim`
    Gradient   x̄ = y × ḡ        ȳ = ḡ × x
    Shapes     (..., 3, ...), (..., 3, ...) -> (..., 3, ...); the other axes broadcast
    Raises     ValueError if no axis has size 3, or the one at `dim` has not
    Example    >>> mg.cross(mg.tensor([1.0, 0.0, 0.0]), mg.tensor([0.0, 1.0, 0.0]))
               tensor([0., 0., 1.])
    """
    if dim is None:
        shape = np.broadcast_shapes(tuple(input.shape), tuple(other.shape))
        if 3 not in shape:
            raise ValueError(
                f"cross: {tuple(input.shape)} and {tuple(other.shape)}: no axis has size 3"
            )
        dim = shape.index(3) - len(shape)
    return linalg_cross(input, other, dim=dim)


# ------------------------------------------------------------------------------- chains of products


@composition
def multi_dot(tensors: Sequence[Array]) -> Tensor:
    """Product of two or more matrices, in the order that costs least.

    The first and the last may be vectors, a row and a column.

    Forward    out = A₁ A₂ ... Aₖ
    Gradient   that of the products: Āᵢ = (A₁ ... Aᵢ₋₁)ᵀ ḡ (Aᵢ₊₁ ... Aₖ)ᵀ
    Shapes     (n, k), (k, l), ..., (p, m) -> (n, m); leading axes broadcast
    Raises     ValueError if inner sizes differ, or there are fewer than two matrices
    Source     Cormen, Leiserson, Rivest and Stein 2009, section 15.2
    Example    >>> mg.linalg.multi_dot([mg.ones(2, 9), mg.ones(9, 9), mg.ones(9, 1)])
               tensor([[81.],
                       [81.]])
    """
    operands = list(tensors)
    if len(operands) < 2:
        raise ValueError(f"multi_dot: at least two matrices are needed, got {len(operands)}")
    row, column = operands[0].ndim == 1, operands[-1].ndim == 1
    if row:
        operands[0] = operands[0][None, :]
    if column:
        operands[-1] = operands[-1][:, None]
    for i, (x, y) in enumerate(pairwise(operands)):
        if min(x.ndim, y.ndim) < 2 or x.shape[-1] != y.shape[-2]:
            raise ValueError(
                f"multi_dot: operands {i} and {i + 1} have shapes {tuple(x.shape)} and "
                f"{tuple(y.shape)}, which cannot be multiplied"
            )
    sizes = (*[x.shape[-2] for x in operands], operands[-1].shape[-1])
    out = multiply_chain(operands, cheapest_splits(sizes), 0, len(operands) - 1)
    if row:
        out = out[..., 0, :]
    return out[..., 0] if column else out


@lru_cache(maxsize=256)
def cheapest_splits(sizes: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Where to split each part i...j of a chain of matrices of these sizes, by its cost."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    splits = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i, j], splits[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
    return splits


def multiply_chain(
    operands: Sequence[Array], splits: dict[tuple[int, int], int], i: int, j: int
) -> Array:
    """The product of operands i...j."""
    if i == j:
        return operands[i]
    k = splits[i, j]
    left = multiply_chain(operands, splits, i, k)
    return matmul(left, multiply_chain(operands, splits, k + 1, j))
