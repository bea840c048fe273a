"""The page that steps through backpropagation: its data, and the file.

The page itself is hand-written: page.html, page.css and page.js beside this file.  They are put
together with the data into one file that needs no network.
"""

from __future__ import annotations

import html
import json
import os
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.visualize.backprop import (
    Contribution,
    HookCall,
    Replay,
    jacobian,
    products,
    replay,
    saved_of,
)
from minigrad.visualize.captions import product
from minigrad.visualize.description import Description, Vertex, computed, describe
from minigrad.visualize.formulas import is_entrywise
from minigrad.visualize.names import bar, number_text, shape_text, shown
from minigrad.visualize.rules import Factor, Rule, find_rule

__all__ = ["explain", "page_data"]

HERE = Path(__file__).parent
MOST_OPS = 400
LARGEST_SIDE = 32  # rows and columns of an array that are printed
LARGEST_JACOBIAN = 1600  # entries


def explain(
    x: Any,
    filename: Any = "backprop.html",
    input: Any = None,
    *,
    gradient: Any = None,
    names: Mapping[str, Any] | None = None,
) -> Path:
    """Write a page that steps through the forward and the backward pass, with every number.

    Gradients, and numbers kept for backward, stay as they are.  Gradient hooks are called once, as
    in backward, and each is a step of its own.

    x         what to explain: a tensor, usually the loss; or a function, or a module with `input`,
              which is then called with all its values recorded
    filename  where to write the page: one file, which needs no network
    gradient  the cotangent to start from, of the shape of x; may be left out for a single number
    names     names of tensors: a mapping, or `locals()`

    Returns  the path of the page.
    Raises   TypeError if x has no graph; RuntimeError if x has several entries and no gradient was
             given, if numbers that the pass needs were not kept (compute x inside
             `record_values`, or pass a function that computes it), or if there are more than 400
             ops to step through.
    Example  >>> import minigrad as mg, os, tempfile
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> page = os.path.join(tempfile.mkdtemp(), "backprop.html")
             >>> mg.visualize.explain((x * x).sum(), page, names={"x": x}).name
             'backprop.html'
    """
    data = page_data(x, input, gradient=gradient, names=names)
    path = Path(os.fspath(filename))
    path.write_text(page(data), encoding="utf-8")
    return path


