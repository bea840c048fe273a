"""Docstrings of this project, written for a terminal, as reStructuredText.

A docstring is paragraphs and entries: a name, two spaces or more, and a text whose further lines
are indented.  Entries become definitions.  What is laid out by hand (formulas, shapes, examples)
stays as it is; everything else is text in which only ``code`` has a meaning.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any

from sphinx.application import Sphinx

ENTRY = re.compile(r"^(?P<name>``.+?``|[A-Za-z_*]\S*(?:, \S+)*) {2,}(?P<text>\S.*)$")
CODE = re.compile(r"``(?P<double>.+?)``|`(?P<single>[^`]+)`", re.S)
LAID_OUT = {"Forward", "Gradient", "Shapes"}


def escape(text: str) -> str:
    return re.sub(r"([\\*_|`])", r"\\\1", text)


def prose(text: str) -> str:
    """Paragraphs with everything escaped but code."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(paragraph(" ".join(p.split())) for p in paragraphs)


def paragraph(text: str) -> str:
    parts, end = [], 0
    for match in CODE.finditer(text):
        code = match["double"] or match["single"]
        parts += [escape(text[end : match.start()]), f"\\ ``{code}``\\ "]
        end = match.end()
    return "".join([*parts, escape(text[end:])])


def indented(text: str, by: int) -> str:
    return textwrap.indent(text, " " * by)


def literal(text: str, language: str = "text") -> str:
    return f".. code-block:: {language}\n\n{indented(text, 3)}"


def entry(name: str, text: str) -> str:
    """A definition; `text` is already dedented."""
    if text.startswith(">>>"):
        body = literal(text, "pycon")
    elif name in LAID_OUT:
        body = literal(text)
    else:
        body = prose(text)
    title = f"**{name}**" if name[0].isupper() and name.isalpha() else f"``{name.strip('`')}``"
    return f"{title}\n{indented(body, 3)}"


def dedented(first: str, rest: list[str], column: int) -> str:
    """An entry's text: its further lines stand under the first, or are indented by themselves."""
    further = textwrap.dedent("\n".join(rest))
    lines = [line for line in rest if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    if lines and margin > column:  # a continuation that is indented against its first line
        further = textwrap.indent(further, " " * (margin - column))
    return f"{first}\n{further}".rstrip()


def converted(docstring: str) -> list[str]:
    """The lines of reStructuredText for a docstring."""
    lines = inspect.cleandoc(docstring).splitlines()
    out: list[str] = []
    i = 0
    while i < len(lines):
        line = lines[i]
        if not line.strip():
            i += 1
            continue
        rest: list[str] = []
        i += 1
        match = ENTRY.match(line)
        if match or line.startswith(" "):
            while i < len(lines) and (not lines[i].strip() or lines[i].startswith(" ")):
                rest.append(lines[i])
                i += 1
        else:
            while i < len(lines) and lines[i].strip() and not ENTRY.match(lines[i]):
                rest.append(lines[i])
                i += 1
        if match:
            text = dedented(match["text"], rest, match.start("text"))
            out.append(entry(match["name"], text))
        elif line.startswith(" "):
            code = textwrap.dedent("\n".join([line, *rest])).rstrip()
            out.append(literal(code, "pycon" if code.startswith(">>>") else "text"))
        else:
            out.append(prose(re.sub(r"::$", ":", "\n".join([line, *rest]))))
    return "\n\n".join(out).splitlines()


def process(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = [*converted("\n".join(lines)), ""]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
