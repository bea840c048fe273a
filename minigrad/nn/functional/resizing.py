"""Resizing signals, images and volumes."""

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
from minigrad.tensor import Tensor

__all__ = ["interpolate"]

LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}  # mode -> number of axes
MIXING = {**LINEAR, "bicubic": 2}


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
    """Signals, images or volumes of another size.

    size                    the new size; or else
    scale_factor            by what to multiply the size, rounding down
    mode                    "nearest", "nearest-exact", "area"; "linear" (signals), "bilinear" or
                            "bicubic" (images), "trilinear" (volumes)
    align_corners           for the last four modes: whether the centres of the outermost pixels
                            stay where they are, rather than their outer edges
    recompute_scale_factor  take the ratio of the sizes instead of scale_factor for positions
    antialias               for "bilinear" and "bicubic": where the result is smaller, widen the
                            filter by the ratio, so that every old pixel counts; align_corners
                            then changes the ratio only

    Forward    out = A x Bᵀ: each row of A and B mixes the two (cubic: four) pixels next to where it
               looks; one whose share is 0 does not count, even if it is NaN.  Pixel i looks at
               (i + ½) / scale - ½, or at i (h - 1) / (oh - 1) with align_corners; "nearest" takes
               the pixel at ⌊i / scale⌋.  The cubic shares are those of Keys with a = -¾, or -½
               with antialias
    Gradient   x̄ = Aᵀ ḡ B
    Shapes     (n, c, w) -> (n, c, ow), (n, c, h, w) -> (n, c, oh, ow), or with three axes
    Raises     ValueError if not exactly one of size and scale_factor is given, or if the mode does
               not go with the input
    Source     Keys 1981
    Example    >>> x = mg.tensor([[[0.0, 1.0]]])
               >>> mg.nn.functional.interpolate(x, scale_factor=2, mode="linear")
               tensor([[[0.  , 0.25, 0.75, 1.  ]]])
    """
    axes = len(input.shape) - 2
    check_mode(input, mode, align_corners, antialias, axes)
    sizes, scales = new_sizes(input, size, scale_factor, recompute_scale_factor, axes)
    bytes_given = input.dtype == np.uint8 and mode in MIXING
    if bytes_given:
        input = input.float()
    out = input
    for axis, (n, m, scale) in enumerate(zip(input.shape[2:], sizes, scales), start=2):
        if mode in MIXING:
            shares = widened_filter if antialias else four if mode == "bicubic" else neighbours
            found = shares(n, m, scale, bool(align_corners), *[mode == "bicubic"] * antialias)
            out = _mix(out, *found, axis)
        elif mode == "area":
            out = _mix(out, *averaging(n, m), axis)
        else:
            where = nearest(n, m, scale, 0.5 if mode == "nearest-exact" else 0.0)
            out = ops.index_select(out, axis, where)
    if bytes_given:  # cubic weights are negative, too: what they give may lie outside
        return ops.astype(ops.clamp(ops.floor(out + 0.5), 0, 255), np.uint8)
    return out


def check_mode(input: Any, mode: str, align_corners: Any, antialias: bool, axes: int) -> None:
    if axes not in (1, 2, 3):
        raise ValueError(
            "interpolate takes (n, c, w), (n, c, h, w) or (n, c, d, h, w), "
            f"got shape {tuple(input.shape)}"
        )
    known = ("nearest", "nearest-exact", "area", *MIXING)
    if mode not in known:
        raise ValueError(f"interpolate: mode is one of {', '.join(known)}, got {mode!r}")
    if mode in MIXING and MIXING[mode] != axes:
        fitting_mode = list(LINEAR)[axes - 1]
        raise ValueError(
            f'interpolate: an input of shape {tuple(input.shape)} goes with mode="{fitting_mode}", '
            f"not {mode!r}"
        )
    if mode not in MIXING and align_corners is not None:
        raise ValueError(f"interpolate: align_corners is for linear modes, not for {mode!r}")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f'interpolate: antialias goes with "bilinear" or "bicubic", not {mode!r}')


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
    where = np.maximum(looked_at(size, count, scale, align_corners), 0)
    left = np.minimum(np.floor(where).astype(np.int64), size - 1)
    share = np.clip(where - left, 0, 1)
    return np.stack([left, np.minimum(left + 1, size - 1)], 1), np.stack([1 - share, share], 1)


def looked_at(size: int, count: int, scale: float, align_corners: bool) -> Array:
    """Where each of `count` new pixels looks, in old ones."""
    new = np.arange(count)
    if align_corners:
        return new * ((size - 1) / (count - 1) if count > 1 else 0.0)
    return (new + 0.5) * scale - 0.5


def four(size: int, count: int, scale: float, align_corners: bool) -> tuple[Array, Array]:
    """The four pixels around where each of `count` new ones looks, and their cubic shares."""
    where = looked_at(size, count, scale, align_corners)
    places = np.floor(where).astype(np.int64)[:, None] + np.arange(-1, 3)
    return np.clip(places, 0, size - 1), cubic(where[:, None] - places, -0.75)


def cubic(distance: Array, a: float) -> Array:
    """The share of a pixel at a distance, by cubic convolution (Keys 1981, equation 4)."""
    x = np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def widened_filter(
    size: int, count: int, scale: float, align_corners: bool, is_cubic: bool
) -> tuple[Array, Array]:
    """All pixels under the filter of each new one, which is as wide as that; and their shares."""
    if align_corners:
        scale = (size - 1) / (count - 1) if count > 1 else 0.0
    centre = looked_at(size, count, scale, False)[:, None]  # as in PyTorch
    width = max(scale, 1.0)
    reach = (2 if is_cubic else 1) * width
    places = np.floor(centre).astype(np.int64) + np.arange(-math.ceil(reach), math.ceil(reach) + 2)
    distance = (places - centre) / width
    shares = cubic(distance, -0.5) if is_cubic else np.maximum(1 - np.abs(distance), 0)
    shares = np.where((places >= 0) & (places < size), shares, 0.0)
    return np.clip(places, 0, size - 1), shares / shares.sum(1, keepdims=True)
