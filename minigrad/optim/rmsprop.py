"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.blocks import Array, Counts, Group
from minigrad.optim.optimizer import Arrays, Optimizer, require


class RMSprop(Optimizer):
    """RMSprop: the gradient divided by a running root mean square of itself.

    With gradient g, learning rate γ (`lr`), decay α, momentum μ and weight decay λ::

        g ← g + λ p
        v ← α v + (1 - α) g²
        d = g / (√v + ε)             centered: √(v - a²) in place of √v, where a ← α a + (1 - α) g
        p ← p - γ d                  with momentum: b ← μ b + d, p ← p - γ b

    params         tensors, or dicts of tensors and options
    lr             learning rate γ ≥ 0
    alpha          α in [0, 1)
    eps            ε ≥ 0
    weight_decay   λ ≥ 0
    momentum       μ ≥ 0
    centered       divide by a running standard deviation instead
    maximize       follow the gradient up instead of down

    Raises    ValueError for an option out of its range
    Source    Tieleman and Hinton 2012, lecture 6.5; centered: Graves 2013
    Example   >>> p = mg.tensor([1.0], requires_grad=True)
              >>> optimizer = mg.optim.RMSprop([p], lr=0.1, alpha=0.75)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> round(p.item(), 4)
              0.8
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum,
            centered=centered, maximize=maximize,
        )  # fmt: skip

    def check(self, group: Group) -> None:
        super().check(group)
        require(0 <= group["alpha"] < 1, f"RMSprop: alpha is in [0, 1), got {group['alpha']}")

    def state_names(self, group: Group) -> tuple[str, ...]:
        momentum = ("momentum_buffer",) if group["momentum"] else ()
        return ("square_avg", *momentum, *(("grad_avg",) if group["centered"] else ()))

    def coefficients(self, group: Group, counts: Counts, first: bool) -> tuple[float, ...]:
        counts["step"] = counts.get("step", 0.0) + 1
        alpha = group["alpha"]
        return group["lr"], alpha, 1 - alpha, group["eps"], group["momentum"]

    def update(self, change: Array, g: Array, state: Arrays, numbers: Arrays, group: Group) -> None:
        lr, alpha, alpha_rest, eps, momentum = numbers
        v = state[0]
        np.multiply(v, alpha, v)
        np.add(v, np.multiply(np.multiply(g, g, change), alpha_rest, change), v)
        if group["centered"]:
            mean = state[-1]
            np.multiply(mean, alpha, mean)
            np.add(mean, np.multiply(g, alpha_rest, change), mean)
            v = np.subtract(v, np.multiply(mean, mean, change), change)
        np.add(np.sqrt(v, change), eps, change)
        d = np.divide(g, change, change)
        if group["momentum"]:
            b = state[1]
            d = np.add(np.multiply(b, momentum, b), d, b)
        np.multiply(d, lr, change)
