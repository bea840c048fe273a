"""PyTorch's older ways to name types: ``mg.FloatTensor``, ``t.type("torch.LongTensor")``."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import creation, dtypes, promotion
from minigrad.graph import Variable
from minigrad.ops.conversion import astype
from minigrad.typed import Tensor

__all__ = [
    "BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor",
    "HalfTensor", "IntTensor", "LongTensor", "ShortTensor", "set_default_tensor_type",
]  # fmt: skip


class LegacyType(type):
    """The class of ``mg.FloatTensor`` and its kin: called, they make a tensor of their type."""

    dtype: np.dtype[Any]

    def __call__(cls, *data: Any) -> Any:
        if len(data) == 1 and not isinstance(data[0], int):
            return creation.tensor(data[0], cls.dtype)
        return creation.empty(*(data or (0,)), dtype=cls.dtype)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Variable) and instance._array.dtype == cls.dtype


def of_type(name: str, dtype: np.dtype[Any]) -> Any:
    """``mg.FloatTensor`` and its kin: a tensor of a type, from sizes or from numbers."""
    text = (
        f"A tensor of {dtype}, of these sizes (uninitialised) or numbers: an older name of "
        "``mg.empty`` and ``mg.tensor``."
    )
    return LegacyType(name, (), {"dtype": dtype, "__doc__": text, "__module__": __name__})


FloatTensor = of_type("FloatTensor", dtypes.float32)
DoubleTensor = of_type("DoubleTensor", dtypes.float64)
HalfTensor = of_type("HalfTensor", dtypes.float16)
BFloat16Tensor = of_type("BFloat16Tensor", dtypes.bfloat16)
ByteTensor = of_type("ByteTensor", dtypes.uint8)
CharTensor = of_type("CharTensor", dtypes.int8)
ShortTensor = of_type("ShortTensor", dtypes.int16)
IntTensor = of_type("IntTensor", dtypes.int32)
LongTensor = of_type("LongTensor", dtypes.int64)
BoolTensor = of_type("BoolTensor", dtypes.bool)

TYPES = {
    each.__name__: each
    for each in (
        FloatTensor, DoubleTensor, HalfTensor, BFloat16Tensor, ByteTensor, CharTensor, ShortTensor,
        IntTensor, LongTensor, BoolTensor,
    )
}  # fmt: skip


def dtype_of(name: Any) -> Any:
    """The type that an older name, a string such as "torch.FloatTensor", or a type stands for."""
    if isinstance(name, LegacyType):
        return name.dtype
    if isinstance(name, str) and name.rpartition(".")[2] in TYPES:
        if ".cuda." in name:
            raise ValueError(f"{name!r}: minigrad is a CPU library")
        return TYPES[name.rpartition(".")[2]].dtype
    return name


def type_of(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """This tensor in another type; without one, the older name of its own type.

    dtype      a type, an older one such as `minigrad.FloatTensor`, or its name
    Raises     TypeError for an unknown type; ValueError for one of a GPU
    Example    >>> mg.tensor([1, 2]).type(mg.FloatTensor)
               tensor([1., 2.])
               >>> mg.tensor([1, 2]).type()
               'torch.LongTensor'
    """
    if dtype is None:
        names = (name for name, each in TYPES.items() if each.dtype == self._array.dtype)
        return f"torch.{next(names, self._array.dtype.name)}"
    return astype(self, dtype_of(dtype))


def set_default_tensor_type(t: Any) -> None:
    """Set the floating-point type of new tensors by an older name.

    Raises   TypeError if it is not a real floating-point type.
    Example  >>> mg.set_default_tensor_type("torch.DoubleTensor")
             >>> mg.zeros(2).dtype
             dtype('float64')
             >>> mg.set_default_tensor_type(mg.FloatTensor)
    """
    promotion.set_default_dtype(dtype_of(t))
