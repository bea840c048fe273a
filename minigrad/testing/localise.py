"""Which op is to blame: each node of a graph, checked on its own.

The function is recorded once with the operands of every op.  Each op is then a function of its own:
its forward is run again on these operands, and its VJPs are compared with finite differences of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad import errors
from minigrad.graph import Node, Output, recorded_before, wrap
from minigrad.modes import Block, recording
from minigrad.testing.numeric import EPS
from minigrad.testing.report import Diagnosis, Report
from minigrad.testing.verdicts import Verdict

if TYPE_CHECKING:
    from minigrad.testing.check import Function

Array = Any

GROWN = 1e4  # growth of a relative change by one op, from which on digits cancel in it
NODES = 500  # more are not checked one by one


class keeping_values(Block):
    """Record the operands of every op."""

    def now(self) -> Any:
        return recording.detail

    def begin(self) -> None:
        recording.change(stack=True, values=True)

    def end(self, before: Any) -> None:
        recording.change(stack=before.stack, values=before.values)


def nodes_of(outputs: list[Any]) -> list[Node]:
    """All ops behind `outputs`, in the order of their calls."""
    nodes = recorded_before([y._node for y in outputs])
    return [node for node in nodes if type(node) is not Output]


class Located(NamedTuple):
    """What the check of each op by itself says.

    diagnoses  of the ops whose VJP is wrong, or of contributions that are lost between the ops
    singular   ops that are infinite, or have an infinite derivative, at the operands that they met
    right      how many ops were checked, if all were and each is right by itself; else 0
    """

    diagnoses: list[Diagnosis]
    singular: list[str]
    right: int


def localise(function: Function, known: list[Diagnosis], check: Callable[..., Report]) -> Located:
    """Which op is to blame.

    known    the diagnoses of the function as a whole: where it is a single op, they are those of
             the op
    """
    with function.in_float64(), np.errstate(all="ignore"):
        with keeping_values():
            nodes = nodes_of(function.recorded())
        if len(nodes) == 1 and nodes[0].inputs == tuple(x._node for x in function.tensors):
            name = nodes[0].op.name
            blamed = [
                replace(d, text=f"the VJP of {name} is wrong: {d.text}", op=name) for d in known
            ]
            return Located(blamed, [], 0)
        found, singular, right = [], [], 0
        for i, node in enumerate(nodes[:NODES]):
            report = check_node(node, check)
            if report is None:
                continue
            found += blame(node, report, i, len(nodes))
            right += report.count(Verdict.WRONG) == 0
            if is_singular(report):
                singular.append(node.op.name + place(node, i, len(nodes)))
        if not found:
            with keeping_values():
                found = cut_off(function, nodes)
    return Located(found, singular, right if right == len(nodes) and not found else 0)


def check_node(node: Node, check: Callable[..., Report]) -> Report | None:
    """The check of one op by itself; None if it cannot be checked."""
    local = local_function(node)
    if local is None:
        return None
    call, operands = local
    try:
        return check(call, operands, locate=False)
    except Exception:  # no operand to check, or a VJP that refuses some results' cotangents
        return None


def blame(node: Node, report: Report, i: int, count: int) -> list[Diagnosis]:
    """What is wrong with the VJPs of one node, in words that name it."""
    name = node.op.name
    where = place(node, i, count)
    return [
        Diagnosis(
            d.kind,
            f"the VJP of {name}{where} is wrong: {renamed(d.text, node)}",
            renamed(d.input, node),
            d.output,
            name,
        )
        for d in report.diagnoses
        if d.kind != "unverified"
    ]


def is_singular(report: Report) -> bool:
    """Whether a gradient is not finite where there is no finite derivative either."""
    return any(
        bool(np.any((j.verdict == Verdict.INCONCLUSIVE) & ~np.isfinite(j.analytic)))
        for j in report.jacobians
    )


def local_function(node: Node) -> tuple[Any, list[Any]] | None:
    """The op of `node` as a function of its operands, and the operands as it met them."""
    values = node.extras.values if node.extras is not None else None
    if values is None:
        return None
    operation, statics = node.op, list(node.statics)
    if operation.varargs:
        statics = [*statics[:-1], *statics[-1]]
    joint = operation.joint is not None
    arrays = list(values[1]) if joint else list(values[1 : 1 + operation.arity])
    operands = [
        wrap(np.array(a)).requires_grad_() if edge is not None else a
        for a, edge in zip(arrays, node.inputs)
    ]

    def call(*tensors: Any) -> Any:
        return operation.call(*((list(tensors), *statics) if joint else (*tensors, *statics)))

    return call, operands


def renamed(text: str, node: Node) -> str:
    """Operands by the names that the op gives them, instead of ``input 0``."""
    operation = node.op
    if operation.joint is not None:
        return text
    for k, name in enumerate(operation.operand_names):
        text = text.replace(f"input {k}", name)
    return text


def place(node: Node, i: int, count: int) -> str:
    """Where in the function the node is: its number, its module, the line that called it."""
    if count == 1:
        return ""
    text = f" (op {i + 1} of {count}"
    path = errors.module_path(node.frame)
    if path:
        text += f", in {path}"
    return text + ")"


# -------------------------------------------------------------------------- gradients that got lost


def cut_off(function: Function, nodes: list[Node]) -> list[Diagnosis]:
    """Operands that are constants for the graph, but change with the inputs.

    Every op is right by itself; then a contribution is lost on the way: by detach(), .data, numpy()
    or no_grad.  Called again at other inputs, such a constant has another value.
    """
    before = constants_of(nodes)
    saved = [array.copy() for array in function.arrays]
    rng = np.random.default_rng(3)
    try:
        for array in function.arrays:
            array *= 1 + 1e-3 * rng.standard_normal(array.shape)
        moved = nodes_of(function.recorded())
    finally:
        for array, values in zip(function.arrays, saved):
            array[...] = values
    if [node.op.name for node in moved] != [node.op.name for node in nodes]:
        return []
    found = []
    for (i, name, value), (_, _, again) in zip(before, constants_of(moved)):
        if np.shape(value) == np.shape(again) and not np.array_equal(value, again, equal_nan=True):
            node = nodes[i]
            text = (
                f"a contribution is dropped: {name} of {node.op.name}{place(node, i, len(nodes))} "
                "depends on the inputs, but is cut off from the graph (detach(), .data, numpy(), "
                "item() or no_grad); the VJP of each op by itself is right"
            )
            found.append(Diagnosis("dropped", text, "", "out", node.op.name))
    return found


def constants_of(nodes: list[Node]) -> list[tuple[int, str, Array]]:
    """Operands without a place in the graph: the node's number, their name and value."""
    found = []
    for i, node in enumerate(nodes):
        values = node.extras.values if node.extras is not None else None
        if values is None:
            continue
        joint = node.op.joint is not None
        arrays = values[1] if joint else values[1 : 1 + node.op.arity]
        for k, (array, edge) in enumerate(zip(arrays, node.inputs)):
            if edge is None and (hasattr(array, "dtype") or isinstance(array, (int, float))):
                name = f"operand {k}" if joint else f"operand {node.op.operand_names[k]}"
                found.append((i, name, np.array(array)))
    return found


