"""Schedulers of schedulers, and one that follows a measure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from minigrad.optim.optimizer import Optimizer, require
from minigrad.optim.scheduling import LRScheduler

__all__ = ["ChainedScheduler", "ReduceLROnPlateau", "SequentialLR"]


class ChainedScheduler(LRScheduler):
    """Schedulers of one optimizer, one after the other at each step: their factors multiply.

    schedulers   schedulers of one optimizer
    optimizer    that of the schedulers, if left out

    Raises    ValueError unless all schedulers belong to `optimizer`.
    Example   >>> from minigrad.optim import lr_scheduler as lrs
              >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
              >>> halves = lrs.ConstantLR(optimizer, factor=0.5, total_iters=2)
              >>> scheduler = lrs.ChainedScheduler([halves, lrs.ExponentialLR(optimizer, 0.5)])
              >>> rates = []
              >>> for _ in range(4):
              ...     rates += scheduler.get_last_lr()
              ...     optimizer.step()
              ...     scheduler.step()
              >>> rates
              [0.5, 0.25, 0.25, 0.125]
    """

    def __init__(self, schedulers: Sequence[Any], optimizer: Optimizer | None = None) -> None:
        schedulers = list(schedulers)
        require(bool(schedulers), "ChainedScheduler: give at least one scheduler")
        self.optimizer = schedulers[0].optimizer if optimizer is None else optimizer
        require(
            all(s.optimizer is self.optimizer for s in schedulers),
            "ChainedScheduler: all schedulers belong to one optimizer",
        )
        self.schedulers = self._schedulers = schedulers
        self._last_lr = self.rates()

    def rates(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def step(self, epoch: int | None = None) -> None:
        for scheduler in self.schedulers:
            scheduler.step(epoch)
        self._last_lr = self.rates()

    def go_on(self) -> None:
        for scheduler in self.schedulers:
            scheduler.go_on()
        self._last_lr = self.rates()

    def restart(self) -> None:
        """Go back to time 0."""
        for scheduler in self.schedulers:
            scheduler.restart()
        self._last_lr = self.rates()

    def state_dict(self) -> dict[str, Any]:
        states = [scheduler.state_dict() for scheduler in self.schedulers]
        return {"_schedulers": states, "_last_lr": list(self._last_lr)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for scheduler, state in zip(self.schedulers, state_dict["_schedulers"]):
            scheduler.load_state_dict(state)
        self._last_lr = list(state_dict["_last_lr"])


class SequentialLR(LRScheduler):
    """Schedulers in sequence: number i from milestones[i - 1] on, each from its own time 0.

    Raises    ValueError unless there is one milestone less than schedulers, in rising order, and
              all schedulers belong to `optimizer`.
    Example   >>> from minigrad.optim.lr_scheduler import ExponentialLR, LinearLR, SequentialLR
              >>> p = mg.tensor([0.0], requires_grad=True)
              >>> optimizer = mg.optim.SGD([p], lr=1.0)
              >>> warm_up = LinearLR(optimizer, start_factor=0.5, total_iters=2)
              >>> decay = ExponentialLR(optimizer, gamma=0.5)
              >>> scheduler = SequentialLR(optimizer, [warm_up, decay], milestones=[2])
              >>> rates = []
              >>> for _ in range(5):
              ...     rates += scheduler.get_last_lr()
              ...     optimizer.step()
              ...     scheduler.step()
              >>> rates
              [0.5, 0.75, 1.0, 0.5, 0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[Any],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        schedulers, milestones = list(schedulers), list(milestones)
        require(bool(schedulers), "SequentialLR: give at least one scheduler")
        require(
            len(milestones) == len(schedulers) - 1 and sorted(milestones) == milestones,
            f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} milestones in "
            f"rising order, got {milestones}",
        )
        require(
            all(s.optimizer is optimizer for s in schedulers),
            "SequentialLR: all schedulers belong to the optimizer that is given",
        )
        self.optimizer = optimizer
        self.schedulers = schedulers
        self.milestones = milestones
        self.last_epoch = 0
        self.start()
        for _ in range(last_epoch + 1):
            self.go_on()

    def start(self) -> None:
        for group in self.optimizer.param_groups:  # making the schedulers has changed it
            group["lr"] = group["initial_lr"]
        first = self.schedulers[bisect_right(self.milestones, 0)]
        for scheduler in self.schedulers:
            scheduler.last_epoch = 0
        first.start()
        self._last_lr = first.get_last_lr()

    def restart(self) -> None:
        """Go back to time 0."""
        self.last_epoch = 0
        self.start()

    def go_on(self) -> None:
        self.last_epoch += 1
        position = bisect_right(self.milestones, self.last_epoch)
        scheduler = self.schedulers[position]
        if position and self.milestones[position - 1] == self.last_epoch:
            scheduler.restart()
        else:
            scheduler.go_on()
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        return {
            "last_epoch": self.last_epoch,
            "milestones": list(self.milestones),
            "schedulers": [scheduler.state_dict() for scheduler in self.schedulers],
            "_last_lr": list(self._last_lr),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state_dict = dict(state_dict)
        for scheduler, state in zip(self.schedulers, state_dict.pop("schedulers")):
            scheduler.load_state_dict(state)
        super().load_state_dict(state_dict)


class ReduceLROnPlateau:
    """γ falls by `factor` when a number stops getting better for more than `patience` epochs.

    mode             "min": smaller is better; "max": larger is
    factor           in (0, 1)
    patience         how many epochs without improvement are waited for
    threshold        what counts as better: by more than this share of the best ("rel"), or by more
                     than this ("abs")
    cooldown         epochs after a fall in which none are counted
    min_lr           the lowest γ; a number, or one for each group
    eps              a fall by less than this is left out

    Raises    ValueError for options out of their range.
    Example   >>> p = mg.tensor([0.0], requires_grad=True)
              >>> optimizer = mg.optim.SGD([p], lr=1.0)
              >>> scheduler = mg.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
              >>> for loss in (3.0, 2.0, 2.0, 2.0):
              ...     scheduler.step(loss)
              >>> scheduler.get_last_lr()
              [0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a scheduler takes an optimizer, got {type(optimizer).__name__}")
        require(0 <= factor < 1, f"ReduceLROnPlateau: factor is in [0, 1), got {factor}")
        require(mode in ("min", "max"), f'ReduceLROnPlateau: mode is "min" or "max", got {mode!r}')
        require(
            threshold_mode in ("rel", "abs"),
            f'ReduceLROnPlateau: threshold_mode is "rel" or "abs", got {threshold_mode!r}',
        )
        number = len(optimizer.param_groups)
        lowest = [min_lr] * number if isinstance(min_lr, (int, float)) else list(min_lr)
        require(
            len(lowest) == number, f"ReduceLROnPlateau: {len(lowest)} min_lr for {number} groups"
        )
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.cooldown_counter = 0
        self.min_lrs = lowest
        self.eps = eps
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.last_epoch = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    def step(self, metrics: Any) -> None:
        """Note the number of this epoch, and reduce γ if it is time."""
        value = float(metrics)
        self.last_epoch += 1
        if self.is_better(value):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def is_better(self, value: float) -> bool:
        """Whether `value` is better than the best so far, by more than the threshold."""
        if math.isinf(self.best):
            return value < self.best if self.mode == "min" else value > self.best
        margin = self.threshold * (self.best if self.threshold_mode == "rel" else 1.0)
        if self.mode == "min":
            return value < self.best - margin
        return value > self.best + margin

    def reduce(self) -> None:
        """Multiply every γ by the factor, down to its lowest."""
        for group, lowest in zip(self.optimizer.param_groups, self.min_lrs):
            rate = max(group["lr"] * self.factor, lowest)
            if group["lr"] - rate > self.eps:
                group["lr"] = rate

    def get_last_lr(self) -> list[float]:
        """The learning rates, one for each group."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """What the scheduler needs to go on, for `load_state_dict`."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from where `state_dict` was taken."""
        vars(self).update({k: v for k, v in state_dict.items() if k != "optimizer"})
