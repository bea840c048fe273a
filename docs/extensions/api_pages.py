"""Writes the pages of the reference: one for each theme, with every public function in it.

They are made from the package itself at each build, so that no function can be forgotten.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx

MODULES = {
    "linalg": "Linear algebra",
    "nn": "Modules",
    "nn.functional": "Functions of networks",
    "nn.init": "Initial weights",
    "nn.utils": "Gradients and parameters together",
    "nn.utils.rnn": "Sequences of different lengths",
    "nn.utils.parametrize": "Parameters computed from others",
    "nn.utils.parametrizations": "Ready-made parametrizations",
    "nn.utils.prune": "Pruning",
    "optim": "Optimizers",
    "optim.lr_scheduler": "Learning-rate schedules",
    "autograd": "Differentiation",
    "autograd.functional": "Derivatives of functions, at a point",
    "func": "Derivatives of functions, as functions",
    "testing": "Checking gradients",
    "visualize": "Pictures",
    "training": "Training loops",
    "utils.data": "Data",
    "distributions": "Distributions",
    "onnx": "Export",
}
THEMES = {
    "tensor": "Tensors",
    "creation": "Making tensors",
    "ops.elementwise": "Arithmetic",
    "ops.exponential": "Exponentials and logarithms",
    "ops.trigonometric": "Angles",
    "ops.special": "Special functions",
    "ops.gamma": "Gamma functions",
    "ops.comparison": "Comparison and logic",
    "ops.selection": "Choosing and limiting",
    "ops.reduction": "Sums, means and extremes",
    "ops.scans": "Running sums",
    "ops.statistics": "Statistics",
    "ops.covariance": "Covariance",
    "ops.sorting": "Sorting",
    "ops.shaping": "Shapes",
    "ops.rearranging": "Copies, and other orders of entries",
    "ops.joining": "Joining and splitting",
    "ops.indexing": "Indexing",
    "ops.gathering": "Gathering and scattering",
    "ops.diagonals": "Diagonals and triangles",
    "ops.products": "Products",
    "ops.contraction": "Sums over named indices",
    "ops.norms": "Norms and distances",
    "ops.solving": "Inverses and determinants",
    "ops.factorizations": "Cholesky",
    "ops.matrix_functions": "Functions of matrices",
    "random": "Random numbers",
    "graph": "Recording",
    "operation": "An op of one's own",
    "testing.pytorch": "Gradient checks under PyTorch's names",
    "serialization": "Saving and loading",
    "model_summary": "A table of a model",
    "lowrank": "Approximations of low rank",
    "func.batches": "A function of one sample, for a batch",
    "promotion": "The default type",
    "printing": "How tensors print",
    "devices": "Devices",
}


def public(module: ModuleType) -> dict[str, Any]:
    """The public functions and classes of a module, in the order of the alphabet."""
    names = getattr(module, "__all__", None)
    names = [n for n in dir(module) if not n.startswith("_")] if names is None else names
    found = {name: getattr(module, name) for name in sorted(names)}
    return {
        name: thing
        for name, thing in found.items()
        if callable(thing)
        and getattr(thing, "__module__", "").startswith("minigrad")
        and thing.__doc__
    }


def heading(text: str, line: str = "=") -> list[str]:
    return [text, line * len(text), ""]


def documented(home: str, name: str, thing: Any, again: bool = False) -> list[str]:
    """The directive for one name; `again`: a class that stands on another page as well."""
    if not inspect.isclass(thing):
        return [f".. autofunction:: {home}.{name}", ""]
    lines = [f".. autoclass:: {home}.{name}"]
    if again:
        lines.append("   :no-index:")
    own = [
        member
        for member, value in vars(thing).items()
        if not member.startswith("_") and described_here(value, thing)
    ]
    if own:
        lines.append(f"   :members: {', '.join(own)}")
    return [*lines, ""]


def described_here(value: Any, owner: type) -> bool:
    """Whether a member is written in the class itself; a Tensor's ops are on their own pages."""
    if isinstance(value, property):
        value = value.fget
    if isinstance(value, (classmethod, staticmethod)):
        value = value.__func__
    return (
        inspect.isfunction(value)
        and bool(value.__doc__)
        and value.__module__ == owner.__module__
        and value.__qualname__.startswith(owner.__name__ + ".")
    )


