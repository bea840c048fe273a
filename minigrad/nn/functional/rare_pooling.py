"""Pooling by power means, and over windows drawn at random."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.composition import composition
from minigrad.nn.functional.convolution import Numbers, per_axis
from minigrad.nn.functional.pooling import avg_pool1d, avg_pool2d
from minigrad.nn.functional.reducing import as_given, narrowed, plain, wider
from minigrad.nn.functional.volumes import avg_pool3d
from minigrad.tensor import Tensor

__all__ = [
    "fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices", "lp_pool1d", "lp_pool2d", "lp_pool3d",
]  # fmt: skip


# ------------------------------------------------------------------------------------ power means


@composition
def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of every window of a signal, of numbers that are not negative.

    norm_type   p: 1 is the sum, ∞ would be the maximum
    ceil_mode   the last window may reach beyond the end

    Forward    out[n, c, i] = (Σₖ x[n, c, s·i + k]ᵖ)^(1/p); 0 where the sum is negative
    Gradient   x̄ = ḡ (x / out)ᵖ⁻¹, added over windows; 0 where the sum is 0 and p > 1
    Shapes     (n, c, w) -> (n, c, ow), or without n
    Raises     ValueError if a window does not fit
    Example    >>> mg.nn.functional.lp_pool1d(mg.tensor([[3.0, 4.0]]), 2, 2)
               tensor([[5.]])
    """
    return power_pool(avg_pool1d, 1, input, norm_type, kernel_size, stride, ceil_mode)


@composition
def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of every window of an image; the arguments are those of `lp_pool1d`.

    Forward    out[n, c, i, j] = (Σ over the window of xᵖ)^(1/p); 0 where the sum is negative
    Gradient   x̄ = ḡ (x / out)ᵖ⁻¹, added over windows; 0 where the sum is 0 and p > 1
    Shapes     (n, c, h, w) -> (n, c, oh, ow), or without n
    Raises     ValueError if a window does not fit
    Example    >>> mg.nn.functional.lp_pool2d(mg.tensor([[[3.0, 4.0]]]), 2, (1, 2))
               tensor([[[5.]]])
    """
    return power_pool(avg_pool2d, 2, input, norm_type, kernel_size, stride, ceil_mode)


@composition
def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of every window of a volume; the arguments are those of `lp_pool1d`.

    Forward    out = (Σ over the window of xᵖ)^(1/p); 0 where the sum is negative
    Gradient   x̄ = ḡ (x / out)ᵖ⁻¹, added over windows; 0 where the sum is 0 and p > 1
    Shapes     (n, c, d, h, w) -> (n, c, od, oh, ow), or without n
    Raises     ValueError if a window does not fit
    Example    >>> mg.nn.functional.lp_pool3d(mg.tensor([[[[3.0, 4.0]]]]), 2, (1, 1, 2))
               tensor([[[[5.]]]])
    """
    return power_pool(avg_pool3d, 3, input, norm_type, kernel_size, stride, ceil_mode)


def power_pool(
    average: Callable[..., Any],
    axes: int,
    x: Any,
    p: float,
    kernel_size: Any,
    stride: Any,
    ceil_mode: bool,
) -> Any:
    kernel = per_axis(f"lp_pool{axes}d", "kernel_size", kernel_size, axes, 1)
    (wide,) = wider(x)
    means = average(wide**p, kernel, stride, 0, ceil_mode)
    positive = means > 0
    # the root of 0 has no slope: 1 is in its place, and not looked at
    sums = ops.where(positive, means, 1.0) * math.prod(kernel)
    return narrowed(ops.where(positive, sums ** (1.0 / p), 0.0), x)


# ------------------------------------------------------------------------------- random windows


