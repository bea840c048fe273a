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
    """Base of the schedulers: a class with `next`, or, as one writes it for PyTorch, with `get_lr`.

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
        self._step_count = 1
        self.start()

    def start(self) -> None:
        """Set the learning rates of the current time, from nothing."""
        own = type(self).get_lr is not LRScheduler.get_lr
        self.set(self.replayed() if self.last_epoch > 0 and not own else self.get_lr())

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
        raise NotImplementedError(f"{type(self).__name__} has neither next nor get_lr")

    def get_lr(self) -> list[float]:
        """The learning rates of the time ``self.last_epoch``, one for each group.

        A scheduler of one's own may compute them of ``self.base_lrs`` and of what the groups have,
        ``group["lr"]``, which is that of the time before.  To ask for them, use `get_last_lr`.
        """
        return [self.next(g, g["lr"], base, self.last_epoch) for g, base in self.groups()]

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next time, or to the time `epoch`, which PyTorch has given up."""
        if self.last_epoch == 0 and self.optimizer.steps_taken == 0:
            warnings.warn(
                "scheduler.step() before optimizer.step(): the first learning rate is skipped",
                UserWarning,
                stacklevel=2,
            )
        if epoch is None:
            self.go_on()
        else:
            self.jump(epoch)

    def go_on(self) -> None:
        self.last_epoch += 1
        self._step_count += 1
        self.set(self.get_lr())

    def jump(self, epoch: int) -> None:
        """Set the learning rates of a time, as if it had been reached step by step."""
        if type(self).get_lr is not LRScheduler.get_lr:
            self.last_epoch = epoch
            self.set(self.get_lr())
            return
        rates = []
        for group, base in self.groups():
            rate = base
            for t in range(epoch + 1):
                rate = self.next(group, rate, base, t)
            rates.append(rate)
        self.last_epoch = epoch
        self.set(rates)

    def restart(self) -> None:
        """Go back to time 0, when a `SequentialLR` comes to this scheduler."""
        self.last_epoch = 0
        if type(self).get_lr is LRScheduler.get_lr:
            for group, base in self.groups():
                group["lr"] = base
        self.set(self.get_lr())

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
