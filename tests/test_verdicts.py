"""What the checker concludes from its numbers: what is right passes, what is wrong does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import Verdict, check_gradients, check_vjp

F = mg.nn.functional


def at(*values: float) -> mg.Tensor:
    return mg.tensor(np.array(values))


def verdicts(report: mg.testing.Report) -> list[Verdict]:
    return [entry.verdict for entry in report.entries()]


# ------------------------------------------------------------------------ outputs that are zero

ZERO_OUTPUT: dict[str, tuple[Any, tuple[float, ...]]] = {
    "log": (mg.log, (1.0,)),
    "log2": (mg.log2, (1.0,)),
    "sin": (mg.sin, (np.pi,)),
    "cos": (mg.cos, (np.pi / 2,)),
    "x - 1": (lambda x: x - 1, (1.0,)),
    "difference": (lambda x: x[0] - x[1], (0.3, 0.3)),
    "mean square": (lambda x: ((x - 1) ** 2).mean(), (1.0, 1.0, 1.0)),
    "x log x": (lambda x: x * mg.log(x), (1.0,)),
    "determinant": (lambda x: mg.linalg.det(x.reshape(2, 2)), (1.0, 2.0, 2.0, 4.0)),
    "logdet": (lambda x: mg.linalg.logdet(x.reshape(2, 2)), (1.0, 0.0, 0.0, 1.0)),
}


@pytest.mark.parametrize("name", ZERO_OUTPUT)
def test_where_a_smooth_function_is_zero_its_gradient_is_correct(name: str) -> None:
    function, point = ZERO_OUTPUT[name]
    assert set(verdicts(check_gradients(function, at(*point)))) == {Verdict.CORRECT}
    doubled = check_gradients(lambda x: twice_the_gradient(function(x)), at(*point))
    assert doubled.ok == (name == "mean square")


@mg.op(lambda g, x: 2 * g)
def twice_the_gradient(x):
    return x * 1.0


@pytest.mark.parametrize(
    "function",
    [
        lambda x: abs(x - 1),
        lambda x: mg.relu(x - 1),
        lambda x: mg.linalg.norm(x - 1),
        lambda x: F.l1_loss(x, mg.ones(3, dtype=mg.float64)),
    ],
    ids=["abs", "relu", "norm", "l1"],
)
def test_where_a_function_with_a_kink_is_zero_there_is_a_kink(function) -> None:
    report = check_gradients(function, at(1.0, 1.0, 1.0))
    assert report.ok
    assert report.count(Verdict.KINK) == 3
    assert report.count(Verdict.INCONCLUSIVE) == 0


@pytest.mark.parametrize("loss", ["mse_loss", "huber_loss", "smooth_l1_loss"])
def test_losses_may_be_checked_where_they_are_zero(loss: str) -> None:
    p = at(0.3, 0.7, 1.1)
    report = check_gradients(getattr(F, loss), (p, p.clone()))
    assert set(verdicts(report)) == {Verdict.CORRECT}


# --------------------------------------------------------------------------------- flat points

FLAT = {
    "x^3": (lambda x: x**3, (0.0, 0.0)),
    "x^5": (lambda x: x**5, (0.0, 0.3)),
    "relu(x)^2": (lambda x: mg.relu(x) ** 2, (0.0, 0.0)),
    "x |x|": (lambda x: x * abs(x), (0.0, 1.0)),
    "x - tanh x": (lambda x: x - mg.tanh(x), (0.0,)),
    "Rosenbrock": (lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2, (1.0, 1.0)),
    "orthogonal": (lambda x: ((x.reshape(2, 2).mT @ x.reshape(2, 2) - mg.eye(2)) ** 2).sum(),
                   (1.0, 0.0, 0.0, 1.0)),
}  # fmt: skip


@pytest.mark.parametrize("name", FLAT)
def test_a_flat_point_has_a_derivative_of_zero(name: str) -> None:
    function, point = FLAT[name]
    assert set(verdicts(check_gradients(function, at(*point)))) == {Verdict.CORRECT}


@pytest.mark.parametrize("slope", [1e-3, 1e-6])
def test_a_gradient_that_is_not_zero_at_a_flat_point_is_wrong(slope: float) -> None:
    report = check_vjp(lambda x: x**3, lambda g, x: g * (3 * x * x + slope), np.zeros(2))
    assert report.count(Verdict.WRONG) == 2


# ------------------------------------------------------ small entries in large company

COMPANY: dict[str, tuple[Any, Any, list[float]]] = {
    "sum": (lambda x: 1e10 * x[0] + x[1], lambda x: np.array([1e10, 1.0]), [1.0, 1.0]),
    "exp": (lambda x: np.exp(x).sum(), np.exp, [25.0, 1.0, 0.5, -5.0]),
    "x^4": (lambda x: (x**4).sum(), lambda x: 4 * x**3, [1000.0, 0.5, 0.3]),
}


@pytest.mark.parametrize("factor", [-1.0, 0.0, 2.0])
@pytest.mark.parametrize("name", COMPANY)
def test_small_entries_that_differ_are_never_correct(name: str, factor: float) -> None:
    f, derivative, x = COMPANY[name]
    small = np.arange(len(x)) > 0
    report = check_vjp(f, lambda g, x: g * derivative(x) * np.where(small, factor, 1), np.array(x))
    assert Verdict.CORRECT not in verdicts(report)[1:]
    right = check_vjp(f, lambda g, x: g * derivative(x), np.array(x))
    assert right.count(Verdict.WRONG) == 0
    assert verdicts(right)[0] == Verdict.CORRECT


# --------------------------------------------------------------------- several kinks at a time


@pytest.mark.parametrize("shares", [(0.5, 0.5), (1.0, 0.0), (0.0, 1.0), (0.3, 0.7)])
def test_shares_of_a_tie_that_add_up_to_one_are_right(shares) -> None:
    x = np.array([1.0, 1.0, 0.0])
    assert check_vjp(np.max, lambda g, x: g * np.array([*shares, 0.0]), x).ok


@pytest.mark.parametrize("shares", [(0.0, 0.0), (1.0, 1.0), (0.3, 0.3)])
def test_shares_of_a_tie_that_do_not_add_up_to_one_are_wrong(shares) -> None:
    report = check_vjp(np.max, lambda g, x: g * np.array([*shares, 0.0]), np.array([1.0, 1.0, 0.0]))
    assert verdicts(report) == [Verdict.WRONG, Verdict.WRONG, Verdict.CORRECT]
    assert "slope 1," in report.summary()


@pytest.mark.parametrize("count", [2, 3, 5])
def test_each_order_of_equal_numbers_is_right_and_nothing_else(count: int) -> None:
    x = np.array([*np.ones(count), 0.0, 2.0])
    ranks = lambda x: np.argsort(np.argsort(x, kind="stable"))
    assert check_vjp(np.sort, lambda g, x: g[ranks(x)], x).ok
    assert check_vjp(np.sort, lambda g, x: g[ranks(x)[[*range(count)[::-1], -2, -1]]], x).ok
    assert not check_vjp(np.sort, lambda g, x: 2 * g[ranks(x)], x).ok
    assert not check_vjp(np.sort, lambda g, x: g, x).ok


def test_ties_of_two_inputs_belong_together() -> None:
    p = np.array([0.3, 0.7])
    halves = lambda g, a, b: (g / 2, g / 2)
    assert check_vjp(np.maximum, halves, (p, p.copy())).ok
    assert not check_vjp(np.maximum, lambda g, a, b: (g, g), (p, p.copy())).ok


@pytest.mark.parametrize(
    "function",
    [
        mg.amax,
        lambda x: abs(x - 1).sum(),
        lambda x: mg.relu(x - 1).sum(),
        lambda x: mg.relu(x[0] - 1) - mg.relu(x[1] - 1),
        lambda x: mg.linalg.norm(x - x.mean()),
    ],
    ids=["max", "abs", "relu", "difference", "norm"],
)
def test_valid_conventions_at_kinks_pass(function) -> None:
    assert check_gradients(function, at(1.0, 1.0, 1.0)).ok


# ---------------------------------------------------------- singular points and waves nearby


@pytest.mark.parametrize("exponent", np.linspace(-8, -6, 9))
@pytest.mark.parametrize("side", [-1, 1])
def test_beside_a_singular_point_a_right_gradient_is_not_wrong(exponent: float, side: int) -> None:
    near = at(1 + side * 10**exponent)
    report = check_gradients(lambda x: mg.sqrt(abs(x - 1)), near)
    assert report.ok
    assert report.count(Verdict.WRONG) == report.count(Verdict.INCONCLUSIVE) == 0
    assert not check_gradients(lambda x: twice_the_gradient(mg.sqrt(abs(x - 1))), near).ok


@pytest.mark.parametrize("exponent", [-8, -7.5, -7, -6.5, -6])
def test_a_distance_may_be_short(exponent: float) -> None:
    away = 10**exponent * np.array([0.3, -1.2, 0.6])
    assert check_gradients(lambda x: mg.linalg.norm(x - 1), at(*(1 + away))).ok


@pytest.mark.parametrize("scale", [1e4, 1e6, 1e8])
@pytest.mark.parametrize(
    "function", [mg.sin, lambda x: x + mg.sin(x), lambda x: x * mg.cos(x)], ids=["sin", "+", "*"]
)
def test_steps_wider_than_a_wave_are_not_believed(function, scale: float) -> None:
    x = at(*(scale * np.random.default_rng(0).standard_normal(12)))
    report = check_gradients(lambda x: function(x).sum(), x)
    assert report.count(Verdict.WRONG) == 0
    assert report.count(Verdict.CORRECT) > 0
    assert not check_gradients(lambda x: twice_the_gradient(function(x)), x).ok


@pytest.mark.parametrize("distance", [1e-8, 1e-7, 1e-6])
def test_the_slopes_beyond_a_kink_nearby_are_told(distance: float) -> None:
    report = check_vjp(abs, lambda g, x: g * 1.0, np.array([-distance]))
    assert verdicts(report) == [Verdict.WRONG]
    np.testing.assert_allclose(next(report.entries()).interval, (-1, 1), rtol=1e-6)


def test_chaos_is_no_jump() -> None:
    def logistic(x):
        for _ in range(30):
            x = 3.9 * x * (1 - x)
        return x

    report = check_gradients(logistic, at(0.3, 0.4))
    assert report.count(Verdict.WRONG) == 0
    assert "jump" not in {note.kind for note in report.notes}


@pytest.mark.parametrize("factor", [1.001, 1.2, 0.0])
def test_equal_numbers_of_a_smooth_function_are_no_tie(factor: float) -> None:
    """A product's zeros are equal, and nothing changes order there: a wrong gradient is wrong."""

    def vjp(g: Any, x: Any) -> Any:
        others = np.stack([np.prod(np.delete(x, i, 0), 0) for i in range(len(x))])
        return g * others * factor

    x = np.array([[0.0, -1.5], [1.6, 0.0], [2.0, -0.5]])
    report = check_vjp(lambda x: x.prod(0), vjp, (x,))
    assert not report.ok
    assert report.count(Verdict.KINK) == 0
