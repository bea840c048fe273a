"""Volumes: convolution and pooling along three axes, made of those along two and one."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.composition import composition
from minigrad.nn.functional.convolution import (
    Numbers,
    check_layer,
    per_axis,
    transposed_convolution,
)
from minigrad.nn.functional.convolution import convolution as along_axes
from minigrad.nn.functional.dropping import drop
from minigrad.nn.functional.pooling import averaging, avg_pool, bounds, max_pool, output_sizes
from minigrad.nn.functional.reducing import as_given
from minigrad.noted import noted
from minigrad.ops.mixing import _mix
from minigrad.ops.pooling import _lay_windows, _windows
from minigrad.tensor import Tensor

__all__ = [
    "adaptive_avg_pool3d", "adaptive_max_pool3d", "avg_pool3d", "conv3d", "conv_transpose3d",
    "dropout3d", "max_pool3d",
]  # fmt: skip


@composition
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers | str = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of volumes (without mirroring the kernel).

    The arguments are those of `conv2d`, with one number for each of three axes.

    Forward    out[n,o,i] = b[o] + Σ_{c,k} w[o,c,k] x[n, c, s·i + d·k - p], with three indices i, k
    Gradient   x̄ = conv_transpose(ḡ, w)        b̄ = Σ ḡ over n and i
               w̄[o, c, k] = Σ_{n, i} ḡ[n, o, i] x[n, c, s·i + d·k - p]
    Shapes     (n, c, d, h, w), (o, c / groups, kd, kh, kw), (o,) -> (n, o, od, oh, ow)
    Raises     ValueError if the shapes do not go together, or if the kernel does not fit
    Source     Dumoulin and Visin 2016, section 2
    Example    >>> mg.nn.functional.conv3d(mg.ones(1, 1, 2, 2, 2), mg.ones(1, 1, 2, 2, 1))
               tensor([[[[[4., 4.]]]]])
    """
    name = "conv3d"
    check_layer(name, input, weight, bias, groups, 3, transposed=False)
    step = per_axis(name, "stride", stride, 3, 1)
    spread = per_axis(name, "dilation", dilation, 3, 1)
    reach = [d * (k - 1) for d, k in zip(spread, weight.shape[2:])]
    around: Any = padding
    pair = (0, 0)
    if padding == "same":
        pair = (reach[0] // 2, reach[0] - reach[0] // 2)
    elif not isinstance(padding, str):
        sizes = per_axis(name, "padding", padding, 3, 0)
        pair, around = (sizes[0], sizes[0]), sizes[1:]
    single = len(input.shape) == 4
    x = input[None] if single else input
    if x.shape[2] + sum(pair) <= reach[0]:
        raise ValueError(
            f"{name}: a kernel of shape {weight.shape} with dilation {spread} does not fit into "
            f"{input.shape}: pad more, or take a smaller kernel"
        )
    if padding == "same" and set(step) != {1}:
        raise ValueError(f'{name}: padding="same" goes with stride 1, got {step}')
    # the layers that a kernel sees side by side as channels; then a convolution of images
    kernel = weight.shape[2]
    layers = _windows(ops.movedim(x, 2, -1), (kernel,), step[:1], (pair,), spread[:1])
    n, c, height, width, _, depth = layers.shape
    images = ops.permute(layers, (0, 5, 1, 4, 2, 3))
    images = ops.reshape(images, (n * depth, c * kernel, height, width))
    flat = ops.reshape(weight, (weight.shape[0], -1, *weight.shape[3:]))
    out = along_axes(name, 2, images, flat, bias, step[1:], around, spread[1:], groups)
    out = ops.movedim(ops.reshape(out, (n, depth, *out.shape[1:])), 1, 2)
    return out[0] if single else out


@composition
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers = 0,
    output_padding: Numbers = 0,
    groups: int = 1,
    dilation: Numbers = 1,
) -> Tensor:
    """Transposed convolution of volumes: each entry lays down a copy of the kernel.

    The arguments are those of `conv_transpose2d`, with one number for each of three axes.

    Forward    out[n, o, s·i + d·k - p] += Σ_c w[c, o, k] x[n, c, i], plus b[o], with three i and k
    Gradient   x̄ = conv(ḡ, w)        w̄[c, o, k] = Σ_{n, i} x[n, c, i] ḡ[n, o, s·i + d·k - p]
    Shapes     (n, c, d, h, w), (c, o / groups, kd, kh, kw), (o,) -> (n, o, od, oh, ow)
    Raises     ValueError if the shapes do not go together
    Source     Dumoulin and Visin 2016, section 4
    Example    >>> F = mg.nn.functional
               >>> F.conv_transpose3d(mg.ones(1, 1, 1, 1, 2), mg.ones(1, 1, 1, 1, 2))
               tensor([[[[[1., 2., 1.]]]]])
    """
    name = "conv_transpose3d"
    check_layer(name, input, weight, bias, groups, 3, transposed=True)
    step = per_axis(name, "stride", stride, 3, 1)
    spread = per_axis(name, "dilation", dilation, 3, 1)
    around = per_axis(name, "padding", padding, 3, 0)
    extra = per_axis(name, "output_padding", output_padding, 3, 0)
    if extra[0] >= max(step[0], spread[0]):
        raise ValueError(f"{name}: output_padding is smaller than stride or dilation, got {extra}")
    single = len(input.shape) == 4
    x = input[None] if single else input
    n, c, depth, height, width = x.shape
    kernel = weight.shape[2]
    images = ops.reshape(ops.movedim(x, 2, 1), (n * depth, c, height, width))
    flat = ops.reshape(weight, (weight.shape[0], -1, *weight.shape[3:]))
    out = transposed_convolution(
        name, 2, images, flat, None, step[1:], around[1:], extra[1:], groups, spread[1:]
    )
    # (n, o, h, w, kernel, depth): each layer of the result is laid down at its place
    outputs = weight.shape[1] * groups
    out = ops.reshape(out, (n, depth, outputs, kernel, *out.shape[-2:]))
    layers = ops.permute(out, (0, 2, 4, 5, 3, 1))
    size = (depth - 1) * step[0] + spread[0] * (kernel - 1) + 1
    whole = _lay_windows(layers, (size,), step[:1], ((0, 0),), spread[:1])
    whole = ops.pad(whole, (-around[0], extra[0] - around[0]))
    out = ops.movedim(whole, -1, 2)
    if bias is not None:
        out = out + bias[:, None, None, None]
    return out[0] if single else out


