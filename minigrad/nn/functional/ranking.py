"""Losses that ask for a margin: between scores, between distances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.composition import composition
from minigrad.nn.functional.activations import logsigmoid
from minigrad.nn.functional.classification import (
    check_classes,
    check_weight,
    class_axis,
    pick,
    weights_of,
)
from minigrad.nn.functional.distances import cosine_of, pairwise_distance
from minigrad.nn.functional.reducing import (
    as_array,
    reduce_loss,
    refuse_broadcast,
)
from minigrad.noted import noted
from minigrad.tensor import Tensor

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


@composition
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Distances: small for pairs that belong together (1), above a margin for others (-1).

    Forward    l = x where y = 1, max(margin - x, 0) where y = -1
    Gradient   x̄ = ḡ where y = 1; -ḡ where y = -1 and x ≤ margin, else 0
    Shapes     (...), (...) of 1 and -1 -> () or, with "none", (...)
    Raises     ValueError if the shapes differ
    Example    >>> F = mg.nn.functional
               >>> F.hinge_embedding_loss(mg.tensor([0.3, 0.4]), mg.tensor([1.0, -1.0]))
               tensor(0.45)
    """
    refuse_broadcast("hinge_embedding_loss", input, target)
    apart = ops.where(target != 1, ops.clamp_min(margin - input, 0), 0.0)
    together = ops.where(target != -1, input, 0.0)
    return reduce_loss(apart + together, reduction)


@composition
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Whether the first (1) or the second (-1) of two scores is the larger one, by a margin.

    Forward    l = max(-y (x₁ - x₂) + margin, 0)
    Gradient   x̄₁ = -ḡ y where the loss is not cut off, else 0        x̄₂ = -x̄₁
    Shapes     (...), (...), (...) of 1 and -1 -> () or, with "none", (...)
    Raises     ValueError if the shapes differ
    Example    >>> F = mg.nn.functional
               >>> F.margin_ranking_loss(mg.tensor([1.0]), mg.tensor([3.0]), mg.tensor([1.0]))
               tensor(2.)
    """
    refuse_broadcast("margin_ranking_loss", input1, input2, "input2")
    refuse_broadcast("margin_ranking_loss", input1, target)
    loss = ops.clamp_min((input1 - input2) * -target + margin, 0)
    return reduce_loss(loss, reduction)


@composition
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Hinge loss of several classes: the right score above every other one, by a margin.

    Forward    lᵢ = Σ_{j ≠ y} w[y] max(margin - x[i, y] + x[i, j], 0)ᵖ / c, with y = yᵢ
    Gradient   x̄[i, j] = ḡᵢ w[y] p eᵖ⁻¹ / c where e = margin - x[i, y] + x[i, j] ≥ 0, else 0;
               x̄[i, y] = -Σ of these
    Shapes     (n, c), (n,) or (c,), () -> () or, with "none", (n,) or ()
    Raises     ValueError if p is neither 1 nor 2, or if the shapes do not go together; IndexError
               if a class is out of range; TypeError if classes are not integers
    Source     Crammer and Singer 2001
    Example    >>> mg.nn.functional.multi_margin_loss(mg.tensor([[0.5, 1.0]]), mg.tensor([0]))
               tensor(0.75)
    """
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is 1 or 2, got {p}")
    input = input if input.shape else ops.reshape(input, 1)  # one class
    axis = class_axis("multi_margin_loss", input)
    if len(input.shape) > 2:
        raise ValueError(f"multi_margin_loss: scores have shape (n, c) or (c,), got {input.shape}")
    check_weight("multi_margin_loss", input, weight, axis)
    if len(input.shape) == 1 and np.shape(target) == (1,):
        target = ops.reshape(target, ())
    labels, _ = check_classes("multi_margin_loss", input, target, axis, ignore_index=-(2**63))
    classes = input.shape[axis]
    right = pick(input, labels, None, axis, None)  # its opposite
    excess = ops.clamp_min(right[..., None] + input + margin, 0)
    if p == 2:
        excess = ops.square(excess)
    others = ops.where(noted(differing, labels, classes), excess, 0.0)
    loss = ops.sum(others, axis) / classes
    weights = weights_of(labels, None, weight)
    loss = loss if weights is None else loss * weights
    return reduce_loss(loss, reduction)