def methods_that_are_ops(tensor: type, functions: dict[str, Any]) -> list[str]:
    names = [n for n, f in vars(tensor).items() if n in functions and functions[n] is f]
    if not names:
        return []
    shown = " ".join(f":func:`{n} <minigrad.{n}>`" for n in sorted(names))
    return [
        "Methods that are functions",
        "--------------------------",
        "",
        "``t.f(...)`` is ``minigrad.f(t, ...)`` for each of these:",
        "",
        shown,
        "",
    ]


def numpy_page() -> list[str]:
    """The functions of NumPy that take tensors, with the minigrad function of the same meaning."""
    dispatch = importlib.import_module("minigrad.numpy_protocol.dispatch")
    top = importlib.import_module("minigrad")
    rows = {}
    for key in {*dispatch.functions, *dispatch.numpy_functions}:
        function, method = key if isinstance(key, tuple) else (key, "__call__")
        module = getattr(function, "__module__", None) or "numpy"
        prefix = "np.linalg." if module == "numpy.linalg" else "np."
        name = prefix + function.__name__ + ("" if method == "__call__" else f".{method}")
        op = dispatch.numpy_functions.get(key)
        same = op is not None and key not in dispatch.functions
        home = op.name if same else None
        known = home is not None and callable(getattr(top, home, None))
        rows[name] = f":func:`minigrad.{home}`" if known else ""
    lines = heading("NumPy's functions")
    lines += [
        "These functions of NumPy take tensors, with NumPy's own arguments, defaults and meaning,",
        "and are differentiated where their result is.  Where a function of minigrad with the same",
        "arguments and meaning does the work, it stands beside.",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - NumPy",
        "     - minigrad",
    ]
    for name, link in sorted(rows.items()):
        lines += [f"   * - ``{name}``", f"     - {link}"]
    return [*lines, ""]


def write_pages(app: Sphinx) -> None:
    folder = Path(app.srcdir) / "reference" / "api"
    folder.mkdir(exist_ok=True)
    top = importlib.import_module("minigrad")
    functions = public(top)
    themes: dict[str, dict[str, Any]] = {}
    for name, thing in functions.items():
        home = thing.__module__.removeprefix("minigrad.")
        themes.setdefault(home, {})[name] = thing
    pages = []
    for home in [*THEMES, *sorted(themes.keys() - THEMES)]:
        if home in themes:
            title = THEMES.get(home, home)
            lines = heading(title)
            for name, thing in themes[home].items():
                lines += documented("minigrad", name, thing)
            if home == "tensor":
                lines += methods_that_are_ops(top.Tensor, functions)
            pages.append(write(folder, home.replace(".", "_"), lines))
    inner = []
    for home, title in MODULES.items():
        module = importlib.import_module(f"minigrad.{home}")
        name = f"minigrad.{home}".replace(".", ".\u200b")  # may break after a dot, and only there
        lines = heading(f"{title}: {name}")
        things = sorted(public(module).items(), key=lambda item: inspect.isclass(item[1]))
        for name, thing in things:  # functions first
            again = functions.get(name) is thing
            lines += documented(f"minigrad.{home}", name, thing, again)
        inner.append(write(folder, "module_" + home.replace(".", "_"), lines))
    inner.append(write(folder, "numpy_functions", numpy_page()))
    index = [*heading("Every function"), "The reference, from the docstrings of the source.", ""]
    for caption, names in (("minigrad", pages), ("Its modules", inner)):
        index += [".. toctree::", "   :maxdepth: 1", f"   :caption: {caption}", ""]
        index += [f"   {name}" for name in names] + [""]
    write(folder, "index", index)


def write(folder: Path, name: str, lines: list[str]) -> str:
    """Write a page if it changed, so that a second build reads only what is new."""
    path, text = folder / f"{name}.rst", "\n".join(lines)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return name


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
