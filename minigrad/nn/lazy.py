"""Lazy modules: layers that learn the size of their input at the first call.

Until then a lazy layer has parameters without a shape.  The first call, or a state dict that is
loaded, gives them one; at the first call the layer also becomes one of the ordinary class.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.modes import no_grad
from minigrad.nn.convolution import (
    Conv1d,
    Conv2d,
    Convolution,
    ConvTranspose1d,
    ConvTranspose2d,
)
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    InstanceNorm1d,
    InstanceNorm2d,
    RunningNorm,
)
from minigrad.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from minigrad.nn.volumes import BatchNorm3d, Conv3d, ConvTranspose3d, InstanceNorm3d

__all__ = [
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d",
    "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
    "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d", "LazyLinear",
]  # fmt: skip


class LazyModuleMixin(Module):
    """What lazy modules have in common; a class of one's own derives from it and from its layer.

    cls_to_become           the class that it becomes at the first call; None: it keeps its own
    initialize_parameters   called with the arguments of the first call, to give every parameter
                            and buffer its shape and its first values
    """

    cls_to_become: type[Module] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if type(self) is not self.cls_to_become and not self.__dict__.get("_initialized"):
            self.initialize_parameters(*args, **kwargs)
            if self.has_uninitialized_params():
                raise RuntimeError(
                    f"{type(self).__name__}: initialize_parameters left a parameter without a shape"
                )
            if self.cls_to_become is not None:
                module: Any = self
                module.__class__ = self.cls_to_become
                return module(*args, **kwargs)
            self._initialized = True
        return super().__call__(*args, **kwargs)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give every parameter its shape and first values, knowing the first input."""
        raise NotImplementedError(
            f"{type(self).__name__} has no initialize_parameters: define it, for the first call"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        own = self.__dict__
        return any(map(is_lazy, [*own["_parameters"].values(), *own["_buffers"].values()]))


def learned_size(module: Any, name: str, input_size: int, loaded: int | None) -> int:
    """The size of the input, if what was loaded before the first call agrees with it.

    Raises   ValueError otherwise.
    """
    if loaded is not None and loaded != input_size:
        raise ArgumentError(
            f"{type(module).__name__}: the loaded weight is for {name}={loaded}, the input has "
            f"{input_size}"
        )
    return input_size


class LazyLinear(LazyModuleMixin, Linear):
    """A `Linear` whose in_features is the size of the last axis of its first input.

    Shapes      (..., in_features) -> (..., out_features)
    Raises      ValueError if its parameters are used before the first call
    Example     >>> layer = mg.nn.LazyLinear(3)
                >>> out = layer(mg.ones(2, 4))
                >>> layer
                Linear(in_features=4, out_features=3, bias=True)
    """

    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if self.in_features and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Any) -> None:
        size = input.shape[-1]
        if not self.has_uninitialized_params():
            self.in_features = learned_size(self, "in_features", size, self.weight.shape[1])
            return
        self.in_features = size
        if is_lazy(self.weight):
            weight: Any = self.weight
            # in the memory order of `Linear`
            array = np.empty((size, self.out_features), weight.dtype).T
            weight.materialize(array.shape, array=array)
        if is_lazy(self.bias):
            self.bias.materialize((self.out_features,))  # type: ignore[union-attr]  # it is lazy
        with no_grad():
            self.reset_parameters()


class LazyConvolution(LazyModuleMixin, Convolution):
    """What the lazy convolutions have in common."""

    def _make_lazy(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if self.in_channels and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> None:
        name, axes = type(self).__name__, self.axes
        if len(input.shape) not in (axes + 1, axes + 2):
            raise ArgumentError(
                f"{name} takes an input of {axes + 1} or {axes + 2} axes, got {input.shape}"
            )
        channels = input.shape[-axes - 1]
        groups = self.groups
        if not self.has_uninitialized_params():
            first, second = self.weight.shape[:2]
            loaded = first if self.transposed else second * groups
            self.in_channels = learned_size(self, "in_channels", channels, loaded)
            return
        if channels % groups or self.out_channels % groups:
            raise ArgumentError(
                f"{name}: groups={groups} does not divide {channels} input channels and "
                f"{self.out_channels} output channels"
            )
        self.in_channels = channels
        outputs = self.out_channels
        shape = (channels, outputs // groups) if self.transposed else (outputs, channels // groups)
        for tensor, sizes in ((self.weight, (*shape, *self.kernel_size)), (self.bias, (outputs,))):
            if is_lazy(tensor):
                tensor.materialize(sizes)  # type: ignore[union-attr]  # it is lazy
        with no_grad():
            self.reset_parameters()


class LazyForward(LazyConvolution):
    """The constructor of the lazy convolutions that are not transposed."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        layer: Any = super()  # the next class is the ordinary layer
        layer.__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)
        self._make_lazy(out_channels, bias, device, dtype)


class LazyTransposed(LazyConvolution):
    """The constructor of the lazy transposed convolutions."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        layer: Any = super()  # the next class is the ordinary layer
        layer.__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation,
            padding_mode,
        )  # fmt: skip
        self._make_lazy(out_channels, bias, device, dtype)


class LazyNorm(LazyModuleMixin, RunningNorm):
    """What the lazy normalizations over batch or instance have in common."""

    def _make_lazy(self, affine: bool, bias: bool, device: Any, dtype: Any) -> None:
        self.affine = affine
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if self.track_running_stats:
            for name in ("running_mean", "running_var"):
                self.register_buffer(name, UninitializedBuffer(device=device, dtype=dtype))

    def reset_parameters(self) -> None:
        if self.num_features and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Any) -> None:
        if input.ndim not in self.input_axes:
            self._check_input(input)
        channels = input.shape[self._channel_axis(input)]
        tensors = [self.weight, self.bias, self.running_mean, self.running_var]
        if not self.has_uninitialized_params():
            loaded = [len(tensor) for tensor in tensors if tensor is not None]
            known = loaded[0] if loaded else None
            self.num_features = learned_size(self, "num_features", channels, known)
            return
        self.num_features = channels
        for tensor in tensors:
            if is_lazy(tensor):
                tensor.materialize((channels,))
        with no_grad():
            self.reset_parameters()


