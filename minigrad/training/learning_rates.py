"""Which learning rate to begin with."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.modes import no_grad
from minigrad.training.callbacks import copied
from minigrad.training.checkpoint import generators_of, set_state, state_of
from minigrad.training.display import curves
from minigrad.training.history import new_axes
from minigrad.training.loop import batches_of, refuse_other_kinds, split
from minigrad.training.named import loss_of

__all__ = ["LearningRates", "lr_find"]

PER_DECADE = 4  # rates that are tried between one and ten times it
SAMPLE = 16  # batches on which the loss of a trial is measured
GROWN = 4.0  # a loss so many times that of the start ends the search among higher rates
ROUNDS = (8, 4, 2, 1)  # a trial takes steps / 8 updates at first, and all of them in the last round


class LearningRates:
    """What `lr_find` tried: ``rates``, the ``losses`` after a few updates, and a ``suggestion``.

    start    the loss before any update
    """

    def __init__(
        self,
        rates: list[float],
        losses: list[float],
        start: float = math.inf,
        best: float | None = None,
    ) -> None:
        self.rates = rates
        self.losses = losses
        self.start = start
        self.best = best

    @property
    def suggestion(self) -> float:
        """The rate with which the loss is lowest after the longest trials.

        Raises    ValueError if no rate lowers the loss noticeably.
        """
        if self.best is None:
            tried = f" between {self.rates[0]:g} and {self.rates[-1]:g}" if self.rates else ""
            raise ValueError(
                f"lr_find: no rate{tried} lowers the loss; is the optimizer that of this model, "
                "and does the loss depend on its parameters?"
            )
        return self.best

    def __repr__(self) -> str:
        found = "no suggestion" if self.best is None else f"suggestion {self.best:.3g}"
        return f"<{len(self.rates)} learning rates tried: {found}>"

    def _repr_html_(self) -> str:
        lines = {"loss": (self.rates, self.losses)}
        picture = curves(lines, ("learning rate", "loss"), (True, False), self.best)
        return f"<div>{html.escape(repr(self)[1:-1])}</div>{picture}"

    def plot(self, axes: Any = None) -> Any:
        """Draw the loss over the rate, with the suggestion marked, and return matplotlib's axes.

        Raises   ImportError if matplotlib is not installed.
        """
        axes = new_axes() if axes is None else axes
        axes.semilogx(self.rates, self.losses, marker=".")
        if math.isfinite(self.start):
            axes.axhline(self.start, color="gray", linewidth=1, linestyle=":", label="at the start")
        if self.best is not None:
            label = f"suggestion {self.best:.2g}"
            axes.axvline(self.best, color="C1", linewidth=1.4, linestyle="--", label=label)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss after a few updates")
        axes.set_title("learning rates")
        return axes


class Trials:
    """Short runs of training that all begin at the same weights and see the same batches."""

    def __init__(self, model: Any, loss: Callable[..., Any], optimizer: Any, train: Any) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.before = copied({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
        self.sources = [(generator, state_of(generator)) for generator in generators_of(train)]

    def restart(self) -> None:
        """Put back what a trial changes: parameters, buffers, optimizer, random numbers."""
        self.optimizer.zero_grad()
        self.model.load_state_dict(self.before["model"])
        self.optimizer.load_state_dict(self.before["optimizer"])
        for generator, state in self.sources:
            set_state(generator, state)

    def run(self, rate: float, batches: Sequence[Any]) -> float:
        """The loss after an update for each batch; infinity if it overflows on the way.

        It is that of the last batches, before their updates, if that is larger: at too high a rate
        the loss goes up and down, and may be low at the end by chance.
        """
        self.restart()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with np.errstate(over="ignore", invalid="ignore"):  # too high a rate is not a fault here
            values = []
            for inputs, target in map(split, batches):
                self.optimizer.zero_grad()
                value = self.loss(self.model(*inputs), target)
                values.append(value.item())
                if not math.isfinite(values[-1]):
                    return math.inf
                value.backward()
                self.optimizer.step()
            return max(self.measure(batches), float(np.mean(values[-max(1, len(values) // 4) :])))

    def measure(self, batches: Sequence[Any]) -> float:
        """The mean loss over the first batches."""
        with no_grad():
            parts = map(split, batches[:SAMPLE])
            values = [self.loss(self.model(*inputs), target).item() for inputs, target in parts]
        mean = float(np.mean(values))
        return mean if math.isfinite(mean) else math.inf


def lr_find(
    model: Any,
    loss: Any,
    optimizer: Any,
    train: Iterable[Any],
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 200,
    batch_size: int = 32,
) -> LearningRates:
    """Try learning rates, each from the same weights and on the same batches, and suggest one.

    Every rate gets some updates, and the better half of them twice as many, until a few are left.
    Rates are tried from the lowest on, up to one at which the loss is four times that of the start.
    Afterwards model, optimizer and random numbers are what they were before.

    loss              as for `fit`
    lowest, highest   the rates to begin and to end with; there are four to a factor of ten
    steps             updates of the longest trials; all trials together take about twelve times
                      as many
    batch_size        of `train`, if it is a tuple of tensors or arrays

    Returns   a `LearningRates`, with the numbers, a suggestion and a plot.
    Raises    ValueError if 0 < lowest < highest does not hold, if there are fewer than two steps,
              or if there is no batch.
    Source    Smith 2017, section 3.3, for the idea; Jamieson and Talwalkar 2016 for the halving
    Example   >>> data = mg.utils.data.TensorDataset(mg.ones(4, 1), mg.ones(4, 1))
              >>> loader = mg.utils.data.DataLoader(data, batch_size=2)
              >>> model, loss = mg.nn.Linear(1, 1), mg.nn.MSELoss()
              >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
              >>> found = mg.training.lr_find(model, loss, optimizer, loader, steps=20)
              >>> 0.01 < found.suggestion < 1
              True
    """
    if not 0 < lowest < highest or steps < 2:
        raise ValueError(f"lr_find: 0 < lowest < highest, got {lowest}, {highest}; {steps} steps")
    loss = loss_of(loss, "lr_find")
    refuse_other_kinds(loss, optimizer, "lr_find")
    train = batches_of(train, batch_size, shuffle=True)
    trials = Trials(model, loss, optimizer, train)
    modes = [(module, module.training) for module in model.modules()]
    model.train()
    try:
        batches = list(repeated(train, steps))
        start = trials.measure(batches)
        rates, losses = first_round(trials, batches, start, lowest, highest)
        best = last_of(trials, batches, dict(zip(rates, losses)), start)
    finally:
        trials.restart()
        for module, training in modes:
            module.training = training
    return LearningRates(rates, losses, start, best)


def first_round(
    trials: Trials, batches: Sequence[Any], start: float, lowest: float, highest: float
) -> tuple[list[float], list[float]]:
    """Rates from the lowest on, and the loss after a few updates with each."""
    count = math.ceil(PER_DECADE * math.log10(highest / lowest)) + 1
    few = batches[: max(2, len(batches) // ROUNDS[0])]
    rates: list[float] = []
    losses: list[float] = []
    for rate in np.geomspace(lowest, highest, max(count, 2)).tolist():
        value = trials.run(rate, few)
        if not value <= GROWN * abs(start):
            break
        rates.append(rate)
        losses.append(value)
    return rates, losses


def last_of(
    trials: Trials, batches: Sequence[Any], found: dict[float, float], start: float
) -> float | None:
    """The rate that is best after trials that grow longer; None if none lowers the loss."""
    for share in ROUNDS[1:]:
        better = sorted(found, key=lambda rate: found[rate])
        part = batches[: max(2, len(batches) // share)]
        found = {rate: trials.run(rate, part) for rate in better[: max(3, len(better) // 2)]}
    best = min(found, key=lambda rate: found[rate], default=None)
    noticeable = best is not None and found[best] < start - 0.01 * abs(start)
    return best if noticeable else None


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
