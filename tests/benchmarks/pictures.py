"""How long it takes to describe and draw graphs: ``python -m tests.benchmarks.pictures``.

Measured on two cores of a shared machine with Graphviz 2.43; seconds, the best of three:

    vertices                     describe      DOT      SVG     tape
    chain          1,001            0.012    0.049    0.434    0.013
    wide           1,001            0.008    0.043    0.318    0.011
    residual       1,002            0.011    0.047    0.410    0.011
    tangled        1,333            0.012    0.076    0.662    0.016
    residual       2,402            0.018    0.114    1.918    0.022
    chain          5,001            0.049    0.052    0.065    0.050
    chain         50,001            0.726    0.734    0.766    0.706

Graphviz's time goes to lines that run through many ranks: with all of them drawn, a wide graph of
961 vertices took 31 s, and a tangled one of 1,322 had not finished after 120 s.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg

RNG = np.random.default_rng(0)


def square(requires_grad: bool = True) -> Any:
    values = RNG.normal(size=(4, 4), scale=0.1).astype(np.float32)
    return mg.tensor(values, requires_grad=requires_grad)


def chain(vertices: int) -> Any:
    """A chain of ops that uses one leaf again and again."""
    x = y = square()
    for _ in range(vertices // 2):
        y = mg.relu(y) + x
    return y


def wide(vertices: int) -> Any:
    """Small networks side by side, on the same data; their results are added up, one by one."""
    x, total = square(False), 0
    for _ in range(vertices // 8):
        total = total + mg.relu(x @ square() + square()) @ square()
    return total


def residual(vertices: int) -> Any:
    """Blocks one after the other, each added to what came in."""
    y = square(False)
    for _ in range(vertices // 8):
        y = y + mg.relu(y @ square() + square()) @ square()
    return y


def tangled(vertices: int) -> Any:
    """Each op uses the result before it, and any other one."""
    results = [square()]
    for _ in range(vertices // 3):
        other = results[RNG.integers(len(results))]
        results.append(mg.tanh(results[-1] @ square() + other))
    return results[-1]


def seconds(work: Callable[[], Any]) -> float:
    """The best of three."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    mg.visualize.draw(chain(2)).svg()  # imports
    print(f"{'vertices':28}{'describe':>9}{'DOT':>9}{'SVG':>9}{'tape':>9}")
    for build, vertices in (
        (chain, 1_000), (wide, 1_000), (residual, 1_000), (tangled, 1_000),
        (residual, 2_400), (chain, 5_000), (chain, 50_000),
    ):  # fmt: skip
        graph = build(vertices)
        show = mg.visualize
        times = [
            seconds(lambda: show.describe(graph)),
            seconds(lambda: show.draw(graph)),
            seconds(lambda: show.draw(graph).svg()),
            seconds(lambda: show.tape(graph)),
        ]
        row = "".join([f"{each:9.3f}" for each in times])
        print(f"{build.__name__:12}{len(show.describe(graph)):8,}        {row}")


if __name__ == "__main__":
    main()
