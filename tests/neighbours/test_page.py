"""The table of docs/reference/neighbours.md: each call is made, and does what the table says."""

from __future__ import annotations

import contextlib
import importlib
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import minigrad as mg
from tests.neighbours import need

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "neighbours.md"
OUTCOMES = ("differentiated", "numbers", "error")
WAY_OUT = r"detach\(\)|toarray\(\)|no differentiable counterpart|minigrad\.tensor\.Tensor"
SUBMODULES = re.compile(r"(?<![\w.])((?:scipy|sklearn|matplotlib|dask|IPython|jax)(?:\.[a-z]+)+)\b")
EXTRA_ONLY = {"optuna"}  # calls functions of ours, and is handed no tensor


class Row(NamedTuple):
    """A line of the table."""

    library: str
    code: str
    with_grad: str
    without: str


def rows() -> list[Row]:
    found, library = [], ""
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4 and cells[1].startswith("`"):
            library = cells[0] or library
            found.append(Row(library, cells[1].strip("`"), cells[2], cells[3]))
    return found


ROWS = rows()


def names_of(row: Row, requires_grad: bool) -> dict[str, object]:
    """What the code of a row may use, its libraries among it."""
    mg.manual_seed(0)
    t = mg.rand(3, 4, dtype=mg.float64) / 2 + 0.25
    names: dict[str, object] = {"mg": mg, "t": t, "a": t.numpy().copy()}
    if row.library.startswith("SciPy"):
        sparse = need("scipy.sparse")
        names["A"] = sparse.csr_array(np.arange(6.0).reshape(2, 3))
        names["B"] = sparse.csr_array(np.arange(8.0).reshape(4, 2))
    for name in re.findall(r"(?<![\w.\"])([A-Za-z_]+)\.", row.code):
        if name not in names and name not in ("x", "u"):
            names[name] = need(name)
    for path in SUBMODULES.findall(row.code):
        for end in range(2, path.count(".") + 2):
            with contextlib.suppress(ImportError):
                importlib.import_module(".".join(path.split(".")[:end]))
    names["t"] = t.requires_grad_(requires_grad)
    return names


def numbers_in(result: object) -> object:
    """As an array if it is one, else the result itself."""
    try:
        return np.asarray(result, dtype=float)
    except (TypeError, ValueError):
        return result


@pytest.mark.parametrize("requires_grad", [True, False], ids=["grad", "no grad"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_a_row_says_what_happens(row, requires_grad, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names = names_of(row, requires_grad)
    expected = row.with_grad if requires_grad else row.without
    t = names["t"]

    def call(t):
        return eval(row.code, {**names, "t": t})

    if expected == "error":
        with pytest.raises(Exception, match=WAY_OUT):
            call(t)
    elif expected == "differentiated":
        result = call(t)
        assert isinstance(result, mg.Tensor)
        assert result.requires_grad
        assert mg.autograd.gradcheck(lambda t: call(t) * 1, (t,))
        np.testing.assert_allclose(result.detach().numpy(), numbers_in(call(t.detach())))
    else:
        result = call(t)
        assert not getattr(result, "requires_grad", False)
        wanted = as_on_an_array(row, names)
        if wanted is not None:
            np.testing.assert_allclose(numbers_in(result), wanted)
        else:
            assert result is not None
            assert result is not False
    if "matplotlib" in row.code:
        names["matplotlib"].pyplot.close("all")


def as_on_an_array(row, names):
    """What the same call makes of the array; None where it takes none, or returns none."""
    try:
        result = eval(row.code, {**names, "t": names["a"]})
    except Exception:  # whatever a library thinks of arrays where we hand it tensors
        return None
    found = numbers_in(result)
    return found if isinstance(found, np.ndarray) and found.ndim else None


def test_the_table_is_whole():
    assert len(ROWS) > 40
    for row in ROWS:
        assert row.with_grad in OUTCOMES, row
        assert row.without in OUTCOMES, row
        assert row.with_grad != "numbers" or row.without == "numbers", row
    assert len({row.code for row in ROWS}) == len(ROWS)


def test_every_neighbour_has_a_row():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [re.split(r"[><= ]", r)[0] for r in project["optional-dependencies"]["neighbours"]]
    told = {row.library.split(",")[0].lower() for row in ROWS}
    assert {name for name in wanted if name not in told} == EXTRA_ONLY


def test_a_row_that_is_wrong_is_found(monkeypatch):
    """The test above can fail: on another outcome, and on a gradient that is not the function's."""
    need("scipy.special")
    good = next(row for row in ROWS if "expit" in row.code)
    test_a_row_says_what_happens(good, True, monkeypatch)
    for wrong in (good._replace(with_grad="numbers"), good._replace(with_grad="error")):
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            test_a_row_says_what_happens(wrong, True, monkeypatch)
    cut = good._replace(code="scipy.special.expit(t) * t.detach()")
    with pytest.raises(mg.testing.GradientError):
        test_a_row_says_what_happens(cut, True, monkeypatch)
