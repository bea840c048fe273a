"""Taking entries by position, and putting them back: each op beside its transpose.

An index is what NumPy takes: integers, slices, ``None``, ``...``, boolean and integer arrays, and
tuples of these.  Tensors in an index are read as arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.operation import Array, Variable, op


def plain_index(index: Any) -> Any:
    """`index` with tensors replaced by their arrays."""
    if isinstance(index, Variable):
        return index._array
    if isinstance(index, tuple):
        return tuple([plain_index(i) for i in index])
    if isinstance(index, list):
        return np.asarray([plain_index(i) for i in index]) if index else np.empty(0, np.intp)
    return index


def is_basic(index: Any) -> bool:
    """Whether NumPy answers with a view: integers, slices, None and ... only."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        i is None or i is Ellipsis or isinstance(i, slice)
        or (isinstance(i, (int, np.integer)) and not isinstance(i, (bool, np.bool_)))
        for i in parts
    )  # fmt: skip


@op(lambda g, x_shape, index: scatter_into(g, x_shape, index), view=True, notation="{x}[...]")
def getitem(x: Array, index: Any) -> Array:
    """Entries of a tensor by position.

    Forward    out = x[index]; a view for integers, slices, None and ..., else a copy
    Gradient   x̄ = zeros, with ḡ added at `index`; an entry taken twice gets both gradients
    Shapes     NumPy's indexing
    Raises     IndexError if an index is out of range
    Example    >>> mg.tensor([10.0, 20.0, 30.0])[1:]
               tensor([20., 30.])
    """
    return x[plain_index(index)]


@op(lambda g, index: g[index])
def scatter_into(g: Array, shape: tuple[int, ...], index: Any) -> Array:
    """The transpose of ``x[index]``: zeros of `shape`, with `g` added at `index`.

    Forward    out = zeros(shape); out[index] += g, repeated positions adding up
    Gradient   ḡ = out̄[index]
    Shapes     shape of x[index] -> shape
    """
    index = plain_index(index)
    out = np.zeros_like(g, shape=shape)
    if is_basic(index):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


@op(
    lambda g, index: without(g, index),
    lambda g, index: g[index],
    notation="{x} with [...] = {value}",
)
def setitem(x: Array, value: Array, index: Any) -> Array:
    """A copy of x with ``x[index] = value``.

    Forward    out = x; out[index] = value
    Gradient   x̄ = ḡ, zero at `index`        value̅ = ḡ[index]
    Shapes     (...), broadcastable to x[index] -> (...)
    Raises     ValueError if the value does not broadcast; IndexError if an index is out of range
    """
    out = np.array(x)
    out[plain_index(index)] = value
    return out


@op(lambda g, index: without(g, index))
def without(x: Array, index: Any) -> Array:
    """A copy of x that is zero at `index`: a projection, so it is its own transpose."""
    out = np.array(x)
    out[plain_index(index)] = 0
    return out


@op(lambda g, x_shape, positions: put_zeros(g, positions, x_shape))
def take(x: Array, positions: Array) -> Array:
    """Entries of x by their row-major positions.

    Forward    out = x.ravel()[positions]
    Gradient   x̄ = zeros, with ḡ added at `positions`
    Shapes     (...), (...) of integers -> shape of positions
    Raises     IndexError if a position is out of range
    """
    return x.reshape(-1)[positions]


@op(lambda g, positions: take(g, positions))
def put_zeros(g: Array, positions: Array, shape: tuple[int, ...]) -> Array:
    """The transpose of `take`: zeros of `shape`, with `g` added at row-major `positions`."""
    out = np.zeros_like(g, shape=int(np.prod(shape)))
    np.add.at(out, positions, g)
    return out.reshape(shape)


@op(
    lambda g, positions: put(g, np.zeros_like(take(g, positions)), positions),
    lambda g, positions: take(g, positions),
)
def put(x: Array, value: Array, positions: Array) -> Array:
    """A copy of x with `value` at row-major `positions`.

    Forward    out = x; out.ravel()[positions] = value
    Gradient   x̄ = ḡ, zero at `positions`        value̅ = ḡ there
    """
    out = np.array(x)
    out.reshape(-1)[positions] = value
    return out
