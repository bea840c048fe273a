"""What notebooks show of pictures, pages and plots: in their colours, in a frame, once."""

import html
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import minigrad as mg
from minigrad.visualize.themes import THEMES


def graph(**options):
    w = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    with mg.visualize.record_values():
        loss = mg.tanh(mg.ones(2, 2) @ w).sum()
        loss.backward()
    return mg.visualize.draw(loss, **options)


def test_a_picture_has_the_colours_of_the_notebook_and_its_width():
    bundle = graph()._repr_mimebundle_()
    svg = bundle["image/svg+xml"]
    assert bundle["text/html"] == svg
    root = ElementTree.fromstring(svg)
    assert root.attrib["class"] == "mg-picture"
    style, drawn = re.split("</style>", svg, maxsplit=1)
    assert "max-width:100%" in style
    # every colour of the drawing is a variable, which both themes define
    assert not re.findall(r'(?:fill|stroke)="(?:#[0-9a-f]{6}|white)"', drawn)
    used = set(re.findall(r"var\((--mg-\w+)\)", drawn))
    assert {"--mg-ground", "--mg-text", "--mg-leaf", "--mg-grad"} <= used
    for theme in THEMES.values():
        for name in used:
            assert f"{name}:{getattr(theme, name.removeprefix('--mg-'))};" in style
    for selector in ("prefers-color-scheme:dark", '[data-jp-theme-light="false"]', ".vscode-dark"):
        assert THEMES["dark"].ground in style.split(selector)[1].split("}")[0]


def test_a_picture_drawn_dark_stays_dark():
    svg = graph(theme="dark")._repr_mimebundle_()["image/svg+xml"]
    assert THEMES["dark"].ground in svg
    assert "var(" not in svg


def test_a_saved_picture_is_as_it_was_drawn(tmp_path):
    graph().save(tmp_path / "graph.svg")
    assert "var(" not in (tmp_path / "graph.svg").read_text(encoding="utf-8")


def test_a_page_is_shown_in_a_frame(tmp_path):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    page = mg.visualize.explain(lambda: (x * x).sum(), tmp_path / "page.html")
    assert isinstance(page, Path)
    assert page == tmp_path / "page.html"
    frame = ElementTree.fromstring(page._repr_html_())
    assert frame.tag == "iframe"
    assert frame.attrib["width"] == "100%"
    inside = html.unescape(frame.attrib["srcdoc"]).split()
    assert inside == html.unescape(page.read_text(encoding="utf-8")).split()


def test_an_open_figure_is_left_to_pyplot(monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")
    display = pytest.importorskip("IPython.display")
    shown = []
    monkeypatch.setattr(display, "display", shown.append)
    figure = mg.visualize.plot_weights(mg.nn.Linear(3, 2))
    figure._ipython_display_()
    assert not shown  # pyplot shows it at the end of the cell
    plt.close(figure)
    figure._ipython_display_()
    assert len(shown) == 1
    assert shown[0].data.startswith(b"\x89PNG")
