"""Instance normalisation, where PyTorch has it."""

from minigrad.nn.normalization import InstanceNorm, InstanceNorm1d, InstanceNorm2d
from minigrad.nn.volumes import InstanceNorm3d

_InstanceNorm = InstanceNorm

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]
