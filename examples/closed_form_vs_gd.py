"""Linear regression in closed form and by gradient descent, and how fast the descent is.

With the step 2 / (L + mu), L and mu the largest and smallest eigenvalue of the Hessian, the error
of gradient descent shrinks in each step by (kappa - 1) / (kappa + 1) or more, kappa = L / mu.

Prints, for exact data, data with a known spectrum and the diabetes data of scikit-learn, how far
four closed forms are apart, and the rate and the steps of the descent beside what theory says.

    python examples/closed_form_vs_gd.py    # about 1 s
"""

from __future__ import annotations

import math

import numpy as np
from common import need, options

import minigrad as mg


def known_spectrum(n: int, d: int, kappa: float, rng: np.random.Generator):
    """A matrix X with singular values from sqrt(kappa) to 1, and y = X (1, 2, ..., d) + noise."""
    U = np.linalg.qr(rng.standard_normal((n, d)))[0]
    V = np.linalg.qr(rng.standard_normal((d, d)))[0]
    X = U * np.geomspace(math.sqrt(kappa), 1, d) @ V.T
    return mg.tensor(X), mg.tensor(X @ np.arange(1.0, d + 1) + 0.1 * rng.standard_normal(n))


def diabetes():
    """442 patients, 10 features of mean 0 and variance 1, and a column of ones."""
    need("sklearn")
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    X = np.column_stack([(X - X.mean(axis=0)) / X.std(axis=0), np.ones(len(X))])
    return mg.tensor(X), mg.tensor(y)


def closed_form(X, y) -> dict[str, mg.Tensor]:
    """The same minimum by four routes; each is fine while X is well conditioned."""
    return {
        "inv": mg.linalg.inv(X.T @ X) @ X.T @ y,
        "solve": mg.linalg.solve(X.T @ X, X.T @ y),
        "lstsq": mg.linalg.lstsq(X, y[:, None]).solution[:, 0],
        "pinv": mg.linalg.pinv(X) @ y,
    }


def descend(X, y, goal, tolerance: float, limit: int):
    """Gradient descent from 0 by mg.optim.SGD; relative errors, by norm and by largest entry."""
    eigenvalues = mg.linalg.eigvalsh(X.T @ X / len(X))
    smallest, largest = eigenvalues[0].item(), eigenvalues[-1].item()
    w = mg.zeros(X.shape[1], dtype=mg.float64, requires_grad=True)
    optimizer = mg.optim.SGD([w], lr=2 / (largest + smallest))
    errors, entries = [1.0], [1.0]
    while max(errors[-1], entries[-1]) > tolerance and len(errors) <= limit:
        optimizer.zero_grad()
        loss = 0.5 * ((X @ w - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        off = w.detach() - goal
        errors.append((mg.linalg.norm(off) / mg.linalg.norm(goal)).item())
        entries.append((off.abs().max() / goal.abs().max()).item())
    return errors, entries, largest / smallest


def report(name: str, X, y, tolerance: float = 1e-6) -> mg.Tensor:
    routes = closed_form(X, y)
    w = routes["lstsq"]
    spread = max((other - w).abs().max().item() for other in routes.values())
    errors, entries, kappa = descend(X, y, w, tolerance, limit=20_000)
    print(f"{name}: {X.shape[0]} x {X.shape[1]}, kappa of X^T X {kappa:.2f}")
    print(f"  largest difference between inv, solve, lstsq and pinv: {spread:.1e}")
    rate = (kappa - 1) / (kappa + 1)
    measured = (errors[-1] / errors[-51]) ** (1 / 50)
    bound = math.ceil(math.log(tolerance) / math.log(rate))
    print(f"  rate per step: measured {measured:.6f}, (kappa - 1) / (kappa + 1) {rate:.6f}")
    # the first time: it alternates between steps, as the largest mode changes its sign
    by_norm, by_entry = (np.argmax(np.array(e) < tolerance) for e in (errors, entries))
    print(f"  steps to an error of {tolerance:.0e}: {by_norm}, bound {bound}")
    print(f"  steps to the same error of the largest entry: {by_entry}")
    return w


def four_points() -> None:
    """Four exact equations for three weights; and one equation, which is not enough for inv."""
    X = mg.tensor(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [1.0, 0.0, 2.0]]))
    w = mg.tensor(np.array([1.0, -2.0, 0.5]))
    errors = {name: (v - w).abs().max().item() for name, v in closed_form(X, X @ w).items()}
    print("four points: " + ", ".join(f"{name} off by {e:.0e}" for name, e in errors.items()))
    kappa, squared = mg.linalg.cond(X).item(), mg.linalg.cond(X.T @ X).item()
    print(f"  det(X^T X) {mg.linalg.det(X.T @ X).item():.6f}", end=", ")
    print(f"kappa(X) {kappa:.4f}, kappa(X^T X) {squared:.2f}, its root {squared**0.5:.4f}")
    try:
        mg.linalg.inv(X[:1].T @ X[:1])
    except np.linalg.LinAlgError as error:
        print("  one point:", *str(error).splitlines(), *getattr(error, "__notes__", []))


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--kappa", type=float, default=100.0, help="of X^T X, of the made-up data")
    parser.add_argument("--seed", type=int, default=0, help="of the made-up data")
    args = parser.parse_args()

    four_points()
    report("known spectrum", *known_spectrum(200, 5, args.kappa, np.random.default_rng(args.seed)))
    X, y = diabetes()
    w = report("diabetes", X, y)
    residual = y - X @ w
    share = 1 - (residual**2).sum().item() / ((y - y.mean()) ** 2).sum().item()
    print(f"  mean squared error: {(residual**2).mean().item():.6f}, R^2 {share:.6f}")
    print(f"  intercept: {w[-1].item():.4f}")


if __name__ == "__main__":
    main()
