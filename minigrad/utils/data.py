"""Datasets, samplers, and the loader that makes batches of them.

A dataset that holds arrays can be asked for a whole batch at once,
``dataset.__getitems__(indices)``: that is one indexing of each array, without a Python loop over
samples.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice
from math import ceil, floor
from typing import Any

import numpy as np

from minigrad.creation import tensor
from minigrad.graph import Variable, wrap
from minigrad.random import source

__all__ = [
    "BatchSampler",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "random_split",
]


# ----------------------------------------------------------------------------------------- datasets


class Dataset:
    """Samples by number: a class with ``__getitem__(i)`` and ``__len__()``.

    ``__getitems__(indices)`` may return a batch of several samples at once, already collated, as
    `TensorDataset` does.

    Example  >>> from minigrad.utils.data import DataLoader, Dataset
             >>> class Squares(Dataset):
             ...     def __getitem__(self, i):
             ...         return i * i
             ...     def __len__(self):
             ...         return 3
             >>> list(DataLoader(Squares(), batch_size=2))
             [tensor([0, 1]), tensor([4])]
    """

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Samples one after the other, of which there need not be a number: a class with ``__iter__``.

    Example   >>> from minigrad.utils.data import DataLoader, IterableDataset
              >>> class Countdown(IterableDataset):
              ...     def __iter__(self):
              ...         return iter([3, 2, 1])
              >>> list(DataLoader(Countdown(), batch_size=2))
              [tensor([3, 2]), tensor([1])]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__")


class TensorDataset(Dataset):
    """Samples that are the rows of tensors (or arrays) of equal length.

    Raises    ValueError if the lengths differ; TypeError for what is not a tensor or array.
    Example   >>> from minigrad.utils.data import TensorDataset
              >>> data = TensorDataset(mg.tensor([[1.0], [2.0]]), np.array([0, 1]))
              >>> data[1]
              (tensor([2.]), tensor(1))
    """

    def __init__(self, *tensors: Any) -> None:
        if not tensors:
            raise ValueError("TensorDataset: give at least one tensor")
        for t in tensors:
            if not isinstance(t, (Variable, np.ndarray)):
                raise TypeError(
                    f"TensorDataset: expected tensors or arrays, got {type(t).__name__}"
                )
        arrays = [t._array if isinstance(t, Variable) else t for t in tensors]
        lengths = [len(a) if a.ndim else None for a in arrays]
        if None in lengths or len(set(lengths)) > 1:
            raise ValueError(
                f"TensorDataset: first sizes must be equal, got {[a.shape for a in arrays]}"
            )
        self.tensors: tuple[Any, ...] = tuple(
            [t if isinstance(t, Variable) else wrap(t) for t in tensors]
        )
        self.arrays = arrays

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple([t[index] for t in self.tensors])

    def __getitems__(self, indices: Any) -> tuple[Any, ...]:
        """A batch: the rows `indices` of each tensor, copied at once."""
        return tuple([take(t, indices) for t in self.tensors])

    def __len__(self) -> int:
        return len(self.arrays[0])


def take(t: Any, indices: Any) -> Any:
    """Rows of a tensor, recorded only if it requires grad."""
    return wrap(t._array[indices]) if t._node is None else t[indices]


class Subset(Dataset):
    """The samples `indices` of a dataset, in that order.

    Example   >>> from minigrad.utils.data import Subset
              >>> list(Subset("abcdef", [4, 1]))
              ['e', 'b']
    """

    def __init__(self, dataset: Any, indices: Sequence[int] | np.ndarray) -> None:
        self.dataset = dataset
        self.indices = indices
        self.positions = np.asarray(indices, dtype=np.int64)
        if hasattr(dataset, "__getitems__"):
            self.__getitems__ = self.take_many

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (int, np.integer)):
            return self.dataset[int(self.positions[index])]
        return self.take_many(index)

    def take_many(self, indices: Any) -> Any:
        """A batch of the underlying dataset."""
        return self.dataset.__getitems__(self.positions[indices])

    def __len__(self) -> int:
        return len(self.positions)


class ConcatDataset(Dataset):
    """Several datasets, one after the other.

    Example   >>> from minigrad.utils.data import ConcatDataset
              >>> list(ConcatDataset(["ab", "cd"]))
              ['a', 'b', 'c', 'd']
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: give at least one dataset")
        self.cumulative_sizes = list(accumulate(len(d) for d in self.datasets))

    def __getitem__(self, index: int) -> Any:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"sample {index} of {size}")
        index %= size
        which = bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


