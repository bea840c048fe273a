"""One table of all ops: each module of this package holds the rows of a theme, as `SAMPLES`.

The tests of properties (tests/test_ops.py) run over the whole table; a new op needs a row, not a
test.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

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
    "positive", "reduction", "unary",
]  # fmt: skip

SAMPLES: list[Sample] = [
    sample
    for module in pkgutil.iter_modules(__path__)
    if module.name not in ("sample", "hard")  # hard points have a table of their own
    for sample in import_module(f"{__name__}.{module.name}").SAMPLES
]
