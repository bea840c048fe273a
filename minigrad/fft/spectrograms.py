"""Short-time Fourier transforms: the spectrum of each window of a signal."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.composition import composition
from minigrad.fft.complexes import Complex, view_as_complex, view_as_real
from minigrad.fft.transforms import fft, ifft, irfft, rfft
from minigrad.ops.gathering import _overlap_add

__all__ = ["istft", "stft"]


@composition
def stft(
    input: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
) -> Any:
    """The spectrum of each window of a signal.

    n_fft           the size of a transform
    hop_length      how far the window moves on: n_fft / 4 if left out
    win_length      the size of the window, which zeros surround up to n_fft
    window          what the entries of a window are multiplied by: 1 if left out
    center          whether window t lies around entry t · hop_length: then the signal is padded,
    pad_mode        as `nn.functional.pad` does in this mode
    normalized      divide by √n_fft
    onesided        only the half of the spectrum that is not mirrored
    return_complex  complex numbers, or pairs of real ones; it has to be said

    Forward    out[k, t] = Σⱼ window[j] x[t · hop + j] exp(-2πi j k / n_fft)
    Gradient   x̄ = the inverse transforms of ḡ, windowed, and added where windows overlap
    Shapes     (l,) or (b, l) -> (..., n_fft / 2 + 1, t)
    Raises     ValueError if sizes do not go together
    Source     Allen and Rabiner 1977
    Example    >>> mg.stft(mg.ones(8), 4, return_complex=True).abs()[:, 0]
               tensor([4., 0., 0.])
    """
    hop, size = sizes("stft", n_fft, hop_length, win_length)
    if return_complex is None:
        raise ValueError("stft: say return_complex=True or False")
    if len(input.shape) not in (1, 2):
        raise ValueError(f"stft takes (l,) or (b, l), got shape {tuple(input.shape)}")
    if center:
        around = (n_fft // 2, n_fft // 2)
        batched = input if input.ndim > 1 else input[None]
        batched = ops.pad(batched, around, pad_mode)
        input = batched if input.ndim > 1 else batched[0]
    if input.shape[-1] < n_fft:
        raise ValueError(f"stft: a signal of {input.shape[-1]} entries is shorter than {n_fft}")
    frames = ops.unfold(input, -1, n_fft, hop)
    weights = centred(window, size, n_fft, input)
    if weights is not None:
        frames = frames * weights
    half = not isinstance(frames, Complex) if onesided is None else onesided
    out = (rfft if half else fft)(frames, norm="ortho" if normalized else None)
    out = ops.transpose(out, -2, -1)
    return out if return_complex else view_as_real(out)


@composition
def istft(
    input: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Any:
    """The signal that has the spectra of `stft`, in the sense of least squares.

    length     how many entries it has; left out, as many as the windows cover
    Forward    out = Σₜ window · ifft(x[:, t]) at its place, divided by Σₜ window² there
    Gradient   x̄ = the windowed transforms of ḡ, so divided
    Shapes     (..., n_fft / 2 + 1, t) -> (..., l)
    Raises     ValueError if sizes do not go together; RuntimeError where no window covers an entry
    Source     Griffin and Lim 1984
    Example    >>> x = mg.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
               >>> mg.istft(mg.stft(x, 4, return_complex=True), 4)
               tensor([1., 2., 3., 4., 5., 6., 7., 8.])
    """
    z = input if isinstance(input, Complex) else view_as_complex(input)
    hop, size = sizes("istft", n_fft, hop_length, win_length)
    half = z.shape[-2] == n_fft // 2 + 1 if onesided is None else onesided
    wanted = n_fft // 2 + 1 if half else n_fft
    if z.ndim not in (2, 3) or z.shape[-2] != wanted:
        raise ValueError(f"istft takes (..., {wanted}, t), got shape {tuple(z.shape)}")
    z = ops.transpose(z, -2, -1)
    norm = "ortho" if normalized else None
    frames = irfft(z, n_fft, norm=norm) if half else ifft(z, norm=norm)
    if not half and not return_complex:
        frames = frames.real
    weights = centred(window, size, n_fft, z.real)
    if weights is None:
        weights = np.ones(n_fft, z.real.dtype)
    out = added(frames * weights, hop)
    squares = ops.expand(weights * weights, z.shape[-2], n_fft)
    envelope = added(squares, hop)
    first = n_fft // 2 if center else 0
    last = out.shape[-1] - first if length is None else first + length
    out, envelope = out[..., first:last], envelope[first:last]
    numbers = envelope.detach().numpy() if hasattr(envelope, "detach") else envelope
    if numbers.size and np.abs(numbers).min() < 1e-11:
        raise RuntimeError("istft: no window covers some entries; see hop_length and center")
    out = out / envelope
    missing = 0 if length is None else length - out.shape[-1]
    return ops.pad(out, (0, missing)) if missing > 0 else out


def sizes(name: str, n_fft: int, hop: int | None, window: int | None) -> tuple[int, int]:
    hop = n_fft // 4 if hop is None else hop
    window = n_fft if window is None else window
    if n_fft < 1 or hop < 1 or not 0 < window <= n_fft:
        raise ValueError(
            f"{name}: n_fft and hop_length are positive and win_length is at most n_fft; got "
            f"{n_fft}, {hop} and {window}"
        )
    return hop, window


def centred(window: Any, size: int, n_fft: int, like: Any) -> Any:
    """A window of `size` entries with zeros around it; None where it changes nothing."""
    if window is None and size == n_fft:
        return None
    if window is None:
        window = np.ones(size, like.dtype)
    if tuple(window.shape) != (size,):
        raise ValueError(f"a window has shape ({size},), got {tuple(window.shape)}")
    before = (n_fft - size) // 2
    return ops.pad(window, (before, n_fft - size - before)) if size < n_fft else window


def added(frames: Any, hop: int) -> Any:
    """Windows (..., t, n) put to their places, and added where they overlap."""
    *lead, count, size = frames.shape
    total = (count - 1) * hop + size
    if isinstance(frames, Complex):
        real, imag = added(frames.real, hop), added(frames.imag, hop)
        return Complex(ops.stack([real, imag], -1))
    return _overlap_add(frames, (*lead, total), len(lead), size, hop)
