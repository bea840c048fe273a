"""Fourier transforms, under the names of ``torch.fft``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad import ops
from minigrad.composition import composition
from minigrad.creation import tensor
from minigrad.dtypes import resolve
from minigrad.fft.complexes import Complex, conj
from minigrad.numpy_protocol.dispatch import of
from minigrad.ops.fourier import _fourier, _from_half_spectrum, _half_spectrum
from minigrad.promotion import get_default_dtype

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2",
    "ifftn", "ifftshift", "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2",
    "rfftfreq", "rfftn",
]  # fmt: skip

Axes = Sequence[int] | int | None
NORMS = ("backward", "ortho", "forward")
OTHER = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


# ----------------------------------------------------------------------------------- in one axis


@composition
def fft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The discrete Fourier transform along an axis.

    n          how many entries of it count: others are left out, missing ones are 0
    norm       "backward": the inverse is divided by n; "forward": this one is; "ortho": both are
               divided by √n
    Forward    out[k] = Σⱼ x[j] exp(-2πi j k / n), complex
    Gradient   x̄ = the inverse transform of ḡ, times n; its real part for real x
    Shapes     (..., m, ...) -> (..., n, ...)
    Raises     ValueError for n < 1 or an unknown norm; IndexError if there is no such axis
    Source     Cooley and Tukey 1965
    Example    >>> mg.fft.fft(mg.tensor([1.0, 2.0, 3.0, 4.0]))
               tensor([10.+0.j, -2.+2.j, -2.+0.j, -2.-2.j])
    """
    return along("fft", input, n, dim, norm, inverse=False)


@composition
def ifft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The inverse of `fft`.

    Forward    out[j] = 1/n Σₖ x[k] exp(2πi j k / n), complex
    Gradient   x̄ = the transform of ḡ, divided by n
    Shapes     (..., m, ...) -> (..., n, ...)
    Raises     ValueError for n < 1 or an unknown norm; IndexError if there is no such axis
    Example    >>> mg.fft.ifft(mg.fft.fft(mg.tensor([1.0, 2.0]))).real
               tensor([1., 2.])
    """
    return along("ifft", input, n, dim, norm, inverse=True)


@composition
def rfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The first half of the Fourier transform of real numbers: the other half mirrors it.

    n, norm    as in `fft`
    Forward    out[k] = Σⱼ x[j] exp(-2πi j k / n) for k = 0 ... n / 2, complex
    Gradient   x̄ = the real part of Σₖ ḡ[k] exp(2πi j k / n)
    Shapes     (..., m, ...) -> (..., ⌊n / 2⌋ + 1, ...)
    Raises     ValueError for n < 1 or an unknown norm; TypeError if x is complex
    Example    >>> x = mg.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
               >>> power = mg.fft.rfft(x).abs() ** 2
               >>> power
               tensor([100.,   8.,   4.], grad_fn=pow)
               >>> power.sum().backward()
               >>> x.grad
               tensor([12., 20., 20., 28.])
    """
    if isinstance(input, Complex):
        raise TypeError("rfft takes real numbers; the transform of complex ones is fft")
    x, axis = floats(input), normalize_axis_index(dim, input.ndim)
    n = size_of("rfft", x.shape[axis] if n is None else n)
    out = Complex(_half_spectrum(fitted(x, n, axis), axis))
    return scaled(out, n, "rfft", norm, inverse=False)


@composition
def irfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The inverse of `rfft`: the real numbers that have a half spectrum.

    n          how many; left out, an even number, 2 (m - 1)
    norm       as in `fft`
    Forward    out[j] = 1/n Σₖ x[k] exp(2πi j k / n), with conjugates for what x mirrors
    Gradient   x̄ = rfft(ḡ) / n, doubled where x has a mirror image
    Shapes     (..., m, ...) -> (..., n, ...)
    Raises     ValueError for n < 1 or an unknown norm
    Example    >>> mg.fft.irfft(mg.fft.rfft(mg.tensor([1.0, 2.0, 4.0])), n=3)
               tensor([1., 2., 4.])
    """
    z, axis = as_complex(input), normalize_axis_index(dim, input.ndim)
    n = size_of("irfft", 2 * (z.shape[axis] - 1) if n is None else n)
    out = _from_half_spectrum(fitted(z.pairs, n // 2 + 1, axis), n, axis)
    return scaled(out, n, "irfft", norm, inverse=True)


@composition
def hfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The Fourier transform of what mirrors itself: real numbers.

    Forward    out[k] = Σⱼ x[j] exp(-2πi j k / n), with conjugates for what x mirrors
    Gradient   x̄ = the conjugate of rfft(ḡ), doubled where x has a mirror image
    Shapes     (..., m, ...) -> (..., n, ...), n = 2 (m - 1) if left out
    Raises     ValueError for n < 1 or an unknown norm
    Example    >>> mg.fft.hfft(mg.fft.ihfft(mg.tensor([1.0, 2.0])))
               tensor([1., 2.])
    """
    return irfft(conj(as_complex(input)), n, dim, other(norm))


