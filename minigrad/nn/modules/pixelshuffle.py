"""Shuffles of pixels, where PyTorch has them."""

from minigrad.nn.shaping import PixelShuffle, PixelUnshuffle

__all__ = ["PixelShuffle", "PixelUnshuffle"]
