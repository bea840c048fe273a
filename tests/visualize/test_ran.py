"""Pictures of everything that ran: what needs no gradient, and where gradients end."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import Node
from minigrad.visualize import folding, values
from tests.visualize.eight_nets import NETS, STEPS, chain, detached, recurrent, tied, transformer
from tests.visualize.graphs import leaf, texts_of


def described(make: Callable[[Any], Any]) -> Any:
    mg.manual_seed(0)
    model, x = make(mg)
    return mg.visualize.describe(model, x), model, x


def before(description: Any, index: int) -> set[int]:
    """All that a vertex was computed from, also where no gradient goes."""
    steps: dict[int, set[int]] = {v.index: set(v.inputs) for v in description.vertices}
    for cut in description.cuts:
        for target in cut.targets:
            steps[target].add(cut.source)
    found, stack = set(), [index]
    while stack:
        new = steps[stack.pop()] - found
        found |= new
        stack += new
    return found


@pytest.mark.parametrize("make", NETS, ids=lambda make: make.__name__)
def test_the_input_and_every_parameter_lead_to_the_result(make: Callable[[Any], Any]) -> None:
    description, model, x = described(make)
    root = description.roots[0]
    leading = before(description, root)
    named = {description.vertices[i].name for i in leading}
    assert {"x", *[name for name, _ in model.named_parameters()]} <= named
    given = next(v for v in description.vertices if v.name == "x")
    assert np.array_equal(given.value, x.numpy())


@pytest.mark.parametrize("make", NETS, ids=lambda make: make.__name__)
def test_each_number_is_that_of_the_op_on_the_numbers_before_it(make: Any) -> None:
    """What needs no gradient is run again, too: its forward on the values of its operands."""
    description, _, _ = described(make)
    known = {v.index: v.value for v in description.vertices}
    ops = [v for v in description.vertices if v.kind == "op"]
    for vertex in ops:
        assert known[vertex.index] is not None
        if vertex.edge is not None and not vertex.others:
            out = values.run(vertex.edge, values.operand_values(vertex, description) or [])[0]
            parts = out if isinstance(out, tuple) else (out,)
            given = known[vertex.index] if isinstance(out, tuple) else (known[vertex.index],)
            for a, b in zip(parts, given):
                assert np.allclose(a, b, rtol=1e-5, atol=1e-7, equal_nan=True)
    assert ops


@pytest.mark.parametrize("options", [(0, True), (1, True), (2, True), (None, True), (None, False)])
@pytest.mark.parametrize("make", NETS, ids=lambda make: make.__name__)
def test_a_folded_picture_keeps_all_its_arrows(make: Any, options: tuple[Any, bool]) -> None:
    description, _, _ = described(make)
    plan = folding.layout(description, *options)
    owner = {i: box.name for box in plan.boxes for i in box.members}
    assert set(owner) == {v.index for v in description.vertices}, "each tensor is in a box"
    assert sum(len(box.members) for box in plan.boxes) == len(owner), "and in one"
    wanted = {
        (owner[i], owner[v.index])
        for v in description.vertices
        for i in v.inputs
        if owner[i] != owner[v.index]
    }
    assert set(plan.edges) == wanted
    drawn = {start for start, _ in plan.edges} | {end for _, end in plan.edges}
    alone = {box.name for box in plan.boxes} - drawn
    cut = {owner[c.source] for c in description.cuts}
    cut |= {owner[i] for c in description.cuts for i in c.targets}
    assert len(plan.boxes) == 1 or alone <= cut, "nothing stands by itself"


def detach_then_multiply(x: Any) -> Any:
    y = mg.exp(x)
    return y * y.detach()


def data_of_a_result(x: Any) -> Any:
    y = mg.exp(x)
    return y * y.data


def without_gradient(x: Any) -> Any:
    y = mg.exp(x)
    with mg.no_grad():
        factor = mg.sin(y)
    return y * factor


def a_leaf_without_gradient(x: Any) -> Any:
    with mg.no_grad():
        factor = mg.sin(x)
    return x * factor


def a_number(x: Any) -> Any:
    y = mg.exp(x)
    size = y.mean().item()
    return y * size


def as_float(x: Any) -> Any:
    y = mg.exp(x)
    return y * float(y.sum())


def begun_anew(x: Any) -> Any:
    y = mg.exp(x)
    z = y.detach().requires_grad_()
    return z * 3


def an_array(x: Any) -> Any:
    y = mg.exp(x)
    return y * mg.tensor(y.detach().numpy() + 1)


def sorted_places(x: Any) -> Any:
    y = mg.exp(x)
    return y[mg.argmax(y.detach())] * y.sum()


CUTS: list[tuple[Callable[[Any], Any], set[tuple[str, str]], str]] = [
    # program, what is cut and the op (or leaf) before it, the line that made it
    (detach_then_multiply, {("detach", "exp")}, "return y * y.detach()"),
    (data_of_a_result, {("detach", "exp")}, "return y * y.data"),
    (without_gradient, {("no_grad", "exp")}, "factor = mg.sin(y)"),
    (a_leaf_without_gradient, {("no_grad", "x")}, "factor = mg.sin(x)"),
    (a_number, {("item()", "mean")}, "size = y.mean().item()"),
    (as_float, {("item()", "sum")}, "return y * float(y.sum())"),
    (begun_anew, {("detach", "exp")}, "z = y.detach().requires_grad_()"),
    (an_array, {("numpy()", "exp")}, "return y * mg.tensor(y.detach().numpy() + 1)"),
    (sorted_places, set(), ""),
]


@pytest.mark.parametrize(
    ("program", "expected", "line"), CUTS, ids=[row[0].__name__ for row in CUTS]
)
def test_where_a_gradient_ends_there_is_a_cut_with_its_line(
    program: Callable[[Any], Any], expected: set[tuple[str, str]], line: str
) -> None:
    x = leaf([0.3, -0.7])
    description = mg.visualize.describe(lambda: program(x), names={"x": x})
    vertices = description.vertices
    found = {(c.what, vertices[c.source].op or vertices[c.source].symbol) for c in description.cuts}
    assert found == expected
    assert {cut.line[2] for cut in description.cuts} == ({line} if line else set())
    text = str(mg.visualize.tape(lambda: program(x), names={"x": x}))
    source = mg.visualize.draw(lambda: program(x), names={"x": x}).source
    for what, _ in expected:
        assert f"✂ {what}" in text
        assert f"✂ {what}" in " ".join(texts_of(source))


@pytest.mark.parametrize("program", [row[0] for row in CUTS], ids=lambda p: p.__name__)
def test_a_program_computes_the_same_where_it_is_recorded(program: Callable[[Any], Any]) -> None:
    gradients = []
    for block in (mg.enable_grad, mg.visualize.record_values):
        x = leaf([0.3, -0.7])
        with block():
            y = program(x).sum()
            y.backward()
        gradients.append((y.item(), None if x.grad is None else x.grad.numpy().tolist()))
    assert gradients[0] == gradients[1]


def test_a_number_that_was_read_leads_to_the_op_that_it_went_into() -> None:
    x = leaf([0.3, -0.7])
    description = mg.visualize.describe(lambda: a_number(x))
    (cut,) = description.cuts
    assert [description.vertices[i].op for i in cut.targets] == ["mul"]


def test_what_is_read_after_the_result_is_no_cut() -> None:
    x = leaf([0.3, -0.7])
    with mg.visualize.record_values():
        y = mg.exp(x).sum()
        assert y.item() > 0
        y.backward()
    assert mg.visualize.describe(y).cuts == []


def test_a_result_without_a_graph_is_drawn_if_it_was_recorded() -> None:
    x = leaf([0.3, -0.7], "x")
    with mg.visualize.record_values(), mg.no_grad():
        y = mg.exp(x).sum()
    assert [v.op for v in mg.visualize.describe(y).vertices] == ["", "exp", "sum"]
    with pytest.raises(TypeError, match="has no graph"):
        mg.visualize.describe(mg.ones(2).sum())


def test_a_dropped_loss_frees_its_recorded_graph_at_once() -> None:
    gc.collect()
    gc.disable()
    try:
        count = sum(isinstance(each, Node) for each in gc.get_objects())
        for _ in range(3):
            with mg.visualize.record_values():
                loss = detach_then_multiply(leaf([1.0, 2.0])).sum()
            del loss
        assert sum(isinstance(each, Node) for each in gc.get_objects()) == count
    finally:
        gc.enable()


def test_more_calls_than_are_kept_leave_the_graph(monkeypatch: Any) -> None:
    monkeypatch.setattr("minigrad.visualize.recording.MOST_CALLS", 10)
    x = leaf([0.5], "x")
    with mg.visualize.record_values():
        y = x
        for _ in range(12):
            y = mg.sin(y)
    assert [v.op for v in mg.visualize.describe(y).vertices] == ["", *["sin"] * 12]


def test_a_part_that_was_not_recorded_is_drawn_all_the_same() -> None:
    x = leaf([0.5, 1.0], "x")
    y = mg.exp(x)
    with mg.visualize.record_values():
        z = (y * 2).sum()
    assert [v.op for v in mg.visualize.describe(z).vertices] == ["", "exp", "mul", "sum"]


def test_numbers_are_those_of_the_time_of_the_call() -> None:
    mask = mg.ones(2)
    x = leaf([3.0, 4.0], "x")
    with mg.visualize.record_values():
        y = x * mask
        mask[0] = 0
        z = (y * mask).sum()
    graph = mg.visualize.describe(z, names={"mask": mask})
    found = {v.op: v.value.tolist() for v in graph.vertices if v.op in ("mul", "write", "")}
    assert [v.value.tolist() for v in graph.vertices if v.op == "mul"] == [[3.0, 4.0], [0.0, 4.0]]
    assert found["write"] == [0.0, 1.0]


def test_a_model_that_is_made_and_trained_inside_shows_its_numbers_as_they_were_used() -> None:
    with mg.visualize.record_values():
        model = mg.nn.Linear(2, 1)
        optimizer = mg.optim.SGD(model.parameters(), lr=0.5)
        losses = []
        for _ in range(2):
            weight = model.weight.detach().numpy().copy()
            losses.append(((model(mg.ones(3, 2)) - 1) ** 2).mean())
            optimizer.zero_grad()
            losses[-1].backward()
            optimizer.step()
    description = mg.visualize.describe(losses[-1], names={})
    assert "write" not in {v.op for v in description.vertices}
    found = {v.name: v.value for v in description.vertices if v.kind == "leaf"}
    assert np.array_equal(found["weight"], weight)
    assert not np.array_equal(weight, model.weight.detach().numpy())


# ------------------------------------------------------------------------------------------ layout


def test_the_steps_of_a_cell_are_one_box_with_a_way_back() -> None:
    model, x = recurrent(mg)
    picture = mg.visualize.draw(model, x)
    texts = texts_of(picture.source)
    assert f"LSTMCell × {STEPS}" in texts
    assert f"cell: {STEPS} steps" in texts
    assert "next step" in texts
    opened = mg.visualize.draw(model, x, fold=False).source
    assert opened.count("</B>&#160;= lstm_cell(") == STEPS
    assert "next step" not in opened


def test_a_long_loop_is_one_box_and_other_chains_are_a_few() -> None:
    model, x = chain(mg)
    texts = texts_of(mg.visualize.draw(model, x).source)
    assert "mul, tanh × 250" in texts
    assert {"x", "scale"} <= set(texts)
    ops = [mg.sin, mg.cos, mg.tanh, mg.exp, mg.sigmoid]
    rng = np.random.default_rng(0)
    y = leaf([0.5], "x")
    for k in rng.integers(len(ops), size=1000):
        y = ops[k](y) * 0.5
    plan = folding.layout(mg.visualize.describe(y), None)
    assert len(plan.boxes) <= folding.MOST_BOXES
    assert sum(len(box.members) for box in plan.boxes) == 2001


def test_a_short_program_is_not_folded() -> None:
    x = leaf([0.5], "x")
    assert mg.visualize.draw(mg.tanh(mg.tanh(mg.tanh(mg.tanh(x))))).source.count("= tanh(") == 4


# ------------------------------------------------------------------------------------------- names


def test_names_are_those_of_the_variables_of_the_caller() -> None:
    first = mg.ones(2, requires_grad=True)
    second = mg.ones(2)
    total = (first * second).sum()
    assert [v.symbol for v in mg.visualize.describe(total).vertices] == [
        "first", "second", "t1", "total",
    ]  # fmt: skip
    assert "total = Σ t1" in str(mg.visualize.tape(total))
    plain = mg.visualize.describe(total, names={})
    assert [v.symbol for v in plain.vertices] == ["x1", "c1", "t1", "t2"]


def test_variables_name_nothing_that_they_only_equal() -> None:
    same = mg.ones(2)  # noqa: F841  # equal to a constant of the graph, and not in it
    x = mg.ones(2, requires_grad=True)
    assert "same" not in str(mg.visualize.tape((x * np.ones(2, np.float32)).sum()))


def test_parameters_are_named_within_the_module_that_was_called() -> None:
    for make in (tied, transformer, detached):
        description, model, _ = described(make)
        names = {v.name for v in description.vertices if v.kind == "leaf"}
        assert names == set(dict(model.named_parameters()))


def test_lint_knows_the_model_from_its_calls() -> None:
    class Half(mg.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = mg.nn.Linear(2, 2), mg.nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return self.used(x)

    loss = (Half()(mg.ones(3, 2)) ** 2).mean()
    found = [each for each in mg.visualize.lint(loss) if each.kind == "unreached"]
    assert {each.module for each in found} == {"unused.weight", "unused.bias"}
    whole = mg.nn.Linear(2, 1)
    kinds = {each.kind for each in mg.visualize.lint((whole(mg.ones(3, 2)) ** 2).mean())}
    assert "unreached" not in kinds
