"""Adam, and AdamW."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from minigrad.optim.blocks import Array, Counts, Group
from minigrad.optim.optimizer import Arrays, Optimizer


class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradient and of its square.

    At step t, with gradient g, learning rate γ (`lr`), betas β₁ and β₂, and weight decay λ::

        g ← g + λ p
        m ← β₁ m + (1 - β₁) g                v ← β₂ v + (1 - β₂) g²
        m̂ = m / (1 - β₁ᵗ)                    v̂ = v / (1 - β₂ᵗ)
        p ← p - γ m̂ / (√v̂ + ε)

    With `amsgrad`, v̂ is computed of the largest v so far.

    It is computed as p - a m / (√v + e), a = γ √(1 - β₂ᵗ) / (1 - β₁ᵗ) and e = ε √(1 - β₂ᵗ): the
    same, with the divisions taken out of the arrays.

    params                   tensors, or dicts of tensors and options
    lr                       learning rate γ ≥ 0
    betas                    β₁ and β₂, in [0, 1)
    eps                      ε ≥ 0
    weight_decay             λ ≥ 0
    amsgrad                  let v̂ never shrink
    maximize                 follow the gradient up instead of down
    decoupled_weight_decay   p ← (1 - γ λ) p in place of the first line: `AdamW`

    Raises    ValueError for an option out of its range
    Source    Kingma and Ba 2015, algorithm 1; amsgrad: Reddi, Kale and Kumar 2018
    Example   >>> p = mg.tensor([1.0], requires_grad=True)
              >>> optimizer = mg.optim.Adam([p], lr=0.1)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> round(p.item(), 4)
              0.9
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad,
            maximize=maximize, decoupled_weight_decay=decoupled_weight_decay,
        )  # fmt: skip

    def state_names(self, group: Group) -> tuple[str, ...]:
        if group["amsgrad"]:
            return "exp_avg", "exp_avg_sq", "max_exp_avg_sq"
        return "exp_avg", "exp_avg_sq"

    def coefficients(self, group: Group, counts: Counts, first: bool) -> tuple[float, ...]:
        step = counts["step"] = counts.get("step", 0.0) + 1
        beta1, beta2 = group["betas"]
        root = sqrt(1 - beta2**step)
        scale = group["lr"] * root / (1 - beta1**step)
        return beta1, 1 - beta1, beta2, 1 - beta2, scale, group["eps"] * root

    def update(self, change: Array, g: Array, state: Arrays, numbers: Arrays, group: Group) -> None:
        beta1, beta1_rest, beta2, beta2_rest, scale, eps = numbers
        m, v = state[:2]
        np.multiply(m, beta1, m)
        np.add(m, np.multiply(g, beta1_rest, change), m)
        np.multiply(v, beta2, v)
        np.multiply(np.multiply(g, g, change), beta2_rest, change)
        np.add(v, change, v)
        if group["amsgrad"]:
            v = np.maximum(state[2], v, out=state[2])
        np.add(np.sqrt(v, change), eps, change)
        np.divide(m, change, change)
        np.multiply(change, scale, change)


class AdamW(Adam):
    """Adam with the weight decay taken out of the gradient.

    As `Adam`, but instead of g ← g + λ p, before the update::

        p ← p - γ λ p

    so that the decay is not scaled by the running means.

    params         tensors, or dicts of tensors and options
    lr             learning rate γ ≥ 0
    betas          β₁ and β₂, in [0, 1)
    eps            ε ≥ 0
    weight_decay   λ ≥ 0
    amsgrad        let v̂ never shrink
    maximize       follow the gradient up instead of down

    Raises    ValueError for an option out of its range
    Source    Loshchilov and Hutter 2019, algorithm 2
    Example   >>> p = mg.tensor([1.0], requires_grad=True)
              >>> optimizer = mg.optim.AdamW([p], lr=0.1, weight_decay=0.1)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> round(p.item(), 4)
              0.89
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad,
            maximize=maximize, decoupled_weight_decay=True,
        )  # fmt: skip
