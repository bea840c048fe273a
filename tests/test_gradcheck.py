"""The gradient checker: verdicts, diagnoses, what it leaves alone, how it reports."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import GradientError, Verdict, check_gradients, check_vjp
from tests.false_alarms import cases, check

ROOT = Path(__file__).parent.parent


def draw(*shape: int, seed: int = 0, dtype: str = "float64") -> mg.Tensor:
    return mg.tensor(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def op_with(vjp: Any) -> Any:
    """The cube, with a VJP that may be wrong."""

    @mg.op(vjp)
    def cube(x):
        return x * x * x

    return cube


def mistaken(forward: Any, *vjps: Any) -> Any:
    """An op with mistaken VJPs, for an operand `x`, or for `x` and `y`."""
    if len(vjps) == 1:
        return mg.op(*vjps)(lambda x: forward(x))
    return mg.op(*vjps)(lambda x, y: forward(x, y))


def kinds(report: mg.testing.Report) -> set[str]:
    return {diagnosis.kind for diagnosis in report.diagnoses}


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


# ---------------------------------------------------------------------------------------- diagnoses


def test_a_wrong_op_is_named_in_a_composite() -> None:
    wrong = op_with(lambda g, x: -3 * g * x * x)
    report = check_gradients(lambda x: mg.exp(wrong(mg.sin(x)) + x), draw(3))
    assert report.diagnoses[0].op == "cube"
    assert report.diagnoses[0].kind == "sign"


def test_a_wrong_layer_is_named_with_its_place() -> None:
    class Layer(mg.nn.Module):
        def forward(self, x):
            return op_with(lambda g, x: 0 * g)(x)

    net = mg.nn.Sequential(mg.nn.Linear(3, 3), Layer(), mg.nn.Tanh())
    report = check_gradients(net, draw(2, 3), params=net)
    assert report.diagnoses[0].op == "cube"
    assert "Layer" in report.diagnoses[0].text


@pytest.mark.parametrize(
    "function",
    [lambda x: x * x.detach(), lambda x: x * mg.exp(mg.tensor(x.detach().numpy())) + x],
    ids=["detach", "numpy"],
)
def test_a_contribution_that_was_cut_off_is_named(function) -> None:
    report = check_gradients(function, draw(3))
    assert report.diagnoses[0].kind == "dropped"
    assert report.diagnoses[0].op == "mul"


def relu(x):
    return np.maximum(x, 0)


ENTRIES = np.array([[-0.5, 1.0, 2.0], [-1.5, 3.0, 0.0]])
MATRIX = np.random.default_rng(8).standard_normal((4, 4))


@pytest.mark.parametrize(
    ("forward", "vjp", "x", "said", "unsaid"),
    [
        (relu, lambda g, x: g * np.where(x == 0, 5.0, x > 0), ENTRIES,
         "wrong only where x is zero; there it is 5", "transposed"),
        (relu, lambda g, x: g, ENTRIES, "wrong only where x is negative", "transposed"),
        (relu, lambda g, x: g, ENTRIES, "the cotangent is passed on", "shifted"),
        (np.exp, lambda g, out: g * out * (1 - 1e-5), ENTRIES, "0.001 % too small", "transposed"),
        (np.exp, lambda g, out: 1.02 * g * out, ENTRIES, "2 % too large", "factor 2"),
        (np.tanh, lambda g, out: g * (1 - out), ENTRIES, "a factor 1 + out is missing", "x is"),
        (np.tanh, lambda g, x: g * (1 - x**2), ENTRIES, "uses 1 - x², with x where out belongs",
         "usual mistakes"),
        (np.square, lambda g, out: 2 * g * out, MATRIX, "a factor x too many", "usual mistakes"),
        (np.square, lambda g, x: g * x**2, MATRIX, "it is 1/2 of what it should be", "only where"),
        (np.square, lambda g, x: 2 * g * np.roll(x, 1, 0), MATRIX, "numbers that are off by one",
         "usual mistakes"),
        (np.square, lambda g, x: 2 * np.roll(g, 1, 0) * x, MATRIX, "the cotangent is off by one",
         "usual mistakes"),
        (lambda x: x / (1 + np.exp(-x)), lambda g, x: g / (1 + np.exp(-x)), MATRIX,
         "only one factor is differentiated", "usual mistakes"),
        (lambda x: np.clip(x, -0.5, 0.5), lambda g, x: g, MATRIX,
         "wrong only where |x| is", "transposed"),
        (lambda x: x.mean(0), lambda g, x: np.broadcast_to(g / 5, x.shape),
         np.eye(3, 5), "a mean divides by 5 instead of 3", "chain rule"),
        (np.linalg.inv, lambda g, out: -out @ g @ out, MATRIX, "not by its transpose", "usual"),
        (lambda x: x.T.copy(), lambda g, x: g, MATRIX, "it is transposed", "diagonal"),
        (lambda x: x.sum(1), lambda g, x: g[:, None] * (np.indices(x.shape)[0] < 3), MATRIX + 5,
         "at position 3 of axis 0 of x; there it is zero", "transposed"),
    ],
)  # fmt: skip
def test_the_words_fit_the_mistake(forward, vjp, x, said: str, unsaid: str) -> None:
    report = check_gradients(mistaken(forward, vjp), mg.tensor(x))
    text = " ".join(diagnosis.text for diagnosis in report.diagnoses)
    assert not report.ok
    assert said in text
    assert unsaid not in text


def test_mistakes_at_ties_of_two_operands_are_placed() -> None:
    both = mistaken(
        np.maximum, lambda g, x, y: g * (x >= y) + g * (x == y), lambda g, x, y: g * (y > x)
    )
    x, y = ENTRIES, ENTRIES + 1
    y[0, 1] = x[0, 1]
    report = check_gradients(both, (mg.tensor(x), mg.tensor(y)))
    assert kinds(report) == {"where tied"}
    assert "where x equals y; there it is 2" in report.diagnoses[0].text


@pytest.mark.parametrize("net", [lambda x: x, lambda x: mg.tanh(x @ x.T).sum()])
def test_one_wrong_entry_is_named_and_nothing_else_is_claimed(net) -> None:
    place = np.zeros_like(MATRIX)
    place[1, 2] = 0.7
    wrong = mistaken(np.exp, lambda g, out: g * (out + place))
    report = check_gradients(lambda x: net(wrong(x)), mg.tensor(MATRIX))
    assert "[1, 2] is wrong" in report.diagnoses[0].text
    assert {d.kind for d in report.diagnoses if d.op} == {"unknown"}


SYMMETRIC = {
    "cholesky": mg.linalg.cholesky,
    "eigvalsh": mg.linalg.eigvalsh,
    "eigenvectors": lambda x: mg.linalg.eigh(x)[1] ** 2,
}


@pytest.mark.parametrize("name", SYMMETRIC)
def test_functions_of_symmetric_matrices_are_not_blamed(name: str) -> None:
    function = SYMMETRIC[name]
    covariance = MATRIX @ MATRIX.T
    alone = check_gradients(function, mg.tensor((covariance + covariance.T) / 2))
    assert alone.ok
    assert "one triangle" in {note.kind for note in alone.notes}
    wrong = mistaken(np.square, lambda g, x: -2 * g * x)
    inside = check_gradients(lambda x: wrong(function(x @ x.mT)), mg.tensor(MATRIX))
    assert {d.op for d in inside.diagnoses if d.op} == {"<lambda>"}
    half = mistaken(np.linalg.cholesky, lambda g, out: g)
    assert not check_gradients(half, mg.tensor((covariance + covariance.T) / 2)).ok


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (2,), (2, 2, 2)])
@pytest.mark.parametrize("mistake", [-1.0, 0.0, 2.0, 1.234, np.nan])
def test_mistakes_are_named_for_inputs_of_any_shape(shape, mistake: float) -> None:
    wrong = mistaken(np.exp, lambda g, out: mistake * g * out)
    kind = (
        {-1.0: "sign", 0.0: "zero"}.get(mistake, "factor") if mistake == mistake else "non-finite"
    )
    report = check_gradients(wrong, draw(*shape))
    assert report.diagnoses[0].kind == kind
    inside = check_gradients(lambda x: wrong(x * 2) + 1, draw(*shape))
    assert {(d.kind, d.op) for d in inside.diagnoses if d.op} == {(kind, "<lambda>")}


def test_a_number_taken_out_of_the_graph_is_named() -> None:
    report = check_gradients(lambda x: x * x.detach().sum().item(), draw(3))
    assert report.diagnoses[0].kind == "dropped"


class BroadcastAdd(mg.autograd.Function):
    """Its backward forgets to sum over the broadcast axis."""

    @staticmethod
    def forward(ctx: Any, x: Any, b: Any) -> Any:
        return x + b

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g, g


def test_a_missing_broadcast_sum_of_a_function_is_found() -> None:
    report = check_gradients(BroadcastAdd.apply, (draw(3, 4), draw(4, seed=1)))
    assert not report.ok
    assert kinds(report) == {"missing sum"}


def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "examples")  # as for a script that is run there
    path = ROOT / "examples" / "check_my_backprop.py"
    spec = importlib.util.spec_from_file_location("check_my_backprop", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_finds_and_names_its_three_mistakes(capsys, monkeypatch) -> None:
    module = example(monkeypatch)
    assert module.main() == 0
    shown = capsys.readouterr().out
    for words in (
        "a mean over 16 is missing its 1/16",
        "sum over the broadcast axis",
        "sign is flip",
    ):
        assert words in shown
    for name, words in [("w1", "sign is flipped"), ("b2", "broadcast"), ("w2", "16 times")]:
        line = next(line for line in shown.splitlines() if f"gradient of {name}" in line)
        assert words in line


# --------------------------------------------------------------------- hand-written backward passes

X, W, B = (np.random.default_rng(5).standard_normal(shape) for shape in ((5, 3), (3, 4), (4,)))


def layer(x, w, b):
    return np.tanh(x @ w + b)


def layer_vjp(g, x, w, b, slope=lambda out: 1 - out**2):
    d = g * slope(layer(x, w, b))
    return d @ w.T, x.T @ d, d.sum(0)


def test_a_correct_handwritten_vjp_passes() -> None:
    report = check_vjp(layer, layer_vjp, (X, W, B))
    assert report.ok
    assert report.count(Verdict.CORRECT) == 20 * (15 + 12 + 4)


@pytest.mark.parametrize(
    ("vjp", "kind"),
    [
        (lambda *a: layer_vjp(*a, slope=np.ones_like), "chain"),
        (lambda *a: (*layer_vjp(*a)[:2], layer_vjp(*a)[2] / 5), "factor"),
        (lambda *a: (*layer_vjp(*a)[:2], 0 * layer_vjp(*a)[2]), "zero"),
        (lambda *a: (layer_vjp(*a)[0], -layer_vjp(*a)[1], layer_vjp(*a)[2]), "sign"),
        (lambda *a: (np.roll(layer_vjp(*a)[0], 1, 0), *layer_vjp(*a)[1:]), "shifted"),
        (lambda *a: (*layer_vjp(*a)[:2], np.zeros((5, 4))), "missing sum"),
        (lambda *a: (layer_vjp(*a)[0].T, *layer_vjp(*a)[1:]), "transposed"),
        (lambda *a: (layer_vjp(*a)[0][:2], *layer_vjp(*a)[1:]), "shape"),
    ],
)
def test_mistakes_in_a_handwritten_vjp_are_named(vjp, kind: str) -> None:
    report = check_vjp(layer, vjp, {"x": X, "w": W, "b": B})
    assert not report.ok
    assert kind in kinds(report)


def test_square_matrices_multiplied_the_wrong_way_round() -> None:
    a, b = np.random.default_rng(6).standard_normal((2, 3, 3))
    report = check_vjp(np.matmul, lambda g, x, y: (g @ y, x.T @ g), (a, b))
    assert kinds(report) == {"transposed"}


def test_swapped_gradients_are_named() -> None:
    a, b = np.random.default_rng(6).standard_normal((2, 3, 3))
    report = check_vjp(np.multiply, lambda g, x, y: (g * x, g * y), (a, b))
    assert "other input" in kinds(report)


def test_check_vjp_leaves_the_arrays_alone_and_counts_gradients() -> None:
    before = X.copy()

    def mutating(g, x, w, b):
        x *= 2
        return layer_vjp(g, x / 2, w, b)

    assert "in-place" in kinds(check_vjp(layer, mutating, (X, W, B)))
    np.testing.assert_array_equal(X, before)
    with pytest.raises(ValueError, match="2 gradients for 3 inputs"):
        check_vjp(layer, lambda *a: layer_vjp(*a)[:2], (X, W, B))


# ----------------------------------------------------------------------- gradcheck, and its reports


def test_gradcheck_passes_or_raises_shortly() -> None:
    x = draw(3, 4).requires_grad_()
    assert mg.gradcheck(lambda x: mg.exp(x), x)
    assert mg.autograd.gradcheck(lambda x: mg.exp(x), x, eps=1e-6, atol=1e-5, rtol=1e-3)
    wrong = op_with(lambda g, x: -3 * g * x * x)
    assert not mg.gradcheck(wrong, x, raise_exception=False)
    with pytest.raises(GradientError, match="sign is flipped") as caught:
        mg.gradcheck(wrong, x)
    message = str(caught.value)
    worst = caught.value.report.worst()
    assert message.splitlines()[0].endswith(str(worst))
    assert "correct" in message
    assert "wrong" in message
    assert len(message.splitlines()) < 10
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, AssertionError)


def test_given_tolerances_are_used() -> None:
    x = draw(3).requires_grad_()
    wrong = op_with(lambda g, x: 3.03 * g * x * x)
    assert mg.gradcheck(wrong, x, rtol=0.05)
    assert not mg.gradcheck(wrong, x, rtol=0.001, raise_exception=False)
    assert mg.gradcheck(wrong, x, eps=1e-6, rtol=0.05)
    assert not mg.gradcheck(wrong, x, eps=1e-6, rtol=1e-3, raise_exception=False)


@mg.op(lambda g, x: g * 2 * np.where(x == x, x, x).copy() if type(x) is np.ndarray else g * x * x)
def _right_first_wrong_second(x):
    return x * x


def test_gradgradcheck_checks_the_second_derivative() -> None:
    x = draw(3).requires_grad_()
    assert mg.gradgradcheck(lambda x: mg.exp(x * x), x)
    assert mg.gradgradcheck(lambda x, y: x @ y, (draw(2, 3), draw(3, 2, seed=1)))
    assert mg.gradcheck(_right_first_wrong_second, x)
    assert not mg.gradgradcheck(_right_first_wrong_second, x, raise_exception=False)


class _CutOff(mg.autograd.Function):
    """A square whose gradient is right, and loses its own."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return 2 * g * ctx.saved_tensors[0].detach()


