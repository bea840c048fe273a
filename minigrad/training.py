"""Training loops ready to use: `fit`, what it calls after each epoch, and `lr_find`.

The loop itself is four lines, and writing it out is the first way to train::

    for x, y in batches:
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

`fit` adds what surrounds it: averages, validation, a progress bar, early stopping, and checkpoints
from which a run goes on as if it had never been interrupted.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from minigrad import random, serialization
from minigrad.graph import Variable, no_grad, wrap
from minigrad.optim.lr_scheduler import ReduceLROnPlateau

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "LearningRates",
    "Run",
    "accuracy",
    "evaluate",
    "fit",
    "lr_find",
]

Metrics = Mapping[str, Callable[[Any, Any], Any]]

LOG_LINES = 200  # lines that a run writes at most where there is no terminal to redraw a bar on


# ------------------------------------------------------------------------------------------ history


FEW_EPOCHS = 30  # up to here each epoch is a point of a plot


class History(dict[str, list[Any]]):
    """Numbers of each epoch: a dict of lists, ``history["loss"][-1]``.

    Example   >>> history = mg.training.History()
              >>> history.add(epoch=1, loss=0.5)
              >>> history.add(epoch=2, loss=0.25)
              >>> history["loss"]
              [0.5, 0.25]
    """

    def add(self, **values: Any) -> None:
        """Append the numbers of an epoch; a name that is new, or missing, has None elsewhere."""
        length = max(map(len, self.values()), default=0)
        for name in {**self, **values}:
            column = self.setdefault(name, [None] * length)
            column.append(values.get(name))

    def to_csv(self, path: str | Path) -> None:
        """Write a table: a line of names, and a line for each epoch."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self)
            writer.writerows(zip(*self.values()))

    def plot(self, axes: Any = None) -> Any:
        """Draw the losses over the epochs, and return matplotlib's axes.

        Metrics, of which nobody knows the scale, have an axis of their own on the right.

        axes     where to draw; None: a new figure
        Raises   ValueError if there is no epoch yet; ImportError if matplotlib is not installed.
        """
        curves = {name: values for name, values in self.items() if name not in ("epoch", "lr")}
        if not any(curves.values()):
            raise ValueError("this history has no epoch yet: there is nothing to plot")
        axes = new_axes() if axes is None else axes
        losses = [name for name in curves if name.endswith("loss")]
        metrics = [name for name in curves if name not in losses]
        right = axes.twinx() if losses and metrics else axes
        lines = []
        for k, (name, values) in enumerate(curves.items()):
            side = axes if name in losses else right
            epochs = self.get("epoch", range(1, len(values) + 1))
            shown = [math.nan if v is None else v for v in values]
            marker = "." if len(shown) <= FEW_EPOCHS else None
            lines += side.plot(epochs, shown, label=name, color=f"C{k}", marker=marker)
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss" if losses else ", ".join(metrics))
        if right is not axes:
            right.set_ylabel(", ".join(metrics))
        axes.set_title("training")
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        right.legend(handles=lines)
        return axes


def new_axes() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install matplotlib") from error
    return pyplot.subplots()[1]


# ---------------------------------------------------------------------------------------------- fit


