"""The description of a graph, its picture, and its text."""

from __future__ import annotations

import contextlib
import html
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.pytrees import leaves_of
from minigrad.visualize import backprop, captions, folding, graphviz_pure, render, themes
from tests.samples import SAMPLES

HOSTILE = {
    "quotes": "\"double\" 'single' \\backslash\\n",
    "script": "<script>alert(1)</script><b>&amp;",
    "markup": "<x> URL=<javascript:alert(1)>",
    "newlines": "two\nlines\r\n\ttab\0nul",
    "emoji": "🙂 wörld × Ω",
    "direction": "right\u202eleft",
    "long": "x" * 10_000,
    "comment": "--> ]]> }} ]; {{data}}",
    "empty": " ",
}


def leaf(values: Any, name: str | None = None) -> Any:
    tensor = mg.tensor(np.asarray(values, np.float32), requires_grad=True)
    tensor.name = name
    return tensor


def small_graph() -> Any:
    x = leaf([[1.0, 2.0]], "x")
    W = leaf([[1.0, 0.0], [0.0, -1.0]], "W")
    loss = mg.relu(x @ W).sum()
    loss.name = "loss"
    return loss, x, W


class Block(mg.nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        self.linear = mg.nn.Linear(n, n)

    def forward(self, x: Any) -> Any:
        return x + mg.relu(self.linear(x))


def deep_net(blocks: int = 12) -> Any:
    return mg.nn.Sequential(mg.nn.Linear(3, 4), *[Block(4) for _ in range(blocks)])


def no_dot(monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", "")


def no_renderer(monkeypatch: Any) -> None:
    """Neither ``dot`` nor pygraphviz nor graphviz-pure."""
    no_dot(monkeypatch)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr(graphviz_pure, "program", lambda: None)


def only_graphviz_pure(monkeypatch: Any) -> None:
    if graphviz_pure.program() is None:
        pytest.skip("graphviz-pure is not installed")
    no_dot(monkeypatch)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


# -------------------------------------------------------------------------------------- description


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


# --------------------------------------------------------------------------------------------- tape


def test_tape_before_backward() -> None:
    loss, _, _ = small_graph()
    assert str(mg.visualize.tape(loss)) == (
        "x              1×2     float32  leaf           gradient not computed yet\n"
        "W              2×2     float32  leaf           gradient not computed yet\n"
        "t1 = x @ W     1×2     float32  keeps 24 B     gradient not computed yet\n"
        "t2 = relu(t1)  1×2     float32  keeps 8 B      gradient not computed yet\n"
        "loss = Σ t2    scalar  float32  keeps nothing  gradient not computed yet"
    )


def test_tape_after_backward() -> None:
    with mg.visualize.record_values():
        loss, _, _ = small_graph()
    loss.backward()
    assert "freed" not in str(mg.visualize.tape(loss)), "its numbers are still there"
    lines = mg.visualize.tape(loss).lines
    assert lines[0].endswith("‖x̄‖ = 1")
    assert lines[1].endswith("‖W̄‖ = 2.236")
    assert lines[3].strip() == "↳ x̄ = t̄1 Wᵀ   W̄ = xᵀ t̄1"
    assert lines[5].strip().startswith("↳ t̄1 = ")


@pytest.mark.parametrize("slope", [-4.0, 0.0, 3.0])
def test_the_tape_shows_a_gradient_of_one_number_with_its_sign(slope: float) -> None:
    a = leaf(-3.0, "a")
    (a * slope).backward()
    assert mg.visualize.tape(a * slope).lines[0].endswith(f"ā = {slope:g}")


def test_the_tape_adds_up_what_several_ops_send() -> None:
    a, b = leaf(3.0, "a"), leaf(2.0, "b")
    with mg.visualize.record_values():
        loss = a * a + mg.exp(a) * b
    loss.backward()
    said = " ".join(mg.visualize.tape(loss).lines)
    assert said.count("ā += ") == 3
    assert "ā = " not in said.replace(mg.visualize.tape(loss).lines[0], "")
    assert said.count("b̄ = ") == 2, "the number, and the one formula"


def test_the_tape_says_what_was_overwritten_before_backward() -> None:
    x = leaf([1.0, 2.0], "x")
    loss = (mg.exp(x) * x).sum()
    with mg.no_grad():
        x += 1
    kept = {line.split(" = ")[0].strip(): line for line in mg.visualize.tape(loss).lines}
    assert "overwritten since" in kept["t2"]
    assert "overwritten" not in kept["t1"], "exp keeps its result"
    with pytest.raises(RuntimeError, match="in place"):
        loss.backward()
    assert "freed" not in str(mg.visualize.tape(loss))
    with pytest.raises(RuntimeError, match="changed in place"):
        mg.visualize.explain(loss, "page.html")


def test_long_tape_is_cut_and_says_so() -> None:
    x = leaf([1.0])
    y = x
    for _ in range(3_000):
        y = y * x
    lines = mg.visualize.tape(y).lines
    assert len(lines) == 401
    assert "2,601 lines left out: mul × 2,601" in lines[200]


# ------------------------------------------------------------------------------------------ picture


def test_dot_text_of_a_small_graph() -> None:
    loss, _, _ = small_graph()
    source = mg.visualize.draw(loss, values=False, grads=False).source
    body = [line.strip() for line in source.splitlines() if re.match(r"\s+n\d", line)]
    plain = [html.unescape(re.sub(r"<[^>]*>", "|", line)) for line in body]
    cells = [[c.strip() for c in line.split("|") if c.strip()] for line in plain]
    assert [c[1:-1] for c in cells[:5]] == [
        ["x", "1×2"],
        ["W", "2×2"],
        ["t1", "= x @ W", "1×2"],
        ["t2", "= relu(t1)", "1×2"],
        ["loss", "= Σ t2", "scalar"],
    ]
    assert body[5:] == ["n0 -> n2", "n1 -> n2", "n2 -> n3", "n3 -> n4"]


def test_small_tensors_show_their_numbers_and_large_ones_a_range() -> None:
    rows = texts_of(mg.visualize.draw(leaf([[1.5, -2.25], [10, 0]]) * 1).source)
    assert "⎡ 1.5  -2.25 ⎤" in rows
    assert "⎣  10      0 ⎦" in rows
    assert "[1.5  -2.25]" in texts_of(mg.visualize.draw(leaf([1.5, -2.25]) * 1).source)
    assert "-1 … 3" in texts_of(mg.visualize.draw(leaf(np.linspace(-1, 3, 50)) * 1).source)


def texts_of(source: str) -> list[str]:
    """The pieces of text of a picture, without markup."""
    pieces = re.split(r"<[^>]*>", source)
    return [html.unescape(piece).replace("\xa0", " ").strip() for piece in pieces]


def written_in(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_a_formula_of_many_operands_is_cut() -> None:
    stacked = mg.stack([leaf([1.0, 2.0], f"operand{i}") for i in range(100)])
    parts = mg.unbind(stacked)
    picture = mg.visualize.draw(list(parts), backward=True)
    assert max(len(text) for text in texts_of(picture.source) if "\n" not in text) < 100
    assert max(map(len, mg.visualize.tape(stacked).lines)) < 160
    assert stacked.grad_fn is not None
    assert "operand99" in mg.visualize.describe(stacked).vertices[-1].formula


def test_hostile_names_of_modules_and_arguments_are_shown(renderer: str) -> None:
    class Layer(mg.nn.Module):
        def forward(self, x: Any) -> Any:
            return mg.relu(x * 2)

    Layer.__name__ = HOSTILE["script"]
    x = leaf([[1.0]], HOSTILE["quotes"])
    for depth in (0, 5):
        svg = mg.visualize.draw(Layer(), x, depth=depth).svg()
        assert "<script" not in svg
        assert HOSTILE["script"] in [html.unescape(t).strip("\xa0") for t in written_in(svg)]
        assert HOSTILE["script"] in re.findall('title="(.*?)"', html.unescape(svg)) or depth


def test_what_holds_for_all_boxes_is_said_once() -> None:
    x = leaf([1.0, 2.0], "x")
    source = mg.visualize.draw(mg.exp(mg.tanh(x * x)).sum()).source
    assert source.count("float32") == 1
    assert source.count("not computed yet") == 1
    y = x * 2
    mixed = mg.visualize.draw([y, y.double()]).source
    assert mixed.count("float32") == 2
    assert mixed.count("float64") == 1


def test_a_module_of_one_op_has_no_frame() -> None:
    model = mg.nn.Sequential(mg.nn.Linear(3, 2), mg.nn.ReLU())
    source = mg.visualize.draw(model, mg.ones(4, 3)).source
    assert source.count("subgraph") == 2, "the Sequential and the Linear"
    assert "1: ReLU · 4×2" in texts_of(source)


def test_the_legend_explains_the_colours_that_occur() -> None:
    x = leaf([1.0, 2.0], "x")
    plain = texts_of(mg.visualize.draw((x * x).sum()).source)
    assert {"leaf, gets a gradient", "operation"} <= set(plain)
    assert not {"data", "folded modules", "x̄ gradient of x"} & set(plain)
    total = (x * mg.ones(2)).sum()
    total.backward()
    assert {"data", "x̄ gradient of x"} <= set(texts_of(mg.visualize.draw(total).source))


def test_a_gradient_not_computed_is_not_shown_as_zero() -> None:
    loss, _, _ = small_graph()
    assert "not computed yet" in mg.visualize.draw(loss).source
    assert "not computed yet" not in mg.visualize.draw(loss, grads=False).source


def test_saved_bytes_are_shown_on_demand() -> None:
    loss, _, _ = small_graph()
    assert "keeps 24 B" in mg.visualize.draw(loss, saved=True).source
    assert "keeps" not in mg.visualize.draw(loss).source


def test_backward_edges_carry_their_products() -> None:
    loss, _, _ = small_graph()
    source = mg.visualize.draw(loss, backward=True).source
    assert "x̄ = t̄1 Wᵀ" in source
    assert "W̄ = xᵀ t̄1" in source


@pytest.mark.parametrize("shape", [(3, 1), (1,), ()])
def test_only_the_gradient_of_a_stretched_operand_is_summed(shape: tuple[int, ...]) -> None:
    names = {"x": leaf(np.ones((3, 4))), "y": leaf(np.ones(shape))}
    mean = (names["x"] + names["y"]).mean()
    source = mg.visualize.draw(mean, names=names, backward=True).source
    assert "x̄ = t̄1&#160;" in source
    assert "ȳ = Σ t̄1&#160;" in source
    assert "t̄1 = Σ" not in source, "the mean makes it larger"


DIFFERENTIABLE = [sample for sample in SAMPLES if sample.differentiable]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("sample", DIFFERENTIABLE, ids=str)
def test_every_op_is_described_before_and_after_backward(sample: Any) -> None:
    """With each operand alone as a leaf, so that the others are constants, which are not kept."""
    inputs = sample.inputs()
    for alone in range(len(inputs)):
        operands = [mg.tensor(a, requires_grad=i == alone) for i, a in enumerate(inputs)]
        roots = [r for r in leaves_of(sample.run(*operands)) if isinstance(r, mg.Tensor)]
        roots = [root for root in roots if root.requires_grad]
        for after in (False, True) if roots else ():
            if after:
                mg.autograd.backward(roots, [mg.ones_like(root) for root in roots])
            ops = {v.formula for v in mg.visualize.describe(roots).vertices if v.kind == "op"}
            text = str(mg.visualize.tape(roots))
            assert all(formula in text for formula in ops)
            assert "->" in mg.visualize.draw(roots, backward=True).source


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("sample", DIFFERENTIABLE, ids=str)
def test_a_sum_is_written_where_broadcasting_is_undone_and_nowhere_else(sample: Any) -> None:
    operands = [leaf(array) for array in sample.inputs()]
    with mg.visualize.record_values():
        results = sample.run(*operands)
    roots = [r for r in leaves_of(results) if isinstance(r, mg.Tensor) and r.requires_grad]
    if not roots:
        return
    graph = mg.visualize.describe(roots)
    done = backprop.replay(graph, [np.ones(root.shape, root.dtype) for root in roots])
    for sent in done.contributions:
        vertex = graph.vertices[sent.source]
        if vertex.op in ("setitem", "contract"):  # whose shapes follow from an index, from letters
            continue
        written = captions.products(graph, vertex, sent.target)
        true = captions.product(graph, vertex, sent.position, sent.raw.size > sent.gradient.size)
        assert true in written, (sent.raw.shape, sent.gradient.shape)


def test_no_label_on_an_edge_is_cut_or_wide() -> None:
    scores, target = leaf(np.eye(3)), mg.tensor([0, 2, 1])
    loss = mg.nn.functional.cross_entropy(scores, target)
    source = mg.visualize.draw(loss, backward=True).source
    (label,) = re.findall(r"n\d+ -> n\d+ \[label=<(.*?)> ", source)
    lines = [html.unescape(line).strip() for line in label.split("<BR/>")]
    assert " ".join(lines).endswith("with n the number of rows")
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize("leftover", [False, True])
def test_a_backward_pass_made_for_its_picture_shows_its_gradients(leftover: bool) -> None:
    x = leaf([3.0, 4.0], "x")
    if leftover:
        (x * 100).sum().backward()
    before = None if x.grad is None else x.grad.numpy().copy()
    source = mg.visualize.draw(lambda: (x * x).sum(), backward=True).source
    assert "[6&#160;&#160;8]" in source, "2 x"
    assert "not computed" not in source
    assert "100" not in source
    np.testing.assert_array_equal(x.grad if before is None else x.grad.numpy(), before)


def test_ranges_are_set_in_a_font_whose_width_is_known() -> None:
    """Graphviz measures digits of other fonts too narrow, and they crossed the border."""
    x = leaf(np.linspace(-1, 1, 50))
    loss = (x * x).sum()
    loss.backward()
    cells = re.findall(r"<FONT[^>]*>[^<]*…[^<]*</FONT>", mg.visualize.draw(loss).source)
    assert cells
    assert all("Mono" in each for each in cells)


def test_a_tensor_used_twice_collects_its_contributions() -> None:
    x = leaf([1.0, 2.0], "x")
    source = mg.visualize.draw((mg.exp(x) * x).sum(), backward=True).source
    assert source.count("x̄ += ") == 2


def test_equal_modules_in_a_row_are_drawn_once() -> None:
    source = mg.visualize.draw(deep_net(), mg.ones(1, 3)).source
    assert "Block × 12" in source
    assert "= relu(" not in source
    assert mg.visualize.draw(deep_net(2), mg.ones(1, 3)).source.count("= relu(") == 2


def test_equal_cells_fold_though_only_the_last_one_leaves_a_result_unused() -> None:
    cell, steps = mg.nn.LSTMCell(3, 4), 5

    def last_hidden(x: Any) -> Any:
        state = None
        for t in range(steps):
            state = cell(x[t], state)
        return state[0].sum()

    source = mg.visualize.draw(last_hidden, mg.ones(steps, 2, 3)).source
    assert f"LSTMCell × {steps}" in source
    assert "each: linear × 2, add, lstm_cell" in texts_of(source)


def edges_of(source: str) -> list[tuple[str, str]]:
    return re.findall(r"^\s+(\w+) -> (\w+)", source, re.M)


def test_a_leaf_with_many_uses_is_drawn_beside_them_in_a_large_picture() -> None:
    x = leaf([1.0], "x")
    y = x
    for _ in range(60):
        y = mg.tanh(y) + x
    edges = edges_of(mg.visualize.draw(y).source)
    assert len(edges) == 60 * 3, "each tanh has one operand and each sum two"
    assert max(sum(start == name for start, _ in edges) for name, _ in edges) <= 2


def tangled(ops: int) -> Any:
    """A chain in which each op also uses any one of those before."""
    rng = np.random.default_rng(0)
    results = [leaf([1.0], "x")]
    for _ in range(ops):
        results.append(mg.tanh(results[-1] + results[rng.integers(len(results))]))
    return results[-1]


@pytest.mark.parametrize("ops", [10, 300])
def test_no_line_of_a_large_picture_runs_through_many_ranks(ops: int) -> None:
    """Graphviz needs minutes for such lines, and a reader cannot follow them."""
    description = mg.visualize.describe(tangled(ops))
    plan = folding.layout(description, None)
    ranks = folding.ranks_of(plan.boxes, plan.edges)
    drawn = [edge for edge in plan.edges if edge not in plan.far]
    assert bool(plan.far) == (ops == 300)
    if ops == 300:
        assert all(1 <= ranks[end] - ranks[start] <= folding.LONGEST_EDGE for start, end in drawn)
    joined = {box.name: {box.name} for box in plan.boxes}
    for start, end in drawn:
        union = joined[start] | joined[end]
        joined.update(dict.fromkeys(union, union))
    assert len(joined[plan.boxes[0].name]) == len(plan.boxes), "the picture does not fall apart"


def test_depth_folds_modules() -> None:
    model, x = deep_net(2), mg.ones(1, 3)
    outermost = mg.visualize.draw(model, x, depth=0).source
    assert "Sequential" in outermost
    assert "Block" not in outermost
    opened = mg.visualize.draw(model, x, depth=1).source
    assert opened.count("<B>Block</B>") == 2
    assert " = relu(" not in opened


def test_the_input_of_a_folded_module_is_drawn() -> None:
    source = mg.visualize.draw(deep_net(), mg.ones(1, 3), depth=0).source
    assert "input" in texts_of(source)
    assert len(edges_of(source)) == 1


def test_the_legend_speaks_of_gradients_only_where_one_is_drawn() -> None:
    model, x = deep_net(3), mg.ones(1, 3)
    loss = model(x).sum()
    entry = "x̄ gradient of x"
    assert entry not in texts_of(mg.visualize.draw(loss, depth=0).source)
    loss.backward()
    assert entry in texts_of(mg.visualize.draw(loss).source)
    assert entry not in texts_of(mg.visualize.draw(loss, grads=False).source)
    assert entry in texts_of(mg.visualize.draw(loss, depth=0, backward=True).source)


def test_themes_differ_only_in_colour() -> None:
    loss, _, _ = small_graph()
    light, dark = (mg.visualize.draw(loss, theme=theme).source for theme in ("light", "dark"))
    assert light != dark
    colour = re.compile("#[0-9a-f]{6}")
    assert colour.sub("#", light) == colour.sub("#", dark)


def contrast(a: str, b: str) -> float:
    """The ratio of the luminances of two colours, as the accessibility guidelines (WCAG) count."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted([luminance(a), luminance(b)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", themes.THEMES.values(), ids=themes.THEMES)
def test_text_and_lines_stand_out_from_their_ground(theme: themes.Theme) -> None:
    boxes = [theme.op, theme.leaf, theme.constant, theme.folded]
    for ground in (*boxes, theme.ground, theme.group):
        assert min(contrast(text, ground) for text in (theme.text, theme.muted, theme.grad)) >= 4.5
    assert min(contrast(theme.line, ground) for ground in (theme.ground, theme.group)) >= 3


@pytest.mark.parametrize(
    "options",
    [{"theme": "neon"}, {"theme": None}, {"direction": "up"}, {"depth": -1}, {"depth": 1.5}],
    ids=str,
)
def test_unknown_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        mg.visualize.draw(small_graph()[0], **options)


def test_a_long_chain_is_summarised_without_recursion() -> None:
    y = leaf([1.0], "x")
    for _ in range(50_000):
        y = y + 1
    source = mg.visualize.draw(y).source
    assert "49,999 ops" in source
    assert "too many to draw" in source
    assert len(source) < 10_000


def test_a_graph_with_modules_is_folded_before_it_is_summarised() -> None:
    layers = [mg.nn.Linear(2 + i % 2, 2 + (i + 1) % 2) for i in range(folding.MOST_DRAWN // 2)]
    result = mg.nn.Sequential(*layers)(mg.ones(1, 2))
    flat = mg.visualize.draw(result, depth=9).source
    assert "too many to draw" in flat
    assert "too many to draw" not in mg.visualize.draw(result).source


# ---------------------------------------------------------------------------------------- rendering


@pytest.fixture(params=["dot", "pygraphviz", "graphviz-pure"])
def renderer(request: Any, monkeypatch: Any) -> str:
    if request.param == "dot":
        if shutil.which("dot") is None:
            pytest.skip("Graphviz's dot is not installed")
    elif request.param == "graphviz-pure":
        only_graphviz_pure(monkeypatch)
    else:
        pytest.importorskip("pygraphviz")
        no_dot(monkeypatch)
    return request.param  # type: ignore[no-any-return]


def test_pictures_are_rendered(renderer: str, tmp_path: Path) -> None:
    picture = mg.visualize.draw(small_graph()[0])
    assert picture.svg().startswith("<svg")
    kinds = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    if renderer == "graphviz-pure":
        del kinds["pdf"]
    for kind, start in kinds.items():
        path = picture.save(tmp_path / f"graph.{kind}")
        assert Path(path).read_bytes().startswith(start)
    assert Path(picture.save(tmp_path / "graph.dot")).read_text().startswith("digraph")


def test_graphviz_own_methods_work_or_say_what_does(renderer: str, tmp_path: Path) -> None:
    picture = mg.visualize.draw(small_graph()[0])
    assert picture.pipe("png").startswith(b"\x89PNG")
    assert "<svg" in picture.pipe("svg", encoding="utf-8")
    if renderer == "dot":
        assert Path(picture.render(tmp_path / "graph", format="svg")).exists()
    else:
        with pytest.raises(RuntimeError, match="save"):
            picture.render(tmp_path / "graph")


def test_a_picture_writes_nothing_to_the_terminal(
    renderer: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mg.visualize.draw(small_graph()[0]).save(tmp_path / "graph.svg")
    print("still there", file=sys.stderr)
    assert capfd.readouterr() == ("", "still there\n")


@pytest.mark.parametrize("name", ["graph.jpg", "graph.unknown", "graph.svg.txt", "graph"])
def test_other_kinds_of_files_are_refused(name: str, tmp_path: Path) -> None:
    picture = mg.visualize.draw(small_graph()[0])
    with pytest.raises(ValueError, match=r"\.svg, \.png or \.pdf"):
        picture.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["graph.svg", "graph.dot"])
def test_a_folder_that_is_missing_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        mg.visualize.draw(small_graph()[0]).save(tmp_path / "missing" / name)


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


def test_jupyter_gets_svg(renderer: str) -> None:
    bundle = mg.visualize.draw(small_graph()[0])._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    assert "relu(t1)" in bundle["text/plain"], "a console shows text"


def test_without_a_renderer_there_is_text(monkeypatch: Any, tmp_path: Path) -> None:
    no_renderer(monkeypatch)
    picture = mg.visualize.draw(small_graph()[0])
    bundle = picture._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert "relu(t1)" in bundle["text/plain"]
    assert "pip install graphviz-pure" in bundle["text/plain"]
    with pytest.warns(UserWarning, match="pip install"):
        path = Path(picture.save(tmp_path / "graph.svg"))
    assert path.name == "graph.txt"
    assert "relu(t1)" in path.read_text(encoding="utf-8")
    with pytest.raises(render.NoRenderer, match="pip install"):
        picture.svg()


def test_a_notebook_shows_text_where_graphviz_fails(monkeypatch: Any, tmp_path: Path) -> None:
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
    program.chmod(0o755)
    no_renderer(monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    picture = mg.visualize.draw(small_graph()[0])
    bundle = picture._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert "out of order" in bundle["text/plain"]
    assert picture._repr_svg_() is None
    with pytest.raises(RuntimeError, match="out of order"):
        picture.svg()


def test_where_one_renderer_fails_the_next_draws(monkeypatch: Any, tmp_path: Path) -> None:
    only_graphviz_pure(monkeypatch)
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho Format: png not recognized >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert render.render("digraph { a -> b }", "png").startswith(b"\x89PNG")


def test_pdf_without_what_writes_it_says_what_does(monkeypatch: Any, tmp_path: Path) -> None:
    only_graphviz_pure(monkeypatch)
    with pytest.warns(UserWarning, match="pip install pygraphviz"):
        path = mg.visualize.draw(small_graph()[0]).save(tmp_path / "graph.pdf")
    assert path.endswith("graph.txt")


def in_svg(svg: str) -> list[tuple[str, str]]:
    """The texts of a picture with the generic fonts that they are in, in the alphabet's order."""
    found = re.findall(r'<text [^>]*font-family="[^"]*?([a-z-]+)"[^>]*>([^<]*)<', svg)
    return sorted((font, html.unescape(text).replace("\u00a0", " ")) for font, text in found)


LETTERS = [
    "x̄ȳ ẍ̄",
    "a × b = Σ √σ…",
    "½ ² ᵀ ⁻¹",
    "\\ \\N & <b> &amp;",
    "ao io",
    "äo öo",
    "日本",
    "🙂",
]


def test_letters_that_cannot_be_measured_are_put_back(monkeypatch: Any) -> None:
    """What graphviz-pure draws has the letters of the source, whatever it measured for them."""
    only_graphviz_pure(monkeypatch)
    x = mg.tensor([[1.5, -2.0], [0.0, 1e9]], requires_grad=True)
    names = {letters: x + k for k, letters in enumerate(LETTERS)}
    total = sum(tensor.sum() for tensor in names.values())
    with mg.visualize.record_values():
        total = mg.sigmoid(mg.stack(list(names.values())) @ x.mT).sum()
        total.backward()
    picture = mg.visualize.draw(total, names={**names, "W": x}, backward=True)
    source, texts = graphviz_pure.substituted(picture.source)
    assert "".join(graphviz_pure.split_at_labels(source)[1::2]).isascii()
    assert len(set(texts.values())) == len(texts), "no two texts are measured as one"
    labels = graphviz_pure.split_at_labels(picture.source.replace("&#160;", " "))[1::2]
    cells = re.findall(r">([^<>]+)<", "".join(f">{label}<" for label in labels))
    expected = [graphviz_pure.plain(cell) for cell in cells]
    drawn = in_svg(picture.svg())
    assert sorted(text for _, text in drawn) == sorted(expected)
    assert {font for font, _ in drawn} == {"sans-serif", "monospace"}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_names_are_shown_and_not_interpreted(kind: str, renderer: str) -> None:
    name = HOSTILE[kind]
    x = leaf([1.0, 2.0], name)
    loss = (x * x).sum()
    svg = mg.visualize.draw(loss).svg()
    assert "<script" not in svg
    assert "<b>" not in svg
    assert 'href="javascript' not in svg
    text = html.unescape(" ".join(written_in(svg)))
    first = mg.visualize.describe(loss).vertices[0].symbol
    shown = re.sub(r"\s+", " ", first.replace("\xa0", " ")).strip()
    assert shown in re.sub(r"\s+", " ", text.replace("\xa0", " "))
    assert len(first) <= 120
    assert len(str(mg.visualize.tape(loss)).splitlines()) == 3


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


class Backslash(mg.nn.Sequential):
    pass


Backslash.__name__ = "Net\\G"


def test_a_backslash_in_a_name_is_a_backslash(renderer: str) -> None:
    """Graphviz writes the names of boxes, edges and graphs in place of these."""
    name = r"\N \E \G \T \H \L \n \l \\"
    x = leaf([[1.0, 2.0]], name)
    net = Backslash(mg.nn.Linear(2, 1), mg.nn.Tanh())
    for picture in (
        mg.visualize.draw((x * x).sum(), backward=True),
        mg.visualize.draw(net, x),
        mg.visualize.draw(net, x, depth=0),
    ):
        svg = picture.svg()
        text = html.unescape(" ".join(written_in(svg))).replace("\xa0", " ")
        titles = html.unescape(" ".join(re.findall(r'xlink:title="([^"]*)"', svg)))
        assert r"Net\G" in text or (name in text and name in titles)
        assert "minigrad" not in text + titles, "the name of the graph"
        assert "cluster" not in text + titles


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_a_blank_name_is_none(name: str) -> None:
    x = leaf([1.0], name)
    for names in ({}, {name: x}):
        lines = mg.visualize.tape((x * x).sum(), names=names).lines
        assert lines[1].startswith("t1 = x1 * x1")


@pytest.mark.parametrize(
    "number", [1.0001, 0.99999, 1.00001, -1.0001, 2.00001, np.float32(1.00002)]
)
def test_a_number_that_is_not_whole_does_not_read_so(number: float) -> None:
    x = leaf([1.0, 2.0], "x")
    for y in (x * number, x**number, x / number):
        formulas = [y_.formula for y_ in mg.visualize.describe(y).vertices if y_.formula]
        digits = re.findall(r"\d\.\d+", " ".join(formulas))
        assert [abs(np.float32(d)) for d in digits] == [abs(np.float32(number))]
        y.sum().backward()
    power = x**number
    power.sum().backward()
    said = mg.visualize.tape(power).lines[-1]
    assert re.search(r"x\^-?\d*\.?\d+(e-\d+)?$", said)
    assert not said.endswith(("^0", "^1"))


@pytest.mark.parametrize("retain", [False, True])
def test_the_tape_has_its_formulas_where_no_op_saves_anything(retain: bool) -> None:
    x = leaf([1.0, 2.0], "x")
    loss = (x + x).sum()
    loss.backward(retain_graph=retain)
    text = str(mg.visualize.tape(loss))
    assert "x̄ += t̄1" in text
    assert "freed" not in text, "there was nothing to free"


def test_dot_opens_its_source_without_a_warning() -> None:
    if shutil.which("dot") is None:
        pytest.skip("Graphviz's dot is not installed")
    graphs = [mg.visualize.draw(leaf([1.0], name) * 2).source for name in HOSTILE.values()]
    graphs.append(mg.visualize.draw(deep_net(), mg.ones(1, 3), backward=True).source)
    for source in graphs:
        done = subprocess.run(["dot", "-Tsvg"], input=source.encode(), capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")


# --------------------------------------------------------------------------------------------- lint


def kinds(findings: Any) -> set[str]:
    return {finding.kind for finding in findings}


def perceptron(widths: list[int], activation: Any, normalization: Any = None) -> Any:
    layers = []
    for before, after in zip(widths[:-2], widths[1:-1]):
        layers += [mg.nn.Linear(before, after), *([normalization(after)] if normalization else [])]
        layers.append(activation())
    return mg.nn.Sequential(*layers, mg.nn.Linear(*widths[-2:]))


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


def test_a_picture_leaves_running_statistics_alone() -> None:
    model, x = perceptron([3, 4, 2], nn.ReLU, nn.BatchNorm1d), mg.randn(8, 3)
    before = {name: buffer.numpy().copy() for name, buffer in model.named_buffers()}
    held = dict(model.named_buffers())
    for look in (mg.visualize.draw, mg.visualize.tape, mg.visualize.describe):
        look(model, x)
    for name, buffer in model.named_buffers():
        assert buffer is held[name]
        np.testing.assert_array_equal(buffer.numpy(), before[name])


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


# -------------------------------------------------------------------------------- training pictures


@pytest.fixture
def matplotlib() -> Iterator[Any]:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.mark.parametrize("columns", [1, 3])
def test_decision_boundary_shows_each_class(matplotlib: Any, columns: int) -> None:
    X = np.random.default_rng(0).normal(size=(30, 2)).astype("f")
    y = np.arange(30) % max(columns, 2)
    model = mg.nn.Linear(2, columns)
    ax = mg.visualize.plot_decision_boundary(model, X, y, resolution=20)
    assert len(ax.get_legend().get_texts()) == max(columns, 2)
    image = ax.images[0]
    left, right, bottom, top = image.get_extent()
    row, column = 3, 16
    point = [
        left + (right - left) * column / 19,
        bottom + (top - bottom) * row / 19,
    ]
    scores = model(mg.tensor([point])).detach().numpy()[0]
    expected = scores.argmax() if columns > 1 else scores[0] > 0
    assert image.get_array()[row, column] == expected


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([-1.0, 1.0], ["class -1", "class 1"]),
        (["cat", "dog"], ["class cat", "class dog"]),
        ([True, False], ["class 0", "class 1"]),
        ([2, 0], ["class 0", "class 2"]),
    ],
)
def test_decision_boundary_shows_points_of_all_labels(
    matplotlib: Any, labels: Any, names: list[str]
) -> None:
    X = [[0, 1], [1, 0], [2, 2], [3, 1]]  # whole numbers, between which the plane is coloured
    y = np.array(labels * 2)
    ax = mg.visualize.plot_decision_boundary(lambda x: x[:, 0] - 1.5, X, y, resolution=20)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == names
    assert sum(len(c.get_offsets()) for c in ax.collections if c.get_label() in names) == len(X)
    assert np.unique(ax.images[0].get_array()[0]).size == 2
    assert np.diff(ax.images[0].get_array()[0]).argmax() == 9


@pytest.mark.parametrize("given", [None, 0.5])
def test_decision_boundary_of_probabilities_is_at_one_half(matplotlib: Any, given: Any) -> None:
    X, y = np.random.default_rng(0).normal(size=(30, 2)).astype("f"), np.arange(30) % 2
    linear = mg.nn.Linear(2, 1)
    images = [
        mg.visualize.plot_decision_boundary(model, X, y, resolution=20, threshold=limit).images[0]
        for model, limit in ((linear, None), (mg.nn.Sequential(linear, mg.nn.Sigmoid()), given))
    ]
    assert np.array_equal(images[0].get_array(), images[1].get_array())
    assert np.unique(images[0].get_array()).size == 2


@pytest.mark.parametrize("classes", [3, 12, 30])
def test_decision_boundary_has_a_colour_for_each_class(matplotlib: Any, classes: int) -> None:
    X = np.random.default_rng(0).normal(size=(90, 2)).astype("f")
    labels = 5 * (np.arange(90) % classes)  # not numbers of classes
    model = mg.nn.Linear(2, classes)
    ax = mg.visualize.plot_decision_boundary(model, X, labels, resolution=20)
    points = {c.get_label(): c for c in ax.collections if c.get_label().startswith("class")}
    assert list(points) == [f"class {5 * k}" for k in range(classes)]
    colours = [tuple(c.get_facecolor()[0][:3]) for c in points.values()]
    assert len(set(colours)) == classes
    ground = ax.images[0]
    for k, colour in enumerate(colours):
        assert ground.cmap(ground.norm(k))[:3] == pytest.approx(colour)
    assert all([ax.get_xlabel(), ax.get_ylabel()])


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"y": [0, 5, 10]}, ValueError, "0, 5, 10, and the model tells 2"),
        ({"resolution": 0}, ValueError, "resolution is at least 2"),
        ({"resolution": 2.5}, TypeError, "resolution is a whole number"),
        ({"margin": "a"}, TypeError, "margin is a number"),
        ({"margin": -1}, ValueError, "margin is 0 or more"),
        ({"X": [[0, np.nan], [1, 1], [2, 0]]}, ValueError, "NaN"),
        ({"model": 3}, TypeError, "got int"),
    ],
)
def test_decision_boundary_names_what_is_wrong(
    matplotlib: Any, change: dict[str, Any], error: type[Exception], said: str
) -> None:
    given = {"model": mg.nn.Linear(2, 1), "X": [[0, 1], [1, 0], [2, 2]], "y": [0, 1, 1], **change}
    with pytest.raises(error, match=said):
        mg.visualize.plot_decision_boundary(**given)


