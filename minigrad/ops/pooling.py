"""Pooling: the largest or the mean of the entries that a window sees, and the transposes.

Windows move along the last axes of x, as many as `kernel` has sizes.  `padding` holds one pair
(before, after) for each of them.  Both poolings are separable: the maximum over a window is the
maximum over its columns of the maxima over its rows, so kh + kw passes do in place of kh · kw.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from minigrad.calls import Array, op
from minigrad.ops.masks import choose
from minigrad.sums import widened

Sizes = tuple[int, ...]
Padding = tuple[tuple[int, int], ...]


def results_along(size: int, kernel: int, stride: int, dilation: int) -> int:
    """How many windows fit into a padded axis."""
    return (size - dilation * (kernel - 1) - 1) // stride + 1


def seen_by(tap: int, count: int, stride: int, dilation: int) -> slice:
    """Which entries of an axis entry number `tap` of the windows sees."""
    first = tap * dilation
    return slice(first, first + stride * (count - 1) + 1, stride)


def framed(x: Array, padding: Padding, value: float) -> Array:
    """x with `value` around it."""
    if not any(before or after for before, after in padding):
        return x
    lead = x.ndim - len(padding)
    sizes = [b + n + a for n, (b, a) in zip(x.shape[lead:], padding)]
    out = np.full_like(x, value, shape=(*x.shape[:lead], *sizes))
    out[unframed(x.shape[lead:], padding)] = x
    return out


def unframed(size: Sizes, padding: Padding) -> Any:
    """Where x is in its frame."""
    return (..., *[slice(before, before + n) for n, (before, _) in zip(size, padding)])


def lowest(dtype: Any) -> Any:
    """What loses against every number of this type."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def combine_windows(combine: Any, x: Array, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """What `combine`, a ufunc, makes of the entries of each window: one axis after another."""
    lead = x.ndim - len(kernel)
    for axis, (k, s, d) in enumerate(zip(kernel, stride, dilation), start=lead):
        count = results_along(x.shape[axis], k, s, d)
        seen = [x[(slice(None),) * axis + (seen_by(i, count, s, d),)] for i in range(k)]
        x = np.array(seen[0], order="C") if k == 1 else combine(seen[0], seen[1])
        for each in seen[2:]:
            combine(x, each, out=x)
    return x


# -------------------------------------------------------------------------------------- the largest


@op(
    lambda g, out, x, kernel, stride, padding, dilation: _max_pool_back(
        g, x, out, kernel, stride, padding, dilation
    ),
    notation="max_pool({x})",
)
def _max_pool(x: Array, kernel: Sizes, stride: Sizes, padding: Padding, dilation: Sizes) -> Array:
    """The largest entry that each window sees.

    Forward    out[..., i, j] = max over k, l of x[..., s·i + d·k - p, s·j + d·l - p]
    Gradient   x̄ = ḡ at the first largest entry of each window (in reading order), else 0
    Shapes     (..., h, w) -> (..., oh, ow)
    """
    padded = framed(x, padding, lowest(x.dtype))
    return combine_windows(np.maximum, padded, kernel, stride, dilation)


def winners(
    x: Array, out: Array, kernel: Sizes, stride: Sizes, padding: Padding, dilation: Sizes
) -> Iterator[tuple[Sizes, Any, Array]]:
    """For each entry of a window: its place, what it sees, and where it is the first largest."""
    has_nan = x.dtype.kind == "f" and bool(np.isnan(out).any())
    # a frame of NaN is never equal to the largest entry, whatever that is
    equals = has_nan or x.dtype.kind != "f"  # a frame that may equal it, and is not asked then
    inside = framed(np.ones(x.shape, bool), padding, False) if equals and np.any(padding) else None
    x = framed(x, padding, lowest(x.dtype) if equals else np.nan)
    taken = np.zeros_like(out, dtype=bool)
    counts = out.shape[out.ndim - len(kernel) :]
    for taps in product(*map(range, kernel)):
        seen = (..., *[seen_by(*each) for each in zip(taps, counts, stride, dilation)])
        wins = x[seen] == out
        if has_nan:
            wins |= np.isnan(x[seen]) & np.isnan(out)
        wins &= ~taken if inside is None else inside[seen] & ~taken
        taken |= wins
        yield taps, seen, wins


@op(
    lambda g, x, best, kernel, stride, padding, dilation: _max_pool_pick(
        g, x, best, kernel, stride, padding, dilation
    ),
    notation="max_pool({g})ᵀ",
)
def _max_pool_back(
    g: Array,
    x: Array,
    best: Array,
    kernel: Sizes,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
) -> Array:
    """The transpose of `_max_pool`, linear in g: each entry goes back to where it came from.

    Forward    out = zeros like x; out at the first largest entry of window i, j += g[..., i, j]
    Gradient   ḡ = out̄ at the first largest entry of each window
    Shapes     (..., oh, ow) -> (..., h, w)
    """
    lead = x.ndim - len(kernel)
    frame = framed(np.zeros_like(x, dtype=g.dtype), padding, 0)
    for _, seen, wins in winners(x, best, kernel, stride, padding, dilation):
        frame[seen] += choose(wins, g, 0)
    return frame[unframed(x.shape[lead:], padding)]


@op(
    lambda g, x, best, kernel, stride, padding, dilation: _max_pool_back(
        g, x, best, kernel, stride, padding, dilation
    ),
    notation="max_pool_pick({h})",
)
def _max_pool_pick(
    h: Array,
    x: Array,
    best: Array,
    kernel: Sizes,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
) -> Array:
    """The entries of h at the places where x is the largest: the transpose of `_max_pool_back`.

    Forward    out[..., i, j] = h at the first largest entry of x in window i, j
    Gradient   h̄ = ḡ at the first largest entry of each window, else 0
    Shapes     (..., h, w) -> (..., oh, ow)
    """
    frame = framed(h, padding, 0)
    picked = np.zeros_like(best, dtype=h.dtype)
    for _, seen, wins in winners(x, best, kernel, stride, padding, dilation):
        np.copyto(picked, frame[seen], where=wins)
    return picked


def max_positions(
    x: Array, out: Array, kernel: Sizes, stride: Sizes, padding: Padding, dilation: Sizes
) -> Array:
    """The row-major position of each largest entry among the windowed axes of x."""
    lead = x.ndim - len(kernel)
    positions = np.zeros_like(out, dtype=np.int64)
    counts = out.shape[lead:]
    for taps, _, wins in winners(x, out, kernel, stride, padding, dilation):
        flat: Any = 0
        for axis, (tap, n) in enumerate(zip(taps, x.shape[lead:])):
            first = tap * dilation[axis] - padding[axis][0]
            along = first + stride[axis] * np.arange(counts[axis])
            flat = flat * n + along.reshape(-1, *[1] * (len(kernel) - axis - 1))
        np.copyto(positions, flat, where=wins)
    return positions


# ----------------------------------------------------------------------------------------- the mean


@op(
    lambda g, x_shape, kernel, stride, padding, divisor: _avg_pool_back(
        g, x_shape, kernel, stride, padding, divisor
    ),
    notation="avg_pool({x})",
)
def _avg_pool(x: Array, kernel: Sizes, stride: Sizes, padding: Padding, divisor: Any) -> Array:
    """The sum of what each window sees, divided by `divisor` (a number, or one for each window).

    Forward    out[..., i, j] = Σ_{k, l} x[..., s·i + k - p, s·j + l - p] / divisor[i, j]
    Gradient   x̄ = ḡ / divisor, added at all entries of its window
    Shapes     (..., h, w) -> (..., oh, ow)
    """
    undilated = (1,) * len(kernel)
    wide = widened(x)
    out = combine_windows(np.add, framed(wide, padding, 0), kernel, stride, undilated) / divisor
    # PyTorch's means of integers are integers, rounded towards 0
    return out if out.dtype == x.dtype else out.astype(x.dtype)


@op(
    lambda g, kernel, stride, padding, divisor: _avg_pool(g, kernel, stride, padding, divisor),
    notation="avg_pool({g})ᵀ",
)
def _avg_pool_back(
    g: Array, shape: Sizes, kernel: Sizes, stride: Sizes, padding: Padding, divisor: Any
) -> Array:
    """The transpose of `_avg_pool`: each entry is shared among what its window sees.

    Forward    out[..., s·i + k - p, s·j + l - p] += g[..., i, j] / divisor[i, j] for all k, l
    Gradient   ḡ = the means of the windows of out̄
    Shapes     (..., oh, ow) -> shape
    """
    out = widened(g) / divisor
    lead = len(shape) - len(kernel)
    for axis, (k, s) in enumerate(zip(kernel, stride), start=lead):
        before, after = padding[axis - lead]
        shares = out
        sizes = (*shares.shape[:axis], before + shape[axis] + after, *shares.shape[axis + 1 :])
        out = np.zeros_like(shares, shape=sizes)
        for i in range(k):
            out[(slice(None),) * axis + (seen_by(i, shares.shape[axis], s, 1),)] += shares
    return out[unframed(shape[lead:], padding)].astype(g.dtype, copy=False)


# -------------------------------------------------------------------------------- windows, laid out


@op(
    lambda g, x_shape, kernel, stride, padding, dilation: _lay_windows(
        g, x_shape[len(x_shape) - len(kernel) :], stride, padding, dilation
    ),
    notation="unfold({x})",
)
def _windows(x: Array, kernel: Sizes, stride: Sizes, padding: Padding, dilation: Sizes) -> Array:
    """All windows of x.

    Forward    out[..., k, l, i, j] = x[..., s·i + d·k - p, s·j + d·l - p]
    Gradient   x̄ = ḡ, each window added at its place
    Shapes     (..., h, w) -> (..., kh, kw, oh, ow)
    """
    framed_x = framed(x, padding, 0)
    lead = x.ndim - len(kernel)
    counts = tuple(map(results_along, framed_x.shape[lead:], kernel, stride, dilation))
    out = np.empty_like(x, shape=(*x.shape[:lead], *kernel, *counts))
    for taps in product(*map(range, kernel)):
        seen = (..., *map(seen_by, taps, counts, stride, dilation))
        out[(..., *taps, *[slice(None)] * len(kernel))] = framed_x[seen]
    return out


@op(
    lambda g, windows_shape, stride, padding, dilation: _windows(
        g, kernel_of(windows_shape, stride), stride, padding, dilation
    ),
    notation="fold({windows})",
)
def _lay_windows(
    windows: Array, size: Sizes, stride: Sizes, padding: Padding, dilation: Sizes
) -> Array:
    """The transpose of `_windows`: windows put back to their places, and added up.

    Forward    out[..., s·i + d·k - p, s·j + d·l - p] += windows[..., k, l, i, j]
    Gradient   windows̅ = the parts of ḡ that each of them was added to
    Shapes     (..., kh, kw, oh, ow) -> (..., *size)
    """
    axes = len(size)
    kernel, counts = kernel_of(windows.shape, stride), windows.shape[windows.ndim - axes :]
    lead = windows.shape[: windows.ndim - 2 * axes]
    frame = framed(np.zeros_like(windows, shape=(*lead, *size)), padding, 0)
    for taps in product(*map(range, kernel)):
        seen = (..., *map(seen_by, taps, counts, stride, dilation))
        frame[seen] += windows[(..., *taps, *[slice(None)] * axes)]
    return frame[unframed(size, padding)]


def kernel_of(windows_shape: Sizes, stride: Sizes) -> Sizes:
    """The sizes of the windows, of which `stride` has one number each."""
    axes = len(stride)
    return windows_shape[len(windows_shape) - 2 * axes : len(windows_shape) - axes]
