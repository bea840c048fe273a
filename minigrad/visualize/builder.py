"""Makes a description of a graph: names for its tensors, and a vertex for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.graph import Edge, Leaf, Node, Output, Variable, recorded_before
from minigrad.modes import Frame
from minigrad.visualize import values
from minigrad.visualize.formulas import formula
from minigrad.visualize.names import exact_text, shown
from minigrad.visualize.parts import Call, Description, Operand, Vertex

__all__ = ["Builder", "Names", "with_leaves"]


def with_leaves(roots: Sequence[Edge]) -> list[Edge]:
    """All that `roots` were computed from, each after its inputs, leaves just before their use."""
    ordered: dict[Edge, None] = {}
    for node in recorded_before(roots):
        for each in node.inputs:
            if type(each) is Leaf:
                ordered[each] = None
        ordered[node] = None
    for root in roots:  # a leaf that is itself a root
        if type(root) is Leaf:
            ordered[root] = None
    return list(ordered)


class Variables(dict[str, Any]):
    """Names that nobody gave: the variables of the calling function.

    They name a tensor or an array by its identity only, and a module's parameters only where the
    module itself was not called.
    """


class Names:
    """What tensors are called: by their own name, by the mapping, or by their module."""

    def __init__(
        self,
        roots: Iterable[Any],
        mapping: Mapping[str, Any],
        edges: Iterable[Edge],
        frames: Iterable[Frame | None],
    ) -> None:
        self.edges: dict[Any, str] = {}
        self.arrays: dict[int, str] = {}
        self.tensors: list[Any] = []
        self.constants: dict[str, Any] = {}
        self.leaves: dict[int, Leaf] = {}  # id of an array -> the leaf whose numbers it holds
        for edge in edges:
            own = edge.name if type(edge) is Leaf else edge.extras and edge.extras.name
            if own and str(own).strip():
                self.edges[edge] = str(own)
        for root in roots:
            if getattr(root, "name", None) and root._node is not None:
                self.edges.setdefault(root._node, str(root.name))
        self.by_numbers = not isinstance(mapping, Variables)
        mapping = {name: value for name, value in mapping.items() if name.strip()}
        called = outermost(frames)
        if not self.by_numbers:
            for module in called:
                self.module(module, "")
        for name, value in mapping.items():
            if isinstance(value, Variable) and not name.startswith("_"):
                self.give(name, value)
            elif isinstance(value, np.ndarray):
                self.arrays.setdefault(id(value), name)
                self.constants[name] = value
        for name, value in mapping.items():
            if hasattr(value, "named_parameters") and not isinstance(value, type):
                self.module(value, name)
        for module in called:
            self.module(module, "")

    def give(self, name: str, tensor: Any) -> None:
        self.tensors.append(tensor)
        if type(tensor._node) is Leaf:
            self.leaves[id(tensor._array)] = tensor._node
        if tensor._node is not None:
            self.edges.setdefault(tensor._node, name)
        else:
            self.arrays.setdefault(id(tensor._array), name)
            self.constants[name] = tensor._array

    def of_array(self, array: Any) -> str | None:
        """The name of a constant; a copy made for pictures is known by its numbers."""
        name = self.arrays.get(id(array))
        if name is not None:
            return name
        if not self.by_numbers:
            return None
        equal = [
            name for name, each in self.constants.items()
            if each.dtype == array.dtype and np.array_equal(each, array, equal_nan=True)
        ]  # fmt: skip
        return equal[0] if len(equal) == 1 else None

    def module(self, module: Any, prefix: str) -> None:
        if not hasattr(module, "named_parameters"):
            return
        for name, parameter in module.named_parameters():
            self.give(f"{prefix}.{name}" if prefix else name, parameter)


def outermost(frames: Iterable[Frame | None]) -> list[Any]:
    """The modules that frames are inside of, of several around each other the outermost one."""
    modules: dict[int, Any] = {}
    for frame in frames:
        while frame is not None and frame.parent is not None and frame.parent.module is not None:
            frame = frame.parent
        if frame is not None and frame.module is not None:
            modules[id(frame.module)] = frame.module
    return list(modules.values())


PARAMETERS = {"weight": "W", "bias": "b"}  # how formulas write them


class Builder:
    """Makes vertices of edges that come in order."""

    def __init__(self, roots: Sequence[Any], names: Names) -> None:
        self.roots = roots
        self.names = names
        self.vertices: list[Vertex] = []
        self.by_edge: dict[Any, int] = {}
        self.constants: dict[int, int] = {}
        self.named: dict[str, int] = {}
        self.calls: dict[Frame, Call] = {}
        self.counts = {"leaf": 0, "constant": 0, "op": 0, "output": 0}
        self.modules: dict[str, int] = {}
        self.paths: dict[int, dict[int, str]] = {}
        self.taken = set(names.edges.values()) | set(names.arrays.values())

    def finish(self) -> Description:
        roots = [
            self.constant(root._array) if root._node is None else self.by_edge[root._node]
            for root in self.roots
        ]
        return Description(self.vertices, roots, list(self.calls.values()), self.by_edge)

    def vertex(
        self, kind: str, edge: Edge | None, shape: Any, dtype: Any, name: str | None
    ) -> Vertex:
        vertex = Vertex(len(self.vertices), kind, edge, shape, dtype, name=name)
        vertex.symbol = self.symbol(kind, name)
        self.vertices.append(vertex)
        if edge is not None:
            self.by_edge[edge] = vertex.index
        return vertex

    def symbol(self, kind: str, name: str | None) -> str:
        """How formulas write a tensor: a parameter ``net.2.weight`` as W2, if it is the second."""
        if name is None:
            return self.automatic(kind)
        module, _, last = name.rpartition(".")
        if kind != "leaf" or last not in PARAMETERS or (not module and "." not in name):
            return PARAMETERS.get(name, shown(name)) if kind == "leaf" else shown(name)
        number = self.modules.setdefault(module, len(self.modules) + 1)
        symbol = f"{PARAMETERS[last]}{number}"
        return symbol if symbol not in self.taken else shown(name)

    def automatic(self, kind: str) -> str:
        """A symbol for a tensor without a name: x1 for leaves, c1 for constants, t1 for results."""
        letter = {"leaf": "x", "constant": "c"}.get(kind, "t")
        key = "op" if kind == "output" else kind
        while True:
            self.counts[key] += 1
            symbol = f"{letter}{self.counts[key]}"
            if symbol not in self.taken:
                return symbol

    def add(self, edge: Edge) -> None:
        name = self.names.edges.get(edge)
        if isinstance(edge, Leaf):
            self.vertex("leaf", edge, edge.shape, edge.dtype, name)
        elif isinstance(edge, Output):
            self.add_output(edge, name)
        else:
            self.add_op(edge, name)

    def add_output(self, edge: Output, name: str | None) -> None:
        of = self.by_edge[edge.inputs[0]]
        vertex = self.vertex("output", edge, edge.shape, edge.dtype, name)
        vertex.op, vertex.position = edge.op.name, edge.position
        vertex.operands = [Operand("", of)]
        fields = getattr(edge.op.outputs_class, "_fields", None)
        part = f".{fields[edge.position]}" if fields else f"[{edge.position}]"
        vertex.formula = f"{self.vertices[of].symbol}{part}"
        vertex.call = self.call(edge.frame)

    def add_op(self, node: Node, name: str | None) -> None:
        operands = self.operands(node)
        vertex = self.vertex("op", node, node.shape, node.dtype, name)
        vertex.op = node.op.name
        vertex.operands = operands
        vertex.statics = dict(zip(node.op.static_names, node.statics))
        vertex.formula = formula(node.op, [self.written(o) for o in operands], node.statics)
        vertex.call = self.call(node.frame)
        self.add_saved(vertex, node)
        if node.extras is not None and node.extras.stack:
            vertex.line = str(node.extras.stack)

    def add_saved(self, vertex: Vertex, node: Node) -> None:
        """The bytes that a node keeps for the backward pass."""
        vertex.freed = node.saved is None
        for key, value in zip(node.plan.names, node.saved or ()):
            vertex.saved[key] = size_of(value)

    def operands(self, node: Node) -> list[Operand]:
        op = node.op
        if op.joint is not None:
            names = [f"{op.operand_names[0]}[{i}]" for i in range(len(node.inputs))]
        else:
            names = list(op.operand_names)
        operands = []
        for i, (name, edge) in enumerate(zip(names, node.inputs)):
            if edge is not None:
                operands.append(Operand(name, self.by_edge[edge]))
            elif node.operands[i] is None or np.ndim(node.operands[i]) == 0:
                operands.append(Operand(name, None, node.operands[i]))
            else:
                vertex = self.constant(values.operand_array(node, i))
                if values.changed(self.vertices[vertex].value, node.sequence):
                    self.vertices[vertex].value_note = values.CHANGED
                operands.append(Operand(name, vertex))
        return operands

    def constant(self, array: Any) -> int:
        """The vertex of a constant; the same array, or a copy of a named one, is the same."""
        if array is None:
            vertex = self.vertex("constant", None, None, None, None)
            vertex.value_note = values.NOT_KEPT
            return vertex.index
        known = self.constants.get(id(array))
        if known is None:
            name = self.names.of_array(array)
            known = self.named.get(name) if name is not None else None
        if known is None:
            vertex = self.vertex("constant", None, array.shape, array.dtype, name)
            vertex.value = array
            known = vertex.index
            if name is not None:
                self.named[name] = known
        self.constants[id(array)] = known
        return known

    def written(self, operand: Operand) -> str | None:
        """An operand as formulas write it."""
        if operand.vertex is not None:
            return self.vertices[operand.vertex].symbol
        if operand.number is None:
            return None
        text = exact_text(operand.number)
        return f"({text})" if text.startswith("-") else text

    def call(self, frame: Frame | None) -> int | None:
        """The module call `frame`, and those around it."""
        chain = []
        while frame is not None and frame.module is not None and frame not in self.calls:
            chain.append(frame)
            frame = frame.parent
        parent = self.calls.get(frame) if frame is not None else None
        for each in reversed(chain):
            call = Call(
                len(self.calls), each, self.path(each.module, parent), type(each.module).__name__,
                None if parent is None else parent.index,
            )  # fmt: skip
            parent = self.calls[each] = call
        return None if parent is None else parent.index

    def path(self, module: Any, parent: Call | None) -> str:
        """The name of a module inside the outermost one."""
        if parent is None:
            return ""
        around = parent.frame.module
        if id(around) not in self.paths:
            named = getattr(around, "named_modules", lambda: ())()
            self.paths[id(around)] = {id(child): name for name, child in named if name}
        name = self.paths[id(around)].get(id(module))
        return parent.name if name is None else f"{parent.name}.{name}".removeprefix(".")


def size_of(value: Any) -> int:
    """Bytes of what a node saved under one name."""
    if isinstance(value, (tuple, list)):
        return sum([size_of(each) for each in value])
    return int(getattr(value, "nbytes", 0))