class LazyBatchNorm(LazyNorm):
    """The constructor of the lazy batch normalizations."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, track_running_stats, device, dtype, bias=bias)
        self._make_lazy(affine, bias, device, dtype)


class LazyInstanceNorm(LazyNorm):
    """The constructor of the lazy instance normalizations."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, track_running_stats, device, dtype, bias=bias)
        self._make_lazy(affine, bias, device, dtype)


class LazyConv1d(LazyForward, Conv1d):
    """A `Conv1d` whose in_channels is the number of channels of its first input.

    Example     >>> layer = mg.nn.LazyConv1d(3, kernel_size=2)
                >>> out = layer(mg.ones(1, 2, 6))
                >>> layer
                Conv1d(2, 3, kernel_size=(2,), stride=(1,))
    """

    cls_to_become = Conv1d


class LazyConv2d(LazyForward, Conv2d):
    """A `Conv2d` whose in_channels is the number of channels of its first input.

    Example     >>> layer = mg.nn.LazyConv2d(3, kernel_size=2)
                >>> out = layer(mg.ones(1, 2, 6, 6))
                >>> layer
                Conv2d(2, 3, kernel_size=(2, 2), stride=(1, 1))
    """

    cls_to_become = Conv2d


class LazyConv3d(LazyForward, Conv3d):
    """A `Conv3d` whose in_channels is the number of channels of its first input.

    Example     >>> layer = mg.nn.LazyConv3d(3, kernel_size=2)
                >>> out = layer(mg.ones(1, 2, 6, 6, 6))
                >>> layer
                Conv3d(2, 3, kernel_size=(2, 2, 2), stride=(1, 1, 1))
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(LazyTransposed, ConvTranspose1d):
    """A `ConvTranspose1d` whose in_channels is the number of channels of its first input.

    Example     >>> layer = mg.nn.LazyConvTranspose1d(3, kernel_size=2)
                >>> out = layer(mg.ones(1, 2, 6))
                >>> layer
                ConvTranspose1d(2, 3, kernel_size=(2,), stride=(1,))
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(LazyTransposed, ConvTranspose2d):
    """A `ConvTranspose2d` whose in_channels is the number of channels of its first input.

    Example     >>> layer = mg.nn.LazyConvTranspose2d(3, kernel_size=2)
                >>> out = layer(mg.ones(1, 2, 6, 6))
                >>> layer
                ConvTranspose2d(2, 3, kernel_size=(2, 2), stride=(1, 1))
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(LazyTransposed, ConvTranspose3d):
    """A `ConvTranspose3d` whose in_channels is the number of channels of its first input.

    Example     >>> layer = mg.nn.LazyConvTranspose3d(3, kernel_size=2)
                >>> out = layer(mg.ones(1, 2, 6, 6, 6))
                >>> layer
                ConvTranspose3d(2, 3, kernel_size=(2, 2, 2), stride=(1, 1, 1))
    """

    cls_to_become = ConvTranspose3d


class LazyBatchNorm1d(LazyBatchNorm, BatchNorm1d):
    """A `BatchNorm1d` whose num_features is the number of channels of its first input.

    Example     >>> layer = mg.nn.LazyBatchNorm1d()
                >>> layer(mg.randn(2, 3, 4)).shape[1], layer.num_features
                (3, 3)
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(LazyBatchNorm, BatchNorm2d):
    """A `BatchNorm2d` whose num_features is the number of channels of its first input.

    Example     >>> layer = mg.nn.LazyBatchNorm2d()
                >>> layer(mg.randn(2, 3, 4, 4)).shape[1], layer.num_features
                (3, 3)
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(LazyBatchNorm, BatchNorm3d):
    """A `BatchNorm3d` whose num_features is the number of channels of its first input.

    Example     >>> layer = mg.nn.LazyBatchNorm3d()
                >>> layer(mg.randn(2, 3, 4, 4, 4)).shape[1], layer.num_features
                (3, 3)
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(LazyInstanceNorm, InstanceNorm1d):
    """An `InstanceNorm1d` whose num_features is the number of channels of its first input.

    Example     >>> layer = mg.nn.LazyInstanceNorm1d()
                >>> layer(mg.randn(2, 3, 4)).shape[1], layer.num_features
                (3, 3)
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(LazyInstanceNorm, InstanceNorm2d):
    """An `InstanceNorm2d` whose num_features is the number of channels of its first input.

    Example     >>> layer = mg.nn.LazyInstanceNorm2d()
                >>> layer(mg.randn(2, 3, 4, 4)).shape[1], layer.num_features
                (3, 3)
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(LazyInstanceNorm, InstanceNorm3d):
    """An `InstanceNorm3d` whose num_features is the number of channels of its first input.

    Example     >>> layer = mg.nn.LazyInstanceNorm3d()
                >>> layer(mg.randn(2, 3, 4, 4, 4)).shape[1], layer.num_features
                (3, 3)
    """

    cls_to_become = InstanceNorm3d