@pytest.mark.parametrize(
    ("square", "outcome", "names"),
    [
        (
            _right_first_wrong_second,
            "could not be checked",
            "the gradient of rows that create_graph",
        ),
        (
            _CutOff.apply,
            "is wrong",
            "out[0] is the gradient of rows, out[1] is the gradient of col",
        ),
    ],
)
def test_a_failed_gradgradcheck_says_that_it_is_the_second_derivative(
    square, outcome: str, names: str
) -> None:
    def function(rows, columns):
        return mg.sin(columns) * square(rows)

    with pytest.raises(GradientError) as caught:
        mg.gradgradcheck(function, (draw(3), draw(3, seed=1)))
    words = str(caught.value)
    assert words.startswith(f"the second derivative {outcome}")
    assert f"the second derivative {outcome}" in caught.value.report.to_html()
    assert names in words
    assert "input 0" not in words
    with pytest.raises(GradientError, match=r"^the gradient is wrong"):
        mg.gradcheck(op_with(lambda g, x: g * x), draw(3))


def test_reports_read_well_as_text_and_as_a_page() -> None:
    wrong = op_with(lambda g, x: -3 * g * x * x)
    report = check_gradients(lambda x: wrong(x), mg.tensor([[0.5, 2.0]], dtype=mg.float64))
    text, page = report.to_text(), report.to_html()
    assert "-12" in text
    assert "sign is flipped" in text
    assert page.count("<table") == 3
    assert page == report._repr_html_()
    assert "sign is flipped" in page
    assert "WRONG" in repr(report)
    entry = report.worst()
    assert entry.numeric == pytest.approx(-entry.analytic)
    assert entry.verdict is Verdict.WRONG


