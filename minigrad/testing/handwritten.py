"""``check_vjp``: a backward pass written by hand in NumPy, checked and diagnosed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.pytrees import leaves_of
from minigrad.testing.arguments import argument_names
from minigrad.testing.compare import Problem, compare_all
from minigrad.testing.diagnosis import diagnose
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

    f        the forward pass: a function of NumPy arrays that returns an array, a number, or a
             tuple
    vjp      the backward pass: ``vjp(g, *inputs)`` returns the gradient of ``sum(g * f(*inputs))``
             for each input, as a tuple (or one array for one input); None where there is none.
             ``g`` has the shape of the output, and is a tuple if `f` returns one.
    inputs   the arrays, a tuple or a list, or a dict of names to arrays that are passed in its
             order. Integer arrays are passed on and not checked.
    atol, rtol  accepted difference, absolute and relative, beside the estimated error
    raise_exception  raise a GradientError if something is wrong

    Returns  a `Report`; ``print(report)`` says what is wrong.
    Raises   TypeError if no input is a floating-point array; ValueError if `vjp` returns another
             number of gradients; GradientError with `raise_exception`.
    Example  >>> import minigrad as mg
             >>> def backward(g, x, w):
             ...     return g @ w.T, x.T @ g / 2
             >>> x, w = np.ones((2, 3)), np.ones((3, 4))
             >>> report = mg.testing.check_vjp(lambda x, w: x @ w, backward, (x, w))
             >>> [diagnosis.kind for diagnosis in report.diagnoses]
             ['factor']
    """
    written = Handwritten(f, vjp, inputs)
    report = Report(problems=written.form())
    if written.comparable():
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


class Handwritten:
    """A forward and a backward pass in NumPy, on float64 copies of the inputs."""

    def __init__(self, f: Callable[..., Any], vjp: Callable[..., Any], inputs: Any) -> None:
        self.f, self.vjp = f, vjp
        if isinstance(inputs, dict):
            names, arguments = list(inputs), tuple(inputs.values())
        else:
            arguments = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
            names = argument_names(f, arguments)
        self.arguments = [
            np.array(x, np.float64) if np.asarray(x).dtype.kind == "f" else x for x in arguments
        ]
        self.positions = [
            i
            for i, x in enumerate(self.arguments)
            if isinstance(x, np.ndarray) and x.dtype.kind == "f"
        ]
        if not self.positions:
            raise TypeError("check_vjp: none of the inputs is a floating-point array")
        self.floats = tuple(self.positions)
        self.names = [names[i] for i in self.positions]
        self.arrays = [self.arguments[i] for i in self.positions]

    def run(self, arguments: Any) -> list[Array]:
        return [np.asarray(y) for y in leaves_of(self.f(*arguments))]

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
        arguments = list(self.arguments)
        arguments[self.positions[k]] = changed
        return np.concatenate([y.reshape(-1) for y in self.run(arguments)])

    def pull_back(self, flat: Array) -> list[Any]:
        """What `vjp` returns for the checked inputs, for a cotangent given as one flat array."""
        flat = flat.copy()  # the backward pass may change it in place
        parts, start = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            parts.append(flat[start : start + size].reshape(shape))
            start += size
        g = tuple(parts) if self.several else parts[0]
        gradients = self.vjp(g, *self.arguments)
        listed = list(gradients) if isinstance(gradients, (tuple, list)) else [gradients]
        if len(listed) != len(self.arguments) and len(listed) == len(self.floats):
            by_position = dict(zip(self.floats, listed))
            listed = [by_position.get(i) for i in range(len(self.arguments))]
        if len(listed) != len(self.arguments):
            raise ValueError(
                f"check_vjp: the backward pass returned {len(listed)} gradients for "
                f"{len(self.arguments)} inputs"
            )
        return [listed[i] for i in self.positions]

    def form(self) -> list[Diagnosis]:
        """What is wrong before any number is looked at: shapes, determinism, changed inputs."""
        before = [x.copy() for x in self.arrays]
        returned = self.f(*self.arguments)
        self.several = isinstance(returned, (tuple, list))
        outputs = [np.asarray(y) for y in leaves_of(returned)]
        self.shapes = [y.shape for y in outputs]
        self.base = np.concatenate([y.reshape(-1) for y in outputs]).astype(np.float64)
        self.size = self.base.size
        self.deterministic = np.array_equal(self.evaluate(), self.base, equal_nan=True)
        if not self.deterministic:
            text = "the forward pass is not deterministic: two calls return different values"
            return [Diagnosis("non-deterministic", text)]
        gradients = self.pull_back(np.random.default_rng(0).standard_normal(self.size))
        found = []
        for name, x, old, g in zip(self.names, self.arrays, before, gradients):
            if not np.array_equal(x, old, equal_nan=True):
                found.append(Diagnosis("in-place", f"{name} is changed in place", name))
            if g is not None and np.shape(g) != x.shape:
                found.append(Diagnosis(*self.wrong_shape(name, x.shape, np.shape(g)), name))
            x[...] = old
        faulty = {d.input for d in found}
        kept = [k for k, name in enumerate(self.names) if name not in faulty]
        self.positions = [self.positions[k] for k in kept]
        self.names, self.arrays = [self.names[k] for k in kept], [self.arrays[k] for k in kept]
        return found

    def comparable(self) -> bool:
        """Whether there is an input whose gradient has the right form."""
        return self.deterministic and bool(self.positions)

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
        names = ["out"] if not self.several else [f"out[{i}]" for i in range(len(self.shapes))]
        outputs = list(zip(names, self.shapes))
        return Problem(
            self.names, self.arrays, outputs, self.evaluate, self.jacobians,
            complex_evaluate=self.complex_evaluate, otherwise=self.rounded_otherwise,
        )  # fmt: skip

    def jacobians(self) -> list[Array]:
        rows = [self.flat_gradients(unit) for unit in np.eye(self.size)]
        return [
            np.array([row[k] for row in rows], np.float64).reshape(self.size, x.size)
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
        v = np.random.default_rng(2).standard_normal(self.size)
        with np.errstate(all="ignore"):
            rows, gradients = self.jacobians(), self.flat_gradients(v)
        for name, a, g in zip(self.names, rows, gradients):
            if not np.all((abs(g - v @ a) <= 1e-9 * (abs(v) @ abs(a))) | ~np.isfinite(g)):
                text = f"the gradient of {name} is not linear in the cotangent g"
                return [Diagnosis("nonlinear", text, name)]
        return []
