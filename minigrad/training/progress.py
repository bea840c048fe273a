"""How far a run is, in a terminal, a notebook or a log file."""

from __future__ import annotations

import math
import sys
import time
from importlib import import_module
from typing import IO, Any

from minigrad.training.display import progress_html
from minigrad.training.history import History

__all__ = ["Progress"]

LOG_LINES = 200  # lines that a run writes at most where there is no terminal to redraw a bar on
PAUSE = 0.25  # seconds between two pictures in a notebook


class Progress:
    """How far a run is: in a notebook curves that grow, in a terminal a bar, and a line an epoch.

    However many epochs there are, the lines that stay are bounded in number.
    """

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
        self.notebook = Notebook(self) if wanted and file is None and in_notebook() else None
        self.bar = self.make_bar() if wanted and self.notebook is None else None
        self.count = 0

    def make_bar(self) -> Any:
        """A bar of tqdm's, if it is installed and there is a terminal where it can be redrawn."""
        if not self.file.isatty():
            return None
        try:
            from tqdm import tqdm
        except ImportError:
            return None
        total = None if self.steps is None else self.epochs * self.steps
        return tqdm(total=total, file=self.file, unit="step", dynamic_ncols=True)

    def done(self, epochs: int) -> None:
        """Epochs that an earlier run has done."""
        if self.steps is not None:
            self.count = epochs * self.steps
            if self.bar is not None:
                self.bar.update(self.count)

    def step(self, loss: float) -> None:
        """After each update of the parameters."""
        self.count += 1
        if self.bar is not None:
            self.bar.update()
        if self.notebook is not None:
            self.notebook.step()

    def epoch(self, epoch: int, numbers: dict[str, float]) -> None:
        """After each epoch."""
        if not self.wanted:
            return
        values = "  ".join(f"{name} {value:.4g}" for name, value in numbers.items())
        line = f"epoch {epoch}/{self.epochs}  {values}"
        lasting = epoch % self.every == 0 or epoch == self.epochs
        if self.notebook is not None:
            self.notebook.epoch(epoch, numbers)
        elif self.bar is None and lasting:
            print(line, file=self.file, flush=True)
        elif self.bar is not None:
            if lasting:
                self.bar.write(line, file=self.file)
            self.bar.set_description(f"epoch {epoch}/{self.epochs}")

    def close(self) -> None:
        """At the end."""
        if self.bar is not None:
            self.bar.close()
        if self.notebook is not None:
            self.notebook.show()


class Notebook:
    """A cell's output with a bar, the curves of the losses and a table, redrawn during a run."""

    def __init__(self, progress: Progress) -> None:
        ipython: Any = import_module("IPython.display")
        self.progress = progress
        self.history = History()
        self.as_html = ipython.HTML
        self.title = ""
        self.drawn = time.monotonic()
        self.handle = ipython.display(self.as_html(self.picture()), display_id=True)

    def picture(self) -> str:
        """What the cell shows now."""
        steps, epochs = self.progress.steps, self.progress.epochs
        done = len(next(iter(self.history.values()), []))
        share = done / max(epochs, 1)
        if steps:
            share = self.progress.count / max(epochs * steps, 1) if self.title else 0.0
        return progress_html(self.title, min(share, 1.0), self.history)

    def step(self) -> None:
        if time.monotonic() - self.drawn > PAUSE:
            self.show()

    def epoch(self, epoch: int, numbers: dict[str, float]) -> None:
        self.title = f"epoch {epoch}/{self.progress.epochs}"
        self.history.add(epoch=epoch, **numbers)
        self.step()

    def show(self) -> None:
        self.drawn = time.monotonic()
        self.handle.update(self.as_html(self.picture()))


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this, rather than a terminal."""
    if "ipykernel" not in sys.modules:
        return False
    ipython: Any = import_module("IPython")
    return type(ipython.get_ipython()).__name__ == "ZMQInteractiveShell"
