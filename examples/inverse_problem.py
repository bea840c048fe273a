"""An inverse problem: find a sparse x from few noisy measurements y = A x.

Twenty-five measurements of 50 numbers, of which a tenth are not zero.  The pseudoinverse and
Tikhonov's regularised inverse are linear and miss most; iterative soft thresholding (ISTA) knows
that x is sparse; LISTA unrolls ten of its steps into layers and learns their matrices.  Errors are
in decibels, 10 log10(|error|^2 / |x|^2): guessing 0 has 0 dB, and lower is better.

    python examples/inverse_problem.py                          # about 10 s for each kappa
    python examples/inverse_problem.py --kappa 1 10 100 1000
    python examples/inverse_problem.py --steps 300              # in short
"""

from __future__ import annotations

import argparse

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

L = mg.linalg


class Problem:
    """A with singular values from 1 down to 1 / kappa, and pairs (y, x) with 30 dB noise."""

    def __init__(self, kappa: float, seed: int, m: int = 25, n: int = 50) -> None:
        self.rng = np.random.default_rng(seed)
        U = np.linalg.qr(self.rng.standard_normal((m, m)))[0]
        V = np.linalg.qr(self.rng.standard_normal((n, m)))[0]
        self.A = mg.tensor(U * np.geomspace(1, 1 / kappa, m) @ V.T, dtype=mg.float32)

    def sample(self, count: int) -> tuple[mg.Tensor, mg.Tensor]:
        shape = (count, self.A.shape[1])
        x = self.rng.standard_normal(shape, np.float32) * (self.rng.random(shape) < 0.1)
        y = x @ self.A.numpy().T
        noise = self.rng.standard_normal(y.shape, np.float32) * np.sqrt(1e-3 * (y**2).mean())
        return mg.tensor(y + noise), mg.tensor(x)


def decibels(found: mg.Tensor, x: mg.Tensor) -> float:
    return 10 * np.log10((((found - x) ** 2).sum() / (x**2).sum()).item())


def tikhonov(A: mg.Tensor, y: mg.Tensor, weight: mg.Tensor) -> mg.Tensor:
    """The x with the least |A x - y|^2 + weight |x|^2, for each row of y."""
    normal = A @ A.T + weight * mg.eye(A.shape[0])
    return L.solve(normal, y.T).T @ A


def learn_weight(A: mg.Tensor, y: mg.Tensor, x: mg.Tensor, steps: int = 200) -> float:
    """Tikhonov's weight by gradient descent on the error, through the solve."""
    log_weight = mg.tensor(np.log(np.float32(1e-2))).requires_grad_()
    optimizer = mg.optim.Adam([log_weight], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(tikhonov(A, y, mg.exp(log_weight)), x).backward()
        optimizer.step()
    return log_weight.exp().item()


def ista(A: mg.Tensor, y: mg.Tensor, threshold: float, steps: int) -> mg.Tensor:
    """A gradient step for |A x - y|^2 / 2 (A has norm 1), then the soft threshold."""
    x = mg.zeros(len(y), A.shape[1])
    for _ in range(steps):
        x = F.softshrink(x - (x @ A.T - y) @ A, threshold)
    return x


class LISTA(nn.Module):
    """Unrolled ISTA: each layer has its own matrices and threshold, which start as ISTA's."""

    def __init__(self, A: mg.Tensor, layers: int) -> None:
        super().__init__()
        n = A.shape[1]
        self.first = nn.ParameterList([nn.Parameter(A.T.clone()) for _ in range(layers)])
        self.second = nn.ParameterList(
            [nn.Parameter(mg.eye(n) - A.T @ A) for _ in range(layers - 1)]
        )
        self.thresholds = nn.ParameterList(
            [nn.Parameter(mg.full((1,), 0.1)) for _ in range(layers)]
        )

    def forward(self, y: mg.Tensor) -> mg.Tensor:
        x = self.shrink(y @ self.first[0].T, self.thresholds[0])
        for W1, W2, threshold in zip(self.first[1:], self.second, self.thresholds[1:]):
            x = self.shrink(y @ W1.T + x @ W2.T, threshold)
        return x

    @staticmethod
    def shrink(v: mg.Tensor, threshold: mg.Tensor) -> mg.Tensor:
        """The soft threshold, differentiable for the threshold as well."""
        return F.relu(v - threshold) - F.relu(-v - threshold)


def train(model: LISTA, problem: Problem, steps: int, batch: int = 128) -> None:
    optimizer = mg.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = mg.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        y, x = problem.sample(batch)
        optimizer.zero_grad()
        (((model(y) - x) ** 2).sum() / batch).backward()
        optimizer.step()
        scheduler.step()


def compare(kappa: float, steps: int, seed: int) -> None:
    problem = Problem(kappa, seed)
    A = problem.A
    y, x = problem.sample(2000)
    weight = learn_weight(A, *problem.sample(2000))
    thresholds = np.geomspace(1e-4, 1, 17).tolist()
    model = LISTA(A, layers=10)
    with mg.no_grad():
        print(f"kappa {kappa:g}, error in dB on 2000 new x")
        print(f"  pseudoinverse:                {decibels(y @ L.pinv(A).T, x):6.2f}")
        weights = np.geomspace(1e-6, 10, 57).astype(np.float32)
        grid = min(decibels(tikhonov(A, y, w), x) for w in weights)
        print(f"  Tikhonov, best weight:        {grid:6.2f}")
        found = decibels(tikhonov(A, y, weight), x)
        print(f"  Tikhonov, learned weight:     {found:6.2f}   (weight {weight:.2g})")
        for count in (10, 500):
            error = min(decibels(ista(A, y, t, count), x) for t in thresholds)
            print(f"  ISTA, {count:3} steps, best weight: {error:6.2f}")
        print(f"  LISTA, 10 layers, untrained:  {decibels(model(y), x):6.2f}")
    train(model, problem, steps)
    with mg.no_grad():
        print(f"  LISTA, 10 layers, trained:    {decibels(model(y), x):6.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kappa", type=float, nargs="+", default=[10.0, 100.0])
    parser.add_argument("--steps", type=int, default=3000, help="training steps of LISTA")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for kappa in args.kappa:
        compare(kappa, args.steps, args.seed)


if __name__ == "__main__":
    main()
