"""The LDLᵀ decomposition of symmetric matrices that need not be positive definite."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.graph import plain
from minigrad.ops.matrices import LinAlgError, check_matrix, check_square

__all__ = ["ldl_factor", "ldl_factor_ex", "ldl_solve"]

ALPHA = (1 + math.sqrt(17)) / 8  # what keeps the growth of entries smallest


class LDLFactors(NamedTuple):
    """What `ldl_factor` returns."""

    LD: Any
    pivots: Any


class LDLFactorsAndInfo(NamedTuple):
    """What `ldl_factor_ex` returns."""

    LD: Any
    pivots: Any
    info: Any


def no_derivative(g: Any) -> Any:
    raise NotImplementedError(
        "ldl_factor and ldl_solve have no derivative in the matrix: linalg.solve(A, B) has one"
    )


# --------------------------------------------------------------------------------- the factors


def choose_pivot(A: Array, k: int) -> tuple[int, int]:
    """Which row goes to the front, and whether one row or two make the next block of D."""
    below = np.abs(A[k + 1 :, k])
    if not below.size:
        return k, 1
    largest = k + 1 + int(below.argmax())
    column, here = below.max(), abs(A[k, k])
    if here >= ALPHA * column:
        return k, 1
    row = max(np.abs(A[largest, k:largest]).max(), np.abs(A[largest + 1 :, largest]).max(initial=0))
    if here >= ALPHA * column * (column / row):
        return k, 1
    return (largest, 1) if abs(A[largest, largest]) >= ALPHA * row else (largest, 2)


def exchange(A: Array, k: int, first: int, second: int) -> None:
    """Exchange two rows and columns, first < second, of the lower triangle from row k on."""
    below = slice(second + 1, None)
    A[below, first], A[below, second] = A[below, second].copy(), A[below, first].copy()
    between = slice(first + 1, second)
    A[between, first], A[second, between] = A[second, between].copy(), A[between, first].copy()
    A[first, first], A[second, second] = A[second, second], A[first, first]
    if first > k:  # the second row of a block: what stands before its diagonal
        A[first, k], A[second, k] = A[second, k], A[first, k]


def factored(A: Array) -> tuple[Array, Array, int]:
    """LD, pivots and info of one matrix, as LAPACK's sytrf gives them for the lower triangle."""
    A = np.tril(A)
    n, k, info = len(A), 0, 0
    pivots = np.zeros(n, np.int32)
    while k < n:
        if not np.any(A[k:, k]):  # nothing to divide by
            info = info or k + 1
            pivots[k], k = k + 1, k + 1
            continue
        row, size = choose_pivot(A, k)
        if row != k + size - 1:
            exchange(A, k, k + size - 1, row)
        pivots[k : k + size] = row + 1 if size == 1 else -(row + 1)
        rest = slice(k + size, None)
        block = A[k : k + size, k : k + size]
        block = np.tril(block) + np.tril(block, -1).T
        multipliers = np.linalg.solve(block, A[rest, k : k + size].T).T
        A[rest, rest] -= np.tril(multipliers @ A[rest, k : k + size].T)
        A[rest, k : k + size] = multipliers
        k += size
    return A, pivots, info


@op(no_derivative, promote=True, notation="ldl {A}")
def _ldl(A: Array) -> Any:
    """The factors, with the row exchanges, and the place of the first pivot that is 0.

    Forward    (LD, pivots, info)
    Gradient   none: NotImplementedError
    Shapes     (..., n, n) -> (..., n, n), (..., n), (...)
    """
    batch, n = A.shape[:-2], A.shape[-1]
    LD, pivots = np.empty_like(A), np.empty((*batch, n), np.int32)
    info = np.zeros(batch, np.int32)
    for index in np.ndindex(*batch):
        LD[index], pivots[index], info[index] = factored(A[index])
    return LD, pivots, info


@composition
def ldl_factor_ex(A: Array, *, hermitian: bool = False, check_errors: bool = False) -> Any:
    """The LDLᵀ decomposition in compact form, and the number of the pivot that is 0, or 0.

    hermitian      accepted for PyTorch's sake: of real numbers it is the same
    check_errors   raise, instead

    Forward    (LD, pivots) of `ldl_factor`, and info = the place of the first zero pivot, else 0
    Gradient   none: backward raises NotImplementedError
    Shapes     (..., n, n) -> (..., n, n), (..., n), (...)
    Raises     ValueError if A is not square; LinAlgError if a pivot is 0 and check_errors is set
    Example    >>> mg.linalg.ldl_factor_ex(mg.tensor([[0.0, 2.0], [2.0, 0.0]])).info
               tensor(0, dtype=int32)
    """
    check_square("ldl_factor_ex", A)
    LD, pivots, info = _ldl(A)
    if check_errors and plain(info).any():
        raise LinAlgError(f"ldl_factor_ex: the matrix is singular, info is {plain(info).tolist()}")
    return LDLFactorsAndInfo(LD, pivots, info)


