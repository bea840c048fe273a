"""What introductions to linear algebra for deep learning ask of the library, item by item.

Each test has an item's id in its own id.  The figures were computed independently of this
library, in float64.
"""

from __future__ import annotations

import warnings

import pytest

from tests import checklist_mathematics, checklist_programs  # noqa: F401  # they register items
from tests.checklist_kit import CHECKS


@pytest.mark.parametrize("name", CHECKS)
def test_item(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CHECKS[name]()
