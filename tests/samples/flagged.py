"""Rows of linear algebra that reports instead of raising, and of PyTorch's older names."""

from __future__ import annotations

import numpy as np

import minigrad as mg
from tests.samples.sample import Sample, normal


def definite(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    a = rng.standard_normal(shape)
    return a @ a.swapaxes(-1, -2) + 2 * np.eye(shape[-1])


def regular(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.standard_normal(shape) + 3 * np.eye(*shape[-2:])


def none(x: np.ndarray) -> np.ndarray:
    """The info of matrices without a fault."""
    return np.zeros(x.shape[:-2], np.int32)


def symmetric(x: object) -> object:
    return (x + x.mT) / 2


def reflections(A: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """The product of the Householder matrices themselves."""
    n, m = A.shape
    product = np.eye(n)
    for i, t in enumerate(tau):
        v = np.where(np.arange(n) > i, A[:, i], 0.0) + np.eye(n)[i]
        product = product @ (np.eye(n) - t * np.outer(v, v))
    return product[:, :m]


INDEFINITE = np.array(
    [[0.0, 2.0, 1.0, -1.0], [2.0, 0.0, 0.5, 3.0], [1.0, 0.5, 0.2, 0.0], [-1.0, 3.0, 0.0, 1.0]]
)  # its first block has size 2


def full_reflections(A: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """H₁ H₂ ⋯, square."""
    product = np.eye(len(A))
    for i, t in enumerate(tau):
        v = np.concatenate([np.zeros(i), [1.0], A[i + 1 :, i]])
        product = product @ (np.eye(len(A)) - t * np.outer(v, v))
    return product


SAMPLES: list[Sample] = [
    Sample("linalg.inv_ex", lambda x: (np.linalg.inv(x), none(x)), ((2, 3, 3),), regular),
    Sample("linalg.cholesky_ex",
           lambda x: (np.linalg.cholesky((x + x.mT) / 2), none(x)), ((2, 3, 3),), definite,
           lambda x: mg.linalg.cholesky_ex(symmetric(x))),
    Sample("linalg.solve_ex", lambda x, y: (np.linalg.solve(x, y), none(x)), ((3, 3), (3, 2)),
           (regular, normal)),
    Sample("linalg.lu_factor_ex", lambda x: (x, np.array([1], np.int32), none(x)), ((1, 1),),
           regular),
    Sample("lu", lambda x: (x, np.array([1], np.int32)), ((1, 1),), regular),
    Sample("lu_unpack", lambda x: np.eye(3) @ x, ((3, 3),), regular,
           lambda x: mg.linalg.multi_dot(mg.lu_unpack(*mg.linalg.lu_factor(x)))),
    Sample("linalg.tensorinv", lambda x: np.linalg.tensorinv(x.reshape(2, 2, 4), 2), ((4, 4),),
           regular, lambda x: mg.linalg.tensorinv(mg.reshape(x, (2, 2, 4)))),
    Sample("linalg.tensorsolve", lambda x, y: np.linalg.solve(x, y), ((4, 4), (4,)),
           (regular, normal),
           lambda x, y: mg.linalg.tensorsolve(mg.reshape(x, (2, 2, 4)), mg.reshape(y, (2, 2)))),
    Sample("linalg.householder_product", reflections, ((4, 3), (2,))),
    Sample("ormqr", lambda A, t, x: full_reflections(A, t) @ x, ((4, 3), (2,), (4, 2))),
    Sample("ormqr", lambda A, t, x: x @ full_reflections(A, t).T, ((4, 3), (2,), (2, 4)),
           case="right", call=lambda A, t, x: mg.ormqr(A, t, x, left=False, transpose=True)),
    Sample("geqrf", lambda x: (np.linalg.qr(x, "raw")[0].T, np.linalg.qr(x, "raw")[1]), ((4, 3),),
           differentiable=False),
    Sample("linalg.ldl_solve", lambda x: np.linalg.solve(INDEFINITE, x), ((4, 2),), normal,
           lambda x: mg.linalg.ldl_solve(*mg.linalg.ldl_factor(INDEFINITE.astype(x.dtype)), x)),
    Sample("svd", lambda x: np.linalg.svd(x, compute_uv=False), ((3, 2),), normal,
           lambda x: mg.svd(x).S),
    Sample("svd", lambda x: x, ((3, 2),), normal, case="product",
           call=lambda x: (lambda f: f.U @ mg.diag(f.S) @ f.V.mT)(mg.svd(x)), second=False),
    Sample("qr", lambda x: x, ((3, 2),), normal, lambda x: mg.matmul(*mg.qr(x)), second=False),
]  # fmt: skip
