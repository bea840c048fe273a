"""Every row of the op table, saved as a file: it computes with NumPy alone what eager computes."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.capture import NotCompiled
from minigrad.pytrees import flatten
from tests.compile.test_modules import name_of, shapes_of
from tests.compile.test_samples import NOT_COMPILED, assert_close, draw, tensors_of, values
from tests.module_cases import CASES
from tests.samples import SAMPLES, Sample, some
from tests.test_modules import build, convert

SIZES = {"masked_select", "unique", "unique-all"}


def loaded(path: Path) -> Any:
    """The module in a file, whose numbers lie beside it; it imports nothing of minigrad."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"^\s*(from|import) minigrad", text, re.MULTILINE)
    spec: Any = importlib.util.spec_from_file_location("saved_program", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def results_and_gradients(sample: Sample) -> Callable[..., Any]:
    """The row as a function of tensors: its results, and gradients for random cotangents."""
    rng = np.random.default_rng(0)
    weights: list[mg.Tensor] = []

    def function(*tensors: mg.Tensor) -> Any:
        leaves = [t.detach().requires_grad_(sample.differentiable) for t in tensors]
        results = tensors_of(sample.run(*leaves))
        wanted = [t for t in results if t.requires_grad]
        while len(weights) < len(wanted):
            shape, dtype = wanted[len(weights)].shape, wanted[len(weights)].dtype
            weights.append(mg.tensor(rng.standard_normal(shape).astype(dtype)))
        if not wanted:
            return tuple(results)
        gradients = mg.autograd.grad(wanted, leaves, weights, allow_unused=True)
        return (*[t.detach() for t in results], *[g for g in gradients if g is not None])

    return function


@pytest.mark.parametrize("sample", some(SAMPLES), ids=str)
def test_a_saved_program_computes_what_eager_computes(sample: Sample, tmp_path: Path) -> None:
    if str(sample) in SIZES:
        pytest.skip("how many entries the result has depends on the numbers")
    function = results_and_gradients(sample)
    compiled = mg.compile(function)
    try:
        for seed in range(2):  # the second call sees that no number of the first was taken over
            mg.manual_seed(0)
            compiled(*[t.detach() for t in draw(sample, sample.shapes, seed)])
    except NotCompiled:
        assert str(sample) in NOT_COMPILED
        return
    compiled.save(tmp_path / "step.py")
    program = loaded(tmp_path / "step.py")
    tensors = [t.detach() for t in draw(sample, sample.shapes, 2)]
    found = program.step(*[t.numpy() for t in tensors])
    expected = values(function(*tensors))
    found = found if isinstance(found, tuple) else (found,)
    assert_close([np.asarray(each) for each in found], expected)


@pytest.mark.parametrize("case", some(CASES, name_of), ids=name_of)
def test_a_saved_step_of_a_module_goes_on(case: Any, tmp_path: Path) -> None:
    """After three steps the file makes the fourth: same results, same parameters."""
    module = build(case).double()
    optimizer = None
    if list(module.parameters()):
        optimizer = mg.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
    weights = np.random.default_rng(7)
    mg.manual_seed(3)

    @mg.compile
    def step(*args: Any, factors: Any, **kwargs: Any) -> Any:
        if optimizer is not None:
            optimizer.zero_grad()
        out = [t for t in flatten(module(*args, **kwargs))[0] if isinstance(t, mg.Tensor)]
        loss: Any = sum([(t * w).sum() for t, w in zip(out, factors) if t.dtype.kind == "f"])
        if loss.requires_grad:
            loss.backward()
            if optimizer is not None:
                optimizer.step()
        return [t.detach() for t in (loss, *out)]

    def batch(seed: int) -> tuple[list[Any], dict[str, Any]]:
        args, kwargs = case.draw(np.random.default_rng([1, seed]))
        given, named = convert(args, np.float64), convert(kwargs.values(), np.float64)
        detached = [a.detach() if isinstance(a, mg.Tensor) else a for a in (*given, *named)]
        named = dict(zip(kwargs, detached[len(given) :]))
        factors = [mg.tensor(weights.standard_normal(shape)) for shape in shapes]
        return detached[: len(given)], {"factors": factors, **named}

    shapes: list[Any] = []
    args, kwargs = batch(0)
    shapes = shapes_of(case, args, {k: v for k, v in kwargs.items() if k != "factors"})
    try:
        for seed in range(3):
            args, kwargs = batch(seed)
            step(*args, **kwargs)
    except NotCompiled:
        return
    args, kwargs = batch(3)
    step.save(tmp_path / "step.py")
    program = loaded(tmp_path / "step.py")
    given = [leaf for leaf in flatten((args, kwargs))[0] if isinstance(leaf, mg.Tensor)]
    found = program.step(*[t.numpy().copy() for t in given])
    assert_close([np.asarray(each) for each in found], values(step(*args, **kwargs)))


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_saved_step_trains_on_to_the_same_weights_without_minigrad(
    name: str, tmp_path: Path
) -> None:
    """In a process of its own, which cannot import minigrad."""
    rng = np.random.default_rng(0)
    xs = rng.random((30, 16, 64)).astype(np.float32)
    ys = rng.integers(0, 10, (30, 16))
    mg.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Linear(64, 32), mg.nn.ReLU(), mg.nn.Linear(32, 10))
    options = {"momentum": 0.9} if name == "SGD" else {}
    optimizer = getattr(mg.optim, name)(model.parameters(), lr=0.01, **options)

    def step(x: mg.Tensor, y: mg.Tensor) -> mg.Tensor:
        optimizer.zero_grad()
        loss = mg.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    compiled = mg.compile(step)
    for x, y in zip(xs[:3], ys):
        compiled(mg.tensor(x), mg.tensor(y))
    compiled.save(tmp_path / "step.py")
    np.savez(tmp_path / "batches.npz", xs=xs, ys=ys)
    script = (
        "import sys; sys.modules['minigrad'] = None; sys.path.insert(0, '.')\n"
        "import numpy as np, step\n"
        "given = np.load('batches.npz')\n"
        "for x, y in zip(given['xs'], given['ys']):\n"
        "    step.step(x, y)\n"
        "np.save('weights.npy', step.parameters)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    for x, y in zip(xs, ys):
        step(mg.tensor(x), mg.tensor(y))
    weights = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    found = np.load(tmp_path / "weights.npy")
    np.testing.assert_allclose(np.sort(found), np.sort(weights), rtol=0, atol=2e-6)
