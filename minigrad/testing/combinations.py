"""Results with too many entries for a Jacobian: some random combinations are checked instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any

LIMIT = 1 << 20  # entries of a Jacobian, above which random combinations of the outputs are checked
COMBINATIONS = 8
COMBINED = "random combinations of the outputs"


def random_combinations(count: int, arrays: Sequence[Array]) -> Array | None:
    """The weights of the combinations, of shape (8, count); None if all entries can be checked.

    count    entries of the result
    arrays   the inputs
    """
    if count * max((x.size for x in arrays), default=0) <= LIMIT:
        return None
    return np.random.default_rng(0).standard_normal((COMBINATIONS, count))
