"""The picture of a graph: what its boxes and edges say."""

from __future__ import annotations

import html
import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.pytrees import leaves_of
from minigrad.visualize import backprop, captions, themes
from tests.samples import SAMPLES, some
from tests.visualize.graphs import HOSTILE, deep_net, leaf, small_graph, texts_of, written_in


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
    assert not {"data, no gradient", "folded", "x̄ gradient of x"} & set(plain)
    total = (x * mg.ones(2)).sum()
    total.backward()
    assert {"data, no gradient", "x̄ gradient of x"} <= set(
        texts_of(mg.visualize.draw(total).source)
    )


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
@pytest.mark.parametrize("sample", some(DIFFERENTIABLE), ids=str)
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
@pytest.mark.parametrize("sample", some(DIFFERENTIABLE), ids=str)
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
