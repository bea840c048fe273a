"""LISTA: steps of an algorithm as the layers of a network.

Iterative soft thresholding (ISTA) looks for a sparse x with A x = y: a gradient step for
|A x - y|^2 / 2, which is linear in x and y, and then the soft threshold, entry by entry.  LISTA has
a layer for each of ten steps, and every layer has matrices and a threshold of its own to learn.

Prints that the layers are ISTA's steps before they are trained, and how near both come to the true
x, in decibels, lower is better; `inverse_problem.py` trains longer and compares with other methods.

    python examples/lista.py                # about 2 s
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from common import options

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


def ista(A: mg.Tensor, y: mg.Tensor, threshold: float, steps: int) -> mg.Tensor:
    """An x for each row of y, from x = 0; A must have no singular value above 1."""
    x = mg.zeros(len(y), A.shape[1])
    for _ in range(steps):
        x = F.softshrink(x - (x @ A.T - y) @ A, threshold)
    return x


class LISTA(nn.Module):
    """x <- soft(W y + V x), where W = A^T and V = I - A^T A are where training starts."""

    def __init__(self, A: mg.Tensor, layers: int = 10, threshold: float = 0.05) -> None:
        super().__init__()
        W, V = A.T, mg.eye(A.shape[1]) - A.T @ A
        self.W = nn.ParameterList([nn.Parameter(W.clone()) for _ in range(layers)])
        self.V = nn.ParameterList([nn.Parameter(V.clone()) for _ in range(layers - 1)])
        self.thresholds = nn.Parameter(mg.full((layers,), threshold))

    def forward(self, y: mg.Tensor) -> mg.Tensor:
        first, *thresholds = self.thresholds.unbind()
        x = soft_threshold(y @ self.W[0].T, first)  # x = 0 before the first layer
        for W, V, threshold in zip(self.W[1:], self.V, thresholds):
            x = soft_threshold(y @ W.T + x @ V.T, threshold)
        return x


def soft_threshold(v: mg.Tensor, threshold: mg.Tensor) -> mg.Tensor:
    """F.softshrink, but differentiable for the threshold as well."""
    return F.relu(v - threshold) - F.relu(-v - threshold)


Sample = Callable[[int], tuple[mg.Tensor, mg.Tensor]]


def train(model: LISTA, sample: Sample, steps: int, batch: int = 128) -> None:
    """Adam on the squared error; `sample(n)` gives n new pairs (y, x) for each step."""
    optimizer = mg.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        y, x = sample(batch)
        optimizer.zero_grad()
        (((model(y) - x) ** 2).sum() / batch).backward()
        optimizer.step()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--layers", type=int, default=10, help="of LISTA, and steps of ISTA")
    parser.add_argument("--steps", type=int, default=500, help="of training")
    parser.add_argument("--seed", type=int, default=0, help="of A and x")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    A = mg.tensor(rng.standard_normal((25, 50)), dtype=mg.float32)
    A = A / mg.linalg.norm(A, 2)

    def sample(count: int) -> tuple[mg.Tensor, mg.Tensor]:
        x = rng.standard_normal((count, 50)) * (rng.random((count, 50)) < 0.1)
        x = mg.tensor(x, dtype=mg.float32)
        return x @ A.T, x

    def decibels(found: mg.Tensor) -> float:
        return 10 * np.log10((((found - x) ** 2).sum() / (x**2).sum()).item())

    y, x = sample(1000)
    by_steps, model = ista(A, y, 0.05, args.layers), LISTA(A, args.layers)
    before = model(y).detach()
    print(f"{sum(p.numel() for p in model.parameters())} numbers to learn")
    print(f"largest difference from ISTA before training: {(before - by_steps).abs().max():.1e}")
    print(f"error of {args.layers} steps of ISTA: {decibels(by_steps):.2f} dB")
    train(model, sample, args.steps)
    print(f"error of LISTA after training: {decibels(model(y).detach()):.2f} dB")


if __name__ == "__main__":
    main()
