"""Undo a blur: a plain inverse multiplies the noise; Tikhonov's, with a learned weight, does not.

Signals of 64 points are blurred by a Gaussian and get a little noise.  The blur is a matrix with a
condition number above 1e8.  Tikhonov's solution solves (B^T B + weight I) x = B^T y; the weight is
found by gradient descent on the error, with backward through `linalg.solve`, and is as good as the
best of a fine grid.  Errors are in decibels, 10 log10(|error|^2 / |x|^2).

Prints the errors of the plain inverse, of the learned weight on its way, and of the grid's best;
draws a signal, its blur and what is recovered.

    python examples/deconvolution.py    # about 1 s
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import options, pyplot

import minigrad as mg

L = mg.linalg


def blur_matrix(n: int, width: float) -> mg.Tensor:
    """Row i weighs the points around i by a Gaussian; each row sums to 1."""
    i = mg.arange(n, dtype=mg.float64)
    B = mg.exp(-((i[:, None] - i) ** 2) / (2 * width**2))
    return B / B.sum(dim=1, keepdim=True)


def make_signals(n: int, count: int, rng: np.random.Generator) -> mg.Tensor:
    """Columns are sums of four bumps, of random places, heights and widths."""
    places = rng.uniform(0.1 * n, 0.9 * n, (4, 1, count))
    widths, heights = rng.uniform(0.8, 2.5, (4, 1, count)), rng.uniform(-1, 1, (4, 1, count))
    bumps = heights * np.exp(-(((np.arange(n)[:, None] - places) / widths) ** 2) / 2)
    return mg.tensor(bumps.sum(axis=0))


def tikhonov(B: mg.Tensor, y: mg.Tensor, weight) -> mg.Tensor:
    return L.solve(B.T @ B + weight * mg.eye(len(B), dtype=mg.float64), B.T @ y)


def decibels(found: mg.Tensor, x: mg.Tensor) -> mg.Tensor:
    return 10 * mg.log10(((found - x) ** 2).sum() / (x**2).sum())


def learn_weight(B, y, x, steps: int) -> tuple[float, float]:
    """Gradient descent on the logarithm of the weight; also the gradient at the end."""
    log_weight = mg.tensor(0.0, dtype=mg.float64, requires_grad=True)
    optimizer = mg.optim.Adam([log_weight], lr=0.3)
    scheduler = mg.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        optimizer.zero_grad()
        error = decibels(tikhonov(B, y, mg.exp(log_weight)), x)
        error.backward()
        if step % max(1, steps // 5) == 0:
            weight = log_weight.exp().item()
            print(f"  step {step:4}   weight {weight:.2e}   {error.item():8.3f} dB")
        optimizer.step()
        scheduler.step()
    return log_weight.exp().item(), log_weight.grad.item()


def picture(B, x, y, weight: float, path: Path) -> None:
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    axes.plot(x[:, 0].numpy(), "k", label="signal")
    axes.plot(y[:, 0].numpy(), ":", label="blurred, with noise")
    axes.plot(tikhonov(B, y, weight)[:, 0].numpy(), label="Tikhonov, learned weight")
    axes.set(xlabel="point", ylabel="value of the signal")
    axes.set_title("The blur undone; the plain inverse is off this page")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = options(__doc__, "matplotlib")
    parser.add_argument("--points", type=int, default=64, help="of a signal")
    parser.add_argument("--width", type=float, default=2.0, help="of the Gaussian, in points")
    parser.add_argument("--noise", type=float, default=0.02, help="relative to the blurred signals")
    parser.add_argument("--steps", type=int, default=150, help="of Adam, for the weight")
    parser.add_argument("--seed", type=int, default=0, help="of the signals and the noise")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    B = blur_matrix(args.points, args.width)
    x = make_signals(args.points, 200, rng)
    y = B @ x
    y = y + mg.tensor(rng.standard_normal(y.shape)) * (args.noise * (y**2).mean() ** 0.5)
    print("errors in dB: guessing 0 has 0 dB, and every -10 dB is a tenth of the squared error")
    print(f"condition number kappa of the blur: {L.cond(B).item():.1e}")
    print(f"plain inverse: {decibels(L.solve(B, y), x).item():.2f} dB")
    weight, slope = learn_weight(B, y, x, args.steps)
    learned = decibels(tikhonov(B, y, weight), x).item()
    print(f"learned weight {weight:.3e}: {learned:.3f} dB, derivative for log(weight) {slope:.0e}")
    grid = np.geomspace(1e-8, 1, 400).tolist()
    errors = [decibels(tikhonov(B, y, w), x).item() for w in grid]
    print(f"best of a grid {grid[int(np.argmin(errors))]:.3e}: {min(errors):.3f} dB")

    args.out.mkdir(parents=True, exist_ok=True)
    picture(B, x, y, weight, args.out / "deconvolution.png")
    print("wrote", args.out / "deconvolution.png")


if __name__ == "__main__":
    main()
