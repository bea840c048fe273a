"""Norms of vectors and matrices, distances, and the condition number.

A norm is not differentiable at 0, and its square under- or overflows long before it does: every
norm here is 0 in its gradient at 0, and is scaled by the largest entry where that is needed.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf
from typing import Any

import numpy as np

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.graph import plain
from minigrad.ops.diagonals import two_axes
from minigrad.ops.matrices import LinAlgError, check_matrix, check_square, first_true, place
from minigrad.ops.reduction import axes_of, reduced_axes, restore
from minigrad.ops.solving import inv
from minigrad.ops.spectral import svd, svdvals
from minigrad.sums import in_float32, is_half, sum_of
from minigrad.typed import Tensor

__all__ = ["cdist", "cond", "linalg_norm", "matrix_norm", "norm", "vector_norm"]


# ------------------------------------------------------------------------------------- vector norms


def vector_norm_vjp(g: Array, x: Array, out: Array, ord: float, dim: Any, keepdim: bool) -> Array:
    """x̄ = ḡ sign(x) (|x| / n)^(p-1), with 0 where the norm is 0."""
    shape = tuple(x.shape)
    g = restore(g, shape, dim, keepdim)
    if ord == 0:
        return np.broadcast_to(g * 0.0, shape)
    if ord == 1:
        return g * np.sign(x)
    norm = restore(out, shape, dim, keepdim)
    if abs(ord) == inf:
        extreme = np.abs(plain(x)) == plain(norm)
        count = extreme.sum(axes_of(dim, len(x.shape)), keepdims=True)
        share = (np.sign(plain(x)) / np.maximum(count, 1)).astype(x.dtype)
        return np.where(extreme, g, 0) * share
    zero = plain(norm) == 0
    safe = norm
    if zero.any():  # nothing moves such a norm, of a negative order not even large entries
        safe, x = np.where(zero, 1, norm), np.where(zero, 0, x)
    if ord == 2:
        return g * (x / safe)
    size = np.abs(x) / safe
    flat = plain(size) == 0  # where |x|^(p-1) may be infinite, but sign(x) is 0
    if flat.any():
        size = np.where(flat, np.ones_like(plain(size)), size)
    return g * (np.sign(x) * size ** (ord - 1))


@lru_cache
def smallest_safe(dtype: Any) -> float:
    """A sum of squares above this has lost no digits to underflow."""
    limits = np.finfo(dtype)
    return float(limits.tiny) / float(limits.eps)


def scaled_norm(x: Array, ord: float, axes: Any) -> Array:
    """The norm of order p with entries divided by the largest (p > 0) or smallest (p < 0)."""
    size = np.abs(x)
    pick = np.maximum if ord > 0 else np.minimum
    largest = pick.reduce(size, axes, keepdims=True, initial=0.0 if ord > 0 else inf)
    usable = (largest > 0) & np.isfinite(largest)
    scale = np.where(usable, largest, np.ones_like(largest))
    ratio = size / scale
    if ord == 2:
        total = np.sqrt(sum_of(ratio * ratio, axes, True))
    else:
        with np.errstate(divide="ignore"):  # 0 to a negative power: infinite, and the norm is 0
            total = sum_of(ratio**ord, axes, True) ** (1.0 / ord)
    return total * scale


@op(vector_norm_vjp, promote=True, notation="‖{x}‖")
def vector_norm(
    x: Array, ord: float = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Array:
    """Norm of the entries along axes, of all of them by default.

    ord   p, any number: 2 is Euclid's, 1 the sum of sizes, inf the largest, -inf the smallest, 0
          the count of entries that are not 0

    Forward    out = (Σ |x|ᵖ)^(1/p), scaled by max |x| so that it does not overflow before its
               value does
    Gradient   x̄ = ḡ sign(x) (|x| / out)^(ord - 1); 0 at x = 0.  inf: shared evenly by the largest
               entries; 1: sign(x), 0 at 0; 0: none
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     IndexError if x has no such axis; ValueError for the largest of no entries
    Example    >>> mg.linalg.vector_norm(mg.tensor([3.0, -4.0]))
               tensor(5.)
    """
    if dtype is not None:
        x = x.astype(dtype)
    elif x.dtype.kind in "biu":
        x = x.astype(float)
    if is_half(x):
        return in_float32(vector_norm, x, ord, dim, keepdim)
    axes = axes_of(dim, x.ndim)
    maximum: Any = np.maximum.reduce
    minimum: Any = np.minimum.reduce
    if ord == 1:
        return sum_of(np.abs(x), axes, keepdim)
    if ord == 0:
        return sum_of((x != 0).astype(x.dtype), axes, keepdim)
    if ord == inf:
        if not x.size and 0 not in [x.shape[axis] for axis in reduced_axes(x.shape, dim)]:
            return sum_of(x, axes, keepdim)
        return maximum(np.abs(x), axes, keepdims=keepdim)
    if ord == -inf:
        return minimum(np.abs(x), axes, keepdims=keepdim)
    if ord == 2 and axes is None:
        flat = x.reshape(-1)
        with np.errstate(over="ignore", under="ignore"):
            square = flat.dot(flat)
        if smallest_safe(x.dtype) < square < inf:
            root = np.sqrt(square)
            return root.reshape((1,) * x.ndim) if keepdim else root
    elif ord == 2:
        with np.errstate(over="ignore", under="ignore"):
            squares = sum_of(x * x, axes, keepdim)
        smallest = minimum(squares, None, initial=inf)
        if smallest > smallest_safe(x.dtype) and maximum(squares, None, initial=0) < inf:
            return np.sqrt(squares)
    out = scaled_norm(x, ord, axes)
    if keepdim:
        return out
    return np.squeeze(out, tuple(range(x.ndim)) if axes is None else axes)


# ------------------------------------------------------------------------------------- matrix norms


def shares(s: Array, which: float) -> Array:
    """1 / count at the singular values that are tied for the largest (2) or the smallest (-2)."""
    extreme = s[..., :1] if which > 0 else s[..., -1:]
    tied = np.abs(s - extreme) <= 32 * np.finfo(s.dtype).eps * s[..., :1]
    return (tied / tied.sum(-1, keepdims=True)).astype(s.dtype)


def spectral_norm_vjp(g: Array, factors: Any, which: float) -> Array:
    """Ā = n̄ u vᵀ, the mean over tied pairs."""
    U, s, Vh = factors
    return (U * (g[..., None] * shares(plain(s), which))[..., None, :]) @ Vh


@op(
    spectral_norm_vjp,
    keep={"factors": lambda x: svd(x, False)},
    promote=True,
    notation="‖{x}‖₂",
)
def _spectral_norm(x: Array, which: float) -> Any:
    """The largest (2) or smallest (-2) singular value.

    Forward    out = s₁, or the last one
    Gradient   Ā = ḡ u vᵀ with u, v the vectors of that value; where several are tied, the mean
    Shapes     (..., n, m) -> (...)
    """
    factors: Any = svd(x, False)
    return factors.S[..., 0 if which > 0 else -1], factors


def nuclear_norm_vjp(g: Array, factors: Any) -> Array:
    """Ā = n̄ U_r V_rᵀ over the singular values that are not 0."""
    U, s, Vh = factors
    s = plain(s)
    limit = np.finfo(s.dtype).eps * max(U.shape[-2], Vh.shape[-1]) * s[..., :1]
    return (U * (g[..., None] * (s > limit).astype(s.dtype))[..., None, :]) @ Vh


@op(
    nuclear_norm_vjp,
    keep={"factors": lambda x: svd(x, False)},
    promote=True,
    notation="‖{x}‖∗",
)
def _nuclear_norm(x: Array) -> Any:
    """The sum of the singular values.

    Forward    out = Σ sᵢ
    Gradient   Ā = ḡ U Vᵀ with U, V the vectors of the values above the rounding error; this is the
               smallest subgradient
    Shapes     (..., n, m) -> (...)
    """
    factors: Any = svd(x, False)
    return factors.S.sum(-1), factors


@composition
def matrix_norm(
    A: Array, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """Norm of matrices.

    ord   'fro': the root of the sum of squares; 'nuc': the sum of the singular values; 2 and -2:
          the largest and the smallest of them; 1 and -1: the largest and smallest sum of a column's
          sizes; inf and -inf: of a row's
    dim   the two axes of the matrices

    Forward    out = ‖A‖
    Gradient   fro: ḡ A / out, 0 at A = 0;  nuc: ḡ U_r V_rᵀ, over the values above 0;  2: ḡ u₁ v₁ᵀ,
               at a tie the mean;  1, inf: ḡ sign(A) in the largest column or row, shared at a tie
    Shapes     (..., n, m) -> (...), or (..., 1, 1) with keepdim
    Raises     ValueError for another norm, or unless `dim` names two axes
    Source     Watson 1992 (subgradients)
    Example    >>> mg.linalg.matrix_norm(mg.ones(4, 9))
               tensor(6.)
    """
    check_matrix("matrix_norm", A)
    if dtype is not None:
        A = A.astype(dtype)
    if np.shape(dim) != (2,):
        raise ValueError(f"matrix_norm: dim names the two axes of a matrix, got {dim!r}")
    row, column = two_axes("matrix_norm", A.ndim, *dim)
    if ord == "fro":
        return vector_norm(A, 2, (row, column), keepdim)
    if ord in (1, -1, inf, -inf):
        if 0 in (A.shape[row], A.shape[column]) and ord > 0:
            return vector_norm(A, 1, (row, column), keepdim)  # the norm of no entries is 0
        sums = vector_norm(A, 1, row if abs(ord) == 1 else column, True)
        return vector_norm(sums, inf if ord > 0 else -inf, (row, column), keepdim)
    if ord not in ("nuc", 2, -2):
        raise ValueError(
            f"matrix_norm: ord is 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}"
        )
    if 0 in (A.shape[row], A.shape[column]) and ord == 2:
        return vector_norm(A, 2, (row, column), keepdim)
    if 0 in (A.shape[row], A.shape[column]) and ord != "nuc":
        raise ValueError(
            f"matrix_norm: matrices without entries, of shape {tuple(A.shape)}, have no singular "
            f"value for ord={ord!r}"
        )
    if (row, column) != (A.ndim - 2, A.ndim - 1):
        A = np.moveaxis(A, (row, column), (-2, -1))
    out: Any = _nuclear_norm(A) if ord == "nuc" else _spectral_norm(A, ord)
    if keepdim:
        for axis in sorted((row, column)):
            out = np.expand_dims(out, axis)
    return out


@composition
def linalg_norm(
    A: Array, ord: Any = None, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """Norm of a vector or a matrix, as in ``torch.linalg.norm`` and ``np.linalg.norm``.

    ord   None: the root of the sum of squares of all entries; else an order of `vector_norm` or of
          `matrix_norm`
    dim   one axis: norms of vectors; two: of matrices; None: of all of A

    Forward    out = ‖A‖
    Gradient   that of `vector_norm` or `matrix_norm`; 0 at A = 0
    Shapes     (..., n, ...) -> (...)
    Raises     ValueError if `ord` is given, `dim` is not, and A is not a vector or matrix
    Example    >>> mg.linalg.norm(mg.tensor([3.0, -4.0]), 1)
               tensor(7.)
    """
    axes = (dim,) if isinstance(dim, (int, np.integer)) else dim
    if ord is None:
        return vector_norm(A, 2, axes, keepdim, dtype)
    if axes is None:
        if A.ndim not in (1, 2):
            raise ValueError(
                f"norm: with ord={ord!r} and no dim the operand is a vector or a matrix, got shape "
                f"{tuple(A.shape)}; use vector_norm for all entries"
            )
        axes = tuple(range(A.ndim))
    if len(axes) == 1:
        if isinstance(ord, str):
            raise ValueError(f"norm: ord={ord!r} is a norm of matrices, dim={dim!r} names one axis")
        return vector_norm(A, ord, axes, keepdim, dtype)
    return matrix_norm(A, ord, axes, keepdim, dtype)


@composition
def norm(
    input: Array, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """Norm of the entries, as in ``torch.norm``; `linalg.norm` also knows norms of matrices.

    p   'fro' or 2: the root of the sum of squares; another number: that order; 'nuc': the sum of
        the singular values

    Forward    out = (Σ |x|ᵖ)^(1/p) over the axes `dim`, all of them by default
    Gradient   x̄ = ḡ sign(x) (|x| / out)^(p-1); 0 at x = 0; for p = inf shared by the largest
    Shapes     (..., n, ...) -> (..., ...), or (..., 1, ...) with keepdim
    Raises     ValueError for another name of a norm
    Example    >>> mg.norm(mg.tensor([[3.0, 0.0], [0.0, 4.0]]))
               tensor(5.)
    """
    if p == "nuc":
        return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim, dtype)
    if isinstance(p, str) and p != "fro":
        raise ValueError(f"norm: p is a number, 'fro' or 'nuc', got {p!r}")
    return vector_norm(input, 2 if p in ("fro", None) else p, dim, keepdim, dtype)


MANY = 1 << 16  # differences of coordinates from which on distances go by way of a matrix product


def euclidean_x_vjp(g: Array, out: Array, x: Array, y: Array) -> Array:
    """x̄ᵢ = Σⱼ Wᵢⱼ (xᵢ - yⱼ) with W = ḡ / out, 0 where out is 0; no array of all differences."""
    zero = plain(out) == 0
    safe = np.where(zero, np.ones_like(plain(out)), out) if zero.any() else out
    weights = g / safe * (~zero).astype(g.dtype)
    # the mean cancels in the differences, and the numbers that are left are small
    centre = plain(y).mean(-2, keepdims=True) if y.shape[-2] else 0.0
    return weights.sum(-1)[..., None] * (x - centre) - weights @ (y - centre)


def euclidean_y_vjp(g: Array, out: Array, x: Array, y: Array) -> Array:
    """The same with the roles of x and y exchanged."""
    return euclidean_x_vjp(g.mT, out.mT, y, x)


@op(euclidean_x_vjp, euclidean_y_vjp, promote=True, notation="‖{x} - {y}‖")
def _euclidean(x: Array, y: Array) -> Array:
    """Euclidean distances between each pair of two sets of vectors, see `cdist`.

    Forward    out[i, j] = ‖x[i] - y[j]‖
    Gradient   x̄[i] = Σⱼ ḡ[i, j] (x[i] - y[j]) / out[i, j]; 0 where two vectors are equal
               ȳ[j] = Σᵢ ḡ[i, j] (y[j] - x[i]) / out[i, j]
    Shapes     (..., n, d), (..., m, d) -> (..., n, m)
    """
    if x.shape[-2] * y.shape[-2] * x.shape[-1] > MANY:
        out = distances_by_products(x, y)
        if out is not None:
            return out
    return vector_norm(x[..., :, None, :] - y[..., None, :, :], 2, -1)


def distances_by_products(x: Array, y: Array) -> Array | None:
    """Distances from ‖x‖² + ‖y‖² - 2 x·y; None where that would not be accurate.

    Where the difference cancels, the few close pairs are computed from their differences.
    """
    if x.dtype.kind != "f" or y.dtype.kind != "f":
        return None
    centre = y.mean(-2, keepdims=True)
    x, y = x - centre, y - centre
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        sizes = (x * x).sum(-1)[..., :, None] + (y * y).sum(-1)[..., None, :]
        squares = sizes - 2.0 * (x @ y.mT)
    limits = np.finfo(sizes.dtype)
    if not (sizes.min(initial=inf) > limits.tiny / limits.eps and sizes.max(initial=0.0) < inf):
        return None
    close = np.nonzero(squares < limits.eps**0.2 * sizes)
    if 8 * len(close[0]) > squares.size:
        return None
    *batch, i, j = close
    rows = np.broadcast_to(x, (*squares.shape[:-2], *x.shape[-2:]))[(*batch, i)]
    rows = rows - np.broadcast_to(y, (*squares.shape[:-2], *y.shape[-2:]))[(*batch, j)]
    squares[close] = (rows * rows).sum(-1)
    return np.sqrt(squares)


@composition
def cdist(x1: Array, x2: Array, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """Distances between each pair of two sets of vectors.

    compute_mode   accepted for PyTorch's sake: many distances are computed by a matrix product,
                   those of close vectors always from differences

    Forward    out[i, j] = ‖x1[i] - x2[j]‖ₚ
    Gradient   that of the norm; 0 where two vectors are equal
    Shapes     (..., n, d), (..., m, d) -> (..., n, m)
    Raises     ValueError if the vectors have different sizes
    Example    >>> mg.cdist(mg.tensor([[0.0, 0.0]]), mg.tensor([[3.0, 4.0], [0.0, 0.0]]))
               tensor([[5., 0.]])
    """
    check_matrix("cdist", x1)
    check_matrix("cdist", x2)
    if x1.shape[-1] != x2.shape[-1]:
        raise ValueError(
            f"cdist: vectors of sizes {x1.shape[-1]} and {x2.shape[-1]}, in shapes "
            f"{tuple(x1.shape)} and {tuple(x2.shape)}"
        )
    if p == 2:
        return _euclidean(x1, x2)
    return vector_norm(x1[..., :, None, :] - x2[..., None, :, :], p, -1)


# --------------------------------------------------------------------------------- condition number


def infinite_vjp(g: Array, infinite: Array) -> Array:
    """The gradient goes through, but not where the condition number is infinite."""
    return _only_finite(g, infinite)


@op(lambda g, infinite: _only_finite(g, infinite), notation="{g}")
def _only_finite(g: Array, infinite: Array) -> Array:
    """g, which is refused where a condition number is infinite.

    Forward    out = g
    Gradient   ḡ = out̄, refused likewise: in forward mode g is 0, and out̄ is not
    Shapes     (...), (...) of booleans -> (...)
    Raises     LinAlgError if an entry of g is not 0 where `infinite`
    """
    bad = infinite & (g != 0)
    if bad.any():
        raise LinAlgError(
            f"cond: {place(first_true(bad))} is singular: its condition number is inf and has "
            "no gradient"
        )
    return g


@op(infinite_vjp, notation="cond({x})")
def _infinite_where(x: Array, infinite: Array) -> Array:
    """Condition numbers, and inf where a matrix is singular.

    Forward    out = inf where `infinite`, else x
    Gradient   x̄ = ḡ
    Shapes     (...), (...) of booleans -> (...)
    Raises     LinAlgError in backward if the gradient of an infinite one is asked for
    """
    return np.where(infinite, inf, x).astype(x.dtype)


def is_singular(A: Array) -> Array:
    """Whether elimination meets a pivot that is exactly 0, for each square matrix."""
    return np.asarray(np.linalg.slogdet(A)[0] == 0)


@composition
def cond(A: Array, p: Any = None) -> Tensor:
    """Condition number: how much a solution of A x = b may change, relative to a change of b.

    p   the norm: None or 2, -2, 'fro', 'nuc', 1, -1, inf, -inf

    Forward    out = s₁ / sₙ for p = 2, its inverse for -2, ‖A‖ ‖A⁻¹‖ for others; inf if A is
               singular
    Gradient   Ā = ḡ (u₁v₁ᵀ/sₙ - s₁ uₙvₙᵀ/sₙ²) for p = 2
    Shapes     (..., n, m) -> (...); square unless p is 2 or -2
    Raises     ValueError for another norm; LinAlgError in backward if A is singular
    Source     Golub and Van Loan 2013, section 2.6
    Example    >>> mg.linalg.cond(mg.tensor([[1.0, 0.0], [0.0, 4.0]]))
               tensor(4.)
    """
    check_matrix("cond", A)
    if 0 in A.shape[-2:]:
        raise LinAlgError(f"cond: a matrix of shape {tuple(A.shape)} has no entries")
    if p in (None, 2, -2):
        s = svdvals(A)
        largest, smallest = s[..., 0], s[..., -1]
        if p == -2:
            return smallest / largest
        numbers = plain(s)
        infinite = numbers[..., -1] == 0
        if A.shape[-1] == A.shape[-2] and np.any(
            numbers[..., -1] <= np.finfo(numbers.dtype).eps * A.shape[-1] * numbers[..., 0]
        ):
            infinite = infinite | is_singular(plain(A))
        return finite_ratio(largest, smallest, infinite)
    check_square("cond", A)
    singular = is_singular(plain(A))
    if not singular.any():
        return matrix_norm(A, p) * matrix_norm(inv(A), p)
    identity = np.eye(A.shape[-1], dtype=A.dtype)
    A = np.where(singular[..., None, None], identity, A)
    return _infinite_where(matrix_norm(A, p) * matrix_norm(inv(A), p), singular)


def finite_ratio(largest: Array, smallest: Array, infinite: Array) -> Array:
    """The quotient, inf where told."""
    if not np.any(infinite):
        return largest / smallest
    divisor = np.where(infinite, np.ones_like(plain(smallest)), smallest)
    return _infinite_where(largest / divisor, infinite)
