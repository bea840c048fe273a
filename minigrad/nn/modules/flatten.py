"""Flatten and its inverse, where PyTorch has them."""

from minigrad.nn.shaping import Flatten, Unflatten

__all__ = ["Flatten", "Unflatten"]