def test_maps_need_a_column(matplotlib: Any) -> None:
    with pytest.raises(ValueError, match="columns is at least 1, got 0"):
        mg.visualize.plot_weights(mg.nn.Linear(2, 1), columns=0)


def test_decision_boundary_leaves_modules_as_they_were(matplotlib: Any) -> None:
    model = mg.nn.Sequential(mg.nn.BatchNorm1d(2), mg.nn.Dropout(0.5), mg.nn.Linear(2, 1))
    model[0].eval()
    X, y = np.zeros((2, 2), "f"), np.arange(2)
    mg.visualize.plot_decision_boundary(model, X, y, resolution=3)
    with pytest.raises(ValueError, match="scores of shape"):
        mg.visualize.plot_decision_boundary(lambda x: model(x).sum(), X, y, resolution=3)
    assert [module.training for module in model.modules()] == [True, False, True, True]


@pytest.mark.parametrize("plot", [mg.visualize.plot_weights, mg.visualize.GradientNorms])
def test_plots_of_parameters_need_a_module(plot: Any) -> None:
    with pytest.raises(TypeError, match="got Tensor"):
        plot(mg.ones(2, 2))


@pytest.mark.parametrize(
    "plot",
    [
        lambda: mg.visualize.plot_weights(mg.nn.Linear(2, 1)),
        lambda: mg.visualize.plot_decision_boundary(mg.nn.Linear(2, 1), np.ones((1, 2)), [0]),
    ],
    ids=["weights", "boundary"],
)
def test_without_matplotlib_a_plot_says_what_to_install(plot: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="pip install"):
        plot()


