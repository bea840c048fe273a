"""Linear algebra that reports instead of raising, tensor equations, and PyTorch's older names."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.calls import Array, Variable, op
from minigrad.composition import composition
from minigrad.graph import plain
from minigrad.ops.factorizations import (
    cholesky,
    eliminate,
    lu_factor,
    order_of,
    qr,
    unit_lower,
    upper_part,
)
from minigrad.ops.matrices import LinAlgError, check_matrix, check_square
from minigrad.ops.solving import inv, solve
from minigrad.ops.spectral import svd

__all__ = [
    "cholesky_ex", "geqrf", "householder_product", "inv_ex", "lu_factor_ex", "lu_older",
    "lu_unpack", "ormqr", "qr_older", "solve_ex", "svd_older", "tensorinv", "tensorsolve",
]  # fmt: skip

# ------------------------------------------------------------------------------ results with a flag


class InverseAndInfo(NamedTuple):
    """What `inv_ex` returns."""

    inverse: Any
    info: Any


class FactorAndInfo(NamedTuple):
    """What `cholesky_ex` returns."""

    L: Any
    info: Any


class ResultAndInfo(NamedTuple):
    """What `solve_ex` returns."""

    result: Any
    info: Any


class LUAndInfo(NamedTuple):
    """What `lu_factor_ex` returns."""

    LU: Any
    pivots: Any
    info: Any


@op(None, notation="info({x})")
def _first_zero_pivot(x: Array) -> Array:
    """Which pivot of each matrix is the first that is exactly zero, counted from 1; 0 if none is.

    Forward    out = min {k : U[k, k] = 0}
    Gradient   none: the result is integers
    Shapes     (..., n, m) -> (...)
    """
    compact, _ = eliminate(x, True)
    zero = np.diagonal(compact, 0, -2, -1) == 0
    return np.where(zero.any(-1), zero.argmax(-1) + 1 if zero.shape[-1] else 0, 0).astype(np.int32)


@op(None, notation="info({x})")
def _first_bad_minor(x: Array) -> Array:
    """The order of the first leading minor of each matrix that is not positive; 0 if none is.

    Forward    out = min {k : det A[:k, :k] ≤ 0}
    Gradient   none: the result is integers
    Shapes     (..., n, n) -> (...)
    """
    info = np.zeros(x.shape[:-2], np.int32)
    for place in np.ndindex(info.shape):
        for k in range(1, x.shape[-1] + 1):
            try:
                np.linalg.cholesky(x[place][:k, :k])
            except np.linalg.LinAlgError:
                info[place] = k
                break
    return info


def repaired(name: str, A: Any, info: Any, check_errors: bool) -> tuple[Any, Any]:
    """A with the identity in place of matrices that `info` reports, and NaN for their results."""
    bad = plain(info)[..., None, None] != 0
    if check_errors and bad.any():
        raise LinAlgError(f"{name}: info is {plain(info).tolist()}")
    if not bad.any():
        return A, None
    return np.where(bad, np.eye(A.shape[-1], dtype=A.dtype), A), bad


def undefined_where(bad: Any, result: Any) -> Any:
    return result if bad is None else np.where(bad, np.asarray(np.nan, result.dtype), result)


@composition
def inv_ex(A: Array, *, check_errors: bool = False) -> Any:
    """The inverse, and 0; or NaN, and the number of the pivot that is 0.

    Forward    inverse = A⁻¹, info = 0; of a singular A NaN, and the place of the first zero pivot
    Gradient   Ā = -A⁻ᵀ ḡ A⁻ᵀ, 0 for singular matrices
    Shapes     (..., n, n) -> (..., n, n), (...)
    Raises     ValueError unless square; LinAlgError if a matrix is singular and check_errors is set
    Example    >>> mg.linalg.inv_ex(mg.tensor([[2.0]])).info
               tensor(0, dtype=int32)
    """
    check_square("inv_ex", A)
    info = _first_zero_pivot(A)
    A, bad = repaired("inv_ex", A, info, check_errors)
    return InverseAndInfo(undefined_where(bad, inv(A)), info)


@composition
def cholesky_ex(A: Array, *, upper: bool = False, check_errors: bool = False) -> Any:
    """The Cholesky factor, and 0; or NaN, and the order of the minor that is not positive.

    Forward    L = chol(A), info = 0; of an indefinite A NaN, and the order of the first such minor
    Gradient   as of `cholesky`, 0 for indefinite matrices
    Shapes     (..., n, n) -> (..., n, n), (...)
    Raises     ValueError unless square; LinAlgError if one is indefinite and check_errors is set
    Example    >>> mg.linalg.cholesky_ex(mg.tensor([[1.0, 2.0], [2.0, 1.0]])).info
               tensor(2, dtype=int32)
    """
    check_square("cholesky_ex", A)
    info = _first_bad_minor(A)
    A, bad = repaired("cholesky_ex", A, info, check_errors)
    return FactorAndInfo(undefined_where(bad, cholesky(A, upper)), info)


@composition
def solve_ex(A: Array, B: Array, *, left: bool = True, check_errors: bool = False) -> Any:
    """The solution of A X = B, and 0; or NaN, and the number of the pivot that is 0.

    Forward    result = A⁻¹ B, info = 0; of a singular A NaN, and the place of the first zero pivot
    Gradient   B̄ = A⁻ᵀ ḡ        Ā = -B̄ Xᵀ; 0 for singular matrices
    Shapes     (..., n, n), (..., n, k) -> (..., n, k), (...)
    Raises     ValueError if the shapes do not fit; LinAlgError if check_errors is set
    Example    >>> mg.linalg.solve_ex(mg.tensor([[2.0]]), mg.tensor([[4.0]])).result
               tensor([[2.]])
    """
    check_square("solve_ex", A)
    info = _first_zero_pivot(A)
    A, bad = repaired("solve_ex", A, info, check_errors)
    result = solve(A, B, left=left)
    if bad is not None and result.ndim < A.ndim:
        bad = bad[..., 0]
    return ResultAndInfo(undefined_where(bad, result), info)


@composition
def lu_factor_ex(A: Array, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """The LU factorization in compact form, and the number of the pivot that is 0, or 0.

    Forward    (LU, pivots) of `lu_factor`, and info = the place of the first zero pivot, else 0
    Gradient   as for `lu`
    Shapes     (..., n, m) -> (..., n, m), (..., min(n, m)), (...)
    Raises     LinAlgError if a pivot is 0 and check_errors is set
    Example    >>> mg.linalg.lu_factor_ex(mg.tensor([[2.0]])).info
               tensor(0, dtype=int32)
    """
    check_matrix("lu_factor_ex", A)
    info = _first_zero_pivot(A)
    if check_errors and plain(info).any():
        raise LinAlgError(f"lu_factor_ex: info is {plain(info).tolist()}")
    return LUAndInfo(*lu_factor(A, pivot=pivot), info)


# --------------------------------------------------------------------------------- tensor equations


@composition
def tensorinv(A: Array, ind: int = 2) -> Array:
    """The inverse of a tensor, for `tensordot`.

    Forward    out = B with tensordot(A, B, ind) the identity
    Gradient   as of `inv`
    Shapes     (n..., m...) -> (m..., n...), the first `ind` axes with the product of the others
    Raises     ValueError if the two products of sizes differ; LinAlgError if A is singular
    Example    >>> mg.linalg.tensorinv(mg.eye(4).reshape(2, 2, 4)).shape
               (4, 2, 2)
    """
    if ind < 1:
        raise ValueError(f"tensorinv: ind is at least 1, got {ind}")
    first, last = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    rows, columns = int(np.prod(first)), int(np.prod(last))
    if rows != columns:
        raise ValueError(f"tensorinv: the products of {first} and {last} differ")
    return np.reshape(inv(np.reshape(A, (rows, columns))), (*last, *first))


@composition
def tensorsolve(A: Array, B: Array, dims: tuple[int, ...] | None = None) -> Array:
    """The solution of tensordot(A, X) = B.

    dims       axes of A that are moved to its end before
    Forward    out = X with Σ A[i..., j...] X[j...] = B[i...]
    Gradient   as of `solve`
    Shapes     (n..., m...), (n...) -> (m...)
    Raises     ValueError if the shapes do not fit; LinAlgError if A is singular
    Example    >>> mg.linalg.tensorsolve(mg.eye(4).reshape(2, 2, 4), mg.ones(2, 2))
               tensor([1., 1., 1., 1.])
    """
    if dims is not None:
        A = np.moveaxis(A, dims, tuple(range(A.ndim - len(dims), A.ndim)))
    shape = tuple(A.shape[B.ndim :])
    size = int(np.prod(shape))
    if size != int(np.prod(B.shape)):
        raise ValueError(f"tensorsolve: A of shape {tuple(A.shape)} and B of {tuple(B.shape)}")
    return np.reshape(solve(np.reshape(A, (size, size)), np.reshape(B, (size,))), shape)


@composition
def householder_product(A: Array, tau: Array) -> Array:
    """The first columns of a product of Householder matrices, as LAPACK's geqrf stores them.

    Forward    out = the first columns of H₁ H₂ ⋯, Hᵢ = I - tauᵢ vᵢ vᵢᵀ, where vᵢ is column i of A
               below the diagonal, 1 on it and 0 above
    Gradient   that of the product
    Shapes     (..., n, m), (..., k) -> (..., n, m) with k ≤ m ≤ n
    Raises     ValueError if the sizes do not fit
    Example    >>> A, tau = mg.tensor([[1.0], [1.0]]), mg.tensor([1.0])
               >>> mg.linalg.householder_product(A, tau)
               tensor([[ 0.],
                       [-1.]])
    """
    check_matrix("householder_product", A)
    n, m = A.shape[-2:]
    k = tau.shape[-1]
    if not k <= m <= n:
        raise ValueError(f"householder_product: {k} reflections of matrices of shape {(n, m)}")
    out: Any = np.broadcast_to(np.eye(n, m, dtype=A.dtype), A.shape)
    for i in range(k - 1, -1, -1):
        below = (np.arange(n) > i).astype(A.dtype)
        v = A[..., i] * below + np.eye(n, dtype=A.dtype)[i]
        out = out - (tau[..., i, None] * v)[..., None] * np.matmul(v[..., None, :], out)
    return out + A * 0 if k == 0 else out


class Reflections(NamedTuple):
    """What `geqrf` returns."""

    a: Any
    tau: Any


@op(notation="geqrf {x}")
def _geqrf(x: Array) -> Any:
    """R, and below it the vectors of the Householder matrices; and their factors.

    Forward    (a, tau) with H₁ H₂ ⋯ R = x
    Gradient   none
    Shapes     (..., n, m) -> (..., n, m), (..., min(n, m))
    """
    packed, tau = np.linalg.qr(x, mode="raw")
    return np.ascontiguousarray(np.swapaxes(packed, -1, -2)), tau


@composition
def geqrf(input: Array) -> Any:
    """The QR decomposition as LAPACK stores it, for `householder_product` and `ormqr`.

    Forward    (a, tau): R on and above the diagonal of a, below it the vectors vᵢ of
               Hᵢ = I - tauᵢ vᵢ vᵢᵀ, whose product is Q
    Gradient   none: of `linalg.qr` there is one
    Shapes     (..., n, m) -> (..., n, m), (..., min(n, m))
    Raises     ValueError if the input is not a matrix
    Source     LAPACK Users' Guide, third edition, section 5.4
    Example    >>> a, tau = mg.geqrf(mg.tensor([[3.0], [4.0]]))
               >>> a, tau
               (tensor([[-5. ],
                       [ 0.5]]), tensor([1.6]))
    """
    check_matrix("geqrf", input)
    return Reflections(*_geqrf(input))


@composition
def ormqr(
    input: Array, tau: Array, other: Array, left: bool = True, transpose: bool = False
) -> Array:
    """A matrix times the orthogonal Q that `geqrf` stores, without writing Q out.

    left, transpose   Q other, Qᵀ other, other Q or other Qᵀ

    Forward    out = H₁ H₂ ⋯ other, for the left and without transposition
    Gradient   that of the product
    Shapes     (..., n, m), (..., k), (..., n, l) -> (..., n, l); for the right other is (..., l, n)
    Raises     ValueError if the sizes do not fit
    Example    >>> a, tau = mg.tensor([[2.0], [1.0]]), mg.tensor([1.0])
               >>> mg.ormqr(a, tau, mg.tensor([[3.0], [4.0]]))
               tensor([[-4.],
                       [-3.]])
    """
    check_matrix("ormqr", input)
    check_matrix("ormqr", other)
    n, k = input.shape[-2], tau.shape[-1]
    if k > min(input.shape[-2:]) or other.shape[-2 if left else -1] != n:
        raise ValueError(
            f"ormqr: {k} reflections of {tuple(input.shape)} do not go with {tuple(other.shape)}"
        )
    out = other if left else np.swapaxes(other, -1, -2)
    forward = transpose == left  # H₁ is applied first
    for i in range(k) if forward else range(k - 1, -1, -1):
        below = (np.arange(n) > i).astype(input.dtype)
        v = input[..., i] * below + np.eye(n, dtype=input.dtype)[i]
        out = out - (tau[..., i, None] * v)[..., None] * np.matmul(v[..., None, :], out)
    return out if left else np.swapaxes(out, -1, -2)


# ------------------------------------------------------------------------------------- older names


class SVDOlder(NamedTuple):
    """What ``torch.svd`` returns: V, and not its transpose."""

    U: Any
    S: Any
    V: Any


@composition
def svd_older(input: Array, some: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition, as PyTorch had it before ``linalg.svd``: with V, not Vᵀ.

    some        only as many vectors as values; else square factors
    compute_uv  False: U and V are zeros
    Forward     (U, S, V) with A = U diag(S) Vᵀ
    Gradient    as of `linalg.svd`
    Shapes      (..., n, m) -> (..., n, k), (..., k), (..., m, k) with k = min(n, m)
    Example     >>> mg.svd(mg.tensor([[3.0, 0.0], [0.0, 4.0]])).S
                tensor([4., 3.])
    """
    U, S, Vh = svd(input, not some)
    if not compute_uv:
        n, m = input.shape[-2:]
        zeros = [np.zeros_like(S, shape=(*input.shape[:-2], size, size)) for size in (n, m)]
        return SVDOlder(zeros[0], S, zeros[1])
    return SVDOlder(U, S, Vh.mT)


