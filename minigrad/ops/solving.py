"""Systems of linear equations, inverses and determinants.

No rule here reuses a factorization that the forward made as if it were a constant: the second
derivative would lose a term.  Each rule is written with ops, and an op has its own rule.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple

import numpy as np

from minigrad.calls import Array, Variable, op
from minigrad.composition import composition
from minigrad.graph import plain, wrap
from minigrad.ops.matrices import (
    LinAlgError,
    check_finite,
    check_matrix,
    check_square,
    first_failing,
    first_true,
    place,
    singular,
)
from minigrad.ops.reduction import products_of_others
from minigrad.typed import Each, Tensor, returns

__all__ = [
    "det", "inv", "logdet", "lstsq", "pinv", "slogdet", "solve", "solve_triangular",
]  # fmt: skip


# ------------------------------------------------------------------------------------------ inverse


@op(lambda g, out: -(out.mT @ g @ out.mT), numpy=np.linalg.inv, promote=True, notation="{x}⁻¹")
def inv(x: Array) -> Array:
    """Inverse of a matrix.

    Forward    out = A⁻¹
    Gradient   Ā = -A⁻ᵀ ḡ A⁻ᵀ
    Shapes     (..., n, n) -> (..., n, n)
    Raises     ValueError unless square; LinAlgError, with the batch index, if a matrix is singular
    Source     Giles 2008, section 2.2.3
    Example    >>> mg.linalg.inv(mg.tensor([[2.0, 0.0], [0.0, 4.0]]))
               tensor([[0.5 , 0.  ],
                       [0.  , 0.25]])
    """
    check_square("inv", x)
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        raise singular("inv", x, first_failing(np.linalg.inv, x)) from None


# -------------------------------------------------------------------------------------------- solve


def solve_vjp(g: Array, tensors: Any, out: Array) -> list[Array]:
    """B̄ = A⁻ᵀ ḡ and Ā = -B̄ Xᵀ: one more solve serves both."""
    b = _solve((tensors[0].mT, g))
    return [-(b @ out.mT), b]


@op(joint=solve_vjp, promote=True, notation="solve({tensors})")
def _solve(tensors: Any) -> Array:
    """X with A X = B, for matrices A and B.

    Forward    out = A⁻¹ B
    Gradient   Ā = -A⁻ᵀ ḡ outᵀ        B̄ = A⁻ᵀ ḡ
    Shapes     (..., n, n), (..., n, k) -> (..., n, k)
    Raises     LinAlgError, with the batch index, if a matrix is singular
    """
    A, B = tensors
    try:
        return np.linalg.solve(A, B)
    except np.linalg.LinAlgError:
        raise singular("solve", A, first_failing(np.linalg.inv, A)) from None


@composition
def solve(A: Array, B: Array, *, left: bool = True) -> Tensor:
    """Solution of a square system of linear equations, without inverting the matrix.

    B is a vector if it has one axis, or the shape of A without the last axis, as in PyTorch.
    With ``left=False`` the system is X A = B.

    Forward    out = X with A X = B
    Gradient   B̄ = A⁻ᵀ ḡ        Ā = -B̄ Xᵀ
    Shapes     (..., n, n), (..., n, k) -> (..., n, k);  (..., n, n), (..., n) -> (..., n)
    Raises     ValueError if the shapes do not fit; LinAlgError, with the batch index, if a matrix
               is singular
    Source     Giles 2008, section 2.3.1
    Example    >>> A = mg.tensor([[2.0, 1.0, -1.0], [-3.0, -1.0, 2.0], [-2.0, 1.0, 2.0]])
               >>> mg.linalg.solve(A, mg.tensor([8.0, -11.0, -3.0]))
               tensor([ 2.,  3., -1.])
    """
    check_square("solve", A)
    vector = is_vector(A, B)
    if vector:
        if not left:
            raise ValueError(
                "solve: left=False is for a matrix on the right-hand side, not a vector"
            )
        B = B[..., None]
    check_right_hand_side("solve", A, B, left)
    if not left:
        return _solve((A.mT, B.mT)).mT
    out = _solve((A, B))
    return out[..., 0] if vector else out


def is_vector(A: Array, B: Array) -> bool:
    """Whether the right-hand side is one vector, or one for each matrix, as PyTorch reads it."""
    return B.ndim == 1 or (B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1]))


def check_right_hand_side(name: str, A: Array, B: Array, left: bool) -> None:
    """Raise a ValueError unless A X = B (left) or X A = B makes sense."""
    rows = B.shape[-2] if left else B.shape[-1]
    if rows != A.shape[-1]:
        raise ValueError(
            f"{name}: a matrix of shape {tuple(A.shape)} needs a right-hand side with "
            f"{A.shape[-1]} {'rows' if left else 'columns'}, got shape {tuple(B.shape)}"
        )


# ------------------------------------------------------------------------------- triangular systems

LEAF = 32  # triangular systems of this size or less are solved at once


def substitute(A: Array, B: Array) -> Array:
    """X with A X = B for upper triangular A, from the bottom block upwards.

    NumPy has no triangular solve.  Halving the matrix makes nearly all work matrix products;
    the leaves are general solves, whose elimination has nothing to do in an upper triangle.
    """
    n = A.shape[-1]
    if n <= LEAF:
        return np.linalg.solve(np.triu(A), B)
    half = n // 2
    below = substitute(A[..., half:, half:], B[..., half:, :])
    rest = B[..., :half, :] - np.matmul(A[..., :half, half:], below)
    above = substitute(A[..., :half, :half], rest)
    return np.concatenate([above, np.broadcast_to(below, above.shape[:-2] + below.shape[-2:])], -2)


def triangle(x: Array, upper: bool, unitriangular: bool) -> Array:
    """The entries that a triangular solve reads."""
    k = 1 if unitriangular else 0
    return np.triu(x, k) if upper else np.tril(x, -k)


def solve_triangular_vjp(
    g: Array, tensors: Any, out: Array, upper: bool, unitriangular: bool
) -> list[Array]:
    """B̄ = A⁻ᵀ ḡ, another triangular solve, and Ā = -B̄ Xᵀ on the triangle that was read."""
    b = _solve_triangular((tensors[0].mT, g), not upper, unitriangular)
    return [-triangle(b @ out.mT, upper, unitriangular), b]


@op(joint=solve_triangular_vjp, promote=True, notation="solve_triangular({tensors})")
def _solve_triangular(tensors: Any, upper: bool, unitriangular: bool) -> Array:
    """X with A X = B, for one triangle of A.

    Forward    out = A⁻¹ B
    Gradient   Ā = -A⁻ᵀ ḡ outᵀ on the triangle        B̄ = A⁻ᵀ ḡ
    Shapes     (..., n, n), (..., n, k) -> (..., n, k)
    Raises     LinAlgError, with the batch index, if an entry of the diagonal is 0
    """
    A, B = tensors
    if unitriangular:
        ones = np.eye(A.shape[-1], dtype=A.dtype)
        A = (np.triu(A, 1) if upper else np.tril(A, -1)) + ones
    else:
        zero = np.diagonal(A, axis1=-2, axis2=-1) == 0
        if zero.any():
            index = first_true(zero) or (0,)
            raise LinAlgError(
                f"solve_triangular: {place(index[:-1])} is singular: entry {index[-1]} of its "
                "diagonal is 0"
            )
    if upper:
        return substitute(A, B)
    # the rows and columns of a lower triangle in reverse order make an upper one
    return substitute(A[..., ::-1, ::-1], B[..., ::-1, :])[..., ::-1, :]


@composition
def solve_triangular(
    A: Array, B: Array, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """Solution of a triangular system; the other triangle is not read.

    upper          whether A is upper triangular
    left           A X = B, or X A = B if false
    unitriangular  the diagonal counts as ones, whatever it holds

    Forward    out = X with A X = B
    Gradient   B̄ = A⁻ᵀ ḡ        Ā = -B̄ Xᵀ on the triangle that was read, 0 elsewhere
    Shapes     (..., n, n), (..., n, k) -> (..., n, k)
    Raises     ValueError if the shapes do not fit; LinAlgError, with the batch index, if an entry
               of the diagonal is 0
    Source     Giles 2008, section 2.3.1, on a triangle
    Example    >>> L = mg.tensor([[2.0, 0.0], [1.0, 4.0]])
               >>> mg.linalg.solve_triangular(L, mg.tensor([[2.0], [9.0]]), upper=False)
               tensor([[1.],
                       [2.]])
    """
    check_square("solve_triangular", A)
    check_matrix("solve_triangular", B)
    check_right_hand_side("solve_triangular", A, B, left)
    if not left:
        return _solve_triangular((A.mT, B.mT), not upper, unitriangular).mT
    return _solve_triangular((A, B), upper, unitriangular)


# ------------------------------------------------------------------------------------- determinants


def products_of_others_in_pairs(s: Array) -> Array:
    """For each pair of entries, the product of all but these two; 0 on the diagonal."""
    n = s.shape[-1]
    rows = [
        products_of_others(np.where(np.arange(n) == i, np.ones_like(s), s)) for i in range(n)
    ]  # with s[i] = 1, the product of all but j is that of all but i and j
    if not rows:
        return s[..., None] * s[..., None, :]
    return np.stack(rows, -2) * (1 - np.eye(n, dtype=s.dtype))


def rotations(x: Array) -> tuple[Array, Array, Array, Array]:
    """The singular value decomposition U s Vᵀ, and det(U) det(V), which is 1 or -1."""
    U, s, Vh = np.linalg.svd(x)
    sign = np.rint(np.linalg.det(U) * np.linalg.det(Vh)).astype(x.dtype)
    return U, s, Vh, sign[..., None, None]


def cofactor_vjp(g: Array, x: Array, out: Array) -> Array:
    """The second derivative of the determinant, at any rank.

    Rotated by U and V the matrix is diagonal, and only these second derivatives of its determinant
    are not 0: that for entries (i, i) and (j, j), the product of all singular values but i and
    j, and its opposite for entries (i, j) and (j, i).

    Derivatives of it again (g and x are tensors) use C = det(A) A⁻ᵀ: `cofactors` takes the other
    way, whose steps have derivatives of every order, where A is nearly singular.
    """
    if isinstance(g, Variable) or isinstance(x, Variable):
        scale = (g * out).sum((-2, -1), keepdims=True)
        return (scale * out - out @ g.mT @ out) / det(x)[..., None, None]
    U, s, Vh, sign = rotations(x)
    rotated = U.mT @ g @ Vh.mT
    others = products_of_others_in_pairs(s)
    diagonal = np.diagonal(rotated, axis1=-2, axis2=-1)
    inner = -others * rotated.mT
    inner = inner + np.eye(x.shape[-1], dtype=x.dtype) * (others @ diagonal[..., None])
    return sign * (U @ inner @ Vh)


@op(cofactor_vjp, notation="cof({x})")
def _cofactors(x: Array) -> Array:
    """The matrix of cofactors, which is the gradient of the determinant, at any rank.

    Forward    out = det(A) A⁻ᵀ for a regular A; in general det(U) det(V) U diag(Πⱼ≠ᵢ sⱼ) Vᵀ
    Gradient   Ā = (tr(Cᵀ ḡ) C - C ḡᵀ C) / det A, with C = out, for a regular A; in general from the
               second derivatives of the determinant of a diagonal matrix, see `cofactor_vjp`
    Shapes     (..., n, n) -> (..., n, n)
    """
    if x.size == 0:
        return np.zeros_like(x)
    if not np.isfinite(x).all():
        return np.full_like(x, np.nan)
    sign, logarithm = np.linalg.slogdet(x)
    if np.all(sign != 0):
        inverse = np.linalg.inv(x)
        if well_conditioned(x, inverse):
            # the determinant in two factors: it may overflow where the cofactors do not
            root = np.exp(logarithm * 0.5)[..., None, None]
            return sign[..., None, None] * (root * inverse.mT) * root
    U, s, Vh, sign = rotations(x)
    return sign * ((U * products_of_others(s)[..., None, :]) @ Vh)


def well_conditioned(x: Array, inverse: Array) -> bool:
    """Whether the inverses have at least half of the digits."""
    conditions = np.abs(x).sum(-1).max(-1) * np.abs(inverse).sum(-1).max(-1)
    return bool(np.all(conditions < np.finfo(x.dtype).eps ** -0.5))


def cofactors(x: Array) -> Array:
    """The matrix of cofactors, with derivatives of every order at any rank."""
    if not isinstance(x, Variable):
        return _cofactors(x)
    array = plain(x)
    if array.size == 0 or not np.isfinite(array).all():
        return _cofactors(x)
    if np.all(np.linalg.slogdet(array)[0] != 0) and well_conditioned(array, np.linalg.inv(array)):
        return _cofactors(x)
    return cofactors_by_blocks(x, array)


def cofactors_by_blocks(x: Array, array: Array) -> Array:
    """The cofactors of B = Uᵀ A V, rotated back; U and V are constants that make B diagonal here.

    The k small singular values make a block of their own.  With B₁₁ the regular block and
    S = B₂₂ - B₂₁ B₁₁⁻¹ B₁₂, det B = det(B₁₁) det(S), and the adjugate of S is a polynomial.
    """
    U, s, Vh, sign = rotations(array)
    small = s <= np.finfo(s.dtype).eps ** 0.25 * s[..., :1]
    k = max(int(small.sum(-1).max()), 1)
    r = s.shape[-1] - k
    B = U.mT @ x @ Vh.mT
    if r == 0:
        return sign * (U @ adjugate(B).mT @ Vh)
    Y = _solve((B[..., :r, :r].mT, B[..., r:, :r].mT)).mT  # B₂₁ B₁₁⁻¹
    X = _solve((B[..., :r, :r], B[..., :r, r:]))
    S = B[..., r:, r:] - Y @ B[..., :r, r:]
    adj = adjugate(S)
    size = det(B[..., :r, :r])[..., None, None]
    whole = (S * adj.mT).sum((-2, -1), keepdims=True) / k  # det(S), from S adj(S) = det(S) I
    corner = _cofactors(B[..., :r, :r]) * whole + size * (X @ adj @ Y).mT
    upper = np.concatenate([corner, -size * (adj @ Y).mT], -1)
    lower = np.concatenate([-size * (X @ adj).mT, size * adj.mT], -1)
    return sign * (U @ np.concatenate([upper, lower], -2) @ Vh)


def adjugate(x: Array) -> Array:
    """The transposed cofactors of small matrices, by the method of Faddeev and LeVerrier."""
    n = x.shape[-1]
    identity = np.eye(n, dtype=x.dtype)
    out = x * 0.0 + identity
    for k in range(1, n):
        product = x @ out
        out = product - (product * identity).sum((-2, -1), keepdims=True) / k * identity
    return out if n % 2 else -out


@op(
    lambda g, x: g[..., None, None] * cofactors(x),
    numpy=np.linalg.det,
    promote=True,
    notation="det({x})",
)
def det(x: Array) -> Array:
    """Determinant of a matrix.

    Forward    out = det A
    Gradient   Ā = ḡ cof(A), the cofactors: det(A) A⁻ᵀ for a regular A; also right where A is
               singular
    Shapes     (..., n, n) -> (...)
    Raises     ValueError unless square
    Source     Magnus and Neudecker 2019, section 8.3
    Example    >>> mg.linalg.det(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
               tensor(-2.)
    """
    check_square("det", x)
    return np.linalg.det(x)


class SlogdetResult(NamedTuple, Generic[Each]):
    """Sign and logarithm of the absolute value of determinants."""

    sign: Each
    logabsdet: Each


def inverse_for_gradient(name: str, x: Array) -> Array:
    """The inverse, where a singular matrix has no gradient."""
    try:
        return inv(x)
    except np.linalg.LinAlgError:
        array = plain(x)
        index = first_failing(np.linalg.inv, array)
        raise LinAlgError(
            f"{name}: {place(index)} is singular, where the logarithm of its determinant is "
            "-inf and has no gradient"
        ) from None


def slogdet_vjp(g: SlogdetResult, x: Array) -> Array:
    """Ā = l̄ A⁻ᵀ; the sign is piecewise constant, its gradient is 0."""
    if g.logabsdet is None:
        return np.broadcast_to(g.sign[..., None, None] * 0.0, x.shape)
    return g.logabsdet[..., None, None] * inverse_for_gradient("slogdet", x).mT


@returns(SlogdetResult[Tensor])
@op(slogdet_vjp, numpy=np.linalg.slogdet, promote=True, notation="slogdet({x})")
def slogdet(x: Array) -> Array:
    """Sign of the determinant and logarithm of its absolute value, where det would overflow.

    Forward    (sign, logabsdet) = (sign det A, log |det A|); 0 and -inf for a singular A
    Gradient   Ā = logabsdet̅ A⁻ᵀ; 0 for the sign
    Shapes     (..., n, n) -> (...), (...)
    Raises     ValueError unless square; LinAlgError in backward if a matrix is singular
    Source     Giles 2008, section 2.2.4
    Example    >>> mg.linalg.slogdet(mg.tensor([[1.0, 2.0], [3.0, 4.0]])).logabsdet
               tensor(0.6931)
    """
    check_square("slogdet", x)
    return SlogdetResult(*np.linalg.slogdet(x))


def logdet_vjp(g: Array, x: Array, out: Array) -> Array:
    """Ā = ḡ A⁻ᵀ; NaN where the determinant is negative and the value is NaN."""
    undefined = np.where(np.isnan(plain(out)), float("nan"), 0.0).astype(out.dtype)
    return (g + undefined)[..., None, None] * inverse_for_gradient("logdet", x).mT


@op(logdet_vjp, promote=True, notation="log det {x}")
def logdet(x: Array) -> Array:
    """Logarithm of the determinant.

    Forward    out = log det A; NaN if it is negative, -inf if it is 0
    Gradient   Ā = ḡ A⁻ᵀ; NaN where the value is NaN
    Shapes     (..., n, n) -> (...)
    Raises     ValueError unless square; LinAlgError in backward if a matrix is singular
    Source     Giles 2008, section 2.2.4
    Example    >>> mg.logdet(mg.tensor([[2.0, 0.0], [0.0, 3.0]]))
               tensor(1.7918)
    """
    check_square("logdet", x)
    sign, logarithm = np.linalg.slogdet(x)
    return logarithm + np.where(sign < 0, float("nan"), 0.0).astype(logarithm.dtype)


# ------------------------------------------------------------------ pseudoinverse and least squares


def cutoff(s: Array, shape: tuple[int, ...], atol: Any, rtol: Any) -> Array:
    """The size up to which a singular value counts as 0, for each matrix: shape (..., 1)."""
    if rtol is None:
        rtol = 0.0 if atol is not None else max(shape[-2:]) * float(np.finfo(s.dtype).eps)
    relative = np.asarray(plain(rtol), s.dtype)[..., None] * s[..., :1]
    if atol is None:
        return relative
    return np.maximum(np.asarray(plain(atol), s.dtype)[..., None], relative)


def inverted(s: Array, limit: Array) -> Array:
    """1 / s, and 0 where s counts as 0."""
    counts = s > limit
    return np.where(counts, 1.0, 0.0).astype(s.dtype) / np.where(counts, s, np.ones_like(s))


def pinv_vjp(g: Array, x: Array, out: Array) -> Array:
    """Ā = -Pᵀ P̄ Pᵀ + (I - A P) P̄ᵀ P Pᵀ + Pᵀ P P̄ᵀ (I - P A)."""
    Pt, Gt = out.mT, g.mT
    left = Gt @ out  # P̄ᵀ P, and P P̄ᵀ below
    right = out @ Gt
    return (left - x @ (out @ left)) @ Pt - Pt @ (g @ Pt) + Pt @ (right - (right @ out) @ x)


@op(pinv_vjp, promote=True, notation="{x}⁺")
def _pinv(x: Array, atol: Any, rtol: Any, hermitian: bool) -> Array:
    """The pseudoinverse, of a matrix that was checked; see `pinv`.

    Forward    out = P = V diag(1/sᵢ, 0 where sᵢ counts as 0) Uᵀ
    Gradient   Ā = -Pᵀ ḡ Pᵀ + (I - A P) ḡᵀ P Pᵀ + Pᵀ P ḡᵀ (I - P A) with P = out
    Shapes     (..., n, m) -> (..., m, n)
    """
    if 0 in x.shape:
        return np.zeros_like(x.mT)
    if hermitian:
        w, V = np.linalg.eigh(x)
        size = np.abs(w)
        limit = cutoff(np.max(size, -1, keepdims=True), x.shape, atol, rtol)
        return (V * (np.sign(w) * inverted(size, limit))[..., None, :]) @ V.mT
    check_finite("pinv", x)
    U, s, Vh = np.linalg.svd(x, full_matrices=False)
    return (Vh.mT * inverted(s, cutoff(s, x.shape, atol, rtol))[..., None, :]) @ U.mT


@composition
def pinv(
    A: Array, rtol: Any = None, hermitian: bool = False, *, atol: Any = None, rcond: Any = None
) -> Tensor:
    """Pseudoinverse of Moore and Penrose: least squares solutions of minimal norm.

    rtol, atol  singular values up to max(atol, rtol s₁) count as 0; by default the larger size of A
                times the machine epsilon, relative to s₁
    hermitian   A is symmetric: use `eigh`, which is faster
    rcond       another name for rtol

    Forward    out = P with A P A = A, P A P = P, and A P and P A symmetric
    Gradient   Ā = -Pᵀ ḡ Pᵀ + (I - A P) ḡᵀ P Pᵀ + Pᵀ P ḡᵀ (I - P A), right wherever the rank stays
               the same nearby
    Shapes     (..., n, m) -> (..., m, n)
    Raises     ValueError unless A has two axes or more
    Source     Golub and Pereyra 1973
    Example    >>> mg.linalg.pinv(mg.tensor([[1.0], [1.0]]))
               tensor([[0.5, 0.5]])
    """
    check_matrix("pinv", A)
    if hermitian:
        check_square("pinv", A)
    return _pinv(A, atol, rcond if rtol is None else rtol, hermitian)


class LstsqResult(NamedTuple, Generic[Each]):
    """A least squares solution, as PyTorch and NumPy return it."""

    solution: Each
    residuals: Each
    rank: Each
    singular_values: Each


class Solution(NamedTuple):
    """What `_lstsq` returns."""

    solution: Any
    rank: Any
    singular_values: Any


def lstsq_vjp(g: Any, tensors: Any, out: Any, inverse: Array) -> list[Array]:
    """B̄ = Pᵀ X̄ = U and Ā = (B - A X)(P U)ᵀ - U Xᵀ + (Pᵀ X)(X̄ - Aᵀ U)ᵀ.

    The first term vanishes if the residual is 0, the last one if the columns are independent:
    the rule holds for tall, wide and rank-deficient matrices alike.
    """
    A, B = tensors
    if g.solution is None:
        return [np.zeros_like(A), np.zeros_like(B)]
    X, Pt = out.solution, inverse.mT
    U = Pt @ g.solution
    residual = B - A @ X
    return [
        residual @ (inverse @ U).mT - U @ X.mT + (Pt @ X) @ (g.solution - A.mT @ U).mT,
        U,
    ]


@op(
    joint=lstsq_vjp,
    keep={"inverse": lambda tensors, rcond: pinv(tensors[0], rtol=rcond)},
    promote=True,
    notation="lstsq({tensors})",
)
def _lstsq(tensors: Any, rcond: Any) -> Any:
    """The solution, rank and singular values of `lstsq`; keeps the pseudoinverse P = A⁺.

    Forward    (solution, rank, singular_values) = (P B, the number of sᵢ that are not 0, s)
    Gradient   Ā = (B - A X)(P U)ᵀ - U Xᵀ + (Pᵀ X)(X̄ - Aᵀ U)ᵀ with P = A⁺, U = Pᵀ X̄ and
               X, rank, s = out
               B̄ = Pᵀ X̄ with P = A⁺ and X, rank, s = out
    Shapes     (..., n, m), (..., n, k) -> (..., m, k), (...), (..., min(n, m))
    """
    A, B = tensors
    check_finite("lstsq", A)
    U, s, Vh = np.linalg.svd(A, full_matrices=False)
    limit = cutoff(s, A.shape, None, rcond) if s.shape[-1] else s
    inverse = inverted(s, limit)[..., None]
    solution = Vh.mT @ (inverse * (U.mT @ B))
    rank = np.asarray((s > limit).sum(-1))
    return Solution(solution, rank, s), Vh.mT @ (inverse * U.mT)


@composition
def lstsq(
    A: Array, B: Array, rcond: Any = None, *, driver: str | None = None
) -> LstsqResult[Tensor]:
    """Least squares solution of a system of linear equations; of several, the shortest.

    rcond   singular values up to rcond s₁ count as 0; by default the larger size of A times the
            machine epsilon
    driver  accepted for PyTorch's sake: the method is always the one by singular values

    Returns  a named tuple: solution; residuals, the sums of squares of A X - B for each column,
             if A has more rows than columns and full rank, else empty; rank; singular_values.
             Rank and singular values carry no gradient.

    Forward    solution = A⁺ B
    Gradient   with P = A⁺, U = Pᵀ ḡ: B̄ = U, Ā = (B - A X)(P U)ᵀ - U Xᵀ + (Pᵀ X)(ḡ - Aᵀ U)ᵀ
    Shapes     (..., n, m), (..., n, k) -> (..., m, k);  (..., n, m), (n,) -> (..., m)
    Raises     ValueError if the shapes do not fit
    Source     Golub and Pereyra 1973
    Example    >>> A = mg.tensor([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
               >>> mg.linalg.lstsq(A, mg.tensor([1.0, 2.0, 2.0])).solution
               tensor([0.6667, 0.5   ])
    """
    check_matrix("lstsq", A)
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise ValueError(f"lstsq: driver {driver!r} is none of gels, gelsy, gelsd and gelss")
    vector = is_vector(A, B)
    if vector:
        B = B[..., None]
    if B.shape[-2] != A.shape[-2]:
        raise ValueError(
            f"lstsq: a matrix of shape {tuple(A.shape)} needs a right-hand side with "
            f"{A.shape[-2]} rows, got shape {tuple(B.shape)}"
        )
    solution, rank, s = _lstsq((A, B), rcond)
    n, m = A.shape[-2:]
    if n > m and bool(np.all(plain(rank) == m)):
        residual = A @ solution - B
        residuals = (residual * residual).sum(-2)
    else:
        residuals = solution[..., :0, 0]
    if vector:
        solution = solution[..., 0]
    return LstsqResult(solution, residuals, rank, detach(s))


def detach(x: Array) -> Array:
    """A tensor without its graph."""
    return wrap(x._array) if isinstance(x, Variable) else x
