"""The backward pass once more, step by step, without touching any ``.grad``.

The engine's walk keeps nothing of what passes through it.  This one keeps every contribution: which
op sent it, to which operand, before and after broadcasting was undone, and the sum so far.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.backward import contributions, picked, run_hooks, written_since
from minigrad.graph import Extras, Leaf, Node, unbroadcast
from minigrad.visualize import values

if TYPE_CHECKING:
    from minigrad.visualize.description import Description, Vertex

__all__ = [
    "Contribution",
    "HookCall",
    "Replay",
    "compute_gradients",
    "jacobian",
    "recover_gradients",
    "replay",
]


MOST_REPLAYED = 2_000  # vertices


@dataclass(eq=False)
class Contribution:
    """One vector-Jacobian product: what op `source` sends to the gradient of `target`.

    position  which operand of the op
    cotangent ḡ, the gradient of the op's result (a tuple of them if it has several results)
    raw       what the VJP returned; `gradient` is the same with broadcasting undone
    before    what had arrived at `target` already, or None; `total` includes this contribution
    """

    source: int
    target: int
    position: int
    cotangent: Any
    raw: Any
    gradient: Any
    before: Any
    total: Any

    @property
    def cotangent_size(self) -> int:
        return int(getattr(self.cotangent, "size", 0))


@dataclass(eq=False)
class HookCall:
    """One call of a gradient hook of `vertex`, with the gradient before it and after it."""

    vertex: int
    name: str
    before: Any
    after: Any


@dataclass(eq=False)
class Replay:
    """All that happened, in order, and the gradients of vertices; `missing` could not be had."""

    events: list[Contribution | HookCall] = field(default_factory=list)
    gradients: dict[int, Any] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)

    @property
    def contributions(self) -> list[Contribution]:
        return [event for event in self.events if isinstance(event, Contribution)]


def replay(description: Description, cotangents: list[Any], call_hooks: bool = False) -> Replay:
    """Carry cotangents from the roots back, in falling order of computation.

    cotangents   one array for each root
    call_hooks   call the gradient hooks of tensors, as backward does
    """
    done = Replay()
    vertices = {v.edge: v for v in description.vertices if v.edge is not None}
    arrived: dict[Any, Any] = {}
    for root, cotangent in zip(description.roots, cotangents):
        edge = description.vertices[root].edge
        arrived[edge] = arrived[edge] + cotangent if edge in arrived else cotangent

    def saved(node: Node) -> Any:
        found = saved_of(vertices[node], description)
        if found is None:
            done.missing.append(vertices[node].index)
        return found

    def passing(edge: Any, g: Any) -> Any:
        return pass_hooks(vertices[edge], g, done) if call_hooks else g

    nodes = [v.edge for v in description.vertices if isinstance(v.edge, Node)]
    with np.errstate(all="ignore"):
        for each in contributions(nodes, arrived, saved, passing):
            before = arrived.get(each.target)
            gradient = np.asarray(each.gradient)
            done.events.append(
                Contribution(
                    source=vertices[each.node].index,
                    target=vertices[each.target].index,
                    position=each.position,
                    cotangent=each.arguments["g"],
                    raw=np.asarray(each.raw),
                    gradient=gradient,
                    before=before,
                    total=gradient if before is None else np.asarray(before + gradient),
                )
            )
    for edge in arrived:
        if isinstance(edge, Leaf):
            arrived[edge] = passing(edge, arrived[edge])
    done.gradients = {vertices[edge].index: g for edge, g in arrived.items()}
    return done


def pass_hooks(vertex: Vertex, g: Any, done: Replay) -> Any:
    """Give the gradient `g` that arrived at `vertex` to each of its hooks in turn."""
    extras = getattr(vertex.edge, "extras", None)
    for hook in list(extras.hooks.values()) if extras is not None else ():
        alone = Extras()  # without `retain`: no .grad is touched
        alone.hooks[0] = hook
        before, g = g, run_hooks(alone, g, False)
        name = getattr(hook, "__name__", type(hook).__name__)
        done.events.append(HookCall(vertex.index, name, before, g))
    return g


def recover_gradients(description: Description) -> None:
    """Gradients of results that backward passed through and did not keep, if they can be had.

    The pass is done once more, and believed only if it brings every leaf the gradient that it has.
    """
    vertices = description.vertices
    if len(description.roots) != 1 or not any(v.grad_note == values.NO_GRAD_KEPT for v in vertices):
        return
    root = vertices[description.roots[0]]
    if root.shape != () or len(vertices) > MOST_REPLAYED:
        return
    done = replay(description, [np.ones((), root.dtype)])
    leaves = [v for v in vertices if v.kind == "leaf" and v.index in done.gradients]
    if done.missing or any(v.grad is None for v in leaves):
        return
    if not all(np.allclose(v.grad, done.gradients[v.index], rtol=1e-4) for v in leaves):
        return
    for vertex in vertices:
        gradient = done.gradients.get(vertex.index)
        if vertex.grad is None and isinstance(gradient, np.ndarray):
            vertex.grad, vertex.grad_note = gradient, ""


def compute_gradients(description: Description, anew: bool) -> None:
    """Gradients of all vertices for a picture, from a single number, where there are none yet.

    anew   those that are there are of another graph, as with one that was made for the picture
    """
    vertices = description.vertices
    root = vertices[description.roots[0]]
    there = any(vertex.grad is not None for vertex in vertices)
    if len(description.roots) != 1 or root.shape != () or len(vertices) > MOST_REPLAYED:
        return
    if there and not anew:
        return
    done = replay(description, [np.ones((), root.dtype)])
    if done.missing:
        return
    for vertex in vertices:
        gradient = done.gradients.get(vertex.index)
        if isinstance(gradient, np.ndarray):
            vertex.grad, vertex.grad_note = gradient, ""
        elif anew and vertex.edge is not None:
            vertex.grad, vertex.grad_note = None, values.NO_GRAD_LEFT


def saved_of(vertex: Vertex, description: Description) -> tuple[Any, ...] | None:
    """What the VJPs of a vertex need: as kept, or computed again from operands that are known."""
    node: Any = vertex.edge
    plan = node.plan
    if node.extras is not None and node.extras.values is not None:
        return tuple(plan.save(*node.extras.values))
    if node.saved is not None:
        return None if written_since(node) else node.saved
    operands = values.operand_values(vertex, description)
    if operands is None:
        return None
    out, *kept = values.run(node, operands)
    leading = operands if node.op.joint is None else [tuple(operands)]
    return tuple(plan.save(out, *leading, *kept))


def products(node: Node, saved: tuple[Any, ...], g: Any) -> list[tuple[int, Any]]:
    """(position of an operand, its vector-Jacobian product with `g`) for each that needs one."""
    found: list[tuple[int, Any]] = []
    for position, vjp, pick in node.plan.steps:
        with np.errstate(all="ignore"):
            result = vjp(g, *picked(node, saved, pick))
        if position < 0:
            found.extend(enumerate(result))
        else:
            found.append((position, result))
    return found


def jacobian(vertex: Vertex, position: int, description: Description) -> Any:
    """The Jacobian matrix of an op: rows for the entries of its result, columns for an operand's.

    Row j is the vector-Jacobian product with the j-th unit cotangent.  Several results follow one
    another; those of integers have rows of zeros.  None if the numbers were not kept.
    """
    node: Any = vertex.edge
    saved = saved_of(vertex, description)
    if saved is None or vertex.value is None:
        return None
    edge = node.inputs[position]
    several = bool(vertex.shape) and isinstance(vertex.shape[0], tuple)
    rows = []
    for k, shape in enumerate(vertex.shape if several else [vertex.shape]):
        size = int(np.prod(shape))
        for j in range(size):
            row = np.zeros(int(np.prod(edge.shape)), vertex.dtype)
            if not several or vertex.value[k].dtype.kind == "f":
                unit = np.zeros(size, vertex.dtype)
                unit[j] = 1
                g = unit.reshape(shape)
                gradient = dict(products(node, saved, among(node, k, g) if several else g))
                if gradient.get(position) is not None:
                    row = unbroadcast(gradient[position], edge, node).reshape(-1)
            rows.append(row)
    return np.array(rows).reshape(len(rows), int(np.prod(edge.shape)))


def among(node: Node, k: int, g: Any) -> Any:
    """The cotangents of several results, of which only the k-th got one."""
    slots = [None] * len(node.shape)
    slots[k] = g
    outputs = node.op.outputs_class
    return outputs(*slots) if outputs is not None else slots
