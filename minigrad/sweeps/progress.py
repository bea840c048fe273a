"""How far a sweep is: a bar in a terminal, or a line for each run."""

from __future__ import annotations

import math
import sys
from typing import IO, Any

from minigrad.sweeps.journal import Outcome
from minigrad.sweeps.space import Run
from minigrad.sweeps.table import is_number, shown

__all__ = ["Bar"]

LINES = 200  # at most, where there is no terminal to redraw a bar on


class Bar:
    """Counts runs, and says which is the best so far."""

    def __init__(
        self, total: int, metric: str, mode: str, wanted: bool, file: IO[str] | None = None
    ) -> None:
        self.file = sys.stderr if file is None else file
        self.total, self.metric, self.wanted = total, metric, wanted
        self.sign = 1.0 if mode == "min" else -1.0
        self.every = max(1, math.ceil(total / LINES))
        self.count = self.failed = 0
        self.best = math.inf
        self.bar = self.make_bar() if wanted and self.file.isatty() else None

    def make_bar(self) -> Any:
        try:
            from tqdm import tqdm
        except ImportError:
            return None
        return tqdm(total=self.total, file=self.file, unit="run", dynamic_ncols=True)

    def known(self, count: int) -> None:
        """Runs whose outcome an earlier sweep has found."""
        self.count += count
        if self.bar is not None:
            self.bar.update(count)
        elif self.wanted and count:
            print(f"{count} of {self.total} runs are done already", file=self.file, flush=True)

    def add(self, run: Run, outcome: Outcome) -> None:
        """After each run."""
        self.count += 1
        value = outcome.results.get(self.metric)
        if is_number(value):
            self.best = min(self.best, self.sign * float(value))  # type: ignore[arg-type]
        self.failed += outcome.error is not None
        if self.bar is not None:
            self.bar.update()
            best = f"best {self.metric} {self.sign * self.best:.4g}"
            self.bar.set_postfix_str(best + f", {self.failed} failed" * bool(self.failed))
        elif self.wanted and (self.count % self.every == 0 or outcome.error is not None):
            settings = "  ".join(f"{name} {shown(v)}" for name, v in run.arguments.items())
            ended = outcome.error or "  ".join(
                f"{name} {shown(v)}" for name, v in outcome.results.items()
            )
            line = f"run {self.count}/{self.total}  {settings}  seed {run.seed}  {ended}"
            print(line, file=self.file, flush=True)

    def close(self) -> None:
        """At the end."""
        if self.bar is not None:
            self.bar.close()
        if self.wanted and self.failed:
            print(f"{self.failed} runs failed; retry=True runs them again", file=self.file)
