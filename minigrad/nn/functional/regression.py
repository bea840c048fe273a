"""Losses against numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.nn.functional.reducing import (
    as_array,
    reduce_loss,
    refuse_broadcast,
    weighted_mean,
)
from minigrad.noted import noted
from minigrad.tensor import Tensor

__all__ = [
    "gaussian_nll_loss",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
]


def mse_loss(
    input: Tensor,
    target: Tensor,
    *,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean squared error.

    Forward    l = w (x - y)²; mean: Σ l / Σ w
    Gradient   x̄ = 2 ḡ w (x - y)        ȳ = -x̄
    Shapes     (...), (...), w (...) -> () or, with "none", (...)
    Raises     ValueError if the shapes differ
    Source     Bishop 2006, equation 3.12
    Example    >>> mg.nn.functional.mse_loss(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
               tensor(2.)
    """
    refuse_broadcast("mse_loss", input, target)
    loss = ops.square(input - target)
    return weighted_mean("mse_loss", loss, weight, reduction)


@composition
def l1_loss(
    input: Tensor,
    target: Tensor,
    *,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean absolute error.

    Forward    l = w |x - y|; mean: Σ l / Σ w
    Gradient   x̄ = ḡ w sign(x - y), 0 where x = y        ȳ = -x̄
    Shapes     (...), (...), w (...) -> () or, with "none", (...)
    Raises     ValueError if the shapes differ
    Example    >>> mg.nn.functional.l1_loss(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
               tensor(1.)
    """
    refuse_broadcast("l1_loss", input, target)
    loss = ops.abs(input - target)
    return weighted_mean("l1_loss", loss, weight, reduction)


@composition
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    *,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Squared error for small differences, absolute error for large ones.

    Forward    l = ½ d² / beta where |d| < beta, else |d| - ½ beta, with d = x - y
    Gradient   x̄ = ḡ d / beta where |d| < beta, else ḡ sign(d)        ȳ = -x̄
    Shapes     (...), (...) -> () or, with "none", (...)
    Raises     ValueError if the shapes differ, or if beta is negative
    Source     Girshick 2015, equation 3
    Example    >>> mg.nn.functional.smooth_l1_loss(mg.tensor([0.5, 3.0]), mg.tensor([0.0, 0.0]))
               tensor(1.3125)
    """
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta is at least 0, got {beta}")
    refuse_broadcast("smooth_l1_loss", input, target)
    loss = ops.abs(input - target) if beta == 0 else _huber(input - target, beta) / beta
    return reduce_loss(loss, reduction)


@op(
    lambda g, difference, delta: g * np.minimum(np.maximum(difference, -delta), delta),
    notation="huber({difference})",
)
def _huber(difference: Array, delta: float) -> Array:
    """A square that goes on as a straight line.

    Forward    out = ½ d² where |d| ≤ delta, else delta (|d| - ½ delta)
                   = c (|d| - ½ c) with c = min(|d|, delta)
    Gradient   d̄ = ḡ min(max(d, -delta), delta)
    Shapes     (...) -> (...)
    """
    size = abs(difference)
    near = np.minimum(size, delta)  # large d are not squared, so they cannot overflow
    return near * (size - 0.5 * near)


@composition
def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """Squared error for small differences, absolute error, delta times, for large ones.

    Forward    l = w ½ d² where |d| ≤ delta, else w delta (|d| - ½ delta), with d = x - y;
               the mean is Σ l / n, whatever the weights
    Gradient   x̄ = ḡ w d where |d| ≤ delta, else ḡ w delta sign(d)        ȳ = -x̄
    Shapes     (...), (...), w (...) -> () or, with "none", (...)
    Raises     ValueError if the shapes differ, or if delta is not positive
    Source     Huber 1964
    Example    >>> mg.nn.functional.huber_loss(mg.tensor([0.5, 3.0]), mg.tensor([0.0, 0.0]))
               tensor(1.3125)
    """
    if delta <= 0:
        raise ValueError(f"huber_loss: delta is positive, got {delta}")
    refuse_broadcast("huber_loss", input, target)
    loss = _huber(input - target, delta)
    if weight is not None:
        refuse_broadcast("huber_loss", input, weight, "weight")
        loss = loss * weight
    return reduce_loss(loss, reduction)


@composition
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """Negative logarithmic likelihood of counts that are Poisson distributed.

    Forward    l = eˣ - y x, where x is the log of the expected count; with log_input=False
               l = x - y log(x + eps).  `full` adds log y!, by Stirling's formula, where y > 1
    Gradient   x̄ = ḡ (eˣ - y), or ḡ (1 - y / (x + eps))
    Shapes     (...), (...) -> () or, with "none", (...)
    Raises     ValueError if the shapes differ
    Example    >>> mg.nn.functional.poisson_nll_loss(mg.tensor([0.0]), mg.tensor([2.0]))
               tensor(1.)
    """
    refuse_broadcast("poisson_nll_loss", input, target)
    if log_input:
        loss = ops.exp(input) - input * target
    else:
        loss = input - ops.log(input + eps) * target
    if full:
        loss = loss + stirling(target)
    return reduce_loss(loss, reduction)


def stirling(y: Tensor) -> Tensor:
    """log y! by Stirling's formula, 0 where y ≤ 1."""
    above = y > 1
    safe = ops.where(above, y, 1.0)
    log_factorial = safe * ops.log(safe) - safe + 0.5 * ops.log(2 * math.pi * safe)
    out: Tensor = ops.where(above, log_factorial, 0.0)
    return out


def refuse_negative(var: Any) -> None:
    if (np.asarray(var) < 0).any():
        raise ValueError("gaussian_nll_loss: var holds negative numbers, a variance is at least 0")


def shortfall(var: Any, eps: float) -> Array:
    """What variances have less than `eps`."""
    return np.maximum(eps - np.asarray(var), 0)


@composition
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Negative logarithmic likelihood of numbers that are normally distributed.

    Forward    l = ½ (log v + (x - y)² / v) with v = max(var, eps); `full` adds ½ log 2π
    Gradient   x̄ = ḡ (x - y) / v        v̅ = ½ ḡ (1 / v - (x - y)² / v²), as if v were not cut off
    Shapes     (..., m), (..., m), and var of that shape, or (..., 1), (...) or a number
               -> () or, with "none", (..., m)
    Raises     ValueError if the shapes do not go together, or if a variance is negative
    Source     Nix and Weigend 1994
    Example    >>> F = mg.nn.functional
               >>> F.gaussian_nll_loss(mg.tensor([1.0]), mg.tensor([3.0]), mg.tensor([4.0]))
               tensor(1.1931)
    """
    refuse_broadcast("gaussian_nll_loss", input, target)
    if eps <= 0:
        raise ValueError(f"gaussian_nll_loss: eps is positive, got {eps}")
    noted(refuse_negative, var)
    shape = as_array(var).shape
    if shape and shape != input.shape:
        if shape == input.shape[:-1]:
            var = var[..., None]  # type: ignore[index]  # no number: it has axes
        elif shape != (*input.shape[:-1], 1):
            raise ValueError(
                f"gaussian_nll_loss: var of shape {shape} does not go with an input of shape "
                f"{input.shape}: one variance for each entry, each row, or all"
            )
    # cut off without a gradient of its own, so that a small variance can still grow
    var = var + noted(shortfall, var, eps)
    loss = 0.5 * (ops.log(var) + ops.square(input - target) / var)
    return reduce_loss(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)
