"""What `fit` calls before, between and after the epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from minigrad.graph import Variable, wrap
from minigrad.training.history import History

__all__ = ["Callback", "EarlyStopping", "Run"]


class Run:
    """What `fit` is doing, for callbacks: they may set ``stop``.

    epoch     how many epochs are complete
    stop      end after this epoch
    history   the numbers so far
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        scheduler: Any,
        train: Any,
        callbacks: Sequence[Listener],
        validation: Any = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.train = train
        self.validation = validation
        self.callbacks = callbacks
        self.history = History()
        self.epoch = 0
        self.stop = False
        self.clip_norm: float | None = None
        self.scheduler_steps: Any = None  # the scheduler, if it steps after each update


class Listener(Protocol):
    """What `fit` calls, whatever its class: a `Callback`, or a `visualize.film`."""

    def start(self, run: Any, /) -> None:
        """Before the first epoch."""

    def epoch_end(self, run: Any, /) -> None:
        """After each epoch."""

    def end(self, run: Any, /) -> None:
        """After the last epoch."""

    def state_dict(self) -> dict[str, Any]:
        """What a `Checkpoint` keeps of it."""
        raise NotImplementedError

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None:
        """Go on from where `state_dict` was taken."""


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
