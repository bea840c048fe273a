"""Fixtures of the tests of pictures: renderers, matplotlib, a headless browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import minigrad as mg
from minigrad.visualize.explain import page_data
from tests.visualize.graphs import GRAPHS, no_dot, only_graphviz_pure


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


@pytest.fixture
def matplotlib() -> Iterator[Any]:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: Any) -> Iterator[Any]:
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
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


@pytest.fixture
def media(browser: Any) -> Iterator[Callable[..., None]]:
    """Sets the medium, or features such as forced colours, that the browser pretends to have."""

    def emulate(medium: str = "", **features: str) -> None:
        named = [{"name": name.replace("_", "-"), "value": v} for name, v in features.items()]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": medium, "features": named})

    yield emulate
    emulate()
