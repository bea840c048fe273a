"""The Lasso: least squares with an L1 penalty, which sets most of the weights to zero.

|w| has no derivative at 0, and gradient descent with a subgradient keeps hopping over it.  The
proximal gradient method takes the step of the least squares alone and then pulls every weight
towards 0 by a soft threshold, which leaves exact zeros.

Prints for both methods the objective, how many weights are zero, and how far the result is from the
conditions of a minimum; draws the paths of the weights.

    python examples/lasso.py    # about 1 s
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import options, pyplot

import minigrad as mg
import minigrad.nn.functional as F


def make_data(n: int, d: int, active: int, rng: np.random.Generator):
    """Targets that depend on the first `active` of d features, with a little noise."""
    X = mg.tensor(rng.standard_normal((n, d)))
    w = np.zeros(d)
    w[:active] = rng.choice([-1.0, 1.0], active) * rng.uniform(1, 3, active)
    return X, X @ mg.tensor(w) + mg.tensor(0.1 * rng.standard_normal(n))


def squared_error(X, y, w: mg.Tensor) -> mg.Tensor:
    return 0.5 * ((X @ w - y) ** 2).mean()


def objective(X, y, w, penalty: float) -> mg.Tensor:
    return squared_error(X, y, w) + penalty * w.abs().sum()


def subgradient_descent(X, y, penalty: float, step: float, steps: int) -> list[mg.Tensor]:
    """Gradient descent on the whole objective, with 0 as the derivative of |w| at 0."""
    w = mg.zeros(X.shape[1], dtype=mg.float64, requires_grad=True)
    path = []
    for _ in range(steps):
        (gradient,) = mg.autograd.grad(objective(X, y, w, penalty), [w])
        with mg.no_grad():
            w -= step * gradient
        path.append(w.detach().clone())
    return path


def proximal_gradient(X, y, penalty: float, step: float, steps: int) -> list[mg.Tensor]:
    """A step on the squared error, then the soft threshold at step * penalty."""
    w = mg.zeros(X.shape[1], dtype=mg.float64)
    path = []
    for _ in range(steps):
        gradient = mg.func.grad(lambda w: squared_error(X, y, w))(w)
        w = F.softshrink(w - step * gradient, step * penalty)
        path.append(w)
    return path


def optimality(X, y, w, penalty: float) -> float:
    """How far w is from a minimum: the gradient is -penalty * sign(w), or within it where w = 0."""
    g = mg.func.grad(lambda w: squared_error(X, y, w))(w)
    at_zero = (g.abs() - penalty).clamp(min=0.0)
    return mg.where(w == 0, at_zero, (g + penalty * w.sign()).abs()).max().item()


def picture(paths: dict[str, list[mg.Tensor]], path: Path) -> None:
    plt = pyplot()
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.5), sharey=True, layout="constrained")
    for cell, (name, steps) in zip(axes, paths.items()):
        cell.plot(np.stack([w.numpy() for w in steps[:50]]), linewidth=0.9)
        cell.set(title=name, xlabel="step", ylim=(-0.25, 0.25))
        cell.grid(alpha=0.3)
    axes[0].set_ylabel("weights near 0")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = options(__doc__, "matplotlib")
    parser.add_argument("--penalty", type=float, default=0.1, help="weight of the sum of |w|")
    parser.add_argument("--steps", type=int, default=300, help="of each method")
    parser.add_argument("--seed", type=int, default=0, help="of the data")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    args = parser.parse_args()

    X, y = make_data(100, 30, 4, np.random.default_rng(args.seed))
    step = 1 / mg.linalg.eigvalsh(X.T @ X / len(X))[-1].item()
    paths = {
        "subgradient": subgradient_descent(X, y, args.penalty, step, args.steps),
        "soft threshold": proximal_gradient(X, y, args.penalty, step, args.steps),
    }
    for name, steps in paths.items():
        w = steps[-1]
        value = objective(X, y, w, args.penalty).item()
        zeros, small = (w == 0).sum().item(), (w.abs() < 0.01).sum().item()
        print(f"{name}: objective {value:.8f}")
        print(f"  {name}, weights: {zeros} of {len(w)} are 0, {small} below 0.01")
        distance = optimality(X, y, w, args.penalty)
        print(f"  {name}, distance from the conditions of a minimum: {distance:.1e}")

    args.out.mkdir(parents=True, exist_ok=True)
    picture(paths, args.out / "lasso.png")
    print("wrote", args.out / "lasso.png")


if __name__ == "__main__":
    main()
