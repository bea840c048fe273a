"""Convolutions, of signals and of images.

Each takes a batch, or one signal or image without a batch axis.  Where a number per axis is asked
for, one number does for all axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad import ops
from minigrad.composition import composition
from minigrad.nn.functional.reducing import floating
from minigrad.ops.convolution import _convolve, _convolve_back
from minigrad.tensor import Tensor

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]

Numbers = int | Sequence[int]


def per_axis(name: str, what: str, value: Any, n: int, least: int) -> tuple[int, ...]:
    """`value` as one integer for each of `n` axes.

    Raises   TypeError if it is neither an integer nor a sequence; ValueError if there are not n, or
             if one is smaller than `least`.
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        sizes = tuple(int(each) for each in value)
        if len(sizes) == 1:
            sizes *= n
    else:
        try:
            sizes = (value.__index__(),) * n
        except AttributeError:
            raise TypeError(f"{name}: {what} is an integer or a tuple, got {value!r}") from None
    if len(sizes) != n:
        raise ValueError(f"{name}: {what} is one number for each of {n} axes, got {value!r}")
    if min(sizes) < least:
        raise ValueError(f"{name}: {what} is at least {least}, got {value!r}")
    return sizes


def check_layer(
    name: str, input: Any, weight: Any, bias: Any, groups: int, axes: int, transposed: bool
) -> None:
    """Complain if the shapes of a convolution do not go together."""
    letters = ", ".join("dhw"[-axes:])
    if len(input.shape) not in (axes + 1, axes + 2):
        raise ValueError(
            f"{name} takes (n, c, {letters}) or (c, {letters}), got an input of shape {input.shape}"
        )
    if len(weight.shape) != axes + 2:
        kernel = "(c, o / groups, ...)" if transposed else "(o, c / groups, ...)"
        raise ValueError(f"{name}: weight has {axes + 2} axes, {kernel}, got shape {weight.shape}")
    channels = input.shape[-axes - 1]
    first, second = weight.shape[:2]
    wanted = first if transposed else second * groups
    if groups < 1 or first % groups:
        raise ValueError(
            f"{name}: groups={groups} does not divide the first axis of {weight.shape}"
        )
    if channels != wanted:
        raise ValueError(
            f"{name}: the input of shape {input.shape} has {channels} channels, a weight of shape "
            f"{weight.shape} with groups={groups} takes {wanted}"
        )
    outputs = second * groups if transposed else first
    if bias is not None and tuple(bias.shape) != (outputs,):
        raise ValueError(
            f"{name}: bias has one number for each of {outputs} output channels, "
            f"got shape {tuple(bias.shape)}"
        )


