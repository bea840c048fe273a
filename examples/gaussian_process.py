"""Fit a Gaussian process by gradients through the Cholesky factorisation.

The negative logarithm of the marginal likelihood of y is
1/2 y^T K^-1 y + 1/2 log det K + n/2 log 2 pi, with the covariance matrix
K = size^2 exp(-(x - x')^2 / (2 length^2)) + noise^2 I.  With the Cholesky factor of K both terms
are a few lines, and backward differentiates through them.

Prints the gradient by backward and by its formula, the fall of the loss, and the fitted parameters;
draws the data and the fit.

    python examples/gaussian_process.py    # about 1 s
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from common import options, pyplot

import minigrad as mg

L = mg.linalg
NAMES = ("size", "length", "noise")


def kernel(a: mg.Tensor, b: mg.Tensor, size, length) -> mg.Tensor:
    return size**2 * mg.exp(-((a[:, None] - b) ** 2) / (2 * length**2))


def covariance(x: mg.Tensor, log_parameters: mg.Tensor) -> mg.Tensor:
    size, length, noise = mg.exp(log_parameters)
    return kernel(x, x, size, length) + noise**2 * mg.eye(len(x), dtype=mg.float64)


def negative_log_likelihood(x, y, log_parameters) -> mg.Tensor:
    factor = L.cholesky(covariance(x, log_parameters))
    alpha = mg.cholesky_solve(y[:, None], factor)[:, 0]
    half_log_det = mg.log(L.diagonal(factor)).sum()
    return 0.5 * (y @ alpha) + half_log_det + 0.5 * len(y) * math.log(2 * math.pi)


def gradient_by_formula(x, y, log_parameters) -> np.ndarray:
    """1/2 tr((K^-1 - alpha alpha^T) dK), for each logarithm of a parameter."""
    inverse = L.inv(covariance(x, log_parameters))
    alpha = inverse @ y
    slopes = mg.func.jacrev(lambda p: covariance(x, p))(log_parameters)
    return (0.5 * mg.einsum("ij,jik->k", inverse - mg.outer(alpha, alpha), slopes)).numpy()


def predict(x, y, log_parameters, new) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the function at new places."""
    size, length, _ = mg.exp(log_parameters)
    factor = L.cholesky(covariance(x, log_parameters))
    cross = kernel(new, x, size, length)
    mean = cross @ mg.cholesky_solve(y[:, None], factor)[:, 0]
    explained = L.solve_triangular(factor, cross.T, upper=False)
    return mean.numpy(), mg.sqrt(size**2 - (explained**2).sum(dim=0)).numpy()


def picture(x, y, log_parameters, path: Path) -> None:
    plt = pyplot()
    new = mg.linspace(-0.5, 6.5, 200, dtype=mg.float64)
    mean, deviation = predict(x, y, log_parameters, new)
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.fill_between(
        new.numpy(), mean - 2 * deviation, mean + 2 * deviation, alpha=0.25, label="± 2 deviations"
    )
    axes.plot(new.numpy(), mean, label="mean")
    axes.plot(new.numpy(), np.sin(new.numpy() * 2), "k:", label="true function")
    axes.plot(x.numpy(), y.numpy(), ".", color="black", label="data")
    axes.set(xlabel="x", ylabel="y", title="Gaussian process after fitting")
    axes.legend(ncols=4, fontsize=8, loc="upper center")
    axes.set_ylim(-2.2, 2.8)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = options(__doc__, "matplotlib")
    parser.add_argument("--points", type=int, default=40, help="of data")
    parser.add_argument("--steps", type=int, default=300, help="of Adam")
    parser.add_argument("--seed", type=int, default=0, help="of the data")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    places = np.sort(rng.uniform(0, 6, args.points))
    x = mg.tensor(places)
    y = mg.tensor(np.sin(2 * places) + 0.1 * rng.standard_normal(args.points))
    p = mg.log(mg.tensor([1.0, 0.5, 0.3], dtype=mg.float64)).requires_grad_()

    negative_log_likelihood(x, y, p).backward()
    by_formula = gradient_by_formula(x, y, p.detach())
    print("negative log likelihood, its gradient for log size, log length, log noise")
    print("gradient by backward:     ", np.array2string(p.grad.numpy(), precision=6))
    print("1/2 tr((K^-1 - aa^T) dK): ", np.array2string(by_formula, precision=6))
    print(f"largest difference: {np.abs(p.grad.numpy() - by_formula).max():.1e}")

    optimizer = mg.optim.Adam([p], lr=0.05)
    for step in range(args.steps + 1):
        optimizer.zero_grad()
        loss = negative_log_likelihood(x, y, p)
        loss.backward()
        if step % max(1, args.steps // 4) == 0:
            print(f"step {step:4}   negative log likelihood {loss.item():9.4f}")
        optimizer.step()
    for name, value in zip(NAMES, mg.exp(p.detach()).tolist()):
        print(f"fitted {name}: {value:.4f}" + (" (true 0.1)" if name == "noise" else ""))

    args.out.mkdir(parents=True, exist_ok=True)
    picture(x, y, p.detach(), args.out / "gaussian_process.png")
    print("wrote", args.out / "gaussian_process.png")


if __name__ == "__main__":
    main()
