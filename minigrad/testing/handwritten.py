"""``check_vjp``: a backward pass written by hand in NumPy, checked and diagnosed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.pytrees import describe, flatten, leaves_of, paired, paths_of
from minigrad.testing.arguments import argument_names, check_tolerances, distinct
from minigrad.testing.compare import Problem, compare_all
from minigrad.testing.diagnosis import diagnose
from minigrad.testing.numerical import EPS
from minigrad.testing.report import Diagnosis, GradientError, Report, unverified
from minigrad.testing.rounding import shaken
from minigrad.testing.verdicts import Tolerance, Verdict

Array = Any


def check_vjp(
    f: Callable[..., Any],
    vjp: Callable[..., Any],
    inputs: Any,
    *,
    atol: float = 0.0,
    rtol: float = 1e-6,
    raise_exception: bool = False,
) -> Report:
    """Compare a hand-written backward pass with finite differences of its forward pass.

    f        the forward pass: a function of NumPy arrays that returns an array, a number, or
             tuples, lists and dicts of them
    vjp      the backward pass: ``vjp(g, *inputs)`` returns the gradient of ``sum(g * f(*inputs))``
             for each input, as a tuple (or one array for one input); None where there is none.
             ``g`` has the form of what `f` returns.  `f` is called before each call of `vjp`, so
             layers that keep what their backward needs can be checked.
    inputs   the arrays, a tuple or a list, or a dict of names to arrays that are passed in its
             order; then `vjp` may return a dict, too. An input may itself be a dict, list or tuple
             of arrays (``params["W"]``), and its gradient has the same form. Integer arrays are
             passed on and not checked.
    atol, rtol  accepted difference, absolute and relative, beside the estimated error
    raise_exception  raise a GradientError if something is wrong

    Returns  a `Report`; ``print(report)`` says what is wrong.
    Raises   TypeError if no input is a floating-point array, or a pass returns no arrays;
             ValueError if `vjp` returns another number of gradients, or other keys, or a tolerance
             is negative; GradientError with `raise_exception`.
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
    written = Handwritten(f, vjp, inputs)
    report = Report(problems=written.form())
    if written.comparable:
        problem = written.problem()
        report.jacobians, _, report.notes = compare_all(problem, Tolerance(rtol, atol))
        values = dict(zip(problem.names, [x.copy() for x in problem.arrays]))
        for jacobian in report.jacobians:
            jacobian.others = {k: v for k, v in values.items() if k != jacobian.input}
        if report.count(Verdict.WRONG) == 0:
            report.problems += written.linearity()
            report.problems += unverified(report)
    report.diagnoses += report.problems
    if report.count(Verdict.WRONG):
        report.diagnoses += diagnose(report.jacobians)
    if raise_exception and not report.ok:
        raise GradientError(report)
    return report


def is_float(value: Any) -> bool:
    return bool(np.asarray(value).dtype.kind == "f")


def owned(value: Any) -> Any:
    """An argument as the checker passes it on: floating-point numbers as float64, arrays copied."""
    return np.array(value, np.float64) if is_float(value) else copied(value)


def copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def kind_of(value: Any) -> str:
    """For messages: ``int64 array``, ``str``."""
    return f"{value.dtype} array" if isinstance(value, np.ndarray) else describe(value)


def rounding_of(gradient: Any) -> float:
    """The rounding of the type of an array; 0 for None and whole numbers."""
    return float(np.finfo(np.asarray(gradient).dtype).eps) if is_float(gradient) else 0.0


def fits(tree: Any, pattern: Any) -> bool:
    try:
        paired(tree, pattern)
    except ValueError:
        return False
    return True


