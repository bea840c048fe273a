"""Loss functions."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.operation import Array

__all__ = ["cross_entropy", "mse_loss"]


def cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Cross-entropy of scores against classes."""
    return ops.cross_entropy(input, target)


def mse_loss(input: Array, target: Array, reduction: str = "mean") -> Any:
    """Mean squared error."""
    difference = input - target
    squared = difference * difference
    return squared if reduction == "none" else squared.sum() / squared.numel()
