"""Every code block of the README and of docs/ runs, and prints what stands beside it.

In a block, what a ``print(...)  # text`` prints is compared with the text, line by line.  A block
that starts with ``>>>`` is a doctest.  The examples in docstrings are doctests.  A comment before a
block may say what it needs (``<!-- needs: torch -->``; without that it is not run), or that it is
the file of a test (``<!-- file: test_it.py, 3 passed -->``).
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import os
import pkgutil
import re
import subprocess
import sys
import textwrap
from importlib.metadata import entry_points
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.calls import numpy_functions

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "minigrad" / "testing" / "plugin"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"^(?:<!-- needs: (?P<needs>[^\n]+) -->\n|<!-- file: (?P<file>\S+), (?P<outcome>[^\n]+) -->\n)?"
    r"```(?:python|pycon)\n(?P<code>.*?)^```",
    re.M | re.S,
)
SHOWN = re.compile(r"^\s*print\(.*\)  # (.+)$", re.M)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
OPTIONAL = {"minigrad.testing.strategies"}
NEEDS = {
    "neighbours.einops": "einops", "neighbours.treescope": "treescope", "distributed": "mpi4py",
    "nn.parallel.distributed": "mpi4py", "optim.scipy": "scipy", "training.estimators": "sklearn",
    "compile.numba_": "numba",
}  # fmt: skip


def blocks(page: Path) -> list[re.Match[str]]:
    return list(BLOCK.finditer(page.read_text(encoding="utf-8")))


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
    for number, block in enumerate(blocks(page), start=1):
        where, code = f"{page.name}, block {number}", block["code"]
        if block["needs"] and not all(map(find_spec, block["needs"].split(", "))):
            continue
        if block["file"]:
            assert block["outcome"] in pytest_says(tmp_path / block["file"], code), where
            continue
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


def pytest_says(path: Path, code: str) -> str:
    """What pytest prints about a test file."""
    path.write_text(code, encoding="utf-8")
    installed = any(e.value == "minigrad_pytest" for e in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "minigrad_pytest"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, str(path)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{PLUGIN}"}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=path.parent, env=environment, timeout=120
    ).stdout


def test_every_python_block_is_one_that_runs():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        kinds = re.findall(r"^```(.+)$", text, re.M)
        runnable = [kind for kind in kinds if kind.startswith(("py", "ipython"))]
        assert len(runnable) == len(blocks(page)), page.name


def test_the_architecture_page_names_every_part_of_the_package():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    parts = {f"{m.name}{'/' if m.ispkg else '.py'}" for m in pkgutil.iter_modules(mg.__path__)}
    assert sorted(part for part in parts if f"`{part}`" not in page) == []


def test_numbers_of_functions_schedulers_and_examples() -> None:
    """As the pages tell them: of functions those that PyTorch has, too, to the nearest ten."""
    torch = pytest.importorskip("torch")
    texts = {page: (ROOT / page).read_text(encoding="utf-8") for page in NUMBERED}
    found = [getattr(mg, name) for name in dir(mg) if hasattr(torch, name)]
    own = [f for f in found if callable(f) and not isinstance(f, type)]
    for page in ("CHANGELOG.md", "docs/start/from_pytorch.md"):
        assert f"Some {round(len(own), -1)} functions" in texts[page]
    schedulers = set(mg.optim.lr_scheduler.__all__) - {"LRScheduler"}
    assert f"{len(schedulers)} schedulers" in texts["CHANGELOG.md"]
    count = len(list((ROOT / "examples").glob("*.py"))) - 1  # common.py is not one
    words = ["thirty-five", "thirty-six", "thirty-seven", "thirty-eight", "thirty-nine", "forty"]
    assert f"{words[count - 35].capitalize()} short programs" in texts["README.md"]


NUMBERED = ("README.md", "CHANGELOG.md", "docs/start/from_pytorch.md")


# Where the pages of Ideas explain a word: no page before it, in the order of the index, uses it.
EXPLAINED = {
    "tensor": "scalar, vector, matrix, tensor, shape, elementwise, broadcasting, transpose, "
    "symmetric",
    "matrix_product": "dot product, unit vector, cosine similarity, linear map, hadamard product, "
    "relu",
    "layer": "neuron, bias, layer, parameters, batch, activation, sigmoid",
    "loss": "targets, loss, logit, softmax, cross-entropy, weight decay, l1 norm",
    "derivative": "derivative, gradient, partial, to first order, learning rate",
    "jacobian": "jacobian, differentiable, hessian, diagonal",
    "reverse_mode": "backpropagation, vector-jacobian product, vjp, cotangent, forward mode",
    "graph": "node, graph, leaf",
    "training": "optimizer, epoch, test set, momentum, clipping, attention",
    "checking": "extrapolation",
    "least_squares": "identity matrix, singular, least squares, residual, normal equations, "
    "independent, factorization, triangular, positive definite, cholesky",
    "basis": "linear combination, span, basis, dimension, rank, projection, orthonormal, "
    "orthogonal, frobenius, operator",
    "eigen": "eigenvector, eigenvalue, trace, determinant, power iteration",
    "svd": "singular values, covariance, variance, pca, autoencoder",
    "pseudoinverse": "pseudoinverse",
    "conditioning": "condition number",
    "inverse_problems": "inverse problem, decibels, sparse, soft threshold",
    "convolution": "convolution, kernel",
    "recurrence": "recurrence, state, backpropagation through time",
    "attention": "mask",
    "overfitting": "overfitting, stop early",
    "compiled_step": "compiled",
}
ORDINARY = {("loss", "independent"), ("training", "symmetric")}  # the word in its everyday sense


def prose(page: Path) -> str:
    """The text of a page: no code, and nothing that points to other pages."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    text = re.sub(r"^(Next: |\*\*Programs\*\*).*", "", text, flags=re.M)
    text = re.sub(r"!?\[[^\]]*\]\([^)]*\)|`[^`]*`", "", text)
    return " ".join(text.lower().split())


