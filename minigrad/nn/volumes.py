"""Layers of volumes: what `Conv2d` and its kin are to images."""

from __future__ import annotations

from typing import Any

from minigrad.nn import functional
from minigrad.nn.convolution import ForwardConvolution, TransposedConvolution
from minigrad.nn.dropout import DropoutBase
from minigrad.nn.module import Module, shown
from minigrad.nn.normalization import BatchNorm, InstanceNorm
from minigrad.nn.pooling import AdaptiveAvgPool, AdaptiveMaxPool, MaxPool
from minigrad.nn.shaping import ConstantPadding, Padding
from minigrad.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool3d", "AdaptiveMaxPool3d", "AvgPool3d", "BatchNorm3d", "CircularPad3d",
    "ConstantPad3d", "Conv3d", "ConvTranspose3d", "Dropout3d", "InstanceNorm3d", "MaxPool3d",
    "ReflectionPad3d", "ReplicationPad3d", "ZeroPad3d",
]  # fmt: skip


class Conv3d(ForwardConvolution):
    """Convolution of volumes with learned kernels; the arguments are those of `Conv1d`.

    kernel_size, stride, padding and dilation are one integer, or three.

    Parameters  weight (out_channels, in_channels / groups, depth, height, width), bias
    Shapes      (n, in_channels, depth, height, width) -> (n, out_channels, ...), or without n
    Example     >>> mg.nn.Conv3d(1, 4, 3, stride=2)(mg.ones(1, 1, 5, 9, 9)).shape
                (1, 4, 2, 4, 4)
    """

    axes = 3

    def forward(self, input: Any) -> Tensor:
        input, padding = self._padded(input)
        return functional.conv3d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class ConvTranspose3d(TransposedConvolution):
    """The transpose of `Conv3d`: what its backward does to gradients, as a layer.

    Parameters  weight (in_channels, out_channels / groups, depth, height, width), bias
    Shapes      (n, in_channels, depth, height, width) -> (n, out_channels, ...), or without n; the
                sizes are as in `ConvTranspose1d`
    Example     >>> mg.nn.ConvTranspose3d(3, 2, 2, stride=2)(mg.ones(1, 3, 2, 4, 5)).shape
                (1, 2, 4, 8, 10)
    """

    axes = 3

    def forward(self, input: Any, output_size: Any = None) -> Tensor:
        return functional.conv_transpose3d(
            input, self.weight, self.bias, self.stride, self.padding,
            self._extra_output(input, output_size), self.groups, self.dilation,
        )  # fmt: skip


class MaxPool3d(MaxPool):
    """The maximum over a window that moves in a volume; the arguments are those of `MaxPool1d`.

    Shapes   (n, channels, depth, height, width) or without n, unchanged but for these three
    Example  >>> mg.nn.MaxPool3d(2)(mg.ones(1, 3, 4, 8, 6)).shape
             (1, 3, 2, 4, 3)
    """

    def forward(self, input: Any) -> Any:
        return functional.max_pool3d(
            input, self.kernel_size, self.stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode, return_indices=self.return_indices,
        )  # fmt: skip


class AvgPool3d(Module):
    """The mean over a window that moves in a volume; the arguments are those of `AvgPool2d`.

    Shapes   (n, channels, depth, height, width) or without n, unchanged but for these three
    Example  >>> mg.nn.AvgPool3d(2)(mg.ones(1, 3, 4, 8, 6)).shape
             (1, 3, 2, 4, 3)
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Any) -> Tensor:
        return functional.avg_pool3d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return shown(self, "kernel_size", "stride", "padding")


class AdaptiveAvgPool3d(AdaptiveAvgPool):
    """Means over as many windows as the output is to be deep, high and wide.

    output_size   one integer, or three; None keeps the size of the input

    Shapes   (n, channels, depth, height, width) or without n, unchanged but for these three
    Example  >>> mg.nn.AdaptiveAvgPool3d(1)(mg.ones(2, 3, 4, 8, 6)).shape
             (2, 3, 1, 1, 1)
    """

    def forward(self, input: Any) -> Tensor:
        return functional.adaptive_avg_pool3d(input, self.output_size)


class AdaptiveMaxPool3d(AdaptiveMaxPool):
    """Maxima over as many windows as the output is to be deep, high and wide.

    Example  >>> mg.nn.AdaptiveMaxPool3d(1)(mg.ones(2, 3, 4, 8, 6)).shape
             (2, 3, 1, 1, 1)
    """

    def forward(self, input: Any) -> Any:
        return functional.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class BatchNorm3d(BatchNorm):
    """`BatchNorm1d` for volumes: over the batch and the three axes.

    Shapes   (n, channels, depth, height, width), unchanged
    Example  >>> mg.nn.BatchNorm3d(3)(mg.randn(2, 3, 2, 4, 4)).shape
             (2, 3, 2, 4, 4)
    """

    input_axes = (5,)


class InstanceNorm3d(InstanceNorm):
    """`InstanceNorm1d` for volumes: over the three axes.

    Shapes   (n, channels, depth, height, width) or without n, unchanged
    Example  >>> mg.nn.InstanceNorm3d(3)(mg.randn(2, 3, 2, 4, 4)).shape
             (2, 3, 2, 4, 4)
    """

    input_axes = (4, 5)


class Dropout3d(DropoutBase):
    """Whole channels of volumes are 0 with probability `p`.

    Shapes   (n, channels, depth, height, width) or without n, unchanged
    Example  >>> mg.nn.Dropout3d(0.5).eval()(mg.ones(1, 2, 1, 1, 1)).shape
             (1, 2, 1, 1, 1)
    """

    def forward(self, input: Any) -> Tensor:
        return functional.dropout3d(input, self.p, self.training, self.inplace)


class ConstantPad3d(ConstantPadding):
    """A volume, surrounded with `value`.

    Example  >>> mg.nn.ConstantPad3d(1, 9.0)(mg.zeros(1, 1, 1, 2)).shape
             (1, 3, 3, 4)
    """

    axes = 3


class ZeroPad3d(Padding):
    """A volume, surrounded with zeros.

    Example  >>> mg.nn.ZeroPad3d((1, 0, 0, 0, 0, 0))(mg.ones(1, 1, 1, 2))
             tensor([[[[0., 1., 1.]]]])
    """

    axes, mode = 3, "constant"


class ReflectionPad3d(Padding):
    """A volume, lengthened by its mirror images.

    Example  >>> mg.nn.ReflectionPad3d((1, 0, 0, 0, 0, 0))(mg.tensor([[[[1.0, 2.0]]]]))
             tensor([[[[2., 1., 2.]]]])
    """

    axes, mode = 3, "reflect"


class ReplicationPad3d(Padding):
    """A volume, lengthened by its outermost entries.

    Example  >>> mg.nn.ReplicationPad3d((1, 0, 0, 0, 0, 0))(mg.tensor([[[[1.0, 2.0]]]]))
             tensor([[[[1., 1., 2.]]]])
    """

    axes, mode = 3, "replicate"


class CircularPad3d(Padding):
    """A volume, lengthened by its other ends.

    Example  >>> mg.nn.CircularPad3d((1, 0, 0, 0, 0, 0))(mg.tensor([[[[1.0, 2.0]]]]))
             tensor([[[[2., 1., 2.]]]])
    """

    axes, mode = 3, "circular"
