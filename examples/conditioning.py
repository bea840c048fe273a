"""The condition number: how far the solution of A x = b may move when b moves a little.

If A (x + dx) = b + db, then |dx| / |x| <= kappa(A) |db| / |b|, with kappa(A) = |A| |inverse of A|.
Hilbert matrices show how large that is; the first lines are a 2 x 2 matrix that reaches the bound
nearly.

Prints kappa, both relative changes and the bound for each matrix; draws them.

    python examples/conditioning.py    # less than 1 s
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import options, pyplot

import minigrad as mg

L = mg.linalg


def hilbert(n: int) -> mg.Tensor:
    """Entry (i, j) is 1 / (i + j + 1)."""
    i = mg.arange(n, dtype=mg.float64)
    return 1 / (i[:, None] + i + 1)


def relative_changes(A, b, db) -> tuple[float, float, float]:
    """|db| / |b|, |dx| / |x| and the bound kappa |db| / |b|."""
    x = L.solve(A, b)
    dx = L.solve(A, b + db) - x
    change = (L.norm(db) / L.norm(b)).item()
    return change, (L.norm(dx) / L.norm(x)).item(), L.cond(A).item() * change


def two_by_two() -> None:
    A = mg.tensor([[1.0, 1.0], [1.0, 1.0001]], dtype=mg.float64)
    b = mg.tensor([2.0, 2.0001], dtype=mg.float64)
    db = mg.tensor([0.0, 0.0001], dtype=mg.float64)
    print(f"[[1, 1], [1, 1.0001]]: kappa {L.cond(A).item():.6f}")
    for right in (b, b + db):
        solution = [round(value, 6) + 0.0 for value in L.solve(A, right).tolist()]
        print(f"  b = {right.tolist()}: x = {solution}")
    change, moved, bound = relative_changes(A, b, db)
    print(f"  |db| / |b| {change:.1e}, |dx| / |x| {moved:.2f}, bound {bound:.2f}")


def hilbert_table(sizes: list[int], noise: float, seed: int) -> list[tuple[int, float, float]]:
    """Solve H x = H 1, with and without noise on the right-hand side."""
    rng = np.random.default_rng(seed)
    rng.standard_normal(1225)  # skipped, so that the noise is that of published figures
    rows = []
    print("Hilbert matrices")
    print(f"{'n':>4} {'kappa':>9} {'|db|/|b|':>9} {'|dx|/|x|':>9} {'bound':>9}  below the bound")
    for n in sizes:
        H = hilbert(n)
        change, moved, bound = relative_changes(
            H, H @ mg.ones(n, dtype=mg.float64), mg.tensor(noise * rng.standard_normal(n))
        )
        kappa = L.cond(H).item()
        print(f"{n:>4} {kappa:9.2e} {change:9.1e} {moved:9.1e} {bound:9.1e}  {moved <= bound}")
        rows.append((n, moved, bound))
    return rows


def picture(rows: list[tuple[int, float, float]], path: Path) -> None:
    plt = pyplot()
    sizes, moved, bounds = zip(*rows)
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.semilogy(sizes, bounds, "o--", label="bound: κ ‖Δb‖ / ‖b‖")
    axes.semilogy(sizes, moved, "o-", label="change of the solution: ‖Δx‖ / ‖x‖")
    axes.axhline(1, color="gray", linewidth=0.8)
    axes.set(xlabel="size of the Hilbert matrix", ylabel="relative change", xticks=sizes)
    axes.set_title("Hilbert matrices: b changes a little, x = A⁻¹ b much")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = options(__doc__, "matplotlib")
    parser.add_argument("--sizes", type=int, nargs="+", default=[4, 8, 12], help="of the matrices")
    parser.add_argument("--noise", type=float, default=1e-10, help="size of the change of b")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    args = parser.parse_args()

    two_by_two()
    rows = hilbert_table(args.sizes, args.noise, args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    picture(rows, args.out / "conditioning.png")
    print("wrote", args.out / "conditioning.png")


if __name__ == "__main__":
    main()