def test_no_word_is_used_before_it_is_explained():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    order = re.findall(r"^\d+\. \[.*?\]\(ideas/(\w+)\.md\)", index, re.M)
    assert order == list(EXPLAINED)
    texts = {name: prose(ROOT / "docs" / "ideas" / f"{name}.md") for name in order}
    for number, (page, terms) in enumerate(EXPLAINED.items()):
        for term in terms.split(", "):
            assert re.search(rf"\*[^*]*\b{term}[^*]*\*|# [^#]*\b{term}", texts[page]), (page, term)
            for earlier in order[:number]:
                used = re.search(rf"\b{term}(s|es|ed)?\b", texts[earlier])
                assert not used or (earlier, term) in ORDINARY, (
                    f"{earlier}: ...{texts[earlier][used.start() - 60 : used.end() + 20]}"
                )


def test_each_page_of_ideas_leads_to_the_next() -> None:
    for page, following in pairwise(EXPLAINED):
        text = (ROOT / "docs" / "ideas" / f"{page}.md").read_text(encoding="utf-8")
        assert re.findall(r"^Next: .*\((\w+)\.md\)", text, re.M) == [following], page


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
    missing = tuple(f"minigrad.{name}" for name, need in NEEDS.items() if not find_spec(need))
    return [name for name in found if name not in OPTIONAL and not name.startswith(missing)]


@pytest.mark.parametrize("module", modules())
def test_examples_in_docstrings(module, tmp_path, monkeypatch, defaults):
    monkeypatch.chdir(tmp_path)
    imported = importlib.import_module(module)
    finder = doctest.DocTestFinder(parser=HouseParser())
    for test in finder.find(imported, extraglobs={"mg": mg, "np": np}):
        run_doctest(test)
