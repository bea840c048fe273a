"""The data of the page that steps through backpropagation: its numbers, and how they are shown."""

from __future__ import annotations

import json
import math
import re
import sys
import unicodedata
from functools import partial
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.visualize import backprop, captions, rules, values
from minigrad.visualize.explain import MOST_OPS, PAGE, PageData, one_product, page_data
from minigrad.visualize.names import MACRON, bar
from minigrad.visualize.packing import Arrays
from tests.explained import read_array
from tests.samples import SAMPLES, Sample, some

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

DIFFERENTIABLE = [s for s in SAMPLES if s.differentiable]


def leaf(array: Any, name: str | None = None) -> Any:
    tensor = mg.tensor(np.asarray(array), requires_grad=True)
    tensor.name = name
    return tensor


def results_of(value: Any) -> list[Any]:
    """The results of an op that have a graph, as a list."""
    if isinstance(value, (tuple, list)):
        return [each for part in value for each in results_of(part)]
    return [value] if isinstance(value, mg.Tensor) and value.requires_grad else []


def replayed(sample: Sample) -> tuple[Any, Any, list[Any], list[Any], list[Any]]:
    """The graph of one row of the table, with a random cotangent for each result, passed back."""
    leaves = [leaf(array) for array in sample.inputs()]
    with mg.visualize.record_values():
        results = results_of(sample.run(*leaves))
    rng = sample.rng()
    cotangents = [np.asarray(rng.standard_normal(r.shape), r.dtype) for r in results]
    graph = mg.visualize.describe(results)
    return graph, backprop.replay(graph, cotangents), leaves, results, cotangents


@pytest.mark.parametrize("sample", some(DIFFERENTIABLE), ids=str)
def test_the_replay_brings_the_gradients_of_backward(sample: Sample) -> None:
    graph, done, leaves, results, cotangents = replayed(sample)
    assert not done.missing
    mg.autograd.backward(results, [mg.tensor(c) for c in cotangents])
    for x in leaves:
        if x.grad is None:
            assert graph.by_edge.get(x._node) not in done.gradients
        else:
            got = done.gradients[graph.by_edge[x._node]]
            assert np.allclose(got, x.grad.numpy(), rtol=1e-12, atol=1e-12)


WITH_JACOBIAN = [  # the columns that full_matrices adds to the factors have no derivative
    s for s in DIFFERENTIABLE if not str(s).startswith("linalg.svd-full")
]