def differing(labels: Any, classes: int) -> Any:
    """Which classes are not the right one of their row."""
    return np.arange(classes) != labels[..., None]


@composition
def multilabel_margin_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Hinge loss of several right classes: each of them above every wrong one, by 1.

    target     integers of the shape of the input: the right classes of a row, then -1

    Forward    lᵢ = Σ over right j and wrong k of max(1 - x[i, j] + x[i, k], 0) / c
    Gradient   of each pair with 1 - x[i, j] + x[i, k] ≥ 0: ḡᵢ / c to x̄[i, k], -ḡᵢ / c to x̄[i, j]
    Shapes     (n, c), (n, c) or (c,), (c,) -> () or, with "none", (n,) or ()
    Raises     ValueError if the shapes differ, or for another number of axes; IndexError if a
               class is out of range; TypeError if classes are not integers
    Example    >>> x, y = mg.tensor([[0.1, 0.2, 0.4, 0.8]]), mg.tensor([[3, 0, -1, 1]])
               >>> mg.nn.functional.multilabel_margin_loss(x, y)
               tensor(0.85)
    """
    if not input.shape and not np.shape(target):  # one class
        input, target = ops.reshape(input, 1), ops.reshape(target, 1)
    classes = as_array(target)
    size = input.shape[-1] if input.shape else 0
    if len(input.shape) not in (1, 2) or classes.shape != input.shape:
        raise ValueError(
            "multilabel_margin_loss takes (n, classes) or (classes,) and a target of the same "
            f"shape, got {input.shape} and {classes.shape}"
        )
    if classes.dtype.kind not in "iu":
        raise TypeError(f"multilabel_margin_loss: classes are integers, got {classes.dtype}")
    classes, counted = noted(listed_classes, target, size)
    right = ops.take_along_dim(input, classes, -1)
    excess = ops.clamp_min(right[..., None] * -1 + input[..., None, :] + 1, 0)
    loss = ops.sum(ops.where(counted, excess, 0.0), (-1, -2)) / size
    return reduce_loss(loss, reduction)


def listed_classes(target: Any, size: int) -> tuple[Any, Any]:
    """The classes of each row, 0 behind the end; which pairs of a right and a wrong one count."""
    classes = np.asarray(target)
    if np.any((classes < -1) | (classes >= size)):
        raise IndexError(f"multilabel_margin_loss: a class is 0 ... {size - 1}, or -1 to end them")
    listed = np.logical_and.accumulate(classes >= 0, axis=-1)
    classes = np.where(listed, classes, 0)
    differs = (classes[..., None] != np.arange(size)) | ~listed[..., None]
    return classes, listed[..., None] & differs.all(-2)[..., None, :]


@composition
def soft_margin_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Logistic loss of scores against 1 and -1.

    Forward    l = log(1 + exp(-y x)), safe from overflow
    Gradient   x̄ = -ḡ y sigmoid(-y x)
    Shapes     (...), (...) of 1 and -1 -> () or, with "none", (...)
    Raises     ValueError if the shapes differ
    Source     Bishop 2006, equation 7.48
    Example    >>> F = mg.nn.functional
               >>> F.soft_margin_loss(mg.tensor([0.0, 1e4]), mg.tensor([1.0, 1.0]))
               tensor(0.3466)
    """
    refuse_broadcast("soft_margin_loss", input, target)
    loss = ops.softplus(-(input * target), 1, math.inf)
    return reduce_loss(loss, reduction)


