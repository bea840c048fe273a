"""Pooling: the largest or the mean entry of every window of a signal or an image.

Each takes a batch, or one signal or image without a batch axis.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.calls import Array
from minigrad.composition import composition
from minigrad.nn.functional.convolution import Numbers, per_axis
from minigrad.nn.functional.reducing import as_given
from minigrad.noted import noted
from minigrad.ops.mixing import _mix
from minigrad.ops.pooling import _avg_pool, _max_pool, max_positions
from minigrad.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d",
]  # fmt: skip

Sizes = tuple[int, ...]


def check_pooled(name: str, input: Any, axes: int) -> None:
    letters = ", ".join("dhw"[-axes:])
    if len(input.shape) not in (axes + 1, axes + 2) or 0 in input.shape[-axes - 1 :]:
        raise ValueError(
            f"{name} takes (n, c, {letters}) or (c, {letters}), got an input of shape {input.shape}"
        )


def windows(
    name: str,
    size: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> tuple[tuple[int, int], ...]:
    """The padding as pairs; ceil_mode adds what the last, incomplete window needs.

    Raises   ValueError if the padding is more than half a window, or if no window fits.
    """
    pairs = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation):
        reach = d * (k - 1) + 1
        if 2 * p > reach:
            raise ValueError(f"{name}: padding {p} is more than half of a window of size {reach}")
        room = n + 2 * p - reach
        if room < 0:
            raise ValueError(
                f"{name}: a window of size {reach} does not fit into {n} entries with padding {p}"
            )
        count = room // s + 1
        # one more window if it begins within the input or its left padding
        if ceil_mode and room % s and count * s < n + p:
            count += 1
        pairs.append((p, max(p, (count - 1) * s + reach - n - p)))
    return tuple(pairs)


def max_pool(
    name: str,
    axes: int,
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None,
    padding: Numbers,
    dilation: Numbers,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    """Maxima along the last `axes` axes, with their positions if asked."""
    check_pooled(name, input, axes)
    kernel = per_axis(name, "kernel_size", kernel_size, axes, 1)
    step = kernel if stride is None or stride == () else per_axis(name, "stride", stride, axes, 1)
    spread = per_axis(name, "dilation", dilation, axes, 1)
    around = per_axis(name, "padding", padding, axes, 0)
    pairs = windows(name, input.shape[-axes:], kernel, step, around, spread, ceil_mode)
    out = _max_pool(input, kernel, step, pairs, spread)
    if not return_indices:
        return out
    positions = noted(max_positions, input, out, kernel, step, pairs, spread)
    return out, as_given(positions, input)


@composition
def max_pool1d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest entry of every window of a signal.

    stride          how far the window moves on; None: by its size
    padding         how many entries of -∞ to put at both ends
    ceil_mode       the last window may reach beyond the end
    return_indices  return the positions of the largest entries, too

    Forward    out[n, c, i] = max over k of x[n, c, s·i + d·k - p]
    Gradient   x̄ = ḡ at the first largest entry of each window, else 0
    Shapes     (n, c, w) -> (n, c, (w + 2 p - d (k - 1) - 1) // s + 1)
    Raises     ValueError if no window fits, or the padding is more than half a window
    Example    >>> mg.nn.functional.max_pool1d(mg.tensor([[1.0, 3.0, 2.0, 2.0]]), 2)
               tensor([[3., 2.]])
    """
    return max_pool(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


@composition
def max_pool2d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest entry of every window of an image.

    stride          how far the window moves on; None: by its size
    padding         how many entries of -∞ to put around
    ceil_mode       the last windows may reach beyond the end
    return_indices  return the row-major positions of the largest entries in their image, too

    Forward    out[n, c, i, j] = max over k, l of x[n, c, s·i + d·k - p, s·j + d·l - p]
    Gradient   x̄ = ḡ at the first largest entry of each window (in reading order), else 0
    Shapes     (n, c, h, w) -> (n, c, oh, ow) with oh = (h + 2 p - d (k - 1) - 1) // s + 1
    Raises     ValueError if no window fits, or the padding is more than half a window
    Source     Riesenhuber and Poggio 1999
    Example    >>> mg.nn.functional.max_pool2d(mg.arange(16.0).reshape(1, 4, 4), 2)
               tensor([[[ 5.,  7.],
                        [13., 15.]]])
    """
    return max_pool(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def avg_pool(
    name: str,
    axes: int,
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None,
    padding: Numbers,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    """Means along the last `axes` axes."""
    check_pooled(name, input, axes)
    kernel = per_axis(name, "kernel_size", kernel_size, axes, 1)
    step = kernel if stride is None or stride == () else per_axis(name, "stride", stride, axes, 1)
    around = per_axis(name, "padding", padding, axes, 0)
    pairs = windows(name, input.shape[-axes:], kernel, step, around, (1,) * axes, ceil_mode)
    if divisor_override is not None:
        if divisor_override == 0:
            raise ValueError(f"{name}: divisor_override is not 0")
        return _avg_pool(input, kernel, step, pairs, divisor_override)
    sizes = input.shape[-axes:]
    counts = [
        seen_count(*each, count_include_pad) for each in zip(sizes, kernel, step, around, pairs)
    ]
    divisor = reduce(np.multiply.outer, counts)
    if np.all(divisor == divisor.flat[0]):
        return _avg_pool(input, kernel, step, pairs, int(divisor.flat[0]))
    return _avg_pool(input, kernel, step, pairs, divisor.astype(input.dtype))


def seen_count(
    size: int, kernel: int, stride: int, padding: int, pair: tuple[int, int], with_padding: bool
) -> Any:
    """How many entries the windows along one axis count."""
    count = (size + sum(pair) - kernel) // stride + 1
    first = np.arange(count) * stride - padding
    last = np.minimum(first + kernel, size + padding)  # not what ceil_mode added
    if with_padding:
        return last - first
    return np.minimum(last, size) - np.maximum(first, 0)


@composition
def avg_pool1d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of every window of a signal.

    stride             how far the window moves on; None: by its size
    padding            how many zeros to put at both ends
    ceil_mode          the last window may reach beyond the end
    count_include_pad  whether padding counts in the mean

    Forward    out[n, c, i] = Σ_k x[n, c, s·i + k - p] / count
    Gradient   x̄[n, c, s·i + k - p] += ḡ[n, c, i] / count
    Shapes     (n, c, w) -> (n, c, (w + 2 p - k) // s + 1)
    Raises     ValueError if no window fits, or the padding is more than half a window
    Example    >>> mg.nn.functional.avg_pool1d(mg.tensor([[1.0, 3.0, 2.0, 2.0]]), 2)
               tensor([[2., 2.]])
    """
    return avg_pool(
        "avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


@composition
def avg_pool2d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of every window of an image.

    stride             how far the window moves on; None: by its size
    padding            how many zeros to put around
    ceil_mode          the last windows may reach beyond the end
    count_include_pad  whether padding counts in the mean
    divisor_override   what to divide the sums by, instead of the number of entries

    Forward    out[n, c, i, j] = Σ_{k, l} x[n, c, s·i + k - p, s·j + l - p] / count
    Gradient   x̄[n, c, s·i + k - p, s·j + l - p] += ḡ[n, c, i, j] / count
    Shapes     (n, c, h, w) -> (n, c, oh, ow) with oh = (h + 2 p - k) // s + 1
    Raises     ValueError if no window fits, or the padding is more than half a window
    Source     LeCun, Bottou, Bengio and Haffner 1998
    Example    >>> mg.nn.functional.avg_pool2d(mg.arange(16.0).reshape(1, 4, 4), 2)
               tensor([[[ 2.5,  4.5],
                        [10.5, 12.5]]])
    """
    return avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override,
    )  # fmt: skip


# --------------------------------------------------------------------- as many windows as asked for


def bounds(size: int, count: int) -> list[tuple[int, int]]:
    """Where `count` windows that together see `size` entries begin and end; they may overlap."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def output_sizes(name: str, input: Any, output_size: Any, axes: int) -> Sizes:
    """`output_size` with None, which keeps a size, replaced."""
    check_pooled(name, input, axes)
    if isinstance(output_size, (tuple, list)):
        output_size = [
            n if each is None else each for n, each in zip(input.shape[-axes:], output_size)
        ]
    return per_axis(name, "output_size", output_size, axes, 1)


def averaging(size: int, count: int) -> tuple[Array, Array]:
    """Which entries each of `count` windows sees, and their weights in its mean."""
    windows = bounds(size, count)
    longest = max(last - first for first, last in windows)
    first, last = np.array(windows).T[..., None]
    places = first + np.arange(longest)
    return np.minimum(places, last - 1), np.where(places < last, 1 / (last - first), 0.0)


@composition
def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Means of a given number of windows, of equal size as far as possible.

    Forward    out[n, c, i] = mean of x[n, c, ⌊i·w / m⌋ : ⌈(i + 1)·w / m⌉], with m = output_size
    Gradient   x̄ = ḡ, shared among the entries of each window
    Shapes     (n, c, w) -> (n, c, output_size)
    Raises     ValueError if output_size is not positive
    Example    >>> mg.nn.functional.adaptive_avg_pool1d(mg.tensor([[1.0, 3.0, 2.0]]), 2)
               tensor([[2. , 2.5]])
    """
    (count,) = output_sizes("adaptive_avg_pool1d", input, output_size, 1)
    return _mix(input, *averaging(input.shape[-1], count), len(input.shape) - 1)


@composition
def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means of a given number of windows, of equal size as far as possible.

    Forward    out[n, c, i, j] = mean of a part of x: rows ⌊i·h / m⌋ to ⌈(i + 1)·h / m⌉, and columns
               likewise
    Gradient   x̄ = ḡ, shared among the entries of each window
    Shapes     (n, c, h, w) -> (n, c, *output_size); None keeps a size
    Raises     ValueError if output_size is not positive
    Example    >>> mg.nn.functional.adaptive_avg_pool2d(mg.arange(9.0).reshape(1, 3, 3), (2, 1))
               tensor([[[2.5],
                        [5.5]]])
    """
    rows, columns = output_sizes("adaptive_avg_pool2d", input, output_size, 2)
    if rows == columns == 1:
        return ops.mean(input, (-2, -1), True)
    height, width = input.shape[-2:]
    axes = len(input.shape)
    across = _mix(input, *averaging(width, columns), axes - 1)
    return _mix(across, *averaging(height, rows), axes - 2)


@composition
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Maxima of a given number of windows, of equal size as far as possible.

    Forward    out[n, c, i] = max of x[n, c, ⌊i·w / m⌋ : ⌈(i + 1)·w / m⌉], with m = output_size
    Gradient   x̄ = ḡ at the first largest entry of each window, else 0
    Shapes     (n, c, w) -> (n, c, output_size), and the positions if return_indices
    Raises     ValueError if output_size is not positive
    Example    >>> mg.nn.functional.adaptive_max_pool1d(mg.tensor([[1.0, 3.0, 2.0]]), 2)
               tensor([[3., 3.]])
    """
    sizes = output_sizes("adaptive_max_pool1d", input, output_size, 1)
    return adaptive_max_pool(input, sizes, return_indices)


@composition
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Maxima of a given number of windows, of equal size as far as possible.

    Forward    out[n, c, i, j] = max of x[n, c, ⌊i·h / m⌋ : ⌈(i + 1)·h / m⌉, likewise for j]
    Gradient   x̄ = ḡ at the first largest entry of each window (in reading order), else 0
    Shapes     (n, c, h, w) -> (n, c, *output_size), and the positions if return_indices
    Raises     ValueError if output_size is not positive
    Example    >>> mg.nn.functional.adaptive_max_pool2d(mg.arange(9.0).reshape(1, 3, 3), (2, 1))
               tensor([[[5.],
                        [8.]]])
    """
    sizes = output_sizes("adaptive_max_pool2d", input, output_size, 2)
    return adaptive_max_pool(input, sizes, return_indices)


def adaptive_max_pool(input: Tensor, sizes: Sizes, return_indices: bool) -> Any:
    """Find the positions of the maxima in NumPy, and take the entries there."""
    lead, size = input.shape[: -len(sizes)], input.shape[-len(sizes) :]
    positions = noted(largest_positions, input, sizes)
    flat = ops.reshape(input, *lead, math.prod(size))
    out = ops.reshape(ops.gather(flat, -1, positions), *lead, *sizes)
    return (out, ops.reshape(as_given(positions, input), out.shape)) if return_indices else out


def largest_positions(array: Array, sizes: Sizes) -> Array:
    """Where in its image the largest entry of each window is, flat."""
    axes = len(sizes)
    rows = array.shape[-2] if axes == 2 else 1
    images = array.reshape(*array.shape[:-axes], rows, array.shape[-1])
    height, width = images.shape[-2:]
    lead = array.shape[:-axes]
    counts = (1, *sizes)[-2:]
    rows_seen, columns_seen = bounds(height, counts[0]), bounds(width, counts[1])
    tall, wide = sorted({*rows_seen}), sorted({*columns_seen})  # of many windows, some coincide
    positions = np.empty((*lead, len(tall), len(wide)), np.int64)
    for i, (top, bottom) in enumerate(tall):
        for j, (left, right) in enumerate(wide):
            area = (bottom - top) * (right - left)
            window = images[..., top:bottom, left:right].reshape(*lead, area)
            row, column = np.divmod(window.argmax(-1), right - left)
            positions[..., i, j] = (top + row) * width + left + column
    which: Any = np.ix_(
        [tall.index(each) for each in rows_seen], [wide.index(c) for c in columns_seen]
    )
    positions = positions[(..., *which)]
    return positions.reshape(*lead, counts[0] * counts[1])