def test_the_page_prints_the_numbers_of_a_small_jacobian_and_says_what_colours_mean() -> None:
    x = draw(2, 3)
    page = check_gradients(lambda x: 3 * x, x).to_html()
    assert page.count("<td") == 3 * 36
    assert page.count(">3</td>") == 2 * 6  # by both methods
    assert page.count(">correct</td>") == 36
    assert page.count("<th>x[1, 2]</th>") == 3
    for word in ("negative", "positive", "correct", "wrong", "kink", "inconclusive"):
        assert word in page.split("<h3>")[0]
    large = check_gradients(lambda x: 3 * x, draw(30)).to_html()
    assert large.count("<svg") == 3
    assert large.count("<rect") == 3 * 900
    assert "<table" not in large


@pytest.mark.parametrize(("i", "j"), [(0, 0), (59, 3), (33, 49)])
def test_the_page_of_a_large_jacobian_shows_the_worst_entry_and_what_is_around_it(
    i: int, j: int
) -> None:
    a = np.random.default_rng(0).standard_normal((60, 50))

    def vjp(g: Any, x: Any) -> Any:
        out = a.T @ g.ravel()
        out[j] += g.ravel()[i]
        return out.reshape(x.shape)

    report = check_vjp(lambda x: (a @ x.ravel()).reshape(6, 10), vjp, np.zeros((5, 10)))
    worst, page = report.worst(), report.to_html()
    assert worst.output_index == divmod(i, 10)
    assert worst.input_index == divmod(j, 10)
    assert page.count(f"<title>{worst}</title>") == 3  # in each of the three maps
    assert page.count("<title>") == 3 * 40 * 40
    pattern = ", ".join([r"(\d+)"] * 2)
    ends = re.search(
        rf"out\[{pattern}\] to out\[{pattern}\] and x\[{pattern}\] to x\[{pattern}\], around", page
    )
    row, row_end, column, column_end = np.array(ends.groups(), int).reshape(4, 2) @ [10, 1]
    assert row <= i <= row_end == row + 39
    assert column <= j <= column_end == column + 39
    for x, y, size in re.findall(r'class="worst" x="(\d+)" y="(\d+)" width="(\d+)"', page):
        assert int(y) // int(size) == i - row
        assert int(x) // int(size) == j - column
    assert f'text-anchor="end" dominant-baseline="central">{row // 10},{row % 10}<' in page