@composition
def ldl_factor(A: Array, *, hermitian: bool = False) -> Any:
    """A symmetric matrix as P L D Lᵀ Pᵀ, in compact form, for `ldl_solve`.

    L is lower triangular with ones on its diagonal, D has blocks of size 1 and 2, P exchanges rows.
    Only the lower triangle of A is read.

    hermitian   accepted for PyTorch's sake: of real numbers it is the same

    Forward    (LD, pivots): D and, below it, L; pivots as LAPACK's sytrf counts them, from 1:
               row i was exchanged with pivots[i]; the two rows of a block of size 2 have the number
               of the row that the second was exchanged with, negative
    Gradient   none: backward raises NotImplementedError
    Shapes     (..., n, n) -> (..., n, n), (..., n) of int32
    Raises     ValueError if A is not square; LinAlgError if it is singular
    Source     Bunch and Kaufman 1977
    Example    >>> LD, pivots = mg.linalg.ldl_factor(mg.tensor([[4.0, 2.0], [2.0, 5.0]]))
               >>> LD
               tensor([[4. , 0. ],
                       [0.5, 4. ]])
    """
    check_square("ldl_factor", A)
    LD, pivots, info = _ldl(A)
    if plain(info).any():
        raise LinAlgError(f"ldl_factor: the matrix is singular, info is {plain(info).tolist()}")
    return LDLFactors(LD, pivots)


# ----------------------------------------------------------------------------------- solutions


def solved(LD: Array, pivots: Array, B: Array) -> Array:
    """X with A X = B, of one matrix: LAPACK's sytrs."""
    X, n = B.copy(), len(LD)
    rows = []  # where each block of D begins, and its size
    k = 0
    while k < n:
        size = 1 if pivots[k] > 0 else 2
        rows.append((k, size))
        other = abs(int(pivots[k])) - 1
        last, here, rest = k + size - 1, slice(k, k + size), slice(k + size, None)
        X[[last, other]] = X[[other, last]]
        X[rest] -= LD[rest, here] @ X[here]
        block = np.tril(LD[here, here])
        X[here] = np.linalg.solve(block + np.tril(block, -1).T, X[here])
        k += size
    for k, size in reversed(rows):
        other = abs(int(pivots[k])) - 1
        last, here, rest = k + size - 1, slice(k, k + size), slice(k + size, None)
        X[here] -= LD[rest, here].T @ X[rest]
        X[[last, other]] = X[[other, last]]
    return X


@op(
    no_derivative,
    lambda g, LD, pivots: _ldl_solve(LD, g, pivots),
    promote=True,
    notation="ldl_solve({LD}, {B})",
)
def _ldl_solve(LD: Array, B: Array, pivots: Array) -> Array:
    """The solution of A X = B by the factors of A.

    Forward    out = X
    Gradient   B̄ = A⁻¹ ḡ; that of the factors: NotImplementedError
    Shapes     (..., n, n), (..., n, k) -> (..., n, k)
    """
    out = np.empty_like(B, dtype=np.result_type(LD, B))
    for index in np.ndindex(*B.shape[:-2]):
        out[index] = solved(LD[index], pivots[index], B[index])
    return out


@composition
def ldl_solve(LD: Array, pivots: Array, B: Array, *, hermitian: bool = False) -> Array:
    """Solution of A X = B by the factors of a symmetric A, from `ldl_factor`.

    hermitian   accepted for PyTorch's sake: of real numbers it is the same

    Forward    out = X with A X = B
    Gradient   B̄ = A⁻¹ ḡ; in the factors there is none: backward raises NotImplementedError
    Shapes     (..., n, n), (..., n), (..., n, k) -> (..., n, k)
    Raises     ValueError if the shapes do not fit; LinAlgError if A is singular
    Example    >>> LD, pivots = mg.linalg.ldl_factor(mg.tensor([[0.0, 2.0], [2.0, 0.0]]))
               >>> mg.linalg.ldl_solve(LD, pivots, mg.tensor([[2.0], [4.0]]))
               tensor([[2.],
                       [1.]])
    """
    check_square("ldl_solve", LD)
    check_matrix("ldl_solve", B)
    if B.shape[-2] != LD.shape[-1] or tuple(pivots.shape) != tuple(LD.shape[:-1]):
        raise ValueError(
            f"ldl_solve: factors of shape {tuple(LD.shape)}, pivots of {tuple(pivots.shape)} and "
            f"a right-hand side of {tuple(B.shape)} do not go together"
        )
    batch = np.broadcast_shapes(tuple(LD.shape[:-2]), tuple(B.shape[:-2]))
    exchanged = np.broadcast_to(plain(pivots), (*batch, LD.shape[-1]))
    LD = np.broadcast_to(LD, (*batch, *LD.shape[-2:]))
    return _ldl_solve(LD, np.broadcast_to(B, (*batch, *B.shape[-2:])), exchanged)
