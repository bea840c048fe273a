"""Logistic regression by Newton's method, in a handful of steps.

Gradient descent needs hundreds, even with momentum.  Newton's step solves H p = -g with the
gradient g and the Hessian H of the loss, here both from automatic differentiation, and goes only
as far as the loss falls.

Prints loss and gradient at each Newton step on the breast cancer data of scikit-learn, and how many
steps gradient descent with momentum needs for the same loss; draws the norm of the gradient.

    python examples/newton_logistic.py    # about 2 s
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import need, options, pyplot

import minigrad as mg
import minigrad.nn.functional as F

L = mg.linalg


def breast_cancer() -> tuple[mg.Tensor, mg.Tensor]:
    """569 patients, 30 features of mean 0 and variance 1, a column of ones; labels -1 and 1."""
    need("sklearn")
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    X = np.column_stack([(X - X.mean(axis=0)) / X.std(axis=0), np.ones(len(X))])
    return mg.tensor(X), mg.tensor(2.0 * y - 1.0)


def cross_entropy(X, y, w: mg.Tensor) -> mg.Tensor:
    """Sum of -log P(label), with P(label) = sigmoid(label * score)."""
    return F.softplus(-y * (X @ w)).sum()


def penalised_loss(X, y, penalty: float):
    """The cross-entropy and half the sum of the squared weights, times the penalty."""

    def loss(w: mg.Tensor) -> mg.Tensor:
        return cross_entropy(X, y, w) + 0.5 * penalty * (w**2).sum()

    return loss


def newton(loss, w: mg.Tensor, tolerance: float, limit: int) -> tuple[mg.Tensor, list[float]]:
    """Newton's method with a backtracking line search; also the norms of the gradient."""
    slopes: list[float] = []
    while len(slopes) <= limit:
        value = loss(w).item()
        g = mg.func.grad(loss)(w)
        slopes.append(L.norm(g).item())
        print(f"step {len(slopes) - 1:2}   loss {value:.8f}   gradient {slopes[-1]:.1e}")
        if slopes[-1] < tolerance:
            break
        direction = -L.solve(mg.func.hessian(loss)(w), g)
        step, expected = 1.0, (g @ direction).item()
        while step > 1e-8 and loss(w + step * direction).item() > value + 1e-4 * step * expected:
            step /= 2
        w = w + step * direction
    return w, slopes


def gradient_descent(loss, X, w, penalty: float, goal: float, limit: int) -> tuple[float, int]:
    """Steps of 1 / (largest curvature), with Nesterov momentum; until 1e-9 above the goal."""
    largest = 0.25 * L.eigvalsh(X.T @ X)[-1].item() + penalty
    w = w.clone().requires_grad_()
    optimizer = mg.optim.SGD([w], lr=1 / largest, momentum=0.95, nesterov=True)
    values: list[float] = []
    while len(values) <= limit:
        optimizer.zero_grad()
        value = loss(w)
        values.append(value.item())
        if values[-1] < goal + 1e-9:
            break
        value.backward()
        optimizer.step()
    return values[-1], len(values) - 1


def picture(slopes: list[float], path: Path) -> None:
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.semilogy(slopes, "o-")
    axes.set(xlabel="Newton step", ylabel="norm of the gradient")
    axes.set_title("Near the minimum each step doubles the number of right digits")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = options(__doc__, "matplotlib")
    parser.add_argument("--penalty", type=float, default=1.0, help="weight of the squared norm")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    args = parser.parse_args()

    X, y = breast_cancer()
    loss = penalised_loss(X, y, args.penalty)
    start = mg.zeros(X.shape[1], dtype=mg.float64)
    w, slopes = newton(loss, start, tolerance=2e-10, limit=50)
    goal = loss(w).item()
    accuracy = ((X @ w > 0) == (y > 0)).double().mean().item()
    print(f"Newton: {len(slopes) - 1} steps, loss {goal:.8f}, gradient {slopes[-1]:.1e}")
    print(f"  cross-entropy {cross_entropy(X, y, w):.8f}, training accuracy {accuracy:.6f}")
    value, steps = gradient_descent(loss, X, start, args.penalty, goal, limit=20_000)
    above = value - goal
    print(f"gradient descent with momentum: {steps} steps, loss {value:.8f}, {above:.1e} above")

    args.out.mkdir(parents=True, exist_ok=True)
    picture(slopes, args.out / "newton_logistic.png")
    print("wrote", args.out / "newton_logistic.png")


if __name__ == "__main__":
    main()
