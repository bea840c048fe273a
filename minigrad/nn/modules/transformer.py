"""Transformers, where PyTorch has them."""

from minigrad.nn.transformer import *
