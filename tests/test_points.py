"""Outputs at many points at once are those of single calls, whatever a stack gives."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import Verdict
from minigrad.testing.points import Points

N = 12


def taken(x):
    return np.sin(x) * np.exp(-x)


def matrix(x):
    w = np.random.default_rng(1).standard_normal((N, 3))
    return (x[..., None, :] @ w)[..., 0, :]


def normalised(x):
    return x / abs(x).sum(0)


def running(x):
    return np.cumsum(x, axis=0)


def ordered(x):
    return np.sort(x, axis=0)


def centred(x):
    return np.where(x > x.mean(), 2 * x, x)


def first(x):
    return np.array([x[0], x[1]])


def one_number(x):
    return np.sum(x * x).reshape(1)


def only_single(x):
    if x.ndim > 1:
        raise ValueError("one at a time")
    return x**3


def counts_calls(x):
    """Right alone and in the first stack, not in later ones."""
    counts_calls.stacks += x.ndim > 1
    return x * (1 + (x.ndim > 1) * (counts_calls.stacks > 1))


def wrong_far_away(x):
    """In stacks, wrong for entries that have moved far."""
    return np.where((x > 5) & (x.ndim > 1), 0.0, x)


FUNCTIONS = [
    taken, matrix, normalised, running, ordered, centred, first, one_number, only_single,
    counts_calls, wrong_far_away,
]  # fmt: skip
STACKED = {taken, matrix}


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("far", [1e-5, 0.5, 100.0])
def test_outputs_are_those_of_single_calls(f, far: float) -> None:
    counts_calls.stacks = 0
    rng = np.random.default_rng(0)
    x = rng.standard_normal(N)
    before = x.copy()
    base = np.array(f(x))
    points = Points(lambda: np.array(f(x)), x, base, lambda rows: np.array(f(rows)))
    columns = rng.integers(0, N, 40)
    values = x[columns] + far * rng.uniform(0.5, 1, 40)
    want = []
    for j, value in zip(columns, values):
        moved = x.copy()
        moved[j] = value
        want.append(f(moved))
    for _ in range(2):
        np.testing.assert_array_equal(points.outputs(columns, values), want)
    np.testing.assert_array_equal(x, before)
    if f in STACKED:
        assert points.stacked is not None
    elif f is not wrong_far_away:
        assert points.stacked is None


def test_long_inputs_are_not_stacked() -> None:
    x = np.ones(1 << 14)
    points = Points(lambda: x.copy(), x, x.copy(), lambda rows: rows)
    assert points.outputs(np.arange(10), np.full(10, 3.0)).shape == (10, x.size)
    assert points.stacked is None


def network(x, w, b, v):
    return mg.tanh(x @ w + b) @ v


def test_an_input_of_few_axes_is_stacked_beside_those_of_more() -> None:
    rng = np.random.default_rng(2)
    inputs = [mg.tensor(rng.standard_normal(s)) for s in ((4, 10), (10, 6), (6,), (6, 3))]
    calls = []

    def counted(*given):
        calls.append(1)
        return network(*given)

    report = mg.testing.check_gradients(counted, inputs)
    assert report.ok
    assert report.count(Verdict.CORRECT) == 12 * 124
    assert len(calls) < 124  # where points are evaluated one by one, each entry takes two calls


@pytest.mark.parametrize("factor", [1.001, -1.0, 0.0])
def test_a_wrong_gradient_is_found_in_stacks(factor: float) -> None:
    @mg.op(lambda g, x: factor * g * np.cos(x))
    def sine(x):
        return np.sin(x)

    report = mg.testing.check_gradients(sine, mg.tensor(np.linspace(0.1, 1, 30)))
    assert not report.ok
    assert report.count(Verdict.WRONG) == 30
    assert report.count(Verdict.CORRECT) == 900 - 30
