"""How far a run is, in a terminal, a notebook or a log file."""

from __future__ import annotations

import math
import sys
from typing import IO, Any

__all__ = ["Progress"]


LOG_LINES = 200  # lines that a run writes at most where there is no terminal to redraw a bar on


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
