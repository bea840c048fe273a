"""What a check found, and how it is shown: one line, a text, a page with heat maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.testing.combinations import COMBINED
from minigrad.testing.html import page
from minigrad.testing.verdicts import Entry, Jacobian, Verdict, indexed

Array = Any


NOT_LINEAR = ("without g", "nonlinear")  # gradients that single entries of g do not show as wrong


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong, in words, and where.

    kind     short name of the hypothesis that fits: "sign", "factor", "transposed", ...
    text     the same as a sentence, with the factor
    input    name of the input concerned
    output   name of the output concerned
    op       name of the op whose VJP is wrong, if the error was traced to one
    """

    kind: str
    text: str
    input: str = ""
    output: str = ""
    op: str = ""

    def __str__(self) -> str:
        return self.text


class GradientError(AssertionError, RuntimeError):
    """A gradient is wrong.  ``error.report`` has the whole comparison."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.summary())
        self.report = report


@dataclass
class Report:
    """The outcome of a gradient check.

    ok         whether no entry is wrong, nor anything else (shapes, types, determinism), and, if
               entries are inconclusive, something but zeros was verified, at least in float64
    diagnoses  what is wrong, in words; the most telling first
    jacobians  the comparison for each pair of an output and an input
    problems   faults that are not about a value: a wrong shape, a function that is not
               deterministic
    notes      why entries are inconclusive, and what was not checked
    not_compared  inputs whose gradients have no form that could be compared
    too_short  types of inputs in which numbers could not be judged that are right in float64
    subject    what is compared: "gradient" or "second derivative"
    """

    jacobians: list[Jacobian] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    problems: list[Diagnosis] = field(default_factory=list)
    notes: list[Diagnosis] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)
    too_short: list[str] = field(default_factory=list)
    subject: str = "gradient"

    @property
    def ok(self) -> bool:
        return not self.problems and self.count(Verdict.WRONG) == 0

    def __bool__(self) -> bool:
        return self.ok

    def linear(self) -> bool:
        """Whether the gradients are linear in the gradient of the result, as they must be."""
        return all(problem.kind not in NOT_LINEAR for problem in self.problems)

    def values_right(self) -> bool:
        """Whether no entry is wrong, nor the gradient for other gradients of the result."""
        return self.linear() and self.count(Verdict.WRONG) == 0

    def count(self, verdict: Verdict) -> int:
        return sum(jacobian.count(verdict) for jacobian in self.jacobians)

    def entries(self) -> Iterator[Entry]:
        """Every compared entry, each with its values and verdict."""
        for jacobian in self.jacobians:
            yield from jacobian.entries()

    def worst(self) -> Entry | None:
        """The wrong entry that is farthest off; None if nothing is wrong."""
        found = [w for w in (jacobian.worst() for jacobian in self.jacobians) if w is not None]
        return max(found, key=badness, default=None)

    def add_problems(self, found: list[Diagnosis]) -> None:
        self.problems += found
        self.diagnoses += found

    def counts(self) -> str:
        """The verdicts in words: ``30 correct, 2 wrong``."""
        named = [(self.count(v), v.name.lower()) for v in Verdict]
        return ", ".join(f"{n} {name}" for n, name in named if n) or "no entries"

    def scope(self) -> str:
        """What the verdicts leave out, where they alone might look well."""
        if self.jacobians and self.not_compared:
            return f" ({', '.join(self.not_compared)} cannot be compared)"
        if self.linear():
            return ""
        if any(j.output == COMBINED for j in self.jacobians):
            return " (for random g)"
        scalar = sum(j.y.size for j in self.jacobians) == len({j.input for j in self.jacobians})
        return " (for g = 1)" if scalar else " (for g = 1 in one entry of the result, 0 elsewhere)"

    def outcome(self) -> str:
        """What the check says, in a few words."""
        if self.ok:
            if self.is_empty():
                return "there are no entries to compare"
            if self.only_in_float64():
                return f"right in float64; not judged in {', '.join(self.too_short)}"
            return f"{self.subject}s agree with finite differences"
        if not self.values_right():
            return f"the {self.subject} is wrong"
        if self.only_unverified():
            return f"the {self.subject} could not be verified"
        if not self.jacobians:
            return f"the {self.subject} could not be checked"
        return f"the {self.subject} is not right"

    def only_unverified(self) -> bool:
        """Whether nothing was found to be wrong, and nothing to be right."""
        return not self.count(Verdict.WRONG) and all(p.kind == "unverified" for p in self.problems)

    def is_empty(self) -> bool:
        return not any(jacobian.verdict.size for jacobian in self.jacobians)

    def only_in_float64(self) -> bool:
        """Whether nothing but zeros could be judged in the type that the inputs have."""
        return bool(self.too_short) and bool(unverified(self))

    def headline(self) -> str:
        """The outcome and the verdicts, in one line."""
        if self.ok and self.is_empty():
            return self.outcome()
        return f"{self.outcome()}: {self.counts()}"

    def summary(self) -> str:
        """A few lines: the worst entry first, the verdicts, what is wrong, how to see more."""
        if self.ok:
            return "\n".join([self.headline(), *bullets(self.notes, 3)])
        worst = self.worst()
        lines = [self.outcome() + (f": {worst}" if worst is not None else "")]
        lines.append(f"verdicts: {self.counts()}{self.scope()}")
        lines += bullets(self.diagnoses, 5) + bullets(self.notes, 3)
        lines.append(
            "see report.to_text() or report.to_html(); an error carries it as error.report"
        )
        return "\n".join(lines)

    def to_text(self) -> str:
        """The whole report as text: a table for each Jacobian, wrong entries marked."""
        blocks = [self.summary()]
        blocks += [table(jacobian) for jacobian in self.jacobians]
        return "\n\n".join(blocks)

    def to_html(self) -> str:
        """The whole report as a page: heat maps of both values and the verdicts."""
        return page(self)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        if self.ok:
            state = "ok in float64" if self.only_in_float64() else "ok"
        else:
            state = "NOT VERIFIED" if self.only_unverified() else "WRONG"
        return f"<gradient report: {state}; {self.counts()}>"

    def __str__(self) -> str:
        return self.summary()


def bullets(told: list[Diagnosis], most: int) -> list[str]:
    lines = [f"* {each.text}" for each in told[:most]]
    return [*lines, f"* and {len(told) - most} more"] if len(told) > most else lines


def unverified(report: Report) -> list[Diagnosis]:
    """A problem if some entries are inconclusive, and all others are zeros, or there are none."""
    unclear = report.count(Verdict.INCONCLUSIVE)
    if not unclear:
        return []
    others = 0
    for jacobian in report.jacobians:
        judged = jacobian.verdict != Verdict.INCONCLUSIVE
        if np.any(judged & ((jacobian.analytic != 0) | (jacobian.numeric != 0))):
            return []
        others += int(np.count_nonzero(judged))
    entries = "1 entry is" if unclear == 1 else f"{unclear} entries are"
    text = f"nothing could be verified: {entries} inconclusive"
    return [Diagnosis("unverified", text + (", and the others are zero" if others else ""))]


def mostly_unverified(report: Report) -> list[Diagnosis]:
    """A problem if more entries are inconclusive than were judged, zeros not counted."""
    unclear = report.count(Verdict.INCONCLUSIVE)
    judged, places = 0, []
    for jacobian in report.jacobians:
        size = (jacobian.analytic != 0) | (jacobian.numeric != 0)
        judged += int(np.count_nonzero(size & (jacobian.verdict != Verdict.INCONCLUSIVE)))
        for i, j in np.argwhere(jacobian.verdict == Verdict.INCONCLUSIVE)[:2]:
            entry = jacobian.entry(int(i), int(j))
            names = (
                indexed(entry.output, entry.output_index),
                indexed(entry.input, entry.input_index),
            )
            places.append(f"d {names[0]} / d {names[1]}")
    short = any(note.kind == "precision" for note in report.notes)
    if unclear <= (4 if short else 1) * judged:
        return []
    more = ", ..." if unclear > len(places[:4]) else ""
    text = (
        f"{unclear} entries are inconclusive ({', '.join(places[:4])}{more}), and only {judged} "
        "that are not zero could be judged: accept_unverified=True lets this pass"
    )
    return [Diagnosis("unverified", text)]


def badness(entry: Entry) -> float:
    size = abs(entry.numeric) + np.finfo(float).tiny
    with np.errstate(all="ignore"):
        off = float(np.divide(abs(entry.analytic - entry.numeric), size))
    return float("inf") if np.isnan(off) else off


MARKS = {Verdict.CORRECT: " ", Verdict.WRONG: "!", Verdict.KINK: "^", Verdict.INCONCLUSIVE: "?"}
SHOWN = 12  # rows of a table


def table(jacobian: Jacobian) -> str:
    """The entries of a Jacobian that matter, wrong ones first."""
    title = f"d {jacobian.output} {jacobian.y.shape} / d {jacobian.input} {jacobian.x.shape}: " + (
        ", ".join(f"{jacobian.count(v)} {v.name.lower()}" for v in Verdict if jacobian.count(v))
    )
    order = [Verdict.WRONG, Verdict.INCONCLUSIVE, Verdict.KINK, Verdict.CORRECT]
    places = [place for v in order for place in largest(jacobian, v)]
    lines = [title]
    if not places:
        return title
    lines.append(
        f"    {'output':>10} {'input':>10} {'gradient':>13} {'differences':>13} {'error':>9}"
    )
    for i, j in places[:SHOWN]:
        e = jacobian.entry(int(i), int(j))
        line = (
            f"  {MARKS[e.verdict]} {index_text(e.output_index):>10} "
            f"{index_text(e.input_index):>10} {e.analytic:>13.6g} {e.numeric:>13.6g} "
            f"{e.error:>9.1g}"
        )
        if e.interval is not None:
            line += f"  kink: {e.interval[0]:.4g} ... {e.interval[1]:.4g}"
        lines.append(line)
    if jacobian.verdict.size > SHOWN:
        lines.append(f"    ... {jacobian.verdict.size - min(len(places), SHOWN)} more")
    return "\n".join(lines)


def largest(jacobian: Jacobian, verdict: Verdict) -> Array:
    """Positions of the largest entries of a verdict."""
    places = np.argwhere(jacobian.verdict == verdict)
    size = np.nan_to_num(abs(jacobian.numeric[tuple(places.T)]), nan=np.inf)
    return places[np.argsort(-size, kind="stable")[:SHOWN]]


def index_text(index: tuple[int, ...]) -> str:
    return "[" + ", ".join(str(i) for i in index) + "]"