@composition
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Logistic loss of several answers of 0 and 1 for each row, averaged over the answers.

    Forward    lᵢ = -Σ_c w[c] (y log s(x) + (1 - y) log s(-x)) / c, with s the sigmoid
    Gradient   x̄ = ḡ w (s(x) - y) / c
    Shapes     (..., c), (..., c), (c,) -> () or, with "none", (...)
    Raises     ValueError if the shapes differ
    Example    >>> F = mg.nn.functional
               >>> F.multilabel_soft_margin_loss(mg.tensor([[0.0, 1e4]]), mg.tensor([[1.0, 1.0]]))
               tensor(0.3466)
    """
    refuse_broadcast("multilabel_soft_margin_loss", input, target)
    loss = -(logsigmoid(input) * target + logsigmoid(-input) * (1 - target))
    if weight is not None:
        loss = loss * weight
    return reduce_loss(ops.mean(loss, -1), reduction)


@composition
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Angles: small for pairs that belong together (1), above a margin for others (-1).

    Forward    l = 1 - cos(x₁, x₂) where y = 1, max(cos(x₁, x₂) - margin, 0) where y = -1
    Gradient   x̄₁ = ∓ḡ (x̂₂ - cos x̂₁) / ‖x₁‖ with x̂ = x / ‖x‖: - where y = 1, + where y = -1 and
               cos ≥ margin, else 0        x̄₂ likewise
    Shapes     (n, d), (n, d), (n,) or (d,), (d,), () -> () or, with "none", (n,) or ()
    Raises     ValueError if the shapes do not go together
    Example    >>> x, y = mg.tensor([[1.0, 0.0]]), mg.tensor([[1.0, 1.0]])
               >>> mg.nn.functional.cosine_embedding_loss(x, y, mg.tensor([1.0]))
               tensor(0.2929)
    """
    refuse_broadcast("cosine_embedding_loss", input1, input2, "input2")
    y = as_array(target)
    if len(input1.shape) not in (1, 2) or y.shape != input1.shape[:-1]:
        raise ValueError(
            "cosine_embedding_loss takes vectors (n, d) or (d,) and one target for each, got "
            f"shapes {input1.shape} and {y.shape}"
        )
    cosine = cosine_of(input1, input2, -1, 1e-12)
    apart = ops.where(target == -1, ops.clamp_min(cosine - margin, 0), 0.0)
    together = ops.where(target == 1, 1 - cosine, 0.0)
    return reduce_loss(apart + together, reduction)


@composition
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Tensor:
    """An anchor nearer to a positive example than to a negative one, by a margin.

    Forward    l = max(d(a, p) - d(a, n) + margin, 0), with d the `pairwise_distance` of order `p`;
               with swap, d(a, n) is the smaller one of d(a, n) and d(p, n)
    Gradient   ḡ to d(a, p), -ḡ to d(a, n), from there by the distance; 0 where l < 0 before the max
    Shapes     (..., d), (..., d), (..., d) -> () or, with "none", (...)
    Raises     ValueError if the shapes differ, or if margin is not positive
    Source     Balntas, Riba, Ponsa and Mikolajczyk 2016
    Example    >>> a, p, n = mg.tensor([[0.0]]), mg.tensor([[1.0]]), mg.tensor([[3.0]])
               >>> mg.nn.functional.triplet_margin_loss(a, p, n, margin=3.0)
               tensor(1.)
    """

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return pairwise_distance(x, y, p, eps)

    return triplet_margin_with_distance_loss(
        anchor, positive, negative,
        distance_function=distance, margin=margin, swap=swap, reduction=reduction,
    )  # fmt: skip


@composition
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Any = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of one's own; None is the Euclidean one.

    Forward    l = max(d(a, p) - d(a, n) + margin, 0);
               with swap, d(a, n) is the smaller one of d(a, n) and d(p, n)
    Gradient   ḡ to d(a, p), -ḡ to d(a, n), from there by the distance; 0 where l < 0 before the max
    Shapes     (..., d), (..., d), (..., d) -> () or, with "none", (...)
    Raises     ValueError if the shapes differ, or if margin is not positive
    Source     Balntas, Riba, Ponsa and Mikolajczyk 2016
    Example    >>> a, p, n = mg.tensor([[0.0]]), mg.tensor([[1.0]]), mg.tensor([[3.0]])
               >>> def distance(x, y): return (x - y).square().sum(-1)
               >>> F = mg.nn.functional
               >>> F.triplet_margin_with_distance_loss(
               ...     a, p, n, distance_function=distance, margin=9.0
               ... )
               tensor(1.)
    """
    refuse_broadcast("triplet_margin_loss", anchor, positive, "positive")
    refuse_broadcast("triplet_margin_loss", anchor, negative, "negative")
    if margin <= 0:
        raise ValueError(f"triplet_margin_loss: margin is positive, got {margin}")
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    return reduce_loss(ops.clamp_min(near - far + margin, 0), reduction)
