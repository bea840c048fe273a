"""The arrays of a page: each written once, cut where it is large, and as short as it can be.

An array has its `shape`, and `of`, its rows and columns, if only a part of it, of `size`, is
written.  Its numbers have four digits, and stand there in one of four ways:

    fill      one number, which all entries are
    bits      which entries are not 0, as hexadecimal digits: 1 each, or with `like`, those of an
              earlier array (what relu lets pass, forward and backward)
    entries   row, column and number of those that are not 0, if they are few
    rows      all numbers: blanks between the entries of a row, semicolons between rows
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.visualize.names import number_text

__all__ = ["LARGEST_JACOBIAN", "LARGEST_SIDE", "Arrays", "matrix_shape"]

LARGEST_SIDE = 32  # rows and columns of an array that are printed
LARGEST_JACOBIAN = 1600  # entries
FEW = 16  # entries: a smaller array is written out


class Arrays:
    """Collects the arrays of a page; one that appears twice is written once."""

    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []
        self.known: dict[Any, int] = {}
        self.matrices: dict[tuple[int, ...], list[tuple[int, Any]]] = {}

    def add(self, value: Any) -> int | None:
        """The number of an array in the page's list; None if there is none, or several."""
        if value is None or isinstance(value, (tuple, list)):
            return None
        array = np.asarray(value)
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self.known:
            self.known[key] = len(self.written)
            self.written.append(self.packed(array))
        return self.known[key]

    def packed(self, array: Any) -> dict[str, Any]:
        rows, columns = matrix_shape(array.shape)
        matrix = array.reshape(rows, columns)
        small = array.ndim == 2 and array.size <= LARGEST_JACOBIAN
        limit = 2 * LARGEST_SIDE if small else LARGEST_SIDE
        cut = matrix[:limit, :limit]
        found: dict[str, Any] = {"shape": list(array.shape)}
        if cut.shape != matrix.shape:
            found |= {"size": list(cut.shape), "of": [rows, columns]}
        return found | self.numbers(cut)

    def numbers(self, matrix: Any) -> dict[str, Any]:
        """The numbers of a matrix, in the shortest of the four ways."""
        filled = matrix != 0
        if matrix.size > FEW:
            if (matrix == matrix[0, 0]).all():
                return {"fill": short(matrix[0, 0])}
            if (matrix == filled).all():
                return {"bits": bits(filled)}
            if 4 * filled.sum() < 3 * matrix.size:
                for index, other in self.matrices.get(matrix.shape, ()):
                    if np.array_equal(np.where(filled, other, 0), matrix):
                        return {"like": index, "bits": bits(filled)}
            if 4 * filled.sum() < matrix.size:
                places = np.argwhere(filled).tolist()
                return {"entries": ";".join([f"{i} {j} {short(matrix[i, j])}" for i, j in places])}
        self.matrices.setdefault(matrix.shape, []).append((len(self.written), matrix))
        return {"rows": ";".join([" ".join([short(n) for n in row]) for row in matrix])}


def matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """How an array is laid out on the page: rows of its last axis."""
    if not shape:
        return 1, 1
    rows = 1
    for n in shape[:-1]:
        rows *= n
    return rows, shape[-1]


def bits(mask: Any) -> str:
    """A mask in row-major order as hexadecimal digits, the first entry in the highest bit."""
    return np.packbits(mask.reshape(-1)).tobytes().hex()


def short(value: Any) -> str:
    """A number with four digits, without zeros that say nothing: ``.5``, ``1e-9``."""
    if value.dtype.kind in "iub":
        return str(int(value))
    text = number_text(value)
    if np.isfinite(value) and "e" in text and abs(float(text)) < 1e6 and float(text).is_integer():
        return str(int(float(text)))
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
