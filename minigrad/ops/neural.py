"""Ops of neural networks that are fused: one node where a composition would record several.

Each is here because it was measured to be faster, or because it is more accurate near the ends of
the number range.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.calls import Array, op
from minigrad.ops.exponential import sigmoid, softplus
from minigrad.ops.reduction import sum_along
from minigrad.sums import divided, in_float32, is_half, ones_cached, sum_of, widened

# ------------------------------------------------------------------------------ the cross-entropy


@lru_cache(maxsize=64)
def rows_cached(n: int) -> Array:
    """The row numbers 0 ... n-1."""
    rows = np.arange(n)
    rows.flags.writeable = False
    return rows


@lru_cache(maxsize=64)
def row_starts(rows: int, columns: int) -> Array:
    """Where the rows of a matrix start in its memory."""
    starts = np.arange(0, rows * columns, columns)
    starts.flags.writeable = False
    return starts


def cross_entropy_slope(x: Array, target: Array, ignore_index: int) -> Array:
    """(softmax(x) - onehot(target)) / n, for derivatives of the derivative: x may be a tensor."""
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    onehot = np.arange(x.shape[1]) == target[:, None]
    slope = e / np.sum(e, axis=1, keepdims=True) - onehot
    kept = target != ignore_index
    if kept.all():
        return slope / x.shape[0]
    return np.where(kept[:, None], slope, 0) / max(kept.sum(), 1)


@op(
    lambda g, slope: g * slope,
    keep={"slope": cross_entropy_slope},
    notation="cross_entropy({x}, {target})",
)
def cross_entropy(x: Array, target: Array, ignore_index: int = -100) -> Array:
    """Mean cross-entropy of scores against classes, in one op.

    Forward    out = -mean over the rows i of log softmax(x)[i, target[i]], those left out whose
               target is `ignore_index`, a negative number
    Gradient   x̄ = ḡ (softmax(x) - onehot(`target`)) / n with n the number of rows
    Shapes     (n, c), (n,) of integers in 0 ... c-1 -> ()
    Raises     ValueError if a class is out of range, or for other shapes; TypeError for classes
               that are not integers.  `minigrad.nn.functional.cross_entropy` takes these cases.
    Source     Bishop 2006, equation 4.109
    Example    >>> mg.ops.neural.cross_entropy(mg.tensor([[0.0, 0.0]]), np.array([1]))
               tensor(0.6931)
    """
    n, c = x.shape
    if x.itemsize == 2 and is_half(x):
        return in_float32(cross_entropy, x, target, ignore_index)
    if target.shape != (n,) or not n:
        raise ValueError(f"one class for each of {n} rows, got classes of shape {target.shape}")
    # refuses classes that are out of range or not integers, at no cost: positions are needed anyway
    try:
        positions = np.ravel_multi_index((rows_cached(n), target), (n, c))
    except ValueError:
        kept = target != ignore_index
        if kept.all():
            raise
        return cross_entropy_of_some(x, target, kept)
    # the largest of each row by its position, a row sum by a product: half the cost of reductions
    largest = x.reshape(-1).take(x.argmax(1) + row_starts(n, c))
    # row-major like the positions, whatever the order of x
    shifted = np.subtract(x, largest[:, None], order="C")
    chosen = shifted.take(positions)
    slope = np.exp(shifted, out=shifted)
    total = slope.dot(ones_cached(c, x.dtype))
    loss = (np.log(total) - chosen).dot(ones_cached(n, x.dtype)) / n
    total *= n
    slope /= total[:, None]
    slope.reshape(-1)[positions] -= 1 / n
    return loss, slope


def cross_entropy_of_some(x: Array, target: Array, kept: Array) -> tuple[Array, Array]:
    """The loss of the rows that are kept, NaN if there are none, and the slope, 0 elsewhere."""
    slope = np.zeros_like(x)
    loss = np.asarray(np.nan, x.dtype)
    if kept.any():
        loss, slope[kept] = cross_entropy.op.forward(x[kept], target[kept])  # type: ignore[attr-defined]  # an op
    return loss, slope


# -------------------------------------------------------------------------- binary cross-entropies


def bce_with_logits_vjp_x(g: Array, x: Array, y: Array, pos_weight: Any) -> Array:
    up = (1 - y) * sigmoid(x)
    down = y * sigmoid(-x)
    return g * (up - (down if pos_weight is None else down * pos_weight))


def bce_with_logits_vjp_y(g: Array, x: Array, pos_weight: Any) -> Array:
    if pos_weight is None:
        return -g * x
    return g * (pos_weight * softplus(-x, 1, math.inf) - softplus(x, 1, math.inf))


@op(
    bce_with_logits_vjp_x,
    bce_with_logits_vjp_y,
    lambda g, x, y: g * y * softplus(-x, 1, math.inf),
    notation="binary_cross_entropy(σ({x}), {y})",
)
def _bce_with_logits(x: Array, y: Array, pos_weight: Array) -> Array:
    """Binary cross-entropy of scores, entry by entry.

    Forward    out = w y softplus(-x) + (1 - y) softplus(x)
                   = w y max(-x, 0) + (1 - y) max(x, 0) + (1 - y + w y) log(1 + exp(-|x|))
               where no term is negative, so that nothing cancels (x - x y does, near y = 1)
    Gradient   x̄ = ḡ ((1 - y) sigmoid(x) - w * y sigmoid(-x))
               ȳ = ḡ (w * softplus(-x) - softplus(x))        w̄ = ḡ y softplus(-x)
    Shapes     (...), (...), broadcast (...) or None -> (...)
    """
    positive = y if pos_weight is None else y * pos_weight
    negative = 1 - y
    tail = np.log1p(np.exp(-abs(x)))
    return negative * np.maximum(x, 0) + positive * np.maximum(-x, 0) + (negative + positive) * tail


def bounded_logs(x: Any) -> tuple[Any, Any]:
    """log x and log(1 - x), but not below -100: a certain and wrong answer has a finite loss."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), -100), np.maximum(np.log1p(-x), -100)


