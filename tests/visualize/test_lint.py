"""Common mistakes, found in the graph of a loss."""

from __future__ import annotations

import contextlib
import math
import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.visualize.graphs import leaf, perceptron


def kinds(findings: Any) -> set[str]:
    return {finding.kind for finding in findings}


def initialized(model: Any, init: Any) -> Any:
    for parameter in model.parameters():
        if parameter.ndim == 2:
            init(parameter)
    return model


class Attention(mg.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = mg.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.head = mg.nn.Linear(8, 4)

    def forward(self, x: Any) -> Any:
        return self.head(self.encoder(x.reshape(x.shape[0], -1, 8)).mean(1))


nn = mg.nn


HEALTHY = {
    "one layer": lambda: nn.Linear(8, 4),
    "narrow": lambda: perceptron([8, 4, 4], nn.ReLU),
    "wide": lambda: perceptron([8, 256, 4], nn.ReLU),
    "deep tanh": lambda: perceptron([8] + [16] * 8 + [4], nn.Tanh),
    "deep relu": lambda: perceptron([8] + [64] * 8 + [4], nn.ReLU),
    "deeper relu": lambda: initialized(
        perceptron([8] + [64] * 20 + [4], nn.ReLU), nn.init.kaiming_normal_
    ),
    "sigmoid": lambda: perceptron([8, 32, 32, 4], nn.Sigmoid),
    "gelu": lambda: initialized(perceptron([8, 32, 32, 4], nn.GELU), nn.init.xavier_uniform_),
    "batch norm": lambda: perceptron([8, 32, 32, 4], nn.ReLU, nn.BatchNorm1d),
    "layer norm": lambda: perceptron([8, 32, 32, 4], nn.ReLU, nn.LayerNorm),
    "convolution": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 2, 4)), nn.Conv2d(1, 6, 2), nn.BatchNorm2d(6), nn.ReLU(),
        nn.Flatten(), nn.Linear(18, 4),
    ),
    "attention": Attention,
}  # fmt: skip


@pytest.mark.parametrize("batch", [4, 64])
@pytest.mark.parametrize("net", HEALTHY)
def test_a_healthy_net_has_no_findings(net: str, batch: int) -> None:
    mg.random.manual_seed(0)
    rng = np.random.default_rng(0)
    model = HEALTHY[net]()
    x = mg.tensor(rng.normal(size=(batch, 8)).astype("f"))
    target = mg.tensor(rng.integers(0, 4, batch))

    def loss() -> Any:
        return mg.nn.functional.cross_entropy(model(x), target)

    assert str(mg.visualize.lint(loss, model)) == "nothing found"
    computed = loss()
    computed.backward()
    after = mg.visualize.lint(computed, model)
    assert not after
    assert str(after) == "nothing found"


def test_a_net_that_has_learned_all_is_healthy() -> None:
    """Its gradients are rounding errors, and so are some of its biases."""
    x = mg.tensor(np.random.default_rng(0).normal(size=(32, 3)).astype("f"))
    model = nn.Linear(3, 1)
    target = model(x).detach() * (1 + 1e-7)
    found = mg.visualize.lint(lambda: nn.functional.mse_loss(model(x), target), model)
    assert str(found) == "nothing found"


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (lambda: perceptron([8] + [16] * 20 + [4], nn.Sigmoid), "tiny gradient"),
        (
            lambda: initialized(
                perceptron([8] + [64] * 30 + [4], nn.ReLU), lambda w: nn.init.normal_(w, std=0.6)
            ),
            "huge gradient",
        ),
    ],
    ids=["vanishing", "exploding"],
)
def test_a_sick_net_has_findings_at_its_first_layer(model: Any, kind: str) -> None:
    mg.random.manual_seed(0)
    net = model()
    x = mg.randn(32, 8)
    target = mg.tensor(np.arange(32) % 4)
    found = mg.visualize.lint(lambda: nn.functional.cross_entropy(net(x), target), net)
    first = [f for f in found if f.module.startswith("0.weight")]
    assert [f.kind for f in first] == [kind]
    assert "W1" in first[0].op


def test_lint_finds_a_loss_without_a_graph() -> None:
    model, x = nn.Linear(2, 1), mg.ones(3, 2)
    with mg.no_grad():
        loss = model(x).sum()
        assert "leave the no_grad block" in str(mg.visualize.lint(loss, model))
    assert "inside no_grad" in str(mg.visualize.lint(loss, model))
    model.requires_grad_(False)
    assert "requires_grad_()" in str(mg.visualize.lint(lambda: model(x).sum(), model))
    assert [f.kind for f in mg.visualize.lint(loss)] == ["no graph"]


def test_lint_says_which_parameter_is_not_finite() -> None:
    model = perceptron([2, 3, 1], nn.Tanh)
    with mg.no_grad():
        model[2].weight[0, 0] = float("nan")
    found = mg.visualize.lint(lambda: model(mg.ones(4, 2)).sum(), model)
    destroyed = [f.module for f in found if "the parameter itself" in f.message]
    assert destroyed == ["2.weight"]


