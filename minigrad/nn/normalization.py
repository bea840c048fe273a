"""Normalizations as modules; `minigrad.nn.functional` has the mathematics.

All keep the shape of their input.  Their scales are at first 1, their shifts 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import devices
from minigrad.errors import ArgumentError
from minigrad.graph import wrap
from minigrad.modes import recording
from minigrad.nn import functional, init, parameter
from minigrad.nn.module import Module, shown
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

__all__ = [
    "BatchNorm1d", "BatchNorm2d", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "LayerNorm",
    "RMSNorm",
]  # fmt: skip


class ScaledNorm(Module):
    """Base of the normalizations that end in ``x * weight + bias``."""

    weight: Parameter | None
    bias: Parameter | None

    def _register_scale(
        self, *shape: int, weight: bool, bias: bool, device: Any, dtype: Any
    ) -> None:
        devices.check(device)
        for name, wanted in (("weight", weight), ("bias", bias)):
            made = parameter.empty(*shape, dtype=dtype, device=device) if wanted else None
            self.register_parameter(name, made)

    def reset_parameters(self) -> None:
        """Return to scale 1 and shift 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


# ------------------------------------------------------------- over the batch, with running values


class RunningNorm(ScaledNorm):
    """Base of the normalizations that keep a running mean and variance for each channel."""

    running_mean: Any
    running_var: Any
    num_batches_tracked: Any
    input_axes: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._register_scale(
            num_features, weight=affine, bias=affine and bias, device=device, dtype=dtype
        )
        track = track_running_stats
        for name in ("running_mean", "running_var"):
            made = (
                parameter.empty_tensor(num_features, dtype=dtype, device=device) if track else None
            )
            self.register_buffer(name, made)
        counter = wrap(np.zeros((), np.int64)) if track else None
        self.register_buffer("num_batches_tracked", counter)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the running mean and variance."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        self.reset_running_stats()
        super().reset_parameters()

    def _check_input(self, input: Any) -> None:
        """Refuse a wrong number of axes or channels, before any running value is changed."""
        name = type(self).__name__
        if input.ndim not in self.input_axes:
            wanted = " or ".join(str(axes) for axes in self.input_axes)
            raise ArgumentError(f"{name} takes an input of {wanted} axes, got shape {input.shape}")
        channels = input.shape[self._channel_axis(input)]
        if channels != self.num_features and (self.affine or self.track_running_stats):
            raise ArgumentError(
                f"{name} was made for {self.num_features} channels, the input {input.shape} has "
                f"{channels}"
            )

    def _channel_axis(self, input: Any) -> int:
        return 1

    def extra_repr(self) -> str:
        biased = self.bias is not None
        return (
            f"{self.num_features}, {shown(self, 'eps', 'momentum', 'affine')}, bias={biased}, "
            f"{shown(self, 'track_running_stats')}"
        )


