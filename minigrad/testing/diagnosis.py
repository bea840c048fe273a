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
from minigrad.testing.layers import carried, layer_mistakes, within_a_step
from minigrad.testing.places import Place, places_of
from minigrad.testing.report import Diagnosis, Report
from minigrad.testing.structure import cotangent_axes, missing_term, structural_mistakes
from minigrad.testing.terms import length, means, term_mistakes
from minigrad.testing.verdicts import Jacobian, Verdict, indexed, position

VAGUE = {"offset", "mixed up", "chain"}  # beside a place that says the same more plainly
REARRANGED = {"transposed", "shifted", "reversed"}  # fit by coincidence where many numbers agree
TOLD = 2  # mistakes that explain one whole Jacobian
FEW = 4  # wrong entries, below which much fits if most others are unclear


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
    if few_of_many(case):
        return
    structural = list(structural_mistakes(case))[:1]
    before_others = [*shares_of_ties(case), *(m for m in structural if m.kind == "chosen")]
    if before_others:
        yield before_others[0]
        return
    whole = list(whole_mistakes(case, jacobians))[:TOLD]
    if all(mistake.kind == "offset" for mistake in whole):  # which only describes
        telling = [m for m in structural if m.kind in ("blocks", "contribution")]
        telling += list(islice(chain(missing_term(case), means(case)), 1))
        told_by = told_inside(case, jacobians, telling) or structural
        if told_by:
            yield from told_by
            return
    if whole and whole[0].kind in ("other input", "identity"):
        whole = [mistake for mistake in whole if mistake.kind not in VAGUE]
    if whole and whole[0].kind == "product":  # out/x, as it is of x/|x| without its norm
        whole = list(length(case)) or whole
    if whole and whole[0].kind == "transposed":
        # a convolution is a matrix of which both are true, as is a layer with a gain
        flipped = [mistake for mistake in structural if mistake.kind == "flipped"]
        whole = flipped or list(islice(layer_mistakes(case, ("gain",)), 1)) or whole
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
        # the place has told it
        whole = [mistake for mistake in whole if mistake.kind not in VAGUE]
    yield from [Mistake(p.kind, f"wrong only {p.text}{said}") for p, (said, _) in zip(places, told)]
    if places or any(mistake.kind != "offset" for mistake in whole):
        yield from whole
    else:
        yield from part_of(case) or whole


def few_of_many(case: Case) -> bool:
    """Whether hardly an entry can be judged, so that what fits the others would be a guess."""
    judged = np.count_nonzero(case.wrong & case.known)
    unclear = np.count_nonzero(case.jacobian.verdict == Verdict.INCONCLUSIVE)
    return bool(judged < FEW and unclear > np.count_nonzero(case.known))


def told_inside(
    case: Case, jacobians: Sequence[Jacobian], telling: Sequence[Mistake]
) -> list[Mistake]:
    """The first mistake inside of a layer that fits: those known by name, then single terms."""
    inside = chain(
        telling,
        layer_mistakes(case),
        hidden_mistakes(case, jacobians),
        cotangent_axes(case),  # of axes in another order, two exchanged ones have a plainer name
        term_mistakes(case, jacobians),
        carried(case),
        within_a_step(case),
    )
    return list(islice(inside, 1))


def part_of(case: Case) -> list[Mistake]:
    """What is wrong with the wrong entries, wherever they are."""
    wrong = case.wrong & case.known
    count = f"in {np.count_nonzero(wrong)} of {wrong.size} entries"
    if np.count_nonzero(wrong) < 2:
        return []
    if not np.any((case.a != 0) & (case.n != 0) & case.known) and case.a.any() and case.n.any():
        if one_for_another(case):
            text = (
                f"each entry of {case.jacobian.output} depends on one of {case.jacobian.input}, "
                "and its gradient reaches another: a wrong index, or another choice on the way back"
            )
            return [Mistake("chosen", text)]
        text = (
            "it is there where it should be zero, and zero where it should be there: is a "
            "condition the wrong way round?"
        )
        return [Mistake("mask", text)]
    if not case.right.any():
        return [formula(case)] if is_elementwise(case) else []
    if not case.a[wrong].any():
        return [Mistake("contribution", f"{count} it is zero: a contribution is missing")]
    if not case.n[wrong].any():
        text = f"{count} it is not zero, though {case.jacobian.output} does not depend on them"
        return [Mistake("extra", text)]
    found = factor(case, wrong)
    if found is None and is_elementwise(case):
        return [formula(case)]
    return [Mistake(found.kind, f"{count} {found.text}")] if found is not None else []


def one_for_another(case: Case) -> bool:
    """Whether each row has one number, the right one, at another place."""
    rows = case.wrong.any(axis=1)
    a, n = case.a[rows], case.n[rows]
    if np.any(np.count_nonzero(a, axis=1) != 1) or np.any(np.count_nonzero(n, axis=1) != 1):
        return False
    return bool(np.allclose(a.sum(1), n.sum(1), 1e-4, 0.0))


def is_elementwise(case: Case) -> bool:
    """Whether each entry of the result depends on its own entry of the input only."""
    if case.x.shape != case.y.shape or case.x.size < 3:
        return False
    off = ~np.eye(case.x.size, dtype=bool)
    return not np.any(case.n[off]) and not np.any(case.a[off])


def formula(case: Case) -> Mistake:
    i, j = case.worst
    x = float(case.x.reshape(-1)[j])
    text = (
        f"each entry arrives where it belongs, with another number: the formula of the derivative "
        f"is wrong, which at {case.jacobian.input} = {x:.4g} gives {case.a[i, j]:.4g} where "
        f"{case.n[i, j]:.4g} belongs"
    )
    return Mistake("formula", text)


def shares_of_ties(case: Case) -> Iterator[Mistake]:
    """Of several equal entries, one may get the whole gradient, or each a share: not each all."""
    left, right = case.jacobian.left, case.jacobian.right
    whole = np.where(abs(left) > abs(right), left, right)
    tied = np.isfinite(whole) & ((left == 0) | (right == 0))
    rows = case.wrong.any(axis=1)
    if not rows.any() or np.any(case.wrong & ~tied) or np.any(tied[rows].sum(axis=1) < 2):
        return
    totals = np.where(tied, case.a, 0).sum(axis=1)[rows]
    wanted = np.nanmedian(np.where(tied, whole, np.nan)[rows], axis=1)
    if np.all(abs(totals - wanted) > 1e-3 * abs(wanted)):
        text = (
            f"the gradients of equal entries add up to {totals[0]:.4g} where {wanted[0]:.4g} "
            "belongs: one of them gets all of it, or each its share, not each all of it"
        )
        yield Mistake("tie", text)


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
        unclear = np.count_nonzero(case.jacobian.verdict == Verdict.INCONCLUSIVE)
        also = f", {unclear} of which cannot be judged" if unclear else ""
        return f"only d {output} / d {entry} is wrong, of {m * n} entries{also}"
    text = (
        f"{count} of {m * n} entries are wrong, for {columns.sum()} of {n} input entries and "
        f"{rows.sum()} of {m} output entries; "
    )
    if not case.a[case.wrong].any():
        return text + "it is zero in all of them: a contribution is missing"
    if not case.n[case.wrong].any():
        return text + "it should be zero in all of them"
    return text + "none of the usual mistakes explains them"
