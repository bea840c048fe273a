"""Adagrad."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.blocks import Array, Counts, Group
from minigrad.optim.optimizer import Arrays, Optimizer, require


class Adagrad(Optimizer):
    """Adagrad: a learning rate for each entry, by the sum of its squared gradients so far.

    At step t, with gradient g, learning rate γ (`lr`), its decay η and weight decay λ::

        g ← g + λ p
        s ← s + g²                                  at first s = initial_accumulator_value
        p ← p - γ / (1 + (t - 1) η)  g / (√s + ε)

    params                      tensors, or dicts of tensors and options
    lr                          learning rate γ ≥ 0
    lr_decay                    η ≥ 0
    weight_decay                λ ≥ 0
    initial_accumulator_value   what s starts with, ≥ 0
    eps                         ε ≥ 0
    maximize                    follow the gradient up instead of down

    Raises    ValueError for an option out of its range
    Source    Duchi, Hazan and Singer 2011
    Example   >>> p = mg.tensor([1.0], requires_grad=True)
              >>> optimizer = mg.optim.Adagrad([p], lr=0.5)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> round(p.item(), 4)
              0.5
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, eps=eps, maximize=maximize,
        )  # fmt: skip

    def check(self, group: Group) -> None:
        super().check(group)
        start = group["initial_accumulator_value"]
        require(start >= 0, f"Adagrad: initial_accumulator_value is at least 0, got {start}")

    def state_names(self, group: Group) -> tuple[str, ...]:
        return ("sum",)

    def initial(self, name: str, group: Group) -> float:
        return float(group["initial_accumulator_value"])

    def coefficients(self, group: Group, counts: Counts, first: bool) -> tuple[float, ...]:
        step = counts["step"] = counts.get("step", 0.0) + 1
        return group["lr"] / (1 + (step - 1) * group["lr_decay"]), group["eps"]

    def update(self, change: Array, g: Array, state: Arrays, numbers: Arrays, group: Group) -> None:
        lr, eps = numbers
        (s,) = state
        np.add(s, np.multiply(g, g, change), s)
        np.add(np.sqrt(s, change), eps, change)
        np.divide(g, change, change)
        np.multiply(change, lr, change)