def test_the_page_has_colours_for_dark_screens() -> None:
    page = check_gradients(lambda x: 3 * x, draw(2)).to_html()
    light, dark = re.search(r"(.*)@media \(prefers-color-scheme: dark\)(.*?)}", page, re.S).groups()
    used = set(re.findall(r"var\(--(\w+)\)", page))
    for part in (light, dark):
        assert used <= set(re.findall(r"--(\w+): #", part))


def test_the_page_has_the_colours_of_the_pages_of_explain() -> None:
    css = (ROOT / "minigrad" / "visualize" / "page" / "page.css").read_text(encoding="utf-8")
    shades = {
        sign: tuple(map(int, re.search(rf"--{sign}: (\d+), (\d+), (\d+);", css).groups()))
        for sign in ("positive", "negative")
    }
    page = check_gradients(lambda x: x * mg.tensor([2.0, -2.0]), draw(2)).to_html()
    for sign, shade in shades.items():
        (cell,) = {
            c
            for c, n in re.findall(r"background:rgb\(([\d,]+)\)\">(.?2)<", page)
            if (n == "2") == (sign == "positive")
        }
        found = np.array(cell.split(","), int) - 255
        np.testing.assert_allclose(found / (np.array(shade) - 255), 0.6, atol=0.02)


# --------------------------------------------------------------------------------------- assertions


