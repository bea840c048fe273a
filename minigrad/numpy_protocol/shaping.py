"""NumPy's door: shape, joining, and indexing."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.numpy_protocol.dispatch import of


@of(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    return ops.T(a)


@of(np.reshape)
def reshape(a: Any, shape: Any) -> Any:
    return ops.reshape(a, shape)


@of(np.shape)
def shape(a: Any) -> Any:
    return a.shape


@of(np.ndim)
def ndim(a: Any) -> int:
    return a.ndim  # type: ignore[no-any-return]


@of(np.size)
def size(a: Any, axis: int | None = None) -> int:
    return a.numel() if axis is None else a.shape[axis]  # type: ignore[no-any-return]


@of(np.broadcast_to)
def broadcast_to(a: Any, shape: Any) -> Any:
    return ops.expand(a, *shape)
