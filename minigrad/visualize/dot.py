"""The picture of a graph in Graphviz's language: boxes with small tables, in module calls."""

from __future__ import annotations

import html
import textwrap
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import graphviz
import numpy as np

from minigrad.graph import Variable
from minigrad.visualize.backprop import compute_gradients
from minigrad.visualize.captions import kept_text, sent
from minigrad.visualize.description import Call, Cut, Description, Vertex, describe
from minigrad.visualize.folding import Box, Layout, layout, title_of
from minigrad.visualize.names import LONGEST_FORMULA, bar, number_text, shape_text, shown
from minigrad.visualize.picture import Picture
from minigrad.visualize.themes import Theme, theme_named

__all__ = ["draw"]

MOST_EQUAL_NOTES = 2  # boxes that say why they show no number; more say it once, in the legend
MANY_BOXES = 100  # from here on Graphviz is told not to spend more time on a better picture
LABEL_WIDTH = 40  # characters in a line on an edge
LONGEST_LABEL = 3 * LABEL_WIDTH
LARGEST_MATRIX = 6  # rows and columns of a tensor that is shown with its numbers
MEANING = {  # of the colours
    "leaf": "leaf, gets a gradient", "constant": "data, no gradient", "op": "operation",
    "folded": "folded",
}  # fmt: skip
FONT = "Helvetica,Arial,sans-serif"
# Graphviz sets DejaVu Sans of 10 points up to 5 % too narrow: numbers are in MONO, labels get room.
MATH = "DejaVu Sans,Helvetica,Arial,sans-serif"
MONO = "DejaVu Sans Mono,Menlo,Consolas,monospace"
BLANK = "&#160;"
BACKSLASH = 2 * "&#92;"  # one alone begins ``\\N``, the name of the box


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
    fold: bool = True,
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
               all, except that equal modules in a row, and the steps of a recurrent one, are drawn
               once, as ``Block × 12``; beyond 60 boxes, more is folded: modules, loops, chains
    fold       False: draw each of what repeats
    names      names of tensors: a mapping; None: those of the caller's variables
    backward   draw the backward pass: edges run from results to operands, each labelled with its
               product, ``X̄ = Ȳ Wᵀ``; gradients are computed for the picture where there are none

    Returns  a `graphviz.Digraph`, shown in Jupyter as it is; ``.svg()`` is its SVG, and
             ``.save("graph.svg")`` writes it (svg, png, pdf or dot).
    Raises   TypeError if x has no graph; ValueError for an unknown theme, direction or depth.
    Example  >>> import minigrad as mg
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> picture = mg.visualize.draw((x * x).sum(), names={"x": x})
             >>> "x * x" in picture.source
             True
    """
    if direction not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"direction is 'TB', 'LR', 'BT' or 'RL', got {direction!r}")
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        raise ValueError(f"depth is None, or a whole number from 0 on, got {depth!r}")
    colours = theme_named(theme)
    description = describe(x, input, names=names)
    if backward:
        compute_gradients(description, anew=callable(x) and not isinstance(x, Variable))
    painter = Painter(description, colours, values, grads, saved, backward)
    return painter.picture(layout(description, depth, fold), direction)


class CutBox(NamedTuple):
    """A cut as it is drawn: its name, and those of the boxes before and after it."""

    name: str
    cut: Cut
    sources: list[tuple[int, str]]
    targets: list[str]


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
        self.uses = description.uses()
        self.dtype: Any = None  # of all tensors, if it is one: it is told once
        self.silent: dict[str, str] = {}  # notes that are told once, for values and gradients

    def picture(self, plan: Layout, direction: str) -> Picture:
        picture = Picture("minigrad", description=self.description)
        self.say_once([box.vertex for box in plan.boxes if box.vertex is not None])
        self.style(picture, plan, direction)
        children: dict[int | None, list[Call]] = {}
        for call in plan.calls:
            children.setdefault(call.parent, []).append(call)
        boxes: dict[int | None, list[Box]] = {}
        for box in plan.boxes:
            boxes.setdefault(box.call, []).append(box)
        self.cut = self.cut_boxes(plan)
        self.fill(picture, None, children, boxes)
        self.edges(picture, plan)
        return picture

    def style(self, picture: Picture, plan: Layout, direction: str) -> None:
        theme = self.theme
        picture.attr(
            rankdir=direction, bgcolor=theme.ground, fontname=FONT, fontcolor=theme.muted,
            fontsize="11", nodesep="0.35", ranksep="0.4", pad="0.25",
            label=f"<{self.legend(plan)}>", labelloc="t" if plan.note else "b",
        )  # fmt: skip
        if len(plan.boxes) > MANY_BOXES:
            picture.attr(nslimit="2", nslimit1="2")
        picture.attr("node", shape="plain", fontname=MATH, fontsize="12", fontcolor=theme.text)
        picture.attr(
            "edge", color=theme.line, fontcolor=theme.grad, fontname=MATH, fontsize="10",
            arrowsize="0.7",
        )  # fmt: skip

    def say_once(self, vertices: list[Vertex]) -> None:
        """What many boxes would repeat, the legend says."""
        dtypes = {v.dtype for v in vertices if v.dtype is not None}
        self.dtype = dtypes.pop() if len(dtypes) == 1 else None
        found: dict[str, list[str]] = {}
        if self.values:
            found["values"] = [v.value_note for v in vertices if v.value is None]
        if self.grads:
            with_gradient = [v for v in vertices if v.edge is not None]
            found["gradients"] = [v.grad_note for v in with_gradient if v.grad is None]
        for what, notes in found.items():
            for note, count in Counter(notes).most_common(1):
                if count > MOST_EQUAL_NOTES or note.startswith("not kept"):
                    self.silent[what] = note

    def legend(self, plan: Layout) -> str:
        """What the colours mean, and what holds for all boxes."""
        found = {kind_of(box) for box in plan.boxes}
        swatches = []
        for kind, name in MEANING.items():
            if kind in found:
                ground, line = self.colours(kind)
                swatches.append(
                    f'<TD BGCOLOR="{ground}" COLOR="{line}" BORDER="1" WIDTH="12" HEIGHT="12"></TD>'
                    f"<TD>{name}{BLANK}{BLANK}</TD>"
                )
        if self.backward or (self.grads and any(has_gradient(box) for box in plan.boxes)):
            swatches.append(f'<TD><FONT COLOR="{self.theme.grad}">x̄ gradient of x</FONT></TD>')
        notes = [f"{what} not shown: {note}" for what, note in self.silent.items()]
        if any(note.startswith("not kept") for note in self.silent.values()):
            notes.append(
                "to see all numbers: with mg.visualize.record_values(): loss = ..., then draw(loss)"
            )
        if plan.far:
            notes.append("small boxes repeat a tensor that is drawn elsewhere")
        if self.dtype is not None:
            notes.append(f"all {self.dtype}")
        lines = [
            *([escape(plan.note)] if plan.note else []),
            bare_table(f"<TR>{''.join(swatches)}</TR>", 2),
            *[escape(note) for note in notes],
        ]
        return bare_table("".join([f"<TR><TD>{line}</TD></TR>" for line in lines]))

    def fill(
        self, graph: Any, parent: int | None, children: dict[Any, list[Call]],
        boxes: dict[Any, list[Box]],
    ) -> None:  # fmt: skip
        """Boxes of a module call, and the calls inside it; depth is that of the modules."""
        for box in boxes.get(parent, ()):
            graph.node(box.name, label=f"<{self.label(box)}>", tooltip=tooltip(box))
        for cut in self.cut.get(parent, ()):
            hint = escape_string(cut.cut.line[2]) or " "
            graph.node(cut.name, label=f"<{self.cut_label(cut.cut)}>", tooltip=hint)
        for call in children.get(parent, ()):
            with graph.subgraph(name=f"cluster_{call.index}") as inner:
                inner.attr(
                    label=f"<{escape(title_of(call))}>", labeljust="l", labelloc="t",
                    style="rounded,filled", margin="12", tooltip=" ",
                    color=self.theme.group_line, fillcolor=self.theme.group,
                )  # fmt: skip
                self.fill(inner, call.index, children, boxes)

    def edges(self, picture: Picture, plan: Layout) -> None:
        boxes = {box.name: box for box in plan.boxes}
        cuts = [each for group in self.cut.values() for each in group]
        cut = {(i, target) for each in cuts for i, _ in each.sources for target in each.targets}
        for each in cuts:
            colour = {"color": self.theme.grad, "style": "dashed"}
            for name in dict.fromkeys([name for _, name in each.sources]):
                picture.edge(name, each.name, arrowhead="none", **colour)
            for target in each.targets:
                picture.edge(each.name, target, **colour)
        for (start, end), all_passing in plan.edges.items():
            passing = [i for i in all_passing if (i, end) not in cut]
            if not passing:
                continue
            if (start, end) in plan.far:
                start = self.stub(picture, boxes[start], end, passing)
            if not self.backward:
                picture.edge(start, end)
            elif all(self.gets_none(boxes[end], i) for i in passing):
                picture.edge(start, end, style="dotted", arrowhead="none")
            else:
                box = boxes[end].vertex
                formulas = sent(self.description, box, passing, self.uses) if box else []
                label = {"label": f"<{edge_text(formulas)}>"} if formulas else {}
                picture.edge(start, end, dir="back", color=self.theme.grad, **label)
        for name in plan.loops:
            text = f"{BLANK}next step{BLANK}"
            picture.edge(name, name, label=f"<{small(text, self.theme.muted)}>")

    def gets_none(self, end: Box, source: int) -> bool:
        """Whether no gradient is sent from a box to one of its operands."""
        no_graph = end.vertex is not None and end.vertex.edge is None
        return no_graph or self.description.vertices[source].edge is None

    def cut_boxes(self, plan: Layout) -> dict[int | None, list[CutBox]]:
        """Where gradients end: small boxes between sources and targets, by module call."""
        owner = {i: box for box in plan.boxes for i in box.members}
        found: dict[Any, CutBox] = {}
        calls: dict[int | None, list[CutBox]] = {}
        for cut in self.description.cuts:
            if cut.source not in owner:  # of a graph that is summarised
                continue
            source = owner[cut.source]
            targets = {owner[i].name: owner[i] for i in cut.targets if owner[i] is not source}
            if cut.targets and not targets:
                continue  # inside a folded box, which says so
            key = cut.what, cut.line, tuple(targets), None if targets else cut.source
            if key not in found:
                beside = next(iter(targets.values()), source)
                found[key] = CutBox(f"cut{len(found)}", cut, [], list(targets))
                calls.setdefault(beside.call, []).append(found[key])
            found[key].sources.append((cut.source, source.name))
        return calls

    def cut_label(self, cut: Cut) -> str:
        rows = [cell(f'<FONT COLOR="{self.theme.grad}">✂ {escape(shown(cut.what))}</FONT>')]
        file, number, code = cut.line
        if file:
            where = escape(shown(f"{Path(file).name}, line {number}"))
            rows.append(cell(small(where, self.theme.muted)))
            rows.append(cell(small(escape(shown(code, LABEL_WIDTH)), self.theme.muted, MONO)))
        return table(rows, self.theme.ground, self.theme.grad, "ROUNDED,DASHED")

    def stub(self, picture: Picture, box: Box, end: str, passing: list[int]) -> str:
        """A small box that stands for a distant one, beside the op that uses it."""
        name = f"{box.name}_{end}"
        vertices = self.description.vertices
        text = ", ".join([vertices[i].symbol for i in passing])
        content = table([cell(escape(text))], *self.colours(kind_of(box)))
        picture.node(name, label=f"<{content}>", tooltip=tooltip(box))
        return name

    def colours(self, kind: str) -> tuple[str, str]:
        """Ground and line of a kind of box."""
        theme = self.theme
        return {
            "leaf": (theme.leaf, theme.leaf_line),
            "constant": (theme.constant, theme.constant_line),
            "op": (theme.op, theme.op_line),
            "folded": (theme.folded, theme.folded_line),
        }[kind]

    def label(self, box: Box) -> str:
        vertex = box.vertex
        theme = self.theme
        if vertex is None:
            rows = [heading(f"<B>{escape(box.title)}</B>")]
            rows += [cell(small(escape(line), theme.muted)) for line in box.lines]
            return table(rows, *self.colours(kind_of(box)))
        rows = [
            heading(self.title(vertex)),
            cell(small(escape(" · ".join(self.facts(box, vertex))), theme.muted)),
        ]
        numbers = self.numbers(vertex)
        if any(lead for lead, _ in numbers):
            rows.append(f"<TR><TD>{aligned(numbers)}</TD></TR>")
        else:
            rows += [f"<TR><TD>{content}</TD></TR>" for _, content in numbers]
        return table(rows, *self.colours(kind_of(box)))

    def facts(self, box: Box, vertex: Vertex) -> list[str]:
        """The name, the module, the shape: what stands below the formula."""
        if vertex.shape is None:
            return ["shape and value not kept"]
        facts = [shown(shape_text(vertex.shape))]
        if box.module:
            facts.insert(0, box.module)
        if vertex.name is not None and shown(vertex.name) != vertex.symbol:
            facts.insert(0, shown(vertex.name))
        if vertex.dtype is not None and self.dtype is None:
            facts.append(str(vertex.dtype))
        if self.saved and vertex.kind == "op":
            facts.append(kept_text(vertex))
        return facts

    def title(self, vertex: Vertex) -> str:
        name = f"<B>{escape(vertex.symbol)}</B>"
        # an SVG loses the blank that a run of text begins with, unless it is a non-breaking one
        formula = escape(shown(vertex.formula, LONGEST_FORMULA))
        return f"{name}{BLANK}= {formula}" if vertex.formula else name

    def numbers(self, vertex: Vertex) -> list[tuple[str, str]]:
        """Value and gradient, or why they are not there: pairs of what stands left of the sign of
        equality, which may be nothing, and the content of a cell."""
        muted, colour = self.theme.muted, self.theme.grad
        rows: list[tuple[str, str]] = []
        if self.values and vertex.shape is not None:
            if vertex.value is not None:
                rows.append(("", self.matrix(vertex.value, self.theme.text)))
            if vertex.value_note and (
                vertex.value is not None or vertex.value_note != self.silent.get("values")
            ):
                lead = "" if vertex.value is not None else "value "
                rows.append(("", small(BLANK + lead + vertex.value_note + BLANK, muted)))
        if self.grads and vertex.edge is not None:
            name = bar(vertex.symbol)
            if vertex.grad is not None:
                rows.append((small(escape(f"{name} ="), colour), self.matrix(vertex.grad, colour)))
            elif vertex.grad_note != self.silent.get("gradients"):
                note = f"{BLANK}{escape(name)} {vertex.grad_note}{BLANK}"
                rows.append(("", small(note, muted)))
        return rows

    def matrix(self, array: Any, colour: str) -> str:
        """The numbers of a small array, the range of a larger one."""
        if isinstance(array, (tuple, list)):
            return small(f"{BLANK}{len(array)} results{BLANK}", colour)
        array = np.asarray(array)
        if array.size == 1:
            return small(BLANK + number_text(array.reshape(())) + BLANK, colour, MONO)
        if array.ndim > 2 or max(array.shape) > LARGEST_MATRIX or array.size == 0:
            return small(BLANK + range_text(array).replace(" ", BLANK) + BLANK, colour, MONO)
        lines = [BLANK + line.replace(" ", BLANK) + BLANK for line in matrix_lines(array)]
        return small("<BR/>".join(lines), colour, MONO)


def kind_of(box: Box) -> str:
    """ "leaf", "constant", "op" or "folded"."""
    if box.vertex is None:
        return "folded"
    if box.vertex.kind == "leaf":
        return "leaf"
    return "constant" if box.vertex.edge is None else "op"


def has_gradient(box: Box) -> bool:
    return box.vertex is not None and box.vertex.grad is not None


def matrix_lines(array: Any) -> list[str]:
    """The entries of a small array in columns, between brackets."""
    texts = [[number_text(n) for n in row] for row in np.atleast_2d(array)]
    widths = [max(map(len, column)) for column in zip(*texts)]
    rows = ["  ".join([t.rjust(w) for t, w in zip(row, widths)]) for row in texts]
    if len(rows) == 1:
        return [f"[{rows[0]}]"]
    left = "⎡" + "⎢" * (len(rows) - 2) + "⎣"
    right = "⎤" + "⎥" * (len(rows) - 2) + "⎦"
    return [f"{a} {row} {b}" for a, row, b in zip(left, rows, right)]


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
    """Plain text for the mouse: the whole formula."""
    vertex = box.vertex
    text = box.title if vertex is None else vertex.formula or vertex.symbol
    return escape_string(text) or " "


def escape_string(text: str) -> str:
    """Text as a quoted DOT string: no ``\\n``, ``&amp;`` or ``<x>`` in it is more than text.

    Graphviz looks for ``\\N`` in a tooltip twice.
    """
    quoted: str = graphviz.escape(text.replace("&", "&amp;").replace("\\", 2 * BACKSLASH))
    return quoted


def escape(text: str) -> str:
    """Text inside an HTML-like label, in which Graphviz looks for ``\\N`` and the like."""
    return html.escape(text, quote=False).replace("\\", BACKSLASH) or " "


def edge_text(formulas: list[str]) -> str:
    """The formulas on an edge, the long ones on several lines, with room on both sides."""
    lines = [
        line
        for formula in formulas
        for line in textwrap.wrap(shown(formula, LONGEST_LABEL), LABEL_WIDTH)
    ]
    return "<BR/>".join([f"{BLANK * 2}{escape(line)}{BLANK * 3}" for line in lines])


def small(text: str, colour: str, face: str = "") -> str:
    font = f' FACE="{face}"' if face else ""
    return f'<FONT POINT-SIZE="10" COLOR="{colour}"{font}>{text}</FONT>'


def cell(content: str) -> str:
    """A row of a box.  Text gets room: browsers set it wider than Graphviz thinks."""
    return f"<TR><TD>{BLANK}{content}{BLANK}</TD></TR>"


def aligned(rows: list[tuple[str, str]]) -> str:
    """Rows of a name and an array, the arrays below each other."""
    cells = [
        f'<TR><TD ALIGN="RIGHT">{BLANK}{lead}</TD><TD ALIGN="LEFT">{content}</TD></TR>'
        for lead, content in rows
    ]
    return bare_table("".join(cells))


def bare_table(rows: str, spacing: int = 0) -> str:
    """A table without lines."""
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="{spacing}">{rows}</TABLE>'


def heading(content: str) -> str:
    """The first row of a box, with air above it."""
    return f'<TR><TD CELLPADDING="5">{BLANK}{content}{BLANK}</TD></TR>'


def table(rows: list[str], ground: str, line: str, style: str = "ROUNDED") -> str:
    return (
        f'<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2" STYLE="{style}" '
        f'BGCOLOR="{ground}" COLOR="{line}">{"".join(rows)}</TABLE>'
    )
