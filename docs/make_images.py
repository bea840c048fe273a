"""Draw the pictures of the pages, each in light and dark:

python docs/make_images.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

FOLDER = Path(__file__).parent / "images"


def save_graph(name: str, result: Any, **options: Any) -> None:
    for theme in ("light", "dark"):
        mg.visualize.draw(result, theme=theme, **options).save(FOLDER / f"{name}-{theme}.svg")


def network() -> None:
    """The picture of the README: numbers and gradients of a network of two layers."""
    mg.manual_seed(7)
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    x = mg.tensor([[1.0, 2.0], [3.0, -1.0]])
    target = mg.tensor([[1.0], [0.0]])
    with mg.visualize.record_values():
        loss = F.mse_loss(model(x), target)
        loss.backward()
    names = {"x": x, "target": target, "loss": loss}
    save_graph("graph", loss, values=True, grads=True, names=names)


def layer() -> None:
    """One layer by hand; then a loss, and its backward pass with the product on each edge."""
    X = mg.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    W = mg.tensor([[0.2, 0.8], [0.5, -0.3], [0.1, 0.4]], requires_grad=True)
    b = mg.tensor([0.1, -0.2], requires_grad=True)
    names = {"X": X, "W": W, "b": b}
    with mg.visualize.record_values():
        Z = X @ W + b
    save_graph("layer", Z, names=names | {"Z": Z}, values=True, grads=False)
    loss = (Z**2).sum()
    loss.backward()
    names |= {"Z": Z, "loss": loss}
    save_graph("backward", loss, names=names, backward=True, values=True, grads=True)


def reuse() -> None:
    """A tensor that is used twice: two gradients arrive and are added."""
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x + mg.sin(x)
    y.backward()
    save_graph("reuse", y, names={"x": x, "y": y}, values=True, grads=True)


def boundary() -> None:
    """What a trained network decides, on the four points of XOR."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mg.manual_seed(0)
    x = mg.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = mg.tensor([0, 1, 1, 0])
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = mg.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    for theme, style in (("light", "default"), ("dark", "dark_background")):
        with plt.style.context([style, {"svg.hashsalt": "minigrad"}]):
            axes = mg.visualize.plot_decision_boundary(model, x, y)
            axes.figure.set_size_inches(4.2, 3.4)
            save_figure(axes.figure, f"boundary-{theme}")


def descent() -> None:
    """Gradient descent on a long valley, against the bound ((κ - 1)/(κ + 1))ᵏ."""
    from matplotlib import pyplot as plt

    rates = {}
    for kappa in (3, 10, 100):
        diagonal = mg.tensor(np.array([1.0, float(kappa)]))
        w = mg.tensor(np.array([float(kappa), 1.0]), requires_grad=True)
        distances = []
        for _ in range(60):
            distances.append(mg.linalg.norm(w).item())
            (g,) = mg.autograd.grad(((diagonal * w) * w).sum() / 2, w)
            w = (w - 2 / (1 + kappa) * g).detach().requires_grad_()
        rates[kappa] = np.array(distances) / distances[0]
    for theme, style in (("light", "default"), ("dark", "dark_background")):
        with plt.style.context([style, {"svg.hashsalt": "minigrad"}]):
            figure, axes = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
            for kappa, values in rates.items():
                axes.semilogy(values, label=f"κ = {kappa}")
            axes.set(xlabel="step", ylabel="distance to the minimum")
            axes.set_ylim(1e-8, 2)
            axes.legend()
            save_figure(figure, f"descent-{theme}")


def save_figure(figure: Any, name: str) -> None:
    from matplotlib import pyplot as plt

    figure.savefig(FOLDER / f"{name}.svg", transparent=True, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for draw in (network, layer, reuse, boundary, descent):
        draw()
