"""Types of entries: conversion, and questions about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import devices, dtypes
from minigrad.calls import Array, Variable, op
from minigrad.composition import composition
from minigrad.typed import Tensor

__all__ = ["_bfloat16", "astype", "cpu", "cuda", "pin_memory", "to", "to_type", "type_as"]


@op(lambda g: g, notation="{x}")
def _astype(x: Array, dtype: np.dtype[Any]) -> Array:
    """x, with entries of another type.

    Forward    out = x, rounded to the type
    Gradient   x̄ = ḡ, in the type of x (converted by the engine)
    Shapes     (...) -> (...)
    """
    return x.astype(dtype)


@composition
def astype(x: Any, dtype: Any, copy: bool = False) -> Tensor:
    """x, with entries of another type; x itself if it has the type, unless `copy`.

    Forward    out = x, rounded to the type; to integers towards 0
    Gradient   x̄ = ḡ, in the type of x; none through integers
    Shapes     (...) -> (...)
    Raises     TypeError if `dtype` is not a type of real numbers or booleans
    Example    >>> mg.tensor([1.5, -1.5]).astype(mg.int64)
               tensor([ 1, -1])
    """
    if dtype is dtypes.bfloat16:
        return _bfloat16(x)
    wanted = dtypes.resolve(dtype)
    return x if x.dtype == wanted and not copy else _astype(x, wanted)


@composition
def to_type(dtype: np.dtype[Any]) -> Callable[[Any], Tensor]:
    """The method that converts to a type: ``t.double()``."""

    def convert(self: Any) -> Tensor:
        return astype(self, dtype)

    name = "bfloat16" if dtype is dtypes.bfloat16 else dtype.name
    convert.__name__ = name
    convert.__doc__ = f"This tensor with entries of type {name}; itself if it has that type."
    return convert


@op(lambda g: g, notation="bfloat16({x})")
def _bfloat16(x: Array) -> Array:
    """x, rounded to the 8 significant bits of a bfloat16, and kept as float32.

    NumPy has no such type: what is computed from the result is float32 and is not rounded again.

    Forward    out = the number of 8 significant bits that is nearest to x, of two the even one
    Gradient   x̄ = ḡ
    Shapes     (...) -> (...)
    Example    >>> mg.tensor([1.0, 3.14159]).bfloat16()
               tensor([1.    , 3.1406])
    """
    bits = np.asarray(x, np.float32).view(np.uint32)
    half = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    rounded = ((bits + half) & np.uint32(0xFFFF0000)).view(np.float32)
    return np.where(np.isfinite(rounded) | np.isinf(x), rounded, np.asarray(x, np.float32))


@composition
def type_as(x: Any, other: Any) -> Tensor:
    """x, with entries of the type of another tensor.

    Forward    out = x, rounded to the type
    Gradient   x̄ = ḡ, in the type of x
    Shapes     (...), (...) -> the shape of x
    Example    >>> mg.tensor([1.5]).type_as(mg.tensor([1]))
               tensor([1])
    """
    return astype(x, other.dtype)


@composition
def to(
    x: Any, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False,
    copy: bool = False, memory_format: Any = None,
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


@composition
def cpu(self: Any) -> Tensor:
    """This tensor: it is on the CPU."""
    return self


@composition
def pin_memory(self: Any, device: Any = None) -> Tensor:
    """This tensor: memory is pinned for the way to a GPU, and there is none."""
    return self


@composition
def cuda(self: Any, device: Any = None, non_blocking: bool = False) -> Any:
    """There is no GPU.

    Raises     ValueError, always
    """
    devices.check("cuda")


def is_device(name: str) -> bool:
    """Whether `name` is PyTorch's name of a device, rather than of a type."""
    return name.partition(":")[0] in {"cpu", "cuda", "mps", "xpu", "xla", "meta"}
