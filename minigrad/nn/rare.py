"""Layers that few networks have: power means, windows at random, response normalization."""

from __future__ import annotations

from typing import Any

from minigrad.errors import ArgumentError
from minigrad.nn import functional
from minigrad.nn.functional.convolution import per_axis
from minigrad.nn.module import Module, shown
from minigrad.tensor import Tensor

__all__ = [
    "CrossMapLRN2d", "FractionalMaxPool2d", "FractionalMaxPool3d", "LPPool1d", "LPPool2d",
    "LPPool3d", "LocalResponseNorm",
]  # fmt: skip


class LocalResponseNorm(Module):
    """Each entry divided by a power of what its neighbouring channels respond.

    size    how many channels count
    alpha   and
    beta    and
    k       out = x / (k + α mean of x² over `size` channels)^β

    Shapes   (n, channels, ...), unchanged
    Source   Krizhevsky, Sutskever and Hinton 2012, section 3.3
    Example  >>> mg.nn.LocalResponseNorm(2)(mg.zeros(1, 4, 3)).shape
             (1, 4, 3)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Any) -> Tensor:
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, {shown(self, 'alpha', 'beta', 'k')}"


class CrossMapLRN2d(LocalResponseNorm):
    """`LocalResponseNorm` of images, under its older name.

    Example  >>> mg.nn.CrossMapLRN2d(2)(mg.zeros(1, 4, 3, 3)).shape
             (1, 4, 3, 3)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)


class LPPool(Module):
    """What pooling by power means has in common."""

    def __init__(
        self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride, self.ceil_mode = stride, ceil_mode

    def extra_repr(self) -> str:
        return shown(self, "norm_type", "kernel_size", "stride", "ceil_mode")


class LPPool1d(LPPool):
    """The p-norm of every window of a sequence.

    norm_type    p
    kernel_size  width of the window
    stride       how far it moves at each step; its own width if None
    ceil_mode    keep a last window that is not full

    Shapes   (n, channels, length) or without n, unchanged but for the length
    Example  >>> mg.nn.LPPool1d(2, 2)(mg.tensor([[3.0, 4.0]]))
             tensor([[5.]])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.lp_pool1d(
            input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode
        )


class LPPool2d(LPPool):
    """The p-norm of every window of an image; the arguments are those of `LPPool1d`.

    Shapes   (n, channels, height, width) or without n, unchanged but for height and width
    Example  >>> mg.nn.LPPool2d(2, (1, 2))(mg.tensor([[[3.0, 4.0]]]))
             tensor([[[5.]]])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.lp_pool2d(
            input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode
        )


class LPPool3d(LPPool):
    """The p-norm of every window of a volume; the arguments are those of `LPPool1d`.

    Shapes   (n, channels, depth, height, width) or without n, unchanged but for the sizes
    Example  >>> mg.nn.LPPool3d(2, (1, 1, 2))(mg.tensor([[[[3.0, 4.0]]]]))
             tensor([[[[5.]]]])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.lp_pool3d(
            input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode
        )


class FractionalMaxPool(Module):
    """What pooling over windows at random has in common."""

    axes: int
    _random_samples: Any

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if (output_size is None) == (output_ratio is None):
            raise ArgumentError(f"{name} takes either output_size or output_ratio")
        self.kernel_size = per_axis(name, "kernel_size", kernel_size, self.axes, 1)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size: Any = None
        if output_size is not None:
            self.output_size = per_axis(name, "output_size", output_size, self.axes, 1)
        single = isinstance(output_ratio, (int, float))
        self.output_ratio = (output_ratio,) * self.axes if single else output_ratio
        if output_ratio is not None and not all(0 < each < 1 for each in self.output_ratio):
            raise ArgumentError(f"{name}: output_ratio is between 0 and 1, got {output_ratio}")

    def forward(self, input: Any) -> Any:
        function = getattr(functional, f"fractional_max_pool{self.axes}d")
        return function(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices,
            self._random_samples,
        )  # fmt: skip


class FractionalMaxPool2d(FractionalMaxPool):
    """Maxima of windows of an image that lie at steps drawn at random, of a given average.

    kernel_size     sizes of the windows
    output_size     how many windows; or else
    output_ratio    how many in proportion to the size of the image
    return_indices  return the positions of the maxima, too

    Shapes   (n, channels, height, width) or without n, unchanged but for height and width
    Raises   ValueError unless either output_size or output_ratio is given
    Source   Graham 2015
    Example  >>> mg.nn.FractionalMaxPool2d(2, output_size=3)(mg.zeros(1, 3, 8, 8)).shape
             (1, 3, 3, 3)
    """

    axes = 2


class FractionalMaxPool3d(FractionalMaxPool):
    """Maxima of windows of a volume; the arguments are those of `FractionalMaxPool2d`.

    Shapes   (n, channels, depth, height, width) or without n, unchanged but for the sizes
    Example  >>> mg.nn.FractionalMaxPool3d(2, output_ratio=0.5)(mg.zeros(1, 3, 8, 8, 8)).shape
             (1, 3, 4, 4, 4)
    """

    axes = 3
