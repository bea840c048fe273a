"""Hypotheses about layers of networks, as data: a name, a numeric test of the Jacobian, a sentence.

A test gets the wrong Jacobian as a `Case` and returns the words for the sentence, or None where its
mistake does not explain the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from minigrad.testing.hypotheses import Case, Mistake, chain_factors, factor

Array = Any
Words = dict[str, Any]

LARGEST = 200_000  # entries of a Jacobian, above which windows are not tried


class Hypothesis(NamedTuple):
    """A mistake: its name, what shows it in a Jacobian, and the sentence with the words found."""

    name: str
    test: Callable[[Case], Words | None]
    sentence: str


def layer_mistakes(case: Case, names: Sequence[str] = ()) -> Iterator[Mistake]:
    """The hypotheses of the table that explain all wrong entries; `names`: only these."""
    with np.errstate(all="ignore"):
        for hypothesis in HYPOTHESES:
            if names and hypothesis.name not in names:
                continue
            words = hypothesis.test(case)
            if words is not None:
                name = words.pop("name", hypothesis.name)
                words |= {"input": case.jacobian.input, "output": case.jacobian.output}
                yield Mistake(name, hypothesis.sentence.format(**words))


# ------------------------------------------------------------------------------- branches and terms


def residual(case: Case) -> Words | None:
    """Off by the identity."""
    if case.x.shape != case.y.shape:
        return None
    identity = np.eye(len(case.n))
    for sign, words in (
        (-1, "the residual branch (+ {0}) is forgotten: add g"),
        (1, "g is added once too often"),
    ):
        if case.fits(case.n + sign * identity):
            return {"what": words.format(case.jacobian.input)}
    return None


def direct_path(case: Case) -> Words | None:
    """Right between different entries, wrong from each entry to itself."""
    if case.x.shape != case.y.shape or case.x.size < 4:
        return None
    own = np.eye(len(case.n), dtype=bool)
    between = case.right & ~own
    if np.any(case.wrong & ~own) or np.count_nonzero(between) < case.x.size:
        return None
    return {} if np.count_nonzero(case.wrong) > case.x.size / 2 else None


def gate(case: Case) -> Words | None:
    """Wrong in one of several equal blocks only: that of a gate."""
    if case.x.ndim == 0 or not case.right.any() or len(case.n) == 1:
        return None  # one result tells too little
    size = case.x.shape[-1]
    place = np.indices(case.x.shape)[-1].reshape(1, -1)
    for count in (4, 3, 2):
        if size % count or size == count:
            continue
        for k in range(count):
            inside = np.broadcast_to(place // (size // count) == k, case.n.shape)
            if np.any(case.wrong & ~inside) or 2 * np.count_nonzero(case.right & inside) > (
                np.count_nonzero(case.wrong)
            ):
                continue
            ratio = (case.a / case.n)[case.wrong & (case.n != 0)]
            if ratio.size > 2 and np.all(ratio > 1 + 1e-6):
                what = "what belongs there, as if the derivative of its activation were missing"
                low, high = float(ratio.min()), float(ratio.max())
                return {"k": k, "count": count, "what": f"{low:.3g} to {high:.3g} times {what}"}
    return None


def weight_decay(case: Case) -> Words | None:
    """Off by λ times the input itself."""
    if case.x.size < 3 or not case.known.all():
        return None
    off, x = case.a - case.n, case.x.reshape(1, -1)
    for power, values in (("", x), ("the sign of ", np.sign(x))):
        if len(np.unique(values)) == 1:
            continue
        rate = (off * values).sum(1) / (values * values).sum(1)
        if len(np.unique(np.sign(rate))) == 1 and case.fits(case.n + rate[:, None] * values):
            size = float(rate[np.argmax(abs(rate))])
            if abs(size) < 1:
                return {"rate": f"{size:.4g}", "power": power}
    return None


def lines(case: Case) -> Array | None:
    """What the gradient is off by, as (outputs, rows, classes): the last axis of the input."""
    if case.x.ndim == 0 or case.x.shape[-1] < 3 or not case.known.all():
        return None
    return (case.a - case.n).reshape(len(case.n), -1, case.x.shape[-1])


def is_softmax_loss(case: Case) -> bool:
    """Whether the right rows sum to 0, with one entry, that of the label, of the other sign."""
    if case.x.shape == case.y.shape:
        return False
    rows = case.n.reshape(-1, case.x.shape[-1])
    one = np.fmin((rows < 0).sum(1), (rows > 0).sum(1))
    return bool(len(rows) > 1 and np.all(one <= 1) and sums_to_zero(case, case.n))


def sums_to_zero(case: Case, jacobian: Array) -> bool:
    rows = jacobian.reshape(-1, case.x.shape[-1])
    return bool(np.all(abs(rows.sum(1)) <= 1e-5 * abs(rows).sum(1) + case.slack.max()))


def label_smoothing(case: Case) -> Words | None:
    """In each row, one entry is off by the sum of what the others are off by, which are equal."""
    off = lines(case)
    if off is None or case.x.shape == case.y.shape or off.shape[1] < 2:
        return None
    if not sums_to_zero(case, case.n):
        return None
    one = np.take_along_axis(off, np.argmax(abs(off), axis=2)[..., None], 2)
    others = np.where(abs(off) == abs(one), np.nan, off)
    if np.any(np.isnan(others).all(axis=2)):
        return None
    value = np.nanmedian(others, axis=2, keepdims=True)
    count = case.x.shape[-1]
    same = abs(others - value) <= 1e-4 * abs(value) + 1e-5 * case.typical
    fits = (abs(one + (count - 1) * value) <= 1e-3 * abs(one)) | (one == 0)
    if not np.all(same | np.isnan(others)) or not np.all(fits) or not np.any(off):
        return None
    return {} if np.all(abs(value[one != 0]) > 1e-6 * case.typical) else None


def labels(case: Case) -> Words | None:
    """Rows that must sum to zero do not: off by one number, in one entry each, or in all others."""
    off = lines(case)
    if off is None or not is_softmax_loss(case) or sums_to_zero(case, case.a):
        return None
    wrong = abs(off) > 1e-5 * case.typical
    count = wrong.sum(2)
    if np.all(count == off.shape[2]):
        return None
    if np.all(count <= 1):
        return {"what": "the entry of the label is wrong (subtract 1 there, once)"}
    sizes = abs(off[wrong])
    if np.all(abs(sizes - sizes[0]) <= 1e-3 * sizes[0]):
        return {
            "what": "other entries than that of the label are changed: index it together with the "
            "row, [np.arange(n), labels]"
        }
    return None


def constant_target(case: Case) -> Words | None:
    """All entries of a softmax cross-entropy off by one number: a part of the target."""
    off = lines(case)
    if off is None or not is_softmax_loss(case):
        return None
    value = float(np.median(off))
    if abs(value) > 1e-6 * case.typical and case.fits(case.n + value):
        return {"value": f"{value:.4g}"}
    return None


def mask(case: Case) -> Words | None:
    """Where the result is set to zero, whatever the input is, the gradient goes on."""
    blocked = (case.y.reshape(-1, 1) == 0) & (case.n == 0)
    extra = case.wrong & ~blocked
    if not extra.any() and np.any(case.wrong) and np.all(case.n[case.wrong] == 0):
        rows = case.wrong.any(axis=1)
        if np.all(case.n[rows] == 0) and case.right.any():
            return {}
    return None


# ----------------------------------------------------------------------------------------- windows


SHIFTS = [(shift,) for shift in (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6)]
PAIRS_OF_SHIFTS = [(*one, *other) for one in SHIFTS[:7] for other in SHIFTS[:7]]


def moved(grid: Array, axes: Sequence[tuple[int, int]], stride: int, shift: Sequence[int]) -> Array:
    """The windows of each output moved by ``stride * (its index) + shift``; NaN where none came.

    axes   pairs of an axis of the output and one of the input, along which they move; the other
           way round, where each input has a window of outputs
    """
    place = np.indices(grid.shape, sparse=True)
    source = list(place)
    inside = np.ones((1,) * grid.ndim, bool)
    for (of_output, of_input), by in zip(axes, shift):
        there = place[of_input] - stride * place[of_output] - by
        inside = inside & (there >= 0) & (there < grid.shape[of_input])
        source[of_input] = np.clip(there, 0, grid.shape[of_input] - 1)
    return np.where(inside, grid[tuple(source)], np.nan)


def window_axes(case: Case) -> Iterator[list[tuple[int, int]]]:
    """Axes along which windows may move: the last ones, or, with channels last, those before."""
    dims, other = case.y.ndim, case.x.ndim
    for last in (1, 2):
        pairs = [
            (dims - k, dims + other - k)
            for k in (last, last + 1)
            if k <= min(dims, other) and case.y.shape[dims - k] > 1 and case.x.shape[other - k] > 1
        ]
        for turned in (pairs, [(j, i) for i, j in pairs]):
            if len(turned) == 2:
                yield turned
            for pair in turned:
                yield [pair]


def window(case: Case) -> Words | None:
    """The windows of the result are where they are for another stride, padding or offset."""
    if case.n.size > LARGEST or not case.n[case.wrong].any():
        return None  # where windows have moved, something is missing
    whole = case.n.reshape(*case.y.shape, *case.x.shape)
    wrong = np.count_nonzero(case.wrong)
    for axes in window_axes(case):
        few = few_windows(whole, axes)
        for stride in (0, -1, 1, -2, 2):
            for shift in SHIFTS if len(axes) == 1 else PAIRS_OF_SHIFTS:
                if (stride == 0 and not any(shift)) or (stride and len({*shift}) > 1):
                    continue
                if stride and (max(map(abs, shift)) > 3 or few):
                    continue
                supposed = moved(whole, axes, stride, shift).reshape(case.n.shape)
                known = np.isfinite(supposed)
                enough = 2 * np.count_nonzero(case.wrong & known) >= wrong
                reached = np.any(case.a[case.wrong & known])  # else they are only lost
                if enough and reached and case.fits(supposed, known):
                    return {"what": window_words(stride, shift)}
    return None


def few_windows(whole: Array, axes: Sequence[tuple[int, int]]) -> bool:
    """Whether there are less than three windows, to which any two strides fit."""
    along = [axis for axis, _ in axes]
    others = tuple(k for k in range(whole.ndim) if k not in along)
    return bool(np.count_nonzero(np.any(whole, axis=others)) < 3)


def window_words(stride: int, shift: Sequence[int]) -> str:
    by = " and ".join([f"{k:+}" for k in shift])
    if stride == 0:
        return f"by {by}: is the padding cropped at the wrong side, or by another number?"
    far = f"{abs(stride)} {'farther' if stride > 0 else 'less far'} from one to the next"
    return f"{far}{f', and by {by}' if any(shift) else ''}: is it the stride of the forward pass?"


def assigned(case: Case) -> Words | None:
    """Of several contributions to an entry, only the last one is there, or the first."""
    nonzero = abs(case.n) > 1e-9 * case.typical
    if not np.any(nonzero.sum(axis=0) > 1):
        return None
    axes = range(case.y.ndim)
    for count in range(1, case.y.ndim + 1):
        for chosen in combinations(axes, count):
            key = np.zeros(case.y.shape, int)
            for axis in chosen:
                key = key * case.y.shape[axis] + np.indices(case.y.shape)[axis]
            keys = key.reshape(-1, 1)
            last = np.max(np.where(nonzero, keys, -1), axis=0)
            first = np.min(np.where(nonzero, keys, key.size), axis=0)
            for which, kept in (("last", last), ("first", first)):
                several = np.any(nonzero & (keys != kept))
                if several and case.fits(np.where(keys == kept, case.n, 0.0)):
                    return {"which": which}
            for which, one in (("last", keys.max()), ("first", 0)):  # though it be zero
                if case.fits(np.where(keys == one, case.n, 0.0)):
                    return {"which": which}
    return None


def counted_once(case: Case) -> Words | None:
    """Entries that are n times a number became that number: repeated indices."""
    sizes = abs(case.n[(case.n != 0) & case.known])
    if not sizes.size or case.y.size == 0:
        return None
    unit = float(sizes.min())
    counts = case.n / unit
    whole = np.all(abs(counts - np.rint(counts)) < 1e-4)
    if whole and np.max(abs(counts)) > 1.5 and case.fits(np.sign(np.rint(counts)) * unit):
        return {"most": int(np.rint(np.max(abs(counts))))}
    return None


# --------------------------------------------------------------------------------------- sequences


def truncated(case: Case) -> Words | None:
    """Nothing arrives from results that are more than some steps later."""
    for j, length in enumerate(case.x.shape):
        if length < 3:
            continue
        when = np.indices(case.x.shape)[j].reshape(1, -1)
        for i, other in enumerate(case.y.shape):
            if other != length:
                continue
            later = np.indices(case.y.shape)[i].reshape(-1, 1)
            for sign in (1, -1):
                gap = sign * (later - when)
                causal = not np.any(case.n[gap < 0]) and np.any(case.n[gap > 0])
                for steps in range(1, length - 1) if causal else ():
                    if case.fits(np.where(gap < steps, case.n, 0.0)):
                        return {"steps": plural(steps, "step"), "axis": j}
        for steps in range(1, length - 1) if length not in case.y.shape else ():
            if case.fits(np.where(when >= length - steps, case.n, 0.0)):
                return {"steps": plural(steps, "step"), "axis": j}
    return None


BEFORE = "before it, if this is time"


def steps_of(case: Case) -> Iterator[tuple[Array, Array, str, str]]:
    """Axes that may be time: the entries within a step, those on the way back, and both in words.

    Where the result has no such axis, only the last step may be all within.
    """
    name, output, size = case.jacobian.input, case.jacobian.output, case.n.shape
    for j, length in enumerate(case.x.shape):
        if length < 3:
            continue
        when = np.broadcast_to(np.indices(case.x.shape)[j].reshape(1, -1), size)
        for i, other in enumerate(case.y.shape):
            gap = np.indices(case.y.shape)[i].reshape(-1, 1) - when
            for forwards in (True, False) if other == length else ():
                later = gap > 0 if forwards else gap < 0
                if not np.any(case.n[~later & (gap != 0)]) and np.any(case.n[later]):
                    own = f"from each step of axis {j} of {name} to the same step of {output}"
                    yield (
                        gap == 0,
                        later,
                        own,
                        "to all later ones" if forwards else "to earlier ones",
                    )
        if length not in case.y.shape:
            own = f"at the last place of axis {j} of {name}"
            yield when == length - 1, when < length - 1, own, BEFORE


def carried(case: Case) -> Iterator[Mistake]:
    """Right within each step, wrong on the way to the steps before it."""
    for own, earlier, words, others in steps_of(case):
        wrong = np.count_nonzero(case.wrong & earlier)
        all_of_them = wrong == np.count_nonzero(case.wrong) > 2
        few_right = wrong >= 9 * np.count_nonzero(case.right & earlier)
        if all_of_them and few_right and np.count_nonzero(case.right & own) > 1:
            text = (
                f"it is right {words}, wrong {others}: what is handed from one step to the one "
                "before it is wrong"
            )
            yield Mistake("carried", text)
            return


def within_a_step(case: Case) -> Iterator[Mistake]:
    """A factor is wrong within each step, and again in each step on the way back."""
    for own, earlier, words, others in steps_of(case):
        if np.count_nonzero(case.wrong & own) < 4 or not np.any(case.wrong & earlier):
            continue
        simple = factor(case, own) if others != BEFORE else None
        for found in [simple] if simple is not None else chain_factors(case, own):
            yield Mistake(found.kind, f"{words}, {found.text.split(':')[0]}, and so in each step")
            return


def plural(count: int, word: str) -> str:
    return f"{count} {word}" + "s" * (count != 1)


def initial_state(case: Case) -> Words | None:
    """Of the first state, only the first results are differentiated."""
    for i, length in enumerate(case.y.shape):
        later = np.indices(case.y.shape)[i].reshape(-1, 1)
        steady = length not in case.x.shape  # the input has no time of its own
        for steps in range(1, length) if length > 2 and steady else ():
            if case.fits(np.where(later < steps, case.n, 0.0)):
                return {"steps": plural(steps, "step"), "axis": i}
    return None


# ------------------------------------------------------------------------------------ normalisation


def gain(case: Case) -> Words | None:
    """The Jacobian transposed, which is symmetric but for another input: the gain."""
    if case.x.shape != case.y.shape or not case.fits(case.n.T):
        return None
    for name, values in case.jacobian.others.items():
        try:
            along = np.broadcast_to(values, case.y.shape).reshape(-1, 1)
        except ValueError:
            continue
        kernel = case.n / along
        if np.all(abs(kernel - kernel.T) <= 1e-4 * np.nanmax(abs(kernel))):
            return {"gain": name}
    return None


def epsilon(case: Case) -> Words | None:
    """Each feature off by a factor that an ε inside or outside of the root explains."""
    if case.x.ndim == 0 or case.x.shape != case.y.shape or case.x.size < 4:
        return None
    count = case.n.shape[0]
    for axes in [(k,) for k in range(case.x.ndim)] + [tuple(range(1, case.x.ndim))]:
        if not axes or np.prod([case.x.shape[k] for k in axes]) < 2:
            continue
        var = case.x.var(axes, keepdims=True)
        v = np.broadcast_to(var, case.x.shape).reshape(-1)
        big = case.known & (abs(case.n) > 1e-2 * case.typical)
        if not big.all(axis=0).any() and not big.any(axis=1).all():
            continue
        ratio = np.array([np.median((case.a[i] / case.n[i])[big[i]]) for i in range(count)])
        for words, formula in EPSILONS.items():
            found = solved(formula, v, ratio)
            if found is None:
                continue
            if case.fits(case.n * formula(v, found)[:, None]) and found > 1e-12:
                return {"what": words, "epsilon": f"{found:.2g}"}
    return None


EPSILONS: dict[str, Callable[[Array, float], Array]] = {
    "sqrt(var) + ε where sqrt(var + ε) belongs": (lambda v, e: np.sqrt(v + e) / (np.sqrt(v) + e)),
    "sqrt(var + ε) where sqrt(var) + ε belongs": (lambda v, e: (np.sqrt(v) + e) / np.sqrt(v + e)),
    "sqrt(var) where sqrt(var + ε) belongs": lambda v, e: np.sqrt(v + e) / np.sqrt(v),
    "sqrt(var + ε) where sqrt(var) belongs": lambda v, e: np.sqrt(v) / np.sqrt(v + e),
}


def solved(factor: Callable[[Array, float], Array], v: Array, ratio: Array) -> float | None:
    """The ε for which a formula gives the ratios, by bisection on that of the smallest variance."""
    k = int(np.argmin(v))
    want = ratio[k] - 1
    low, high = 1e-13, 0.5 * float(v[k])

    def f(e: float) -> float:
        return float(factor(v[k : k + 1], e)[0]) - 1 - want

    if not np.isfinite(want) or f(low) * f(high) > 0:
        return None
    for _ in range(80):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if f(low) * f(middle) > 0 else (low, middle)
    return low


WHY = "weights of examples or classes, lengths, a mask"


def row_factors(case: Case) -> Words | None:
    """Each slice along an axis of the input has a factor of its own."""
    for axis, size in enumerate(case.x.shape):
        alone = size == case.x.size and (len(case.n) < 2 or case.x.shape == case.y.shape)
        if size < 2 or alone:
            continue
        place = np.indices(case.x.shape)[axis].reshape(1, -1)
        big = case.known & (abs(case.n) > 1e-3 * case.typical)
        ratio = np.where(big, case.a / case.n, np.nan)
        if not np.all([np.isfinite(ratio[:, place[0] == k]).any() for k in range(size)]):
            continue
        factors = np.array([np.nanmedian(ratio[:, place[0] == k]) for k in range(size)])
        own = np.all(abs(abs(factors) - 1) > 1e-3)
        if own and case.fits(case.n * factors[place]):
            for name, values in case.jacobian.others.items():
                for words, supposed in (("is missing", 1 / values), ("is there too often", values)):
                    if values.size == size and np.allclose(factors, supposed.reshape(-1), 1e-3):
                        return {
                            "name": "chain",
                            "axis": axis,
                            "factors": f"{name}, which {words}",
                            "why": WHY,
                        }
            some = ", ".join(f"{c:.4g}" for c in factors[:5]) + (", ..." if size > 5 else "")
            if np.all(abs(factors - 1) < 0.1):
                why = "an ε inside of a root, outside of it, or missing"
                return {"name": "epsilon", "axis": axis, "factors": some, "why": why}
            return {"axis": axis, "factors": some, "why": WHY}
    return None


def centre(case: Case) -> Words | None:
    """x where x less its mean belongs."""
    for axis in [*range(case.x.ndim), None]:
        less = case.x - case.x.mean(axis, keepdims=True)
        ratio = np.where(less == 0, np.nan, case.x / less).reshape(1, -1)
        if np.isfinite(ratio).all() and case.x.size > 2 and case.fits(case.n * ratio):
            return {}
    return None


HYPOTHESES = [
    Hypothesis("residual", residual, "it is off by the identity: {what}"),
    Hypothesis(
        "residual",
        direct_path,
        "only the way from each entry of {input} to its own entry of {output} is wrong, the others "
        "are right: a skip connection, or a gate times g?",
    ),
    Hypothesis("mean", centre, "{input} stands where {input} less its mean belongs"),
    Hypothesis(
        "gate",
        gate,
        "only block {k} of {count} along the last axis is wrong, that of a gate: {what}",
    ),
    Hypothesis(
        "gain",
        gain,
        "the gain {gain} stands outside of the sums: multiply g by {gain} first, then subtract the "
        "means",
    ),
    Hypothesis(
        "label smoothing",
        label_smoothing,
        "in each row, one entry is off by as much as all others together: the labels are smoothed "
        "in one of the passes only",
    ),
    Hypothesis(
        "label smoothing",
        constant_target,
        "its rows must sum to 0, and every entry is off by {value}: the even part of smoothed "
        "labels is missing, or there twice",
    ),
    Hypothesis("labels", labels, "its rows must sum to 0 (softmax, margins), and do not: {what}"),
    Hypothesis(
        "truncated",
        truncated,
        "nothing arrives from results more than {steps} away along axis {axis}: does the gradient "
        "of the state go on to the step before?",
    ),
    Hypothesis(
        "truncated",
        initial_state,
        "only the first {steps} of {output} (axis {axis}) arrive at it: does the gradient of the "
        "state go on to the step before?",
    ),
    Hypothesis(
        "assigned",
        assigned,
        "where several entries of the result depend on one of {input}, only the {which} "
        "contribution is there: add (+=, np.add.at), do not assign",
    ),
    Hypothesis(
        "assigned",
        counted_once,
        "what occurs up to {most} times is counted once: add up what belongs to a repeated index "
        "(np.add.at, not x[i] += g)",
    ),
    Hypothesis("window", window, "its windows are moved {what}"),
    Hypothesis(
        "weight decay",
        weight_decay,
        "it is off by {rate} times {power}{input}: weight decay, which one of the passes has "
        "twice or does not have?",
    ),
    Hypothesis("epsilon", epsilon, "it is computed with {what} (ε = {epsilon})"),
    Hypothesis(
        "row factors",
        row_factors,
        "along axis {axis} of {input} each slice has a factor of its own, {factors}: {why}?",
    ),
    Hypothesis(
        "mask",
        mask,
        "it goes on where {output} is set to 0 whatever {input} is: the mask is missing",
    ),
]
