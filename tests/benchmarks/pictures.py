"""How long it takes to describe and draw graphs: ``python -m tests.benchmarks.pictures``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg


def chain(ops: int) -> Any:
    """A chain of `ops` ops that uses one leaf again and again."""
    x = mg.tensor(np.ones((4, 4), np.float32), requires_grad=True)
    y = x
    for _ in range(ops // 2):
        y = mg.relu(y) + x
    return y


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    long, longer = chain(1_000), chain(50_000)
    mg.visualize.draw(chain(2))  # imports
    for what, work in (
        ("1,000 ops described", lambda: mg.visualize.describe(long)),
        ("1,000 ops drawn as SVG", lambda: mg.visualize.draw(long).svg()),
        ("1,000 ops as a tape", lambda: mg.visualize.tape(long)),
        ("50,000 ops summarised", lambda: mg.visualize.draw(longer)),
    ):
        print(f"{what:26}{seconds(work):8.3f} s")


if __name__ == "__main__":
    main()
