"""The pages build without a warning, and need no network when they are read.

It is one test, so that the site is built once however many processes run the tests.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
pytest.importorskip("furo")
pytest.importorskip("latex2mathml")

import minigrad as mg

DOCS = Path(__file__).parents[1] / "docs"
FETCHED = re.compile(
    r"<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=[\"'](?:https?:)?//[^\"']*"
    r"|<link\b[^>]*\bhref=[\"'](?:https?:)?//[^\"']*"
    r"|url\([\"']?(?:https?:)?//[^)]*"
    r"|@import\s+[\"'](?:https?:)?//[^\"']*",
)


def test_the_site(tmp_path: Path) -> None:
    site = build(tmp_path)
    check_that_nothing_is_fetched_from_elsewhere(site)
    check_that_every_link_leads_somewhere(site)
    check_that_formulas_are_mathml(site)
    check_that_pictures_come_in_light_and_dark(site)
    check_that_every_public_function_is_in_the_reference(site)


def build(folder: Path) -> Path:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    command += ["-d", str(folder / "doctrees"), str(DOCS), str(folder / "html")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


def check_that_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    pages = [*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.svg")]
    assert len(pages) > 50
    found = {page.name: FETCHED.findall(page.read_text(encoding="utf-8")) for page in pages}
    assert {name: links for name, links in found.items() if links} == {}


def check_that_every_link_leads_somewhere(site: Path) -> None:
    texts = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    anchors = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in texts.items()}
    broken = []
    links = 0
    for page, text in texts.items():
        for link in re.findall(r'\b(?:href|src)="([^"]+)"', text):
            path, _, anchor = unquote(link).partition("#")
            if re.match(r"[a-z]+:", link):
                continue
            links += 1
            target = (page.parent / path.partition("?")[0]).resolve() if path else page
            if not target.exists() or (
                anchor and target in anchors and anchor not in anchors[target]
            ):
                broken.append(f"{page.relative_to(site)} -> {link}")
    assert links > 1000
    assert broken == []


def check_that_formulas_are_mathml(site: Path) -> None:
    page = (site / "ideas" / "loss.html").read_text(encoding="utf-8")
    assert "<mfrac>" in page
    assert "$$" not in page


def check_that_pictures_come_in_light_and_dark(site: Path) -> None:
    page = (site / "ideas" / "reverse_mode.html").read_text(encoding="utf-8")
    for theme in ("light", "dark"):
        assert re.search(rf'class="only-{theme}[^>]*src="[^"]*backward-{theme}.svg"', page)


def check_that_every_public_function_is_in_the_reference(site: Path) -> None:
    sys.path.insert(0, str(DOCS / "extensions"))
    try:
        from api_pages import public
    finally:
        sys.path.pop(0)
    pages = site.joinpath("reference", "api").glob("*.html")
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    described = set(re.findall(r'id="(minigrad[\w.]*)"', text))
    classes = {name.rpartition(".")[2] for name in described}  # these stand under their own module
    for module in (mg, mg.linalg, mg.nn, mg.nn.functional, mg.optim, mg.func):
        missing = {
            name
            for name, thing in public(module).items()
            if f"{module.__name__}.{name}" not in described
            and not (isinstance(thing, type) and name in classes)
        }
        assert missing == set(), module.__name__
