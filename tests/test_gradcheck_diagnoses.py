"""The gradient checker names the mistake, and the op or the input."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import Verdict, check_gradients, check_vjp
from tests.gradcheck_cases import draw, kinds, mistaken, op_with

ROOT = Path(__file__).parent.parent


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
