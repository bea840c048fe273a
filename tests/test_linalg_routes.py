"""Linear algebra by two routes: one gradient, identities, extreme sizes, second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests import numerical
from tests.linalg_kit import (
    REGULAR,
    RIGHT,
    SPD,
    TALL,
    WIDE,
    L,
    by_svd,
    close,
    eye3,
    gradient,
    leaf,
    nan,
    positive_definite,
    random,
    spectral_by_eigh,
)

# ------------------------------------------------------------------------- two routes, one gradient


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
