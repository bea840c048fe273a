"""From DOT to pictures: by ``dot`` where it is installed, by pygraphviz, or by graphviz-pure.

The first two measure the letters of the fonts that are there. graphviz-pure needs no library of the
system, and so it is what ``pip install`` of the extra brings along.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator

from minigrad.visualize import graphviz_pure

__all__ = ["HOW", "NoRenderer", "render"]

PATIENCE = 120  # seconds
HOW = (
    "To get pictures, pip install graphviz-pure, or install Graphviz itself "
    "(https://graphviz.org/download), so that `dot` is on the PATH."
)
HOW_PDF = (
    "graphviz-pure writes SVG and PNG. To get PDF, install Graphviz itself "
    "(https://graphviz.org/download), so that `dot` is on the PATH, or pip install pygraphviz."
)


class NoRenderer(RuntimeError):  # noqa: N818 - says what is missing, not what went wrong
    """Nothing that is installed writes such a picture."""

    def __init__(self, how: str = HOW) -> None:
        super().__init__(f"nothing is installed that renders this picture. {how}")
        self.how = how


def render(source: str, kind: str) -> bytes:
    """DOT source as a picture.

    kind     "svg", "png" or "pdf"
    Raises   NoRenderer, a RuntimeError, if nothing is installed that can; RuntimeError with
             Graphviz's own message if it fails.
    """
    failure: RuntimeError | None = None
    for renderer in renderers(kind):
        try:
            return renderer(source, kind)
        except RuntimeError as error:  # such as a `dot` that was built without PNG
            failure = failure or error
    if failure is not None:
        raise failure
    raise NoRenderer(HOW_PDF if kind == "pdf" and graphviz_pure.program() else HOW)


def renderers(kind: str) -> Iterator[Callable[[str, str], bytes]]:
    """What is installed that writes pictures of this kind, the best first."""
    if shutil.which("dot") is not None:
        yield by_dot
    try:
        import pygraphviz  # noqa: F401 - its library may be missing though it is installed
    except ImportError:
        pass
    else:
        yield by_pygraphviz
    if kind in ("svg", "png") and graphviz_pure.program() is not None:
        yield by_graphviz_pure


def by_pygraphviz(source: str, kind: str) -> bytes:
    import pygraphviz

    with warnings.catch_warnings(), quiet():  # the bundled Graphviz grumbles about fonts
        warnings.simplefilter("ignore")
        graph = pygraphviz.AGraph(string=source)
        picture = graph.draw(format=kind, prog="dot", args=" ".join(sharp(kind)))
    return bytes(picture)


def by_graphviz_pure(source: str, kind: str) -> bytes:
    program = graphviz_pure.program() or "graphviz-pure"
    if kind == "png":
        return run(program, graphviz_pure.for_png(source), kind)
    source, texts = graphviz_pure.substituted(source)
    return graphviz_pure.put_back(run(program, source, kind).decode(), texts).encode()


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


def by_dot(source: str, kind: str) -> bytes:
    return run("dot", source, kind)


def run(program: str, source: str, kind: str) -> bytes:
    """What a program with the command line of ``dot`` makes of a source."""
    try:
        done = subprocess.run(
            [program, f"-T{kind}", *sharp(kind)],
            input=source.encode(), capture_output=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RuntimeError(
            f"{program} did not finish within {PATIENCE} s: draw less of the graph, with depth=1 "
            "or values=False"
        ) from None
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"{program} failed: {message}")
    return done.stdout
