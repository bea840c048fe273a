"""Time of gradient checks against PyTorch's default (slow) mode.

    python -m tests.benchmarks.gradcheck_speed

Each case is the same function for both, in float64.  Both check it in turns, in one run, with one
thread; the smallest time of each counts.
"""

# ruff: noqa: E402
from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np

import minigrad as mg

ROUNDS = 10

# name, function, inputs, constants: the function gets the library, the inputs and the constants
Case = tuple[str, Callable[..., Any], list[np.ndarray], list[np.ndarray]]


def required(m: Any, x: Any, w: Any) -> Any:
    return m.tanh(w @ m.sin(x))


def network(m: Any, x: Any, w: Any, b: Any, v: Any, c: Any) -> Any:
    return m.tanh(m.tanh(x @ w + b) @ v + c)


def recurrent(m: Any, x: Any, h: Any, w: Any, u: Any) -> Any:
    for t in range(20):
        h = m.tanh(x[t] @ w + h @ u)
    return h


def cases() -> Iterator[Case]:
    normal = np.random.default_rng(0).standard_normal
    yield "1,000 inputs, 10 outputs", required, [normal(1000)], [normal((10, 1000)) / 30]
    wide = [normal((10, 14)), 2 * normal((14, 40)), normal(40), 2 * normal((40, 4)), normal(4)]
    yield "MLP of 904 inputs, 40 outputs, saturated", network, wide, []
    steps = [normal((20, 3)), normal(4), normal((3, 4)), normal((4, 4))]
    yield "RNN of 20 steps, 92 inputs, 4 outputs", recurrent, steps, []
    kinks = normal(200)
    kinks[::2] = 0.0
    yield "|x| of 200 inputs, half of them at the kink", lambda m, x: m.abs(x), [kinks], []
    yield "sin(1e4 x) of 200 inputs", lambda m, x: m.sin(1e4 * x), [normal(200)], []


def here(
    f: Callable[..., Any], arrays: list[np.ndarray], constants: list[np.ndarray]
) -> Callable[[], bool]:
    x, fixed = [mg.tensor(a, requires_grad=True) for a in arrays], [mg.tensor(a) for a in constants]
    return lambda: mg.gradcheck(lambda *x: f(mg, *x, *fixed), tuple(x))


def there(
    f: Callable[..., Any], arrays: list[np.ndarray], constants: list[np.ndarray]
) -> Callable[[], bool]:
    import torch

    x = [torch.tensor(a, requires_grad=True) for a in arrays]
    fixed = [torch.tensor(a) for a in constants]
    check = torch.autograd.gradcheck
    return lambda: check(lambda *x: f(torch, *x, *fixed), tuple(x), raise_exception=False)


def best_of(checks: dict[str, Callable[[], bool]]) -> dict[str, float]:
    best = dict.fromkeys(checks, np.inf)
    for _ in range(ROUNDS):
        for name, check in checks.items():
            start = time.perf_counter()
            check()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def main() -> None:
    import torch  # a benchmark against it; the library does not need it

    torch.set_num_threads(1)
    print(f"smallest of {ROUNDS} rounds, one thread, in ms\n")
    print(f"{'':45}{'minigrad':>10}{'PyTorch':>10}{'ratio':>8}")
    for name, *case in cases():
        best = best_of({"here": here(*case), "there": there(*case)})
        ours, theirs = 1e3 * best["here"], 1e3 * best["there"]
        print(f"{name:45}{ours:10.1f}{theirs:10.1f}{ours / theirs:8.2f}")


if __name__ == "__main__":
    main()