# ------------------------------------------------------------------------- where digits are lost


def name_cancellation(function: Function, report: Report) -> None:
    """Add to notes on rounding errors the op that makes them, if there is one."""
    kept = [note for note in report.notes if note.kind == "rounding"]
    cause = (where_rounded(function) or where_digits_cancel(function)) if kept else ""
    for i, note in enumerate(report.notes):
        if cause and note in kept:
            report.notes[i] = replace(note, text=f"{note.text} ({cause})")


def where_rounded(function: Function) -> str:
    """The op from which on numbers are of a type with fewer digits than float64."""
    with function.in_float64():
        nodes = nodes_of(function.recorded())
    for i, node in enumerate(nodes):
        if isinstance(node.dtype, np.dtype) and node.dtype in ("float16", "float32"):
            return f"{node.op.name}{place(node, i, len(nodes))} rounds to {node.dtype}"
    return ""


def where_digits_cancel(function: Function) -> str:
    """Names the op whose result changes most, against its operands, if all is rounded otherwise."""
    with function.in_float64(), keeping_values():
        nodes = nodes_of(function.recorded())
        try:
            with function.rounded_otherwise(np.random.default_rng(0), EPS):
                again = nodes_of(function.recorded())
        except Exception:  # code that does not take a subclass of an array
            return ""
    if [node.op for node in nodes] != [node.op for node in again]:
        return ""
    growth = [growth_of_change(a, b) for a, b in zip(nodes, again)]
    i = int(np.argmax(growth))
    op = nodes[i].op.name + place(nodes[i], i, len(nodes))
    return f"digits cancel in {op}" if growth[i] > GROWN else ""


def growth_of_change(node: Node, again: Node) -> float:
    """How much more the result changed than the operands, relative to their sizes."""
    if node.extras is None or again.extras is None or not node.extras.values:
        return 0.0
    if not isinstance(node.extras.values[0], np.ndarray):  # an op with several results
        return 0.0
    changes = []
    for one, other in zip(node.extras.values, again.extras.values or ()):
        comparable = isinstance(one, np.ndarray) and np.shape(one) == np.shape(other)
        if comparable and one.dtype.kind == "f" and one.size:
            size = float(np.max(abs(one)))
            changes.append(float(np.max(abs(one - other))) / size if size else 0.0)
    return changes[0] / max(EPS, *changes[1:]) if len(changes) > 1 else 0.0
