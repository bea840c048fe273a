"""What a description of a graph consists of: vertices, module calls, and places of a cut."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from minigrad.graph import Edge
from minigrad.modes import Frame

__all__ = ["Call", "Cut", "Description", "Operand", "Vertex"]


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
    others     vertices among the arguments that are not operands: an index that was computed
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
    others: list[int] = field(default_factory=list)

    @property
    def inputs(self) -> list[int]:
        return [*[o.vertex for o in self.operands if o.vertex is not None], *self.others]


@dataclass(eq=False)
class Cut:
    """A place where the way of a gradient ends, though its numbers went on.

    source   the vertex that gets no gradient from there
    targets  the vertices that are computed from it all the same
    what     "detach()", "no_grad", or how numbers were read: "item()"
    line     where in the program: the file, the number of the line, and its text
    """

    source: int
    targets: list[int]
    what: str
    line: tuple[str, int, str]


@dataclass(eq=False)
class Description:
    """A graph: vertices in order of computation, roots, and the module calls around them.

    cuts   where gradients end; known of what was recorded with its values
    """

    vertices: list[Vertex]
    roots: list[int]
    calls: list[Call]
    by_edge: dict[Any, int]
    cuts: list[Cut] = field(default_factory=list)

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
