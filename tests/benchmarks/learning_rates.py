"""How well `lr_find` suggests: `python -m tests.benchmarks.learning_rates`.

Three networks, each with several optimizers and seeds, are trained with the suggestion and with
every rate of a grid.  A suggestion is good if its loss at the end is at most 1.5 times the least
of the grid.  The loss is the mean of the last epoch.  The data is noisy, and more than the
networks can learn by heart, so that no rate brings the loss near 0, where every ratio is large.
"""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np

import minigrad as mg
from minigrad import nn, training
from minigrad.utils.data import DataLoader, TensorDataset

GRID = np.geomspace(1e-4, 10.0, 21)
Problem = tuple[Callable[[], nn.Module], Any, mg.Tensor, mg.Tensor, int]


def digits() -> Problem:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    wrong = rng.random(len(y)) < 0.1
    y = np.where(wrong, rng.integers(0, 10, len(y)), y)
    inputs, classes = mg.tensor((X / 16).astype(np.float32)), mg.tensor(y)

    def model() -> nn.Module:
        return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))

    return model, nn.functional.cross_entropy, inputs, classes, 12


def spiral() -> Problem:
    rng = np.random.default_rng(0)
    t = np.sqrt(rng.uniform(0, 1, 1000))
    arm = rng.integers(0, 3, 1000)
    angle = 3 * t + arm * 2 * math.pi / 3 + 0.7 * rng.standard_normal(1000)
    points = np.stack([t * np.cos(angle), t * np.sin(angle)], 1).astype(np.float32)

    def model() -> nn.Module:
        return nn.Sequential(
            nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 3)
        )

    return model, nn.functional.cross_entropy, mg.tensor(points), mg.tensor(arm), 30


def curve() -> Problem:
    rng = np.random.default_rng(1)
    x = rng.uniform(-2, 2, (200, 1)).astype(np.float32)
    y = np.sin(2 * x) + 0.1 * rng.standard_normal((200, 1)).astype(np.float32)

    def model() -> nn.Module:
        return nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1))

    return model, nn.functional.mse_loss, mg.tensor(x), mg.tensor(y.astype(np.float32)), 100


PROBLEMS = {"digits": digits, "spiral": spiral, "curve": curve}
OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "SGD": mg.optim.SGD,
    "momentum": lambda parameters, lr: mg.optim.SGD(parameters, lr=lr, momentum=0.9),
    "AdamW": mg.optim.AdamW,
}


def setup(problem: Problem, optimizer: str, seed: int, lr: float) -> tuple[Any, Any, Any]:
    mg.manual_seed(seed)
    model = problem[0]()
    loader = DataLoader(TensorDataset(*problem[2:4]), batch_size=32, shuffle=True)
    return model, OPTIMIZERS[optimizer](model.parameters(), lr=lr), loader


def trained(problem: Problem, optimizer: str, seed: int, lr: float) -> float:
    """The mean loss of the last epoch with the rate `lr`, as `fit` reports it."""
    model, steps, loader = setup(problem, optimizer, seed, lr)
    try:
        with np.errstate(all="ignore"):
            history = training.fit(
                model, problem[1], steps, loader, epochs=problem[4], progress=False
            )
    except FloatingPointError:
        return math.inf
    return float(history["loss"][-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6, help="seeds of each net and optimizer (6)")
    parser.add_argument("--nets", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    chosen = parser.parse_args()
    good = count = 0
    for net in chosen.nets:
        problem = PROBLEMS[net]()
        for optimizer in OPTIMIZERS:
            for seed in range(chosen.seeds):
                model, steps, loader = setup(problem, optimizer, seed, 0.1)
                rate = training.lr_find(model, problem[1], steps, loader).suggestion
                found = trained(problem, optimizer, seed, rate)
                grid = {lr: trained(problem, optimizer, seed, lr) for lr in GRID.tolist()}
                best = min(grid, key=lambda lr: grid[lr])
                is_good = found <= 1.5 * grid[best]
                good, count = good + is_good, count + 1
                print(
                    f"{net:7} {optimizer:9} seed {seed}: suggested {rate:8.2g}, loss {found:9.3g};"
                    f" best of the grid {best:8.2g}, loss {grid[best]:9.3g}"
                    f"{'' if is_good else '   MISSED'}",
                    flush=True,
                )
    print(f"{good} of {count} suggestions train to within 1.5 times the best loss")


if __name__ == "__main__":
    main()
