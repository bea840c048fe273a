"""Workers of a loader: here they take turns in the calling process.

A worker is what PyTorch starts a process for: a copy of an iterable dataset, a number that the
dataset can ask for, and random generators of its own.  One after the other makes the next batch,
so the batches are those of processes, in the same order.
"""

from __future__ import annotations

import copy
import random as python_random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import random

__all__ = ["WorkerInfo", "get_worker_info"]


@dataclass(frozen=True)
class WorkerInfo:
    """What a dataset may know about the worker that asks it: its number, of how many; its seed.

    Example   >>> from minigrad.utils.data import DataLoader, IterableDataset, get_worker_info
              >>> class Shared(IterableDataset):
              ...     def __iter__(self):
              ...         info = get_worker_info()
              ...         return iter(range(info.id, 6, info.num_workers))
              >>> [x.tolist() for x in DataLoader(Shared(), batch_size=3, num_workers=2)]
              [[0, 2, 4], [1, 3, 5]]
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


current: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """The worker that makes a batch at this moment; None outside of one, or without workers.

    Example   >>> mg.utils.data.get_worker_info() is None
              True
    """
    return current


class Worker:
    """One of the workers of a loader.

    seeds   whether it has random generators of its own: a ``worker_init_fn`` may seed them
    """

    def __init__(self, info: WorkerInfo, init: Callable[[int], Any] | None) -> None:
        self.info = info
        self.seeds = init is not None
        self.states: tuple[Any, ...] | None = None
        if init is not None:
            with self.turn():
                init(info.id)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """While it lasts, this worker is the current one."""
        global current
        before, current = current, self.info
        states = random_states() if self.seeds else None
        try:
            if self.seeds:
                self.start_generators()
            yield
        finally:
            current = before
            if states is not None:
                self.states = random_states()
                set_random_states(states)

    def start_generators(self) -> None:
        """Let the common generators go on where they were at this worker's last turn."""
        if self.states is not None:
            set_random_states(self.states)
            return
        python_random.seed(self.info.seed)
        np.random.seed(self.info.seed % 2**32)  # noqa: NPY002 - the generator that programs share
        random.manual_seed(self.info.seed)


def random_states() -> tuple[Any, ...]:
    numpy = np.random.get_state()  # noqa: NPY002 - the generator that programs share
    return python_random.getstate(), numpy, random.get_rng_state()


def set_random_states(states: tuple[Any, ...]) -> None:
    python_random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002 - the generator that programs share
    random.set_rng_state(states[2])


def make_workers(loader: Any) -> list[Worker]:
    """The workers of a loader; each has its own copy of a dataset that remembers where it is."""
    base = int(random.source(loader.generator).integers(2**62))
    workers = []
    for i in range(loader.num_workers):
        dataset = loader.copy_of_dataset()
        info = WorkerInfo(i, loader.num_workers, base + i, dataset)
        workers.append(Worker(info, loader.worker_init_fn))
    return workers


def copied(dataset: Any) -> Any:
    """A copy, deep unless something in it cannot be copied, such as an open file."""
    try:
        return copy.deepcopy(dataset)
    except TypeError:
        return copy.copy(dataset)
