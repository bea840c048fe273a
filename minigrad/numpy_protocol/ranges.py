"""NumPy's door: ranges between tensors, polynomials, parts of numbers, sets and places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.graph import plain, wrap
from minigrad.numpy_protocol.dispatch import functions, of
from minigrad.numpy_protocol.shaping import refuse

# ------------------------------------------------------------------------------------------- ranges


@of(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    dtype: Any = None, axis: int = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    shape = np.broadcast_shapes(np.shape(start), np.shape(stop))
    kind = np.result_type(*[plain(each) for each in (start, stop)], float(num))
    gaps = num - 1 if endpoint else num
    share = np.arange(num).reshape((-1,) + (1,) * len(shape)) / max(gaps, 1)
    share = share.astype(kind)
    out: Any = start * (1 - share) + stop * share  # exact at both ends
    out = np.moveaxis(out, 0, axis) if axis else out
    if dtype is not None:
        whole = np.issubdtype(dtype, np.integer)
        out = ops.astype(np.floor(out) if whole else out, dtype)
    step = (stop - start) / gaps if gaps > 0 else np.nan
    return (out, step) if retstep else out


@of(np.logspace)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0,
    dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    out = np.power(base, linspace(start, stop, num, endpoint, axis=axis))
    return out if dtype is None else ops.astype(out, dtype)


@of(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    sign = np.sign(plain(start))
    logs = linspace(np.log(np.abs(start)), np.log(np.abs(stop)), num, endpoint, axis=axis)
    out = sign * np.exp(logs)
    return out if dtype is None else ops.astype(out, dtype)


@of(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    out: Any = np.zeros_like(x)
    for coefficient in p:
        out = out * x + coefficient
    return out


@of(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = [to_begin, np.diff(np.ravel(ary)), to_end]
    known = [np.ravel(part) for part in parts if part is not None]
    return np.concatenate(known) if len(known) > 1 else known[0]


@of(np.cumulative_sum if hasattr(np, "cumulative_sum") else np.cumsum)
def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, out: Any = None,
    include_initial: bool = False,
) -> Any:  # fmt: skip
    return cumulative(np.cumsum, np.zeros_like, x, axis, dtype, out, include_initial)


@of(np.cumulative_prod if hasattr(np, "cumulative_prod") else np.cumprod)
def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, out: Any = None,
    include_initial: bool = False,
) -> Any:  # fmt: skip
    return cumulative(np.cumprod, np.ones_like, x, axis, dtype, out, include_initial)


def cumulative(
    scan: Callable[..., Any], initial: Callable[..., Any], x: Any, axis: int | None, dtype: Any,
    out: Any, include_initial: bool,
) -> Any:  # fmt: skip
    refuse(scan.__name__, out=out)
    if axis is None and np.ndim(x) > 1:
        raise ValueError("np.cumulative_sum and cumulative_prod need an axis for several axes")
    found = scan(x, axis=axis or 0, dtype=dtype)
    if not include_initial:
        return found
    first = initial(np.take(found, [0], axis=axis or 0))
    return np.concatenate([first, found], axis=axis or 0)


# ---------------------------------------------------------------------------- parts of numbers


@of(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    out = ops.angle(z if z.dtype.kind == "f" else z.astype(float))
    return out * (180 / np.pi) if deg else out


@of(np.frexp)
def frexp(x: Any) -> tuple[Any, Any]:
    mantissa, exponent = ops.frexp(x)
    return mantissa, exponent


@of(np.ldexp)
def ldexp(x1: Any, x2: Any) -> Any:
    return np.multiply(x1, ops.astype(np.power(2.0, x2), np.result_type(plain(x1), np.float16)))


@of(np.i0)
def i0(x: Any) -> Any:
    return ops.i0(x)


# --------------------------------------------------------------------- places and sets: constants


def constant(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's `function` of the numbers of tensors; its result has no gradient."""

    def call(*args: Any, **kwargs: Any) -> Any:
        given = [tuple(map(plain, a)) if isinstance(a, (list, tuple)) else plain(a) for a in args]
        found = function(*given, **{name: plain(value) for name, value in kwargs.items()})
        if isinstance(found, tuple):
            return tuple([wrap(np.asarray(each)) for each in found])
        return wrap(np.asarray(found))

    return call


for function in (
    np.digitize, np.lexsort, np.setdiff1d, np.intersect1d, np.union1d, np.setxor1d,
    np.triu_indices_from, np.tril_indices_from, np.diag_indices_from, np.spacing,
):  # fmt: skip
    of(function)(constant(function))
if hasattr(np, "bitwise_count"):
    of(np.bitwise_count)(constant(np.bitwise_count))


def running(operation: Callable[..., Any]) -> Callable[..., Any]:
    """``np.maximum.accumulate``: along the first axis, if no other is named."""

    def accumulate(array: Any, axis: int = 0, dtype: Any = None) -> Any:
        return operation(array if dtype is None else array.astype(dtype), axis).values

    return accumulate


functions[np.maximum, "accumulate"] = running(ops.cummax)
functions[np.minimum, "accumulate"] = running(ops.cummin)
