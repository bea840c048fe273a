"""What the checks of tests/test_checklist.py share: the register of items, tensors, data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

L = mg.linalg
F = mg.nn.functional


def t64(data: Any, requires_grad: bool = False) -> Any:
    return mg.tensor(np.asarray(data, dtype=np.float64), requires_grad=requires_grad)


def plain(value: Any) -> Any:
    return value.numpy(force=True) if isinstance(value, mg.Tensor) else np.asarray(value)


def gradients(function: Callable[..., Any], *data: Any) -> list[np.ndarray]:
    leaves = [t64(d, requires_grad=True) for d in data]
    function(*leaves).sum().backward()
    return [x.grad.numpy() for x in leaves]


def close(found: Any, expected: Any, rtol: float = 1e-12, atol: float = 1e-12) -> None:
    np.testing.assert_allclose(plain(found), expected, rtol, atol)


def iris() -> np.ndarray:
    datasets = pytest.importorskip("sklearn.datasets")
    return datasets.load_iris().data  # type: ignore[no-any-return]


def digits() -> np.ndarray:
    datasets = pytest.importorskip("sklearn.datasets")
    return datasets.load_digits().data / 16.0  # type: ignore[no-any-return]


# The layer of several items: one row, three inputs, two outputs
X1, W32, BIAS = [[1.0, 2.0, 3.0]], [[0.2, 0.8], [0.5, -0.3], [0.1, 0.4]], [0.1, -0.2]
B004 = np.array([[1.0, 2.0, 3.0], [2.0, 0.0, 4.0], [3.0, 4.0, 5.0]])
A20 = np.arange(20).reshape(5, 4)
X43 = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [1.0, 0.0, 2.0]])

CHECKS: dict[str, Callable[[], None]] = {}


def item(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def register(check: Callable[[], None]) -> Callable[[], None]:
        assert name not in CHECKS
        CHECKS[name] = check
        return check

    return register
