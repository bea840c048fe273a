"""Imports go downwards only: so the engine knows no op and no tensor by name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "minigrad"

# From the ground up: a module may import what stands in an earlier line, or in its own package.
LAYERS = [
    {"sparse"},
    {"memory", "modes", "promotion", "errors", "dtypes", "devices", "pytrees", "sums", "typed"},
    {"primitive"},
    {"graph"},
    {"calls", "backward", "noted"},
    {"composition", "argument_names", "tape"},
    {"ops"},
    {"numpy_protocol", "inplace"},
    {"creation"},
    {"random", "printing", "interchange", "legacy"},
    {"methods"},
    {"tensor"},
    {"accelerator", "backends", "cuda", "distributed", "fft", "linalg", "lowrank", "special"},
    {"autograd"},
    {"func"},
    {"autograd.functional"},  # PyTorch's older names for what is in func
    {"nn", "utils"},
    {"distributions", "optim", "serialization"},
    {"testing", "visualize"},
    {"neighbours", "training", "model_summary", "onnx", "compile"},
    {"sweeps"},
]
# What only type checkers see, and cannot stand otherwise: PyTorch's place for a name, and the type
# of what an op returns, whose methods are ops.
CIRCLES = {("typed", "tensor"), ("autograd", "testing.pytorch")}
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def layer(module: str) -> str:
    """The name under which `module`, without the leading ``minigrad.``, stands in the layers."""
    return module if module in LEVEL else module.split(".")[0]


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def imports(path: Path) -> list[tuple[int, str]]:
    """What a file imports from this package, for type checkers as well: (line, module)."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue  # runs later
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "minigrad":
            found += [(node.lineno, f"minigrad.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.lineno, node.module))
        pending += list(ast.iter_child_nodes(node))
    return [(line, name) for line, name in found if name.startswith("minigrad.")]


def upward(path: Path, here: str) -> list[str]:
    """The imports of a file of layer `here` that do not go downwards."""
    found = []
    for line, name in imports(path):
        there = layer(name.removeprefix("minigrad."))
        allowed = there == here or LEVEL[there] < LEVEL[here]
        if not allowed and (here, name.removeprefix("minigrad.")) not in CIRCLES:
            found.append(f"line {line}: {here} imports {name}")
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downwards(path):
    here = layer(".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    assert here in LEVEL, f"{here} has no place in the layers"
    assert upward(path, here) == []


def test_an_upward_import_that_only_a_type_checker_sees_is_found(tmp_path):
    planted = tmp_path / "memory.py"
    planted.write_text("if TYPE_CHECKING:\n    from minigrad.graph import Node\n")
    assert upward(planted, "memory") == ["line 2: memory imports minigrad.graph"]


ROOT = PACKAGE.parent


def test_no_file_is_longer_than_700_lines():
    lengths = {}
    for folder in ("minigrad", "tests", "examples", "docs"):
        for path in (ROOT / folder).rglob("*.py"):
            lengths[path.relative_to(ROOT).as_posix()] = len(path.read_bytes().splitlines())
    assert len(lengths) > 300
    assert not {name: n for name, n in lengths.items() if n > 700}
