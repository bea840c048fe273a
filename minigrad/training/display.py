"""What a notebook shows of training: curves and tables, as HTML that needs nothing installed."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["curves", "history_html", "progress_html"]

WIDTH, HEIGHT = 420, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 30
ROOM = HEIGHT - TOP - BOTTOM
COLOURS = ("#3b7dc4", "#d9822b", "#2f9e6e", "#b04fa8", "#8a8f98", "#c94a4a")  # on light and dark
ROWS = 12  # epochs in a table: the first, and the last

Points = tuple[Sequence[float], Sequence[float]]


def curves(
    lines: Mapping[str, Points],
    labels: tuple[str, str],
    log: tuple[bool, bool] = (False, False),
    mark: float | None = None,
) -> str:
    """An SVG of curves, in the colours of the page around it.

    lines    name -> places and values; what is not finite is left out
    labels   of the axes
    log      which axes are logarithmic
    mark     a place where a dashed line stands
    """
    finite = {name: points_of(x, y, log) for name, (x, y) in lines.items()}
    everything = [point for points in finite.values() for point in points]
    if not everything:
        return ""
    low_x, high_x = bounds([x for x, _ in everything])
    low_y, high_y = bounds([y for _, y in everything])

    def place(x: float, y: float) -> str:
        across = LEFT + (x - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)
        return f"{across:.1f},{HEIGHT - BOTTOM - (y - low_y) / (high_y - low_y) * ROOM:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        'style="max-width:100%;height:auto;font:11px system-ui,sans-serif" fill="currentColor" '
        f'role="img" aria-label="{html.escape(", ".join(lines))}">',
        f'<path d="M{LEFT},{TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" '
        'stroke="currentColor" stroke-opacity="0.4"/>',
        text(LEFT, HEIGHT - BOTTOM + 14, shown(low_x, log[0]), "start"),
        text(WIDTH - RIGHT, HEIGHT - BOTTOM + 14, shown(high_x, log[0]), "end"),
        text((LEFT + WIDTH) / 2, HEIGHT - 4, labels[0], "middle"),
        text(LEFT - 5, HEIGHT - BOTTOM, shown(low_y, log[1]), "end"),
        text(LEFT - 5, TOP + 9, shown(high_y, log[1]), "end"),
    ]
    if mark is not None:
        top, bottom = place(math.log10(mark) if log[0] else mark, high_y), HEIGHT - BOTTOM
        parts.append(
            f'<path d="M{top}V{bottom}" stroke="currentColor" stroke-dasharray="4 3" fill="none"/>'
        )
    for k, (name, points) in enumerate(finite.items()):
        colour = COLOURS[k % len(COLOURS)]
        path = " ".join(place(x, y) for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(points) == 1:
            x, y = path.split(",")
            parts.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')
        parts.append(text(WIDTH - RIGHT, TOP + 12 + 14 * k, name, "end", colour))
    return "".join([*parts, "</svg>"])


def points_of(
    x: Sequence[Any], y: Sequence[Any], log: tuple[bool, bool]
) -> list[tuple[float, float]]:
    """The finite points, in decades along logarithmic axes."""
    found = []
    for point in zip(x, y):
        if any(value is None or not math.isfinite(value) for value in point):
            continue
        if any(scale and value <= 0 for value, scale in zip(point, log)):
            continue
        a, b = (math.log10(v) if scale else float(v) for v, scale in zip(point, log))
        found.append((a, b))
    return found


def bounds(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def shown(value: float, log: bool) -> str:
    return f"{10**value if log else value:.3g}"


def text(x: float, y: float, content: str, anchor: str, colour: str = "currentColor") -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">'
        f"{html.escape(content)}</text>"
    )


def history_html(history: Mapping[str, Sequence[Any]]) -> str:
    """The losses as curves, and a table of the epochs."""
    count = max(map(len, history.values()), default=0)
    epochs = history.get("epoch", range(1, count + 1))
    losses = {name: (epochs, v) for name, v in history.items() if name.endswith("loss")}
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start">'
        f"{curves(losses, ('epoch', 'loss'))}{table_html(history, count)}</div>"
    )


def table_html(history: Mapping[str, Sequence[Any]], count: int) -> str:
    """The first epoch and the last ones, a row each."""
    rows = [k for k in range(count) if k == 0 or k > count - ROWS]
    cell = "padding:1px 8px;text-align:right"
    lines = ["".join(f'<th style="{cell}">{html.escape(str(name))}</th>' for name in history)]
    for before, k in zip([-1, *rows], rows):
        if k > before + 1:
            lines.append(f'<td style="{cell}" colspan="{len(history)}">⋮</td>')
        values = (column[k] for column in history.values())
        lines.append("".join(f'<td style="{cell}">{entry(value)}</td>' for value in values))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<table style="font-size:12px;border-collapse:collapse">{body}</table>' if count else ""


def entry(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else html.escape(str(value))


def progress_html(title: str, share: float | None, history: Mapping[str, Sequence[Any]]) -> str:
    """How far a run is, and its numbers so far."""
    value = "" if share is None else f' value="{share:.4f}"'
    bar = f'<progress max="1"{value} style="width:14em;vertical-align:middle"></progress>'
    return f"<div>{bar} {html.escape(title)}</div>{history_html(history)}"
