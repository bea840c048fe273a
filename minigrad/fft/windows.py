"""Windows: what the entries of a piece of a signal are multiplied by before its transform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.creation import tensor
from minigrad.dtypes import resolve
from minigrad.promotion import get_default_dtype

__all__ = [
    "bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window",
]  # fmt: skip


def window(
    name: str,
    values: Callable[[Any], Any],
    size: int,
    periodic: bool,
    dtype: Any,
    requires_grad: bool,
) -> Any:
    """A window of `size` entries: `values` of places from 0 to 1.

    A periodic one is the symmetric one of a further entry, without its last entry.
    """
    if size < 0:
        raise ValueError(f"{name}: the length is not negative, got {size}")
    kind = get_default_dtype() if dtype is None else resolve(dtype)
    if kind.kind != "f":
        raise TypeError(f"{name}: a window is of floating-point numbers, not {kind}")
    if size <= 1:
        return tensor(np.ones(size, kind), requires_grad=requires_grad)
    places = np.arange(size) / (size if periodic else size - 1)
    return tensor(values(places).astype(kind), requires_grad=requires_grad)


def cosine(places: Any, k: int = 1) -> Any:
    return np.cos(2 * np.pi * k * places)


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Hann's window.

    periodic   whether the window is that of a further entry, without it: for spectra
    Forward    out = ½ - ½ cos(2π i / n)
    Raises     ValueError for a negative length
    Example    >>> mg.hann_window(4)
               tensor([0. , 0.5, 1. , 0.5])
    """
    return window(
        "hann_window", lambda t: 0.5 - 0.5 * cosine(t), window_length, periodic, dtype,
        requires_grad,
    )  # fmt: skip


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Hamming's window.

    periodic   as in `hann_window`
    Forward    out = α - β cos(2π i / n)
    Raises     ValueError for a negative length
    Example    >>> mg.hamming_window(4)
               tensor([0.08, 0.54, 1.  , 0.54])
    """
    return window(
        "hamming_window", lambda t: alpha - beta * cosine(t), window_length, periodic, dtype,
        requires_grad,
    )  # fmt: skip


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Blackman's window.

    periodic   as in `hann_window`
    Forward    out = 0.42 - ½ cos(2π i / n) + 0.08 cos(4π i / n)
    Raises     ValueError for a negative length
    Example    >>> mg.blackman_window(4).round(decimals=2).abs()
               tensor([0.  , 0.34, 1.  , 0.34])
    """
    return window(
        "blackman_window", lambda t: 0.42 - 0.5 * cosine(t) + 0.08 * cosine(t, 2), window_length,
        periodic, dtype, requires_grad,
    )  # fmt: skip


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Bartlett's window, a triangle.

    periodic   as in `hann_window`
    Forward    out = 1 - |2 i / n - 1|
    Raises     ValueError for a negative length
    Example    >>> mg.bartlett_window(4)
               tensor([0. , 0.5, 1. , 0.5])
    """
    return window(
        "bartlett_window", lambda t: 1 - np.abs(2 * t - 1), window_length, periodic, dtype,
        requires_grad,
    )  # fmt: skip


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Kaiser's window, with the modified Bessel function I₀.

    periodic   as in `hann_window`
    beta       how narrow it is
    Forward    out = I₀(β √(1 - (2 i / n - 1)²)) / I₀(β)
    Raises     ValueError for a negative length
    Example    >>> mg.kaiser_window(4, beta=0.0)
               tensor([1., 1., 1., 1.])
    """

    def values(places: Any) -> Any:
        inside = np.maximum(1 - (2 * places - 1) ** 2, 0)
        return np.i0(beta * np.sqrt(inside)) / np.i0(beta)

    return window("kaiser_window", values, window_length, periodic, dtype, requires_grad)