def random_split(dataset: Any, lengths: Sequence[float], generator: Any = None) -> list[Subset]:
    """Split a dataset at random into parts that do not overlap.

    lengths     sizes that add up to the dataset's, or fractions that add up to 1: then what is left
                by rounding down goes to the first parts, one each
    generator   where the permutation comes from; None: the library's own

    Raises    ValueError if the lengths do not add up.
    Example   >>> from minigrad.utils.data import random_split
              >>> [len(part) for part in random_split(range(10), [0.7, 0.3])]
              [7, 3]
    """
    total = len(dataset)
    if abs(sum(lengths) - 1) < 1e-9 and all(0 <= length <= 1 for length in lengths):
        sizes = [floor(total * length) for length in lengths]
        for i in range(total - sum(sizes)):
            sizes[i % len(sizes)] += 1
    elif sum(lengths) != total:
        raise ValueError(
            f"random_split: the lengths {list(lengths)} add up to {sum(lengths)}, "
            f"the dataset has {total} samples"
        )
    else:
        sizes = [int(length) for length in lengths]
    order = permutation(total, generator)
    ends = list(accumulate(sizes))
    return [Subset(dataset, order[end - size : end]) for size, end in zip(sizes, ends)]


# ----------------------------------------------------------------------------------------- samplers


def permutation(n: int, generator: Any) -> np.ndarray:
    """The numbers 0 ... n-1 in a random order."""
    return source(generator).permutation(n)


class Sampler:
    """Numbers of samples, in the order in which they are to be taken.

    Example  >>> from minigrad.utils.data import DataLoader, Sampler
             >>> class Backwards(Sampler):
             ...     def __iter__(self):
             ...         return iter([2, 1, 0])
             >>> [x.item() for x in DataLoader(range(3), sampler=Backwards())]
             [2, 1, 0]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__")

    def indices(self) -> Any:
        """All numbers at once, as an array or a list."""
        return list(self)


class SequentialSampler(Sampler):
    """0, 1, 2, ... in order.

    Example  >>> from minigrad.utils.data import SequentialSampler
             >>> list(SequentialSampler(range(3)))
             [0, 1, 2]
    """

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def indices(self) -> np.ndarray:
        """0, 1, 2, ... as an array."""
        return np.arange(len(self.data_source))

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
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

    def indices(self) -> np.ndarray:
        """The numbers of one pass, as an array."""
        total, wanted = len(self.data_source), len(self)
        if self.replacement:
            return source(self.generator).integers(total, size=wanted)
        passes = [permutation(total, self.generator) for _ in range(ceil(wanted / max(total, 1)))]
        return np.concatenate([*passes, np.empty(0, np.int64)])[:wanted]

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices().tolist())

    def __len__(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples


class SubsetRandomSampler(Sampler):
    """The given numbers, in a random order at every pass.

    Example  >>> from minigrad.utils.data import SubsetRandomSampler
             >>> sorted(SubsetRandomSampler([4, 1]))
             [1, 4]
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.numbers: np.ndarray = np.asarray(indices)
        self.generator = generator

    def indices(self) -> np.ndarray:
        """The numbers of one pass, as an array."""
        order = permutation(len(self.numbers), self.generator)
        return self.numbers[order]

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices().tolist())

    def __len__(self) -> int:
        return len(self.numbers)


class WeightedRandomSampler(Sampler):
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

    def indices(self) -> np.ndarray:
        """The numbers of one pass, as an array."""
        shares = self.weights / self.weights.sum()
        draw = source(self.generator).choice
        return draw(len(shares), size=self.num_samples, replace=self.replacement, p=shares)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices().tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
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
        """The batches, as arrays where the sampler has all its numbers at once."""
        known = isinstance(self.sampler, Sampler)
        numbers = self.sampler.indices() if known else list(self.sampler)
        size = self.batch_size
        end = len(numbers) - len(numbers) % size if self.drop_last else len(numbers)
        return (numbers[i : i + size] for i in range(0, end, size))

    def __iter__(self) -> Iterator[list[int]]:
        return (np.asarray(batch).tolist() for batch in self.batches())

    def __len__(self) -> int:
        number = len(self.sampler)
        return number // self.batch_size if self.drop_last else ceil(number / self.batch_size)


def check_batch_size(name: str, batch_size: Any) -> None:
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)):
        raise ValueError(f"{name}: batch_size is a positive integer, got {batch_size!r}")
    if batch_size <= 0:
        raise ValueError(f"{name}: batch_size is a positive integer, got {batch_size!r}")


# --------------------------------------------------------------------------------------- the loader


def default_collate(batch: Sequence[Any]) -> Any:
    """Join samples into a batch: tensors, arrays and numbers are stacked along a new first axis.

    Tuples, lists, named tuples and dicts of these are joined entry by entry; strings stay a list.

    Raises    TypeError for samples of another kind; ValueError if their shapes or lengths differ.
    Example   >>> from minigrad.utils.data import default_collate
              >>> default_collate([(1.0, "a"), (2.0, "b")])
              [tensor([1., 2.], dtype=float64), ['a', 'b']]
    """
    first = batch[0]
    if isinstance(first, Variable):
        if any(t._node is not None for t in batch):
            return np.stack(batch)
        return wrap(np.stack([t._array for t in batch]))
    if isinstance(first, (np.ndarray, np.generic)):
        return wrap(np.stack(batch))
    if isinstance(first, float):
        return tensor(np.array(batch, dtype=np.float64))
    if isinstance(first, (bool, int)):
        return tensor(np.array(batch))
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise ValueError("default_collate: the samples of a batch have different lengths")
        joined = [default_collate(entries) for entries in zip(*batch)]
        return type(first)(*joined) if hasattr(first, "_fields") else joined
    raise TypeError(
        f"default_collate: cannot join samples of type {type(first).__name__}; give a collate_fn"
    )


