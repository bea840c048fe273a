"""Learning rates that change from epoch to epoch.

    scheduler = mg.optim.lr_scheduler.StepLR(optimizer, step_size=30)
    for epoch in range(100):
        ...                    # train: optimizer.step()
        scheduler.step()

A scheduler sets ``group["lr"]`` of the optimizer's groups.  Its `next` gives the learning rate at
time t, which counts the calls of ``scheduler.step()``, from the one before: where several
schedulers change the same optimizer, their factors multiply.  Throughout, γ₀ is the learning rate
that a group starts with (``initial_lr``) and γₜ the one at time t.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minigrad.optim.blocks import Group
from minigrad.optim.optimizer import Optimizer, require
from minigrad.optim.scheduling import LRScheduler

__all__ = [
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
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


class LambdaLR(LRScheduler):
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
            f"LambdaLR: {len(functions)} functions for {number} groups of parameters",
        )
        self.lr_lambdas = functions
        super().__init__(optimizer, last_epoch)

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        position = next(i for i, g in enumerate(self.optimizer.param_groups) if g is group)
        return base * self.lr_lambdas[position](t)

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        del state["lr_lambdas"]
        return state


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
