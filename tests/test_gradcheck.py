"""The gradient checker: verdicts, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import Verdict, check_gradients, check_vjp
from minigrad.testing.rounding import shaken
from tests.false_alarms import cases, check
from tests.gradcheck_cases import draw, kinds, mistaken, op_with

# ---------------------------------------------------------------------------- numerical derivatives


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 30.0, 1e4])
@pytest.mark.parametrize(
    ("f", "derivative"),
    [
        (np.sin, np.cos),
        (np.log, lambda x: 1 / x),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
        (lambda x: 1 / x, lambda x: -1 / x**2),
        (np.arctan, lambda x: 1 / (1 + x * x)),
        (lambda x: x**5, lambda x: 5 * x**4),
    ],
    ids=["sin", "log", "sqrt", "1/x", "arctan", "x^5"],
)
def test_numerical_derivatives_need_no_step_size(f, derivative, scale: float) -> None:
    x = scale * np.array([0.7, 1.3, 2.9])
    value, error = mg.testing.numerical_jacobian(f, x)
    true = derivative(x)
    np.testing.assert_allclose(np.diag(value), true, rtol=1e-7)
    assert np.all(abs(np.diag(value) - true) <= np.diag(error))


# ----------------------------------------------------------------------------------------- verdicts


def test_a_correct_gradient_is_correct_everywhere() -> None:
    report = check_gradients(lambda x, w: mg.exp(x @ w), (draw(2, 3), draw(3, 4, seed=1)))
    assert report.ok
    assert report.count(Verdict.CORRECT) == 2 * 4 * (6 + 12)


def test_all_inputs_and_all_outputs_are_checked() -> None:
    wrong = op_with(lambda g, x: 2.9 * g * x * x)
    inputs = (draw(3), draw(3, seed=1))
    assert not check_gradients(lambda x, y: (x * 2, y + wrong(y)), inputs).ok
    assert not check_gradients(lambda x, y: {"a": x, "b": [y, wrong(x)]}, inputs).ok
    assert not check_gradients(lambda pair: pair[0] * wrong(pair[1]), (list(inputs),)).ok


def test_inputs_that_require_grad_are_the_ones_that_are_checked() -> None:
    x, y = draw(3).requires_grad_(), draw(3, seed=1)
    report = check_gradients(lambda x, y: x * y, (x, y))
    assert {jacobian.input for jacobian in report.jacobians} == {"x"}


@pytest.mark.parametrize("value", [0.0, 1e-7, -1e-7])
@pytest.mark.parametrize("name", ["relu", "abs"])
def test_a_kink_is_a_kink_and_no_error(name: str, value: float) -> None:
    report = check_gradients(getattr(mg, name), mg.tensor([value], dtype=mg.float64))
    assert report.ok
    assert report.count(Verdict.KINK) == 1
    low, high = next(report.entries()).interval
    assert low <= next(report.entries()).analytic <= high


def test_ties_of_max_are_kinks() -> None:
    report = check_gradients(lambda x: mg.amax(x), mg.tensor([1.0, 2.0, 2.0], dtype=mg.float64))
    assert report.ok
    assert [entry.verdict for entry in report.entries()] == [
        Verdict.CORRECT,
        Verdict.KINK,
        Verdict.KINK,
    ]


@pytest.mark.parametrize("slope", [-0.5, 1.5, np.nan])
def test_a_value_outside_of_the_interval_of_a_kink_is_wrong(slope: float) -> None:
    @mg.op(lambda g, x: g * np.where(x > 0, 1.0, np.where(x < 0, 0.0, slope)))
    def ramp(x):
        return np.maximum(x, 0)

    report = check_gradients(ramp, mg.tensor([0.0, 1.0, -1.0], dtype=mg.float64))
    assert report.jacobians[0].verdict[0, 0] == Verdict.WRONG


def test_overflow_is_inconclusive() -> None:
    report = check_gradients(mg.exp, mg.tensor([1000.0, 1.0], dtype=mg.float64))
    assert report.ok
    assert report.count(Verdict.INCONCLUSIVE) == 3
    assert {note.kind for note in report.notes} == {"undefined"}


@pytest.mark.parametrize("error", [1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e5])
def test_small_relative_errors_are_found_at_every_scale(error: float, scale: float) -> None:
    wrong = op_with(lambda g, x: (3 + 3 * error) * g * x * x)
    x = mg.tensor(scale * np.array([0.7, -1.3, 2.9]))
    assert not check_gradients(wrong, x).ok
    assert check_gradients(op_with(lambda g, x: 3 * g * x * x), x).ok


def test_float32_is_compared_with_differences_in_float64() -> None:
    x = draw(3, 4, dtype="float32")
    report = check_gradients(lambda x: mg.exp(x) * x, x)
    assert report.ok
    assert report.count(Verdict.CORRECT) == 144
    assert not check_gradients(op_with(lambda g, x: 3.003 * g * x * x), x).ok


def test_no_false_alarm_among_random_correct_cases() -> None:
    alarms = [name for sample, name, arrays in cases(300, seed=1) if not check(sample, arrays).ok]
    assert alarms == []


# ------------------------------------------------- where values are inexact, derivatives infinite


@pytest.mark.parametrize("size", [1e8, 1e10, 1e13, 1e17])
def test_cancellation_in_the_function_is_no_error_of_the_gradient(size: float) -> None:
    x = np.array([0.3, 1.7, -0.7])
    inside = check_gradients(lambda x: 3 * ((x + size) - size), mg.tensor(x))
    by_hand = check_vjp(lambda x: 3 * ((x + size) - size), lambda g, x: 3 * g, x)
    for report in (inside, by_hand):
        assert report.count(Verdict.WRONG) == 0
        diagonal = np.diag(report.jacobians[0].verdict)
        assert np.all(diagonal == (Verdict.CORRECT if size < 1e12 else Verdict.INCONCLUSIVE))
        assert {note.kind for note in report.notes} == ({"rounding"} if size > 1e12 else set())


@pytest.mark.parametrize(
    "whole",
    [
        lambda t: np.clip(t, 0, 1e9),
        lambda t: np.fmod(t, 1e6),
        lambda t: t // 1,
        lambda t: np.modf(t)[1],
        np.floor,
        np.conjugate,
    ],
)
def test_whole_numbers_stay_whole_where_operations_are_rounded_otherwise(whole) -> None:
    x = np.array([200001.0, 30303.0, 7.0])
    moved = shaken(x, np.random.default_rng(0), 1e-12)
    assert np.array_equal(whole(moved), whole(x))
    assert not np.array_equal(moved * 1.0, x)


@pytest.mark.parametrize("size", [1e8, 1e10])
def test_a_wrong_gradient_is_found_in_spite_of_cancellation(size: float) -> None:
    wrong = op_with(lambda g, x: 2 * g * x * x)
    assert not check_gradients(lambda x: (wrong(x) + size) - size, draw(3)).ok


def test_the_op_in_which_digits_cancel_is_named() -> None:
    report = check_gradients(lambda x: 2 * ((mg.exp(x) + 1e13) - 1e13), draw(3))
    assert "digits cancel in sub (op 3 of 4)" in report.notes[0].text


def test_gradients_that_are_rounding_errors_themselves_are_inconclusive() -> None:
    x = mg.tensor([1e-7, 0.3], dtype=mg.float64)
    report = check_gradients(lambda x: (1 - mg.cos(x)) / x**2, x)
    assert report.jacobians[0].verdict[0, 0] == Verdict.INCONCLUSIVE
    assert report.jacobians[0].verdict[1, 1] == Verdict.CORRECT


def test_cancellation_in_the_gradient_alone_is_named() -> None:
    x = np.append(np.linspace(2e-6, 5e-6, 7), 0.5)
    report = check_gradients(lambda x: mg.sin(np.pi * x) / (np.pi * x), mg.tensor(x))
    assert report.ok
    assert report.count(Verdict.INCONCLUSIVE) > 0
    assert {note.kind for note in report.notes} == {"cancellation"}


@pytest.mark.parametrize("scale", [1e-16, 1e-12, 1e-6])
def test_rounding_at_the_steps_counts_where_values_are_tiny(scale: float) -> None:
    x = np.array([-7e-3, 0.1, *(-scale * np.random.default_rng(0).uniform(1, 3, 6))])
    assert check_gradients(lambda x: x * x, mg.tensor(x)).count(Verdict.WRONG) == 0


INFINITE = {
    "sqrt": (mg.sqrt, 0.0, "infinite"),
    "cube root": (lambda x: x ** (1 / 3), 0.0, "infinite"),
    "arccos": (mg.arccos, 1.0, "infinite"),
    "arcsin": (mg.arcsin, -1.0, "infinite"),
    "x^1.5": (lambda x: x**1.5, 0.0, "boundary"),
    "log": (mg.log, 0.0, "undefined"),
    "reciprocal": (mg.reciprocal, 0.0, "undefined"),
    "x / |x|": (lambda x: x / abs(x), 0.0, "undefined"),
}


@pytest.mark.parametrize("name", INFINITE)
def test_an_infinite_derivative_is_no_error_and_is_named(name: str) -> None:
    function, at, kind = INFINITE[name]
    report = check_gradients(function, mg.tensor([at, 0.5], dtype=mg.float64))
    assert report.count(Verdict.WRONG) == 0
    assert report.jacobians[0].verdict[0, 0] == Verdict.INCONCLUSIVE
    assert report.jacobians[0].verdict[1, 1] == Verdict.CORRECT
    assert {note.kind for note in report.notes} == {kind}
    assert report.notes[0].text in report.summary()


def test_errors_beside_an_infinite_derivative_are_found() -> None:
    @mg.op(lambda g, out: g / out)
    def root(x):
        return np.sqrt(x)

    report = check_gradients(root, mg.tensor([0.0, 0.5, 2.0], dtype=mg.float64))
    verdict = report.jacobians[0].verdict
    assert verdict[0, 0] == Verdict.INCONCLUSIVE
    assert verdict[1, 1] == verdict[2, 2] == Verdict.WRONG


def norm(x):
    return (x * x).sum(-1).sqrt()


def test_a_gradient_that_is_nan_at_a_kink_is_no_wrong_vjp() -> None:
    report = check_gradients(norm, mg.tensor([[0.0, 0.0], [1.0, 2.0]], dtype=mg.float64))
    assert report.ok
    assert report.count(Verdict.INCONCLUSIVE) == 4
    assert "sqrt" in report.notes[0].text
    assert check_gradients(mg.linalg.norm, mg.zeros(2, dtype=mg.float64)).count(Verdict.KINK) == 2


def test_a_gradient_that_is_nan_where_there_is_a_derivative_is_wrong_and_no_vjp_is() -> None:
    sinc = lambda x: mg.where(x == 0, 1.0, mg.sin(x) / x)
    report = check_gradients(sinc, mg.tensor([0.0, 1.0], dtype=mg.float64))
    assert not report.ok
    assert kinds(report) == {"non-finite"}
    assert "the VJP of" not in report.to_text()
    assert "true_divide" in report.diagnoses[0].text


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (mg.exp, [1000.0]),
        (lambda x: x * np.nan, [1.0, 2.0]),
        (lambda x: (x + 1e13) - 1e13, [0.3, 1.7]),
        (norm, [0.0, 0.0]),
    ],
    ids=["overflow", "nan", "cancellation", "norm"],
)
def test_what_could_not_be_verified_at_all_does_not_pass_in_silence(function, at) -> None:
    report = check_gradients(function, mg.tensor(at, dtype=mg.float64))
    assert not report.ok
    assert kinds(report) == {"unverified"}
    assert report.count(Verdict.WRONG) == 0
    assert "is wrong" not in report.to_text()
    assert "could not be verified" in report.summary()
    assert not mg.gradcheck(function, mg.tensor(at, dtype=mg.float64), raise_exception=False)


def test_zeros_and_nothing_at_all_are_verified() -> None:
    assert check_gradients(mg.floor, mg.tensor([0.5, 1.2])).ok
    assert check_gradients(mg.exp, mg.zeros(0, 3)).ok
    assert check_gradients(lambda x: mg.softmax(x, 0).sum(), draw(4)).count(Verdict.CORRECT) == 4
    layer_norm = mg.nn.functional.layer_norm
    assert check_gradients(lambda x: layer_norm(x, (4,)).sum(), draw(4)).count(Verdict.CORRECT) == 4


def test_a_report_says_what_it_verified() -> None:
    """In what type, and whether there was anything."""
    steep = lambda x, y: (mg.exp(100 * x), mg.floor(y))
    for dtype, y in (("float32", [0.5]), ("float16", [0.5, 1.5])):
        x = mg.tensor([0.95], dtype=getattr(mg, dtype))
        short = check_gradients(steep, (x, mg.tensor(y, dtype=x.dtype)))
        assert short.ok
        assert short.count(Verdict.INCONCLUSIVE) > 0
        for text in (str(short), short.to_html()):
            assert f"right in float64; not judged in {dtype}" in text
            assert "agree" not in text
        assert "ok in float64" in repr(short)
    some = check_gradients(lambda x: mg.exp(100 * x), mg.tensor([0.1, 0.95]))
    assert some.ok
    assert "gradients agree with finite differences: 2 correct, 2 inconclusive" in str(some)
    for empty in (
        check_gradients(mg.exp, mg.zeros(0, 3)),
        check_vjp(np.square, lambda g, x: 2 * g * x, np.ones((0, 2))),
    ):
        assert empty.ok
        assert str(empty) == "there are no entries to compare"
        assert str(empty) in empty.to_html()


def test_a_jump_is_called_a_jump() -> None:
    step = lambda x: mg.where(x > 0, x, x - 1)
    report = check_gradients(step, mg.tensor([0.0, 1.0], dtype=mg.float64))
    assert report.ok
    assert {note.kind for note in report.notes} == {"jump"}


@pytest.mark.parametrize("eps", [0.0, -1e-6, float("nan")])
def test_a_step_must_be_positive(eps: float) -> None:
    with pytest.raises(ValueError, match="eps"):
        mg.gradcheck(mg.exp, draw(3), eps=eps)


# ------------------------------------------------------------------------------- beside the numbers


def test_a_random_function_is_reported_as_such() -> None:
    rng = np.random.default_rng(0)
    report = check_gradients(lambda x: x * rng.standard_normal(3), draw(3))
    assert not report.ok
    assert kinds(report) == {"non-deterministic"}


@pytest.mark.parametrize(
    "net", [lambda x: x, mg.sum, lambda x: (3 * x).sum(), lambda x: mg.tanh(x)]
)
def test_a_vjp_that_forgets_its_cotangent_is_named_with_its_op(net) -> None:
    report = check_gradients(lambda x: net(op_with(lambda g, x: 3 * x * x)(x)), draw(3))
    assert not report.ok
    (diagnosis,) = report.diagnoses
    assert (diagnosis.kind, diagnosis.op) == ("without g", "cube")
    assert "does not depend on g" in diagnosis.text
    assert report.outcome() == "the gradient is wrong"


def edits_g(g, out, x):
    g *= out
    return g


def edits_out(g, out, x):
    out *= g
    return out.copy()


def edits_x(g, out, x):
    x *= 2
    return g * out


class EditsItsCotangent(mg.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g.mul_(2 * ctx.saved_tensors[0])


class EditsWhatItSaved(EditsItsCotangent):
    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return ctx.saved_tensors[0].mul_(2) * g


@pytest.mark.parametrize("net", [lambda x: x, lambda x: x + 1, lambda x: mg.sum(x * x)])
@pytest.mark.parametrize(
    ("function", "words"),
    [
        (mistaken(np.exp, edits_g), "changes g in place"),
        (mistaken(np.exp, edits_out), "changes out in place"),
        (mistaken(np.exp, edits_x), "changes x in place"),
        (EditsItsCotangent.apply, "EditsItsCotangent changes its cotangent in place"),
        (EditsWhatItSaved.apply, "EditsWhatItSaved changes a saved tensor in place"),
    ],
)
def test_a_vjp_that_changes_what_it_is_given_is_named(function, words: str, net) -> None:
    """Alone its numbers may be right; beside another reader of the same array they are not."""
    x = draw(3)
    before = x.numpy().copy()
    report = check_gradients(lambda x: net(function(x)) + x.sum(), x)
    assert not report.ok
    assert [d.kind for d in report.diagnoses] == ["in-place"]
    assert words in str(report)
    np.testing.assert_array_equal(x.numpy(), before)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_shorter_type_inside_is_named_and_blamed_on_no_vjp(dtype: str) -> None:
    short = getattr(mg, dtype)
    report = check_gradients(lambda x: mg.tanh(x.to(short)), mg.tensor([0.5, -0.25, 2.0]).double())
    assert kinds(report) <= {"unverified"}
    if not report.ok:
        assert f"rounds to {dtype}" in str(report)


def test_a_vjp_that_is_not_linear_is_found() -> None:
    report = check_gradients(op_with(lambda g, x: 3 * g * g * x * x), draw(3))
    assert "nonlinear" in kinds(report)


def test_inputs_and_parameters_are_restored_bit_for_bit() -> None:
    x = mg.tensor(np.array([0.1, 1e-300, -0.0, 1e300]), requires_grad=True)
    net = mg.nn.Linear(3, 2)
    before = [t.detach().numpy().copy() for t in (x, *net.parameters())]
    leaves = [p._node for p in net.parameters()]
    arrays = [p._array for p in net.parameters()]
    net(mg.ones(1, 3)).sum().backward()
    gradients = [p.grad for p in net.parameters()]
    check_gradients(lambda x: x * 2, x)
    report = check_gradients(lambda x: net(x), draw(4, 3, dtype="float32"), params=net)
    assert report.ok
    assert {j.input for j in report.jacobians} == {"weight", "bias"}
    for t, old in zip((x, *net.parameters()), before):
        assert t.detach().numpy().tobytes() == old.tobytes()
    assert [p._node for p in net.parameters()] == leaves
    assert all(p._array is a for p, a in zip(net.parameters(), arrays))
    assert all(p.grad is g for p, g in zip(net.parameters(), gradients))
    assert x.grad is None


def test_parameters_are_restored_when_the_function_fails() -> None:
    net = mg.nn.Linear(3, 2)
    array = net.weight._array

    def fails():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        check_gradients(fails, (), params=net)
    assert net.weight._array is array
    assert net.weight.dtype == np.float32


def test_a_function_that_differentiates_itself_can_be_checked() -> None:
    def penalty(x):
        with mg.enable_grad():
            y = (x * x * x).sum()
            (g,) = mg.autograd.grad(y, x, create_graph=True)
        return (g * g).sum()

    assert check_gradients(penalty, draw(3).requires_grad_()).ok


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((lambda x: x, mg.tensor([1, 2])), "floating-point"),
        ((lambda x: 3.0, mg.ones(2)), "no floating-point tensor"),
    ],
)
def test_what_cannot_be_checked_is_refused(arguments, words) -> None:
    with pytest.raises(TypeError, match=words):
        check_gradients(*arguments)