def test_lint_needs_a_module_as_its_model() -> None:
    with pytest.raises(TypeError, match="got int"):
        mg.visualize.lint(small_graph()[0], 3)
    with pytest.raises(TypeError, match="not a module"):
        mg.visualize.lint(mg.nn.Linear(2, 1))


def test_a_history_without_epochs_has_no_plot() -> None:
    with pytest.raises(ValueError, match="no epoch"):
        mg.training.History().plot()


def test_decision_boundary_refuses_points_in_space(matplotlib: Any) -> None:
    with pytest.raises(ValueError, match="shape"):
        mg.visualize.plot_decision_boundary(mg.nn.Linear(3, 1), np.ones((4, 3), "f"), np.ones(4))


def test_weights_and_activations_are_heat_maps(matplotlib: Any) -> None:
    model = mg.nn.Sequential(mg.nn.Linear(3, 4), mg.nn.ReLU(), mg.nn.Linear(4, 2))
    maps = [ax for ax in mg.visualize.plot_weights(model).axes if ax.get_title()]
    assert np.array_equal(maps[0].images[0].get_array(), model[0].weight.detach().numpy())
    x = mg.ones(5, 3)
    maps = [ax for ax in mg.visualize.plot_activations(model, x).axes if ax.get_title()]
    hidden = model[1](model[0](x))
    assert np.allclose(maps[1].images[0].get_array(), hidden.detach().numpy())


