"""Why entries cannot be judged: notes for the report, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.testing.numeric import Numeric
from minigrad.testing.points import guarded
from minigrad.testing.report import Diagnosis
from minigrad.testing.verdicts import Verdict, indexed, position

if TYPE_CHECKING:
    from minigrad.testing.compare import Problem

Array = Any

PROBED = 16  # columns of a Jacobian that are looked at
NAMED = 3  # entries that a note lists by name
STEPS = (1e-3, 1e-5, 1e-7)  # relative to the entry or to 1, whichever is larger

TEXTS = {
    "infinite": "the derivative is infinite there; check away from this point",
    "boundary": "the function is defined on one side only; check inside its domain",
    "jump": "the function jumps there; check away from this point",
    "rounding": "the rounding error of the function's values hides their differences",
    "cancellation": "digits cancel in the gradient, which changes with the last bit of the inputs",
    "unsettled": "finite differences do not settle at any step",
}


def causes(
    problem: Problem,
    k: int,
    verdict: Array,
    analytic: Array,
    numeric: Numeric,
    base: Array,
    noise: Array,
) -> list[Diagnosis]:
    """Notes on the inconclusive entries for input `k`: a note for each cause."""
    unclear = verdict == Verdict.INCONCLUSIVE
    follows = np.isfinite(numeric.value) & ~np.isfinite(analytic)  # 0 * inf, from another row
    known = numeric.error <= 1e-3 * abs(numeric.value)  # then it is the gradient that is not
    columns = np.flatnonzero(unclear.any(axis=0))
    name, x = problem.names[k], problem.arrays[k]
    found: dict[str, list[str]] = {}
    undefined = np.flatnonzero(unclear.any(axis=1) & ~np.isfinite(base))
    for j in columns[:PROBED]:
        where = f"{indexed(name, position(int(j), x.shape))} = {x.reshape(-1)[j]:.4g}"
        rows = unclear[:, j] & np.isfinite(base) & ~follows[:, j]
        kinds = kinds_of_column(problem, x.reshape(-1), int(j), base, noise)
        kinds = np.where(known[:, j], "cancellation", kinds)
        for kind in dict.fromkeys(kinds[rows]):
            found.setdefault(str(kind), []).append(where)
    notes = [
        Diagnosis(kind, f"inconclusive at {listed(places)}: {TEXTS[kind]}", name)
        for kind, places in found.items()
    ]
    if len(undefined):
        places = [f"{output_entry(problem, int(i))} is {base[i]:g}" for i in undefined]
        text = f"inconclusive: {listed(places)}, so there are no differences"
        notes.insert(0, Diagnosis("undefined", text, name))
    return notes


def output_entry(problem: Problem, i: int) -> str:
    """The name of the output at flat position `i` of all outputs."""
    for name, shape in problem.outputs:
        size = int(np.prod(shape))
        if i < size:
            return indexed(name, position(i, shape))
        i -= size
    raise IndexError(i)


def listed(places: list[str]) -> str:
    more = len(places) - NAMED
    return ", ".join(places[:NAMED]) + (f" and {more} more" if more > 0 else "")


def kinds_of_column(problem: Problem, x: Array, j: int, base: Array, noise: Array) -> Array:
    """For each output, what keeps its differences for entry `j` of the input from settling."""
    entry = x[j]
    scale = max(1.0, abs(entry)) if np.isfinite(entry) else 1.0
    growth = np.full((2, base.size), np.inf)  # of the differences to either side
    before = np.zeros((2, base.size))
    with np.errstate(all="ignore"):
        for h in STEPS:
            sides = []
            for signed in (h * scale, -h * scale):
                x[j] = entry + signed
                sides.append((guarded(problem.evaluate, base.size) - base) / signed)
                x[j] = entry
            now = abs(np.array(sides))
            seen = now > 100 * noise / (h * scale)
            growth = np.where(seen, np.fmin(growth, now / before), 0.0)
            before = now
    defined = np.isfinite(before)
    steep = (growth > 1.3).any(axis=0)
    jump = np.isinf(noise) | (growth > 90).any(axis=0)  # differences grow as 1/h: 100 for each step
    tests = {
        "jump": jump,
        "infinite": steep,
        "rounding": noise > 1e-9 * (abs(base) + np.nanmax(abs(base), initial=0.0)),
        "boundary": ~defined.all(axis=0),
    }
    return np.select(list(tests.values()), list(tests), "unsettled")
