"""Which learning rate to begin with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad.training.callbacks import copied
from minigrad.training.checkpoint import generators_of, set_state, state_of
from minigrad.training.history import new_axes
from minigrad.training.loop import split

__all__ = ["LearningRates", "lr_find"]


class LearningRates:
    """What `lr_find` tried: ``rates`` and the smoothed ``losses``, and its ``suggestion``."""

    def __init__(self, rates: list[float], losses: list[float]) -> None:
        self.rates = rates
        self.losses = losses

    @property
    def suggestion(self) -> float:
        """The rate at which the loss falls fastest per factor of the rate.

        Raises    ValueError if fewer than three rates were tried.
        """
        if len(self.rates) < 3:
            raise ValueError("lr_find: the loss grew at once; start from a lower rate")
        slopes = np.gradient(np.array(self.losses), np.log(self.rates))
        first = len(slopes) // 10  # the mean of a few losses says little yet
        return self.rates[first + int(slopes[first:].argmin())]

    def plot(self, axes: Any = None) -> Any:
        """Draw the loss over the rate, and return matplotlib's axes.

        Raises   ImportError if matplotlib is not installed.
        """
        axes = new_axes() if axes is None else axes
        axes.semilogx(self.rates, self.losses)
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss")
        return axes


def lr_find(
    model: Any,
    loss: Callable[[Any, Any], Any],
    optimizer: Any,
    train: Iterable[Any],
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
) -> LearningRates:
    """Train with a learning rate that grows from step to step, to see which one is right.

    It stops when the loss is four times the lowest.  Afterwards model, optimizer and random numbers
    are what they were before.

    lowest, highest   the rates of the first and the last step
    steps             how many rates are tried

    Returns   a `LearningRates`, with the numbers, a suggestion and a plot.
    Raises    ValueError if 0 < lowest < highest does not hold, or there are fewer than two steps.
    Source    Smith 2017, section 3.3
    Example   >>> data = mg.utils.data.TensorDataset(mg.ones(4, 1), mg.ones(4, 1))
              >>> loader = mg.utils.data.DataLoader(data, batch_size=2)
              >>> model, loss = mg.nn.Linear(1, 1), mg.nn.MSELoss()
              >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
              >>> found = mg.training.lr_find(model, loss, optimizer, loader, steps=20)
              >>> len(found.rates) == len(found.losses)
              True
    """
    if not 0 < lowest < highest or steps < 2:
        raise ValueError(f"lr_find: 0 < lowest < highest, got {lowest}, {highest}; {steps} steps")
    before = copied({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    sources = [(generator, state_of(generator)) for generator in generators_of(train)]
    rates: list[float] = []
    losses: list[float] = []
    mean, training = 0.0, model.training
    model.train()
    try:
        for step, batch in enumerate(repeated(train, steps)):
            rate = lowest * (highest / lowest) ** (step / (steps - 1))
            for group in optimizer.param_groups:
                group["lr"] = rate
            inputs, target = split(batch)
            optimizer.zero_grad()
            value = loss(model(*inputs), target)
            value.backward()
            mean = 0.9 * mean + 0.1 * value.item()
            smooth = mean / (1 - 0.9 ** (step + 1))
            if not math.isfinite(smooth) or (losses and smooth > 4 * min(losses)):
                break
            rates.append(rate)
            losses.append(smooth)
            optimizer.step()
    finally:
        optimizer.zero_grad()
        model.load_state_dict(before["model"])
        optimizer.load_state_dict(before["optimizer"])
        model.train(training)
        for generator, state in sources:
            set_state(generator, state)
    return LearningRates(rates, losses)


def repeated(batches: Iterable[Any], number: int) -> Iterable[Any]:
    """So many batches, in as many passes as it takes."""
    given = 0
    while given < number:
        before = given
        for batch in batches:
            yield batch
            given += 1
            if given == number:
                return
        if given == before:
            raise ValueError("lr_find: there is no batch to train on")
