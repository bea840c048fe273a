"""Functions that compute in float32 or float16 inside: found, and judged as what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad.testing import Verdict, check_vjp, numerical_jacobian
from minigrad.testing.staircase import precision_inside

rng = np.random.default_rng(0)
X, W = rng.standard_normal((4, 3)), rng.standard_normal((3, 2))


def buffered(x: Any) -> Any:
    """Through a float32 buffer, as `np.empty(x.shape, "f")` makes one."""
    buffer = np.empty(x.shape, "f")
    buffer[...] = x
    return buffer


INSIDE = {
    "cast": lambda x: np.float32(x).astype(float) * 2,
    "buffer": lambda x: np.tanh(buffered(x)).astype(float),
    "result": lambda x: np.float32(np.exp(x)),
    "mixed": lambda x: np.sin(buffered(x)) + 0.5 * x,
}
DERIVATIVES = {
    "cast": lambda x: 2 + 0 * x,
    "buffer": lambda x: 1 - np.tanh(x) ** 2,
    "result": np.exp,
    "mixed": lambda x: np.cos(x) + 0.5,
}
AT = np.array([0.3, 1.7, -0.8])


@pytest.mark.parametrize("name", INSIDE)
def test_differences_stay_above_the_staircase(name: str) -> None:
    value, error = numerical_jacobian(INSIDE[name], AT)
    np.testing.assert_allclose(value, np.diag(DERIVATIVES[name](AT)), atol=1e-4)
    assert np.all(error < 1e-3)


@pytest.mark.parametrize("factor", [1.0, 0.0, -1.0, 1.02])
@pytest.mark.parametrize("name", INSIDE)
def test_right_gradients_are_right_and_wrong_ones_wrong(name: str, factor: float) -> None:
    vjp = lambda g, x: factor * np.float32(g * DERIVATIVES[name](x)).astype(float)
    report = check_vjp(INSIDE[name], vjp, AT)
    assert report.ok == (factor == 1.0)
    assert report.count(Verdict.CORRECT) >= 6  # all zeros, at least
    if name in ("cast", "buffer"):
        assert "float32" in str(report)


def test_a_forgotten_gradient_is_found_where_the_code_casts() -> None:
    f = lambda x, w: np.float64(np.float32(x) @ np.float32(w))
    right = lambda g, x, w: (g @ w.T, np.float32(x).T @ g)
    assert check_vjp(f, right, (X, W)).ok
    report = check_vjp(f, lambda g, x, w: (0 * x, right(g, x, w)[1]), (X, W))
    assert [d.kind for d in report.diagnoses] == ["zero"]


@pytest.mark.parametrize("factor", [1.0, 2.0, 0.0, -1.0])
def test_half_precision_is_judged_as_far_as_it_goes(factor: float) -> None:
    f = lambda x: np.float16(np.float16(x) * 3).astype(float)
    report = check_vjp(f, lambda g, x: factor * 3 * g, AT)
    assert report.ok == (factor == 1.0)
    assert report.count(Verdict.CORRECT) >= 6


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_shorter_type_of_the_gradient_is_a_note(dtype: str) -> None:
    report = check_vjp(lambda x: x * 1, lambda g, x: g.astype(dtype), AT)
    assert report.ok
    assert f"the gradient of x is {dtype}" in str(report)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scale", [1.0, 1e2, 1e3, 1e4, 1e5, 1e6])
@pytest.mark.parametrize("step", [np.round, np.floor, lambda x: np.round(x, 1)])
def test_a_function_of_steps_is_not_taken_for_a_short_type(
    step: Any, scale: float, seed: int
) -> None:
    x = scale * np.random.default_rng(seed).standard_normal(6)
    assert precision_inside(lambda: step(x), [x], step(x)) is None
    assert check_vjp(step, lambda g, x: 0 * g, x).count(Verdict.WRONG) == 0


@pytest.mark.parametrize(
    "function",
    [np.tanh, lambda x: np.sin(1e4 * x), lambda x: np.maximum(x, 0), lambda x: np.sort(x) ** 2],
)
def test_float64_is_told_from_shorter_types(function: Any) -> None:
    x = np.random.default_rng(1).standard_normal(8)
    assert precision_inside(lambda: function(x), [x], function(x)) is None