def by_key(returned: dict[Any, Any], keys: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """The gradients of a dict in the order of the inputs; only integers may be left out."""
    unknown = [k for k in returned if k not in keys]
    if unknown:
        raise ValueError(
            f"check_vjp: the backward pass returned a gradient for {unknown[0]!r}, which is none "
            f"of the inputs {list(keys)}"
        )
    for k, x in zip(keys, given):
        if k not in returned and any(map(is_float, leaves_of(x))):
            raise ValueError(
                f"check_vjp: the backward pass returned no gradient for {k!r}; None says that "
                "there is none"
            )
    return [returned.get(k) for k in keys]


def leaves_for(argument: Any, gradient: Any, name: str) -> list[Any]:
    """The gradient for each leaf of an argument."""
    if not isinstance(argument, (dict, tuple, list)):
        return [gradient]
    if gradient is None:
        return [None] * len(leaves_of(argument))
    try:
        return [g for _, g, _ in paired(gradient, argument)]
    except ValueError as error:
        raise ValueError(
            f"check_vjp: the gradient of input {name} has not its form: {error}"
        ) from None


class Handwritten:
    """A forward and a backward pass in NumPy, on float64 copies of the inputs."""

    def __init__(self, f: Callable[..., Any], vjp: Callable[..., Any], inputs: Any) -> None:
        self.f, self.vjp = f, vjp
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
            listed = ", ".join(f"{n}: {kind_of(x)}" for n, x in zip(names, leaves))
            raise TypeError(
                f"check_vjp: none of the inputs is a floating-point array ({listed}); make one "
                "with np.array(x, float)"
            )
        self.floats = tuple(self.positions)
        self.names = distinct([names[i] for i in self.positions])
        self.arrays = [self.arguments[i] for i in self.positions]
        self.types = [np.asarray(leaves[i]).dtype for i in self.positions]
        self.comparable = True  # whether there is an input whose gradient has the right form

    def call(self, arguments: Sequence[Any]) -> Any:
        return self.f(*self.rebuild(list(arguments)))

    def run(self, arguments: Sequence[Any]) -> list[Array]:
        return [np.asarray(y) for y in leaves_of(self.call(arguments))]

    def evaluate(self) -> Array:
        return np.concatenate([y.reshape(-1) for y in self.run(self.arguments)]).astype(np.float64)

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
                return np.concatenate([y.reshape(-1) for y in self.run(arguments)])
        except Exception as error:  # an assertion, an index: it was not written for this
            raise TypeError("the forward pass takes no complex numbers") from error

    def pull_back(self, flat: Array) -> list[Any]:
        """What `vjp` returns for the checked inputs, for a cotangent given as one flat array."""
        self.call(self.arguments)  # a layer may keep what its backward pass needs
        flat = flat.copy()  # the backward pass may change it in place
        parts, start = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            parts.append(flat[start : start + size].reshape(shape))
            start += size
        returned = self.vjp(self.rebuild_output(parts), *self.rebuild(self.arguments))
        if returned is None:
            raise TypeError("check_vjp: the backward pass returned None: is a return missing?")
        gradients = [
            g
            for argument, name, gradient in zip(self.given, self.titles(), self.listed(returned))
            for g in leaves_for(argument, gradient, name)
        ]
        return [gradients[i] for i in self.positions]

    def titles(self) -> list[str]:
        return [str(k) for k in self.keys or range(len(self.given))]

    def listed(self, returned: Any) -> list[Any]:
        """What `vjp` returned, one entry for each argument."""
        if self.keys is not None and isinstance(returned, dict):
            return by_key(returned, self.keys, self.given)
        count = len(self.given)
        if not isinstance(returned, (tuple, list)):
            found = [returned]
        elif count == 1 and fits(returned, self.given[0]):
            return [returned]
        else:
            found = list(returned)
        if len(found) != count:
            checked = [i for i, x in enumerate(self.given) if any(map(is_float, leaves_of(x)))]
            if len(found) != len(checked):
                names = "input" if count == 1 else "inputs"
                raise ValueError(
                    f"check_vjp: the backward pass returned {len(found)} gradients for {count} "
                    f"{names}: return one for each, as a tuple, None where there is none"
                )
            of = dict(zip(checked, found))
            found = [of.get(i) for i in range(count)]
        return found

    def form(self) -> list[Diagnosis]:
        """What is wrong before any number is looked at: shapes, determinism, changed inputs."""
        self.look_at_outputs(self.call([copied(x) for x in self.arguments]))
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
        kept = []
        for k, (name, x, g) in enumerate(zip(self.names, self.arrays, gradients)):
            wrong = self.wrong_form(name, x, self.types[k], g)
            found += wrong
            if self.positions[k] not in changed and all(d.kind == "precision" for d in wrong):
                kept.append(k)
        self.eps = max([EPS, *[rounding_of(gradients[k]) for k in kept]])
        self.positions = [self.positions[k] for k in kept]
        self.names, self.arrays = [self.names[k] for k in kept], [self.arrays[k] for k in kept]
        self.comparable = bool(kept)
        return found

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
                "different values; seed its random numbers inside the function"
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

    def wrong_form(self, name: str, x: Array, dtype: Any, gradient: Any) -> list[Diagnosis]:
        """Whether a gradient has the shape of its input, and a type that can hold it."""
        if gradient is None:
            return []
        g = np.asarray(gradient)
        if g.dtype.kind not in "fiubc":
            raise TypeError(
                f"check_vjp: the gradient of {name} is {kind_of(gradient)}; it is an array"
            )
        if g.shape != x.shape:
            return [Diagnosis(*self.wrong_shape(name, x.shape, g.shape), name)]
        text = f"the gradient of {name} is {g.dtype}, {name} is {dtype}: "
        if g.dtype.kind == "c":
            return [Diagnosis("dtype", text + "return its real part, .real", name)]
        if g.dtype.kind != "f" and np.any(g):
            return [Diagnosis("dtype", text + "it was cut down to whole numbers", name)]
        if rounding_of(g) > np.finfo(dtype).eps:
            return [Diagnosis("precision", text + "digits are lost on the way", name)]
        return []

    def wrong_shape(
        self, name: str, want: tuple[int, ...], got: tuple[int, ...]
    ) -> tuple[str, str]:
        text = f"the gradient of {name} has shape {got}, {name} has shape {want}"
        try:
            broadcast = np.broadcast_shapes(want, got) == got
        except ValueError:
            broadcast = False
        if broadcast and got != want:
            extra = len(got) - len(want)
            axes = [
                i for i in range(len(got)) if i < extra or (want[i - extra] == 1 and got[i] != 1)
            ]
            listed = axes[0] if len(axes) == 1 else tuple(axes)
            text += f": the sum over the broadcast axis is missing, g.sum(axis={listed})"
            return "missing sum", text
        if got == want[::-1]:
            return "transposed", text + ": it is transposed"
        return "shape", text

    def problem(self) -> Problem:
        outputs = list(zip(self.output_names, self.shapes))
        return Problem(
            self.names, self.arrays, outputs, self.evaluate, self.jacobians, self.forward_eps,
            complex_evaluate=self.complex_evaluate, otherwise=self.rounded_otherwise,
        )  # fmt: skip

    def jacobians(self) -> list[Array]:
        rows = [self.flat_gradients(unit) for unit in np.eye(self.base.size)]
        return [
            np.array([row[k] for row in rows], np.float64).reshape(self.base.size, x.size)
            for k, x in enumerate(self.arrays)
        ]

    def flat_gradients(self, cotangent: Array) -> list[Array]:
        gradients = self.pull_back(cotangent)
        return [
            np.zeros(x.size) if g is None else np.array(g, np.float64).reshape(-1)
            for g, x in zip(gradients, self.arrays)
        ]

    def linearity(self) -> list[Diagnosis]:
        """For a random cotangent, the backward pass must return that combination of the rows."""
        v = np.random.default_rng(2).standard_normal(self.base.size)
        with np.errstate(all="ignore"):
            rows, gradients = self.jacobians(), self.flat_gradients(v)
        tolerance = max(1e-9, 16 * self.eps)
        for name, a, g in zip(self.names, rows, gradients):
            if not np.all((abs(g - v @ a) <= tolerance * (abs(v) @ abs(a))) | ~np.isfinite(g)):
                text = f"the gradient of {name} is not linear in the cotangent g"
                return [Diagnosis("nonlinear", text, name)]
        return []
