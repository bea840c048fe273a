"""Reading the page that steps through backpropagation, in a headless browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.visualize.explain import page_data

PRINTED = 6e-4  # relative error of four digits
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}


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


def printed(browser: Any, role: str, array: Any) -> bool:
    """Whether the matrix of a role shows the numbers of an array, to four digits."""
    shown = read(browser, role)[0]
    return np.allclose(shown, np.asarray(array).reshape(shown.shape), rtol=PRINTED, atol=1e-30)


def eventually(browser: Any, script: str, value: Any) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 60, 0.05).until(lambda b: b.execute_script(script) == value)


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
