"""Rearranging and resizing images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.calls import Array
from minigrad.composition import composition
from minigrad.nn.functional.convolution import Numbers, per_axis
from minigrad.nn.functional.pooling import averaging
from minigrad.ops.mixing import _mix
from minigrad.ops.pooling import _lay_windows, _windows, results_along
from minigrad.tensor import Tensor

__all__ = ["fold", "interpolate", "pixel_shuffle", "pixel_unshuffle", "unfold"]


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


# ---------------------------------------------------------------------------------------- resizing

LINEAR = {"linear": 1, "bilinear": 2}


@composition
def interpolate(
    input: Tensor,
    size: Numbers | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Signals or images of another size.

    size                    the new size; or else
    scale_factor            by what to multiply the size, rounding down
    mode                    "nearest", "nearest-exact", "linear" (signals), "bilinear" (images) or
                            "area"
    align_corners           for the linear modes: whether the centres of the outermost pixels stay
                            where they are, rather than their outer edges
    recompute_scale_factor  take the ratio of the sizes instead of scale_factor for positions
    antialias               not supported

    Forward    out = A x Bᵀ: each row of A and B mixes the pixels next to where it looks; one whose
               share is 0 does not count, even if it is NaN.  Pixel i looks at
               (i + ½) / scale - ½, or at i (h - 1) / (oh - 1) with align_corners; "nearest" takes
               the pixel at ⌊i / scale⌋
    Gradient   x̄ = Aᵀ ḡ B
    Shapes     (n, c, w) -> (n, c, ow) or (n, c, h, w) -> (n, c, oh, ow)
    Raises     ValueError if not exactly one of size and scale_factor is given, or if the mode does
               not go with the input
    Example    >>> x = mg.tensor([[[0.0, 1.0]]])
               >>> mg.nn.functional.interpolate(x, scale_factor=2, mode="linear")
               tensor([[[0.  , 0.25, 0.75, 1.  ]]])
    """
    axes = len(input.shape) - 2
    check_mode(input, mode, align_corners, antialias, axes)
    sizes, scales = new_sizes(input, size, scale_factor, recompute_scale_factor, axes)
    bytes_given = input.dtype == np.uint8 and mode in LINEAR
    if bytes_given:
        input = input.float()
    out = input
    for axis, (n, m, scale) in enumerate(zip(input.shape[2:], sizes, scales), start=2):
        if mode in LINEAR:
            out = _mix(out, *neighbours(n, m, scale, bool(align_corners)), axis)
        elif mode == "area":
            out = _mix(out, *averaging(n, m), axis)
        else:
            where = nearest(n, m, scale, 0.5 if mode == "nearest-exact" else 0.0)
            out = ops.index_select(out, axis, where)
    return ops.astype(ops.floor(out + 0.5), np.uint8) if bytes_given else out


def check_mode(input: Any, mode: str, align_corners: Any, antialias: bool, axes: int) -> None:
    if axes not in (1, 2):
        raise ValueError(f"interpolate takes (n, c, w) or (n, c, h, w), got shape {input.shape}")
    known = ("nearest", "nearest-exact", "area", *LINEAR)
    if mode not in known:
        raise ValueError(f"interpolate: mode is one of {', '.join(known)}, got {mode!r}")
    if mode in LINEAR and LINEAR[mode] != axes:
        fitting_mode = "linear" if axes == 1 else "bilinear"
        raise ValueError(
            f'interpolate: an input of shape {input.shape} goes with mode="{fitting_mode}", '
            f"not {mode!r}"
        )
    if mode not in LINEAR and align_corners is not None:
        raise ValueError(f"interpolate: align_corners is for linear modes, not for {mode!r}")
    if antialias:
        raise ValueError("interpolate: antialias is not supported; blur first, by avg_pool2d")


def new_sizes(
    input: Any, size: Any, scale_factor: Any, recompute: bool | None, axes: int
) -> tuple[tuple[int, ...], list[float]]:
    """The new sizes, and for each axis how many old pixels lie in a new one."""
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate takes either size or scale_factor")
    if size is not None:
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor goes with scale_factor only")
        sizes = per_axis("interpolate", "size", size, axes, 1)
        return sizes, [n / m for n, m in zip(input.shape[2:], sizes)]
    single = not isinstance(scale_factor, Sequence)
    factors = [scale_factor] * axes if single else list(scale_factor)
    if len(factors) != axes or min(factors) <= 0:
        raise ValueError(
            f"interpolate: scale_factor is one positive number for each of {axes} axes, "
            f"got {scale_factor!r}"
        )
    sizes = tuple(math.floor(n * float(f)) for n, f in zip(input.shape[2:], factors))
    if min(sizes) < 1:
        raise ValueError(f"interpolate: the new size would be {sizes}; take a larger scale_factor")
    if recompute:
        return sizes, [n / m for n, m in zip(input.shape[2:], sizes)]
    return sizes, [1 / float(f) for f in factors]


def nearest(size: int, count: int, scale: float, centre: float) -> Array:
    """Which pixel each of `count` new ones takes; in float32, as PyTorch computes it."""
    where = (np.arange(count, dtype=np.float32) + np.float32(centre)) * np.float32(scale)
    return np.minimum(np.floor(where).astype(np.int64), size - 1)


def neighbours(size: int, count: int, scale: float, align_corners: bool) -> tuple[Array, Array]:
    """The two pixels next to where each of `count` new ones looks, and their shares."""
    new = np.arange(count)
    if align_corners:
        where = new * ((size - 1) / (count - 1) if count > 1 else 0.0)
    else:
        where = np.maximum((new + 0.5) * scale - 0.5, 0)
    left = np.minimum(np.floor(where).astype(np.int64), size - 1)
    share = np.clip(where - left, 0, 1)
    return np.stack([left, np.minimum(left + 1, size - 1)], 1), np.stack([1 - share, share], 1)
