"""Instance normalisation, where PyTorch has it."""

from minigrad.nn.normalization import InstanceNorm as _InstanceNorm
from minigrad.nn.normalization import InstanceNorm1d, InstanceNorm2d

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "_InstanceNorm"]
