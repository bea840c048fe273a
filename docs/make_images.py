"""Draw the pictures of the pages, each in light and dark:

python docs/make_images.py
"""

from __future__ import annotations

from collections.abc import Callable
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


def cuts() -> None:
    """A function whose gradient ends at no_grad, at detach and at item()."""
    mg.manual_seed(0)
    X = mg.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    W = mg.tensor([[0.2, 0.8], [0.5, -0.3], [0.1, 0.4]], requires_grad=True)
    target = nn.Linear(3, 2)

    def difference(X: Any) -> Any:
        Z = X @ W
        with mg.no_grad():
            aim = target(X)
        scale = Z.detach().abs().max()
        return ((Z - aim) / scale).sum() * Z.mean().item()

    for theme in ("light", "dark"):
        picture = mg.visualize.draw(difference, X, theme=theme, names={"X": X, "W": W})
        picture.save(FOLDER / f"cuts-{theme}.svg")


def in_both_themes(name: str, draw: Callable[..., Any], **size: Any) -> None:
    """Save the figure that `draw` makes on new axes, for a light and for a dark page."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    for theme, style in (("light", "default"), ("dark", "dark_background")):
        with plt.style.context([style, {"svg.hashsalt": "minigrad"}]):
            figure, axes = plt.subplots(layout="constrained", **size)
            draw(axes)
            path = FOLDER / f"{name}-{theme}.svg"
            figure.savefig(path, transparent=True, metadata={"Date": None})
            plt.close(figure)


def boundary() -> None:
    """What the network of the page on training decides, on the four points of XOR."""
    mg.manual_seed(0)
    x = mg.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = mg.tensor([0, 1, 1, 0])
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = mg.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(300):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    def draw(axes: Any) -> None:
        mg.visualize.plot_decision_boundary(model, x, y, ax=axes)
        axes.set(xlabel="x₁", ylabel="x₂")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))

    in_both_themes("boundary", draw, figsize=(4.8, 3.4))


def descent() -> None:
    """Gradient descent on valleys of three κ, each with its best learning rate."""
    distances = {}
    for kappa in (3, 10, 100):
        diagonal = mg.tensor(np.array([1.0, float(kappa)]))
        w = mg.tensor(np.array([float(kappa), 1.0]), requires_grad=True)
        lengths = []
        for _ in range(60):
            lengths.append(mg.linalg.norm(w).item())
            (g,) = mg.autograd.grad(((diagonal * w) * w).sum() / 2, w)
            w = (w - 2 / (1 + kappa) * g).detach().requires_grad_()
        distances[kappa] = np.array(lengths) / lengths[0]

    def draw(axes: Any) -> None:
        for kappa, values in distances.items():
            axes.semilogy(values, label=f"κ = {kappa}")
        axes.set(xlabel="step", ylabel="distance to the minimum", ylim=(1e-8, 2))
        axes.legend()

    in_both_themes("descent", draw, figsize=(5.2, 3.2))


def arrow(axes: Any, start: Any, end: Any, color: str, style: str = "->") -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": style, "color": color, "lw": 1.8})


def projection() -> None:
    """The point of a line nearest to b, and the residual at a right angle."""
    a, b = np.array([1.0, 0.4]), np.array([1.2, 2.0])
    nearest = a * (a @ b) / (a @ a)
    along, across = (v / np.linalg.norm(v) * 0.16 for v in (-nearest, b - nearest))
    corner = np.stack([nearest + along, nearest + along + across, nearest + across])

    def draw(axes: Any) -> None:
        axes.plot(*np.outer(a, (-0.3, 2.6)), color="gray", lw=1)
        axes.plot(*corner.T, color="gray", lw=1)
        arrow(axes, (0, 0), b, "C0")
        arrow(axes, (0, 0), nearest, "C1")
        arrow(axes, nearest, b, "C2")
        axes.text(0.42, 1.05, "b", color="C0", fontsize=12)
        axes.text(1.05, 0.22, "A x", color="C1", fontsize=12)
        axes.text(1.58, 1.45, "b − A x", color="C2", fontsize=12)
        axes.text(2.05, 1.05, "all A y", color="gray", fontsize=12, rotation=21)
        axes.set(aspect="equal", xlim=(-0.3, 2.7), ylim=(-0.2, 2.2))
        axes.axis("off")

    in_both_themes("projection", draw, figsize=(4.2, 3.0))


def ellipse() -> None:
    """What a matrix does to the unit vectors: v₁, v₂ become s₁u₁, s₂u₂."""
    A = mg.tensor([[1.5, 0.8], [0.2, 0.9]])
    U, s, Vh = mg.linalg.svd(A)
    angle = mg.linspace(0.0, 2 * np.pi, 200)
    circle = mg.stack([mg.cos(angle), mg.sin(angle)])
    before = circle, Vh.T, ("v₁", "v₂"), "unit vectors x"
    after = A @ circle, U * s, ("s₁u₁", "s₂u₂"), "what they become: A x"

    def draw(both: Any) -> None:
        for axes, (curve, arrows, names, title) in zip(both, (before, after)):
            axes.plot(*curve.numpy())
            for i, (end, name) in enumerate(zip(arrows.T.numpy(), names)):
                arrow(axes, (0, 0), end, f"C{i + 1}")
                beyond = end * (1 + 0.33 / np.linalg.norm(end))
                axes.text(*beyond, name, color=f"C{i + 1}", ha="center", va="center", fontsize=12)
            axes.set(title=title, aspect="equal", xlim=(-2.6, 2.6), ylim=(-1.7, 1.7))
            axes.grid(alpha=0.3)

    in_both_themes("ellipse", draw, ncols=2, figsize=(6.4, 2.8))


def components() -> None:
    """A cloud of data and its principal axes, two standard deviations long."""
    rng = np.random.default_rng(0)
    X = mg.tensor(rng.standard_normal((300, 2)) @ np.array([[1.6, 0.9], [0.0, 0.6]]))
    X = X - X.mean(0)
    variances, V = mg.linalg.eigh(mg.cov(X.T))
    ends = (2 * V * variances.sqrt()).T.flip(0).numpy()
    ends *= np.sign(ends[:, 1:])  # signs of eigenvectors are arbitrary: both point up

    def draw(axes: Any) -> None:
        axes.scatter(*X.T.numpy(), s=8, alpha=0.35)
        for i, end in enumerate(ends):
            arrow(axes, (0, 0), end, f"C{i + 1}")
            x, y = end * (1 + 0.7 / np.linalg.norm(end)) + (0, 0.5 - 0.3 * i)
            axes.text(x, y, f"w{'₁₂'[i]}", color=f"C{i + 1}", fontsize=12, ha="center")
        axes.set(xlabel="first feature", ylabel="second feature", aspect="equal")

    in_both_themes("components", draw, figsize=(4.8, 3.2))


def recovered() -> None:
    """The signals of the page on inverse problems: true, blurred, and found again in two ways."""
    rng = np.random.default_rng(0)
    t = mg.linspace(0.0, 1.0, 64, dtype=mg.float64)
    A = mg.exp(-((t[:, None] - t) ** 2) / (2 * 0.03**2))
    A = A / A.sum(1, keepdim=True)
    x = mg.exp(-((t - 0.3) ** 2) / 0.002) + (mg.abs(t - 0.7) < 0.1).double()
    b = A @ x + mg.tensor(0.001 * rng.standard_normal(64))
    weight = np.exp(-9.0)
    tikhonov = mg.linalg.solve(A.T @ A + weight * mg.eye(64, dtype=mg.float64), A.T @ b)

    def draw(both: Any) -> None:
        above, below = both
        above.plot(t, x, color="gray", label="x")
        above.plot(t, b, "C0:", lw=2, label="b: blurred, with noise")
        above.plot(t, tikhonov, "C1", label="Tikhonov")
        below.plot(t, mg.linalg.pinv(A) @ b, "C2", lw=1, label="pseudoinverse")
        below.plot(t, x, color="gray", label="x")
        for axes in both:
            axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        below.set(xlabel="t")

    in_both_themes("recovered", draw, nrows=2, sharex=True, figsize=(6.4, 4.2))


def fit() -> None:
    """The points and the network of the page on fitting a curve."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-3, 3, 60)
    values = np.sin(points) + 0.1 * rng.standard_normal(60)
    x, y = (mg.tensor(v, dtype=mg.float32)[:, None] for v in (points, values))
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = mg.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(500):
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        optimizer.step()
    new = mg.linspace(-3.0, 3.0, 200)[:, None]

    def draw(axes: Any) -> None:
        axes.plot(x, y, ".", label="points")
        axes.plot(new, model(new).detach(), label="fit")
        axes.set(xlabel="x", ylabel="y")
        axes.legend()

    in_both_themes("fit", draw, figsize=(4.8, 3.0))


GRAPHS = (network, layer, reuse, cuts)
FIGURES = (boundary, descent, projection, ellipse, components, recovered, fit)

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for make in GRAPHS + FIGURES:
        make()
