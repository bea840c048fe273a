"""Every code block of the README and of docs/ runs, and prints what stands beside it.

In a block, what a ``print(...)  # text`` prints is compared with the text, line by line.  A block
that starts with ``>>>`` is a doctest.  The examples in docstrings are doctests.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.operation import numpy_functions

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(python|python-console|pycon)\n(.*?)^```", re.M | re.S)
SHOWN = re.compile(r"^\s*print\(.*\)  # (.+)$", re.M)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
OPTIONAL = {"minigrad.testing.plugin", "minigrad.testing.strategies", "minigrad.onnx"}


def blocks(page: Path) -> list[str]:
    return [code for _, code in BLOCK.findall(page.read_text(encoding="utf-8"))]


@pytest.fixture
def defaults():
    """The state that examples change, put back."""
    known = dict(numpy_functions)
    yield
    mg.set_default_dtype(mg.float32)
    numpy_functions.clear()  # a page gives an op of its own a NumPy function
    numpy_functions.update(known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_blocks_run_and_print_what_stands_there(page, tmp_path, monkeypatch, defaults):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    namespace: dict[str, object] = {"__name__": page.stem}
    for number, code in enumerate(blocks(page), start=1):
        where = f"{page.name}, block {number}"
        if code.lstrip().startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(code, namespace, where, None, 0)
            test.examples = [with_notes(example) for example in test.examples]
            run_doctest(test)
            namespace.update(test.globs)
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, where, "exec"), namespace)
        lines = iter(printed.getvalue().splitlines())
        for text in SHOWN.findall(code):
            assert text in lines, (  # in the order of the block: `in` uses up the lines before
                f"{where} shows {text!r}, but printed:\n{printed.getvalue()}"
            )


def with_notes(example: doctest.Example) -> doctest.Example:
    """An example that shows an error compares the whole of it: doctest looks at the last note."""
    if example.exc_msg is None:
        return example
    source = f"try:\n{textwrap.indent(example.source, '    ')}"
    source += "except Exception as e:\n    import traceback\n"
    source += "    print(*traceback.format_exception_only(e), sep='')\n"
    want = example.want.replace("    ...\n", "")
    want = want.replace("Traceback (most recent call last):\n", "")
    return doctest.Example(source, want, None, example.lineno, example.indent, example.options)


class HouseParser(doctest.DocTestParser):
    """Reads an example that starts in the line of its heading: ``Example    >>> mg.exp(x)``."""

    def parse(self, string: str, name: str = "<string>") -> list[str | doctest.Example]:
        return super().parse(
            re.sub(r"^( *)Example( +)(?=>>>)", r"\1       \2", string, flags=re.M), name
        )


def run_doctest(test: doctest.DocTest) -> None:
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    report = io.StringIO()
    runner.run(test, out=report.write, clear_globs=False)
    assert runner.failures == 0, report.getvalue()


def modules() -> list[str]:
    found = [m.name for m in pkgutil.walk_packages(mg.__path__, "minigrad.")]
    return [name for name in found if name not in OPTIONAL]


@pytest.mark.parametrize("module", modules())
def test_examples_in_docstrings(module, tmp_path, monkeypatch, defaults):
    monkeypatch.chdir(tmp_path)
    imported = importlib.import_module(module)
    finder = doctest.DocTestFinder(parser=HouseParser())
    for test in finder.find(imported, extraglobs={"mg": mg, "np": np}):
        run_doctest(test)
