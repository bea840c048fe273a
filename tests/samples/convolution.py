"""Rows of convolution and pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

import minigrad as mg
from tests.samples.sample import Sample, distinct

F = mg.nn.functional


def function(name: str, *args: Any, **more: Any) -> Sample:
    return Sample(f"nn.functional.{name}", *args, **more)


def call(name: str, *arguments: Any, **options: Any) -> Callable[..., Any]:
    return lambda *operands: getattr(F, name)(*operands, *arguments, **options)


def places(
    size: tuple[int, ...], kernel: tuple[int, ...], stride: int, padding: int, dilation: int = 1
) -> Iterator[tuple[tuple[int, ...], tuple[Any, ...]]]:
    """For each window its position in the result, and what it sees of a padded image."""
    counts = [
        (n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(size, kernel)
    ]
    for place in product(*map(range, counts)):
        yield (
            place,
            tuple(
                slice(i * stride, i * stride + dilation * (k - 1) + 1, dilation)
                for i, k in zip(place, kernel)
            ),
        )


def pad(x: np.ndarray, axes: int, padding: int, value: float = 0.0) -> np.ndarray:
    widths = [(0, 0)] * (x.ndim - axes) + [(padding, padding)] * axes
    return np.pad(x, widths, constant_values=value)


def convolve(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, stride: int = 1, padding: int = 0,
    dilation: int = 1, groups: int = 1,
) -> np.ndarray:  # fmt: skip
    """The definition: each entry is a sum over one window and one group of channels."""
    axes = x.ndim - 2
    seen = list(places(x.shape[2:], w.shape[2:], stride, padding, dilation))
    last = seen[-1][0]
    out = np.zeros((len(x), len(w), *[i + 1 for i in last]))
    x = pad(x, axes, padding)
    width = w.shape[1]
    for o in range(len(w)):
        first = o // (len(w) // groups) * width
        for place, window in seen:
            part = x[(slice(None), slice(first, first + width), *window)]
            out[(slice(None), o, *place)] = (part * w[o]).reshape(len(x), -1).sum(1)
    return out if b is None else out + b.reshape(-1, *[1] * axes)


def transposed(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, padding: int
) -> np.ndarray:
    """The definition: each entry lays down a kernel."""
    axes = x.ndim - 2
    size = [(n - 1) * stride + k for n, k in zip(x.shape[2:], w.shape[2:])]
    out = np.zeros((len(x), w.shape[1], *size))
    for place in np.ndindex(*x.shape[2:]):
        where = tuple(slice(i * stride, i * stride + k) for i, k in zip(place, w.shape[2:]))
        out[(..., *where)] += np.einsum("nc,c...->n...", x[(..., *place)], w)
    inside = (..., *[slice(padding, n - padding) for n in size])
    return out[inside] + b.reshape(-1, *[1] * axes)


def pooled(
    x: np.ndarray, reduce: Any, kernel: tuple[int, ...], stride: int, padding: int = 0,
    value: float = 0.0,
) -> np.ndarray:  # fmt: skip
    axes = len(kernel)
    size = x.shape[-axes:]
    x = pad(x, axes, padding, value)
    seen = list(places(size, kernel, stride, padding))
    out = np.empty((*x.shape[:-axes], *[i + 1 for i in seen[-1][0]]))
    for place, window in seen:
        out[(..., *place)] = reduce(x[(..., *window)], tuple(range(-axes, 0)))
    return out


def adaptive(x: np.ndarray, reduce: Any, counts: tuple[int, ...]) -> np.ndarray:
    axes = len(counts)
    out = np.empty((*x.shape[:-axes], *counts))
    for place in np.ndindex(*counts):
        window = tuple(
            slice(i * n // m, -(-(i + 1) * n // m))
            for i, n, m in zip(place, x.shape[-axes:], counts)
        )
        out[(..., *place)] = reduce(x[(..., *window)], tuple(range(-axes, 0)))
    return out


SAMPLES: list[Sample] = [
    function("conv1d", convolve, ((2, 2, 5), (3, 2, 2), (3,))),
    function("conv1d", lambda x, w: convolve(x, w, None, 2, 1, 2), ((2, 2, 7), (3, 2, 3)),
             call=call("conv1d", stride=2, padding=1, dilation=2), case="strided"),
    function("conv1d", lambda x, w: convolve(x[None], w, None)[0], ((2, 5), (3, 2, 2)),
             case="one signal"),
    function("conv2d", convolve, ((2, 2, 4, 3), (3, 2, 2, 2), (3,))),
    function("conv2d", lambda x, w, b: convolve(x, w, b, 2, 1, 2, 2),
             ((1, 4, 6, 5), (2, 2, 3, 2), (2,)), case="strided",
             call=call("conv2d", stride=2, padding=1, dilation=2, groups=2)),
    function("conv_transpose1d", lambda x, w, b: transposed(x, w, b, 2, 1),
             ((2, 3, 4), (3, 2, 3), (2,)), call=call("conv_transpose1d", stride=2, padding=1)),
    function("conv_transpose2d", lambda x, w, b: transposed(x, w, b, 1, 1),
             ((1, 2, 3, 4), (2, 3, 2, 3), (3,)), call=call("conv_transpose2d", padding=1)),
    function("conv_transpose2d", lambda x, w, b: transposed(x, w, b, 3, 0),
             ((1, 2, 2, 3), (2, 3, 2, 2), (3,)), call=call("conv_transpose2d", stride=3),
             case="strided"),
    function("max_pool1d", lambda x: pooled(x, np.max, (2,), 2), ((2, 3, 5),), domain=distinct,
             call=call("max_pool1d", 2)),
    function("max_pool2d", lambda x: pooled(x, np.max, (2, 3), 1, 1, -np.inf), ((1, 2, 4, 5),),
             domain=distinct, call=call("max_pool2d", (2, 3), 1, 1)),
    function("max_pool2d", lambda x: pooled(x, np.max, (2, 2), 2), ((1, 2, 4, 5),),
             domain=distinct, call=call("max_pool2d", 2), case="apart"),
    function("avg_pool1d", lambda x: pooled(x, np.mean, (2,), 1, 1), ((2, 3, 5),),
             call=call("avg_pool1d", 2, 1, 1)),
    function("avg_pool2d", lambda x: pooled(x, np.mean, (2, 3), 2, 1), ((1, 2, 4, 5),),
             call=call("avg_pool2d", (2, 3), 2, 1)),
    function("adaptive_avg_pool1d", lambda x: adaptive(x, np.mean, (3,)), ((2, 2, 5),),
             call=call("adaptive_avg_pool1d", 3)),
    function("adaptive_avg_pool2d", lambda x: adaptive(x, np.mean, (2, 3)), ((1, 2, 5, 4),),
             call=call("adaptive_avg_pool2d", (2, 3))),
    function("adaptive_avg_pool2d", lambda x: x.mean((-2, -1), keepdims=True), ((1, 2, 5, 4),),
             call=call("adaptive_avg_pool2d", 1), case="all"),
    function("adaptive_max_pool1d", lambda x: adaptive(x, np.max, (3,)), ((2, 2, 5),),
             domain=distinct, call=call("adaptive_max_pool1d", 3)),
    function("adaptive_max_pool2d", lambda x: adaptive(x, np.max, (2, 3)), ((1, 2, 5, 4),),
             domain=distinct, call=call("adaptive_max_pool2d", (2, 3))),
]  # fmt: skip
