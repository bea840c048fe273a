"""The sampler of one process among several that share a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np

from minigrad import distributed
from minigrad.utils.data.sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """Every n-th sample, beginning at this process's rank; the same number for each process.

    num_replicas   n, how many processes share the dataset; None: those of the process group, if
                   there is one, else 1
    rank           which of them this is; None: this process's rank, or 0
    shuffle        a new order at each epoch, the same in all processes: see `set_epoch`
    seed           what the order follows from, beside the epoch
    drop_last      leave out samples so that the shares are equal; else some come twice

    Raises    ValueError if rank is not one of 0 ... num_replicas - 1.
    Example   >>> from minigrad.utils.data import DistributedSampler
              >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
              [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        together = distributed.is_initialized()
        size, own = (distributed.get_world_size(), distributed.get_rank()) if together else (1, 0)
        self.num_replicas = size if num_replicas is None else num_replicas
        self.rank = own if rank is None else rank
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(
                f"DistributedSampler: rank is in 0 ... {self.num_replicas - 1}, got {self.rank}"
            )
        self.dataset, self.shuffle, self.seed = dataset, shuffle, seed
        self.drop_last, self.epoch = drop_last, 0
        share = len(dataset) / self.num_replicas
        self.num_samples = int(share) if drop_last else ceil(share)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[int]:
        numbers = np.arange(len(self.dataset))
        if self.shuffle:
            numbers = np.random.default_rng(self.seed + self.epoch).permutation(numbers)
        shared = np.resize(numbers, self.total_size)  # cut, or begun again
        return iter(shared[self.rank :: self.num_replicas].tolist())

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins, so that its order differs from the last one's."""
        self.epoch = epoch
