"""The page that steps through backpropagation: its numbers, in a headless browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.visualize.backprop import replay
from tests.visualize.browsing import (
    PRINTED,
    go_to,
    panel_html,
    press,
    printed,
    read,
    step_of,
    text_of,
    visit,
)
from tests.visualize.graphs import GRAPHS, NOT_FINITE, leaf, roots_at_zero


def test_every_step_shows_the_numbers_of_python(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    browser, loss, data, _ = opened
    graph = mg.visualize.describe(loss)
    done = replay(graph, [np.ones((), np.float32)])
    contributions = iter(done.contributions)
    for index, step in enumerate(data["steps"]):
        assert step_of(browser) == index
        if step["kind"] == "forward":
            assert printed(browser, "value", graph.vertices[step["vertex"]].value)
        if step["kind"] == "vjp":
            c = next(contributions)
            assert (step["vertex"], step["target"]) == (c.source, c.target)
            assert printed(browser, "result", c.raw)
            if c.raw.shape != c.gradient.shape:
                assert printed(browser, "gradient", c.gradient)
            if "arrival" in step:
                assert printed(browser, "contribution", c.gradient)
                assert printed(browser, "total", c.total)
            left, right = read(browser, "left"), read(browser, "right")
            if left:
                product = (left[0] @ right[0]).reshape(read(browser, "result")[0].shape)
                bound = 1e-2 * np.abs(product).max() + 1e-6
                assert np.abs(product - read(browser, "result")[0]).max() < bound
        press(browser, Keys.ARROW_RIGHT)
    assert step_of(browser) == len(data["steps"]) - 1


def test_the_last_step_shows_the_gradients_of_python(opened: Any) -> None:
    browser, loss, data, address = opened
    browser.get(f"{address}#step={len(data['steps'])}")
    shown = read(browser, "leaf-gradient")
    loss.backward()
    leaves = [v for v in mg.visualize.describe(loss).vertices if v.kind == "leaf"]
    assert len(shown) == len(leaves)
    for matrix, vertex in zip(shown, leaves, strict=True):
        expected = vertex.edge.grad.numpy().reshape(matrix.shape)
        assert np.allclose(matrix, expected, rtol=PRINTED, atol=1e-7)


def test_back_restores_the_state(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    browser, _, data, _ = opened
    seen = []
    for _ in range(len(data["steps"]) - 1):
        seen.append(panel_html(browser))
        press(browser, Keys.ARROW_RIGHT)
    for before in reversed(seen):
        press(browser, Keys.ARROW_LEFT)
        assert panel_html(browser) == before
    press(browser, Keys.END)
    assert step_of(browser) == len(data["steps"]) - 1
    browser.back()
    assert panel_html(browser) == seen[0]


def test_no_error_and_no_request(opened: Any) -> None:
    browser, _, data, _ = opened
    for index in range(len(data["steps"])):
        go_to(browser, index, "&jacobian")
        browser.execute_script("document.querySelectorAll('.asks td').forEach(c => c.click())")
    assert browser.get_log("browser") == []
    messages = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    requests = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert requests, "the page itself is a request"
    for request in requests:
        url = request["request"]["url"]
        assert url.startswith(("file:", "data:", "about:", "chrome:", "devtools:")), url


def test_the_jacobian_gives_the_same_gradient(opened: Any) -> None:
    browser, _, data, _ = opened
    shown = 0
    for index, step in enumerate(data["steps"]):
        if "jacobian" not in step:
            continue
        browser.execute_script(f"location.hash = 'step={index + 1}&jacobian'")
        browser.execute_script("window.dispatchEvent(new HashChangeEvent('hashchange'))")
        assert step_of(browser) == index
        J, vec, gradient = (read(browser, role)[0] for role in ("jacobian", "vec", "shortcut"))
        product = (J.T @ vec).reshape(-1)
        bound = 5e-3 * np.abs(J).max() * np.abs(vec).max() * len(vec) ** 0.5 + 1e-9
        assert np.abs(product - gradient.reshape(-1)).max() < bound
        shown += 1
    assert shown > 0


def value_of(side: str) -> tuple[float, float] | None:
    """A sum of products as the page writes it, and the size of its terms; None of words."""
    if re.search(r"[^\d.e+−() ·infa]", side):
        return None
    terms = []
    for term in side.split(" + "):
        factors = [float(f.strip(" ()").replace("−", "-")) for f in term.split("·")]
        terms.append(np.prod(factors))
    return float(np.sum(terms)), float(np.sum(np.abs(terms)))


ANSWERS = """return [...document.querySelectorAll('#panel .asks td')].map((cell) => {
    cell.click();
    return [cell.textContent, document.getElementById('why').textContent,
            document.querySelectorAll('td.mark').length]; })"""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("graph", [*GRAPHS, *NOT_FINITE], ids=lambda graph: graph.__name__)
def test_what_is_said_of_each_entry_is_true(
    browser: Any, tmp_path: Path, graph: Callable[[], Any]
) -> None:
    with mg.visualize.record_values():
        loss = graph()
    data = visit(browser, tmp_path, loss)
    checked = 0
    for index, step in enumerate(data["steps"]):
        if step["kind"] != "vjp":
            continue
        go_to(browser, index, "&jacobian")
        for shown, said, marks in browser.execute_script(ANSWERS):
            left, *sides = said.split(": ")[0].split(" = ")
            assert left.startswith(data["vertices"][step["target"]]["bar"])
            assert sides[-1] == shown
            assert ("before the sum" in left) <= ("raw" in step)
            assert marks > 0 or shown == "0" or "depends on it" in said
            expected = float(shown.replace("−", "-"))
            for value in filter(None, map(value_of, sides)):
                rounding = 1.3e-3 * value[1] + 1e-9
                assert np.isclose(value[0], expected, rtol=1e-3, atol=rounding, equal_nan=True), (
                    said
                )
                checked += len(sides) > 1
    assert checked > 0


def test_infinite_slopes_have_zeros_beside_them(browser: Any, tmp_path: Path) -> None:
    data = visit(browser, tmp_path, roots_at_zero())
    go_to(
        browser, next(i for i, s in enumerate(data["steps"]) if s.get("target") == 0), "&jacobian"
    )
    assert read(browser, "jacobian")[0].tolist() == [[np.inf, 0, 0], [0, 0.5, 0], [0, 0, 0.25]]


@pytest.mark.parametrize("op", [mg.mul, mg.relu, mg.exp, mg.add], ids=lambda op: op.__name__)
def test_words_do_not_depend_on_the_data(browser: Any, tmp_path: Path, op: Any) -> None:
    told = []
    for data in ([0.0, 0.0, 1.0], [1.0, 1.0, 1.0], [2.0, 3.0, 4.0]):
        x = leaf(data, "x")
        y = op(x, leaf(data, "d")) if op in (mg.mul, mg.add) else op(x)
        steps = visit(browser, tmp_path, (y * 3).sum())["steps"]
        go_to(browser, next(i for i, s in enumerate(steps) if s.get("target") == 0))
        told.append(text_of(browser, ".lead"))
    names = {mg.mul: "by that of d", mg.add: "passes unchanged", mg.exp: "by the slope"}
    assert all(names.get(op, "") in text for text in told)
    assert op is mg.relu or len(set(told)) == 1


def test_the_page_has_roles_and_a_live_region(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    browser, _, data, _ = opened
    press(browser, Keys.ARROW_RIGHT)
    said = browser.execute_script("return document.getElementById('announce').textContent")
    assert said.startswith(f"Step 2 of {len(data['steps'])}. ")
    unnamed = browser.execute_script(
        """return [...document.querySelectorAll('button, input, section, table')]
             .filter(e => !(e.getAttribute('aria-label') || e.labels?.length)).length"""
    )
    assert unnamed == 0
    announced = "return document.querySelectorAll('[role=status], [role=alert], output').length"
    assert browser.execute_script(announced) == 1


def test_headings_go_down_one_level_at_a_time(opened: Any) -> None:
    browser, _, data, _ = opened
    for index in range(len(data["steps"])):
        go_to(browser, index, "&jacobian")
        levels = browser.execute_script(
            "return [...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])"
        )
        assert levels[:2] == [1, 2]
        assert all(after <= before + 1 for before, after in pairwise(levels))
        formula = data["steps"][index].get("formula")
        if formula:
            assert formula.startswith(text_of(browser, "#panel h2:last-of-type"))
