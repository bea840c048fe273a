"""Sums that stay accurate: of many rows, and of half-precision numbers.

NumPy adds pairwise along the axis that lies in memory, and one after the other along any other:
the mean of ten million rows of 0.1 in float32 comes out as 0.109.  And it adds float16 in float16,
where 2048 + 1 is 2048, and a sum above 65504 is infinite though the mean is small.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

Array = Any

add_reduce: Any = np.add.reduce  # half the cost of np.sum.  Any: the stubs want literal keepdims

MANY = 1 << 16  # numbers; of fewer no axis is long enough to lose more than a digit
BLOCK = 128  # rows that are added one after the other


@lru_cache(maxsize=64)
def ones_cached(n: int, dtype: Any) -> Array:
    """A row of ones: ``ones @ g`` sums the rows of g three times as fast as ``g.sum(0)``."""
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


def is_half(x: Array) -> bool:
    """Whether x is an array of float16."""
    return type(x) is np.ndarray and x.itemsize == 2 and x.dtype.kind == "f"


def widened(x: Array) -> Array:
    """float16 as float32, for sums and squares on the way to a result; anything else as it is."""
    if x.itemsize == 2 and x.dtype.kind == "f":
        return x.astype(np.float32)
    return x


def in_float32(op: Any, x: Array, *arguments: Any) -> Any:
    """What an op makes of float16 numbers: computed in float32, and rounded once at the end."""
    out = op.op.forward(x.astype(np.float32), *arguments)
    with np.errstate(over="ignore"):  # a result may be too large for its type
        if isinstance(out, tuple):
            return tuple([each.astype(x.dtype) for each in out])
        return out.astype(x.dtype)


def sum_of(x: Array, axes: Any = None, keepdims: bool = False) -> Array:
    """The sum along axes, None for all; in the type of x, rounded once."""
    if type(x) is np.ndarray and (x.size > MANY or x.itemsize == 2) and x.dtype.kind == "f":
        wide = widened(x)
        axes = tuple(range(x.ndim)) if axes is None else normalize_axis_tuple(axes, x.ndim)
        total = pairwise(wide, axes) if x.size > MANY else add_reduce(wide, axes)
        kept = [1 if i in axes else n for i, n in enumerate(x.shape)]
        if keepdims:
            total = np.reshape(total, kept)
        if wide is not x:
            with np.errstate(over="ignore"):  # the sum may be too large for its type
                total = total.astype(x.dtype)
        return total
    return add_reduce(x, axes, None, None, keepdims)


def pairwise(x: Array, axes: tuple[int, ...]) -> Array:
    """The sum along `axes`, whatever the order of x in memory, without these axes."""
    order = sorted(range(x.ndim), key=lambda i: -abs(x.strides[i]))
    kept = [i for i in order if i not in axes]
    groups: list[list[int]] = []  # neighbouring axes of one kind as one: [is it summed, size]
    for i in order:
        if groups and groups[-1][0] == (i in axes):
            groups[-1][1] *= x.shape[i]
        else:
            groups.append([i in axes, x.shape[i]])
    out = np.ascontiguousarray(x.transpose(order)).reshape([size for _, size in groups])
    for place in reversed(range(len(groups))):
        if groups[place][0]:
            before, n, after = out.shape[:place], out.shape[place], out.shape[place + 1 :]
            if prod(after) == 1:
                out = add_reduce(out.reshape((*before, n)), -1)
            else:
                out = add_rows(out.reshape(prod(before), n, prod(after)))
            out = out.reshape((*before, *after))
    out = out.reshape(tuple([x.shape[i] for i in kept]))
    return out.transpose([kept.index(i) for i in sorted(kept)])


def add_rows(x: Array) -> Array:
    """The sum along the middle axis of three, in blocks, and blocks of blocks."""
    p, n, m = x.shape
    ones = ones_cached(BLOCK, x.dtype)
    while n > BLOCK:
        blocks = n // BLOCK
        whole = x[:, : blocks * BLOCK].reshape(p, blocks, BLOCK, m)
        sums = np.matmul(ones, whole)
        x = np.concatenate([sums, x[:, blocks * BLOCK :]], 1) if n % BLOCK else sums
        n = x.shape[1]
    return add_reduce(x, 1)


def divided(g: Array, n: float) -> Array:
    """g / n, for a type in which n itself may be infinite."""
    if g.dtype.itemsize == 2:
        while n > 2048:
            g, n = g / 2048, n / 2048
    return g / n
