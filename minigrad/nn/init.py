"""Initial values of parameters, with PyTorch's names and distributions.

Every function fills its tensor in place, records nothing, and returns the tensor.  `generator` draws the
numbers; None stands for the default one, which `minigrad.manual_seed` seeds.

In a weight of shape (out, in, ...) every output is fed by ``fan_in = in * ...`` inputs, and every
input feeds ``fan_out = out * ...`` outputs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import inplace
from minigrad.graph import Variable

__all__ = ["calculate_gain", "kaiming_uniform_", "uniform_"]

fallback = np.random.default_rng(0)


def draws(generator: Any) -> np.random.Generator:
    return fallback if generator is None else generator


def fill(tensor: Any, values: Any, name: str) -> Any:
    """Give `tensor` these values, in its own type and memory."""
    if not isinstance(tensor, Variable):
        raise TypeError(f"{name} fills a tensor, got {type(tensor).__name__}")
    inplace.write(tensor, np.broadcast_to(values, tensor._array.shape), name)
    return tensor


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Any:
    """Uniform in a <= x < b."""
    return fill(tensor, draws(generator).uniform(a, b, tensor._array.shape), "uniform_")


def fans(tensor: Any, name: str) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight.

    Raises   ValueError if the tensor has fewer than two axes.
    """
    shape = tensor._array.shape
    if len(shape) < 2:
        raise ValueError(f"{name}: a weight has at least two axes (out, in), this tensor is {shape}")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """Factor that keeps the spread of activations."""
    return math.sqrt(2.0 / (1 + param**2))


def kaiming_uniform_(tensor: Any, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None) -> Any:
    fan = fans(tensor, "kaiming_uniform_")[mode == "fan_out"]
    bound = math.sqrt(3.0) * calculate_gain(nonlinearity, a) / math.sqrt(fan)
    return uniform_(tensor, -bound, bound, generator)
