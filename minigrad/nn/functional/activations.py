"""Activation functions."""

from __future__ import annotations

from typing import Any

from minigrad import inplace, ops
from minigrad.operation import Array

__all__ = ["relu", "softmax"]


def relu(input: Array, inplace: bool = False) -> Any:
    """max(x, 0)."""
    if inplace:
        return update(input, "relu_", ops.relu)
    return ops.relu(input)


def softmax(input: Array, dim: int = -1, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """Positive numbers that sum to 1 along `dim`."""
    return ops.softmax(input, dim)


update = inplace.update
