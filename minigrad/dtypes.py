"""The types of entries, under PyTorch's names; each is a ``numpy.dtype``."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "bfloat16", "bool", "can_cast", "cdouble", "cfloat", "complex64", "complex128", "double",
    "dtype", "finfo", "float", "float16", "float32", "float64", "half", "iinfo", "int", "int8",
    "int16", "int32", "int64", "long", "promote_types", "short", "uint8",
]  # fmt: skip

dtype = np.dtype
finfo = np.finfo
iinfo = np.iinfo

float16 = half = np.dtype(np.float16)
float32 = float = np.dtype(np.float32)
float64 = double = np.dtype(np.float64)
int8 = np.dtype(np.int8)
int16 = short = np.dtype(np.int16)
int32 = int = np.dtype(np.int32)
int64 = long = np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
bool = np.dtype(np.bool_)
complex64 = cfloat = np.dtype(np.complex64)  # of what Fourier transforms return; see `minigrad.fft`
complex128 = cdouble = np.dtype(np.complex128)
# NumPy has no such type: numbers are rounded to its 8 bits when they are converted, and kept so
bfloat16 = np.dtype(np.float32, metadata={"rounded to": "bfloat16"})


def resolve(dtype: Any) -> np.dtype[Any]:
    """`dtype` as a ``numpy.dtype``.

    dtype    one of the names above, a NumPy type, a string, or Python's float, int or bool
             (float64, int64 and bool)
    Raises   TypeError if it is not a type of real numbers or booleans.
    """
    if dtype is bfloat16:
        return float32
    if isinstance(dtype, str):
        dtype = {"half": float16, "long": int64, "short": int16}.get(dtype, dtype)
    resolved: np.dtype[Any] = np.dtype(dtype)
    if resolved.kind not in "biuf":
        kind = "complex ones are made with mg.complex" if resolved.kind == "c" else "not numbers"
        raise TypeError(f"a tensor holds real numbers or booleans, not {resolved}: {kind}")
    return resolved


def kind_rank(dtype: np.dtype[Any]) -> Any:
    """Boolean < integer < floating-point."""
    return {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}.get(dtype.kind, 4)


def promote_types(type1: Any, type2: Any) -> np.dtype[Any]:
    """The type of what is computed from tensors of two types.

    Forward    the type of the higher kind (booleans, integers, floating-point numbers); of two of
               one kind the smallest type that holds both
    Raises     TypeError if one is not a type of real numbers or booleans
    Example    >>> mg.promote_types(mg.int64, mg.float16)
               dtype('float16')
    """
    first, second = resolve(type1), resolve(type2)
    if kind_rank(first) != kind_rank(second):
        return max(first, second, key=kind_rank)
    return np.promote_types(first, second)


def can_cast(from_: Any, to: Any) -> Any:
    """Whether PyTorch converts numbers of one type to another by itself, in an assignment.

    Forward    not from floating-point numbers to integers, nor from numbers to booleans
    Raises     TypeError if one is not a type of real numbers or booleans
    Example    >>> mg.can_cast(mg.float64, mg.float32), mg.can_cast(mg.float32, mg.int64)
               (True, False)
    """
    return kind_rank(resolve(from_)) <= kind_rank(resolve(to))
