"""Pooling, where PyTorch has it."""

from minigrad.nn.pooling import *
