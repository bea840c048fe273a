"""The picture of a graph in Graphviz's language: boxes with small tables, in module calls."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping
from typing import Any

import graphviz
import numpy as np

from minigrad.visualize.captions import kept_text, products
from minigrad.visualize.description import Call, Description, Vertex, describe
from minigrad.visualize.folding import Box, Layout, layout
from minigrad.visualize.names import bar, number_text, shape_text, shown
from minigrad.visualize.picture import Picture
from minigrad.visualize.themes import Theme, theme_named

__all__ = ["draw"]

FEWEST_FOR_STUBS = 40  # boxes from which a leaf with many uses is drawn beside each of them
LARGEST_MATRIX = 6  # rows and columns of a tensor that is shown with its numbers
FONT = "Helvetica,Arial,sans-serif"
MATH = "DejaVu Sans,Helvetica,Arial,sans-serif"
MONO = "DejaVu Sans Mono,Menlo,Consolas,monospace"
BLANK = "&#160;"


def draw(
    x: Any,
    input: Any = None,
    *,
    values: bool = True,
    grads: bool = True,
    saved: bool = False,
    direction: str = "TB",
    theme: str = "light",
    depth: int | None = None,
    names: Mapping[str, Any] | None = None,
    backward: bool = False,
) -> Picture:
    """Draw the graph of a tensor, of several, or of a module applied to an input.

    x          what to draw, see `describe`
    input      what a module is called with
    values     show numbers: of small tensors as a matrix, of others their range.  To have them all,
               compute x in a block ``with mg.visualize.record_values():``
    grads      show gradients; one that was not computed yet is said to be so
    saved      show the bytes that each op keeps for the backward pass
    direction  of computation: "TB" top to bottom, "LR" left to right, "BT" or "RL"
    theme      "light" or "dark"
    depth      how many levels of modules are opened (0: each outermost module is one box); None:
               all, except that equal modules in a row are drawn once, as ``Block × 12``
    names      names of tensors: a mapping, or `locals()`
    backward   draw the backward pass: edges run from results to operands, each labelled with its
               product, ``X̄ = Ȳ Wᵀ``

    Returns  a `graphviz.Digraph`, shown in Jupyter as it is; ``.svg()`` is its SVG, and
             ``.save("graph.svg")`` writes it (svg, png, pdf or dot).
    Raises   TypeError if x has no graph; ValueError for an unknown theme or direction.
    Example  >>> import minigrad as mg
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> picture = mg.visualize.draw((x * x).sum(), names={"x": x})
             >>> "x * x" in picture.source
             True
    """
    if direction not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"direction is 'TB', 'LR', 'BT' or 'RL', got {direction!r}")
    if depth is not None and depth < 0:
        raise ValueError(f"depth is at least 0, got {depth}")
    colours = theme_named(theme)
    description = describe(x, input, names=names)
    painter = Painter(description, colours, values, grads, saved, backward)
    return painter.picture(layout(description, depth), direction)


class Painter:
    """Writes boxes and edges of one picture."""

    def __init__(
        self, description: Description, theme: Theme, values: bool, grads: bool, saved: bool,
        backward: bool,
    ) -> None:  # fmt: skip
        self.description = description
        self.theme = theme
        self.values, self.grads, self.saved = values, grads or backward, saved
        self.backward = backward
        self.uses = Counter([i for vertex in description.vertices for i in vertex.inputs])

    def picture(self, plan: Layout, direction: str) -> Picture:
        picture = Picture("minigrad", description=self.description)
        theme = self.theme
        picture.attr(
            rankdir=direction, bgcolor=theme.ground, fontname=FONT, fontcolor=theme.muted,
            fontsize="11", nodesep="0.35", ranksep="0.45", pad="0.25",
        )  # fmt: skip
        if plan.note:
            picture.attr(label=f"<{escape(plan.note)}>", labelloc="t")
        picture.attr("node", shape="plain", fontname=MATH, fontsize="12", fontcolor=theme.text)
        picture.attr(
            "edge", color=theme.line, fontcolor=theme.grad, fontname=MATH, fontsize="10",
            arrowsize="0.7",
        )  # fmt: skip
        children: dict[int | None, list[Call]] = {}
        for call in plan.calls:
            children.setdefault(call.parent, []).append(call)
        boxes: dict[int | None, list[Box]] = {}
        for box in plan.boxes:
            boxes.setdefault(box.call, []).append(box)
        self.fill(picture, None, children, boxes)
        self.edges(picture, plan)
        return picture

    def fill(
        self, graph: Any, parent: int | None, children: dict[Any, list[Call]],
        boxes: dict[Any, list[Box]],
    ) -> None:  # fmt: skip
        """Boxes of a module call, and the calls inside it; depth is that of the modules."""
        for box in boxes.get(parent, ()):
            graph.node(box.name, label=f"<{self.label(box)}>", tooltip=tooltip(box))
        for call in children.get(parent, ()):
            with graph.subgraph(name=f"cluster_{call.index}") as inner:
                title = f"{shown(call.name)}: {shown(call.kind)}" if call.name else shown(call.kind)
                inner.attr(
                    label=f"<{escape(title)}>", labeljust="l", style="rounded,filled", margin="12",
                    color=self.theme.group_line, fillcolor=self.theme.group, tooltip=" ",
                )  # fmt: skip
                self.fill(inner, call.index, children, boxes)

    def edges(self, picture: Picture, plan: Layout) -> None:
        far = self.drawn_again(plan)
        seen: set[str] = set()
        for (start, end), passing in plan.edges.items():
            if start in far and start in seen:  # a small box of its own, beside the op that uses it
                start = self.stub(picture, far[start], end)
            seen.add(start)
            if not self.backward:
                picture.edge(start, end)
                continue
            formulas = [
                text
                for box in plan.boxes if box.name == end and box.vertex is not None
                for i in passing
                for text in products(self.description, box.vertex, i)
            ]  # fmt: skip
            formulas = [
                text.replace(" = ", " += ", 1) if self.uses[i] > 1 else text
                for i in passing for text in formulas
            ] if len(passing) == 1 else formulas  # fmt: skip
            if all(self.description.vertices[i].kind == "constant" for i in passing):
                picture.edge(start, end, style="dotted", arrowhead="none")
            else:
                text = "<BR/>".join([f"  {escape(f)}  " for f in formulas])
                label = {"label": f"<{text}>"} if formulas else {}
                picture.edge(start, end, dir="back", color=self.theme.grad, **label)

    def drawn_again(self, plan: Layout) -> dict[str, Box]:
        """Leaves that many ops use: their lines would run through the whole of a large picture."""
        if len(plan.boxes) <= FEWEST_FOR_STUBS:
            return {}
        uses = Counter([start for start, _ in plan.edges])
        return {
            box.name: box
            for box in plan.boxes
            if uses[box.name] > 2 and box.vertex is not None and box.vertex.edge is not None
            and not box.vertex.inputs
        }  # fmt: skip

    def stub(self, picture: Picture, box: Box, end: str) -> str:
        assert box.vertex is not None
        name = f"{box.name}_{end}"
        theme = self.theme
        text = table([cell(escape(box.vertex.symbol))], theme.leaf, theme.leaf_line)
        picture.node(name, label=f"<{text}>", tooltip=tooltip(box))
        return name

    def label(self, box: Box) -> str:
        vertex = box.vertex
        theme = self.theme
        if vertex is None:
            rows = [cell(f"<B>{escape(box.title)}</B>")]
            rows += [cell(small(escape(line), theme.muted)) for line in box.lines]
            return table(rows, theme.folded, theme.folded_line)
        rows = [cell(self.title(vertex))]
        facts = [shape_text(vertex.shape)]
        if vertex.name is not None and shown(vertex.name) != vertex.symbol:
            facts.insert(0, shown(vertex.name))
        if vertex.dtype is not None:
            facts.append(str(vertex.dtype))
        if self.saved and vertex.kind == "op":
            facts.append(kept_text(vertex))
        rows.append(cell(small(escape(" · ".join(facts)), theme.muted)))
        if self.values:
            rows += self.numbers(vertex.value, vertex.value_note, theme.text, "")
        if self.grads and vertex.edge is not None:
            rows += self.numbers(
                vertex.grad, vertex.grad_note, theme.grad, f"{bar(vertex.symbol)} "
            )
        ground = {"leaf": theme.leaf, "constant": theme.constant}.get(vertex.kind, theme.op)
        line = {"leaf": theme.leaf_line, "constant": theme.constant_line}.get(
            vertex.kind, theme.op_line
        )
        return table(rows, ground, line)

    def title(self, vertex: Vertex) -> str:
        name = f"<B>{escape(vertex.symbol)}</B>"
        # an SVG loses the blank that a run of text begins with, unless it is a non-breaking one
        return f"{name}{BLANK}= {escape(vertex.formula)}" if vertex.formula else name

    def numbers(self, array: Any, note: str, colour: str, lead: str) -> list[str]:
        """Rows of a box: a small matrix, a range, or why there is none."""
        if array is None:
            return [cell(small(escape((lead or "value ") + note), self.theme.muted))]
        rows = [cell(self.matrix(array, colour, lead))]
        if note:
            rows.append(cell(small(escape(note), self.theme.muted)))
        return rows

    def matrix(self, array: Any, colour: str, lead: str) -> str:
        if isinstance(array, (tuple, list)):
            return small(escape(f"{lead}{len(array)} results"), colour)
        array = np.asarray(array)
        if array.size == 1:
            return small(
                escape(lead + ("= " if lead else "") + number_text(array.reshape(()))), colour, MONO
            )
        if array.ndim > 2 or max(array.shape) > LARGEST_MATRIX or array.size == 0:
            return small(escape(lead + range_text(array)), colour)
        align = "CENTER" if array.ndim == 2 and array.shape[1] == 1 else "RIGHT"
        rows = [
            "<TR>"
            + "".join(
                [
                    f'<TD ALIGN="{align}">{small(escape(number_text(n)), colour, MONO)}</TD>'
                    for n in row
                ]
            )
            + "</TR>"
            for row in np.atleast_2d(array)
        ]
        body = (
            f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="2" '
            f'COLOR="{self.theme.cell}">{"".join(rows)}</TABLE>'
        )
        if not lead:
            return body
        return (
            '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2"><TR>'
            f"<TD>{small(escape(lead + '='), colour)}</TD><TD>{body}</TD></TR></TABLE>"
        )


def range_text(array: Any) -> str:
    """``-1.2 … 3.4``, and how many entries are not finite."""
    if array.size == 0:
        return "no entries"
    if array.dtype.kind == "b":
        return f"{int(array.sum()):,} of {array.size:,} true"
    finite = array[np.isfinite(array)]
    text = f"{number_text(finite.min())} … {number_text(finite.max())}" if finite.size else ""
    bad = array.size - finite.size
    return text + (f"{', ' if text else ''}{bad:,} not finite" if bad else "")


def tooltip(box: Box) -> str:
    """Plain text for the mouse: the line of the program, where it is known."""
    vertex = box.vertex
    text = box.title if vertex is None else vertex.formula or vertex.symbol
    return escape_string(text) or " "


def escape_string(text: str) -> str:
    """Text as a quoted DOT string: no backslash begins an escape, and ``<x>`` is no markup."""
    quoted: str = graphviz.escape(text)
    return quoted


def escape(text: str) -> str:
    """Text inside an HTML-like label."""
    return html.escape(text, quote=False) or " "


def small(text: str, colour: str, face: str = "") -> str:
    font = f' FACE="{face}"' if face else ""
    return f'<FONT POINT-SIZE="10" COLOR="{colour}"{font}>{text}</FONT>'


def cell(content: str) -> str:
    """A row of a box.  Text gets room: browsers set it wider than Graphviz thinks."""
    room = "" if content.startswith("<TABLE") else BLANK
    return f"<TR><TD>{room}{content}{room}</TD></TR>"


def table(rows: list[str], ground: str, line: str) -> str:
    return (
        f'<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3" STYLE="ROUNDED" '
        f'BGCOLOR="{ground}" COLOR="{line}">{"".join(rows)}</TABLE>'
    )
