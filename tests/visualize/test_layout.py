"""What of a large graph is drawn, folded or left out."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.visualize import folding
from tests.visualize.graphs import deep_net, leaf, texts_of


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
    assert "each: linear × 2, getitem, add, lstm_cell" in texts_of(source)


def edges_of(source: str) -> list[tuple[str, str]]:
    return re.findall(r"^\s+(\w+) -> (\w+)", source, re.M)


def test_a_leaf_with_many_uses_is_drawn_beside_them_in_a_large_picture() -> None:
    x = leaf([1.0], "x")
    y = x
    for _ in range(60):
        y = mg.tanh(y) + x
    edges = edges_of(mg.visualize.draw(y, fold=False).source)
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
    plan = folding.layout(description, None, fold=False)
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