def test_assert_close_names_the_worst_entry() -> None:
    a = np.arange(6.0).reshape(2, 3)
    mg.testing.assert_close(mg.tensor(a), a + 1e-9)
    with pytest.raises(AssertionError, match=r"1 of 6 .* \(1, 2\).*5\.0.*expected.*5\.5"):
        mg.testing.assert_close(a, a + 0.5 * (a == 5))
    with pytest.raises(AssertionError, match="dtype"):
        mg.testing.assert_close(a, a.astype("float32"))
    with pytest.raises(AssertionError, match="shape"):
        mg.testing.assert_close(a, a.T)
    with pytest.raises(AssertionError):
        mg.testing.assert_close(np.array([np.nan]), np.array([np.nan]))
    mg.testing.assert_close(np.array([np.nan]), np.array([np.nan]), equal_nan=True)


def test_assert_gradients_close() -> None:
    x, w = draw(3).requires_grad_(), draw(3, seed=1).requires_grad_()
    y = (x * w).sum()
    want = w.detach().numpy(), x.detach().numpy()
    mg.testing.assert_gradients_close(y, [x, w], want)
    with pytest.raises(AssertionError, match="input 1"):
        mg.testing.assert_gradients_close(y, [x, w], (want[0], 2 * want[1]))
    with pytest.raises(AssertionError, match="is not None"):
        mg.testing.assert_gradients_close(y, [x, w], (want[0], None))