@composition
def max_pool3d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest entry of every window of a volume; the arguments are those of `max_pool2d`.

    Forward    out[n, c, i] = max over k of x[n, c, s·i + d·k - p], with three indices i and k
    Gradient   x̄ = ḡ at the first largest entry of each window (in reading order), else 0
    Shapes     (n, c, d, h, w) -> (n, c, od, oh, ow)
    Raises     ValueError if no window fits, or the padding is more than half a window
    Example    >>> mg.nn.functional.max_pool3d(mg.arange(8.0).reshape(1, 2, 2, 2), 2)
               tensor([[[[7.]]]])
    """
    return max_pool(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


@composition
def avg_pool3d(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of every window of a volume; the arguments are those of `avg_pool2d`.

    Forward    out[n, c, i] = Σ_k x[n, c, s·i + k - p] / count, with three indices i and k
    Gradient   x̄[n, c, s·i + k - p] += ḡ[n, c, i] / count
    Shapes     (n, c, d, h, w) -> (n, c, od, oh, ow)
    Raises     ValueError if no window fits, or the padding is more than half a window
    Example    >>> mg.nn.functional.avg_pool3d(mg.arange(8.0).reshape(1, 2, 2, 2), 2)
               tensor([[[[3.5]]]])
    """
    return avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override,
    )  # fmt: skip


