"""``mg.compile`` does linear algebra, and has loops where numba is installed: end to end."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.algebra.rewriting import program_flops
from tests.benchmarks.linear_algebra import EXPERIMENTS, arrays

n = 48


class Space:
    """The functions that the benchmark's expressions take from a library."""

    def __init__(self, library, inv):
        self.outer, self.trace, self.inv = library.outer, library.trace, inv


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_expression_of_the_benchmark(name):
    """The compiled plain form gives what NumPy gives, and what the form by hand gives."""
    experiment = EXPERIMENTS[name]
    given = arrays(n)
    numbers = [given[each] for each in experiment.arguments.split()]
    constants = [given[each] for each in experiment.constants.split()]
    space = Space(mg, mg.linalg.inv)
    step = mg.compile(lambda *args: experiment.plain(space, *args, *constants), algebra=True)
    tensors = [mg.from_numpy(each) for each in numbers]
    step(*tensors)
    out = step(*tensors)
    plain = experiment.plain(Space(np, np.linalg.inv), *numbers, *constants)
    by_hand = experiment.by_hand(*numbers, *constants)
    results = out if isinstance(out, tuple) else (out,)
    assert len(step.programs) == 1
    for result, *expected in zip(results, *[each if isinstance(each, tuple) else (each,)
                                            for each in (plain, by_hand)]):  # fmt: skip
        for each in expected:
            scale = np.abs(each).max()
            np.testing.assert_allclose(result.numpy() / scale, each / scale, rtol=0, atol=1e-9)


def test_products_of_a_backward_pass_go_from_the_right():
    """‖Hᵀ H x - y‖², by x: six products of a matrix and a vector, and none of two matrices."""
    rng = np.random.default_rng(0)
    H, y = [mg.from_numpy(rng.standard_normal(shape)) for shape in ((n, n), n)]
    x = mg.from_numpy(rng.standard_normal(n)).requires_grad_()

    def step():
        x.grad = None
        loss = ((H.T @ H @ x - y) ** 2).sum()
        loss.backward()
        return loss

    expected, gradient = step().item(), None
    gradient = x.grad.numpy().copy()
    compiled = mg.compile(step)
    for _ in range(3):
        assert compiled().item() == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(x.grad.numpy(), gradient, rtol=1e-10)
    assert program_flops(compiled.programs[-1].program) < 20 * n * n
    plain = mg.compile(step, algebra=False)
    plain()
    assert program_flops(plain.programs[-1].program) > 2 * n**3 / 2


def test_single_precision_is_left_alone_unless_asked():
    H, x = mg.ones(n, n), mg.ones(n)
    for algebra, most in ((None, 10 * n**3), (True, 20 * n * n)):
        step = mg.compile(lambda H, x: H.T @ H @ x, algebra=algebra)
        step(H, x)
        flops = program_flops(step.programs[-1].program)
        assert flops <= most
        assert (flops > n**3) == (algebra is None)


def test_a_singular_matrix_still_raises():
    step = mg.compile(lambda A, x: mg.linalg.inv(A) @ x)
    good, x = mg.eye(n, dtype=mg.float64), mg.ones(n, dtype=mg.float64)
    step(good, x)
    with pytest.raises(np.linalg.LinAlgError):
        step(mg.zeros(n, n, dtype=mg.float64), x)


def training_step(net, optimizer):
    def step(x, y):
        optimizer.zero_grad()
        loss = mg.nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


@pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="needs numba")
@pytest.mark.filterwarnings("ignore::Warning:numba")
def test_training_with_the_numba_back_end(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path))
    rng = np.random.default_rng(1)
    shapes = (16, 5), (16, 3)
    batches = [
        [mg.from_numpy(rng.standard_normal(shape).astype(np.float32)) for shape in shapes]
        for _ in range(8)
    ]
    losses = {}
    for backend in (None, "numba"):
        mg.manual_seed(0)
        net = mg.nn.Sequential(mg.nn.Linear(5, 8), mg.nn.ReLU(), mg.nn.Linear(8, 3))
        optimizer = mg.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

        step = training_step(net, optimizer)
        run = step if backend is None else mg.compile(step, backend=backend)
        losses[backend] = [run(*batch).item() for batch in batches]
    np.testing.assert_allclose(losses["numba"], losses[None], rtol=1e-5)
