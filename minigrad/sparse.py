"""SciPy's sparse matrices as constant operands: ``A @ t`` and ``t @ A`` are recorded.

NumPy knows no sparse matrix: it would make an array of one object of it.  `Sparse` is what the
engine puts in its place: the same matrix, which answers ``np.matmul`` with SciPy's product and
refuses every other function by name.  So the derivative of a product is the one of `ops.matmul`,
with the transposed sparse matrix in it.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

ARITHMETIC = {"_matmul_dispatch", "_rmatmul_dispatch", "multiply", "_divide", "_comparison"}


def is_sparse(value: Any) -> bool:
    """Whether `value` is one of SciPy's sparse matrices or arrays."""
    return hasattr(value, "tocsr") and hasattr(value, "nnz")


class Sparse:
    """A constant sparse matrix among arrays."""

    __slots__ = ("matrix",)

    def __init__(self, matrix: Any) -> None:
        if len(matrix.shape) != 2:
            raise ValueError(
                f"a sparse operand has two axes, got shape {matrix.shape}; A.toarray() is dense"
            )
        if matrix.dtype.kind not in "biuf":
            raise TypeError(f"a sparse operand holds real numbers, got dtype {matrix.dtype}")
        self.matrix = matrix

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the two axes."""
        return self.matrix.shape

    @property
    def ndim(self) -> int:
        """Always 2."""
        return 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries."""
        return self.matrix.dtype

    @property
    def T(self) -> Sparse:
        """The transpose, on the same memory."""
        return Sparse(self.matrix.T)

    mT = T  # noqa: N815 - NumPy's name

    def copy(self, order: str = "K") -> Sparse:
        """A matrix with memory of its own."""
        return Sparse(self.matrix.copy())

    def astype(self, dtype: Any) -> Sparse:
        """The entries in another type."""
        return Sparse(self.matrix.astype(dtype))

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if any(hasattr(x, "_node") for x in args):
            return NotImplemented  # a tensor records the call, and comes back with arrays
        if ufunc is np.matmul and method == "__call__" and not kwargs:
            return product(*args)
        raise refusal(ufunc.__name__)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in (np.ndim, np.shape):
            return self.ndim if function is np.ndim else self.shape
        raise refusal(function.__name__)


def refusal(name: str) -> TypeError:
    return TypeError(
        f"{name} of a tensor and a sparse matrix: only their product, A @ t or t @ A, is defined; "
        "A.toarray() is a dense array"
    )


def product(x: Any, y: Any) -> Any:
    """x @ y, one of them sparse; further axes of the dense one are folded into its second."""
    if isinstance(x, Sparse) and isinstance(y, Sparse):
        return Sparse(x.matrix @ y.matrix)
    x, y = in_one_kind(x, y)
    if isinstance(y, Sparse):
        check(x.shape, y.shape, x.shape[-1:], y.shape[0])
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1]) if x.ndim > 2 else x
        return np.asarray(rows @ y.matrix).reshape(*x.shape[:-1], y.shape[1])
    check(x.shape, y.shape, y.shape[-2:-1] or y.shape, x.shape[1])
    if y.ndim <= 2:
        return np.asarray(x.matrix @ y)
    columns = np.moveaxis(y, -2, 0)
    out = np.asarray(x.matrix @ columns.reshape(len(columns), math.prod(columns.shape[1:])))
    return np.moveaxis(out.reshape(x.shape[0], *columns.shape[1:]), 0, -2)


def in_one_kind(x: Any, y: Any) -> tuple[Any, Any]:
    """Integers in the type of the floating-point numbers that they meet, as everywhere."""
    if x.dtype.kind == "f" and y.dtype.kind in "biu":
        return x, y.astype(x.dtype)
    if y.dtype.kind == "f" and x.dtype.kind in "biu":
        return x.astype(y.dtype), y
    return x, y


def check(x: Any, y: Any, inner: tuple[int, ...], size: int) -> None:
    if inner != (size,):
        raise ValueError(f"matmul: inner sizes differ in {tuple(x)} @ {tuple(y)}")


def asks_for_an_operand() -> bool:
    """Whether SciPy's sparse arithmetic is about to turn a tensor into an array.

    It asks ``np.asanyarray(other)`` to find out whether the other operand is an array; an object
    without dimensions means that it is none, and that the other operand's own method is to be
    tried: which is what a tensor needs, to record the product.
    """
    frame = sys._getframe(2)
    module = frame.f_globals.get("__name__", "")
    return frame.f_code.co_name in ARITHMETIC and module.startswith("scipy.sparse.")
