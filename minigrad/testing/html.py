"""A report as one HTML page: for each Jacobian, both values in colours, and the verdicts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.testing.verdicts import Jacobian, Verdict, indexed, position

if TYPE_CHECKING:
    from minigrad.testing.report import Report

Array = Any

CELLS = 40  # rows and columns of a heat map, above which it is cut
READABLE = (24, 12)  # rows and columns up to which the numbers are printed
SIZE = 9  # pixels of a cell of a large map; medium ones have larger ones
POSITIVE, NEGATIVE = (11, 92, 173), (190, 80, 20)  # as in the pages of `explain`
COLOURS = {
    Verdict.CORRECT: "#4c9f70",
    Verdict.WRONG: "#c8323c",
    Verdict.KINK: "#e3b341",
    Verdict.INCONCLUSIVE: "#9aa0a6",
}
STRONGEST = 0.6  # of a colour, so that black numbers can be read on it

STYLE = f"""<style>
.gradient-report {{ font: 14px/1.5 system-ui, sans-serif; color: #222;
  background: #fff; padding: 8px }}
.gradient-report h3 {{ font-size: 15px; margin: 18px 0 6px }}
.gradient-report .maps {{ display: flex; flex-wrap: wrap; gap: 18px }}
.gradient-report figure {{ margin: 0; max-width: 100%; overflow-x: auto }}
.gradient-report figcaption {{ font-size: 12px; color: #555 }}
.gradient-report table {{ border-collapse: collapse; font: 12px/1.6 ui-monospace, monospace }}
.gradient-report td, .gradient-report th {{ padding: 1px 8px; text-align: right; color: #222;
  border: 1px solid #ddd; white-space: nowrap }}
.gradient-report th {{ font-weight: normal; color: #555; background: none }}
.gradient-report .wrong {{ color: #c8323c; font-weight: 600 }}
.gradient-report .swatch {{ display: inline-block; width: 1em; height: 1em; margin-left: 8px;
  vertical-align: -2px; border: 1px solid #999 }}
.gradient-report .scale {{ display: inline-block; width: 8em; height: 1em; vertical-align: -2px;
  border: 1px solid #999; background: linear-gradient(to right, rgba{(*NEGATIVE, STRONGEST)},
  #fff, rgba{(*POSITIVE, STRONGEST)}) }}
</style>"""


def page(report: Report) -> str:
    """The whole report; a fragment that stands in a notebook as well as in a file."""
    parts = [
        STYLE,
        '<div class="gradient-report">',
        f"<b>{escape(report.headline() + report.scope())}</b>",
    ]
    if report.diagnoses:
        items = "".join(f"<li>{escape(diagnosis.text)}</li>" for diagnosis in report.diagnoses)
        parts.append(f'<ul class="wrong">{items}</ul>')
    if report.notes:
        items = "".join(f"<li>{escape(note.text)}</li>" for note in report.notes)
        parts.append(f"<ul>{items}</ul>")
    if report.jacobians:
        parts.append(legend())
    parts += [section(jacobian) for jacobian in report.jacobians]
    return "\n".join([*parts, "</div>"])


def legend() -> str:
    """What rows, columns and colours mean."""
    verdicts = "".join(
        f'<span class="swatch" style="background:{colour}"></span> {verdict.name.lower()}'
        for verdict, colour in COLOURS.items()
    )
    return (
        "<p>A row for each entry of the result, a column for each entry of the input. "
        'Numbers: negative <span class="scale"></span> positive, 0 is white. '
        f"Verdicts:{verdicts}</p>"
    )


def section(jacobian: Jacobian) -> str:
    """One Jacobian: its worst entry, both values, and the verdicts."""
    title = f"d {jacobian.output} {jacobian.y.shape} / d {jacobian.input} {jacobian.x.shape}"
    shown = (slice(0, CELLS), slice(0, CELLS))
    analytic, numeric = jacobian.analytic[shown], jacobian.numeric[shown]
    finite = np.concatenate([analytic.ravel(), numeric.ravel()])
    finite = abs(finite[np.isfinite(finite)])
    top = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    small = all(size <= most for size, most in zip(jacobian.analytic.shape, READABLE))
    picture = table if small else heat_map
    verdicts = jacobian.verdict[shown]
    words = [[Verdict(int(v)).name.lower() for v in row] for row in verdicts]
    maps = [
        picture(jacobian, "gradient", numbers(analytic), colours(analytic, top)),
        picture(jacobian, "finite differences", numbers(numeric), colours(numeric, top)),
        picture(jacobian, "verdict", words, verdict_colours(verdicts)),
    ]
    cut = ""
    if jacobian.analytic.shape[0] > CELLS or jacobian.analytic.shape[1] > CELLS:
        cut = f" (the first {CELLS} rows and columns)"
    worst = jacobian.worst()
    note = f'<div class="wrong">{escape(str(worst))}</div>' if worst is not None else ""
    return f'<h3>{escape(title)}{cut}</h3>{note}<div class="maps">{"".join(maps)}</div>'


def numbers(values: Array) -> list[list[str]]:
    return [[f"{value:.4g}".replace("-", "\N{MINUS SIGN}") for value in row] for row in values]


def colours(values: Array, top: float) -> list[list[str]]:
    """The colour of a sign, stronger for larger numbers; grey where there is no number."""

    def one(value: float) -> str:
        if not np.isfinite(value):
            return "#bbbbbb"
        strength = STRONGEST * min(1.0, abs(value) / top) ** 0.5
        mixed = [round(255 + strength * (c - 255)) for c in (POSITIVE if value > 0 else NEGATIVE)]
        return f"rgb({','.join(map(str, mixed))})"

    return [[one(float(value)) for value in row] for row in values]


def verdict_colours(verdicts: Array) -> list[list[str]]:
    return [[COLOURS[Verdict(int(v))] for v in row] for row in verdicts]


def table(jacobian: Jacobian, caption: str, texts: list[list[str]], fills: list[list[str]]) -> str:
    """A small Jacobian with its numbers, and the indices of its entries."""
    columns = [position(j, jacobian.x.shape) for j in range(jacobian.x.size)]
    head = "".join(f"<th>{escape(indexed(jacobian.input, index))}</th>" for index in columns)
    rows = [
        f"<tr><th>{escape(indexed(jacobian.output, position(i, jacobian.y.shape)))}</th>"
        + "".join(f'<td style="background:{fill}">{text}</td>' for text, fill in zip(*row))
        + "</tr>"
        for i, row in enumerate(zip(texts, fills))
    ]
    return (
        f"<figure><figcaption>{escape(caption)}</figcaption>"
        f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table></figure>"
    )


def heat_map(
    jacobian: Jacobian, caption: str, texts: list[list[str]], fills: list[list[str]]
) -> str:
    """A large Jacobian as a picture; a tooltip has the numbers of an entry."""
    rows, columns = len(fills), len(fills[0]) if fills else 0
    size = max(SIZE, min(24, 240 // max(rows, columns, 1)))
    rectangles = "".join(
        f'<rect x="{j * size}" y="{i * size}" width="{size}" height="{size}" fill="{colour}" '
        f'stroke="#ddd"><title>{escape(str(jacobian.entry(i, j)))}</title></rect>'
        for i, row in enumerate(fills)
        for j, colour in enumerate(row)
    )
    width, height = columns * size, rows * size
    return (
        f"<figure><figcaption>{escape(caption)}</figcaption>"
        f'<svg width="{width}" height="{height}" role="img" aria-label="{escape(caption)}">'
        f"{rectangles}</svg></figure>"
    )
