"""Activations and attention, where PyTorch has them."""

from minigrad.nn.activation import *
from minigrad.nn.attention import MultiheadAttention as MultiheadAttention
