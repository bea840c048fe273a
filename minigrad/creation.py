"""Making tensors."""

from __future__ import annotations

from typing import Any

from minigrad.graph import wrap
from minigrad.tensor import Tensor, as_array


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of numbers, nested lists, or a copy of an array."""
    t: Tensor = wrap(as_array(data, dtype))
    return t.requires_grad_() if requires_grad else t
