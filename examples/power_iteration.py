"""The largest eigenvalue by power iteration, and its gradient through the unrolled steps.

Multiplying by a symmetric matrix C again and again, and scaling to length 1, turns a vector to the
eigenvector v of the largest eigenvalue.  The error shrinks by lambda_2 / lambda_1 in each step.
The gradient of lambda_1 for C is v v^T, and backward through the steps finds it.

Prints eigenvalue, rate and gradient beside those of `eigh`; the first matrix is from the digits.

    python examples/power_iteration.py    # about 1 s
"""

from __future__ import annotations

import numpy as np
from common import need, options

import minigrad as mg

L = mg.linalg


def power_iteration(C: mg.Tensor, v: mg.Tensor, steps: int) -> tuple[mg.Tensor, mg.Tensor]:
    """Rayleigh quotient v C v and v after `steps` products."""
    for _ in range(steps):
        v = C @ v
        v = v / L.norm(v)
    return v @ C @ v, v


def digits_covariance() -> mg.Tensor:
    """64 x 64 covariance of the pixels, in 0 ... 1, of scikit-learn's digits."""
    need("sklearn")
    from sklearn.datasets import load_digits

    return mg.cov(mg.tensor(load_digits().data / 16).T)


def rate(C: mg.Tensor, top: mg.Tensor, start: mg.Tensor, steps: int) -> float:
    """How much one more step shrinks the distance from the eigenvector."""
    distances = []
    for count in (steps - 1, steps):
        v = power_iteration(C, start, count)[1]
        distances.append(L.norm(v - (v @ top) * top).item())
    return distances[1] / distances[0]


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--steps", type=int, default=190, help="on the covariance of the digits")
    parser.add_argument("--unrolled", type=int, default=60, help="steps to differentiate through")
    args = parser.parse_args()

    C = digits_covariance()
    values, vectors = L.eigh(C)  # in ascending order
    start = mg.ones(64, dtype=mg.float64) / 8
    value, _ = power_iteration(C, start, args.steps)
    print(f"lambda_1 by {args.steps} steps: {value.item():.10f}, by eigh: {values[-1].item():.10f}")
    ratio = (values[-2] / values[-1]).item()
    measured = rate(C, vectors[:, -1], start, args.steps)
    print(f"rate per step: measured {measured:.4f}, lambda_2 / lambda_1 {ratio:.4f}")

    S = mg.tensor(np.array([[4.0, 1.0, 0.5], [1.0, 2.0, 0.3], [0.5, 0.3, 1.0]]), requires_grad=True)
    value, _ = power_iteration(S, mg.ones(3, dtype=mg.float64), args.unrolled)
    value.backward()
    v = L.eigh(S.detach()).eigenvectors[:, -1]
    difference = (S.grad - mg.outer(v, v)).abs().max().item()
    print(f"gradient of lambda_1 through {args.unrolled} steps, 3 x 3:")
    print(np.array2string(S.grad.numpy(), precision=8))
    print(f"largest difference from v v^T: {difference:.1e}")


if __name__ == "__main__":
    main()
