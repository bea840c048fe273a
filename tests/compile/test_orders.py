"""Every row of the op table: second derivatives compiled equal eager, and values bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import backward
from minigrad.compile.capture import NotCompiled
from tests.compile.test_samples import NOT_COMPILED, assert_close, draw, tensors_of, values
from tests.samples import SAMPLES, Sample, some

ONCE = {"linalg.eigvals_pairs"}  # has first derivatives only


def gradients_twice(sample: Sample) -> Callable[..., Any]:
    """First and second derivatives for random cotangents; zeros where there is none."""
    rng = np.random.default_rng(0)
    drawn: list[mg.Tensor] = []

    def cotangents(results: list[mg.Tensor], first: int) -> list[mg.Tensor]:
        for result in results[len(drawn) - first :]:
            drawn.append(mg.tensor(rng.standard_normal(result.shape).astype(result.dtype)))
        return drawn[first : first + len(results)]

    def function(*tensors: mg.Tensor) -> Any:
        leaves = [t.detach().requires_grad_() for t in tensors]
        results = [t for t in tensors_of(sample.run(*leaves)) if t.requires_grad]
        given = cotangents(results, 0)
        first = mg.autograd.grad(results, leaves, given, create_graph=True, allow_unused=True)
        smooth = [g for g in first if g is not None and g.requires_grad]
        second: Any = ()
        if smooth:
            given = cotangents(smooth, len(results))
            second = mg.autograd.grad(smooth, leaves, given, allow_unused=True)
        found = [None if g is None else g.detach() for g in first]
        return (*found, *[mg.zeros_like(t) if g is None else g for t, g in zip(tensors, second)])

    return function


def compare(function: Callable[..., Any], sample: Sample, compiled: Any) -> None:
    for seed in range(3):
        tensors = [t.detach() for t in draw(sample, sample.shapes, seed)]
        mg.manual_seed(seed)
        found = values(compiled(*tensors))
        mg.manual_seed(seed)
        expected = values(function(*tensors))
        expected += [np.zeros_like(each) for each in found[len(expected) :]]
        assert_close(found, expected)


DIFFERENTIABLE = [s for s in SAMPLES if s.differentiable and str(s) not in NOT_COMPILED | ONCE]


@pytest.mark.parametrize("sample", some(DIFFERENTIABLE), ids=str)
def test_second_derivatives_compiled_equal_eager(sample: Sample) -> None:
    function = gradients_twice(sample)
    compare(function, sample, mg.compile(function))


def test_a_second_derivative_that_is_lost_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the derivative of a VJP that looks at numbers, here of a norm, is 0."""
    sample = next(s for s in SAMPLES if str(s) == "linalg.vector_norm-p=3")
    function = gradients_twice(sample)
    monkeypatch.setattr(backward, "nested_vjp", backward.opaque_vjp)
    with pytest.raises((AssertionError, ValueError)):
        compare(function, sample, mg.compile(function))


def test_what_the_engine_differentiates_is_shown_and_not_saved(tmp_path: Path) -> None:
    sample = next(s for s in SAMPLES if str(s) == "linalg.vector_norm-p=3")
    compiled = mg.compile(gradients_twice(sample))
    compiled(*[t.detach() for t in draw(sample, sample.shapes, 0)])
    assert "minigrad's engine computes it" in compiled.source
    with pytest.raises(TypeError, match="runs with minigrad only"):
        compiled.save(tmp_path / "step.py")


def test_a_third_derivative_of_what_looks_at_numbers_is_refused() -> None:
    def third(x: mg.Tensor) -> mg.Tensor:
        leaf = x.detach().requires_grad_()
        g = mg.linalg.norm(leaf)
        for _ in range(3):
            (g,) = mg.autograd.grad(g.sum(), leaf, create_graph=True)
        return g.detach()

    with pytest.raises(NotCompiled, match="reads numbers"):
        mg.compile(third)(mg.tensor([3.0, 4.0]))


@pytest.mark.parametrize("sample", some(DIFFERENTIABLE), ids=str)
def test_without_algebra_the_bits_are_those_of_eager(sample: Sample) -> None:
    def function(*tensors: mg.Tensor) -> Any:
        return tuple([t.detach() for t in tensors_of(sample.run(*tensors))])

    compiled = mg.compile(function, algebra=False)
    for seed in range(3):
        tensors = [t.detach() for t in draw(sample, sample.shapes, seed)]
        mg.manual_seed(seed)
        found = values(compiled(*tensors))
        mg.manual_seed(seed)
        for a, b in zip(found, values(function(*tensors)), strict=True):
            assert a.tobytes() == b.tobytes()
