"""Adadelta."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.blocks import Array, Counts, Group
from minigrad.optim.optimizer import Arrays, Optimizer, require


class Adadelta(Optimizer):
    """Adadelta: steps as long as the earlier ones were, by running root mean squares.

    With gradient g, learning rate γ (`lr`), decay ρ and weight decay λ::

        g ← g + λ p
        v ← ρ v + (1 - ρ) g²
        d = g √(u + ε) / √(v + ε)
        u ← ρ u + (1 - ρ) d²
        p ← p - γ d

    params         tensors, or dicts of tensors and options
    lr             γ ≥ 0, which scales the steps
    rho            ρ in [0, 1]
    eps            ε ≥ 0
    weight_decay   λ ≥ 0
    maximize       follow the gradient up instead of down

    Raises    ValueError for an option out of its range
    Source    Zeiler 2012, algorithm 1
    Example   >>> p = mg.tensor([1.0], requires_grad=True)
              >>> optimizer = mg.optim.Adadelta([p], rho=0.75, eps=1.0)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> round(p.item(), 4)
              -0.4142
    """

    scratches = 1

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize
        )

    def check(self, group: Group) -> None:
        super().check(group)
        require(0 <= group["rho"] <= 1, f"Adadelta: rho is in [0, 1], got {group['rho']}")

    def state_names(self, group: Group) -> tuple[str, ...]:
        return "square_avg", "acc_delta"

    def coefficients(self, group: Group, counts: Counts, first: bool) -> tuple[float, ...]:
        counts["step"] = counts.get("step", 0.0) + 1
        return group["lr"], group["rho"], 1 - group["rho"], group["eps"]

    def update(self, change: Array, g: Array, state: Arrays, numbers: Arrays, group: Group) -> None:
        lr, rho, rho_rest, eps = numbers
        v, u, scratch = state
        np.multiply(v, rho, v)
        np.add(v, np.multiply(np.multiply(g, g, change), rho_rest, change), v)
        np.sqrt(np.add(v, eps, change), change)
        np.sqrt(np.add(u, eps, scratch), scratch)
        d = np.multiply(np.divide(scratch, change, scratch), g, scratch)
        np.multiply(u, rho, u)
        np.add(u, np.multiply(np.multiply(d, d, change), rho_rest, change), u)
        np.multiply(d, lr, change)