@composition
def qr_older(input: Array, some: bool = True) -> Any:
    """QR factorization, as PyTorch had it before ``linalg.qr``.

    some       Q has as many columns as A has rows or columns, whichever is less; else it is square
    Forward    (Q, R) with A = Q R
    Gradient   as of `linalg.qr`
    Shapes     (..., n, m) -> (..., n, k), (..., k, m) with k = min(n, m)
    Example    >>> mg.qr(mg.tensor([[2.0]])).Q.abs()
               tensor([[1.]])
    """
    return qr(input, "reduced" if some else "complete")


@composition
def lu_older(input: Array, pivot: bool = True, get_infos: bool = False) -> Any:
    """The LU factorization in compact form, as PyTorch had it before ``linalg.lu_factor``.

    Forward    (LU, pivots), with get_infos (LU, pivots, infos)
    Gradient   as for `linalg.lu`
    Shapes     (..., n, m) -> (..., n, m), (..., min(n, m))
    Example    >>> mg.lu(mg.tensor([[2.0]]))[0]
               tensor([[2.]])
    """
    LU, pivots, info = lu_factor_ex(input, pivot=pivot)
    return (LU, pivots, info) if get_infos else (LU, pivots)


@composition
def lu_unpack(
    LU_data: Array, LU_pivots: Array, unpack_data: bool = True, unpack_pivots: bool = True
) -> tuple[Any, Any, Any]:
    """P, L and U from the compact form of `linalg.lu_factor`.

    Forward    (P, L, U) with A = P L U
    Gradient   that of the parts
    Shapes     (..., n, m), (..., k) -> (..., n, n), (..., n, k), (..., k, m) with k = min(n, m)
    Example    >>> P, L, U = mg.lu_unpack(*mg.linalg.lu_factor(mg.tensor([[1.0, 2.0], [4.0, 4.0]])))
               >>> P @ L @ U
               tensor([[1., 2.],
                       [4., 4.]])
    """
    P = L = U = np.zeros_like(LU_data, shape=0)
    if unpack_data:
        L, U = unit_lower(LU_data), upper_part(LU_data)
    if unpack_pivots:
        n = LU_data.shape[-2]
        order = order_of(plain(LU_pivots), n)
        rows = np.eye(n, dtype=LU_data.dtype)[order]
        P = np.swapaxes(rows, -1, -2)
        if isinstance(LU_data, Variable):
            P = np.zeros_like(LU_data, shape=P.shape) + P
    return P, L, U
