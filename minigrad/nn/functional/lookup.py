"""Looking up rows of a table, alone or in bags."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.calls import Array
from minigrad.composition import composition
from minigrad.memory import writes
from minigrad.modes import no_grad, recording
from minigrad.nn.functional.reducing import as_array, plain
from minigrad.noted import noted
from minigrad.ops.neural import _add_rows, _embedding
from minigrad.tensor import Tensor

__all__ = ["embedding", "embedding_bag"]


def check_rows(name: str, input: Any, weight: Any, padding_idx: int | None) -> Any:
    """Positions of rows as an array, and the padding row counted from the start.

    Raises   TypeError if positions are not integers; IndexError if there is no such row.
    """
    index = as_array(input)
    if len(weight.shape) != 2:
        raise ValueError(f"{name}: weight is a table of rows (n, d), got shape {weight.shape}")
    if index.dtype.kind not in "iu":
        raise TypeError(f"{name}: positions of rows are integers, got {index.dtype}")
    rows = weight.shape[0]
    noted(refuse_missing, name, input, rows)
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise IndexError(f"{name}: padding_idx {padding_idx} is out of range for {rows} rows")
        padding_idx %= rows
    return index, padding_idx


def refuse_missing(name: str, index: Any, rows: int) -> None:
    index = np.asarray(index)
    if index.size:
        low, high = int(index.min()), int(index.max())
        if low < 0 or high >= rows:
            raise IndexError(
                f"{name}: row {low if low < 0 else high} is out of range, the table has {rows} "
                f"rows: 0 ... {rows - 1}"
            )


def renormalize(weight: Any, index: Array, max_norm: float, norm_type: float) -> None:
    """Shorten, in place, the rows that are looked up and longer than `max_norm`."""
    if recording.trace is not None:
        with no_grad():
            weight.copy_(noted(shortened, weight, index, max_norm, norm_type))
        return
    table = plain(weight)
    where, factors = too_long(table, index, max_norm, norm_type)
    if where.size:
        table[where] *= factors
        writes.note(table, "embedding with max_norm")


def too_long(table: Array, index: Array, max_norm: float, norm_type: float) -> tuple[Array, Array]:
    """The rows that are looked up and longer than `max_norm`, and by what to multiply them."""
    used = np.unique(index)
    norms = np.linalg.norm(table[used], norm_type, axis=1)
    long = norms > max_norm
    return used[long], (max_norm / (norms[long] + 1e-7))[:, None].astype(table.dtype)


def shortened(table: Array, index: Array, max_norm: float, norm_type: float) -> Array:
    """The table with rows that are longer than `max_norm` shortened."""
    where, factors = too_long(table, index, max_norm, norm_type)
    table = table.copy()
    table[where] *= factors
    return table


def gradient_scale(
    index: Array, padding_idx: int | None, by_frequency: bool, dtype: Any
) -> Array | None:
    """By what to multiply the gradient of each row that is looked up; None: 1."""
    if padding_idx is None and not by_frequency:
        return None
    scale: Array = noted(gradient_factors, index, padding_idx, by_frequency, dtype)
    return scale


def gradient_factors(
    index: Array, padding_idx: int | None, by_frequency: bool, dtype: Any
) -> Array:
    scale = np.ones(index.shape, dtype)
    if by_frequency:
        _, inverse, counts = np.unique(index, return_inverse=True, return_counts=True)
        scale /= counts[inverse].reshape(index.shape)
    if padding_idx is not None:
        scale *= index != padding_idx
    return scale


@composition
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of a table.

    padding_idx         a row that gets no gradient
    max_norm            rows that are looked up and longer are shortened first, in place
    norm_type           the order of the norm that `max_norm` is about
    scale_grad_by_freq  divide the gradient of a row by how often it is looked up
    sparse              accepted for PyTorch's sake; gradients are always dense

    Forward    out[..., :] = weight[input[...], :]
    Gradient   row i of weight̅ is the sum of ḡ[..., :] over all places where input is i
    Shapes     integers (...), (n, d) -> (..., d)
    Raises     IndexError if there is no such row; TypeError if input does not hold integers
    Source     Bengio, Ducharme, Vincent and Jauvin 2003
    Example    >>> table = mg.tensor([[0.0, 0.0], [1.0, 2.0]])
               >>> mg.nn.functional.embedding(mg.tensor([1, 0, 1]), table)
               tensor([[1., 2.],
                       [0., 0.],
                       [1., 2.]])
    """
    index, padding_idx = check_rows("embedding", input, weight, padding_idx)
    if max_norm is not None:
        renormalize(weight, index, max_norm, norm_type)
    scale = gradient_scale(index, padding_idx, scale_grad_by_freq, weight.dtype)
    return _embedding(weight, index, scale)


