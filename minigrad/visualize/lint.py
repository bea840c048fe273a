"""Common mistakes, found in the graph of a loss: each with the op and the module where it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.graph import Node
from minigrad.visualize import values
from minigrad.visualize.backprop import replay
from minigrad.visualize.description import Description, Vertex, describe
from minigrad.visualize.formulas import is_entrywise
from minigrad.visualize.names import number_text, shape_text, shown

__all__ = ["Finding", "Findings", "lint"]

TINY = 1e-8  # root mean square of a gradient below which nothing is learned in float32
HUGE = 1e3  # and above which a step of the usual size destroys the weights
FEWEST_EXAMPLES = 2  # a ReLU that is 0 for one example is not dead


@dataclass(frozen=True)
class Finding:
    """One mistake.

    kind      "unreached", "zero gradient", "tiny gradient", "huge gradient", "not finite",
              "dead relu", "double softmax", "missing zero_grad" or "stretched shapes"
    message   what is wrong, and what to do
    op        the formula of the op; empty if it is about a parameter
    module    the module call, or the parameter's name
    """

    kind: str
    message: str
    op: str = ""
    module: str = ""

    def __str__(self) -> str:
        where = ", ".join([part for part in (self.op, self.module) if part])
        return f"{self.kind}: {self.message}" + (f" [{where}]" if where else "")


class Findings(list[Finding]):
    """What `lint` found: a list; printed, one line each."""

    def __str__(self) -> str:
        return "\n".join([str(finding) for finding in self]) or "nothing found"

    __repr__ = __str__


def lint(loss: Any, model: Any = None, *, names: Mapping[str, Any] | None = None) -> Findings:
    """Look for common mistakes in the graph of a loss, before or after backward.

    loss    a tensor; or a function that computes it, which is then called with all values recorded,
            so that every check can be made
    model   the module whose parameters the loss should reach
    names   names of tensors: a mapping, or `locals()`

    It finds parameters that the loss does not reach; gradients that are zero, tiny, huge or not
    finite, and the op where numbers that are not finite begin; ReLU units that are 0 for every
    example; a softmax before a loss that applies its own; gradients left over from an
    earlier backward; and shapes (N, 1) against (N,), which broadcast to (N, N).

    Raises   TypeError if the loss has no graph.
    Example  >>> import minigrad as mg
             >>> x = mg.ones(3, 1, requires_grad=True)
             >>> y = mg.ones(3)
             >>> found = mg.visualize.lint((x * y).sum(), names={"x": x, "y": y})
             >>> found[0].op, found[0].message
             ('x * y', '(3, 1) against (3,) gives (3, 3): use x.squeeze(1), or y[:, None]')
    """
    description = describe(loss, names=names)
    gradients = replayed(description)
    found = Findings()
    found.extend(unreached(description, model))
    found.extend(left_over(description, gradients))
    found.extend(bad_gradients(description, gradients))
    found.extend(not_finite(description, gradients))
    for vertex in description.vertices:
        if vertex.kind == "op":
            found.extend(stretched_shapes(vertex, description))
            found.extend(dead_relu(vertex, description))
            found.extend(double_softmax(vertex, description))
    return found


def replayed(description: Description) -> dict[int, Any]:
    """Gradients of all vertices, as far as the graph still has the numbers."""
    root = description.vertices[description.roots[0]]
    if root.kind != "op" or root.shape != ():
        return {}
    done = replay(description, [np.ones((), root.dtype)])
    return {} if done.missing else done.gradients


def module_of(vertex: Vertex, description: Description) -> str:
    if vertex.call is None:
        return ""
    call = description.calls[vertex.call]
    return f"{call.name}: {call.kind}" if call.name else call.kind


def written(vertex: Vertex) -> str:
    """The op as a message names it."""
    return vertex.formula or vertex.symbol


def unreached(description: Description, model: Any) -> Iterator[Finding]:
    if model is None:
        return
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter._node not in description.by_edge:
            yield Finding(
                "unreached", "the loss does not depend on this parameter, so it is not trained",
                module=shown(name),
            )  # fmt: skip


def left_over(description: Description, gradients: dict[int, Any]) -> Iterator[Finding]:
    """Gradients that were there before this loss's backward."""
    ran = values.backward_ran(description)
    for vertex in description.vertices:
        if vertex.kind != "leaf" or vertex.grad is None:
            continue
        mine = gradients.get(vertex.index)
        if not ran:
            message = "it has a gradient already, and backward adds to it: call zero_grad()"
        elif mine is not None and not np.allclose(vertex.grad, mine, rtol=1e-3, equal_nan=True):
            message = (
                "its gradient is not that of this loss alone: an earlier backward added to it. "
                "Call zero_grad() before each backward"
            )
        else:
            continue
        yield Finding("missing zero_grad", message, module=shown(vertex.name or vertex.symbol))


