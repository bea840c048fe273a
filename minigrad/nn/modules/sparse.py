"""Embeddings, where PyTorch has them."""

from minigrad.nn.linear import Embedding
from minigrad.nn.positions import EmbeddingBag

__all__ = ["Embedding", "EmbeddingBag"]
