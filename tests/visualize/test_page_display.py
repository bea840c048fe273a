"""The page that steps through backpropagation: screens, themes, keys and paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import minigrad as mg
from tests.visualize.browsing import PHONE, eventually, go_to, step_of, text_of, visit
from tests.visualize.graphs import branched, broadcast, leaf, normal


def many_examples() -> Any:
    mg.random.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Linear(2, 8), mg.nn.ReLU(), mg.nn.Linear(8, 2))
    return (model(mg.tensor(normal(60, 2))) ** 2).mean()


@pytest.mark.parametrize("width", [1024, 1280, 1600])
def test_wide_matrices_share_their_line(browser: Any, tmp_path: Path, width: int) -> None:
    size = browser.get_window_size()
    browser.set_window_size(width, 900)
    try:
        with mg.visualize.record_values():
            loss = many_examples()
        data = visit(browser, tmp_path, loss)
        for index, step in enumerate(data["steps"]):
            if step["kind"] != "vjp":
                continue
            go_to(browser, index)
            areas = browser.execute_script(
                """return [...document.querySelectorAll('.product .scroll')]
                     .map(area => [area.clientWidth, area.scrollWidth])"""
            )
            assert all(shown >= min(whole, 180) for shown, whole in areas)
    finally:
        browser.set_window_size(size["width"], size["height"])


def test_the_answer_to_a_tap_is_seen_on_a_phone(browser: Any, tmp_path: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        with mg.visualize.record_values():
            loss = many_examples()
        data = visit(browser, tmp_path, loss)
        step = next(i for i, s in enumerate(data["steps"]) if "left" in s.get("rule", ()))
        go_to(browser, step, "&jacobian")
        asked = 0
        for role in browser.execute_script(
            """return [...document.querySelectorAll('#panel figure:has(.asks)')]
                 .map(figure => figure.dataset.role)"""
        ):
            seen = browser.execute_script(
                f"""const cell = document.querySelector('figure[data-role={role}] td');
                    cell.scrollIntoView(); cell.click();
                    const box = (id) => document.querySelector(id).getBoundingClientRect();
                    return [box('#why').top - box('main').top,
                            box('footer').top - box('#why').bottom]"""
            )
            assert min(seen) >= 0
            asked += 1
        assert asked
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_marks_are_seen_where_colours_are_forced(browser: Any, tmp_path: Path, media: Any) -> None:
    media(forced_colors="active")
    data = visit(browser, tmp_path, branched())
    step = next(i for i, s in enumerate(data["steps"]) if "left" in s.get("rule", ()))
    go_to(browser, step)
    browser.execute_script("document.querySelector('.asks td').click()")
    outlines = browser.execute_script(
        """return [...document.querySelectorAll('td.mark, td.target')]
             .map(cell => getComputedStyle(cell).outlineStyle)"""
    )
    assert {"dashed", "solid"} == set(outlines)


def test_all_of_a_step_is_printed(browser: Any, tmp_path: Path, media: Any) -> None:
    visit(browser, tmp_path, branched(), "step=12&jacobian")
    media("print")
    whole = browser.execute_script(
        """return ['panel', 'graph'].every(id => {
             const area = document.getElementById(id), style = getComputedStyle(area);
             const fits = area.scrollHeight <= area.clientHeight + 1;
             return style.overflow === 'visible' && fits; })"""
    )
    assert whole
    assert not browser.execute_script(
        """return [...document.querySelectorAll('button:not(.link), input')]
             .some(control => control.offsetHeight)"""
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_both_themes(browser: Any, tmp_path: Path, theme: str) -> None:
    path = mg.visualize.explain(branched(), tmp_path / "page.html")
    browser.get(f"{path.as_uri()}#step=12&jacobian")
    ratios = browser.execute_script(
        """
        const theme = document.documentElement;
        theme.dataset.theme = arguments[0];
        const probe = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
        const rgb = (c) => { probe.fillStyle = c; probe.fillRect(0, 0, 1, 1);
          return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3); };
        const light = (c) => rgb(c).map((v) => v / 255)
          .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
          .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
        const style = (name) => getComputedStyle(theme).getPropertyValue(name).trim();
        const pairs = [['--text', '--ground'], ['--text', '--panel'], ['--muted', '--ground'],
          ['--muted', '--panel'], ['--accent', '--ground'], ['--grad', '--ground'],
          ['--text', '--leaf'], ['--text', '--constant'], ['--text', '--accent-soft'],
          ['--text', '--grad-soft'], ['--mark-text', '--mark'], ['--muted', '--leaf'],
          ['--muted', '--constant'], ['--muted', '--accent-soft'], ['--muted', '--grad-soft']];
        return pairs.map(([a, b]) => { const [x, y] = [light(style(a)), light(style(b))];
          return [a + ' on ' + b, (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)]; });
        """,
        theme,
    )
    assert {name: ratio for name, ratio in ratios if ratio < 4.5} == {}


def test_a_phone_shows_it_without_scrolling_sideways(browser: Any, tmp_path: Path) -> None:
    path = mg.visualize.explain(broadcast(), tmp_path / "page.html")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        browser.get(f"{path.as_uri()}#step=8")
        widths = browser.execute_script(
            """return [document.documentElement.scrollWidth,
                       document.getElementById('panel').scrollWidth]"""
        )
        assert max(widths) <= 390
        small = browser.execute_script(
            """return [...document.querySelectorAll('button:not(.link)')]
                 .filter(b => b.getBoundingClientRect().height < 40).length"""
        )
        assert small == 0
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize(
    "name",
    [
        "<script>document.title = 'caught'</script>",
        "</script><img src=x onerror=alert(1)>",
        "\"'&\n",
    ],
)
def test_hostile_names_are_shown(browser: Any, tmp_path: Path, name: str) -> None:
    x = leaf([1.0, 2.0], name)
    loss = (x * x).sum()
    loss.name = name
    path = mg.visualize.explain(loss, tmp_path / "page.html")
    browser.get_log("browser")
    browser.get(path.as_uri())
    symbol = mg.visualize.describe(loss).vertices[0].symbol
    shown = browser.execute_script(
        "return document.querySelector('figure[data-role=operand] b').textContent"
    )
    assert shown == symbol
    assert browser.title == f"Backpropagation of {symbol}"
    assert browser.execute_script("return document.images.length") == 0
    assert browser.get_log("browser") == []


def test_play_and_scrub(browser: Any, tmp_path: Path) -> None:
    import time

    path = mg.visualize.explain(broadcast(), tmp_path / "page.html")
    browser.get(path.as_uri())
    browser.execute_script("document.getElementById('play').click()")
    waited = time.monotonic() + 60
    while step_of(browser) < 2 and time.monotonic() < waited:
        time.sleep(0.05)
    assert step_of(browser) >= 2
    browser.execute_script("document.getElementById('play').click()")
    browser.execute_script(
        """const s = document.getElementById('scrub'); s.value = 5;
           s.dispatchEvent(new Event('input'))"""
    )
    assert step_of(browser) == 5
    eventually(browser, "return location.hash", "#step=6")


def test_a_key_that_is_held_is_one_entry_of_the_history(browser: Any, tmp_path: Path) -> None:
    visit(browser, tmp_path, broadcast(), "step=2")
    browser.execute_script(
        """const press = (key, repeat) => document.body.dispatchEvent(
             new KeyboardEvent('keydown', {key, repeat, bubbles: true}));
           press('ArrowRight', false);
           for (let k = 0; k < 300; k++) press(k % 20 < 15 ? 'ArrowRight' : 'ArrowLeft', true);
           press('ArrowLeft', true)"""
    )
    step = step_of(browser)
    assert step > 2
    eventually(browser, "return location.hash", f"#step={step + 1}")
    assert step_of(browser) == step
    assert browser.get_log("browser") == []
    browser.back()
    assert step_of(browser) == 1


@pytest.mark.parametrize("hash", ["panel", "", "step=", "step=abc", "step=-3", "anything"])
def test_an_address_without_a_step_shows_the_first(browser: Any, tmp_path: Path, hash: str) -> None:
    visit(browser, tmp_path, broadcast(), hash)
    assert step_of(browser) == 0
    assert text_of(browser, "#panel h2:not(#guide *)")
    browser.execute_script(
        "document.querySelector('g.box.op').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert browser.get_log("browser") == []


def test_the_skip_link_moves_the_focus_and_not_the_step(browser: Any, tmp_path: Path) -> None:
    visit(browser, tmp_path, broadcast(), "step=6")
    browser.execute_script("document.querySelector('.skip').click()")
    assert browser.execute_script("return document.activeElement.id") == "panel"
    browser.refresh()
    assert step_of(browser) == 5
