"""One layer of a network by hand and by nn.Linear, forward and backward.

A batch of one example with three features goes through two neurons.  The gradients are written out
as matrix products and compared with those that `backward` finds.

Prints the layer, the gradients by hand, and how far those of backward are from them.

    python examples/layer_by_hand.py    # less than 1 s
"""

from __future__ import annotations

import numpy as np
from common import options

import minigrad as mg
from minigrad import nn

X = np.array([[1.0, 2.0, 3.0]])
W = np.array([[0.2, 0.8], [0.5, -0.3], [0.1, 0.4]])
b = np.array([0.1, -0.2])


def gradients_by_hand(Z_bar: np.ndarray) -> dict[str, np.ndarray]:
    """Gradients of a loss for X, W and b, from its gradient for Z = X W + b.

    Each entry of Z is a dot product of a row of X and a column of W, so the gradient of X is a
    product with the transposed W, and the other way round; b is used once by each row.
    """
    return {"X": Z_bar @ W.T, "W": X.T @ Z_bar, "b": Z_bar.sum(axis=0)}


def compare(name: str, loss_of, Z_bar: np.ndarray) -> None:
    """Print the gradients of `loss_of(Z)` by hand and their distance from those of backward."""
    leaves = {key: mg.tensor(a, requires_grad=True) for key, a in (("X", X), ("W", W), ("b", b))}
    loss = loss_of(leaves["X"] @ leaves["W"] + leaves["b"])
    loss.backward()
    print(f"loss = {name}: {loss.item():.1f}")
    worst = 0.0
    for key, gradient in gradients_by_hand(Z_bar).items():
        print(f"  gradient of {key}: {np.array2string(gradient.ravel(), precision=6)}")
        worst = max(worst, np.abs(leaves[key].grad.numpy() - gradient).max())
    print(f"  largest difference from backward: {worst:.1e}")


def as_module() -> nn.Linear:
    """The same layer as a module, which keeps its weight as (out, in): W transposed."""
    layer = nn.Linear(3, 2, dtype=mg.float64)
    layer.load_state_dict({"weight": mg.tensor(W.T), "bias": mg.tensor(b)})
    return layer


def main() -> None:
    options(__doc__).parse_args()
    print("dot products X[0] . W[:, j]:", [round(float(X[0] @ W[:, j]), 6) for j in range(2)])
    Z = X @ W + b
    print("layer X @ W + b:", np.array2string(Z[0], precision=6))
    compare("sum of Z", lambda Z: Z.sum(), np.ones_like(Z))
    compare("sum of Z * Z", lambda Z: (Z * Z).sum(), 2 * Z)

    layer = as_module()
    out = layer(mg.tensor(X))
    print(layer, "with weight of shape", tuple(layer.weight.shape))
    print(f"  largest difference from X @ W + b: {np.abs(out.numpy(force=True) - Z).max():.1e}")
    try:
        mg.tensor(X) @ mg.tensor(W.T)  # (1, 3) @ (2, 3): the inner sizes differ
    except ValueError as error:
        print("X @ W.T is refused:", *error.__notes__)


if __name__ == "__main__":
    main()
