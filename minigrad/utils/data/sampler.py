"""Samplers: which sample comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from math import ceil
from typing import Any, Generic, TypeVar

import numpy as np

from minigrad.graph import Variable
from minigrad.random import source

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]


def permutation(n: int, generator: Any) -> np.ndarray:
    """The numbers 0 ... n-1 in a random order."""
    return source(generator).permutation(n)


Number = TypeVar("Number", covariant=True)


class Sampler(Generic[Number]):
    """Numbers of samples, in the order in which they are to be taken.

    Example  >>> from minigrad.utils.data import DataLoader, Sampler
             >>> class Backwards(Sampler):
             ...     def __iter__(self):
             ...         return iter([2, 1, 0])
             >>> [x.item() for x in DataLoader(range(3), sampler=Backwards())]
             [2, 1, 0]
    """

    def __init__(self, data_source: Any = None) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__")


class Pieces(Sampler[int]):
    """A sampler that has its numbers in arrays, each of at most `PIECE` where a pass is long."""

    def pieces(self) -> Iterator[np.ndarray]:
        """The numbers of one pass, an array at a time."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[int]:
        return (number for piece in self.pieces() for number in piece.tolist())


PIECE = 1 << 16  # numbers that are drawn at a time: half a megabyte


def lengths_of_pieces(total: int) -> Iterator[int]:
    """`total` in parts of at most `PIECE`."""
    return (min(PIECE, total - start) for start in range(0, total, PIECE))


class SequentialSampler(Pieces):
    """0, 1, 2, ... in order.

    Example  >>> from minigrad.utils.data import SequentialSampler
             >>> list(SequentialSampler(range(3)))
             [0, 1, 2]
    """

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def pieces(self) -> Iterator[np.ndarray]:
        start = 0
        for length in lengths_of_pieces(len(self)):
            yield np.arange(start, start + length)
            start += length

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Pieces):
    """A random order of all samples, anew at every pass; or draws with replacement.

    replacement   draw each sample independently
    num_samples   how many numbers a pass has; None: as many as there are samples
    generator     where the randomness comes from; None: the library's own

    Raises    ValueError if num_samples is not positive.
    Example   >>> from minigrad.utils.data import RandomSampler
              >>> sorted(RandomSampler(range(3)))
              [0, 1, 2]
    """

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Any = None,
    ) -> None:
        if num_samples is not None and num_samples <= 0:
            raise ValueError(f"RandomSampler: num_samples is positive, got {num_samples}")
        self.data_source = data_source
        self.replacement = replacement
        self.generator = generator
        self._num_samples = num_samples

    def pieces(self) -> Iterator[np.ndarray]:
        total, wanted = len(self.data_source), len(self)
        if self.replacement:
            draw = source(self.generator).integers
            yield from (draw(total, size=length) for length in lengths_of_pieces(wanted))
            return
        for start in range(0, wanted, max(total, 1)):
            yield permutation(total, self.generator)[: wanted - start]

    @property
    def num_samples(self) -> int:
        """How many numbers a pass has."""
        return len(self)

    def __len__(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples


class SubsetRandomSampler(Pieces):
    """The given numbers, in a random order at every pass.

    Example  >>> from minigrad.utils.data import SubsetRandomSampler
             >>> sorted(SubsetRandomSampler([4, 1]))
             [1, 4]
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.numbers: np.ndarray = np.asarray(indices, dtype=np.int64)
        self.generator = generator

    def pieces(self) -> Iterator[np.ndarray]:
        yield self.numbers[permutation(len(self.numbers), self.generator)]

    def __len__(self) -> int:
        return len(self.numbers)


class WeightedRandomSampler(Pieces):
    """Draws with given weights, for classes of unequal size.

    weights       one for each sample, not negative; they need not add up to 1
    num_samples   how many numbers a pass has
    replacement   whether a number can come more than once

    Raises    ValueError if a weight is negative or none is positive, or if num_samples is larger
              than the number of positive weights without replacement.
    Example   >>> from minigrad.utils.data import WeightedRandomSampler
              >>> list(WeightedRandomSampler([0.0, 1.0], 3))
              [1, 1, 1]
    """

    def __init__(
        self,
        weights: Any,
        num_samples: int,
        replacement: bool = True,
        generator: Any = None,
    ) -> None:
        array = weights._array if isinstance(weights, Variable) else np.asarray(weights)
        if array.ndim != 1 or not np.isfinite(array).all() or (array < 0).any() or array.sum() <= 0:
            raise ValueError(
                "WeightedRandomSampler: weights are finite, one for each sample, none negative and "
                "not all zero"
            )
        if num_samples <= 0 or (not replacement and num_samples > np.count_nonzero(array)):
            raise ValueError(
                f"WeightedRandomSampler: num_samples is positive and, without replacement, at most "
                f"the {np.count_nonzero(array)} samples of positive weight, got {num_samples}"
            )
        self.weights = array.astype(np.float64)
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def pieces(self) -> Iterator[np.ndarray]:
        shares = self.weights / self.weights.sum()
        draw = source(self.generator).choice
        yield draw(len(shares), size=self.num_samples, replace=self.replacement, p=shares)

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The numbers of another sampler, in lists of `batch_size`.

    drop_last   leave out the last batch if it is shorter

    Raises    ValueError if batch_size is not a positive integer.
    Example   >>> from minigrad.utils.data import BatchSampler
              >>> list(BatchSampler(range(5), 2, drop_last=False))
              [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool) -> None:
        check_batch_size("BatchSampler", batch_size)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def batches(self) -> Iterator[Any]:
        """The batches, as arrays where the sampler has arrays."""
        # a class derived from these may have an __iter__ of its own
        arrays = type(self.sampler) in (
            SequentialSampler, RandomSampler, SubsetRandomSampler, WeightedRandomSampler,
        )  # fmt: skip
        batches = self.of_arrays() if arrays else self.of_numbers()
        return (each for each in batches if len(each) == self.batch_size or not self.drop_last)

    def of_numbers(self) -> Iterator[list[Any]]:
        numbers = iter(self.sampler)
        while batch := list(islice(numbers, self.batch_size)):
            yield batch

    def of_arrays(self) -> Iterator[np.ndarray]:
        size, rest = self.batch_size, np.empty(0, np.int64)
        for piece in self.sampler.pieces():
            numbers = np.concatenate([rest, piece]) if len(rest) else piece
            whole = len(numbers) - len(numbers) % size
            yield from (numbers[i : i + size] for i in range(0, whole, size))
            rest = numbers[whole:]
        if len(rest):
            yield rest

    def __iter__(self) -> Iterator[list[int]]:
        return (as_list(batch) for batch in self.batches())

    def __len__(self) -> int:
        number = len(self.sampler)
        return number // self.batch_size if self.drop_last else ceil(number / self.batch_size)


def as_list(batch: Any) -> list[Any]:
    return batch.tolist() if isinstance(batch, np.ndarray) else batch


def check_batch_size(name: str, batch_size: Any) -> None:
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)):
        raise ValueError(f"{name}: batch_size is a positive integer, got {batch_size!r}")
    if batch_size <= 0:
        raise ValueError(f"{name}: batch_size is a positive integer, got {batch_size!r}")
