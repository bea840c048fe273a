"""Convolutions and their transposes as modules; `minigrad.nn.functional` has their mathematics."""

from __future__ import annotations

import math
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.nn import functional, init, parameter
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]


def for_each_axis(name: str, value: Any, axes: int) -> tuple[int, ...]:
    """An integer for every axis, or one each.

    Raises   ValueError if there is neither one nor one for each axis.
    """
    if isinstance(value, int):
        return (value,) * axes
    values = tuple(value)
    if len(values) == 1:
        values *= axes
    if len(values) != axes:
        raise ArgumentError(f"{name} is an integer or {axes} of them, got {value}")
    return values


class Convolution(Module):
    """What all convolutions have in common: arguments, parameters, initial values, repr."""

    axes: int
    transposed = False
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        name, axes = type(self).__name__, self.axes
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"{name}: groups is a positive divisor of in_channels and of out_channels, got "
                f"groups={groups} for {in_channels} and {out_channels}"
            )
        modes = ("zeros",) if self.transposed else ("zeros", "reflect", "replicate", "circular")
        if padding_mode not in modes:
            raise ArgumentError(f"{name}: padding_mode is one of {modes}, got {padding_mode!r}")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = for_each_axis(f"{name}: kernel_size", kernel_size, axes)
        self.stride = for_each_axis(f"{name}: stride", stride, axes)
        self.padding: Any = (
            self._named_padding(padding)
            if isinstance(padding, str)
            else for_each_axis(f"{name}: padding", padding, axes)
        )
        self.dilation = for_each_axis(f"{name}: dilation", dilation, axes)
        self.output_padding = for_each_axis(f"{name}: output_padding", output_padding, axes)
        self.groups = groups
        self.padding_mode = padding_mode
        if self.transposed:
            channels = (in_channels, out_channels // groups)
        else:
            channels = (out_channels, in_channels // groups)
        self.weight = parameter.empty(*channels, *self.kernel_size, dtype=dtype, device=device)
        self.register_parameter(
            "bias", parameter.empty(out_channels, dtype=dtype) if bias else None
        )
        self.reset_parameters()

    def _named_padding(self, padding: str) -> str:
        name = type(self).__name__
        if self.transposed or padding not in ("valid", "same"):
            raise ArgumentError(f"{name}: padding is integers, 'valid' or 'same', got {padding!r}")
        if padding == "same" and any(stride != 1 for stride in self.stride):
            raise ArgumentError(f"{name}: padding='same' needs stride 1, got {self.stride}")
        return padding

    def reset_parameters(self) -> None:
        """Draw the initial values anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in, _ = init.fans(self.weight, "reset_parameters")
        if self.bias is not None and fan_in:
            init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def _padded(self, input: Any) -> tuple[Any, Any]:
        """The input, padded if the mode is not zeros, and the padding that is left to do."""
        if self.padding_mode == "zeros":
            return input, self.padding
        if self.padding == "valid":
            return input, 0
        amounts: list[int] = []  # before and after, last axis first
        for axis in reversed(range(self.axes)):
            if self.padding == "same":
                total = self.dilation[axis] * (self.kernel_size[axis] - 1)
                amounts += [total // 2, total - total // 2]
            else:
                amounts += [self.padding[axis]] * 2
        return functional.pad(input, tuple(amounts), mode=self.padding_mode), 0

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"]
        parts.append(f"stride={self.stride}")
        zeros, ones = (0,) * self.axes, (1,) * self.axes
        if self.padding != zeros:
            parts.append(f"padding={self.padding}")
        if self.dilation != ones:
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != zeros:
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class ForwardConvolution(Convolution):
    """The constructor of `Conv1d` and `Conv2d`."""

    def __init__(
        self,
        in_channels: int,
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
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip


class Conv1d(ForwardConvolution):
    """Convolution (to be precise, cross-correlation) of sequences with learned kernels.

    in_channels, out_channels  channels of the input and the output
    kernel_size, stride        width of a kernel, and how far it moves at each step
    padding                    zeros added at both ends; "same" keeps the length, "valid" adds none
    dilation                   distance of the entries that a kernel looks at
    groups                     channels are convolved in so many separate groups
    padding_mode               "zeros", or what to add instead: "reflect", "replicate", "circular"

    Forward     out[o, t] = b[o] + Σ over c, k of W[o, c, k] x[c, stride t + dilation k - padding]
    Parameters  weight (out_channels, in_channels / groups, width), bias (out_channels,); at first
                uniform in ±1/√fan_in
    Shapes      (n, in_channels, length) -> (n, out_channels, length'), or both without n
    Example     >>> mg.nn.Conv1d(2, 3, 5, padding=2)(mg.ones(1, 2, 10)).shape
                (1, 3, 10)
    """

    axes = 1

    def forward(self, input: Any) -> Tensor:
        input, padding = self._padded(input)
        return functional.conv1d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class Conv2d(ForwardConvolution):
    """Convolution of images with learned kernels; the arguments are those of `Conv1d`.

    kernel_size, stride, padding and dilation are one integer, or two for height and width.

    Parameters  weight (out_channels, in_channels / groups, height, width), bias (out_channels,)
    Shapes      (n, in_channels, height, width) -> (n, out_channels, height', width'), or without n
    Example     >>> mg.nn.Conv2d(1, 4, 3, stride=2)(mg.ones(1, 1, 9, 9)).shape
                (1, 4, 4, 4)
    """

    axes = 2

    def forward(self, input: Any) -> Tensor:
        input, padding = self._padded(input)
        return functional.conv2d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class TransposedConvolution(Convolution):
    """The constructor of `ConvTranspose1d` and `ConvTranspose2d`."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
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
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding,
            groups, bias, padding_mode, device, dtype,
        )  # fmt: skip

    def _extra_output(self, input: Any, output_size: Any) -> tuple[int, ...]:
        """The output padding that gives the output the wanted size.

        Raises   ValueError if none does.
        """
        if output_size is None:
            return self.output_padding
        wanted = tuple(output_size)[-self.axes :]
        sizes = input.shape[-self.axes :]
        least = [
            (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1
            for size, stride, padding, dilation, kernel in zip(
                sizes, self.stride, self.padding, self.dilation, self.kernel_size
            )
        ]
        extra = tuple(want - low for want, low in zip(wanted, least))
        if len(wanted) != self.axes or any(
            not 0 <= more < stride for more, stride in zip(extra, self.stride)
        ):
            most = [low + stride - 1 for low, stride in zip(least, self.stride)]
            raise ArgumentError(
                f"{type(self).__name__}: output_size {tuple(output_size)} is not between {least} "
                f"and {most} for an input of {tuple(sizes)}"
            )
        return extra


class ConvTranspose1d(TransposedConvolution):
    """The transpose of `Conv1d`: what its backward does to gradients, as a layer.

    output_padding   lengthens one end of the output, where several lengths would be possible

    Parameters  weight (in_channels, out_channels / groups, width), bias (out_channels,)
    Shapes      (n, in_channels, length) -> (n, out_channels, length'), or both without n, with
                length' = (length - 1) stride - 2 padding + dilation (width - 1)
                          + output_padding + 1
    Example     >>> mg.nn.ConvTranspose1d(3, 2, 4, stride=2)(mg.ones(1, 3, 5)).shape
                (1, 2, 12)
    """

    axes = 1

    def forward(self, input: Any, output_size: Any = None) -> Tensor:
        return functional.conv_transpose1d(
            input, self.weight, self.bias, self.stride, self.padding,
            self._extra_output(input, output_size), self.groups, self.dilation,
        )  # fmt: skip


class ConvTranspose2d(TransposedConvolution):
    """The transpose of `Conv2d`: what its backward does to gradients, as a layer.

    Parameters  weight (in_channels, out_channels / groups, height, width), bias (out_channels,)
    Shapes      (n, in_channels, height, width) -> (n, out_channels, height', width'), or without n;
                the sizes are as in `ConvTranspose1d`
    Example     >>> mg.nn.ConvTranspose2d(3, 2, 2, stride=2)(mg.ones(1, 3, 4, 5)).shape
                (1, 2, 8, 10)
    """

    axes = 2

    def forward(self, input: Any, output_size: Any = None) -> Tensor:
        return functional.conv_transpose2d(
            input, self.weight, self.bias, self.stride, self.padding,
            self._extra_output(input, output_size), self.groups, self.dilation,
        )  # fmt: skip