class BatchNorm(RunningNorm):
    """What the batch normalizations have in common."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        )

    def forward(self, input: Any) -> Tensor:
        self._check_input(input)
        updates = self.training and self.track_running_stats
        traced = recording.trace is not None  # a program counts batches itself
        counter = self.num_batches_tracked
        count: Any = (counter.double() + 1 if traced else int(counter) + 1) if updates else 1
        # without a momentum the running values are the means of all batches so far
        momentum = 1.0 / count if self.momentum is None else self.momentum
        uses_running = updates or not self.training
        out = functional.batch_norm(
            input,
            self.running_mean if uses_running else None,
            self.running_var if uses_running else None,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            momentum,
            self.eps,
        )
        if updates and traced:
            counter.add_(1)
        elif updates:
            counter._array[...] = count
        return out


class BatchNorm1d(BatchNorm):
    """Mean 0 and variance 1 of each channel over the batch, then a learned scale and shift.

    num_features         the number of channels
    eps                  added to the variance
    momentum             weight of a new batch in the running values; None: they are plain means
    affine, bias         whether to learn a scale, and with it a shift
    track_running_stats  keep running values in training, and use them in evaluation

    Forward     out = (x - mean) / √(var + eps) * weight + bias, with mean and variance of the batch
                in training, the running ones in evaluation
    Parameters  weight, bias (channels,); buffers running_mean, running_var (channels,), of the
                unbiased variances, and num_batches_tracked ()
    Shapes      (n, channels) or (n, channels, length), unchanged
    Source      Ioffe and Szegedy 2015, algorithms 1 and 2
    Example     >>> mg.nn.BatchNorm1d(1, affine=False)(mg.tensor([[1.0], [3.0]]))
                tensor([[-1.],
                        [ 1.]])
    """

    input_axes = (2, 3)


class BatchNorm2d(BatchNorm):
    """`BatchNorm1d` for images: over the batch, the height and the width.

    Shapes   (n, channels, height, width), unchanged
    Example  >>> mg.nn.BatchNorm2d(3)(mg.randn(2, 3, 4, 4)).shape
             (2, 3, 4, 4)
    """

    input_axes = (4,)


class InstanceNorm(RunningNorm):
    """What the instance normalizations have in common."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        )

    def _channel_axis(self, input: Any) -> int:
        return 1 if input.ndim == self.input_axes[-1] else 0

    def forward(self, input: Any) -> Tensor:
        self._check_input(input)
        single = input.ndim != self.input_axes[-1]
        out = functional.instance_norm(
            input[None] if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return out[0] if single else out


class InstanceNorm1d(InstanceNorm):
    """Mean 0 and variance 1 of each channel of each sample over its length.

    The arguments are those of `BatchNorm1d`, with `affine` and `track_running_stats` off at first.

    Shapes   (n, channels, length) or (channels, length), unchanged
    Source   Ulyanov, Vedaldi and Lempitsky 2016
    Example  >>> mg.nn.InstanceNorm1d(3)(mg.randn(2, 3, 4)).shape
             (2, 3, 4)
    """

    input_axes = (2, 3)


class InstanceNorm2d(InstanceNorm):
    """`InstanceNorm1d` for images: over height and width.

    Shapes   (n, channels, height, width) or without n, unchanged
    Example  >>> mg.nn.InstanceNorm2d(3)(mg.randn(2, 3, 4, 4)).shape
             (2, 3, 4, 4)
    """

    input_axes = (3, 4)


# -------------------------------------------------------------------------- over each sample alone


class LayerNorm(ScaledNorm):
    """Mean 0 and variance 1 over the last axes of each sample, then a learned scale and shift.

    normalized_shape          sizes of these axes, or one integer
    eps                       added to the variance
    elementwise_affine, bias  whether to learn a scale, and with it a shift, for each entry

    Forward     out = (x - mean) / √(var + eps) * weight + bias
    Parameters  weight, bias, both of `normalized_shape`
    Shapes      (..., *normalized_shape), unchanged
    Source      Ba, Kiros and Hinton 2016, equation 4
    Example     >>> mg.nn.LayerNorm(4)(mg.ones(2, 3, 4)).shape
                (2, 3, 4)
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._register_scale(
            *self.normalized_shape, weight=elementwise_affine, bias=elementwise_affine and bias,
            device=device, dtype=dtype,
        )  # fmt: skip
        self.reset_parameters()

    def forward(self, input: Any) -> Tensor:
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, {shown(self, 'eps', 'elementwise_affine')}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(ScaledNorm):
    """Root mean square 1 over the last axes of each sample, then a learned scale.

    normalized_shape    sizes of these axes, or one integer
    eps                 added to the mean square; None: the machine's for the input's type
    elementwise_affine  whether to learn a scale for each entry

    Forward     out = x / √(mean(x²) + eps) * weight
    Parameters  weight, of `normalized_shape`
    Shapes      (..., *normalized_shape), unchanged
    Source      Zhang and Sennrich 2019, equation 4
    Example     >>> mg.nn.RMSNorm(2)(mg.tensor([3.0, 4.0]))
                tensor([0.8485, 1.1314], grad_fn=mul)
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        devices.check(device)
        made = (
            parameter.empty(*self.normalized_shape, dtype=dtype, device=device)
            if elementwise_affine
            else None
        )
        self.register_parameter("weight", made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Return to scale 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Any) -> Tensor:
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, {shown(self, 'eps', 'elementwise_affine')}"


class GroupNorm(ScaledNorm):
    """Mean 0 and variance 1 over each group of channels of each sample, then scale and shift.

    num_groups    groups that the channels are divided into
    num_channels  the number of channels
    eps           added to the variance
    affine, bias  whether to learn a scale, and with it a shift, for each channel

    Parameters  weight, bias (channels,)
    Shapes      (n, channels, ...), unchanged
    Raises      ValueError if the groups do not divide the channels.
    Source      Wu and He 2018, section 3
    Example     >>> mg.nn.GroupNorm(2, 4)(mg.randn(2, 4, 3)).shape
                (2, 4, 3)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ArgumentError(
                f"GroupNorm: {num_channels} channels do not divide into {num_groups} groups"
            )
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        self._register_scale(
            num_channels, weight=affine, bias=affine and bias, device=device, dtype=dtype
        )
        self.reset_parameters()

    def forward(self, input: Any) -> Tensor:
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, {shown(self, 'eps', 'affine')}, "
            f"bias={self.bias is not None}"
        )


def as_shape(shape: Any) -> tuple[int, ...]:
    """One size or several, as a tuple."""
    return (shape,) if isinstance(shape, int) else tuple(shape)
