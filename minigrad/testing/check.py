"""``check_gradients``: the gradients of a function of tensors, checked and diagnosed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.autograd.differentiate import grad
from minigrad.autograd.function import FunctionOp
from minigrad.graph import Variable, wrap
from minigrad.modes import enable_grad, no_grad
from minigrad.pytrees import describe, flatten, leaves_of, paths_of
from minigrad.random import get_rng_state
from minigrad.testing.arguments import (
    argument_names,
    check_tolerances,
    distinct,
    is_float,
    modules_of,
    parameters_of,
    random_modules,
    refuse,
    undisturbed,
)
from minigrad.testing.combinations import COMBINATIONS, COMBINED, random_combinations
from minigrad.testing.compare import Problem, compare_all
from minigrad.testing.consistency import narrowed, overwriting
from minigrad.testing.diagnosis import diagnose, without_derivative
from minigrad.testing.linearity import not_additive, not_multiplied, typical_size
from minigrad.testing.localise import Located, keeping_values, localise, name_cancellation, nodes_of
from minigrad.testing.numeric import EPS
from minigrad.testing.report import NOT_LINEAR, Diagnosis, GradientError, Report, unverified
from minigrad.testing.rounding import shaken
from minigrad.testing.verdicts import Tolerance, Verdict

Array = Any


def check_gradients(
    fn: Callable[..., Any],
    inputs: Any = (),
    *,
    params: Any = None,
    eps: float | None = None,
    atol: float = 0.0,
    rtol: float = 1e-6,
    raise_exception: bool = False,
    locate: bool = True,
) -> Report:
    """Compare the gradients of `fn` with finite differences, entry by entry, and say what is wrong.

    fn       a function of tensors that returns a tensor, or tuples, lists and dicts of them
    inputs   its arguments: a tuple of tensors (or lists, tuples, dicts of them, or anything else).
             Those that require grad are checked; if none does, and there are no `params`, all
             floating-point ones are.  float32 inputs are compared with differences of a float64
             copy.
    params   tensors that `fn` uses without taking them as arguments, to be checked, too: a Module,
             whose frozen parameters are left out, a dict or a list
    eps      a fixed step, for plain central differences; by default steps are chosen by entry
    atol, rtol  accepted difference, absolute and relative, beside the estimated error
    raise_exception  raise a GradientError if something is wrong
    locate   check each op of the function on its own, to name the one that is wrong

    Inputs, parameters, the buffers of modules that `fn` is, holds or names (the means of a batch
    norm), and minigrad's random numbers are afterwards as they were, bit for bit.

    Returns  a `Report`; ``report.ok`` says whether all is well, ``report.diagnoses`` what is not.
             What differences cannot judge is inconclusive, and ``report.notes`` say why; that is
             no failure, unless nothing but zeros could be verified.
    Raises   TypeError if no input is a floating-point tensor, or no output is a tensor;
             ValueError if `eps` is not positive or a tolerance is negative; GradientError with
             `raise_exception`.
    Example  >>> import minigrad as mg
             >>> @mg.op(lambda g, out: -g * out)
             ... def exponential(x):
             ...     return np.exp(x)
             >>> report = mg.testing.check_gradients(exponential, mg.tensor([0.5, 1.0]))
             >>> report.ok, report.diagnoses[0].kind
             (False, 'sign')
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    if eps is not None and not eps > 0:
        raise ValueError(
            f"check_gradients: eps={eps:g} is not a step; leave it out to have it chosen"
        )
    check_tolerances("check_gradients", atol, rtol)
    function = Function(fn, inputs, params)
    # steps go where the function overflows or is not defined
    with undisturbed(function.modules), np.errstate(all="ignore"):
        report = compare_with_differences(function, Tolerance(rtol, atol), eps)
        if not report.values_right():
            explain(function, report, locate)
        if locate:
            name_cancellation(function, report)
    report.notes += function.left_out
    if raise_exception and not report.ok:
        raise GradientError(report)
    return report


