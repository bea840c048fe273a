"""The training loop, and the same without updates: `fit` and `evaluate`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minigrad.graph import wrap
from minigrad.modes import no_grad
from minigrad.optim.lr_scheduler import ReduceLROnPlateau
from minigrad.training import together
from minigrad.training.callbacks import Callback, Run
from minigrad.training.checkpoint import Checkpoint
from minigrad.training.history import History
from minigrad.training.progress import Progress

__all__ = ["evaluate", "fit"]


Metrics = Mapping[str, Callable[[Any, Any], Any]]


def refuse_other_kinds(loss: Any, optimizer: Any) -> None:
    """Raise the error of arguments in another order, or of a class instead of what it makes."""
    for name, given in (("loss", loss), ("optimizer", optimizer)):
        if isinstance(given, type):
            raise TypeError(
                f"fit: {name} is the class {given.__name__}; did you mean {given.__name__}(...)?"
            )
    if not (hasattr(optimizer, "zero_grad") and hasattr(optimizer, "step")):
        raise TypeError(
            "fit: takes model, loss, optimizer, in this order; the optimizer is "
            f"{type(optimizer).__name__}, which has no zero_grad and step"
        )


def fit(
    model: Any,
    loss: Callable[[Any, Any], Any],
    optimizer: Any,
    train: Iterable[Any],
    validation: Iterable[Any] | None = None,
    *,
    epochs: int = 1,
    metrics: Metrics | None = None,
    callbacks: Iterable[Callback] = (),
    scheduler: Any = None,
    progress: bool = True,
) -> History:
    """Train a model, and return the numbers of every epoch.

    model        called with all of a batch but its last entry
    loss         called with what the model returns and the last entry of the batch; a mean over
                 samples
    optimizer    of the model's parameters
    train        batches, such as a `DataLoader`: passed through once an epoch
    validation   batches on which loss and metrics are computed after each epoch, in evaluation mode
    epochs       how many times to pass through `train`
    metrics      further numbers: name -> function of output and target; averaged like the loss
    callbacks    `EarlyStopping`, `Checkpoint`, or other subclasses of `Callback`
    scheduler    of the learning rate; its step() is called after each epoch
    progress     show a bar (in a terminal or notebook, where tqdm is installed) or lines of text

    In several processes (see `minigrad.distributed`) the model is a `DistributedDataParallel`, each
    process passes through its share of the batches, and numbers, decisions to stop and checkpoints
    are those of all; the first process shows the progress.

    Returns   a `History` with epoch, lr, loss, metrics, and the same with ``val_`` before them.
    Raises    FloatingPointError if the loss is not finite; the parameters are still those before
              it.  TypeError if loss or optimizer are of another kind.  ValueError, in all
              processes, if they have different numbers of batches.
    Example   >>> x = mg.tensor([[0.0], [1.0], [2.0]])
              >>> model = mg.nn.Linear(1, 1)
              >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
              >>> loss = mg.nn.functional.mse_loss
              >>> history = mg.training.fit(model, loss, optimizer, [(x, 2 * x)], epochs=100,
              ...                           progress=False)
              >>> history["loss"][-1] < history["loss"][0]
              True
    """
    refuse_other_kinds(loss, optimizer)
    # a checkpoint is written when the others have seen the epoch
    callbacks = sorted(callbacks, key=lambda callback: isinstance(callback, Checkpoint))
    run = Run(model, optimizer, scheduler, train, callbacks, validation)
    for callback in callbacks:
        callback.start(run)
    together.check(model, epochs, train, validation)
    report = Progress(epochs, train, progress and together.is_first())
    report.done(run.epoch)
    while run.epoch < epochs and not run.stop:
        together.set_epoch(train, run.epoch)
        numbers = train_epoch(run, loss, metrics or {}, report)
        if validation is not None:
            measured = measure(model, loss, validation, metrics).means_of_all()
            numbers.update({f"val_{name}": value for name, value in measured.items()})
        run.epoch += 1
        run.history.add(epoch=run.epoch, lr=optimizer.param_groups[0]["lr"], **numbers)
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(numbers.get("val_loss", numbers["loss"]))
        elif scheduler is not None:
            scheduler.step()
        report.epoch(run.epoch, numbers)
        for callback in callbacks:
            callback.epoch_end(run)
    for callback in callbacks:
        callback.end(run)
    report.close()
    return run.history


def train_epoch(
    run: Run, loss: Callable[[Any, Any], Any], metrics: Metrics, report: Progress
) -> dict[str, float]:
    """One pass through the batches, with an update for each."""
    model, optimizer = run.model, run.optimizer
    model.train()
    averages = Averages()
    for step, batch in enumerate(run.train, 1):
        inputs, target = split(batch)
        optimizer.zero_grad()
        output = model(*inputs)
        value = loss(output, target)
        number = value.item()
        if not math.isfinite(number):
            raise FloatingPointError(not_finite(number, run, step))
        value.backward()
        optimizer.step()
        averages.add("loss", number, target)
        with no_grad():
            for name, metric in metrics.items():
                averages.add(name, metric(output.detach(), target), target)
        report.step(number)
    if not averages.sums:
        raise ValueError("fit: there is no batch to train on; is the loader empty or used up?")
    return averages.means_of_all()


def evaluate(
    model: Any,
    loss: Callable[[Any, Any], Any],
    batches: Iterable[Any],
    metrics: Metrics | None = None,
) -> dict[str, float]:
    """Loss and metrics over all batches, in evaluation mode and without recording.

    Returns   name -> mean over the samples.
    Example   >>> data = mg.utils.data.TensorDataset(mg.ones(4, 1), mg.ones(4, 1))
              >>> loader = mg.utils.data.DataLoader(data, batch_size=2)
              >>> model, loss = mg.nn.Linear(1, 1), mg.nn.MSELoss()
              >>> list(mg.training.evaluate(model, loss, loader))
              ['loss']
    """
    return measure(model, loss, batches, metrics).means()


def measure(
    model: Any, loss: Callable[[Any, Any], Any], batches: Iterable[Any], metrics: Metrics | None
) -> Averages:
    """What `evaluate` returns the means of."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    averages = Averages()
    try:
        with no_grad():
            for batch in batches:
                inputs, target = split(batch)
                output = model(*inputs)
                averages.add("loss", loss(output, target), target)
                for name, metric in (metrics or {}).items():
                    averages.add(name, metric(output, target), target)
    finally:
        for module, training in modes:
            module.training = training
    return averages


