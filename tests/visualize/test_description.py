"""The description of a graph: values, gradients, names, module calls."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.visualize.graphs import deep_net, leaf, perceptron, texts_of


def test_vertices_come_after_what_they_are_computed_from() -> None:
    x = leaf([1.0, 2.0])
    shared = x * x
    loss = (shared + mg.relu(shared) * x).sum()
    description = mg.visualize.describe(loss)
    for vertex in description.vertices:
        assert all(i < vertex.index for i in vertex.inputs)
    assert [v.op for v in description.vertices] == ["", "mul", "relu", "mul", "add", "sum"]


def test_values_are_those_that_were_computed() -> None:
    rng = np.random.default_rng(0)
    x, W = leaf(rng.normal(size=(4, 3))), leaf(rng.normal(size=(3, 2)))
    z = x @ W
    loss = (mg.exp(z) + 1).sum()
    known = {v.op: v.value for v in mg.visualize.describe(loss).vertices if v.op}
    a, b = x.detach().numpy(), W.detach().numpy()
    assert np.allclose(known["matmul"], a @ b)
    assert np.allclose(known["exp"], np.exp(a @ b))
    assert np.allclose(known["add"], np.exp(a @ b) + 1)
    assert np.allclose(known["sum"], (np.exp(a @ b) + 1).sum())


def test_constants_are_known_and_what_hangs_on_a_lost_leaf_is_not() -> None:
    x, shift = leaf([1.0, 2.0]), mg.tensor([5.0, 7.0])
    total = (x + shift).sum()
    constant = mg.visualize.describe(total).vertices[1]
    assert constant.kind == "constant"
    assert np.array_equal(constant.value, [5, 7])
    shift += 1
    assert mg.visualize.describe(total).vertices[1].value_note == "changed in place since"
    del x
    lost, _, added, _ = mg.visualize.describe(total).vertices
    assert lost.value is None
    assert "gone" in lost.value_note
    assert added.value is None
    assert "not kept" in added.value_note


def test_a_recorded_graph_keeps_all_values_after_backward() -> None:
    x = leaf([1.0, 2.0])
    with mg.visualize.record_values():
        total = (x + mg.tensor([5.0, 7.0])).sum()
    total.backward()
    values = [v.value for v in mg.visualize.describe(total).vertices]
    for value, expected in zip(values, ([1, 2], [5, 7], [6, 9], 15), strict=True):
        assert np.array_equal(value, expected)


def test_recording_ends_with_the_block() -> None:
    x = leaf([1.0])
    with mg.visualize.record_values():
        inside = x * 2
    outside = x * 2
    assert inside.grad_fn.extras.values is not None
    assert outside.grad_fn.extras is None


def test_a_named_constant_is_one_vertex_however_often_it_is_used() -> None:
    x, data = leaf([1.0, 2.0]), mg.tensor([3.0, 4.0])
    with mg.visualize.record_values():  # copies it at each use
        total = (x * data + data / x - data).sum()
    vertices = mg.visualize.describe(total, names={"data": data}).vertices
    assert [v.name for v in vertices if v.kind == "constant"] == ["data"]


def test_values_recorded_are_those_of_then() -> None:
    x = leaf([1.0, 2.0])
    with mg.visualize.record_values():
        total = (x * x).sum()
    with mg.no_grad():
        x += 10
    assert mg.visualize.describe(total).vertices[0].value.tolist() == [1, 2]


def test_a_changed_leaf_is_said_to_have_changed() -> None:
    x = leaf([1.0, 2.0])
    total = (x + 1).sum()
    with mg.no_grad():
        x += 10
    vertex, added, _ = mg.visualize.describe(total).vertices
    assert "changed" in vertex.value_note
    assert added.value is None, "computed from numbers that are not those of then"


def test_gradients_before_and_after_backward() -> None:
    x = leaf([1.0, 2.0])
    loss = ((x + mg.ones(2)) * x).sum()
    before = mg.visualize.describe(loss)
    needing = [v for v in before.vertices if v.kind != "constant"]
    assert all(v.grad is None and "not computed yet" in v.grad_note for v in needing)
    loss.backward()
    after = mg.visualize.describe(loss)
    assert np.array_equal(after.vertices[0].grad, x.grad.numpy())
    assert np.array_equal(after.vertices[2].grad, [1, 2])  # of x + 1, by which x is multiplied


def test_a_gradient_that_is_not_there_has_its_true_reason() -> None:
    x = leaf([1.0, 2.0])

    def notes(loss: Any) -> list[str]:
        return [v.grad_note for v in mg.visualize.describe(loss).vertices]

    loss = (x * x).sum()
    assert notes(loss) == ["not computed yet"] * 3
    loss.backward(retain_graph=True)
    assert notes(loss)[1:] == ["not kept, or not computed yet"] * 2
    loss.backward()
    x.grad = None
    assert notes(loss)[0].startswith("none: cleared")
    assert "retain_grad" in notes(loss)[1]
    assert notes((x * x).sum()) == ["not computed yet"] * 3


def test_gradients_of_results_are_recovered_where_the_numbers_were_kept() -> None:
    x = leaf([1.0, 2.0])
    with mg.visualize.record_values():
        square = x * x
        loss = (square * square).sum()
    loss.backward()
    recovered = mg.visualize.describe(loss).vertices[1].grad
    assert np.allclose(recovered, 2 * np.array([1.0, 4.0]))


def test_gradients_that_are_not_of_this_pass_alone_are_not_mixed_with_it() -> None:
    x = leaf([1.0, 2.0])
    with mg.visualize.record_values():
        square = x * x
        loss = square.sum()
    loss.backward(retain_graph=True)
    loss.backward()
    vertices = mg.visualize.describe(loss).vertices
    assert vertices[1].grad is None
    assert "not kept" in vertices[1].grad_note


def test_names_come_from_tensors_mappings_and_modules() -> None:
    model = mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.ReLU(), mg.nn.Linear(3, 1))
    data = mg.ones(4, 2)
    hidden = model[1](model[0](data))
    result = model[2](hidden)
    vertices = mg.visualize.describe(result, names=locals()).vertices
    names = {v.name for v in vertices}
    assert {"model.0.weight", "model.2.bias", "data", "hidden", "result"} <= names
    assert {"W1", "b1", "W2", "b2"} <= {v.symbol for v in vertices}


def test_module_calls_are_described() -> None:
    calls = mg.visualize.describe(deep_net(2), mg.ones(1, 3)).calls
    assert [(c.name, c.kind) for c in calls] == [
        ("", "Sequential"),
        ("0", "Linear"),
        ("1", "Block"),
        ("1.linear", "Linear"),
        ("2", "Block"),
        ("2.linear", "Linear"),
    ]


def test_several_roots_share_one_description() -> None:
    x = leaf([1.0, 2.0])
    y = x * x
    description = mg.visualize.describe([y.sum(), mg.exp(y)])
    assert [description.vertices[i].op for i in description.roots] == ["sum", "exp"]
    assert len(description) == 4


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones(2), "got ndarray"),
        (mg.ones(2), "no graph"),
    ],
)
def test_what_has_no_graph_is_refused(x: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        mg.visualize.describe(x)


def test_a_list_may_hold_constants_and_repeat_itself() -> None:
    x, constant = leaf([1.0, 2.0]), mg.ones(3)
    y = x * 2
    description = mg.visualize.describe([y, constant, y, constant])
    assert [description.vertices[i].kind for i in description.roots] == ["op", "constant"] * 2
    assert len(description) == 3
    with pytest.raises(TypeError, match="no graph"):
        mg.visualize.describe([constant, constant])


@pytest.mark.parametrize("names", [{1: mg.ones(2)}, [mg.ones(2)], "x"], ids=["int", "list", "str"])
def test_names_that_are_no_mapping_from_strings_are_refused(names: Any) -> None:
    with pytest.raises(TypeError, match="names"):
        mg.visualize.draw(leaf([1.0]) * 2, names=names)


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        mg.visualize.describe([])


def test_a_module_is_drawn_inside_no_grad() -> None:
    with mg.no_grad():
        picture = mg.visualize.draw(mg.nn.Linear(2, 1), mg.ones(1, 2))
        assert not mg.is_grad_enabled()
    assert "output" in texts_of(picture.source)


class Named(mg.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = mg.nn.Linear(2, 2)

    def forward(self, left: Any, pair: Any) -> Any:
        return {"total": self.linear(left) + pair["right"], "count": 3}


def test_inputs_and_results_have_the_names_of_the_module() -> None:
    data = mg.ones(1, 2), {"right": mg.zeros(1, 2)}
    vertices = mg.visualize.describe(Named(), data).vertices
    assert {"left", "total"} <= {v.name for v in vertices}


def test_a_module_without_its_input_is_refused() -> None:
    with pytest.raises(TypeError, match="its input"):
        mg.visualize.draw(mg.nn.Linear(2, 1))


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [(3, "ȳ * 3 * x^2"), (2, "ȳ * 2 * x"), (0.5, "ȳ * 0.5 * x^-0.5"), (-1, "ȳ * -1 * x^-2")],
)
def test_the_formula_of_a_power_has_its_exponent(exponent: float, expected: str) -> None:
    x = leaf([1.0, 2.0])
    y = x**exponent
    y.backward(mg.ones(2))
    assert mg.visualize.tape([y], names={"x": x, "y": y}).lines[-1].strip() == f"↳ x̄ = {expected}"


@pytest.mark.parametrize(
    ("result", "settings"),
    [
        (
            lambda x: nn.functional.conv2d(x, mg.ones(2, 1, 3, 3), stride=2, padding=1, groups=2),
            ["stride=2", "padding=1", "groups=2"],
        ),
        (lambda x: nn.functional.conv2d(x, mg.ones(2, 2, 3, 3)), []),
        (lambda x: nn.functional.conv1d(x[:, :, 0], mg.ones(2, 2, 3)), []),
        (
            lambda x: nn.functional.conv2d(x, mg.ones(2, 2, 3, 3), stride=(1, 2)),
            ["stride=(1, 2)"],
        ),
        (lambda x: nn.functional.max_pool2d(x, 3, 2), ["kernel=3", "stride=2"]),
        (lambda x: x.clamp(-1.5, 2), ["min=-1.5", "max=2"]),
        (lambda x: x.clamp(max=2), ["max=2"]),
        (lambda x: nn.functional.hardtanh(x, -2, 2), ["low=-2", "high=2"]),
        (lambda x: nn.functional.leaky_relu(x, 0.2), ["slope=0.2"]),
        (lambda x: mg.lerp(x, x + 1, 0.3), ["0.3"]),
        (lambda x: mg.einsum("abij,abjk->abik", x, x), ["abij,abjk->abik"]),
        (lambda x: x.take(mg.tensor([1, 2])), ["[1, 2]"]),
    ],
)
def test_settings_of_layers_are_shown_where_they_are_not_the_usual_ones(
    result: Any, settings: list[str]
) -> None:
    x = leaf(np.ones((1, 2, 6, 6)), "x")
    formula = mg.visualize.describe(result(x)).vertices[-1].formula
    assert re.findall(r"\w+=(?:\([^()]*\)|[^,() ]+)", formula) == [s for s in settings if "=" in s]
    assert all(setting in formula for setting in settings)


def test_a_picture_leaves_running_statistics_alone() -> None:
    model, x = perceptron([3, 4, 2], nn.ReLU, nn.BatchNorm1d), mg.randn(8, 3)
    before = {name: buffer.numpy().copy() for name, buffer in model.named_buffers()}
    held = dict(model.named_buffers())
    for look in (mg.visualize.draw, mg.visualize.tape, mg.visualize.describe):
        look(model, x)
    for name, buffer in model.named_buffers():
        assert buffer is held[name]
        np.testing.assert_array_equal(buffer.numpy(), before[name])


def test_the_namespace_offers_what_its_guide_names() -> None:
    guide = mg.visualize.__doc__ or ""
    assert dir(mg.visualize) == sorted(mg.visualize.__all__)
    assert all(name in guide for name in dir(mg.visualize))
    assert len(guide.splitlines()) <= 24, "one screen"


def test_a_module_with_nested_results_is_described() -> None:
    model = mg.nn.LSTM(3, 4)  # returns (output, (h, c))
    text = str(mg.visualize.tape(model, mg.ones(2, 1, 3)))
    assert "weight_ih_l0" in text


@pytest.mark.parametrize("shape", [(0, 3), (3, 0, 2)])
def test_empty_tensors_have_a_page(shape: tuple[int, ...], tmp_path: Path) -> None:
    x = mg.ones(*shape, requires_grad=True)
    page = tmp_path / "page.html"
    mg.visualize.explain((x * 2).sum(), page)
    assert "×".join(map(str, shape)) in page.read_text(encoding="utf-8")
