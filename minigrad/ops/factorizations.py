"""Factorizations without eigenvalues: Cholesky, QR, LU.

Their factors are unique up to signs of rows and columns, which are constant nearby, so each has a
derivative wherever the matrix has full rank.
"""

from __future__ import annotations

from math import prod
from typing import Any, Generic, NamedTuple

import numpy as np

from minigrad.calls import Array, Variable, op
from minigrad.composition import composition
from minigrad.graph import plain, wrap
from minigrad.ops.matrices import (
    LinAlgError,
    check_matrix,
    check_square,
    copyltu,
    first_failing,
    first_true,
    halved,
    place,
)
from minigrad.ops.solving import check_right_hand_side, solve_triangular
from minigrad.typed import Each, Tensor, returns

__all__ = [
    "cholesky", "cholesky_inverse", "cholesky_solve", "lq", "lu", "lu_factor", "lu_solve", "qr",
]  # fmt: skip


# ----------------------------------------------------------------------------------------- Cholesky


def cholesky_vjp(g: Array, out: Array, upper: bool) -> Array:
    """Ā = sym(S) with S = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹: two triangular solves."""
    L, G = (out.mT, g.mT) if upper else (out, g)
    phi = halved(L.mT @ np.tril(G))
    left = solve_triangular(L.mT, phi, upper=True)
    S = solve_triangular(L.mT, left.mT, upper=True)  # transposed, which the last line undoes
    return (S + S.mT) * 0.5


@op(cholesky_vjp, numpy=np.linalg.cholesky, promote=True, notation="chol({x})")
def cholesky(x: Array, upper: bool = False) -> Array:
    """Cholesky factor of a symmetric positive definite matrix.

    Only the lower triangle is read.  The gradient is that of ``f(symmetrize(A))``: symmetric.

    Forward    out = L, lower triangular, with L Lᵀ = A; or Lᵀ with upper=True
    Gradient   Ā = sym(L⁻ᵀ Φ(Lᵀ ḡ) L⁻¹) with A = L Lᵀ, ḡ turned like L, and Φ(M) the lower triangle
               of M, its diagonal halved
    Shapes     (..., n, n) -> (..., n, n)
    Raises     ValueError unless square; LinAlgError if a matrix is not positive definite, with
               its batch index and the first leading minor that is not positive
    Source     Murray 2016, arXiv 1602.07527
    Example    >>> mg.linalg.cholesky(mg.tensor([[4.0, 2.0], [2.0, 5.0]]))
               tensor([[2., 0.],
                       [1., 2.]])
    """
    check_square("cholesky", x)
    try:
        L = np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        raise indefinite(x) from None
    return L.mT if upper else L


def indefinite(x: Array) -> LinAlgError:
    """The error for a matrix that has no Cholesky factor."""
    index = first_failing(np.linalg.cholesky, x)
    matrix = x[index] if index else x
    for order in range(1, matrix.shape[-1] + 1):
        if first_failing(np.linalg.cholesky, matrix[:order, :order]) is not None:
            break
    return LinAlgError(
        f"cholesky: {place(index)} is not positive definite: its leading minor of order {order} is "
        "not positive; add a multiple of the identity matrix if it should be"
    )


@composition
def cholesky_solve(B: Array, L: Array, upper: bool = False) -> Tensor:
    """Solution of A X = B by the Cholesky factor of A.

    Forward    out = X with L Lᵀ X = B; with upper=True the factor is U with Uᵀ U = A
    Gradient   B̄ = A⁻¹ ḡ        L̄ = -tril((B̄ Xᵀ + X B̄ᵀ) L)
    Shapes     (..., n, k), (..., n, n) -> (..., n, k)
    Raises     ValueError if the shapes do not fit; LinAlgError if the diagonal of L holds a 0
    Example    >>> L = mg.tensor([[2.0, 0.0], [1.0, 2.0]])
               >>> mg.cholesky_solve(mg.tensor([[4.0], [2.0]]), L)
               tensor([[1.],
                       [0.]])
    """
    if upper:
        return solve_triangular(L, solve_triangular(L.mT, B, upper=False), upper=True)
    return solve_triangular(L.mT, solve_triangular(L, B, upper=False), upper=True)


