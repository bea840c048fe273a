"""The best matrix of rank 3 by gradients (L-BFGS) and by the SVD: the theorem of Eckart and Young.

Of all matrices of rank k, the SVD cut after k terms is nearest to A, and its squared distance is
the sum of the squares of the singular values that were left out.  Two thin factors that are
trained to multiply to A arrive at the same number.

Prints that number, and the squared distances of the cut SVD and of the trained factors.

    python examples/low_rank.py    # less than 1 s
"""

from __future__ import annotations

import numpy as np
from common import options

import minigrad as mg


def truncated_svd(A: mg.Tensor, rank: int) -> mg.Tensor:
    U, s, Vh = mg.linalg.svd(A, full_matrices=False)
    return (U[:, :rank] * s[:rank]) @ Vh[:rank]


def factorise(A: mg.Tensor, rank: int, steps: int, rng: np.random.Generator):
    """Factors U (m, rank) and V (n, rank) that minimise |A - U V^T|^2, by L-BFGS."""
    U, V = (mg.tensor(rng.standard_normal((n, rank)), requires_grad=True) for n in A.shape)
    optimizer = mg.optim.LBFGS(
        [U, V],
        max_iter=steps,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-12,
        tolerance_change=1e-14,
    )

    def loss() -> mg.Tensor:
        optimizer.zero_grad()
        value = ((A - U @ V.T) ** 2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    return U.detach(), V.detach(), mg.linalg.norm(U.grad).item()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--shape", type=int, nargs=2, default=[30, 20], help="of the matrix")
    parser.add_argument("--rank", type=int, default=3, help="of the factors")
    parser.add_argument("--steps", type=int, default=500, help="largest number of L-BFGS steps")
    parser.add_argument("--seed", type=int, default=0, help="of the matrix and the start")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    rng.standard_normal(1249)  # skipped, so that A is the matrix of a published figure
    A = mg.tensor(rng.standard_normal(args.shape))
    U, V, slope = factorise(A, args.rank, args.steps, rng)
    best = truncated_svd(A, args.rank)
    left_out = (mg.linalg.svdvals(A)[args.rank :] ** 2).sum().item()
    print(f"{args.shape[0]} x {args.shape[1]}, rank {args.rank}")
    print(f"  sum of the squares of the other singular values: {left_out:.8f}")
    for name, matrix in (("of the truncated SVD", best), ("after training two factors", U @ V.T)):
        print(f"  squared distance {name}: {((A - matrix) ** 2).sum().item():.8f}")
    print(f"  largest difference of the two matrices: {(U @ V.T - best).abs().max().item():.1e}")
    print(f"  norm of the gradient: {slope:.1e}")


if __name__ == "__main__":
    main()
