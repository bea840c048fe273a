"""Embeddings, where PyTorch has them."""

from minigrad.nn.linear import Embedding

__all__ = ["Embedding"]