def bad_gradients(description: Description, gradients: dict[int, Any]) -> Iterator[Finding]:
    """Gradients of leaves that are zero, tiny, huge, NaN or infinite."""
    for vertex in description.vertices:
        if vertex.kind != "leaf":
            continue
        grad = vertex.grad if vertex.grad is not None else gradients.get(vertex.index)
        if grad is None or not np.size(grad):
            continue
        name = shown(vertex.name or vertex.symbol)
        bad = int(np.size(grad) - np.isfinite(grad).sum())
        if bad:
            message = f"{bad:,} of {np.size(grad):,} entries of its gradient are NaN or infinite"
            yield Finding("not finite", message, module=name)
            continue
        size = float(np.sqrt(np.mean(np.square(np.asarray(grad, np.float64)))))
        if size == 0:
            yield Finding("zero gradient", "every entry of its gradient is 0", module=name)
        elif size < TINY or size > HUGE:
            kind, cure = ("tiny", "vanish") if size < TINY else ("huge", "explode")
            message = (
                f"its gradient has root mean square {number_text(size)}: gradients {cure} here"
            )
            yield Finding(f"{kind} gradient", message, module=name)


def not_finite(description: Description, gradients: dict[int, Any]) -> Iterator[Finding]:
    """The first op whose result is not finite though its operands are, forward and backward."""
    vertices = description.vertices
    for vertex in vertices:
        given = any(is_bad(vertices[i].value) for i in vertex.inputs)
        if vertex.kind == "op" and is_bad(vertex.value) and not given:
            yield Finding(
                "not finite", "its result is NaN or infinite, and its operands are finite",
                written(vertex), module_of(vertex, description),
            )  # fmt: skip
            break
    for vertex in reversed(vertices):
        sent = [i for i in vertex.inputs if is_bad(gradients.get(i))]
        if vertex.kind == "op" and sent and not is_bad(gradients.get(vertex.index)):
            yield Finding(
                "not finite", f"its backward sends NaN or infinity to {vertices[sent[0]].symbol}",
                written(vertex), module_of(vertex, description),
            )  # fmt: skip
            break


def is_bad(array: Any) -> bool:
    return (
        isinstance(array, np.ndarray) and array.dtype.kind == "f" and not np.isfinite(array).all()
    )


def stretched_shapes(vertex: Vertex, description: Description) -> Iterator[Finding]:
    """(N, 1) against (N,): an elementwise op that makes a square of two columns."""
    node = vertex.edge
    if not isinstance(node, Node) or not is_entrywise(node.op) or len(vertex.operands) != 2:
        return
    vertices = description.vertices
    a: Any
    b: Any
    a, b = [vertices[o.vertex].shape if o.vertex is not None else () for o in vertex.operands]
    for column, row, columns_first in ((a, b, True), (b, a, False)):
        if column is None or len(column) != 2 or column[1] != 1 or column[0] == 1:
            continue
        n = column[0]
        if row != (n,) and not (row is None and vertex.shape == (n, n)):
            continue
        other = str((n,)) if row is not None else "a constant"
        first, second = ("x", "y") if columns_first else ("y", "x")
        yield Finding(
            "stretched shapes",
            f"{column} against {other} gives {vertex.shape}: use {first}.squeeze(1), or "
            f"{second}[:, None]",
            written(vertex),
            module_of(vertex, description),
        )
        return


def dead_relu(vertex: Vertex, description: Description) -> Iterator[Finding]:
    """Units of a ReLU that are 0 for every example: no gradient passes through them."""
    out = vertex.value
    if vertex.op != "relu" or not isinstance(out, np.ndarray) or out.ndim < 2:
        return
    units = out.ndim - 1 if out.ndim < 4 else 1  # images have their channels second
    others = tuple([axis for axis in range(out.ndim) if axis != units])
    if out.shape[0] < FEWEST_EXAMPLES:
        return
    dead = int((out == 0).all(others).sum())
    if dead:
        message = (
            f"{dead} of {out.shape[units]} units are 0 for all {out.shape[0]} examples "
            f"of shape {shape_text(out.shape)}: nothing reaches them. Try a smaller learning rate, "
            "or leaky_relu"
        )
        yield Finding("dead relu", message, written(vertex), module_of(vertex, description))


NORMALIZED = {  # what a loss does itself: op -> what must not come before it
    "cross_entropy": ("softmax", "log_softmax", "sigmoid"),
    "binary_cross_entropy_with_logits": ("sigmoid",),
    "bce_with_logits": ("sigmoid",),
    "nll_loss": ("softmax",),
}


def double_softmax(vertex: Vertex, description: Description) -> Iterator[Finding]:
    """A softmax before a loss that applies its own."""
    for loss, before in NORMALIZED.items():
        if not vertex.op.startswith(loss) or not vertex.inputs:
            continue
        source = description.vertices[vertex.inputs[0]]
        if source.op in before:
            cure = "use log_softmax" if loss == "nll_loss" else f"leave out the {source.op}"
            yield Finding(
                "double softmax", f"{vertex.op} of a {source.op}: it expects scores; {cure}",
                written(vertex), module_of(vertex, description) or module_of(source, description),
            )  # fmt: skip
            return
