"""``python -m tests.fuzz``: see the package."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz import calls, compiled, files, programs, runs

# of the time
SHARES = {"programs": 0.4, "compiled": 0.2, "calls": 0.2, "files": 0.1, "runs": 0.1}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long, in all")
    parser.add_argument("--seed", type=int, help="of the first try; left out: a fresh one")
    parser.add_argument("--only", choices=SHARES, help="one of the kinds")
    parser.add_argument("--tries", type=int, help="of each kind, instead of a time")
    parser.add_argument("--refusals", action="store_true", help="show what only one side refuses")
    options = parser.parse_args(arguments)
    seed = options.seed
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    print(f"seed {seed}", flush=True)
    refusals: Counter[str] = Counter()
    failures = 0
    for kind in [options.only] if options.only else SHARES:
        attempt = attempts(kind, refusals)
        if attempt is None:
            continue
        share = 1.0 if options.only else SHARES[kind]
        end = time.monotonic() + 60 * options.minutes * share
        failures += repeat(kind, attempt, seed, end, options.tries)
    if options.refusals:
        for said, count in refusals.most_common():
            print(f"{count:6} {said}")
    return 1 if failures else 0


def attempts(kind: str, refusals: Counter[str]) -> Callable[[int], str | None] | None:
    """The function that tries one seed."""
    if kind == "programs":
        try:
            import torch
        except ImportError:
            print("programs: PyTorch is not installed, nothing to compare with")
            return None
        return lambda seed: programs.try_program(torch, seed, refusals)
    if kind == "compiled":
        return lambda seed: compiled.try_program(seed, refusals)
    if kind == "calls":
        known = calls.functions()
        return lambda seed: calls.try_call(seed, known)
    others: dict[str, Any] = {"files": files.try_file, "runs": runs.try_run}
    attempt: Callable[[int], str | None] = others[kind]
    return attempt


def repeat(
    kind: str, attempt: Callable[[int], str | None], seed: int, end: float, tries: int | None
) -> int:
    """Try one seed after the other until the time is up; print and count what is wrong."""
    failures = done = 0
    while done < tries if tries is not None else time.monotonic() < end:
        wrong = attempt(seed + done)
        done += 1
        if wrong is not None:
            failures += 1
            if failures <= 20:
                print(wrong, flush=True)
    print(f"{kind}: {done} tried, {failures} wrong", flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(main())
