"""One description of a graph, which every view only formats.

A description lists the tensors of a graph in the order in which they were computed: leaves,
constants, and results with the op that computed them.  It is built without recursion, before or
after backward.  The graph keeps few numbers; where a value is not known, the description says so.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.func import functional_call
from minigrad.graph import Edge, Leaf, Node, Output, Variable, recorded_before
from minigrad.modes import Frame, enable_grad
from minigrad.pytrees import leaves_of
from minigrad.visualize import values
from minigrad.visualize.backprop import recover_gradients
from minigrad.visualize.formulas import formula
from minigrad.visualize.names import exact_text, shown
from minigrad.visualize.recording import record_values

__all__ = ["Call", "Description", "Operand", "Vertex", "describe"]


@dataclass(eq=False)
class Operand:
    """An argument of an op: its name there, and the vertex, number or absence that was given."""

    name: str
    vertex: int | None = None
    number: Any = None


@dataclass(eq=False)
class Call:
    """One call of a module: the box that its ops are drawn in."""

    index: int
    frame: Frame
    name: str  # its path from the outermost module, "net.2"
    kind: str  # the class of the module
    parent: int | None


@dataclass(eq=False)
class Vertex:
    """One tensor of the graph, and how it was computed.

    kind       "leaf", "constant", "op", or "output": one of the several results of an op
    symbol     how formulas write it
    formula    what computes it, in mathematical notation
    value      its numbers, or None: then `value_note` says why; it also says that numbers changed
    grad       its gradient, or None: then `grad_note` says why
    saved      bytes that the op keeps for the backward pass, by name; empty once they were freed
    call       the innermost module call, an index into `Description.calls`
    line       where the user's program computed it, if the graph was recorded with its values
    """

    index: int
    kind: str
    edge: Edge | None
    shape: Any
    dtype: Any
    symbol: str = ""
    name: str | None = None
    op: str = ""
    formula: str = ""
    operands: list[Operand] = field(default_factory=list)
    statics: dict[str, Any] = field(default_factory=dict)
    value: Any = None
    value_note: str = ""
    grad: Any = None
    grad_note: str = ""
    saved: dict[str, int] = field(default_factory=dict)
    freed: bool = False
    call: int | None = None
    line: str = ""
    position: int = 0

    @property
    def inputs(self) -> list[int]:
        return [o.vertex for o in self.operands if o.vertex is not None]


@dataclass(eq=False)
class Description:
    """A graph: vertices in order of computation, roots, and the module calls around them."""

    vertices: list[Vertex]
    roots: list[int]
    calls: list[Call]
    by_edge: dict[Any, int]

    def __len__(self) -> int:
        return len(self.vertices)

    def uses(self) -> Counter[int]:
        """How often each vertex is an operand."""
        return Counter([i for vertex in self.vertices for i in vertex.inputs])

    def consumers(self) -> list[list[int]]:
        """For each vertex, those that are computed from it."""
        found: list[list[int]] = [[] for _ in self.vertices]
        for vertex in self.vertices:
            for i in dict.fromkeys(vertex.inputs):
                found[i].append(vertex.index)
        return found


def describe(
    x: Any, input: Any = None, *, names: Mapping[str, Any] | None = None, numbers: bool = True
) -> Description:
    """Describe the graph of a tensor, of several, or of a module applied to an input.

    x        a tensor that requires grad; a list of them; or a module, or any function, with `input`
    input    what the module is called with: a tensor or a tuple of arguments.  The call is
             recorded with all values, and changes no buffer of the module.
    names    names for the tensors: a mapping from names to tensors and modules; `locals()` will do
    numbers  find values and gradients; without them only the structure is described

    Raises   TypeError if x is something else, if no tensor of it requires grad, or if `names` is no
             mapping from strings.
    Example  >>> import minigrad as mg
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> y = (x * x).sum()
             >>> [v.formula for v in mg.visualize.describe(y, names=locals()).vertices]
             ['', 'x * x', 'Σ t1']
    """
    roots, implied = computed(x, input)
    names = {**implied, **checked(names)}
    edges = with_leaves([root._node for root in roots])
    builder = Builder(roots, Names(roots, names, edges))
    for edge in edges:
        builder.add(edge)
    description = builder.finish()
    if numbers:
        values.fill(description, [*roots, *builder.names.tensors])
        recover_gradients(description)
    return description


def checked(names: Any) -> Mapping[str, Any]:
    """`names`, if they are a mapping from strings."""
    if names is None:
        return {}
    if not isinstance(names, Mapping):
        raise TypeError(
            f"names is a mapping such as {{'x': x}}, or locals(); got {type(names).__name__}"
        )
    for name in names:
        if not isinstance(name, str):
            raise TypeError(
                f"names maps strings to tensors: the key {name!r} is of type {type(name).__name__}"
            )
    return names


def computed(x: Any, input: Any) -> tuple[list[Any], dict[str, Any]]:
    """The tensors to describe, and names that the call of a module or function implies."""
    names: dict[str, Any] = {}
    if callable(x) and not isinstance(x, Variable):
        arguments = () if input is None else input if isinstance(input, tuple) else (input,)
        if input is None and needs_input(x):
            raise TypeError(
                "a module is called for its picture: pass its input, too, as in draw(model, x)"
            )
        names.update(named_arguments(x, input))
        with enable_grad(), record_values():  # the picture is of what would be recorded
            x = called(x, arguments)
        if isinstance(x, (tuple, Mapping)):  # an LSTM returns (output, (h, c))
            names.update({k: v for k, v in x.items() if k} if isinstance(x, Mapping) else {})
            x = [each for each in leaves_of(x) if isinstance(each, Variable)]
        if isinstance(x, Variable):
            names["loss" if x._array.ndim == 0 else "output"] = x
    elif input is not None:
        raise TypeError("describe: `input` is for a module or a function; x is neither")
    roots = list(x) if isinstance(x, (list, tuple)) else [x]
    if not roots:
        raise ValueError("an empty list has no graph")
    for root in roots:
        if not isinstance(root, Variable):
            raise TypeError(
                f"a picture is drawn of a tensor, a list of tensors, or a module with an input, "
                f"got {type(root).__name__}"
            )
    if all(root._node is None for root in roots):
        raise TypeError(
            "this tensor has no graph: nothing that it was computed from requires grad "
            "(or it was computed inside no_grad, or detached)"
        )
    return roots, names


def called(x: Any, arguments: tuple[Any, ...]) -> Any:
    """What a function or a module returns; buffers, such as running means, stay as they are."""
    if not hasattr(x, "named_buffers"):
        return x(*arguments)
    buffers = {name: buffer.clone() for name, buffer in x.named_buffers()}
    return functional_call(x, buffers, arguments)


def named_arguments(module: Any, input: Any) -> dict[str, Any]:
    """What the tensors that a module is called with are named: as the parameters of its forward."""
    if not isinstance(input, tuple):
        return {"input": input}
    function = getattr(module, "forward", module)
    try:
        return dict(inspect.signature(function).bind(*input).arguments)
    except (TypeError, ValueError):  # a function of C, or the call itself will fail
        return {}


def needs_input(module: Any) -> bool:
    """Whether it is a module that cannot be called without arguments."""
    if not hasattr(module, "forward"):
        return False
    try:
        inspect.signature(module.forward).bind()
    except TypeError:
        return True
    return False


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


class Names:
    """What tensors are called: by their own name, by the mapping, or by their module."""

    def __init__(
        self, roots: Iterable[Any], mapping: Mapping[str, Any], edges: Iterable[Edge]
    ) -> None:
        self.edges: dict[Any, str] = {}
        self.arrays: dict[int, str] = {}
        self.tensors: list[Any] = []
        self.constants: dict[str, Any] = {}
        for edge in edges:
            own = edge.name if type(edge) is Leaf else edge.extras and edge.extras.name
            if own and str(own).strip():
                self.edges[edge] = str(own)
        for root in roots:
            if getattr(root, "name", None) and root._node is not None:
                self.edges.setdefault(root._node, str(root.name))
        mapping = {name: value for name, value in mapping.items() if name.strip()}
        for name, value in mapping.items():
            if isinstance(value, Variable) and not name.startswith("_"):
                self.give(name, value)
            elif isinstance(value, np.ndarray):
                self.arrays.setdefault(id(value), name)
                self.constants[name] = value
        for name, value in mapping.items():
            if hasattr(value, "named_parameters") and not isinstance(value, type):
                self.module(value, name)
        modules: dict[int, Any] = {}
        for edge in edges:
            frame = edge.frame if isinstance(edge, Node) else None
            while (
                frame is not None and frame.parent is not None and frame.parent.module is not None
            ):
                frame = frame.parent
            if frame is not None and frame.module is not None:
                modules[id(frame.module)] = frame.module
        for module in modules.values():
            self.module(module, "")

    def give(self, name: str, tensor: Any) -> None:
        self.tensors.append(tensor)
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
        vertex.freed = node.saved is None
        for key, value in zip(node.plan.names, node.saved or ()):
            vertex.saved[key] = size_of(value)
        if node.extras is not None and node.extras.stack:
            vertex.line = str(node.extras.stack)

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