@composition
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sum, mean or maximum of the rows of each bag.

    offsets             where each bag begins, if input has one axis; with two, each row is a bag
    mode                "sum", "mean" or "max"; an empty bag gives zeros
    per_sample_weights  what to multiply the rows by, for "sum"
    include_last_offset the last of the offsets is the end of the last bag
    padding_idx         a row that counts for nothing
    max_norm, norm_type, scale_grad_by_freq, sparse   as in `embedding`

    Forward    out[b] = Σ_i w[i] weight[input[i]] over the entries i of bag b, or mean or maximum
    Gradient   row r of weight̅ is the sum of w[i] ḡ[b] over all i where input is r
    Shapes     integers (b, k), or (k,) with offsets (b,) -> (b, d)
    Raises     ValueError if offsets do not go with the input, for weights unless mode is "sum", or
               for another mode; IndexError if there is no such row
    Example    >>> table = mg.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
               >>> mg.nn.functional.embedding_bag(mg.tensor([[1, 2], [0, 1]]), table, mode="sum")
               tensor([[4., 6.],
                       [1., 2.]])
    """
    name = "embedding_bag"
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f'{name}: mode is "sum", "mean" or "max", got {mode!r}')
    if per_sample_weights is not None and mode != "sum":
        raise ValueError(f'{name}: per_sample_weights go with mode="sum", got mode={mode!r}')
    index, padding_idx = check_rows(name, input, weight, padding_idx)
    if per_sample_weights is not None and tuple(per_sample_weights.shape) != index.shape:
        raise ValueError(
            f"{name}: per_sample_weights have the shape of the input {index.shape}, "
            f"got {tuple(per_sample_weights.shape)}"
        )
    first, count = bags_of(index, offsets, include_last_offset)
    index = noted(flattened, index)
    if max_norm is not None:
        renormalize(weight, index, max_norm, norm_type)
    scale = gradient_scale(index, None, scale_grad_by_freq, weight.dtype)
    bag = noted(bag_numbers, first, as_array(index).size)
    if per_sample_weights is not None:
        per_sample_weights = ops.reshape(per_sample_weights, -1, 1)
    if padding_idx is not None:
        real = plain(index) != padding_idx  # how many there are depends on numbers
        index, bag = index[real], bag[real]
        scale = None if scale is None else scale[real]
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights[real]
    rows = _embedding(weight, index, scale)
    if mode == "max":
        return largest_of(rows, bag, count, filled=offsets is None and padding_idx is None)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights
    total = _add_rows(rows, bag, (count, weight.shape[1]))
    if mode == "sum":
        return total
    return total / noted(bag_sizes, bag, count, weight.dtype)


def flattened(index: Array) -> Array:
    return index.reshape(-1)


def bag_numbers(first: Array, size: int) -> Array:
    """The bag of each entry."""
    return np.searchsorted(first, np.arange(size), side="right") - 1


def bag_sizes(bag: Array, count: int, dtype: Any) -> Array:
    """How many entries each bag has, at least 1, as a column."""
    return np.maximum(np.bincount(bag, minlength=count), 1)[:, None].astype(dtype)


def bags_of(index: Array, offsets: Any, include_last: bool) -> tuple[Array, int]:
    """Where each bag begins among the entries of `index`, and how many bags there are."""
    if index.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "embedding_bag: with an input of two axes each row is a bag, no offsets"
            )
        return np.arange(index.shape[0]) * index.shape[1], index.shape[0]
    if index.ndim != 1 or offsets is None:
        raise ValueError(
            f"embedding_bag takes an input (b, k), or (k,) with offsets, got shape {index.shape}"
        )
    given = as_array(offsets)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise TypeError("embedding_bag: offsets are a vector of integers")
    first = noted(bag_starts, offsets, index.size, include_last)
    return first, given.size - include_last


def bag_starts(offsets: Any, size: int, include_last: bool) -> Array:
    """Where each bag begins among `size` entries, checked."""
    first = np.asarray(offsets)
    if include_last:
        if not first.size or first[-1] != size:
            raise ValueError(f"embedding_bag: the last offset is the input's size, {size}")
        first = first[:-1]
    if first.size and (first[0] != 0 or (np.diff(first) < 0).any() or first[-1] > size):
        raise ValueError(
            f"embedding_bag: offsets begin with 0 and rise to at most {size}, got {first}"
        )
    if not first.size and size:
        raise ValueError("embedding_bag: without offsets there is no bag for the entries of input")
    return first


def largest_of(rows: Tensor, bag: Array, count: int, filled: bool) -> Tensor:
    """For each bag and column the largest entry of `rows`; zeros for an empty bag.

    filled   whether it is known that no bag is empty
    """
    if filled:
        return ops.take(rows, noted(largest_places, rows, bag, np.arange(count)))
    begin = np.searchsorted(plain(bag), np.arange(count + 1))
    full = np.flatnonzero(begin[1:] > begin[:-1])
    largest = ops.take(rows, largest_places(plain(rows), bag, full))
    return largest if full.size == count else _add_rows(largest, full, (count, rows.shape[1]))


def largest_places(array: Array, bag: Array, filled: Array) -> Array:
    """Where the largest entry of each column is in each of the bags `filled`, flat."""
    columns = array.shape[1]
    begin = np.searchsorted(bag, np.arange(filled.max(initial=-1) + 2))
    places = np.empty((filled.size, columns), np.int64)
    for place, b in zip(places, filled):
        place[:] = begin[b] + array[begin[b] : begin[b + 1]].argmax(0)
    return places * columns + np.arange(columns)
