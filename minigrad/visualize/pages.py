"""Pages of one file that need no network: a template with style, scripts and data put in."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["PAGE", "assembled"]

PAGE = Path(__file__).parent / "page"


def assembled(name: str, styles: Sequence[str], scripts: Sequence[str], data: Any) -> str:
    """The page `name`, with its title from the data; the scripts share one scope."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    parts = {
        "{{title}}": html.escape(data["title"]),
        "{{style}}": together(styles, "css"),
        "{{script}}": together(scripts, "js"),
        "{{data}}": safe,
    }
    before = (PAGE / f"{name}.html").read_text(encoding="utf-8")
    page = []
    while before:  # each part is put in once, so a part that contains "{{data}}" stays as it is
        found = [(before.find(key), key) for key in parts if key in before]
        if not found:
            page.append(before)
            break
        at, key = min(found)
        page += [before[:at], parts[key]]
        before = before[at + len(key) :]
    return "".join(page)


def together(names: Sequence[str], kind: str) -> str:
    return "\n".join([(PAGE / f"{name}.{kind}").read_text(encoding="utf-8") for name in names])
