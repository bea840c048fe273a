"""Convolution, and the two other products that its derivatives are made of.

A convolution is linear in the image x and in the kernel w.  With ⟨a, b⟩ for the sum of the
products of all entries, three functions are tied by one identity,

    ⟨_convolve(x, w), g⟩  =  ⟨x, _convolve_back(g, w)⟩  =  ⟨w, _correlate(g, x)⟩,

so the derivatives of each are the other two, and derivatives of every order follow.
`_convolve_back` is also what is called a transposed convolution.

How it is computed.  The windows of an image are laid out as rows of a matrix along its *width*
only, and the rows of the kernel are summed over, one matrix product each.  Laying out whole
windows would copy each pixel kh·kw times; this copies it kw times.  The batch goes through in
pieces whose layout fits into the processor's cache.

Shapes, throughout: images (n, c, h, w), kernels (o, c / groups, kh, kw), results (n, o, oh, ow),

    oh = (h + top + bottom - dilation · (kh - 1) - 1) // stride + 1.

A signal with one axis, (n, c, w), is an image with one row.  `stride` and `dilation` hold one
number per axis, `padding` one pair (before, after) per axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minigrad.calls import Array, op
from minigrad.sums import sum_of

PIECE = 1 << 19  # bytes of layout at a time; measured, 2⁸ to 2¹⁰ KiB are within 5 % of each other

Sizes = tuple[int, ...]
Padding = tuple[tuple[int, int], ...]


class Geometry(NamedTuple):
    """Where the windows of a convolution lie, as pairs (along the height, along the width)."""

    size: Sizes  # of the image
    kernel: Sizes
    stride: Sizes
    padding: Padding
    dilation: Sizes
    groups: int
    out: Sizes  # of the result

    @property
    def padded(self) -> Sizes:
        """Sizes of the padded image, its height rounded up to a multiple of the stride."""
        (top, bottom), (left, right) = self.padding
        height, width = self.size[0] + top + bottom, self.size[1] + left + right
        return height + -height % self.stride[0], width


def geometry_of(
    size: Sizes, kernel: Sizes, stride: Sizes, padding: Padding, dilation: Sizes, groups: int
) -> Geometry:
    """The geometry, with an axis of size 1 put before those of a signal.

    Raises   ValueError if the kernel does not fit into the padded image.
    """
    if len(size) == 1:
        size, kernel, stride, dilation = (1, *size), (1, *kernel), (1, *stride), (1, *dilation)
        padding = ((0, 0), *padding)
    out = tuple(
        (n + before + after - d * (k - 1) - 1) // s + 1
        for n, k, s, (before, after), d in zip(size, kernel, stride, padding, dilation)
    )
    if min(out) < 1:
        raise ValueError(
            f"a kernel of size {kernel} with dilation {dilation} does not fit into an image of "
            f"size {size} with padding {padding}: pad more, or take a smaller kernel"
        )
    return Geometry(size, kernel, stride, padding, dilation, groups, out)


def as_images(x: Array) -> Array:
    """A signal (n, c, w) as an image (n, c, 1, w)."""
    return x if x.ndim == 4 else x[:, :, None]


def pad_images(x: Array, geo: Geometry) -> Array:
    """x with zeros around it."""
    if geo.padded == x.shape[2:]:
        return x
    (top, _), (left, _) = geo.padding
    padded = np.zeros_like(x, shape=(*x.shape[:2], *geo.padded))
    padded[:, :, top : top + geo.size[0], left : left + geo.size[1]] = x
    return padded


def pieces(n: int, bytes_each: int) -> Iterator[slice]:
    """The batch in slices, each with a layout of about `PIECE` bytes."""
    step = max(1, PIECE // max(1, bytes_each))
    return (slice(i, min(i + step, n)) for i in range(0, n, step))


def layout_shape(channels: int, geo: Geometry) -> Sizes:
    """Shape of the layout of one image: (groups, c / groups, kw, phase, row, ow).

    Row r of the padded image is at phase r % stride and row r // stride, so that the rows which
    one row of the kernel meets lie next to each other whatever the stride.
    """
    step = geo.stride[0]
    rows = geo.padded[0] // step
    return (geo.groups, channels // geo.groups, geo.kernel[1], step, rows, geo.out[1])


def columns(images: Array, geo: Geometry, tap: int) -> Array:
    """What column `tap` of the kernel meets, in the order of the layout; a view."""
    n, c, height, width = images.shape
    step = geo.stride[0]
    split = images.reshape(n, geo.groups, c // geo.groups, height // step, step, width)
    first = tap * geo.dilation[1]
    last = first + geo.stride[1] * (geo.out[1] - 1)
    return split.swapaxes(3, 4)[..., first : last + 1 : geo.stride[1]]


def rows(layout: Array, geo: Geometry, tap: int) -> Array:
    """What row `tap` of the kernel meets: (n, groups, c / groups, kw, oh, ow), a view."""
    row, phase = divmod(tap * geo.dilation[0], geo.stride[0])
    return layout[:, :, :, :, phase, row : row + geo.out[0]]


def kernel_rows(weight: Array, geo: Geometry) -> list[Array]:
    """For each row of the kernel a matrix (groups, o / groups, c / groups · kw)."""
    w = as_images(weight)
    o, c, kh, kw = w.shape
    split = w.reshape(geo.groups, o // geo.groups, c, kh, kw)
    return [np.reshape(split[:, :, :, i], (geo.groups, o // geo.groups, c * kw)) for i in range(kh)]


def convolve_vjp_x(
    g: Array,
    x_shape: Sizes,
    weight: Array,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
) -> Array:
    return _convolve_back(g, weight, x_shape[2:], stride, padding, dilation, groups)


def convolve_vjp_weight(
    g: Array,
    x: Array,
    weight_shape: Sizes,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
) -> Array:
    return _correlate(g, x, weight_shape[2:], stride, padding, dilation, groups)


@op(
    convolve_vjp_x,
    convolve_vjp_weight,
    lambda g: sum_of(g, (0, *range(2, len(g.shape)))),
    notation="{x} ⋆ {weight} + {bias}",
)
def _convolve(
    x: Array,
    weight: Array,
    bias: Array,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
) -> Array:
    """Convolution (without mirroring the kernel, as everywhere in deep learning) plus bias.

    Forward    out[n,o,i,j] = b[o] + Σ_{c,k,l} w[o,c,k,l] x[n, c, s·i + d·k - p, s·j + d·l - p]
    Gradient   x̄ = ḡ ⋆ᵀ w with each kernel laid back over its window, times its entry of ḡ
               w̄ = ḡ ⋆ x with each window of x times its entry of ḡ, all added up
               b̄ = Σ ḡ over the images and their places
    Shapes     (n, c, h, w), (o, c / groups, kh, kw), (o,) or None -> (n, o, oh, ow), or without h
    Raises     ValueError if the kernel does not fit
    Source     Dumoulin and Visin 2016, sections 2 and 5
    """
    geo = geometry_of(x.shape[2:], weight.shape[2:], stride, padding, dilation, groups)
    images = pad_images(as_images(x), geo)
    n, c = images.shape[:2]
    o = weight.shape[0]
    matrices = kernel_rows(weight, geo)
    out = np.empty_like(x, shape=(n, groups, o // groups, geo.out[0] * geo.out[1]),
                        dtype=np.result_type(x, weight))  # fmt: skip
    shape = layout_shape(c, geo)
    for piece in pieces(n, int(np.prod(shape)) * x.itemsize):
        m = piece.stop - piece.start
        layout = np.empty_like(images, shape=(m, *shape))
        for tap in range(geo.kernel[1]):
            layout[:, :, :, tap] = columns(images[piece], geo, tap)
        for tap, matrix in enumerate(matrices):
            met = rows(layout, geo, tap).reshape(m, groups, matrix.shape[-1], out.shape[-1])
            if tap == 0:
                np.matmul(matrix, met, out=out[piece])
            else:
                out[piece] += np.matmul(matrix, met)
        if bias is not None:
            out[piece] += bias.reshape(groups, o // groups, 1)
    return out.reshape(n, o, *geo.out[-(x.ndim - 2) :])


def flipped(weight: Array, groups: int) -> Array:
    """The kernel mirrored, with input and output channels swapped."""
    o, c, *kernel = weight.shape
    split = weight.reshape(groups, o // groups, c, *kernel)
    split = np.flip(split, tuple(range(3, split.ndim)))
    return split.swapaxes(1, 2).reshape(groups * c, o // groups, *kernel)


def convolve_back_vjp_g(
    g: Array, weight: Array, stride: Sizes, padding: Padding, dilation: Sizes, groups: int
) -> Array:
    return _convolve(g, weight, None, stride, padding, dilation, groups)


def convolve_back_vjp_weight(
    g: Array,
    y: Array,
    weight_shape: Sizes,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
) -> Array:
    return _correlate(y, g, weight_shape[2:], stride, padding, dilation, groups)


@op(convolve_back_vjp_g, convolve_back_vjp_weight, notation="{y} ⋆ᵀ {weight}")
def _convolve_back(
    y: Array,
    weight: Array,
    size: Sizes,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
) -> Array:
    """The transpose of `_convolve` in its image: each entry of y lays down a copy of the kernel.

    Forward    out[n, c, s·i + d·k - p, s·j + d·l - p] += Σ_o w[o, c, k, l] y[n, o, i, j]
    Gradient   ȳ = ḡ ⋆ w        w̄ = y ⋆ ḡ
    Shapes     (n, o, oh, ow), (o, c / groups, kh, kw) -> (n, c, *size)
    Raises     ValueError if `size` does not lead to the size of y
    Source     Dumoulin and Visin 2016, section 4
    """
    geo = geometry_of(size, weight.shape[2:], stride, padding, dilation, groups)
    reach = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:])]
    around = tuple((r - before, r - after) for (before, after), r in zip(padding, reach))
    if set(stride) == {1} and min(min(pair) for pair in around) >= 0:
        # a convolution with the mirrored kernel does the same, and need not add up overlaps
        mirrored = flipped(weight, groups)
        return _convolve(y, mirrored, None, stride, around, dilation, groups)
    return lay_down(y, weight, geo)


def lay_down(y: Array, weight: Array, geo: Geometry) -> Array:
    """`_convolve_back` for any stride: `_convolve` read backwards, line by line."""
    n, o = y.shape[:2]
    groups, c = geo.groups, weight.shape[1] * geo.groups
    matrices = [matrix.mT for matrix in kernel_rows(weight, geo)]
    split = y.reshape(n, groups, o // groups, geo.out[0] * geo.out[1])
    dtype = np.result_type(y, weight)
    images = np.zeros_like(y, shape=(n, c, *geo.padded), dtype=dtype)
    shape = layout_shape(c, geo)
    for piece in pieces(n, int(np.prod(shape)) * y.itemsize):
        m = piece.stop - piece.start
        layout = np.zeros_like(images, shape=(m, *shape))
        for tap, matrix in enumerate(matrices):
            met = rows(layout, geo, tap)
            met += np.matmul(matrix, split[piece]).reshape(met.shape)
        for tap in range(geo.kernel[1]):
            met = columns(images[piece], geo, tap)
            met += layout[:, :, :, tap]
    (top, _), (left, _) = geo.padding
    inside = images[:, :, top : top + geo.size[0], left : left + geo.size[1]]
    return inside if y.ndim == 4 else inside[:, :, 0]


def correlate_vjp_y(
    g: Array, x: Array, stride: Sizes, padding: Padding, dilation: Sizes, groups: int
) -> Array:
    return _convolve(x, g, None, stride, padding, dilation, groups)


def correlate_vjp_x(
    g: Array,
    y: Array,
    x_shape: Sizes,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
) -> Array:
    return _convolve_back(y, g, x_shape[2:], stride, padding, dilation, groups)


@op(correlate_vjp_y, correlate_vjp_x, notation="{y} ⋆ {x}")
def _correlate(
    y: Array,
    x: Array,
    kernel: Sizes,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes,
    groups: int,
) -> Array:
    """The transpose of `_convolve` in its kernel: how y goes together with x, shifted.

    Forward    out[o, c, k, l] = Σ_{n, i, j} y[n, o, i, j] x[n, c, s·i + d·k - p, s·j + d·l - p]
    Gradient   ȳ = x ⋆ ḡ        x̄ = y ⋆ᵀ ḡ
    Shapes     (n, o, oh, ow), (n, c, h, w) -> (o, c / groups, *kernel)
    """
    geo = geometry_of(x.shape[2:], kernel, stride, padding, dilation, groups)
    images = pad_images(as_images(x), geo)
    n, c = images.shape[:2]
    o, (kh, kw) = y.shape[1], geo.kernel
    split = y.reshape(n, groups, o // groups, geo.out[0] * geo.out[1])
    dtype = np.result_type(x, y)
    out = np.zeros_like(x, shape=(kh, groups, o // groups, c // groups * kw), dtype=dtype)
    shape = layout_shape(c, geo)
    for piece in pieces(n, int(np.prod(shape)) * x.itemsize):
        m = piece.stop - piece.start
        layout = np.empty_like(images, shape=(m, *shape))
        for tap in range(kw):
            layout[:, :, :, tap] = columns(images[piece], geo, tap)
        for tap in range(kh):
            met = rows(layout, geo, tap).reshape(m, groups, c // groups * kw, split.shape[-1])
            out[tap] += np.add.reduce(np.matmul(split[piece], met.mT), 0)
    out = out.reshape(kh, o, c // groups, kw).transpose(1, 2, 0, 3)
    return out.reshape(o, c // groups, *kernel)
