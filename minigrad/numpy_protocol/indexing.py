"""NumPy's door: taking and putting entries, diagonals and triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.graph import Variable, plain
from minigrad.numpy_protocol.dispatch import of

# ------------------------------------------------------------------------------------------- taking


@of(np.take)
def take(
    a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise"
) -> Any:
    if out is not None:
        raise TypeError("np.take of a tensor does not take out=")
    if axis is None:
        a, axis = ops.ravel(a), 0
    indices = np.asarray(plain(indices))
    if indices.dtype.kind not in "iu" and indices.size:
        raise TypeError(f"np.take: indices are integers, got {indices.dtype}")
    n = a.shape[axis]
    if mode == "wrap":
        indices = indices % n
    elif mode == "clip":
        indices = np.clip(indices, 0, n - 1)
    elif mode != "raise":
        raise ValueError(f"np.take: mode is 'raise', 'wrap' or 'clip', got {mode!r}")
    return ops.getitem(a, (slice(None),) * (axis % a.ndim) + (indices.astype(np.intp),))


@of(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    return ops.take_along_dim(arr, indices, axis)


@of(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    if out is not None:
        raise TypeError("np.compress of a tensor does not take out=")
    return take(a, np.flatnonzero(plain(condition)), axis)


@of(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    return compress(np.ravel(plain(condition)), arr)


@of(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    if axis is None:
        arr, axis = ops.ravel(arr), 0
    return take(arr, np.delete(np.arange(arr.shape[axis]), plain(obj)), axis)


@of(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    if axis is None:
        arr, axis = ops.ravel(arr), 0
    axis %= arr.ndim
    n = arr.shape[axis]
    where = np.insert(np.arange(n), plain(obj), -1)  # -1 where a new entry goes
    old, new = np.flatnonzero(where >= 0), np.flatnonzero(where < 0)
    shape = (*arr.shape[:axis], len(where), *arr.shape[axis + 1 :])
    before = (slice(None),) * axis
    values = values if isinstance(values, Variable) else np.asarray(values, arr.dtype)
    if np.ndim(plain(obj)) == 0 and values.ndim == arr.ndim - 1 and values.ndim:
        values = ops.unsqueeze(values, axis)
    out = ops._scatter_into(arr, shape, (*before, old))
    return ops._setitem(out, values, (*before, new))


@of(np.nonzero)
def nonzero(a: Any) -> tuple[Any, ...]:
    return ops.nonzero(a, as_tuple=True)


@of(np.argwhere)
def argwhere(a: Any) -> Any:
    return ops.nonzero(a)


@of(np.flatnonzero)
def flatnonzero(a: Any) -> Any:
    return ops.nonzero(ops.ravel(a), as_tuple=True)[0]


# -------------------------------------------------------------------------------- putting, in place


@of(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    if mode != "raise":
        raise TypeError("np.put of a tensor takes mode='raise' only")
    index = np.asarray(plain(ind))
    values: Any = v if isinstance(v, Variable) else np.asarray(v, a.dtype)
    if values.shape != index.shape:
        values = ops.getitem(ops.ravel(values), np.arange(index.size).reshape(index.shape)
                             % max(np.size(plain(values)), 1))  # fmt: skip
    a.put_(index, values)


@of(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    indices = np.asarray(plain(indices))
    if axis is None:
        put(arr, indices, values)
        return
    grid: list[Any] = list(np.ogrid[tuple([slice(n) for n in indices.shape])])
    grid[axis] = indices
    arr[tuple(grid)] = values


@of(np.copyto)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    if where is not True:
        raise TypeError("np.copyto of a tensor does not take where=")
    if not np.can_cast(np.result_type(plain(src)), dst.dtype, casting):
        raise TypeError(
            f"np.copyto: {np.result_type(plain(src))} into {dst.dtype} is not {casting}"
        )
    dst.copy_(src)


@of(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    if wrap or a.ndim < 2 or np.ndim(plain(val)):
        raise TypeError("np.fill_diagonal of a tensor takes a matrix or more, and one number")
    if a.ndim > 2 and len(set(a.shape)) > 1:
        raise ValueError(f"np.fill_diagonal: all axes have one size, got {a.shape}")
    positions = np.arange(min(a.shape))
    a[(positions,) * a.ndim] = val


# ------------------------------------------------------------------------- diagonals and triangles


@of(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    return ops.diag(v, k)


@of(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return ops.diagflat(v, k)


@of(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return ops.diagonal(a, offset, axis1, axis2)


@of(np.trace)
def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    if out is not None:
        raise TypeError("np.trace of a tensor does not take out=")
    if dtype is None and a.dtype.kind == "u":
        dtype = np.uint64
    line = ops.diagonal(a, offset, axis1, axis2)
    return ops.sum(line if dtype is None else ops.astype(line, dtype), -1)


@of(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    return ops.tril(m, k)


@of(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    return ops.triu(m, k)
