"""What pictures and texts say of one op: the bytes that it keeps, the products it sends back."""

from __future__ import annotations

from minigrad.graph import Node
from minigrad.visualize.description import Description, Vertex
from minigrad.visualize.formulas import is_entrywise, vjp_formula
from minigrad.visualize.names import bytes_text, number_text

__all__ = ["kept_text", "products"]


def products(description: Description, vertex: Vertex, source: int) -> list[str]:
    """How the gradient of `source` is computed at `vertex`, once for each time it is an operand."""
    node = vertex.edge
    if not isinstance(node, Node) or vertex.kind != "op":
        return []
    written = [
        description.vertices[o.vertex].symbol if o.vertex is not None
        else None if o.number is None else number_text(o.number)
        for o in vertex.operands
    ]  # fmt: skip
    target = description.vertices[source]
    stretched = is_entrywise(node.op) and target.shape != vertex.shape
    return [
        vjp_formula(node.op, i, written, vertex.symbol, stretched)
        for i, operand in enumerate(vertex.operands)
        if operand.vertex == source and node.inputs[i] is not None
    ]


def kept_text(vertex: Vertex) -> str:
    """``keeps 2 KiB``: what the op holds for backward."""
    if vertex.freed:
        return "freed by backward"
    kept = sum(vertex.saved.values())
    return f"keeps {bytes_text(kept)}" if kept else "keeps nothing"
