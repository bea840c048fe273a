"""What a sweep found: a list of dicts that ranks its settings and draws them."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Table"]

SHOWN = 10  # settings that a table prints


class Table(list[dict[str, Any]]):
    """The runs of a sweep, a dict for each, all with the same names.

    A run that failed has its error in a line under "error" (None elsewhere), None for its results,
    and its traceback in `tracebacks`.

    metric      the result that ranks settings
    mode        "min": smaller is better; "max": larger is
    names       of the hyperparameters
    tracebacks  by number of run

    Example  >>> import minigrad as mg
             >>> table = mg.sweep(lambda x, seed: {"loss": (x - 2) ** 2 + 0.1 * seed},
             ...                  {"x": [1, 2, 3]}, seeds=2, scheduler="serial", progress=False)
             >>> len(table), table[0]["x"], table[0]["seed"], table[0]["loss"]
             (6, 1, 0, 1.0)
             >>> table.best()
             {'x': 2}
    """

    def __init__(
        self,
        rows: Sequence[dict[str, Any]],
        metric: str = "loss",
        mode: str = "min",
        names: Sequence[str] = (),
        tracebacks: Mapping[int, str] | None = None,
    ) -> None:
        super().__init__(rows)
        self.metric, self.mode = metric, mode
        self.names = list(names)
        self.tracebacks = dict(tracebacks or {})

    # ---------------------------------------------------------------------------------- the best

    def ranking(self) -> list[dict[str, Any]]:
        """A dict for each setting, the best first.

        Each has the hyperparameters, the mean of the metric over the seeds, its standard deviation,
        and the numbers of runs and of failures.  After a successive halving settings that came
        further stand before those that did not, and the numbers are those of their last rung.  A
        setting of which a run failed, or has no number, stands last.

        Raises   ValueError if all runs failed, or none returned the metric.
        """
        self.check()
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in self:
            groups.setdefault(repr(self.setting(row)), []).append(row)
        found = [self.place(rows) for rows in groups.values()]
        found.sort(key=lambda entry: entry[0])
        return [place for _, place in found]

    def place(self, rows: list[dict[str, Any]]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What a setting is sorted by, and what is told of it."""
        reached = max(row.get("rung", 0) for row in rows)
        rows = [row for row in rows if row.get("rung", 0) == reached]
        values = [row[self.metric] for row in rows if is_number(row.get(self.metric))]
        failed = len(rows) - len(values)
        mean = math.fsum(values) / len(values) if values else math.nan
        spread = math.fsum((v - mean) ** 2 for v in values)
        deviation = math.sqrt(spread / (len(values) - 1)) if len(values) > 1 else math.nan
        told = {
            **self.setting(rows[0]),
            self.metric: mean,
            f"{self.metric} std": deviation,
            "runs": len(rows),
            "failed": failed,
        }
        good = (mean if self.mode == "min" else -mean) if values else math.inf
        return (failed > 0, -reached, good), told

    def best(self) -> dict[str, Any]:
        """The hyperparameters of the best setting, to call the function with again.

        Raises   as `ranking`.
        """
        return self.setting(self.ranking()[0])

    def setting(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: row[name] for name in self.names if name in row}

    def check(self) -> None:
        """Raise an error if there is nothing to rank by."""
        worked = [row for row in self if row["error"] is None]
        if self and not worked:
            number = self[0]["run"]
            raise ValueError(
                f"all {len(self)} runs failed; run {number} with {self[0]['error']}\n"
                f"{self.tracebacks.get(number, '')}"
            )
        if not any(is_number(row.get(self.metric)) for row in worked):
            ours = {*self.names, "run", "rung", "seed", "seconds", "error"}
            others = [name for name in (worked[0] if worked else {}) if name not in ours]
            raise ValueError(
                f"no run returned a number called {self.metric!r}, but {', '.join(others)}: say "
                "which, metric=..."
            )

    @property
    def failures(self) -> list[dict[str, Any]]:
        """The rows of the runs that failed."""
        return [row for row in self if row["error"] is not None]

    # ------------------------------------------------------------------------------ other forms

    def to_pandas(self) -> Any:
        """A DataFrame, a row for each run.

        Raises   ImportError if pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError("DataFrames need pandas: pip install pandas") from error
        return pandas.DataFrame(list(self))

    def __str__(self) -> str:
        lines = self.lines()
        widths = [max(map(len, column)) for column in zip(*lines)]
        text = ["  ".join(c.rjust(w) for c, w in zip(line, widths)).rstrip() for line in lines]
        return "\n".join([*text, self.footer()])

    def _repr_html_(self) -> str:
        head, *body = self.lines()
        cells = "".join(f"<th>{html.escape(c)}</th>" for c in head)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in line) + "</tr>" for line in body
        )
        return f"<table><tr>{cells}</tr>{rows}</table><div>{html.escape(self.footer())}</div>"

    def lines(self) -> list[list[str]]:
        """The best settings, a line of texts for each, under a line of names."""
        try:
            ranked = self.ranking()
        except ValueError:
            return [["run", "error"], *[[str(r["run"]), str(r["error"])] for r in self[:SHOWN]]]
        return [list(ranked[0]), *[[shown(v) for v in row.values()] for row in ranked[:SHOWN]]]

    def footer(self) -> str:
        failed = len(self.failures)
        return f"{len(self)} runs" + (f", {failed} failed" if failed else "")

    def plot(self, winners: int = 3) -> Any:
        """Draw the metric against each hyperparameter, and return matplotlib's axes, an array.

        A point is a run; the best settings have colours and names.  A successive halving has a
        picture more: the metric of every setting as its budget grows.

        Raises   as `ranking`; ImportError if matplotlib is not installed.
        """
        from minigrad.sweeps.pictures import draw

        return draw(self, winners)


def is_number(value: Any) -> bool:
    """Whether it is a finite or infinite number: not missing, and not NaN."""
    return isinstance(value, (int, float)) and not math.isnan(value)


def shown(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4g}"
    return getattr(value, "__name__", None) or str(value)