def bce_vjp_y(g: Array, x: Array) -> Array:
    """ȳ = ḡ (log(1 - x) - log x), with logarithms not below -100."""
    log_x, log_not_x = bounded_logs(x)
    return g * (log_not_x - log_x)


@op(
    lambda g, x, y: g * (x - y) / np.maximum(x * (1 - x), 1e-12),
    bce_vjp_y,
    notation="binary_cross_entropy({x}, {y})",
)
def _bce(x: Array, y: Array) -> Array:
    """Binary cross-entropy of probabilities, entry by entry.

    Forward    out = -y log x - (1 - y) log(1 - x), with logarithms not below -100
    Gradient   x̄ = ḡ (x - y) / max(x (1 - x), 1e-12)        ȳ = ḡ (log(1 - x) - log x)
    Shapes     (...), (...) -> (...)
    """
    log_x, log_not_x = bounded_logs(x)
    return (y - 1) * log_not_x - y * log_x


# -------------------------------------------------------------------------------- normalisation


def standard_deviation(x: Any, dim: tuple[int, ...], eps: float) -> Any:
    """sqrt(variance + eps), for derivatives of derivatives: x may be a tensor."""
    centred = x - np.mean(x, axis=dim, keepdims=True)
    return np.sqrt(np.mean(centred * centred, axis=dim, keepdims=True) + eps)


def standardize_vjp(g: Array, out: Array, std: Array, dim: tuple[int, ...]) -> Array:
    n = count_of(out.shape, dim)
    mean = divided(sum_over(g, dim), n)
    along = divided(sum_over(g * out, dim), n)
    return (g - mean - out * along) / std


def sum_over(x: Array, dim: tuple[int, ...]) -> Array:
    """The sum along axes, which stay."""
    return sum_along(x, dim[0]) if len(dim) == 1 else sum_of(x, dim, True)


