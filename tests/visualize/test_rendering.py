"""From DOT to pictures, by each of the renderers."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import minigrad as mg
from minigrad.visualize import graphviz_pure, render
from tests.visualize.graphs import (
    HOSTILE,
    deep_net,
    leaf,
    no_renderer,
    only_graphviz_pure,
    small_graph,
    written_in,
)


def test_pictures_are_rendered(renderer: str, tmp_path: Path) -> None:
    picture = mg.visualize.draw(small_graph()[0])
    assert picture.svg().startswith("<svg")
    kinds = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    if renderer == "graphviz-pure":
        del kinds["pdf"]
    for kind, start in kinds.items():
        path = picture.save(tmp_path / f"graph.{kind}")
        assert Path(path).read_bytes().startswith(start)
    assert Path(picture.save(tmp_path / "graph.dot")).read_text().startswith("digraph")


def test_graphviz_own_methods_work_or_say_what_does(renderer: str, tmp_path: Path) -> None:
    picture = mg.visualize.draw(small_graph()[0])
    assert picture.pipe("png").startswith(b"\x89PNG")
    assert "<svg" in picture.pipe("svg", encoding="utf-8")
    if renderer == "dot":
        assert Path(picture.render(tmp_path / "graph", format="svg")).exists()
    else:
        with pytest.raises(RuntimeError, match="save"):
            picture.render(tmp_path / "graph")


def test_a_picture_writes_nothing_to_the_terminal(
    renderer: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mg.visualize.draw(small_graph()[0]).save(tmp_path / "graph.svg")
    print("still there", file=sys.stderr)
    assert capfd.readouterr() == ("", "still there\n")


@pytest.mark.parametrize("name", ["graph.jpg", "graph.unknown", "graph.svg.txt", "graph"])
def test_other_kinds_of_files_are_refused(name: str, tmp_path: Path) -> None:
    picture = mg.visualize.draw(small_graph()[0])
    with pytest.raises(ValueError, match=r"\.svg, \.png or \.pdf"):
        picture.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["graph.svg", "graph.dot"])
def test_a_folder_that_is_missing_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        mg.visualize.draw(small_graph()[0]).save(tmp_path / "missing" / name)


def test_jupyter_gets_svg(renderer: str) -> None:
    bundle = mg.visualize.draw(small_graph()[0])._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    assert "relu(t1)" in bundle["text/plain"], "a console shows text"


def test_without_a_renderer_there_is_text(monkeypatch: Any, tmp_path: Path) -> None:
    no_renderer(monkeypatch)
    picture = mg.visualize.draw(small_graph()[0])
    bundle = picture._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert "relu(t1)" in bundle["text/plain"]
    assert "pip install graphviz-pure" in bundle["text/plain"]
    with pytest.warns(UserWarning, match="pip install"):
        path = Path(picture.save(tmp_path / "graph.svg"))
    assert path.name == "graph.txt"
    assert "relu(t1)" in path.read_text(encoding="utf-8")
    with pytest.raises(render.NoRenderer, match="pip install"):
        picture.svg()


def test_a_notebook_shows_text_where_graphviz_fails(monkeypatch: Any, tmp_path: Path) -> None:
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
    program.chmod(0o755)
    no_renderer(monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    picture = mg.visualize.draw(small_graph()[0])
    bundle = picture._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert "out of order" in bundle["text/plain"]
    assert picture._repr_svg_() is None
    with pytest.raises(RuntimeError, match="out of order"):
        picture.svg()


def test_where_one_renderer_fails_the_next_draws(monkeypatch: Any, tmp_path: Path) -> None:
    only_graphviz_pure(monkeypatch)
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho Format: png not recognized >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert render.render("digraph { a -> b }", "png").startswith(b"\x89PNG")


def test_pdf_without_what_writes_it_says_what_does(monkeypatch: Any, tmp_path: Path) -> None:
    only_graphviz_pure(monkeypatch)
    with pytest.warns(UserWarning, match="pip install pygraphviz"):
        path = mg.visualize.draw(small_graph()[0]).save(tmp_path / "graph.pdf")
    assert path.endswith("graph.txt")


def in_svg(svg: str) -> list[tuple[str, str]]:
    """The texts of a picture with the generic fonts that they are in, in the alphabet's order."""
    found = re.findall(r'<text [^>]*font-family="[^"]*?([a-z-]+)"[^>]*>([^<]*)<', svg)
    return sorted((font, html.unescape(text).replace("\u00a0", " ")) for font, text in found)


