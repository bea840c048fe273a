"""Layer and group normalisation, where PyTorch has them."""

from minigrad.nn.normalization import GroupNorm, LayerNorm, RMSNorm
from minigrad.nn.rare import CrossMapLRN2d, LocalResponseNorm

__all__ = ["CrossMapLRN2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]
