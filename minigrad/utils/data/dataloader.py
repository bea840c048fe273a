"""The loader: batches of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from math import ceil
from typing import Any, Generic, overload

import numpy as np

from minigrad.graph import Variable
from minigrad.tensor import Tensor
from minigrad.utils.data.collate import Batch as Batched
from minigrad.utils.data.collate import default_collate as default_collate
from minigrad.utils.data.collate import default_convert as default_convert
from minigrad.utils.data.dataset import (
    Dataset,
    IterableDataset,
    Joined,
    Rows,
    Subset,
    TensorDataset,
    fetch_batch,
    fetches_batches,
)
from minigrad.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    as_list,
    check_batch_size,
)
from minigrad.utils.data.typed import Batch
from minigrad.utils.data.worker import Worker, copied, make_workers
from minigrad.utils.data.worker import get_worker_info as get_worker_info

__all__ = [
    "BatchSampler", "DataLoader", "Dataset", "IterableDataset", "RandomSampler", "Sampler",
    "SequentialSampler", "default_collate", "default_convert", "get_worker_info",
]  # fmt: skip


class DataLoader(Generic[Batch]):
    """Batches of a dataset.

    dataset         anything with ``__getitem__`` and ``__len__``, or an `IterableDataset`; the
                    samples of a tensor or array are its rows, a tuple of them is taken as a
                    `TensorDataset`
    batch_size      samples in a batch; None: samples one by one, not joined
    shuffle         a new random order at every pass
    sampler         numbers of samples, in place of shuffle
    batch_sampler   lists of numbers, in place of batch_size, shuffle, sampler and drop_last
    num_workers     batches are made in this process whatever the number: they are the same.  Each
                    worker is a copy of an iterable dataset, and they take turns
    collate_fn      makes a batch of a list of samples; None: `default_collate`
    drop_last       leave out the last batch if it is shorter
    worker_init_fn  called with the number of each worker, if there are any, and not without; what
                    it seeds are the generators of this worker
    generator       where the random order comes from; None: the library's own
    persistent_workers   whether the workers of one pass serve the next, too

    ``timeout``, ``prefetch_factor``, ``multiprocessing_context``, ``pin_memory``,
    ``pin_memory_device`` and ``in_order`` change no batch, and nothing here.  A dataset with
    ``__getitems__`` (`TensorDataset`, and a `Subset` of one) is asked for whole batches: no Python
    loop runs over the samples.

    Raises    ValueError for options that exclude each other, or a number out of its range.
    Example   >>> from minigrad.utils.data import DataLoader, TensorDataset
              >>> data = TensorDataset(mg.tensor([1.0, 2.0, 3.0]))
              >>> [x for (x,) in DataLoader(data, batch_size=2)]
              [tensor([1., 2.]), tensor([3.])]
    """

    @overload
    def __init__(
        self: DataLoader[tuple[Tensor, ...]],
        dataset: Dataset[tuple[Tensor, ...]],
        batch_size: int = 1,
        shuffle: bool | None = None,
        *,
        collate_fn: None = None,
        **options: Any,
    ) -> None: ...
    @overload
    def __init__(
        self: DataLoader[Any],
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        *sampling: Any,
        **options: Any,
    ) -> None: ...
    def __init__(  # type: ignore[misc]  # the options that the above leave out are those below
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
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if num_workers < 0:
            raise ValueError(f"DataLoader: num_workers is at least 0, got {num_workers}")
        if timeout < 0:
            raise ValueError(f"DataLoader: timeout is at least 0, got {timeout}")
        if num_workers == 0 and (prefetch_factor is not None or persistent_workers):
            raise ValueError("DataLoader: prefetch_factor and persistent_workers need workers")
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
        self.dataset = as_dataset(dataset)
        self.sampler: Any = None
        self.batch_sampler: Any = None
        self.drop_last = drop_last
        self.collate_fn: Any = collate_fn
        self.generator = generator
        self.num_workers, self.persistent_workers = num_workers, persistent_workers
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout, self.prefetch_factor, self.in_order = timeout, prefetch_factor, in_order
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.workers: list[Worker] = []
        if isinstance(self.dataset, IterableDataset):
            if shuffle or sampler is not None or batch_sampler is not None:
                raise ValueError("DataLoader: an IterableDataset decides the order itself")
            self.batch_size = batch_size
        else:
            self.take_numbers(batch_size, shuffle, sampler, batch_sampler)
        if collate_fn is None:
            alone = self.batch_sampler is None and self.batch_size is None
            self.collate_fn = default_convert if alone else default_collate

    def take_numbers(self, batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
        """Decide where the numbers of the samples come from."""
        if sampler is None:
            shuffled = RandomSampler(self.dataset, generator=self.generator)
            sampler = shuffled if shuffle else SequentialSampler(self.dataset)
        self.sampler = sampler
        if batch_sampler is None and batch_size is not None:
            check_batch_size("DataLoader", batch_size)
            batch_sampler = BatchSampler(sampler, batch_size, self.drop_last)
        self.batch_sampler = batch_sampler
        self.batch_size = getattr(batch_sampler, "batch_size", None)

    def copy_of_dataset(self) -> Any:
        """The dataset that a worker has: a copy, if it is one that remembers where it is."""
        return copied(self.dataset) if isinstance(self.dataset, IterableDataset) else self.dataset

    # ---------------------------------------------------------------------------------- one pass

    def __iter__(self) -> Iterator[Batch]:
        workers: list[Worker] = []
        if self.num_workers:
            workers = self.workers or make_workers(self)
            self.workers = workers if self.persistent_workers else []
        if isinstance(self.dataset, IterableDataset):
            return self.in_turns(workers) if workers else self.one_after_another(self.dataset)
        numbers, make = self.numbers(), self.batch_maker()
        return by_turns(workers, numbers, make) if workers else map(make, numbers)

    def numbers(self) -> Iterator[Any]:
        """The number of each sample, or the numbers of each batch."""
        if self.batch_sampler is None:
            return iter(self.sampler)
        known = type(self.batch_sampler) is BatchSampler
        return self.batch_sampler.batches() if known else iter(self.batch_sampler)

    def batch_maker(self) -> Callable[[Any], Any]:
        """The function that makes a batch of its numbers."""
        dataset, collate = self.dataset, self.collate_fn
        if self.batch_sampler is None:
            return lambda number: collate(dataset[number])
        one_by_one = lambda numbers: collate([dataset[i] for i in as_list(numbers)])
        if not fetches_batches(dataset):
            return one_by_one

        def at_once(numbers: Any) -> Any:
            batch = fetch_batch(dataset, numbers)
            if isinstance(batch, Joined):
                return batch.batch
            return batch if isinstance(batch, Batched) else collate(batch)

        # a batch that is made already holds no samples that a function of the user's could join
        made = isinstance(dataset, (TensorDataset, Subset, Rows)) and collate is not default_collate
        return one_by_one if made else at_once

    def one_after_another(self, dataset: Any) -> Iterator[Any]:
        """Batches of samples that come one after the other."""
        samples = iter(dataset)
        if self.batch_size is None:
            yield from map(self.collate_fn, samples)
            return
        while batch := list(islice(samples, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield self.collate_fn(batch)

    def in_turns(self, workers: list[Worker]) -> Iterator[Any]:
        """A batch of each worker's dataset, until all of them have come to their end."""
        active = [(worker, self.one_after_another(worker.info.dataset)) for worker in workers]
        while active:
            for pair in list(active):
                worker, batches = pair
                with worker.turn():
                    found = list(islice(batches, 1))
                if found:
                    yield found[0]
                else:
                    active.remove(pair)

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
        if not hasattr(self.dataset, "__len__"):
            raise TypeError("this DataLoader has no length, for its IterableDataset has none")
        size = len(self.dataset)
        if self.batch_size is None:
            return size
        return size // self.batch_size if self.drop_last else ceil(size / self.batch_size)


def as_dataset(dataset: Any) -> Any:
    """Rows of a tensor or array, a tuple of them as a `TensorDataset`; any dataset as it is."""
    if isinstance(dataset, (Variable, np.ndarray)):
        return Rows(dataset)
    if isinstance(dataset, tuple) and all(isinstance(d, (Variable, np.ndarray)) for d in dataset):
        return TensorDataset(*dataset)
    return dataset


def by_turns(workers: list[Worker], numbers: Iterator[Any], make: Any) -> Iterator[Any]:
    """Batch i is made by worker i modulo their number."""
    for i, each in enumerate(numbers):
        with workers[i % len(workers)].turn():
            batch = make(each)
        yield batch
