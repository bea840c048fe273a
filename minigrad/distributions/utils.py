"""What distributions have in common: parameters of one shape, probabilities and their logits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.creation import tensor
from minigrad.graph import Variable, wrap
from minigrad.modes import enable_grad
from minigrad.promotion import get_default_dtype

__all__ = [
    "broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits",
    "tril_matrix_to_vec", "vec_to_tril_matrix",
]  # fmt: skip


def broadcast_all(*values: Any) -> Any:
    """Tensors and numbers as tensors of one shape; numbers take the type of the first tensor.

    Example  >>> from minigrad.distributions.utils import broadcast_all
             >>> broadcast_all(mg.zeros(2), 1.0)
             (tensor([0., 0.]), tensor([1., 1.]))
    """
    found = [v._array.dtype for v in values if isinstance(v, Variable)]
    floating = [dtype for dtype in found if dtype.kind == "f"]
    dtype = floating[0] if floating else get_default_dtype()
    return tuple(ops.broadcast_tensors(*[as_tensor(value, dtype) for value in values]))


def as_tensor(value: Any, dtype: Any) -> Any:
    """A tensor as it is; numbers and arrays as a tensor."""
    return value if isinstance(value, Variable) else tensor(value, dtype=dtype)


def standard_normal(shape: Any, dtype: Any) -> Any:
    return wrap(random.normal_array(tuple(shape), np.dtype(dtype), None))


def standard_uniform(shape: Any, dtype: Any) -> Any:
    """Uniform numbers in the open interval (0, 1): their logarithms are finite."""
    dtype = np.dtype(dtype)
    drawn = random.uniform_array(tuple(shape), dtype, None)
    low = np.finfo(dtype).tiny
    return wrap(np.clip(drawn, low, 1 - np.finfo(dtype).epsneg).astype(dtype))


def clamp_probs(probs: Any) -> Any:
    """Probabilities, kept from 0 and 1 by the smallest difference of their type."""
    eps = float(np.finfo(probs.dtype).eps)
    return ops.clamp(probs, eps, 1 - eps)


def logits_to_probs(logits: Any, is_binary: bool = False) -> Any:
    """Probabilities of logits: the sigmoid of each, or the softmax along the last axis."""
    return ops.sigmoid(logits) if is_binary else ops.softmax(logits, -1)


def probs_to_logits(probs: Any, is_binary: bool = False) -> Any:
    """Logits of probabilities: log-odds, or logarithms."""
    kept = clamp_probs(probs)
    return ops.log(kept) - ops.log1p(-kept) if is_binary else ops.log(kept)


def sum_rightmost(value: Any, n: int) -> Any:
    """The sum over the last n axes."""
    return ops.sum(value, tuple(range(-n, 0))) if n else value


def size_of_triangle(entries: int, diag: int = -1) -> int:
    """The size of the matrix that has so many entries on and below its diagonal number `diag` ≤ 0.

    Raises   ValueError if there is none.
    """
    rows = (math.isqrt(8 * entries + 1) - 1) // 2
    if rows * (rows + 1) // 2 != entries:
        raise ValueError(f"{entries} numbers do not fill the triangle of a square matrix")
    return rows - diag


def vec_to_tril_matrix(vec: Any, diag: int = 0) -> Any:
    """Numbers in row order as the entries of square matrices on and below a diagonal, else 0.

    Example  >>> from minigrad.distributions.utils import vec_to_tril_matrix
             >>> vec_to_tril_matrix(mg.tensor([1.0, 2.0, 3.0]))
             tensor([[1., 0.],
                     [2., 3.]])
    """
    n = size_of_triangle(vec.shape[-1], diag)
    zeros = wrap(np.zeros((*vec.shape[:-1], n, n), vec.dtype))
    return ops.setitem(zeros, vec, (..., *np.tril_indices(n, diag)))


def tril_matrix_to_vec(mat: Any, diag: int = 0) -> Any:
    """The entries of square matrices on and below a diagonal, in row order.

    Raises   ValueError if there is no such diagonal
    Example  >>> from minigrad.distributions.utils import tril_matrix_to_vec
             >>> tril_matrix_to_vec(mg.tensor([[1.0, 0.0], [2.0, 3.0]]), -1)
             tensor([2.])
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"tril_matrix_to_vec: a matrix of size {n} has no diagonal {diag}")
    return mat[(..., *np.tril_indices(n, diag))]


def euler_gamma() -> float:
    """0.5772..., the mean of a standard Gumbel variable."""
    return float(np.euler_gamma)


class lazy_property:
    """A property that is computed at its first use, and kept.

    Example  >>> from minigrad.distributions.utils import lazy_property
             >>> class Twice:
             ...     @lazy_property
             ...     def value(self):
             ...         return [2]
             >>> twice = Twice()
             >>> twice.value is twice.value
             True
    """

    def __init__(self, compute: Any) -> None:
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.compute(instance)
        instance.__dict__[self.compute.__name__] = value
        return value
