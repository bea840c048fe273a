"""NumPy's door: functions of each entry: ufuncs, their methods, and what NumPy builds on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.calls import numpy_functions
from minigrad.graph import Variable, plain
from minigrad.numpy_protocol.dispatch import functions, of
from minigrad.numpy_protocol.shaping import refuse
from minigrad.ops.selection import _where

# -------------------------------------------------------------------------------- choice and bounds


@of(np.where)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None or y is None:
        return ops.where(condition, x, y)
    return _where.op.call_from_numpy(x, y, condition)  # type: ignore[attr-defined]  # of an op


@of(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            f"np.select: {len(condlist)} conditions and {len(choicelist)} choices; give one choice "
            "for each condition, and at least one"
        )
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = where(condition, choice, out)
    return out


@of(np.clip)
def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Any:
    refuse("clip", out=out)
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    return a if low is None and high is None else ops.clamp(a, low, high)


@of(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    return ops.nan_to_num(x, nan, posinf, neginf)


# --------------------------------------------------------------- rounding, and what is real already


@of(np.around)
def around(a: Any, decimals: int = 0, out: Any = None) -> Any:
    refuse("around", out=out)
    return ops.round(a, decimals)


@of(np.rint)
def rint(x: Any) -> Any:
    return ops.round(x)


@of(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    refuse("fix", out=out)
    return ops.trunc(x)


@of(np.float_power)
def float_power(x1: Any, x2: Any) -> Any:
    x1, x2 = (x.astype(np.float64) if hasattr(x, "astype") else x for x in (x1, x2))
    return ops.pow(x1, x2)


@of(np.fabs)
def fabs(x: Any) -> Any:
    return ops.abs(x)


@of(np.modf)
def modf(x: Any) -> tuple[Any, Any]:
    return ops.frac(x), ops.trunc(x)


@of(np.divmod)
def divmod(x1: Any, x2: Any) -> tuple[Any, Any]:
    return ops.floor_divide(x1, x2), ops.remainder(x1, x2)


@of(np.conjugate, np.real, np.real_if_close)
def real(val: Any) -> Any:
    return val


@of(np.imag)
def imag(val: Any) -> Any:
    return np.zeros_like(val)


@of(np.isreal)
def isreal(x: Any) -> Any:
    return np.ones_like(x, bool)


@of(np.iscomplex)
def iscomplex(x: Any) -> Any:
    return np.zeros_like(x, bool)


@of(np.isrealobj)
def isrealobj(x: Any) -> bool:
    return True


@of(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    return False


# ---------------------------------------------------------------------- questions, answered plainly


@of(np.allclose)
def allclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    return ops.allclose(a, b, rtol, atol, equal_nan)


@of(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    return np.array_equal(plain(a1), plain(a2), equal_nan)


@of(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> bool:
    return np.array_equiv(plain(a1), plain(a2))


@of(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    return np.result_type(*[plain(value) for value in arrays_and_dtypes])


@of(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    return np.can_cast(from_._array.dtype if isinstance(from_, Variable) else from_, to, casting)


# ------------------------------------------------------------------------------- methods of ufuncs


REDUCE = {
    np.add: ops.sum, np.multiply: ops.prod, np.maximum: ops.amax, np.minimum: ops.amin,
    np.logaddexp: ops.logsumexp, np.logical_and: ops.all, np.logical_or: ops.any,
}  # fmt: skip
ACCUMULATE = {np.add: ops.cumsum, np.multiply: ops.cumprod, np.logaddexp: ops.logcumsumexp}


def reduce_method(operation: Callable[..., Any]) -> Callable[..., Any]:
    """``ufunc.reduce``: along the first axis, if no other is named."""

    def reduce(array: Any, axis: Any = 0, dtype: Any = None, *, keepdims: bool = False) -> Any:
        if dtype is not None:
            array = array.astype(dtype)
        return array if axis == () else operation(array, axis, keepdims)

    return reduce


def accumulate_method(operation: Callable[..., Any]) -> Callable[..., Any]:
    """``ufunc.accumulate``: along the first axis, if no other is named."""

    def accumulate(array: Any, axis: int = 0, dtype: Any = None) -> Any:
        return operation(array if dtype is None else array.astype(dtype), axis)

    return accumulate


def outer_method(ufunc: Any) -> Callable[..., Any]:
    """``ufunc.outer``: each entry of the first operand with each of the second."""

    def outer(a: Any, b: Any) -> Any:
        columns = np.reshape(a, np.shape(a) + (1,) * np.ndim(b))
        return numpy_functions[ufunc].call_from_numpy(columns, b)

    return outer


for ufunc, reduction in REDUCE.items():
    functions[ufunc, "reduce"] = reduce_method(reduction)
for ufunc, scan in ACCUMULATE.items():
    functions[ufunc, "accumulate"] = accumulate_method(scan)
for ufunc in numpy_functions:
    if isinstance(ufunc, np.ufunc) and ufunc.nin == 2 and ufunc.signature is None:
        functions[ufunc, "outer"] = outer_method(ufunc)
