"""Graphviz without system libraries: the program of the package graphviz-pure.

It knows the widths of ASCII letters in a few fonts, and takes each byte of any other letter for a
space. So it is given letters that it knows, as wide as those of the picture, and these are put back
into the SVG that it made. In a PNG it draws letters by itself, in its own fonts.
"""

from __future__ import annotations

import html
import re
import shutil
import sysconfig
import unicodedata
from itertools import product

__all__ = ["for_png", "program", "put_back", "substituted"]

# Families of fonts in pictures -> the font whose letters are measured for them.  DejaVu Sans is
# wide: whichever font of the family a browser takes, its letters have room.
SANS = re.compile(r"(?:DejaVu Sans|Helvetica),[\w ,-]*sans-serif")
MONO = re.compile(r"DejaVu Sans Mono,[\w ,-]*monospace")
FAMILIES = {
    "DejaVu Sans": "DejaVu Sans,Helvetica,Arial,sans-serif",
    "Courier": "DejaVu Sans Mono,Menlo,Consolas,monospace",
}

STRING_OR_LABEL = re.compile(r'"(?:[^"\\]|\\.)*"|=<', re.DOTALL)
RUN = re.compile(r"[^<>]+(?=<|$)")  # text of an HTML-like label, before a tag or its end
TEXT = re.compile(r"(<text [^>]*>)([^<]*)(?=</text>)")
BLANK, BACKSLASH = "&#160;", "&#92;"

NARROW, NORMAL, WIDE = "ilIjtfr", "aeounvxcsyzkhbdpqg", "OQGDNHw"
SMALL = set("·°½⌊⌋⌈⌉¹²³ᵀᵢⱼ") | set(map(chr, range(0x2070, 0x20A0)))

# What the fonts of graphviz-pure lack, and what they have that looks like it.
DRAWN = str.maketrans("⎡⎢⎣⎤⎥⎦⋆∘∗⌊⌋⌈⌉⊙", "┌│└┐│┘*°*[][]o")


def program() -> str | None:
    """The program, where pip puts it for this Python, or on the PATH."""
    user = sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))
    places = [sysconfig.get_path("scripts"), user, None]
    return next(filter(None, (shutil.which("graphviz-pure", path=place) for place in places)), None)


def substituted(source: str) -> tuple[str, dict[str, str]]:
    """DOT source in fonts and letters that can be measured, and what each text stands for."""
    source = SANS.sub("DejaVu Sans", MONO.sub("Courier", source)).replace(BLANK, " ")
    pieces = split_at_labels(source)
    texts = {plain(run) for label in pieces[1::2] for run in RUN.findall(label)}
    taken = {text for text in texts if text.isascii()}
    measured: dict[str, str] = {}
    for text in sorted(texts - taken):
        found = next((t for t in candidates(text) if t not in taken), None)
        if found is not None:
            taken.add(found)
            measured[text] = found

    def substitute(match: re.Match[str]) -> str:
        text = plain(match[0])
        known = text in measured
        return escape(measured[text]).replace(BACKSLASH, 2 * BACKSLASH) if known else match[0]

    pieces[1::2] = [RUN.sub(substitute, label) for label in pieces[1::2]]
    return "".join(pieces), {new: text for text, new in measured.items()}


def split_at_labels(source: str) -> list[str]:
    """DOT source in pieces: at odd places, what stands in the brackets of an HTML-like label."""
    pieces, begin, position = [], 0, 0
    while (found := STRING_OR_LABEL.search(source, position)) is not None:
        position = end = found.end()
        if found[0] == "=<":
            depth = 1
            while depth and end < len(source):
                depth += {"<": 1, ">": -1}.get(source[end], 0)
                end += 1
            pieces += [source[begin:position], source[position : end - 1]]
            begin = position = end - 1
    return [*pieces, source[begin:]]


def candidates(text: str) -> map[str]:
    """Texts of ASCII letters as wide as this one."""
    return map("".join, product(*[choices(letter) for letter in graphemes(text)]))


def graphemes(text: str) -> list[str]:
    """The letters of a text, each with the marks above it."""
    return re.findall(r".[\u0300-\u036f]*", text)


def choices(letter: str) -> str | tuple[str]:
    """ASCII letters as wide as `letter`, or itself."""
    if letter.isascii():
        return (letter,)
    if letter[0] in SMALL or letter[0] in NARROW:
        return NARROW
    return WIDE if unicodedata.category(letter[0]) in ("Sm", "So") or letter == "…" else NORMAL


def plain(run: str) -> str:
    """The text that a run of a label shows; two backslashes there are one."""
    return html.unescape(run).replace("\\\\", "\\")


def escape(text: str) -> str:
    return html.escape(text, quote=False).replace("\\", BACKSLASH)


def put_back(svg: str, texts: dict[str, str]) -> str:
    """The picture, with the letters and fonts that it should have."""

    def restore(match: re.Match[str]) -> str:
        text = html.unescape(match[2]).replace("\u00a0", " ")
        return match[1] + escape(texts.get(text, text)).replace(" ", BLANK)

    svg = TEXT.sub(restore, svg)
    for font, family in FAMILIES.items():
        svg = svg.replace(f'font-family="{font}"', f'font-family="{family}"')
    return svg


def for_png(source: str) -> str:
    """DOT source in the fonts that are bundled, and letters that these have."""
    source = SANS.sub("Arimo", MONO.sub("Cousine", source)).replace(BLANK, " ")
    return source.translate(DRAWN)
