"""Images sampled at positions: spatial transformers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.composition import composition
from minigrad.ops.integers import _whole
from minigrad.tensor import Tensor

__all__ = ["affine_grid", "grid_sample"]

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")
FARTHEST = 1 << 50  # how far away positions are told apart
SHARPNESS = -0.75  # of the cubic kernel: a in Keys 1981


@composition
def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Where the pixels of an image lie after affine maps, for `grid_sample`.

    size            the shape of the images
    align_corners   whether -1 and 1 are the centres of the outermost pixels, rather than their
                    outer edges

    Forward    out[n, i, j] = θₙ (x, y, 1) with (x, y) the place of pixel i, j in [-1, 1]²
    Gradient   θ̄ₙ = Σ ḡ[n, i, j] (x, y, 1)ᵀ
    Shapes     (n, 2, 3), size (n, c, h, w) -> (n, h, w, 2); (n, 3, 4), (n, c, d, h, w) ->
               (n, d, h, w, 3)
    Raises     ValueError if the shapes do not go together
    Source     Jaderberg et al. 2015, equation 1
    Example    >>> theta = mg.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
               >>> mg.nn.functional.affine_grid(theta, (1, 1, 1, 2), align_corners=True)
               tensor([[[[-1.,  0.],
                         [ 1.,  0.]]]])
    """
    size = tuple(size)
    axes = len(size) - 2
    if axes not in (2, 3) or tuple(theta.shape) != (size[0], axes, axes + 1):
        raise ValueError(
            f"affine_grid: theta is (n, 2, 3) for (n, c, h, w), or (n, 3, 4) for (n, c, d, h, w); "
            f"got {tuple(theta.shape)} for {size}"
        )
    if min(size) < 1:
        raise ValueError(f"affine_grid: sizes are positive, got {size}")
    along = [places(n, bool(align_corners), theta.dtype) for n in size[2:]]
    corners = np.meshgrid(*along, indexing="ij")[::-1]
    base = np.stack([*corners, np.ones_like(corners[0])], -1).astype(theta.dtype)
    out = ops.matmul(base.reshape(-1, axes + 1), ops.mT(theta))
    return ops.reshape(out, size[0], *size[2:], axes)


