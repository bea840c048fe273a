"""The numba back end: the numbers of the reference, in the same types, with NaN and errors kept."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile import numba_backend, numba_loops
from minigrad.compile.program import Builder, run
from minigrad.ops.indexing import _getitem as getitem
from minigrad.ops.neural import cross_entropy
from minigrad.ops.selection import _where as where

pytestmark = pytest.mark.filterwarnings("ignore::Warning:numba")
needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="needs numba"
)  # compiling takes seconds: each program here holds many statements

SPECIAL = [0.0, -0.0, 1.5, -2.0, np.nan, np.inf, -np.inf, 1e-30, 3.0, -0.5, 1e30, 7.0]
UNARY = ["neg", "exp", "log", "sqrt", "tanh", "sin", "cos", "square", "abs", "expm1", "log1p",
         "reciprocal", "relu"]  # fmt: skip
BINARY = ["add", "sub", "mul", "true_divide", "maximum", "minimum", "gt", "ge", "lt", "le", "eq",
          "ne"]  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def kept(tmp_path_factory):
    """A folder of compiled loops for these tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIGRAD_CACHE", str(tmp_path_factory.mktemp("loops")))
        yield


def agree(program, inputs, tolerance, state=None):
    """Assert that the loops give what the reference gives, twice, and return them."""
    with np.errstate(all="ignore"):
        outputs, updates = run(program, inputs)
        arrays = {v: np.copy(v.array, order="K") for v in program.values()
                  if v.kind in ("parameter", "state")}  # fmt: skip
        lowered = numba_backend.lower(program, arrays=arrays)
        found = lowered.function()(*inputs)
    for expected, out in zip(outputs, found):
        same(expected, out, tolerance)
    for (old, _), expected in zip(program.updates, updates):
        same(expected, arrays[old], tolerance)
    return lowered


def same(expected, out, tolerance):
    assert out.dtype == expected.dtype
    assert out.shape == expected.shape
    finite = np.isfinite(expected) if expected.dtype.kind == "f" else np.ones(out.shape, bool)
    scale = np.abs(expected[finite]).max(initial=0) if expected.dtype.kind == "f" else 0
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(out, expected, rtol=tolerance, atol=tolerance * min(scale, 1e3))
    else:
        np.testing.assert_array_equal(out, expected)


def every_formula(dtype):
    """All elementwise ops on numbers that are special, numbers among the operands, and rows."""
    b = Builder()
    x = b.input("x", np.resize(np.array(SPECIAL, dtype), (12, 12)))
    y = b.input("y", np.resize(np.array(SPECIAL, dtype), (12, 12)).T.copy())
    row = b.input("row", np.arange(12, dtype=dtype))
    with np.errstate(all="ignore"):
        outputs = [b(getattr(mg, name), x) for name in UNARY]
        outputs += [b(getattr(mg, name), x, y) for name in BINARY]
        outputs += [b(mg.mul, x, 0.1), b(mg.sub, 1, y), b(mg.maximum, x, 0.0)]
        outputs += [b(mg.add, x, row), b(mg.mul, b(mg.mT, x), y), b(mg.mul, y, b(mg.gt, x, y))]
        outputs += [b(where, x, y, b(mg.gt, x, y)), b(where, x, 0.0, b(mg.gt, y, 0.0))]
        # a transpose of what the same chain computes
        outputs.append(b(mg.add, b(mg.mT, b(mg.mul, x, 2.0)), y))
    return b.program(*outputs)


@needs_numba
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_formula(dtype):
    program = every_formula(dtype)
    rng = np.random.default_rng(0)
    inputs = [rng.permuted(np.resize(np.array(SPECIAL, dtype), v.shape)) for v in program.inputs]
    lowered = agree(program, inputs, 4 * np.finfo(dtype).eps)
    kinds = [kind for kind, _ in lowered.steps]
    assert kinds == ["loops"]  # nothing fell back to a call
    for name in {*numba_loops.FORMULAS, *numba_loops.COMPARISONS} - {"clone", "where"}:
        assert name in UNARY + BINARY