def test_lint_finds_unreached_parameters() -> None:
    model = mg.nn.Sequential(mg.nn.Linear(2, 2), mg.nn.Linear(2, 2))
    found = mg.visualize.lint(model[0](mg.ones(3, 2)).sum(), model)
    assert {f.module for f in found if f.kind == "unreached"} == {"1.weight", "1.bias"}


def test_lint_finds_dead_relus_and_zero_gradients() -> None:
    layer = mg.nn.Linear(2, 3)
    with mg.no_grad():
        layer.bias.copy_(mg.tensor([-100.0, 0.0, 0.0]))
    model = mg.nn.Sequential(layer, mg.nn.ReLU())
    found = mg.visualize.lint(lambda: model(mg.ones(4, 2)).sum(), model)
    dead = [f for f in found if f.kind == "dead relu"]
    assert len(dead) == 1
    assert dead[0].message.startswith("1 of 3 units")
    assert dead[0].module == "1: ReLU"
    with mg.no_grad():
        layer.bias.copy_(mg.tensor([-100.0, -100.0, -100.0]))
    assert "zero gradient" in kinds(mg.visualize.lint(lambda: model(mg.ones(4, 2)).sum()))


@pytest.mark.parametrize("dead", range(9))
def test_lint_counts_dead_units_however_many_they_are(dead: int) -> None:
    mg.random.manual_seed(0)
    model, x = perceptron([4, 8, 2], nn.ReLU), mg.randn(32, 4)
    with mg.no_grad():
        model[0].bias[:dead] = -100.0
    found = mg.visualize.lint(lambda: (model(x) ** 2).mean(), model)
    messages = [f.message for f in found if f.kind == "dead relu"]
    assert len(messages) == (dead > 0)
    assert all(message.startswith(f"{dead} of 8 units") for message in messages)


def test_many_findings_of_one_kind_are_one() -> None:
    mg.random.manual_seed(0)
    net, x = perceptron([8] + [16] * 20 + [4], nn.Sigmoid), mg.randn(32, 8)
    (found,) = mg.visualize.lint(lambda: net(x).mean(), net)
    assert re.fullmatch(r"0\.weight … \d+\.\w+: \d+ parameters", found.module)
    unused = [f for f in mg.visualize.lint(leaf([1.0]).sum(), net) if f.kind == "unreached"]
    assert [f.module for f in unused] == ["0.weight … 40.bias: 42 parameters"]


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (3,), (0,)])
def test_a_loss_is_a_single_number(shape: tuple[int, ...]) -> None:
    x = leaf(np.ones(shape), "x")
    found = kinds(mg.visualize.lint(x * 1e7))
    assert found == ({"huge gradient"} if math.prod(shape) == 1 else {"several losses"})


def test_a_weight_beside_a_first_state_of_zeros_is_healthy() -> None:
    cell, x = nn.LSTMCell(3, 4), mg.randn(5, 3)
    assert not mg.visualize.lint(lambda: cell(x)[0].sum(), cell)


@pytest.mark.parametrize(
    ("loss", "op"),
    [
        (lambda x, t, y: nn.functional.cross_entropy(mg.softmax(x, dim=1), t), "softmax"),
        (lambda x, t, y: nn.functional.cross_entropy(mg.log_softmax(x, dim=1), t), "log softmax"),
        (lambda x, t, y: nn.functional.nll_loss(mg.softmax(x, dim=1), t), "take"),
        (
            lambda x, t, y: nn.functional.binary_cross_entropy_with_logits(
                mg.sigmoid(x).reshape(-1), y
            ),
            "σ",
        ),
    ],
    ids=["softmax", "log_softmax", "nll_loss", "sigmoid"],
)
def test_lint_finds_what_a_loss_applies_itself(loss: Any, op: str) -> None:
    scores, target = leaf(np.eye(3)), mg.tensor(np.arange(3))
    found = mg.visualize.lint(loss(scores, target, mg.ones(9)))
    assert [f.kind for f in found] == ["double softmax"]
    assert found[0].op.startswith(op)


@pytest.mark.parametrize("loss", [nn.functional.cross_entropy, nn.functional.nll_loss])
def test_losses_of_what_they_expect_are_sound(loss: Any) -> None:
    scores = leaf(np.eye(3))
    given = mg.log_softmax(scores, dim=1) if loss is nn.functional.nll_loss else scores
    assert not mg.visualize.lint(loss(given, mg.tensor(np.arange(3))))


