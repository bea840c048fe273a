"""Polar coordinates: a change of coordinates that is linear only in the small, by its Jacobian.

Prints the Jacobian of (radius, angle) and that of the way back, their product, which is the
identity, and how the error of the linear map fades as the step gets small.

    python examples/polar_jacobian.py    # less than 1 s
    python examples/polar_jacobian.py --x 3 --y -4
"""

from __future__ import annotations

import math

import numpy as np
from common import options

import minigrad as mg


def polar(p: mg.Tensor) -> mg.Tensor:
    """Radius and angle of a point (x, y)."""
    return mg.stack([mg.hypot(p[0], p[1]), mg.atan2(p[1], p[0])])


def cartesian(q: mg.Tensor) -> mg.Tensor:
    """The point of a radius and an angle."""
    return mg.stack([q[0] * mg.cos(q[1]), q[0] * mg.sin(q[1])])


def by_hand(x: float, y: float) -> np.ndarray:
    r = math.hypot(x, y)
    return np.array([[x / r, y / r], [-y / r**2, x / r**2]])


def show(name: str, matrix: mg.Tensor) -> None:
    print(f"{name}: {[[round(v, 6) for v in row] for row in matrix.tolist()]}")


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--x", type=float, default=1.0, help="of the point")
    parser.add_argument("--y", type=float, default=1.0, help="of the point")
    args = parser.parse_args()

    p = mg.tensor([args.x, args.y], dtype=mg.float64)
    q = polar(p)
    print(f"({args.x:g}, {args.y:g}) has radius {q[0].item():.6f} and angle {q[1].item():.6f}")
    J = mg.autograd.functional.jacobian(polar, p)
    show("Jacobian of (radius, angle) for (x, y)", J)
    error = np.abs(J.numpy() - by_hand(args.x, args.y)).max()
    print(f"  largest difference from the formula: {error:.1e}")
    back = mg.autograd.functional.jacobian(cartesian, q)
    show("Jacobian of (x, y) for (radius, angle)", back)
    error = (back @ J - mg.eye(2, dtype=mg.float64)).abs().max().item()
    print(f"  largest entry of its product with the first, less I: {error:.1e}")
    area, radius = mg.linalg.det(back).item(), q[0].item()
    print(f"  determinant: {area:.6f}; the radius, as in dx dy = r dr dangle: {radius:.6f}")

    print("the Jacobian as a linear map of small steps: error of J d, divided by |d|")
    direction = mg.tensor([0.6, -0.8], dtype=mg.float64)
    for h in (1e-1, 1e-2, 1e-3):
        d = h * direction
        error = mg.linalg.norm(polar(p + d) - q - J @ d).item() / h
        print(f"  |d| = {h:g}: {error:.2e}")


if __name__ == "__main__":
    main()