@composition
def cholesky_inverse(L: Array, upper: bool = False) -> Tensor:
    """Inverse of a matrix by its Cholesky factor.

    Forward    out = (L Lᵀ)⁻¹; with upper=True (Uᵀ U)⁻¹
    Gradient   L̄ = -tril(out (ḡ + ḡᵀ) out L)
    Shapes     (..., n, n) -> (..., n, n)
    Raises     ValueError unless square; LinAlgError if the diagonal of L holds a 0
    Example    >>> mg.cholesky_inverse(mg.tensor([[2.0, 0.0], [0.0, 1.0]]))
               tensor([[0.25, 0.  ],
                       [0.  , 1.  ]])
    """
    check_square("cholesky_inverse", L)
    return cholesky_solve(np.eye(L.shape[-1], dtype=L.dtype), L, upper)


# ----------------------------------------------------------------------------------------------- QR


class QRResult(NamedTuple, Generic[Each]):
    """The factors of A = Q R."""

    Q: Each
    R: Each


def check_full_rank(R: Array) -> None:
    """Raise a LinAlgError if R, square, has an entry on its diagonal that is 0 but for rounding."""
    if 0 in R.shape:
        return
    size = np.abs(np.diagonal(R, axis1=-2, axis2=-1))
    limit = np.finfo(R.dtype).eps * R.shape[-1] * np.abs(R).max((-2, -1))[..., None]
    bad = first_true(size <= limit)
    if bad is not None:
        raise LinAlgError(
            f"qr: {place(bad[:-1])} has linearly dependent columns (column {bad[-1]} depends on "
            "those before it), where Q and R have no gradient; use mg.linalg.svd or pinv"
        )


def qr_square_vjp(Q: Array, R: Array, g_Q: Array, g_R: Array) -> Array:
    """Ā = (Q̄ + Q copyltu(M)) R⁻ᵀ with M = R R̄ᵀ - Q̄ᵀ Q, for square R."""
    check_full_rank(plain(R))
    if g_Q is None:
        inner = Q @ copyltu(R @ g_R.mT)
    else:
        M = -(g_Q.mT @ Q)
        if g_R is not None:
            M = M + R @ np.triu(g_R).mT
        inner = g_Q + Q @ copyltu(M)
    return solve_triangular(R, inner.mT, upper=True).mT


def qr_vjp(g: QRResult, x: Array, out: QRResult, mode: str) -> Array:
    """The rule for square R; of a wide matrix the other columns Y add V = QᵀY to R = [U, V]."""
    n, m = x.shape[-2:]
    Q, R = out
    g_Q, g_R = g
    if g_R is not None:
        g_R = np.triu(g_R)
    if n >= m:
        if mode == "complete" and n > m:
            raise LinAlgError(
                f"qr: mode='complete' of a matrix of shape {tuple(x.shape)} has no gradient: the "
                f"last {n - m} columns of Q are arbitrary; use mode='reduced'"
            )
        return qr_square_vjp(Q, R, g_Q, g_R)
    if g_R is None:
        first = qr_square_vjp(Q, R[..., :n], g_Q, None)
        return np.concatenate([first, np.zeros_like(x[..., n:])], -1)
    g_U, g_V = g_R[..., :n], g_R[..., n:]
    from_V = x[..., n:] @ g_V.mT
    first = qr_square_vjp(Q, R[..., :n], from_V if g_Q is None else g_Q + from_V, g_U)
    return np.concatenate([first, Q @ g_V], -1)


@returns(QRResult[Tensor])
@op(qr_vjp, notation="qr({x})")
def _qr(x: Array, mode: Any) -> Any:
    """Q and R of one matrix or a batch, in a mode that was checked; see `qr`.

    Forward    (Q, R) with A = Q R
    Gradient   Ā = (Q̄ + Q copyltu(M)) R⁻ᵀ with M = R R̄ᵀ - Q̄ᵀ Q and Q, R = out
    Shapes     (..., n, m) -> (..., n, k), (..., k, m)
    """
    return QRResult(*np.linalg.qr(x, mode))


