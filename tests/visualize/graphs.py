"""Graphs that the tests of pictures draw."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.visualize import graphviz_pure

HOSTILE = {
    "quotes": "\"double\" 'single' \\backslash\\n",
    "script": "<script>alert(1)</script><b>&amp;",
    "markup": "<x> URL=<javascript:alert(1)>",
    "newlines": "two\nlines\r\n\ttab\0nul",
    "emoji": "🙂 wörld × Ω",
    "direction": "right\u202eleft",
    "long": "x" * 10_000,
    "comment": "--> ]]> }} ]; {{data}}",
    "empty": " ",
}


def leaf(values: Any, name: str | None = None) -> Any:
    tensor = mg.tensor(np.asarray(values, np.float32), requires_grad=True)
    tensor.name = name
    return tensor


def small_graph() -> Any:
    x = leaf([[1.0, 2.0]], "x")
    W = leaf([[1.0, 0.0], [0.0, -1.0]], "W")
    loss = mg.relu(x @ W).sum()
    loss.name = "loss"
    return loss, x, W


class Block(mg.nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        self.linear = mg.nn.Linear(n, n)

    def forward(self, x: Any) -> Any:
        return x + mg.relu(self.linear(x))


def deep_net(blocks: int = 12) -> Any:
    return mg.nn.Sequential(mg.nn.Linear(3, 4), *[Block(4) for _ in range(blocks)])


def no_dot(monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", "")


def no_renderer(monkeypatch: Any) -> None:
    """Neither ``dot`` nor pygraphviz nor graphviz-pure."""
    no_dot(monkeypatch)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr(graphviz_pure, "program", lambda: None)


def only_graphviz_pure(monkeypatch: Any) -> None:
    if graphviz_pure.program() is None:
        pytest.skip("graphviz-pure is not installed")
    no_dot(monkeypatch)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


def texts_of(source: str) -> list[str]:
    """The pieces of text of a picture, without markup."""
    pieces = re.split(r"<[^>]*>", source)
    return [html.unescape(piece).replace("\xa0", " ").strip() for piece in pieces]


def written_in(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def normal(*shape: int) -> Any:
    return np.random.default_rng(len(shape)).normal(size=shape).astype("f")


def mlp() -> Any:
    mg.random.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.ReLU(), mg.nn.Linear(3, 1))
    error = model(mg.tensor(normal(4, 2))) - mg.tensor(normal(4, 1))
    return (error * error).sum() / 4


def branched() -> Any:
    x, w = leaf(normal(3, 3), "x"), leaf(normal(3, 3) + 1, "w")
    a = x @ w
    b = mg.relu(a)
    return ((a * b) @ w + x).sum()


def broadcast() -> Any:
    column, row = leaf([[1.0], [2.0], [3.0]], "column"), leaf([1.0, 2.0, 3.0, 4.0], "row")
    return ((column * row + leaf(2.0, "s")) * column).sum()


def conv() -> Any:
    mg.random.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Conv2d(1, 2, 2), mg.nn.ReLU())
    return (model(mg.tensor(normal(1, 1, 4, 4))) * 3).sum()


def batched() -> Any:
    """A product of several matrices with one, which is stretched along the batch."""
    return (
        (leaf(normal(2, 2, 3), "x") @ leaf(normal(3, 2), "w")) * mg.tensor(normal(2, 2, 2))
    ).sum()


GRAPHS: list[Callable[[], Any]] = [mlp, branched, broadcast, conv, batched]


def roots_at_zero() -> Any:
    return mg.sqrt(leaf([0.0, 1.0, 4.0], "x")).sum()


def logarithms() -> Any:
    x = leaf([1.0, 0.0, -1.0, np.inf, np.nan], "x")
    return (mg.log(x) * x).sum()


def product_with_nan() -> Any:
    x, w = leaf([[1.0, np.nan], [2.0, 3.0]], "x"), leaf([[np.inf, 1.0], [2.0, 0.5]], "w")
    return (mg.softmax(x @ w, 1) * (x + leaf(2.0, "s"))).sum()


NOT_FINITE: list[Callable[[], Any]] = [roots_at_zero, logarithms, product_with_nan]


def perceptron(widths: list[int], activation: Any, normalization: Any = None) -> Any:
    layers = []
    for before, after in zip(widths[:-2], widths[1:-1]):
        layers += [mg.nn.Linear(before, after), *([normalization(after)] if normalization else [])]
        layers.append(activation())
    return mg.nn.Sequential(*layers, mg.nn.Linear(*widths[-2:]))
