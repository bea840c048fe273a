"""Making a batch of samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.creation import tensor
from minigrad.graph import Variable, wrap

__all__ = ["Batch", "default_collate", "default_convert"]


class Batch(list[Any]):
    """What a dataset returns that made a whole batch itself.

    Other loaders, such as PyTorch's, pass it to `default_collate` as if it held samples; by its
    type it is known to be joined already.
    """

    __slots__ = ()


def default_collate(batch: Sequence[Any]) -> Any:
    """Join samples into a batch: tensors, arrays and numbers are stacked along a new first axis.

    Tuples, lists, named tuples and dicts of these are joined entry by entry; strings stay a list.

    Raises    TypeError for samples of another kind; ValueError if their shapes or lengths differ.
    Example   >>> from minigrad.utils.data import default_collate
              >>> default_collate([(1.0, "a"), (2.0, "b")])
              [tensor([1., 2.], dtype=float64), ['a', 'b']]
    """
    if isinstance(batch, Batch):
        return batch
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
    if hasattr(first, "__array__"):  # tensors and arrays of other libraries
        return wrap(np.stack([np.asarray(sample) for sample in batch]))
    raise TypeError(
        f"default_collate: cannot join samples of type {type(first).__name__}; give a collate_fn"
    )


def default_convert(data: Any) -> Any:
    """A sample whose arrays are tensors; what is in tuples, lists and dicts is converted, too.

    Example   >>> from minigrad.utils.data import default_convert
              >>> default_convert({"x": np.array([1, 2]), "name": "a"})
              {'x': tensor([1, 2]), 'name': 'a'}
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return wrap(np.asarray(data)) if data.dtype.kind in "biuf" else data
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        converted = [default_convert(value) for value in data]
        if hasattr(data, "_fields"):
            return type(data)(*converted)
        return tuple(converted) if isinstance(data, tuple) else converted
    return data
