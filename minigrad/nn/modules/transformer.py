"""Transformers, where PyTorch has them."""

from minigrad.nn.attention import TransformerEncoder, TransformerEncoderLayer

__all__ = ["TransformerEncoder", "TransformerEncoderLayer"]