def test_lint_finds_a_missing_zero_grad() -> None:
    x, z = leaf([1.0, 2.0], "x"), leaf([3.0, 4.0], "z")

    def loss() -> Any:
        return (x * z).sum()

    for recorded in (False, True):
        x.grad = z.grad = None
        loss().backward()
        loss().backward()
        found = mg.visualize.lint(loss)
        assert [(f.kind, f.module) for f in found] == [("missing zero_grad", "x, z")], "one line"
        with mg.visualize.record_values() if recorded else contextlib.nullcontext():
            again = loss()
        again.backward()
        assert kinds(mg.visualize.lint(again)) == {"missing zero_grad"}
        x.grad = z.grad = None
        with mg.visualize.record_values() if recorded else contextlib.nullcontext():
            alone = loss()
        alone.backward()
        assert not mg.visualize.lint(alone)


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("make", [mg.optim.SGD, mg.optim.Adam])
def test_a_loop_that_clears_its_gradients_has_no_findings(make: Any, clip: bool) -> None:
    mg.random.manual_seed(0)
    model, x, target = perceptron([3, 16, 1], nn.Tanh), mg.randn(8, 3), mg.randn(8, 1)
    optimizer = make(model.parameters(), lr=0.01)

    def loss() -> Any:
        return nn.functional.mse_loss(model(x), target)

    with mg.visualize.record_values():
        for _ in range(3):
            optimizer.zero_grad()
            computed = loss()
            computed.backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
    assert str(mg.visualize.lint(computed, model)) == "nothing found"
    assert str(mg.visualize.lint(loss, model)) == "nothing found"


def test_lint_finds_a_column_against_a_row() -> None:
    prediction, target = leaf(np.ones((5, 1))), mg.ones(5)
    for loss in ((prediction - target).sum(), (target * prediction).sum()):
        found = [f for f in mg.visualize.lint(loss) if f.kind == "stretched shapes"]
        assert len(found) == 1
        assert "(5, 1)" in found[0].message
    sound = ((prediction - mg.ones(5, 1)) * mg.ones(1)).sum()
    assert "stretched shapes" not in kinds(mg.visualize.lint(sound))
    vector = leaf(np.arange(5))
    assert not mg.visualize.lint(((vector[:, None] - vector) ** 3).sum()), "all pairs, on purpose"


@pytest.mark.parametrize(
    ("loss", "op"),
    [
        (lambda p: (mg.log(p) * 2).sum(), "log(p)"),
        (lambda p: (mg.exp(p * 1000) - 1).sum(), "exp(t1)"),
        (lambda p: ((p * 1e30) ** 3).sum(), "t1^3"),
        (lambda p: mg.where(p > 0, mg.sqrt(p), 0.0).sum(), "√p"),
        (lambda p: mg.where(p > 0, 1 / p, 0.0).sum(), "1 / p"),
    ],
    ids=["log", "exp", "overflow", "derivative", "masked"],
)
def test_lint_finds_where_numbers_stop_being_finite(loss: Any, op: str) -> None:
    p = leaf([0.0, 1.0], "p")
    with np.errstate(all="ignore"):
        found = mg.visualize.lint(lambda: loss(p))
    assert {(f.kind, f.op) for f in found} == {("not finite", op)}, "the cause, no consequences"
    assert ("too large" in found[0].message) == (op == "t1^3")


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["x", "y"])
def test_numbers_that_are_not_finite_in_the_data_are_its_fault(where: str, bad: float) -> None:
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(5, 2)).astype("f"), "y": rng.normal(size=(5, 3)).astype("f")}
    data[where][3, 1] = bad
    x, y = mg.tensor(data["x"]), mg.tensor(data["y"])
    model = nn.Linear(2, 3)

    def loss() -> Any:
        return nn.functional.mse_loss(model(x), y)

    (found,) = mg.visualize.lint(loss, model, names={"x": x, "y": y})
    assert (found.kind, found.module) == ("not finite", f"{where} (constant)")
    assert found.message.startswith(f"1 of {data[where].size} entries is ")
    computed = loss()
    for backward in (False, True):  # where numbers were not kept, nothing is said about them
        if backward:
            computed.backward()
        (found,) = mg.visualize.lint(computed, model)
        assert found.kind == "not finite"
        assert "operands are finite" not in found.message


def test_infinity_that_spoils_nothing_is_no_mistake() -> None:
    scores, mask = leaf(np.eye(3), "scores"), mg.tensor(np.triu(np.full((3, 3), -np.inf), 1))
    weights = mg.tensor(np.arange(9.0).reshape(3, 3))
    hidden = mg.tensor(np.triu(np.ones((3, 3)), 1) > 0)
    assert not mg.visualize.lint(lambda: (mg.softmax(scores + mask, 1) * weights).sum())
    masked = mg.masked_fill(scores, hidden, -np.inf)
    assert not mg.visualize.lint((mg.softmax(masked, 1) * weights).sum())


@pytest.mark.parametrize(("scale", "kind"), [(1e-12, "tiny gradient"), (1e6, "huge gradient")])
def test_lint_finds_gradients_out_of_proportion(scale: float, kind: str) -> None:
    x = leaf([1.0, 2.0])
    assert kind in kinds(mg.visualize.lint((x * scale).sum()))
