"""The numbers of a run, epoch by epoch."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from minigrad.training.display import history_html

__all__ = ["History"]


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

    def _repr_html_(self) -> str:
        return history_html(self)

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
