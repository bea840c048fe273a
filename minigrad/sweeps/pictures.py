"""Pictures of a sweep, drawn by matplotlib."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["draw"]

DECADES = 1.5  # an axis that spans more of them is logarithmic


def draw(table: Any, winners: int) -> Any:
    """A picture for each hyperparameter that varies, and one for the rungs of a halving."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install matplotlib") from error
    best = [table.setting(place) for place in table.ranking()[:winners]]
    names = [n for n in table.names if len({repr(row[n]) for row in table}) > 1] or table.names[:1]
    rungs = any("rung" in row for row in table)
    count = max(1, len(names) + rungs)
    _, axes = pyplot.subplots(
        1, count, figsize=(3.6 * count, 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    for name, ax in zip(names, axes[0]):
        against(table, name, best, ax)
    if rungs:
        along_rungs(table, best, axes[0, -1])
    axes[0, 0].set_ylabel(table.metric)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    if handles:
        axes[0, 0].figure.legend(handles, labels, loc="outside lower center", fontsize="small")
    return axes[0]


def against(table: Any, name: str, best: list[dict[str, Any]], ax: Any) -> None:
    """The metric of each run against one hyperparameter."""
    values = [row[name] for row in table]
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    kinds = sorted({repr(v): v for v in values}.items())

    def place(value: Any) -> Any:
        return value if numbers else [text for text, _ in kinds].index(repr(value))

    groups: dict[int, list[tuple[Any, Any]]] = {k: [] for k in range(-1, len(best))}
    for row in table:
        if row["error"] is None and row.get(table.metric) is not None:
            setting = table.setting(row)
            which = best.index(setting) if setting in best else -1
            groups[which].append((place(row[name]), row[table.metric]))
    for which, points in reversed(groups.items()):  # the best ones last, above the others
        style = {"color": "0.6", "s": 12} if which < 0 else {"color": f"C{which}", "s": 30}
        label = None if which < 0 else f"{which + 1}. {described(best[which])}"
        ax.scatter(*zip(*points), label=label, zorder=2 - which * 0.01, **style) if points else None
    ax.set_xlabel(name)
    if numbers and min(values) > 0 and max(values) / min(values) > 10**DECADES:
        ax.set_xscale("log")
    elif not numbers:
        ax.set_xticks(range(len(kinds)), [getattr(v, "__name__", str(v)) for _, v in kinds])


def along_rungs(table: Any, best: list[dict[str, Any]], ax: Any) -> None:
    """The mean of the metric over the seeds, for each setting a line over the rungs."""
    lines: dict[str, dict[int, list[float]]] = {}
    settings: dict[str, dict[str, Any]] = {}
    for row in table:
        if row["error"] is None and row.get(table.metric) is not None:
            key = repr(table.setting(row))
            settings[key] = table.setting(row)
            lines.setdefault(key, {}).setdefault(row["rung"], []).append(row[table.metric])
    for key, rungs in lines.items():
        means = [math.fsum(values) / len(values) for _, values in sorted(rungs.items())]
        which = best.index(settings[key]) if settings[key] in best else -1
        colour, width = ("0.7", 0.8) if which < 0 else (f"C{which}", 2.0)
        ax.plot(sorted(rungs), means, marker=".", color=colour, lw=width, zorder=1 + width)
    ax.set_xlabel("rung")
    ax.xaxis.get_major_locator().set_params(integer=True)


def described(setting: dict[str, Any]) -> str:
    """A setting in a line of a legend."""
    parts = (
        f"{name} {value:.3g}" if isinstance(value, float) else
        f"{name} {getattr(value, '__name__', value)}"
        for name, value in setting.items()
    )  # fmt: skip
    return ", ".join(parts)
