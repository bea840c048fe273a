"""Every row of the table of modules, losses among them: a compiled training step equals eager."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.capture import NotCompiled
from minigrad.pytrees import flatten
from tests.module_cases import CASES
from tests.samples import some
from tests.test_modules import build, convert

# inputs that require grad are changed in place, which re-points the caller's own tensors; a padding
# row is left out of bags, and rows are sorted into clusters, so that shapes depend on numbers; the
# windows of fractional pooling lie where random numbers, read by Python, put them
NOT_COMPILED = {
    "ReLU(inplace=True)", "ELU(inplace=True)", "LeakyReLU(inplace=True)", "SiLU(inplace=True)",
    "EmbeddingBag(6, 3, padding_idx=2)",
    "AdaptiveLogSoftmaxWithLoss(8, 10, [3, 6], div_value=2.0)",
    "AdaptiveLogSoftmaxWithLoss(8, 10, [4], head_bias=True)",
    "FractionalMaxPool2d(2, output_size=(3, 2), _random_samples=drawn)",
    "FractionalMaxPool3d(2, output_ratio=(0.4, 0.5, 0.4), _random_samples=drawn)",
}  # fmt: skip


def name_of(case: Any) -> str:
    return case.id


def shapes_of(case: Any, args: Any, kwargs: dict[str, Any]) -> list[tuple[int, ...]]:
    """Shapes of the results."""
    state = mg.get_rng_state()
    with mg.no_grad():
        out = build(case).double()(*args, **kwargs)
    mg.set_rng_state(state)
    return [t.shape for t in flatten(out)[0] if isinstance(t, mg.Tensor)]


def train(case: Any, compiler: Any) -> tuple[list[Any], Any]:
    """What four steps return, on other numbers each time, and what they leave behind."""
    module = build(case).double()
    optimizer = None
    if list(module.parameters()):
        optimizer = mg.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
    weights = np.random.default_rng(7)
    mg.manual_seed(3)

    def step(*args: Any, factors: Any, **kwargs: Any) -> Any:
        if optimizer is not None:
            optimizer.zero_grad()
        out = [t for t in flatten(module(*args, **kwargs))[0] if isinstance(t, mg.Tensor)]
        terms = [(t * w).sum() for t, w in zip(out, factors) if t.dtype.kind == "f"]
        loss = sum(terms)
        if loss.requires_grad:
            loss.backward()
            if optimizer is not None:
                optimizer.step()
        return loss, out

    compiled, seen = compiler(step), []
    for seed in range(4):
        args, kwargs = case.draw(np.random.default_rng([1, seed]))
        args, keywords = convert(args, np.float64), convert(kwargs.values(), np.float64)
        if getattr(module, "inplace", False):
            args = [a * 1 if isinstance(a, mg.Tensor) else a for a in args]
        if not seen:
            shapes = shapes_of(case, args, dict(zip(kwargs, keywords)))
        factors = [mg.tensor(weights.standard_normal(shape)) for shape in shapes]
        loss, out = compiled(*args, factors=factors, **dict(zip(kwargs, keywords)))
        leaves = [t for t in flatten([args, keywords])[0] if getattr(t, "is_leaf", False)]
        seen += [loss, *out, *[t.grad for t in leaves]]
    seen += [*module.state_dict().values(), *[p.grad for p in module.parameters()]]
    return [None if t is None else t.detach().numpy().copy() for t in seen], compiled


@pytest.mark.parametrize("case", some(CASES, name_of), ids=name_of)
def test_a_compiled_step_equals_eager(case):
    expected, _ = train(case, lambda f: f)
    try:
        found, compiled = train(case, mg.compile)
    except NotCompiled:
        assert case.id in NOT_COMPILED
        return
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            scale = np.abs(np.where(np.isfinite(b), b, 0)).max(initial=1.0) if b.size else 1.0
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * scale, equal_nan=True)
    assert len(compiled.programs) == 1
    assert case.id not in NOT_COMPILED
