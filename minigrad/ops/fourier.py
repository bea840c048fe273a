"""Fourier transforms, and products of complex numbers.

A complex number is a pair of real ones, in a last axis of size 2, as in PyTorch's `view_as_real`:
its memory is that of NumPy's complex numbers, which compute.  Gradients are pairs, too: the
gradient of the real part and that of the imaginary part.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.calls import Array, op
from minigrad.sums import widened


def as_complex(z: Array) -> Array:
    """Pairs as NumPy's complex numbers."""
    z = np.ascontiguousarray(widened(z))
    return z.view(np.result_type(z.dtype, np.complex64))[..., 0]


def as_pairs(z: Array, like: Array) -> Array:
    """NumPy's complex numbers as pairs, in the type of `like`."""
    z = np.ascontiguousarray(z)
    pairs = z.reshape(*z.shape, 1).view(z.real.dtype)
    return pairs.astype(like.dtype, copy=False)


def signs(like: Any) -> Array:
    """What the pair of a number is multiplied by to conjugate it."""
    return np.array([1, -1], like.dtype)


def turned(z: Any) -> Any:
    """The complex conjugates of pairs."""
    return z * signs(z)


@op(lambda g, dim, inverse: _fourier(g, dim, not inverse), notation="F {z}")
def _fourier(z: Array, dim: int, inverse: bool) -> Array:
    """The discrete Fourier transform of pairs, not divided by the number of entries.

    Forward    out[..., k, ...] = Σⱼ z[..., j, ...] exp(-2πi j k / n); with `inverse` +2πi
    Gradient   z̄ = Fᴴ ḡ
    Shapes     (..., n, ..., 2) -> (..., n, ..., 2)
    Source     Cooley and Tukey 1965
    """
    if inverse:
        return as_pairs(np.fft.ifft(as_complex(z), axis=dim, norm="forward"), z)
    return as_pairs(np.fft.fft(as_complex(z), axis=dim), z)


@op(
    lambda g, x_shape, dim: _from_half_spectrum(
        g * shares(x_shape, dim, 0.5, g), x_shape[dim], dim
    ),
    notation="F {x}",
)
def _half_spectrum(x: Array, dim: int) -> Array:
    """The first half of the Fourier transform of real numbers; the other half mirrors it.

    Forward    out[..., k, ...] = Σⱼ x[..., j, ...] exp(-2πi j k / n) for k = 0 ... n / 2, as pairs
    Gradient   x̄ = Re(Fᴴ ḡ)
    Shapes     (..., n, ...) -> (..., ⌊n / 2⌋ + 1, ..., 2)
    Source     Cooley and Tukey 1965
    """
    return as_pairs(np.fft.rfft(widened(x), axis=dim), x)


@op(
    lambda g, n, dim: _half_spectrum(g, dim) * shares(g.shape, dim, 2, g),
    notation="F⁻¹ {z}",
)
def _from_half_spectrum(z: Array, n: int, dim: int) -> Array:
    """The real numbers that have a half spectrum, times n.

    Forward    out[..., j, ...] = Σₖ zₖ exp(2πi j k / n) over k = 0 ... n - 1, with the conjugate
               of zₖ in place of the missing zₙ₋ₖ; imaginary parts that do not count are left out
    Gradient   z̄ = 2 F ḡ; F ḡ for a number without a mirror image
    Shapes     (..., ⌊n / 2⌋ + 1, ..., 2) -> (..., n, ...)
    Source     Cooley and Tukey 1965
    """
    out = np.fft.irfft(as_complex(z), n, axis=dim, norm="forward")
    return out.astype(z.dtype, copy=False)


def shares(shape: tuple[int, ...], dim: int, inner: float, like: Any) -> Array:
    """1 for the entries of a half spectrum without a mirror image, `inner` for the others."""
    n = shape[dim]
    each = np.full(n // 2 + 1, inner, like.dtype)
    each[0] = 1
    if n % 2 == 0:
        each[-1] = 1
    return each.reshape(-1, *[1] * (len(shape) - dim))


@op(
    lambda g, w: _complex_product(g, turned(w)),
    lambda g, z: _complex_product(g, turned(z)),
    promote=True,
    notation="{z} {w}",
)
def _complex_product(z: Array, w: Array) -> Array:
    """The product of complex numbers, as pairs.

    Forward    out = (a + i b) (c + i d) = (a c - b d) + i (a d + b c)
    Gradient   z̄ = ḡ wᴴ        w̄ = ḡ zᴴ
    Shapes     (..., 2), (..., 2) -> broadcast (..., 2)
    Raises     ValueError if the shapes do not broadcast
    """
    return as_pairs(as_complex(z) * as_complex(w), z)
