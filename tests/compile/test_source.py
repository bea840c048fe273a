"""The program as text: readable, and running where minigrad is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg

F, nn = mg.nn.functional, mg.nn
rng = np.random.default_rng(0)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Linear(4, 8)
        self.layer2 = nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        hidden = mg.relu(self.layer1(x))
        return self.layer2(hidden)


def make(optimizer: str, **options: Any) -> Any:
    mg.manual_seed(0)
    model = Net()
    steps = getattr(mg.optim, optimizer)(model.parameters(), **options)

    @mg.compile
    def step(x: Any, target: Any) -> Any:
        steps.zero_grad()
        scores = model(x)
        loss = F.cross_entropy(scores, target)
        loss.backward()
        steps.step()
        return loss

    return model, step


def batch() -> tuple[mg.Tensor, mg.Tensor]:
    x = rng.standard_normal((16, 4)).astype(np.float32)
    return mg.tensor(x), mg.tensor(rng.integers(0, 3, 16))


def test_a_step_of_two_layers_as_a_reader_sees_it():
    _, step = make("SGD", lr=0.1, momentum=0.9)
    step(*batch())
    assert str(step) == step.source
    lines = step.source.splitlines()
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 100
    text = [line.strip().partition("  #")[0] for line in lines]
    for line in (
        "def step(x, target):",
        "# forward",
        "layer1 = x @ layer1_weight.T + layer1_bias",
        "hidden = np.maximum(layer1, 0)",
        "# backward",
        "d_layer2_weight = (hidden.T @ d_layer2).T",
        "d_layer1 = np.where(hidden != 0, d_hidden, 0)",
        "d_layer1_weight = (x.T @ d_layer1).T",
        "d_layer1_bias = d_layer1.sum(0)",
        "# update: SGD",
        "momentum_buffer[...] = momentum_buffer * momentum + gradient",
        "parameters -= momentum_buffer * lr",
        "return loss",
    ):
        assert line in text, line


SAVED = """
import sys
sys.path = [sys.argv[1]] + [p for p in sys.path if "minigrad" not in p]
import numpy as np, step
for _ in range(7):
    loss = step.step(step.arrays["input_x"], step.arrays["input_target"])
np.savez(sys.argv[1] + "/after.npz", loss=loss, parameters=step.parameters)
assert not [name for name in sys.modules if name.startswith("minigrad")]
"""


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("SGD", {"lr": 0.1, "momentum": 0.9}),
        ("Adam", {"lr": 0.01}),
        ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    ],
)
def test_a_saved_step_trains_on_to_the_same_weights(optimizer, options, tmp_path):
    model, step = make(optimizer, **options)
    x, target = batch()
    for _ in range(3):
        step(x, target)
    step.save(tmp_path / "step.py")
    python = [sys.executable, "-c", SAVED, str(tmp_path)]
    subprocess.run(python, check=True, cwd=tmp_path, env={"PATH": "/usr/bin"})
    for _ in range(7):
        loss = step(x, target)
    after = np.load(tmp_path / "after.npz")
    np.testing.assert_allclose(after["loss"], loss.item(), rtol=1e-5)
    parameters = np.concatenate([p.detach().numpy().T.ravel() for p in model.parameters()])
    np.testing.assert_allclose(after["parameters"], parameters, rtol=1e-4, atol=1e-6)
    shown = subprocess.run(
        [sys.executable, tmp_path / "step.py", "2"], check=True, capture_output=True, text=True
    )
    assert shown.stdout.startswith("2 calls, ")


def test_explain_and_where_files_go(tmp_path):
    _, step = make("SGD", lr=0.1)
    step(*batch())
    assert "made for: first call" in step.explain()
    assert "bytes" in step.explain()
    with pytest.raises(ValueError, match=r"step\.py"):
        step.save(Path(tmp_path) / "step.npz")
