"""Exercises on shapes, transposes, products and norms, as an introduction would set them, solved.

Prints thirteen questions, each followed by its answer, which is computed.

    python examples/exercises.py    # less than 1 s
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from common import options

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


def shapes_and_indexing() -> None:
    A = mg.tensor(np.arange(12).reshape(3, 4))
    print("1. Of arange(12) as 3 x 4: second row, third column, the entry in row 1 and column 2")
    print("  ", A[1].tolist(), A[:, 2].tolist(), A[1, 2].item())

    B = mg.tensor(np.arange(20).reshape(5, 4))
    print("2. Shapes of the sums of a 5 x 4 matrix over axis 0 and over axis 1: that axis goes")
    print("  ", tuple(B.sum(axis=0).shape), tuple(B.sum(axis=1).shape))

    X = mg.tensor(np.arange(24).reshape(2, 3, 4))
    print("3. len and number of entries of a 2 x 3 x 4 tensor: the first axis, and the product")
    print("  ", len(X), X.numel())
    assert np.size(X) == X.numel() == 2 * 3 * 4  # X.size() is its shape, as in PyTorch


def transposes() -> None:
    A = mg.randn(3, 5)
    print("4. Is the transpose of the transpose the matrix itself?")
    print("  ", bool((A.T.T == A).all()))

    B = mg.randn(4, 4)
    S = B + B.T
    print("5. Is A + A^T symmetric?  Entry (i, j) is A_ij + A_ji, and so is entry (j, i).")
    print("  ", bool((S == S.T).all()))


def dot_products() -> None:
    a = mg.tensor([1.0, 2.0, 3.0])
    b = mg.tensor([4.0, 5.0, 6.0])
    print("6. A dot product in two ways")
    print("  ", np.dot(a, b).item(), (a * b).sum().item())

    numbers = [[0.3, 0.9, 0.1, 0.7], [0.3, 0.8, 0.2, 0.6], [0.9, 0.1, 0.8, 0.1]]
    vectors = dict(zip(("king", "queen", "apple"), mg.tensor(np.array(numbers))))
    pairs = combinations(vectors, 2)
    cosines = {(a, b): F.cosine_similarity(vectors[a], vectors[b], dim=0).item() for a, b in pairs}
    print("7. Cosines of three words; the most alike")
    print("  ", [round(cosine, 6) for cosine in cosines.values()], *max(cosines, key=cosines.get))


def matrix_products() -> None:
    A, B = mg.ones(4, 3), mg.ones(3, 5)
    print("8. Shape of (4 x 3) (3 x 5); and (4 x 3) (4 x 3)?")
    print("  ", tuple((A @ B).shape))
    try:
        A @ A
    except ValueError as error:
        print("   refused:", *error.__notes__)

    x = mg.randn(32, 10)
    model = nn.Sequential(nn.Linear(10, 64), nn.Linear(64, 5))
    print("9. Output of two layers, 10 -> 64 -> 5, for 32 inputs")
    print("  ", tuple(model(x).shape))


def reductions_and_norms() -> None:
    A = mg.rand(5, 4, dtype=mg.float64) + 0.1
    shares = A / A.sum(axis=1, keepdims=True)
    print("10. Scale each row of a 5 x 4 matrix to the sum 1: largest difference from 1")
    print(f"   {(shares.sum(axis=1) - 1).abs().max().item():.1e}")

    # Dividing makes probabilities only of entries that are not negative; softmax takes any.
    C = mg.tensor(np.array([[3.0, -1.0, -1.0]]))
    print("11. The same for [3, -1, -1], and its softmax: only one of them is a distribution")
    print("  ", (C / C.sum(axis=1, keepdims=True)).tolist()[0], end=" ")
    print([round(p, 6) for p in C.softmax(dim=1).tolist()[0]])

    w = mg.tensor(np.array([0.1, 0.1, 0.1, 5.0]))
    print("12. L1 and L2 norm of [0.1, 0.1, 0.1, 5]")
    print(f"   {w.abs().sum().item():.2f} {mg.linalg.norm(w).item():.2f}")


def all_together() -> None:
    """Four inputs through a layer of two neurons: lengths of the outputs, and the gradient."""
    W = mg.tensor(np.random.RandomState(0).randn(2, 3), requires_grad=True)
    X = mg.tensor(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [1.0, 0.0, 2.0]]))
    H = np.maximum(0, X @ W.T)
    lengths = np.linalg.norm(H, axis=1)
    lengths.mean().backward()
    print("13. Row norms of relu(X W^T), their mean; the gradient for W less the one by hand")
    print("  ", [round(v, 8) for v in lengths.tolist()], round(lengths.mean().item(), 8))
    H, lengths = H.detach(), lengths.detach()
    by_hand = (H / lengths[:, None] / len(X)).T @ X  # relu's mask is in H, which is 0 where it cuts
    print(f"   {(W.grad - by_hand).abs().max().item():.1e}")


def main() -> None:
    options(__doc__).parse_args()
    mg.manual_seed(0)
    shapes_and_indexing()
    transposes()
    dot_products()
    matrix_products()
    reductions_and_norms()
    all_together()


if __name__ == "__main__":
    main()
