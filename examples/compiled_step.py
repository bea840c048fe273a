"""A training step compiled to NumPy: read it, time it, and run it without this library.

    python examples/compiled_step.py    # about two seconds

Prints the program of a whole step of a small network, forward, backward and update; what was
rewritten in it; the time of a step with and without it; and what the saved program prints in a
process that has NumPy alone.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import options

import minigrad as mg
from minigrad import nn


class Net(nn.Module):
    """Two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Linear(2, 16)
        self.layer2 = nn.Linear(16, 2)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        hidden = self.layer1(x).relu()
        return self.layer2(hidden)


def microseconds(function: Callable[..., Any], *args: Any, calls: int = 300) -> float:
    """The shortest of many calls."""
    best = float("inf")
    for _ in range(calls):
        start = time.perf_counter()
        function(*args)
        best = min(best, time.perf_counter() - start)
    return best * 1e6


def run_alone(step: Any) -> str:
    """What the saved step prints, in a process that does not know minigrad."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "step.py"
        step.save(file)
        shown = subprocess.run(
            [sys.executable, "-I", file, "100"], check=True, capture_output=True, text=True
        )
    return shown.stdout.strip()


def main() -> None:
    options(__doc__).parse_args()
    mg.manual_seed(0)
    rng = np.random.default_rng(0)
    model = Net()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def step(x: mg.Tensor, target: mg.Tensor) -> mg.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    compiled = mg.compile(step)
    first = None
    for _ in range(200):
        x = rng.standard_normal((32, 2)).astype(np.float32)
        target = (x[:, 0] * x[:, 1] > 0).astype(np.int64)  # two classes, in opposite corners
        loss = compiled(mg.tensor(x), mg.tensor(target))
        first = loss.item() if first is None else first
    print(compiled.source)
    print(compiled.explain())

    batch = mg.tensor(x), mg.tensor(target)
    times = {"eager": microseconds(step, *batch), "compiled": microseconds(compiled, *batch)}
    print("\nmicroseconds a step:", {name: round(value, 1) for name, value in times.items()})
    print(f"the loss: {first:.3f} at first, {loss.item():.3f} at last")
    print("the saved step.py, with NumPy alone:", run_alone(compiled))


if __name__ == "__main__":
    main()