@composition
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Means of a given number of windows, of equal size as far as possible.

    Forward    out[n, c, i, j, k] = mean of a part of x: layers ⌊i·d / m⌋ to ⌈(i + 1)·d / m⌉, and
               rows and columns likewise
    Gradient   x̄ = ḡ, shared among the entries of each window
    Shapes     (n, c, d, h, w) -> (n, c, *output_size); None keeps a size
    Raises     ValueError if output_size is not positive
    Example    >>> mg.nn.functional.adaptive_avg_pool3d(mg.arange(8.0).reshape(1, 2, 2, 2), 1)
               tensor([[[[3.5]]]])
    """
    sizes = output_sizes("adaptive_avg_pool3d", input, output_size, 3)
    first = len(input.shape) - 3
    for axis, count in enumerate(sizes, start=first):
        input = _mix(input, *averaging(input.shape[axis], count), axis)
    return input


@composition
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Maxima of a given number of windows, of equal size as far as possible.

    Forward    out[n, c, i, j, k] = max of x[n, c, ⌊i·d / m⌋ : ⌈(i + 1)·d / m⌉, likewise for j, k]
    Gradient   x̄ = ḡ at the first largest entry of each window (in reading order), else 0
    Shapes     (n, c, d, h, w) -> (n, c, *output_size), and the positions if return_indices
    Raises     ValueError if output_size is not positive
    Example    >>> mg.nn.functional.adaptive_max_pool3d(mg.arange(8.0).reshape(1, 2, 2, 2), 1)
               tensor([[[[7.]]]])
    """
    counts = output_sizes("adaptive_max_pool3d", input, output_size, 3)
    lead, size = input.shape[:-3], input.shape[-3:]
    positions = noted(largest_places, input, counts)
    flat = ops.reshape(input, (*lead, math.prod(size)))
    out = ops.reshape(ops.gather(flat, -1, positions), (*lead, *counts))
    return (out, ops.reshape(as_given(positions, input), out.shape)) if return_indices else out


def largest_places(array: Any, counts: tuple[int, ...]) -> Any:
    """Where in its volume the largest entry of each window is, flat."""
    lead, size = array.shape[:-3], array.shape[-3:]
    place = np.arange(math.prod(size)).reshape(size)
    windows = [bounds(n, count) for n, count in zip(size, counts)]
    distinct = [sorted({*each}) for each in windows]  # more windows than entries: many coincide
    positions = np.empty((*lead, *map(len, distinct)), np.int64)
    for part in product(*map(enumerate, distinct)):
        where: Any = tuple([slice(*between) for _, between in part])
        window = array[(..., *where)]
        window = window.reshape(*lead, math.prod(window.shape[-3:]))
        there: Any = (..., *[i for i, _ in part])
        positions[there] = place[where].ravel()[window.argmax(-1)]
    which = [[own.index(each) for each in given] for own, given in zip(distinct, windows)]
    chosen: Any = (..., *np.ix_(*which))
    positions = positions[chosen]
    return positions.reshape(*lead, math.prod(counts))


@composition
def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zeros in whole channels of volumes, in training.

    p   the probability of a zero; what is left is divided by 1 - p

    Forward    out = x m / (1 - p), with one m of 0 or 1 for each channel
    Gradient   x̄ = ḡ m / (1 - p)
    Shapes     (n, c, d, h, w) or (c, d, h, w), unchanged
    Raises     ValueError if p is not from 0 to 1
    Example    >>> mg.nn.functional.dropout3d(mg.ones(1, 1, 1, 1, 2), training=False)
               tensor([[[[[1., 1.]]]]])
    """
    if len(input.shape) not in (4, 5):
        raise ValueError(
            f"dropout3d takes (n, c, d, h, w) or (c, d, h, w), got shape {input.shape}"
        )
    lead = len(input.shape) - 3
    return drop("dropout3d", input, p, training, inplace, (*input.shape[:lead], 1, 1, 1))
