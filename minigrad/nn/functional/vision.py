"""Rearranging images."""

from __future__ import annotations

import math
from typing import Any

from minigrad import ops
from minigrad.composition import composition
from minigrad.nn.functional.convolution import Numbers, per_axis
from minigrad.ops.pooling import _lay_windows, _windows, results_along
from minigrad.tensor import Tensor

__all__ = ["fold", "pixel_shuffle", "pixel_unshuffle", "unfold"]


@composition
def unfold(
    input: Tensor,
    kernel_size: Numbers,
    dilation: Numbers = 1,
    padding: Numbers = 0,
    stride: Numbers = 1,
) -> Tensor:
    """All windows of images, each as a column: what makes a convolution a matrix product.

    dilation   how far the entries of a window lie apart
    padding    how many zeros to put around
    stride     how far the window moves on

    Forward    out[n, (c, k, l), (i, j)] = x[n, c, s·i + d·k - p, s·j + d·l - p]
    Gradient   x̄ = fold(ḡ)
    Shapes     (n, c, h, w) -> (n, c kh kw, oh ow), or without n
    Raises     ValueError if no window fits
    Source     Chellapilla, Puri and Simard 2006
    Example    >>> mg.nn.functional.unfold(mg.arange(4.0).reshape(1, 1, 2, 2), (1, 2))
               tensor([[[0., 2.],
                        [1., 3.]]])
    """
    if len(input.shape) not in (3, 4):
        raise ValueError(f"unfold takes (n, c, h, w) or (c, h, w), got shape {input.shape}")
    kernel, step, around, spread = window_sizes("unfold", kernel_size, stride, padding, dilation)
    counts = fitting("unfold", input.shape[-2:], kernel, step, around, spread)
    windows = _windows(input, kernel, step, tuple((p, p) for p in around), spread)
    columns = input.shape[-3] * math.prod(kernel)
    return ops.reshape(windows, *input.shape[:-3], columns, math.prod(counts))


def window_sizes(name: str, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    return (
        per_axis(name, "kernel_size", kernel, 2, 1),
        per_axis(name, "stride", stride, 2, 1),
        per_axis(name, "padding", padding, 2, 0),
        per_axis(name, "dilation", dilation, 2, 1),
    )


def fitting(
    name: str, size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[int, ...]:
    """How many windows fit along each axis."""
    padded = [n + 2 * p for n, p in zip(size, padding)]
    counts = tuple(map(results_along, padded, kernel, stride, dilation))
    if min(counts) < 1:
        raise ValueError(
            f"{name}: a window of size {kernel} with dilation {dilation} does not fit into {size} "
            f"with padding {padding}"
        )
    return counts


@composition
def fold(
    input: Tensor,
    output_size: Numbers,
    kernel_size: Numbers,
    dilation: Numbers = 1,
    padding: Numbers = 0,
    stride: Numbers = 1,
) -> Tensor:
    """The transpose of `unfold`: columns put back to windows, and added up where these overlap.

    Forward    out[n, c, s·i + d·k - p, s·j + d·l - p] += x[n, (c, k, l), (i, j)]
    Gradient   x̄ = unfold(ḡ)
    Shapes     (n, c kh kw, oh ow) -> (n, c, *output_size), or without n
    Raises     ValueError if the shapes do not go together
    Source     Chellapilla, Puri and Simard 2006
    Example    >>> mg.nn.functional.fold(mg.ones(1, 2, 2), (1, 3), (1, 2))
               tensor([[[[1., 2., 1.]]]])
    """
    if len(input.shape) not in (2, 3):
        raise ValueError(f"fold takes (n, c kh kw, l) or (c kh kw, l), got shape {input.shape}")
    size = per_axis("fold", "output_size", output_size, 2, 1)
    kernel, step, around, spread = window_sizes("fold", kernel_size, stride, padding, dilation)
    counts = fitting("fold", size, kernel, step, around, spread)
    channels, odd = divmod(input.shape[-2], math.prod(kernel))
    if odd or input.shape[-1] != math.prod(counts):
        raise ValueError(
            f"fold: windows of size {kernel} on an image of size {size} make columns of "
            f"{math.prod(kernel)} times c entries, {math.prod(counts)} of them; "
            f"got shape {input.shape}"
        )
    windows = ops.reshape(input, *input.shape[:-2], channels, *kernel, *counts)
    return _lay_windows(windows, size, step, tuple((p, p) for p in around), spread)


@composition
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels turned into pixels: an image `upscale_factor` times as high and wide.

    Forward    out[..., c, r·i + a, r·j + b] = x[..., (c, a, b), i, j], with r = upscale_factor
    Gradient   x̄ = pixel_unshuffle(ḡ)
    Shapes     (..., c r², h, w) -> (..., c, r h, r w)
    Raises     ValueError if the number of channels is not a multiple of r²
    Source     Shi et al. 2016
    Example    >>> mg.nn.functional.pixel_shuffle(mg.arange(4.0).reshape(4, 1, 1), 2)
               tensor([[[0., 1.],
                        [2., 3.]]])
    """
    r = upscale_factor
    if len(input.shape) < 3 or r < 1 or input.shape[-3] % (r * r):
        raise ValueError(
            f"pixel_shuffle takes (..., c r², h, w) with r = {r}, got shape {input.shape}"
        )
    *lead, channels, height, width = input.shape
    parts = ops.reshape(input, *lead, channels // (r * r), r, r, height, width)
    n = len(lead)
    parts = ops.permute(parts, *range(n + 1), n + 3, n + 1, n + 4, n + 2)
    return ops.reshape(parts, *lead, channels // (r * r), r * height, r * width)


@composition
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Pixels turned into channels: the inverse of `pixel_shuffle`.

    Forward    out[..., (c, a, b), i, j] = x[..., c, r·i + a, r·j + b], with r = downscale_factor
    Gradient   x̄ = pixel_shuffle(ḡ)
    Shapes     (..., c, r h, r w) -> (..., c r², h, w)
    Raises     ValueError if height or width is not a multiple of r
    Source     Shi et al. 2016
    Example    >>> mg.nn.functional.pixel_unshuffle(mg.arange(4.0).reshape(1, 2, 2), 2).shape
               (4, 1, 1)
    """
    r = downscale_factor
    if len(input.shape) < 3 or r < 1 or input.shape[-2] % r or input.shape[-1] % r:
        raise ValueError(
            f"pixel_unshuffle takes (..., c, r h, r w) with r = {r}, got shape {input.shape}"
        )
    *lead, channels, height, width = input.shape
    parts = ops.reshape(input, *lead, channels, height // r, r, width // r, r)
    n = len(lead)
    parts = ops.permute(parts, *range(n + 1), n + 2, n + 4, n + 1, n + 3)
    return ops.reshape(parts, *lead, channels * r * r, height // r, width // r)