@pytest.mark.parametrize("kind", ["lines", "map"])
def test_gradient_norms_over_time(matplotlib: Any, kind: str) -> None:
    model = deep_net(3)
    norms = mg.visualize.GradientNorms(model)
    for _ in range(2):
        model(mg.ones(2, 3)).sum().backward()
        norms.record()
    weight = model[0].weight
    assert norms.table["0.weight"][-1] == pytest.approx(np.linalg.norm(weight.grad.numpy()))
    ax = norms.plot(kind=kind)
    assert ax.get_xlabel() == "step"


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("layers", [2, 12])
def test_lines_of_gradient_norms_are_told_apart(matplotlib: Any, style: str, layers: int) -> None:
    model = mg.nn.Sequential(*[mg.nn.Linear(2, 2) for _ in range(layers)])
    norms = mg.visualize.GradientNorms(model)
    for _ in range(5):
        model(mg.ones(2, 2)).sum().backward()
        norms.record()
    with matplotlib.style.context(style):
        ax = norms.plot()
        ground = np.array(ax.get_facecolor()[:3])
    assert (ax.get_legend() is None) == (len(ax.figure.axes) == 2)  # or else a colour bar
    colours = [np.array(line.get_color()[:3]) for line in ax.lines]
    assert min(np.abs(colour - ground).max() for colour in colours) > 0.4
    assert all(tick == round(tick) for tick in ax.get_xticks())


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


def test_a_function_is_written_without_its_context() -> None:
    class Square(mg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * ctx.saved_tensors[0] * g

    x = mg.tensor([1.0, 2.0], requires_grad=True)
    assert "t1 = Square(x)" in str(mg.visualize.tape(Square.apply(x), names={"x": x}))
