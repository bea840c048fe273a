"""Adamax."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.blocks import Array, Counts, Group
from minigrad.optim.optimizer import Arrays, Optimizer


class Adamax(Optimizer):
    """Adamax: Adam with the largest recent gradient in place of its root mean square.

    With gradient g, learning rate γ (`lr`), (β₁, β₂) = `betas` and weight decay λ, at step t::

        g ← g + λ p
        m ← β₁ m + (1 - β₁) g
        u ← max(β₂ u, |g| + ε)
        p ← p - γ / (1 - β₁ᵗ) m / u

    params         tensors, or dicts of tensors and options
    lr             γ ≥ 0
    betas          β₁ and β₂ in [0, 1)
    eps            ε ≥ 0
    weight_decay   λ ≥ 0
    maximize       follow the gradient up instead of down

    Raises    ValueError for an option out of its range
    Source    Kingma and Ba 2015, algorithm 2
    Example   >>> p = mg.tensor([1.0], requires_grad=True)
              >>> optimizer = mg.optim.Adamax([p], lr=0.25)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> p
              tensor([0.75], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize
        )

    def state_names(self, group: Group) -> tuple[str, ...]:
        return "exp_avg", "exp_inf"

    def coefficients(self, group: Group, counts: Counts, first: bool) -> tuple[float, ...]:
        counts["step"] = counts.get("step", 0.0) + 1
        beta1, beta2 = group["betas"]
        rate = group["lr"] / (1 - beta1 ** counts["step"])
        return rate, beta1, 1 - beta1, beta2, group["eps"]

    def update(self, change: Array, g: Array, state: Arrays, numbers: Arrays, group: Group) -> None:
        rate, beta1, beta1_rest, beta2, eps = numbers
        m, u = state
        np.multiply(m, beta1, m)
        np.add(m, np.multiply(g, beta1_rest, change), m)
        np.multiply(u, beta2, u)
        np.maximum(u, np.add(np.absolute(g, change), eps, change), out=u)
        np.multiply(np.divide(m, u, change), rate, change)
