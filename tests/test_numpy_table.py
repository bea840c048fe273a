"""The table of NumPy's door: on tensors each call gives what NumPy gives on arrays.

Its numbers, shapes and types are NumPy's, and its gradient is the slope of NumPy's function along a
random direction, by differences.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.numpy_rows import ROWS

rng = np.random.default_rng(0)
INPUTS = {
    "x": rng.normal(size=(2, 3)), "y": rng.normal(size=(2, 3)), "p": rng.uniform(0.3, 2, (2, 3)),
    "u": rng.uniform(-0.9, 0.9, (2, 3)), "v": rng.normal(size=4), "s": np.array(1.3),
    "f": rng.normal(size=(2, 3)).astype(np.float32), "i": rng.integers(-4, 5, (2, 3)),
    "c": rng.integers(0, 200, (2, 3)).astype(np.uint8), "b": rng.random((2, 3)) < 0.5,
}  # fmt: skip
DIRECTIONS = {name: rng.normal(size=array.shape) for name, array in INPUTS.items()}

# these are refused, and the error says what to do
REFUSED = {
    "np.interp(s, [0.0, 1.0], [0.0, 2.0])", "np.convolve(v, v)", "np.correlate(v, v)",
    "np.unwrap(v)", "np.apply_along_axis(np.sum, 0, x)",
    "np.choose([0, 1, 0], [v[:3], v[1:]])", "np.trim_zeros(v)",
}  # fmt: skip
# no slope that differences could show: signs of vectors are arbitrary, or the value is NaN
UNCHECKED = ("svd", "eigh", "qr", "nextafter", "lstsq", "floor_divide", "divmod", "full_like",
             "axis=(), ddof=1", "np.var(x[:0])", "np.mean(x[:0])")  # fmt: skip


def flat(result: Any) -> Iterator[Any]:
    if isinstance(result, (tuple, list)):
        for part in result:
            yield from flat(part)
    else:
        yield result


def evaluate(row: str, inputs: dict[str, Any]) -> list[Any]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return list(flat(eval(row, {"np": np, **inputs})))


def in_tensors() -> dict[str, Any]:
    return {
        name: mg.tensor(array, requires_grad=array.dtype == np.float64)
        for name, array in INPUTS.items()
    }


@pytest.mark.parametrize("row", [row for row in ROWS if row not in REFUSED])
def test_numbers_shapes_and_types_are_numpys(row: str) -> None:
    try:
        expected = evaluate(row, INPUTS)
    except Exception as error:
        with pytest.raises(type(error)):
            evaluate(row, in_tensors())
        return
    found = evaluate(row, in_tensors())
    assert len(found) == len(expected)
    for here, there in zip(found, expected, strict=True):
        if not isinstance(there, (np.ndarray, np.generic)):
            assert here == there
            continue
        array = np.asarray(here.detach().numpy() if hasattr(here, "detach") else here)
        assert (array.shape, array.dtype) == (there.shape, there.dtype)
        np.testing.assert_allclose(array, there, 1e-6, 1e-9)


@pytest.mark.parametrize("row", sorted(REFUSED))
def test_what_is_not_known_is_refused_by_name(row: str) -> None:
    with pytest.raises(TypeError, match=r"np\."):
        evaluate(row, in_tensors())


def differentiable(row: str) -> bool:
    if row in REFUSED or any(name in row for name in UNCHECKED):
        return False
    try:
        results = evaluate(row, in_tensors())
    except Exception:
        return False
    return any(isinstance(out, mg.Tensor) and out.requires_grad and out.numel() for out in results)


@pytest.mark.parametrize("row", [row for row in ROWS if differentiable(row)])
def test_the_gradient_is_the_slope_of_numpys_function(row: str) -> None:
    leaves = in_tensors()
    results = evaluate(row, leaves)
    weights = [np.random.default_rng(3).normal(size=np.shape(out)) for out in results]
    total: Any = 0.0
    for out, weight in zip(results, weights, strict=True):
        if isinstance(out, mg.Tensor) and out.requires_grad:
            total = total + (out * weight).sum()
    with np.errstate(all="ignore"):
        total.backward()
    slope = sum(
        float((leaf.grad.numpy() * DIRECTIONS[name]).sum())
        for name, leaf in leaves.items()
        if leaf.grad is not None
    )

    def along(step: float) -> float:
        moved = {
            name: array + step * DIRECTIONS[name] if array.dtype == np.float64 else array
            for name, array in INPUTS.items()
        }
        values = evaluate(row, moved)
        kept = [isinstance(out, mg.Tensor) and out.requires_grad for out in results]
        return sum(
            float((np.asarray(v) * w).sum())
            for v, w, keep in zip(values, weights, kept, strict=True)
            if keep
        )

    expected = (along(1e-6) - along(-1e-6)) / 2e-6
    assert slope == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_the_comparison_reaches_most_rows() -> None:
    assert sum(map(differentiable, ROWS)) > 150