def compare_with_differences(function: Function, tolerance: Tolerance, eps: float | None) -> Report:
    """The comparison of all entries, and whatever is wrong beside them."""
    report = Report()
    with function.in_float64() as exact:
        report.problems += exact.determinism()
        if not report.problems:
            report.problems += overwriting(exact.recorded())
        if not report.problems:
            report.jacobians, analytic, report.notes = compare_all(exact.problem(), tolerance, eps)
            exact.note_others(report)
            report.problems += exact.unsummed()
            if not function.lower_precision:
                report.problems += narrowed(exact.recorded())
            report.problems += exact.linearity(analytic)
            report.problems += unverified(report)
    if function.lower_precision and report.ok:
        report.problems += function.compare_precisions(analytic, report)
    report.diagnoses += report.problems
    return report


def explain(function: Function, report: Report, locate: bool) -> None:
    """Add the diagnoses of wrong entries: for the op that is to blame, and for the whole."""
    strange = [problem for problem in report.problems if problem.kind in NOT_LINEAR]
    report.diagnoses = [d for d in report.diagnoses if d not in strange]
    found = strange or diagnose(report.jacobians)
    located = localise(function, found, check_gradients) if locate else Located([], [], 0)
    blamed = located.diagnoses
    if any(diagnosis.kind != "unknown" for diagnosis in blamed):
        found = []  # the whole is wrong because the op is
    elif blamed:  # then "something is wrong here" adds nothing
        found = [diagnosis for diagnosis in found if diagnosis.kind != "unknown"]
    elif located.singular:
        found = without_derivative(report, located.singular, found)
    elif located.right and found:
        text = (
            f"each of the {located.right} ops by itself is right: what is wrong happens between "
            "them, where a value leaves the graph and comes back"
        )
        found.append(Diagnosis("between ops", text))
    report.diagnoses += [*blamed, *found]
    if not strange and report.count(Verdict.WRONG) == 0:
        report.add_problems(unverified(report))


def rounding_inside(outputs: Sequence[Any]) -> float:
    """The rounding of the shortest type in which an op of the function computes."""
    types = [node.dtype for node in nodes_of(list(outputs)) if isinstance(node.dtype, np.dtype)]
    return max((float(np.finfo(t).eps) for t in types if t.kind == "f"), default=EPS)


def is_constant(value: Any) -> bool:
    return isinstance(value, Variable) and value._node is None


def kind_of(value: Any) -> str:
    return f"a tensor of {value._array.dtype}" if isinstance(value, Variable) else describe(value)


