"""Windows of images, where PyTorch has them."""

from minigrad.nn.positions import Fold, Unfold

__all__ = ["Fold", "Unfold"]
