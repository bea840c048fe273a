"""NumPy's door: reductions that leave out NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.graph import plain, wrap
from minigrad.numpy_protocol.dispatch import of
from minigrad.numpy_protocol.reduction import along_axes, quantile
from minigrad.numpy_protocol.shaping import refuse


def there(a: Any, dtype: Any) -> tuple[Any, Any]:
    """`a` in a type, with 0 in place of NaN, and where it was a number."""
    a = a if dtype is None else a.astype(dtype)
    known = ~np.isnan(plain(a))
    return ops.where(known, a, 0), known


@of(np.nanprod)
def nanprod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
) -> Any:
    refuse("nanprod", out=out)
    a = a if dtype is None else a.astype(dtype)
    return np.prod(ops.where(np.isnan(a), 1, a), axis=axis, keepdims=keepdims)


@of(np.nancumsum)
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    refuse("nancumsum", out=out)
    return np.cumsum(there(a, dtype)[0], axis=axis)


@of(np.nancumprod)
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    refuse("nancumprod", out=out)
    a = a if dtype is None else a.astype(dtype)
    return np.cumprod(ops.where(np.isnan(a), 1, a), axis=axis)


@of(np.nanvar)
def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
    keepdims: bool = False, *, where: Any = None, mean: Any = None, correction: float | None = None,
) -> Any:  # fmt: skip
    refuse("nanvar", out=out, where=where, mean=mean)
    numbers, known = there(a, dtype)
    count = known.sum(axis, keepdims=True).astype(numbers.dtype)
    centred = ops.where(known, numbers - np.sum(numbers, axis=axis, keepdims=True) / count, 0)
    freedom = known.sum(axis, keepdims=keepdims) - (ddof if correction is None else correction)
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = np.sum(centred * centred, axis=axis, keepdims=keepdims)
        return squares / np.maximum(freedom, 0).astype(numbers.dtype)


@of(np.nanstd)
def nanstd(a: Any, *args: Any, **kwargs: Any) -> Any:
    return np.sqrt(nanvar(a, *args, **kwargs))


@of(np.nanquantile)
def nanquantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: bool = False, *, weights: Any = None,
    interpolation: Any = None,
) -> Any:  # fmt: skip
    refuse("nanquantile", out=out, weights=weights, interpolation=interpolation)
    if a.dtype.kind != "f":
        return quantile(a, q, axis, method=method, keepdims=keepdims)

    def read(values: Any) -> Any:
        return ops.nanquantile(values, q, -1, interpolation=method)

    return along_axes(read, a, axis, keepdims, np.ndim(q))


@of(np.nanpercentile)
def nanpercentile(a: Any, q: Any, axis: Any = None, **kwargs: Any) -> Any:
    return nanquantile(a, np.true_divide(plain(q), 100), axis, **kwargs)


@of(np.nanmedian)
def nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    refuse("nanmedian", out=out)
    return nanquantile(a, 0.5, axis, keepdims=keepdims)


@of(np.nanargmax)
def nanargmax(a: Any, axis: int | None = None, out: Any = None, *, keepdims: bool = False) -> Any:
    refuse("nanargmax", out=out)
    return wrap(np.asarray(np.nanargmax(plain(a), axis, keepdims=keepdims)))


@of(np.nanargmin)
def nanargmin(a: Any, axis: int | None = None, out: Any = None, *, keepdims: bool = False) -> Any:
    refuse("nanargmin", out=out)
    return wrap(np.asarray(np.nanargmin(plain(a), axis, keepdims=keepdims)))
