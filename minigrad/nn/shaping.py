"""Modules that change shapes: flatten, pad, shuffle pixels, resize; and distances."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.nn import functional
from minigrad.nn.convolution import for_each_axis
from minigrad.nn.module import Module, shown
from minigrad.tensor import Tensor

__all__ = [
    "CircularPad1d", "CircularPad2d", "ConstantPad1d", "ConstantPad2d",
    "CosineSimilarity", "Flatten", "PairwiseDistance", "PixelShuffle", "PixelUnshuffle",
    "ReflectionPad1d", "ReflectionPad2d", "ReplicationPad1d", "ReplicationPad2d", "Unflatten",
    "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d", "ZeroPad1d", "ZeroPad2d",
]  # fmt: skip


class Flatten(Module):
    """Several neighbouring axes as one.

    start_dim, end_dim   the first and the last of them; at first all but the batch

    Shapes   (n, a, b, ...) -> (n, a * b * ...)
    Example  >>> mg.nn.Flatten()(mg.ones(2, 3, 4)).shape
             (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Tensor:
        return ops.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return shown(self, "start_dim", "end_dim")


class Unflatten(Module):
    """One axis as several: the opposite of `Flatten`.

    dim               the axis
    unflattened_size  its new sizes, one of which may be -1 for what is left

    Example  >>> mg.nn.Unflatten(1, (3, 4))(mg.ones(2, 12)).shape
             (2, 3, 4)
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        self.dim = dim
        self.unflattened_size = tuple(unflattened_size)

    def forward(self, input: Any) -> Tensor:
        dim = self.dim % input.ndim
        shape = (*input.shape[:dim], *self.unflattened_size, *input.shape[dim + 1 :])
        return ops.reshape(input, *shape)

    def extra_repr(self) -> str:
        return shown(self, "dim", "unflattened_size")


# ----------------------------------------------------------------------------------------- padding


class Padding(Module):
    """Base of the paddings.

    padding   what to add before and after: one integer for all sides, or for each axis two, the
              last axis first; negative ones cut off
    """

    axes: int
    mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = for_each_axis(f"{type(self).__name__}: padding", padding, 2 * self.axes)

    def forward(self, input: Any) -> Tensor:
        return functional.pad(input, self.padding, mode=self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPadding(Padding):
    """Base of the paddings with a number."""

    mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Any) -> Tensor:
        return functional.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return shown(self, "padding", "value")


class ConstantPad1d(ConstantPadding):
    """A sequence, lengthened with `value`.

    Example  >>> mg.nn.ConstantPad1d(1, 9.0)(mg.tensor([[[1.0, 2.0, 3.0]]]))
             tensor([[[9., 1., 2., 3., 9.]]])
    """

    axes = 1


class ConstantPad2d(ConstantPadding):
    """An image, framed with `value`.

    Example  >>> mg.nn.ConstantPad2d((1, 0, 0, 1), 7.0)(mg.zeros(1, 1, 2))
             tensor([[[7., 0., 0.],
                      [7., 7., 7.]]])
    """

    axes = 2


class ZeroPad1d(Padding):
    """A sequence, lengthened with zeros.

    Example  >>> mg.nn.ZeroPad1d(1)(mg.tensor([[[1.0, 2.0, 3.0]]]))
             tensor([[[0., 1., 2., 3., 0.]]])
    """

    axes, mode = 1, "constant"


class ZeroPad2d(Padding):
    """An image, framed with zeros.

    Example  >>> mg.nn.ZeroPad2d(1)(mg.ones(1, 3, 4, 5)).shape
             (1, 3, 6, 7)
    """

    axes, mode = 2, "constant"


class ReflectionPad1d(Padding):
    """A sequence, continued by its mirror image: b a b c.

    Example  >>> mg.nn.ReflectionPad1d(1)(mg.tensor([[[1.0, 2.0, 3.0]]]))
             tensor([[[2., 1., 2., 3., 2.]]])
    """

    axes, mode = 1, "reflect"


class ReflectionPad2d(Padding):
    """An image, continued by its mirror images.

    Example  >>> mg.nn.ReflectionPad2d(1)(mg.ones(1, 1, 2, 3)).shape
             (1, 1, 4, 5)
    """

    axes, mode = 2, "reflect"


class ReplicationPad1d(Padding):
    """A sequence, continued by its last entries: a a b c c.

    Example  >>> mg.nn.ReplicationPad1d(1)(mg.tensor([[[1.0, 2.0, 3.0]]]))
             tensor([[[1., 1., 2., 3., 3.]]])
    """

    axes, mode = 1, "replicate"


class ReplicationPad2d(Padding):
    """An image, continued by its outermost pixels.

    Example  >>> mg.nn.ReplicationPad2d(1)(mg.ones(1, 1, 2, 3)).shape
             (1, 1, 4, 5)
    """

    axes, mode = 2, "replicate"


class CircularPad1d(Padding):
    """A sequence, continued periodically: c a b c a.

    Example  >>> mg.nn.CircularPad1d(1)(mg.tensor([[[1.0, 2.0, 3.0]]]))
             tensor([[[3., 1., 2., 3., 1.]]])
    """

    axes, mode = 1, "circular"


class CircularPad2d(Padding):
    """An image, continued periodically.

    Example  >>> mg.nn.CircularPad2d(1)(mg.ones(1, 1, 2, 3)).shape
             (1, 1, 4, 5)
    """

    axes, mode = 2, "circular"


# ------------------------------------------------------------------------------------------ pixels


class PixelShuffle(Module):
    """Channels as pixels: r² channels become one that is r times as high and as wide.

    Shapes   (..., c r², height, width) -> (..., c, height r, width r)
    Source   Shi et al. 2016
    Example  >>> mg.nn.PixelShuffle(2)(mg.ones(1, 8, 3, 3)).shape
             (1, 2, 6, 6)
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Any) -> Tensor:
        return functional.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return shown(self, "upscale_factor")