def places(n: int, align_corners: bool, dtype: Any) -> Any:
    """Where n pixels lie in [-1, 1].

    Rounded as in PyTorch, from both ends: an identity map looks at the centres of pixels, where
    the slopes on either side differ, and rounding decides between them.
    """
    if n == 1:
        return np.zeros(1, dtype)
    number = np.dtype(dtype).type
    step = number(2) / number(n - 1)
    i = np.arange(n).astype(dtype)
    out = np.where(np.arange(n) < n // 2, step * i - number(1), number(1) - step * i[::-1])
    return out if align_corners else out * number(n - 1) / number(n)


@composition
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """What images show at positions between their pixels.

    grid            a position (x, y), or (x, y, z), for each pixel of the result: -1 is the left,
                    upper or front side of the image, 1 the other one
    mode            "bilinear": the mean of the pixels around, weighted by their nearness;
                    "nearest": the nearest pixel; "bicubic": a cubic through 4 × 4 pixels
    padding_mode    what lies outside: "zeros", the nearest pixel of the "border", or the image in a
                    mirror ("reflection")
    align_corners   whether -1 and 1 are the centres of the outermost pixels, rather than their
                    outer edges

    Forward    out[n, :, i, j] = Σ over the pixels p around of w(grid[n, i, j] - p) x[n, :, p]
    Gradient   x̄[n, :, p] = Σ w ḡ;        grid̅ = Σ w' x ḡ, 0 for "nearest" and where a position
               was moved to the border
    Shapes     (n, c, h, w), (n, oh, ow, 2) -> (n, c, oh, ow); (n, c, d, h, w), (n, od, oh, ow, 3)
               -> (n, c, od, oh, ow)
    Raises     ValueError if the shapes do not go together, or for an unknown mode
    Source     Jaderberg et al. 2015, section 3.3; Keys 1981
    Example    >>> x = mg.tensor([[[[0.0, 1.0]]]])
               >>> grid = mg.tensor([[[[0.0, 0.0], [0.5, 0.0]]]])
               >>> mg.nn.functional.grid_sample(x, grid, align_corners=True)
               tensor([[[[0.5 , 0.75]]]])
    """
    check(input, grid, mode, padding_mode)
    align = bool(align_corners)
    sizes = tuple(input.shape[2:])
    # the last coordinate of a position is that of the first axis
    where = [pixels(grid[..., len(sizes) - 1 - axis], n, align) for axis, n in enumerate(sizes)]
    if mode != "bicubic":
        where = [padded(p, n, padding_mode, align) for p, n in zip(where, sizes)]
    taken = {"bilinear": linear, "nearest": nearest, "bicubic": cubic}[mode]
    taps = [taken(p, n, padding_mode, align) for p, n in zip(where, sizes)]
    flat = ops.reshape(input, *input.shape[:2], math.prod(sizes))
    total: Any = None
    for corner in product(*taps):
        weight = corner[0][1]
        for _, each in corner[1:]:
            weight = weight * each
        seen = pixel_at(flat, [place for place, _ in corner], sizes)
        total = seen * weight[:, None] if total is None else total + seen * weight[:, None]
    return total


def check(input: Any, grid: Any, mode: str, padding_mode: str) -> None:
    axes = len(input.shape) - 2
    fits = len(grid.shape) == axes + 2 and grid.shape[0] == input.shape[0]
    if axes not in (2, 3) or not fits or grid.shape[-1] != axes:
        raise ValueError(
            "grid_sample takes (n, c, h, w) and (n, oh, ow, 2), or (n, c, d, h, w) and "
            f"(n, od, oh, ow, 3); got {tuple(input.shape)} and {tuple(grid.shape)}"
        )
    if min(input.shape[2:]) < 1:
        raise ValueError(f"grid_sample: the image is empty, its shape is {tuple(input.shape)}")
    if mode not in MODES or padding_mode not in PADDINGS:
        raise ValueError(
            f"grid_sample: mode is one of {', '.join(MODES)} and padding_mode one of "
            f"{', '.join(PADDINGS)}; got {mode!r} and {padding_mode!r}"
        )
    if mode == "bicubic" and axes == 3:
        raise ValueError("grid_sample: bicubic is for images, not for volumes")


def pixels(place: Any, n: int, align: bool) -> Any:
    """Coordinates from -1 to 1 as pixels."""
    return (place + 1) * ((n - 1) / 2) if align else ((place + 1) * n - 1) * 0.5


def padded(p: Any, n: int, padding_mode: str, align: bool) -> Any:
    """Positions outside moved to where their pixel lies; those that were moved have no slope."""
    if padding_mode == "reflection":
        p = reflected(p, n, align)
    if padding_mode == "zeros":
        return p
    return ops.where(p <= 0, 0.0, ops.where(p >= n - 1, float(n - 1), p))


def reflected(p: Any, n: int, align: bool) -> Any:
    """Positions mirrored at the centres of the outermost pixels, or at their edges."""
    low, span = (0.0, n - 1.0) if align else (-0.5, float(n))
    if span == 0:
        return p * 0
    distance = ops.abs(p - low)
    turns = _whole(distance / span, 0, FARTHEST)
    rest = distance - ops.astype(turns, p.dtype) * span
    return low + ops.where(ops.remainder(turns, 2) == 0, rest, span - rest)


# ------------------------------------------------------------ the pixels around, and their weights

Taps = list[tuple[Any, Any]]
FAR = 9  # pixels outside, where nothing is seen


def linear(p: Any, n: int, padding_mode: str, align: bool) -> Taps:
    first = _whole(p, -FAR, n + FAR)
    share = p - ops.astype(first, p.dtype)
    return [shown(first, 1 - share, n), shown(first + 1, share, n)]


def nearest(p: Any, n: int, padding_mode: str, align: bool) -> Taps:
    place = _whole(p, -FAR, n + FAR, True)
    return [shown(place, np.ones(place.shape, p.dtype), n)]


def cubic(p: Any, n: int, padding_mode: str, align: bool) -> Taps:
    first = _whole(p, -FARTHEST, FARTHEST)
    t = p - ops.astype(first, p.dtype)
    weights: list[Callable[[Any], Any]] = [outer, inner, inner, outer]
    taps = []
    for i, (weight, distance) in enumerate(zip(weights, (t + 1, t, 1 - t, 2 - t)), start=-1):
        place = _whole(padded(first + i, n, padding_mode, align), -FAR, n + FAR, True)
        taps.append(shown(place, weight(distance), n))
    return taps


def inner(d: Any) -> Any:
    """The cubic kernel up to distance 1."""
    return ((SHARPNESS + 2) * d - (SHARPNESS + 3)) * d * d + 1


def outer(d: Any) -> Any:
    """The cubic kernel from distance 1 to 2."""
    return ((SHARPNESS * d - 5 * SHARPNESS) * d + 8 * SHARPNESS) * d - 4 * SHARPNESS


def shown(place: Any, weight: Any, n: int) -> tuple[Any, Any]:
    """A pixel and its weight, 0 where there is no such pixel."""
    there = ops.logical_and(place >= 0, place <= n - 1)
    return ops.clamp(place, 0, n - 1), ops.where(there, weight, 0.0)


def pixel_at(flat: Any, where: Sequence[Any], sizes: Sequence[int]) -> Any:
    """The pixels of images (n, c, hw) at places (n, oh, ow) along each axis."""
    index = where[0]
    for place, n in zip(where[1:], sizes[1:]):
        index = index * n + place
    shape = tuple(index.shape[1:])
    index = ops.reshape(index, index.shape[0], 1, math.prod(shape))
    index = ops.expand(index, *flat.shape[:2], math.prod(shape))
    return ops.reshape(ops.gather(flat, 2, index), *flat.shape[:2], *shape)
