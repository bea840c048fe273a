"""The base of lazy modules, where PyTorch has it."""

from minigrad.nn.lazy import LazyModuleMixin

__all__ = ["LazyModuleMixin"]
