"""What the public namespaces hold: names that are documented, with examples, and nothing else."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.samples import SAMPLES, Sample

NAMESPACES = [
    "minigrad", "minigrad.autograd", "minigrad.autograd.functional", "minigrad.cuda",
    "minigrad.distributions", "minigrad.func", "minigrad.linalg", "minigrad.nn",
    "minigrad.nn.functional", "minigrad.nn.init", "minigrad.nn.utils", "minigrad.onnx",
    "minigrad.optim", "minigrad.optim.lr_scheduler", "minigrad.random", "minigrad.testing",
    "minigrad.training", "minigrad.utils.data", "minigrad.visualize",
]  # fmt: skip

# what functions return, and names that only keep PyTorch's scripts running: nothing to show
WITHOUT_EXAMPLE = {
    "minigrad": {
        "BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor",
        "HalfTensor", "IntTensor", "LongTensor", "ShortTensor",
        "use_deterministic_algorithms",
    },
    "minigrad.cuda": {"empty_cache", "manual_seed", "manual_seed_all"},
    "minigrad.nn": {"Cell", "Recurrent"},
    "minigrad.testing": {"Diagnosis", "Entry", "GradientError", "Jacobian", "Report", "Verdict"},
    "minigrad.training": {"LearningRates", "Run"},
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
        if member.startswith("@"):  # pytest's own, in the modules whose assertions it rewrites
            continue
        value = getattr(namespace, member)
        home = value.__name__ if isinstance(value, ModuleType) else type(value).__module__
        home = getattr(value, "__module__", None) or home
        guest = isinstance(value, (np.dtype, float, str, type(None)))  # types, and constants
        guest = guest or value in (np.dtype, np.finfo, np.iinfo)
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


def takes_input(sample: Sample) -> bool:
    """Whether the row calls the op as it is, and its first operand is PyTorch's `input`."""
    first = next(iter(inspect.signature(sample.op).parameters))
    plain = sample.call is None and not sample.name.startswith("linalg.")
    return plain and len(sample.shapes) == 1 and first in ("x", "input")


@pytest.mark.parametrize("sample", [s for s in SAMPLES if takes_input(s)], ids=str)
def test_an_operand_may_be_given_by_its_name(sample: Sample) -> None:
    (array,) = sample.inputs()
    for operand in (mg.tensor(array), mg.tensor(array, requires_grad=True)):
        by_name, by_place = sample.op(input=operand), sample.op(operand)
        pairs = zip(*(r if isinstance(r, tuple) else (r,) for r in (by_name, by_place)))
        assert all(mg.equal(found, expected) for found, expected in pairs)
        with pytest.raises(TypeError):
            sample.op()


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda x: mg.add(input=x, other=2), [3, 4]),
        (lambda x: mg.add(x, other=x, alpha=10), [11, 22]),
        (lambda x: mg.sub(other=x, input=5), [4, 3]),
        (lambda x: mg.pow(x, exponent=2), [1, 4]),
        (lambda x: mg.where(condition=x > 1, input=x, other=0.0), [0, 2]),
        (lambda x: mg.nn.functional.linear(input=x, weight=mg.ones(1, 2), bias=None), [3]),
        (lambda x: mg.linalg.inv(A=mg.diag(input=x))[1], [0, 0.5]),
    ],
)
def test_operands_in_any_order_by_name(call: Any, expected: list[float]) -> None:
    assert call(mg.tensor([1.0, 2.0], requires_grad=True)).tolist() == expected


@pytest.mark.parametrize(
    ("call", "missing"),
    [(mg.exp, "x"), (mg.sum, "x"), (mg.add, "x"), (lambda: mg.add(mg.ones(2)), "y"),
     (lambda: mg.linear(mg.ones(2)), "weight")],
)  # fmt: skip
def test_a_missing_operand_is_named(call: Any, missing: str) -> None:
    with pytest.raises(TypeError, match=f"is missing its argument '{missing}'"):
        call()