class Averages:
    """Means of numbers over batches, weighted by how many samples each has."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.weights: dict[str, int] = {}

    def add(self, name: str, value: Any, target: Any) -> None:
        shape = getattr(target, "shape", ())
        weight = shape[0] if shape else 1
        self.sums[name] = self.sums.get(name, 0.0) + float(value) * weight
        self.weights[name] = self.weights.get(name, 0) + weight

    def means(self) -> dict[str, float]:
        return {name: total / max(self.weights[name], 1) for name, total in self.sums.items()}

    def means_of_all(self) -> dict[str, float]:
        """The means over the samples of all processes that train together."""
        return together.means(self.sums, self.weights)


def split(batch: Any) -> tuple[list[Any], Any]:
    """The inputs of a batch, and its target; arrays become tensors."""
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise TypeError(
            f"a batch is a tuple (input, target), got {type(batch).__name__}; use a DataLoader"
        )
    *inputs, target = [wrap(part) if isinstance(part, np.ndarray) else part for part in batch]
    return inputs, target


def not_finite(number: float, run: Run, step: int) -> str:
    rate = run.optimizer.param_groups[0]["lr"]
    return (
        f"the loss is {number} in epoch {run.epoch + 1}, step {step}, at learning rate "
        f"{rate:g}; the parameters were not updated with it. A smaller learning rate, "
        "nn.utils.clip_grad_norm_, or other inputs may help; autograd.detect_anomaly() tells where "
        "a NaN comes from"
    )
