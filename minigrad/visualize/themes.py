"""Colours of the pictures, on light and on dark ground; contrast at least 4.5 to 1 for text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["THEMES", "Theme", "theme_named"]


@dataclass(frozen=True)
class Theme:
    """Colours by their role: of grounds, of lines around them, and of text."""

    ground: str
    text: str
    muted: str
    line: str
    op: str
    op_line: str
    leaf: str
    leaf_line: str
    constant: str
    constant_line: str
    group: str
    group_line: str
    folded: str
    folded_line: str
    grad: str


THEMES = {
    "light": Theme(
        ground="#ffffff", text="#1b1f24", muted="#5a636e", line="#6b7580",
        op="#f6f8fa", op_line="#8b949e", leaf="#e3f0ff", leaf_line="#3b7dc4",
        constant="#f3efe6", constant_line="#a08a5b", group="#fafbfc", group_line="#c4ccd4",
        folded="#ece6fb", folded_line="#7a5cc7", grad="#a5371b",
    ),
    "dark": Theme(
        ground="#14181d", text="#e8ecf0", muted="#a3adb8", line="#8a95a1",
        op="#20262d", op_line="#66707b", leaf="#17304d", leaf_line="#5a9fe6",
        constant="#332c1d", constant_line="#b89c60", group="#191e24", group_line="#3b444e",
        folded="#2c2547", folded_line="#9a80e6", grad="#ff9a7a",
    ),
}  # fmt: skip


def theme_named(name: str) -> Theme:
    """The theme of that name.

    Raises   ValueError if there is none.
    """
    if name not in THEMES:
        raise ValueError(f"theme is one of {', '.join(map(repr, THEMES))}, got {name!r}")
    return THEMES[name]
