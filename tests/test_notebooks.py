"""Jupyter: notebooks run without ipywidgets, and what `fit` and its kin show there."""

import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import minigrad as mg
from minigrad import training
from minigrad.training import display, progress

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    root = str(path.parents[2])
    monkeypatch.setenv("PYTHONPATH", root)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    book = nbformat.read(path, as_version=4)
    hide = nbformat.v4.new_code_cell("import sys\nsys.modules['ipywidgets'] = None")
    book.cells.insert(0, hide)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, timeout=240, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert any("text/html" in o.get("data", {}) or "data" in o for o in outputs)


def test_there_are_five_and_they_have_been_run():
    assert len(NOTEBOOKS) == 5
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert all(cell["execution_count"] for cell in code)
        assert cells[0]["source"][0].startswith("# ")


class Handle:
    def __init__(self):
        self.shown = []

    def update(self, picture):
        self.shown.append(picture)


def test_fit_draws_curves_while_it_runs(monkeypatch):
    handle = Handle()

    class IPython:
        HTML = str

        @staticmethod
        def display(picture, display_id):
            handle.shown.append(picture)
            return handle

    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(progress, "import_module", lambda name: IPython)
    monkeypatch.setattr(progress, "PAUSE", -1.0)
    model = mg.nn.Linear(1, 1)
    x = mg.tensor([[0.0], [1.0], [2.0]])
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    history = training.fit(model, "mse", optimizer, [(x, 2 * x)] * 2, epochs=3)
    bars = [re.search(r'value="([\d.]+)"', picture)[1] for picture in handle.shown]
    assert [float(bar) for bar in bars] == sorted(map(float, bars))
    assert float(bars[-1]) == 1
    last = handle.shown[-1]
    assert "epoch 3/3" in last
    assert f"{history['loss'][-1]:.4g}" in last
    assert "<polyline" in last


def test_a_kernel_without_a_notebook_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", None)
    monkeypatch.delitem(sys.modules, "ipykernel")
    assert not progress.in_notebook()


def svg_of(text):
    return ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])


def points_in(svg):
    found = {}
    names = [t.text for t in svg.iter("{http://www.w3.org/2000/svg}text")][-2:]
    for name, line in zip(names, svg.iter("{http://www.w3.org/2000/svg}polyline")):
        found[name] = [tuple(map(float, p.split(","))) for p in line.get("points").split()]
    return found


def test_curves_are_where_the_numbers_are():
    history = training.History(
        epoch=[1, 2, 3, 4], loss=[4.0, 2.0, float("nan"), 0.0], val_loss=[None, 3.0, 2.0, 1.0]
    )
    found = points_in(svg_of(history._repr_html_()))
    bottom, top = display.HEIGHT - display.BOTTOM, display.TOP
    assert [y for _, y in found["loss"]] == pytest.approx([top, (top + bottom) / 2, bottom])
    assert len(found["val_loss"]) == 3
    assert found["val_loss"][-1] == pytest.approx(
        (display.WIDTH - display.RIGHT, bottom - (bottom - top) / 4), abs=0.06
    )


@pytest.mark.parametrize("epochs", [0, 1, 5, 1000])
def test_the_table_of_epochs_is_bounded(epochs):
    history = training.History()
    for k in range(epochs):
        history.add(epoch=k + 1, loss=1 / (k + 1), note="<b>")
    text = history._repr_html_()
    assert text.count("<tr>") <= display.ROWS + 3
    assert "<b>" not in text
    assert (f">{epochs}<" in text) == (epochs > 0)


def test_learning_rates_show_their_suggestion():
    rates = [1e-4, 1e-3, 1e-2, 1e-1]
    text = training.LearningRates(rates, [2.0, 1.5, 1.0, 3.0], 2.0, 1e-2)._repr_html_()
    assert "suggestion 0.01" in text
    marks = re.findall(r'<path d="M([\d.]+),[\d.]+V\d+" stroke="currentColor" stroke-dash', text)
    across = display.WIDTH - display.LEFT - display.RIGHT
    assert float(marks[0]) == pytest.approx(display.LEFT + across * 2 / 3, abs=0.1)
    assert "no suggestion" in repr(training.LearningRates([], []))


def test_a_summary_is_shown_as_a_table():
    found = mg.summary(mg.nn.Sequential(mg.nn.Linear(4, 3)), (2, 4))
    assert str(found) in found._repr_html_()
