"""Entries put back where they came from, channels shuffled, distances of all pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.composition import composition
from minigrad.nn.functional.convolution import Numbers, per_axis
from minigrad.nn.functional.reducing import as_array, as_given
from minigrad.noted import noted
from minigrad.tensor import Tensor

__all__ = ["channel_shuffle", "max_unpool1d", "max_unpool2d", "max_unpool3d", "pdist"]


def max_unpool(
    name: str,
    axes: int,
    input: Tensor,
    indices: Any,
    kernel_size: Numbers,
    stride: Numbers | None,
    padding: Numbers,
    output_size: Any,
) -> Tensor:
    kernel = per_axis(name, "kernel_size", kernel_size, axes, 1)
    step = kernel if stride is None else per_axis(name, "stride", stride, axes, 1)
    around = per_axis(name, "padding", padding, axes, 0)
    positions = as_array(indices)
    if positions.shape != tuple(input.shape) or len(input.shape) not in (axes + 1, axes + 2):
        raise ValueError(
            f"{name}: input and indices are what max_pool returned, of equal shapes, got "
            f"{tuple(input.shape)} and {positions.shape}"
        )
    lead = tuple(input.shape[:-axes])
    sizes = tuple(
        [(n - 1) * s - 2 * p + k
         for n, s, p, k in zip(input.shape[-axes:], step, around, kernel)]
    )  # fmt: skip
    if output_size is not None:
        wanted = tuple(output_size)[-axes:]
        if any(abs(w - n) >= s for w, n, s in zip(wanted, sizes, step)):
            raise ValueError(
                f"{name}: output_size is less than a stride {step} from {sizes}, got {wanted}"
            )
        sizes = wanted
    count = int(np.prod(sizes))
    noted(refuse_outside, name, indices, sizes)
    zeros = as_given(np.zeros((*lead, count), input.dtype), input)
    row = int(np.prod(input.shape[-axes:]))
    flat = ops.reshape(input, (*lead, row))
    flat_positions = ops.reshape(indices, (*lead, row))
    spread = ops.scatter(zeros, -1, flat_positions, flat)
    return ops.reshape(spread, (*lead, *sizes))


def refuse_outside(name: str, positions: Any, sizes: tuple[int, ...]) -> None:
    positions = np.asarray(positions)
    if positions.size and not (positions.min() >= 0 and positions.max() < np.prod(sizes)):
        raise ValueError(f"{name}: an index is outside of the output of size {sizes}")


@composition
def max_unpool1d(
    input: Tensor,
    indices: Any,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    output_size: Any = None,
) -> Tensor:
    """The largest entries back at their places, with zeros elsewhere.

    indices      the positions that `max_pool1d` returned
    output_size  of the result, where several sizes are pooled to this one

    Forward    out[n, c, indices[n, c, i]] = x[n, c, i]
    Gradient   x̄[n, c, i] = ḡ[n, c, indices[n, c, i]]
    Shapes     (n, c, w) -> (n, c, (w - 1) s - 2 p + k)
    Raises     ValueError if the shapes differ, or for an index or size that does not fit
    Example    >>> F = mg.nn.functional
               >>> out, indices = F.max_pool1d(mg.tensor([[1.0, 3.0, 2.0, 0.0]]), 2,
               ...                             return_indices=True)
               >>> F.max_unpool1d(out, indices, 2)
               tensor([[0., 3., 2., 0.]])
    """
    return max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


@composition
def max_unpool2d(
    input: Tensor,
    indices: Any,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    output_size: Any = None,
) -> Tensor:
    """The largest entries back at their places, with zeros elsewhere; see `max_unpool1d`.

    Forward    out[n, c] = x[n, c, i, j] at the position indices[n, c, i, j], else 0
    Gradient   x̄[n, c, i, j] = ḡ[n, c] at that position
    Shapes     (n, c, h, w) -> (n, c, (h - 1) s - 2 p + k, ...)
    Raises     ValueError if the shapes differ, or for an index or size that does not fit
    Example    >>> F = mg.nn.functional
               >>> x = mg.tensor([[[1.0, 3.0], [2.0, 0.0]]])
               >>> F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)
               tensor([[[0., 3.],
                        [0., 0.]]])
    """
    return max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


@composition
def max_unpool3d(
    input: Tensor,
    indices: Any,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    output_size: Any = None,
) -> Tensor:
    """The largest entries back at their places, with zeros elsewhere; see `max_unpool1d`.

    Forward    out[n, c] = x[n, c, i, j, k] at the position indices[n, c, i, j, k], else 0
    Gradient   x̄[n, c, i, j, k] = ḡ[n, c] at that position
    Shapes     (n, c, d, h, w) -> (n, c, (d - 1) s - 2 p + k, ...)
    Raises     ValueError if the shapes differ, or for an index or size that does not fit
    Example    >>> F = mg.nn.functional
               >>> x = mg.tensor([[[[1.0, 3.0]]]])
               >>> F.max_unpool3d(*F.max_pool3d(x, (1, 1, 2), return_indices=True), (1, 1, 2))
               tensor([[[[0., 3.]]]])
    """
    return max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


@composition
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels in another order: the first of each group, the second of each, and so on.

    Forward    out[n, k groups + g] = x[n, g c / groups + k]
    Gradient   x̄ = ḡ, in the old order
    Shapes     (n, c, ...), unchanged
    Raises     ValueError if there are not at least three axes, or groups does not divide c
    Source     Zhang, Zhou, Lin and Sun 2018, ShuffleNet
    Example    >>> mg.nn.functional.channel_shuffle(mg.arange(4.0).reshape(1, 4, 1), 2).flatten()
               tensor([0., 2., 1., 3.])
    """
    shape = tuple(input.shape)
    if len(shape) < 3 or groups < 1 or shape[1] % groups:
        raise ValueError(
            f"channel_shuffle takes (n, c, ...) with groups={groups} dividing c, got {shape}"
        )
    split = ops.reshape(input, (shape[0], groups, shape[1] // groups, *shape[2:]))
    return ops.reshape(ops.transpose(split, 1, 2), shape)


@composition
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Distances of all pairs of rows, each pair once.

    p   of the p-norm

    Forward    out = ‖xᵢ - xⱼ‖ₚ for i < j, in reading order
    Gradient   x̄ᵢ = Σⱼ ḡᵢⱼ times the slope of the norm; 0 where two rows are equal
    Shapes     (n, d) -> (n (n - 1) / 2,)
    Raises     ValueError if x is not a matrix
    Example    >>> mg.nn.functional.pdist(mg.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]]))
               tensor([5., 3., 4.])
    """
    if len(input.shape) != 2:
        raise ValueError(f"pdist takes a matrix of rows, got shape {tuple(input.shape)}")
    first, second = np.triu_indices(input.shape[0], 1)
    distances = ops.cdist(input, input, p)
    return distances[as_given(first, input), as_given(second, input)]
