"""RAdam."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from minigrad.optim.blocks import Array, Counts, Group
from minigrad.optim.optimizer import Arrays, Optimizer


class RAdam(Optimizer):
    """Rectified Adam: momentum alone until the mean of the squares can be trusted.

    At step t, with gradient g, learning rate γ (`lr`), betas β₁ and β₂, and weight decay λ::

        g ← g + λ p
        m ← β₁ m + (1 - β₁) g               v ← β₂ v + (1 - β₂) g²
        ρ∞ = 2 / (1 - β₂) - 1               ρ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ)
        m̂ = m / (1 - β₁ᵗ)
        p ← p - γ m̂ r √(1 - β₂ᵗ) / (√v + ε)      if ρ > 5, else p ← p - γ m̂
        r = √((ρ - 4) (ρ - 2) ρ∞ / ((ρ∞ - 4) (ρ∞ - 2) ρ))

    params                   tensors, or dicts of tensors and options
    lr                       learning rate γ ≥ 0
    betas                    β₁ and β₂, in [0, 1)
    eps                      ε ≥ 0
    weight_decay             λ ≥ 0
    decoupled_weight_decay   p ← (1 - γ λ) p in place of the first line, as in `AdamW`
    maximize                 follow the gradient up instead of down

    Raises    ValueError for an option out of its range
    Source    Liu, Jiang, He, Chen, Liu, Gao and Han 2020, algorithm 2
    Example   >>> p = mg.tensor([1.0], requires_grad=True)
              >>> optimizer = mg.optim.RAdam([p], lr=0.1)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> round(p.item(), 4)
              0.8
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize,
        )  # fmt: skip

    def state_names(self, group: Group) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def coefficients(self, group: Group, counts: Counts, first: bool) -> tuple[float, ...]:
        step = counts["step"] = counts.get("step", 0.0) + 1
        beta1, beta2 = group["betas"]
        power = beta2**step
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * power / (1 - power)
        scale = group["lr"] / (1 - beta1**step)
        rectified = length > 5
        if rectified:
            ratio = (length - 4) * (length - 2) * longest
            ratio /= (longest - 4) * (longest - 2) * length
            scale *= sqrt(ratio * (1 - power))
        return beta1, 1 - beta1, beta2, 1 - beta2, scale, group["eps"], float(rectified)

    def update(self, change: Array, g: Array, state: Arrays, numbers: Arrays, group: Group) -> None:
        beta1, beta1_rest, beta2, beta2_rest, scale, eps, rectified = numbers
        m, v = state
        np.multiply(m, beta1, m)
        np.add(m, np.multiply(g, beta1_rest, change), m)
        np.multiply(v, beta2, v)
        np.add(v, np.multiply(np.multiply(g, g, change), beta2_rest, change), v)
        direction = m
        if rectified:
            np.add(np.sqrt(v, change), eps, change)
            direction = np.divide(m, change, change)
        np.multiply(direction, scale, change)
