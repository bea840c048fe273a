"""The page that steps through backpropagation: its data, and the file.

The page itself is hand-written, in the folder page: page.html, page.css, and the parts of its
script.  They are put together with the data into one file that needs no network.
"""

from __future__ import annotations

import math
import os
import re
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
from minigrad.visualize.captions import product, results
from minigrad.visualize.description import Description, Vertex, computed, described
from minigrad.visualize.folding import MOST_BOXES, layout
from minigrad.visualize.formulas import is_entrywise
from minigrad.visualize.names import bar, shape_text, shown
from minigrad.visualize.notebook import Page
from minigrad.visualize.packing import LARGEST_JACOBIAN, LARGEST_SIDE, Arrays
from minigrad.visualize.pages import PAGE, assembled
from minigrad.visualize.rules import Factor, Rule, find_rule

__all__ = ["PAGE", "explain", "page_data"]

SCRIPTS = ("helpers", "matrices", "vjp", "steps", "graph", "navigation")  # in this order
MOST_OPS = 5_000


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
    names     names of tensors: a mapping; None: those of the caller's variables

    Returns  the path of the page, which a notebook shows in a frame.
    Raises   TypeError if x has no graph, or if names or gradient are of another kind; ValueError if
             gradient has another shape; RuntimeError if x has several entries and no gradient was
             given, if numbers that the pass needs were not kept (compute x inside
             `record_values`, or pass a function that computes it), or if there are more than 5,000
             ops to step through.
    Example  >>> import minigrad as mg, os, tempfile
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> page = os.path.join(tempfile.mkdtemp(), "backprop.html")
             >>> mg.visualize.explain((x * x).sum(), page, names={"x": x}).name
             'backprop.html'
    """
    data = page_data(x, input, gradient=gradient, names=names)
    path = Page(os.fspath(filename))
    path.write_text(page(data), encoding="utf-8")
    return path


def page(data: dict[str, Any]) -> str:
    """The page with its data."""
    return assembled("page", ["page"], SCRIPTS, data)


def page_data(
    x: Any, input: Any = None, *, gradient: Any = None, names: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """All that the page shows: tensors, arrays, and the steps forward and backward."""
    if names is not None and not isinstance(names, Mapping):
        raise TypeError(
            f"names is a mapping of names to tensors, as locals() is, got {type(names).__name__}"
        )
    roots, implied, watch = computed(x, input)
    description = described(roots, implied, watch, names)
    ops = sum([v.kind == "op" for v in description.vertices])
    if ops > MOST_OPS:
        raise RuntimeError(
            f"this graph has {ops:,} ops, and a page steps through at most {MOST_OPS:,}: explain "
            "a part of it, or a smaller model, and use mg.visualize.tape for all of it"
        )
    cotangents = [seed(root, gradient) for root in roots]
    done = replay(description, cotangents, call_hooks=True)
    if done.missing:
        vertex = description.vertices[done.missing[0]]
        reason = "freed by backward" if vertex.freed else "changed in place since"
        raise RuntimeError(
            f"what the backward of {vertex.symbol} = {vertex.formula} needs was not kept: it was "
            f"{reason}. Compute it inside mg.visualize.record_values(), or pass a "
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
    try:
        gradient = np.asarray(getattr(gradient, "_array", gradient), array.dtype)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"gradient is an array of numbers of shape {array.shape}, got {type(gradient).__name__}"
        ) from error
    if gradient.shape != array.shape:
        raise ValueError(f"gradient has shape {gradient.shape}, the tensor has shape {array.shape}")
    return gradient


class PageData:
    """Collects what the page shows: tensors, steps and arrays."""

    def __init__(self, description: Description, done: Replay, cotangents: list[Any]) -> None:
        self.description = description
        self.replay = done
        self.cotangents = cotangents
        self.arrays = Arrays()
        self.lines: list[str] = []

    def data(self) -> dict[str, Any]:
        vertices = [self.vertex(v) for v in self.description.vertices]
        steps = [*self.forward(), *self.backward()]
        root = self.description.vertices[self.description.roots[0]]
        return {
            "title": f"Backpropagation of {root.symbol}",
            "vertices": vertices,
            "steps": steps,
            "lines": self.lines,
            "arrays": self.arrays.written,
            "groups": self.groups(),
        }

    def groups(self) -> list[dict[str, Any]]:
        """What the page folds until it is opened: as a picture does, in large graphs only."""
        if len(self.description) <= MOST_BOXES:
            return []
        found = []
        for box in layout(self.description, None, most=MOST_OPS).boxes:
            if box.vertex is None:
                pairs = [(box.title, box.members), *box.parts]
                found += [{"title": title, "members": members} for title, members in pairs]
        return found

    # ----------------------------------------------------------------------------------- vertices

    def vertex(self, vertex: Vertex) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": vertex.kind,
            "symbol": vertex.symbol,
            "bar": bar(vertex.symbol),
            "shape": shape_text(vertex.shape),
        }
        if vertex.kind in ("op", "output"):
            found |= {"formula": vertex.formula, "op": vertex.op, "inputs": vertex.inputs}
        value = self.arrays.add(vertex.value)
        if value is not None:
            found["value"] = value
        arguments = [
            [name, self.arrays.add(each)]
            for name, each in vertex.statics.items()
            if isinstance(each, np.ndarray)
        ]
        if arguments:
            found["arguments"] = arguments
        if vertex.name is not None and shown(vertex.name) != vertex.symbol:
            found["name"] = shown(vertex.name)
        if vertex.value_note:
            found["note"] = vertex.value_note
        if isinstance(vertex.value, (tuple, list)):
            found["note"] = "several results, each shown by itself"
        if vertex.call is not None:
            call = self.description.calls[vertex.call]
            found["module"] = shown(f"{call.name}: {call.kind}" if call.name else call.kind)
        line = source_line(vertex.line)
        if line:  # the source of what was typed into an interpreter is not known
            found["line"] = self.line(line)
        return found

    def line(self, text: str) -> int:
        """The number of a line of the user's program in the page's list."""
        if text not in self.lines:
            self.lines.append(text)
        return self.lines.index(text)

    # -------------------------------------------------------------------------------------- steps

    def forward(self) -> list[dict[str, Any]]:
        return [
            {"kind": "forward", "vertex": v.index}
            for v in self.description.vertices
            if v.kind in ("op", "output")
        ]

    def backward(self) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = [
            {"kind": "seed", "vertex": root, "total": self.arrays.add(cotangent)}
            for root, cotangent in zip(self.description.roots, self.cotangents)
        ]
        seen = Counter(self.description.roots)
        arrivals = seen + Counter([c.target for c in self.replay.contributions])
        for event in self.replay.events:
            if isinstance(event, HookCall):
                steps.append(self.hook_step(event))
                continue
            step = self.product(event)
            seen[event.target] += 1
            if arrivals[event.target] > 1:
                step["arrival"] = [seen[event.target], arrivals[event.target]]
                step["total"] = self.arrays.add(event.total)
            steps.append(step)
        leaves = [
            [v.index, self.arrays.add(self.replay.gradients[v.index])]
            for v in self.description.vertices
            if v.kind == "leaf" and v.index in self.replay.gradients
        ]
        return [*steps, {"kind": "done", "leaves": leaves}]

    def hook_step(self, call: HookCall) -> dict[str, Any]:
        return {
            "kind": "hook",
            "vertex": call.vertex,
            "name": shown(call.name),
            "before": self.arrays.add(call.before),
            "total": self.arrays.add(call.after),
        }

    def product(self, c: Contribution) -> dict[str, Any]:
        """One vector-Jacobian product as the page shows it."""
        vertex = self.description.vertices[c.source]
        step: dict[str, Any] = {
            "kind": "vjp",
            "vertex": c.source,
            "target": c.target,
            "formula": product(
                self.description, vertex, c.position, c.raw.shape != c.gradient.shape
            ),
            "g": self.cotangents_of(c),
            "gradient": self.arrays.add(c.gradient),
        }
        if c.before is not None:
            step["before"] = self.arrays.add(c.before)
        if c.raw.shape != c.gradient.shape:
            step["raw"] = self.arrays.add(c.raw)
            step["stretched"] = stretched(c.raw.shape, c.gradient.shape)
        rule = self.rule(c, vertex)
        step["rule"] = self.packed_rule(rule, bar(vertex.symbol))
        if rule.kind == "copy":
            step["rule"] |= self.factor_of(rule, vertex, step["formula"])
        matrix, why = self.small_jacobian(c, vertex, rule)
        step |= {"no_jacobian": why} if matrix is None else {"jacobian": self.arrays.add(matrix)}
        return step

    def cotangents_of(self, c: Contribution) -> list[list[Any]]:
        """ḡ: of each result, how it is written, its array, and the number of its entries.

        Nothing arrived at a result that nobody used: it has a number of entries only.
        """
        vertex = self.description.vertices[c.source]
        if isinstance(c.cotangent, np.ndarray):
            return [[bar(vertex.symbol), self.arrays.add(c.cotangent), c.cotangent.size]]
        found = []
        for symbol, g, shape in zip(results(vertex, self.description), c.cotangent, vertex.shape):
            found.append([bar(symbol) if symbol else "", self.arrays.add(g), math.prod(shape)])
        return found

    def rule(self, c: Contribution, vertex: Vertex) -> Rule:
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
        return find_rule(vjp, c.cotangent, c.raw, known, name, entrywise)

    def factor_of(self, rule: Rule, vertex: Vertex, formula: str) -> dict[str, Any]:
        """Whether the numbers of a "copy" depend on data; and the operand that they are."""
        saved = saved_of(vertex, self.description) or ()
        if not any(is_data(each) for each in saved):
            return {}
        vertices = self.description.vertices
        operands = [vertices[o.vertex] for o in vertex.operands if o.vertex is not None]
        for known in operands:
            written = rf"{re.escape(bar(vertex.symbol))} \* {re.escape(known.symbol)}(?!\w)"
            if re.search(written, formula) and same_numbers(known.value, rule.scale):
                return {"varies": True, "symbol": known.symbol}
        return {"varies": True}

    def packed_rule(self, rule: Rule, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": rule.kind}
        if rule.kind == "copy":
            found["scale"] = self.arrays.add(rule.scale)
            if not np.array_equal(rule.index.reshape(-1), np.arange(rule.index.size)):
                found["index"] = self.arrays.add(rule.index)
        elif rule.kind == "sum":
            found["axes"] = list(rule.axes)
        elif rule.kind == "product":
            found["left"] = self.factor(rule.left, name)
            found["right"] = self.factor(rule.right, name)
        return found

    def factor(self, factor: Factor | None, gradient: str) -> dict[str, Any]:
        """A factor of a product, which is ḡ itself if it is called `gradient`."""
        assert factor is not None
        found = {"symbol": factor.symbol, "array": self.arrays.add(factor.matrix)}
        if factor.transposed:
            found |= {"symbol": f"{factor.symbol}ᵀ", "transposed": True}
        return found | ({"gradient": True} if factor.symbol == gradient else {})

    def small_jacobian(self, c: Contribution, vertex: Vertex, rule: Rule) -> tuple[Any, str]:
        """The Jacobian; or None, and why: it is "large", not "finite", or has no "derivative"."""
        columns = c.gradient.size
        rows = sum([size for _, _, size in self.cotangents_of(c)])
        if rows * columns > LARGEST_JACOBIAN or max(rows, columns) > 2 * LARGEST_SIDE:
            return None, "large"
        try:
            matrix = jacobian(vertex, c.position, self.description)
        except np.linalg.LinAlgError:  # some of its results, which were not used, have none
            return None, "derivative"
        if matrix is None or np.isfinite(matrix).all():
            return matrix, "derivative"
        if rule.kind != "copy":  # 0 · inf stands where nothing depends on anything
            return None, "finite"
        return jacobian_of_copy(rule, c), ""


def is_data(saved: Any) -> bool:
    """Whether something that a node saved is numbers, not places."""
    return isinstance(saved, np.ndarray) and saved.dtype.kind == "f"


def same_numbers(array: Any, scale: Any) -> bool:
    """Whether `array`, stretched, is `scale`."""
    if not isinstance(array, np.ndarray):
        return False
    try:
        return np.array_equal(np.broadcast_to(array, scale.shape), scale, equal_nan=True)
    except ValueError:
        return False


def jacobian_of_copy(rule: Rule, c: Contribution) -> Any:
    """The Jacobian of a "copy", with zeros where an infinite slope has no part."""
    each = np.zeros((c.cotangent_size, rule.scale.size), rule.scale.dtype)
    each[rule.index.reshape(-1), np.arange(rule.scale.size)] = rule.scale.reshape(-1)
    axes = tuple([axis + 1 for axis in stretched(c.raw.shape, c.gradient.shape)])
    return each.reshape(-1, *c.raw.shape).sum(axes).reshape(c.cotangent_size, -1)


def one_product(node: Any, saved: tuple[Any, ...], position: int, g: Any) -> Any:
    return dict(products(node, saved, g))[position]


def stretched(raw: tuple[int, ...], shape: tuple[int, ...]) -> list[int]:
    """The axes along which the engine sums a gradient to undo broadcasting."""
    extra = len(raw) - len(shape)
    axes = list(range(extra))
    return axes + [i + extra for i, n in enumerate(shape) if n == 1 and raw[i + extra] != 1]


def source_line(stack: str) -> str:
    """The innermost line of the user's program in a formatted stack."""
    lines = [line.strip() for line in stack.strip().splitlines()]
    code = [line for line in lines if not line.startswith("File ") and line.strip("~^ ")]
    return shown(code[-1], 120) if code else ""
