"""How alike are two users, or two words?  Dot products, cosines, and the gradient of a cosine.

Prints the dot products and cosines of all pairs, where the two disagree about who is most alike,
and that the gradient of a cosine is orthogonal to its vector.

    python examples/similarity.py    # less than 1 s
"""

from __future__ import annotations

import numpy as np
from common import options

import minigrad as mg
import minigrad.nn.functional as F

# Five numbers describe a user.
USERS = {
    "A": [25.0, 10.0, 30.0, 3.0, 2.0],
    "B": [26.0, 9.0, 28.0, 4.0, 1.0],
    "C": [60.0, 1.0, 5.0, 0.0, 90.0],
}
WORDS = {
    "king": [0.3, 0.9, 0.1, 0.7],
    "queen": [0.3, 0.8, 0.2, 0.6],
    "apple": [0.9, 0.1, 0.8, 0.1],
}


def all_cosines(rows: mg.Tensor) -> mg.Tensor:
    """Cosines of every two rows: the product of the matrix of unit rows and its transpose."""
    units = F.normalize(rows, dim=1)
    return units @ units.T


def show(title: str, table: dict[str, list[float]]) -> None:
    names = list(table)
    rows = mg.tensor(np.array([table[name] for name in names]))
    dots, cosines = (rows @ rows.T).numpy(), all_cosines(rows).numpy()
    print(title)
    pairs = [(i, j) for i in range(len(names)) for j in range(i)]
    for j, i in sorted((j, i) for i, j in pairs):
        one = F.cosine_similarity(rows[i], rows[j], dim=0).item()
        assert abs(one - cosines[i, j]) < 1e-12  # a pair alone and the table agree
        print(f"  {names[j]} and {names[i]}: dot {dots[i, j]:.4f}, cosine {cosines[i, j]:.6f}")
    for measure, values in (("dot product", dots), ("cosine", cosines)):
        i, j = max(pairs, key=lambda pair: values[pair])
        print(f"  most alike by {measure}: {names[j]} and {names[i]}")


def gradient_of_cosine() -> None:
    """A cosine does not change with the length of a vector: its gradient is orthogonal to it."""
    a = mg.tensor(np.array(USERS["A"]), requires_grad=True)
    b = mg.tensor(np.array(USERS["B"]))
    cosine = F.cosine_similarity(a, b, dim=0)
    cosine.backward()
    u, v = F.normalize(a.detach(), dim=0), F.normalize(b, dim=0)
    by_hand = (v - cosine.item() * u) / mg.linalg.norm(a.detach())
    print("gradient of cos(A, B) for A:", np.array2string(a.grad.numpy(), precision=8))
    print(f"  difference from (v - cos u) / |a|: {(a.grad - by_hand).abs().max().item():.1e}")
    print(f"  gradient . A: {(a.grad @ a.detach()).item():.1e}")


def main() -> None:
    options(__doc__).parse_args()
    show("users", USERS)
    show("words", WORDS)
    gradient_of_cosine()


if __name__ == "__main__":
    main()