class Function:
    """A function of tensors, on copies of its inputs that the checker may change."""

    def __init__(self, fn: Callable[..., Any], inputs: Any, params: Any = None) -> None:
        if not callable(fn):
            raise TypeError(f"check_gradients: fn is a function of tensors, got {describe(fn)}")
        self.fn, self.modules = fn, modules_of(fn, params, inputs)
        arguments = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
        leaves, self.rebuild = flatten(arguments)
        names = argument_names(fn, arguments)
        floats = [i for i, x in enumerate(leaves) if is_float(x)]
        asked = [i for i in floats if leaves[i]._node is not None]
        param_names, self.params, self.left_out = parameters_of(params)
        self.positions = asked or ([] if self.params else floats)
        if not self.positions and not self.params:
            refuse(fn, names, leaves, bool(self.left_out))
        self.originals = [
            wrap(x._array.copy()) if is_constant(x) else x for x in leaves
        ]  # that the function may change
        self.constants = [
            (names[i], x._array) for i, x in enumerate(self.originals) if is_constant(x)
        ]
        self.names = distinct([*[names[i] for i in self.positions], *param_names])
        self.given = [self.originals[i]._array for i in self.positions]
        self.given += [p._array for p in self.params]
        self.lower_precision = any(array.dtype != np.float64 for array in self.given)
        self.dtype: Any = None
        self.recorded_only = False
        self.combine: Array | None = None

    @contextmanager
    def in_float64(self) -> Any:
        """This function on float64 copies of its inputs."""
        with self.holding([np.array(array, np.float64, order="C") for array in self.given]):
            yield self

    @contextmanager
    def holding(self, arrays: list[Array]) -> Any:
        """Put `arrays` in the place of the inputs and parameters; afterwards all is as it was."""
        state = [(p, p._array, p._node, p._alias, p.grad) for p in self.params]
        self.arrays = arrays
        count = len(self.positions)
        copies = [wrap(array).requires_grad_() for array in arrays[:count]]
        leaves = list(self.originals)
        for position, copy in zip(self.positions, copies):
            leaves[position] = copy
        self.arguments = self.rebuild(leaves)
        try:
            for p, array in zip(self.params, arrays[count:]):
                p._array, p._node, p._alias = array, None, None
                p.requires_grad_()
            self.tensors = [*copies, *self.params]
            yield
        finally:
            for p, array, node, alias, gradient in state:
                p._array, p._node, p._alias = array, node, alias
                p._get_leaf()
                p.grad = gradient

    def run(self) -> list[Any]:
        """The floating-point tensors that the function returns."""
        returned = self.fn(*self.arguments)
        leaves = [returned] if isinstance(returned, Variable) else leaves_of(returned)
        outputs = [y for y in leaves if is_float(y)]
        if not outputs:
            found = ", ".join(sorted({kind_of(y) for y in leaves})) or describe(returned)
            hint = "return the tensor itself, without .item() or .numpy()"
            if returned is None:
                hint = "is a return missing?"
            elif leaves and all(isinstance(y, Variable) for y in leaves):
                hint = "whole numbers have no gradient"
            raise TypeError(
                "check_gradients: the function returned no floating-point tensor, but "
                f"{found}: {hint}"
            )
        return outputs

    def output_names(self) -> list[str]:
        """Where each floating-point tensor stands in what the function returns."""
        returned = self.fn(*self.arguments)
        named = zip(paths_of(returned, "out"), leaves_of(returned))
        return [name for name, y in named if is_float(y)]

    def recorded(self) -> list[Any]:
        with enable_grad():
            return self.run()

    @contextmanager
    def rounded_otherwise(self, rng: np.random.Generator, amplitude: float) -> Any:
        """Within, the function runs on arrays whose operations are rounded at random."""
        state = self.arrays, self.arguments, self.tensors, self.recorded_only
        try:
            self.recorded_only = True  # the quick ways of unrecorded calls make ordinary arrays
            with self.holding([shaken(x, rng, amplitude) for x in self.arrays]), keeping_values():
                yield self.evaluate
        finally:
            self.arrays, self.arguments, self.tensors, self.recorded_only = state

    def evaluate(self) -> Array:
        """The outputs as one flat array; recorded only if the function differentiates itself."""
        if self.recorded_only:
            outputs = self.recorded()
        else:
            with no_grad():
                outputs = self.run()
        if len(outputs) == 1:
            flat = np.array(outputs[0]._array, np.float64).reshape(-1)  # a copy: it may be an input
        else:
            flat = np.concatenate([y._array.reshape(-1) for y in outputs], dtype=np.float64)
        return flat if self.combine is None else self.combine @ flat

    def evaluate_stack(self, k: int, points: Array) -> Array:
        """The outputs for many values (p, n) of input `k`: its first axis is new.

        Axes of length 1 behind it keep the last axes of all inputs together.
        """
        tensor, array = self.tensors[k], self.arrays[k]
        deepest = max(x.ndim for x in (*self.arrays, *[y._array for y in self.outputs]))
        ones = (1,) * (deepest - array.ndim)
        tensor._array = points.reshape(len(points), *ones, *array.shape)
        try:
            with no_grad():
                outputs = self.run()
        finally:
            tensor._array = array
        parts = []
        for y, like in zip(outputs, self.outputs, strict=True):
            found = y._array
            if found.shape == like.shape:  # it does not depend on this input
                found = np.broadcast_to(found, (len(points), *like.shape))
            parts.append(found.reshape(len(points), like._array.size))
        flat = np.concatenate(parts, axis=1, dtype=np.float64)
        return flat if self.combine is None else flat @ self.combine.T

    def determinism(self) -> list[Diagnosis]:
        """Run twice: does the function return the same both times, and leave its inputs alone?"""
        mine = [*zip(self.names, self.arrays), *self.constants]
        before = [array.copy() for _, array in mine]
        state = get_rng_state()
        with np.errstate(all="ignore"):
            first = [y._array.copy() for y in self.recorded()]
            self.outputs = self.recorded()
        for (name, x), old in zip(mine, before):
            if not np.array_equal(x, old, equal_nan=True):
                text = (
                    f"the function changes its input {name} in place: there is no telling at which "
                    f"numbers its gradient is; let it change a copy, {name}.clone()"
                )
                return [Diagnosis("in-place", text, name)]
        shapes = [(y.shape, z._array.shape) for y, z in zip(first, self.outputs)]
        same = len(first) == len(self.outputs) and all(a == b for a, b in shapes)
        if not same or not all(
            np.array_equal(y, z._array, equal_nan=True) for y, z in zip(first, self.outputs)
        ):
            return [self.not_deterministic(get_rng_state() != state)]
        flat = np.concatenate([y.reshape(-1) for y in first])
        try:
            with np.errstate(all="ignore"):
                self.recorded_only = not np.array_equal(self.evaluate(), flat, equal_nan=True)
        except RuntimeError:  # it calls backward or grad itself
            self.recorded_only = True
        return []

    def not_deterministic(self, drew: bool) -> Diagnosis:
        """The two calls differ; `drew`: they drew random numbers."""
        text = (
            "the function is not deterministic: two calls with the same inputs return different "
            "values, so no gradient can be checked"
        )
        text += ": "
        dropout = random_modules(self.modules)
        if drew and dropout:
            text += f"{dropout[0]} is in training mode; check it after .eval(), or with "
            text += "mg.manual_seed(0) inside the function"
        elif drew:
            text += "it draws random numbers; put mg.manual_seed(0) inside the function"
        else:
            text += "each call changes something that the next one reads, or it draws random "
            text += "numbers that mg.manual_seed does not seed"
        return Diagnosis("non-deterministic", text)

    def problem(self) -> Problem:
        shapes = [y._array.shape for y in self.outputs]
        count = sum(int(np.prod(shape)) for shape in shapes)
        outputs = list(zip(self.output_names(), shapes))
        self.combine = random_combinations(count, self.arrays)
        if self.combine is not None:
            outputs = [(COMBINED, (COMBINATIONS,))]
        eps = max(float(np.finfo(y._array.dtype).eps) for y in self.outputs)
        return Problem(
            self.names, self.arrays, outputs, self.evaluate, self.jacobians, max(eps, EPS),
            otherwise=self.rounded_otherwise,
            stacked=None if self.recorded_only else self.evaluate_stack,
        )  # fmt: skip

    def unsummed(self) -> list[Diagnosis]:
        """Gradients of an `autograd.Function` that the engine had to sum over broadcast axes.

        The sum makes them right here, as it does in PyTorch; the backward is wrong all the same.
        """
        found = []
        for node in nodes_of(self.recorded()):
            if not isinstance(node.op, FunctionOp):
                continue
            gradients = node.op.gradients(node, node.op.cotangents(node, 1.0))
            for i, (edge, gradient) in enumerate(zip(node.inputs, gradients)):
                if edge is None or gradient is None or gradient.shape == edge.shape:
                    continue
                text = (
                    f"{node.op.name}.backward returns a gradient of shape {gradient.shape} for "
                    f"argument {i} of shape {edge.shape}: the sum over the broadcast axis is "
                    "missing (autograd sums it silently)"
                )
                found.append(Diagnosis("missing sum", text, op=node.op.name))
        return found

    def note_others(self, report: Report) -> None:
        """Tell each Jacobian the values of the other inputs: factors are looked for among them."""
        values = {name: array.copy() for name, array in zip(self.names, self.arrays)}
        for jacobian in report.jacobians:
            jacobian.others = {k: v for k, v in values.items() if k != jacobian.input}

    def jacobians(self) -> list[Array]:
        """The Jacobian that backward claims, for each input: one row for each output entry."""
        outputs = self.recorded()
        if self.combine is not None:
            rows = [self.pull_back(outputs, cotangent) for cotangent in self.combine]
        else:
            rows = []
            for y in outputs:
                unit = np.zeros(y._array.shape, y._array.dtype)
                for i in range(unit.size):
                    unit.reshape(-1)[i] = 1.0
                    rows.append(self.gradients([y], [unit]))
                    unit.reshape(-1)[i] = 0.0
        return [
            np.array([row[k] for row in rows], np.float64).reshape(len(rows), x.size)
            for k, x in enumerate(self.arrays)
        ]

    def pull_back(self, outputs: Sequence[Any], flat: Array) -> list[Array]:
        """The gradients for a cotangent that is given as one flat array for all outputs."""
        sizes = np.cumsum([y._array.size for y in outputs])[:-1]
        parts = [
            part.reshape(y._array.shape).astype(y._array.dtype)
            for part, y in zip(np.split(flat, sizes), outputs)
        ]
        return self.gradients(outputs, parts)

    def gradients(self, outputs: Sequence[Any], cotangents: Sequence[Array]) -> list[Array]:
        pairs = [(y, wrap(v.copy())) for y, v in zip(outputs, cotangents) if y._node is not None]
        if not pairs:
            return [np.zeros(x.size) for x in self.arrays]
        gradients = grad(
            [y for y, _ in pairs],
            self.tensors,
            [v for _, v in pairs],
            retain_graph=True,
            materialize_grads=True,
        )
        return [g._array.reshape(-1) for g in gradients]

    def linearity(self, analytic: list[Array]) -> list[Diagnosis]:
        """A VJP is linear in its cotangent: a random one must give that combination of the rows."""
        weights = np.random.default_rng(2).standard_normal(len(analytic[0]))
        v = weights if self.combine is None else weights @ self.combine
        with np.errstate(all="ignore"):
            outputs = self.recorded()
            gradients = [self.pull_back(outputs, v) for _ in range(2)]
            without = not_multiplied(self.names, self.pull_back(outputs, 0 * v), gradients[0])
            if any(without):
                return without.diagnoses()
            relative = max(1e-6, 16 * rounding_inside(outputs))
            natural = typical_size(outputs[0]._array, self.arrays[0])
            for name, a, g, again in zip(self.names, analytic, *gradients):
                if not np.array_equal(g, again, equal_nan=True):
                    text = (
                        f"the gradient of {name} is not deterministic: two backward passes differ"
                    )
                    return [Diagnosis("non-deterministic", text, name)]
                expected, size = weights @ a, abs(weights) @ abs(a)
                off = abs(g - expected) - relative * size - 1e-12 * np.nanmax(size, initial=natural)
                linear = (off <= 0) | ~np.isfinite(expected) | ~np.isfinite(g)
                if not np.all(linear) and not self.is_noise(off, name, v):
                    return [not_additive(name)]
        return []

    def is_noise(self, difference: Array, name: str, v: Array) -> bool:
        """Whether the gradient for a cotangent varies by as much when it is rounded otherwise."""
        k = self.names.index(name)
        now = self.pull_back(self.recorded(), v)[k]
        change = np.zeros_like(now)
        try:
            for seed in range(2):
                with self.rounded_otherwise(np.random.default_rng(seed), EPS):
                    change = np.fmax(change, abs(self.pull_back(self.recorded(), v)[k] - now))
        except Exception:  # code that does not take a subclass of an array
            return False
        return bool(np.all(difference <= 20 * np.max(change, initial=0.0)))

    def compare_precisions(self, exact: list[Array], report: Report) -> list[Diagnosis]:
        """The gradients in the inputs' own type against the verified float64 ones.

        What differs by more than rounding explains becomes inconclusive: the formulas are right,
        the type is too short for these numbers.
        """
        arrays = [np.array(array, order="C") for array in self.given]
        with self.holding(arrays), np.errstate(all="ignore"):
            lower = self.jacobians()
            found = narrowed(self.recorded())
        if any(a.shape != b.shape for a, b in zip(lower, exact)):
            text = (
                "the function returns another number of entries in the inputs' own type than in "
                "float64 (a comparison next to a bound?): check at other inputs, or in float64"
            )
            return [Diagnosis("precision", text)]
        for k, (name, a, b) in enumerate(zip(self.names, lower, exact)):
            eps = float(np.finfo(arrays[k].dtype).eps)
            size = np.fmax(abs(a), abs(b))
            rough = abs(a - b) > 1e3 * eps * np.fmax(size, 1e-3 * np.nanmax(size, initial=0.0))
            rough |= ~np.isfinite(a)
            start = 0
            for jacobian in report.jacobians:
                if jacobian.input != name:
                    continue
                rows = slice(start, start + len(jacobian.verdict))
                start = rows.stop
                jacobian.analytic = a[rows]
                unclear = rough[rows] & (jacobian.verdict == Verdict.CORRECT)
                jacobian.verdict[unclear] = Verdict.INCONCLUSIVE
                if unclear.any():
                    own = str(arrays[k].dtype)
                    report.too_short += [own] if own not in report.too_short else []
                    text = (
                        f"inconclusive in {own}, right in float64: the gradient of "
                        f"{name} has errors that rounding its result does not explain; the type is "
                        "too short for these numbers"
                    )
                    report.notes.append(Diagnosis("precision", text, name))
        return found
