"""Losses against classes, and against probabilities."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.calls import Array
from minigrad.composition import composition
from minigrad.modes import recording
from minigrad.nn.functional.reducing import (
    as_array,
    constant_like,
    reduce_loss,
    refuse_broadcast,
)
from minigrad.noted import noted
from minigrad.ops.neural import _bce, _bce_with_logits
from minigrad.tensor import Tensor

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "kl_div",
    "nll_loss",
]


@composition
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy between scores (logits) and classes, or probabilities of classes.

    Forward    lᵢ = -w[yᵢ] log softmax(xᵢ)[yᵢ]              for classes yᵢ
               lᵢ = -Σ_c w[c] p[i, c] log softmax(xᵢ)[c]    for probabilities p
               mean: Σ lᵢ / Σ w[yᵢ] for classes, Σ lᵢ / n for probabilities.  Rows with class
               `ignore_index` count for nothing.  With label_smoothing ε, p is
               (1 - ε) onehot(y) + ε / c
    Gradient   x̄ᵢ = ḡᵢ (softmax(xᵢ) - pᵢ), for w = 1
    Shapes     (c,), (n, c) or (n, c, d₁, ...), with classes (), (n,) or (n, d₁, ...), or with
               probabilities of the shape of the input -> () or, with "none", the shape of classes
    Raises     IndexError if a class is out of range; TypeError if classes are not integers;
               ValueError if the shapes do not go together
    Source     Bishop 2006, equation 4.108; Szegedy et al. 2016, section 7 (label smoothing)
    Example    >>> mg.nn.functional.cross_entropy(mg.tensor([[2.0, 0.0]]), mg.tensor([0]))
               tensor(0.1269)
    """
    if weight is None and reduction == "mean" and ignore_index < 0 and label_smoothing == 0:
        try:
            return ops.cross_entropy(input, target, ignore_index)
        except (AttributeError, TypeError, ValueError):
            pass  # not a plain row of classes: the rest of this function, and its messages
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing is within 0 ... 1, got {label_smoothing}")
    axis = class_axis("cross_entropy", input)
    check_weight("cross_entropy", input, weight, axis)
    log_probabilities = ops.log_softmax(input, axis)
    given = as_array(target)
    if given.dtype.kind == "f" and given.shape == input.shape:
        return soft_cross_entropy(
            log_probabilities, target, weight, axis, ignore_index, reduction, label_smoothing
        )
    labels, kept = check_classes("cross_entropy", input, target, axis, ignore_index)
    weights = weights_of(labels, kept, weight)
    loss = pick(log_probabilities, labels, kept, axis, weights)
    if label_smoothing == 0:
        return reduce_weighted(loss, weights, kept, reduction)
    uniform = -log_probabilities
    if weight is not None:
        uniform = uniform * along(weight, axis, len(input.shape))
    uniform = ops.sum(uniform, axis)
    if kept is not None:
        uniform = ops.where(kept, uniform, 0.0)
    share = label_smoothing / input.shape[axis]
    return reduce_weighted(loss * (1 - label_smoothing) + uniform * share, weights, kept, reduction)


def refuse_nan(target: Array) -> None:
    if np.isnan(target).any():
        raise ValueError("cross_entropy: the probabilities in target hold NaN")


def soft_cross_entropy(
    log_probabilities: Tensor,
    target: Tensor,
    weight: Tensor | None,
    axis: int,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
) -> Tensor:
    """Cross-entropy against probabilities of classes."""
    if ignore_index >= 0:
        raise ValueError("cross_entropy: ignore_index is for classes, not for probabilities")
    noted(refuse_nan, target)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / target.shape[axis]
    if weight is not None:
        target = target * along(weight, axis, len(target.shape))
    return reduce_loss(-ops.sum(log_probabilities * target, axis), reduction)


