"""Batch normalisation, where PyTorch has it."""

from minigrad.nn.normalization import BatchNorm as _BatchNorm
from minigrad.nn.normalization import BatchNorm1d, BatchNorm2d

__all__ = ["BatchNorm1d", "BatchNorm2d", "_BatchNorm"]
