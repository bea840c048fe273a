"""``Parameter``: a tensor that a module learns."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import devices, promotion
from minigrad.graph import Variable, wrap
from minigrad.tensor import Tensor, as_array

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A leaf tensor that a `Module` registers when it is assigned to an attribute of it.

    data           the first value: a tensor, whose memory is shared, or an array or nested lists,
                   which are copied
    requires_grad  False for a parameter that is stored and loaded, but not learned

    Raises   RuntimeError if a gradient is asked of integers.
    Example  >>> mg.nn.Parameter(mg.tensor([1.0, 2.0]))
             Parameter containing:
             tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        if data is None:
            data = ()
        self._array = data._array if isinstance(data, Variable) else as_array(data)
        if requires_grad:
            self.requires_grad_()

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


def empty(
    *shape: int, dtype: Any = None, device: Any = None, requires_grad: bool = True
) -> Parameter:
    """A parameter whose entries are to be filled by the module's `reset_parameters`."""
    return Parameter(empty_tensor(*shape, dtype=dtype, device=device), requires_grad)


def empty_tensor(*shape: int, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of the wanted or the default type, not filled; for buffers and parameters."""
    devices.check(device)
    tensor: Tensor = wrap(np.empty(shape, promotion.default_dtype if dtype is None else dtype))
    return tensor
