"""Run a call in PyTorch and in minigrad on the same numbers, and compare values and gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")


def flat(result: Any) -> list[Any]:
    """All results of a call, as a list."""
    if isinstance(result, (tuple, list)):
        return [each for part in result for each in flat(part)]
    return [result]


def as_numpy(value: Any) -> np.ndarray:
    return value.detach().numpy() if hasattr(value, "detach") else np.asarray(value)


def run(
    function: Callable[..., Any], leaves: list[Any], seed: int, constant: Callable[[Any], Any]
) -> list[np.ndarray]:
    """Results and gradients of a call, with random cotangents for all its results."""
    outputs = flat(function(*leaves))
    found = [as_numpy(out) for out in outputs]
    rng = np.random.default_rng(seed)
    cotangents = [rng.standard_normal(out.shape) for out in found]
    terms = [
        (out * constant(c)).sum()
        for out, c in zip(outputs, cotangents, strict=True)
        if getattr(out, "requires_grad", False)
    ]
    if terms:
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        total.backward()
        found += [np.zeros(x.shape) if x.grad is None else x.grad.numpy() for x in leaves]
    return found


def agree(
    function: Callable[..., Any],
    arrays: Sequence[np.ndarray],
    theirs: Callable[..., Any] | None = None,
    tolerance: float = 1e-10,
    seed: int = 0,
) -> None:
    """Check that ``function(module, *tensors)`` gives the same in both libraries.

    `theirs` replaces the function where PyTorch writes the call differently.
    """
    ours = run(
        lambda *x: function(mg, *x),
        [mg.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays],
        seed,
        mg.tensor,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch, about var of one number
        expected = run(
            lambda *x: (theirs or function)(torch, *x),
            [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays],
            seed,
            torch.tensor,
        )
    assert len(ours) == len(expected)
    for here, there in zip(ours, expected, strict=True):
        assert here.shape == there.shape
        assert here.dtype == there.dtype
        np.testing.assert_allclose(here, there, tolerance, tolerance)
