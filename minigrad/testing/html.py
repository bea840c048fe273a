"""A report as one HTML page: for each Jacobian, both values as heat maps, and the verdicts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.testing.verdicts import Jacobian, Verdict

if TYPE_CHECKING:
    from minigrad.testing.report import Report

Array = Any

CELLS = 40  # rows and columns of a heat map, above which it is cut
SIZE = 9  # pixels of a cell of a large map; small maps have larger ones
COLOURS = {
    Verdict.CORRECT: "#4c9f70",
    Verdict.WRONG: "#c8323c",
    Verdict.KINK: "#e3b341",
    Verdict.INCONCLUSIVE: "#9aa0a6",
}

STYLE = """<style>
.gradient-report { font: 14px/1.5 system-ui, sans-serif; color: #222;
  background: #fff; padding: 8px }
.gradient-report h3 { font-size: 15px; margin: 18px 0 6px }
.gradient-report .maps { display: flex; flex-wrap: wrap; gap: 18px }
.gradient-report figure { margin: 0 } .gradient-report figcaption { font-size: 12px; color: #555 }
.gradient-report table { border-collapse: collapse; font: 12px/1.4 ui-monospace, monospace }
.gradient-report td, .gradient-report th { padding: 1px 8px; text-align: right }
.gradient-report .wrong { color: #c8323c; font-weight: 600 }
</style>"""


def page(report: Report) -> str:
    """The whole report; a fragment that stands in a notebook as well as in a file."""
    parts = [
        STYLE,
        '<div class="gradient-report">',
        f"<b>{report.outcome()}</b>: {report.counts()} {legend()}",
    ]
    if report.diagnoses:
        items = "".join(f"<li>{escape(diagnosis.text)}</li>" for diagnosis in report.diagnoses)
        parts.append(f'<ul class="wrong">{items}</ul>')
    if report.notes:
        items = "".join(f"<li>{escape(note.text)}</li>" for note in report.notes)
        parts.append(f"<ul>{items}</ul>")
    parts += [section(jacobian) for jacobian in report.jacobians]
    return "\n".join([*parts, "</div>"])


def legend() -> str:
    return " ".join(
        f'<span style="color:{colour}">&#9632;</span> {verdict.name.lower()}'
        for verdict, colour in COLOURS.items()
    )


def section(jacobian: Jacobian) -> str:
    """One Jacobian: three maps, and its worst entry."""
    title = f"d {jacobian.output} {jacobian.y.shape} / d {jacobian.input} {jacobian.x.shape}"
    shown = (slice(0, CELLS), slice(0, CELLS))
    analytic, numeric = jacobian.analytic[shown], jacobian.numeric[shown]
    finite = np.concatenate([analytic.ravel(), numeric.ravel()])
    finite = abs(finite[np.isfinite(finite)])
    top = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    tips = [
        [str(jacobian.entry(i, j)) for j in range(analytic.shape[1])]
        for i in range(analytic.shape[0])
    ]
    maps = [
        figure("gradient", colours(analytic, top), tips),
        figure("finite differences", colours(numeric, top), tips),
        figure("verdict", verdict_colours(jacobian.verdict[shown]), tips),
    ]
    cut = ""
    if jacobian.analytic.shape[0] > CELLS or jacobian.analytic.shape[1] > CELLS:
        cut = f" (the first {CELLS} rows and columns)"
    worst = jacobian.worst()
    note = f'<div class="wrong">{escape(str(worst))}</div>' if worst is not None else ""
    return f'<h3>{escape(title)}{cut}</h3>{note}<div class="maps">{"".join(maps)}</div>'


def colours(values: Array, top: float) -> list[list[str]]:
    """Blue for negative, white for zero, red for positive; grey where there is no number."""

    def one(value: float) -> str:
        if not np.isfinite(value):
            return "#bbbbbb"
        strength = min(1.0, abs(value) / top) ** 0.5
        fade = round(255 * (1 - strength))
        return f"rgb(255,{fade},{fade})" if value > 0 else f"rgb({fade},{fade},255)"

    return [[one(float(value)) for value in row] for row in values]


def verdict_colours(verdicts: Array) -> list[list[str]]:
    return [[COLOURS[Verdict(int(v))] for v in row] for row in verdicts]


def figure(caption: str, cells: list[list[str]], tips: list[list[str]]) -> str:
    """A heat map: rows are output entries, columns input entries; a tooltip has the numbers."""
    rows, columns = len(cells), len(cells[0]) if cells else 0
    size = max(SIZE, min(24, 240 // max(rows, columns, 1)))
    rectangles = "".join(
        f'<rect x="{j * size}" y="{i * size}" width="{size}" height="{size}" fill="{colour}" '
        f'stroke="#ddd"><title>{escape(tips[i][j])}</title></rect>'
        for i, row in enumerate(cells)
        for j, colour in enumerate(row)
    )
    width, height = columns * size, rows * size
    return (
        f"<figure><figcaption>{escape(caption)}</figcaption>"
        f'<svg width="{width}" height="{height}" role="img" aria-label="{escape(caption)}">'
        f"{rectangles}</svg></figure>"
    )
