"""NAdam."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from minigrad.optim.blocks import Array, Counts, Group
from minigrad.optim.optimizer import Arrays, Optimizer


class NAdam(Optimizer):
    """Adam with Nesterov's momentum.

    At step t, with gradient g, learning rate γ (`lr`), betas β₁ and β₂, momentum decay ψ, weight
    decay λ::

        g ← g + λ p
        μₜ = β₁ (1 - ½ 0.96^(t ψ))          Mₜ = μ₁ μ₂ ... μₜ
        m ← β₁ m + (1 - β₁) g               v ← β₂ v + (1 - β₂) g²
        m̂ = μₜ₊₁ m / (1 - Mₜ₊₁) + (1 - μₜ) g / (1 - Mₜ)
        p ← p - γ m̂ / (√(v / (1 - β₂ᵗ)) + ε)

    params                   tensors, or dicts of tensors and options
    lr                       learning rate γ ≥ 0
    betas                    β₁ and β₂, in [0, 1)
    eps                      ε ≥ 0
    weight_decay             λ ≥ 0
    momentum_decay           ψ ≥ 0
    decoupled_weight_decay   p ← (1 - γ λ) p in place of the first line, as in `AdamW`
    maximize                 follow the gradient up instead of down

    Raises    ValueError for an option out of its range
    Source    Dozat 2016, algorithm 8
    Example   >>> p = mg.tensor([1.0], requires_grad=True)
              >>> optimizer = mg.optim.NAdam([p], lr=0.1)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> p.item() < 0.95
              True
    """

    scratches = 1

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
            momentum_decay=momentum_decay, decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )  # fmt: skip

    def state_names(self, group: Group) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def coefficients(self, group: Group, counts: Counts, first: bool) -> tuple[float, ...]:
        step = counts["step"] = counts.get("step", 0.0) + 1
        beta1, beta2 = group["betas"]
        decay = group["momentum_decay"]
        mu = beta1 * (1 - 0.5 * 0.96 ** (step * decay))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * decay))
        product = counts["mu_product"] = counts.get("mu_product", 1.0) * mu
        root = sqrt(1 - beta2**step)
        of_g = group["lr"] * root * (1 - mu) / (1 - product)
        of_m = group["lr"] * root * mu_next / (1 - product * mu_next)
        return beta1, 1 - beta1, beta2, 1 - beta2, of_g, of_m, group["eps"] * root

    def update(self, change: Array, g: Array, state: Arrays, numbers: Arrays, group: Group) -> None:
        beta1, beta1_rest, beta2, beta2_rest, of_g, of_m, eps = numbers
        m, v, scratch = state
        np.multiply(m, beta1, m)
        np.add(m, np.multiply(g, beta1_rest, change), m)
        np.multiply(v, beta2, v)
        np.add(v, np.multiply(np.multiply(g, g, change), beta2_rest, change), v)
        np.add(np.multiply(g, of_g, change), np.multiply(m, of_m, scratch), change)
        np.add(np.sqrt(v, scratch), eps, scratch)
        np.divide(change, scratch, change)
