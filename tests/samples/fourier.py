"""Rows of Fourier transforms and of complex numbers, whose results are compared as pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
from tests.samples.sample import Sample, binary, normal, unary


def pairs(z: Any) -> Any:
    """Complex numbers of either library as pairs of real ones; real ones as they are."""
    if isinstance(z, mg.fft.complexes.Complex):
        return mg.view_as_real(z)
    return np.stack([z.real, z.imag], -1) if np.iscomplexobj(z) else z


def numbers(x: np.ndarray) -> np.ndarray:
    return x[..., 0] + 1j * x[..., 1]


def row(
    name: str, *arguments: Any, shape: tuple[int, ...] = (2, 5), complex: bool = False, **more: Any
) -> Sample:
    """A transform with its arguments, of real numbers or of pairs."""
    ours, theirs = getattr(mg.fft, name), getattr(np.fft, name)
    case = ",".join(map(str, arguments)) + " complex" * complex
    if complex:
        shape = (*shape, 2)
        return Sample(f"fft.{name}", lambda x: pairs(theirs(numbers(x), *arguments)), (shape,),
                      call=lambda x: pairs(ours(mg.view_as_complex(x), *arguments)), case=case,
                      **more)  # fmt: skip
    return Sample(f"fft.{name}", lambda x: pairs(theirs(x, *arguments)), (shape,),
                  call=lambda x: pairs(ours(x, *arguments)), case=case, **more)  # fmt: skip


def of_two(
    name: str, function: Callable[..., Any], case: str, shapes: Any = ((2, 3, 2), (3, 2))
) -> Sample:
    """An operation on complex numbers."""
    return Sample(name, lambda x, y: pairs(function(np, numbers(x), numbers(y))), shapes,
                  call=lambda x, y: pairs(function(mg, mg.view_as_complex(x),
                                                   mg.view_as_complex(y))), case=case)  # fmt: skip


def of_one(name: str, function: Callable[..., Any], case: str, shape: Any = (2, 3, 2)) -> Sample:
    return Sample(name, lambda x: pairs(function(np, numbers(x))), (shape,),
                  call=lambda x: pairs(function(mg, mg.view_as_complex(x))), case=case)  # fmt: skip


def spectra(x: np.ndarray, size: int, hop: int) -> np.ndarray:
    """The spectrum of each window, one after the other."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    count = (x.shape[-1] - size) // hop + 1
    columns = [np.fft.rfft(x[..., t * hop : t * hop + size] * window) for t in range(count)]
    return pairs(np.stack(columns, -1))


HANN = mg.hann_window(4, dtype=mg.float64).numpy()
TRANSFORMS = [
    row("fft", shape=(2, 5), empty=((0, 3),)),
    row("fft", 7, 0, "ortho"),
    row("fft", 3, complex=True),
    row("ifft", complex=True),
    row("ifft", None, 0, "forward"),
    row("rfft", shape=(2, 6), empty=((0, 3),)),
    row("rfft", 7, -1, "ortho"),
    row("rfft", 4, 1, "forward"),
    row("irfft", complex=True, shape=(2, 4)),
    row("irfft", 5, 0, complex=True, shape=(3, 2)),
    row("irfft", 8, -1, "ortho", complex=True, shape=(2, 3)),
    row("hfft", 5, complex=True, shape=(2, 3)),
    row("ihfft", 6),
    row("fft2", shape=(2, 3, 4)),
    row("ifft2", (2, 5), complex=True, shape=(3, 3)),
    row("rfft2", (4, 5), shape=(3, 4)),
    row("irfft2", (3, 4), complex=True, shape=(3, 3)),
    row("fftn", shape=(2, 2, 3)),
    row("ifftn", None, (0,), complex=True, shape=(3, 2)),
    row("rfftn", None, (2, 0), shape=(3, 2, 4)),
    row("irfftn", (2, 3), (1, 0), "forward", complex=True, shape=(2, 2)),
    Sample("fft.hfft2", lambda x: mirrored(x), ((2, 3),)),
    Sample("fft.ihfft2", lambda x: pairs(np.conj(np.fft.rfft2(x)) / x.size), ((3, 4),),
           call=lambda x: pairs(mg.fft.ihfft2(x))),
    unary("fft.fftshift", np.fft.fftshift, shapes=((2, 3),), zero_d=None),
    unary("fft.ifftshift", np.fft.ifftshift, shapes=((2, 3),), zero_d=None),
    Sample("stft", lambda x: spectra(x, 4, 2), ((2, 9),),
           call=lambda x: pairs(mg.stft(x, 4, 2, window=HANN.astype(x.dtype),
                                        center=False, return_complex=True))),
    Sample("istft", lambda x: x, ((2, 12),),
           call=lambda x: mg.istft(mg.stft(x, 4, 2, return_complex=True), 4, 2)),
]  # fmt: skip


def mirrored(x: np.ndarray) -> np.ndarray:
    """The definition of the transform of what mirrors itself, for real x: of its inverse."""
    n = 2 * (x.shape[-1] - 1)
    return np.fft.irfft2(x, (x.shape[-2], n), norm="forward")


NUMBERS = [
    of_two("mul", lambda m, z, w: z * w, "complex"),
    of_two("add", lambda m, z, w: z + w - 2j * z, "complex"),
    of_two("div", lambda m, z, w: z / w, "complex"),
    of_two("matmul", lambda m, z, w: z @ w, "complex", ((2, 3, 2), (3, 2, 2))),
    of_two("where", lambda m, z, w: m.stack([z, w.conj()]), "complex", ((3, 2), (3, 2))),
    of_one("exp", lambda m, z: m.exp(z), "complex"),
    of_one("log", lambda m, z: m.log(z), "complex"),
    of_one("sqrt", lambda m, z: m.sqrt(z), "complex"),
    of_one("abs", lambda m, z: m.abs(z), "complex"),
    of_one("angle", lambda m, z: m.angle(z), "complex"),
    of_one("pow", lambda m, z: z**3, "complex"),
    of_one("sum", lambda m, z: z.reshape(3, 2).T.sum(1), "complex"),
    of_one("conj", lambda m, z: z.conj()[0, 1:] * z.real[0, 1:], "complex"),
    unary("exp", lambda x: pairs(np.exp((0.5 + 1j) * x)),
          call=lambda x: pairs(mg.exp((0.5 + 1j) * x)), case="spiral", empty=None),
    unary("real", lambda x: x),
    unary("resolve_conj", lambda x: x),
    binary("complex", lambda x, y: pairs(x + 1j * y), call=lambda x, y: pairs(mg.complex(x, y)),
           empty=None),
    binary("polar", lambda x, y: pairs(x * np.exp(1j * y)), normal,
           lambda x, y: pairs(mg.polar(x, y)), empty=None),
]  # fmt: skip

SAMPLES: list[Sample] = [*TRANSFORMS, *NUMBERS]
