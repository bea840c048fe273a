"""Time what scripts do, under minigrad and under PyTorch: the same lines, one thread.

Each library runs in a process of its own; the two take turns, so that a slow moment of the machine
hits both.  What is printed is the minimum of each, and their ratio.

    python tests/benchmarks/scripts.py                       # all cases
    python tests/benchmarks/scripts.py --cases hessian gan   # some
    python tests/benchmarks/scripts.py --rounds 5

The cases are those in which minigrad was once several times slower.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

LIBRARIES = ["minigrad", "torch"]


class Cases:
    """Each method returns a function to time, written as for PyTorch; `lib` is the library."""

    def __init__(self, lib: Any) -> None:
        self.lib = lib
        self.nn = importlib.import_module(f"{lib.__name__}.nn")
        self.functional = importlib.import_module(f"{lib.__name__}.nn.functional")
        self.func = importlib.import_module(f"{lib.__name__}.func")
        self.rng = np.random.default_rng(0)
        lib.manual_seed(0)

    def normal(self, *shape: int) -> Any:
        return self.lib.tensor(self.rng.standard_normal(shape).astype(np.float32))

    def increment(self) -> Callable[[], Any]:
        """An entry of a plain tensor, counted up."""
        counts = self.lib.zeros(30, 30)

        def run() -> None:
            counts[3, 4] += 1

        return run

    def cube(self) -> Callable[[], Any]:
        x = self.normal(2000)
        return lambda: x**3

    def cross_entropy(self) -> Callable[[], Any]:
        scores = self.normal(32, 200)
        labels = self.lib.tensor(self.rng.integers(0, 200, 32))
        return lambda: self.functional.cross_entropy(scores, labels)

    def rows(self) -> Callable[[], Any]:
        x = self.normal(27, 27)
        return lambda: list(x)

    def hessian(self) -> Callable[[], Any]:
        """Second derivatives of 32 numbers that depend on 32."""
        weight, x = self.normal(32, 32), self.normal(32)
        second = self.func.hessian(lambda v: self.lib.tanh(weight @ v))
        return lambda: second(x)

    def vmap_hessian(self) -> Callable[[], Any]:
        weight, x = self.normal(33, 31), self.normal(64, 31)
        second = self.func.vmap(self.func.hessian(lambda v: self.lib.tanh(weight @ v)))
        return lambda: second(x)

    def sample_gradients(self) -> Callable[[], Any]:
        """A gradient for each of 64 samples."""
        nn = self.nn
        net = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5))
        weights = {name: p.detach() for name, p in net.named_parameters()}
        x = self.normal(64, 20)
        labels = self.lib.tensor(self.rng.integers(0, 5, 64))

        def loss(weights: Any, x: Any, y: Any) -> Any:
            out = self.func.functional_call(net, weights, (x[None],))
            return self.functional.cross_entropy(out, y[None])

        each = self.func.vmap(self.func.grad(loss), in_dims=(None, 0, 0))
        return lambda: each(weights, x, labels)

    def gan(self) -> Callable[[], Any]:
        """One step of both nets of a small convolutional GAN, 28 by 28, batch 32."""
        nn, lib = self.nn, self.lib
        generator = nn.Sequential(
            nn.Linear(32, 64 * 7 * 7), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Tanh(),
        )  # fmt: skip
        discriminator = nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(32, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(64 * 7 * 7, 1),
        )  # fmt: skip
        adam = importlib.import_module(f"{lib.__name__}.optim").Adam
        for_generator = adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        for_discriminator = adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        loss = nn.BCEWithLogitsLoss()
        real, noise = self.normal(32, 1, 28, 28), self.normal(32, 32)
        ones, zeros = lib.ones(32, 1), lib.zeros(32, 1)

        def run() -> None:
            fake = generator(noise)
            for_discriminator.zero_grad()
            loss(discriminator(real), ones).backward()
            loss(discriminator(fake.detach()), zeros).backward()
            for_discriminator.step()
            for_generator.zero_grad()
            loss(discriminator(fake), ones).backward()
            for_generator.step()

        return run

    def bi_lstm(self) -> Callable[[], Any]:
        """Cells of a two-way LSTM over 200 steps, as a loop of one's own, and the walk back."""
        nn, lib = self.nn, self.lib
        there, back = nn.LSTMCell(8, 16), nn.LSTMCell(8, 16)
        x = self.normal(200, 4, 8)

        def run() -> None:
            outputs = []
            for cell, steps in ((there, range(200)), (back, range(199, -1, -1))):
                state = (lib.zeros(4, 16), lib.zeros(4, 16))
                for i in steps:
                    state = cell(x[i], state)
                    outputs.append(state[0])
            lib.stack(outputs).square().mean().backward()

        return run


NAMES = [name for name in vars(Cases) if name not in ("__init__", "normal") and name[0] != "_"]


def minimum(run: Callable[[], Any]) -> float:
    """Seconds of one call: the least, over about a quarter of a second."""
    run()
    start = time.perf_counter()
    run()
    once = time.perf_counter() - start
    number = max(1, int(0.005 / max(once, 1e-9)))
    best = once
    until = time.perf_counter() + 0.25
    while time.perf_counter() < until:
        start = time.perf_counter()
        for _ in range(number):
            run()
        best = min(best, (time.perf_counter() - start) / number)
    return best


def worker(library: str, cases: list[str]) -> None:
    """Time the cases whenever a line arrives, and print the seconds."""
    lib = importlib.import_module(library)
    lib.set_num_threads(1)
    runs = {name: getattr(Cases(lib), name)() for name in cases}
    for line in sys.stdin:
        print(json.dumps(minimum(runs[line.strip()])), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", choices=LIBRARIES)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker, options.cases)
        return
    root = Path(__file__).parents[2]
    threads = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "1")
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    workers = {
        library: subprocess.Popen(
            [sys.executable, __file__, "--worker", library, "--cases", *options.cases],
            env={**os.environ, **threads, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for library in LIBRARIES
    }
    print(f"{'':>18}{'minigrad':>12}{'torch':>12}{'ratio':>8}   µs, minimum")
    for case in options.cases:
        best = dict.fromkeys(LIBRARIES, float("inf"))
        for _ in range(options.rounds):
            for library, process in workers.items():
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(f"{case}\n")
                process.stdin.flush()
                best[library] = min(best[library], json.loads(process.stdout.readline()))
        ours, theirs = best["minigrad"], best["torch"]
        print(f"{case:>18}{ours * 1e6:12.1f}{theirs * 1e6:12.1f}{ours / theirs:8.2f}", flush=True)


if __name__ == "__main__":
    main()
