"""The graph's memory: long chains, graphs that vanish, steps that leave nothing behind."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

import minigrad as mg

LENGTH = 100_000


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_a_long_chain_needs_no_recursion(without_collector: None) -> None:
    x = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    y = x
    for _ in range(LENGTH):
        y = y + 1.0
    first = weakref.ref(y)
    y.backward()
    assert x.grad.item() == 1.0
    assert y.item() == LENGTH + 1
    del y
    assert first() is None


def test_a_long_chain_can_be_differentiated_by_grad_and_freed_without_backward() -> None:
    x = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    y = x
    for _ in range(LENGTH):
        y = -y
    (g,) = mg.autograd.grad(y, x)
    assert g.item() == 1.0
    y = x
    for _ in range(LENGTH):
        y = y * 1.0
    del y  # a graph that backward never saw


def test_a_dropped_loss_frees_its_graph_at_once(without_collector: None) -> None:
    x = mg.tensor(np.ones((3, 3)), requires_grad=True)
    h = mg.exp(x) @ x
    loss = (h * h).sum()
    saved = weakref.ref(h.detach().numpy())
    tensors = [weakref.ref(h), weakref.ref(loss)]
    del h, loss
    assert [ref() for ref in tensors] == [None, None]
    assert saved() is None


def test_a_graph_with_second_derivatives_is_freed_at_once(without_collector: None) -> None:
    x = mg.tensor(np.ones(3), requires_grad=True)
    loss = (mg.exp(x) * x).sum()
    (g,) = mg.autograd.grad(loss, x, create_graph=True)
    (second,) = mg.autograd.grad(g.sum(), x)
    refs = [weakref.ref(t) for t in (loss, g, second)]
    del loss, g, second
    assert [ref() for ref in refs] == [None] * 3
    assert gc.collect() < 50  # nothing of the graph was left to the collector


def test_backward_frees_what_nodes_saved_and_keeps_the_structure() -> None:
    x = mg.tensor(np.ones((50, 50)), requires_grad=True)
    h = mg.exp(x)
    saved = weakref.ref(h.detach().numpy())
    loss = (h * 2).sum()
    del h
    assert saved() is not None
    loss.backward()
    assert saved() is None
    assert loss.grad_fn.inputs[0] is not None


def test_memory_of_repeated_steps_is_flat() -> None:
    rng = np.random.default_rng(0)
    w1 = mg.tensor(rng.standard_normal((32, 32)), requires_grad=True)
    w2 = mg.tensor(rng.standard_normal((32, 1)), requires_grad=True)
    x = mg.tensor(rng.standard_normal((16, 32)))

    def step() -> None:
        loss = (mg.relu(x @ w1) @ w2).sum()
        loss.backward()
        with mg.no_grad():
            for w in (w1, w2):
                w -= 1e-6 * w.grad
                w.grad = None

    tracemalloc.start()
    try:
        for _ in range(100):  # caches fill
            step()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            step()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 4096  # less than one activation in 200 steps


def test_backward_of_a_deep_net_holds_two_gradients_at_a_time() -> None:
    n, layers = 200, 20
    one = n * n * 8
    x = mg.tensor(np.ones((n, n)), requires_grad=True)
    h = x
    for _ in range(layers):
        h = mg.exp(h * 0.1)
    loss = h.sum()
    del h
    tracemalloc.start()
    try:
        loss.backward()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4.5 * one  # the gradient that arrives, the one that is computed, and a temporary
