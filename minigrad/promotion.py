"""Types: the default one, and what operands of different types become.

NumPy's own rules hold for ``np.f(t)``; the functions here are PyTorch's rules, for ``mg.f(t)`` and
operators.
"""

from __future__ import annotations

import math
from array import array as array_of_python
from numbers import Number
from typing import Any

import numpy as np

from minigrad.sparse import Sparse, is_sparse

ndarray = np.ndarray


def constant(value: Any) -> Any:
    """An operand that is not a tensor, as forwards and VJPs take it.

    Python numbers stay as they are: NumPy lets them adapt to the type of the other operand.
    """
    kind = type(value)
    if kind is float or kind is int or kind is bool or value is None:
        return value
    if isinstance(value, (ndarray, np.generic)):
        return value if kind is ndarray and value.dtype.kind in "biuf" else numbers_of(value)
    if isinstance(value, (memoryview, array_of_python)):
        return numbers_of(np.asarray(value))
    if isinstance(value, Number) and not isinstance(value, (int, float, complex)):
        return float(value)  # type: ignore[arg-type]  # a Fraction or a Decimal
    if isinstance(value, complex) or hasattr(value, "__array_function__"):
        return value
    if isinstance(value, (list, tuple)):
        if any(hasattr(item, "_node") for item in value):
            raise TypeError(
                f"a {kind.__name__} of tensors is not a tensor: take the one that is meant, or "
                "join them with mg.stack(...) first"
            )
        return np.asarray(value)
    if hasattr(value, "__array__"):  # pandas and xarray, whose own arithmetic looks at labels
        return numbers_of(np.asarray(value))
    return Sparse(value) if is_sparse(value) else value


def numbers_of(array: Any) -> Any:
    """An array of NumPy's of an unusual class or type as one of numbers.

    Raises   TypeError if it holds none, or hides some
    """
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError("a masked array hides numbers: use its .filled(value), or .compressed()")
    if isinstance(array, np.generic) and array.dtype.kind in "biufc":
        return array
    if isinstance(array, ndarray):
        array = np.asarray(array)
    if array.dtype.kind == "O":
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError):
            pass
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"an array of {array.dtype} is not of numbers: convert it first, .astype(float) if "
            "that is meant"
        )
    return array


def weaken(arrays: list[Any]) -> list[Any]:
    """PyTorch's promotion: a kind (bool < int < float) decides first, then dimensions.

    Among operands of the highest kind, those with dimensions outrank 0-d tensors, which outrank
    Python and NumPy scalars.  So ``t32 * np.float64(2)`` and ``t32 * loss64`` are float32, and an
    int64 tensor times a float32 tensor is float32.
    """
    real = [a for a in arrays if isinstance(a, ndarray)]
    if not real or all([a.dtype is real[0].dtype or a.dtype == real[0].dtype for a in real]):
        return [a.item() if isinstance(a, np.generic) else a for a in arrays]
    rank = max("biufc".index(a.dtype.kind) if a.dtype.kind in "biufc" else 9 for a in real)
    if rank == 9:
        return arrays
    top = [a for a in real if same_kind(a.dtype.kind, "biufc"[rank])]
    shaped = [a for a in top if a.ndim] or top
    dtype = np.result_type(*[a.dtype for a in shaped])
    if dtype.kind == "f" or dtype.kind == "c":
        return [
            a.astype(dtype, copy=False) if isinstance(a, ndarray)
            else a.item() if isinstance(a, np.generic) else a
            for a in arrays
        ]  # fmt: skip
    return [
        a.astype(dtype, copy=False) if isinstance(a, ndarray) and a.ndim == 0 and same_kind(
            a.dtype.kind, dtype.kind)
        else a.item() if isinstance(a, np.generic) else a
        for a in arrays
    ]  # fmt: skip


def same_kind(kind: str, other: str) -> bool:
    return kind == other or {kind, other} == {"i", "u"}


default_dtype = np.dtype(np.float32)


def set_default_dtype(dtype: Any) -> None:
    """Set the floating-point type of new tensors (float32 at first).

    Raises   TypeError if `dtype` is not a real floating-point type.
    Example  >>> import minigrad as mg
             >>> mg.set_default_dtype(mg.float64)
             >>> mg.zeros(2).dtype
             dtype('float64')
             >>> mg.set_default_dtype(mg.float32)
    """
    global default_dtype
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"the default dtype is a floating-point type, got {dtype}")
    default_dtype = dtype


def get_default_dtype() -> np.dtype[Any]:
    """The floating-point type of new tensors.

    Example  >>> mg.get_default_dtype()
             dtype('float32')
    """
    return default_dtype


def are_small_integers(arrays: list[Any]) -> bool:
    """Whether all are of types that NumPy takes to narrower floats than the default type."""
    types = [a.dtype for a in arrays if hasattr(a, "dtype")]
    return all(t.kind in "biu" and t.itemsize < default_dtype.itemsize for t in types)


def as_float(value: Any) -> Any:
    """An array in the default type; anything else as it is."""
    return value.astype(default_dtype) if isinstance(value, ndarray) else value


def as_default_float(out: Any, arrays: list[Any]) -> Any:
    """Integers that became floats (``ints / 2``, ``exp(ints)``) take the default type."""
    dtype = getattr(out, "dtype", default_dtype)
    if dtype is default_dtype or dtype.kind != "f":
        return out
    if any(a.dtype.kind in "fc" for a in arrays if hasattr(a, "dtype")):
        return out
    return out.astype(default_dtype)


# ------------------------------------------------------------------------------------- ranges


def counted(start: Any, end: Any, step: Any, kind: np.dtype[Any]) -> Any:
    """A range in a type.  Of integers, first and step are cut to integers, as in PyTorch."""
    if kind.kind not in "iu" or all(isinstance(v, int) for v in (start, end, step)):
        return np.arange(start, end, step).astype(kind)
    if kind == np.int64:  # so is the end, where the type is the widest one
        end = int(end)
        count = -((int(start) - end) // int(step))
    else:
        count = math.ceil((end - start) / step)
    return (int(start) + int(step) * np.arange(max(count, 0))).astype(kind)


def ends(start: Any, end: Any, kind: Any) -> tuple[float, float]:
    """Both ends of a range; of integers, cut to integers before it is divided, as in PyTorch."""
    first, last = float(start), float(end)
    whole = np.dtype(kind).kind in "iu"
    return (float(int(first)), float(int(last))) if whole else (first, last)