@composition
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Negative logarithmic likelihood: of log-probabilities, the one of the right class.

    Forward    lᵢ = -w[yᵢ] x[i, yᵢ]; mean: Σ lᵢ / Σ w[yᵢ].  Rows with class `ignore_index` count
               for nothing
    Gradient   x̄[i, yᵢ] = -w[yᵢ] ḡᵢ, zero elsewhere
    Shapes     (c,), (n, c) or (n, c, d₁, ...) with classes (), (n,) or (n, d₁, ...) -> () or, with
               "none", the shape of classes
    Raises     IndexError if a class is out of range; TypeError if classes are not integers;
               ValueError if the shapes do not go together
    Source     Bishop 2006, equation 4.108
    Example    >>> mg.nn.functional.nll_loss(mg.tensor([[-0.5, -1.0]]), mg.tensor([1]))
               tensor(1.)
    """
    axis = class_axis("nll_loss", input)
    check_weight("nll_loss", input, weight, axis)
    labels, kept = check_classes("nll_loss", input, target, axis, ignore_index)
    weights = weights_of(labels, kept, weight)
    return reduce_weighted(pick(input, labels, kept, axis, weights), weights, kept, reduction)


def class_axis(name: str, input: Any) -> int:
    """Which axis of `input` holds the classes."""
    shape = getattr(input, "shape", None)
    if shape is None:
        raise TypeError(f"{name} takes a tensor of scores, got {type(input).__name__}")
    if not shape:
        raise ValueError(f"{name} takes scores of shape (c,), (n, c) or (n, c, ...), got a number")
    return 0 if len(shape) == 1 else 1


def check_weight(name: str, input: Any, weight: Any, axis: int) -> None:
    if weight is not None and tuple(weight.shape) != (input.shape[axis],):
        raise ValueError(
            f"{name}: weight has one number for each of {input.shape[axis]} classes, "
            f"got shape {tuple(weight.shape)}"
        )


def check_classes(
    name: str, input: Any, target: Any, axis: int, ignore_index: int
) -> tuple[Array, Array | None]:
    """The classes as an array, with 0 for those to ignore, and which are kept (None: all).

    Raises   ValueError for a wrong shape, TypeError for labels that are not integers, IndexError
             for a class that does not exist.
    """
    labels = as_array(target)
    classes = input.shape[axis]
    shape = input.shape[:axis] + input.shape[axis + 1 :]
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"{name}: classes are integers of shape {shape}, got {labels.dtype} of shape "
            f"{labels.shape}" + (", with NaN in it" if has_nan(labels) else "")
            + ("; the input comes first, then the classes: were they exchanged?"
               if input.dtype.kind in "iu" else
               f"; probabilities of classes have the shape of the input, {input.shape}"
               if name == "cross_entropy" else "")
        )  # fmt: skip
    if labels.shape != shape:
        fits = math.prod(shape) == labels.size
        remedy = f": use target.reshape({', '.join(map(str, shape))})" if fits and shape else ""
        if labels.shape == input.shape:
            remedy = f": is target one-hot? target.argmax({axis}) gives the classes"
        raise ValueError(
            f"{name}: scores of shape {input.shape} go with classes of shape {shape}, "
            f"got {labels.shape}{remedy}"
        )
    traced = recording.trace is not None
    found: tuple[Array, Array | None] = noted(
        classes_of, name, target, classes, ignore_index, traced
    )
    return found


def classes_of(
    name: str, target: Any, classes: int, ignore_index: int, always: bool
) -> tuple[Array, Array | None]:
    """The classes, with 0 for those to ignore, and which are kept; None for all, unless `always`.

    Raises   IndexError for a class that does not exist.
    """
    labels, kept = np.asarray(target), None
    ignored = labels == ignore_index
    if always or ignored.any():
        kept = ~ignored
        labels = np.where(kept, labels, 0)
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        raise IndexError(
            f"{name}: class {labels[wrong].flat[0]} is out of range, there are {classes} classes: "
            f"0 ... {classes - 1}"
        )
    return labels, kept


def has_nan(array: Array) -> bool:
    return array.dtype.kind == "f" and bool(np.isnan(array).any())


def weights_of(labels: Array, kept: Array | None, weight: Any) -> Any:
    """The weight of each row's class, zero for rows to ignore; None if all are 1."""
    if weight is None:
        return None
    return noted(weights_at, weight, labels, kept)


def weights_at(weight: Any, labels: Array, kept: Array | None) -> Array:
    weights = np.asarray(weight)[labels]
    return weights if kept is None else np.where(kept, weights, 0)


def pick(x: Any, labels: Array, kept: Array | None, axis: int, weights: Any) -> Any:
    """-w x at the class of each row, zero for rows to ignore."""
    picked = -ops.take(x, noted(positions_of, labels, axis, x.shape))
    if kept is not None:
        picked = ops.where(kept, picked, 0.0)
    return picked if weights is None else picked * weights


def positions_of(labels: Array, axis: int, shape: tuple[int, ...]) -> Array:
    """The row-major positions of the classes, which lie along `axis`."""
    where = list(np.indices(labels.shape, sparse=True))
    where.insert(axis, labels)
    return np.ravel_multi_index(tuple(where), shape)


