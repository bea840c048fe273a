"""Normalisation: mean 0 and variance 1 over a batch, a layer, a group or an instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.composition import composition
from minigrad.memory import writes
from minigrad.modes import no_grad, recording
from minigrad.nn.functional.reducing import as_array, floating, narrowed, plain, wider
from minigrad.noted import noted
from minigrad.ops.neural import _standardize, count_of, moments_of
from minigrad.ops.pooling import _avg_pool
from minigrad.sums import widened
from minigrad.tensor import Tensor

__all__ = [
    "batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm",
]  # fmt: skip


def scale_and_shift(x: Tensor, weight: Any, bias: Any) -> Tensor:
    """x w + b, where either may be None."""
    if weight is not None:
        x = ops.mul(x, weight)
    return x if bias is None else ops.add(x, bias)


def per_channel(name: str, what: str, vector: Any, channels: int, ndim: int) -> Any:
    """One number for each channel, laid along axis 1 of `ndim` axes.

    Raises   ValueError if there are not as many numbers as channels.
    """
    if vector is None:
        return None
    if tuple(vector.shape) != (channels,):
        raise ValueError(
            f"{name}: {what} has one number for each of {channels} channels, "
            f"got shape {tuple(vector.shape)}"
        )
    return vector if ndim <= 2 else vector[(slice(None), *[None] * (ndim - 2))]


def check_channels(name: str, input: Any) -> int:
    if tuple(input.shape) == (0,):
        return 0
    if len(input.shape) < 2:
        raise ValueError(f"{name} takes (n, c, ...), got an input of shape {input.shape}")
    channels: int = input.shape[1]
    return channels


def check_eps(name: str, eps: float, training: bool) -> None:
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"{name}: eps is positive, got {eps}")


def statistics_of(input: Any, dim: tuple[int, ...]) -> tuple[Any, Any]:
    """Mean and variance along `dim`: arrays; in a trace tensors, computed by ops."""
    if recording.trace is None:
        return moments_of(widened(plain(input)), dim)[:2]
    x = input.detach()
    n = count_of(x.shape, dim)
    mean = x.sum(dim, keepdims=True) / n
    centred = x - mean
    return mean, (centred * centred).sum(dim, keepdims=True) / n


def move(running: Any, new: Any, momentum: Any) -> None:
    """Move a running statistic towards a new value, in place."""
    if running is None:
        return
    if recording.trace is not None:
        with no_grad():
            running.add_((momentum * (new - running)).to(running.dtype))
        return
    array = plain(running)
    array += (momentum * (new - array)).astype(array.dtype, copy=False)
    writes.note(array, "an update of running statistics")


@composition
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 of each channel over the batch, then scaled and shifted.

    In training, `running_mean` and `running_var` are moved by the share `momentum` towards the mean
    and the (unbiased) variance of the batch; otherwise they are used instead of these.

    Forward    x̂ = (x - mean(x)) / sqrt(var(x) + eps), out = w x̂ + b, with the (biased) variance
    Gradient   x̄ = w (ḡ - mean(ḡ) - x̂ mean(ḡ x̂)) / sqrt(var(x) + eps) in training,
               w ḡ / sqrt(running_var + eps) otherwise        w̄ = Σ ḡ x̂        b̄ = Σ ḡ
    Shapes     (n, c, ...), and (c,) all others -> (n, c, ...)
    Raises     ValueError if the shapes do not go together, if there is only one entry for each
               channel in training, or if running statistics are missing otherwise
    Source     Ioffe and Szegedy 2015, algorithm 1
    Example    >>> mg.nn.functional.batch_norm(
               ...     mg.tensor([[1.0], [3.0]]), None, None, training=True
               ... )
               tensor([[-1.],
                       [ 1.]])
    """
    input = floating(input)
    name, ndim = "batch_norm", len(input.shape)
    channels = check_channels(name, input)
    check_eps(name, eps, training)
    shapes = (channels, ndim)
    weight = per_channel(name, "weight", weight, *shapes)
    bias = per_channel(name, "bias", bias, *shapes)
    mean = per_channel(name, "running_mean", running_mean, *shapes)
    var = per_channel(name, "running_var", running_var, *shapes)
    if not training:
        if mean is None or var is None:
            raise ValueError("batch_norm: running_mean and running_var are needed outside training")
        return scale_and_shift((input - mean) / ops.sqrt(var + eps), weight, bias)
    dim = (0, *range(2, ndim))
    n = count_of(input.shape, dim)
    if n == 0:
        return scale_and_shift(input, weight, bias)
    if n < 2:
        raise ValueError(
            f"batch_norm: an input of shape {input.shape} has {n} entries for each channel, a "
            "variance needs 2 or more"
        )
    moments = statistics_of(input, dim)
    known = tuple([as_array(moment) for moment in moments])
    out = scale_and_shift(_standardize(input, dim, eps, known), weight, bias)
    move(running_mean, moments[0].reshape(channels), momentum)
    move(running_var, moments[1].reshape(channels) * (n / (n - 1)), momentum)
    return out