def products_and_sums(dtype):
    """Products of all forms and orders of memory, sums along all axes; what loops do not have."""
    rng = np.random.default_rng(1)

    def random(*shape):
        return rng.standard_normal(shape).astype(dtype)

    b = Builder()
    small, other = b.input("small", random(5, 3)), b.input("other", random(3, 11))
    large, wide = b.input("large", random(40, 30)), b.input("wide", random(30, 50))
    x, y = b.input("x", random(3)), b.input("y", random(30))
    long = b.input("long", random(40_000))
    weight = b.parameter("weight", np.asfortranarray(random(4, 3)))
    bias = b.parameter("bias", random(4))
    mm = mg.matmul
    outputs = [
        b(mm, small, other), b(mm, b(mg.mT, other), b(mg.mT, small)), b(mm, small, x),
        b(mm, x, other), b(mm, x, x), b(mm, b(mg.mT, small), small), b(mm, small, b(mg.mT, small)),
        b(mm, large, wide), b(mm, b(mg.mT, wide), b(mg.mT, large)), b(mm, large, y),
        b(mm, b(mg.mT, large), large), b(mg.linear, small, weight, bias),
        b(mg.linear, small, weight, None), b(mm, b(getitem, large, (slice(None, None, 2), 1)),
                                             b(getitem, wide, (slice(0, 20), slice(3, 9)))),
        b(mg.sum, long), b(mg.mean, large), b(mg.sum, large, 0), b(mg.sum, large, 1),
        b(mg.sum, b(mg.mT, large), 0), b(mg.mean, large, 1, True), b(mg.sum, large, (0, 1)),
        b(mg.softmax, large, 1), b(mg.sigmoid, large), b(mg.argmax, large, 1),
        b(mg.cumsum, b(mg.exp, large), 0), b(mg.sum, b(mg.reshape, b(mg.mT, large), 30, 40), 1),
    ]  # fmt: skip
    return b.program(*outputs)


@needs_numba
def test_products_and_sums():
    dtype = np.float32
    program = products_and_sums(dtype)
    rng = np.random.default_rng(2)
    inputs = [np.asfortranarray(rng.standard_normal(v.shape).astype(dtype))
              for v in program.inputs]  # fmt: skip
    lowered = agree(program, inputs, 100 * np.finfo(dtype).eps)
    assert "rows(" in lowered.text
    assert "dots(" in lowered.text
    sums = [run(program, inputs)[0][14], lowered.function()(*inputs)[14]]
    exact = inputs[-1].astype(np.longdouble).sum()
    # added one after another, errors would grow with the 40,000 numbers
    assert abs(sums[1] - exact) <= 200 * np.finfo(dtype).eps * np.sqrt(40_000)


def training_step(dtype):
    """Forward, backward, and an update with momentum, of two layers."""
    rng = np.random.default_rng(3)
    b = Builder()
    x = b.input("x", rng.standard_normal((32, 6)).astype(dtype))
    labels = b.input("labels", rng.integers(0, 3, 32))
    weight = b.parameter("weight", np.asfortranarray(rng.standard_normal((16, 6)).astype(dtype)))
    last = b.parameter("last", rng.standard_normal((3, 16)).astype(dtype))
    bias = b.parameter("bias", rng.standard_normal(16).astype(dtype))
    rate, momentum = b.state("rate", np.array(0.1, dtype)), b.state("v", np.zeros((16, 6), dtype))
    hidden = b(mg.tanh, b(mg.linear, x, weight, bias), name="hidden")
    loss = b(cross_entropy, b(mg.linear, hidden, last, None), labels, name="loss")
    slope = b.value("slope", np.zeros((32, 3), dtype), "temporary", False)
    b.statements[-1].results = (loss, slope)
    d_last = b(mg.mT, b(mg.matmul, b(mg.mT, hidden), slope))
    flowing = b(mg.matmul, slope, last)
    flowing = b(mg.mul, flowing, b(mg.sub, 1.0, b(mg.mul, hidden, hidden)))
    d_weight = b(mg.mT, b(mg.matmul, b(mg.mT, x), flowing))
    v = b(mg.add, b(mg.mul, momentum, 0.9), d_weight)
    updates = [
        (momentum, v), (weight, b(mg.sub, weight, b(mg.mul, v, rate))),
        (last, b(mg.sub, last, b(mg.mul, d_last, rate))),
        (bias, b(mg.sub, bias, b(mg.mul, b(mg.sum, flowing, 0), rate))),
    ]  # fmt: skip
    return b.program(loss, updates=updates)


