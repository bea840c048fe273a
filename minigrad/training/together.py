"""`fit` in several processes: what they must agree on, and what only the first one does."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import distributed
from minigrad.graph import wrap
from minigrad.nn.parallel import DistributedDataParallel

__all__ = ["among_others", "check", "gathered", "is_first", "means", "of_first", "set_epoch"]


def among_others() -> bool:
    """Whether this process trains together with others."""
    return distributed.is_initialized() and distributed.get_world_size() > 1


def is_first() -> bool:
    """Whether this process is the one that writes files and draws the bar."""
    return not among_others() or distributed.get_rank() == 0


def check(model: Any, epochs: int, train: Any, validation: Any) -> None:
    """Raise an error in all processes unless they are about to do the same.

    Raises   ValueError if the model's gradients are not shared, or numbers of batches differ.
    """
    if not among_others():
        return
    if not isinstance(model, DistributedDataParallel):
        raise ValueError(
            "fit: there are several processes, and the model is not shared between them; wrap it "
            "in nn.parallel.DistributedDataParallel"
        )
    distributed.require_same("fit: epochs", epochs)
    distributed.require_same("fit: whether there is a validation set", validation is not None)
    if hasattr(train, "__len__"):
        distributed.require_same("fit: the number of batches", len(train))


def set_epoch(batches: Any, epoch: int) -> None:
    """Tell a `DistributedSampler` which epoch begins: its order differs from the last one's."""
    sampler: Any = getattr(batches, "sampler", None)
    if hasattr(sampler, "set_epoch"):
        sampler.set_epoch(epoch)


def means(sums: dict[str, float], weights: dict[str, int]) -> dict[str, float]:
    """The means over the samples of all processes, the same numbers in all."""
    if among_others():
        both = wrap(np.array([[sums[name], float(weights[name])] for name in sums]))
        distributed.all_reduce(both)
        return {name: float(s / max(w, 1)) for name, (s, w) in zip(sums, both._array)}
    return {name: total / max(weights[name], 1) for name, total in sums.items()}


def gathered(value: Any) -> list[Any]:
    """A value of each process."""
    if not among_others():
        return [value]
    values: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(values, value)
    return values


def of_first(value: Any) -> Any:
    """The value of the first process."""
    if not among_others():
        return value
    values = [value]
    distributed.broadcast_object_list(values, 0)
    return values[0]