class Run:
    """What `fit` is doing, for callbacks: they may set ``stop``.

    epoch     how many epochs are complete
    stop      end after this epoch
    history   the numbers so far
    """

    def __init__(
        self, model: Any, optimizer: Any, scheduler: Any, train: Any, callbacks: Sequence[Callback]
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.train = train
        self.callbacks = callbacks
        self.history = History()
        self.epoch = 0
        self.stop = False


class Callback:
    """Called by `fit`: a subclass defines what it needs of `start`, `epoch_end` and `end`.

    Example  >>> class Count(mg.training.Callback):
             ...     def epoch_end(self, run):
             ...         print(run.epoch)
             >>> data = mg.utils.data.TensorDataset(mg.ones(4, 1), mg.ones(4, 1))
             >>> loader = mg.utils.data.DataLoader(data, batch_size=2)
             >>> model, loss = mg.nn.Linear(1, 1), mg.nn.MSELoss()
             >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
             >>> history = mg.training.fit(
             ...     model, loss, optimizer, loader, epochs=2, callbacks=[Count()], progress=False
             ... )
             1
             2
    """

    def start(self, run: Run) -> None:
        """Before the first epoch."""

    def epoch_end(self, run: Run) -> None:
        """After each epoch, when its numbers are in ``run.history``."""

    def end(self, run: Run) -> None:
        """After the last epoch."""

    def state_dict(self) -> dict[str, Any]:
        """What a `Checkpoint` keeps of this callback."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from where `state_dict` was taken."""


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

    Returns   a `History` with epoch, lr, loss, metrics, and the same with ``val_`` before them.
    Raises    FloatingPointError if the loss is not finite; the parameters are still those before
              it.  TypeError if loss or optimizer are of another kind.
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
    run = Run(model, optimizer, scheduler, train, callbacks)
    for callback in callbacks:
        callback.start(run)
    report = Progress(epochs, train, progress)
    report.done(run.epoch)
    while run.epoch < epochs and not run.stop:
        numbers = train_epoch(run, loss, metrics or {}, report)
        if validation is not None:
            measured = evaluate(model, loss, validation, metrics)
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
    return averages.means()


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
    return averages.means()


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


def accuracy(output: Any, target: Any) -> float:
    """The share of rows whose largest entry is at the target's class, a metric for `fit`.

    Shapes    (n, c), (n,) of classes -> a number in 0 ... 1
    Example   >>> mg.training.accuracy(mg.tensor([[0.1, 0.9], [0.8, 0.2]]), mg.tensor([1, 1]))
              0.5
    """
    pair = (output, target)
    scores, classes = (t._array if isinstance(t, Variable) else np.asarray(t) for t in pair)
    if scores.ndim != 2 or classes.shape != scores.shape[:1]:
        raise ValueError(f"accuracy takes (n, c) and (n,), got {scores.shape}, {classes.shape}")
    return float((scores.argmax(1) == classes).mean())


# ----------------------------------------------------------------------------------------- progress


class Progress:
    """How far a run is: a bar that is redrawn, or, in a log file, a bounded number of lines."""

    def __init__(
        self, epochs: int, batches: Any, wanted: bool = True, file: IO[str] | None = None
    ) -> None:
        self.file = sys.stderr if file is None else file
        self.epochs = epochs
        self.wanted = wanted
        self.every = max(1, math.ceil(epochs / LOG_LINES))
        try:
            self.steps: int | None = len(batches)
        except TypeError:  # a generator, or a loader of an IterableDataset
            self.steps = None
        self.bar = self.make_bar() if wanted else None

    def make_bar(self) -> Any:
        """A bar of tqdm's, if it is installed and there is a place where it can be redrawn."""
        notebook = "ipykernel" in sys.modules
        if not (notebook or self.file.isatty()):
            return None
        try:
            if notebook:
                from tqdm.notebook import tqdm
            else:
                from tqdm import tqdm
        except ImportError:
            return None
        total = None if self.steps is None else self.epochs * self.steps
        return tqdm(total=total, file=None if notebook else self.file, unit="step")

    def done(self, epochs: int) -> None:
        """Epochs that an earlier run has done."""
        if self.bar is not None and self.steps is not None:
            self.bar.update(epochs * self.steps)

    def step(self, loss: float) -> None:
        """After each update of the parameters."""
        if self.bar is not None:
            self.bar.update()

    def epoch(self, epoch: int, numbers: dict[str, float]) -> None:
        """After each epoch."""
        if not self.wanted:
            return
        values = "  ".join(f"{name} {value:.4g}" for name, value in numbers.items())
        if self.bar is not None:
            self.bar.set_description(f"epoch {epoch}/{self.epochs}  {values}")
        elif epoch % self.every == 0 or epoch == self.epochs:
            print(f"epoch {epoch}/{self.epochs}  {values}", file=self.file, flush=True)

    def close(self) -> None:
        """At the end."""
        if self.bar is not None:
            self.bar.close()


# ---------------------------------------------------------------------------------------- callbacks


class EarlyStopping(Callback):
    """Stop when a number has not become better for `patience` epochs.

    monitor        a name in the history; None: val_loss, or loss without validation
    patience       how many epochs to wait
    min_delta      by how much it must be better to count
    mode           "min": smaller is better; "max": larger is
    restore_best   at the end, give the model the parameters of its best epoch

    Raises    ValueError for another mode; KeyError if the history has no such name.
    Example   >>> data = mg.utils.data.TensorDataset(mg.ones(4, 1), mg.ones(4, 1))
              >>> loader = mg.utils.data.DataLoader(data, batch_size=2)
              >>> model, loss = mg.nn.Linear(1, 1), mg.nn.MSELoss()
              >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.0)
              >>> stop = mg.training.EarlyStopping(patience=2)
              >>> history = mg.training.fit(
              ...     model, loss, optimizer, loader, epochs=9, callbacks=[stop], progress=False
              ... )
              >>> len(history["loss"])
              3
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 5,
        min_delta: float = 0.0,
        mode: str = "min",
        restore_best: bool = False,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f'EarlyStopping: mode is "min" or "max", got {mode!r}')
        self.monitor = monitor
        self.patience = patience
        self.min_delta = min_delta
        self.sign = 1.0 if mode == "min" else -1.0
        self.restore_best = restore_best
        self.best = math.inf
        self.waited = 0
        self.best_state: dict[str, Any] | None = None

    def epoch_end(self, run: Run) -> None:
        value = self.sign * monitored(self.monitor, run.history)
        if value < self.best - self.min_delta:
            self.best = value
            self.waited = 0
            if self.restore_best:
                self.best_state = copied(run.model.state_dict())
        else:
            self.waited += 1
            run.stop = run.stop or self.waited >= self.patience

    def end(self, run: Run) -> None:
        if self.best_state is not None:
            run.model.load_state_dict(self.best_state)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited, "best_state": self.best_state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        vars(self).update(state_dict)


def monitored(name: str | None, history: History) -> float:
    """The last value of a number of the history."""
    name = name or ("val_loss" if "val_loss" in history else "loss")
    if name not in history:
        raise KeyError(f"the history has no {name!r}; it has {', '.join(history)}")
    return float(history[name][-1])


def copied(state: Any) -> Any:
    """A state dict with tensors of its own."""
    if isinstance(state, Mapping):
        return {key: copied(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return type(state)([copied(value) for value in state])
    return wrap(state._array.copy(order="K")) if isinstance(state, Variable) else state


class Checkpoint(Callback):
    """Keep a run on disk, so that it can go on after it was interrupted.

    path      the file, which holds parameters, optimizer, scheduler, history and the state of all
              random generators; it is replaced at once, never half-written
    every     epochs between two writes
    resume    if the file exists, go on from it: the run continues bit for bit as if it had not been
              interrupted
    monitor   a name in the history: write only when it is better than ever; None: always
    mode      "min": smaller is better; "max": larger is

    Raises    ValueError if the file to resume from is damaged, or of another model.
    Example   >>> import tempfile, pathlib
              >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.npz"
              >>> model = mg.nn.Linear(1, 1)
              >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
              >>> batches = [(mg.tensor([[1.0]]), mg.tensor([[2.0]]))]
              >>> history = mg.training.fit(
              ...     model, mg.nn.functional.mse_loss, optimizer, batches, epochs=3,
              ...     callbacks=[mg.training.Checkpoint(path)], progress=False)
              >>> mg.load(path)["epoch"]
              3
    """

    def __init__(
        self,
        path: str | Path,
        every: int = 1,
        resume: bool = True,
        monitor: str | None = None,
        mode: str = "min",
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f'Checkpoint: mode is "min" or "max", got {mode!r}')
        self.path = Path(path)
        self.every = every
        self.resume = resume
        self.monitor = monitor
        self.sign = 1.0 if mode == "min" else -1.0
        self.best = math.inf

    def start(self, run: Run) -> None:
        if self.resume and self.path.exists():
            restore(serialization.load(self.path), run)

    def epoch_end(self, run: Run) -> None:
        if self.monitor is not None:
            value = self.sign * monitored(self.monitor, run.history)
            if not value < self.best:
                return
            self.best = value
        elif run.epoch % self.every and not run.stop:
            return
        serialization.save(snapshot(run), self.path)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best = state_dict["best"]


def snapshot(run: Run) -> dict[str, Any]:
    """All that a run needs to go on."""
    return {
        "model": run.model.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "scheduler": None if run.scheduler is None else run.scheduler.state_dict(),
        "callbacks": [(type(c).__name__, c.state_dict()) for c in run.callbacks],
        "generators": [generator.get_state() for generator in generators(run.train)],
        "history": dict(run.history),
        "epoch": run.epoch,
        "stop": run.stop,
    }


def restore(state: Any, run: Run) -> None:
    """Go on from a `snapshot`."""
    if not isinstance(state, dict) or "generators" not in state:
        raise ValueError("the file is no checkpoint of a run")
    run.model.load_state_dict(state["model"])
    run.optimizer.load_state_dict(state["optimizer"])
    if run.scheduler is not None:
        run.scheduler.load_state_dict(state["scheduler"])
    kept = list(state["callbacks"])
    for callback in run.callbacks:  # by name: a run may go on with others than it began with
        found = next((entry for entry in kept if entry[0] == type(callback).__name__), None)
        if found is not None:
            kept = [entry for entry in kept if entry is not found]
            callback.load_state_dict(found[1])
    for generator, standing in zip(generators(run.train), state["generators"]):
        generator.set_state(standing)
    run.history = History(state["history"])
    run.epoch = state["epoch"]
    run.stop = state["stop"]


def generators(batches: Any) -> list[random.Generator]:
    """The sources of randomness of a run: the common one, and those of the loader."""
    found: list[random.Generator] = [random.default_generator]
    sampler = getattr(batches, "sampler", None)
    for owner in (batches, sampler, getattr(batches, "batch_sampler", None)):
        generator = getattr(owner, "generator", None)
        if isinstance(generator, random.Generator) and generator not in found:
            found.append(generator)
    return found


# ------------------------------------------------------------------------------------ learning rate


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
    sources = [(generator, generator.get_state()) for generator in generators(train)]
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
            generator.set_state(state)
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
