"""Numbers for a description: found where the graph keeps them, or computed again from those.

Nothing is invented: a value comes from a copy made for pictures, from a tensor that the caller
named, from what a node saved, from the living tensor of a leaf, or from the op itself run on
operands that are all known.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.graph import Leaf, Node
from minigrad.memory import owner_of, writes

if TYPE_CHECKING:
    from minigrad.visualize.description import Description, Vertex

NOT_KEPT = "not kept"
GONE = "the tensor is gone"
CHANGED = "changed in place since"
NO_GRAD_YET = "not computed yet"
NO_GRAD_LEFT = "none: cleared since backward, or not asked for"
NO_GRAD_KEPT = "not kept (no retain_grad)"
NO_GRAD_SEEN = "not kept, or not computed yet"  # backward may have run with retain_graph


def operand_array(node: Node, i: int) -> Any:
    """Operand `i` of a node, if a copy was made for pictures or its VJPs named it; else None."""
    op = node.op
    extras = node.extras
    if extras is not None and extras.values is not None:
        operands = extras.values[1] if op.joint is not None else extras.values[1:]
        return original(node, i, operands[i])
    return saved_operand(node, i)


def saved_operand(node: Node, i: int) -> Any:
    """Operand `i` of a node, if its VJPs named it and it was not freed; else None."""
    op = node.op
    if type(node.operands[i]) is np.ndarray:
        return node.operands[i]
    saved = dict(zip(node.plan.names, node.saved or ()))
    if op.joint is not None:
        return saved.get(op.operand_names[0], [None] * len(node.inputs))[i]
    return saved.get(op.operand_names[i])


def original(node: Node, i: int, copy: Any) -> Any:
    """The array itself where a node holds it, so that it is recognised in several places.

    An array that was changed since is not what was computed with: the copy is.
    """
    array = saved_operand(node, i)
    return array if array is not None and np.array_equal(array, copy, equal_nan=True) else copy


def fill(description: Description, tensors: Iterable[Any]) -> None:
    """Find the values and gradients of all vertices.

    tensors   tensors that the caller holds: their numbers are known
    """
    held = {t._node: t._array for t in tensors if t._node is not None}
    saved = saved_arrays(description)
    used = first_uses(description)
    for vertex in description.vertices:
        if isinstance(vertex.edge, Leaf):
            find_leaf(vertex, vertex.edge, saved, used)
        else:
            find_value(vertex, held, saved, description)
    ran = backward_ran(description)
    for vertex in description.vertices:
        find_grad(vertex)
    some = any(vertex.grad is not None for vertex in description.vertices)
    for vertex in description.vertices:
        if vertex.edge is not None and vertex.grad is None:
            vertex.grad_note = why_no_grad(isinstance(vertex.edge, Leaf), ran, some)


def backward_ran(description: Description) -> bool:
    """Whether backward went through this graph: something was freed, or a gradient kept."""
    return any(
        v.freed or (isinstance(v.edge, Node) and v.edge.extras and v.edge.extras.grad is not None)
        for v in description.vertices
    )


def saved_arrays(description: Description) -> dict[Any, Any]:
    """Edge -> array, for all that nodes keep: copies for pictures first, then what VJPs need."""
    found: dict[Any, Any] = {}
    for vertex in description.vertices:
        node = vertex.edge
        if vertex.kind != "op" or not isinstance(node, Node):
            continue
        extras = node.extras
        if extras is not None and extras.values is not None:
            found[node] = extras.values[0]
        elif node.saved and "out" in node.plan.names:
            found.setdefault(node, node.saved[node.plan.names.index("out")])
        for i, edge in enumerate(node.inputs):
            if edge is not None and edge not in found:
                array = operand_array(node, i)
                if array is not None:
                    found[edge] = array
    return found


def find_value(
    vertex: Vertex, held: dict[Any, Any], saved: dict[Any, Any], description: Description
) -> None:
    edge = vertex.edge
    if edge is None:  # a constant: its operand array was found when the vertex was made
        return
    copied = isinstance(edge, Node) and edge.extras is not None and edge.extras.values is not None
    if copied and vertex.kind == "op":
        vertex.value = saved[edge]
    elif edge in held:
        vertex.value = held[edge]
    elif edge in saved:
        vertex.value = saved[edge]
    elif vertex.kind == "output":
        several = description.vertices[vertex.inputs[0]].value
        vertex.value = None if several is None else several[vertex.position]
    elif isinstance(edge, Node):
        vertex.value = evaluated(vertex, edge, description)
    if vertex.value is None and not vertex.value_note:
        vertex.value_note = NOT_KEPT


def find_leaf(vertex: Vertex, leaf: Leaf, saved: dict[Any, Any], used: dict[Any, int]) -> None:
    """A leaf shows the numbers that the graph was computed from; or today's, and says so."""
    tensor = leaf.tensor()
    if leaf in saved:
        vertex.value = saved[leaf]
    elif tensor is not None:
        vertex.value = tensor._array
    else:
        vertex.value_note = GONE
        return
    if changed(vertex.value, used.get(leaf, writes.latest)):
        vertex.value_note = CHANGED


def first_uses(description: Description) -> dict[Any, int]:
    """When each edge was first used by an op."""
    used: dict[Any, int] = {}
    for vertex in description.vertices:
        if vertex.kind == "op" and isinstance(vertex.edge, Node):
            for edge in vertex.edge.inputs:
                used.setdefault(edge, vertex.edge.sequence)
    return used


def changed(array: Any, time: int) -> bool:
    """Whether the memory of `array` was written in place after `time`."""
    if time >= writes.latest or not isinstance(array, np.ndarray):
        return False
    return writes.times.get(id(owner_of(array)), (-1, ""))[0] > time


def evaluated(vertex: Vertex, node: Node, description: Description) -> Any:
    """The op run again on its operands, if they are all known and as they were; else None."""
    operands = operand_values(vertex, description)
    if operands is None:
        return None
    return run(node, operands)[0]


def operand_values(vertex: Vertex, description: Description) -> list[Any] | None:
    """The operands of a vertex, if they are all known and as they were; else None."""
    arrays = []
    for operand in vertex.operands:
        if operand.vertex is None:
            arrays.append(operand.number)
            continue
        source = description.vertices[operand.vertex]
        if source.value is None or source.value_note:
            return None
        arrays.append(source.value)
    return arrays


def run(node: Node, operands: list[Any]) -> tuple[Any, ...]:
    """What a node's forward returns: ``(out, *kept)``."""
    op = node.op
    leading = operands if op.joint is None else [tuple(operands)]
    statics = list(node.statics)
    if op.varargs:
        statics = [*statics[:-1], *statics[-1]]
    with np.errstate(all="ignore"):
        out = op.forward(*leading, *statics)
    parts = tuple(out) if op.keep else (out,)
    return tuple([np.asarray(part) if isinstance(part, np.generic) else part for part in parts])


def find_grad(vertex: Vertex) -> None:
    edge = vertex.edge
    grad: Any = None
    if edge is None:
        vertex.grad_note = "needs no gradient"
    elif isinstance(edge, Leaf):
        grad = edge.grad
    elif edge.extras is not None:
        grad = edge.extras.grad
    if grad is not None:
        vertex.grad = grad._array


def why_no_grad(is_leaf: bool, ran: bool, some: bool) -> str:
    """Why a tensor has no gradient.

    ran    backward went through the graph
    some   another tensor of the graph has one
    """
    if ran:
        return NO_GRAD_LEFT if is_leaf else NO_GRAD_KEPT
    return NO_GRAD_SEEN if some and not is_leaf else NO_GRAD_YET
