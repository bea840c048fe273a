"""Large parameters: updated piece by piece, bit for bit as eager, in memory of either order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile import chunks
from tests.compile.test_training import OPTIMIZERS

SHAPE = (201, 300)  # more entries than one piece, and not a multiple of it


def trained(compiler: Any, optimizer: str, order: Any, dtype: Any) -> tuple[list[Any], Any]:
    """The parameters and losses of a few steps, and the compiled step."""
    rng = np.random.default_rng(0)
    start = np.asarray(rng.standard_normal(SHAPE), dtype, order=order)
    weights = [mg.nn.Parameter(mg.tensor(0.0)) for _ in range(2)]
    for weight in weights:
        weight.data = mg.from_numpy(start.copy(order=order))
    name, options = OPTIMIZERS[optimizer]
    made = getattr(mg.optim, name)(weights, **options)

    @compiler
    def step(x: Any) -> Any:
        made.zero_grad()
        loss = ((x @ weights[0].T) * (x @ weights[1].T)).mean()
        loss.backward()
        made.step()
        return loss

    batches = [mg.tensor(rng.standard_normal((4, 300)).astype(dtype)) for _ in range(6)]
    losses = [step(x).item() for x in batches]
    arrays = [np.array(losses), *[w.detach().numpy() for w in weights]]
    return [*arrays, *[w.grad.numpy() for w in weights]], step


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_large_parameters_as_eager(optimizer, order, dtype):
    expected, _ = trained(lambda f: f, optimizer, order, dtype)
    found, _ = trained(mg.compile, optimizer, order, dtype)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_only_a_piece_needs_has_the_size_of_a_piece():
    _, step = trained(mg.compile, "Adam", "F", np.float32)
    lowered = step.programs[-1].lowered
    loops = [line for line in lowered.lines if line.strip().startswith("for ")]
    assert len(loops) == 2  # one for each weight, which has a cache to itself
    for line in loops:
        pieces = lowered.names[line.strip().rpartition(" ")[2].rstrip(":")]
        assert sum([piece[0].size for piece in pieces]) == SHAPE[0] * SHAPE[1]
        assert max([piece[0].size for piece in pieces]) <= chunks.CHUNK
        assert all(len({array.size for array in piece}) == 1 for piece in pieces)


@pytest.mark.parametrize("keyword_only", [False, True])
def test_default_arguments_are_looked_at(keyword_only):
    def losses(compiler: Any) -> list[float]:
        w = mg.nn.Parameter(mg.tensor([1.0, 2.0]))
        o = mg.optim.SGD([w], lr=0.1)

        def plain(x: Any, weight: Any = w, optimizer: Any = o) -> Any:
            optimizer.zero_grad()
            loss = (weight * x).sum()
            loss.backward()
            optimizer.step()
            return loss

        def keywords(x: Any, *, weight: Any = w, optimizer: Any = o) -> Any:
            return plain(x, weight, optimizer)

        step = compiler(keywords if keyword_only else plain)
        return [step(mg.tensor([1.0, 3.0])).item() for _ in range(4)]

    assert losses(mg.compile) == losses(lambda f: f) != [7.0] * 4
