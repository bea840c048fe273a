"""The comparison itself, for anything that can be evaluated and that claims a derivative."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from minigrad.testing import numerical
from minigrad.testing.causes import causes, listed, output_entry
from minigrad.testing.numeric import EPS, Numeric
from minigrad.testing.points import Stacked, guarded
from minigrad.testing.report import Diagnosis
from minigrad.testing.rounding import Otherwise, noise_within
from minigrad.testing.staircase import precision_inside
from minigrad.testing.ties import MOST, apart, within_ties
from minigrad.testing.verdicts import (
    Jacobian,
    Tolerance,
    Verdict,
    excuse_triangle,
    indexed,
    judge,
    position,
)

Array = Any

LOSSY = 1e4  # rounding errors, in last bits of the result, from which on digits cancel
PERTURBED = 2  # how often the analytic Jacobian is computed again at inputs changed in the last bit


@dataclass
class Problem:
    """A function and the derivative that it claims.

    names     of the inputs
    arrays    the inputs, float64; `evaluate` and `analytic` read them, the checker changes them in
              place and restores them
    outputs   name and shape of each output
    evaluate  the outputs at the current inputs, all in one flat float64 array
    analytic  the claimed Jacobian at the current inputs: for each input an array of shape
              (all output entries, entries of this input)
    eps       rounding of one operation inside the function; a larger one is noticed
    complex_evaluate  the outputs for inputs of which one is complex, if the function supports it
    otherwise  a context in which `evaluate` and `analytic` round every operation otherwise
    stacked   the outputs for many values of one input, along a new axis, if the function takes them
    """

    names: list[str]
    arrays: list[Array]
    outputs: list[tuple[str, tuple[int, ...]]]
    evaluate: Callable[[], Array]
    analytic: Callable[[], list[Array]]
    eps: float = EPS
    complex_evaluate: Callable[[int, Array], Array] | None = None
    otherwise: Otherwise | None = None
    stacked: Callable[[int, Array], Array] | None = None


def compare_all(
    problem: Problem, tolerance: Tolerance, step: float | None = None
) -> tuple[list[Jacobian], list[Array], list[Diagnosis]]:
    """A `Jacobian` for each pair of an input and an output, the analytic Jacobians, and notes.

    step     a fixed step for plain central differences; by default it is chosen
    """
    with np.errstate(all="ignore"):
        base = problem.evaluate()
        within = noise_within(problem.otherwise, base)
        eps, told = type_inside(problem, base, within)
        if eps > EPS:
            within = noise_within(problem.otherwise, base, eps)
            tolerance, problem.eps = tolerance.for_type(eps), eps
        noise = numerical.rounding_noise(problem.evaluate, problem.arrays, base, eps, within)
        analytic = problem.analytic()
        numerics = [
            differentiate(problem, k, base, noise, analytic[k], step, eps)
            for k in range(len(problem.arrays))
        ]
        lossy = bool(np.any(within > LOSSY * eps * abs(base)))
        wobble = wobbling(problem, analytic, tolerance.eps, lossy)
        natural = [natural_size(base, noise * (EPS / eps), x) for x in problem.arrays]
        verdicts = [
            judge(a, n, tolerance, natural[k], lambda k=k: wobble()[k])  # type: ignore[misc]
            for k, (a, n) in enumerate(zip(analytic, numerics))
        ]
        excused = []
        if step is None:
            excused = excuse_ties(problem, analytic, numerics, verdicts, noise)
        notes = told + excused + judge_ties(problem, analytic, numerics, verdicts, base, noise)
        notes += [
            note
            for k, (a, n, v) in enumerate(zip(analytic, numerics, verdicts))
            for note in causes(problem, k, v, a, n, base, noise)
        ]
    jacobians = []
    for k, name in enumerate(problem.names):
        start = 0
        for output, shape in problem.outputs:
            rows = slice(start, start + int(np.prod(shape)))
            start = rows.stop
            n = numerics[k]
            jacobians.append(
                Jacobian(
                    input=name,
                    output=output,
                    x=problem.arrays[k].copy(),
                    y=base[rows].reshape(shape),
                    analytic=analytic[k][rows],
                    numeric=n.value[rows],
                    error=n.error[rows],
                    verdict=verdicts[k][rows],
                    left=n.left[rows],
                    right=n.right[rows],
                )
            )
    for name in dict.fromkeys(j.input for j in jacobians if excuse_triangle(j)):
        text = (
            f"inconclusive: the function reads only one triangle of {name}; its gradient is right "
            f"for changes that keep {name} symmetric"
        )
        notes.append(Diagnosis("one triangle", text, name))
    return jacobians, analytic, notes


def type_inside(problem: Problem, base: Array, within: Array) -> tuple[float, list[Diagnosis]]:
    """The rounding of the type in which the function computes, and a note if that is hidden.

    within   the noise of the operations inside: where digits cancel, every function is a staircase
    """
    if problem.eps > EPS or np.any(within > LOSSY * EPS * abs(base)):
        return problem.eps, []
    # all inputs at once, then each by itself: it may be one alone that is rounded
    alone = [[x] for x in problem.arrays if x.size] if len(problem.arrays) > 1 else []
    found = (precision_inside(problem.evaluate, some, base) for some in (problem.arrays, *alone))
    inside = next((precision for precision in found if precision is not None), None)
    if inside is None:
        return problem.eps, []
    text = (
        f"the function computes in {inside.name} inside: its gradients are judged as those of "
        f"{inside.name} numbers"
    )
    return inside.eps, [Diagnosis("precision", text)]


def judge_ties(
    problem: Problem,
    analytic: list[Array],
    numerics: list[Numeric],
    verdicts: list[Array],
    base: Array,
    noise: Array,
) -> list[Diagnosis]:
    """Make the kinks wrong whose gradients do not fit together; a note on each such output."""
    notes = []
    for i, claimed, true in apart(
        problem.evaluate, problem.arrays, analytic, numerics, base, noise, problem.eps
    ):
        for verdict, numeric in zip(verdicts, numerics):
            verdict[i, numeric.at_kink[i] & (verdict[i] == Verdict.KINK)] = Verdict.WRONG
        text = (
            f"where entries are tied, their gradients must fit together: with the tied entries "
            f"moved together, {output_entry(problem, i)} has slope {true:.4g}, and the gradient "
            f"gives {claimed:.4g}"
        )
        notes.append(Diagnosis("tie", text))
    return notes


def excuse_ties(
    problem: Problem,
    analytic: list[Array],
    numerics: list[Numeric],
    verdicts: list[Array],
    noise: Array,
) -> list[Diagnosis]:
    """Count wrong entries as kinks where they are a valid subgradient at a tie, and note it."""
    notes = []
    for k, (verdict, numeric) in enumerate(zip(verdicts, numerics)):
        wrong = verdict == Verdict.WRONG
        for i in np.flatnonzero(wrong.any(axis=1))[:MOST]:
            excused = within_ties(
                problem.evaluate, problem.arrays, k, int(i), wrong[i], analytic[k], noise,
                problem.eps,
            )  # fmt: skip
            if excused is not None:
                entries, low, high = excused
                verdict[i, entries] = Verdict.KINK
                numeric.left[i, entries], numeric.right[i, entries] = low, high
                name, x = problem.names[k], problem.arrays[k]
                places = [indexed(name, position(int(j), x.shape)) for j in np.flatnonzero(entries)]
                text = (
                    f"the gradient of {output_entry(problem, int(i))} is taken as right at "
                    f"{listed(places)} only because these entries are equal, and it is that of one "
                    "of their orders; check at other numbers"
                )
                notes.append(Diagnosis("tie", text, name))
    return notes


def natural_size(base: Array, noise: Array, x: Array) -> Array:
    """For each output, the size that its derivatives for x have where nothing cancels.

    An output that is small because something cancelled inside has more noise than its size tells:
    then the numbers inside were as large as the inputs, at least.
    """
    largest = np.max(abs(x), initial=0.0) or np.inf
    return np.fmax(abs(base), np.fmin(noise / EPS, largest)) / largest


def differentiate(
    problem: Problem,
    k: int,
    base: Array,
    noise: Array,
    expected: Array,
    step: float | None,
    eps: float,
) -> Numeric:
    """The numeric Jacobian of input `k`."""
    flat = problem.arrays[k].reshape(-1)
    if step is not None:
        return central(problem.evaluate, flat, base.size, step)
    by_complex_step = complex_columns(problem, k, base)
    stacked: Stacked | None = None
    if problem.stacked is not None:
        stacked = partial(problem.stacked, k)
    return numerical.jacobian(
        problem.evaluate, flat, base, noise, expected, by_complex_step, eps, stacked
    )


def central(evaluate: Callable[[], Array], x: Array, m: int, step: float) -> Numeric:
    """Plain central differences with a given step."""
    result = Numeric.empty((m, x.size))
    for j in range(x.size):
        entry = x[j]
        x[j] = entry + step
        above = guarded(evaluate, m)
        x[j] = entry - step
        result.value[:, j] = (above - guarded(evaluate, m)) / (2 * step)
        x[j] = entry
    result.error[...] = 0.0
    return result


def complex_columns(problem: Problem, k: int, base: Array) -> Callable[[int], Array] | None:
    """Columns by a complex step, if the function means the same by complex numbers."""
    evaluate = problem.complex_evaluate
    if evaluate is None or problem.arrays[k].size == 0:
        return None
    x = problem.arrays[k]
    tiny = 1e-30

    def along(direction: Array) -> Array:
        return evaluate(k, x + 1j * tiny * direction)

    direction = np.random.default_rng(k).standard_normal(x.shape)
    try:
        tried = along(direction)
    except (TypeError, ValueError, ArithmeticError, np.linalg.LinAlgError):
        return None
    if not np.iscomplexobj(tried) or not np.allclose(tried.real, base, rtol=1e-12, atol=0):
        return None
    before = x.copy()
    h = 1e-6 * max(1.0, float(np.max(abs(x))))
    x += h * direction
    above = guarded(problem.evaluate, base.size)
    x[...] = before - h * direction
    below = guarded(problem.evaluate, base.size)
    x[...] = before
    if not np.allclose(tried.imag / tiny, (above - below) / (2 * h), rtol=1e-4, atol=1e-6):
        return None

    def column(j: int) -> Array:
        unit = np.zeros(x.shape)
        unit.reshape(-1)[j] = 1.0
        return along(unit).imag / tiny

    return column


def wobbling(
    problem: Problem, analytic: list[Array], eps: float, lossy: bool
) -> Callable[[], list[Array]]:
    """How much the analytic Jacobians change when all inputs change in their last bit.

    lossy   digits cancel inside the function: then its operations are rounded otherwise as well
    """

    @cache
    def changes() -> list[Array]:
        rng = np.random.default_rng(1)
        largest = [np.zeros_like(a) for a in analytic]
        for _ in range(PERTURBED):
            with perturbed(problem.arrays, eps, rng):
                largest = larger_change(problem.analytic(), analytic, largest)
            if lossy and problem.otherwise is not None:
                # not with code that does not take a subclass of an array
                with suppress(Exception), problem.otherwise(rng, eps):
                    largest = larger_change(problem.analytic(), analytic, largest)
        return largest

    return changes


@contextmanager
def perturbed(arrays: list[Array], eps: float, rng: np.random.Generator) -> Iterator[None]:
    """All entries changed by ``eps``, relative, up or down at random."""
    before = [x.copy() for x in arrays]
    try:
        for x in arrays:
            x *= 1 + eps * rng.choice([-1.0, 1.0], x.shape)
        yield
    finally:
        for x, values in zip(arrays, before):
            x[...] = values


def larger_change(now: list[Array], then: list[Array], so_far: list[Array]) -> list[Array]:
    """The largest changes so far, `now` against `then` included."""
    if any(a.shape != b.shape for a, b in zip(now, then)):
        return [np.full_like(b, np.inf) for b in then]
    return [np.fmax(m, abs(a - b)) for m, a, b in zip(so_far, now, then)]
