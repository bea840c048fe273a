"""The page that steps through backpropagation: what it says of each step."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.visualize.backprop import replay
from minigrad.visualize.names import bar
from tests.visualize.browsing import (
    PHONE,
    PRINTED,
    go_to,
    panel_html,
    press,
    read,
    step_of,
    text_of,
    visit,
)
from tests.visualize.graphs import leaf, normal


def products_of_matrices() -> Any:
    """Each of the four ways in which a matrix product has a gradient: ḡ left or right, turned."""
    x, w, v = leaf(normal(2, 3), "x"), leaf(normal(3, 4), "w"), leaf(normal(5, 4), "v")
    return (mg.nn.functional.linear(x @ w, v) * mg.tensor(normal(2, 5))).sum()


def test_the_reason_that_is_given_for_a_product_is_true(browser: Any, tmp_path: Path) -> None:
    with mg.visualize.record_values():
        loss = products_of_matrices()
    data = visit(browser, tmp_path, loss)
    graph = mg.visualize.describe(loss)
    done = replay(graph, [np.ones((), np.float32)])
    known = {v.symbol: v.value for v in graph.vertices}
    known |= {bar(v.symbol): done.gradients[v.index] for v in graph.vertices if v.edge}
    checked = set()
    for index, step in enumerate(data["steps"]):
        if step["kind"] != "vjp" or step["rule"]["kind"] != "product":
            continue
        go_to(browser, index)
        found = re.search(
            r"(\S+)\[i, k\] = Σⱼ (\S+)\[(.), (.)\] · (\S+)\[(.), (.)\]",
            text_of(browser, ".because"),
        )
        assert found is not None
        result, a, i, j, b, k, m = found.groups()
        product = np.einsum(f"{i}{j},{k}{m}->ik", known[a], known[b])
        assert np.allclose(product, known[result], rtol=1e-4, atol=1e-6)
        checked.add((i + j, k + m))
    assert checked == {("ij", "kj"), ("ji", "jk"), ("ij", "jk")}


def test_each_step_says_where_its_gradient_arrived(opened: Any) -> None:
    browser, _, data, _ = opened
    for index, step in enumerate(data["steps"]):
        if step["kind"] != "vjp":
            continue
        go_to(browser, index)
        told = browser.execute_script(
            "return [...document.querySelectorAll('.lead .link')].map(b => b.textContent)"
        )
        arrived = [
            k for k, s in enumerate(data["steps"][:index])
            if s.get("target" if s["kind"] == "vjp" else "vertex") == step["vertex"]
            and s["kind"] != "forward"
        ]  # fmt: skip
        assert told == [f"step {k + 1}" for k in arrived]
        browser.execute_script("document.querySelector('.lead .link').click()")
        assert step_of(browser) == arrived[0]


def several_results() -> Any:
    mg.random.manual_seed(0)
    cell = mg.nn.LSTMCell(2, 2)
    hidden, state = cell(leaf(normal(2, 2), "x"))
    chosen = mg.where(hidden > 0, hidden, state[:, [1, 0]])
    chosen.register_hook(lambda g: g * 2)
    return (chosen.max(1).values * chosen.amax(0)).sum()


def test_ops_with_several_results_hooks_and_indices(browser: Any, tmp_path: Path) -> None:
    loss = several_results()
    data = visit(browser, tmp_path, several_results())
    kinds = [step["kind"] for step in data["steps"]]
    cell = next(i for i, s in enumerate(data["steps"]) if len(s.get("g", ())) == 2)
    for index, step in enumerate(data["steps"]):
        go_to(browser, index, "&jacobian")
        browser.execute_script("document.querySelectorAll('.asks td').forEach(c => c.click())")
        if step["kind"] == "hook":
            assert np.allclose(read(browser, "total")[0], 2 * read(browser, "before")[0], rtol=1e-3)
        if "jacobian" in step:
            J, vec, gradient = (read(browser, role)[0] for role in ("jacobian", "vec", "shortcut"))
            assert np.allclose((J.T @ vec).reshape(gradient.shape), gradient, rtol=1e-2, atol=1e-3)
    assert "hook" in kinds
    assert "jacobian" in data["steps"][cell]
    assert browser.get_log("browser") == []
    go_to(browser, len(data["steps"]) - 1)
    shown = read(browser, "leaf-gradient")
    loss.backward()
    leaves = [v for v in mg.visualize.describe(loss).vertices if v.kind == "leaf"]
    for matrix, vertex in zip(shown, leaves, strict=True):
        expected = vertex.edge.grad.numpy().reshape(matrix.shape)
        assert np.allclose(matrix, expected, rtol=PRINTED, atol=1e-6)


def test_arguments_that_are_arrays_are_shown(browser: Any, tmp_path: Path) -> None:
    x = leaf(normal(3, 2), "x")
    visit(browser, tmp_path, mg.nn.functional.cross_entropy(x, mg.tensor([1, 0, 1])))
    assert read(browser, "argument")[0].tolist() == [[1, 0, 1]]


def test_the_guide_opens_the_page_and_comes_back_when_asked(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    browser, *_ = opened
    has_guide = "return document.getElementById('guide') !== null"
    expanded = "return document.getElementById('help').getAttribute('aria-expanded')"
    assert browser.execute_script(has_guide)
    press(browser, Keys.ARROW_RIGHT)
    assert not browser.execute_script(has_guide)
    assert browser.execute_script(expanded) == "false"
    press(browser, "?")
    assert browser.execute_script(has_guide)
    assert browser.execute_script(expanded) == "true"
    assert step_of(browser) == 1


def test_boxes_of_the_graph_are_reached_by_keyboard(opened: Any) -> None:
    browser, _, data, _ = opened
    last = max(i for i, v in enumerate(data["vertices"]) if v["kind"] == "op")
    browser.execute_script(
        f"""const box = document.querySelector('[data-vertex="{last}"]'); box.focus();
            box.dispatchEvent(new KeyboardEvent('keydown', {{key: 'Enter', bubbles: true}}))"""
    )
    assert data["steps"][step_of(browser)] == {"kind": "forward", "vertex": last}


def test_numbers_that_were_not_kept_are_said_so_once(browser: Any, tmp_path: Path) -> None:
    layer = mg.nn.Linear(2, 2)
    loss = (
        (layer(mg.tensor(normal(3, 2))) - leaf(normal(3, 2), "lost")) + 1
    ).sum()  # nobody holds it
    data = visit(browser, tmp_path, loss, "step=2")
    constant = data["vertices"][data["vertices"][data["steps"][1]["vertex"]]["inputs"][1]]
    assert "value" not in constant
    shown = browser.execute_script(
        "return [...document.querySelectorAll('figure[data-role=operand]')].pop().textContent"
    )
    assert shown == f"{constant['symbol']} the tensor is gone"
    assert "record_values" in panel_html(browser)
    assert "?" not in text_of(browser, "#graph")


def test_a_wide_matrix_on_a_phone_says_that_it_scrolls(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        loss = (leaf(normal(3, 20), "x") * leaf(normal(20), "s")).sum()
        loss.name = "the_loss"
        visit(browser, tmp_path, loss)
        assert "scroll →" in text_of(browser, "figure.more .hint")
        area = browser.find_element("css selector", "figure.more .scroll")
        assert area.get_attribute("aria-label") == "x, 3×20, scrolls"
        area.send_keys(Keys.ARROW_RIGHT)  # scrolls the matrix, and leaves the step
        assert step_of(browser) == 0
        cut = "const h = document.querySelector('h1'); return h.scrollHeight > h.clientHeight + 1"
        assert not browser.execute_script(cut)
        browser.execute_script("document.querySelector('h1').textContent = 'many words '.repeat(9)")
        assert browser.execute_script(cut)
        assert "the_loss" in browser.execute_script("return document.querySelector('h1').title")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def linear_layer() -> Any:
    mg.random.manual_seed(0)
    layer = mg.nn.Linear(3, 4)
    return (mg.relu(layer(mg.tensor(normal(2, 3)))) * mg.tensor(normal(4))).sum()


@pytest.mark.parametrize(("graph", "entries"), [(products_of_matrices, 18), (linear_layer, 8)])
def test_forward_products_are_sums_of_products(
    browser: Any, tmp_path: Path, graph: Callable[[], Any], entries: int
) -> None:
    data = visit(browser, tmp_path, graph())
    seen = 0
    for index, step in enumerate(data["steps"]):
        if step["kind"] != "forward":
            break
        go_to(browser, index)
        cells = browser.execute_script(
            """return [...document.querySelectorAll('figure[data-role=value] .asks td')].map(
                 (cell) => { cell.click();
                   return [cell.textContent, document.getElementById('why').textContent]; })"""
        )
        for number, why in cells:
            assert f"= {number}" in why
            if "·" not in why:  # entry by entry
                continue
            total = 0.0
            for term in why.split(" = ")[1].replace("−", "-").split(" + "):
                total += np.prod([float(factor.strip("()")) for factor in term.split("·")])
            assert np.isclose(total, float(number.replace("−", "-")), atol=5e-3)
            seen += 1
    assert seen == entries
