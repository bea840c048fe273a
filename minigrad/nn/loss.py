"""Loss functions as modules."""

from __future__ import annotations

from typing import Any

from minigrad.nn import functional
from minigrad.nn.module import Module

__all__ = ["CrossEntropyLoss", "MSELoss"]


class Loss(Module):
    """Base of the losses: `reduction` is "mean", "sum" or "none"."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction


class CrossEntropyLoss(Loss):
    """Cross-entropy of scores against classes."""

    def forward(self, input: Any, target: Any) -> Any:
        return functional.cross_entropy(input, target, reduction=self.reduction)


class MSELoss(Loss):
    """Mean squared error."""

    def forward(self, input: Any, target: Any) -> Any:
        return functional.mse_loss(input, target, reduction=self.reduction)
