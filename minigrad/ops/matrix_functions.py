"""Powers and exponentials of matrices, rank, and matrices made of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.calls import Array, Variable, op
from minigrad.composition import composition
from minigrad.graph import plain, wrap
from minigrad.ops.diagonals import diagonal
from minigrad.ops.matrices import LinAlgError, check_matrix, check_square
from minigrad.ops.solving import cutoff, inv
from minigrad.typed import Tensor

__all__ = ["linalg_diagonal", "matrix_exp", "matrix_power", "matrix_rank", "vander"]


@op(lambda g: g * 0.0, notation="{x}⁰")
def _zeroth_power(x: Array) -> Array:
    """The identity matrix, for each matrix.

    Forward    out = I
    Gradient   Ā = 0
    Shapes     (..., n, n) -> (..., n, n)
    """
    return np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape).copy()


@composition
def matrix_power(A: Array, n: int) -> Tensor:
    """A square matrix, multiplied with itself.

    Forward    out = Aⁿ, by repeated squaring; of the inverse for n < 0; the identity for n = 0
    Gradient   Ā = Σₖ (Aᵀ)ᵏ ḡ (Aᵀ)ⁿ⁻¹⁻ᵏ, from the gradients of the products
    Shapes     (..., n, n) -> (..., n, n)
    Raises     TypeError unless n is an integer; ValueError unless square; LinAlgError if n < 0
               and A is singular
    Example    >>> mg.linalg.matrix_power(mg.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
               tensor([[1., 5.],
                       [0., 1.]])
    """
    check_square("matrix_power", A)
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool):
        raise TypeError(f"matrix_power: the power is an integer, got {n!r}")
    if n == 0:
        return _zeroth_power(A)
    if n < 0:
        A, n = inv(A), -n
    result: Any = None
    square = A
    while True:
        if n & 1:
            result = square if result is None else result @ square
        n >>= 1
        if not n:
            return result * 1.0 if result is A else result
        square = square @ square


# -------------------------------------------------------------------------------------- exponential

# Coefficients of the numerator of the Padé approximant of order 13, constant term first, and the
# norm up to which it is exact in double precision (Higham 2005)
PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
    129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0,
    960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
PADE_NORM = 5.371920351148152


def matrix_exp_vjp(g: Array, x: Array) -> Array:
    """The upper right block of exp [[Aᵀ, Ȳ], [0, Aᵀ]], which is linear in Ȳ.

    Ȳ is divided by its largest entry first: its size must not decide how A is scaled.
    """
    n = x.shape[-1]
    if 0 in x.shape:
        return g * 0.0
    size = np.abs(plain(g)).max((-2, -1), keepdims=True)
    size = np.where((size == 0) | ~np.isfinite(size), np.ones_like(size), size)
    transposed = np.broadcast_to(x.mT, g.shape)
    upper = np.concatenate([transposed, g / size], -1)
    lower = np.concatenate([transposed * 0.0, transposed], -1)
    return matrix_exp(np.concatenate([upper, lower], -2))[..., :n, n:] * size


@op(matrix_exp_vjp, promote=True, notation="exp({x})")
def matrix_exp(x: Array) -> Array:
    """Exponential of a square matrix.

    Forward    out = I + A + A²/2! + A³/3! + ..., by scaling and squaring
    Gradient   Ā = the upper right block of exp [[Aᵀ, ḡ], [0, Aᵀ]]
    Shapes     (..., n, n) -> (..., n, n)
    Raises     ValueError unless square
    Source     Higham 2005 (forward); Mathias 1996 (gradient)
    Example    >>> mg.linalg.matrix_exp(mg.tensor([[0.0, 1.0], [0.0, 0.0]]))
               tensor([[1., 1.],
                       [0., 1.]])
    """
    check_square("matrix_exp", x)
    if x.size == 0:
        return np.array(x)
    if x.dtype.kind in "biu":
        x = x.astype(float)
    norms = np.abs(x).sum(-2).max(-1)
    halvings = np.zeros(norms.shape, int)
    large = np.isfinite(norms) & (norms > PADE_NORM)
    halvings[large] = np.ceil(np.log2(norms[large] / PADE_NORM)).astype(int)
    result = pade(x * (0.5 ** halvings.astype(x.dtype)).astype(x.dtype)[..., None, None])
    for step in range(int(halvings.max(initial=0))):
        result = np.where((halvings > step)[..., None, None], result @ result, result)
    return result


def pade(A: Array) -> Array:
    """The rational approximation of order 13 of the exponential, for small matrices."""
    b = PADE
    identity = np.eye(A.shape[-1], dtype=A.dtype)
    A2 = A @ A
    A4 = A2 @ A2
    A6 = A4 @ A2
    odd = A6 @ (b[13] * A6 + b[11] * A4 + b[9] * A2)
    odd = A @ (odd + b[7] * A6 + b[5] * A4 + b[3] * A2 + b[1] * identity)
    even = A6 @ (b[12] * A6 + b[10] * A4 + b[8] * A2)
    even = even + b[6] * A6 + b[4] * A4 + b[2] * A2 + b[0] * identity
    return np.linalg.solve(even - odd, even + odd)


# ------------------------------------------------------------------------------------ rank, vectors


@composition
def matrix_rank(
    A: Array, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    """Number of singular values that are not 0 but for rounding.

    tol, atol, rtol  singular values up to max(atol, rtol s₁) count as 0; `tol` is another name for
                     atol; by default the larger size of A times the machine epsilon, relative to s₁
    hermitian        A is symmetric: use eigenvalues, which is faster

    Forward    out = the count, an integer
    Gradient   none: it is piecewise constant, and the result is not recorded; backward through it
               raises.  The sum of the singular values, matrix_norm(A, 'nuc'), is a smooth
               stand-in
    Shapes     (..., n, m) -> (...)
    Raises     ValueError unless A has two axes or more; LinAlgError if it holds NaN
    Example    >>> mg.linalg.matrix_rank(mg.arange(1.0, 10.0).reshape(3, 3))
               tensor(2)
    """
    check_matrix("matrix_rank", A)
    array = plain(A)
    if not np.isfinite(array).all():
        raise LinAlgError("matrix_rank: the matrix holds NaN or inf, it has no rank")
    if 0 in array.shape[-2:]:
        rank: Any = np.zeros(array.shape[:-2], int)
    else:
        if hermitian:
            s = np.sort(np.abs(np.linalg.eigvalsh(array)), -1)[..., ::-1]
        else:
            s = np.linalg.svd(array, compute_uv=False)
        rank = np.asarray((s > cutoff(s, array.shape, atol if tol is None else tol, rtol)).sum(-1))
    return wrap(rank) if isinstance(A, Variable) else rank


@op(
    lambda g, out: (g[..., 1:] * out[..., :-1] * np.arange(1, out.shape[-1]).astype(out.dtype)).sum(
        -1
    ),
    notation="vander({x})",
)
def _vander(x: Array, N: int) -> Array:
    """Powers 0, 1, ... N-1 of each entry, along a new last axis.

    Forward    out[..., i, j] = x[..., i]ʲ
    Gradient   x̄[i] = Σ over j of ḡ[i, j] j x[i]^(j - 1)
    Shapes     (..., n) -> (..., n, N)
    """
    factors = np.concatenate(
        [np.ones_like(x[..., None]), np.broadcast_to(x[..., None], (*x.shape, max(N - 1, 0)))], -1
    )
    wide = np.int64 if x.dtype.kind == "u" else None
    return np.cumprod(factors[..., :N], -1, wide)


@composition
def vander(x: Array, N: int | None = None) -> Tensor:
    """Vandermonde matrix: the powers of each entry, from 0 upwards.

    N   number of powers; by default as many as there are entries

    Forward    out[..., i, j] = x[..., i]ʲ
    Gradient   x̄[i] = Σ over j of ḡ[i, j] j x[i]^(j - 1)
    Shapes     (..., n) -> (..., n, N)
    Raises     ValueError if N is negative
    Example    >>> mg.linalg.vander(mg.tensor([1.0, 2.0, 3.0]))
               tensor([[1., 1., 1.],
                       [1., 2., 4.],
                       [1., 3., 9.]])
    """
    if x.ndim == 0:
        x = x.reshape(1)
    N = x.shape[-1] if N is None else N
    if N < 0:
        raise ValueError(f"vander: the number of powers is not negative, got {N}")
    return _vander(x, N)


@composition
def linalg_diagonal(A: Array, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Diagonal of each matrix; `diagonal` under PyTorch's main namespace takes the first two axes.

    offset   0 for the main diagonal, positive above, negative below

    Forward    out[..., i] = A[..., i, i + offset]; a view
    Gradient   Ā = zeros with ḡ on the diagonal
    Shapes     (..., n, m) -> (..., k)
    Raises     IndexError if A has no such axes
    Example    >>> mg.linalg.diagonal(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
               tensor([1., 4.])
    """
    return diagonal(A, offset, dim1, dim2)
