"""Time of a gradient check of 1,000 inputs and 10 outputs, against PyTorch's default (slow) mode.

    python -m tests.benchmarks.gradcheck_speed

Both check the same function in float64, in turns, in one run, with one thread; the smallest time of
each counts.
"""

# ruff: noqa: E402
from __future__ import annotations

import os
import time

for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np

import minigrad as mg

INPUTS, OUTPUTS, ROUNDS = 1000, 10, 10


def main() -> None:
    import torch  # a benchmark against it; the library does not need it

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    weights, x = rng.standard_normal((OUTPUTS, INPUTS)) / 30, rng.standard_normal(INPUTS)
    w_here, w_there = mg.tensor(weights), torch.tensor(weights)
    x_here, x_there = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)

    def here() -> bool:
        return mg.gradcheck(lambda x: mg.tanh(w_here @ mg.sin(x)), x_here)

    def there() -> bool:
        return bool(torch.autograd.gradcheck(lambda x: torch.tanh(w_there @ torch.sin(x)), x_there))

    best = {here: np.inf, there: np.inf}
    for _ in range(ROUNDS):
        for check in (here, there):
            start = time.perf_counter()
            assert check()
            best[check] = min(best[check], time.perf_counter() - start)
    print(f"{INPUTS} inputs, {OUTPUTS} outputs, smallest of {ROUNDS} rounds, one thread")
    print(f"minigrad {1e3 * best[here]:8.1f} ms")
    print(f"PyTorch  {1e3 * best[there]:8.1f} ms, torch.autograd.gradcheck, slow mode")
    print(f"ratio    {best[here] / best[there]:8.2f}")


if __name__ == "__main__":
    main()
