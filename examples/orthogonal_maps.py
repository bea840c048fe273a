"""Orthogonal maps keep lengths and angles; polar decomposition, Procrustes and whitening.

Prints what an orthogonal matrix keeps and a general one does not, the orthogonal matrix that is
nearest to a given one, a rotation found again from points and their images, and data whose
covariance is turned to the identity.

    python examples/orthogonal_maps.py    # less than 1 s
"""

from __future__ import annotations

import numpy as np
from common import options

import minigrad as mg

L = mg.linalg


def distance(A: mg.Tensor, B: mg.Tensor) -> float:
    return (A - B).abs().max().item()


def identity(n: int) -> mg.Tensor:
    return mg.eye(n, dtype=mg.float64)


def keeps_norms(Q: mg.Tensor, W: mg.Tensor, X: mg.Tensor) -> None:
    """Rows of X are vectors; X @ Q.T maps each of them."""
    lengths = L.norm(X, dim=1)
    for name, matrix in (("orthogonal", Q), ("general", W)):
        ratio = L.norm(X @ matrix.T, dim=1) / lengths
        print(f"{name} map: ratios of lengths from {ratio.min():.15f} to {ratio.max():.15f}")
    Y = X @ Q.T
    print(
        f"largest change of a dot product by the orthogonal map: {distance(X @ X.T, Y @ Y.T):.1e}"
    )


def polar_decomposition(W: mg.Tensor) -> tuple[mg.Tensor, mg.Tensor]:
    """W = Q P with Q orthogonal and P symmetric and positive, by the SVD."""
    U, s, Vh = L.svd(W)
    return U @ Vh, (Vh.T * s) @ Vh


def procrustes(A: mg.Tensor, B: mg.Tensor) -> mg.Tensor:
    """The orthogonal Q with the least |A Q - B|."""
    U, _, Vh = L.svd(A.T @ B)
    return U @ Vh


def whiten(X: mg.Tensor) -> mg.Tensor:
    """X without its mean, times the inverse square root of its covariance."""
    return (X - X.mean(dim=0)) @ L.spectral_fn(mg.cov(X.T), lambda w: w**-0.5)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--size", type=int, default=50, help="of the square matrices")
    parser.add_argument("--seed", type=int, default=0, help="of the matrices")
    args = parser.parse_args()

    n, rng = args.size, np.random.default_rng(args.seed)
    W = mg.tensor(rng.standard_normal((n, n)) / n**0.5)
    X = mg.tensor(rng.standard_normal((4 * n, n)))
    Q = L.qr(W).Q
    print(f"Q^T Q - I: {distance(Q.T @ Q, identity(n)):.1e}")
    keeps_norms(Q, W, X)

    rotation, stretch = polar_decomposition(W)
    print(f"polar decomposition Q P - W: {distance(rotation @ stretch, W):.1e}")
    print(f"  Q^T Q - I: {distance(rotation.T @ rotation, identity(n)):.1e}")
    print(f"  smallest eigenvalue of P: {L.eigvalsh(stretch)[0].item():.1e}")
    nearest, other = (((W - R) ** 2).sum().item() ** 0.5 for R in (rotation, Q))
    print(f"  distance of W to this Q {nearest:.3f}, to the Q of QR {other:.3f}")

    print(f"Procrustes: Q found again to {distance(procrustes(X, X @ Q), Q):.1e}")
    white = whiten(X @ W)
    print(f"whitening: covariance - I {distance(mg.cov(white.T), identity(n)):.1e}")


if __name__ == "__main__":
    main()
