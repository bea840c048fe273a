"""Linear algebra where it is hard: ties, zeros, singular matrices, extreme sizes, two routes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests import numerical

L = mg.linalg
nan, inf = np.nan, np.inf
E = np.e


def leaf(data: Any, dtype: Any = mg.float64) -> Any:
    return mg.tensor(np.asarray(data, dtype=dtype), requires_grad=True)


def gradient(function: Callable[..., Any], *data: Any) -> Any:
    """The gradient of a function of one or several matrices."""
    leaves = [leaf(d) for d in data]
    function(*leaves).sum().backward()
    found = [x.grad.numpy() for x in leaves]
    return found[0] if len(found) == 1 else found


@pytest.mark.parametrize("order", [1, 2])
def test_det_of_empty_matrices_can_be_differentiated(order: int) -> None:
    A = mg.ones(2, 0, 0, dtype=mg.float64, requires_grad=True)
    out = mg.linalg.det(A).sum()
    assert out.item() == 2.0
    for _ in range(order):
        (out,) = mg.autograd.grad(out, A, create_graph=True)
        assert out.shape == (2, 0, 0)
        out = out.sum()


def close(found: Any, expected: Any, rtol: float = 1e-10, atol: float = 1e-12) -> None:
    np.testing.assert_allclose(found, expected, rtol, atol)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


def rotation(n: int, seed: int = 0) -> np.ndarray:
    return np.linalg.qr(random(n, n, seed=seed + 100))[0]


def positive_definite(*shape: int, seed: int = 0) -> np.ndarray:
    X = random(*shape, seed=seed)
    return X @ X.mT + shape[-1] * np.eye(shape[-1])


def spectral_by_eigh(A: Any) -> Any:
    w, V = L.eigh(A)
    return (V * mg.exp(w)[..., None, :]) @ V.mT


def by_svd(A: Any) -> Any:
    U, S, Vh = L.svd(A, full_matrices=False)
    return (U * S[..., None, :]) @ Vh


def by_qr(A: Any) -> Any:
    Q, R = L.qr(A)
    return Q.sum() + R.sum()


def top_projector(A: Any) -> Any:
    v = L.eigh(A).eigenvectors[..., -1:]
    return (v @ v.mT)[0, 1] * 2.0


# --------------------------------------------------------- points where the formulas break: values

ones22, eye2, eye3 = np.ones((2, 2)), np.eye(2), np.eye(3)
big = np.array([3.0, 4.0])

GRADIENTS: dict[str, tuple[Callable[..., Any], Any, Any]] = {
    "det of rank n-1": (L.det, [[1.0, 2.0], [2.0, 4.0]], [[4.0, -2.0], [-2.0, 1.0]]),
    "det of rank n-2": (L.det, np.ones((3, 3)), np.zeros((3, 3))),
    "det of zero, 1x1": (L.det, [[0.0]], [[1.0]]),
    "logdet of a negative determinant": (L.logdet, np.diag([1.0, -1.0]), np.full((2, 2), nan)),
    "spectral_fn at A = I": (lambda A: L.spectral_fn(A, mg.exp), eye2, E * ones22),
    "spectral_fn at 2 I": (lambda A: L.spectral_fn(A, mg.exp), 2 * eye3, E**2 * np.ones((3, 3))),
    "projector on the top vector of diag(4, 1, 1)": (
        top_projector, np.diag([1.0, 1.0, 4.0]), np.zeros((3, 3)),
    ),
    "sum of squared eigenvalues at A = I": (lambda A: L.eigh(A).eigenvalues ** 2, eye2, 2 * eye2),
    "eigenvalues 2^53, 2^53 + 2, 2^53 + 4": (
        lambda A: L.eigh(A).eigenvectors ** 2, np.diag(2.0**53 + np.array([0.0, 2.0, 4.0])),
        np.zeros((3, 3)),
    ),
    "eigh of a matrix that is not symmetric": (
        lambda A: L.eigh(A).eigenvalues ** 2, [[2.0, 5.0], [1.0, 3.0]], [[4.0, 2.0], [2.0, 6.0]],
    ),
    "U S Vᵀ of rank 1": (by_svd, np.ones((3, 2)), np.ones((3, 2))),
    "pinv of rank 1": (L.pinv, ones22, -0.25 * ones22),
    "pinv of 0": (L.pinv, np.zeros((2, 3)), np.zeros((2, 3))),
    "2-norm at 0": (L.vector_norm, np.zeros(3), np.zeros(3)),
    "Frobenius norm at 0": (L.matrix_norm, np.zeros((2, 3)), np.zeros((2, 3))),
    "2-norm of tiny numbers": (L.norm, 1e-200 * big, [0.6, 0.8]),
    "2-norm of huge numbers": (L.norm, 1e200 * big, [0.6, 0.8]),
    "1-norm with a zero entry": (lambda x: L.norm(x, 1), [2.0, 0.0, -3.0], [1.0, 0.0, -1.0]),
    "inf-norm with ties": (lambda x: L.norm(x, inf), [2.0, -2.0, 1.0], [0.5, -0.5, 0.0]),
    "nuclear norm of 0": (lambda A: L.norm(A, "nuc"), np.zeros((2, 2)), np.zeros((2, 2))),
    "nuclear norm of ones": (lambda A: L.norm(A, "nuc"), ones22, 0.5 * ones22),
    "spectral norm of I": (lambda A: L.norm(A, 2), eye2, 0.5 * eye2),
    "max over all, ties": (mg.max, [2.0, 2.0, 1.0], [0.5, 0.5, 0.0]),
    "max over an axis, ties": (
        lambda x: mg.max(x, 0).values, [2.0, 2.0, 1.0], [1.0, 0.0, 0.0],
    ),
    "relu at 0": (mg.relu, [0.0], [0.0]),
    "maximum(x, 0) at 0": (lambda x: mg.maximum(x, mg.zeros(1, dtype=mg.float64)), [0.0], [0.5]),
    "clip at its bounds": (lambda x: mg.clamp(x, -1, 1), [-1.0, 1.0], [1.0, 1.0]),
    "abs at 0": (mg.abs, [0.0], [0.0]),
    "prod with one zero": (mg.prod, [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
    "prod with two zeros": (mg.prod, [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]),
    "cumprod with a zero": (lambda x: mg.cumprod(x, 0), [2.0, 0.0, 3.0], [1.0, 8.0, 0.0]),
    "std of equal numbers": (mg.std, [2.0, 2.0, 2.0], [0.0, 0.0, 0.0]),
    "x to the 0 at 0": (lambda x: x**0, [0.0], [0.0]),
    "x to the y at (0, 0)": (lambda x: x ** mg.zeros(1, dtype=mg.float64), [0.0], [0.0]),
}  # fmt: skip


@pytest.mark.parametrize("row", GRADIENTS)
def test_gradient_at_a_point_where_the_formula_breaks(row: str) -> None:
    function, point, expected = GRADIENTS[row]
    close(gradient(function, point), expected)


def test_sqrt_at_0_is_infinitely_steep() -> None:
    with np.errstate(divide="ignore"):
        assert gradient(mg.sqrt, [0.0]) == inf


def test_the_branch_that_where_does_not_take_still_counts() -> None:
    """``where(x > 0, sqrt(x), 0)`` is NaN at 0, 0 times an infinite slope: mask the input."""
    with np.errstate(all="ignore"):
        found = gradient(lambda x: mg.where(x > 0, mg.sqrt(x), mg.zeros_like(x)), [0.0])
    assert np.isnan(found).all()
    safe = gradient(
        lambda x: mg.where(x > 0, mg.sqrt(mg.where(x > 0, x, mg.ones_like(x))), mg.zeros_like(x)),
        [0.0],
    )
    close(safe, [0.0])


def test_maximum_tie_is_shared_and_atan2_at_the_origin_is_flat() -> None:
    for function, expected in ((mg.maximum, 0.5), (mg.minimum, 0.5), (mg.atan2, 0.0)):
        with np.errstate(all="ignore"):
            a, b = gradient(function, [0.0], [0.0])
        close(np.concatenate([a, b]), [expected, expected])


def test_the_projector_does_not_see_the_basis_of_a_tie() -> None:
    """diag(4, 1, 1), rotated: the gradient of a projector on a separated vector exists."""
    Q = rotation(3)
    A = (Q * np.array([4.0, 1.0, 1.0])) @ Q.T
    A = (A + A.T) / 2
    weights = random(3, 3)

    def loss(X: Any) -> Any:
        v = L.eigh(L.symmetrize(X)).eigenvectors[:, -1:]
        return ((v @ v.mT) * weights).sum()

    v, P = Q[:, :1], np.eye(3) - Q[:, :1] @ Q[:, :1].T
    W = (weights + weights.T) / 2
    expected = (P @ W @ v @ v.T + v @ v.T @ W @ P) / 3.0  # the gap is 4 - 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        close(gradient(loss, A), expected, 1e-9)


@pytest.mark.parametrize("point", [eye2, np.zeros((2, 2))], ids=["I", "0"])
def test_a_tie_that_is_used_gives_nan_and_a_warning_never_a_wrong_number(point: Any) -> None:
    with pytest.warns(RuntimeWarning, match=r"svd: the matrix has tied singular values 0 and 1"):
        assert np.isnan(gradient(by_svd, point)).all()
    with pytest.warns(RuntimeWarning, match=r"eigh: the matrix has tied eigenvalues 0 and 1") as w:
        assert np.isnan(gradient(spectral_by_eigh, point)).all()
    assert "spectral_fn" in str(w[0].message)


@pytest.mark.parametrize("gap", [0.0, 1e-13, 1e-9, 1e-6, 1e-3])
@pytest.mark.parametrize("create_graph", [False, True])
def test_spectral_fn_loses_no_digits_near_a_tie(gap: float, create_graph: bool) -> None:
    """Against the exponential of the block matrix, which knows no eigenvalues."""
    Q, C = rotation(3), random(3, 3)
    A = (Q * np.array([1.0, 1.0 + gap, 2.0])) @ Q.T
    A = (A + A.T) / 2
    x = leaf(A)
    (L.spectral_fn(x, mg.exp) * C).sum().backward(create_graph=create_graph)
    expected = gradient(lambda y: L.matrix_exp(L.symmetrize(y)) * C, A)
    close(x.grad.numpy(force=True), expected, 1e-9, 1e-9)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_use_of_vectors_that_zero_eigenvalues_hide_is_found(rank: int) -> None:
    """V diag(w) Vᵀ = A has the gradient C, but nothing of the vectors of w = 0 reaches the rule."""
    C = random(4, 4)
    A = np.zeros((4, 4))
    A[:rank, :rank] = 1.0

    def rebuilt(x: Any) -> Any:
        w, V = L.eigh(x)
        return ((V * w[..., None, :]) @ V.mT) * C

    with pytest.warns(RuntimeWarning, match="tied eigenvalues"):
        assert np.isnan(gradient(rebuilt, A)).any()
    close(gradient(lambda x: L.spectral_fn(x, lambda w: w * 1.0) * C, A), (C + C.T) / 2)


def test_the_warning_names_the_matrix_of_the_batch() -> None:
    batch = np.stack([np.diag([1.0, 2.0]), eye2])
    with pytest.warns(RuntimeWarning, match=r"batch index \(1,\)"):
        found = gradient(spectral_by_eigh, batch)
    close(found[0], gradient(lambda A: L.spectral_fn(A, mg.exp), batch[0]))
    assert np.isnan(found[1]).all()


def test_slogdet_of_a_singular_matrix_has_a_value_but_no_gradient() -> None:
    A = leaf([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 4.0]]])
    sign, logarithm = L.slogdet(A)
    close(sign.numpy(force=True), [1.0, 0.0])
    close(logarithm.numpy(force=True), [0.0, -inf])
    with pytest.raises(np.linalg.LinAlgError, match=r"batch index \(1,\) is singular"):
        logarithm.sum().backward()


def test_the_sign_of_slogdet_has_gradient_0_and_never_raises() -> None:
    A = leaf(random(3, 3))
    L.slogdet(A).sign.backward()
    close(A.grad.numpy(), np.zeros((3, 3)))
    B = leaf([[1.0, 2.0], [2.0, 4.0]])
    L.slogdet(B).sign.backward()
    close(B.grad.numpy(), np.zeros((2, 2)))


def test_logdet_of_a_negative_determinant_is_nan() -> None:
    assert np.isnan(L.logdet(mg.tensor(np.diag([1.0, -1.0]))).item())


def test_cond_of_a_singular_matrix_is_inf_and_has_no_gradient() -> None:
    for p in (None, 2, "fro", 1, inf):
        for A in ([[1.0, 2.0], [2.0, 4.0]], [[1.0, 0.0], [0.0, 0.0]]):
            x = leaf(A)
            value = L.cond(x, p)
            assert value.item() == inf
            with pytest.raises(np.linalg.LinAlgError, match="singular"):
                value.backward()


def test_cond_of_a_nearly_singular_matrix_is_a_number() -> None:
    hilbert = 1.0 / (np.arange(12)[:, None] + np.arange(12) + 1.0)
    assert 1e16 < L.cond(mg.tensor(hilbert)).item() < 1e18


def test_full_matrices_give_gradients_for_what_is_unique_and_refuse_the_rest() -> None:
    A = random(3, 2)
    reduced = gradient(lambda x: L.svd(x, full_matrices=False).S, A)
    close(gradient(lambda x: L.svd(x).S, A), reduced)
    part = gradient(lambda x: L.svd(x).U[:, :2] ** 3 * L.svd(x).Vh[:, :1].mT, A)
    close(part, gradient(lambda x: (lambda f: f.U**3 * f.Vh[:, :1].mT)(L.svd(x, False)), A))
    with pytest.raises(np.linalg.LinAlgError, match="full_matrices=False"):
        gradient(lambda x: L.svd(x).U ** 2 * np.arange(3.0), A)
    with pytest.raises(np.linalg.LinAlgError, match=r"last 1 vectors of V"):
        gradient(lambda x: L.svd(x).Vh ** 2 * np.arange(3.0)[:, None], A.T)


@pytest.mark.parametrize(("factor", "dtype"), [(1e-25, "f4"), (1e19, "f4"), (1e-160, "f8")])
def test_svd_of_tiny_and_huge_matrices_has_finite_gradients(factor: float, dtype: str) -> None:
    A = np.array([[3.0, 1.0], [1.0, 2.0], [0.5, -1.0]])
    weights = random(3, 2).astype(dtype)

    def loss(x: Any) -> Any:
        U, _, Vh = L.svd(x, full_matrices=False)
        return ((U**2) * weights).sum() + ((Vh**2) * weights[:2]).sum()

    x = mg.tensor((A * factor).astype(dtype), requires_grad=True)
    loss(x).backward()
    expected = gradient(loss, A)  # of degree 0: the gradient has degree -1
    tolerance = 1e-4 if dtype == "f4" else 1e-9
    found = x.grad.numpy().astype(float) * factor
    close(found, expected, tolerance, tolerance * np.abs(expected).max())


def test_qr_of_dependent_columns_is_refused_in_backward() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="column 1 depends"):
        gradient(by_qr, ones22)
    with pytest.raises(np.linalg.LinAlgError, match=r"batch index \(1,\)"):
        gradient(by_qr, np.stack([eye2, ones22]))


def test_qr_complete_of_a_tall_matrix_has_no_gradient() -> None:
    A = leaf(random(3, 2))
    Q, R = L.qr(A, "complete")
    assert (Q.shape, R.shape) == ((3, 3), (3, 2))
    with pytest.raises(np.linalg.LinAlgError, match="mode='reduced'"):
        (Q.sum() + R.sum()).backward()
    close(
        gradient(lambda x: (lambda f: f.Q @ (f.R**2))(L.qr(x, "complete")), random(2, 3)),
        gradient(lambda x: (lambda f: f.Q @ (f.R**2))(L.qr(x)), random(2, 3)),
    )


REFUSED = {
    "cholesky, not positive definite": (
        lambda A: L.cholesky(A), [np.eye(3), [[1.0, 0, 0], [0, 1, 2], [0, 2, 1]]],
        r"batch index \(1,\) is not positive definite: its leading minor of order 3",
    ),
    "inv, singular": (
        L.inv, [eye2, ones22], r"batch index \(1,\) is singular \(rank 1 of 2\).*lstsq"
    ),
    "solve, singular": (
        lambda A: L.solve(A, mg.ones(2, 1, dtype=mg.float64)), [eye2, ones22],
        r"batch index \(1,\) is singular",
    ),
    "solve_triangular, zero on the diagonal": (
        lambda A: L.solve_triangular(A, A, upper=True), [eye2, [[1.0, 5.0], [0.0, 0.0]]],
        r"batch index \(1,\) is singular: entry 1",
    ),
    "eigvals, complex": (
        L.eigvals, [eye2, [[0.0, 1.0], [-1.0, 0.0]]], r"\(1,\) has complex eigenvalues"
    ),
    "eig, complex": (L.eig, [eye2, [[0.0, 1.0], [-1.0, 0.0]]], r"\(1,\) has complex eigenvalues"),
    "matrix_power, singular": (
        lambda A: L.matrix_power(A, -1), [eye2, ones22], r"\(1,\) is singular"
    ),
    "matrix_rank of NaN": (L.matrix_rank, [eye2, eye2 * nan], "NaN"),
    "lu without pivots": (
        lambda A: L.lu(A, pivot=False), [eye2, [[0.0, 1.0], [1.0, 0.0]]], r"\(1,\) has a zero pivot"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_matrix_that_has_no_result_is_refused_by_its_batch_index(case: str) -> None:
    function, batch, message = REFUSED[case]
    with pytest.raises(np.linalg.LinAlgError, match=message):
        function(mg.tensor(np.asarray(batch, dtype=float)))


WRONG_SHAPES: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "inv": (lambda: L.inv(mg.ones(2, 3)), ValueError, r"square, got shape \(2, 3\)"),
    "det of a vector": (lambda: L.det(mg.ones(3)), ValueError, "two axes"),
    "solve": (lambda: L.solve(mg.eye(2), mg.ones(3, 1)), ValueError, r"2 rows, got shape \(3, 1\)"),
    "lstsq": (lambda: L.lstsq(mg.ones(4, 2), mg.ones(3, 1)), ValueError, "4 rows"),
    "qr mode": (lambda: L.qr(mg.eye(2), "raw"), ValueError, "'reduced'"),
    "eigh UPLO": (lambda: L.eigh(mg.eye(2), "X"), ValueError, "UPLO"),
    "matrix_norm": (lambda: L.matrix_norm(mg.eye(2), 7), ValueError, "'fro', 'nuc'"),
    "norm of a batch": (lambda: L.norm(mg.ones(2, 2, 2), 1), ValueError, "vector_norm"),
    "matrix_power": (lambda: L.matrix_power(mg.eye(2), 0.5), TypeError, "integer"),
    "vector_norm dim": (lambda: L.vector_norm(mg.ones(3), dim=1), IndexError, "axis 1"),
    "cross": (lambda: L.cross(mg.ones(2), mg.ones(2)), ValueError, "3 entries"),
    "multi_dot": (lambda: L.multi_dot([mg.ones(2, 3), mg.ones(2, 3)]), ValueError, r"0 and 1"),
    "einsum sizes": (
        lambda: mg.einsum("ij,jk", mg.ones(2, 3), mg.ones(4, 2)), ValueError,
        "'j' has sizes 3 and 4",
    ),
    "einsum axes": (lambda: mg.einsum("ij", mg.ones(3)), ValueError, "names 2 axes"),
    "einsum operands": (lambda: mg.einsum("i,i", mg.ones(3)), ValueError, "2 operands"),
    "einsum output": (lambda: mg.einsum("i->j", mg.ones(3)), ValueError, "in no operand"),
    "einsum letters": (lambda: mg.einsum("i$->i", mg.ones(3)), ValueError, "letter"),
    "tensordot": (
        lambda: mg.tensordot(mg.ones(2, 3), mg.ones(2, 3), 1), ValueError, "sizes 3 and 2"
    ),
    "mm": (lambda: mg.mm(mg.ones(2), mg.ones(2, 2)), ValueError, "2 axes"),
    "bmm": (lambda: mg.bmm(mg.ones(2, 2, 2), mg.ones(3, 2, 2)), ValueError, "2 and 3 matrices"),
    "cdist": (lambda: mg.cdist(mg.ones(2, 3), mg.ones(2, 2)), ValueError, "sizes 3 and 2"),
    "addmm": (
        lambda: mg.addmm(mg.ones(3, 2, 2), mg.eye(2), mg.eye(2)), ValueError, "does not broadcast"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_SHAPES)
def test_wrong_arguments_are_refused_with_the_shapes(case: str) -> None:
    call, kind, message = WRONG_SHAPES[case]
    with pytest.raises(kind, match=message):
        call()


def test_matrix_rank_has_no_graph() -> None:
    rank = L.matrix_rank(leaf(random(3, 2)))
    assert not rank.requires_grad
    assert rank.dtype.kind == "i"
    with pytest.raises(RuntimeError, match="does not require grad"):
        rank.backward()


# ------------------------------------------------------------------------- two routes, one gradient

SPD = positive_definite(2, 3, 3)
REGULAR = random(2, 3, 3) + 3 * eye3
TALL, WIDE, RIGHT = random(5, 3), random(3, 5), random(5, 2, seed=1)


def det_by_lu(A: Any) -> Any:
    P, _, U = L.lu(A)
    return L.det(P.detach()) * np.prod(L.diagonal(U), -1)


ROUTES: dict[str, tuple[Any, list[Callable[..., Any]]]] = {
    "det": ((REGULAR,), [L.det, det_by_lu, lambda A: np.prod(L.svdvals(A), -1) * det_sign(A)]),
    "logdet": (
        (SPD,),
        [
            L.logdet,
            lambda A: L.slogdet(A).logabsdet,
            lambda A: 2 * mg.log(L.diagonal(L.cholesky(A))).sum(-1),
            lambda A: mg.log(L.eigvalsh(A)).sum(-1),
        ],
    ),
    "inv": (
        (REGULAR,),
        [
            L.inv,
            lambda A: L.solve(A, mg.eye(3, dtype=mg.float64)),
            lambda A: L.lu_solve(*L.lu_factor(A), mg.eye(3, dtype=mg.float64)),
            L.pinv,
            lambda A: L.matrix_power(A, -1),
        ],
    ),
    "inv of a positive definite matrix": (
        (SPD,),
        [
            lambda A: L.inv(L.symmetrize(A)),
            lambda A: mg.cholesky_inverse(L.cholesky(A)),
            lambda A: L.spectral_fn(A, mg.reciprocal),
            lambda A: L.pinv(L.symmetrize(A), hermitian=True),
        ],
    ),
    "lstsq, tall": (
        (TALL, RIGHT),
        [
            lambda A, B: L.lstsq(A, B).solution,
            lambda A, B: L.solve_triangular(L.qr(A).R, L.qr(A).Q.mT @ B, upper=True),
            lambda A, B: L.pinv(A) @ B,
            lambda A, B: L.solve(A.mT @ A, A.mT @ B),
            lambda A, B: mg.cholesky_solve(A.mT @ B, L.cholesky(A.mT @ A)),
        ],
    ),
    "lstsq, wide": (
        (WIDE, random(3, 2, seed=2)),
        [
            lambda A, B: L.lstsq(A, B).solution,
            lambda A, B: L.pinv(A) @ B,
            lambda A, B: A.mT @ L.solve(A @ A.mT, B),
        ],
    ),
    "nuclear norm": (
        (TALL,),
        [
            lambda A: L.norm(A, "nuc"),
            lambda A: L.svdvals(A).sum(-1),
            lambda A: mg.trace(L.spectral_fn(A.mT @ A, mg.sqrt)),
        ],
    ),
    "exponential": (
        (SPD / 3,),
        [
            lambda A: L.matrix_exp(L.symmetrize(A)),
            lambda A: L.spectral_fn(A, mg.exp),
            spectral_by_eigh,
        ],
    ),
    "Frobenius norm": (
        (TALL,),
        [
            L.matrix_norm,
            L.norm,
            mg.norm,
            lambda A: mg.sqrt((A * A).sum()),
            lambda A: mg.sqrt(mg.einsum("ij,ij", A, A)),
            lambda A: mg.sqrt(mg.trace(A.mT @ A)),
        ],
    ),
    "spectral norm": ((TALL,), [lambda A: L.norm(A, 2), lambda A: L.svdvals(A)[0]]),
    "condition number": (
        (REGULAR,),
        [L.cond, lambda A: L.norm(A, 2, dim=(-2, -1)) * L.norm(L.inv(A), 2, dim=(-2, -1))],
    ),
    "matrix power": ((REGULAR,), [lambda A: L.matrix_power(A, 3), lambda A: A @ A @ A]),
    "chain": (
        (TALL, WIDE, TALL),
        [lambda A, B, C: L.multi_dot([A, B, C]), lambda A, B, C: A @ B @ C,
         lambda A, B, C: mg.einsum("ij,jk,kl->il", A, B, C)],
    ),
    "quadratic form": (
        (random(3), random(3, 3)),
        [lambda x, A: x @ A @ x, lambda x, A: mg.einsum("i,ij,j", x, A, x)],
    ),
    "eigenvalues": (
        (SPD,),
        [
            L.eigvalsh, lambda A: L.eigh(A).eigenvalues,
            lambda A: mg.sort(L.eigvals(A)).values,
        ],
    ),
    "cross": (
        (random(4, 3), random(4, 3, seed=1)),
        [L.cross, lambda x, y: mg.einsum("ijk,nj,nk->ni", LEVI_CIVITA, x, y)],
    ),
}  # fmt: skip

LEVI_CIVITA = np.zeros((3, 3, 3))
for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
    LEVI_CIVITA[i, j, k], LEVI_CIVITA[i, k, j] = 1.0, -1.0


def det_sign(A: Any) -> Any:
    return L.slogdet(A).sign.detach()


@pytest.mark.parametrize("name", ROUTES)
def test_two_routes_lead_to_one_value_and_one_gradient(name: str) -> None:
    points, routes = ROUTES[name]
    results = []
    for route in routes:
        leaves = [leaf(x) for x in points]
        out = route(*leaves)
        (out * random(*out.shape, seed=7)).sum().backward()
        found = [x.grad.numpy() for x in leaves]
        if name in SYMMETRIC:
            found = [(g + g.mT) / 2 for g in found]
        results.append([out.numpy(force=True), *found])
    for other in results[1:]:
        for here, there in zip(results[0], other, strict=True):
            close(here, there, 1e-8, 1e-9)


SYMMETRIC = {"logdet", "exponential", "inv of a positive definite matrix", "eigenvalues"}


# --------------------------------------------------------------------------------------- identities


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (2, 4, 3), (1, 1), (0, 3, 3)], ids=str)
def test_factors_multiply_back_with_gradient_one(shape: tuple[int, ...]) -> None:
    """The product of the factors is the matrix, so the gradient of Σ C ∘ product is C."""
    A, C = random(*shape), random(*shape, seed=3)
    products = {
        "qr": lambda x: (lambda f: f.Q @ f.R)(L.qr(x)),
        "lu": lambda x: (lambda f: f.P @ f.L @ f.U)(L.lu(x)),
        "svd": by_svd,
    }
    for name, product in products.items():
        x = leaf(A)
        out = product(x)
        close(out.numpy(force=True), A, 1e-10, 1e-12)
        (out * C).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), C, 1e-8, 1e-9, err_msg=name)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4), (1, 1), (0, 2, 2)], ids=str)
def test_symmetric_factors_multiply_back_with_symmetric_gradient_one(shape: Any) -> None:
    A, C = positive_definite(*shape), random(*shape, seed=3)
    products = {
        "cholesky": lambda x: (lambda f: f @ f.mT)(L.cholesky(x)),
        "cholesky, upper": lambda x: (lambda f: f.mT @ f)(L.cholesky(x, upper=True)),
        "eigh": lambda x: (lambda f: (f[1] * f[0][..., None, :]) @ f[1].mT)(L.eigh(x)),
        "square of the root": lambda x: (lambda f: f @ f)(L.spectral_fn(x, mg.sqrt)),
    }
    for name, product in products.items():
        x = leaf(A)
        out = product(x)
        close(out.numpy(force=True), A, 1e-10, 1e-12)
        (out * C).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), (C + C.mT) / 2, 1e-8, 1e-9, err_msg=name)


@pytest.mark.parametrize("part", ["Q", "R"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)], ids=str)
def test_orthogonality_is_constant(part: str, shape: tuple[int, ...]) -> None:
    """QᵀQ is constant and RᵀR = AᵀA: gradients that are known without a formula for QR."""
    A = random(*shape)
    if part == "Q":
        C = random(*[min(shape)] * 2, seed=4)
        found = gradient(lambda x: (lambda Q: (Q.mT @ Q) * C)(L.qr(x).Q), A)
        close(found, np.zeros(shape), 0, 1e-10)
    else:
        C = random(shape[1], shape[1], seed=5)
        found = gradient(lambda x: (lambda R: (R.mT @ R) * C)(L.qr(x).R), A)
        close(found, A @ (C + C.T), 1e-9, 1e-9)


def test_qr_r_mode_has_a_gradient() -> None:
    A = random(4, 3)
    close(gradient(lambda x: L.qr(x, "r").R ** 2, A), gradient(lambda x: L.qr(x).R ** 2, A))


def test_penrose_conditions_and_least_squares() -> None:
    A = mg.tensor(random(4, 2) @ random(2, 3))
    P = L.pinv(A)
    for left, right in ((A @ P @ A, A), (P @ A @ P, P), ((A @ P).mT, A @ P), ((P @ A).mT, P @ A)):
        close(left.numpy(), right.numpy(), 1e-10, 1e-12)


def test_residuals_of_least_squares_and_their_gradient() -> None:
    """r² = ‖A X - B‖²: Ā = 2 r Xᵀ and B̄ = -2 r, for the solution does not move it."""
    A, B = leaf(TALL), leaf(RIGHT)
    result = L.lstsq(A, B)
    weights = np.array([2.0, -1.0])
    (result.residuals * weights).sum().backward()
    X = np.linalg.pinv(TALL) @ RIGHT
    r = TALL @ X - RIGHT
    close(result.residuals.numpy(force=True), (r**2).sum(0))
    close(A.grad.numpy(), 2 * (r * weights) @ X.T, 1e-9, 1e-10)
    close(B.grad.numpy(), -2 * r * weights, 1e-9, 1e-10)
    assert result.rank.item() == 3
    assert not result.rank.requires_grad
    close(result.singular_values.numpy(), np.linalg.svd(TALL, compute_uv=False))


def test_the_gradient_of_the_other_triangle_is_0() -> None:
    junk = random(3, 3) + 3 * eye3
    junk[0, 2] = nan
    found = gradient(
        lambda A: L.solve_triangular(A, mg.ones(3, 1, dtype=mg.float64), upper=False), junk
    )
    assert np.isfinite(found).all()
    close(np.triu(found, 1), np.zeros((3, 3)))


@pytest.mark.parametrize("n", [31, 64, 65, 150])
def test_triangular_systems_of_any_size(n: int) -> None:
    A, B = random(n, n) / n + 2 * np.eye(n), random(n, 2)
    for upper in (True, False):
        T = (np.triu if upper else np.tril)(A)
        X = L.solve_triangular(mg.tensor(T), mg.tensor(B), upper=upper).numpy()
        close(T @ X, B, 1e-11, 1e-11)


def test_the_gradient_of_log_det_by_cholesky_is_the_inverse() -> None:
    found = gradient(lambda A: 2 * mg.log(L.diagonal(L.cholesky(A))).sum(-1), SPD)
    close(found, np.linalg.inv(SPD))


def test_an_upper_cholesky_gradient_is_symmetric() -> None:
    found = gradient(lambda A: L.cholesky(A, upper=True), [[4.0, 1.0], [1.0, 3.0]])
    close(found, found.T)
    close(found, gradient(lambda A: L.cholesky(A).mT, [[4.0, 1.0], [1.0, 3.0]]))


# ------------------------------------------------------------------------------------------- scales

HOMOGENEOUS: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "det": (2, L.det),
    "inv": (-1, L.inv),
    "pinv": (-1, L.pinv),
    "norm": (1, L.norm),
    "norm 3": (1, lambda A: L.vector_norm(A, 3)),
    "norm 1": (1, lambda A: L.norm(A, 1)),
    "nuclear norm": (1, lambda A: L.norm(A, "nuc")),
    "spectral norm": (1, lambda A: L.norm(A, 2)),
    "cond": (0, L.cond),
    "svdvals": (1, lambda A: L.svdvals(A) * np.array([1.0, 3.0])),
    "singular vectors": (0, lambda A: L.svd(A).U ** 2 * np.array([[1.0, 3.0], [2.0, 0.5]])),
    "eigvalsh": (1, lambda A: L.eigvalsh(A) * np.array([1.0, 3.0])),
    "eigenvectors": (0, lambda A: L.eigh(A).eigenvectors ** 2 * np.array([[1.0, 3.0], [2.0, 0.5]])),
    "root": (0.5, lambda A: L.spectral_fn(A, mg.sqrt)),
    "R": (1, lambda A: L.qr(A).R),
    "Q": (0, lambda A: L.qr(A).Q ** 2 * np.array([[1.0, 3.0], [2.0, 0.5]])),
    "cholesky": (0.5, L.cholesky),
    "solve": (-1, lambda A: L.solve(A, mg.ones(2, 1, dtype=mg.float64))),
    "lstsq": (-1, lambda A: L.lstsq(A, mg.ones(2, 1, dtype=mg.float64)).solution),
    "logdet": (0, L.logdet),
    "lu": (1, lambda A: L.lu(A).U),
    "cdist": (1, lambda A: mg.cdist(A, 2.0 * A)),
}  # fmt: skip


@pytest.mark.parametrize("factor", [1e-150, 1e-30, 1e30, 1e150])
@pytest.mark.parametrize("name", HOMOGENEOUS)
def test_the_gradient_of_a_homogeneous_function_scales(name: str, factor: float) -> None:
    """f(k A) has degree d: its gradient at k A is k^(d-1) times that at A."""
    degree, function = HOMOGENEOUS[name]
    A = np.array([[4.0, 1.0], [1.0, 3.0]])
    found = gradient(function, factor * A) / factor ** (degree - 1.0)
    close(found, gradient(function, A), 1e-8, 1e-10)


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_norms_in_float32_neither_overflow_nor_vanish(factor: float) -> None:
    x = mg.tensor(np.array([3.0, 4.0], "f") * np.float32(factor), requires_grad=True)
    n = L.norm(x)
    n.backward()
    assert n.dtype == np.float32
    close(n.item() / factor, 5.0, 1e-6)
    close(x.grad.numpy(), [0.6, 0.8], 1e-6)


# ------------------------------------------------------------------------------------- second order


SECOND: dict[str, Callable[[Any], Any]] = {
    "matmul": lambda X: X @ X,
    "inv": lambda X: L.inv(X + 3 * eye3),
    "solve": lambda X: L.solve(X + 3 * eye3, X[..., :1] * 2.0),
    "det": L.det,
    "slogdet": lambda X: L.slogdet(X + 3 * eye3).logabsdet,
    "cholesky": lambda X: L.cholesky(X @ X.mT + 3 * eye3),
    "eigh": lambda X: (lambda f: (f[1] * mg.exp(f[0] / 9.0)[..., None, :]) @ f[1].mT)(
        L.eigh(X @ X.mT + np.diag([1.0, 4.0, 9.0]))
    ),
    "svd": lambda X: (lambda U, S, Vh: (U * S[..., None, :] ** 2) @ Vh)(
        *L.svd(X + np.diag([1.0, 4.0, 9.0]), full_matrices=False)
    ),
    "spectral_fn": lambda X: L.spectral_fn(X @ X.mT + np.diag([1.0, 4.0, 9.0]), mg.log),
    "matrix_exp": lambda X: L.matrix_exp(X / 3.0),
    "pinv": lambda X: L.pinv(X[..., :2]),
    "lstsq": lambda X: L.lstsq(X[..., :2], X).solution,
    "qr": lambda X: (lambda f: f.Q * 2.0 + f.R**2)(L.qr(X)),
    "lu": lambda X: (lambda f: f.L**2 + f.U**2)(L.lu(X + 5 * eye3)),
    "norm": L.norm,
    "nuclear norm": lambda X: L.norm(X + np.diag([1.0, 4.0, 9.0]), "nuc"),
    "spectral norm": lambda X: L.norm(X + np.diag([1.0, 4.0, 9.0]), 2),
    "cond": lambda X: L.cond(X + np.diag([1.0, 4.0, 9.0])),
}


def second_gradient(function: Callable[[Any], Any], X: np.ndarray, C: Any, D: Any) -> np.ndarray:
    x = leaf(X)
    out = function(x)
    (first,) = mg.autograd.grad((out * C).sum(), [x], create_graph=True)
    (first * D).sum().backward()
    return x.grad.numpy()  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", SECOND)
def test_second_derivative_is_symmetric_and_agrees_with_differences(name: str) -> None:
    """The Hessian along D by backward twice, against a difference of first gradients."""
    function, X = SECOND[name], 0.3 * random(3, 3, seed=11) + 0.2 * eye3
    C = random(*function(mg.tensor(X)).shape, seed=12)
    D = random(3, 3, seed=13)
    found = second_gradient(function, X, C, D)
    step = 1e-5
    ahead, behind = [gradient(lambda x: function(x) * C, X + s * D) for s in (step, -step)]
    expected = (ahead - behind) / (2 * step)
    close(found, expected, 1e-5, 1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("A", [[[1.0, 2.0], [2.0, 4.0]], np.zeros((3, 3)), np.ones((4, 4))],
                         ids=["rank 1 of 2", "rank 0 of 3", "rank 1 of 4"])  # fmt: skip
def test_the_determinant_is_a_polynomial_at_singular_matrices_too(A: Any) -> None:
    """Its first and second derivatives exist at every rank."""
    A = np.asarray(A, dtype=float)

    def value(x: np.ndarray) -> float:
        return float(np.linalg.det(x))

    numeric = numerical.gradient(value, [A], 1e-4)[0]
    close(gradient(L.det, A), numeric, 1e-6, 1e-6)
    D = random(*A.shape, seed=5)
    step = 1e-4
    ahead, behind = [gradient(L.det, A + s * D) for s in (step, -step)]
    close(second_gradient(L.det, A, 1.0, D), (ahead - behind) / (2 * step), 1e-6, 1e-6)


# ------------------------------------------------------------------------------- single properties


def test_chains_are_multiplied_in_the_cheapest_order() -> None:
    from minigrad.ops.products import cheapest_splits

    assert cheapest_splits((10, 1000, 10, 1000))[0, 2] == 1  # (A B) C
    assert cheapest_splits((1000, 10, 1000, 10))[0, 2] == 0  # A (B C)


def test_distance_has_gradient_0_where_points_meet() -> None:
    x = leaf([[1.0, 2.0], [3.0, 5.0]])
    mg.cdist(x, x).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    close(gradient(lambda a: mg.cdist(a, a.detach() * 1.0), [[1.0, 2.0]]), [[0.0, 0.0]])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_many_distances_are_as_accurate_as_few(dtype: str) -> None:
    """Large sets take another way, which must not lose digits where vectors are close."""
    rng = np.random.default_rng(8)
    x = (100.0 + rng.standard_normal((120, 9))).astype(dtype)
    y = np.concatenate([x[:20], x[20:40] + dtype_step(dtype), 100 + rng.standard_normal((40, 9))])
    y = y.astype(dtype)
    C = rng.standard_normal((120, 80)).astype(dtype)
    a, b = mg.tensor(x, requires_grad=True), mg.tensor(y, requires_grad=True)
    out = mg.cdist(a, b)
    (out * C).sum().backward()
    difference = x.astype(float)[:, None] - y.astype(float)[None]
    expected = np.sqrt((difference**2).sum(-1))
    tolerance = 2e-5 if dtype == "f4" else 1e-11
    close(out.numpy(force=True), expected, tolerance, 0)
    assert (np.diag(out.numpy(force=True))[:20] == 0).all()
    units = difference / np.where(expected == 0, 1, expected)[..., None] * C[..., None]
    # a direction is as uncertain as the rounding of the vectors over their distance
    uncertain = 5 * np.finfo(dtype).eps * 100.0 / expected[expected > 0].min()
    close(a.grad.numpy(), units.sum(1), 0, uncertain)
    close(b.grad.numpy(), -units.sum(0), 0, uncertain)


def dtype_step(dtype: str) -> float:
    return 0.01 if dtype == "f4" else 1e-6


def test_a_variable_without_spread_takes_part_in_no_correlation() -> None:
    x = leaf([[1.0, 2.0, 4.0], [3.0, 1.0, 2.0], [7.0, 7.0, 7.0]])
    r = mg.corrcoef(x)
    assert np.isnan(r.numpy(force=True)[2]).all()
    r[0, 1].backward()
    two = leaf(x.numpy(force=True)[:2])
    mg.corrcoef(two)[0, 1].backward()
    close(x.grad.numpy()[:2], two.grad.numpy())
    close(x.grad.numpy()[2], np.zeros(3))


def test_addmm_with_beta_0_ignores_even_nan() -> None:
    out = mg.addmm(mg.tensor([[nan, nan]]), mg.ones(1, 2), mg.eye(2), beta=0)
    close(out.numpy(), [[1.0, 1.0]])


def test_permutation_and_pivots_lead_to_the_same_rows() -> None:
    A = random(2, 4, 4)
    P, lower, upper = L.lu(mg.tensor(A))
    close((P @ lower @ upper).numpy(), A)
    packed, pivots = L.lu_factor(mg.tensor(A))
    assert pivots.dtype == np.int32
    rows = A.copy()
    for b in range(2):
        for i, p in enumerate(pivots.numpy()[b]):
            rows[b][[i, p - 1]] = rows[b][[p - 1, i]]
    close((lower @ upper).numpy(), rows, 1e-10, 1e-12)
    close(packed.numpy(), (lower + upper).numpy() - np.eye(4), 1e-10, 1e-12)


def test_digits_like_covariance_with_constant_pixels() -> None:
    """Three constant features give three eigenvalues 0; PCA on separated vectors is finite."""
    X = random(20, 6)
    X[:, :3] = 0.0

    def explained(x: Any) -> Any:
        C = x.mT @ x / 19.0
        V = L.eigh(C).eigenvectors[:, -2:]
        return ((x @ V) ** 2).sum()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = gradient(explained, X)
    assert np.isfinite(found).all()


def test_integers_and_lists_work_at_numpys_door() -> None:
    A = mg.tensor([[2, 1], [1, 3]])
    close(np.linalg.det(A).numpy(), 5.0)
    close(np.linalg.inv(A).numpy(), np.linalg.inv([[2.0, 1.0], [1.0, 3.0]]))
    close(np.dot(A, [1, 2]).numpy(), [4, 7])
    close(np.linalg.norm(mg.tensor([3, 4])).numpy(), 5.0)
    close(np.linalg.solve(A, [3, 4]).numpy(), [1.0, 1.0])


# --------------------------------------------------------------------------------- NumPy's own door

REAL_SPECTRUM = np.diag([3.0, 1.0, 2.0]) + np.tri(3, k=-1)

DOOR: dict[str, tuple[Callable[..., Any], list[np.ndarray]]] = {
    "cholesky": (np.linalg.cholesky, [SPD]),
    "cholesky upper": (lambda x: np.linalg.cholesky(x, upper=True), [SPD]),
    "qr": (lambda x: tuple(np.linalg.qr(x)), [TALL]),
    "qr r": (lambda x: np.linalg.qr(x, mode="r"), [TALL]),
    "svd": (lambda x: np.linalg.svd(x, full_matrices=False)[1:], [TALL]),
    "svd values": (lambda x: np.linalg.svd(x, compute_uv=False), [TALL]),
    "svdvals": (np.linalg.svdvals, [WIDE]),
    "eigh": (lambda x: tuple(np.linalg.eigh(x)), [SPD]),
    "eigh U": (lambda x: np.linalg.eigh(x, UPLO="U").eigenvalues, [SPD]),
    "eigvalsh": (np.linalg.eigvalsh, [SPD]),
    # their order may change from one matrix to the next: only a symmetric function of them
    "eig": (lambda x: (np.linalg.eig(x).eigenvalues ** 3).sum(), [REAL_SPECTRUM]),
    "eigvals": (lambda x: (np.linalg.eigvals(x) ** 3).sum(), [REAL_SPECTRUM]),
    "lstsq": (lambda A, b: np.linalg.lstsq(A, b, rcond=None)[0], [TALL, RIGHT]),
    "lstsq residuals": (lambda A, b: np.linalg.lstsq(A, b)[1], [TALL, RIGHT]),
    "pinv": (lambda A: np.linalg.pinv(A, rcond=0.1), [TALL]),
    "solve batch": (np.linalg.solve, [REGULAR, random(3)]),
    "norm": (lambda x: np.linalg.norm(x, ord="nuc", axis=(0, 1), keepdims=True), [TALL]),
    "outer": (np.linalg.outer, [random(2), random(3)]),
    "matmul": (np.linalg.matmul, [TALL, WIDE]),
    "tensordot": (lambda x, y: np.linalg.tensordot(x, y, axes=1), [TALL, WIDE]),
    "vecdot": (lambda x, y: np.linalg.vecdot(x, y, axis=0), [RIGHT, RIGHT + 1]),
    "diagonal": (lambda x: np.linalg.diagonal(x, offset=1), [SPD]),
    "trace": (np.linalg.trace, [SPD]),
    "np.trace": (lambda x: np.trace(x, 1, 1, 2), [SPD]),
    "matrix_transpose": (np.linalg.matrix_transpose, [SPD]),
    "cross": (lambda x, y: np.cross(x, y, axisa=0, axisc=0), [random(3, 4), random(4, 3)]),
    "cov of two": (lambda x, y: np.cov(x, y, bias=True), [random(4), random(4, seed=1)]),
    "corrcoef of columns": (lambda x: np.corrcoef(x, rowvar=False), [TALL]),
    "vander": (lambda x: np.vander(x, 4), [random(3)]),
    "einsum": (lambda x, y: np.einsum("ij,jk", x, y, optimize=True), [TALL, WIDE]),
    "einsum lists": (lambda x, y: np.einsum(x, [0, 1], y, [1, 2]), [TALL, WIDE]),
}
if hasattr(np, "matvec"):
    DOOR["matvec"] = (np.matvec, [REGULAR, random(2, 3)])
    DOOR["vecmat"] = (np.vecmat, [random(2, 3), REGULAR])


@pytest.mark.parametrize("name", DOOR)
def test_numpys_functions_give_numpys_values_and_a_gradient(name: str) -> None:
    function, arrays = DOOR[name]
    leaves = [leaf(x) for x in arrays]
    found, expected = function(*leaves), function(*arrays)
    found = found if isinstance(found, tuple) else (found,)
    expected = expected if isinstance(expected, tuple) else (expected,)
    total, weights = 0.0, []
    for out, value in zip(found, expected, strict=True):
        assert isinstance(out, mg.Tensor)
        assert out.requires_grad
        close(out.numpy(force=True), value, 1e-9, 1e-10)
        weights.append(random(*out.shape, seed=9))
        total = total + (out * weights[-1]).sum()
    total.backward()
    directions = [random(*x.shape, seed=10) for x in arrays]
    if name.startswith(("eigh", "eigvalsh", "cholesky")):
        directions = [(d + d.mT) / 2 for d in directions]
    slope = sum((x.grad.numpy() * d).sum() for x, d in zip(leaves, directions, strict=True))

    def value_at(step: float) -> float:
        moved = [x + step * d for x, d in zip(arrays, directions, strict=True)]
        results = function(*moved)
        results = results if isinstance(results, tuple) else (results,)
        return float(sum((out * w).sum() for out, w in zip(results, weights, strict=True)))

    close(slope, (value_at(1e-6) - value_at(-1e-6)) / 2e-6, 1e-5, 1e-6)


def test_a_function_without_a_counterpart_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="tensorinv"):
        np.linalg.tensorinv(leaf(np.eye(4).reshape(2, 2, 2, 2)))


# -------------------------------------------------------------------------- every shape of a matrix

FULL_RANK = {
    "inv": L.inv, "det": L.det, "logabsdet": lambda A: L.slogdet(A).logabsdet, "pinv": L.pinv,
    "cholesky": lambda A: L.cholesky(A @ A.mT + np.eye(A.shape[-1])),
    "solve": lambda A: L.solve(A, A.mT), "matrix_exp": L.matrix_exp,
    "triangular": lambda A: L.solve_triangular(A, A.mT, upper=True),
    "power": lambda A: L.matrix_power(A, -3), "cond": L.cond,
    "spectral": lambda A: L.spectral_fn(A @ A.mT + np.eye(A.shape[-1]), mg.log),
    "eigh": lambda A: L.eigh(A @ A.mT).eigenvectors ** 2,
}  # fmt: skip
ANY_SHAPE = {
    "svd": lambda A: (lambda U, S, Vh: (U**2) @ (S[..., None] * Vh**2))(
        *L.svd(A, full_matrices=False)
    ),
    "svdvals": L.svdvals, "qr": lambda A: (lambda f: f.Q @ f.R**2)(L.qr(A)),
    "lq": lambda A: (lambda f: f.L**2 @ f.Q)(L.lq(A)), "lu": lambda A: L.lu(A).L @ L.lu(A).U ** 2,
    "pinv": L.pinv, "lstsq": lambda A: L.lstsq(A, A * 2.0 + 1.0).solution,
    **{f"norm {p}": lambda A, p=p: L.matrix_norm(A, p) for p in ("fro", "nuc", 1, 2, -2, np.inf)},
}  # fmt: skip
SHAPES_SQUARE = [(3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 3, 3)]
SHAPES_ANY = [*SHAPES_SQUARE, (4, 2), (2, 4), (3, 1), (1, 3), (2, 4, 2), (0, 2, 4)]
CASES = [
    *[(name, function, shape) for name, function in FULL_RANK.items() for shape in SHAPES_SQUARE],
    *[(name, function, shape) for name, function in ANY_SHAPE.items() for shape in SHAPES_ANY],
]


def conditioned(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Matrices with singular values 1, 1.6, 2.2 ..."""
    k = min(shape[-2:])
    U = np.linalg.qr(random(*shape[:-1], k, seed=seed))[0]
    V = np.linalg.qr(random(*shape[:-2], shape[-1], k, seed=seed + 1))[0]
    return (U * (1 + 0.6 * np.arange(k))) @ V.mT


@pytest.mark.parametrize(
    ("function", "shape"),
    [(function, shape) for _, function, shape in CASES],
    ids=[f"{name} {shape}" for name, _, shape in CASES],
)
def test_the_slope_along_a_random_direction(function: Any, shape: tuple[int, ...]) -> None:
    A, D = conditioned(shape, 20), random(*shape, seed=21)
    x = leaf(A)
    out = function(x)
    C = random(*out.shape, seed=22)
    (out * C).sum().backward()

    def value_at(step: float) -> float:
        return float((function(mg.tensor(A + step * D)).numpy() * C).sum())

    difference = (value_at(1e-6) - value_at(-1e-6)) / 2e-6
    close((x.grad.numpy() * D).sum(), difference, 1e-5, 1e-6)
