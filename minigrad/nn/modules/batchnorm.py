"""Batch normalisation, where PyTorch has it."""

from minigrad.nn.normalization import BatchNorm, BatchNorm1d, BatchNorm2d
from minigrad.nn.volumes import BatchNorm3d

_BatchNorm = BatchNorm

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"]
