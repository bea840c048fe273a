"""The fuzzer finds planted errors and shrinks them; a few of its tries run with the tests."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.fuzz import calls, files, programs
from tests.fuzz.__main__ import main

SINE = ["v1 = v0 * 2", "v2 = v1.sin()", "v3 = v0 + v0", "v3 += 1"]
LEAVES = [(np.array([0.5, -1.0, 2.0]), True)]


def test_a_planted_wrong_gradient_is_found_and_shrunk(monkeypatch: Any) -> None:
    torch = pytest.importorskip("torch")
    assert programs.compare(torch, LEAVES, SINE, Counter())[1] is None

    @mg.op(lambda g, x: g * np.cos(x) * 1.01)
    def sin(x: Any) -> Any:
        return np.sin(x)

    monkeypatch.setattr(mg.Tensor, "sin", sin)
    lines, differs = programs.compare(torch, LEAVES, SINE, Counter())
    assert differs is not None
    assert differs.startswith("v0.grad")
    assert programs.shrunk(torch, LEAVES, lines) == ["v1 = v0 * 2", "v2 = v1.sin()"]


def test_what_one_side_refuses_is_counted_and_left_out() -> None:
    torch = pytest.importorskip("torch")
    refusals: Counter[str] = Counter()
    lines = ["v1 = v0.numpy_only()", "v2 = v1 * 2", "v3 = v0 * 3"]
    assert programs.compare(torch, LEAVES, lines, refusals) == (["v3 = v0 * 3"], None)
    lines = ["v1 = v0.mean(axis=0, keepdims=True)", "v2 = m.tensor([1]).mean()", "v3 = v0 * 3"]
    kept, differs = programs.compare(torch, LEAVES, lines, refusals)
    assert (len(kept), differs) == (2, None)
    assert sum(refusals.values()) == 1
    assert next(iter(refusals)).startswith("PyTorch refuses")


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (lambda x: x.nothing, "AttributeError"),
        (lambda x: x.fill_(7.0), "changes an argument"),
        (lambda x: {}[x], "KeyError"),
    ],
)
def test_planted_faults_of_calls_are_found(planted: Any, said: str) -> None:
    found = [calls.try_call(seed, [("planted", planted)]) for seed in range(20)]
    assert any(wrong is not None and said in wrong for wrong in found)


def test_a_planted_fault_of_loading_is_found(monkeypatch: Any) -> None:
    def load(file: Any) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(mg, "load", load)
    assert "planted" in (files.try_file(0) or "")


@pytest.mark.parametrize("kind", ["programs", "compiled", "calls", "files"])
def test_a_few_tries(kind: str, capsys: Any) -> None:
    if kind == "programs":
        pytest.importorskip("torch")
    assert main(["--only", kind, "--tries", "60", "--seed", "1000"]) == 0, capsys.readouterr().out
