"""Layer and group normalisation, where PyTorch has them."""

from minigrad.nn.normalization import GroupNorm, LayerNorm, RMSNorm

__all__ = ["GroupNorm", "LayerNorm", "RMSNorm"]
