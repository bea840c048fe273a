"""Learning rates that follow a formula."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minigrad.optim.blocks import Group
from minigrad.optim.optimizer import Optimizer, require
from minigrad.optim.scheduling import LRScheduler

__all__ = [
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "PolynomialLR",
    "StepLR",
]  # fmt: skip


class StepLR(LRScheduler):
    """γ falls by a factor every `step_size` epochs: γₜ = γ₀ gamma^⌊t / step_size⌋.

    Example   >>> p = mg.tensor([0.0], requires_grad=True)
              >>> optimizer = mg.optim.SGD([p], lr=1.0)
              >>> scheduler = mg.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
              >>> rates = []
              >>> for _ in range(5):
              ...     rates += scheduler.get_last_lr()
              ...     optimizer.step()
              ...     scheduler.step()
              >>> rates
              [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        require(step_size > 0, f"StepLR: step_size is positive, got {step_size}")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        return lr * self.gamma if t and t % self.step_size == 0 else lr


class MultiStepLR(LRScheduler):
    """γ falls by a factor `gamma` at each of the `milestones`; one given twice counts twice.

    Example  >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
             >>> scheduler = mg.optim.lr_scheduler.MultiStepLR(optimizer, [1, 3], gamma=0.5)
             >>> rates = []
             >>> for _ in range(5):
             ...     rates += [round(rate, 4) for rate in scheduler.get_last_lr()]
             ...     optimizer.step()
             ...     scheduler.step()
             >>> rates
             [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        return lr * self.gamma ** self.milestones[t] if t in self.milestones else lr


class ConstantLR(LRScheduler):
    """γ is scaled by `factor` until `total_iters`: γₜ = γ₀ factor, then γ₀.

    Raises    ValueError if factor is not in [0, 1].
    Example   >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
              >>> scheduler = mg.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
              >>> rates = []
              >>> for _ in range(4):
              ...     rates += [round(rate, 4) for rate in scheduler.get_last_lr()]
              ...     optimizer.step()
              ...     scheduler.step()
              >>> rates
              [0.5, 0.5, 1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        require(0 <= factor <= 1, f"ConstantLR: factor is in [0, 1], got {factor}")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        if t == 0:
            return lr * self.factor
        return lr * (1 / self.factor) if t == self.total_iters else lr


class LinearLR(LRScheduler):
    """γₜ = γ₀ (start + (end - start) t / T), for t up to T = `total_iters`; then γ₀ end.

    start_factor   start, in (0, 1]
    end_factor     end, in [0, 1]

    Raises    ValueError for factors out of their range.
    Example   >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
              >>> scheduler = mg.optim.lr_scheduler.LinearLR(optimizer, 0.5, total_iters=2)
              >>> rates = []
              >>> for _ in range(4):
              ...     rates += [round(rate, 4) for rate in scheduler.get_last_lr()]
              ...     optimizer.step()
              ...     scheduler.step()
              >>> rates
              [0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        require(0 < start_factor <= 1, f"LinearLR: start_factor is in (0, 1], got {start_factor}")
        require(0 <= end_factor <= 1, f"LinearLR: end_factor is in [0, 1], got {end_factor}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        if t == 0:
            return lr * self.start_factor
        if t > self.total_iters:
            return lr
        rise = self.end_factor - self.start_factor
        return lr * (1 + rise / (self.total_iters * self.start_factor + (t - 1) * rise))


class ExponentialLR(LRScheduler):
    """γₜ = γ₀ gammaᵗ.

    Example  >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
             >>> scheduler = mg.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
             >>> rates = []
             >>> for _ in range(4):
             ...     rates += [round(rate, 4) for rate in scheduler.get_last_lr()]
             ...     optimizer.step()
             ...     scheduler.step()
             >>> rates
             [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        return lr * self.gamma if t else lr


class PolynomialLR(LRScheduler):
    """γₜ = γ₀ (1 - t / T)^power, for t up to T = `total_iters`; then 0.

    Example  >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
             >>> scheduler = mg.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4)
             >>> rates = []
             >>> for _ in range(5):
             ...     rates += [round(rate, 4) for rate in scheduler.get_last_lr()]
             ...     optimizer.step()
             ...     scheduler.step()
             >>> rates
             [1.0, 0.75, 0.5, 0.25, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        if t == 0 or t > self.total_iters:
            return lr
        left, before = 1 - t / self.total_iters, 1 - (t - 1) / self.total_iters
        return float(lr * (left / before) ** self.power)


class CosineAnnealingLR(LRScheduler):
    """γₜ = η + (γ₀ - η) (1 + cos(π t / T)) / 2: down along half a cosine, and up again.

    T_max      T, where γ is lowest
    eta_min    η, the lowest γ

    Raises    ValueError if T_max is not positive.
    Source    Loshchilov and Hutter 2017, without restarts
    Example   >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
              >>> scheduler = mg.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
              >>> rates = []
              >>> for _ in range(5):
              ...     rates += [round(rate, 4) for rate in scheduler.get_last_lr()]
              ...     optimizer.step()
              ...     scheduler.step()
              >>> rates
              [1.0, 0.8536, 0.5, 0.1464, 0.0]
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        require(T_max > 0, f"CosineAnnealingLR: T_max is positive, got {T_max}")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        if t == 0:
            return lr
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:  # γ was at η: no ratio to η exists
            return lr + (base - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2
        now, before = (1 + math.cos(math.pi * u / self.T_max) for u in (t, t - 1))
        return self.eta_min + (lr - self.eta_min) * now / before


class CosineAnnealingWarmRestarts(LRScheduler):
    """γ falls along half a cosine and jumps back to γ₀; with τ the time since the last jump::

        γ = η + (γ₀ - η) (1 + cos(π τ / Tᵢ)) / 2        Tᵢ₊₁ = T_mult Tᵢ

    T_0        length of the first cycle
    T_mult     how much longer each cycle is than the one before
    eta_min    η, the lowest γ

    Raises    ValueError if T_0 or T_mult is not a positive integer.
    Source    Loshchilov and Hutter 2017
    Example   >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
              >>> scheduler = mg.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
              >>> rates = []
              >>> for _ in range(5):
              ...     rates += [round(rate, 4) for rate in scheduler.get_last_lr()]
              ...     optimizer.step()
              ...     scheduler.step()
              >>> rates
              [1.0, 0.5, 1.0, 0.5, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            require(
                isinstance(value, int) and value > 0,
                f"CosineAnnealingWarmRestarts: {name} is a positive integer, got {value}",
            )
        self.T_0 = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def next(self, group: Group, lr: float, base: float, t: float) -> float:
        since, length = self.cycle(t)
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * since / length)) / 2

    def cycle(self, t: float) -> tuple[float, int]:
        """How long ago the cycle of time `t` began, and its length."""
        length = self.T_0
        if self.T_mult == 1:
            return t % length, length
        while t >= length:
            t -= length
            length *= self.T_mult
        return t, length

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next time, or to the time `epoch`, which may be between two integers.

        Raises    ValueError if `epoch` is negative.
        """
        if epoch is None:
            super().step()
            return
        require(epoch >= 0, f"CosineAnnealingWarmRestarts: epoch is at least 0, got {epoch}")
        self.last_epoch = math.floor(epoch)
        self.set([self.next(g, g["lr"], base, epoch) for g, base in self.groups()])


class OfFunctions(LRScheduler):
    """Base of those that take a function of time for each group."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        number = len(optimizer.param_groups)
        functions = [lr_lambda] * number if callable(lr_lambda) else list(lr_lambda)
        require(
            len(functions) == number,
            f"{type(self).__name__}: {len(functions)} functions for {number} groups of parameters",
        )
        self.lr_lambdas = functions
        super().__init__(optimizer, last_epoch)

    def function_of(self, group: Group) -> Callable[[int], float]:
        position = next(i for i, g in enumerate(self.optimizer.param_groups) if g is group)
        return self.lr_lambdas[position]

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        del state["lr_lambdas"]
        return state


class LambdaLR(OfFunctions):
    """γₜ = γ₀ f(t), for a function f, or a list with one function for each group.

    Raises    ValueError if the list does not have one function for each group.
    Example   >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
              >>> scheduler = mg.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 0.9**t)
              >>> rates = []
              >>> for _ in range(3):
              ...     rates += [round(rate, 4) for rate in scheduler.get_last_lr()]
              ...     optimizer.step()
              ...     scheduler.step()
              >>> rates
              [1.0, 0.9, 0.81]
    """

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        return base * self.function_of(group)(t)


class MultiplicativeLR(OfFunctions):
    """γₜ = γₜ₋₁ f(t) from t = 1 on, for a function f, or a list with one function for each group.

    Raises    ValueError if the list does not have one function for each group.
    Example   >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
              >>> scheduler = mg.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda t: 0.5)
              >>> rates = []
              >>> for _ in range(3):
              ...     rates += scheduler.get_last_lr()
              ...     optimizer.step()
              ...     scheduler.step()
              >>> rates
              [1.0, 0.5, 0.25]
    """

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        return lr * self.function_of(group)(t) if t else lr
