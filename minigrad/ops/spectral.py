"""Eigenvalues and singular values, and functions of symmetric matrices.

Eigenvectors and singular vectors are fixed up to sign, and inside a repeated value up to any
rotation.  Only a loss that does not change with that choice has a gradient.  Where values are tied,
the rule here is never wrong:

1. distinct values: the formula;
2. a tied pair whose vectors nobody used (their part of the cotangent is exactly 0): 0, which is
   exact;
3. a tied pair otherwise: NaN, and a warning that names the pair.  What is missing is 0/0 in the
   cotangents, and no rule can restore it.  `spectral_fn`, `matrix_exp`, `pinv` and the nuclear norm
   have rules of their own, finite at ties.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Generic, Literal, NamedTuple

import numpy as np

from minigrad.backward import walk
from minigrad.calls import Array, Variable, op
from minigrad.composition import composition
from minigrad.graph import Leaf, plain, wrap
from minigrad.modes import enable_grad
from minigrad.ops.matrices import (
    LinAlgError,
    check_finite,
    check_matrix,
    check_square,
    first_true,
    place,
)
from minigrad.ops.solving import solve
from minigrad.typed import Each, Tensor, returns

__all__ = ["eig", "eigh", "eigvals", "eigvals_pairs", "eigvalsh", "spectral_fn", "svd", "svdvals"]

Triangle = Literal["L", "U"]  # the triangle of a symmetric matrix that is read


# --------------------------------------------------------------------------------------------- ties


def tie_tolerance(dtype: Any) -> float:
    """The relative gap, to the largest value, up to which two values count as tied."""
    return max(1e-12, 32 * float(np.finfo(dtype).eps))


def tied_pairs(values: Array) -> Array:
    """For each pair of values along the last axis, whether they are tied; false on the diagonal."""
    if values.shape[-1] == 0:
        return np.zeros((*values.shape, 0), bool)
    gaps = np.abs(values[..., :, None] - values[..., None, :])
    scale = np.abs(values).max(-1)[..., None, None]
    tied = gaps <= tie_tolerance(values.dtype) * scale
    return tied & ~np.eye(values.shape[-1], dtype=bool)


class Gaps(NamedTuple):
    """The gaps between values, which ones are 0, and what is said if somebody divides by them.

    numbers  the values as an array
    hidden   pairs whose vectors were used in a way that the numbers do not show
    """

    name: str
    what: str
    numbers: Array
    tied: Array
    hidden: Array


def over_gaps(K: Array, values: Array, ties: Gaps) -> Array:
    """K[i, j] / (v[j] - v[i]) off the diagonal; at a tie 0 / 0 = 0, and NaN for any other K."""
    separate = ~(ties.tied | np.eye(values.shape[-1], dtype=bool))
    gaps = values[..., None, :] - values[..., :, None]
    quotient = K / np.where(separate, gaps, np.ones_like(ties.numbers[..., None, :]))
    return _over_nothing(quotient * ~np.eye(values.shape[-1], dtype=bool), ties)


@op(lambda g, ties: _over_nothing(g, ties), notation="{x} / gaps")
def _over_nothing(x: Array, ties: Gaps) -> Array:
    """x, divided by 0 at tied pairs: 0 stays 0 there, and all else becomes NaN, with a warning.

    An op, and not a mask that follows from x: in forward mode x is a cotangent that is 0 so far,
    and its derivative is not.

    Forward    out = x; where tied NaN, or 0 if x[i, j] = x[j, i] = 0
    Gradient   x̄ = ḡ; where tied NaN, or 0 if ḡ[i, j] = ḡ[j, i] = 0
    Shapes     (..., n, n) -> (..., n, n)
    """
    if not ties.tied.any():
        return x
    used = (x != 0) | ties.hidden
    unknown = ties.tied & (used | np.swapaxes(used, -1, -2))
    if unknown.any():
        warn_of_tie(ties.name, ties.numbers, unknown, ties.what)
    return np.where(ties.tied, np.where(unknown, float("nan"), 0.0), x).astype(x.dtype)


def warn_of_tie(name: str, values: Array, unknown: Array, what: str) -> None:
    index = first_true(unknown) or (0, 0)
    *batch, i, j = index
    gap = abs(values[(*batch, j)] - values[(*batch, i)])
    warnings.warn(
        f"{name}: {place(tuple(batch))} has tied {what} {min(i, j)} and {max(i, j)} "
        f"({values[(*batch, i)]:.6g}, gap {gap:.2g}), whose vectors the loss uses: that gradient "
        "is not defined and is NaN. For a function of the matrix use mg.linalg.spectral_fn, "
        "matrix_exp, pinv or the nuclear norm, which are finite at ties",
        RuntimeWarning,
        stacklevel=2,
    )


# ------------------------------------------------------------------------- symmetric eigenproblem


class EighResult(NamedTuple, Generic[Each]):
    """Eigenvalues in ascending order, and eigenvectors in the columns."""

    eigenvalues: Each
    eigenvectors: Each


def symmetric(x: Array) -> Array:
    return (x + x.mT) * 0.5


def eigh_vjp(g: EighResult, out: EighResult) -> Array:
    """Ā = sym(V [diag(w̄) + F ∘ (Vᵀ V̄)] Vᵀ), F_ij = 1/(w_j - w_i)."""
    w, V = out
    if g.eigenvectors is None:
        return symmetric((V * g.eigenvalues[..., None, :]) @ V.mT)
    K = V.mT @ g.eigenvectors
    numbers = plain(w)
    hidden = hidden_use(*[plain(each) for each in (w, *g)])
    ties = Gaps("eigh", "eigenvalues", numbers, tied_pairs(numbers), hidden)
    inner = over_gaps(K, w, ties)
    if g.eigenvalues is not None:
        inner = inner + g.eigenvalues[..., None] * np.eye(w.shape[-1], dtype=w.dtype)
    return symmetric(V @ inner @ V.mT)


def hidden_use(w: Array, g_w: Array | None, g_V: Array) -> Array:
    """For each pair, whether a loss such as V diag(w) Vᵀ may have used vectors without a trace.

    Its cotangent of the vectors is 0 where the eigenvalue is 0.  What tells it from a loss that
    left these vectors alone is the cotangent of the eigenvalues: it differs within the pair, or the
    vectors got a cotangent that is 0 everywhere.
    """
    n = w.shape[-1]
    if g_w is None or w.all():
        return np.zeros((n, n), bool)
    zero = (w == 0)[..., None, :] & (w == 0)[..., :, None]
    unequal = g_w[..., None, :] != g_w[..., :, None]
    nothing = ~(g_V != 0).any((-2, -1)) & (g_w != 0).any(-1)
    return zero & (unequal | nothing[..., None, None])


@returns(EighResult[Tensor])
@op(eigh_vjp, numpy=np.linalg.eigh, notation="eigh({x})")
def eigh(x: Array, UPLO: Triangle = "L") -> Any:
    """Eigenvalues, in ascending order, and eigenvectors of a symmetric matrix.

    Only one triangle is read (UPLO: 'L' or 'U').  The gradient is that of ``f(symmetrize(A))``.

    Forward    (w, V) with A = V diag(w) Vᵀ
    Gradient   Ā = sym(V [diag(w̄) + F ∘ (Vᵀ V̄)] Vᵀ) with F[i, j] = 1 / (w[j] - w[i]), 0 for i = j,
               and w, V = out; at tied eigenvalues whose vectors got a gradient: NaN, with a warning
               that names the pair
    Shapes     (..., n, n) -> (..., n), (..., n, n)
    Raises     ValueError unless square
    Source     Giles 2008, section 3.1
    Example    >>> mg.linalg.eigh(mg.tensor([[2.0, 1.0], [1.0, 2.0]])).eigenvalues
               tensor([1., 3.])
    """
    check_square("eigh", x)
    check_triangle("eigh", UPLO)
    return EighResult(*np.linalg.eigh(x, UPLO))


def check_triangle(name: str, UPLO: Triangle) -> None:
    if UPLO not in ("L", "U"):
        raise ValueError(f"{name}: UPLO is 'L' or 'U', got {UPLO!r}")


def eigvalsh_vjp(g: Array, x: Array, UPLO: Triangle) -> Array:
    """Ā = V diag(w̄) Vᵀ."""
    _, V = eigh(x, UPLO)
    return symmetric((V * g[..., None, :]) @ V.mT)


@op(eigvalsh_vjp, numpy=np.linalg.eigvalsh, promote=True, notation="eigvalsh({x})")
def eigvalsh(x: Array, UPLO: Triangle = "L") -> Array:
    """Eigenvalues of a symmetric matrix, in ascending order.

    Forward    out = w with A = V diag(w) Vᵀ; NaN if A holds NaN
    Gradient   Ā = V diag(ḡ) Vᵀ with V the eigenvectors; finite everywhere, at a tie one choice of
               many, unless ḡ is the same for the tied eigenvalues
    Shapes     (..., n, n) -> (..., n)
    Raises     ValueError unless square
    Source     Giles 2008, section 3.1
    Example    >>> mg.linalg.eigvalsh(mg.tensor([[2.0, 1.0], [1.0, 2.0]]))
               tensor([1., 3.])
    """
    check_square("eigvalsh", x)
    check_triangle("eigvalsh", UPLO)
    w = np.linalg.eigvalsh(x, UPLO)
    read = np.tril(x) if UPLO == "L" else np.triu(x)
    unknown = np.isnan(read).any((-2, -1))
    return np.where(unknown[..., None], float("nan"), w).astype(w.dtype) if unknown.any() else w


# ----------------------------------------------------------------------------- general eigenproblem


class EigResult(NamedTuple, Generic[Each]):
    """Eigenvalues in no order, and eigenvectors of norm 1 in the columns."""

    eigenvalues: Each
    eigenvectors: Each


def eig_vjp(g: EigResult, out: EigResult) -> Array:
    """Ā = V⁻ᵀ [diag(w̄) + (VᵀV̄ - VᵀV diag(VᵀV̄)) ∘ 1/(w_j - w_i)] Vᵀ."""
    w, V = out
    identity = np.eye(w.shape[-1], dtype=w.dtype)
    inner = 0.0
    if g.eigenvalues is not None:
        inner = g.eigenvalues[..., None] * identity
    if g.eigenvectors is not None:
        K = V.mT @ g.eigenvectors
        along = (K * identity).sum(-2, keepdims=True)  # what would only change the vectors' lengths
        K = K - (V.mT @ V) * along
        numbers = plain(w)
        tied = tied_pairs(numbers)
        inner = inner + over_gaps(
            K, w, Gaps("eig", "eigenvalues", numbers, tied, np.zeros_like(tied))
        )
    return solve(V.mT, inner @ V.mT)


@returns(EigResult[Tensor])
@op(eig_vjp, numpy=np.linalg.eig, notation="eig({x})")
def eig(x: Array) -> Any:
    """Eigenvalues and eigenvectors of a square matrix whose eigenvalues are real.

    Forward    (w, V) with A V = V diag(w), columns of norm 1, in no particular order
    Gradient   Ā = V⁻ᵀ [diag(w̄) + F ∘ (Vᵀ V̄ - Vᵀ V diag(Vᵀ V̄))] Vᵀ with
               F[i, j] = 1 / (w[j] - w[i]), 0 for i = j, and w, V = out; NaN with a warning at
               tied eigenvalues whose vectors got a gradient
    Shapes     (..., n, n) -> (..., n), (..., n, n)
    Raises     ValueError unless square; LinAlgError, with the batch index, if eigenvalues are
               complex
    Source     Giles 2008, section 3.1, with the norm of the vectors kept
    Example    >>> mg.linalg.eig(mg.tensor([[2.0, 1.0], [0.0, 3.0]])).eigenvalues
               tensor([2., 3.])
    """
    check_square("eig", x)
    w, V = np.linalg.eig(x)
    if w.dtype.kind == "c":  # NumPy 2.5 returns complex numbers always
        refuse_complex("eig", w)
        w, V = w.real, V.real
    return EigResult(w, V)


def refuse_complex(name: str, w: Array) -> None:
    index = first_true(w.imag != 0)
    if index is not None:
        value = w[index]
        raise LinAlgError(
            f"{name}: {place(index[:-1])} has complex eigenvalues, such as {value:.4g}, and "
            "minigrad has real numbers only; eigvals_pairs gives their real and imaginary parts, "
            "eigh and eigvalsh are for symmetric matrices, svdvals for sizes"
        )


@composition
def eigvals(A: Array) -> Tensor:
    """Eigenvalues of a square matrix, if they are real.

    Forward    out = w with A V = V diag(w), in no particular order
    Gradient   Ā = V⁻ᵀ diag(ḡ) Vᵀ
    Shapes     (..., n, n) -> (..., n)
    Raises     ValueError unless square; LinAlgError, with the batch index, if eigenvalues are
               complex
    Source     Giles 2008, section 3.1
    Example    >>> mg.linalg.eigvals(mg.tensor([[2.0, 1.0], [0.0, 3.0]]))
               tensor([2., 3.])
    """
    w, _ = eig(A)
    return w


class EigenvaluePairs(NamedTuple):
    """Real and imaginary parts of eigenvalues."""

    real: Any
    imag: Any


@op(
    lambda g, x, out: _eigenvalue_slopes(zeros_for(g, out), x),
    notation="eigvals({x})",
)
def eigvals_pairs(x: Array) -> Any:
    """Real and imaginary parts of the eigenvalues of any square matrix.

    Those of a rotation are complex: cos φ ± i sin φ.

    Forward    (real, imag) with A v = (real + i imag) v for some complex v, in no particular order
    Gradient   Ā = Re(V⁻ᴴ diag(real̅ + i imag̅) Vᴴ) with V the eigenvectors
    Shapes     (..., n, n) -> (..., n), (..., n)
    Raises     ValueError unless square; LinAlgError if A holds NaN or inf, and in backward if
               the eigenvectors do not span the space
    Source     Giles 2008, section 3.1, for complex numbers
    Example    >>> mg.linalg.eigvals_pairs(mg.tensor([[0.0, -2.0], [2.0, 0.0]])).imag
               tensor([ 2., -2.])
    """
    check_square("eigvals_pairs", x)
    w = np.linalg.eigvals(x)
    return EigenvaluePairs(np.array(w.real), np.array(w.imag))


def zeros_for(g: EigenvaluePairs, out: EigenvaluePairs) -> Array:
    """The cotangents of real and imaginary parts as one array, (..., n, 2)."""
    parts = [plain(o) * 0.0 if part is None else part for part, o in zip(g, out)]
    return np.stack(parts, -1)


def complex_vectors(x: Array) -> tuple[Array, Array]:
    """The eigenvectors as complex numbers, and their inverse."""
    _, V = np.linalg.eig(x)
    try:
        return V, np.linalg.inv(V)
    except np.linalg.LinAlgError:
        raise LinAlgError(
            "eigvals_pairs: the eigenvectors do not span the space, where eigenvalues have no "
            "gradient"
        ) from None


def no_second_derivative(g: Array) -> Array:
    raise NotImplementedError(
        "eigvals_pairs has first derivatives only; where eigenvalues are real use eigvals"
    )


@op(
    lambda g, x: _eigenvalue_directions(g, x),
    lambda g: no_second_derivative(g),
    notation="eigvals′({g})",
)
def _eigenvalue_slopes(g: Array, x: Array) -> Array:
    """The gradient of `eigvals_pairs`, linear in g.

    Forward    out = Re(V⁻ᴴ diag(g[..., 0] + i g[..., 1]) Vᴴ)
    Gradient   ḡ = real and imaginary parts of diag(V⁻¹ out̄ V); none for x
    Shapes     (..., n, 2), (..., n, n) -> (..., n, n)
    """
    V, inverse = complex_vectors(x)
    both = g[..., 0] + 1j * g[..., 1]
    out = (inverse.conj().mT * both[..., None, :]) @ V.conj().mT
    return out.real.astype(x.dtype)


@op(
    lambda g, x: _eigenvalue_slopes(g, x),
    lambda g: no_second_derivative(g),
    notation="eigvals′({h})",
)
def _eigenvalue_directions(h: Array, x: Array) -> Array:
    """How the eigenvalues move if x moves along h: the transpose of `_eigenvalue_slopes`.

    Forward    out[..., 0] + i out[..., 1] = diag(V⁻¹ h V)
    Gradient   h̄ = Re(V⁻ᴴ diag(ḡ) Vᴴ); none for x
    Shapes     (..., n, n), (..., n, n) -> (..., n, 2)
    """
    V, inverse = complex_vectors(x)
    moved = np.diagonal(inverse @ h @ V, axis1=-2, axis2=-1)
    return np.stack([moved.real, moved.imag], -1).astype(x.dtype)


# ---------------------------------------------------------------------------------- singular values


class SVDResult(NamedTuple, Generic[Each]):
    """The factors of A = U diag(S) Vh; Vh is V transposed."""

    U: Each
    S: Each
    Vh: Each


def cut_full(name: str, g: Array, k: int, size: int, axis: int) -> Array:
    """The cotangent of the first k vectors; an error if the arbitrary extra ones got a gradient."""
    if g is None or size == k:
        return g
    return _without_extra(g, name, k, axis)


@op(lambda g, name, x_shape, axis: _with_extra(g, name, x_shape[axis], axis), notation="{x}")
def _without_extra(x: Array, name: str, k: int, axis: int) -> Array:
    """The first k vectors of a cotangent; the others must have got none.

    Forward    out = x[..., :k], or x[..., :k, :] for axis -2
    Gradient   x̄ = ḡ, and NaN for the others: they are arbitrary
    Shapes     (..., n, m) -> (..., n, k) or (..., k, m)
    Raises     LinAlgError if the others are not 0
    """
    first, extra = np.split(x, [k], axis)
    if np.any(extra != 0):
        raise LinAlgError(
            f"svd: the loss uses the last {x.shape[axis] - k} vectors of {name} that "
            "full_matrices=True adds: they are arbitrary and have no gradient; use "
            "full_matrices=False"
        )
    return first


@op(lambda g, name, x_shape, axis: _without_extra(g, name, x_shape[axis], axis), notation="{x}")
def _with_extra(x: Array, name: str, size: int, axis: int) -> Array:
    """The transpose of `_without_extra`, with NaN for what is not known.

    Forward    out[..., :k] = x, NaN behind it, along `axis`
    Gradient   x̄ = ḡ[..., :k]
    Shapes     (..., n, k) -> (..., n, size), or (..., k, m) -> (..., size, m)
    """
    pad = [(0, 0)] * x.ndim
    pad[axis] = (0, size - x.shape[axis])
    return np.pad(x, pad, constant_values=float("nan"))


def svd_vjp(g: SVDResult, x: Array, out: SVDResult) -> Array:
    """Ā = U [(F ∘ (K - Kᵀ)) S + S (F ∘ (L - Lᵀ)) + diag(s̄)] Vᵀ, and what leaves the spaces.

    K = UᵀŪ, L = VᵀV̄, F_ij = 1/(s_j² - s_i²).  The squares are never formed: divided by s_j - s_i
    and multiplied with s_j / (s_j + s_i), numbers keep their size.
    """
    n, m = x.shape[-2:]
    U, s, Vh = out
    k = s.shape[-1]
    g_U = cut_full("U", g.U, k, U.shape[-1], -1)
    g_Vh = cut_full("V", g.Vh, k, Vh.shape[-2], -2)
    U, Vh = U[..., :k], Vh[..., :k, :]
    inner: Any = 0.0
    if g.S is not None:
        inner = g.S[..., None] * np.eye(k, dtype=s.dtype)
    if g_U is None and g_Vh is None:
        return (U * g.S[..., None, :]) @ Vh
    K = U.mT @ g_U if g_U is not None else None
    L = Vh @ g_Vh.mT if g_Vh is not None else None
    numbers = plain(s)
    # a factor s in the loss, as in U S Vᵀ, hides the use of the vectors of zero singular values
    hidden = (numbers == 0) & (plain(g.S) != 0 if g.S is not None else False)
    pairs = hidden[..., None, :] | np.zeros((k, 1), bool)
    ties = Gaps("svd", "singular values", numbers, tied_pairs(numbers), pairs)
    sums = s[..., None, :] + s[..., :, None]
    sums = np.where(plain(sums) == 0, np.ones_like(plain(sums)), sums)
    if K is not None:
        inner = inner + over_gaps(skew(K), s, ties) * (s[..., None, :] / sums) + at_ties(K, ties)
    if L is not None:
        inner = inner + over_gaps(skew(L), s, ties) * (s[..., :, None] / sums) + at_ties(L, ties)
    result = U @ inner @ Vh
    if n > k and g_U is not None:
        result = result + outside(U, over_values(g_U, s, hidden)) @ Vh
    if m > k and g_Vh is not None:
        result = result + U @ outside(Vh.mT, over_values(g_Vh.mT, s, hidden)).mT
    return result


def skew(x: Array) -> Array:
    return x - x.mT


def at_ties(x: Array, ties: Gaps) -> Any:
    """NaN where the vectors of tied values were used, else 0: `skew` hides a symmetric use."""
    return _over_nothing(x * ties.tied, ties) if ties.tied.any() else 0.0


def outside(basis: Array, x: Array) -> Array:
    """The part of each column of x that is perpendicular to an orthonormal basis."""
    return x - basis @ (basis.mT @ x)


def over_values(g: Array, s: Array, hidden: Array) -> Array:
    """Columns of g over the singular values; where s is 0, 0 if nobody used them, else NaN."""
    zero = plain(s) == 0
    if not zero.any():
        return g / s[..., None, :]
    quotient = g / np.where(zero, np.ones_like(plain(s)), s)[..., None, :]
    return _over_zeros(quotient, zero, zero & hidden)


@op(lambda g, zero, hidden: _over_zeros(g, zero, hidden), notation="{x} / s")
def _over_zeros(x: Array, zero: Array, hidden: Array) -> Array:
    """Columns, divided by 0 where a singular value is 0: see `_over_nothing`.

    Forward    out = x; columns where `zero` stay 0, or become NaN if they were not, or `hidden`
    Gradient   x̄ = the same of ḡ
    Shapes     (..., n, k), (..., k) -> (..., n, k)
    """
    unknown = zero & (hidden | (x != 0).any(-2))
    if unknown.any():
        index = first_true(unknown) or (0,)
        warnings.warn(
            f"svd: {place(index[:-1])} has singular value {index[-1]} equal to 0, whose vectors "
            "the loss uses: that gradient is not defined and is NaN",
            RuntimeWarning,
            stacklevel=2,
        )
    known = np.where(zero[..., None, :], 0.0, x)
    return np.where(unknown[..., None, :], float("nan"), known).astype(x.dtype)


@returns(SVDResult[Tensor])
@op(svd_vjp, notation="svd({x})")
def svd(x: Array, full_matrices: bool = True) -> Any:
    """Singular value decomposition.

    full_matrices   U and Vh are square; their extra vectors are arbitrary and carry no gradient

    Forward    (U, S, Vh) with A = U diag(S) Vh, S falling
    Gradient   Ā = U [(F ∘ (K - Kᵀ)) diag(s) + diag(s) (F ∘ (L - Lᵀ)) + diag(s̄)] W with K = Uᵀ Ū,
               L = W W̄ᵀ, F[i, j] = 1 / (s[j]² - s[i]²), 0 for i = j, and U, s, W = out; W is Vᵀ;
               of a tall A also (I - U Uᵀ) Ū diag(1/s) W, of a wide one
               U diag(1/s) W̄ (I - Wᵀ W).  At tied singular values whose vectors got a gradient: NaN,
               with a warning that names the pair
    Shapes     (..., n, m) -> (..., n, n), (..., k), (..., m, m) with k = min(n, m); without
               full_matrices (..., n, k), (..., k), (..., k, m)
    Raises     ValueError unless A has two axes or more; LinAlgError in backward if the extra
               vectors got a gradient
    Source     Townsend 2016
    Example    >>> mg.linalg.svd(mg.tensor([[3.0, 0.0], [0.0, 4.0]])).S
               tensor([4., 3.])
    """
    check_matrix("svd", x)
    check_finite("svd", x)
    return SVDResult(*np.linalg.svd(x, full_matrices))


def svdvals_vjp(g: Array, x: Array) -> Array:
    """Ā = U diag(s̄) Vᵀ."""
    U, _, Vh = svd(x, False)
    return (U * g[..., None, :]) @ Vh


@op(svdvals_vjp, numpy=np.linalg.svdvals, promote=True, notation="svdvals({x})")
def svdvals(x: Array) -> Array:
    """Singular values, falling.

    Forward    out = s with A = U diag(s) Vᵀ
    Gradient   Ā = U diag(ḡ) Vᵀ with U, V the singular vectors; finite everywhere, at a tie one
               choice of many, unless ḡ is the same for the tied values
    Shapes     (..., n, m) -> (..., min(n, m))
    Raises     ValueError unless A has two axes or more
    Source     Giles 2008, section 3.2
    Example    >>> mg.linalg.svdvals(mg.tensor([[3.0, 0.0], [0.0, 4.0]]))
               tensor([4., 3.])
    """
    check_matrix("svdvals", x)
    check_finite("svdvals", x)
    return np.linalg.svd(x, compute_uv=False)


# ------------------------------------------------------------------ functions of symmetric matrices


def value_and_slope(function: Callable[[Any], Any], w: Array) -> tuple[Array, Array]:
    """f(w) and f′(w) for a function of each entry, by the walk over its own graph."""
    point = wrap(w)
    point._node = leaf = Leaf(point)
    with enable_grad():
        value = function(point)
    if not isinstance(value, Variable) or value._array.shape != w.shape:
        raise ValueError(
            "spectral_fn: the function takes a tensor of eigenvalues and returns one of the same "
            f"shape {w.shape}, got {type(value).__name__} of shape {np.shape(value)}"
        )
    if value._node is None:
        return value._array, np.zeros_like(w)
    slope = walk([(value._node, np.ones_like(value._array))], targets=[leaf]).get(leaf)
    return value._array, np.zeros_like(w) if slope is None else slope


def close_pairs(w: Array) -> Array:
    """Which pairs take the slope instead of the difference quotient.

    The quotient loses digits as the gap closes, the slope gains them: the border is where both
    err by about eps^(2/3).
    """
    size = np.abs(w)
    scale = np.maximum(size[..., :, None], size[..., None, :])
    gaps = np.abs(w[..., :, None] - w[..., None, :])
    return gaps <= float(np.finfo(w.dtype).eps) ** (1 / 3) * scale


def divided_differences(function: Callable[[Any], Any], w: Array) -> Array:
    """(f(wᵢ) - f(wⱼ)) / (wᵢ - wⱼ), and the slope in the middle where they are close."""
    value, _ = value_and_slope(function, w)
    middle = (w[..., :, None] + w[..., None, :]) * 0.5
    gaps = w[..., :, None] - w[..., None, :]
    close = close_pairs(w)
    slopes = value_and_slope(function, np.where(close, middle, w[..., :, None]))[1]
    rises = value[..., :, None] - value[..., None, :]
    return np.where(close, slopes, rises / np.where(close, np.ones_like(gaps), gaps))


def spectral_fn_vjp(g: Array, decomposition: Any, function: Callable[[Any], Any]) -> Array:
    """Ā = sym(V [D ∘ (Vᵀ sym(Ȳ) V)] Vᵀ), with the divided differences D."""
    w, V = decomposition
    if not isinstance(w, Variable):
        D: Any = divided_differences(function, w)
    else:  # derivatives of it: D as a function of w, where eigenvalues are distinct
        D = differences_of_tensors(function, w)
    return symmetric(V @ (D * (V.mT @ symmetric(g) @ V)) @ V.mT)


def differences_of_tensors(function: Callable[[Any], Any], w: Any) -> Any:
    """The same as a tensor; the slopes come from the graph of f."""
    close = close_pairs(plain(w))
    value = function(w)
    total = value.sum()
    leafwise = walk([(total._node, wrap(np.ones_like(total._array)))], True, True, [w._node])
    slope = leafwise.get(w._node, w * 0.0)
    gaps = w[..., :, None] - w[..., None, :]
    rises = value[..., :, None] - value[..., None, :]
    quotient = rises / np.where(close, np.ones_like(plain(gaps)), gaps)
    slopes = (slope[..., :, None] + slope[..., None, :]) * 0.5
    return np.where(close, slopes, quotient)


@op(
    spectral_fn_vjp,
    keep={"decomposition": lambda x, UPLO: eigh(x, UPLO)},
    notation="f({x})",
)
def spectral_fn(x: Array, function: Callable[[Any], Any], UPLO: Triangle = "L") -> Any:
    """A function of a symmetric matrix: of its eigenvalues, with the eigenvectors kept.

    ``spectral_fn(A, mg.exp)`` is the matrix exponential, ``spectral_fn(A, mg.sqrt)`` the square
    root. Unlike the same written with `eigh`, its gradient is finite and right at tied eigenvalues.

    function   of each entry of a tensor, differentiable: mg.exp, mg.log, lambda w: w ** -0.5
    UPLO       the triangle that is read; the gradient is that of ``f(symmetrize(A))``

    Forward    out = V f(diag w) Vᵀ, with A = V diag(w) Vᵀ
    Gradient   Ā = sym(V [D ∘ (Vᵀ sym(ḡ) V)] Vᵀ) with w, V the eigenvalues and eigenvectors, and
               D[i, j] = (f(w[i]) - f(w[j])) / (w[i] - w[j]); f′(w) where they are equal.  Its
               derivative asks for distinct eigenvalues
    Shapes     (..., n, n) -> (..., n, n)
    Raises     ValueError unless square, or if the function changes the shape
    Source     Daleckii and Krein 1965; Higham 2008, theorem 3.11
    Example    >>> mg.linalg.spectral_fn(mg.tensor([[2.0, 0.0], [0.0, 8.0]]), mg.square)
               tensor([[ 4.,  0.],
                       [ 0., 64.]])
    """
    check_square("spectral_fn", x)
    check_triangle("spectral_fn", UPLO)
    decomposition = EighResult(*np.linalg.eigh(x, UPLO))
    w, V = decomposition
    value = plain(function(wrap(w)))
    if np.shape(value) != w.shape:
        raise ValueError(
            f"spectral_fn: the function changed the shape of the eigenvalues, {w.shape}, to "
            f"{np.shape(value)}"
        )
    return (V * value[..., None, :]) @ V.mT, decomposition
