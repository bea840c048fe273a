"""A report as one HTML page: for each Jacobian, both values in colours, and the verdicts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad.testing.verdicts import Jacobian, Verdict, indexed, position

if TYPE_CHECKING:
    from minigrad.testing.report import Report

Array = Any

CELLS = 40  # rows and columns of a heat map, above which it shows a part
TICKS = 8  # cells from one index at the side of a heat map to the next
READABLE = (24, 12)  # rows and columns up to which the numbers are printed
LETTER, TOP = 6, 14  # pixels of a letter, and of the line with the indices of columns
SIZE = 9  # pixels of a cell of a large map; medium ones have larger ones
POSITIVE, NEGATIVE = (11, 92, 173), (178, 44, 36)  # as in the pages of `explain`
COLOURS = {
    Verdict.CORRECT: "#4c9f70",
    Verdict.WRONG: "#c8323c",
    Verdict.KINK: "#e3b341",
    Verdict.INCONCLUSIVE: "#9aa0a6",
}
STRONGEST = 0.6  # of a colour, so that black numbers can be read on it


def mixed(colour: tuple[int, int, int], strength: float) -> tuple[int, ...]:
    """A colour on white."""
    return tuple(round(255 + strength * (c - 255)) for c in colour)


STYLE = f"""<style>
.gradient-report {{ color-scheme: light dark; --ground: #fff; --text: #222; --muted: #555;
  --line: #ddd; --bad: #c8323c; font: 14px/1.5 system-ui, sans-serif; color: var(--text);
  background: var(--ground); padding: 8px }}
