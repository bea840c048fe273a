"""Layers in the manner of what people write, each right and in several wrong versions.

    python -m tests.student_mistakes

prints how many of the mistakes the checker finds and names.
"""

from __future__ import annotations

from importlib import import_module

THEMES = (
    "dense",
    "convolution",
    "losses",
    "recurrent",
    "attention",
    "normalization",
    "embeddings",
    "generative",
    "objects",
    "courses",
    "papers",
    "objectives",
    "projects",
)


def all_layers():
    """Every layer of the table."""
    for theme in THEMES:
        import_module(f"tests.student_mistakes.{theme}")
    from tests.student_mistakes.layer import LAYERS  # once all themes have filled it

    return LAYERS