@composition
def qr(A: Array, mode: str = "reduced") -> QRResult[Tensor]:
    """A = Q R, with orthonormal columns in Q and an upper triangular R.

    mode   'reduced': Q has as many columns as A has rows or columns, whichever is less;
           'complete': Q is square;  'r': R only, Q is empty

    Forward    (Q, R) with A = Q R
    Gradient   Ā = (Q̄ + Q copyltu(M)) R⁻ᵀ with M = R R̄ᵀ - Q̄ᵀ Q; of a wide A the rule for its first
               columns, and Q V̄ for the others
    Shapes     (..., n, m) -> (..., n, k), (..., k, m) with k = min(n, m)
    Raises     ValueError for another mode; LinAlgError in backward if the (first) columns of A are
               dependent, or mode is 'complete' and A is tall: its extra columns are arbitrary
    Source     Roberts and Roberts 2020, arXiv 2009.10071
    Example    >>> Q, R = mg.linalg.qr(mg.tensor([[3.0, 1.0], [4.0, 1.0]]))
               >>> mg.abs(R)
               tensor([[5. , 1.4],
                       [0. , 0.2]])
    """
    check_matrix("qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"qr: mode is 'reduced', 'complete' or 'r', got {mode!r}")
    if mode == "r":
        Q, R = _qr(A, "reduced")
        return QRResult(Q[..., :0], R)
    result: Any = _qr(A, mode)
    return result


class LQResult(NamedTuple, Generic[Each]):
    """The factors of A = L Q."""

    L: Each
    Q: Each


@composition
def lq(A: Array) -> LQResult[Tensor]:
    """A = L Q, with a lower triangular L and orthonormal rows in Q: the QR of Aᵀ, transposed.

    Forward    (L, Q) with A = L Q
    Gradient   Ā = L⁻ᵀ (Q̄ + copyltu(M) Q) with M = Lᵀ L̄ - Q̄ Qᵀ
    Shapes     (..., n, m) -> (..., n, k), (..., k, m) with k = min(n, m)
    Raises     LinAlgError in backward if the (first) rows of A are dependent
    Source     Seeger, Hetzel, Dai, Meissner and Lawrence 2017, arXiv 1710.08717
    Example    >>> lower, Q = mg.linalg.lq(mg.tensor([[3.0, 4.0], [1.0, 1.0]]))
               >>> mg.abs(lower)
               tensor([[5. , 0. ],
                       [1.4, 0.2]])
    """
    check_matrix("lq", A)
    Q, R = qr(A.mT)
    return LQResult(R.mT, Q.mT)


# ----------------------------------------------------------------------------------------------- LU


def eliminate(x: Array, pivot: bool) -> tuple[Array, Array]:
    """Gaussian elimination of a batch: L below the diagonal and U above, and the order of the rows.

    Row i of the result is row order[i] of the matrix, after elimination.
    """
    n, m = x.shape[-2:]
    batch = x.shape[:-2]
    a = np.array(x).reshape((prod(batch), n, m))
    order = np.tile(np.arange(n), (len(a), 1))
    each = np.arange(len(a))
    for k in range(min(n, m)):
        if pivot:
            largest = k + np.abs(a[:, k:, k]).argmax(1)
            for rows in (a, order):
                kept = rows[each, largest].copy()
                rows[each, largest] = rows[:, k]
                rows[:, k] = kept
        elif not a[:, k, k].all():
            index = first_true(a[:, k, k].reshape(batch) == 0)
            raise LinAlgError(f"lu: {place(index)} has a zero pivot in row {k}; use pivot=True")
        divisor = np.where(a[:, k, k] == 0, 1, a[:, k, k])  # below a zero pivot all is 0
        a[:, k + 1 :, k] /= divisor[:, None]
        a[:, k + 1 :, k + 1 :] -= a[:, k + 1 :, k, None] * a[:, k, None, k + 1 :]
    return a.reshape(x.shape), order.reshape((*batch, n))


def unit_lower(compact: Array) -> Array:
    """L of the compact form: the part below the diagonal, with ones on it."""
    n, m = compact.shape[-2:]
    k = min(n, m)
    return np.tril(compact[..., :k], -1) + np.eye(n, k, dtype=compact.dtype)


def upper_part(compact: Array) -> Array:
    """U of the compact form."""
    k = min(compact.shape[-2:])
    return np.triu(compact[..., :k, :])


def ordered(x: Array, order: Array) -> Array:
    """The rows of each matrix in the given order; x and the order may be batches of each other."""
    batch = np.broadcast_shapes(tuple(x.shape[:-2]), order.shape[:-1])
    if tuple(x.shape[:-2]) != batch:
        x = np.broadcast_to(x, (*batch, *x.shape[-2:]))
    order = np.broadcast_to(order, (*batch, order.shape[-1]))
    index = np.ix_(*[np.arange(size) for size in batch], np.arange(order.shape[-1]))[:-1]
    return x[(*index, order)] if batch else x[order]


class CompactLU(NamedTuple):
    """L and U in one matrix, and the order of the rows."""

    compact: Any
    order: Any


def lu_square_vjp(L: Array, U: Array, g_L: Array, g_U: Array) -> Array:
    """L⁻ᵀ [tril(Lᵀ L̄, -1) + triu(Ū Uᵀ)] U⁻ᵀ."""
    inner = np.tril(L.mT @ g_L, -1) + np.triu(g_U @ U.mT)
    right = solve_triangular(U, inner.mT, upper=True).mT
    return solve_triangular(L.mT, right, upper=True, unitriangular=True)


def lu_vjp(g: CompactLU, out: CompactLU, pivot: bool) -> Array:
    """The rule for a square matrix, extended by L₂ = A₂ U⁻¹ (tall) or U₂ = L⁻¹ A₂ (wide)."""
    compact, order = out
    order = plain(order)
    n, m = compact.shape[-2:]
    k = min(n, m)
    L, U = unit_lower(compact[..., :k, :k]), upper_part(compact[..., :k, :k])
    g_L, g_U = np.tril(g.compact[..., :k, :k], -1), np.triu(g.compact[..., :k, :k])
    if n > m:
        rows = solve_triangular(U, g.compact[..., k:, :].mT, upper=True).mT
        g_U = g_U - np.triu(compact[..., k:, :].mT @ rows)
        moved = np.concatenate([lu_square_vjp(L, U, g_L, g_U), rows], -2)
    elif n < m:
        columns = solve_triangular(L.mT, g.compact[..., k:], upper=True, unitriangular=True)
        g_L = g_L - np.tril(columns @ compact[..., k:].mT, -1)
        moved = np.concatenate([lu_square_vjp(L, U, g_L, g_U), columns], -1)
    else:
        moved = lu_square_vjp(L, U, g_L, g_U)
    return ordered(moved, np.argsort(order, -1))


@op(lu_vjp, notation="lu({x})")
def _lu(x: Array, pivot: bool) -> Any:
    """L and U in compact form, and the order of the rows that pivoting chose.

    Forward    (compact, order) with A[order] = L U; L is below the diagonal of compact, with ones
               on it, and U is on and above it
    Gradient   Ā[order] = L⁻ᵀ [tril(Lᵀ C̄, -1) + triu(C̄ Uᵀ)] U⁻ᵀ with L, U the triangles of C, and
               C, order = out; the order is a constant
    Shapes     (..., n, m) -> (..., n, m), (..., n) of integers
    Raises     LinAlgError, with the batch index, for a pivot that is 0 if pivot is false
    """
    return CompactLU(*eliminate(x, pivot))


class LUResult(NamedTuple, Generic[Each]):
    """The factors of A = P L U."""

    P: Each
    L: Each
    U: Each


@composition
def lu(A: Array, *, pivot: bool = True) -> LUResult[Tensor]:
    """A = P L U: a permutation, a unit lower and an upper triangular matrix.

    pivot   exchange rows so that the largest entry of the column becomes the pivot

    Forward    (P, L, U) with A = P L U
    Gradient   Ā = P L⁻ᵀ [tril(Lᵀ L̄, -1) + triu(Ū Uᵀ)] U⁻ᵀ; P is a constant
    Shapes     (..., n, m) -> (..., n, n), (..., n, k), (..., k, m) with k = min(n, m)
    Raises     LinAlgError if pivot is false and a pivot is 0, and in backward if A has not full
               rank
    Source     de Hoog, Anderssen and Lukas 2011
    Example    >>> P, L, U = mg.linalg.lu(mg.tensor([[1.0, 2.0], [4.0, 4.0]]))
               >>> U
               tensor([[4., 4.],
                       [0., 1.]])
    """
    check_matrix("lu", A)
    compact, order = _lu(A, pivot)
    n = A.shape[-2]
    P = np.eye(n, dtype=compact.dtype)[plain(order)].mT
    if isinstance(compact, Variable):
        P = wrap(P)
    return LUResult(P, unit_lower(compact), upper_part(compact))


class LUFactorResult(NamedTuple, Generic[Each]):
    """L and U in one matrix, and the exchanges of rows, as PyTorch returns them."""

    LU: Each
    pivots: Each


def exchanges(order: Array, k: int) -> Array:
    """The rows exchanged with rows 1, 2, ... k, counted from 1, that lead to an order of rows."""
    n = order.shape[-1]
    rows = order.reshape(prod(order.shape[:-1]), n)
    each = np.arange(len(rows))
    current = np.tile(np.arange(n), (len(rows), 1))  # which original row is where
    result = np.empty((len(rows), k), np.int32)
    for i in range(k):
        where = np.argmax(current == rows[:, i, None], 1)
        result[:, i] = where + 1
        current[each, where] = current[:, i]
        current[:, i] = rows[:, i]
    return result.reshape((*order.shape[:-1], k))


def order_of(pivots: Array, n: int) -> Array:
    """The order of rows that exchanges lead to: the inverse of `exchanges`."""
    k = pivots.shape[-1]
    rows = pivots.reshape(prod(pivots.shape[:-1]), k)
    if rows.size and (rows.min() < 1 or rows.max() > n):
        raise ValueError(f"lu_solve: pivots are numbers of rows, 1 to {n}")
    each = np.arange(len(rows))
    order = np.tile(np.arange(n), (len(rows), 1))
    for i in range(k):
        kept = order[each, rows[:, i] - 1]
        order[each, rows[:, i] - 1] = order[:, i]
        order[:, i] = kept
    return order.reshape((*pivots.shape[:-1], n))


@composition
def lu_factor(A: Array, *, pivot: bool = True) -> LUFactorResult[Tensor]:
    """The LU factorization in compact form, for `lu_solve`.

    Forward    (LU, pivots): L below the diagonal of LU and U on and above it; row i was exchanged
               with row pivots[i], counted from 1
    Gradient   as for `lu`
    Shapes     (..., n, m) -> (..., n, m), (..., min(n, m)) of int32
    Raises     as `lu`
    Example    >>> LU, pivots = mg.linalg.lu_factor(mg.tensor([[1.0, 2.0], [4.0, 4.0]]))
               >>> LU
               tensor([[4.  , 4.  ],
                       [0.25, 1.  ]])
    """
    check_matrix("lu_factor", A)
    compact, order = _lu(A, pivot)
    pivots = exchanges(plain(order), min(A.shape[-2:]))
    return LUFactorResult(compact, wrap(pivots) if isinstance(compact, Variable) else pivots)


@composition
def lu_solve(
    LU: Array, pivots: Array, B: Array, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """Solution of A X = B by the compact factors of A.

    left      A X = B, or X A = B if false
    adjoint   solve with Aᵀ instead

    Forward    out = X with P L U X = B
    Gradient   B̄ = A⁻ᵀ ḡ; that of LU from the two triangular solves
    Shapes     (..., n, n), (..., n), (..., n, k) -> (..., n, k)
    Raises     ValueError if the shapes do not fit; LinAlgError if the diagonal of U holds a 0
    Example    >>> LU, pivots = mg.linalg.lu_factor(mg.tensor([[1.0, 2.0], [4.0, 4.0]]))
               >>> mg.linalg.lu_solve(LU, pivots, mg.tensor([[3.0], [8.0]]))
               tensor([[1.],
                       [1.]])
    """
    check_square("lu_solve", LU)
    check_matrix("lu_solve", B)
    check_right_hand_side("lu_solve", LU, B, left)
    if not left:
        return lu_solve(LU, pivots, B.mT, adjoint=not adjoint).mT
    order = order_of(np.asarray(plain(pivots)), LU.shape[-1])
    if adjoint:
        X = solve_triangular(LU.mT, B, upper=False)
        X = solve_triangular(LU.mT, X, upper=True, unitriangular=True)
        return ordered(X, np.argsort(order, -1))
    X = solve_triangular(LU, ordered(B, order), upper=False, unitriangular=True)
    return solve_triangular(LU, X, upper=True)
