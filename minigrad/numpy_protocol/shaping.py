"""NumPy's door: shape, order and joining."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad import ops
from minigrad.graph import Variable, wrap
from minigrad.numpy_protocol.dispatch import of


def refuse(function: str, **arguments: Any) -> None:
    """Raise a TypeError for an argument of NumPy's that is not None: tensors do not support it."""
    for name, value in arguments.items():
        if value is not None:
            raise TypeError(f"np.{function} of a tensor does not take {name}=")


# -------------------------------------------------------------------------------------------- shape


@of(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    return a.shape


@of(np.ndim)
def ndim(a: Any) -> int:
    return a.ndim


@of(np.size)
def size(a: Any, axis: Any = None) -> int:
    return np.size(a._array, axis)


@of(np.reshape)
def reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if order == "F":
        return ops.permute(ops.reshape(ops.T(a), shape[::-1]), *range(len(shape))[::-1])
    if order not in ("C", "A"):
        raise TypeError(f"np.reshape of a tensor takes order='C' or 'F', got {order!r}")
    out = ops.reshape(a, shape)
    if copy is False and not np.shares_memory(a._array, out._array):
        raise ValueError("np.reshape: no view is possible, but copy=False asks for one")
    return ops.clone(out) if copy else out


@of(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    return reshape(a, (-1,), order)


@of(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    if axis is not None:
        for i in normalize_axis_tuple(axis, a.ndim):
            if a.shape[i] != 1:
                raise ValueError(f"np.squeeze: axis {i} has size {a.shape[i]}, not 1")
    return ops.squeeze(a, axis)


@of(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    places = normalize_axis_tuple(axes, a.ndim + len(axes))
    return ops.getitem(
        a, tuple([None if i in places else slice(None) for i in range(a.ndim + len(places))])
    )


@of(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    if axes is None:
        return ops.T(a)
    return ops.permute(a, *(axes if np.ndim(axes) else (axes,)))


@of(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return ops.transpose(a, axis1, axis2)


@of(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return ops.movedim(a, source, destination)


@of(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    (axis,) = normalize_axis_tuple(axis, a.ndim)
    start += a.ndim if start < 0 else 0
    return ops.movedim(a, axis, start - 1 if axis < start else start)


@of(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if -1 in shape:
        raise ValueError(f"np.broadcast_to: sizes are not negative, got {shape}")
    return ops.expand(array, shape)


@of(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*[np.shape(x) for x in args])
    return tuple([
        ops.expand(x, shape) if isinstance(x, Variable) else np.broadcast_to(x, shape)
        for x in args
    ])  # fmt: skip


@of(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    return ops.atleast_1d(*map(as_array_or_tensor, arys))


@of(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    return ops.atleast_2d(*map(as_array_or_tensor, arys))


@of(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    return ops.atleast_3d(*map(as_array_or_tensor, arys))


def as_array_or_tensor(x: Any) -> Any:
    return x if isinstance(x, Variable) else np.asarray(x)


# ------------------------------------------------------------------------------------ order, copies


@of(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    axes = range(m.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    return ops.flip(m, *axes)


@of(np.fliplr)
def fliplr(m: Any) -> Any:
    return ops.flip(m, 1)


@of(np.flipud)
def flipud(m: Any) -> Any:
    return ops.flip(m, 0)


@of(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    return ops.rot90(m, k, axes)


@of(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if isinstance(shift, (tuple, list)) and axis is None:
        return ops.roll(a, int(np.sum(shift)))  # one after the other, of all entries
    if isinstance(shift, (tuple, list)) != isinstance(axis, (tuple, list)) and axis is not None:
        n = len(shift) if isinstance(shift, (tuple, list)) else len(axis)
        shift = shift if isinstance(shift, (tuple, list)) else (shift,) * n
        axis = axis if isinstance(axis, (tuple, list)) else (axis,) * n
    return ops.roll(a, shift, axis)


@of(np.tile)
def tile(A: Any, reps: Any) -> Any:
    return ops.tile(A, *(reps if isinstance(reps, (tuple, list, np.ndarray)) else (reps,)))


@of(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    a = a if np.ndim(a) else ops.reshape(a, 1)
    return ops.repeat_interleave(a, repeats, axis)


@of(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return ops.clone(a)


@of(np.astype)
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return ops.to(x, dtype, device=device, copy=copy)


PAD_BY_INDEX = ("edge", "reflect", "symmetric", "wrap")


@of(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    if isinstance(pad_width, dict):
        by_axis = {normalize_axis_tuple(axis, array.ndim)[0]: w for axis, w in pad_width.items()}
        pad_width = [by_axis.get(axis, 0) for axis in range(array.ndim)]
        pad_width = [(w, w) if np.ndim(w) == 0 else tuple(w) for w in pad_width]
    widths = pairs("pad_width", pad_width, array.ndim)
    if np.any(np.asarray(widths) < 0):
        raise ValueError(f"np.pad: widths are not negative, got {pad_width}")
    if mode in PAD_BY_INDEX:
        if kwargs.pop("reflect_type", "even") != "even" or kwargs:
            raise TypeError(f"np.pad of a tensor, mode {mode!r}, takes no {list(kwargs)}")
        return ops.pad_by_index(array, widths, mode)
    if mode != "constant":
        raise TypeError(f"np.pad of a tensor has no mode {mode!r}: 'constant' or {PAD_BY_INDEX}")
    values = pairs("constant_values", kwargs.pop("constant_values", 0), array.ndim)
    if kwargs:
        raise TypeError(f"np.pad of a tensor does not take {list(kwargs)}")
    for axis, (sides, fill) in enumerate(zip(widths, values)):  # an axis after the other, as NumPy
        for side in (0, 1):
            if sides[side]:
                frame = [(0, 0)] * array.ndim
                frame[axis] = (sides[0], 0) if side == 0 else (0, sides[1])
                array = ops._pad(array, tuple(frame), fill[side])
    return array


def pairs(name: str, value: Any, n: int) -> tuple[tuple[Any, Any], ...]:
    """NumPy's short forms of a pair for each of n axes, written out."""
    try:
        whole = np.broadcast_to(np.asarray(value), (n, 2))
    except ValueError as error:
        error.add_note(f"np.pad: {name} {value} is not a pair for each of {n} axes")
        raise
    return tuple([(a.item(), b.item()) for a, b in whole])


# ------------------------------------------------------------------------------------------ joining


def parts(arrays: Any) -> list[Any]:
    """What is joined, as tensors and arrays of the type that NumPy gives the result."""
    tensors = [as_array_or_tensor(x) for x in arrays]
    if len({x.dtype for x in tensors}) > 1:
        common = np.result_type(*[x.dtype for x in tensors])
        tensors = [ops.astype(x, common) for x in tensors]
    return tensors


def joined(function: str, out: Any, dtype: Any, casting: str, join: Callable[[], Any]) -> Any:
    """What `join` returns, with NumPy's arguments that concern its type."""
    refuse(function, out=out, casting=None if casting == "same_kind" else casting)
    result = join()
    return result if dtype is None else ops.astype(result, dtype)


@of(np.concatenate)
def concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None,
    casting: str = "same_kind",
) -> Any:  # fmt: skip
    tensors = parts(arrays)
    if axis is None:
        tensors, axis = [ops.ravel(x) for x in tensors], 0
    return joined("concatenate", out, dtype, casting, lambda: ops.cat(tensors, axis))


@of(np.stack)
def stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    return joined("stack", out, dtype, casting, lambda: ops.stack(parts(arrays), axis))


@of(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return joined("hstack", None, dtype, casting, lambda: ops.hstack(parts(tup)))


@of(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return joined("vstack", None, dtype, casting, lambda: ops.vstack(parts(tup)))


@of(np.dstack)
def dstack(tup: Any) -> Any:
    return ops.dstack(parts(tup))


@of(np.column_stack)
def column_stack(tup: Any) -> Any:
    return ops.column_stack(parts(tup))


@of(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return concatenate((arr, values), axis)


@of(np.block)
def block(arrays: Any) -> Any:
    def level(nested: Any, depth: int) -> Any:
        if not isinstance(nested, list):
            return nested
        return concatenate(
            [padded(level(each, depth + 1)) for each in nested], axis=depth - deepest
        )

    def depth_of(nested: Any) -> int:
        return 1 + depth_of(nested[0]) if isinstance(nested, list) else 0

    def padded(x: Any) -> Any:
        x = as_array_or_tensor(x)
        return ops.reshape(x, (1,) * (deepest - x.ndim) + tuple(x.shape))

    deepest = depth_of(arrays)
    return level(arrays, 0)


@of(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    if sparse:
        raise TypeError("np.meshgrid of a tensor does not take sparse=True")
    grids = ops.meshgrid(*[ops.ravel(as_array_or_tensor(x)) for x in xi], indexing=indexing)
    return tuple([ops.clone(grid) for grid in grids]) if copy else grids


# ------------------------------------------------------------------------------------- taking apart


@of(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    if np.ndim(indices_or_sections) == 0 and ary.shape[axis] % indices_or_sections:
        raise ValueError(
            f"np.split: {ary.shape[axis]} entries along axis {axis} cannot be cut into "
            f"{indices_or_sections} equal parts; use np.array_split"
        )
    return list(ops.tensor_split(ary, indices_or_sections, axis))


@of(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    return list(ops.tensor_split(ary, indices_or_sections, axis))


@of(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return list(ops.hsplit(ary, indices_or_sections))


@of(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return list(ops.vsplit(ary, indices_or_sections))


@of(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return list(ops.dsplit(ary, indices_or_sections))


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    return ops.unbind(x, axis)


if hasattr(np, "unstack"):  # NumPy 2.1
    of(np.unstack)(unstack)


# ----------------------------------------------------------------------------------------- creation


def like(function: Any) -> Callable[..., Any]:
    """NumPy's `function` of the shape and type of a tensor: a constant tensor."""

    def call(*args: Any, **kwargs: Any) -> Any:
        plain = [x._array if isinstance(x, Variable) else x for x in args]
        named = {k: x._array if isinstance(x, Variable) else x for k, x in kwargs.items()}
        return wrap(function(*plain, **named))

    return call


for function in (np.zeros_like, np.ones_like, np.empty_like, np.full_like):
    of(function)(like(function))


# -------------------------------------------------------------------------------- memory, questions


@of(np.shares_memory, np.may_share_memory)
def shares_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    first, second = (x._array if isinstance(x, Variable) else x for x in (a, b))
    return np.may_share_memory(first, second) and np.shares_memory(first, second)