@composition
def ihfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The inverse of `hfft`: half of the inverse transform of real numbers.

    Forward    out[j] = 1/n Σₖ x[k] exp(2πi j k / n) for j = 0 ... n / 2, complex
    Gradient   x̄ = the real part of Σⱼ ḡ[j] exp(-2πi j k / n) / n
    Shapes     (..., m, ...) -> (..., ⌊n / 2⌋ + 1, ...)
    Raises     ValueError for n < 1 or an unknown norm; TypeError if x is complex
    Example    >>> mg.fft.ihfft(mg.tensor([1.0, 2.0]))
               tensor([ 1.5-0.j, -0.5-0.j])
    """
    return conj(rfft(input, n, dim, other(norm)))


def along(name: str, x: Any, n: int | None, dim: int, norm: str | None, inverse: bool) -> Complex:
    """`fft`, or its inverse."""
    z, axis = as_complex(x), normalize_axis_index(dim, x.ndim)
    n = size_of(name, z.shape[axis] if n is None else n)
    out = Complex(_fourier(fitted(z.pairs, n, axis), axis, inverse))
    return scaled(out, n, name, norm, inverse)


def floats(x: Any) -> Any:
    """Real numbers as floating-point ones."""
    return x if x.dtype.kind == "f" else ops.astype(x, get_default_dtype())


def as_complex(x: Any) -> Complex:
    """Real numbers as complex ones."""
    if isinstance(x, Complex):
        return x
    x = floats(x)
    return Complex(ops.stack([x, np.zeros(x.shape, x.dtype)], -1))


def size_of(name: str, n: int) -> int:
    if n < 1:
        raise ValueError(f"{name}: a transform is of at least one entry, got n = {n}")
    return n


def fitted(x: Any, n: int, axis: int) -> Any:
    """The first n entries of an axis, with zeros for those that are missing."""
    size = x.shape[axis]
    if size > n:
        return ops.narrow(x, axis, 0, n)
    if size < n:
        return ops.pad(x, (0, 0) * (x.ndim - axis - 1) + (0, n - size))
    return x


def scaled(out: Any, n: int, name: str, norm: str | None, inverse: bool) -> Any:
    """A transform, divided as `norm` says."""
    norm = "backward" if norm is None else norm
    if norm not in NORMS:
        raise ValueError(f"{name}: norm is one of {', '.join(NORMS)}, got {norm!r}")
    if norm == "ortho":
        return out * (1 / math.sqrt(n))
    return out * (1 / n) if inverse == (norm == "backward") else out


def other(norm: str | None) -> str | None:
    """What normalises the conjugate transform alike; an unknown name is complained of there."""
    return OTHER.get(norm or "backward", norm)


# ------------------------------------------------------------------------------ in several axes


@composition
def fftn(input: Any, s: Axes = None, dim: Axes = None, norm: str | None = None) -> Any:
    """The Fourier transform along several axes.

    s          how many entries of each axis count, as `n` of `fft`
    dim        the axes: all of them, or the last ones that `s` has sizes for
    Forward    out = fft along each axis
    Gradient   x̄ = the inverse transforms of ḡ, times the product of the sizes
    Shapes     (..., m₁, m₂) -> (..., s₁, s₂)
    Raises     ValueError if `s` and `dim` are not of one length, or name an axis twice
    Example    >>> mg.fft.fftn(mg.eye(2)).real
               tensor([[2., 0.],
                       [0., 2.]])
    """
    for n, axis in sizes_and_axes("fftn", input, s, dim):
        input = along("fftn", input, n, axis, norm, inverse=False)
    return as_complex(input)


@composition
def ifftn(input: Any, s: Axes = None, dim: Axes = None, norm: str | None = None) -> Any:
    """The inverse of `fftn`.

    Forward    out = ifft along each axis
    Gradient   x̄ = the transforms of ḡ, divided by the product of the sizes
    Shapes     (..., m₁, m₂) -> (..., s₁, s₂)
    Raises     ValueError if `s` and `dim` are not of one length, or name an axis twice
    Example    >>> mg.fft.ifftn(mg.fft.fftn(mg.eye(2))).real
               tensor([[1., 0.],
                       [0., 1.]])
    """
    for n, axis in sizes_and_axes("ifftn", input, s, dim):
        input = along("ifftn", input, n, axis, norm, inverse=True)
    return as_complex(input)


@composition
def rfftn(input: Any, s: Axes = None, dim: Axes = None, norm: str | None = None) -> Any:
    """The Fourier transform of real numbers along several axes: half of the last one.

    Forward    out = rfft along the last axis of `dim`, and fft along the others
    Gradient   x̄ = the real part of the inverse transforms
    Shapes     (..., m₁, m₂) -> (..., s₁, ⌊s₂ / 2⌋ + 1)
    Raises     ValueError if `s` and `dim` are not of one length; TypeError if x is complex
    Example    >>> mg.fft.rfftn(mg.ones(2, 2)).real
               tensor([[4., 0.],
                       [0., 0.]])
    """
    *rest, (last, axis) = some("rfftn", sizes_and_axes("rfftn", input, s, dim))
    out = rfft(input, last, axis, norm)
    for n, axis in rest:
        out = along("rfftn", out, n, axis, norm, inverse=False)
    return out


@composition
def irfftn(input: Any, s: Axes = None, dim: Axes = None, norm: str | None = None) -> Any:
    """The inverse of `rfftn`.

    s          the sizes of the result; its last axis is even if they are left out
    Forward    out = ifft along all axes of `dim` but the last, and irfft along that
    Gradient   x̄ = rfftn(ḡ) divided by the product of the sizes, doubled where x has a mirror image
    Shapes     (..., m₁, m₂) -> (..., s₁, s₂)
    Raises     ValueError if `s` and `dim` are not of one length
    Example    >>> mg.fft.irfftn(mg.fft.rfftn(mg.eye(2)))
               tensor([[1., 0.],
                       [0., 1.]])
    """
    *rest, (last, axis) = some("irfftn", sizes_and_axes("irfftn", input, s, dim))
    for n, each in rest:
        input = along("irfftn", input, n, each, norm, inverse=True)
    return irfft(input, last if s is not None else None, axis, norm)


@composition
def hfftn(input: Any, s: Axes = None, dim: Axes = None, norm: str | None = None) -> Any:
    """The Fourier transform along several axes of what mirrors itself: real numbers.

    Forward    out = fft along all axes of `dim` but the last, and hfft along that
    Gradient   x̄ = the conjugate of rfftn(ḡ), doubled where x has a mirror image
    Shapes     (..., m₁, m₂) -> (..., s₁, s₂)
    Raises     ValueError if `s` and `dim` are not of one length
    Example    >>> mg.fft.hfftn(mg.fft.ihfftn(mg.eye(2)))
               tensor([[1., 0.],
                       [0., 1.]])
    """
    return irfftn(conj(as_complex(input)), s, dim, other(norm))


@composition
def ihfftn(input: Any, s: Axes = None, dim: Axes = None, norm: str | None = None) -> Any:
    """The inverse of `hfftn`.

    Forward    out = ihfft along the last axis of `dim`, and ifft along the others
    Gradient   x̄ = the real part of the transforms of ḡ, divided by the product of the sizes
    Shapes     (..., m₁, m₂) -> (..., s₁, ⌊s₂ / 2⌋ + 1)
    Raises     ValueError if `s` and `dim` are not of one length; TypeError if x is complex
    Example    >>> mg.fft.ihfftn(mg.ones(2, 2)).real
               tensor([[1., 0.],
                       [0., 0.]])
    """
    return conj(rfftn(input, s, dim, other(norm)))


def in_the_last_two(function: Callable[..., Any]) -> Callable[..., Any]:
    """A transform along several axes, of the last two if none are named."""

    def of_two(input: Any, s: Axes = None, dim: Axes = (-2, -1), norm: str | None = None) -> Any:
        return function(input, s, dim, norm)

    name = function.__name__[:-1] + "2"
    of_two.__name__ = of_two.__qualname__ = name
    of_two.__doc__ = f"`{function.__name__}` of the last two axes, unless others are named."
    return composition(of_two)


fft2, ifft2 = in_the_last_two(fftn), in_the_last_two(ifftn)
rfft2, irfft2 = in_the_last_two(rfftn), in_the_last_two(irfftn)
hfft2, ihfft2 = in_the_last_two(hfftn), in_the_last_two(ihfftn)


def sizes_and_axes(name: str, x: Any, s: Axes, dim: Axes) -> list[tuple[int | None, int]]:
    """Each axis of a transform with the number of its entries that count, None for all."""
    sizes = None if s is None else [s] if isinstance(s, int) else list(s)
    if dim is None:
        count = x.ndim if sizes is None else len(sizes)
        axes = list(range(x.ndim - count, x.ndim))
    else:
        axes = [dim] if isinstance(dim, int) else list(dim)
    axes = [normalize_axis_index(axis, x.ndim) for axis in axes]
    if len(set(axes)) < len(axes) or (sizes is not None and len(sizes) != len(axes)):
        raise ValueError(f"{name}: s has a size for each of different axes; got {s} for {dim}")
    return list(zip([None] * len(axes) if sizes is None else whole(sizes), axes))


def whole(sizes: list[int]) -> list[int | None]:
    """-1 stands for all entries."""
    return [None if n == -1 else n for n in sizes]


def some(name: str, axes: list[Any]) -> list[Any]:
    if not axes:
        raise ValueError(f"{name}: a transform of real numbers needs an axis")
    return axes


# ------------------------------------------------------------------------------- frequencies


def frequencies(values: Any, dtype: Any, requires_grad: bool) -> Any:
    kind = get_default_dtype() if dtype is None else resolve(dtype)
    return tensor(np.asarray(values, kind), requires_grad=requires_grad)


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """The frequencies of the entries of `fft`, in cycles per unit.

    d          the distance of two samples
    Example    >>> mg.fft.fftfreq(4)
               tensor([ 0.  ,  0.25, -0.5 , -0.25])
    """
    return frequencies(np.fft.fftfreq(n, d), dtype, requires_grad)


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """The frequencies of the entries of `rfft`, in cycles per unit.

    Example    >>> mg.fft.rfftfreq(4)
               tensor([0.  , 0.25, 0.5 ])
    """
    return frequencies(np.fft.rfftfreq(n, d), dtype, requires_grad)


@composition
def fftshift(input: Any, dim: Axes = None) -> Any:
    """The frequency 0 moved to the middle of each axis.

    Forward    out = x, rolled by half its size
    Gradient   x̄ = ḡ, rolled back
    Shapes     (...) -> (...)
    Example    >>> mg.fft.fftshift(mg.fft.fftfreq(4))
               tensor([-0.5 , -0.25,  0.  ,  0.25])
    """
    axes = axes_of(input, dim)
    return ops.roll(input, tuple(input.shape[axis] // 2 for axis in axes), axes)


@composition
def ifftshift(input: Any, dim: Axes = None) -> Any:
    """The inverse of `fftshift`.

    Forward    out = x, rolled back by half its size
    Gradient   x̄ = ḡ, rolled
    Shapes     (...) -> (...)
    Example    >>> mg.fft.ifftshift(mg.tensor([-1.0, 0.0, 1.0]))
               tensor([ 0.,  1., -1.])
    """
    axes = axes_of(input, dim)
    return ops.roll(input, tuple(-(input.shape[axis] // 2) for axis in axes), axes)


def axes_of(x: Any, dim: Axes) -> tuple[int, ...]:
    return tuple(range(x.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)


# ------------------------------------------------------------------------------- NumPy's door


def mapped(theirs: Any, ours: Callable[..., Any]) -> None:
    """Let NumPy's function of tensors be ours."""
    if theirs.__name__.rstrip("2n") == theirs.__name__:

        @of(theirs)
        def of_one_axis(
            a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: None = None
        ) -> Any:
            return ours(a, n, axis, norm)
    else:
        last_two = (-2, -1) if theirs.__name__.endswith("2") else None

        @of(theirs)
        def of_several_axes(
            a: Any, s: Any = None, axes: Any = last_two, norm: Any = None, out: None = None
        ) -> Any:
            return ours(a, s, axes, norm)


for each in (fft, ifft, rfft, irfft, hfft, ihfft, fftn, ifftn, rfftn, irfftn,
             fft2, ifft2, rfft2, irfft2):  # fmt: skip
    mapped(getattr(np.fft, each.__name__), each)


@of(np.fft.fftshift)
def shifted(x: Any, axes: Any = None) -> Any:
    return fftshift(x, axes)


@of(np.fft.ifftshift)
def shifted_back(x: Any, axes: Any = None) -> Any:
    return ifftshift(x, axes)