@op(standardize_vjp, keep={"std": standard_deviation}, notation="standardize({x})")
def _standardize(x: Array, dim: tuple[int, ...], eps: float, moments: Any = None) -> Array:
    """Mean 0 and variance 1 along `dim`: what batch, layer, group and instance norm share.

    moments   mean and variance, if they are known

    Forward    out = (x - mean(x)) / sqrt(mean((x - mean(x))²) + eps)
    Gradient   x̄ = (ḡ - mean(ḡ) - out * mean(ḡ * out)) / √(var(x) + eps)
    Shapes     (...) -> (...)
    Source     Ioffe and Szegedy 2015, section 3
    """
    if x.itemsize == 2 and is_half(x):
        wide = [widened(each) for each in moments] if moments is not None else None
        return in_float32(_standardize, x, dim, eps, wide)
    if moments is None:
        mean, variance, centred = moments_of(x, dim)
    else:
        mean, variance = moments
        centred = x - mean
    std = np.sqrt(variance + eps)
    if not std.max(initial=0.0) < math.inf:
        std = scaled_deviation(centred, dim, eps)
    centred /= std
    return centred, std


def moments_of(x: Array, dim: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Mean and variance along `dim`, whose axes stay, and x without the mean."""
    n = count_of(x.shape, dim)
    with np.errstate(over="ignore", invalid="ignore"):  # huge numbers: see `scaled_deviation`
        mean = sum_over(x, dim) / n
        if not np.isfinite(mean).all() and np.isfinite(x).all():
            mean = sum_over(x / n, dim)
        centred = x - mean
        return mean, sum_over(centred * centred, dim) / n, centred


def scaled_deviation(centred: Array, dim: tuple[int, ...], eps: float) -> Array:
    """The standard deviation of numbers whose squares overflow."""
    largest = np.maximum.reduce(np.absolute(centred), axis=dim, keepdims=True)
    largest = np.where((largest > 1) & (largest < math.inf), largest, 1).astype(centred.dtype)
    scaled = centred / largest
    squares = sum_over(scaled * scaled, dim) / count_of(centred.shape, dim)
    return largest * np.sqrt(squares + eps / largest / largest)


def count_of(shape: tuple[int, ...], dim: tuple[int, ...]) -> int:
    """How many entries lie along the axes `dim`."""
    return math.prod([shape[axis] for axis in dim])


# ----------------------------------------------------------------------------------------- lookups


def embedding_vjp(g: Array, weight_shape: tuple[int, ...], index: Array, scale: Any) -> Array:
    return _add_rows(g if scale is None else g * scale[..., None], index, weight_shape)


@op(embedding_vjp, notation="{weight}[{index}]")
def _embedding(weight: Array, index: Array, scale: Any = None) -> Array:
    """Rows of a table; `scale`, one number for each row taken, multiplies gradients only.

    Forward    out[..., :] = weight[index[...], :]
    Gradient   weight̅ = 0, with the rows of ḡ added at the rows [`index`]; times scale, if given
    Shapes     (n, d), integers (...) -> (..., d)
    """
    return weight[index]


@op(lambda g, index: _embedding(g, index), notation="embedding({rows})ᵀ")
def _add_rows(rows: Array, index: Array, shape: tuple[int, ...]) -> Array:
    """The transpose of `_embedding`: each row is added to the row of a table that `index` names.

    Forward    out = zeros(shape); out[index[...], :] += rows[..., :]
    Gradient   rows̅ = ḡ[`index`]
    Shapes     (..., d), integers (...) -> (n, d)
    """
    n, d = shape
    rows, index = rows.reshape(-1, d), index.reshape(-1)
    if 0 < rows.size <= FEW:
        # every number has its row-major position in the table: the fastest sum for small tables
        positions = (index[:, None] * d + rows_cached(d)).reshape(-1)
        table = np.bincount(positions, rows.reshape(-1), n * d)
        return table.astype(rows.dtype, copy=False).reshape(n, d)
    table = np.zeros_like(rows, shape=shape)
    if rows.size:  # rows with the same index next to each other, and summed from where each begins
        order = np.argsort(index, kind="stable")
        index = index[order]
        first = np.flatnonzero(np.diff(index, prepend=-1))
        rows = widened(rows)[order]
        table[index[first]] = np.add.reduceat(rows, first, axis=0)
        last = np.append(first[1:], len(rows))
        for i in np.flatnonzero(last - first > MANY_ROWS):
            table[index[first[i]]] = sum_of(rows[first[i] : last[i]], 0)
    return table


FEW = 4096  # numbers; measured
MANY_ROWS = 1024  # one after the other, more would lose digits
