"""Successive halving: many settings with little effort, and the best of them with more."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["SuccessiveHalving"]


@dataclass(frozen=True)
class SuccessiveHalving:
    """All settings train a little; the best of them go on with more, and so forth.

    budget     the argument of the training function that says how much: "epochs", "steps"
    smallest   what every setting may spend
    largest    what the last ones may spend
    factor     from rung to rung the budget grows by this, and one setting in so many goes on

    Source   Jamieson and Talwalkar, 2016, Non-stochastic best arm identification and
             hyperparameter optimization
    Raises   ValueError for a budget below 1, or a factor below 2.
    Example  >>> from minigrad.sweeps import SuccessiveHalving
             >>> SuccessiveHalving("epochs", smallest=1, largest=9, factor=3).rungs(20)
             [(1, 20), (3, 7), (9, 3)]
    """

    budget: str
    smallest: int
    largest: int
    factor: int = 3

    def __post_init__(self) -> None:
        if not 1 <= self.smallest <= self.largest:
            raise ValueError(
                f"SuccessiveHalving: budgets go from 1 upwards, got {self.smallest} to "
                f"{self.largest}"
            )
        if self.factor < 2:
            raise ValueError(f"SuccessiveHalving: factor is at least 2, got {self.factor}")

    def rungs(self, settings: int) -> list[tuple[int, int]]:
        """The budget of each rung, and how many settings it has, among so many at first."""
        budget, found = self.smallest, [(self.smallest, settings)]
        while budget < self.largest and settings > 1:
            budget = min(budget * self.factor, self.largest)
            settings = math.ceil(settings / self.factor)
            found.append((budget, settings))
        return found
