"""Random correct cases: over all ops, float64 and float32, inputs scaled from 1e-6 to 1e6."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.testing import Report, Verdict
from tests.samples import SAMPLES, Sample

# a variance below the bound of gaussian_nll_loss is raised to it, and gets a gradient all the same
ONE_SCALE = {"nn.functional.gaussian_nll_loss"}


def cases(count: int, seed: int = 0) -> Iterator[tuple[Sample, str, list[np.ndarray]]]:
    """Rows of the table in turn, with random inputs of random scale and type."""
    rng = np.random.default_rng(seed)
    rows = [sample for sample in SAMPLES if sample.differentiable]
    made = 0
    while made < count:
        sample = rows[rng.integers(len(rows))]
        kinds = list(sample.kinds())
        kind, arrays = kinds[rng.integers(len(kinds))]
        scale = 10.0 ** rng.uniform(-6, 6)
        dtype = (np.float64, np.float32)[rng.integers(2)]
        moved = (
            [a * (1 + 0.1 * rng.random(a.shape)) for a in arrays] if rng.random() < 0.5 else arrays
        )
        scaled = [np.asarray(a * scale).astype(dtype) for a in moved]
        if sample.name in ONE_SCALE or not accepted(sample, scaled):
            scaled = [np.asarray(a).astype(dtype) for a in arrays]
        made += 1
        yield sample, f"{sample}, {kind}, {np.dtype(dtype).name}, scale {scale:.1e}", scaled


def accepted(sample: Sample, arrays: list[np.ndarray]) -> bool:
    """Whether the op takes these inputs, with a finite result."""
    try:
        with np.errstate(all="ignore"):
            outputs: Any = sample.run(*[mg.tensor(array) for array in arrays])
    except (ValueError, np.linalg.LinAlgError):
        return False
    listed = outputs if isinstance(outputs, tuple) else (outputs,)
    return all(np.isfinite(y.numpy()).all() for y in listed if isinstance(y, mg.Tensor))


def check(sample: Sample, arrays: list[np.ndarray]) -> Report:
    with np.errstate(all="ignore"):
        return mg.testing.check_gradients(sample.run, [mg.tensor(array) for array in arrays])


def main(count: int = 2000) -> None:
    """Print every false alarm among `count` cases, and how often the checker could not tell."""
    counts: Counter[str] = Counter()
    entries: Counter[str] = Counter()
    for sample, name, arrays in cases(count):
        report = check(sample, arrays)
        counts["ok" if report.ok else "false alarm"] += 1
        for verdict in Verdict:
            entries[verdict.name.lower()] += report.count(verdict)
        if not report.ok:
            print(f"FALSE ALARM {name}\n{report.summary()}\n")
    print(f"{count} cases: {dict(counts)}; entries: {dict(entries)}")


if __name__ == "__main__":
    main()
