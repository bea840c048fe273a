"""Programs written for PyTorch run here by changing the import, and their losses are the same.

The programs stand in tests/pytorch_programs/.  Each takes its data, its first weights and its noise
from NumPy, so that both libraries start from the same numbers, and leaves a list of numbers under
the name ``losses``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

PROGRAMS = sorted((Path(__file__).parent / "pytorch_programs").glob("*.py"))


def with_import_changed(source: str) -> str:
    """The program with the names of modules that it imports changed, and nothing else."""
    source = re.sub(r"^import torch$", "import minigrad as torch", source, flags=re.M)
    return re.sub(r"^(import|from) torch\b", r"\1 minigrad", source, flags=re.M)


def run(path: Path, source: str) -> list[float]:
    namespace = {"__name__": "__main__"}
    exec(compile(source, str(path), "exec"), namespace)
    return namespace["losses"]


def test_there_are_programs_and_the_import_is_changed():
    assert len(PROGRAMS) >= 20
    source = "import torch\nimport torch.nn as nn\nfrom torch import nn\nfrom torch.a.b import c\n"
    assert with_import_changed(source) == (
        "import minigrad as torch\nimport minigrad.nn as nn\nfrom minigrad import nn\n"
        "from minigrad.a.b import c\n"
    )


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_has_the_same_losses(path):
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"^(import|from) minigrad", source, flags=re.M)
    expected = run(path, source)
    found = run(path, with_import_changed(source))
    assert len(expected) >= 8
    assert len(set(expected)) > 5
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-5)
