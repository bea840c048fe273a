"""One table of all ops: each module of this package holds the rows of a theme, as `SAMPLES`.

The tests of properties (tests/test_ops.py) run over the whole table; a new op needs a row, not a
test.
"""

from __future__ import annotations

import os
import pkgutil
import zlib
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TypeVar

from tests.samples.sample import (
    Sample,
    between,
    binary,
    distinct,
    non_contiguous,
    normal,
    outside,
    positive,
    reduction,
    unary,
)

__all__ = [
    "SAMPLES", "Sample", "between", "binary", "distinct", "non_contiguous", "normal", "outside",
    "positive", "reduction", "some", "unary",
]  # fmt: skip

Row = TypeVar("Row")


def some(rows: Sequence[Row], name: Callable[[Row], str] = str) -> list[Row]:
    """One in four of the rows, by the hash of their names, or all if MINIGRAD_EVERY_ROW is set.

    The tests of a whole table that take long run over some of it by default, so that the plain
    command stays short, and over all of it in CI.
    """
    if os.environ.get("MINIGRAD_EVERY_ROW"):
        return list(rows)
    return [row for row in rows if zlib.crc32(name(row).encode()) % 4 == 0]


SAMPLES: list[Sample] = [
    sample
    for module in pkgutil.iter_modules(__path__)
    if module.name not in ("sample", "hard", "hard_curves")  # hard points have their own tables
    for sample in import_module(f"{__name__}.{module.name}").SAMPLES
]
