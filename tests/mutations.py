"""The mutation suite: every bug planted in every op, and what the checker makes of it.

    python -m tests.mutations

runs all rows of the table, on all cores, and prints the results.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.graph import Leaf
from minigrad.testing.localise import nodes_of
from tests.planting import BUGS, Bug, planted
from tests.samples import SAMPLES, Sample


@dataclass
class Target:
    """An op in a row of the table, with inputs for which it is the first to be called."""

    sample: Sample
    arrays: list[np.ndarray]
    operation: Any
    position: int
    operand: np.ndarray
    broadcast: bool

    def bugs(self) -> Iterator[Bug]:
        for bug in BUGS:
            if self.broadcast == (bug.name == "missing broadcast sum"):
                yield bug

    def plant(self, bug: Bug) -> Any:
        return planted(self.operation, self.position, self.operand, bug)

    def tensors(self) -> list[mg.Tensor]:
        return [mg.tensor(array, requires_grad=True) for array in self.arrays]

    def gradient(self) -> np.ndarray | None:
        """The gradients for random cotangents, in one array; None if they cannot be computed."""
        inputs = self.tensors()
        outputs = recorded(self.sample.run(*inputs))
        rng = np.random.default_rng(3)
        cotangents = [rng.standard_normal(y.shape) for y in outputs]
        try:
            found = mg.autograd.grad(outputs, inputs, cotangents, materialize_grads=True)
        except (ValueError, np.linalg.LinAlgError):
            return None
        return np.concatenate([g.numpy().ravel() for g in found])

    def effects(self) -> Iterator[tuple[Bug, frozenset[str]]]:
        """The bugs that change a value, and the diagnoses that name each rightly.

        Two bugs may have the same effect here: then the name of either is right.
        """
        right = self.gradient()
        if right is None:
            return
        size = 1e-12 * np.abs(right).max(initial=0)
        wrong = {}
        for bug in self.bugs():
            with self.plant(bug):
                gradient = self.gradient()
            if gradient is not None and not np.allclose(gradient, right, rtol=1e-7, atol=size):
                wrong[bug] = gradient
        for bug, gradient in wrong.items():
            same = [b for b, g in wrong.items() if np.allclose(g, gradient, rtol=1e-7, atol=size)]
            yield bug, frozenset().union(*[b.kinds for b in same])


def recorded(outputs: Any) -> list[mg.Tensor]:
    listed = outputs if isinstance(outputs, tuple) else [outputs]
    return [y for y in listed if isinstance(y, mg.Tensor) and y.requires_grad]


def target_of(sample: Sample, broadcast: bool = False) -> Target | None:
    """The first op that `sample` calls with one of its inputs; None if it has none of its own."""
    shapes = sample.broadcast if broadcast else sample.shapes
    if not sample.differentiable or shapes is None:
        return None
    arrays = sample.inputs(shapes)
    inputs = [mg.tensor(array, requires_grad=True) for array in arrays]
    for node in nodes_of(recorded(sample.run(*inputs))):
        for position, edge in enumerate(node.inputs):
            for array, x in zip(arrays, inputs):
                if type(edge) is Leaf and edge is x._node:
                    return Target(sample, arrays, node.op, position, array, broadcast)
    return None


def targets(each_op_once: bool) -> list[Target]:
    found, seen = [], set()
    for sample in SAMPLES:
        for broadcast in (False, True):
            target = target_of(sample, broadcast)
            if target is None or (each_op_once and (target.operation.name, broadcast) in seen):
                continue
            seen.add((target.operation.name, broadcast))
            found.append(target)
    return found


def judge(target: Target) -> dict[str, Counter[str]]:
    """For each bug that changes a value: was it detected, and was it named?"""
    results: dict[str, Counter[str]] = {}
    for bug, kinds in target.effects():
        with target.plant(bug):
            report = mg.testing.check_gradients(target.sample.run, target.tensors())
        named = {diagnosis.kind for diagnosis in report.diagnoses} & kinds
        results[bug.name] = Counter(planted=1, detected=not report.ok, named=bool(named))
    return results


@cache
def all_targets() -> list[Target]:
    """The rows of the table; each process makes its own."""
    return targets(each_op_once=False)


def judge_row(i: int) -> dict[str, Counter[str]]:
    return judge(all_targets()[i])


def table(results: dict[str, Counter[str]]) -> str:
    lines = [f"{'bug':28}{'planted':>9}{'detected':>10}{'named':>8}{'':>7}"]
    total: Counter[str] = Counter()
    for name, counts in results.items():
        total += counts
        lines.append(row(name, counts))
    return "\n".join([*lines, row("all", total)])


def row(name: str, counts: Counter[str]) -> str:
    share = counts["named"] / max(counts["planted"], 1)
    return (
        f"{name:28}{counts['planted']:>9}{counts['detected']:>10}{counts['named']:>8}{share:>7.0%}"
    )


def main() -> None:
    """Print the table for every row of the table of ops."""
    results: dict[str, Counter[str]] = {bug.name: Counter() for bug in BUGS}
    every = all_targets()
    with multiprocessing.Pool() as pool:
        for found in pool.imap_unordered(judge_row, range(len(every)), chunksize=4):
            for name, counts in found.items():
                results[name] += counts
    ops = {target.operation.name for target in every}
    print(f"{len(every)} rows of the table, {len(ops)} ops\n\n{table(results)}")


if __name__ == "__main__":
    main()
