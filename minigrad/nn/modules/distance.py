"""Distances, where PyTorch has them."""

from minigrad.nn.shaping import CosineSimilarity, PairwiseDistance

__all__ = ["CosineSimilarity", "PairwiseDistance"]