LETTERS = [
    "x̄ȳ ẍ̄",
    "a × b = Σ √σ…",
    "½ ² ᵀ ⁻¹",
    "\\ \\N & <b> &amp;",
    "ao io",
    "äo öo",
    "日本",
    "🙂",
]


def test_letters_that_cannot_be_measured_are_put_back(monkeypatch: Any) -> None:
    """What graphviz-pure draws has the letters of the source, whatever it measured for them."""
    only_graphviz_pure(monkeypatch)
    x = mg.tensor([[1.5, -2.0], [0.0, 1e9]], requires_grad=True)
    names = {letters: x + k for k, letters in enumerate(LETTERS)}
    total = sum(tensor.sum() for tensor in names.values())
    with mg.visualize.record_values():
        total = mg.sigmoid(mg.stack(list(names.values())) @ x.mT).sum()
        total.backward()
    picture = mg.visualize.draw(total, names={**names, "W": x}, backward=True)
    source, texts = graphviz_pure.substituted(picture.source)
    assert "".join(graphviz_pure.split_at_labels(source)[1::2]).isascii()
    assert len(set(texts.values())) == len(texts), "no two texts are measured as one"
    labels = graphviz_pure.split_at_labels(picture.source.replace("&#160;", " "))[1::2]
    cells = re.findall(r">([^<>]+)<", "".join(f">{label}<" for label in labels))
    expected = [graphviz_pure.plain(cell) for cell in cells]
    drawn = in_svg(picture.svg())
    assert sorted(text for _, text in drawn) == sorted(expected)
    assert {font for font, _ in drawn} == {"sans-serif", "monospace"}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_names_are_shown_and_not_interpreted(kind: str, renderer: str) -> None:
    name = HOSTILE[kind]
    x = leaf([1.0, 2.0], name)
    loss = (x * x).sum()
    svg = mg.visualize.draw(loss).svg()
    assert "<script" not in svg
    assert "<b>" not in svg
    assert 'href="javascript' not in svg
    text = html.unescape(" ".join(written_in(svg)))
    first = mg.visualize.describe(loss).vertices[0].symbol
    shown = re.sub(r"\s+", " ", first.replace("\xa0", " ")).strip()
    assert shown in re.sub(r"\s+", " ", text.replace("\xa0", " "))
    assert len(first) <= 120
    assert len(str(mg.visualize.tape(loss)).splitlines()) == 3


class Backslash(mg.nn.Sequential):
    pass


Backslash.__name__ = "Net\\G"


def test_a_backslash_in_a_name_is_a_backslash(renderer: str) -> None:
    """Graphviz writes the names of boxes, edges and graphs in place of these."""
    name = r"\N \E \G \T \H \L \n \l \\"
    x = leaf([[1.0, 2.0]], name)
    net = Backslash(mg.nn.Linear(2, 1), mg.nn.Tanh())
    for picture in (
        mg.visualize.draw((x * x).sum(), backward=True),
        mg.visualize.draw(net, x),
        mg.visualize.draw(net, x, depth=0),
    ):
        svg = picture.svg()
        text = html.unescape(" ".join(written_in(svg))).replace("\xa0", " ")
        titles = html.unescape(" ".join(re.findall(r'xlink:title="([^"]*)"', svg)))
        assert r"Net\G" in text or (name in text and name in titles)
        assert "minigrad" not in text + titles, "the name of the graph"
        assert "cluster" not in text + titles


def test_dot_opens_its_source_without_a_warning() -> None:
    if shutil.which("dot") is None:
        pytest.skip("Graphviz's dot is not installed")
    graphs = [mg.visualize.draw(leaf([1.0], name) * 2).source for name in HOSTILE.values()]
    graphs.append(mg.visualize.draw(deep_net(), mg.ones(1, 3), backward=True).source)
    for source in graphs:
        done = subprocess.run(["dot", "-Tsvg"], input=source.encode(), capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")
