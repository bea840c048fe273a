"""Runs repeat: between processes to the last bit, and in threads as if each were alone."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

ROOT = Path(__file__).parents[1]

TRAIN = """
import hashlib
import minigrad as mg
from minigrad import nn
from minigrad.utils.data import DataLoader, TensorDataset, random_split

mg.manual_seed(7)
x = mg.randn(96, 1, 6, 6)
y = mg.randint(0, 3, (96,))
train, _ = random_split(TensorDataset(x, y), [64, 32])
model = nn.Sequential(
    nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2),
    nn.Linear(64, 3),
)
optimizer = mg.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for images, labels in DataLoader(train, batch_size=16, shuffle=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
digest = hashlib.sha256()
for name, value in model.state_dict().items():
    digest.update(name.encode() + value.numpy().tobytes())
print(digest.hexdigest())
"""


def test_two_processes_train_to_the_same_bits() -> None:
    command = [sys.executable, "-W", "error", "-c", TRAIN]
    outputs = [
        subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
        for _ in range(2)
    ]
    assert len(outputs[0].strip()) == 64
    assert outputs[0] == outputs[1]


def test_another_seed_gives_other_bits() -> None:
    assert trained(1) != trained(2)


def trained(seed: int) -> bytes:
    """The parameters after a short training that draws from a generator of its own."""
    generator = mg.Generator().manual_seed(seed)
    x = mg.randn(64, 5, generator=generator)
    y = (x[:, 0] > x[:, 1]).long()
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.LayerNorm(8), nn.Linear(8, 2))
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -0.5, 0.5, generator=generator)
    optimizer = mg.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(60):
        rows = mg.randint(0, 64, (16,), generator=generator)
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
        if step % 10 == 0:  # one thread evaluates while the others record
            with mg.no_grad():
                assert not model(x).requires_grad
        assert mg.is_grad_enabled()
    return b"".join(p.detach().numpy().tobytes() for p in model.parameters())


def test_threads_train_as_if_each_were_alone() -> None:
    alone = [trained(seed) for seed in range(6)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(trained, range(6))) == alone


def test_processes_train_models_that_were_sent_to_them() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)).double()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    step(model, optimizer)
    expected, _ = continued(pickle.loads(pickle.dumps((model, optimizer))))
    # a fresh interpreter: nothing is inherited from this process
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found, trained_model = pool.submit(continued, (model, optimizer)).result()
    assert found == expected
    for ours, theirs in zip(model.parameters(), trained_model.parameters()):
        assert not np.array_equal(ours.detach().numpy(), theirs.detach().numpy())


def step(model: Any, optimizer: Any) -> float:
    x = mg.arange(12).reshape(4, 3).double() / 10
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), x.sum(1, keepdim=True))
    loss.backward()
    optimizer.step()
    return float(loss.item())


def continued(pair: tuple[Any, Any]) -> tuple[list[float], Any]:
    model, optimizer = pair
    return [step(model, optimizer) for _ in range(5)], model


@pytest.mark.parametrize("mode", [mg.no_grad, mg.inference_mode, mg.autograd.detect_anomaly])
def test_a_mode_belongs_to_the_thread_that_set_it(mode: Any) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with mode():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert entered.wait(10)
    try:
        assert mg.is_grad_enabled()
        x = mg.ones(2, requires_grad=True)
        (x * 3).sum().backward()
        assert x.grad.tolist() == [3, 3]
    finally:
        leave.set()
        thread.join()


def test_threads_may_use_one_model() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).double()
    data = [mg.randn(5, 4, dtype=mg.float64) for _ in range(12)]

    def gradient(x: mg.Tensor) -> Any:
        return mg.autograd.grad(model(x).square().sum(), model[0].weight)[0].numpy()

    alone = [gradient(x) for x in data]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(gradient, data))
    np.testing.assert_array_equal(together, alone)
