"""Types of entries: conversion, and questions about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import devices, dtypes
from minigrad.operation import Array, Variable, op
from minigrad.ops.typed import Tensor

__all__ = ["astype", "cpu", "cuda", "pin_memory", "to", "to_type", "type_as"]


@op(lambda g: g, notation="{x}")
def _astype(x: Array, dtype: np.dtype[Any]) -> Array:
    """x, with entries of another type.

    Forward    out = x, rounded to the type
    Gradient   x̄ = ḡ, in the type of x (converted by the engine)
    Shapes     (...) -> (...)
    """
    return x.astype(dtype)


def astype(x: Any, dtype: Any) -> Tensor:
    """x, with entries of another type; x itself if it has the type.

    Forward    out = x, rounded to the type; to integers towards 0
    Gradient   x̄ = ḡ, in the type of x; none through integers
    Shapes     (...) -> (...)
    Raises     TypeError if `dtype` is no type of real numbers or booleans
    Example    >>> mg.tensor([1.5, -1.5]).astype(mg.int64)
               tensor([ 1, -1])
    """
    wanted = dtypes.resolve(dtype)
    return x if x.dtype == wanted else _astype(x, wanted)


def to_type(dtype: np.dtype[Any]) -> Callable[[Any], Tensor]:
    """The method that converts to a type: ``t.double()``."""

    def convert(self: Any) -> Tensor:
        return astype(self, dtype)

    convert.__name__ = dtype.name
    convert.__doc__ = f"This tensor with entries of type {dtype.name}; itself if it has that type."
    return convert


def type_as(x: Any, other: Any) -> Tensor:
    """x, with entries of the type of another tensor.

    Forward    out = x, rounded to the type
    Gradient   x̄ = ḡ, in the type of x
    Shapes     (...), (...) -> the shape of x
    Example    >>> mg.tensor([1.5]).type_as(mg.tensor([1]))
               tensor([1])
    """
    return astype(x, other.dtype)


def to(
    x: Any, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False,
    copy: bool = False,
) -> Tensor:  # fmt: skip
    """x in another type, on another device, or both: ``t.to(mg.float64)``, ``t.to("cpu")``.

    args       a type, a device, a device and a type, or a tensor whose type is taken
    copy       a copy even if nothing changes
    Forward    out = x, rounded to the type
    Gradient   x̄ = ḡ, in the type of x
    Shapes     (...) -> (...)
    Raises     ValueError for a device that is not the CPU; TypeError for an unknown type
    Example    >>> mg.tensor([1, 2]).to(mg.float32)
               tensor([1., 2.])
    """
    devices.check(device)
    for arg in args:
        if isinstance(arg, Variable):
            dtype = arg._array.dtype
        elif isinstance(arg, devices.device) or (isinstance(arg, str) and is_device(arg)):
            devices.check(arg)
        elif isinstance(arg, bool):  # PyTorch's non_blocking, by position
            continue
        elif arg is not None:
            dtype = arg
    out = x if dtype is None else astype(x, dtype)
    return out.clone() if copy and out is x else out


def cpu(self: Any) -> Tensor:
    """This tensor: it is on the CPU."""
    return self


def pin_memory(self: Any, device: Any = None) -> Tensor:
    """This tensor: memory is pinned for the way to a GPU, and there is none."""
    return self


def cuda(self: Any, device: Any = None, non_blocking: bool = False) -> Any:
    """There is no GPU.

    Raises     ValueError, always
    """
    devices.check("cuda")


def is_device(name: str) -> bool:
    """Whether `name` is PyTorch's name of a device, rather than of a type."""
    return name.partition(":")[0] in {"cpu", "cuda", "mps", "xpu", "xla", "meta"}
