"""Averages of a model's weights over training: stochastic weight averaging, and moving averages."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

from minigrad.creation import tensor
from minigrad.modes import no_grad
from minigrad.nn.module import Module
from minigrad.nn.normalization import BatchNorm
from minigrad.optim.blocks import Group
from minigrad.optim.optimizer import Optimizer, require
from minigrad.optim.scheduling import LRScheduler

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
    "get_swa_multi_avg_fn", "update_bn",
]  # fmt: skip


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], Any]:
    """The moving average: ā ← decay ā + (1 - decay) p.

    Raises    ValueError unless decay is from 0 to 1
    Example   >>> from minigrad.optim.swa_utils import get_ema_avg_fn
              >>> get_ema_avg_fn(0.5)(mg.tensor(0.0), mg.tensor(1.0), 3)
              tensor(0.5)
    """
    require(0 <= decay <= 1, f"a decay is from 0 to 1, got {decay}")

    def average(averaged: Any, current: Any, num_averaged: Any) -> Any:
        return decay * averaged + (1 - decay) * current

    return average


def get_swa_avg_fn() -> Callable[[Any, Any, Any], Any]:
    """The mean of all: ā ← ā + (p - ā) / (n + 1).

    Example   >>> from minigrad.optim.swa_utils import get_swa_avg_fn
              >>> get_swa_avg_fn()(mg.tensor(0.0), mg.tensor(1.0), 3)
              tensor(0.25)
    """

    def average(averaged: Any, current: Any, num_averaged: Any) -> Any:
        return averaged + (current - averaged) / (num_averaged + 1)

    return average


def for_lists(average: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], None]:
    """An average of one tensor as a function of lists, which changes the first in place."""

    def each(averaged_list: Any, current_list: Any, num_averaged: Any) -> None:
        with no_grad():
            for averaged, current in zip(averaged_list, current_list):
                averaged.copy_(average(averaged, current, num_averaged))

    return each


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], None]:
    """`get_ema_avg_fn` of lists of tensors, in place.

    Example   >>> from minigrad.optim.swa_utils import get_ema_multi_avg_fn
              >>> averages = [mg.tensor(0.0)]
              >>> get_ema_multi_avg_fn(0.5)(averages, [mg.tensor(1.0)], 3)
              >>> averages
              [tensor(0.5)]
    """
    return for_lists(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Callable[[Any, Any, Any], None]:
    """`get_swa_avg_fn` of lists of tensors, in place.

    Example   >>> from minigrad.optim.swa_utils import get_swa_multi_avg_fn
              >>> averages = [mg.tensor(0.0)]
              >>> get_swa_multi_avg_fn()(averages, [mg.tensor(1.0)], 3)
              >>> averages
              [tensor(0.25)]
    """
    return for_lists(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of a model whose weights are averages of those that the model has had.

    model          is copied; its forward is that of the copy
    device         the CPU
    avg_fn         the new average, from the old one, the weight and how many there were;
    multi_avg_fn   or the same for lists, in place.  Neither: the mean of all
    use_buffers    average buffers too, rather than copy them

    Buffers      n_averaged, how many weights the averages are of
    Raises       ValueError if both functions are given
    Source       Izmailov et al. 2018
    Example      >>> from minigrad.optim.swa_utils import AveragedModel
                 >>> model = mg.nn.Linear(1, 1)
                 >>> averaged = AveragedModel(model)
                 >>> for weight in (1.0, 3.0):
                 ...     _ = model.weight.data.fill_(weight)
                 ...     averaged.update_parameters(model)
                 >>> averaged.module.weight.item()
                 2.0
    """

    n_averaged: Any

    def __init__(
        self,
        model: Any,
        device: Any = None,
        avg_fn: Callable[[Any, Any, Any], Any] | None = None,
        multi_avg_fn: Callable[[Any, Any, Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        require(avg_fn is None or multi_avg_fn is None, "give avg_fn or multi_avg_fn, not both")
        self.module = copy.deepcopy(model)
        self.register_buffer("n_averaged", tensor(0))
        self.avg_fn, self.multi_avg_fn = avg_fn, multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Any) -> None:
        """Take the weights of `model` into the averages."""
        ours, theirs = list(self.module.parameters()), list(model.parameters())
        buffers = list(zip(self.module.buffers(), model.buffers()))
        if self.use_buffers:
            ours += [b for b, _ in buffers]
            theirs += [b.detach() for _, b in buffers]
            buffers = []
        count = int(self.n_averaged.item())
        with no_grad():
            if count == 0:
                for averaged, current in zip(ours, theirs):
                    averaged.detach().copy_(current.detach())
            else:
                self.average([p.detach() for p in ours], [p.detach() for p in theirs])
            for averaged, current in buffers:
                averaged.detach().copy_(current.detach())
        self.n_averaged += 1

    def average(self, averaged: list[Any], current: list[Any]) -> None:
        floating = [(a, c) for a, c in zip(averaged, current) if a.is_floating_point()]
        for a, c in zip(averaged, current):
            if not a.is_floating_point():
                a.copy_(c)
        function = self.multi_avg_fn or for_lists(self.avg_fn or get_swa_avg_fn())
        function([a for a, _ in floating], [c for _, c in floating], self.n_averaged)


def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Give the batch norms of a model the moments of its inputs, by one pass over data.

    loader     batches, of which the first entry is the input if they are lists
    Example    >>> from minigrad.optim.swa_utils import update_bn
               >>> norm = mg.nn.BatchNorm1d(1)
               >>> update_bn([mg.tensor([[1.0], [3.0]])], norm)
               >>> norm.running_mean
               tensor([2.])
    """
    norms = [each for each in model.modules() if isinstance(each, BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    with no_grad():
        for batch in loader:
            model(batch[0] if isinstance(batch, (list, tuple)) else batch)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """The learning rate goes to a constant, by a cosine or a line.

    swa_lr            where it goes; a number, or one for each group
    anneal_epochs     in how many steps
    anneal_strategy   "cos" or "linear"

    Raises    ValueError for options out of their range
    Example   >>> from minigrad.optim.swa_utils import SWALR
              >>> optimizer = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
              >>> scheduler = SWALR(optimizer, 0.2, anneal_epochs=2, anneal_strategy="linear")
              >>> rates = []
              >>> for _ in range(4):
              ...     rates += [round(rate, 4) for rate in scheduler.get_last_lr()]
              ...     optimizer.step()
              ...     scheduler.step()
              >>> rates
              [1.0, 0.6, 0.2, 0.2]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        number = len(optimizer.param_groups)
        rates = list(swa_lr) if isinstance(swa_lr, (list, tuple)) else [swa_lr] * number
        require(len(rates) == number, f"SWALR: {len(rates)} rates for {number} groups")
        require(
            anneal_strategy in ("cos", "linear"),
            f'SWALR: anneal_strategy is "cos" or "linear", got {anneal_strategy!r}',
        )
        require(anneal_epochs >= 0, f"SWALR: anneal_epochs is at least 0, got {anneal_epochs}")
        for group, rate in zip(optimizer.param_groups, rates):
            group["swa_lr"] = rate
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def share(self, t: int) -> float:
        """How far it has gone at step t."""
        x = max(0.0, min(1.0, t / max(1, self.anneal_epochs)))
        return x if self.anneal_strategy == "linear" else (1 - math.cos(math.pi * x)) / 2

    def next(self, group: Group, lr: float, base: float, t: int) -> float:
        if self.anneal_epochs == 0:
            t += 1
        before, now = self.share(t - 1), self.share(t)
        # where it would have started, had it been alone
        start = (lr - group["swa_lr"] * before) / (1 - before) if before < 1 else 0.0
        if t == 0:
            return lr
        return float(group["swa_lr"] * now + start * (1 - now))
