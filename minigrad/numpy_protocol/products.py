"""NumPy's door: products of vectors, matrices and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.numpy_protocol.dispatch import of


@of(np.dot)
def dot(a: Any, b: Any) -> Any:
    return ops.matmul(a, b)
