"""Windows laid out and put back, maxima put back, channels shuffled, bags of embeddings."""

from __future__ import annotations

from typing import Any

from minigrad.nn import functional
from minigrad.nn.convolution import for_each_axis
from minigrad.nn.linear import Embedding
from minigrad.nn.module import Module, shown
from minigrad.tensor import Tensor

__all__ = [
    "ChannelShuffle", "EmbeddingBag", "Fold", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d",
    "Unfold",
]  # fmt: skip


class Unfold(Module):
    """The windows of images as columns.

    kernel_size, dilation, padding, stride   of the windows, as in `Conv2d`

    Shapes   (n, c, h, w) -> (n, c · window, number of windows)
    Example  >>> mg.nn.Unfold(2)(mg.ones(1, 3, 4, 4)).shape
             (1, 12, 9)
    """

    def __init__(
        self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, input: Any) -> Tensor:
        return functional.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return shown(self, "kernel_size", "dilation", "padding", "stride")


class Fold(Module):
    """Columns put back as the windows of images, and added up where they overlap.

    output_size   height and width of the images

    Shapes   (n, c · window, number of windows) -> (n, c, h, w)
    Example  >>> mg.nn.Fold((4, 4), 2)(mg.ones(1, 12, 9)).shape
             (1, 3, 4, 4)
    """

    def __init__(
        self,
        output_size: Any,
        kernel_size: Any,
        dilation: Any = 1,
        padding: Any = 0,
        stride: Any = 1,
    ) -> None:
        super().__init__()
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, input: Any) -> Tensor:
        return functional.fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        return shown(self, "output_size", "kernel_size", "dilation", "padding", "stride")


class MaxUnpool(Module):
    """What the layers have in common that put maxima back."""

    axes: int

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        name = type(self).__name__
        stride = kernel_size if stride is None else stride
        self.kernel_size = for_each_axis(f"{name}: kernel_size", kernel_size, self.axes)
        self.stride = for_each_axis(f"{name}: stride", stride, self.axes)
        self.padding = for_each_axis(f"{name}: padding", padding, self.axes)

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Tensor:
        function = getattr(functional, f"max_unpool{self.axes}d")
        out: Tensor = function(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )
        return out

    def extra_repr(self) -> str:
        return shown(self, "kernel_size", "stride", "padding")


class MaxUnpool1d(MaxUnpool):
    """The maxima of `MaxPool1d` back at their places, with zeros elsewhere.

    Example  >>> pool = mg.nn.MaxPool1d(2, return_indices=True)
             >>> mg.nn.MaxUnpool1d(2)(*pool(mg.tensor([[1.0, 3.0, 2.0, 0.0]])))
             tensor([[0., 3., 2., 0.]])
    """

    axes = 1


class MaxUnpool2d(MaxUnpool):
    """The maxima of `MaxPool2d` back at their places, with zeros elsewhere.

    Example  >>> pool = mg.nn.MaxPool2d(2, return_indices=True)
             >>> mg.nn.MaxUnpool2d(2)(*pool(mg.tensor([[[1.0, 3.0], [2.0, 0.0]]])))
             tensor([[[0., 3.],
                      [0., 0.]]])
    """

    axes = 2


class MaxUnpool3d(MaxUnpool):
    """The maxima of `MaxPool3d` back at their places, with zeros elsewhere.

    Example  >>> pool = mg.nn.MaxPool3d((1, 1, 2), return_indices=True)
             >>> mg.nn.MaxUnpool3d((1, 1, 2))(*pool(mg.tensor([[[[1.0, 3.0]]]])))
             tensor([[[[0., 3.]]]])
    """

    axes = 3


class ChannelShuffle(Module):
    """Channels in another order: the first of each group, the second of each, and so on.

    Source   Zhang, Zhou, Lin and Sun 2018, ShuffleNet
    Example  >>> mg.nn.ChannelShuffle(2)(mg.arange(4.0).reshape(1, 4, 1)).flatten()
             tensor([0., 2., 1., 3.])
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Any) -> Tensor:
        return functional.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return shown(self, "groups")


class EmbeddingBag(Embedding):
    """Sums, means or maxima of the vectors of each bag of numbers.

    mode                 "sum", "mean" or "max"
    include_last_offset  the last of the offsets is the end of the last bag
    the others           as of `Embedding`

    Parameters  weight (num_embeddings, embedding_dim); at first standard normal
    Shapes      integers (b, k), or (k,) with offsets (b,) -> (b, embedding_dim)
    Example     >>> mg.nn.EmbeddingBag(10, 3)(mg.tensor([[1, 2], [4, 9]])).shape
                (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Any = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq,
            sparse, _weight, device=device, dtype=dtype,
        )  # fmt: skip
        self.mode, self.include_last_offset = mode, include_last_offset

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Tensor:
        return functional.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq,
            self.mode, self.sparse, per_sample_weights, self.include_last_offset,
            self.padding_idx,
        )  # fmt: skip

    def extra_repr(self) -> str:
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        usual = {"max_norm": None, "norm_type": 2, "scale_grad_by_freq": False}
        parts += [
            shown(self, name) for name, value in usual.items() if getattr(self, name) != value
        ]
        parts.append(shown(self, "mode"))
        if self.padding_idx is not None:
            parts.append(shown(self, "padding_idx"))
        return ", ".join(parts)
