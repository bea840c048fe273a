"""A `graphviz.Digraph` that renders itself with what is installed."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import graphviz

from minigrad.visualize.description import Description
from minigrad.visualize.notebook import themed
from minigrad.visualize.render import NoRenderer, render
from minigrad.visualize.tape import tape_of

__all__ = ["Picture"]

FORMATS = {".svg": "svg", ".png": "png", ".pdf": "pdf"}
SOURCES = {".dot", ".gv"}


class Picture(graphviz.Digraph):  # type: ignore[misc]  # graphviz has no types: its class is Any
    """A drawn graph: a `graphviz.Digraph`, rendered by whatever is installed that can."""

    def __init__(self, *args: Any, description: Description | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.description = description

    def copy(self) -> Picture:
        """A copy, as `graphviz.Digraph.copy` makes it."""
        copied: Picture = super().copy()
        copied.description = self.description
        return copied

    def __repr__(self) -> str:
        count = 0 if self.description is None else len(self.description)
        return f"<picture of {count:,} tensors: .save('graph.svg') writes it, .text() is its text>"

    def svg(self) -> str:
        """The picture as SVG, to be put into a page.

        Raises   RuntimeError if nothing is installed that renders; it says what to install.
        """
        text = render(self.source, "svg").decode()
        return text[text.index("<svg") :]

    def pipe(self, format: Any = None, *args: Any, encoding: Any = None, **kwargs: Any) -> Any:
        """The picture as bytes, as `graphviz.Digraph.pipe`, which needs ``dot``; this need not."""
        if shutil.which("dot") is not None:
            return super().pipe(format, *args, encoding=encoding, **kwargs)
        picture = render(self.source, format or self.format)
        return picture if encoding is None else picture.decode(encoding)

    def render(self, *args: Any, **kwargs: Any) -> Any:
        """Write the source and the picture, as `graphviz.Digraph.render`, which needs ``dot``.

        Raises   RuntimeError without it: `save` needs none where another renderer is installed.
        """
        if shutil.which("dot") is None:
            raise RuntimeError("render needs Graphviz's `dot`: use .save('graph.svg')")
        return super().render(*args, **kwargs)

    def text(self) -> str:
        """The same graph as text: one line for each op."""
        return str(tape_of(self.description)) if self.description is not None else str(self.source)

    def save(
        self, filename: Any = None, directory: Any = None, *, skip_existing: bool | None = False
    ) -> str:
        """Write the picture to a file of the kind that its name ends with.

        filename   ``graph.svg``, ``.png``, ``.pdf``, or ``.dot`` (also ``.gv``) for the source.
                   Where nothing can render it, the text view is written beside it, as
                   ``graph.txt``, and a warning says how to get pictures.

        Returns  the path of the file written.
        Raises   ValueError for names with another ending, or none; OSError if the file cannot be
                 written, or its folder is missing.
        """
        if filename is None:
            return str(super().save(None, directory=directory, skip_existing=skip_existing))
        path = Path(directory or "", os.fspath(filename))
        kind = path.suffix.lower()
        inner = skip_existing is None  # Digraph.render writes its source, to any name
        if kind in SOURCES or inner:
            path.write_text(self.source, encoding="utf-8")
            return str(path)
        if kind not in FORMATS:
            raise ValueError(
                f"{path.name}: the ending says what is written: .svg, .png or .pdf for a picture, "
                ".dot for its source"
            )
        try:
            path.write_bytes(render(self.source, FORMATS[kind]))
        except NoRenderer as error:
            path = path.with_suffix(".txt")
            path.write_text(f"{self.text()}\n\n{error.how}\n", encoding="utf-8")
            warnings.warn(f"wrote {path} in place of a picture. {error.how}", stacklevel=2)
        return str(path)

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None, **_: Any
    ) -> dict[str, str]:
        try:
            svg = themed(self.svg())
            # as a part of the page it has the notebook's colours; some viewers take images only
            return {"text/html": svg, "image/svg+xml": svg, "text/plain": self.text()}
        except RuntimeError as error:  # it says how to get pictures, or what Graphviz said
            return {"text/plain": f"{self.text()}\n\n{error}"}

    def _repr_svg_(self) -> str | None:
        try:
            return themed(self.svg())
        except RuntimeError:
            return None
