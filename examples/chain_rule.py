"""The chain rule is a product of Jacobian matrices, and backward multiplies it from the left.

f(x) = g(h(x)) with h from three numbers to three and g from three to one.

Prints both Jacobians, their product and the gradient that `backward` finds, the Hessian and its two
parts, and how many multiplications a product of Jacobians costs from either end.

    python examples/chain_rule.py    # less than 1 s
"""

from __future__ import annotations

import numpy as np
from common import options

import minigrad as mg
from minigrad.autograd.functional import hessian, jacobian


def h(x: mg.Tensor) -> mg.Tensor:
    return mg.stack([x[0] * x[1], x[0] + x[2], mg.sin(x[2])])


def g(z: mg.Tensor) -> mg.Tensor:
    return (z**2).sum()


def shown(values: mg.Tensor) -> str:
    return np.array2string(values.detach().numpy(), precision=8, suppress_small=True)


def multiplications(sizes: list[int]) -> tuple[int, int]:
    """Multiplications in a product of Jacobians of the layers, from the left and from the right."""
    jacobians = [(m, n) for n, m in zip(sizes, sizes[1:])][::-1]  # the last layer stands left
    from_left = sum(jacobians[0][0] * m * n for m, n in jacobians[1:])
    from_right = sum(m * n * sizes[0] for m, n in jacobians[:-1])
    return from_left, from_right


def main() -> None:
    options(__doc__).parse_args()
    x = mg.tensor([1.0, 2.0, 3.0], dtype=mg.float64, requires_grad=True)
    J_h, J_g = jacobian(h, x), jacobian(g, h(x))
    print("J_h(x):")
    print(shown(J_h))
    print("J_g(h(x)):", shown(J_g))
    print("J_g J_h:  ", shown(J_g @ J_h))
    g(h(x)).backward()
    print("backward: ", shown(x.grad))
    print(f"largest difference: {(x.grad - J_g @ J_h).abs().max().item():.1e}")

    H = hessian(lambda x: g(h(x)), x)
    print("Hessian of f:")
    print(shown(H))
    # The second derivative has two parts: the curvature of g, and that of h weighted by J_g.
    curved = mg.tensordot(J_g, jacobian(lambda x: jacobian(h, x, create_graph=True), x), dims=1)
    parts = J_h.T @ hessian(g, h(x)) @ J_h + curved
    print(f"largest difference from J_h^T H_g J_h + sum J_g H_h: {(H - parts).abs().max():.1e}")

    sizes = [1000, 100, 100, 1]
    left, right = multiplications(sizes)
    print("layers of sizes", " -> ".join(map(str, sizes)))
    print(f"  multiplications from the left, as backward goes: {left}")
    print(f"  multiplications from the right: {right}")


if __name__ == "__main__":
    main()