class DataLoader:
    """Batches of a dataset.

    dataset         anything with ``__getitem__`` and ``__len__``, or an `IterableDataset`; a
                    tensor, an array, or a tuple of them is taken as a `TensorDataset`
    batch_size      samples in a batch; None: samples one by one, not joined
    shuffle         a new random order at every pass
    sampler         numbers of samples, in place of shuffle
    batch_sampler   lists of numbers, in place of batch_size, shuffle, sampler and drop_last
    num_workers     0: batches are made in the calling process
    collate_fn      makes a batch of a list of samples; None: `default_collate`
    pin_memory      accepted, and without effect: there is no other device
    drop_last       leave out the last batch if it is shorter
    worker_init_fn  accepted, and never called: there are no workers
    generator       where the random order comes from; None: the library's own

    A dataset with ``__getitems__`` (`TensorDataset`, and a `Subset` of one) is asked for whole
    batches: no Python loop runs over the samples.

    Raises    ValueError for options that exclude each other, a batch_size that is not positive, or
              num_workers other than 0.
    Example   >>> from minigrad.utils.data import DataLoader, TensorDataset
              >>> data = TensorDataset(mg.tensor([1.0, 2.0, 3.0]))
              >>> [x for (x,) in DataLoader(data, batch_size=2)]
              [tensor([1., 2.]), tensor([3.])]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        *,
        worker_init_fn: Callable[[int], None] | None = None,
        generator: Any = None,
        persistent_workers: bool = False,
    ) -> None:
        if num_workers != 0:
            raise ValueError(
                f"DataLoader: batches are made in this process; num_workers is 0, got {num_workers}"
            )
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: a sampler decides the order; leave out shuffle")
        if batch_sampler is not None and (
            batch_size not in (None, 1) or shuffle or sampler is not None or drop_last
        ):
            raise ValueError(
                "DataLoader: a batch_sampler decides the batches; leave out batch_size, shuffle, "
                "sampler and drop_last"
            )
        if batch_size is None and drop_last:
            raise ValueError("DataLoader: without a batch_size there is no last batch to drop")
        if isinstance(dataset, (Variable, np.ndarray)):
            dataset = TensorDataset(dataset)
        elif isinstance(dataset, tuple) and all(
            isinstance(d, (Variable, np.ndarray)) for d in dataset
        ):
            dataset = TensorDataset(*dataset)
        self.dataset = dataset
        self.sampler: Any = None
        self.batch_sampler: Any = None
        self.drop_last = drop_last
        self.collate_fn = collate_fn
        self.generator = generator
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        if isinstance(dataset, IterableDataset):
            if shuffle or sampler is not None or batch_sampler is not None:
                raise ValueError("DataLoader: an IterableDataset decides the order itself")
            self.batch_size = batch_size
            return
        if sampler is None:
            shuffled = RandomSampler(dataset, generator=generator)
            sampler = shuffled if shuffle else SequentialSampler(dataset)
        self.sampler = sampler
        if batch_sampler is None and batch_size is not None:
            check_batch_size("DataLoader", batch_size)
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler
        self.batch_size = getattr(batch_sampler, "batch_size", None)

    def __iter__(self) -> Iterator[Any]:
        dataset = self.dataset
        if isinstance(dataset, IterableDataset):
            return self.in_order(dataset)
        if self.batch_sampler is None:
            convert = self.collate_fn or (lambda sample: sample)
            return (convert(dataset[i]) for i in self.sampler)
        known = isinstance(self.batch_sampler, BatchSampler)
        batches = self.batch_sampler.batches() if known else iter(self.batch_sampler)
        fetch = getattr(dataset, "__getitems__", None)
        if fetch is not None and self.collate_fn is None:
            return map(fetch, batches)
        collate = self.collate_fn or default_collate
        return (collate([dataset[int(i)] for i in batch]) for batch in batches)

    def in_order(self, dataset: IterableDataset) -> Iterator[Any]:
        """Batches of samples that come one after the other."""
        samples = iter(dataset)
        if self.batch_size is None:
            yield from samples if self.collate_fn is None else map(self.collate_fn, samples)
            return
        collate = self.collate_fn or default_collate
        while batch := list(islice(samples, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield collate(batch)

    def __len__(self) -> int:
        if self.sampler is None and self.batch_sampler is None:
            raise TypeError("a DataLoader of an IterableDataset has no length")
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
