"""Distances and angles between vectors."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.composition import composition
from minigrad.nn.functional.reducing import narrowed, wider
from minigrad.tensor import Tensor

__all__ = ["cosine_similarity", "normalize", "pairwise_distance"]


def cosine_of(x1: Tensor, x2: Tensor, dim: int, eps: float) -> Tensor:
    """x₁·x₂ / sqrt((x₁·x₁ + eps) (x₂·x₂ + eps)), as `cosine_embedding_loss` defines it."""
    x, y = wider(x1, x2)
    first = ops.sqrt(ops.sum(x * x, dim) + eps)
    second = ops.sqrt(ops.sum(y * y, dim) + eps)
    return narrowed(ops.sum(x * y, dim) / (first * second), x1, x2)


def vector_norm(x: Tensor, p: float, dim: int, keepdim: bool = False) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) along `dim`; its gradient at 0 is 0."""
    norm: Tensor = ops.norm(x, p, dim, keepdim)
    return norm


@composition
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Cosine of the angle between vectors.

    Forward    out = Σ x₁ x₂ / (max(‖x₁‖, eps) max(‖x₂‖, eps)) along `dim`
    Gradient   x̄₁ = ḡ (u₂ - out u₁) / ‖x₁‖, with the unit vectors u; x̄₂ likewise
    Shapes     (..., d, ...), (..., d, ...), which broadcast -> (..., ...)
    Raises     ValueError if the shapes do not broadcast; IndexError if there is no axis `dim`
    Example    >>> x, y = mg.tensor([[1.0, 0.0]]), mg.tensor([[1.0, 1.0]])
               >>> mg.nn.functional.cosine_similarity(x, y)
               tensor([0.7071])
    """
    # PyTorch broadcasts first, so that `dim` is an axis of the broadcast shape
    shape = np.broadcast_shapes(x1.shape, x2.shape)
    x1 = x1 if x1.shape == shape else ops.broadcast_to(x1, shape)
    x2 = x2 if x2.shape == shape else ops.broadcast_to(x2, shape)
    return ops.sum(normalize(x1, 2.0, dim, eps) * normalize(x2, 2.0, dim, eps), dim)


@composition
def normalize(
    input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None
) -> Tensor:
    """Vectors scaled to norm 1.

    Forward    out = x / max(‖x‖, eps), with the norm of order `p` along `dim`
    Gradient   x̄ = (ḡ - out Σ ḡ out) / ‖x‖ for p = 2
    Shapes     (..., d, ...) -> (..., d, ...)
    Raises     IndexError if there is no axis `dim`; TypeError if `out` is given
    Example    >>> mg.nn.functional.normalize(mg.tensor([[3.0, 4.0]]))
               tensor([[0.6, 0.8]])
    """
    if out is not None:
        raise TypeError("normalize: out= is not supported, use the result")
    unit: Tensor = input / ops.clamp_min(vector_norm(input, p, dim, keepdim=True), eps)
    return unit


@composition
def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """Distance between vectors along the last axis.

    Forward    out = ‖x₁ - x₂ + eps‖, of order `p`
    Gradient   x̄₁ = ḡ (x₁ - x₂ + eps) / out for p = 2        x̄₂ = -x̄₁
    Shapes     (..., d), (..., d), which broadcast -> (...), or (..., 1) with keepdim
    Raises     ValueError if the shapes do not broadcast
    Example    >>> x, y = mg.tensor([[0.0, 0.0]]), mg.tensor([[3.0, 4.0]])
               >>> mg.nn.functional.pairwise_distance(x, y)
               tensor([5.])
    """
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)
