"""Linear algebra where it is hard: ties, zeros, singular matrices, and what is refused."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.linalg_kit import (
    E,
    L,
    by_qr,
    by_svd,
    close,
    eye2,
    eye3,
    gradient,
    inf,
    leaf,
    nan,
    ones22,
    random,
    rotation,
    spectral_by_eigh,
    top_projector,
)


@pytest.mark.parametrize("order", [1, 2])
def test_det_of_empty_matrices_can_be_differentiated(order: int) -> None:
    A = mg.ones(2, 0, 0, dtype=mg.float64, requires_grad=True)
    out = mg.linalg.det(A).sum()
    assert out.item() == 2.0
    for _ in range(order):
        (out,) = mg.autograd.grad(out, A, create_graph=True)
        assert out.shape == (2, 0, 0)
        out = out.sum()


# --------------------------------------------------------- points where the formulas break: values

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
