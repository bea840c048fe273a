"""What distributions have in common: parameters of one shape, probabilities and their logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.creation import tensor
from minigrad.graph import Variable, wrap
from minigrad.modes import enable_grad
from minigrad.promotion import get_default_dtype

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits"]


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
