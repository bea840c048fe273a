"""Matrices, and functions of them, for the tests of linear algebra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg

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


ones22, eye2, eye3 = np.ones((2, 2)), np.eye(2), np.eye(3)
SPD = positive_definite(2, 3, 3)
REGULAR = random(2, 3, 3) + 3 * eye3
TALL, WIDE, RIGHT = random(5, 3), random(3, 5), random(5, 2, seed=1)