@needs_numba
def test_fifty_steps_of_training():
    dtype = np.float32
    program = training_step(dtype)
    rng = np.random.default_rng(4)
    state = {v: np.copy(v.array, order="K") for v in program.values() if v.array is not None}
    arrays = {v: np.copy(a, order="K") for v, a in state.items()}
    step = numba_backend.lower(program, arrays=arrays).function()
    for _ in range(50):
        inputs = [rng.standard_normal((32, 6)).astype(dtype), rng.integers(0, 3, 32)]
        (expected,), updates = run(program, inputs, state)
        (loss,) = step(*inputs)
        state.update(zip([old for old, _ in program.updates], updates))
        same(expected, loss, 1e4 * np.finfo(dtype).eps)
    for value, array in state.items():
        same(array, arrays[value], 1e4 * np.finfo(dtype).eps)


@needs_numba
def test_a_class_out_of_range_raises_and_says_so():
    program = training_step(np.float32)
    arrays = {v: np.copy(v.array) for v in program.values() if v.array is not None}
    step = numba_backend.lower(program, arrays=arrays).function()
    x, labels = np.zeros((32, 6), np.float32), np.full(32, 3)
    for wrong in (3, -1):
        labels[7] = wrong
        with pytest.raises(ValueError, match="invalid entry"):
            step(x, labels)


@needs_numba
def test_results_are_new_arrays_at_each_call():
    b = Builder()
    x = b.input("x", np.ones((2, 2)))
    program = b.program(b(mg.mul, x, 2.0))
    step = numba_backend.lower(program).function()
    first = step(np.ones((2, 2)))[0]
    second = step(np.zeros((2, 2)))[0]
    np.testing.assert_array_equal(first, np.full((2, 2), 2.0))
    np.testing.assert_array_equal(second, np.zeros((2, 2)))


@needs_numba
def test_values_that_change_places():
    """Two states that swap: each gets what the other had before."""
    b = Builder()
    p, q = b.state("p", np.array([1.0, 2.0])), b.state("q", np.array([3.0, 4.0]))
    program = b.program(b(mg.add, p, q), updates=[(p, q), (q, p)])
    agree(program, [], 0)


@needs_numba
def test_an_old_value_that_is_read_later_is_not_overwritten_before():
    b = Builder()
    p = b.state("p", np.arange(9.0).reshape(3, 3))
    new = b(mg.mul, p, 2.0)
    turned = b(mg.add, b(mg.mT, p), new)
    program = b.program(b(mg.sum, b(mg.mul, p, p), 0), turned, updates=[(p, new)])
    agree(program, [], 1e-15)


@needs_numba
def test_loops_are_kept_on_disk():
    """A program of the same sizes is the same file, whatever its numbers and addresses."""
    folder = numba_backend.cache_folder()
    program = training_step(np.float32)
    first = numba_backend.lower(program)
    first.function()
    files = sorted(folder.glob("minigrad_loops_*.py"))
    again = numba_backend.lower(training_step(np.float32))
    again.function()
    assert again.text == first.text
    assert sorted(folder.glob("minigrad_loops_*.py")) == files
    assert list((folder / "__pycache__").glob("*.nbc")), "numba kept no machine code"
    assert str(first.addresses[0]) not in first.text


def test_without_numba_the_error_tells_what_to_install(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "numba" else find(name)
    )
    b = Builder()
    program = b.program(b(mg.exp, b.input("x", np.ones(3))))
    with pytest.raises(ImportError, match=r"pip install 'minigrad-numpy\[numba\]'"):
        numba_backend.lower(program)


def test_importing_the_back_end_does_not_import_numba():
    code = "import sys, minigrad.compile.numba_backend; sys.exit('numba' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
