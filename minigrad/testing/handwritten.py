"""``check_vjp``: a backward pass written by hand in NumPy, checked and diagnosed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.pytrees import describe, flatten, leaves_of, paths_of
from minigrad.testing.arguments import argument_names, check_tolerances, distinct
from minigrad.testing.combinations import COMBINATIONS, COMBINED, random_combinations
from minigrad.testing.compare import Problem, compare_all
from minigrad.testing.diagnosis import diagnose
from minigrad.testing.forms import (
    check_signature,
    exchanged,
    is_float,
    kind_of,
    leaves_for,
    listed,
    rounding_of,
    squeezed,
    wrong_form,
    wrong_order,
)
from minigrad.testing.linearity import (
    NotMultiplied,
    join,
    not_additive,
    not_multiplied,
    typical_size,
)
from minigrad.testing.numeric import EPS
from minigrad.testing.points import guarded
from minigrad.testing.report import (
    NOT_LINEAR,
    Diagnosis,
    GradientError,
    Report,
    mostly_unverified,
    unverified,
)
from minigrad.testing.rounding import shaken
from minigrad.testing.state import Passes, hidden_state
from minigrad.testing.verdicts import Tolerance, Verdict

Array = Any
Seed = int | Callable[[], Any] | None
COMPARABLE = {"changes cache"}  # faults of state that leave the gradient of one call what it is


def check_vjp(
    f: Callable[..., Any],
    vjp: Callable[..., Any],
    inputs: Any,
    *,
    atol: float = 0.0,
    rtol: float = 1e-6,
    seed: Seed = None,
    accept_unverified: bool = False,
    raise_exception: bool = False,
) -> Report:
    """Compare a hand-written backward pass with finite differences of its forward pass.

    f        the forward pass: a function of NumPy arrays that returns an array, a number, or
             tuples, lists and dicts of them
    vjp      the backward pass: ``vjp(g, *inputs)`` returns the gradient of ``sum(g * f(*inputs))``
             for each input, as a tuple (or one array for one input).  None for an input that needs
             no gradient: it is not checked, and a note says so if the result depends on it.
             ``g``, the gradient of the result, has the form of what `f` returns.  `f` is called
             before each call of `vjp`, so layers that keep what their backward needs can be checked
    inputs   the arrays, a tuple or a list, or a dict of names to arrays that are passed in its
             order; then `vjp` may return a dict, too. An input may itself be a dict, list or tuple
             of arrays (``params["W"]``), and its gradient has the same form. Integer arrays are
             passed on and not checked.
    atol, rtol  accepted difference, absolute and relative, beside the estimated error
    seed     for passes that draw random numbers: before each forward pass, NumPy's global ones are
             seeded with it, or it is called
    accept_unverified  let a report be ok where more entries could not be judged than could
    raise_exception  raise a GradientError if something is wrong

    Returns  a `Report`; ``print(report)`` says what is wrong.
    Raises   TypeError if no input is a floating-point array, a pass takes other arguments, or
             returns no arrays; ValueError if `vjp` returns another number of gradients, or other
             keys, or a tolerance is negative; GradientError with `raise_exception`.
    Example  >>> import minigrad as mg
             >>> def backward(g, x, w):
             ...     return g @ w.T, x.T @ g / 2
             >>> x, w = np.ones((2, 3)), np.ones((3, 4))
             >>> report = mg.testing.check_vjp(lambda x, w: x @ w, backward, (x, w))
             >>> [diagnosis.kind for diagnosis in report.diagnoses]
             ['factor']
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    check_tolerances("check_vjp", atol, rtol)
    written = Handwritten(f, vjp, inputs, seed)
    report = Report(problems=written.form())
    report.notes += written.notes
    report.not_compared = written.refused
    if written.comparable:
        compare(written, report, accept_unverified, Tolerance(rtol, atol).for_type(written.eps))
    else:
        report.diagnoses += report.problems
    if raise_exception and not report.ok:
        raise GradientError(report)
    return report


