"""From DOT to pictures: by the program ``dot`` where it is installed, else by pygraphviz.

pygraphviz's wheels bundle Graphviz, so that ``pip install`` alone gives pictures.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import warnings
from collections.abc import Iterator

__all__ = ["HOW", "NoRenderer", "render"]

PATIENCE = 120  # seconds
HOW = (
    "To get pictures, pip install pygraphviz, or install Graphviz itself "
    "(https://graphviz.org/download), so that `dot` is on the PATH."
)


class NoRenderer(RuntimeError):  # noqa: N818 - says what is missing, not what went wrong
    """Neither ``dot`` nor pygraphviz is there."""

    def __init__(self) -> None:
        super().__init__(f"nothing is installed that renders pictures. {HOW}")


def render(source: str, kind: str) -> bytes:
    """DOT source as a picture.

    kind     "svg", "png" or "pdf"
    Raises   NoRenderer, a RuntimeError, if nothing is installed that can; RuntimeError with
             Graphviz's own message if it fails.
    """
    program = shutil.which("dot")
    if program is not None:
        return by_program(program, source, kind)
    try:
        import pygraphviz
    except ImportError:
        raise NoRenderer from None
    with warnings.catch_warnings(), quiet():  # the bundled Graphviz grumbles about fonts
        warnings.simplefilter("ignore")
        graph = pygraphviz.AGraph(string=source)
        picture = graph.draw(format=kind, prog="dot", args=" ".join(sharp(kind)))
    return bytes(picture)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep off the terminal what C libraries write there: Fontconfig, about the system's files."""
    try:
        terminal = os.dup(2)
    except OSError:  # a program without a terminal
        yield
        return
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def sharp(kind: str) -> list[str]:
    """Arguments for pictures that look sharp on any screen."""
    return ["-Gdpi=144"] if kind == "png" else []


def by_program(program: str, source: str, kind: str) -> bytes:
    arguments = [program, f"-T{kind}", *sharp(kind)]
    try:
        done = subprocess.run(
            arguments, input=source.encode(), capture_output=True, check=False, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(
            f"dot did not finish within {PATIENCE} s: draw less of the graph, with depth=1 or "
            "values=False"
        ) from None
    if done.returncode:
        raise RuntimeError(f"dot failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
