"""The graph beside the steps: what it folds, how it is searched, and its size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import minigrad as mg
from minigrad.visualize.explain import SCRIPTS
from minigrad.visualize.pages import assembled
from tests.visualize.browsing import go_to, step_of, visit
from tests.visualize.eight_nets import recurrent, transformer

BOXES = "return [...document.querySelectorAll('#graph .box')].map(b => b.textContent)"


def blocks(count: int = 4) -> Any:
    mg.manual_seed(0)
    model = mg.nn.Sequential(*[transformer(mg)[0] for _ in range(count)])
    x = mg.randn(1, 3, 8)
    with mg.visualize.record_values():
        return (model(x) ** 2).mean()


def find(browser: Any, text: str) -> None:
    browser.execute_script(
        """const find = document.getElementById('find'); find.value = arguments[0];
           find.dispatchEvent(new Event('change'))""",
        text,
    )


def test_a_large_graph_is_folded_until_it_is_opened(browser: Any, tmp_path: Path) -> None:
    data = visit(browser, tmp_path, blocks())
    groups = {group["title"]: group["members"] for group in data["groups"]}
    parts = [groups[f"{k}: Block"] for k in range(4)]
    assert sorted(i for part in parts for i in part) == groups["Block × 4"]
    folded = browser.execute_script(BOXES)
    assert any("Block × 4" in text for text in folded)
    assert len(folded) <= 8
    open_first = "document.querySelector('#graph .box.folded').dispatchEvent(new Event('click'))"
    browser.execute_script(open_first)
    opened = browser.execute_script(BOXES)
    assert [f"{k}: Block" in " ".join(opened) for k in range(4)] == [True] * 4
    browser.execute_script(open_first)
    assert len(browser.execute_script(BOXES)) > len(opened) + 20
    assert browser.get_log("browser") == []


def test_a_parameter_is_found_by_its_name(browser: Any, tmp_path: Path) -> None:
    data = visit(browser, tmp_path, blocks())
    name = "2.out.weight"
    vertex = next(i for i, v in enumerate(data["vertices"]) if v.get("name") == name)
    find(browser, name)
    step = data["steps"][step_of(browser)]
    assert vertex in data["vertices"][step["vertex"]]["inputs"]
    assert browser.execute_script(f"return !!document.querySelector('[data-vertex=\"{vertex}\"]')")
    find(browser, "no such thing")
    assert not browser.execute_script("return document.getElementById('find').validity.valid")
    assert data["steps"][step_of(browser)] == step


def test_steps_of_a_cell_are_opened_one_by_one(browser: Any, tmp_path: Path) -> None:
    mg.manual_seed(0)
    model, x = recurrent(mg)
    with mg.visualize.record_values():
        loss = model(x).sum() * 1 + sum(model(x).sum() for _ in range(2))
    data = visit(browser, tmp_path, loss)
    titles = [group["title"] for group in data["groups"]]
    assert titles.count("LSTMCell × 5") == 3
    assert titles.count("step 3") == 3


def test_the_graph_is_made_larger_and_smaller(browser: Any, tmp_path: Path) -> None:
    visit(browser, tmp_path, blocks(1))
    width = "return document.querySelector('#graph svg').getBoundingClientRect().width"
    sizes = [browser.execute_script(width)]
    for button in ("closer", "closer", "farther", "fit"):
        browser.execute_script(f"document.getElementById('{button}').click()")
        sizes.append(browser.execute_script(width))
    first, one, two, back, fitted = sizes
    assert first < one < two
    assert abs(back - one) < 1
    assert abs(fitted - first) < 1


def test_kernels_are_images_and_wide_matrices_heat_maps(browser: Any, tmp_path: Path) -> None:
    mg.manual_seed(0)
    x, kernels = mg.randn(1, 2, 5, 5), mg.randn(3, 2, 3, 3, requires_grad=True)
    wide = mg.randn(20, 4, requires_grad=True)
    y = mg.nn.functional.conv2d(x, kernels)
    data = visit(browser, tmp_path, y.sum() + (mg.randn(3, 20) @ wide).sum())
    step = next(
        k for k, s in enumerate(data["steps"])
        if data["vertices"][s["vertex"]].get("op", "").startswith("conv")
    )  # fmt: skip
    go_to(browser, step)
    kernel = "document.querySelector('figure[data-role=operand]:has(canvas) canvas.map')"
    sizes = "return [...document.querySelectorAll('canvas.map')].map(c => [c.width, c.height])"
    assert [2 * 3 + 1, 3 * 3 + 2] in browser.execute_script(sizes)
    title = browser.execute_script(
        """const maps = [...document.querySelectorAll('canvas.map')];
           const map = maps.find(c => c.width === 7);
           const box = map.getBoundingClientRect();
           map.dispatchEvent(new PointerEvent('pointermove',
             {clientX: box.left + box.width * 4.5 / 7, clientY: box.top + box.height * 9.5 / 11}));
           return map.title"""
    )
    place, number = title.rsplit(" ", 1)
    assert place == "[2, 1, 1, 0]"
    found = float(number.replace("−", "-"))
    assert abs(found - kernels[2, 1, 1, 0].item()) < 1e-3
    product = next(
        k for k, s in enumerate(data["steps"])
        if data["vertices"][s["vertex"]].get("op") == "matmul"
    )  # fmt: skip
    go_to(browser, product)
    assert [20, 3] in browser.execute_script(sizes)
    assert browser.execute_script(f"return !!{kernel}")
    assert browser.get_log("browser") == []


def test_the_code_of_the_page_is_small() -> None:
    assert len(assembled("page", ["page"], SCRIPTS, {"title": ""}).encode()) < 120_000
