"""What pictures and texts say of one op: the bytes that it keeps, the products it sends back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from minigrad.backward import written_since
from minigrad.graph import Node
from minigrad.visualize.description import Description, Operand, Vertex
from minigrad.visualize.formulas import Names, is_stretched, vjp_formula
from minigrad.visualize.names import bytes_text, exact_text

__all__ = ["kept_text", "product", "results", "sent"]


def sent(
    description: Description, vertex: Vertex, sources: Iterable[int], uses: Mapping[int, int]
) -> list[str]:
    """What an op sends back to its operands: ``x̄ = ȳ Wᵀ``; ``x̄ += ȳ Wᵀ`` where x has other uses.

    uses   how often each vertex is an operand
    """
    return [
        text.replace(" = ", " += ", 1) if uses[source] > 1 else text
        for source in sources
        for text in products(description, vertex, source)
    ]


def products(description: Description, vertex: Vertex, source: int) -> list[str]:
    """How the gradient of `source` is computed at `vertex`, once for each time it is an operand."""
    node = vertex.edge
    if not isinstance(node, Node) or vertex.kind != "op":
        return []
    shapes = [None if edge is None else edge.shape for edge in node.inputs]
    out = vertex.shape[0] if is_several(vertex.shape) else vertex.shape
    return [
        product(description, vertex, i, is_stretched(node.op, i, shapes, out))
        for i, operand in enumerate(vertex.operands)
        if operand.vertex == source and node.inputs[i] is not None
    ]


def product(description: Description, vertex: Vertex, position: int, stretched: bool) -> str:
    """How `vertex` computes the gradient of one operand: ``x̄ = z̄ Wᵀ``.

    stretched   the operand was broadcast: its gradient is summed over the stretched axes
    """
    node = vertex.edge
    assert isinstance(node, Node)
    around = [description.vertices[i] for i in (*vertex.inputs, vertex.index)]
    sizes = {
        each.symbol: math.prod(each.shape)
        for each in around if each.shape is not None and not is_several(each.shape)
    }  # fmt: skip
    names = Names(
        [written(operand, description) for operand in vertex.operands],
        vertex.symbol,
        results(vertex, description),
        vertex.statics,
        sizes,
    )
    return vjp_formula(node.op, position, names, stretched)


def written(operand: Operand, description: Description) -> str | None:
    """An operand as formulas write it; None if it was left out."""
    if operand.vertex is not None:
        return description.vertices[operand.vertex].symbol
    return None if operand.number is None else exact_text(operand.number)


def results(vertex: Vertex, description: Description) -> list[str | None]:
    """The symbols of the results of an op that has several; None for one that nobody used."""
    if not is_several(vertex.shape):
        return []
    found: list[str | None] = [None] * len(vertex.shape)
    for each in description.vertices[vertex.index + 1 :]:
        if each.kind != "output":  # they follow their op
            break
        found[each.position] = each.symbol
    return found


def is_several(shape: Any) -> bool:
    """Whether a shape is that of several results: a tuple of shapes."""
    return isinstance(shape, tuple) and bool(shape) and isinstance(shape[0], tuple)


def kept_text(vertex: Vertex) -> str:
    """``keeps 2 KiB``: what the op holds for backward; after it, whether its numbers are there."""
    if vertex.edge is None:
        return "no gradient"
    if vertex.freed and isinstance(vertex.edge, Node) and vertex.edge.plan.names:
        extras = vertex.edge.extras
        recorded = extras is not None and extras.values is not None
        return "numbers recorded" if recorded else "freed by backward"
    kept = sum(vertex.saved.values())
    if not kept:
        return "keeps nothing"
    overwritten = isinstance(vertex.edge, Node) and written_since(vertex.edge)
    return f"keeps {bytes_text(kept)}{', overwritten since' if overwritten else ''}"
