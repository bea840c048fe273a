"""Separate three spiral arms, and draw what the network makes of the plane.

A network of two hidden layers; prints its loss and the share of points that it gets right.

    python examples/spiral.py           # about 1 s
    python examples/spiral.py --film    # also writes the training as a page with a slider
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import options, pyplot

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


def spiral(arms: int, points: int, noise: float, rng: np.random.Generator):
    """`points` points on each of `arms` arms that turn once around the origin."""
    radius = np.linspace(0.1, 1, points)
    turns = 2 * np.pi * np.arange(arms)[:, None] / arms + 4.5 * radius
    turns = turns + rng.normal(0, noise, turns.shape)
    x = np.stack([radius * np.sin(turns), radius * np.cos(turns)], axis=-1)
    return x.reshape(-1, 2).astype(np.float32), np.repeat(np.arange(arms), points)


def main() -> None:
    parser = options(__doc__, "matplotlib")
    parser.add_argument("--steps", type=int, default=1500, help="of Adam")
    parser.add_argument("--hidden", type=int, default=32, help="units of each hidden layer")
    parser.add_argument("--seed", type=int, default=0, help="of the points and the weights")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--film", action="store_true", help="write out/spiral.html, too")
    args = parser.parse_args()

    mg.manual_seed(args.seed)
    points, classes = spiral(3, 150, 0.15, np.random.default_rng(args.seed))
    x, y = mg.tensor(points), mg.tensor(classes)
    model = nn.Sequential(
        nn.Linear(2, args.hidden), nn.ReLU(),
        nn.Linear(args.hidden, args.hidden), nn.ReLU(),
        nn.Linear(args.hidden, 3),
    )  # fmt: skip
    optimizer = mg.optim.Adam(model.parameters(), lr=1e-2)
    film = mg.visualize.film(model, x, y)
    for step in range(args.steps + 1):
        loss = F.cross_entropy(model(x), y)
        if step % max(1, args.steps // 5) == 0:
            print(f"step {step:5}   loss {loss.item():.4f}")
        film.record()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    accuracy = (model(x).argmax(dim=1) == y).float().mean().item()
    print(f"training accuracy {accuracy:.1%}")

    args.out.mkdir(parents=True, exist_ok=True)
    figure, axes = pyplot().subplots(figsize=(6, 4.5), layout="constrained")
    mg.visualize.plot_decision_boundary(model, x, y, ax=axes)
    axes.set(xlabel="x₁", ylabel="x₂", title="Three spiral arms, and the regions of the network")
    figure.savefig(args.out / "spiral.png", dpi=120)
    if args.film:
        film.save(args.out / "spiral.html")
    print("wrote", args.out / "spiral.png")


if __name__ == "__main__":
    main()
