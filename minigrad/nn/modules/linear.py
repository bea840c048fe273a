"""Linear layers, where PyTorch has them."""

from minigrad.nn.linear import Bilinear, Identity, Linear

__all__ = ["Bilinear", "Identity", "Linear"]