def compare(
    written: Handwritten, report: Report, accept_unverified: bool, tolerance: Tolerance
) -> None:
    """The comparison of all entries, what is wrong beside them, and the diagnoses."""
    problem = written.problem()
    report.jacobians, analytic, notes = compare_all(problem, tolerance)
    report.notes += notes
    written.eps = max(written.eps, problem.eps)
    values = dict(zip(problem.names, [x.copy() for x in problem.arrays]))
    for jacobian in report.jacobians:
        jacobian.others = {k: v for k, v in values.items() if k != jacobian.input}
    without_g = written.not_multiplied()
    report.problems += without_g.diagnoses() or written.linearity(analytic)
    explained = {problem.input for problem in report.problems if problem.kind in NOT_LINEAR}
    explained |= {*without_g.wholly, *without_g.partly}
    if report.count(Verdict.WRONG) == 0 and not accept_unverified:
        report.problems += unverified(report) or mostly_unverified(report)
    unexplained = [j for j in report.jacobians if j.input not in explained]
    report.diagnoses += [*report.problems, *diagnose(unexplained)]


def owned(value: Any) -> Any:
    """An argument as the checker passes it on: floating-point numbers as float64, arrays copied."""
    return np.array(value, np.float64) if is_float(value) else copied(value)


def copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def units(count: int) -> Iterator[Array]:
    """The rows of the identity, one at a time: together they might not fit into memory."""
    for i in range(count):
        unit = np.zeros(count)
        unit[i] = 1.0
        yield unit


