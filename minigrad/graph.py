"""The graph: what ops leave behind.

A **node** says which op was called, where its operands came from, and what it kept for its
derivative.  Edges point from a result to its operands and never back, so there are no reference
cycles and a dropped loss frees its graph at once.  An edge is a `Node`, an `Output` (one result of
several), a `Leaf` (a tensor that the user asked gradients of), or, for a constant, its array or
number itself.

This file knows no op by name, and it never imports ``Tensor``: the engine's view of a tensor is
`Variable`, an array and the node that made it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigrad import errors
from minigrad.memory import clock
from minigrad.modes import Frame, recording
from minigrad.primitive import Op, Plan
from minigrad.sums import sum_of

Array = Any  # anything that speaks NumPy's array protocols

ndarray = np.ndarray
new = object.__new__


# ---------------------------------------------------------------- tensors, as the engine sees them


class Variable:
    """What the engine knows of a tensor: an array, and the node or leaf that it came from.

    ``_node`` is None for a constant, a ``Leaf`` for a tensor that the user asked gradients of, and
    a ``Node`` for a result.  ``_alias`` is shared by the handles that look at the same memory.
    """

    __slots__ = ("__weakref__", "_alias", "_array", "_node")
    _alias: Any
    _array: Array
    _node: Edge | None

    result_class: type[Variable]  # the class that results are built of

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not hasattr(Variable, "result_class"):
            Variable.result_class = cls


def wrap(array: Array, node: Edge | None = None) -> Any:
    """A tensor around `array`, standing at `node` of the graph."""
    tensor = new(Variable.result_class)
    tensor._array = array
    tensor._node = node
    tensor._alias = None
    return tensor


def refuse_in_trace(tensor: Variable, what: str) -> None:
    """Raise a RuntimeError in a trace that computed `tensor`: `what` would read its numbers."""
    trace = recording.watch
    if trace is not None:
        trace.refuse_reading(tensor._array, what)


def plain(value: Any) -> Any:
    """The array of a tensor, whose numbers have no derivative; anything else as it is.

    Raises   RuntimeError in a trace, if the numbers depend on what is traced
    """
    if not isinstance(value, Variable):
        return value
    trace = recording.trace
    if trace is not None:
        trace.refuse_reading(value._array, "this")
    return value._array


def without_history(value: Any) -> Any:
    """What `plain` gives; in a trace a tensor without a derivative, whose calls are noted."""
    if not isinstance(value, Variable) or recording.trace is None:
        return plain(value)
    return wrap(value._array)


# -------------------------------------------------------------------------------- nodes and leaves


class Extras:
    """What few nodes and leaves have: hooks, a kept gradient, the place that recorded them.

    `retain`: whether the gradient is to be kept, or the leaf that keeps it (after ``detach_``).

    `values`, of a graph recorded for a picture: copies of ``(out, *operands, *kept)``.

    `after`, of a leaf: hooks that are called with its tensor once the gradient has been added.
    """

    __slots__ = ("after", "grad", "hooks", "name", "retain", "stack", "values")

    def __init__(self) -> None:
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.after: dict[int, Callable[[Any], Any]] = {}
        self.retain: bool | Leaf = False
        self.grad: Any = None
        self.stack: Any = None
        self.name: str | None = None
        self.values: tuple[Any, ...] | None = None


class Leaf:
    """Where gradients come to rest: the identity of a tensor that requires grad.

    A leaf refers to its tensor weakly, so tensor and leaf form no cycle.
    """

    __slots__ = ("dtype", "extras", "grad", "name", "sequence", "shape", "tensor")

    def __init__(self, tensor: Variable) -> None:
        self.tensor = weakref.ref(tensor)  # for pictures: its numbers as they are now
        self.shape = tensor._array.shape
        self.dtype = tensor._array.dtype
        self.sequence = next(clock)
        self.grad: Any = None
        self.extras: Extras | None = None
        self.name: str | None = None


class Node:
    """One recorded op.

    plan      the op, and which of its VJPs are needed here
    operands  where each operand came from: an edge, or the array or number of a constant
    saved     what the VJPs named; None once it was freed
    statics   the arguments that are not tensors (``dim``, ``keepdim``, an index)
    shape     shape of the result; ``dtype`` its type
    sequence  time of creation: larger than that of every input
    frame     the module call that was running
    extras    hooks and the like; None for nearly every node
    """

    __slots__ = (
        "dtype", "extras", "frame", "operands", "plan", "saved", "sequence", "shape", "statics",
    )  # fmt: skip
    plan: Plan
    operands: tuple[Any, ...]
    saved: tuple[Any, ...] | None
    statics: tuple[Any, ...]
    shape: tuple[Any, ...]  # of an op with several results: their shapes
    dtype: np.dtype[Any]
    sequence: int
    frame: Frame | None
    extras: Extras | None

    @property
    def op(self) -> Op:
        return self.plan.op

    def name(self) -> str:
        """The name of the op."""
        return self.plan.op.name

    @property
    def inputs(self) -> tuple[Edge | None, ...]:
        """Where each operand came from; None for a constant."""
        return tuple([edge if type(edge) in KINDS else None for edge in self.operands])

    def operand_shape(self, i: int) -> tuple[int, ...]:
        """Shape of operand `i`."""
        return np.shape(self.operands[i])


class Output(Node):
    """One result of an op with several: its gradient goes to slot `position` of the op's node."""

    __slots__ = ("position",)
    position: int

    def __init__(self, node: Node, position: int, array: Array) -> None:
        self.plan = node.plan
        self.operands = (node,)
        self.saved = ()
        self.statics = ()
        self.shape = array.shape
        self.dtype = array.dtype
        self.sequence = next(clock)
        self.frame = node.frame
        self.extras = None
        self.position = position


