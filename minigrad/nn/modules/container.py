"""Containers, where PyTorch has them."""

from minigrad.nn.containers import *