def page(data: dict[str, Any]) -> str:
    """The page's template with style, script and data put in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    parts = {
        "{{title}}": html.escape(data["title"]),
        "{{style}}": (HERE / "page.css").read_text(encoding="utf-8"),
        "{{script}}": (HERE / "page.js").read_text(encoding="utf-8"),
        "{{data}}": safe,
    }
    before = (HERE / "page.html").read_text(encoding="utf-8")
    page = []
    while before:  # each part is put in once, so a part that contains "{{data}}" stays as it is
        found = [(before.find(key), key) for key in parts if key in before]
        if not found:
            page.append(before)
            break
        at, key = min(found)
        page += [before[:at], parts[key]]
        before = before[at + len(key) :]
    return "".join(page)


def page_data(
    x: Any, input: Any = None, *, gradient: Any = None, names: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """All that the page shows: tensors, arrays, and the steps forward and backward."""
    roots, implied = computed(x, input)
    description = describe(roots, names={**implied, **(names or {})})
    ops = sum([v.kind == "op" for v in description.vertices])
    if ops > MOST_OPS:
        raise RuntimeError(
            f"this graph has {ops:,} ops, and a page steps through at most {MOST_OPS}: explain a "
            "part of it, or a smaller model, and use mg.visualize.tape for all of it"
        )
    cotangents = [seed(root, gradient) for root in roots]
    done = replay(description, cotangents, call_hooks=True)
    if done.missing:
        vertex = description.vertices[done.missing[0]]
        raise RuntimeError(
            f"what the backward of {vertex.symbol} = {vertex.formula} needs was not kept: it was "
            "freed by backward. Compute it inside mg.visualize.record_values(), or pass a "
            "function that computes it"
        )
    return PageData(description, done, cotangents).data()


def seed(root: Any, gradient: Any) -> Any:
    """The cotangent that enters at a root."""
    array = root._array
    if gradient is None:
        if array.size != 1:
            raise RuntimeError(
                f"explain of a tensor of shape {array.shape} needs a gradient of that shape: only "
                "a single number needs none"
            )
        return np.ones_like(array)
    gradient = np.asarray(getattr(gradient, "_array", gradient), array.dtype)
    if gradient.shape != array.shape:
        raise ValueError(f"gradient has shape {gradient.shape}, the tensor has shape {array.shape}")
    return gradient


class PageData:
    """Collects arrays and steps; an array that appears twice is written once."""

    def __init__(self, description: Description, done: Replay, cotangents: list[Any]) -> None:
        self.description = description
        self.replay = done
        self.cotangents = cotangents
        self.arrays: list[dict[str, Any]] = []
        self.known: dict[Any, int] = {}

    def data(self) -> dict[str, Any]:
        vertices = [self.vertex(v) for v in self.description.vertices]
        steps = [*self.forward(), *self.backward()]
        root = self.description.vertices[self.description.roots[0]]
        return {
            "title": f"Backpropagation of {root.symbol}",
            "vertices": vertices,
            "calls": [
                {"name": shown(c.name), "kind": shown(c.kind), "parent": c.parent}
                for c in self.description.calls
            ],
            "steps": steps,
            "arrays": self.arrays,
        }

    # ------------------------------------------------------------------------------------- arrays

    def array(self, value: Any) -> int | None:
        """The number of an array in the page's list."""
        if value is None or isinstance(value, (tuple, list)):
            return None
        array = np.asarray(value)
        key = (array.shape, array.dtype.str, array.tobytes())
        known = self.known.get(key)
        if known is None:
            known = self.known[key] = len(self.arrays)
            self.arrays.append(packed(array))
        return known

    # ----------------------------------------------------------------------------------- vertices

    def vertex(self, vertex: Vertex) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": vertex.kind,
            "symbol": vertex.symbol,
            "bar": bar(vertex.symbol),
            "formula": vertex.formula,
            "op": vertex.op,
            "shape": shape_text(vertex.shape),
            "dtype": "" if vertex.dtype is None else str(vertex.dtype),
            "inputs": vertex.inputs,
            "value": self.array(vertex.value),
        }
        if vertex.name is not None and shown(vertex.name) != vertex.symbol:
            found["name"] = shown(vertex.name)
        if vertex.value_note:
            found["note"] = vertex.value_note
        if isinstance(vertex.value, (tuple, list)):
            found["note"] = "several results, each shown by itself"
        if vertex.call is not None:
            call = self.description.calls[vertex.call]
            found["module"] = shown(f"{call.name}: {call.kind}" if call.name else call.kind)
        if vertex.line:
            found["line"] = source_line(vertex.line)
        return found

    # -------------------------------------------------------------------------------------- steps

    def forward(self) -> list[dict[str, Any]]:
        return [
            {"kind": "forward", "vertex": v.index}
            for v in self.description.vertices
            if v.kind in ("op", "output")
        ]

    def backward(self) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = [
            {"kind": "seed", "vertex": root, "total": self.array(cotangent)}
            for root, cotangent in zip(self.description.roots, self.cotangents)
        ]
        arrivals = Counter([c.target for c in self.replay.contributions])
        seen: Counter[int] = Counter()
        for event in self.replay.events:
            if isinstance(event, HookCall):
                steps.append(self.hook_step(event))
                continue
            step = self.product(event)
            seen[event.target] += 1
            if arrivals[event.target] > 1:
                step["arrival"] = [seen[event.target], arrivals[event.target]]
            steps.append(step)
        leaves = [
            [v.index, self.array(self.replay.gradients[v.index])]
            for v in self.description.vertices
            if v.kind == "leaf" and v.index in self.replay.gradients
        ]
        return [*steps, {"kind": "done", "leaves": leaves}]

    def hook_step(self, call: HookCall) -> dict[str, Any]:
        return {
            "kind": "hook",
            "vertex": call.vertex,
            "name": shown(call.name),
            "before": self.array(call.before),
            "total": self.array(call.after),
        }

    def product(self, c: Contribution) -> dict[str, Any]:
        """One vector-Jacobian product as the page shows it."""
        vertex = self.description.vertices[c.source]
        step: dict[str, Any] = {
            "kind": "vjp",
            "vertex": c.source,
            "operand": c.position,
            "target": c.target,
            "formula": product(
                self.description, vertex, c.position, c.raw.shape != c.gradient.shape
            ),
            "g": self.array(c.cotangent),
            "gradient": self.array(c.gradient),
            "total": self.array(c.total),
        }
        if c.before is not None:
            step["before"] = self.array(c.before)
        if c.raw.shape != c.gradient.shape:
            step["raw"] = self.array(c.raw)
            step["stretched"] = stretched(c.raw.shape, c.gradient.shape)
        if step["g"] is None:
            step["several"] = f"the gradients of the {len(c.cotangent)} results"
        step["rule"] = self.rule(c, vertex)
        matrix = self.small_jacobian(c, vertex)
        if matrix is not None:
            step["jacobian"] = self.array(matrix)
        return step

    def rule(self, c: Contribution, vertex: Vertex) -> dict[str, Any]:
        node: Any = vertex.edge
        saved = saved_of(vertex, self.description)
        assert saved is not None  # replay would have stopped
        vjp = partial(one_product, node, saved, c.position)
        known = {
            self.description.vertices[o.vertex].symbol: self.description.vertices[o.vertex].value
            for o in vertex.operands
            if o.vertex is not None
        }
        name = bar(vertex.symbol)
        entrywise = is_entrywise(node.op) or c.cotangent_size == 1
        rule = find_rule(vjp, c.cotangent, c.raw, known, name, entrywise)
        return self.packed_rule(rule)

    def packed_rule(self, rule: Rule) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": rule.kind}
        if rule.kind == "copy":
            rows, columns = matrix_shape(rule.scale.shape)
            found["scale"] = self.array(rule.scale)
            plain = np.array_equal(rule.index.reshape(-1), np.arange(rule.index.size))
            if not plain:
                cut = rule.index.reshape(rows, columns)[:LARGEST_SIDE, :LARGEST_SIDE]
                found["index"] = cut.tolist()
        elif rule.kind == "sum":
            found["axes"] = list(rule.axes)
        elif rule.kind == "product":
            found["left"] = self.factor(rule.left)
            found["right"] = self.factor(rule.right)
        return found

    def factor(self, factor: Factor | None) -> dict[str, Any]:
        assert factor is not None
        return {
            "symbol": factor.symbol + ("ᵀ" if factor.transposed else ""),
            "array": self.array(factor.matrix),
            "transposed": factor.transposed,
        }

    def small_jacobian(self, c: Contribution, vertex: Vertex) -> Any:
        cotangent = c.cotangent
        if not isinstance(cotangent, np.ndarray):
            return None
        if cotangent.size * c.gradient.size > LARGEST_JACOBIAN:
            return None
        if max(cotangent.size, c.gradient.size) > 2 * LARGEST_SIDE:
            return None
        return jacobian(vertex, c.position, self.description)