Edge = Node | Leaf
KINDS = {Node, Leaf, Output}


# ------------------------------------------------------------------------------- walks over a graph


def ancestors(roots: Iterable[Edge | None], beyond: Iterable[Edge | None] = ()) -> set[Any]:
    """All edges that `roots` were computed from, themselves included, up to those of `beyond`."""
    seen: set[Any] = set()
    stack: list[Any] = list(roots)
    passed = {None, *beyond}
    while stack:
        edge = stack.pop()
        if edge not in seen and edge not in passed:
            seen.add(edge)
            if type(edge) is not Leaf:
                stack.extend([each for each in edge.operands if type(each) in KINDS])
    return seen


def recorded_before(roots: Iterable[Edge | None]) -> list[Any]:
    """The nodes that `roots` were computed from, themselves included, in the order of their calls.

    Parts of a node with several results are among them.
    """
    return in_order(ancestors(roots))


def in_order(edges: Iterable[Edge]) -> list[Any]:
    """The nodes among edges, in the order of their calls."""
    return sorted([e for e in edges if type(e) is not Leaf], key=lambda node: node.sequence)


def leading_to(targets: Sequence[Edge], roots: Sequence[Edge]) -> set[Any]:
    """All edges between `roots` and `targets`, both included."""
    seen = ancestors(roots)
    needed = set(targets) & seen
    for node in in_order(seen):
        if any(edge in needed for edge in node.inputs):
            needed.add(node)
    return needed


def unbroadcast(gradient: Any, edge: Edge, node: Node) -> Any:
    """Give a gradient the shape and type of what it is the gradient of: broadcasting, undone.

    This is the only place that does so.  Axes that broadcasting added or stretched are summed.
    """
    shape = edge.shape
    if gradient.shape != shape:
        extra = len(gradient.shape) - len(shape)
        pairs = list(zip(shape, gradient.shape[max(extra, 0) :]))
        if extra < 0 or not all([own in (got, 1) for own, got in pairs]):
            raise ValueError(
                f"the VJP of {node.name()} returned a gradient of shape {tuple(gradient.shape)} "
                f"for an argument of shape {shape}" + where_recorded(node)
            )
        stretched = [extra + i for i, (own, got) in enumerate(pairs) if own != got]
        axes = (*range(extra), *stretched)
        total = sum_of(gradient, axes) if type(gradient) is ndarray else gradient.sum(axes)
        gradient = total.reshape(shape)
    if gradient.dtype != edge.dtype:
        gradient = gradient.astype(edge.dtype)
    return gradient


def where_recorded(node: Node) -> str:
    """For messages: the module and, with detect_anomaly, the line that recorded `node`."""
    text = ""
    frame = node.frame
    if frame is not None and frame.module is not None:
        text += f" (recorded in {errors.module_path(frame)})"
    if node.extras is not None and node.extras.stack is not None:
        text += f"\nrecorded here:\n{node.extras.stack}"
    return text
