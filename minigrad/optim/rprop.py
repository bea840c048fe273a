"""Rprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.optim.blocks import Array, Counts, Group
from minigrad.optim.optimizer import Arrays, Optimizer, require


class Rprop(Optimizer):
    """Resilient backpropagation: each entry has a step of its own, and only signs count.

    With gradient g and the one before, h, (η₋, η₊) = `etas`::

        s ← s η₊ where g h > 0, s η₋ where g h < 0, within step_sizes
        g ← 0 where g h < 0
        p ← p - sign(g) s
        h ← g

    params         tensors, or dicts of tensors and options
    lr             s at first
    etas           0 < η₋ < 1 < η₊
    step_sizes     the least and the greatest s
    maximize       follow the gradient up instead of down

    Raises    ValueError for an option out of its range
    Source    Riedmiller and Braun 1993
    Example   >>> p = mg.tensor([1.0], requires_grad=True)
              >>> optimizer = mg.optim.Rprop([p], lr=0.25)
              >>> (p * p).sum().backward()
              >>> optimizer.step()
              >>> p
              tensor([0.75], requires_grad=True)
    """

    scratches = 1

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, etas=etas, step_sizes=step_sizes, maximize=maximize)

    def check(self, group: Group) -> None:
        super().check(group)
        less, more = group["etas"]
        require(0 < less < 1 < more, f"Rprop: etas are 0 < η₋ < 1 < η₊, got {group['etas']}")

    def state_names(self, group: Group) -> tuple[str, ...]:
        return "prev", "step_size"

    def initial(self, name: str, group: Group) -> float:
        return float(group["lr"]) if name == "step_size" else 0.0

    def coefficients(self, group: Group, counts: Counts, first: bool) -> tuple[float, ...]:
        counts["step"] = counts.get("step", 0.0) + 1
        return (*group["etas"], *group["step_sizes"])

    def update(self, change: Array, g: Array, state: Arrays, numbers: Arrays, group: Group) -> None:
        less, more, least, greatest = numbers
        previous, size, scratch = state
        agreement = np.multiply(np.sign(g, change), np.sign(previous, scratch), scratch)
        np.multiply(size, more, out=size, where=agreement > 0)
        np.multiply(size, less, out=size, where=agreement < 0)
        np.clip(size, least, greatest, out=size)
        np.copyto(previous, g)
        np.copyto(previous, 0, where=agreement < 0)
        np.multiply(np.sign(previous, change), size, change)
