"""A description of everything that ran, from the calls that a block of `record_values` saw.

What needs no gradient is in it as well: the input of a normalization, masks, indices.  Where the
way of a gradient ends although its numbers go on, there is a cut, with the line that made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from linecache import getline
from typing import Any

import numpy as np

from minigrad.calls import CAST
from minigrad.graph import KINDS, Leaf, Node, Output, recorded_before
from minigrad.modes import WRITE, Call, Frame
from minigrad.tape import Line, TraceReader, Value
from minigrad.visualize.builder import Builder, Names
from minigrad.visualize.formulas import formula
from minigrad.visualize.names import LARGEST_WHOLE
from minigrad.visualize.parts import Cut, Description, Operand, Vertex
from minigrad.visualize.recording import Reading, Watch

__all__ = ["describe_ran"]


def describe_ran(watch: Watch, roots: Sequence[Any], names: Names) -> Description | None:
    """The description of all that led to `roots`; None if a part of it ran outside the block."""
    nodes = recorded_before([root._node for root in roots])
    seen = set(watch.sequences)
    if watch.full or not all(id(root._array) in watch.known for root in roots):
        return None
    if not all(node.sequence in seen for node in nodes if type(node) is not Output):
        return None
    return Ran(watch, roots, names, nodes).description()


class Ran(Builder):
    """Makes vertices of the calls that a watch noted."""

    def __init__(self, watch: Watch, roots: Sequence[Any], names: Names, nodes: list[Any]) -> None:
        super().__init__(roots, names)
        self.watch = watch
        self.nodes: dict[Any, Any] = {n.sequence: n for n in nodes if type(n) is not Output}
        self.parts = {(n.operands[0], n.position): n for n in nodes if type(n) is Output}
        self.reader = TraceReader([], {})
        self.same: dict[Value, Value] = {}  # a value of another type -> what it was made of
        self.made: dict[Value, int] = {}  # value -> the call that computed it
        self.read_at: list[tuple[Reading, Value]] = []
        self.detached: dict[Value, tuple[str, int, str]] = {}
        self.written_first: dict[Value, Any] = {}  # a value that nothing preceded -> its numbers
        self.by_value: dict[Value, int] = {}
        self.frames: list[tuple[Frame, Frame]] = []  # of calls that are open: as it is, the first
        self.cuts: dict[Any, Cut] = {}
        self.read_calls()

    def read_calls(self) -> None:
        """Follow each value through the calls, and what was read and detached in between."""
        events: dict[int, list[tuple[Any, Any]]] = {}
        for reading in self.watch.readings:
            events.setdefault(reading.time, []).append((reading.array, reading))
        for array, line, time in self.watch.detached:
            events.setdefault(time, []).append((array, line))
        for k, call in enumerate([*self.watch.calls, None]):
            for array, event in events.get(k, ()):
                value = self.reader.value(array)
                if isinstance(event, Reading):
                    self.read_at.append((event, value))
                else:
                    self.detached[value] = event
            if call is not None:
                self.reader.read(call)
                self.follow(k, call, self.reader.tape.lines[-1])
        self.forget_first_writes()

    def forget_first_writes(self) -> None:
        """What is written before anything is computed of it begins with those numbers."""
        lines = self.reader.tape.lines
        read = {
            value for line in lines if line.op is not WRITE
            for value in values_in((*line.operands, *line.statics.values()))
        }  # fmt: skip
        for k, line in enumerate(lines):
            if line.op is not WRITE:
                continue
            before, after = self.origin(line.operands[0]), line.results[0]
            if before not in self.made and before not in read:
                self.written_first[after] = self.watch.results[k][0]
                del self.made[after]

    def follow(self, k: int, call: Call, line: Line) -> None:
        if call.op is CAST and isinstance(line.operands[0], Value):
            self.same[line.results[0]] = self.origin(line.operands[0])
        for value in line.results:
            if isinstance(value, Value):
                self.made[value] = k

    def origin(self, value: Value) -> Value:
        """What a value was made of, if it only has another type, or is a copy that a node keeps."""
        _, array = self.watch.copies.get(id(value.array), (None, None))
        if array is not None and value not in self.made and value not in self.same:
            self.same[value] = self.reader.value(array)
        return self.same.get(value, value)

    # ------------------------------------------------------------------------------ what is needed

    def description(self) -> Description:
        outputs = [self.origin(self.reader.value(root._array)) for root in self.roots]
        last = max([self.made.get(value, -1) for value in outputs])
        read = [(r, self.origin(v)) for r, v in self.read_at if r.time <= last]
        readings = [(r, v) for r, v in read if v in self.made and not self.is_written(v)]
        needed = self.needed([*outputs, *[value for _, value in readings]])
        used = {each for k in needed for each in self.given(k)} | {*outputs}
        for k in sorted(needed):
            self.add_call(k, used)
        for reading, value in readings:
            self.add_reading(reading, value, needed)
        roots = [self.by_value[value] for value in outputs]
        calls, cuts = list(self.calls.values()), list(self.cuts.values())
        return Description(self.vertices, roots, calls, self.by_edge, cuts)

    def given(self, k: int) -> list[Value]:
        """The values that a call was given."""
        line = self.reader.tape.lines[k]
        edges = getattr(self.nodes.get(self.watch.sequences[k]), "operands", ())
        leaves = {id(each) for each, edge in zip(line.operands, edges) if type(edge) is Leaf}
        found = values_in((*line.operands, *line.statics.values()))
        origins = [(self.origin(value), id(value) in leaves) for value in found]
        return [value for value, is_leaf in origins if not (is_leaf and self.is_written(value))]

    def is_written(self, value: Value) -> bool:
        """Whether a value is what a change in place left: of a leaf, today's numbers."""
        k = self.made.get(value)
        return k is not None and self.watch.calls[k].op is WRITE

    def needed(self, values: list[Value]) -> set[int]:
        """The calls that led to `values`."""
        found: set[int] = set()
        stack = [self.made[value] for value in values if value in self.made]
        while stack:
            k = stack.pop()
            if k not in found:
                found.add(k)
                stack += [self.made[value] for value in self.given(k) if value in self.made]
        return found

    # ------------------------------------------------------------------------------------ vertices

    def add_call(self, k: int, used: set[Value]) -> None:
        call, line = self.watch.calls[k], self.reader.tape.lines[k]
        sequence = self.watch.sequences[k]
        node = self.nodes.get(sequence)
        edges = getattr(node, "operands", (None,) * len(line.operands))
        operands = [
            self.given_as(name, each, edge)
            for (name, each), edge in zip(self.operands_of(line), edges)
        ]
        others = [self.index_of(each) for each in values_in(line.statics.values())]
        results = [v for v in line.results if isinstance(v, Value) and v.kind != "kept"]
        shapes = tuple([value.shape for value in results])
        several = isinstance(getattr(node, "shape", None), tuple) and len(results) > 1
        several = several or len(results) > 1
        name = self.name_of(node, None if several else results[0].array)
        shape = shapes if several else shapes[0]
        vertex = self.vertex("op", node, shape, results[0].dtype, name)
        vertex.op, vertex.operands, vertex.others = call.op.name, operands, others
        vertex.statics = dict(zip(line.statics, call.statics))
        vertex.formula = self.formula(call, line, operands)
        vertex.line = written_line(call.line)
        vertex.call = self.call(self.first_of(line.frame))
        copies = self.watch.results[k][: len(results)]
        vertex.value = copies[0]
        if several:
            kind = call.op.outputs_class
            vertex.value = kind(*copies) if kind is not None else copies
        if isinstance(node, Node):
            self.add_saved(vertex, node)
        self.cut_at(k, vertex, node)
        self.by_value[results[0]] = vertex.index
        if several:
            for i, value in enumerate(results):
                if value in used:
                    self.add_part(vertex, node, i, value, copies[i])

    def add_part(self, of: Vertex, node: Any, i: int, value: Value, copy: Any) -> None:
        """One of several results."""
        edge = self.parts.get((node, i))
        name = self.name_of(edge, value.array)
        vertex = self.vertex("output", edge, value.shape, value.dtype, name)
        vertex.op, vertex.position, vertex.call, vertex.line = of.op, i, of.call, of.line
        vertex.operands = [Operand("", of.index)]
        fields = getattr(type(of.value), "_fields", None)
        vertex.formula = f"{of.symbol}{f'.{fields[i]}' if fields else f'[{i}]'}"
        vertex.value = copy
        self.by_value[value] = vertex.index

    def operands_of(self, line: Line) -> list[tuple[str, Any]]:
        """The operands of a call, each with its name."""
        op = line.op
        if op is WRITE:
            return list(zip(("", ""), line.operands))
        if op.joint is not None:
            return [(f"{op.operand_names[0]}[{i}]", each) for i, each in enumerate(line.operands)]
        return list(zip(op.operand_names, line.operands))

    def formula(self, call: Call, line: Line, operands: list[Operand]) -> str:
        written = [self.written(operand) for operand in operands]
        if call.op is WRITE:
            return " ← ".join([each or "" for each in written]) + ", in place"
        statics = [
            self.vertices[self.index_of(each)].symbol if isinstance(each, Value) else each
            for each in line.statics.values()
        ]
        return formula(call.op, written, statics)

    def name_of(self, edge: Any, array: Any) -> str | None:
        return self.names.edges.get(edge) or self.names.arrays.get(id(array))

    def given_as(self, name: str, each: Any, edge: Any) -> Operand:
        """An operand of a call: a vertex, or a number.

        edge   where it came from, if a gradient goes there
        """
        if not isinstance(each, Value):
            return Operand(name, None, each)
        value = self.origin(each)
        array = value.array
        if type(edge) is Leaf:
            return Operand(name, self.index_of_leaf(edge, value))
        outside = value not in self.made and id(array) not in self.names.leaves
        if outside and value.shape == () and self.names.arrays.get(id(array)) is None:
            return Operand(name, None, self.numbers_of(value))
        return Operand(name, self.index_of(value))

    def index_of(self, value: Value) -> int:
        """The vertex of a value; that of a leaf or a constant is made here."""
        value = self.origin(value)
        if value in self.by_value:
            return self.by_value[value]
        leaf = self.names.leaves.get(id(value.array))
        index = self.constant(value.array) if leaf is None else self.index_of_leaf(leaf, value)
        self.vertices[index].value = self.numbers_of(value)
        self.by_value[value] = index
        return index

    def index_of_leaf(self, leaf: Leaf, value: Value) -> int:
        """The vertex of a leaf; one on the memory of a result, ``x.detach().requires_grad_()``,
        begins anew where a gradient ends."""
        if leaf in self.by_edge:
            return self.by_edge[leaf]
        made = value in self.made and not self.is_written(value)
        source = self.index_of(value) if made and self.is_graded(value) else None
        name = self.names.edges.get(leaf) or self.names.arrays.get(id(value.array))
        vertex = self.vertex("leaf", leaf, leaf.shape, leaf.dtype, name)
        vertex.value = self.numbers_of(value)
        if source is not None and value in self.detached:
            self.cut(source, vertex.index, "detach", self.detached[value])
        if not made:
            self.names.leaves[id(value.array)] = leaf
        return vertex.index

    def numbers_of(self, value: Value) -> Any:
        """The numbers of a value as they were."""
        if value in self.written_first:
            return self.written_first[value]
        if value in self.made:
            return self.watch.results[self.made[value]][0]
        return self.watch.constants.get(id(value.array), (None, value.array))[1]

    def first_of(self, frame: Frame | None) -> Frame | None:
        """The frame that a module call began with: `no_grad` and its kin put others in its place.

        Such a frame has details of its own, where that of a call has those of its parent.
        """
        if frame is None or frame.module is None or frame.parent is None:
            return frame
        for known, first in self.frames:
            if known is frame:
                return first
        parent = self.first_of(frame.parent)
        first = frame
        if frame.detail is not frame.parent.detail:
            same = [f for _, f in self.frames if f.module is frame.module and f.parent is parent]
            first = same[-1] if same else frame
        elif parent is not frame.parent:
            first = Frame(frame.module, parent, frame.detail)
        self.frames.append((frame, first))
        return first

    # ---------------------------------------------------------------------------------------- cuts

    def is_graded(self, value: Value) -> bool:
        """Whether a value has a place in a graph: a gradient could come to it."""
        if np.dtype(value.dtype).kind != "f":
            return False
        k = self.made.get(value)
        if k is None:
            return id(value.array) in self.names.leaves
        return self.watch.sequences[k] is not None

    def cut_at(self, k: int, vertex: Vertex, node: Any) -> None:
        """Note where the operands of a call have a gradient, and the call sends them none."""
        call, line = self.watch.calls[k], self.reader.tape.lines[k]
        if call.op is WRITE or (node is None and self.watch.sequences[k] is not None):
            return
        edges = getattr(node, "operands", [None] * len(line.operands))
        for i, (operand, edge) in enumerate(zip(line.operands, edges)):
            if not isinstance(operand, Value) or type(edge) in KINDS:
                continue
            value = self.origin(operand)
            has_vjp = call.op.joint is not None or call.op.vjps[i : i + 1] not in ((), (None,))
            if not self.is_graded(value) or not has_vjp or vertex.dtype.kind != "f":
                continue
            detail = call.frame.detail
            if detail is not None and not detail.grad:
                self.cut(self.index_of(value), vertex.index, "no_grad", call.line)
            else:
                line_of = self.detached.get(value) or self.detached.get(operand) or call.line
                self.cut(self.index_of(value), vertex.index, "detach", line_of)

    def cut(self, source: int, target: int | None, what: str, line: tuple[str, int, str]) -> Cut:
        file, number, _ = line
        key = source, what, file, number
        text = getline(file, number).strip()
        cut = self.cuts.setdefault(key, Cut(source, [], what, (file, number, text)))
        if target is not None and target not in cut.targets:
            cut.targets.append(target)
        return cut

    def add_reading(self, reading: Reading, value: Value, needed: set[int]) -> None:
        """Numbers that were read; and the calls that a number went into, if it can be told."""
        cut = self.cut(self.by_value[value], None, reading.what, reading.line)
        number = reading.number
        if not isinstance(number, float) or (number.is_integer() and abs(number) < LARGEST_WHOLE):
            return
        for k in sorted(needed):
            operands = self.watch.calls[k].operands
            if k >= reading.time and any(is_number(each, number) for each in operands):
                made = next(v for v in self.reader.tape.lines[k].results if isinstance(v, Value))
                target = self.by_value[made]
                if target not in cut.targets:
                    cut.targets.append(target)


def values_in(each: Any) -> list[Value]:
    """The values among arguments, and in tuples of them."""
    found = []
    for value in each:
        if isinstance(value, (tuple, list)):
            found += values_in(value)
        elif isinstance(value, Value):
            found.append(value)
    return found


def is_number(each: Any, number: float) -> bool:
    """Whether an operand is this number, perhaps rounded to its type."""
    if isinstance(each, (int, float)):
        return each == number
    return isinstance(each, np.ndarray) and each.ndim == 0 and each == each.dtype.type(number)


def written_line(line: tuple[str, int, str]) -> str:
    """A line of the program as tracebacks write it."""
    file, number, function = line
    return f'  File "{file}", line {number}, in {function}\n    {getline(file, number).strip()}'
