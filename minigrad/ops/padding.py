"""Padding: a frame around a tensor, and its transpose, cropping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.calls import Array, op
from minigrad.composition import composition

__all__ = ["_crop", "_pad", "pad", "pad_by_index"]


def inside(widths: Any, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Where the unpadded tensor lies in a padded one of `shape`."""
    return tuple([slice(before, n - after) for (before, after), n in zip(widths, shape)])


@op(lambda g, widths: _crop(g, widths), notation="pad({x})")
def _pad(x: Array, widths: Any, value: float = 0.0) -> Array:
    """A frame of `value` around x.

    Forward    out[before + i, ...] = x[i, ...], and `value` elsewhere
    Gradient   x̄ = ḡ without the frame
    Shapes     (n, ...) -> (before + n + after, ...), with a pair (before, after) for each axis
    """
    shape = tuple([before + n + after for (before, after), n in zip(widths, x.shape)])
    out = np.full_like(x, value, shape=shape, order="C")
    out[inside(widths, shape)] = x
    return out


@op(lambda g, widths: _pad(g, widths), view=True, notation="crop({x})")
def _crop(x: Array, widths: Any) -> Array:
    """Without a frame: the transpose of padding with zeros.

    Forward    out[i, ...] = x[before + i, ...]
    Gradient   x̄ = ḡ with a frame of zeros
    Shapes     (before + n + after, ...) -> (n, ...), with a pair (before, after) for each axis
    """
    return x[inside(widths, x.shape)]


@composition
def pad_by_index(x: Any, widths: Any, mode: str) -> Any:
    """A frame made of entries of x: NumPy's modes "reflect", "edge", "wrap" and "symmetric".

    Padding the positions of an axis as NumPy would pad its entries says which entry goes where.
    """
    padded: Any = np.pad
    for axis, (before, after) in enumerate(widths):
        if before or after:
            positions = padded(np.arange(x.shape[axis]), (before, after), mode)
            x = x[(slice(None),) * axis + (positions,)]
    return x


NUMPY_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@composition
def pad(x: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """A frame around a tensor.

    pad        widths, the last axis first: (left, right), or (left, right, top, bottom), and so on;
               a negative width takes entries away
    mode       "constant": filled with `value` (0 at first); "reflect": mirrored at the outermost
               entry, which is not repeated; "replicate": the outermost entry repeated; "circular":
               from the other end
    Forward    out[..., top + i, left + j] = x[..., i, j], and the frame as `mode` says
    Gradient   x̄ = ḡ without the frame, to which the gradients of copied entries are added
    Shapes     (..., h, w) -> (..., top + h + bottom, left + w + right)
    Raises     ValueError for an odd number of widths, more pairs than axes, an unknown mode, or an
               axis that is too short for the mode
    Example    >>> mg.nn.functional.pad(mg.tensor([1.0, 2.0]), (1, 2))
               tensor([0., 1., 2., 0., 0.])
               >>> mg.nn.functional.pad(mg.tensor([1.0, 2.0, 3.0]), (1, 1), mode="reflect")
               tensor([2., 1., 2., 3., 2.])
    """
    widths = check_widths(x.shape, tuple(pad), mode)
    added = tuple([(max(before, 0), max(after, 0)) for before, after in widths])
    if mode == "circular":  # what is taken away does not come back from the other end
        x, widths = _crop_negative(x, widths), added
    if mode == "constant":
        x = _pad(x, added, 0.0 if value is None else value)
    elif value:
        raise ValueError(f"pad: a value goes with mode 'constant', not {mode!r}")
    else:
        x = pad_by_index(x, added, NUMPY_MODES[mode])
    return _crop_negative(x, widths)


def _crop_negative(x: Any, widths: Any) -> Any:
    """Without the entries that negative widths take away."""
    if all(before >= 0 and after >= 0 for before, after in widths):
        return x
    return _crop(x, tuple([(max(-before, 0), max(-after, 0)) for before, after in widths]))


def check_widths(shape: tuple[int, ...], pad: tuple[int, ...], mode: str) -> Any:
    """`pad` as pairs (before, after), first axis first."""
    if len(pad) % 2 or len(pad) > 2 * len(shape):
        raise ValueError(
            f"pad: widths are pairs, at most one for each of {len(shape)} axes, got {pad}"
        )
    if mode != "constant" and mode not in NUMPY_MODES:
        raise ValueError(
            f"pad: mode is 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}"
        )
    pairs = [(0, 0)] * (len(shape) - len(pad) // 2) + list(zip(pad[::2], pad[1::2]))[::-1]
    for axis, (n, (before, after)) in enumerate(zip(shape, pairs)):
        most = max(before, after)
        limit = {"reflect": n - 1, "circular": n, "replicate": n and most}.get(mode, most)
        if most > max(limit, 0):
            raise ValueError(f"pad: mode {mode!r} cannot add {most} to axis {axis} of size {n}")
        if n + before + after < 0 or before < -n or after < -n:
            raise ValueError(
                f"pad: widths {before} and {after} take more than axis {axis} has, {n}"
            )
    return tuple(pairs)
