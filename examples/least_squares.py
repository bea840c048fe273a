"""Least squares by five routes, on matrices that are worse and worse conditioned.

The matrix of the normal equations, A^T A, has the square of A's condition number: a route through
it loses twice the digits.  QR, SVD and the pseudoinverse work on A itself.  Here y = A x exactly,
so that the residual is 0; a long residual costs them digits, too.

Prints the relative error of each route for polynomials with 4 to 15 coefficients ("raises" where
the matrix is no longer positive definite after rounding); draws them against the condition number.

    python examples/least_squares.py    # about 1 s
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import options, pyplot

import minigrad as mg

L = mg.linalg


def by_inverse(A, y):
    return L.inv(A.T @ A) @ (A.T @ y)


def by_cholesky(A, y):
    factor = L.cholesky(A.T @ A)
    return L.cholesky_solve(A.T @ y, factor)


def by_qr(A, y):
    Q, R = L.qr(A)
    return L.solve_triangular(R, Q.T @ y, upper=True)


def by_svd(A, y):
    U, s, Vh = L.svd(A, full_matrices=False)
    return Vh.T @ ((U.T @ y) / s[:, None])


def by_pinv(A, y):
    return L.pinv(A) @ y


ROUTES = {
    "inverse": by_inverse,
    "Cholesky": by_cholesky,
    "QR": by_qr,
    "SVD": by_svd,
    "pinv": by_pinv,
}


def errors(n: int, points: int) -> tuple[float, dict[str, float]]:
    """Relative errors of the coefficients of 1 + t + ... + t^(n-1) from its values on [0, 1]."""
    A = L.vander(mg.linspace(0, 1, points, dtype=mg.float64), N=n)  # columns 1, t, t^2, ...
    x = mg.ones(n, 1, dtype=mg.float64)
    y = A @ x
    found = {}
    for name, route in ROUTES.items():
        try:
            found[name] = (L.norm(route(A, y) - x) / L.norm(x)).item()
        except np.linalg.LinAlgError:
            found[name] = np.nan  # A^T A was not positive definite, or singular, to rounding
    return L.cond(A).item(), found


def picture(rows: list[tuple[float, dict[str, float]]], path: Path) -> None:
    plt = pyplot()
    kappas = np.array([kappa for kappa, _ in rows])
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for name in ROUTES:
        dashes = "--" if name in ("inverse", "Cholesky") else "-"
        axes.loglog(kappas, [found[name] for _, found in rows], "o" + dashes, label=name)
    axes.loglog(kappas, 1e-16 * kappas, ":", color="gray", label="κ · 1e-16")
    axes.loglog(kappas, 1e-16 * kappas**2, "-.", color="gray", label="κ² · 1e-16")
    axes.set(xlabel="condition number of A", ylabel="relative error", ylim=(1e-16, 1e6))
    axes.set_title("Least squares: through AᵀA (dashed) and on A itself")
    axes.legend(ncols=2, fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = options(__doc__, "matplotlib")
    parser.add_argument("--points", type=int, default=50, help="of t, the rows of the matrix")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[4, 6, 8, 10, 12, 14, 15],
        help="numbers of coefficients, the columns",
    )
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    args = parser.parse_args()

    print(f"{'matrix':>10} {'kappa(A)':>9} " + " ".join(f"{name:>9}" for name in ROUTES))
    rows = []
    for n in args.sizes:
        kappa, found = errors(n, args.points)
        cells = " ".join("   raises" if np.isnan(e) else f"{e:9.1e}" for e in found.values())
        print(f"{args.points:>5} x {n:<2} {kappa:9.1e} {cells}")
        rows.append((kappa, found))
    args.out.mkdir(parents=True, exist_ok=True)
    picture(rows, args.out / "least_squares.png")
    print("wrote", args.out / "least_squares.png")


if __name__ == "__main__":
    main()