def convolution(
    name: str,
    axes: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Numbers,
    padding: Numbers | str,
    dilation: Numbers,
    groups: int,
) -> Tensor:
    """A convolution along the last `axes` axes."""
    input = input if weight.dtype.kind in "iu" else floating(input)
    check_layer(name, input, weight, bias, groups, axes, transposed=False)
    stride = per_axis(name, "stride", stride, axes, 1)
    dilation = per_axis(name, "dilation", dilation, axes, 1)
    if padding == "same":
        if set(stride) != {1}:
            raise ValueError(f'{name}: padding="same" goes with stride 1, got {stride}')
        reach = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:])]
        pairs = tuple((r // 2, r - r // 2) for r in reach)
    elif isinstance(padding, str) and padding != "valid":
        raise ValueError(f'{name}: padding is "same", "valid" or numbers, got {padding!r}')
    else:
        sizes = (0,) * axes if padding == "valid" else per_axis(name, "padding", padding, axes, 0)
        pairs = tuple((p, p) for p in sizes)
    if len(input.shape) == axes + 1:
        batch = _convolve(input[None], weight, bias, stride, pairs, dilation, groups)
        out: Tensor = batch[0]
        return out
    return _convolve(input, weight, bias, stride, pairs, dilation, groups)


@composition
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers | str = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of signals (without mirroring the kernel).

    stride     how far the kernel moves on
    padding    how many zeros to put at both ends; "same" keeps the length, "valid" is 0
    dilation   how far the entries of the kernel lie apart
    groups     channels fall into groups, and each output sees one group of inputs

    Forward    out[n, o, i] = b[o] + Σ_{c, k} w[o, c, k] x[n, c, s·i + d·k - p]
    Gradient   x̄ = conv_transpose(ḡ, w)        b̄ = Σ ḡ over n and i
               w̄[o, c, k] = Σ_{n, i} ḡ[n, o, i] x[n, c, s·i + d·k - p]
    Shapes     (n, c, w), (o, c / groups, kw), (o,)
               -> (n, o, (w + 2 p - d (kw - 1) - 1) // s + 1)
    Raises     ValueError if the shapes do not go together, or if the kernel does not fit
    Source     Dumoulin and Visin 2016, section 2
    Example    >>> x, w = mg.tensor([[[1.0, 2.0, 4.0, 7.0]]]), mg.tensor([[[-1.0, 1.0]]])
               >>> mg.nn.functional.conv1d(x, w)
               tensor([[[1., 2., 3.]]])
    """
    return convolution("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


@composition
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers | str = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of images (without mirroring the kernel).

    stride     how far the kernel moves on
    padding    how many zeros to put around; "same" keeps the size, "valid" is 0
    dilation   how far the entries of the kernel lie apart
    groups     channels fall into groups, and each output sees one group of inputs

    Forward    out[n,o,i,j] = b[o] + Σ_{c,k,l} w[o,c,k,l] x[n, c, s·i + d·k - p, s·j + d·l - p]
    Gradient   x̄ = conv_transpose(ḡ, w)        b̄ = Σ ḡ over n, i and j
               w̄[o, c, k, l] = Σ_{n, i, j} ḡ[n, o, i, j] x[n, c, s·i + d·k - p, s·j + d·l - p]
    Shapes     (n, c, h, w), (o, c / groups, kh, kw), (o,) -> (n, o, oh, ow) with
               oh = (h + 2 p - d (kh - 1) - 1) // s + 1
    Raises     ValueError if the shapes do not go together, or if the kernel does not fit
    Source     Dumoulin and Visin 2016, section 2
    Example    >>> x, w = mg.ones(1, 1, 3, 3), mg.ones(1, 1, 2, 2)
               >>> mg.nn.functional.conv2d(x, w, padding=1, stride=2)
               tensor([[[[1., 2.],
                         [2., 4.]]]])
    """
    return convolution("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def transposed_convolution(
    name: str,
    axes: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Numbers,
    padding: Numbers,
    output_padding: Numbers,
    groups: int,
    dilation: Numbers,
) -> Tensor:
    """The transpose of a convolution along the last `axes` axes."""
    input = input if weight.dtype.kind in "iu" else floating(input)
    check_layer(name, input, weight, bias, groups, axes, transposed=True)
    stride = per_axis(name, "stride", stride, axes, 1)
    dilation = per_axis(name, "dilation", dilation, axes, 1)
    padding = per_axis(name, "padding", padding, axes, 0)
    extra = per_axis(name, "output_padding", output_padding, axes, 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise ValueError(
            f"{name}: output_padding is smaller than stride or dilation, got {output_padding}"
        )
    single = len(input.shape) == axes + 1
    x = input[None] if single else input
    # what output_padding adds was cut off by padding, or is out of reach of every kernel: zeros
    pairs = tuple((p, max(p - e, 0)) for p, e in zip(padding, extra))
    beyond = [max(e - p, 0) for p, e in zip(padding, extra)]
    size = tuple(
        (n - 1) * s - before - after + d * (k - 1) + 1
        for n, s, (before, after), d, k in zip(
            x.shape[2:], stride, pairs, dilation, weight.shape[2:]
        )
    )
    if min(size) < 1:
        raise ValueError(f"{name}: the result would have size {size}; take less padding")
    out = _convolve_back(x, weight, size, stride, pairs, dilation, groups)
    if any(beyond):
        out = ops.pad(out, [n for b in reversed(beyond) for n in (0, b)])
    if bias is not None:
        out = out + bias[(slice(None), *[None] * axes)]
    return out[0] if single else out


@composition
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers = 0,
    output_padding: Numbers = 0,
    groups: int = 1,
    dilation: Numbers = 1,
) -> Tensor:
    """Transposed convolution of signals: each entry lays down a copy of the kernel.

    stride          how far apart the copies lie
    padding         how many entries to cut off at both ends
    output_padding  how many entries to add at the end
    dilation        how far the entries of the kernel lie apart

    Forward    out[n, o, s·i + d·k - p] += Σ_c w[c, o, k] x[n, c, i], plus b[o]
    Gradient   x̄ = conv(ḡ, w)        w̄[c, o, k] = Σ_{n, i} x[n, c, i] ḡ[n, o, s·i + d·k - p]
    Shapes     (n, c, w), (c, o / groups, kw), (o,)
               -> (n, o, (w - 1) s - 2 p + d (kw - 1) + output_padding + 1)
    Raises     ValueError if the shapes do not go together
    Source     Dumoulin and Visin 2016, section 4
    Example    >>> x, w = mg.tensor([[[1.0, 2.0]]]), mg.tensor([[[1.0, 1.0, 1.0]]])
               >>> mg.nn.functional.conv_transpose1d(x, w, stride=2)
               tensor([[[1., 1., 3., 2., 2.]]])
    """
    return transposed_convolution(
        "conv_transpose1d",
        1,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


@composition
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers = 0,
    output_padding: Numbers = 0,
    groups: int = 1,
    dilation: Numbers = 1,
) -> Tensor:
    """Transposed convolution of images: each entry lays down a copy of the kernel.

    stride          how far apart the copies lie
    padding         how many entries to cut off at every side
    output_padding  how many entries to add at the lower and right sides
    dilation        how far the entries of the kernel lie apart

    Forward    out[n, o, s·i + d·k - p, s·j + d·l - p] += Σ_c w[c, o, k, l] x[n, c, i, j], plus b[o]
    Gradient   x̄ = conv(ḡ, w)
               w̄[c, o, k, l] = Σ_{n, i, j} x[n, c, i, j] ḡ[n, o, s·i + d·k - p, s·j + d·l - p]
    Shapes     (n, c, h, w), (c, o / groups, kh, kw), (o,) -> (n, o, oh, ow) with
               oh = (h - 1) s - 2 p + d (kh - 1) + output_padding + 1
    Raises     ValueError if the shapes do not go together
    Source     Dumoulin and Visin 2016, section 4
    Example    >>> x, w = mg.tensor([[[[1.0, 2.0]]]]), mg.ones(1, 1, 2, 2)
               >>> mg.nn.functional.conv_transpose2d(x, w)
               tensor([[[[1., 3., 2.],
                         [1., 3., 2.]]]])
    """
    return transposed_convolution(
        "conv_transpose2d",
        2,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )
