"""Print what the checker makes of every layer of the table: ``python -m tests.student_mistakes``.

With ``-v``, also each mistake that it does not name, and what it says instead; further words choose
layers by name, and ``-q`` tries float64 only.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections import Counter
from typing import NamedTuple

from tests.student_mistakes import THEMES, all_layers
from tests.student_mistakes.layer import INSIDE, NEUTRAL, Layer, Wrong

UNNAMED = {"unknown", "offset"}  # which say that no mistake was recognised


class Outcome(NamedTuple):
    """Of one version of a layer."""

    found: bool
    named: bool
    misleading: bool
    told: str


def outcome(layer: Layer, wrong: Wrong | None, inside: str) -> Outcome:
    try:
        report = layer.check(wrong, inside)
    except Exception as error:  # a check that fails is told as one that found nothing
        return Outcome(False, False, True, f"{type(error).__name__}: {error}")
    kinds = {diagnosis.kind for diagnosis in report.diagnoses}
    if wrong is None:
        return Outcome(report.ok, True, not report.ok, str(report))
    named = bool(kinds & wrong.kinds - UNNAMED) and not report.ok
    misleading = bool(kinds - wrong.kinds - NEUTRAL)
    told = "; ".join(f"[{d.kind}] {d}" for d in report.diagnoses)
    return Outcome(not report.ok, named and not misleading, misleading, told or str(report))


def judge(i: int) -> tuple[int, list[tuple[str, str, Outcome]]]:
    """All versions of layer `i`, in all types."""
    layer = all_layers()[i]
    return i, [
        (inside, str(wrong or "right"), outcome(layer, wrong, inside))
        for inside in (INSIDE[:1] if QUICK else INSIDE)
        for wrong in (None, *layer.wrongs)
        if not (wrong is not None and wrong.only64 and inside != "float64")
    ]


def show(layer: Layer, rows: list[tuple[str, str, Outcome]], verbose: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    for inside, wrong, result in rows:
        if wrong == "right":
            counts["right"] += 1
            counts["alarms"] += not result.found
        else:
            counts["wrong"] += 1
            counts["found"] += result.found
            counts["named"] += result.named
            counts["misleading"] += result.misleading
        bad = not result.found or not result.named or result.misleading
        if verbose and bad:
            print(f"--- {layer}, {inside}: {wrong}\n    {result.told}")
    return counts


COLUMNS = ("right", "alarms", "wrong", "found", "named", "misleading")


def line(name: str, counts: Counter[str]) -> str:
    share = counts["named"] / max(counts["wrong"], 1)
    return f"{name:30}" + "".join(f"{counts[c]:>11}" for c in COLUMNS) + f"{share:>7.0%}"


def main(words: list[str]) -> None:
    layers = all_layers()
    chosen = [i for i, x in enumerate(layers) if not words or str(x) in words or theme(x) in words]
    total: Counter[str] = Counter()
    by_theme = {name: Counter[str]() for name in THEMES}
    with multiprocessing.Pool(2) as pool:
        for i, rows in pool.imap(judge, chosen):
            counts = show(layers[i], rows, VERBOSE)
            by_theme[theme(layers[i])] += counts
            total += counts
    print(f"\n{len(chosen)} layers, in {', '.join(INSIDE[:1] if QUICK else INSIDE)}\n")
    print(f"{'':30}" + "".join(f"{c:>11}" for c in COLUMNS))
    for name, counts in by_theme.items():
        print(line(name, counts))
    print(line("all", total))


def theme(layer: Layer) -> str:
    return layer.make.__module__.split(".")[-1]


VERBOSE, QUICK = "-v" in sys.argv, "-q" in sys.argv

if __name__ == "__main__":
    main([word for word in sys.argv[1:] if word not in ("-v", "-q")])