class Handwritten:
    """A forward and a backward pass in NumPy, on float64 copies of the inputs."""

    def __init__(
        self, f: Callable[..., Any], vjp: Callable[..., Any], inputs: Any, seed: Seed = None
    ) -> None:
        self.f, self.vjp, self.seed = f, vjp, seed
        self.keys = list(inputs) if isinstance(inputs, dict) else None
        if isinstance(inputs, dict):
            self.given = tuple(inputs.values())
        else:
            self.given = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
        leaves, self.rebuild = flatten(self.given)
        names = argument_names(f, self.given)
        if self.keys is not None:
            names = [path for k, x in zip(self.keys, self.given) for path in paths_of(x, str(k))]
        # the leaves of the arguments, one flat list: copies, for either pass might change them
        self.arguments = [owned(x) for x in leaves]
        self.positions = [
            i
            for i, x in enumerate(self.arguments)
            if isinstance(x, np.ndarray) and x.dtype.kind == "f"
        ]
        if not self.positions:
            kinds = ", ".join(f"{n}: {kind_of(x)}" for n, x in zip(names, leaves))
            raise TypeError(
                f"check_vjp: none of the inputs is a floating-point array ({kinds}); make one "
                "with np.array(x, float)"
            )
        self.floats = tuple(self.positions)
        self.names = distinct([names[i] for i in self.positions])
        self.arrays = [self.arguments[i] for i in self.positions]
        self.types = [np.asarray(leaves[i]).dtype for i in self.positions]
        self.notes: list[Diagnosis] = []
        self.refused: list[str] = []  # inputs whose gradients have a form that cannot be compared
        self.comparable = True  # whether there is an input whose gradient has the right form
        self.combine: Array | None = None

    def call(self, arguments: Sequence[Any]) -> Any:
        if callable(self.seed):
            self.seed()
        elif self.seed is not None:
            np.random.seed(self.seed)  # noqa: NPY002  # what hand-written layers draw from
        return self.f(*self.rebuild(list(arguments)))

    def run(self, arguments: Sequence[Any]) -> list[Array]:
        return [np.asarray(y) for y in leaves_of(self.call(arguments))]

    def evaluate(self) -> Array:
        return self.combined(self.run(self.arguments)).astype(np.float64)

    def combined(self, outputs: Sequence[Array]) -> Array:
        """All outputs in one flat array, or their random combinations."""
        flat = np.concatenate([y.reshape(-1) for y in outputs])
        return flat if self.combine is None else self.combine @ flat

    @contextmanager
    def rounded_otherwise(self, rng: np.random.Generator, amplitude: float) -> Any:
        """Within, both passes run on arrays whose operations are rounded at random."""
        before = self.arguments
        self.arguments = [
            shaken(x, rng, amplitude) if i in self.floats else x for i, x in enumerate(before)
        ]
        try:
            yield self.evaluate
        finally:
            self.arguments = before

    def complex_evaluate(self, k: int, changed: Array) -> Array:
        """The outputs for a complex input; TypeError if `f` takes none, however it says so."""
        arguments = list(self.arguments)
        arguments[self.positions[k]] = changed
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                return self.combined(self.run(arguments))
        except Exception as error:  # an assertion, an index: it was not written for this
            raise TypeError("the forward pass takes no complex numbers") from error

    def pull_back(self, flat: Array) -> list[Any]:
        """What `vjp` returns for the checked inputs, for a cotangent given as one flat array."""
        self.call(self.arguments)  # a layer may keep what its backward pass needs
        return self.backward(flat)

    def backward(self, flat: Array) -> list[Any]:
        """The same, without a forward pass before."""
        flat = flat.copy()  # the backward pass may change it in place
        parts, start = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            parts.append(flat[start : start + size].reshape(shape))
            start += size
        returned = self.vjp(self.rebuild_output(parts), *self.rebuild(self.arguments))
        if returned is None:
            raise TypeError("check_vjp: the backward pass returned None: is a return missing?")
        each = listed(returned, self.given, self.keys)
        gradients = [
            g
            for argument, name, gradient in zip(self.given, self.titles(), each)
            for g in leaves_for(argument, gradient, name)
        ]
        return [gradients[i] for i in self.positions]

    def argument_list(self) -> str:
        """The arguments as they stand in a call: ``x, w``."""
        names = self.keys or argument_names(self.f, [None] * len(self.given))
        return ", ".join(
            str(name) if str(name).isidentifier() else f"inputs[{i}]"
            for i, name in enumerate(names)
        )

    def titles(self) -> list[str]:
        return [str(k) for k in self.keys or range(len(self.given))]

    def form(self) -> list[Diagnosis]:
        """What is wrong before any number is looked at: shapes, determinism, changed inputs."""
        check_signature(self.f, "forward pass", self.given, f"f({self.argument_list()})")
        self.look_at_outputs(self.call([copied(x) for x in self.arguments]))
        check_signature(
            self.vjp,
            "backward pass",
            (None, *self.given),
            f"vjp(g, {self.argument_list()}), where g is the gradient of the result",
        )
        problem = self.forward_problem()
        if problem is not None:
            self.comparable = False
            return [problem]
        before = [copied(x) for x in self.arguments]
        # large numbers: cut down to whole ones they would not all be zero
        v = 100 * np.random.default_rng(0).standard_normal(self.base.size)
        gradients = self.pull_back(v)
        changed = self.restore(before)
        found = [
            Diagnosis("in-place", f"the backward pass changes {name} in place", name)
            for name, i in zip(self.names, self.positions)
            if i in changed
        ]
        unwanted = self.unwanted(gradients)
        if len(unwanted) == len(gradients):
            found.append(Diagnosis("unverified", "None was returned for every input"))
        refused = {k for k, i in enumerate(self.positions) if i in changed}
        for k, diagnosis in self.wrong_forms(gradients):
            if diagnosis.kind == "precision":
                self.notes.append(diagnosis)
                continue
            found += [diagnosis] if diagnosis not in found else []
            same = squeezed(np.shape(gradients[k])) == squeezed(self.arrays[k].shape)
            if diagnosis.kind != "shape" or not same:
                refused.add(k)  # else the numbers can be compared all the same
        self.refused = [self.names[k] for k in sorted(refused)]
        kept = [k for k in range(len(gradients)) if k not in refused | unwanted]
        self.eps = max([EPS, *[rounding_of(gradients[k]) for k in kept]])
        self.eps = max(self.eps, self.precision_of_backward(v, gradients))
        self.positions = [self.positions[k] for k in kept]
        self.names, self.arrays = [self.names[k] for k in kept], [self.arrays[k] for k in kept]
        self.comparable = bool(kept)
        if kept and not changed and "dtype" not in [d.kind for d in found]:
            found += self.state(v)
        return found

    def state(self, v: Array) -> list[Diagnosis]:
        """What the passes keep from one call to the next; then no gradient can be compared."""
        passes = Passes(self.evaluate, self.backward, self.pull_back, self.names)
        found = hidden_state(passes, v)
        self.comparable = all(diagnosis.kind in COMPARABLE for diagnosis in found)
        return found

    def precision_of_backward(self, v: Array, gradients: Sequence[Any]) -> float:
        """The rounding of the backward pass: of a third of `v`, a linear one makes a third.

        0 if it is not one.
        """
        off = 0.0
        with np.errstate(all="ignore"):
            for whole, third in zip(gradients, self.pull_back(v / 3)):
                if whole is None or np.shape(whole) != np.shape(third) or not np.size(whole):
                    continue
                size = float(np.max(abs(np.asarray(whole))))
                difference = float(np.max(abs(np.subtract(whole, 3.0 * np.asarray(third)))))
                off = max(off, difference / size if size else 0.0)
        types = [np.finfo(t).eps for t in ("float32", "float16")]
        return next((float(eps) for eps in types if 1e-3 * eps < off < 16 * eps), 0.0)

    def unwanted(self, gradients: Sequence[Any]) -> set[int]:
        """Inputs for which None was returned, though the result depends on them; with a note."""
        found = {k for k, g in enumerate(gradients) if g is None and self.depends_on(k)}
        if found:
            names = join([self.names[k] for k in sorted(found)])
            text = f"None was returned for {names}, on which the result depends: not checked"
            self.notes.append(Diagnosis("not checked", text))
        return found

    def depends_on(self, k: int) -> bool:
        """Whether the result is another one for other numbers of input `k`."""
        x = self.arrays[k]
        before = x.copy()
        x += 1e-3 * (1 + abs(x)) * np.random.default_rng(4).standard_normal(x.shape)
        with np.errstate(all="ignore"):
            values = guarded(self.evaluate, self.base.size)
        x[...] = before
        return not np.array_equal(values, self.base, equal_nan=True)

    def wrong_forms(self, gradients: Sequence[Any]) -> Iterator[tuple[int, Diagnosis]]:
        """What is wrong with the shapes and types, and of which input."""
        want = [x.shape for x in self.arrays]
        got = [x.shape if g is None else np.shape(g) for x, g in zip(self.arrays, gradients)]
        group = exchanged(want, got)
        for k in group:
            yield k, wrong_order(group, self.names, got)
        for k, (name, x, g) in enumerate(zip(self.names, self.arrays, gradients)):
            for diagnosis in [] if k in group else wrong_form(name, x, self.types[k], g):
                yield k, diagnosis

    def look_at_outputs(self, returned: Any) -> None:
        """Note the form of what the forward pass returned, and refuse what is not real numbers."""
        leaves, self.rebuild_output = flatten(returned)
        outputs = [np.asarray(y) for y in leaves]
        wrong = [y for y, array in zip(leaves, outputs) if array.dtype.kind not in "fiub"]
        if wrong or not outputs:
            kind = kind_of(wrong[0]) if wrong else describe(returned)
            hint = "is a return missing?" if returned is None else "real numbers are checked"
            raise TypeError(f"check_vjp: the forward pass returned {kind}: {hint}")
        self.output_names = paths_of(returned, "out")
        self.shapes = [y.shape for y in outputs]
        self.forward_eps = max([EPS, *[rounding_of(y) for y in outputs]])
        self.base = np.concatenate([y.reshape(-1) for y in outputs]).astype(np.float64)

    def forward_problem(self) -> Diagnosis | None:
        """What keeps the forward pass from being a function of its inputs."""
        before = [copied(x) for x in self.arguments]
        again = self.evaluate()
        changed = self.restore(before)
        if changed:
            names = [n for n, i in zip(self.names, self.positions) if i in changed]
            name = names[0] if names else f"input {changed[0]}"
            text = (
                f"the forward pass changes its input {name} in place, so that the backward pass "
                "meets other numbers; let it change a copy, .copy()"
            )
            return Diagnosis("in-place", text, name)
        if not np.array_equal(again, self.base, equal_nan=True):
            text = (
                "the forward pass is not deterministic: two calls with the same inputs return "
                "different values; seed its random numbers, with seed= or inside the function"
            )
            return Diagnosis("non-deterministic", text)
        return None

    def restore(self, before: list[Any]) -> list[int]:
        """Undo changes of the arguments; which of them had changed."""
        changed = []
        for i, (x, old) in enumerate(zip(self.arguments, before)):
            if isinstance(x, np.ndarray) and not np.array_equal(x, old, equal_nan=is_float(x)):
                changed.append(i)
                x[...] = old
        return changed

    def problem(self) -> Problem:
        outputs = list(zip(self.output_names, self.shapes))
        self.combine = random_combinations(self.base.size, self.arrays)
        if self.combine is not None:
            outputs = [(COMBINED, (COMBINATIONS,))]
        return Problem(
            self.names, self.arrays, outputs, self.evaluate, self.jacobians, self.forward_eps,
            complex_evaluate=self.complex_evaluate, otherwise=self.rounded_otherwise,
        )  # fmt: skip

    def jacobians(self) -> list[Array]:
        cotangents = units(self.base.size) if self.combine is None else self.combine
        rows = [self.flat_gradients(cotangent) for cotangent in cotangents]
        return [
            np.array([row[k] for row in rows], np.float64).reshape(len(rows), x.size)
            for k, x in enumerate(self.arrays)
        ]

    def flat_gradients(self, cotangent: Array) -> list[Array]:
        gradients = self.pull_back(cotangent)
        return [
            np.zeros(x.size) if g is None else np.array(g, np.float64).reshape(-1)
            for g, x in zip(gradients, self.arrays)
        ]

    def not_multiplied(self) -> NotMultiplied:
        """Which gradients are there without a gradient of the result."""
        v = np.random.default_rng(1).standard_normal(self.base.size)
        with np.errstate(all="ignore"):
            without, given = self.flat_gradients(np.zeros_like(v)), self.flat_gradients(v)
        return not_multiplied(self.names, without, given)

    def linearity(self, analytic: Sequence[Array]) -> list[Diagnosis]:
        """For a random cotangent, the backward pass must return that combination of the rows."""
        weights = np.random.default_rng(2).standard_normal(len(analytic[0]))
        with np.errstate(all="ignore"):
            v = weights if self.combine is None else weights @ self.combine
            gradients = self.flat_gradients(v)
        found = []
        for name, x, a, g in zip(self.names, self.arrays, analytic, gradients):
            with np.errstate(all="ignore"):
                expected, size = weights @ a, abs(weights) @ abs(a)
            # a gradient may be nothing but rounding errors, as that of softmax(x).sum()
            rounding = max(1e-12, 64 * self.eps) if self.eps > EPS else 1e-12
            rounding *= np.nanmax(size, initial=typical_size(self.base, x))
            allowed = max(1e-9, 16 * self.eps) * size + rounding
            if not np.all((abs(g - expected) <= allowed) | ~np.isfinite(g)):
                found.append(not_additive(name))
        return found