def one_product(node: Any, saved: tuple[Any, ...], position: int, g: Any) -> Any:
    return dict(products(node, saved, g))[position]


def stretched(raw: tuple[int, ...], shape: tuple[int, ...]) -> list[int]:
    """The axes along which the engine sums a gradient to undo broadcasting."""
    extra = len(raw) - len(shape)
    axes = list(range(extra))
    return axes + [i + extra for i, n in enumerate(shape) if n == 1 and raw[i + extra] != 1]


def matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """How an array is laid out on the page: rows of its last axis."""
    if not shape:
        return 1, 1
    rows = 1
    for n in shape[:-1]:
        rows *= n
    return rows, shape[-1]


def packed(array: Any) -> dict[str, Any]:
    """An array as the page reads it: rows of numbers with four digits, cut if it is large."""
    rows, columns = matrix_shape(array.shape)
    matrix = array.reshape(rows, columns)
    limit = 2 * LARGEST_SIDE if array.ndim == 2 and array.size <= LARGEST_JACOBIAN else LARGEST_SIDE
    cut = matrix[:limit, :limit]
    found: dict[str, Any] = {"shape": list(array.shape)}
    places = np.argwhere(cut)
    if cut.size > 30 and 4 * len(places) < cut.size:  # mostly zeros: only the others are written
        found["size"] = list(cut.shape)
        found["entries"] = [
            [int(i), int(j), n] for (i, j), n in zip(places, numbers(cut[tuple(places.T)]))
        ]
    else:
        found["rows"] = [numbers(row) for row in cut]
    if cut.shape != matrix.shape:
        found["of"] = [rows, columns]
    return found


def numbers(row: Any) -> list[Any]:
    """Numbers with four digits; what JSON cannot write is a string."""
    found: list[Any] = []
    for value in row.tolist():
        if isinstance(value, bool):
            found.append(int(value))
        elif isinstance(value, int):
            found.append(value)
        elif not np.isfinite(value):
            found.append(number_text(value))
        else:
            short = float(f"{value:.4g}")
            found.append(int(short) if short == int(short) and abs(short) < 1e6 else short)
    return found


def source_line(stack: str) -> str:
    """The innermost line of the user's program in a formatted stack."""
    lines = [line.strip() for line in stack.strip().splitlines()]
    code = [line for line in lines if not line.startswith("File ") and line.strip("~^ ")]
    return shown(code[-1], 120) if code else ""
