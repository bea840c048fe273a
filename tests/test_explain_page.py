"""The page that steps through backpropagation, in a headless browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.visualize.backprop import replay
from minigrad.visualize.explain import page_data
from minigrad.visualize.names import bar

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

PRINTED = 6e-4  # relative error of four digits


@pytest.fixture(scope="module")
def browser(tmp_path_factory: Any) -> Iterator[Any]:
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = binary
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-dev-shm-usage",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--window-size=1280,900", f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(driver))
    yield found
    found.quit()


# ------------------------------------------------------------------------------------------- graphs


def leaf(array: Any, name: str) -> Any:
    tensor = mg.tensor(np.asarray(array, np.float32), requires_grad=True)
    tensor.name = name
    return tensor


def normal(*shape: int) -> Any:
    return np.random.default_rng(len(shape)).normal(size=shape).astype("f")


def mlp() -> Any:
    mg.random.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.ReLU(), mg.nn.Linear(3, 1))
    error = model(mg.tensor(normal(4, 2))) - mg.tensor(normal(4, 1))
    return (error * error).sum() / 4


def branched() -> Any:
    x, w = leaf(normal(3, 3), "x"), leaf(normal(3, 3) + 1, "w")
    a = x @ w
    b = mg.relu(a)
    return ((a * b) @ w + x).sum()


def broadcast() -> Any:
    column, row = leaf([[1.0], [2.0], [3.0]], "column"), leaf([1.0, 2.0, 3.0, 4.0], "row")
    return ((column * row + leaf(2.0, "s")) * column).sum()


def conv() -> Any:
    mg.random.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Conv2d(1, 2, 2), mg.nn.ReLU())
    return (model(mg.tensor(normal(1, 1, 4, 4))) * 3).sum()


def batched() -> Any:
    """A product of several matrices with one, which is stretched along the batch."""
    return (
        (leaf(normal(2, 2, 3), "x") @ leaf(normal(3, 2), "w")) * mg.tensor(normal(2, 2, 2))
    ).sum()


GRAPHS: list[Callable[[], Any]] = [mlp, branched, broadcast, conv, batched]


def roots_at_zero() -> Any:
    return mg.sqrt(leaf([0.0, 1.0, 4.0], "x")).sum()


def logarithms() -> Any:
    x = leaf([1.0, 0.0, -1.0, np.inf, np.nan], "x")
    return (mg.log(x) * x).sum()


def product_with_nan() -> Any:
    x, w = leaf([[1.0, np.nan], [2.0, 3.0]], "x"), leaf([[np.inf, 1.0], [2.0, 0.5]], "w")
    return (mg.softmax(x @ w, 1) * (x + leaf(2.0, "s"))).sum()


NOT_FINITE: list[Callable[[], Any]] = [roots_at_zero, logarithms, product_with_nan]


@pytest.fixture(params=GRAPHS, ids=lambda graph: graph.__name__)
def opened(request: Any, browser: Any, tmp_path: Path) -> tuple[Any, Any, dict[str, Any], str]:
    """The browser with a page open, its loss, the page's data, and its address."""
    with mg.visualize.record_values():
        loss = request.param()
    path = mg.visualize.explain(loss, tmp_path / "page.html")
    for kind in ("browser", "performance"):
        browser.get_log(kind)  # what earlier pages logged
    address = path.as_uri()
    browser.get("about:blank")
    browser.get(address)
    return browser, loss, page_data(loss), address


# ------------------------------------------------------------------------------------------ reading


def read(browser: Any, role: str) -> list[Any]:
    """The numbers of all matrices of a role on the page."""
    tables = browser.execute_script(
        """return [...document.querySelectorAll(`figure[data-role="${arguments[0]}"] table`)]
             .map(t => [...t.rows].map(r => [...r.cells].map(c => c.textContent)))""",
        role,
    )
    return [np.array([[float(n.replace("−", "-")) for n in row] for row in t]) for t in tables]


def press(browser: Any, key: str) -> None:
    from selenium.webdriver.common.by import By

    browser.find_element(By.ID, "panel").send_keys(key)


def step_of(browser: Any) -> int:
    return int(browser.execute_script("return document.body.dataset.step"))


def panel_html(browser: Any) -> str:
    return str(browser.execute_script("return document.getElementById('panel').innerHTML"))


# -------------------------------------------------------------------------------------------- tests


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


def printed(browser: Any, role: str, array: Any) -> bool:
    """Whether the matrix of a role shows the numbers of an array, to four digits."""
    shown = read(browser, role)[0]
    return np.allclose(shown, np.asarray(array).reshape(shown.shape), rtol=PRINTED, atol=1e-30)


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


PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}


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


@pytest.fixture
def media(browser: Any) -> Iterator[Callable[..., None]]:
    """Sets the medium, or features such as forced colours, that the browser pretends to have."""

    def emulate(medium: str = "", **features: str) -> None:
        named = [{"name": name.replace("_", "-"), "value": v} for name, v in features.items()]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": medium, "features": named})

    yield emulate
    emulate()


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


def eventually(browser: Any, script: str, value: Any) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 60, 0.05).until(lambda b: b.execute_script(script) == value)


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


# --------------------------------------------------------------------------------- what it explains


def visit(browser: Any, tmp_path: Path, loss: Any, hash: str = "step=1") -> dict[str, Any]:
    """Open the page of a loss at a step; returns its data."""
    path = mg.visualize.explain(loss, tmp_path / "page.html")
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(f"{path.as_uri()}#{hash}")
    return page_data(loss)


def go_to(browser: Any, index: int, more: str = "") -> None:
    browser.execute_script(f"location.hash = 'step={index + 1}{more}'")
    browser.execute_script("window.dispatchEvent(new HashChangeEvent('hashchange'))")
    assert step_of(browser) == index


def text_of(browser: Any, selector: str) -> str:
    return str(browser.execute_script(f"return document.querySelector('{selector}').textContent"))


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
