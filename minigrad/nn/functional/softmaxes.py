"""Softmax and its kin: functions that turn scores along an axis into probabilities."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.nn.functional.activations import uniform
from minigrad.nn.functional.reducing import as_given
from minigrad.noted import noted
from minigrad.tensor import Tensor

__all__ = ["gumbel_softmax", "log_softmax", "softmax", "softmin"]


def implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    """The axis that PyTorch takes where none is given, with a warning."""
    warnings.warn(
        f"{name} without dim guesses the axis: say which one, dim=...", stacklevel=stacklevel + 1
    )
    return 0 if ndim in (0, 1, 3) else 1


@composition
def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Positive numbers that sum to 1.

    Forward    out = eˣ / Σ eˣ along `dim`, safe from overflow
    Gradient   x̄ = out * (ḡ - Σ ḡ * out)
    Shapes     (..., n, ...) -> (..., n, ...)
    Raises     IndexError if x has no axis `dim`
    Source     Bridle 1990
    Example    >>> mg.nn.functional.softmax(mg.tensor([0.0, 1000.0, 1000.0]), dim=0)
               tensor([0. , 0.5, 0.5])
    """
    if dim is None:
        dim = implicit_dim("softmax", len(input.shape), _stacklevel)
    return ops.softmax(input if dtype is None else input.astype(dtype), dim)


@composition
def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """`softmax` of the opposite numbers.

    Forward    out = e⁻ˣ / Σ e⁻ˣ along `dim`
    Gradient   x̄ = -out * (ḡ - Σ ḡ * out)
    Shapes     (..., n, ...) -> (..., n, ...)
    Raises     IndexError if x has no axis `dim`
    Example    >>> mg.nn.functional.softmin(mg.tensor([0.0, 0.0, 1000.0]), dim=0)
               tensor([0.5, 0.5, 0. ])
    """
    if dim is None:
        dim = implicit_dim("softmin", len(input.shape), _stacklevel)
    return ops.softmax(-(input if dtype is None else input.astype(dtype)), dim)


@composition
def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Logarithm of `softmax`, without its underflow.

    Forward    out = x - log Σ eˣ along `dim`
    Gradient   x̄ = ḡ - softmax(x) * Σ ḡ
    Shapes     (..., n, ...) -> (..., n, ...)
    Raises     IndexError if x has no axis `dim`
    Example    >>> mg.nn.functional.log_softmax(mg.tensor([0.0, 1000.0, 1000.0]), dim=0)
               tensor([-1.0007e+03, -6.9315e-01, -6.9315e-01])
    """
    if dim is None:
        dim = implicit_dim("log_softmax", len(input.shape), _stacklevel)
    return ops.log_softmax(input if dtype is None else input.astype(dtype), dim)


@composition
def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A class drawn at random with the probabilities softmax(x), so that gradients pass.

    tau     temperature: the lower, the nearer to a class, and the larger the gradients
    hard    return the class itself as a one-hot vector, with the gradient of the soft answer
    eps     accepted for PyTorch's sake; it changes nothing

    Forward    out = softmax((x + n) / τ) along `dim`, with n = -log(-log(uniform)); with hard, 1
               where that is largest, else 0
    Gradient   that of the softmax, hard or not
    Shapes     (..., n, ...) -> (..., n, ...)
    Raises     IndexError if x has no axis `dim`; ValueError if tau is not positive;
               TypeError for integers
    Source     Jang, Gu and Poole 2017; Maddison, Mnih and Teh 2017
    Example    >>> F = mg.nn.functional
               >>> F.gumbel_softmax(mg.tensor([0.0, 1000.0, 0.0]), hard=True)
               tensor([0., 1., 0.])
    """
    if not tau > 0:
        raise ValueError(f"gumbel_softmax: tau is positive, got {tau}")
    if logits.dtype.kind != "f":
        raise TypeError(f"gumbel_softmax takes floating-point numbers, got {logits.dtype}")
    noise = random.drawn(gumbel_noise, logits.shape, logits.dtype)
    soft: Tensor = ops.softmax((logits + as_given(noise, logits)) / tau, dim)
    if not hard:
        return soft
    return _straight_through(soft, noted(one_hot_of, soft, dim))


def gumbel_noise(shape: tuple[int, ...], dtype: Any) -> Array:
    """-log(-log(uniform))."""
    waiting = -np.log1p(-uniform(shape))
    # a uniform number of exactly 0 would make infinite noise
    return np.asarray(-np.log(np.maximum(waiting, 1e-300)), dtype)


def one_hot_of(value: Array, dim: int) -> Array:
    """1 at the largest entry along `dim`, else 0."""
    first = np.expand_dims(value.argmax(dim), dim)
    one_hot = np.zeros_like(value)
    np.put_along_axis(one_hot, first, 1, dim)
    return one_hot


@op(lambda g: g, notation="hard {soft}")
def _straight_through(soft: Array, hard: Array) -> Array:
    """The value `hard` with the gradient of `soft`.

    Forward    out = hard
    Gradient   soft̅ = ḡ, as if it had been returned
    Shapes     (...), (...) -> (...)
    Source     Bengio, Léonard and Courville 2013
    Example    >>> mg.nn.functional.softmaxes._straight_through(mg.tensor([0.4]), np.ones(1))
               tensor([1.], dtype=float64)
    """
    return hard
