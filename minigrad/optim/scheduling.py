"""What all learning rate schedulers share: time, the groups, and going on after a break."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary, ref

from minigrad.optim.blocks import Group
from minigrad.optim.optimizer import Optimizer, require

__all__ = ["LRScheduler"]


# the schedulers of an optimizer that were made to go on from a time
RESUMED: WeakKeyDictionary[Optimizer, list[ref[LRScheduler]]] = WeakKeyDictionary()


class LRScheduler:
    """Base of the schedulers: a class with `next`.

    optimizer    whose learning rates are set
    last_epoch   the time to go on from, that of the last step but one; -1: from the beginning.  The
                 learning rate is then what it would be without the interruption

    Raises    TypeError if `optimizer` is not an optimizer; ValueError if last_epoch is not -1 and
              the groups have no ``initial_lr``.
    Example   >>> class Harmonic(mg.optim.lr_scheduler.LRScheduler):
              ...     def next(self, group, lr, base, t):
              ...         return base / (t + 1)
              >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
              >>> scheduler = Harmonic(optimizer)
              >>> optimizer.step()
              >>> scheduler.step()
              >>> scheduler.get_last_lr()
              [0.5]
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a scheduler takes an optimizer, got {type(optimizer).__name__}")
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            require(
                "initial_lr" in group,
                f"group {i} of the optimizer has no initial_lr: load its state_dict before "
                "making a scheduler that goes on from last_epoch",
            )
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        self.start()

    def start(self) -> None:
        """Set the learning rates of the current time, from nothing."""
        if self.last_epoch > 0:
            self.set(self.replayed())
        else:
            self.set([self.next(g, g["lr"], base, 0) for g, base in self.groups()])

    def replayed(self) -> list[float]:
        """The learning rates of the current time, after all that came before.

        What the groups have tells nothing: it may be that of this time or of the last one.  Other
        schedulers that went on from the same time are taken along: their factors multiply.
        """
        resumed = RESUMED.setdefault(self.optimizer, [])
        alive = [scheduler for each in resumed if (scheduler := each()) is not None]
        resumed.append(ref(self))
        together = [s for s in alive if s.last_epoch == self.last_epoch] + [self]
        rates = []
        for i, group in enumerate(self.optimizer.param_groups):
            rate = float(group["initial_lr"])
            for t in range(self.last_epoch + 1):
                for scheduler in together:
                    rate = scheduler.next(group, rate, scheduler.base_lrs[i], t)
            rates.append(rate)
        return rates

    def groups(self) -> list[tuple[Group, float]]:
        """The groups of the optimizer, each with its γ₀."""
        return list(zip(self.optimizer.param_groups, self.base_lrs))

    def set(self, rates: Sequence[float]) -> None:
        """Give the groups these learning rates."""
        for group, rate in zip(self.optimizer.param_groups, rates):
            group["lr"] = rate
        self._last_lr = list(rates)

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        """γₜ of a group, from `lr` = γₜ₋₁ and `base` = γ₀; at t = 0, `lr` is what the group has."""
        raise NotImplementedError(f"{type(self).__name__} has no next")

    def step(self) -> None:
        """Go on to the next time."""
        if self.last_epoch == 0 and self.optimizer.steps_taken == 0:
            warnings.warn(
                "scheduler.step() before optimizer.step(): the first learning rate is skipped",
                UserWarning,
                stacklevel=2,
            )
        self.go_on()

    def go_on(self) -> None:
        self.last_epoch += 1
        self.set([self.next(g, g["lr"], base, self.last_epoch) for g, base in self.groups()])

    def restart(self) -> None:
        """Go back to time 0, when a `SequentialLR` comes to this scheduler."""
        self.last_epoch = 0
        self.set([self.next(g, base, base, 0) for g, base in self.groups()])

    def get_last_lr(self) -> list[float]:
        """The learning rates that were set last, one for each group."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """What the scheduler needs to go on, for `load_state_dict`; functions are not in it."""
        return {
            name: list(value) if isinstance(value, list) else value
            for name, value in vars(self).items()
            if name != "optimizer" and not callable(value)
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from where `state_dict` was taken. The optimizer's own is loaded separately."""
        vars(self).update({k: v for k, v in state_dict.items() if k != "optimizer"})
