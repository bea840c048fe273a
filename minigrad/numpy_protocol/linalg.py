"""NumPy's door: ``np.linalg``."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.numpy_protocol import products
from minigrad.numpy_protocol.dispatch import of
from minigrad.numpy_protocol.products import operand
from minigrad.ops import matrices, solving


@of(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    return ops.eigvals(a)


@of(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    return ops.matrix_power(a, n)


@of(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """NumPy takes b for a vector only when it has one axis."""
    a, b = operand(a), operand(b)
    if b.ndim == 1:
        return solve(a, b[:, None])[..., 0]
    matrices.check_square("solve", a)
    solving.check_right_hand_side("solve", a, b, left=True)
    return solving._solve((a, b))


@of(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    x, residuals, rank, singular_values = ops.lstsq(operand(a), operand(b), rcond)
    return x, residuals, rank.int(), singular_values


@of(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    if rcond is None and rtol is None:
        rtol = 1e-15  # NumPy's default
    return ops.pinv(a, rcond if rtol is None else rtol, hermitian)


@of(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    out = ops.qr(a, mode)
    return out.R if mode == "r" else out


@of(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    return ops.svd(a, full_matrices) if compute_uv else ops.svdvals(a)


@of(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return ops.linalg_norm(x, ord, axis, keepdims)


@of(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    return ops.vector_norm(x, ord, axis, keepdims)


@of(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return ops.matrix_norm(x, ord, keepdim=keepdims)


@of(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    return ops.cond(x, p)


@of(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    if A.ndim < 2:
        return int(bool(np.any(A != 0)))
    return ops.matrix_rank(A, tol, hermitian, rtol=rtol)


@of(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Any:
    return ops.multi_dot([operand(x) for x in arrays])


@of(np.linalg.cross)
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return ops.linalg_cross(operand(x1), operand(x2), dim=axis)


@of(np.linalg.outer)
def outer(x1: Any, x2: Any, /) -> Any:
    x1, x2 = operand(x1), operand(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(f"np.linalg.outer: two vectors, got shapes {x1.shape} and {x2.shape}")
    return ops.outer(x1, x2)


@of(np.linalg.matmul)
def matmul(x1: Any, x2: Any, /) -> Any:
    return ops.matmul(operand(x1), operand(x2))


@of(np.linalg.tensordot)
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return products.tensordot(x1, x2, axes)


@of(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return products.vecdot(x1, x2, axis)


@of(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return ops.linalg_diagonal(x, offset=offset)


@of(np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return ops.sum(ops.linalg_diagonal(x, offset=offset), -1, dtype=dtype)


@of(np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    return ops.mT(x)
