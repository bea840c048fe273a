"""Pooling as modules; `minigrad.nn.functional` has the mathematics."""

from __future__ import annotations

from typing import Any

from minigrad.nn import functional
from minigrad.nn.convolution import for_each_axis
from minigrad.nn.module import Module, shown
from minigrad.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AvgPool1d",
    "AvgPool2d", "MaxPool1d", "MaxPool2d",
]  # fmt: skip


class MaxPool(Module):
    """What the maximum poolings have in common."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def extra_repr(self) -> str:
        return shown(self, "kernel_size", "stride", "padding", "dilation", "ceil_mode")


class MaxPool1d(MaxPool):
    """The maximum over a window that moves along a sequence.

    kernel_size     width of the window
    stride          how far it moves at each step; its own width if None
    padding         at both ends, with -∞
    dilation        distance of the entries in a window
    return_indices  return the positions of the maxima, too
    ceil_mode       keep a last window that is not full

    Shapes   (n, channels, length) or (channels, length), unchanged but for the length
    Example  >>> mg.nn.MaxPool1d(2)(mg.tensor([[1.0, 3.0, 2.0, 0.0]]))
             tensor([[3., 2.]])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.max_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode, return_indices=self.return_indices,
        )  # fmt: skip


class MaxPool2d(MaxPool):
    """The maximum over a window that moves over an image; the arguments are those of `MaxPool1d`.

    Shapes   (n, channels, height, width) or without n, unchanged but for height and width
    Example  >>> mg.nn.MaxPool2d(2)(mg.ones(1, 3, 8, 6)).shape
             (1, 3, 4, 3)
    """

    def forward(self, input: Any) -> Tensor:
        return functional.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode, return_indices=self.return_indices,
        )  # fmt: skip


class AvgPool1d(Module):
    """The mean over a window that moves along a sequence.

    kernel_size        width of the window
    stride             how far it moves at each step; its own width if None
    padding            zeros at both ends
    ceil_mode          keep a last window that is not full
    count_include_pad  whether the padding counts in the mean

    Shapes   (n, channels, length) or (channels, length), unchanged but for the length
    Example  >>> mg.nn.AvgPool1d(2)(mg.tensor([[1.0, 3.0, 2.0, 0.0]]))
             tensor([[2., 1.]])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = for_each_axis("AvgPool1d: kernel_size", kernel_size, 1)
        stride = kernel_size if stride is None else stride
        self.stride = for_each_axis("AvgPool1d: stride", stride, 1)
        self.padding = for_each_axis("AvgPool1d: padding", padding, 1)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Any) -> Tensor:
        return functional.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return shown(self, "kernel_size", "stride", "padding")


class AvgPool2d(Module):
    """The mean over a window that moves over an image; most arguments are those of `AvgPool1d`.

    divisor_override   divide by this number instead of the size of the window

    Shapes   (n, channels, height, width) or without n, unchanged but for height and width
    Example  >>> mg.nn.AvgPool2d(2)(mg.ones(1, 3, 8, 6)).shape
             (1, 3, 4, 3)
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
        return functional.avg_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return shown(self, "kernel_size", "stride", "padding")


# ------------------------------------------------------------------------- to a wanted output size


class AdaptiveAvgPool(Module):
    """What the adaptive means have in common."""

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return shown(self, "output_size")


class AdaptiveAvgPool1d(AdaptiveAvgPool):
    """Means over as many windows as the output is to be long.

    Shapes   (n, channels, length) or (channels, length), unchanged but for the length
    Example  >>> mg.nn.AdaptiveAvgPool1d(2)(mg.tensor([[[1.0, 3.0, 5.0, 7.0]]]))
             tensor([[[2., 6.]]])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(AdaptiveAvgPool):
    """Means over as many windows as the output is to be high and wide.

    output_size   one integer, or two for height and width; None keeps the size of the input

    Shapes   (n, channels, height, width) or without n, unchanged but for height and width
    Example  >>> mg.nn.AdaptiveAvgPool2d(1)(mg.ones(2, 3, 8, 6)).shape
             (2, 3, 1, 1)
    """

    def forward(self, input: Any) -> Tensor:
        return functional.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveMaxPool(Module):
    """What the adaptive maxima have in common."""

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def extra_repr(self) -> str:
        return shown(self, "output_size")


class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """Maxima over as many windows as the output is to be long.

    Example  >>> mg.nn.AdaptiveMaxPool1d(2)(mg.tensor([[[1.0, 3.0, 5.0, 7.0]]]))
             tensor([[[3., 7.]]])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """Maxima over as many windows as the output is to be high and wide.

    Example  >>> mg.nn.AdaptiveMaxPool2d(1)(mg.tensor([[[1.0, 3.0], [5.0, 7.0]]]))
             tensor([[[7.]]])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.adaptive_max_pool2d(input, self.output_size, self.return_indices)
