"""The table of parity: each row gives in all its variants what PyTorch gives.

A module of rows names in EXCEPT the variants that differ, each with the reason.  A difference that
is gone fails too: its exception then goes.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.parity import (
    rows_entries,
    rows_inplace,
    rows_kinds,
    rows_layers,
    rows_linalg,
    rows_shapes,
)
from tests.parity.variants import VARIANTS, difference

MODULES: list[Any] = [
    rows_entries, rows_inplace, rows_kinds, rows_layers, rows_linalg, rows_shapes,
]  # fmt: skip
ROWS = [row for module in MODULES for row in (*module.ROWS, *getattr(module, "ASSIGNMENTS", ()))]
EXCEPT: dict[str, dict[str, str]] = {
    row: variants for module in MODULES for row, variants in getattr(module, "EXCEPT", {}).items()
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str) -> None:
    found = {variant: difference(row, variant) for variant in VARIANTS}
    known = EXCEPT.get(row, {})
    differing = {v: words for v, words in found.items() if words and v not in known}
    assert not differing, "\n".join(f"{v}: {words}" for v, words in differing.items())
    assert not [v for v in known if not found[v]], "an exception that is none"


def test_the_comparison_notices_a_wrong_value_and_a_wrong_type() -> None:
    assert "there" in difference("m.exp(x) if m.__name__ == 'torch' else m.exp(x) * 1.001", "gaps")
    assert "there" in difference("m.exp(x) if m.__name__ == 'torch' else m.exp(x).float()", "0-d")


def test_the_comparison_notices_a_wrong_gradient() -> None:
    wrong = "m.exp(x) if m.__name__ == 'torch' else m.exp(x.detach()) + 0 * x"
    assert "slope 0" in difference(wrong, "float64")
    second = "x * x if m.__name__ == 'torch' else x * x.detach() * 2 - x.detach() ** 2"
    assert "slope 1" in difference(second, "float64")


def test_the_table_covers_five_hundred_functions() -> None:
    called = {name for row in ROWS for name in re.findall(r"[\w.]*\w(?=\()", row)}
    functions = {name.rpartition(".")[2] for name in called}
    assert len(functions) > 500
