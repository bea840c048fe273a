"""The file of a sweep: a line of JSON for each run, written as soon as the run is done."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from minigrad.sweeps.space import Run

__all__ = ["Journal", "Outcome"]


class Outcome(NamedTuple):
    """What came out of a run: results, or an error in a line and as a traceback.

    seconds   how long it took; None if its process died
    """

    results: dict[str, Any]
    seconds: float | None
    error: str | None = None
    traceback: str | None = None


class Journal:
    """Outcomes by run, in memory and, with a path, in a file that outlives the process.

    Only the process that leads the sweep writes, a line at a time, through to the disk; of a line
    that was being written when the process was killed the beginning is removed.
    """

    def __init__(self, path: Path | None, name: str) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.file: Any = None
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(path, "a+b")  # noqa: SIM115  # closed by close()
        try:
            lock(self.file, path)
            self.read(path, name)
        except BaseException:
            self.file.close()
            raise

    def read(self, path: Path, name: str) -> None:
        """Take in what an earlier process wrote."""
        self.file.seek(0)
        lines = self.file.read().split(b"\n")
        if lines[-1]:
            self.file.truncate(self.file.tell() - len(lines[-1]))
        for number, line in enumerate(lines[:-1], start=1):
            try:
                entry = json.loads(line)
                if number == 1:
                    writer = entry["sweep"]
                else:
                    key = entry.pop("key")
                    self.outcomes[key] = Outcome(**entry)
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"line {number} of {path} is not a run of a sweep") from error
        if len(lines) == 1:
            self.write({"sweep": name})
        elif writer != name:
            raise ValueError(
                f"{path} has runs of {writer}, and this sweep is of {name}; choose another file"
            )

    def write(self, entry: dict[str, Any]) -> None:
        self.file.write(json.dumps(entry).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def add(self, run: Run, outcome: Outcome) -> None:
        """Keep the outcome of a run."""
        self.outcomes[run.key] = outcome
        if self.file is not None:
            self.write({"key": run.key, **outcome._asdict()})

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


def lock(file: Any, path: Path) -> None:
    """Keep other processes out while this one lives; where the system has no such locks, do not."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise RuntimeError(f"{path} is being written by another sweep that still runs") from error