@composition
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 of each channel of each sample, then scaled and shifted.

    Running statistics, if given, are moved towards those of the samples, averaged; without
    `use_input_stats` they are used instead.

    Forward    x̂ = (x - mean(x)) / sqrt(var(x) + eps) over the axes from 2 on, out = w x̂ + b
    Gradient   x̄ = w (ḡ - mean(ḡ) - x̂ mean(ḡ x̂)) / sqrt(var(x) + eps)
               w̄ = Σ ḡ x̂        b̄ = Σ ḡ
    Shapes     (n, c, ...), and (c,) all others -> (n, c, ...)
    Raises     ValueError if the shapes do not go together, or if there is only one entry for each
               channel
    Source     Ulyanov, Vedaldi and Lempitsky 2016
    Example    >>> mg.nn.functional.instance_norm(mg.tensor([[[1.0, 3.0]]]))
               tensor([[[-1.,  1.]]])
    """
    input = floating(input)
    name, ndim = "instance_norm", len(input.shape)
    channels = check_channels(name, input)
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    check_eps(name, eps, True)
    weight = per_channel(name, "weight", weight, channels, ndim)
    bias = per_channel(name, "bias", bias, channels, ndim)
    per_channel(name, "running_mean", running_mean, channels, ndim)
    per_channel(name, "running_var", running_var, channels, ndim)
    dim = tuple(range(2, ndim))
    n = count_of(input.shape, dim)
    if n < 2:
        raise ValueError(
            f"instance_norm: an input of shape {input.shape} has one entry for each channel of a "
            "sample, a variance needs 2 or more"
        )
    moments = statistics_of(input, dim)
    known = tuple([as_array(moment) for moment in moments])
    out = scale_and_shift(_standardize(input, dim, eps, known), weight, bias)
    mean, var = (np.mean(moment.reshape(-1, channels), 0) for moment in moments)
    move(running_mean, mean, momentum)
    move(running_var, var * (n / (n - 1)), momentum)
    return out


def last_axes(
    name: str, input: Any, normalized_shape: Any, *parameters: tuple[str, Any]
) -> tuple[int, ...]:
    """The axes that `normalized_shape` names.

    Raises   ValueError if the shape of the input does not end with it, or a parameter has another.
    """
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    ndim = len(input.shape)
    if not shape or input.shape[max(ndim - len(shape), 0) :] != shape:
        raise ValueError(
            f"{name}: an input of shape {input.shape} does not end with normalized_shape {shape}"
        )
    for what, parameter in parameters:
        if parameter is not None and tuple(parameter.shape) != shape:
            raise ValueError(
                f"{name}: {what} has normalized_shape {shape}, got {tuple(parameter.shape)}"
            )
    return tuple(range(ndim - len(shape), ndim))


@composition
def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 of each sample over its last axes, then scaled and shifted.

    Forward    x̂ = (x - mean(x)) / sqrt(var(x) + eps), out = w x̂ + b, over the axes of
               `normalized_shape`, with the (biased) variance
    Gradient   x̄ = (w ḡ - mean(w ḡ) - x̂ mean(w ḡ x̂)) / sqrt(var(x) + eps)
               w̄ = Σ ḡ x̂        b̄ = Σ ḡ
    Shapes     (..., *normalized_shape), w and b of normalized_shape -> as the input
    Raises     ValueError if the shapes do not go together
    Source     Ba, Kiros and Hinton 2016
    Example    >>> mg.nn.functional.layer_norm(mg.tensor([[1.0, 3.0]]), (2,))
               tensor([[-1.,  1.]])
    """
    input = floating(input)
    dim = last_axes("layer_norm", input, normalized_shape, ("weight", weight), ("bias", bias))
    return scale_and_shift(_standardize(input, dim, eps), weight, bias)


