"""The training loop, and the same without updates: `fit` and `evaluate`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.graph import Variable, wrap
from minigrad.modes import no_grad
from minigrad.nn.utils import clip_grad_norm_
from minigrad.ops import cat
from minigrad.optim.lr_scheduler import ReduceLROnPlateau
from minigrad.training import together
from minigrad.training.callbacks import Listener, Run
from minigrad.training.checkpoint import Checkpoint
from minigrad.training.history import History
from minigrad.training.metrics import plain
from minigrad.training.named import loss_of, metrics_of
from minigrad.training.progress import Progress
from minigrad.utils.data import DataLoader, TensorDataset

__all__ = ["evaluate", "fit", "predict"]


Metrics = Mapping[str, Callable[[Any, Any], Any]] | Sequence[Any] | Callable[[Any, Any], Any] | str


def refuse_other_kinds(loss: Any, optimizer: Any, caller: str = "fit") -> None:
    """Raise the error of arguments in another order, or of a class instead of what it makes."""
    for name, given in (("loss", loss), ("optimizer", optimizer)):
        if isinstance(given, type):
            raise TypeError(
                f"{caller}: {name} is the class {given.__name__}; did you mean "
                f"{given.__name__}(...)?"
            )
    if not (hasattr(optimizer, "zero_grad") and hasattr(optimizer, "step")):
        raise TypeError(
            f"{caller}: takes model, loss, optimizer, in this order; the optimizer is "
            f"{type(optimizer).__name__}, which has no zero_grad and step"
        )


def fit(
    model: Any,
    loss: Callable[[Any, Any], Any] | str,
    optimizer: Any,
    train: Iterable[Any],
    validation: Iterable[Any] | None = None,
    *,
    epochs: int = 1,
    metrics: Metrics | None = None,
    callbacks: Iterable[Listener] = (),
    scheduler: Any = None,
    scheduler_interval: str = "epoch",
    clip_norm: float | None = None,
    batch_size: int = 32,
    progress: bool = True,
) -> History:
    """Train a model, and return the numbers of every epoch.

    model        called with all of a batch but its last entry
    loss         called with what the model returns and the last entry of the batch; a mean over
                 samples.  Or its name: "mse", "cross_entropy", "bce_with_logits", ...
    optimizer    of the model's parameters
    train        batches, such as a `DataLoader`: passed through once an epoch.  A tuple of tensors
                 or arrays is taken in batches of `batch_size`, in a new order each epoch
    validation   batches on which loss and metrics are computed after each epoch, in evaluation mode
    epochs       how many times to pass through `train`
    metrics      further numbers: name -> function of output and target, or a list of functions and
                 names such as "accuracy"; averaged like the loss, but for those of `over_epoch`
    callbacks    `EarlyStopping`, `Checkpoint`, a `visualize.film`, or subclasses of `Callback`
    scheduler    of the learning rate; its step() is called after each epoch, or after each update:
    scheduler_interval   "epoch", or "step"
    clip_norm    scale gradients down to this norm, taken over all parameters, where it is larger
    batch_size   of `train` and `validation` where they are tuples
    progress     show a bar (in a terminal or notebook, where tqdm is installed) or lines of text

    In several processes (see `minigrad.distributed`) the model is a `DistributedDataParallel`, each
    process passes through its share of the batches, and numbers, decisions to stop and checkpoints
    are those of all; the first process shows the progress.

    Returns   a `History` with epoch, lr, loss, metrics, and the same with ``val_`` before them.
    Raises    FloatingPointError if the loss is not finite; the parameters are still those before
              it.  TypeError if loss or optimizer are of another kind; ValueError for a name that
              is not known, if there is no batch, or, in all processes, if they have different
              numbers of batches.
    Example   >>> x = mg.tensor([[0.0], [1.0], [2.0]])
              >>> model = mg.nn.Linear(1, 1)
              >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
              >>> loss = mg.nn.functional.mse_loss
              >>> history = mg.training.fit(model, loss, optimizer, [(x, 2 * x)], epochs=100,
              ...                           progress=False)
              >>> history["loss"][-1] < history["loss"][0]
              True
    """
    loss, metrics = loss_of(loss, "fit"), metrics_of(metrics, "fit")
    refuse_other_kinds(loss, optimizer)
    if scheduler_interval not in ("epoch", "step"):
        raise ValueError(
            f'fit: scheduler_interval is "epoch" or "step", got {scheduler_interval!r}'
        )
    train = batches_of(train, batch_size, shuffle=True)
    validation = None if validation is None else batches_of(validation, batch_size)
    # a checkpoint is written when the others have seen the epoch
    callbacks = sorted(callbacks, key=lambda callback: isinstance(callback, Checkpoint))
    run = Run(model, optimizer, scheduler, train, callbacks, validation)
    run.clip_norm = clip_norm
    run.scheduler_steps = scheduler if scheduler_interval == "step" else None
    for callback in callbacks:
        callback.start(run)
    together.check(model, epochs, train, validation)
    report = Progress(epochs, train, progress and together.is_first())
    report.done(run.epoch)
    while run.epoch < epochs and not run.stop:
        together.set_epoch(train, run.epoch)
        numbers = train_epoch(run, loss, metrics, report)
        if validation is not None:
            measured = measure(model, loss, validation, metrics).means_of_all()
            numbers.update({f"val_{name}": value for name, value in measured.items()})
        run.epoch += 1
        run.history.add(epoch=run.epoch, lr=optimizer.param_groups[0]["lr"], **numbers)
        if scheduler_interval == "step":
            pass
        elif isinstance(scheduler, ReduceLROnPlateau):
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


def train_epoch(run: Run, loss: Any, metrics: dict[str, Any], report: Progress) -> dict[str, float]:
    """One pass through the batches, with an update for each."""
    model, optimizer = run.model, run.optimizer
    model.train()
    averages = Averages(metrics)
    for step, batch in enumerate(run.train, 1):
        inputs, target = split(batch)
        optimizer.zero_grad()
        output = model(*inputs)
        value = loss(output, target)
        number = value.item()
        if not math.isfinite(number):
            raise FloatingPointError(not_finite(number, run, step))
        value.backward()
        if run.clip_norm is not None:
            clip_grad_norm_(model.parameters(), run.clip_norm)
        optimizer.step()
        if run.scheduler_steps is not None:
            run.scheduler_steps.step()
        averages.add("loss", number, target)
        with no_grad():
            averages.measure(output.detach(), target)
        report.step(number)
    if not averages.sums:
        raise ValueError("fit: there is no batch to train on; is the loader empty or used up?")
    return averages.means_of_all()


def evaluate(
    model: Any,
    loss: Callable[[Any, Any], Any] | str,
    batches: Iterable[Any],
    metrics: Metrics | None = None,
    batch_size: int = 32,
) -> dict[str, float]:
    """Loss and metrics over all batches, in evaluation mode and without recording.

    loss, metrics   as for `fit`
    batches         as for `fit`; a tuple of tensors or arrays is taken in batches of `batch_size`

    Returns   name -> mean over the samples.
    Example   >>> data = mg.utils.data.TensorDataset(mg.ones(4, 1), mg.ones(4, 1))
              >>> loader = mg.utils.data.DataLoader(data, batch_size=2)
              >>> model, loss = mg.nn.Linear(1, 1), mg.nn.MSELoss()
              >>> list(mg.training.evaluate(model, loss, loader))
              ['loss']
    """
    found = metrics_of(metrics, "evaluate")
    return measure(model, loss_of(loss, "evaluate"), batches_of(batches, batch_size), found).means()


def measure(model: Any, loss: Any, batches: Iterable[Any], metrics: dict[str, Any]) -> Averages:
    """What `evaluate` returns the means of."""
    averages = Averages(metrics)
    with evaluating(model):
        for batch in batches:
            inputs, target = split(batch)
            output = model(*inputs)
            averages.add("loss", loss(output, target), target)
            averages.measure(output, target)
    return averages


def predict(model: Any, inputs: Any, batch_size: int = 256) -> Any:
    """What a model returns for all inputs, in evaluation mode and without recording.

    inputs       a tensor or array; a tuple of them, the arguments of the model; or batches, such as
                 a `DataLoader`, of which the last entry is left out if there are several: the
                 target
    batch_size   how many samples at a time, if `inputs` are tensors or arrays

    Returns   a tensor; a tuple of tensors if the model returns several.
    Raises    ValueError if there is no batch.
    Example   >>> mg.training.predict(mg.nn.Linear(2, 1), mg.ones(5, 2)).shape
              (5, 1)
    """
    if isinstance(inputs, (Variable, np.ndarray)):
        inputs = (inputs,)
    alone = is_arrays(inputs)
    results = []
    with evaluating(model):
        for batch in batches_of(inputs, batch_size):
            parts = list(batch) if isinstance(batch, (tuple, list)) else [batch]
            if len(parts) > 1 and not alone:
                parts.pop()
            results.append(model(*map(as_tensor, parts)))
    if not results:
        raise ValueError("predict: there is no batch; is the loader empty or used up?")
    if isinstance(results[0], tuple):
        return tuple([cat(list(column)) for column in zip(*results)])
    return cat(results)


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Evaluation mode without recording; afterwards every module is in the mode that it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def is_arrays(data: Any) -> bool:
    """Whether data is a tuple of tensors or arrays: all samples, and not batch after batch."""
    return (
        isinstance(data, tuple)
        and len(data) > 0
        and all(isinstance(part, (Variable, np.ndarray)) for part in data)
    )


def batches_of(data: Any, batch_size: int, shuffle: bool = False) -> Any:
    """Batches: as they are, or made of a tuple of tensors or arrays."""
    if not is_arrays(data):
        return data
    return DataLoader(TensorDataset(*data), batch_size=batch_size, shuffle=shuffle)


def as_tensor(part: Any) -> Any:
    return wrap(part) if isinstance(part, np.ndarray) else part


class Averages:
    """Means of numbers over batches, weighted by how many samples each has.

    metrics    what is measured beside the loss; those of `over_epoch` see all samples at the end
    """

    def __init__(self, metrics: Mapping[str, Any]) -> None:
        self.sums: dict[str, float] = {}
        self.weights: dict[str, int] = {}
        self.metrics = metrics
        self.late = [name for name, f in metrics.items() if getattr(f, "over_epoch", False)]
        self.seen: list[tuple[Any, Any]] = []

    def add(self, name: str, value: Any, target: Any) -> None:
        shape = getattr(target, "shape", ())
        weight = shape[0] if shape else 1
        self.sums[name] = self.sums.get(name, 0.0) + float(value) * weight
        self.weights[name] = self.weights.get(name, 0) + weight

    def measure(self, output: Any, target: Any) -> None:
        """Add the metrics of a batch."""
        for name, metric in self.metrics.items():
            if name not in self.late:
                self.add(name, metric(output, target), target)
        if self.late:
            self.seen.append((plain(output).copy(), plain(target).copy()))

    def means(self) -> dict[str, float]:
        """The numbers of all batches, in the order in which they were asked for."""
        found = {name: total / max(self.weights[name], 1) for name, total in self.sums.items()}
        return self.with_late(found, self.seen)

    def means_of_all(self) -> dict[str, float]:
        """The numbers of the samples of all processes that train together."""
        seen = self.seen
        if self.late:
            seen = [pair for rank in together.gathered(seen) for pair in rank]
        return self.with_late(together.means(self.sums, self.weights), seen)

    def with_late(self, found: dict[str, float], seen: list[Any]) -> dict[str, float]:
        """The means, and what is measured of all samples at once."""
        if seen:
            outputs, targets = (np.concatenate(column) for column in zip(*seen))
            found.update({name: float(self.metrics[name](outputs, targets)) for name in self.late})
        order = ["loss", *self.metrics]
        return {name: found[name] for name in order if name in found}


def split(batch: Any) -> tuple[list[Any], Any]:
    """The inputs of a batch, and its target; arrays become tensors."""
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise TypeError(
            f"a batch is a tuple (input, target), got {type(batch).__name__}; use a DataLoader"
        )
    *inputs, target = map(as_tensor, batch)
    return inputs, target


def not_finite(number: float, run: Run, step: int) -> str:
    rate = run.optimizer.param_groups[0]["lr"]
    return (
        f"the loss is {number} in epoch {run.epoch + 1}, step {step}, at learning rate "
        f"{rate:g}; the parameters were not updated with it. A smaller learning rate, "
        "nn.utils.clip_grad_norm_, or other inputs may help; autograd.detect_anomaly() tells where "
        "a NaN comes from"
    )
