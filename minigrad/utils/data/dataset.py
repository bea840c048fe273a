"""Datasets: samples by number, or one after the other.

A dataset that holds arrays can be asked for a whole batch at once,
``dataset.__getitems__(indices)``: that is one indexing of each array, without a Python loop over
samples.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from math import floor
from typing import Any, Generic, overload

import numpy as np

from minigrad.graph import Variable, wrap
from minigrad.tensor import Tensor
from minigrad.utils.data.collate import Batch
from minigrad.utils.data.sampler import as_list, permutation
from minigrad.utils.data.typed import Sample

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]


class Dataset(Generic[Sample]):
    """Samples by number: a class with ``__getitem__(i)`` and ``__len__()``.

    ``__getitems__(indices)`` may return several samples at once: a list of them, or something else
    that is a batch already, as `TensorDataset` does.

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

    def __add__(self, other: Any) -> Any:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[Sample]):
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

    def __add__(self, other: Any) -> Any:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
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

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([t[index] for t in self.tensors])

    def __getitems__(self, indices: Any) -> list[Any]:
        """A batch: the rows `indices` of each tensor, copied at once."""
        return Batch([take(t, indices) for t in self.tensors])

    def __len__(self) -> int:
        return len(self.arrays[0])


class Rows(Dataset[Any]):
    """The rows of one tensor or array as samples: what a loader makes of it."""

    def __init__(self, rows: Any) -> None:
        self.rows: Any = rows if isinstance(rows, Variable) else wrap(rows)
        if not self.rows._array.ndim:
            raise ValueError("a 0-d tensor has no rows")

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __getitems__(self, indices: Any) -> Any:
        return Joined(take(self.rows, indices))

    def __len__(self) -> int:
        return len(self.rows._array)


class Joined:
    """A batch that is one tensor, to tell it from a list of samples."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch


def take(t: Any, indices: Any) -> Any:
    """Rows of a tensor, recorded only if it requires grad."""
    return wrap(t._array[indices]) if t._node is None else t[indices]


class Subset(Dataset[Sample]):
    """The samples `indices` of a dataset, in that order.

    Example   >>> from minigrad.utils.data import Subset
              >>> list(Subset("abcdef", [4, 1]))
              ['e', 'b']
    """

    def __init__(self, dataset: Any, indices: Sequence[int] | np.ndarray) -> None:
        self.dataset = dataset
        self.indices = indices
        self.positions = np.asarray(indices, dtype=np.int64)
        if fetches_batches(dataset):
            self.__getitems__ = self.take_many

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (int, np.integer)):
            return self.dataset[int(self.positions[index])]
        return self.take_many(index)

    def take_many(self, indices: Any) -> Any:
        """A batch of the underlying dataset."""
        return fetch_batch(self.dataset, self.positions[indices])

    def __len__(self) -> int:
        return len(self.positions)


class ConcatDataset(Dataset[Sample]):
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


class StackDataset(Dataset[Any]):
    """Datasets of one length side by side: a sample is a tuple of their samples, or a dict of them.

    Raises    ValueError if there are none, if they come both with and without names, or if their
              lengths differ.
    Example   >>> from minigrad.utils.data import StackDataset
              >>> StackDataset("ab", [1, 2])[1], StackDataset(letter="ab", number=[1, 2])[0]
              (('b', 2), {'letter': 'a', 'number': 1})
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError("StackDataset: give datasets, all with names or all without")
        self.datasets: Any = args or kwargs
        lengths = [len(each) for each in args or kwargs.values()]
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset: the lengths must be equal, got {lengths}")
        self.length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: each[index] for name, each in self.datasets.items()}
        return tuple([each[index] for each in self.datasets])

    def __len__(self) -> int:
        return self.length


class ChainDataset(IterableDataset[Sample]):
    """Several iterable datasets, one after the other.

    Example   >>> from minigrad.utils.data import ChainDataset
              >>> list(ChainDataset(["ab", "c"]))
              ['a', 'b', 'c']
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(len(each) for each in self.datasets)


@overload
def random_split(
    dataset: Dataset[Sample], lengths: Sequence[float], generator: Any = None
) -> list[Subset[Sample]]: ...
@overload
def random_split(
    dataset: Any, lengths: Sequence[float], generator: Any = None
) -> list[Subset[Any]]: ...
def random_split(
    dataset: Any, lengths: Sequence[float], generator: Any = None
) -> list[Subset[Any]]:
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


# ---------------------------------------------------------------------------------- whole batches


def fetches_batches(dataset: Any) -> bool:
    """Whether whole batches may be asked of a dataset.

    A class that has its own ``__getitem__`` and inherits ``__getitems__`` changes samples in a way
    that the inherited method does not know.
    """
    if not hasattr(dataset, "__getitems__"):
        return False
    for c in type(dataset).__mro__:
        if "__getitems__" in vars(c) or c is Subset:
            return True
        if "__getitem__" in vars(c):
            return False
    return True


def fetch_batch(dataset: Any, indices: Any) -> Any:
    """Several samples at once; only datasets of this file take an array of numbers."""
    ours = isinstance(dataset, (TensorDataset, Subset, Rows))
    return dataset.__getitems__(indices if ours else as_list(indices))
