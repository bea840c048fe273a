"""`mg.testing.strategies`: what Hypothesis draws with them."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.test_docs import HouseParser, run_doctest

hypothesis = pytest.importorskip("hypothesis")
strategies = mg.testing.strategies

SETTINGS = {"max_examples": 30, "deadline": None, "database": None}


def drawn(strategy: Any) -> list[Any]:
    """Some examples of a strategy."""
    found = []
    hypothesis.settings(**SETTINGS)(hypothesis.given(strategy)(lambda value: found.append(value)))()
    return found


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("scale", [1e-2, 1.0, 10.0])
def test_entries_keep_apart_from_each_other_and_from_zero(dtype: str, scale: float) -> None:
    for array in drawn(strategies.well_spaced_arrays(dtype=dtype, scale=scale)):
        assert array.dtype == dtype
        flat = np.sort(array.astype(float).ravel()) / scale
        assert np.all(np.diff(flat) >= 0.099)
        assert np.all(abs(flat) >= 0.0499)


def test_shapes_are_within_their_bounds_and_pairs_broadcast() -> None:
    for shape in drawn(strategies.shapes(1, 2, 2, 5)):
        assert 1 <= len(shape) <= 2
        assert all(2 <= side <= 5 for side in shape)
    pairs = drawn(strategies.broadcastable_shapes())
    assert any(a != b for a, b in pairs)
    for a, b in pairs:
        np.broadcast_shapes(a, b)


def test_tensors_have_the_shape_and_type_that_were_asked_for() -> None:
    for x in drawn(strategies.tensors(strategies.shapes(2, 2), dtype="float32")):
        assert x.ndim == 2
        assert x.dtype == np.float32
        assert x.requires_grad
    (x, *_) = drawn(strategies.tensors((0, 3), requires_grad=False))
    assert x.shape == (0, 3)
    assert not x.requires_grad


def test_arrays_that_could_not_keep_apart_are_refused() -> None:
    with pytest.raises(TypeError, match="floating-point type, got int64"):
        drawn(strategies.well_spaced_arrays((3,), dtype="int64"))
    with pytest.raises(ValueError, match="positive"):
        drawn(strategies.well_spaced_arrays((3,), scale=0.0))


def test_the_examples_run() -> None:
    hypothesis.settings.register_profile("short", max_examples=5, deadline=None, database=None)
    before = hypothesis.settings()
    hypothesis.settings.load_profile("short")
    try:
        finder = doctest.DocTestFinder(parser=HouseParser())
        for test in finder.find(strategies, extraglobs={"mg": mg, "np": np}):
            run_doctest(test)
    finally:
        hypothesis.settings.register_profile("before", before)
        hypothesis.settings.load_profile("before")
