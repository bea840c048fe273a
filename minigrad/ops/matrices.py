"""What the ops of linear algebra share: checks of shapes, and errors that name the matrix.

Shapes, throughout the linear algebra: a matrix is the last two axes, any axes before them are a
batch of matrices, and the result has one entry of the batch for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.calls import Array
from minigrad.composition import composition

__all__ = ["LinAlgError", "symmetrize"]


class LinAlgError(np.linalg.LinAlgError, RuntimeError):
    """A matrix that has no inverse, no factor, or no gradient there.

    It is NumPy's error, which is a ValueError, and a RuntimeError, which programs written for
    PyTorch catch.

    Example    >>> try:
               ...     mg.linalg.inv(mg.zeros(2, 2))
               ... except RuntimeError as error:
               ...     print(type(error).__name__)
               LinAlgError
    """


@composition
def symmetrize(A: Array) -> Array:
    """The symmetric part of each matrix.

    `cholesky`, `eigh` and their relatives are functions of symmetric matrices, and their gradient
    is that of ``f(symmetrize(A))``.  Write that when A is not symmetric by itself, and when a
    gradient is compared with finite differences, which change one entry at a time.

    Forward    out = (A + Aᵀ) / 2
    Gradient   Ā = (ḡ + ḡᵀ) / 2
    Shapes     (..., n, n) -> (..., n, n)
    Raises     ValueError unless the matrices are square
    Example    >>> mg.linalg.symmetrize(mg.tensor([[1.0, 4.0], [2.0, 3.0]]))
               tensor([[1., 3.],
                       [3., 3.]])
    """
    check_square("symmetrize", A)
    return (A + A.mT) * 0.5


def check_matrix(name: str, x: Array) -> None:
    """Raise a ValueError unless `x` has the two axes of a matrix."""
    if x.ndim < 2:
        raise ValueError(
            f"{name}: a matrix has two axes, or more for a batch of matrices; got shape "
            f"{tuple(x.shape)}"
        )


def check_square(name: str, x: Array) -> None:
    """Raise a ValueError unless `x` holds square matrices."""
    check_matrix(name, x)
    if x.shape[-1] != x.shape[-2]:
        raise ValueError(f"{name}: the matrix is square, got shape {tuple(x.shape)}")


def check_finite(name: str, x: Array) -> None:
    """Raise a LinAlgError if a matrix holds NaN or inf: on such LAPACK's iterations may not end."""
    finite = np.isfinite(x)
    if not finite.all():
        index = first_true(~finite) or ()
        raise LinAlgError(f"{name}: {place(index[:-2])} holds NaN or inf")


def copyltu(x: Array) -> Array:
    """The lower triangle, mirrored into the upper one."""
    return np.tril(x) + np.tril(x, -1).mT


def halved(x: Array) -> Array:
    """The lower triangle with half of the diagonal: Φ in the literature."""
    n = x.shape[-1]
    return np.tril(x) * (1.0 - 0.5 * np.eye(n, dtype=x.dtype))


def first_failing(function: Callable[..., Any], *arrays: Array) -> tuple[int, ...] | None:
    """The batch index of the first matrix on which `function` raises LinAlgError."""
    batch = np.broadcast_shapes(*[a.shape[:-2] for a in arrays])
    whole = [np.broadcast_to(a, batch + a.shape[-2:]) for a in arrays]
    for index in np.ndindex(*batch):
        try:
            function(*[a[index] for a in whole])
        except np.linalg.LinAlgError:
            return index
    return None


def place(index: tuple[int, ...] | None) -> str:
    """The words for a matrix of a batch."""
    if not index:
        return "the matrix"
    return f"the matrix at batch index {tuple(int(i) for i in index)}"


def first_true(mask: Array) -> tuple[int, ...] | None:
    """The index of the first true entry."""
    positions = np.argwhere(mask)
    return tuple(int(i) for i in positions[0]) if len(positions) else None


def singular(name: str, x: Array, index: tuple[int, ...] | None) -> LinAlgError:
    """The error for a singular matrix, with its rank and what to use instead."""
    matrix = x[index] if index else x
    n = matrix.shape[-1]
    try:
        rank = int(np.linalg.matrix_rank(matrix))
    except np.linalg.LinAlgError:
        rank = n
    found = f" (rank {rank} of {n})" if rank < n else ""
    return LinAlgError(
        f"{name}: {place(index)} is singular{found}; use mg.linalg.lstsq or mg.linalg.pinv"
    )
