"""Single properties of linear algebra, NumPy's door to it, and every shape of a matrix."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.linalg_kit import (
    REGULAR,
    RIGHT,
    SPD,
    TALL,
    WIDE,
    L,
    close,
    gradient,
    leaf,
    nan,
    random,
)

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
        results = [np.real(out) for out in results]  # NumPy 2.5 has complex eigenvalues, always
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
