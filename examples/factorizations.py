"""Matrices taken apart and multiplied together again, and what the parts are good for.

Prints how far each product of factors is from its matrix, then rank, eigenvalues, determinant,
projection and coordinates in another basis.

    python examples/factorizations.py    # less than 1 s
"""

from __future__ import annotations

import numpy as np
from common import options

import minigrad as mg

L = mg.linalg


def factorizations(A: mg.Tensor, S: mg.Tensor) -> dict[str, tuple[mg.Tensor, mg.Tensor]]:
    """Products of the factors, and the matrix that they should give; S is symmetric, positive."""
    C = L.cholesky(S)
    Q, R = L.qr(A)
    lower, orthogonal = L.lq(A.T)
    P, lower_unit, upper = L.lu(A)
    values, vectors = L.eigh(S)
    U, s, Vh = L.svd(A, full_matrices=False)
    return {
        "Cholesky C C^T": (C @ C.T, S),
        "QR": (Q @ R, A),
        "LQ of the transpose": (lower @ orthogonal, A.T),
        "LU with rows exchanged": (P @ lower_unit @ upper, A),
        "eigenvectors and values V diag(w) V^T": ((vectors * values) @ vectors.T, S),
        "SVD": ((U * s) @ Vh, A),
    }


def projection() -> None:
    """The projector onto the columns of A: it changes nothing the second time."""
    a = mg.tensor(np.array([[1.0], [1.0]]))
    P = a @ L.inv(a.T @ a) @ a.T
    v = mg.tensor(np.array([3.0, 4.0]))
    print(f"projection of (3, 4) on the line of (1, 1): {(P @ v).tolist()}")
    print(f"  P P - P: {(P @ P - P).abs().max().item():.1e}")
    print(f"  the rest is orthogonal to (1, 1): {(a[:, 0] @ (v - P @ v)).item():.1e}")


def coordinates() -> None:
    """Coordinates in another basis are the solution of a linear system."""
    basis = mg.tensor(np.array([[1.0, 1.0], [1.0, -1.0]]))  # its columns
    found = L.solve(basis, mg.tensor(np.array([3.0, 1.0])))
    print(f"(3, 1) in the basis (1, 1), (1, -1): {found.tolist()}")


def rank_and_eigenvalues() -> None:
    counted = mg.arange(1.0, 10.0).reshape(3, 3)
    print(f"rank of 1 ... 9 as 3 x 3: {L.matrix_rank(counted).item()}")
    B = mg.tensor(np.array([[1.0, 2.0, 3.0], [2.0, 0.0, 4.0], [3.0, 4.0, 5.0]]))
    values = L.eigvalsh(B)
    print(f"eigenvalues of a symmetric 3 x 3: {[round(v, 10) for v in values.tolist()]}")
    print(f"  their sum {values.sum().item():.10f}, trace {mg.trace(B).item():.1f}")
    print(f"  their product {values.prod().item():.10f}, determinant {L.det(B).item():.10f}")
    try:
        L.cholesky(B)
    except np.linalg.LinAlgError:
        print("  Cholesky refuses it: with a negative eigenvalue it is not positive definite")


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--size", type=int, default=6, help="of the matrices")
    parser.add_argument("--seed", type=int, default=0, help="of the matrices")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    A = mg.tensor(rng.standard_normal((args.size, args.size)))
    S = A @ A.T + 0.1 * mg.eye(args.size, dtype=mg.float64)
    for name, (product, matrix) in factorizations(A, S).items():
        print(f"{name}: product less matrix {(product - matrix).abs().max().item():.1e}")
    rank_and_eigenvalues()
    projection()
    coordinates()


if __name__ == "__main__":
    main()
