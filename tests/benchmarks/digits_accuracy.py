"""Test accuracy of a 64-64-10 ReLU network on digits, with minigrad and, where installed, PyTorch.

Adam at 1e-3, batches of 64, 100 epochs, 1,347 digits to train on and 450 to test on.  A split is
drawn once; each seed has initial values and an order of batches of its own, drawn by each library.

    python -m tests.benchmarks.digits_accuracy
    python -m tests.benchmarks.digits_accuracy --splits 0 1 2 42 --seeds 10
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import statistics
import time
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def load(split: int) -> list[Any]:
    """Pixels in 0 ... 1 and labels: two arrays to train on, two to test on."""
    digits = load_digits()
    x = (digits.data / 16).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(
        x, digits.target, test_size=450, random_state=split, stratify=digits.target
    )
    return [x_train, y_train, x_test, y_test]


def accuracy(library: Any, data: list[Any], seed: int, epochs: int) -> float:
    """Train once, and return the share of test digits that are recognised.

    library   minigrad or torch: the same lines serve both
    data      what `load` returned
    """
    nn = library.nn
    library.manual_seed(seed)
    x, y, x_test, y_test = (library.from_numpy(array) for array in data)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = library.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for rows in library.randperm(len(x)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    with library.no_grad():
        return float((model(x_test).argmax(1) == y_test).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--splits", type=int, nargs="*", default=[0, 42])
    args = parser.parse_args()
    for split in args.splits:
        for name in ("minigrad", "torch"):
            if importlib.util.find_spec(name) is None:
                print(f"split {split:3}  {name}: not installed")
                continue
            library: Any = importlib.import_module(name)
            data, start = load(split), time.perf_counter()
            found = [accuracy(library, data, seed, args.epochs) for seed in range(args.seeds)]
            seconds = (time.perf_counter() - start) / args.seeds
            mean, spread = statistics.mean(found), statistics.pstdev(found)
            each = " ".join(f"{value:.2%}" for value in found)
            print(
                f"split {split:3}  {name:9} {mean:.2%} ± {spread:.2%}   ({each})   "
                f"{seconds:.1f} s a run",
                flush=True,
            )


if __name__ == "__main__":
    main()
