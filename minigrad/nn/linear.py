"""Fully connected layers, and tables of vectors."""

from __future__ import annotations

import math
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.graph import wrap
from minigrad.nn import functional, init, parameter
from minigrad.nn.module import Module, shown
from minigrad.nn.parameter import Parameter
from minigrad.ops import products
from minigrad.tensor import Tensor

__all__ = ["Bilinear", "Embedding", "Identity", "Linear"]

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
        self.register_parameter(
            "bias", parameter.empty(out_features, dtype=dtype) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial values anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0.0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Any) -> Tensor:
        return linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Identity(Module):
    """The input itself; arguments are accepted and change nothing.

    Example  >>> mg.nn.Identity(54, unused=True)(mg.tensor([1.0]))
             tensor([1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Tensor:
        return input


class Bilinear(Module):
    """One bilinear form of two inputs for each output.

    in1_features, in2_features   sizes of the last axes of the inputs
    out_features                 size of the last axis of the output

    Forward     out[k] = x1ᵀ W[k] x2 + b[k]
    Parameters  weight (out_features, in1_features, in2_features), bias (out_features,); at first
                both uniform in ±1/√in1_features
    Shapes      (..., in1_features), (..., in2_features) -> (..., out_features)
    Example     >>> mg.nn.Bilinear(2, 3, 4)(mg.ones(5, 2), mg.ones(5, 3)).shape
                (5, 4)
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features < 1:
            raise ArgumentError(f"Bilinear: in1_features is at least 1, got {in1_features}")
        self.in1_features, self.in2_features = in1_features, in2_features
        self.out_features = out_features
        self.weight = parameter.empty(
            out_features, in1_features, in2_features, dtype=dtype, device=device
        )
        self.register_parameter(
            "bias", parameter.empty(out_features, dtype=dtype) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial values anew."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Any, input2: Any) -> Tensor:
        return functional.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"{shown(self, 'in1_features', 'in2_features', 'out_features')}, "
            f"bias={self.bias is not None}"
        )


class Embedding(Module):
    """A table of learned vectors, looked up by number.

    num_embeddings      rows of the table
    embedding_dim       size of a vector
    padding_idx         a row that stays zero and is not learned
    max_norm            rows that are looked up are scaled down to this norm, in place
    norm_type           p of that norm
    scale_grad_by_freq  divide gradients by how often a row occurs in the batch
    sparse              not supported: gradients are dense

    Forward     out[...] = weight[x[...]]
    Parameters  weight (num_embeddings, embedding_dim); at first standard normal
    Shapes      (...) of integers -> (..., embedding_dim)
    Raises      IndexError for a number that is not in the table
    Example     >>> mg.nn.Embedding(10, 3)(mg.tensor([[1, 2], [4, 9]])).shape
                (2, 2, 3)
    """

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if sparse:
            raise ArgumentError("Embedding: minigrad has no sparse gradients; leave sparse=False")
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ArgumentError(
                f"Embedding: padding_idx {padding_idx} is not a row of a table of {num_embeddings}"
            )
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        if _weight is None:
            self.weight = parameter.empty(
                num_embeddings, embedding_dim, dtype=dtype, device=device,
                requires_grad=not _freeze,
            )  # fmt: skip
            self.reset_parameters()
        else:
            if tuple(_weight.shape) != (num_embeddings, embedding_dim):
                raise ArgumentError(
                    f"Embedding: the weight has shape {tuple(_weight.shape)}, not "
                    f"{(num_embeddings, embedding_dim)}"
                )
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    def reset_parameters(self) -> None:
        """Draw the initial values anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight._array[self.padding_idx] = 0

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """A table of given vectors (num_embeddings, embedding_dim), not learned unless asked.

        Raises   ValueError if `embeddings` is not a matrix.
        """
        if embeddings.ndim != 2:
            raise ArgumentError(
                f"from_pretrained takes a matrix, got shape {tuple(embeddings.shape)}"
            )
        rows, columns = embeddings.shape
        return cls(
            rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse,
            _weight=embeddings, _freeze=freeze,
        )  # fmt: skip

    def forward(self, input: Any) -> Tensor:
        return functional.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type,
            self.scale_grad_by_freq, self.sparse,
        )  # fmt: skip

    def extra_repr(self) -> str:
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        usual = {"padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False}
        parts += [
            shown(self, name) for name, value in usual.items() if getattr(self, name) != value
        ]
        return ", ".join(parts)
