"""The graph as text: one line for each op, in the order of computation."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.visualize.captions import kept_text, sent
from minigrad.visualize.description import Description, Vertex, describe
from minigrad.visualize.folding import op_counts
from minigrad.visualize.names import LONGEST_FORMULA, bar, number_text, shape_text, shown
from minigrad.visualize.values import backward_ran

__all__ = ["Tape", "tape", "tape_of"]

LONGEST_CUT = 160  # characters of the line that says where a gradient ends
MOST_LINES = 400  # of a longer tape, the beginning and the end are written


class Tape:
    """A graph as text: ``print`` it, or read its `lines`."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def __str__(self) -> str:
        return "\n".join(self.lines)

    __repr__ = __str__


def tape(x: Any, input: Any = None, *, names: Mapping[str, Any] | None = None) -> Tape:
    """The graph of a tensor as text: what each op computes, its shape, and the bytes it keeps.

    After backward each line has the norm of the gradient (of a single number, the number itself),
    and below it what the op sends back, with ``+=`` where several ops send to the same tensor.

    x      a tensor, a list of tensors, or a module with its `input`: see `describe`
    names  names of tensors: a mapping; None: those of the caller's variables

    Raises   TypeError if x has no graph.
    Example  >>> import minigrad as mg
             >>> x = mg.tensor([3.0, 4.0], requires_grad=True)
             >>> y = (x * x).sum()
             >>> print(mg.visualize.tape(y, names={"x": x, "y": y}))
             x           2       float32  leaf           gradient not computed yet
             t1 = x * x  2       float32  keeps 16 B     gradient not computed yet
             y = Σ t1    scalar  float32  keeps nothing  gradient not computed yet
    """
    return tape_of(describe(x, input, names=names))


def tape_of(description: Description) -> Tape:
    """The tape of a description."""
    vertices = description.vertices
    left_out: list[Vertex] = []
    if len(vertices) > MOST_LINES:
        left_out = vertices[MOST_LINES // 2 : -MOST_LINES // 2]
        vertices = [*vertices[: MOST_LINES // 2], *vertices[-MOST_LINES // 2 :]]
    rows = [columns(vertex, description) for vertex in vertices]
    widths = [max([len(plain(row[i])) for row in rows]) for i in range(4)]
    below = lines_below(description, vertices)
    lines = [[written(row, widths), *more] for row, more in zip(rows, below)]
    if left_out:
        counts = Counter([vertex.op or vertex.kind for vertex in left_out])
        note = f"... {len(left_out):,} lines left out: {op_counts(counts)}"
        lines.insert(MOST_LINES // 2, [note])
    return Tape(list(chain.from_iterable(lines)))


def lines_below(description: Description, vertices: list[Vertex]) -> list[list[str]]:
    """For each vertex, what its op sends back, and where the way of its gradient ends."""
    below: list[list[str]] = [[] for _ in vertices]
    if backward_may_have_run(description):
        below = [[line] if line else [] for line in sent_back(description, vertices)]
    place = {vertex.index: k for k, vertex in enumerate(vertices)}
    for cut in description.cuts:
        if cut.source in place:
            file, number, code = cut.line
            where = f" ({Path(file).name}, line {number}: {code})" if file else ""
            text = f"    ✂ {cut.what}: no gradient comes back from there{where}"
            below[place[cut.source]].append(shown(text, LONGEST_CUT))
    return below


def columns(vertex: Vertex, description: Description) -> list[str]:
    """Formula, shape, dtype, bytes kept, gradient."""
    formula = shown(vertex.formula, LONGEST_FORMULA)
    what = f"{vertex.symbol} = {formula}" if formula else vertex.symbol
    if vertex.name is not None and shown(vertex.name) != vertex.symbol:
        what += f" ({shown(vertex.name)})"
    kept = kept_text(vertex) if vertex.kind == "op" else vertex.kind
    dtype = "" if vertex.dtype is None else str(vertex.dtype)
    return [what, shown(shape_text(vertex.shape)), dtype, kept, gradient_text(vertex)]


def gradient_text(vertex: Vertex) -> str:
    """The norm of the gradient, of a single number the number; or why it is not known."""
    if vertex.edge is None:
        return ""
    if vertex.grad is None:
        return f"gradient {vertex.grad_note}"
    if vertex.grad.shape == ():
        return f"{bar(vertex.symbol)} = {number_text(vertex.grad)}"
    norm = np.linalg.norm(np.asarray(vertex.grad).reshape(-1))
    return f"‖{bar(vertex.symbol)}‖ = {number_text(norm)}"


def backward_may_have_run(description: Description) -> bool:
    """Whether it left a trace; where no op keeps anything, a gradient of a leaf is all there is."""
    vertices = description.vertices
    traceless = not any(vertex.saved for vertex in vertices)
    return backward_ran(description) or (traceless and any(v.grad is not None for v in vertices))


def sent_back(description: Description, vertices: list[Vertex]) -> list[str]:
    """For each vertex, the formulas of what its op sends to its operands; empty for leaves."""
    lines = []
    uses = description.uses()
    for vertex in vertices:
        formulas = sent(description, vertex, dict.fromkeys(vertex.inputs), uses)
        lines.append("    ↳ " + "   ".join(formulas) if formulas else "")
    return lines


def written(row: list[str], widths: list[int]) -> str:
    padded = [text + " " * (width - len(plain(text))) for text, width in zip(row, widths)]
    return "  ".join([*padded, row[-1]]).rstrip()


def plain(text: str) -> str:
    """`text` without combining marks, which take no room."""
    return "".join([c for c in text if not unicodedata.combining(c)])
