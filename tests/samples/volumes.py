"""Rows of convolution and pooling of volumes, and of what puts entries back."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from tests.samples.convolution import adaptive, call, convolve, function, pooled, transposed
from tests.samples.sample import Sample, distinct

F = mg.nn.functional
POSITIONS = np.array([[3, 0], [1, 7]])


def put_back(x: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """The definition, for positions that differ within each row."""
    out = np.zeros((*POSITIONS.shape[:1], 8))
    for row, places in enumerate(POSITIONS):
        out[row, places] = x.reshape(2, 2)[row]
    return out.reshape(*x.shape[: x.ndim - len(size)], *size)


def unpooled(axes: int, shape: tuple[int, ...], size: tuple[int, ...], kernel: Any) -> Sample:
    name = f"max_unpool{axes}d"
    indices = mg.tensor(POSITIONS.reshape(shape))
    return function(name, lambda x: put_back(x, size), (shape,),
                    call=lambda x: getattr(F, name)(x, indices, kernel))  # fmt: skip


def distances(x: np.ndarray, p: float) -> np.ndarray:
    pairs = [(i, j) for i in range(len(x)) for j in range(i + 1, len(x))]
    return np.array([(np.abs(x[i] - x[j]) ** p).sum() ** (1 / p) for i, j in pairs])


SAMPLES: list[Sample] = [
    function("conv3d", convolve, ((1, 2, 3, 3, 2), (2, 2, 2, 2, 1), (2,))),
    function("conv3d", lambda x, w: convolve(x, w, None, 2, 1, 1, 2),
             ((1, 2, 3, 2, 3), (2, 1, 2, 2, 2)),
             call=call("conv3d", stride=2, padding=1, groups=2), case="groups"),
    function("conv_transpose3d", lambda x, w, b: transposed(x, w, b, 2, 1),
             ((1, 2, 2, 2, 1), (2, 2, 2, 3, 3), (2,)),
             call=call("conv_transpose3d", stride=2, padding=1)),
    function("max_pool3d", lambda x: pooled(x, np.max, (2, 1, 2), 1, 0), ((1, 3, 2, 3),),
             domain=distinct, call=call("max_pool3d", (2, 1, 2), 1)),
    function("avg_pool3d", lambda x: pooled(x, np.mean, (2, 2, 2), 2, 1), ((1, 2, 4, 2),),
             call=call("avg_pool3d", 2, 2, 1)),
    function("adaptive_avg_pool3d", lambda x: adaptive(x, np.mean, (2, 1, 2)), ((1, 3, 2, 3),),
             call=call("adaptive_avg_pool3d", (2, 1, 2))),
    function("adaptive_max_pool3d", lambda x: adaptive(x, np.max, (2, 1, 2)), ((1, 3, 2, 3),),
             domain=distinct, call=call("adaptive_max_pool3d", (2, 1, 2))),
    unpooled(1, (2, 2), (8,), 4),
    unpooled(2, (2, 1, 2), (2, 4), 2),
    unpooled(3, (2, 1, 1, 2), (2, 2, 2), (2, 2, 1)),
    function("channel_shuffle", lambda x: x[:, [0, 3, 1, 4, 2, 5]], ((2, 6, 2),),
             call=call("channel_shuffle", 2)),
    function("pdist", lambda x: distances(x, 2.0), ((4, 3),)),
    function("pdist", lambda x: distances(x, 3.0), ((4, 3),), call=call("pdist", 3.0), case="3"),
]  # fmt: skip
