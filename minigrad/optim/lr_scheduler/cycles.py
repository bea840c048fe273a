"""Learning rates that rise and fall."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from minigrad.optim.blocks import Group
from minigrad.optim.optimizer import Optimizer, require
from minigrad.optim.scheduling import LRScheduler

__all__ = ["CyclicLR", "OneCycleLR"]


class OneCycleLR(LRScheduler):
    """γ rises to `max_lr` and falls to nearly nothing, once; the momentum falls and rises.

    It starts at max_lr / div_factor, and ends at that divided by final_div_factor. `step` is called
    after every batch.

    max_lr             the highest γ; a number, or one for each group
    total_steps        how many steps there are; or `epochs` and `steps_per_epoch`
    pct_start          share of the steps in which γ rises
    anneal_strategy    "cos" or "linear"
    cycle_momentum     whether momentum (or the first of the betas) moves between max_momentum and
                       base_momentum, against γ
    three_phase        fall to the initial γ as fast as it rose, and then on

    Raises    ValueError for options out of their range, an optimizer without momentum, or a step
              too many.
    Source    Smith and Topin 2018
    Example   >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
              >>> scheduler = mg.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=5)
              >>> rates = []
              >>> for _ in range(5):
              ...     rates += [round(rate, 4) for rate in scheduler.get_last_lr()]
              ...     optimizer.step()
              ...     scheduler.step()
              >>> rates
              [0.04, 0.9505, 0.6113, 0.1883, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            require(
                epochs is not None and steps_per_epoch is not None,
                "OneCycleLR: give total_steps, or epochs and steps_per_epoch",
            )
            total_steps = (epochs or 0) * (steps_per_epoch or 0)
        require(total_steps > 0, f"OneCycleLR: there is at least one step, got {total_steps}")
        require(0 <= pct_start <= 1, f"OneCycleLR: pct_start is in [0, 1], got {pct_start}")
        require(
            anneal_strategy in ("cos", "linear"),
            f'OneCycleLR: anneal_strategy is "cos" or "linear", got {anneal_strategy!r}',
        )
        number = len(optimizer.param_groups)
        highest = [max_lr] * number if isinstance(max_lr, (int, float)) else list(max_lr)
        require(len(highest) == number, f"OneCycleLR: {len(highest)} max_lr for {number} groups")
        self.momentum = None
        if cycle_momentum:
            self.momentum = "betas" if "betas" in optimizer.defaults else "momentum"
            require(
                self.momentum in optimizer.defaults,
                "OneCycleLR: this optimizer has no momentum; pass cycle_momentum=False",
            )
        self.total_steps = total_steps
        self.anneal_strategy = anneal_strategy
        # where a phase ends, from which γ to which, and from which momentum to which
        rising = pct_start * total_steps - 1
        up = [rising, "initial_lr", "max_lr", "max_momentum", "base_momentum"]
        if three_phase:
            down = [2 * rising, "max_lr", "initial_lr", "base_momentum", "max_momentum"]
            out = [total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"]
            self.phases: list[Any] = [up, down, out]
        else:
            down = [total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"]
            self.phases = [up, down]
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, highest):
                group["max_lr"] = rate
                group["initial_lr"] = rate / div_factor
                group["min_lr"] = group["initial_lr"] / final_div_factor
                if cycle_momentum:
                    group["max_momentum"] = max_momentum
                    group["base_momentum"] = base_momentum
        super().__init__(optimizer, last_epoch)

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        require(
            t <= self.total_steps,
            f"OneCycleLR: step {t} of {self.total_steps}; total_steps is the number of all steps",
        )
        start = 0.0
        phase: Any
        for phase in self.phases[:-1]:
            if t <= phase[0]:
                break
            start = phase[0]
        else:
            phase = self.phases[-1]
        end, rate, next_rate, momentum, next_momentum = phase
        share = (t - start) / (end - start) if end > start else 1.0
        if self.momentum is not None:
            value = self.between(group[momentum], group[next_momentum], share)
            betas = self.momentum == "betas"
            group[self.momentum] = (value, *group["betas"][1:]) if betas else value
        return self.between(group[rate], group[next_rate], share)

    def between(self, start: float, end: float, share: float) -> float:
        """`start` at share 0, `end` at share 1."""
        if self.anneal_strategy == "linear":
            return start + (end - start) * share
        return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


class CyclicLR(LRScheduler):
    """γ goes up from `base_lr` to `max_lr` and down again, in triangles; momentum the other way.

    base_lr, max_lr   the bounds; a number, or one for each group
    step_size_up      steps of the way up; of the way down: step_size_down, or as many
    mode              "triangular"; "triangular2": each triangle half as high as the one before;
                      "exp_range": gammaᵗ times as high
    scale_fn          a function of the number of the cycle or of t in place of `mode`
    scale_mode        what it is a function of: "cycle" or "iterations"
    cycle_momentum    whether momentum (or β₁) goes from max_momentum to base_momentum and back

    Raises    ValueError for an unknown mode, or an optimizer without momentum.
    Source    Smith 2017
    Example   >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
              >>> scheduler = mg.optim.lr_scheduler.CyclicLR(
              ...     optimizer, 0.0, 1.0, step_size_up=2, cycle_momentum=False
              ... )
              >>> rates = []
              >>> for _ in range(5):
              ...     rates += scheduler.get_last_lr()
              ...     optimizer.step()
              ...     scheduler.step()
              >>> rates
              [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        modes = ("triangular", "triangular2", "exp_range")
        require(
            mode in modes or scale_fn is not None,
            f"CyclicLR: mode is one of {', '.join(modes)}, got {mode!r}",
        )
        self.mode, self.gamma, self.scale_fn = mode, gamma, scale_fn
        self.scale_mode = scale_mode
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        self.cycle_momentum = cycle_momentum
        self.momentum = next((m for m in ("betas", "momentum") if m in optimizer.defaults), None)
        require(
            not cycle_momentum or self.momentum is not None,
            "CyclicLR: the optimizer has no momentum to cycle; cycle_momentum=False",
        )
        lowest = for_each_group("base_lr", optimizer, base_lr)
        self.max_lrs = for_each_group("max_lr", optimizer, max_lr)
        self.base_momentums = for_each_group("base_momentum", optimizer, base_momentum)
        self.max_momentums = for_each_group("max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, lowest):
                group["lr"] = group["initial_lr"] = rate
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lowest

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        position = next(i for i, g in enumerate(self.optimizer.param_groups) if g is group)
        cycle = math.floor(1 + t / self.total_size)
        x = 1 + t / self.total_size - cycle
        up = x <= self.step_ratio
        share = x / self.step_ratio if up else (x - 1) / (self.step_ratio - 1)
        height = share * self.scale(cycle, t)
        if self.cycle_momentum:
            low, high = self.base_momentums[position], self.max_momentums[position]
            value = high - (high - low) * height
            betas = self.momentum == "betas"
            group[self.momentum or ""] = (value, *group["betas"][1:]) if betas else value
        return base + (self.max_lrs[position] - base) * height

    def scale(self, cycle: int, t: int) -> float:
        """The height of a triangle."""
        if self.scale_fn is not None:
            return self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        if self.mode == "exp_range":
            return float(self.gamma**t)
        return 1.0 if self.mode == "triangular" else 1 / 2.0 ** (cycle - 1)


def for_each_group(name: str, optimizer: Optimizer, value: Any) -> list[float]:
    """One number for each group of parameters."""
    number = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * number
    require(len(values) == number, f"CyclicLR: {len(values)} {name} for {number} groups")
    return [float(each) for each in values]
