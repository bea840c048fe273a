"""Rows of linear algebra.

Constrained matrices are made of free ones, inside the row: X Xᵀ + nI is positive definite, X + 3I
is regular, a product of narrow factors has constant rank.  Results that are fixed up to signs are
used in ways that do not depend on them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from tests.samples.sample import Sample, normal

L = mg.linalg
SQUARE: dict[str, Any] = {"shapes": ((3, 3),), "broadcast": ((2, 2, 2),), "empty": ((0, 2, 2),)}
inf = np.inf


def regular(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Square matrices with singular values well apart from 0."""
    return normal(rng, shape) + 3.0 * np.eye(shape[-1])


def dominant(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Square matrices whose triangles are well conditioned."""
    return 0.5 * normal(rng, shape) * (1 - np.eye(shape[-1])) + rng.uniform(1, 2, shape[-1])[
        :, None
    ] * np.eye(shape[-1])


def spread(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Matrices with singular values that are 0.7 apart."""
    n, m = shape[-2:]
    k = min(n, m)
    U = np.linalg.qr(rng.standard_normal((*shape[:-2], n, k)))[0]
    V = np.linalg.qr(rng.standard_normal((*shape[:-2], m, k)))[0]
    return (U * (0.8 + 0.7 * np.arange(k))) @ V.mT


def symmetric(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Symmetric matrices with positive eigenvalues that are 0.7 apart."""
    n = shape[-1]
    Q = np.linalg.qr(rng.standard_normal(shape))[0]
    return (Q * (0.8 + 0.7 * np.arange(n))) @ Q.mT


def sym(x: Any) -> Any:
    return (x + x.mT) * 0.5


def spd(x: Any) -> Any:
    """A positive definite matrix made of any matrix."""
    return x @ x.mT + 3.0 * np.eye(x.shape[-1], dtype=x.dtype)


def turning(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Matrices that turn the plane: with a pair of complex eigenvalues."""
    a, b = rng.uniform(0.5, 1.0, 2)
    return np.broadcast_to(np.array([[a, -b], [b + 1, a + 0.1]]), shape).copy()


def spirals(x: np.ndarray) -> Any:
    """The eigenvalues of a 2 by 2 matrix that turns the plane, by the formula for a quadratic."""
    half, det = (x[..., 0, 0] + x[..., 1, 1]) / 2, np.linalg.det(x)
    root = np.sqrt(det - half * half)
    return np.stack([half, half], -1), np.stack([-root, root], -1)


def real_eigenvalues(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Matrices with the eigenvalues 1, 2, 3 ..."""
    P = regular(rng, shape)
    return P @ (np.arange(1.0, shape[-1] + 1)[:, None] * np.linalg.inv(P))


def ordered_eigenvalues(x: np.ndarray) -> np.ndarray:
    return np.linalg.eigvals(x).real


def row(name: str, reference: Any, shape: Any = None, **more: Any) -> Sample:
    """A row of one matrix: square ones by default, with a batch."""
    shapes = SQUARE if shape is None else {"shapes": (shape,)}
    return Sample(name, reference, **{**shapes, **more})


def solution(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    return np.linalg.solve(A, B)


def least_squares(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    return np.linalg.pinv(A) @ B


def expm(x: np.ndarray) -> np.ndarray:
    """The exponential by its series, with the matrix halved ten times."""
    term = total = np.broadcast_to(np.eye(x.shape[-1]), x.shape)
    for k in range(1, 20):
        term = term @ (x / 1024) / k
        total = total + term
    return np.linalg.matrix_power(total, 1024)


def of_eigenvalues(function: Any) -> Any:
    def reference(x: np.ndarray) -> np.ndarray:
        w, V = np.linalg.eigh(sym(x))
        return (V * function(w)[..., None, :]) @ V.mT

    return reference


PROJECTION = np.arange(1.0, 4.0)  # weights for vectors that are used up to sign

SAMPLES: list[Sample] = [
    row("linalg.inv", np.linalg.inv, domain=regular, door=True),
    row("linalg.inv", np.linalg.inv, (1, 1), domain=regular, door=True, case="1x1"),
    row("linalg.det", np.linalg.det, domain=regular, door=True),
    row("linalg.det", np.linalg.det, (4, 4), case="4x4", door=True),
    row("linalg.det", np.linalg.det, (1, 1), case="1x1", door=True, second=False),
    row("linalg.slogdet", lambda x: tuple(np.linalg.slogdet(x)), domain=regular, door=True,
        shapes=((3, 3),), empty=None),
    row("linalg.logdet", lambda x: np.linalg.slogdet(spd(x))[1],
        call=lambda x: L.logdet(spd(x))),
    Sample("linalg.solve", solution, ((3, 3), (3, 2)), (regular, normal), door=True,
           empty=((0, 2, 2), (0, 2, 1)), broadcast=((2, 1, 2, 2), (3, 2, 1))),
    Sample("linalg.solve", solution, ((3, 3), (3,)), (regular, normal), door=True, case="vector"),
    Sample("linalg.solve", lambda A, b: np.linalg.solve(A, b[..., None])[..., 0],
           ((2, 3, 3), (2, 3)), (regular, normal), case="batch of vectors"),
    Sample("linalg.solve", lambda A, B: B @ np.linalg.inv(A), ((3, 3), (2, 3)), (regular, normal),
           call=lambda A, B: L.solve(A, B, left=False), case="left=False"),
    *[
        Sample(
            "linalg.solve_triangular",
            lambda A, B, upper=upper, unit=unit: np.linalg.solve(
                (np.triu if upper else np.tril)(A, (1 if upper else -1) if unit else 0)
                + (np.eye(3) if unit else 0), B),
            ((3, 3), (3, 2)), (dominant, normal),
            call=lambda A, B, upper=upper, unit=unit: L.solve_triangular(
                A, B, upper=upper, unitriangular=unit),
            case=f"{'upper' if upper else 'lower'}{' unit' if unit else ''}",
        )
        for upper in (True, False) for unit in (True, False)
    ],
    Sample("linalg.solve_triangular", lambda A, B: B @ np.linalg.inv(np.tril(A)), ((3, 3), (2, 3)),
           (dominant, normal), case="left=False",
           call=lambda A, B: L.solve_triangular(A, B, upper=False, left=False),
           broadcast=((3, 1, 3, 3), (2, 2, 3)), empty=((0, 3, 3), (0, 2, 3))),
    row("linalg.pinv", np.linalg.pinv, (4, 2), case="tall", door=True),
    row("linalg.pinv", np.linalg.pinv, (2, 3), case="wide", door=True, broadcast=((2, 2, 3),),
        empty=((0, 3),)),
    Sample("linalg.pinv", lambda x, y: np.linalg.pinv(x @ y), ((4, 2), (2, 3)), case="rank 2",
           call=lambda x, y: L.pinv(x @ y, rtol=1e-5)),
    row("linalg.pinv", lambda x: np.linalg.pinv(sym(x)), case="hermitian", domain=symmetric,
        call=lambda x: L.pinv(sym(x), hermitian=True), broadcast=None, empty=None),
    *[
        Sample(
            "linalg.lstsq", least_squares, shapes, case=case, tolerance=1e-5,
            call=lambda A, B: L.lstsq(A, B).solution, broadcast=broadcast,
        )
        for case, shapes, broadcast in (
            ("tall", ((4, 2), (4, 2)), ((3, 1, 4, 2), (2, 4, 1))),
            ("wide", ((2, 4), (2, 2)), ((3, 1, 2, 4), (2, 2, 1))),
            ("square", ((2, 2), (2, 1)), None),
            ("vector", ((4, 2), (4,)), None),
        )
    ],
    Sample("linalg.lstsq", lambda x, y, b: np.linalg.pinv(x @ y) @ b, ((4, 2), (2, 3), (4, 2)),
           case="rank 2", call=lambda x, y, b: L.lstsq(x @ y, b, rcond=1e-5).solution),
    row("linalg.cholesky", lambda x: np.linalg.cholesky(spd(x)), call=lambda x: L.cholesky(spd(x))),
    row("linalg.cholesky", lambda x: np.linalg.cholesky(spd(x)).mT, case="upper",
        call=lambda x: L.cholesky(spd(x), upper=True)),
    Sample("cholesky_solve", lambda B, x: np.linalg.solve(np.tril(x) @ np.tril(x).mT, B),
           ((3, 2), (3, 3)), (normal, dominant), call=mg.cholesky_solve),
    Sample("cholesky_solve", lambda B, x: np.linalg.solve(np.triu(x).mT @ np.triu(x), B),
           ((3, 2), (3, 3)), (normal, dominant), case="upper",
           call=lambda B, x: mg.cholesky_solve(B, x, upper=True)),
    row("cholesky_inverse", lambda x: np.linalg.inv(np.tril(x) @ np.tril(x).mT), domain=dominant,
        call=mg.cholesky_inverse),
    *[
        row("linalg.qr", lambda x: tuple(np.linalg.qr(x)), shape, case=case,
            call=lambda x: tuple(L.qr(x)))
        for case, shape in (("square", (3, 3)), ("tall", (4, 2)), ("wide", (2, 4)),
                            ("batch", (2, 3, 2)))
    ],
    *[
        row("linalg.lq", lambda x: tuple(f.mT for f in np.linalg.qr(x.mT)[::-1]), shape, case=case,
            call=lambda x: tuple(L.lq(x)))
        for case, shape in (("square", (3, 3)), ("wide", (2, 4)))
    ],
    row("linalg.qr", lambda x: np.linalg.qr(x, "r"), (4, 3), case="R only",
        call=lambda x: L.qr(x, "r").R),
    row("linalg.qr", lambda x: np.linalg.qr(x).Q, (4, 3), case="Q only", call=lambda x: L.qr(x).Q),
    row("linalg.qr", lambda x: np.linalg.qr(x).R, (2, 4), case="wide, R only",
        call=lambda x: L.qr(x).R),
    *[
        row("linalg.lu", lambda x: tuple(part for part in (x,)), shape, case=case,
            call=lambda x: (lambda f: f.P @ f.L @ (f.U * 1.0))(L.lu(x)))
        for case, shape in (("square", (3, 3)), ("tall", (4, 2)), ("wide", (2, 4)),
                            ("batch", (2, 3, 3)))
    ],
    Sample("linalg.lu_solve", solution, ((3, 3), (3, 2)), (regular, normal),
           call=lambda A, B: L.lu_solve(*L.lu_factor(A), B)),
    Sample("linalg.lu_solve", lambda A, B: np.linalg.solve(A.mT, B), ((3, 3), (3, 2)),
           (regular, normal), case="adjoint",
           call=lambda A, B: L.lu_solve(*L.lu_factor(A), B, adjoint=True)),
    Sample("linalg.lu_solve", lambda A, B: B @ np.linalg.inv(A), ((2, 3, 3), (2, 2, 3)),
           (regular, normal), case="left=False",
           call=lambda A, B: L.lu_solve(*L.lu_factor(A), B, left=False)),
    row("linalg.lu_factor", lambda x: np.linalg.det(x) ** 2, domain=regular, empty=None,
        call=lambda x: np.prod(L.diagonal(L.lu_factor(x).LU), -1) ** 2),
    row("linalg.eigh", lambda x: (lambda f: (f[0], f[1] ** 2))(np.linalg.eigh(sym(x))),
        domain=symmetric, call=lambda x: (lambda f: (f[0], f[1] ** 2))(L.eigh(sym(x))), empty=None),
    row("linalg.eigh", lambda x: np.linalg.eigh(sym(x))[1] ** 2, (3, 3), domain=symmetric,
        case="vectors", call=lambda x: L.eigh(sym(x), UPLO="U").eigenvectors ** 2),
    row("linalg.eigvalsh", lambda x: np.linalg.eigvalsh(sym(x)), domain=symmetric,
        call=lambda x: L.eigvalsh(sym(x))),
    row("linalg.eig", lambda x: np.abs(np.linalg.eig(x)[1].real), (3, 3), domain=real_eigenvalues,
        call=lambda x: mg.abs(L.eig(x).eigenvectors), tolerance=1e-5),
    row("linalg.eigvals", ordered_eigenvalues, (3, 3), domain=real_eigenvalues, tolerance=1e-5),
    row("linalg.eigvals_pairs", spirals, (2, 2), domain=turning, second=False,
        call=lambda x: tuple(np.sort(part, -1) for part in mg.linalg.eigvals_pairs(x))),
    *[
        row("linalg.svd", lambda x: (lambda U, s, Vh: (U**2, s, Vh**2, (U**3 * s) @ Vh))(
            *np.linalg.svd(x, full_matrices=False)), shape, domain=spread, case=case,
            call=lambda x: (lambda U, s, Vh: (U**2, s, Vh**2, (U**3 * s[..., None, :]) @ Vh))(
                *L.svd(x, full_matrices=False)))
        for case, shape in (("square", (3, 3)), ("tall", (4, 2)), ("wide", (2, 4)))
    ],
    row("linalg.svd", lambda x: np.linalg.svd(x)[0][:, :2] ** 2, (4, 2), domain=spread,
        case="full, reduced part", call=lambda x: L.svd(x).U[:, :2] ** 2),
    row("linalg.svdvals", lambda x: np.linalg.svd(x, compute_uv=False), (3, 2), domain=spread,
        broadcast=((2, 2, 3),), empty=((0, 2, 3),), door=False),
    *[
        row("linalg.spectral_fn", of_eigenvalues(function), domain=symmetric, case=case,
            call=lambda x, op=op: L.spectral_fn(sym(x), op))
        for case, function, op in (
            ("exp", np.exp, mg.exp), ("sqrt", np.sqrt, mg.sqrt),
            ("inverse root", lambda w: w**-0.5, lambda w: w**-0.5),
        )
    ],
    row("linalg.matrix_exp", expm, tolerance=1e-5),
    row("linalg.matrix_exp", expm, (2, 2), domain=lambda rng, s: 4 * np.eye(2) + normal(rng, s),
        case="scaled", tolerance=1e-5),
    *[
        row("linalg.matrix_power", lambda x, n=n: np.linalg.matrix_power(x, n), domain=regular,
            call=lambda x, n=n: L.matrix_power(x, n), case=f"n={n}", door=True,
            second=n not in (0, 1))
        for n in (-2, 0, 1, 2, 5)
    ],
    row("linalg.matrix_rank", lambda x: np.linalg.matrix_rank(x), (3, 2), differentiable=False),
    row("linalg.symmetrize", sym, second=False),
    row("linalg.diagonal", lambda x: np.diagonal(x, 1, -2, -1), (3, 4), second=False,
        call=lambda x: L.diagonal(x, offset=1)),
    row("linalg.vander", lambda x: np.vander(x, increasing=True), (3,), door=True),
    row("linalg.vander", lambda x: np.vander(x, 5, increasing=True), (2,), case="N",
        call=lambda x: L.vander(x, 5), door=True),
    # norms
    *[
        row("linalg.vector_norm", lambda x, p=p: np.linalg.vector_norm(x, ord=p, axis=1), (2, 3),
            call=lambda x, p=p: L.vector_norm(x, p, dim=1), case=f"p={p}", door=True,
            second=p not in (1, inf, -inf), along=lambda x, dim, p=p: L.vector_norm(x, p, dim))
        for p in (2, 1, 3, 0.5, -1, inf, -inf)
    ],
    row("linalg.vector_norm", lambda x: np.linalg.vector_norm(x), (2, 3, 2), case="all entries",
        zero_d=((),), empty=((0, 2),), door=True, along=None),
    row("linalg.vector_norm", lambda x: np.linalg.vector_norm(x, axis=(0, 2), keepdims=True),
        (2, 3, 2), case="axes", call=lambda x: L.vector_norm(x, dim=(0, 2), keepdim=True)),
    *[
        row("linalg.matrix_norm", lambda x, p=p: np.linalg.matrix_norm(x, ord=p), (3, 2),
            call=lambda x, p=p: L.matrix_norm(x, p), case=f"ord={p}", door=True, domain=spread,
            broadcast=((2, 2, 3),), second=p not in (1, -1, inf, -inf))
        for p in ("fro", "nuc", 1, -1, 2, -2, inf, -inf)
    ],
    row("linalg.matrix_norm", lambda x: np.linalg.norm(x, 2, (0, 2), True), (2, 3, 4),
        call=lambda x: L.matrix_norm(x, 2, dim=(0, 2), keepdim=True), case="dim"),
    row("linalg.norm", lambda x: np.linalg.norm(x), (2, 3), door=True),
    row("linalg.norm", lambda x: np.linalg.norm(x, axis=1), (2, 3), door=True, case="dim",
        call=lambda x: L.norm(x, dim=1)),
    row("linalg.norm", lambda x: np.linalg.norm(x, "nuc"), (2, 3), door=True, case="nuc",
        call=lambda x: L.norm(x, "nuc")),
    row("norm", lambda x: np.linalg.norm(x.ravel()), (2, 3)),
    row("norm", lambda x: np.linalg.norm(x, 3, 1, True), (2, 3), case="p=3",
        call=lambda x: mg.norm(x, 3, 1, True), along=lambda x, dim: mg.norm(x, 3, dim)),
    *[
        row("linalg.cond", lambda x, p=p: np.linalg.cond(x, p), (3, 3), domain=spread,
            call=lambda x, p=p: L.cond(x, p), case=f"p={p}", door=True, tolerance=1e-5,
            second=p not in (1, inf))
        for p in (None, -2, "fro", "nuc", 1, inf)
    ],
]  # fmt: skip