# ---------------------------------------------------------------------------- Hypothesis strategies


def test_strategies_draw_what_they_say() -> None:
    hypothesis = pytest.importorskip("hypothesis")
    strategies = mg.testing.strategies

    @hypothesis.settings(max_examples=50, deadline=None, database=None)
    @hypothesis.given(strategies.broadcastable_shapes(), strategies.well_spaced_arrays(scale=10.0))
    def check(pair: Any, array: np.ndarray) -> None:
        np.broadcast_shapes(*pair)
        flat = np.sort(np.append(array.ravel(), 0))
        assert np.all(np.diff(flat) >= 0.499)

    check()


# ------------------------------------------------------------------- found by trying to break it


def test_an_infinite_entry_is_inconclusive_and_ends() -> None:
    report = mg.testing.check_gradients(lambda x: x * x, mg.tensor(np.array([np.inf, 1.0])))
    verdicts = report.to_text()
    assert report.ok
    assert "inconclusive" in verdicts


@pytest.mark.parametrize("right", [True, False])
def test_a_backward_pass_may_edit_its_cotangent(right: bool) -> None:
    """``g *= ...; return g`` is how people write it; it is judged by its numbers alone."""

    def backward(g: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.multiply(g, (2 if right else 3) * x, out=g)

    report = mg.testing.check_vjp(lambda x: x * x, backward, (np.array([-1.0, 0.5, 2.0]),))
    assert report.ok == right
    assert "not linear" not in report.to_text()


@pytest.mark.parametrize("check", [mg.gradcheck, mg.gradgradcheck])
def test_pytorchs_other_options_are_taken_or_refused(check: Any) -> None:
    x = draw(3).requires_grad_()
    harmless = {"nondet_tol": 1e-8, "check_undefined_grad": False, "fast_mode": True}
    assert check(lambda x: mg.exp(x), x, check_batched_grad=False, masked=None, **harmless)
    for asked in ({"check_batched_grad": True}, {"masked": True}, {"check_forward_ad": True}):
        with pytest.raises(NotImplementedError, match="is not supported"):
            check(lambda x: mg.exp(x), x, **asked)
    with pytest.raises(TypeError, match="unexpected keyword argument 'tolerance'"):
        check(lambda x: mg.exp(x), x, tolerance=1e-3)


def test_gradgradcheck_refuses_what_has_no_derivative() -> None:
    for fn, x in ((lambda x: x * 2, mg.tensor([1, 2])), (lambda x: x.long(), draw(3))):
        with pytest.raises(TypeError, match="floating-point tensor"):
            mg.gradgradcheck(fn, x)
