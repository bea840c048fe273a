"""Copies side by side, and entries in another order along axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.argument_names import also_named
from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.ops.shaping import numbers, ravel

__all__ = ["flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90", "tile"]


def interleaved(shape: tuple[int, ...], dims: tuple[int, ...]) -> list[tuple[int, int]]:
    """For each axis of a tiled result: how often it repeats, and the size that is repeated."""
    n = max(len(shape), len(dims))
    return list(zip((1,) * (n - len(dims)) + dims, (1,) * (n - len(shape)) + shape))


def tile_vjp(g: Array, x_shape: tuple[int, ...], dims: tuple[int, ...]) -> Array:
    """x̄ = Σ ḡ over the copies."""
    pairs = interleaved(x_shape, tuple(dims))
    copies = tuple(range(0, 2 * len(pairs), 2))
    return g.reshape(tuple([n for pair in pairs for n in pair])).sum(copies).reshape(x_shape)


@op(tile_vjp, notation="tile({x})")
def tile(x: Array, *dims: Any) -> Array:
    """Copies of x side by side.

    Forward    out[i, j, ...] = x[i mod n, j mod m, ...]
    Gradient   x̄ = ḡ, summed over the copies
    Shapes     (n, m, ...) -> (n · dims[0], m · dims[1], ...); missing axes and numbers count as 1
    Raises     ValueError if a number is negative
    Example    >>> mg.tile(mg.tensor([1.0, 2.0]), (2, 2))
               tensor([[1., 2., 1., 2.],
                       [1., 2., 1., 2.]])
    """
    if any(n < 0 for n in dims):
        raise ValueError(f"tile: numbers of copies are not negative, got {dims}")
    pairs = interleaved(x.shape, dims)
    spread = x.reshape([n for _, size in pairs for n in (1, size)])
    spread = np.broadcast_to(spread, [n for pair in pairs for n in pair])
    return np.array(spread.reshape([copies * size for copies, size in pairs]))


@composition
def repeat(x: Any, *sizes: int) -> Any:
    """`tile`, with a number for every axis: PyTorch's `repeat`. (NumPy's is `repeat_interleave`.)

    Forward    out[i, j, ...] = x[i mod n, j mod m, ...]
    Gradient   x̄ = ḡ, summed over the copies
    Shapes     (n, m) -> (n · sizes[0], m · sizes[1])
    Raises     ValueError if there are fewer numbers than axes, or one is negative
    Example    >>> mg.tensor([1.0, 2.0]).repeat(2)
               tensor([1., 2., 1., 2.])
    """
    sizes = numbers(sizes)
    if len(sizes) < len(x.shape):
        raise ValueError(
            f"repeat: {len(sizes)} numbers for the {len(x.shape)} axes of shape {tuple(x.shape)}; "
            "give one for each, or use tile; for NumPy's repeat, repeat_interleave"
        )
    return tile(x, *sizes)


def repeat_interleave_vjp(g: Array, x_shape: tuple[int, ...], repeats: int, dim: int) -> Array:
    """x̄ = Σ ḡ over the copies."""
    dim %= len(x_shape)
    return g.reshape((*x_shape[: dim + 1], repeats, *x_shape[dim + 1 :])).sum(dim + 1)


@op(repeat_interleave_vjp, notation="repeat_interleave({x})")
def _repeat_each(x: Array, repeats: int, dim: int) -> Array:
    """Each entry along an axis, `repeats` times in a row.

    Forward    out[..., i, ...] = x[..., i // repeats, ...]
    Gradient   x̄ = ḡ, summed over the copies
    Shapes     (..., n, ...) -> (..., n · repeats, ...)
    """
    return np.repeat(x, repeats, dim)


@composition
def repeat_interleave(
    x: Any, repeats: Any, dim: int | None = None, *, output_size: int | None = None
) -> Any:
    """Each entry several times in a row: NumPy's ``np.repeat``.

    repeats      one number, or one for each entry along the axis, not negative
    dim          the axis; None: all entries, in one axis
    output_size  the size of the result along the axis, if known; it is checked
    Forward      out = [x₀, x₀, ..., x₁, x₁, ...]
    Gradient     x̄ᵢ = Σ ḡ over the copies of xᵢ
    Shapes       (..., n, ...) -> (..., Σ repeats, ...)
    Raises       ValueError for a negative number, or if there is not one for each entry
    Example      >>> mg.repeat_interleave(mg.tensor([1.0, 2.0]), 2)
                 tensor([1., 1., 2., 2.])
                 >>> mg.repeat_interleave(mg.tensor([1.0, 2.0]), mg.tensor([1, 3]))
                 tensor([1., 2., 2., 2.])
    """
    repeats = np.asarray(getattr(repeats, "_array", repeats))
    if repeats.dtype.kind not in "iu":
        raise TypeError(f"repeat_interleave: numbers of copies are integers, got {repeats.dtype}")
    if (repeats < 0).any():
        raise ValueError("repeat_interleave: numbers of copies are not negative")
    if dim is None:
        x, dim = ravel(x), 0
    size = x.shape[normalize_axis_index(dim, len(x.shape))]
    if repeats.size == 1:
        out = _repeat_each(x, int(repeats.reshape(-1)[0]), dim)
    elif repeats.shape != (size,):
        raise ValueError(
            f"repeat_interleave: {repeats.shape} numbers of copies for an axis of size {size}"
        )
    else:
        from_position = np.repeat(np.arange(size), repeats)
        out = x[(slice(None),) * (dim % len(x.shape)) + (from_position,)]
    if output_size is not None and out.shape[dim] != output_size:
        raise ValueError(
            f"repeat_interleave: output_size is {output_size}, the result has {out.shape[dim]}"
        )
    return out


# --------------------------------------------------------------------------------- order of entries


@also_named(axis="dims", axes="dims", m="x")
@op(lambda g, dims: flip(g, dims), notation="flip({x})")
def flip(x: Array, *dims: Any) -> Array:
    """Axes read backwards.

    Forward    out[..., i, ...] = x[..., n - 1 - i, ...]
    Gradient   x̄ = ḡ, read backwards along the same axes
    Shapes     (...) -> (...)
    Raises     AxisError if an axis is out of range
    Example    >>> mg.flip(mg.tensor([1.0, 2.0, 3.0]), 0)
               tensor([3., 2., 1.])
    """
    if not x.ndim:
        normalize_axis_tuple(dims, 1)
        return np.array(x)
    return np.array(np.flip(x, dims))


@composition
def fliplr(x: Any) -> Any:
    """Columns in reverse order.

    Forward    out[i, j, ...] = x[i, m - 1 - j, ...]
    Gradient   x̄ = ḡ, read backwards along the same axis
    Shapes     (n, m, ...) -> (n, m, ...)
    Raises     AxisError if x has fewer than two axes
    Example    >>> mg.fliplr(mg.tensor([[1.0, 2.0]]))
               tensor([[2., 1.]])
    """
    return flip(x, 1)


@composition
def flipud(x: Any) -> Any:
    """Rows in reverse order.

    Forward    out[i, ...] = x[n - 1 - i, ...]
    Gradient   x̄ = ḡ, read backwards along the same axis
    Shapes     (n, ...) -> (n, ...)
    Raises     AxisError if x is 0-d
    Example    >>> mg.flipud(mg.tensor([[1.0], [2.0]]))
               tensor([[2.],
                       [1.]])
    """
    return flip(x, 0)


def opposite(shifts: Any) -> Any:
    return tuple([-n for n in shifts]) if isinstance(shifts, (tuple, list)) else -shifts


@also_named(axis="dims", shift="shifts")
@op(lambda g, shifts, dims: roll(g, opposite(shifts), dims), notation="roll({x})")
def roll(x: Array, shifts: Any, dims: Any = None) -> Array:
    """Entries moved along axes, those that leave at one end entering at the other.

    Forward    out[..., i, ...] = x[..., (i - shift) mod n, ...]; with dims None, of all entries in
               row-major order
    Gradient   x̄ = ḡ, moved back
    Shapes     (...) -> (...)
    Raises     ValueError if there is not one shift for each axis; AxisError if one is out of range
    Example    >>> mg.roll(mg.tensor([1.0, 2.0, 3.0]), 1)
               tensor([3., 1., 2.])
    """
    if isinstance(shifts, (tuple, list)) and len(shifts) != (1 if dims is None else np.size(dims)):
        raise ValueError(f"roll: shifts {shifts} for axes {dims}; give one shift for each axis")
    if isinstance(shifts, (int, np.integer)) and isinstance(dims, int) and x.size:
        before = (slice(None),) * normalize_axis_index(dims, x.ndim)
        cut = -int(shifts) % x.shape[dims]  # two copies: a third of the cost of np.roll
        parts = x[(*before, slice(cut, None))], x[(*before, slice(cut))]
        return np.concatenate(parts, len(before))
    return np.roll(x, shifts, dims)


@op(lambda g, k, dims: rot90(g, -k, dims), notation="rot90({x})")
def rot90(x: Array, k: int = 1, dims: Sequence[int] = (0, 1)) -> Array:
    """A turn by k · 90 degrees in the plane of two axes, from the first towards the second.

    Forward    for k = 1: out[i, j] = x[j, m - 1 - i]
    Gradient   x̄ = ḡ, turned back
    Shapes     (n, m, ...) -> (m, n, ...) for odd k
    Raises     ValueError if `dims` is not two different axes
    Example    >>> mg.rot90(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
               tensor([[2., 4.],
                       [1., 3.]])
    """
    return np.array(np.rot90(x, k, (dims[0], dims[1])))


# ------------------------------------------------------------------------------------------- copies
