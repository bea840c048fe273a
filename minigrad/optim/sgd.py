"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.blocks import Array, Counts, Group
from minigrad.optim.optimizer import Arrays, Optimizer, require


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

    With gradient g, learning rate γ (`lr`), momentum μ, dampening τ and weight decay λ::

        g ← g + λ p
        b ← μ b + (1 - τ) g        b = g at the first step
        p ← p - γ b                with nesterov: p ← p - γ (g + μ b)

    params         tensors, or dicts of tensors and options
    lr             learning rate γ ≥ 0
    momentum       μ ≥ 0; 0: p ← p - γ g
    dampening      τ
    weight_decay   λ ≥ 0
    nesterov       look ahead; needs momentum, and no dampening
    maximize       follow the gradient up instead of down

    Raises    ValueError for an option out of its range
    Source    Sutskever, Martens, Dahl and Hinton 2013; PyTorch's form of the momentum
    Example   >>> p = mg.tensor([1.0], requires_grad=True)
              >>> optimizer = mg.optim.SGD([p], lr=0.1)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> round(p.item(), 4)
              0.8
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay,
            nesterov=nesterov, maximize=maximize,
        )  # fmt: skip

    def check(self, group: Group) -> None:
        super().check(group)
        require(
            not group["nesterov"] or (group["momentum"] > 0 and group["dampening"] == 0),
            "SGD: nesterov needs momentum > 0 and dampening = 0",
        )

    def state_names(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def coefficients(self, group: Group, counts: Counts, first: bool) -> tuple[float, ...]:
        return group["lr"], group["momentum"], 1.0 if first else 1 - group["dampening"]

    def update(self, change: Array, g: Array, state: Arrays, numbers: Arrays, group: Group) -> None:
        lr, momentum, taken = numbers
        if not state:
            np.multiply(g, lr, change)
            return
        (b,) = state
        np.multiply(b, momentum, b)
        np.add(b, np.multiply(g, taken, change) if group["dampening"] else g, b)
        if group["nesterov"]:
            b = np.add(g, np.multiply(b, momentum, change), change)
        np.multiply(b, lr, change)
