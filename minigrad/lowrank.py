"""Decompositions of low rank, by random projections."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.composition import composition
from minigrad.ops.flagged import SVDOlder
from minigrad.random import randn

__all__ = ["pca_lowrank", "svd_lowrank"]


@composition
def svd_lowrank(A: Any, q: int | None = 6, niter: int | None = 2, M: Any = None) -> Any:
    """The largest singular values of a matrix, and their vectors, by a random projection.

    q          how many; a few more than are wanted
    niter      steps of the subspace iteration: more are more accurate
    M          a matrix that is subtracted from A before
    Forward    (U, S, V) with A - M ≈ U diag(S) Vᵀ
    Gradient   that of the steps; meaningful where the rank is at most q
    Shapes     (..., n, m) -> (..., n, q), (..., q), (..., m, q)
    Raises     ValueError unless 0 ≤ q ≤ min(n, m) and niter ≥ 0
    Source     Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1
    Example    >>> A = mg.diag(mg.tensor([3.0, 2.0, 1.0]))
               >>> mg.svd_lowrank(A, q=3).S
               tensor([3., 2., 1.])
    """
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    A = A if M is None else A - M
    n, m = A.shape[-2:]
    if not 0 <= q <= min(n, m) or niter < 0:
        raise ValueError(
            f"svd_lowrank: q lies between 0 and {min(n, m)} and niter is not negative, got q = {q} "
            f"and niter = {niter}"
        )
    transposed = n < m
    A = A.mT if transposed else A
    basis = ops.qr(ops.matmul(A, randn(A.shape[-1], q, dtype=A.dtype))).Q
    for _ in range(niter):
        basis = ops.qr(ops.matmul(A.mT, basis)).Q
        basis = ops.qr(ops.matmul(A, basis)).Q
    U, S, Vh = ops.svd(ops.matmul(basis.mT, A), False)
    U = ops.matmul(basis, U)
    return SVDOlder(Vh.mT, S, U) if transposed else SVDOlder(U, S, Vh.mT)


@composition
def pca_lowrank(A: Any, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """Principal components of the rows of a matrix, by `svd_lowrank`.

    center     subtract the mean of each column before
    Forward    (U, S, V) with A - mean(A) ≈ U diag(S) Vᵀ; the columns of V are the directions
    Gradient   as of `svd_lowrank`
    Shapes     (..., n, m) -> (..., n, q), (..., q), (..., m, q)
    Raises     ValueError unless 0 ≤ q ≤ min(n, m)
    Example    >>> A = mg.tensor([[1.0, 0.0], [3.0, 0.0], [5.0, 0.0]])
               >>> mg.pca_lowrank(A, q=1).V.abs()
               tensor([[1.],
                       [0.]])
    """
    q = min(6, *A.shape[-2:]) if q is None else q
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
