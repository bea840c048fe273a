"""The base of all modules, where PyTorch has it."""

from minigrad.nn.module import Module as Module
