"""An inverse problem: find a sparse x from few noisy measurements y = A x.

Twenty-five measurements of 50 numbers, of which a tenth are not zero, with noise of 30 dB; A has
singular values from 1 down to 1 / kappa.  The pseudoinverse, Tikhonov's regularised inverse and
the best linear map miss most of x; iterative soft thresholding (ISTA) knows that x is sparse; LISTA
unrolls ten of its steps into layers and learns their matrices and thresholds.

Prints a row of errors for each kappa, on 2000 new x; Tikhonov and ISTA get the weight that is best
on them, which no real user could know.  In decibels, 10 log10(|error|^2 / |x|^2): guessing 0 has
0 dB, and lower is better.

    python examples/inverse_problem.py                          # about 10 s
    python examples/inverse_problem.py --kappa 1 10 100 1000
    python examples/inverse_problem.py --steps 300              # in short
"""

from __future__ import annotations

import numpy as np
from common import options
from lista import LISTA, ista, train

import minigrad as mg
import minigrad.nn.functional as F

L = mg.linalg


class Problem:
    """A matrix A, and pairs (y, x) of which y has noise."""

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


def tikhonov(A: mg.Tensor, y: mg.Tensor, weight) -> mg.Tensor:
    """The x with the least |A x - y|^2 + weight |x|^2, for each row of y."""
    return L.solve(A @ A.T + weight * mg.eye(len(A)), y.T).T @ A


def best_ista(A: mg.Tensor, y: mg.Tensor, x: mg.Tensor, steps: int) -> float:
    """The error of ISTA with the threshold that is best on the first 400 x."""
    thresholds = np.geomspace(1e-3, 0.1, 9).tolist()
    best = min(thresholds, key=lambda t: decibels(ista(A, y[:400], t, steps), x[:400]))
    return decibels(ista(A, y, best, steps), x)


def learn_weight(A: mg.Tensor, y: mg.Tensor, x: mg.Tensor, steps: int = 200) -> float:
    """Tikhonov's weight by gradient descent on the error, through the solve."""
    log_weight = mg.tensor(np.log(np.float32(1e-2))).requires_grad_()
    optimizer = mg.optim.Adam([log_weight], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(tikhonov(A, y, mg.exp(log_weight)), x).backward()
        optimizer.step()
    return log_weight.exp().item()


def compare(kappa: float, steps: int, seed: int) -> dict[str, float]:
    """The error of each method in decibels."""
    problem = Problem(kappa, seed)
    A, (y, x), (y_known, x_known) = problem.A, problem.sample(2000), problem.sample(20_000)
    weights = np.geomspace(1e-6, 10, 57).astype(np.float32)
    model = LISTA(A)
    errors = {
        "pinv": decibels(y @ L.pinv(A).T, x),
        "Tikhonov": min(decibels(tikhonov(A, y, w), x) for w in weights),
        "learned": decibels(tikhonov(A, y, learn_weight(A, y_known[:2000], x_known[:2000])), x),
        "linear": decibels(y @ L.lstsq(y_known, x_known).solution, x),
        "ISTA-10": best_ista(A, y, x, 10),
        "ISTA-500": best_ista(A, y, x, 500),
        "untrained": decibels(model(y).detach(), x),
    }
    train(model, problem.sample, steps)
    return {**errors, "LISTA-10": decibels(model(y).detach(), x)}


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--kappa", type=float, nargs="+", default=[10.0, 100.0], help="of A")
    parser.add_argument("--steps", type=int, default=3000, help="training steps of LISTA")
    parser.add_argument("--seed", type=int, default=0, help="of A, x and the noise")
    args = parser.parse_args()
    for number, kappa in enumerate(args.kappa):
        errors = compare(kappa, args.steps, args.seed)
        if number == 0:
            print("errors in dB: Tikhonov and ISTA with their best weight, then Tikhonov with a")
            print("learned one; untrained is LISTA before its training")
            print(" kappa" + "".join(f"{name:>10}" for name in errors))
        print(f"{kappa:6g}" + "".join(f"{error:10.2f}" for error in errors.values()), flush=True)


if __name__ == "__main__":
    main()
