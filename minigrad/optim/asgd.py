"""Averaged stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.creation import tensor, zeros_like
from minigrad.optim.blocks import Group
from minigrad.optim.by_parameter import ByParameter


class ASGD(ByParameter):
    """Stochastic gradient descent whose average over time is kept beside the parameters.

    With gradient g, learning rate γ (`lr`), λ (`lambd`), α, t₀ and weight decay, at step t::

        g ← g + weight_decay p
        p ← p - η (g + λ p)
        ax ← ax + μ (p - ax)
        η ← γ / (1 + λ γ t)^α        μ ← 1 / max(1, t - t₀)

    with η = γ and μ = 1 at first.  The averages are ``optimizer.state[p]["ax"]``.

    params         tensors, or dicts of tensors and options
    lr             γ ≥ 0
    lambd          λ ≥ 0
    alpha          α
    t0             when the average begins
    weight_decay   at least 0
    maximize       follow the gradient up instead of down

    Raises    ValueError for an option out of its range
    Source    Polyak and Juditsky 1992
    Example   >>> p = mg.tensor([1.0], requires_grad=True)
              >>> optimizer = mg.optim.ASGD([p], lr=0.25)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> p
              tensor([0.5], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay,
            maximize=maximize,
        )  # fmt: skip

    def move(self, p: Any, g: Any, group: Group) -> None:
        state = self.state[p]
        if not state:
            rate = scalar(group["lr"])
            state.update(step=scalar(0.0), eta=rate, mu=scalar(1.0), ax=zeros_like(p))
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p
        step, rate, share = state["step"].item() + 1, state["eta"].item(), state["mu"].item()
        p.mul_(1 - group["lambd"] * rate).sub_(rate * g)
        state["ax"].add_((p - state["ax"]) * share)
        decay = 1 + group["lambd"] * group["lr"] * step
        state["step"] = scalar(step)
        state["eta"] = scalar(group["lr"] / decay ** group["alpha"])
        state["mu"] = scalar(1 / max(1.0, step - group["t0"]))


def scalar(value: float) -> Any:
    return tensor(value, dtype=np.float64)
