"""The tape: the one description of what a program computed, a line for each call.

A tape is made of a graph (what led to some tensors, as far as it needs a gradient), or of a trace
(every call that ran).  Pictures, exports and the compiler read it; ``print(tape)`` shows it as the
program that it is, and `Tape.vjp` is the tape of its backward pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad import errors
from minigrad.backward import walk
from minigrad.graph import KINDS, Node, Output, Variable, recorded_before, wrap
from minigrad.modes import WRITE, Frame, Trace, no_grad, trace

__all__ = ["Line", "Tape", "Value"]


@dataclass(eq=False)
class Value:
    """One array of the program.

    name    its name on the tape
    kind    "input", "constant", "result", or "kept": an intermediate of an op, for its VJPs
    array   its numbers, where they are known
    edge    its place in the graph: a node or a leaf; None where it needs no gradient
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    dtype: Any
    array: Any = None
    edge: Any = None


@dataclass(eq=False)
class Line:
    """One call: ``results = op(*operands, **statics)``.

    operands   values of the tape, numbers, and None
    statics    the other arguments by name; arrays among them are values of the tape
    frame      the module call that was running
    """

    op: Any
    operands: tuple[Any, ...]
    statics: dict[str, Any]
    results: tuple[Value, ...]
    frame: Frame | None = None
    node: Node | None = None

    def __str__(self) -> str:
        operands = [text_of(operand) for operand in self.operands]
        if getattr(self.op, "joint", None) is not None:
            operands = [f"[{', '.join(operands)}]"]
        defaults = dict(zip(getattr(self.op, "arguments", ()), getattr(self.op, "defaults", ())))
        statics = [
            f"{name}={text_of(value)}"
            for name, value in self.statics.items()
            if not (name in defaults and defaults[name] is value)
        ]
        left = ", ".join(value.name for value in self.results)
        return f"{left} = {self.op.name}({', '.join([*operands, *statics])})"


@dataclass(eq=False)
class Tape:
    """Calls in the order in which they ran, and what went in and came out.

    Example  >>> import minigrad as mg
             >>> from minigrad.tape import Tape
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> y = (x * 3).sum()
             >>> print(Tape.of(y, names={"x": x}))
             t1 = mul(x, 3)  # (2,) float32
             t2 = sum(t1)    # () float32
             return t2
    """

    inputs: list[Value] = field(default_factory=list)
    constants: list[Value] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)

    @classmethod
    def of(cls, *tensors: Any, names: Mapping[str, Any] | None = None) -> Tape:
        """The tape of the graph behind `tensors`: the calls that need a gradient.

        names     name -> tensor, for those that the tape should call so
        Raises    ValueError if none of the tensors is recorded.
        """
        roots = [t._node for t in tensors if t._node is not None]
        if not roots:
            raise ValueError("none of the tensors is recorded: there is no graph to describe")
        reader = GraphReader(names or {})
        for node in recorded_before(roots):
            reader.read(node)
        reader.tape.outputs = [reader.value(t._node, t._array) for t in tensors]
        return reader.tape

    @classmethod
    def of_trace(
        cls,
        traced: Trace,
        outputs: Iterable[Any],
        inputs: Iterable[Any] = (),
        names: Mapping[str, Any] | None = None,
    ) -> Tape:
        """The tape of everything that a trace wrote down.

        outputs   tensors or arrays that the program returned
        inputs    tensors or arrays that it was given; anything else is a constant
        names     name -> tensor or array
        """
        reader = TraceReader([array_of(x) for x in inputs], names or {})
        for call in traced.calls:
            reader.read(call)
        reader.tape.outputs = [reader.value(array_of(y)) for y in outputs]
        return reader.tape

    def vjp(self) -> Tape:
        """The backward pass of a graph, as a tape: from cotangents of the outputs to the inputs.

        Each line is a call that a VJP makes; values that the forward computed keep their names.

        Raises   RuntimeError if backward has freed what the graph had saved, or if the tape is
                 that of a trace.
        """
        edges = [value.edge for value in self.outputs]
        if any(edge is None for edge in edges):
            raise RuntimeError("the tape of a trace has no graph to go back through: use Tape.of")
        cotangents = [np.ones(v.shape, v.dtype) for v in self.outputs]
        targets = [value.edge for value in self.inputs if value.edge is not None]
        with trace() as traced, no_grad():
            roots = [(edge, wrap(g)) for edge, g in zip(edges, cotangents)]
            found = walk(roots, False, True, targets)
        names = {v.name: v.array for v in self.values() if v.array is not None}
        names |= {f"d_{v.name}": g for v, g in zip(self.outputs, cotangents)}
        named = {v.edge: f"d_{v.name}" for v in self.inputs}
        names |= {named[edge]: g for edge, g in found.items()}
        gradients = [found[edge] for edge in targets if edge in found]
        return Tape.of_trace(traced, gradients, cotangents, names)

    def values(self) -> list[Value]:
        """All values of the tape."""
        results = [value for line in self.lines for value in line.results]
        return [*self.inputs, *self.constants, *results]

    def __str__(self) -> str:
        texts = [str(line) for line in self.lines]
        width = min(max(map(len, texts), default=0), 60)
        rows = []
        for text, line in zip(texts, self.lines):
            about = ", ".join(f"{v.shape} {v.dtype}" for v in line.results if v.kind != "kept")
            where = errors.module_path(line.frame)
            rows.append(f"{text:<{width}}  # {about}{'  ' + where if where else ''}")
        return "\n".join([*rows, f"return {', '.join(text_of(y) for y in self.outputs)}"])


