"""Covariances and correlations of variables that are given by observations."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.graph import plain
from minigrad.promotion import get_default_dtype as default_float
from minigrad.sums import sum_of

__all__ = ["corrcoef", "cov"]


def centred(x: Array, weights: Array | None) -> Array:
    """x without the mean of each row."""
    if weights is None:
        return x - sum_of(x, (1,), True) / max(x.shape[1], 1)
    return x - sum_of(x * weights, (1,), True) / weights.sum()


def cov_vjp(g: Array, x: Array, weights: Array | None, factor: float) -> Array:
    """X̄ = (ḡ + ḡᵀ)(X - μ) diag(weights) / factor; what moves the means adds nothing."""
    deviation = centred(x, weights)
    return np.matmul(g + g.T, deviation if weights is None else deviation * weights) / factor


def cov_weights_vjp(g: Array, x: Array, weights: Array, factor: Array) -> Array:
    """The diagonal of (X - μ)ᵀ ḡ (X - μ) / factor."""
    deviation = centred(x, weights)
    return (deviation * np.matmul(g, deviation)).sum(0) / factor


@op(
    cov_vjp,
    cov_weights_vjp,
    lambda g, out, factor: -(g * out).sum() / factor,
    promote=True,
    notation="cov({x})",
)
def _cov(x: Array, weights: Array = None, factor: Array = 1.0) -> Array:
    """Sums of products of deviations from the means of the rows, over `factor`; see `cov`.

    Forward    out = (X - μ) diag(weights) (X - μ)ᵀ / factor
    Gradient   X̄ = (ḡ + ḡᵀ)(X - mean(X)) / factor, each column times its weight (1 if none is given)
               weights̅ = the diagonal of (X - μ)ᵀ ḡ (X - μ) / factor
               factor̅ = -Σ ḡ * out / factor
    Shapes     (d, n), weights (n,) or None, () -> (d, d)
    """
    deviation = centred(x, weights)
    product = np.matmul(deviation if weights is None else deviation * weights, deviation.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        return product / np.asarray(factor, product.dtype)


@composition
def cov(
    input: Array, *, correction: float = 1, fweights: Any = None, aweights: Any = None
) -> Array:
    """Covariance matrix of variables: one row for each variable, one column for each observation.

    correction  what is subtracted from the number of observations: 1 for an unbiased estimate, 0
                for the mean
    fweights    how often each observation occurred: integers, shape (n,)
    aweights    how much each observation counts: non-negative numbers, shape (n,)

    Forward    out = (X - μ)(X - μ)ᵀ / (n - correction), with μ the mean of each row
    Gradient   X̄ = (ḡ + ḡᵀ)(X - μ) / (n - correction), and aweights̅ by the formula
    Shapes     (d, n) -> (d, d);  (n,) or (1, n) -> (), the variance
    Raises     ValueError for more than two axes, or weights of another shape than (n,)
    Example    >>> mg.cov(mg.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]))
               tensor([[1., 1.],
                       [1., 1.]])
    """
    if input.ndim > 2:
        raise ValueError(f"cov: at most two axes, got shape {tuple(input.shape)}")
    x = input if input.ndim == 2 else input.reshape(1, -1)
    if x.dtype.kind != "f":
        x = x.astype(default_float())
    if x.dtype.itemsize == 2:  # squares leave float16
        wide = cov(
            x.astype(np.float32), correction=correction, fweights=fweights, aweights=aweights
        )
        return wide.astype(x.dtype)
    weights = observation_weights(x.shape[1], fweights, aweights)
    factor: Any = max(float(x.shape[1]) - correction, 0.0)
    if weights is not None:
        weights = weights.astype(x.dtype)
        factor = total = weights.sum()
        if correction:
            squares = total if aweights is None else (weights * as_vector(aweights)).sum()
            factor = np.maximum(total - correction * squares / total, 0)
    out = _cov(x, weights, factor)
    return out.reshape(()) if x.shape[0] == 1 else out


def as_vector(weights: Any) -> Any:
    """Weights with one axis; PyTorch takes a 0-d tensor for one weight."""
    array = weights if hasattr(weights, "ndim") else np.asarray(weights)
    return array if array.ndim else array.reshape(1)


def observation_weights(n: int, fweights: Any, aweights: Any) -> Any:
    """The weight of each of `n` observations; None if all are 1."""
    product = None
    for name, weights in (("fweights", fweights), ("aweights", aweights)):
        if weights is None:
            continue
        weights = as_vector(weights)
        if weights.shape != (n,):
            raise ValueError(
                f"cov: {name} has one weight for each of {n} observations, got shape "
                f"{weights.shape}"
            )
        if name == "fweights" and weights.dtype.kind not in "iu":
            raise TypeError(f"cov: fweights are integers, got {weights.dtype}")
        if (plain(weights) < 0).any():
            raise ValueError(f"cov: {name} are not negative")
        product = weights if product is None else product * weights
    return product


@composition
def corrcoef(input: Array) -> Array:
    """Correlation coefficients of variables: one row for each variable.

    Forward    out[i, j] = C[i, j] / sqrt(C[i, i] C[j, j]), with C the covariance matrix
    Gradient   that of the formula; a variable without spread has no correlation, its entries are
               NaN, and it takes part in no gradient
    Shapes     (d, n) -> (d, d);  (n,) -> ()
    Raises     ValueError for more than two axes
    Example    >>> mg.corrcoef(mg.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
               tensor([[ 1., -1.],
                       [-1.,  1.]])
    """
    x = input if input.ndim == 2 else input.reshape(1, -1)
    if x.dtype.itemsize == 2 and x.dtype.kind == "f":
        return corrcoef(input.astype(np.float32)).astype(x.dtype)
    d = x.shape[0]
    if x.dtype.kind == "f":  # squares overflow, and a factor of each row changes nothing
        largest = np.max(np.absolute(plain(x)), axis=1, keepdims=True, initial=0)
        x = x / np.where((largest > 0) & np.isfinite(largest), largest, 1)
    c = cov(x).reshape(d, d)
    variance = c[np.arange(d), np.arange(d)]
    spread = plain(variance) > 0
    deviation = np.sqrt(np.where(spread, variance, 1.0))
    r = c / deviation[:, None] / deviation
    values = plain(r)
    r = r + (np.clip(values, -1, 1) - values)  # rounding may pass 1, whose arccos is NaN
    r = np.where(spread[:, None] & spread, r, float("nan"))
    return r.reshape(()) if d == 1 else r
