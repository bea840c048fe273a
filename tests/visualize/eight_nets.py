"""Eight nets, drawn by minigrad, torchview and torchvista: what does each picture show?

python -m tests.visualize.eight_nets out/                 # minigrad's, light and dark
python -m tests.visualize.eight_nets out/ --peers         # also those of the two, where installed
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import minigrad as mg

STEPS = 5
OPS = 500


def perceptron(lib: Any) -> Any:
    nn = lib.nn
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), lib.randn(2, 4)


def convolutional(lib: Any) -> Any:
    nn = lib.nn
    layers = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32, 3)), lib.randn(2, 1, 8, 8)


def recurrent(lib: Any) -> Any:
    class Recurrent(lib.nn.Module):  # type: ignore[misc,name-defined]  # of either library
        def __init__(self) -> None:
            super().__init__()
            self.cell = lib.nn.LSTMCell(3, 4)
            self.head = lib.nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            h = c = lib.zeros(2, 4)
            for t in range(STEPS):
                h, c = self.cell(x[t], (h, c))
            return self.head(h)

    return Recurrent(), lib.randn(STEPS, 2, 3)


def transformer(lib: Any) -> Any:
    class Block(lib.nn.Module):  # type: ignore[misc,name-defined]  # of either library
        def __init__(self, width: int, heads: int) -> None:
            super().__init__()
            nn = lib.nn
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.heads = heads
            self.projections = nn.Linear(width, 3 * width)
            self.out = nn.Linear(width, width)
            self.mlp = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )

        def attention(self, x: Any) -> Any:
            n, length, width = x.shape
            q, k, v = self.projections(x).chunk(3, -1)
            q, k, v = (
                part.reshape(n, length, self.heads, -1).transpose(1, 2) for part in (q, k, v)
            )
            scores = (q @ k.transpose(-2, -1)) / (width / self.heads) ** 0.5
            mask = lib.ones(length, length).tril() == 0
            weights = scores.masked_fill(mask, float("-inf")).softmax(-1)
            return self.out((weights @ v).transpose(1, 2).reshape(n, length, width))

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.first(x))
            return x + self.mlp(self.second(x))

    return Block(8, 2), lib.randn(2, 4, 8)


def tied(lib: Any) -> Any:
    class Tied(lib.nn.Module):  # type: ignore[misc,name-defined]  # of either library
        def __init__(self) -> None:
            super().__init__()
            self.embedding = lib.nn.Embedding(10, 4)
            self.out = lib.nn.Linear(4, 10, bias=False)
            self.out.weight = self.embedding.weight

        def forward(self, tokens: Any) -> Any:
            return self.out(lib.tanh(self.embedding(tokens)))

    return Tied(), lib.tensor([[1, 2, 3], [4, 5, 6]])


def normalized(lib: Any) -> Any:
    nn = lib.nn
    layers = nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2)
    return nn.Sequential(*layers), lib.randn(8, 4)


def detached(lib: Any) -> Any:
    class Detached(lib.nn.Module):  # type: ignore[misc,name-defined]  # of either library
        def __init__(self) -> None:
            super().__init__()
            self.online, self.target = lib.nn.Linear(4, 3), lib.nn.Linear(4, 3)

        def forward(self, x: Any) -> Any:
            z = self.online(x)
            with lib.no_grad():
                aim = self.target(x)
            scale = z.detach().abs().max()
            weight = z.mean().item()
            return ((z - aim) / scale).sum() * weight

    return Detached(), lib.randn(2, 4)


def chain(lib: Any) -> Any:
    class Chain(lib.nn.Module):  # type: ignore[misc,name-defined]  # of either library
        def __init__(self) -> None:
            super().__init__()
            self.scale = lib.nn.Parameter(lib.ones(3))

        def forward(self, x: Any) -> Any:
            for _ in range(OPS // 2):
                x = lib.tanh(x * self.scale)
            return x

    return Chain(), lib.randn(2, 3)


NETS: list[Callable[[Any], Any]] = [
    perceptron, convolutional, recurrent, transformer, tied, normalized, detached, chain,
]  # fmt: skip


def ours(make: Callable[[Any], Any], folder: Path) -> None:
    mg.manual_seed(0)
    model, x = make(mg)
    for theme in ("light", "dark"):
        mg.visualize.draw(model, x, theme=theme).save(folder / f"{make.__name__}-{theme}.png")


def by_torchview(make: Callable[[Any], Any], folder: Path) -> None:
    import torch
    from torchview import draw_graph

    model, x = make(torch)
    graph = draw_graph(model, input_data=x, expand_nested=True, depth=4).visual_graph
    graph.render(folder / f"{make.__name__}-torchview", format="png")


def by_torchvista(make: Callable[[Any], Any], folder: Path) -> None:
    import torch
    from torchvista import trace_model

    model, x = make(torch)
    trace_model(model, x, export_format="html", export_path=str(folder / f"{make.__name__}.html"))


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--peers", action="store_true")
    given = options.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for net in NETS:
        ours(net, given.folder)
        if given.peers:
            by_torchview(net, given.folder)
            by_torchvista(net, given.folder)
