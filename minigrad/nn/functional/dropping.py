"""Dropout: entries or channels set to zero at random, the others scaled up in return.

Random numbers come from the common generator: `minigrad.manual_seed` makes them repeatable.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.composition import composition
from minigrad.inplace import update
from minigrad.nn.functional.reducing import as_given
from minigrad.tensor import Tensor

__all__ = [
    "alpha_dropout", "dropout", "dropout1d", "dropout2d", "feature_alpha_dropout",
]  # fmt: skip


def drops(name: str, input: Any, p: float, training: bool) -> bool:
    """Whether anything is dropped; if not, no random number is drawn.

    Raises   ValueError if p is not a probability; TypeError if the input holds integers.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is a probability, 0 ... 1, got {p}")
    if not training or p == 0:
        return False
    if input.dtype.kind != "f" and p < 1:
        raise TypeError(f"{name} takes floating-point numbers, got {input.dtype}: use t.float()")
    return True


def dropout_mask(shape: tuple[int, ...], p: float, scale: float, dtype: Any) -> Any:
    """Random numbers that are 0 with probability p, else `scale`."""
    keep = random.source(None).random(shape, np.float32) >= p
    mask = (keep.astype(dtype) * scale).astype(dtype, copy=False)
    return np.asarray(mask)  # of a 0-d input: an array, not a number


def drop(
    name: str, input: Tensor, p: float, training: bool, inplace: bool, shape: tuple[int, ...]
) -> Tensor:
    """`input` with a random mask of `shape`, which broadcasts."""
    if not drops(name, input, p, training):
        return input
    scale = 1 / (1 - p) if p < 1 else 0.0
    mask = as_given(random.drawn(dropout_mask, shape, p, scale, input.dtype), input)
    out: Tensor = update(input, f"{name}_", ops.mul, mask) if inplace else input * mask
    return out


@composition
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Entries set to zero at random in training; the identity otherwise.

    p   the probability of zero

    Forward    out = x m / (1 - p), where m is 0 with probability p, else 1
    Gradient   x̄ = ḡ m / (1 - p)
    Shapes     (...) -> (...)
    Raises     ValueError if p is not within 0 ... 1
    Source     Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014
    Example    >>> mg.nn.functional.dropout(mg.tensor([1.0, 2.0]), training=False)
               tensor([1., 2.])
    """
    return drop("dropout", input, p, training, inplace, input.shape)


def channels_of(input: Any) -> tuple[int, ...]:
    """The shape of one number for each channel of each sample."""
    return (*input.shape[:2], *[1] * (len(input.shape) - 2))


@composition
def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of signals set to zero at random in training; the identity otherwise.

    p   the probability of zero

    Forward    out = x m / (1 - p), with one m for each channel, 0 with probability p, else 1
    Gradient   x̄ = ḡ m / (1 - p)
    Shapes     (n, c, w) or (c, w) -> as the input
    Raises     ValueError if p is not within 0 ... 1, or for another number of axes
    Source     Tompson, Goroshin, Jain, LeCun and Bregler 2015
    Example    >>> mg.nn.functional.dropout1d(mg.ones(1, 2, 3), training=False).shape
               (1, 2, 3)
    """
    if len(input.shape) not in (2, 3):
        raise ValueError(f"dropout1d takes (n, c, w) or (c, w), got shape {input.shape}")
    shape = channels_of(input) if len(input.shape) == 3 else (input.shape[0], 1)
    return drop("dropout1d", input, p, training, inplace, shape)


@composition
def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of images set to zero at random in training; the identity otherwise.

    p   the probability of zero

    Forward    out = x m / (1 - p), with one m for each channel, 0 with probability p, else 1
    Gradient   x̄ = ḡ m / (1 - p)
    Shapes     (n, c, h, w) -> (n, c, h, w).  An input of three axes is taken for signals
               (n, c, w), with a warning, as in PyTorch
    Raises     ValueError if p is not within 0 ... 1, or if the input has fewer than two axes
    Source     Tompson, Goroshin, Jain, LeCun and Bregler 2015
    Example    >>> mg.nn.functional.dropout2d(mg.ones(1, 2, 3, 3), training=False).shape
               (1, 2, 3, 3)
    """
    ndim = len(input.shape)
    if ndim < 2:
        raise ValueError(f"dropout2d takes (n, c, h, w), got shape {input.shape}")
    if ndim != 4:
        meant = "; it is taken for signals (n, c, w): use dropout1d" if ndim == 3 else ""
        warnings.warn(f"dropout2d of an input of {ndim} axes{meant}", stacklevel=2)
    return drop("dropout2d", input, p, training, inplace, channels_of(input))


ALPHA = -1.7580993408473766  # what `selu` tends to on the left


def drop_to_alpha(
    name: str, input: Tensor, p: float, training: bool, inplace: bool, shape: tuple[int, ...]
) -> Tensor:
    """Entries set to `ALPHA`, then scaled and shifted so that mean and variance stay."""
    if not drops(name, input, p, training):
        return input
    scale = 1 / math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p)) if p < 1 else 0.0
    keep = as_given(random.drawn(dropout_mask, shape, p, 1.0, input.dtype), input)
    kept_scale = keep * scale
    shift = (1 - keep) * (scale * ALPHA) - scale * ALPHA * p

    def scaled(x: Tensor) -> Any:
        return x * kept_scale + shift

    out: Tensor = update(input, f"{name}_", scaled) if inplace else scaled(input)
    return out


@composition
def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout for `selu`: keeps mean 0 and variance 1.

    p   the probability of dropping an entry

    Forward    out = a (x m + α (1 - m)) + b with α = -1.758, a = ((1 + α² p)(1 - p))^-½ and
               b = -a α p, where m is 0 with probability p, else 1
    Gradient   x̄ = a m ḡ
    Shapes     (...) -> (...)
    Raises     ValueError if p is not within 0 ... 1
    Source     Klambauer, Unterthiner, Mayr and Hochreiter 2017, section 3
    Example    >>> mg.nn.functional.alpha_dropout(mg.tensor([1.0, 2.0]))
               tensor([1., 2.])
    """
    return drop_to_alpha("alpha_dropout", input, p, training, inplace, input.shape)


@composition
def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels.

    p   the probability of dropping a channel

    Forward    out = a (x m + α (1 - m)) + b, as in `alpha_dropout`, with one m for each channel
    Gradient   x̄ = a m ḡ
    Shapes     (n, c, ...) -> (n, c, ...)
    Raises     ValueError if p is not within 0 ... 1, or if the input has fewer than two axes
    Source     Klambauer, Unterthiner, Mayr and Hochreiter 2017, section 3
    Example    >>> mg.nn.functional.feature_alpha_dropout(mg.ones(1, 2, 3)).shape
               (1, 2, 3)
    """
    if not (training and p > 0) and 0 <= p <= 1:
        return input
    if len(input.shape) < 2:
        raise ValueError(f"feature_alpha_dropout takes (n, c, ...), got shape {input.shape}")
    return drop_to_alpha("feature_alpha_dropout", input, p, training, inplace, channels_of(input))
