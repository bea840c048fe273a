"""Which structure a constant matrix has: found once, when a program is compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Structure", "structure_of"]

SMALLEST = 4  # of a smaller matrix, structure saves nothing


@dataclass(frozen=True)
class Structure:
    """A structure of a matrix, and what a product with it costs, as a fraction of a full one.

    kind     "identity", "diagonal", "permutation", "banded", "block diagonal", "lower",
             "upper", "symmetric"
    below    how many diagonals below the main one are not zero, and `above` it
    blocks   where the blocks of a block-diagonal matrix begin and end
    """

    kind: str
    fraction: float
    below: int = 0
    above: int = 0
    blocks: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        if self.kind == "banded":
            if self.below == self.above == 1:
                return "tridiagonal"
            return f"banded ({self.below} below, {self.above} above the diagonal)"
        if self.kind == "block diagonal":
            return f"block diagonal ({len(self.blocks)} blocks)"
        return {"lower": "lower triangular", "upper": "upper triangular"}.get(self.kind, self.kind)


def structure_of(matrix: Any) -> Structure | None:
    """The structure of a matrix that saves most in products, or None.

    An entry is zero where it equals zero; NaN does not.

    Example  >>> print(structure_of(np.diag([1.0, 2.0, 3.0, 4.0])))
             diagonal
             >>> print(structure_of(np.tri(5)))
             lower triangular
    """
    if matrix.ndim != 2 or matrix.dtype.kind not in "fc" or min(matrix.shape) < SMALLEST:
        return None
    n, m = matrix.shape
    filled = int(np.count_nonzero(matrix))
    if n != m or filled == 0:
        return None
    if filled > n * (n + 1) // 2:
        return full_structure(matrix, filled)
    rows, columns = np.nonzero(matrix)
    below, above = max(int((rows - columns).max()), 0), max(int((columns - rows).max()), 0)
    if below == above == 0:
        diagonal = np.diagonal(matrix)
        if np.all(diagonal == 1):
            return Structure("identity", 0.0)
        return Structure("diagonal", 1 / n)
    if filled == n and is_permutation(matrix, rows, columns):
        return Structure("permutation", 1 / n)
    band = Structure("banded", (below + above + 1) / n, below, above)
    found = [band] if (below + above + 1) * 4 <= n else []
    blocks = blocks_of(rows, columns, n)
    if len(blocks) > 1:
        share = sum([(stop - start) ** 2 for start, stop in blocks]) / n**2
        found.append(Structure("block diagonal", share, blocks=blocks))
    if above == 0 or below == 0:
        found.append(Structure("lower" if above == 0 else "upper", 0.5))
    if found:
        return min(found, key=lambda structure: structure.fraction)
    return full_structure(matrix, filled)


def full_structure(matrix: Any, filled: int) -> Structure | None:
    """Of a matrix with many entries: block diagonal with one large block, symmetric, or None."""
    n = len(matrix)
    if filled < n * n:
        rows, columns = np.nonzero(matrix)
        blocks = blocks_of(rows, columns, n)
        if len(blocks) > 1:
            share = sum([(stop - start) ** 2 for start, stop in blocks]) / n**2
            return Structure("block diagonal", share, blocks=blocks)
    return Structure("symmetric", 1.0) if np.array_equal(matrix, matrix.T) else None


def is_permutation(matrix: Any, rows: Any, columns: Any) -> bool:
    """Whether each row and each column has a single one, and nothing else."""
    n = len(matrix)
    alone = len(np.unique(rows)) == n == len(np.unique(columns))
    return alone and bool(np.all(matrix[rows, columns] == 1))


def blocks_of(rows: Any, columns: Any, n: int) -> tuple[tuple[int, int], ...]:
    """The finest blocks along the diagonal that hold all entries, joined to at most 16.

    A block ends behind index i where no entry joins an index up to i with a later one.
    """
    reach = np.arange(n)
    np.maximum.at(reach, np.minimum(rows, columns), np.maximum(rows, columns))
    ends = np.flatnonzero(np.maximum.accumulate(reach) == np.arange(n)) + 1
    if len(ends) > 16:  # many small blocks: a call of NumPy for each would cost more than it saves
        wanted = np.linspace(0, n, 17)[1:]
        ends = np.unique(ends[np.minimum(np.searchsorted(ends, wanted), len(ends) - 1)])
    starts = [0, *ends[:-1]]
    return tuple([(int(start), int(stop)) for start, stop in zip(starts, ends)])
