"""Lion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.blocks import Array, Counts, Group
from minigrad.optim.optimizer import Arrays, Optimizer


class Lion(Optimizer):
    """Lion: every entry moves by the learning rate, in the direction of a sign.

    With gradient g, learning rate γ (`lr`), betas β₁ and β₂, and weight decay λ::

        p ← p - γ λ p
        p ← p - γ sign(β₁ m + (1 - β₁) g)
        m ← β₂ m + (1 - β₂) g

    params         tensors, or dicts of tensors and options
    lr             learning rate γ ≥ 0; a third to a tenth of Adam's
    betas          β₁ and β₂, in [0, 1)
    weight_decay   λ ≥ 0
    maximize       follow the gradient up instead of down

    Raises    ValueError for an option out of its range
    Source    Chen, Liang, Huang, Real and others 2023, algorithm 2
    Example   >>> p = mg.tensor([1.0], requires_grad=True)
              >>> optimizer = mg.optim.Lion([p], lr=0.1)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> round(p.item(), 4)
              0.9
    """

    scratches = 1

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, weight_decay=weight_decay, decoupled_weight_decay=True,
            maximize=maximize,
        )  # fmt: skip

    def state_names(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg",)

    def coefficients(self, group: Group, counts: Counts, first: bool) -> tuple[float, ...]:
        beta1, beta2 = group["betas"]
        return group["lr"], beta1, 1 - beta1, beta2, 1 - beta2

    def update(self, change: Array, g: Array, state: Arrays, numbers: Arrays, group: Group) -> None:
        lr, beta1, beta1_rest, beta2, beta2_rest = numbers
        m, scratch = state
        np.add(np.multiply(m, beta1, change), np.multiply(g, beta1_rest, scratch), change)
        np.multiply(np.sign(change, change), lr, change)
        np.multiply(m, beta2, m)
        np.add(m, np.multiply(g, beta2_rest, scratch), m)