@pytest.mark.parametrize("sample", some(WITH_JACOBIAN), ids=str)
def test_the_jacobian_that_is_shown_gives_the_vjp(sample: Sample) -> None:
    graph, done, *_ = replayed(sample)
    assert done.contributions or not any(v.kind == "op" for v in graph.vertices)
    for c in done.contributions:
        matrix = backprop.jacobian(graph.vertices[c.source], c.position, graph)
        shown = matrix.T @ flat(c.cotangent, graph.vertices[c.source])
        assert np.allclose(shown, c.gradient.reshape(-1), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sample", some(DIFFERENTIABLE), ids=str)
def test_the_printed_jacobian_gives_the_printed_gradient(sample: Sample) -> None:
    graph, done, *_, cotangents = replayed(sample)
    data = PageData(graph, done, cotangents).data()
    json.dumps(data, allow_nan=False)
    arrays = data["arrays"]
    steps = [step for step in data["steps"] if step["kind"] == "vjp"]
    for step, c in zip(steps, done.contributions, strict=True):
        if "jacobian" not in step:
            continue
        J = read_array(step["jacobian"], arrays)
        vec = np.concatenate(
            [
                np.zeros(n) if g is None else read_array(g, arrays).reshape(-1)
                for _, g, n in step["g"]
            ]
        )
        rounding = 1.2e-3 * (np.abs(J.T) @ np.abs(vec)) + 1e-12
        printed = read_array(step["gradient"], arrays).reshape(-1)
        for gradient in (printed, c.gradient.reshape(-1)):
            assert (np.abs(J.T @ vec - gradient) <= rounding + 6e-4 * np.abs(gradient)).all()


@pytest.mark.parametrize("sample", some(WITH_JACOBIAN), ids=str)
def test_the_jacobian_that_is_shown_is_that_of_the_forward(sample: Sample) -> None:
    graph, done, *_ = replayed(sample)
    for c in done.contributions:
        vertex = graph.vertices[c.source]
        matrix = backprop.jacobian(vertex, c.position, graph)
        numerical = differences(vertex, c.position, graph)
        if "eigvals_pairs" in str(sample):  # LAPACK's order of the pairs jumps with a small change
            continue
        if numerical is not None:
            known = np.isfinite(numerical)  # an infinite or huge number has no difference
            if vertex.op == "lstsq":  # its rank and singular values carry no gradient
                known[np.prod(vertex.shape[0]) :] = False
            if is_symmetric(vertex):
                square = matrix.reshape(-1, *graph.vertices[c.target].shape)
                matrix = ((square + square.mT) / 2).reshape(matrix.shape)
            assert np.allclose(matrix[known], numerical[known], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sample", some(DIFFERENTIABLE), ids=str)
def test_the_rule_that_is_shown_gives_the_vjp(sample: Sample) -> None:
    graph, done, *_ = replayed(sample)
    for c in done.contributions:
        rule = rule_of(c, graph)
        shown = by_rule(rule, c)
        if shown is not None:
            expected = c.raw.reshape(shown.shape)
            assert np.allclose(shown, expected, rtol=1e-6, atol=1e-9), rule.kind


def flat(cotangent: Any, vertex: Any) -> Any:
    """A cotangent as one vector; of several results, one after another, zeros where none came."""
    if isinstance(cotangent, np.ndarray):
        return cotangent.reshape(-1)
    parts = [
        np.zeros(int(np.prod(shape))) if each is None else np.asarray(each).reshape(-1)
        for each, shape in zip(cotangent, vertex.shape, strict=True)
    ]
    return np.concatenate(parts)


def is_symmetric(vertex: Any) -> bool:
    """Whether an op takes its operand for symmetric, and reads one triangle of it."""
    by_name = vertex.op in {"cholesky", "eigh", "eigvalsh", "spectral_fn"}
    return by_name or bool(vertex.statics.get("hermitian"))


def differences(vertex: Any, position: int, graph: Any) -> Any:
    """The Jacobian of an op's forward by central differences; None if it is not to be had.

    Of a matrix that is symmetric, two entries are moved, each by half.  An entry is NaN where the
    step is less than the distance between neighbouring numbers, as at -1e30 (a log of nearly 0).
    """
    operands = values.operand_values(vertex, graph)
    if operands is None or operands[position] is None:
        return None
    x, h = np.asarray(operands[position], np.float64), 1e-6
    columns = []
    for i in range(x.size):
        direction = np.zeros(x.shape)
        direction.reshape(-1)[i] = h
        if is_symmetric(vertex):
            direction = (direction + direction.mT) / 2
        ends = []
        for moved in (x + direction, x - direction):
            given = [*operands[:position], moved, *operands[position + 1 :]]
            ends.append(flat(forward(vertex, given), vertex))
        coarse = np.maximum(np.abs(ends).max(0), np.abs(x.reshape(-1)[i]))
        columns.append(np.where(np.spacing(coarse) > h, np.nan, (ends[0] - ends[1]) / (2 * h)))
    rows = len(flat(vertex.value, vertex))
    return np.array(columns).T if columns else np.zeros((rows, 0))


def forward(vertex: Any, operands: list[Any]) -> Any:
    """The op run again; moments that a norm was given are functions of x, and computed anew."""
    node = vertex.edge
    if vertex.statics.get("moments") is None:
        return values.run(node, operands)[0]
    return node.op.forward(*operands, *(vertex.statics | {"moments": None}).values())[0]


def rule_of(c: Any, graph: Any) -> Any:
    vertex = graph.vertices[c.source]
    saved = backprop.saved_of(vertex, graph)
    vjp = partial(one_product, vertex.edge, saved, c.position)
    known = {
        graph.vertices[o.vertex].symbol: graph.vertices[o.vertex].value
        for o in vertex.operands
        if o.vertex is not None
    }
    return rules.find_rule(vjp, c.cotangent, c.raw, known, "g", False)


def by_rule(rule: Any, c: Any) -> Any:
    """What the page would compute from the parts that it shows; None for a rule without parts."""
    if rule.kind == "copy":
        return rule.scale * c.cotangent.reshape(-1)[rule.index]
    if rule.kind == "sum":
        return c.cotangent.sum(rule.axes)
    if rule.kind == "product":
        left, right = (f.matrix.T if f.transposed else f.matrix for f in (rule.left, rule.right))
        return left @ right
    return None


# ----------------------------------------------------------------------------------------- formulas

FUNCTIONS = """
    Ai F Fᴴ J K Re Vᴴ Y digamma eˣ i0e i1e polygamma ᴴ cof copyltu cos cosh det diag e einsum exp
    log max mean min onehot ravel sigmoid sign sin sinh softmax softplus sym tanh tril triu
    trunc var I Φ φ π σ Σ None True False inf ½
"""
WORDS = """
    1e NaN a above added all along among and any are at axes axis back backwards block both
    by came chosen cofactors column copies density diagonal distribution each eigenvalues
    eigenvectors else elsewhere engine entries entry equal error evenly exchanged finite
    first for frame from gate given halved if image images in indices into inverse is it its
    joined kernel laid largest last like lower matrix middle mirror moved near none normal not
    number of on ones or order other others over overlap part parts place places product
    quarter quarters read reading regular repeated right rounding rows same second series
    shape shared singular slice smallest softmax stacked summed that the their them there
    they third those tie times to triangle triangles turned up update upper value values
    vectors was weight went where window windows with without zeros
"""
INDICES = re.compile(r"(?<![^\W_])[ijk](?![^\W_])")


def unknown_words(formula: str, vertex: Any, graph: Any) -> set[str]:
    """Words of a formula that are neither names of the graph nor of the vocabulary."""
    text = unicodedata.normalize("NFD", formula)
    symbols = sorted([v.symbol for v in graph.vertices], key=len, reverse=True)
    for symbol in symbols:  # t1 and t̄1, and of results that nobody used t1.indices
        barred = unicodedata.normalize("NFD", bar(symbol))
        for name in (barred, symbol):
            if name not in text:  # most of the names of a large graph
                continue
            text = re.sub(
                rf"(?<![\w{MACRON}]){re.escape(name)}(\.[A-Za-z_]+)?(?![A-Za-z0-9{MACRON}])",
                "",
                text,
            )
    definitions = text.partition(" with ")[2]
    known = {*FUNCTIONS.split(), *WORDS.split(), *re.findall(r"[^\W\d_]", definitions)}
    known |= {n for n, v in vertex.statics.items() if isinstance(v, (np.ndarray, tuple, str))}
    if re.search(r"[\[ⱼᵢ]|over k", text):
        text = INDICES.sub("", text)
    if "einsum(" in text:
        text = re.sub(r"einsum\([a-zA-Z]*,[a-zA-Z]*->[a-zA-Z]*\)", "", text)
    words = re.findall(rf"[^\W\d_][\w{MACRON}]*", text)
    plain = [re.sub(r"[ᵀᵢⱼ₀-₉⁻¹²³]", "", word) for word in words]
    return {word for word in plain if word and word not in known}


# functions of two operands, one of which has no derivative: the page names the product only
ONE_SIDED = ("igamma", "igammac", "special.zeta", "linalg.ldl_solve")
WITH_FORMULA = [s for s in DIFFERENTIABLE if s.name not in ONE_SIDED]


@pytest.mark.parametrize("sample", some(WITH_FORMULA), ids=str)
def test_every_operand_has_a_formula_in_the_names_of_the_graph(sample: Sample) -> None:
    graph, done, *_ = replayed(sample)
    told: dict[int, list[tuple[str, Any]]] = {}
    for c in done.contributions:
        vertex = graph.vertices[c.source]
        formula = captions.product(graph, vertex, c.position, c.raw.shape != c.gradient.shape)
        left, right = formula.split(" = ", 1)
        assert "vector-Jacobian product of" not in right
        assert left.split("[")[0] == bar(graph.vertices[c.target].symbol)
        assert not set(formula) & set("`{}?")
        assert unknown_words(formula, vertex, graph) == set()
        arrived = [vertex] if isinstance(c.cotangent, np.ndarray) else [
            v for v in graph.vertices if v.kind == "output" and v.inputs == [c.source]
        ]  # fmt: skip
        assert right == "0" or any(bar(v.symbol) in right for v in arrived)
        told.setdefault(c.source, []).append((right, c.raw))
    for formulas in told.values():
        for (one, first), (other, second) in combinations(formulas, 2):
            assert one != other or np.array_equal(first, second, equal_nan=True)


@pytest.mark.parametrize(
    "module",
    [mg.nn.LSTMCell(2, 3), mg.nn.GRUCell(2, 3), mg.nn.RNNCell(2, 3), mg.nn.LayerNorm(2),
     mg.nn.LSTM(2, 3), mg.nn.MultiheadAttention(2, 1), mg.nn.BatchNorm1d(2)],
    ids=lambda module: type(module).__name__,
)  # fmt: skip
def test_fused_layers_have_formulas_in_the_names_of_the_graph(module: Any) -> None:
    x = leaf(np.random.default_rng(0).normal(size=(3, 2)).astype("f"), "x")
    attention = isinstance(module, mg.nn.MultiheadAttention)
    with mg.visualize.record_values():
        results = results_of(module(x, x, x) if attention else module(x))
    graph = mg.visualize.describe(results)
    done = backprop.replay(graph, [np.ones(r.shape, r.dtype) for r in results])
    for c in done.contributions:
        vertex = graph.vertices[c.source]
        formula = captions.product(graph, vertex, c.position, c.raw.shape != c.gradient.shape)
        assert "vector-Jacobian product of" not in formula
        assert unknown_words(formula, vertex, graph) == set()


def test_an_op_without_a_gradient_section_still_has_a_caption() -> None:
    @mg.op(lambda g, x: g * 2 * x)
    def squared(x: Any) -> Any:
        return x * x

    x = leaf(np.ones(2), "x")
    _, steps = page_of(squared(x).sum())
    assert "x̄ = vector-Jacobian product of squared with t̄1" in steps


# -------------------------------------------------------------------------------------------- rules


def page_of(x: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
    data = page_data(x, **options)
    steps = {s["formula"]: s for s in data["steps"] if s["kind"] == "vjp"}
    return data, steps


def test_a_product_is_shown_as_a_product() -> None:
    rng = np.random.default_rng(0)
    x, W, b = (leaf(rng.normal(size=s)) for s in ((4, 3), (3, 2), (2,)))
    h = x @ W + b
    _, steps = page_of((h * h).sum(), names={"x": x, "W": W, "b": b, "h": h})
    left, right = (steps["x̄ = t̄1 Wᵀ"]["rule"][side]["symbol"] for side in ("left", "right"))
    assert (left, right) == ("t̄1", "Wᵀ")
    left, right = (steps["W̄ = xᵀ t̄1"]["rule"][side]["symbol"] for side in ("left", "right"))
    assert (left, right) == ("xᵀ", "t̄1")
    bias = steps["b̄ = Σ h̄"]
    assert bias["stretched"] == [0]
    assert bias["rule"]["kind"] == "copy"


def test_the_bias_of_a_linear_layer_is_a_column_sum() -> None:
    layer = mg.nn.Linear(3, 2)
    _, steps = page_of((layer(mg.ones(4, 3)) * 2).sum())
    step = next(s for name, s in steps.items() if name.startswith("b̄"))
    assert step["rule"] == {"kind": "sum", "axes": [0]}


def test_relu_is_shown_as_a_mask() -> None:
    x = leaf(np.array([[1.0, -2.0], [-3.0, 4.0]]), "x")
    data, steps = page_of(mg.relu(x).sum())
    step = next(s for s in steps.values() if data["vertices"][s["target"]]["symbol"] == "x")
    assert read_array(step["rule"]["scale"], data["arrays"]).tolist() == [[1, 0], [0, 1]]


def test_fan_out_adds_one_contribution_at_a_time() -> None:
    x = leaf(np.array([1.0, 2.0]), "x")
    data = page_data((mg.exp(x) * x + x).sum())
    arrivals = [s for s in data["steps"] if s.get("target") == 0]
    assert [s["arrival"] for s in arrivals] == [[1, 3], [2, 3], [3, 3]]
    for before, after in pairwise(arrivals):
        assert after["before"] == before["total"]
        parts = [read_array(after[key], data["arrays"]) for key in ("before", "gradient")]
        total = read_array(after["total"], data["arrays"])
        assert np.allclose(sum(parts), total, rtol=1e-3)


def doubled(g: Any) -> Any:
    return g * 2


def test_a_gradient_hook_is_a_step_and_counts() -> None:
    x = leaf(np.array([[1.0, -2.0], [3.0, 0.5]]), "x")
    h = mg.exp(x)
    y = h * h + x
    for tensor in (x, h, y):
        tensor.register_hook(doubled)
    h.register_hook(lambda g: g + 1)
    h.retain_grad()
    loss = y.sum()
    data = page_data(loss)
    assert x.grad is None
    assert h.grad is None
    calls = [s for s in data["steps"] if s["kind"] == "hook"]
    symbols = [data["vertices"][s["vertex"]]["symbol"] for s in calls]
    named = [s["name"] for s in calls]
    assert named == ["doubled", "doubled", "<lambda>", "doubled"]
    assert symbols[-1] == "x"
    assert symbols[1] == symbols[2] != symbols[0]
    assert calls[1]["total"] == calls[2]["before"]
    for call in (calls[0], calls[1], calls[3]):
        before, after = (read_array(call[key], data["arrays"]) for key in ("before", "total"))
        assert np.allclose(after, 2 * before, rtol=1e-3)
    loss.backward()
    shown = read_array(dict(data["steps"][-1]["leaves"])[0], data["arrays"])
    assert np.allclose(shown, x.grad.numpy(), rtol=5e-4)
    for step in data["steps"]:  # what is sent on is what the last hook returned
        if step["kind"] == "vjp" and data["vertices"][step["vertex"]]["symbol"] == symbols[1]:
            assert step["g"][0][1] == calls[2]["total"]


def test_a_backward_hook_of_a_module_counts() -> None:
    layer = mg.nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda module, inner, outer: (inner[0] * 3,))
    x = leaf(np.ones((1, 2), np.float32), "x")
    loss = layer(x).sum()
    data = page_data(loss)
    loss.backward()
    shown = read_array(dict(data["steps"][-1]["leaves"])[0], data["arrays"])
    assert np.allclose(shown, x.grad.numpy(), rtol=5e-4)


def test_numbers_equal_the_gradients_to_the_printed_precision() -> None:
    mg.random.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Linear(2, 16), mg.nn.ReLU(), mg.nn.Linear(16, 1))
    x = mg.tensor(np.random.default_rng(0).normal(size=(8, 2)).astype("f"))
    loss = (model(x) * model(x)).sum()
    data = page_data(loss)
    loss.backward()
    gradients = dict(data["steps"][-1]["leaves"])
    assert len(gradients) == 4
    named = {v["name"]: i for i, v in enumerate(data["vertices"]) if "name" in v}
    for name, parameter in model.named_parameters():
        rows = read_array(gradients[named[name]], data["arrays"])
        assert np.allclose(rows, np.atleast_2d(parameter.grad.numpy()), rtol=5e-4)


def test_an_op_of_which_some_results_have_no_derivative_has_a_page() -> None:
    x = leaf(np.arange(6.0).reshape(3, 2) + np.eye(3, 2), "x")
    data = page_data(mg.linalg.svd(x, full_matrices=True).S.sum())
    assert [s["formula"] for s in data["steps"] if s["kind"] == "vjp"][-1].startswith("x̄ = ")


def test_the_page_does_not_touch_gradients() -> None:
    x = leaf(np.ones(2))
    page_data((x * x).sum())
    assert x.grad is None


def test_large_arrays_are_cut_and_say_so() -> None:
    x = leaf(np.arange(100.0 * 70).reshape(100, 70))
    arrays = page_data((x * x).sum())["arrays"]
    assert read_array(0, arrays).shape == (32, 32)
    assert arrays[0]["of"] == [100, 70]


def test_numbers_that_are_not_finite_can_be_written() -> None:
    x = leaf(np.array([np.nan, np.inf, -np.inf, 1.0]))
    data = page_data((x * 2).sum())
    assert data["arrays"][0]["rows"] == "nan inf -inf 1"
    json.dumps(data, allow_nan=False)


# ----------------------------------------------------------------------------------------- the file


def test_the_page_is_one_small_file_without_addresses(tmp_path: Path) -> None:
    x = leaf(np.ones(2), "x")
    path = mg.visualize.explain((x * x).sum(), tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    data = json.dumps(page_data((x * x).sum()))
    assert len(text.encode()) - len(data) < 200_000
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text


def test_the_page_holds_every_file_of_its_folder_in_one_scope(tmp_path: Path) -> None:
    x = leaf(np.ones(2), "x")
    path = mg.visualize.explain((x * x).sum(), tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    script = text[text.index('"use strict";\n(() => {\n') : text.rindex("})();")]
    scripts = sorted(PAGE.glob("*.js"))
    assert len(scripts) > 1
    for file in scripts:
        part = file.read_text(encoding="utf-8")
        assert part.startswith("// "), f"{file.name} does not say what it holds"
        assert script.count(part) == 1, file.name
    assert (PAGE / "page.css").read_text(encoding="utf-8") in text
    assert "{{" not in text.replace(script, "")


@pytest.mark.parametrize(
    ("activation", "most"),
    [
        (mg.nn.ReLU, 33_000),  # 28.7 kB: what relu stops is written as a mask
        (mg.nn.Tanh, 54_000),  # 50.0 kB: no number is 0, and the slopes are numbers of their own
    ],
)
def test_a_small_net_takes_little_data(activation: Any, most: int) -> None:
    mg.random.manual_seed(0)
    layers: list[Any] = []
    for m, n in pairwise((2, 16, 16, 1)):
        layers += [mg.nn.Linear(m, n), activation()]
    model = mg.nn.Sequential(*layers[:-1])
    x = mg.tensor(np.random.default_rng(0).normal(size=(32, 2)).astype("f"))
    data = page_data(lambda: (model(x) ** 2).mean())
    assert len(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()) < most


@pytest.mark.parametrize(
    "array",
    [
        np.array([[0.5, -0.25], [1e-9, -3.21987e-5]]),
        np.array([1.5, 123456.7, 1234567.0, -9.999e20]),
        np.arange(-30.0, 30).reshape(3, 4, 5),
        np.full((4, 6), 0.03125),
        np.eye(20) * 0.7,
        (np.arange(60) % 3 == 0).reshape(6, 10).astype(float),
        np.zeros((7, 9)),
        np.zeros((0, 3)),
        np.zeros((3, 0)),
        np.array(2.5),
        np.arange(12),
        np.array([True, False]),
        np.random.default_rng(0).normal(size=(50, 70)),
    ],
    ids=lambda array: str(array.shape),
)
def test_arrays_are_read_back_to_four_digits(array: Any) -> None:
    arrays = Arrays()
    first = arrays.add(array)
    masked = np.where(array > 0.1, array, 0)
    second = arrays.add(masked)
    assert first is not None
    assert second is not None
    for index, each in ((first, array), (second, masked)):
        matrix = each.reshape(math.prod(each.shape[:-1]), each.shape[-1] if each.ndim else 1)
        got = read_array(index, arrays.written)
        expected = matrix[: got.shape[0], : got.shape[1]]
        assert got.shape == expected.shape
        assert np.allclose(got, expected, rtol=5.1e-4, atol=0)
    assert arrays.add(array.copy()) == first


def test_what_relu_lets_pass_is_written_as_a_mask() -> None:
    x = leaf(np.random.default_rng(0).normal(size=(20, 20)), "x")
    data = page_data((mg.relu(x) * x).sum())
    likes = [array["like"] for array in data["arrays"] if "like" in array]
    assert likes
    out = next(v for v in data["vertices"] if v.get("op") == "relu")
    shown = read_array(out["value"], data["arrays"])
    assert np.allclose(shown, np.maximum(x.detach().numpy(), 0), rtol=5.1e-4, atol=0)


@pytest.mark.parametrize("name", ["</script><script>alert(1)", "{{data}} {{style}}", "\u2028'\"\\"])
def test_hostile_names_stay_data(name: str, tmp_path: Path) -> None:
    x = leaf(np.ones(2), name)
    loss = (x * x).sum()
    loss.name = name
    text = mg.visualize.explain(loss, tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.count("<script") == 2
    assert text.count("</script>") == 2
    start = text.index('id="data">') + len('id="data">')
    data = json.loads(text[start : text.index("</script>", start)])
    assert data["vertices"][0]["symbol"] == mg.visualize.describe(loss).vertices[0].symbol


# ----------------------------------------------------------------------------------------- refusals


def test_a_freed_graph_says_what_to_do() -> None:
    x = leaf(np.ones(2))
    loss = (x * leaf(np.ones(2))).sum()  # nobody holds the second one
    loss.backward()
    with pytest.raises(RuntimeError, match="record_values"):
        page_data(loss)


def test_a_result_with_several_entries_needs_a_gradient() -> None:
    x = leaf(np.ones(2))
    with pytest.raises(RuntimeError, match="gradient"):
        page_data(x * 2)
    with pytest.raises(ValueError, match="shape"):
        page_data(x * 2, gradient=np.ones(3))
    data = page_data(x * 2, gradient=[1.0, 3.0])
    leaves = dict(data["steps"][-1]["leaves"])
    assert read_array(leaves[0], data["arrays"]).tolist() == [[2, 6]]


@pytest.mark.parametrize(
    ("given", "said"),
    [({"names": ["x"]}, "mapping of names"), ({"gradient": "abc"}, r"numbers of shape \(\)")],
)
def test_arguments_of_another_kind_are_named(given: dict[str, Any], said: str) -> None:
    x = leaf(np.ones(2))
    with pytest.raises(TypeError, match=said):
        page_data((x * 2).sum(), **given)


def test_a_graph_too_long_to_step_through_is_refused() -> None:
    x = leaf(np.ones(1))
    y = x
    for _ in range(MOST_OPS):
        y = y * x
    with pytest.raises(RuntimeError, match="5,001 ops, and a page steps through at most 5,000:"):
        page_data(y.sum())


def test_a_graph_of_as_many_ops_as_a_page_takes_is_stepped_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules[page_data.__module__], "MOST_OPS", 3)
    x = leaf(np.ones(1))
    assert [step["kind"] for step in page_data((x * x * x).sum())["steps"]].count("vjp") == 5
    with pytest.raises(RuntimeError, match="4 ops, and a page steps through at most 3:"):
        page_data((x * x * x * x).sum())
