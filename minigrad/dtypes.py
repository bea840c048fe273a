"""The types of entries, under PyTorch's names; each is a ``numpy.dtype``."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "bool", "double", "dtype", "finfo", "float", "float16", "float32", "float64", "half", "iinfo",
    "int", "int8", "int16", "int32", "int64", "long", "resolve", "short", "uint8",
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


def resolve(dtype: Any) -> np.dtype[Any]:
    """`dtype` as a ``numpy.dtype``.

    dtype    one of the names above, a NumPy type, a string, or Python's float, int or bool
             (float64, int64 and bool)
    Raises   TypeError if it is no type of real numbers or booleans.
    """
    if isinstance(dtype, str):
        dtype = {"half": float16, "long": int64, "short": int16}.get(dtype, dtype)
    resolved: np.dtype[Any] = np.dtype(dtype)
    if resolved.kind not in "biuf":
        kind = "complex numbers are not supported" if resolved.kind == "c" else "not numbers"
        raise TypeError(f"a tensor holds real numbers or booleans, not {resolved}: {kind}")
    return resolved