class GraphReader:
    """Writes nodes down as lines of a tape."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.tape = Tape()
        self.names = {t._node: name for name, t in names.items() if is_recorded(t)}
        self.of_arrays = Namer({name: array_of(t) for name, t in names.items()})
        self.by_edge: dict[Any, Value] = {}
        self.by_array: dict[int, Value] = {}
        self.count = 0

    def read(self, node: Node) -> None:
        if type(node) is Output:
            return
        operands = tuple([self.operand(each) for each in node.operands])
        statics = dict(zip(node.op.static_names, node.statics))
        saved = dict(zip(node.plan.names, node.saved or ()))
        if isinstance(node.shape, tuple) and node.shape and isinstance(node.shape[0], tuple):
            shapes = [*node.shape]
        else:
            shapes = [node.shape]
        out = saved.get("out")
        results = []
        for i, shape in enumerate(shapes):
            array = out if len(shapes) == 1 else None if out is None else out[i]
            edge = node if len(shapes) == 1 else None
            value = self.new(edge, "result", shape, node.dtype, array)
            results.append(value)
        if len(shapes) > 1:
            self.by_edge[node] = results  # type: ignore[assignment]  # for its Outputs to find
        self.tape.lines.append(Line(node.op, operands, statics, tuple(results), node.frame, node))

    def operand(self, each: Any) -> Any:
        if type(each) in KINDS:
            return self.value(each)
        if isinstance(each, np.ndarray) and each.ndim:
            known = self.by_array.get(id(each))
            if known is None:
                name = self.of_arrays.name_of(each) or f"c{len(self.tape.constants) + 1}"
                known = Value(name, "constant", each.shape, each.dtype, each)
                self.by_array[id(each)] = known
                self.tape.constants.append(known)
            return known
        return each

    def value(self, edge: Any, array: Any = None) -> Value:
        found: Any = self.by_edge.get(edge)
        if found is None and type(edge) is Output:
            found = self.by_edge[edge.operands[0]][edge.position]  # type: ignore[index]  # results
            found.edge = edge
            self.by_edge[edge] = found
        if found is None:  # a leaf
            tensor = edge.tensor()
            array = tensor._array if array is None and tensor is not None else array
            found = self.new(edge, "input", edge.shape, edge.dtype, array)
            self.tape.inputs.append(found)
        if found.array is None:
            found.array = array
        return found

    def new(self, edge: Any, kind: str, shape: Any, dtype: Any, array: Any) -> Value:
        name = self.names.get(edge) or getattr(edge, "name", None)
        if not isinstance(name, str):
            if kind == "input":
                name = f"x{len(self.tape.inputs) + 1}"
            else:
                self.count += 1
                name = f"t{self.count}"
        value = Value(name, kind, shape, dtype, array, edge)
        if edge is not None:
            self.by_edge[edge] = value
        return value


class TraceReader:
    """Writes the calls of a trace down as lines of a tape."""

    def __init__(self, inputs: Sequence[Any], names: Mapping[str, Any]) -> None:
        self.tape = Tape()
        self.names = Namer({name: array_of(x) for name, x in names.items()})
        self.now: dict[int, Value] = {}  # id of an array -> the value that it has by now
        self.count = 0
        for array in inputs:
            value = self.new("input", array)
            self.tape.inputs.append(value)

    def new(self, kind: str, array: Any) -> Value:
        name = self.names.name_of(array)
        if name is None:
            self.count += 1
            name = f"{'x' if kind == 'input' else 'c' if kind == 'constant' else 't'}{self.count}"
        value = Value(name, kind, array.shape, array.dtype, array)
        self.now[id(array)] = value
        return value

    def value(self, each: Any) -> Any:
        """The value that an operand is, in nested tuples as well; numbers stand for themselves."""
        if isinstance(each, (tuple, list)):
            return type(each)([self.value(item) for item in each])
        if not isinstance(each, np.ndarray):
            return each
        known = self.now.get(id(each))
        if known is None:
            known = self.new("constant", each)
            self.tape.constants.append(known)
        return known

    def read(self, call: Any) -> None:
        operands = tuple([self.value(each) for each in call.operands])
        static_names = () if call.op is WRITE else call.op.arguments[-len(call.statics) :]
        statics = dict(zip(static_names, [self.value(each) for each in call.statics]))
        kept = len(getattr(call.op, "keep", ()))
        results = []
        for i, array in enumerate(call.results):
            kind = "kept" if i >= len(call.results) - kept else "result"
            results.append(self.new(kind, array) if isinstance(array, np.ndarray) else array)
        self.tape.lines.append(Line(call.op, operands, statics, tuple(results), call.frame))


class Namer:
    """Names for arrays, by identity; each name is given once."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.held = list(names.values())  # alive: an id is an identity
        self.names = {id(array): name for name, array in names.items()}

    def name_of(self, array: Any) -> str | None:
        return self.names.pop(id(array), None)


def array_of(value: Any) -> Any:
    return value._array if isinstance(value, Variable) else value


def is_recorded(value: Any) -> bool:
    return isinstance(value, Variable) and value._node is not None


def text_of(value: Any) -> str:
    """A value by its name, anything else as Python prints it."""
    if isinstance(value, Value):
        return value.name
    if isinstance(value, (tuple, list)):
        inner = ", ".join(text_of(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)
