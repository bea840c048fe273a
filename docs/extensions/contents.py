"""The table of contents, from the lists of links in index.md: no page is listed twice.

On the site it is what the sidebar shows; the Markdown itself reads well without it.
"""

import re

from sphinx.application import Sphinx

SECTION = re.compile(r"^## (?P<caption>.+?)\n(?P<text>.*?)(?=^## |\Z)", re.M | re.S)
PAGE = re.compile(r"\]\((?P<page>[\w/]+)\.(?:md|rst)\)")


def add_contents(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append a hidden toctree for each section of the first page."""
    if docname != app.config.root_doc:
        return
    for section in list(SECTION.finditer(source[0])):
        pages = "\n".join(PAGE.findall(section["text"]))
        options = f":caption: {section['caption']}\n:maxdepth: 1\n:hidden:"
        source[0] += f"\n```{{toctree}}\n{options}\n{pages}\n```\n"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", add_contents)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
