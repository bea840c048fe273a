"""What notebooks show of pictures and pages: at their width, in their colours."""

from __future__ import annotations

import html
import re
from dataclasses import asdict
from pathlib import Path

from minigrad.visualize.themes import THEMES

__all__ = ["Page", "themed"]

HEIGHT = 640  # of the frame around a page, in pixels


def themed(svg: str) -> str:
    """A picture in the light theme as one that fits its page, and is dark where the page is.

    The page is a notebook's.  In a viewer that shows images only, the system's setting counts.
    """
    light, dark = (asdict(THEMES[name]) for name in ("light", "dark"))
    if light["ground"] not in svg and 'fill="white"' not in svg:
        return svg  # somebody chose another theme
    for role, colour in light.items():
        svg = svg.replace(f'"{colour}"', f'"var(--mg-{role})"')
    svg = svg.replace('"white"', '"var(--mg-ground)"')
    lit, unlit = (
        "".join(f"--mg-{role}:{colour};" for role, colour in theme.items())
        for theme in (light, dark)
    )
    style = (
        f"<style>.mg-picture{{{lit}max-width:100%;height:auto}}"
        f"@media (prefers-color-scheme:dark){{.mg-picture{{{unlit}}}}}"
        f'[data-jp-theme-light="true"] .mg-picture{{{lit}}}'
        f'[data-jp-theme-light="false"] .mg-picture,.vscode-dark .mg-picture{{{unlit}}}</style>'
    )
    return re.sub(r"<svg\b([^>]*)>", rf'<svg class="mg-picture"\1>{style}', svg, count=1)


class Page(type(Path())):  # type: ignore[misc]  # a Path is of another class on Windows
    """The path of a page, which notebooks show in a frame."""

    def _repr_html_(self) -> str:
        page = html.escape(self.read_text(encoding="utf-8"))
        return (
            f'<iframe srcdoc="{page}" width="100%" height="{HEIGHT}" '
            f'style="border:0" title="{html.escape(self.name)}"></iframe>'
        )