@composition
def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Numbers,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """Maxima of windows that lie at steps drawn at random, of a given average.

    output_size        how many windows; or else
    output_ratio       how many in proportion to the size of the image
    return_indices     return the positions of the maxima, too
    _random_samples    numbers in [0, 1) for each channel and axis, (n, c, 2): where windows start

    Forward    out[n, c, i, j] = the largest entry of the window at row aᵢ and column bⱼ
    Gradient   x̄ = ḡ at the first largest entry of each window, else 0
    Shapes     (n, c, h, w) -> (n, c, oh, ow), or without n
    Raises     ValueError if sizes do not go together
    Source     Graham 2015
    Example    >>> x = mg.arange(16.0).reshape(1, 4, 4)
               >>> mg.nn.functional.fractional_max_pool2d(x, 2, output_size=(1, 1))
               tensor([[[15.]]])
    """
    found = random_windows(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return found if return_indices else found[0]


@composition
def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Numbers,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """`fractional_max_pool2d` of volumes.

    Forward    out[n, c, i] = the largest entry of the window number i, with three indices
    Gradient   x̄ = ḡ at the first largest entry of each window, else 0
    Shapes     (n, c, d, h, w) -> (n, c, od, oh, ow), or without n
    Raises     ValueError if sizes do not go together
    Source     Graham 2015
    Example    >>> x = mg.arange(8.0).reshape(1, 2, 2, 2)
               >>> mg.nn.functional.fractional_max_pool3d(x, 2, output_size=1)
               tensor([[[[7.]]]])
    """
    found = random_windows(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return found if return_indices else found[0]


@composition
def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Numbers,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """`fractional_max_pool2d` and the positions of its maxima.

    Forward    (out, positions)
    Gradient   x̄ = ḡ at the first largest entry of each window, else 0
    Shapes     (n, c, h, w) -> (n, c, oh, ow) twice, or without n
    Example    >>> F = mg.nn.functional
               >>> F.fractional_max_pool2d_with_indices(mg.ones(1, 2, 2), 2, output_size=1)[1]
               tensor([[[0]]])
    """
    return random_windows(2, input, kernel_size, output_size, output_ratio, _random_samples)


@composition
def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Numbers,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """`fractional_max_pool3d` and the positions of its maxima.

    Forward    (out, positions)
    Gradient   x̄ = ḡ at the first largest entry of each window, else 0
    Shapes     (n, c, d, h, w) -> (n, c, od, oh, ow) twice, or without n
    Example    >>> F = mg.nn.functional
               >>> F.fractional_max_pool3d_with_indices(mg.ones(1, 2, 2, 2), 2, output_size=1)[1]
               tensor([[[[0]]]])
    """
    return random_windows(3, input, kernel_size, output_size, output_ratio, _random_samples)


def random_windows(
    axes: int, x: Any, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any
) -> tuple[Any, Any]:
    name = f"fractional_max_pool{axes}d"
    if len(x.shape) not in (axes + 1, axes + 2):
        raise ValueError(f"{name} takes {axes + 1} or {axes + 2} axes, got shape {tuple(x.shape)}")
    if (output_size is None) == (output_ratio is None):
        raise ValueError(f"{name} takes either output_size or output_ratio")
    size, lead = tuple(x.shape[-axes:]), tuple(x.shape[:-axes])
    kernel = per_axis(name, "kernel_size", kernel_size, axes, 1)
    if output_ratio is None:
        counts = per_axis(name, "output_size", output_size, axes, 1)
    else:
        ratios = output_ratio if isinstance(output_ratio, Sequence) else (output_ratio,) * axes
        counts = tuple(int(n * ratio) for n, ratio in zip(size, ratios))
    if any(count < 1 or count + k - 1 > n for count, k, n in zip(counts, kernel, size)):
        raise ValueError(f"{name}: {counts} windows of {kernel} do not fit into {size}")
    if samples is None:
        batch = lead if len(lead) == 2 else (1, *lead)
        samples = random.source(None).random((*batch, axes))
    starts = plain(samples).reshape(*lead, axes)
    places = positions(starts, size, counts, kernel)
    flat = ops.reshape(x, *lead, math.prod(size))
    seen = ops.gather(flat, -1, places.reshape(*lead, math.prod(counts) * math.prod(kernel)))
    seen = ops.reshape(seen, *lead, *counts, math.prod(kernel))
    best = ops.argmax(seen, -1)[..., None]
    where = ops.gather(as_given(places, x), -1, best)[..., 0]
    return ops.gather(seen, -1, best)[..., 0], where


def positions(starts: Any, size: Any, counts: Any, kernel: Any) -> Any:
    """Where in an image read row by row the entries of each window are: (..., windows, entries)."""
    axes = len(size)
    lead = starts.shape[:-1]
    total: Any = 0
    for axis, (n, count, k) in enumerate(zip(size, counts, kernel)):
        # of images the last axis takes the first sample, of volumes the first, as in PyTorch
        first = beginnings(starts[..., axis if axes == 3 else 1 - axis], n, count, k)
        along = first[..., None] + np.arange(k)
        shape = [*lead, *[1] * (2 * axes)]
        shape[len(lead) + axis], shape[len(lead) + axes + axis] = count, k
        total = total * n + along.reshape(shape)
    return total.reshape(*lead, *counts, math.prod(kernel))


def beginnings(sample: Any, n: int, count: int, kernel: int) -> Any:
    """Where the windows along an axis start: the last one at its end."""
    if count == 1:
        return np.full((*sample.shape, 1), n - kernel)
    step = (n - kernel) / (count - 1)
    steps = (np.arange(count - 1) + sample[..., None]) * step
    first = np.floor(steps).astype(np.int64) - np.floor(sample * step).astype(np.int64)[..., None]
    last = np.full((*sample.shape, 1), n - kernel)
    return np.concatenate([first, last], -1)