@media (prefers-color-scheme: dark) {{ .gradient-report {{ --ground: #12161b; --text: #e8ecf0;
  --muted: #a3adb8; --line: #3b444e; --bad: #ff8f97 }} }}
.gradient-report h3 {{ font-size: 15px; margin: 18px 0 6px }}
.gradient-report .maps {{ display: flex; flex-wrap: wrap; gap: 18px }}
.gradient-report figure {{ margin: 0; max-width: 100%; overflow-x: auto }}
.gradient-report figcaption {{ font-size: 12px; color: var(--muted) }}
.gradient-report table {{ border-collapse: collapse; font: 12px/1.6 ui-monospace, monospace }}
.gradient-report td, .gradient-report th {{ padding: 1px 8px; text-align: right;
  border: 1px solid var(--line); white-space: nowrap }}
.gradient-report td {{ color: #222 }} /* the colours of the cells are light ones */
.gradient-report th {{ font-weight: normal; color: var(--muted); background: none }}
.gradient-report svg text {{ font: 9px ui-monospace, monospace; fill: var(--muted) }}
.gradient-report .wrong {{ color: var(--bad); font-weight: 600 }}
.gradient-report .worst {{ fill: none; stroke: #000; stroke-width: 2 }}
.gradient-report .swatch {{ display: inline-block; width: 1em; height: 1em; margin-left: 8px;
  vertical-align: -2px; border: 1px solid #999 }}
.gradient-report .scale {{ display: inline-block; width: 8em; height: 1em; vertical-align: -2px;
  border: 1px solid #999; background: linear-gradient(to right, rgb{mixed(NEGATIVE, STRONGEST)},
  #fff, rgb{mixed(POSITIVE, STRONGEST)}) }}
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


class Part(NamedTuple):
    """The rows and columns of a Jacobian that are shown, and where its worst entry is, if any."""

    rows: range
    columns: range
    worst: tuple[int, int] | None


def part_of(jacobian: Jacobian) -> Part:
    """All rows and columns, or, of many, those around the worst entry."""
    entry = jacobian.worst()
    worst = None
    if entry is not None:
        worst = (
            flat(entry.output_index, jacobian.y.shape),
            flat(entry.input_index, jacobian.x.shape),
        )
    i, j = worst or (0, 0)
    m, n = jacobian.analytic.shape
    return Part(around(i, m), around(j, n), worst)


def flat(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    return int(np.ravel_multi_index(index, shape)) if shape else 0


def around(place: int, size: int) -> range:
    start = max(0, min(place - CELLS // 2, size - CELLS))
    return range(start, min(size, start + CELLS))


def section(jacobian: Jacobian) -> str:
    """One Jacobian: its worst entry, both values, and the verdicts."""
    title = f"d {jacobian.output} {jacobian.y.shape} / d {jacobian.input} {jacobian.x.shape}"
    part = part_of(jacobian)
    shown = (slice(part.rows.start, part.rows.stop), slice(part.columns.start, part.columns.stop))
    analytic, numeric = jacobian.analytic[shown], jacobian.numeric[shown]
    finite = np.concatenate([analytic.ravel(), numeric.ravel()])
    finite = abs(finite[np.isfinite(finite)])
    top = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    small = all(size <= most for size, most in zip(jacobian.analytic.shape, READABLE))
    verdicts = jacobian.verdict[shown]
    words = [[Verdict(int(v)).name.lower() for v in row] for row in verdicts]
    maps = [
        table(jacobian, caption, texts, fills)
        if small
        else heat_map(jacobian, caption, part, fills)
        for caption, texts, fills in [
            ("gradient", numbers(analytic), colours(analytic, top)),
            ("finite differences", numbers(numeric), colours(numeric, top)),
            ("verdict", words, verdict_colours(verdicts)),
        ]
    ]
    worst = jacobian.worst()
    note = f'<div class="wrong">{escape(str(worst))}</div>' if worst is not None else ""
    return (
        f"<h3>{escape(title + extent(jacobian, part))}</h3>{note}"
        f'<div class="maps">{"".join(maps)}</div>'
    )


def extent(jacobian: Jacobian, part: Part) -> str:
    """Which entries a part shows, in words; nothing if it shows all."""
    if (len(part.rows), len(part.columns)) == jacobian.analytic.shape:
        return ""
    ends = []
    for name, shape, shown in (
        (jacobian.output, jacobian.y.shape, part.rows),
        (jacobian.input, jacobian.x.shape, part.columns),
    ):
        first, last = (indexed(name, position(k, shape)) for k in (shown[0], shown[-1]))
        ends.append(first if first == last else f"{first} to {last}")
    place = ", around the worst entry" if part.worst is not None else ""
    return f": shown are {' and '.join(ends)}{place}"


def numbers(values: Array) -> list[list[str]]:
    """Four digits; zeros have no sign."""
    return [
        [f"{value + 0.0:.4g}".replace("-", "\N{MINUS SIGN}") for value in row] for row in values
    ]


def colours(values: Array, top: float) -> list[list[str]]:
    """The colour of a sign, stronger for larger numbers; grey where there is no number."""

    def one(value: float) -> str:
        if not np.isfinite(value):
            return "#bbbbbb"
        strength = STRONGEST * min(1.0, abs(value) / top) ** 0.5
        shade = mixed(POSITIVE if value > 0 else NEGATIVE, strength)
        return f"rgb({','.join(map(str, shade))})"

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


def heat_map(jacobian: Jacobian, caption: str, part: Part, fills: list[list[str]]) -> str:
    """A large Jacobian as a picture; a tooltip has the numbers of an entry."""
    rows, columns = part.rows, part.columns
    size = max(SIZE, min(24, 240 // max(len(rows), len(columns), 1)))
    rectangles = "".join(
        f'<rect x="{x * size}" y="{y * size}" width="{size}" height="{size}" fill="{colour}" '
        f'stroke="#ddd"><title>{escape(str(jacobian.entry(i, j)))}</title></rect>'
        for y, (i, row) in enumerate(zip(rows, fills))
        for x, (j, colour) in enumerate(zip(columns, row))
    )
    if part.worst is not None:
        x, y = columns.index(part.worst[1]), rows.index(part.worst[0])
        rectangles += (
            f'<rect class="worst" x="{x * size}" y="{y * size}" width="{size}" height="{size}"/>'
        )
    down = [tick(position(i, jacobian.y.shape)) for i in rows[::TICKS]]
    along = [tick(position(j, jacobian.x.shape)) for j in columns[::TICKS]]
    left = 4 + LETTER * max(map(len, down), default=0)
    right = LETTER * max(map(len, along), default=0)  # the last index may stand out
    ticks = "".join(
        f'<text x="-4" y="{(k * TICKS + 0.5) * size}" text-anchor="end" '
        f'dominant-baseline="central">{text}</text>'
        for k, text in enumerate(down)
    )
    ticks += "".join(
        f'<text x="{k * TICKS * size}" y="-4">{text}</text>' for k, text in enumerate(along)
    )
    width, height = left + len(columns) * size + right, TOP + len(rows) * size + 1
    return (
        f"<figure><figcaption>{escape(caption)}</figcaption>"
        f'<svg width="{width}" height="{height}" viewBox="{-left} {-TOP} {width} {height}" '
        f'role="img" aria-label="{escape(caption)}">{rectangles}{ticks}</svg></figure>'
    )


def tick(index: tuple[int, ...]) -> str:
    return ",".join(str(i) for i in index)
