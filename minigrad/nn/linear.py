"""Fully connected layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.graph import wrap
from minigrad.nn import init, parameter
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.ops import products

__all__ = ["Linear"]

linear = products.linear


def fortran_parameter(rows: int, columns: int, dtype: Any, device: Any) -> Parameter:
    """An unfilled matrix whose columns lie contiguously in memory.

    ``x @ W.T`` is then a product of two matrices in C order, which BLAS computes twice as fast on
    small layers as with a weight in C order.
    """
    transposed = parameter.empty_tensor(columns, rows, dtype=dtype, device=device)
    return Parameter(wrap(transposed._array.T))


class Linear(Module):
    """A fully connected layer.

    in_features    size of the last axis of the input
    out_features   size of the last axis of the output
    bias           whether to add one

    Forward     out = x Wᵀ + b
    Parameters  weight (out_features, in_features), bias (out_features,); at first both uniform in
                ±1/√in_features
    Shapes      (..., in_features) -> (..., out_features)
    Example     >>> mg.nn.Linear(4, 3)(mg.ones(2, 4)).shape
                (2, 3)
    """

    in_features: int
    out_features: int
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = fortran_parameter(out_features, in_features, dtype, device)
        self.register_parameter("bias", parameter.empty(out_features, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial values anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0.0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Any) -> Any:
        return linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )
