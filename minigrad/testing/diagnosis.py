"""What is wrong with a gradient: the mistakes that explain it, and the places where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

import numpy as np

from minigrad.testing.hidden import hidden_mistakes
from minigrad.testing.hypotheses import (
    Case,
    Mistake,
    chain_factors,
    factor,
    whole_mistakes,
    zero,
)
from minigrad.testing.layers import layer_mistakes
from minigrad.testing.places import Place, places_of
from minigrad.testing.report import Diagnosis, Report
from minigrad.testing.structure import structural_mistakes
from minigrad.testing.verdicts import Jacobian, Verdict, indexed, position

REARRANGED = {"transposed", "shifted", "reversed"}  # fit by coincidence where many numbers agree
TOLD = 2  # mistakes that explain one whole Jacobian


def diagnose(jacobians: Sequence[Jacobian]) -> list[Diagnosis]:
    """The diagnoses for every Jacobian that has wrong entries."""
    found = []
    for jacobian in jacobians:
        if not jacobian.count(Verdict.WRONG):
            continue
        case = Case(jacobian)
        mistakes = list(explain(case, jacobians)) or [Mistake("unknown", describe(case))]
        name = f"gradient of {jacobian.input}"
        if jacobian.output != "out":
            name += f" from {jacobian.output}"
        for kind, text in mistakes:
            found.append(Diagnosis(kind, f"{name}: {text}", jacobian.input, jacobian.output))
    return found


def without_derivative(
    report: Report, singular: Sequence[str], found: list[Diagnosis]
) -> list[Diagnosis]:
    """Gradients that are not finite because an op inside has no finite derivative where it was met.

    Every VJP is right then.  At a kink of the whole nothing is wrong either: there is no derivative
    to be found.  Elsewhere there is one, and the diagnoses (`found`) say why it was missed.
    """
    ops = " and ".join(singular[:2])
    excused = False
    for jacobian in report.jacobians:
        lost = (jacobian.verdict == Verdict.WRONG) & ~np.isfinite(jacobian.analytic)
        at_kink = (lost & np.isfinite(jacobian.left)).any(axis=0)
        jacobian.verdict[lost & at_kink] = Verdict.INCONCLUSIVE
        excused |= bool(at_kink.any())
    if excused:
        text = (
            f"inconclusive: {ops} has no finite derivative here, and the whole has a kink; check "
            "away from this point"
        )
        report.notes.append(Diagnosis("infinite", text))
    wrong = {(j.input, j.output) for j in report.jacobians if j.count(Verdict.WRONG)}
    text = (
        f": {ops} has no finite derivative at the operand it met, and 0 * inf is NaN. Every VJP is "
        "right; keep such operands away from it (mg.where before it, not after)"
    )
    return [
        replace(d, text=d.text + (text if d.kind == "non-finite" else ""))
        for d in found
        if (d.input, d.output) in wrong
    ]


def explain(case: Case, jacobians: Sequence[Jacobian]) -> Iterator[Mistake]:
    """The mistakes that fit: those of the whole Jacobian, or those of a part and where it is."""
    if not np.isfinite(case.a[case.wrong]).all():
        where = next((f" {place.text}" for place in places_of(case)), "")
        yield Mistake("non-finite", f"it is not finite{where} where finite differences are")
        return
    structural = list(structural_mistakes(case))[:1]
    if structural and structural[0].kind == "chosen":
        yield from structural
        return
    whole = list(whole_mistakes(case, jacobians))[:TOLD]
    if all(mistake.kind == "offset" for mistake in whole):  # which only describes
        inside = chain(layer_mistakes(case, jacobians), hidden_mistakes(case, jacobians))
        told_by = list(islice(inside, 1)) or structural
        if told_by:
            yield from told_by
            return
    if whole and not case.right.any():
        yield from whole
        if any(mistake.kind != "missing sum" for mistake in whole):
            return  # a lost slice can look like a missing sum: then the place is told, too
        whole = []
    places = [p for p in places_of(case) if not (whole and p.kind == "matrix part")]
    told = [there(case, place) for place in places]
    if any(convincing for _, convincing in told):
        whole = [mistake for mistake in whole if mistake.kind not in REARRANGED]
    if any(said and p.kind.startswith(("where", "beyond")) for p, (said, _) in zip(places, told)):
        whole = [mistake for mistake in whole if mistake.kind != "offset"]  # the place has told it
    yield from [Mistake(p.kind, f"wrong only {p.text}{said}") for p, (said, _) in zip(places, told)]
    yield from whole


def there(case: Case, place: Place) -> tuple[str, bool]:
    """What is wrong at a place, and whether that is more than coincidence."""
    wrong = case.wrong & place.where
    values = case.a[wrong]
    found = [m for m in (zero(case, place.where), factor(case, place.where)) if m is not None]
    found = found or list(chain_factors(case, place.where))
    if found:
        return f"; there {found[0].text.split(':')[0]}", found[0].kind == "zero" or len(values) > 1
    if np.all(values == values[0]):
        sides = case.jacobian.left[wrong], case.jacobian.right[wrong]
        text = f"; there it is {values[0]:.6g}"
        if all(np.all(side == side[0]) for side in sides):
            low, high = sorted((sides[0][0], sides[1][0]))
            text += f", the derivatives to both sides are {low:.4g} and {high:.4g}"
        return text, False
    return "", False


def describe(case: Case) -> str:
    """No hypothesis fits: how many entries are wrong, and where they are."""
    m, n = case.wrong.shape
    count = np.count_nonzero(case.wrong)
    columns, rows = case.wrong.any(axis=0), case.wrong.any(axis=1)
    if count == 1:
        output = indexed(case.jacobian.output, position(int(np.argmax(rows)), case.y.shape))
        entry = indexed(case.jacobian.input, position(int(np.argmax(columns)), case.x.shape))
        return f"only d {output} / d {entry} is wrong, of {m * n} entries"
    text = (
        f"{count} of {m * n} entries are wrong, for {columns.sum()} of {n} input entries and "
        f"{rows.sum()} of {m} output entries; "
    )
    if not case.a[case.wrong].any():
        return text + "it is zero in all of them: a contribution is missing"
    if not case.n[case.wrong].any():
        return text + "it should be zero in all of them"
    return text + "none of the usual mistakes explains them"
