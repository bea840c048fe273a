"""What the public namespaces hold: names that are documented, with examples, and nothing else."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import minigrad as mg

NAMESPACES = [
    "minigrad", "minigrad.autograd", "minigrad.autograd.functional", "minigrad.cuda",
    "minigrad.func", "minigrad.linalg", "minigrad.nn", "minigrad.nn.functional",
    "minigrad.nn.init", "minigrad.nn.utils", "minigrad.onnx", "minigrad.optim",
    "minigrad.optim.lr_scheduler", "minigrad.random", "minigrad.testing", "minigrad.training",
    "minigrad.utils.data", "minigrad.visualize",
]  # fmt: skip

# what functions return, and names that only keep PyTorch's scripts running: nothing to show
WITHOUT_EXAMPLE = {
    "minigrad": {"BoolTensor", "DoubleTensor", "FloatTensor", "IntTensor", "LongTensor"},
    "minigrad.cuda": {"empty_cache", "manual_seed", "manual_seed_all"},
    "minigrad.testing": {"Diagnosis", "Entry", "GradientError", "Jacobian", "Report", "Verdict"},
    "minigrad.training": {"LearningRates", "Run"},
    "minigrad.visualize": {
        "Call", "Description", "Finding", "Findings", "Operand", "Picture", "Tape", "Vertex",
    },
}  # fmt: skip


def public_names(namespace: ModuleType) -> list[str]:
    return list(
        getattr(namespace, "__all__", None) or [n for n in dir(namespace) if not n.startswith("_")]
    )


def functions_and_classes() -> list[Any]:
    """Those of all namespaces, as parameters of a test."""
    found = []
    for name in NAMESPACES:
        namespace = importlib.import_module(name)
        for member in sorted(public_names(namespace)):
            value = getattr(namespace, member)
            ours = (getattr(value, "__module__", None) or "").startswith("minigrad")
            if callable(value) and ours:
                found.append(pytest.param(name, value, id=f"{name}.{member}"))
    return found


@pytest.mark.parametrize(("namespace", "value"), functions_and_classes())
def test_it_has_a_docstring_with_an_example(namespace: str, value: Any) -> None:
    """`tests/test_docs.py` runs them."""
    text = value.__doc__ or ""
    first = text.strip().partition("\n\n")[0]
    assert first.rstrip("`").endswith((".", ":")), first
    assert ">>>" in text or value.__name__ in WITHOUT_EXAMPLE.get(namespace, ())


@pytest.mark.parametrize("name", NAMESPACES)
def test_a_namespace_holds_nothing_but_its_own(name: str) -> None:
    """No helper, no import from elsewhere: the only guests are NumPy's dtypes, and tuple (Size)."""
    namespace = importlib.import_module(name)
    for member in public_names(namespace):
        value = getattr(namespace, member)
        home = value.__name__ if isinstance(value, ModuleType) else type(value).__module__
        home = getattr(value, "__module__", None) or home
        guest = isinstance(value, np.dtype) or value in (np.dtype, np.finfo, np.iinfo, tuple)
        assert guest or home.startswith("minigrad"), f"{member} is from {home}"
        assert not getattr(value, "__name__", "").startswith("_"), member


@pytest.mark.parametrize("name", NAMESPACES)
def test_the_list_of_names_is_right(name: str) -> None:
    namespace = importlib.import_module(name)
    listed = public_names(namespace)
    assert len(set(listed)) == len(listed)
    assert [name for name in listed if not hasattr(namespace, name)] == []


METHODS = [name for name in dir(mg.Tensor) if not name.startswith("_")]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_documented(name: str) -> None:
    value = inspect.getattr_static(mg.Tensor, name)
    assert inspect.getdoc(value) or name == "is_cuda"  # a plain bool


@pytest.mark.parametrize("name", [name for name in METHODS if hasattr(getattr(mg, name, 0), "op")])
def test_an_op_is_a_method_as_it_is(name: str) -> None:
    """`t.f()` is `mg.f(t)`, with one docstring; properties such as `T` call it."""
    method = inspect.getattr_static(mg.Tensor, name)
    assert isinstance(method, property) or method is getattr(mg, name)