@composition
def rms_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """Root mean square 1 of each sample over its last axes, then scaled.

    eps   None: the distance from 1 to the next number of the input's type

    Forward    out = w x / sqrt(mean(x²) + eps), over the axes of `normalized_shape`
    Gradient   x̄ = (w ḡ - x̂ mean(w ḡ x̂)) / sqrt(mean(x²) + eps), with x̂ = out / w
               w̄ = Σ ḡ x̂
    Shapes     (..., *normalized_shape), w of normalized_shape -> as the input
    Raises     ValueError if the shapes do not go together
    Source     Zhang and Sennrich 2019
    Example    >>> mg.nn.functional.rms_norm(mg.tensor([[3.0, 4.0]]), (2,))
               tensor([[0.8485, 1.1314]])
    """
    input = floating(input)
    dim = last_axes("rms_norm", input, normalized_shape, ("weight", weight))
    if eps is None:
        eps = float(np.finfo(input.dtype).eps)
    with np.errstate(over="ignore"):
        mean = ops.mean(ops.square(input), dim, True)
    if recording.trace is not None:
        noted(refuse_overflow, mean)
    if recording.trace is not None or np.isfinite(plain(mean)).all():
        return scale_and_shift(input * ops.rsqrt(mean + eps), weight, None)
    # the squares overflow: the same of the numbers over the largest, where eps is divided, too
    largest = np.maximum(np.absolute(plain(input)).max(dim, keepdims=True), 1)
    scaled = input / largest
    mean = ops.mean(ops.square(scaled), dim, True)
    return scale_and_shift(scaled * ops.rsqrt(mean + eps / largest / largest), weight, None)


def refuse_overflow(mean: Any) -> None:
    if np.isinf(mean).any():
        raise OverflowError(
            "rms_norm: the squares of the input are infinite, which a compiled function does not "
            "scale: call the function itself, or compute in float64"
        )


@composition
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 of each group of channels of each sample, then scaled and shifted.

    Forward    x̂ = (x - mean(x)) / sqrt(var(x) + eps) over each group, out = w x̂ + b per channel
    Gradient   x̄ = (w ḡ - mean(w ḡ) - x̂ mean(w ḡ x̂)) / sqrt(var(x) + eps)
               w̄ = Σ ḡ x̂        b̄ = Σ ḡ
    Shapes     (n, c, ...), w and b (c,) -> (n, c, ...)
    Raises     ValueError if the shapes do not go together, or if num_groups does not divide c
    Source     Wu and He 2018
    Example    >>> mg.nn.functional.group_norm(mg.tensor([[1.0, 3.0, 5.0, 9.0]]), 2)
               tensor([[-1.,  1., -1.,  1.]])
    """
    input = floating(input)
    name, ndim = "group_norm", len(input.shape)
    channels = check_channels(name, input)
    if num_groups < 1 or channels % num_groups:
        raise ValueError(f"group_norm: {channels} channels do not fall into {num_groups} groups")
    weight = per_channel(name, "weight", weight, channels, ndim)
    bias = per_channel(name, "bias", bias, channels, ndim)
    size = count_of(input.shape, tuple(range(1, ndim))) // num_groups
    grouped = ops.reshape(input, input.shape[0], num_groups, size)
    out = ops.reshape(_standardize(grouped, (2,), eps), *input.shape)
    return scale_and_shift(out, weight, bias)


@composition
def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Each entry divided by the size of its neighbours in other channels.

    size   number of neighbouring channels, the entry's own one included

    Forward    out = x / (k + alpha mean(x²))ᵝ, the mean over `size` channels, with zeros beyond
    Gradient   x̄ = ḡ s⁻ᵝ - 2 alpha beta / size · x Σ ḡ x s⁻ᵝ⁻¹ with s = k + alpha mean(x²), the sum
               over the windows that hold the entry
    Shapes     (n, c, ...) -> (n, c, ...)
    Raises     ValueError if the input has fewer than 3 axes, or if size is not positive
    Source     Krizhevsky, Sutskever and Hinton 2012, section 3.3
    Example    >>> mg.nn.functional.local_response_norm(mg.tensor([[[1.0], [2.0]]]), 2, alpha=1.0)
               tensor([[[0.7378],
                        [0.7816]]])
    """
    if len(input.shape) < 3:
        raise ValueError(f"local_response_norm takes (n, c, ...), got shape {input.shape}")
    if size < 1:
        raise ValueError(f"local_response_norm: size is at least 1, got {size}")
    # windows along the channels: the other axes, as one, are seen through windows of size 1
    rest = count_of(input.shape, tuple(range(2, len(input.shape))))
    (wide,) = wider(input)
    squares = ops.reshape(ops.square(wide), *input.shape[:2], rest)
    padding = ((size // 2, (size - 1) // 2), (0, 0))
    means = ops.reshape(_avg_pool(squares, (size, 1), (1, 1), padding, size), *input.shape)
    return narrowed(wide / (means * alpha + k) ** beta, input)
