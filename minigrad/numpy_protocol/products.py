"""NumPy's door: products of vectors, matrices and tensors, and statistics made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.calls import Variable
from minigrad.numpy_protocol.dispatch import of


def operand(x: Any) -> Any:
    """An operand with a shape: lists and numbers beside a tensor become arrays."""
    return x if isinstance(x, Variable) or hasattr(x, "ndim") else np.asarray(x)


@of(np.dot)
def dot(a: Any, b: Any) -> Any:
    return ops.dot(operand(a), operand(b))


@of(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    return ops.vdot(operand(a), operand(b))


@of(np.inner)
def inner(a: Any, b: Any) -> Any:
    return ops.inner(operand(a), operand(b))


@of(np.outer)
def outer(a: Any, b: Any) -> Any:
    return ops.outer(operand(a), operand(b))


@of(np.kron)
def kron(a: Any, b: Any) -> Any:
    return ops.kron(operand(a), operand(b))


@of(np.vecdot)
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    return ops.vecdot(operand(x1), operand(x2), axis)


def matvec(x1: Any, x2: Any) -> Any:
    return ops.matmul(operand(x1), operand(x2)[..., None])[..., 0]


def vecmat(x1: Any, x2: Any) -> Any:
    return ops.matmul(operand(x1)[..., None, :], operand(x2))[..., 0, :]


if hasattr(np, "matvec"):  # NumPy 2.2
    of(np.matvec)(matvec)
    of(np.vecmat)(vecmat)


@of(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    return ops.tensordot(operand(a), operand(b), axes)


@of(np.einsum)
def einsum(*operands: Any, optimize: Any = False) -> Any:
    out = ops.einsum(*operands)
    given = [x.dtype for x in operands if hasattr(x, "dtype")]
    return out if len(given) != 1 else out.astype(given[0])  # NumPy's type, also of a sum


@of(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(operand(a), axisa, -1), np.moveaxis(operand(b), axisb, -1)
    out: Any = ops.linalg_cross(a, b)
    return out if axisc in (-1, out.ndim - 1) else np.moveaxis(out, -1, axisc)


@of(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Any:
    variables = observations(m, y, rowvar)
    correction = (0 if bias else 1) if ddof is None else ddof
    return ops.cov(variables, correction=correction, fweights=fweights, aweights=aweights)


@of(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    return ops.corrcoef(observations(x, y, rowvar))


def observations(m: Any, y: Any, rowvar: bool) -> Any:
    """One row for each variable."""
    m = operand(m)
    if not rowvar and m.ndim == 2:
        m = m.T
    if y is None:
        return m
    y = operand(y)
    rows = [x if x.ndim == 2 else x.reshape(1, -1) for x in (m, y.T if not rowvar else y)]
    return ops.cat(rows, 0)


@of(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    out = ops.vander(x, N)
    return out if increasing else out[..., ::-1]