def reduce_weighted(loss: Any, weights: Any, kept: Any, reduction: str) -> Tensor:
    """`reduce_loss`, where the mean is weighted by the weights of the classes."""
    if reduction != "mean" or (weights is None and kept is None):
        return reduce_loss(loss, reduction)
    total = noted(total_of, kept if weights is None else weights, loss.dtype)
    mean: Tensor = ops.sum(loss) / total
    return mean


def total_of(weights: Array, dtype: Any) -> Array:
    """The sum of the weights, to divide by; NaN if it is 0."""
    return np.asarray(np.sum(weights) or math.nan, dtype)


def along(weight: Any, axis: int, ndim: int) -> Any:
    """A vector as an array with `ndim` axes that lies along `axis`."""
    return weight[(slice(None), *[None] * (ndim - axis - 1))]


@composition
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Cross-entropy between probabilities and answers in 0 ... 1.

    Forward    l = -w (y log x + (1 - y) log(1 - x)), with logarithms not below -100
    Gradient   x̄ = ḡ w (x - y) / max(x (1 - x), 1e-12)
    Shapes     (...), (...), w broadcast to (...) -> () or, with "none", (...)
    Raises     ValueError if the shapes differ, or if an entry of input is not within 0 ... 1
    Source     Bishop 2006, equation 4.90
    Example    >>> mg.nn.functional.binary_cross_entropy(mg.tensor([0.5]), mg.tensor([1.0]))
               tensor(0.6931)
    """
    refuse_broadcast("binary_cross_entropy", input, target)
    noted(refuse_improbable, input)
    loss = _bce(input, constant_like(target, input))
    return reduce_loss(loss if weight is None else loss * weight, reduction)


def refuse_improbable(input: Any) -> None:
    x = np.asarray(input)
    if x.size and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(
            "binary_cross_entropy takes probabilities within 0 ... 1, got numbers from "
            f"{x.min():g} to {x.max():g}; for scores use binary_cross_entropy_with_logits"
        )


@composition
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Cross-entropy between scores, of which the sigmoid is a probability, and answers in 0 ... 1.

    Forward    l = w (p y softplus(-x) + (1 - y) softplus(x)), with p = pos_weight
    Gradient   x̄ = ḡ w ((1 - y) sigmoid(x) - p y sigmoid(-x))
    Shapes     (...), (...), w and p broadcast to (...) -> () or, with "none", (...)
    Raises     ValueError if the shapes differ
    Source     Bishop 2006, equation 4.90
    Example    >>> F = mg.nn.functional
               >>> F.binary_cross_entropy_with_logits(mg.tensor([0.0, 1e4]), mg.tensor([1.0, 1.0]))
               tensor(0.3466)
    """
    refuse_broadcast("binary_cross_entropy_with_logits", input, target)
    loss = _bce_with_logits(input, constant_like(target, input), pos_weight)
    return reduce_loss(loss if weight is None else loss * weight, reduction)


@composition
def kl_div(
    input: Tensor,
    target: Tensor,
    *,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence of log-probabilities from probabilities.

    Forward    l = y (log y - x), which is 0 at y = 0; with log_target, l = eʸ (y - x).
               "batchmean": Σ l / n, which is the divergence; "mean" divides by all entries
    Gradient   x̄ = -ḡ y        ȳ = ḡ (log y + 1 - x)
    Shapes     (n, ...), (n, ...) -> () or, with "none", (n, ...)
    Raises     ValueError if the shapes differ
    Source     Kullback and Leibler 1951
    Example    >>> x, y = mg.tensor([[0.5, 0.5]]).log(), mg.tensor([[0.0, 1.0]])
               >>> mg.nn.functional.kl_div(x, y, reduction="batchmean")
               tensor(0.6931)
    """
    refuse_broadcast("kl_div", input, target)
    if reduction == "mean":
        warnings.warn(
            'kl_div: reduction="mean" divides by the number of all entries; the divergence is what '
            '"batchmean" gives',
            stacklevel=2,
        )
    if log_target:
        loss = (target - input) * ops.exp(target)
    else:
        # where y is 0 nothing is expected, and x, the log of a probability, may be -inf
        expected = ops.where(target == 0, 0.0, input)
        loss = ops.xlogy(target, target) - expected * target
    if reduction == "batchmean":
        return ops.sum(loss) / max(loss.shape[0], 1) if loss.shape else ops.sum(loss)
    return reduce_loss(loss, reduction)
