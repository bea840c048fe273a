"""``Variable``: what a tensor with a gradient was called before PyTorch 0.4."""

from __future__ import annotations

import warnings
from typing import Any

from minigrad.creation import tensor
from minigrad.tensor import Tensor

__all__ = ["Variable"]


class VariableMeta(type):
    """Every tensor is a Variable."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=VariableMeta):
    """A tensor on the memory of `data`, cut off from its graph: ``Variable(t)`` of older programs.

    data            a tensor; None: an empty one
    requires_grad   whether a gradient is wanted
    volatile        was PyTorch's ``no_grad``, and has no effect, as there

    Raises   TypeError if `data` is something else.
    Example  >>> from minigrad.autograd import Variable
             >>> x = Variable(mg.ones(2), requires_grad=True)
             >>> x, isinstance(x, Variable)
             (tensor([1., 1.], requires_grad=True), True)
    """

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: Any = None) -> Any:
        if volatile is not None:
            warnings.warn(
                "Variable: volatile has no effect; use `with no_grad():`", UserWarning, stacklevel=2
            )
        if data is None:
            data = tensor([])
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable takes a tensor, got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)
