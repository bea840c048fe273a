"""A run kept on disk, from which it goes on."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import distributed, random, serialization
from minigrad.training.callbacks import Callback, Run, monitored
from minigrad.training.history import History
from minigrad.training.together import gathered, is_first, of_first

__all__ = ["Checkpoint"]


class Checkpoint(Callback):
    """Keep a run on disk, so that it can go on after it was interrupted.

    path      the file, which holds parameters, optimizer, scheduler, history and the state of all
              random generators; it is replaced at once, never half-written.  Of several processes
              the first writes and reads it, for all
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
        there = self.resume and is_first() and self.path.exists()
        state = of_first(serialization.load(self.path) if there else None)
        if state is not None:
            restore(state, run)

    def epoch_end(self, run: Run) -> None:
        if self.monitor is not None:
            value = self.sign * monitored(self.monitor, run.history)
            if not value < self.best:
                return
            self.best = value
        elif run.epoch % self.every and not run.stop:
            return
        state = snapshot(run)
        if is_first():
            serialization.save(state, self.path)

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
        "kinds": kinds_of(run),
        "callbacks": [(type(c).__name__, c.state_dict()) for c in run.callbacks],
        "generators": gathered([state_of(generator) for generator in generators(run)]),
        "history": dict(run.history),
        "epoch": run.epoch,
        "stop": run.stop,
    }


def restore(state: Any, run: Run) -> None:
    """Go on from a `snapshot`."""
    if not isinstance(state, dict) or "generators" not in state:
        raise ValueError("the file is not a checkpoint of a run")
    check_kinds(state, run)
    before = run.optimizer.state_dict()
    try:  # each of the two leaves things as they are if it fails
        run.optimizer.load_state_dict(state["optimizer"])
        run.model.load_state_dict(state["model"])
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        run.optimizer.load_state_dict(before)
        raise ValueError(f"the checkpoint is of another model or optimizer: {error}") from error
    if run.scheduler is not None:
        run.scheduler.load_state_dict(state["scheduler"])
    kept = list(state["callbacks"])
    for callback in run.callbacks:  # by name: a run may go on with others than it began with
        found = next((entry for entry in kept if entry[0] == type(callback).__name__), None)
        if found is not None:
            kept = [entry for entry in kept if entry is not found]
            callback.load_state_dict(found[1])
    for generator, standing in zip(generators(run), own_states(state["generators"])):
        set_state(generator, standing)
    run.history = History(state["history"])
    run.epoch = state["epoch"]
    run.stop = state["stop"]


def own_states(saved: list[Any]) -> list[Any]:
    """The states of this process's generators, among those of all ranks that saved them."""
    if saved and isinstance(saved[0], dict):  # a file from before there were ranks
        return saved
    position = distributed.get_rank() if distributed.is_initialized() else 0
    return saved[position] if position < len(saved) else []


def kinds_of(run: Run) -> dict[str, str | None]:
    """What takes part in a run, by name of its class."""
    parts = {"optimizer": run.optimizer, "scheduler": run.scheduler}
    return {name: None if part is None else type(part).__name__ for name, part in parts.items()}


def check_kinds(state: Any, run: Run) -> None:
    """Raise a ValueError if a checkpoint is of a run with other parts."""
    none = {"scheduler": None} if state["scheduler"] is None else {}
    saved = state.get("kinds", {**kinds_of(run), **none})
    for name, kind in kinds_of(run).items():
        if saved[name] != kind:
            raise ValueError(
                f"the checkpoint was written with {saved[name] or 'no ' + name}, and this run has "
                f"{kind or 'no ' + name}: go on with the same {name}, or from another file"
            )
    kept, found = len(own_states(state["generators"])), len(generators(run))
    if kept not in (found, 0):  # 0: a rank that there was not
        raise ValueError(
            f"the checkpoint has the states of {kept} random generators, and this run has {found}: "
            "its loaders draw from others"
        )


def state_of(generator: Any) -> Any:
    """Where a generator stands, this library's or NumPy's."""
    if isinstance(generator, random.Generator):
        return generator.get_state()
    return generator.bit_generator.state


def set_state(generator: Any, state: Any) -> None:
    """Let a generator go on from where `state_of` found it."""
    if isinstance(generator, random.Generator):
        generator.set_state(state)
    else:
        generator.bit_generator.state = state


def generators(run: Run) -> list[Any]:
    """The sources of randomness of a run: the common one, and those of its loaders."""
    return generators_of(run.train, run.validation)


def generators_of(*loaders: Any) -> list[Any]:
    """The common generator, and those of loaders and their samplers."""
    found: list[Any] = [random.default_generator]
    for loader in loaders:
        batches = getattr(loader, "batch_sampler", None)
        owners = (loader, getattr(loader, "sampler", None), batches)
        for owner in (*owners, getattr(batches, "sampler", None)):
            generator = getattr(owner, "generator", None)
            known = isinstance(generator, (random.Generator, np.random.Generator))
            if known and not any(generator is each for each in found):
                found.append(generator)
    return found