class PixelUnshuffle(Module):
    """Pixels as channels: the opposite of `PixelShuffle`.

    Shapes   (..., c, height r, width r) -> (..., c r², height, width)
    Example  >>> mg.nn.PixelUnshuffle(2)(mg.ones(1, 1, 4, 6)).shape
             (1, 4, 2, 3)
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Any) -> Tensor:
        return functional.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return shown(self, "downscale_factor")


class Upsample(Module):
    """A sequence or an image, resized.

    size, scale_factor      the size of the output, or its ratio to that of the input, for all axes
                            or for each
    mode                    "nearest", "linear" (sequences), "bilinear" (images), and what
                            `functional.interpolate` knows else
    align_corners           whether the outermost pixels keep their places
    recompute_scale_factor  use the ratio of the rounded sizes

    Shapes   (n, channels, ...), unchanged but for the last axes
    Example  >>> mg.nn.Upsample(scale_factor=2)(mg.ones(1, 1, 3, 4)).shape
             (1, 1, 6, 8)
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        if isinstance(scale_factor, tuple):
            self.scale_factor: Any = tuple(float(factor) for factor in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Any) -> Tensor:
        return functional.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners,
            recompute_scale_factor=self.recompute_scale_factor,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return shown(self, "size" if self.scale_factor is None else "scale_factor", "mode")


class UpsamplingNearest2d(Upsample):
    """An image, resized by repeating the nearest pixel.

    Example  >>> mg.nn.UpsamplingNearest2d(scale_factor=2)(mg.tensor([[[[0.0, 3.0]]]]))
             tensor([[[[0., 0., 3., 3.],
                       [0., 0., 3., 3.]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """An image, resized by bilinear interpolation; the outermost pixels keep their places.

    Example  >>> mg.nn.UpsamplingBilinear2d(scale_factor=2)(mg.tensor([[[[0.0, 3.0]]]]))
             tensor([[[[0., 1., 2., 3.],
                       [0., 1., 2., 3.]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


# --------------------------------------------------------------------------------------- distances


class CosineSimilarity(Module):
    """The cosine of the angle between vectors: x1 · x2 / (|x1| |x2|).

    dim      the axis of the vectors
    eps      the least product of lengths

    Shapes   (..., m, ...) twice, which broadcast -> (...) without axis `dim`
    Example  >>> mg.nn.CosineSimilarity()(mg.tensor([[1.0, 0.0]]), mg.tensor([[0.0, 2.0]]))
             tensor([0.])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Tensor:
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of the differences of vectors, over the last axis.

    p        of the norm
    eps      added to the differences
    keepdim  keep the last axis, with size 1

    Shapes   (..., m) twice, which broadcast -> (...)
    Example  >>> mg.nn.PairwiseDistance()(mg.tensor([[0.0, 0.0]]), mg.tensor([[3.0, 4.0]]))
             tensor([5.])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Tensor:
        return functional.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
