"""Gradient descent by hand and by mg.optim.SGD: the same steps, w - rate * gradient.

A bowl in two variables, whose gradient is known by formula.  Prints how far the three paths are
apart, and where each of three rates leads; draws the paths.

    python examples/gradient_descent.py    # about 1 s
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import options, pyplot

import minigrad as mg

H = np.array([[3.0, 1.0], [1.0, 1.0]])  # curvature of the bowl
LOWEST = np.array([1.0, -0.5])


def bowl(w: mg.Tensor) -> mg.Tensor:
    """1/2 (w - lowest)^T H (w - lowest): a bowl, with its gradient H (w - lowest)."""
    d = w - mg.tensor(LOWEST)
    return 0.5 * (d @ mg.tensor(H) @ d)


def by_formula(start: np.ndarray, rate: float, steps: int) -> np.ndarray:
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - rate * (H @ (path[-1] - LOWEST)))
    return np.array(path)


def by_hand(start: np.ndarray, rate: float, steps: int) -> np.ndarray:
    """The gradient from backward, and the step written out."""
    w = mg.tensor(start, requires_grad=True)
    path = [start]
    for _ in range(steps):
        bowl(w).backward()
        with mg.no_grad():  # the step itself is not part of what is differentiated
            w -= rate * w.grad
        w.grad = None  # backward adds to .grad, so that it starts again at nothing
        path.append(w.detach().numpy().copy())
    return np.array(path)


def by_optimizer(start: np.ndarray, rate: float, steps: int) -> np.ndarray:
    w = mg.tensor(start, requires_grad=True)
    optimizer = mg.optim.SGD([w], lr=rate)
    path = [start]
    for _ in range(steps):
        optimizer.zero_grad()
        bowl(w).backward()
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return np.array(path)


def picture(paths: dict[float, np.ndarray], path: Path) -> None:
    plt = pyplot()
    x, y = np.meshgrid(np.linspace(-2.2, 3.2, 120), np.linspace(-2.6, 2.6, 120))
    d = np.stack([x, y], axis=-1) - LOWEST
    figure, axes = plt.subplots(1, len(paths), figsize=(9, 3.2), sharey=True, layout="constrained")
    for cell, (rate, steps) in zip(axes, paths.items()):
        cell.contour(x, y, np.einsum("xyi,ij,xyj->xy", d, H, d), levels=15, cmap="Greys_r")
        cell.plot(*steps[:12].T, "o-", markersize=3, linewidth=1)
        cell.plot(*LOWEST, "k+", markersize=10)
        cell.set(title=f"rate {rate:g}, 11 steps", xlim=(-2.2, 3.2), ylim=(-2.6, 2.6))
        cell.set(xlabel="w₁", ylabel="w₂")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = options(__doc__, "matplotlib")
    parser.add_argument("--steps", type=int, default=40, help="of each path")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    args = parser.parse_args()

    start = np.array([-2.0, 2.0])
    largest = mg.linalg.eigvalsh(mg.tensor(H))[-1].item()
    print(f"rates below 2 / (largest eigenvalue) = {2 / largest:.4f} go down")
    paths = {}
    for rate in (0.1, 0.5, 0.6):
        paths[rate] = by_optimizer(start, rate, args.steps)
        others = (by_formula(start, rate, args.steps), by_hand(start, rate, args.steps))
        scale = np.abs(paths[rate]).max()
        error = max(np.abs(other - paths[rate]).max() for other in others) / scale
        first, last = (bowl(mg.tensor(w)).item() for w in paths[rate][[0, -1]])
        print(f"rate {rate}: loss from {first:.2f} to {last:.2e} in {args.steps} steps")
        print(f"  rate {rate}, largest relative difference of the three paths: {error:.1e}")

    args.out.mkdir(parents=True, exist_ok=True)
    picture(paths, args.out / "gradient_descent.png")
    print("wrote", args.out / "gradient_descent.png")


if __name__ == "__main__":
    main()
