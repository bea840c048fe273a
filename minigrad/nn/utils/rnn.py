"""Sequences of different lengths, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad import ops
from minigrad.errors import ArgumentError
from minigrad.graph import Variable, wrap
from minigrad.tensor import Tensor

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence",
    "pad_packed_sequence", "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


def pad_sequence(
    sequences: Sequence[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """One tensor of sequences that are made as long as the longest.

    sequences      n tensors (lengthᵢ, ...), alike but for their lengths
    batch_first    return (n, length, ...) instead of (length, n, ...)
    padding_value  what is put at the end
    padding_side   "right", or "left" for the beginning

    Raises   ValueError if there are no sequences, if their shapes differ after the first axis, or
             for another side.
    Example  >>> pad_sequence = mg.nn.utils.rnn.pad_sequence
             >>> pad_sequence([mg.tensor([1.0, 2.0]), mg.tensor([3.0])], batch_first=True)
             tensor([[1., 2.],
                     [3., 0.]])
    """
    sequences = list(sequences)
    if not sequences:
        raise ArgumentError("pad_sequence: there are no sequences")
    if padding_side not in ("right", "left"):
        raise ArgumentError(
            f"pad_sequence: padding_side is 'right' or 'left', got {padding_side!r}"
        )
    if any(each.ndim == 0 or each.shape[1:] != sequences[0].shape[1:] for each in sequences):
        raise ArgumentError(
            "pad_sequence: the sequences have the same shape after the first axis, got "
            f"{[each.shape for each in sequences]}"
        )
    longest = max(len(each) for each in sequences)
    rest = (0, 0) * (sequences[0].ndim - 1)

    def padded(each: Tensor) -> Any:
        missing = longest - len(each)
        around = (0, missing) if padding_side == "right" else (missing, 0)
        return ops.pad(each, (*rest, *around), value=padding_value) if missing else each

    joined: Tensor = ops.stack([padded(each) for each in sequences], 0 if batch_first else 1)
    return joined


def unpad_sequence(
    padded_sequences: Tensor, lengths: Any, batch_first: bool = False
) -> list[Tensor]:
    """The sequences that `pad_sequence` joined, at their own lengths.

    lengths  n integers

    Raises   ValueError if there is not one length for each sequence.
    Example  >>> mg.nn.utils.rnn.unpad_sequence(mg.ones(1, 3), mg.tensor([2]), batch_first=True)
             [tensor([1., 1.])]
    """
    if not batch_first:
        padded_sequences = ops.transpose(padded_sequences, 0, 1)
    lengths = [int(length) for length in lengths]
    if len(lengths) != len(padded_sequences):
        raise ArgumentError(
            f"unpad_sequence: {len(padded_sequences)} sequences, but {len(lengths)} lengths"
        )
    return [padded_sequences[i, :length] for i, length in enumerate(lengths)]


# ------------------------------------------------------------------------------------------ packed


class PackedSequence(NamedTuple):
    """Sequences of different lengths without padding, all first entries, all second ones, ...

    data              (total length, ...): sorted by falling length within each time
    batch_sizes       how many sequences are that long, for each time
    sorted_indices    which sequence stands where; None: they were sorted already
    unsorted_indices  the inverse

    Made by `pack_padded_sequence` and `pack_sequence`; `nn.LSTM` and its kin take it.

    Example  >>> rnn = mg.nn.utils.rnn
             >>> packed = rnn.pack_sequence([mg.tensor([1.0, 2.0]), mg.tensor([3.0])])
             >>> packed.data, packed.batch_sizes
             (tensor([1., 3., 2.]), tensor([2, 1]))
    """

    data: Any
    batch_sizes: Any
    sorted_indices: Any = None
    unsorted_indices: Any = None

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with data of another type."""
        return self._replace(data=self.data.to(*args, **kwargs))


def invert_permutation(permutation: Any) -> Any:
    """Where each number stands; None for None.

    Example  >>> mg.nn.utils.rnn.invert_permutation(mg.tensor([2, 0, 1]))
             tensor([1, 2, 0])
    """
    return None if permutation is None else wrap(np.argsort(permutation._array))


def as_integers(lengths: Any) -> Any:
    return np.asarray(lengths._array if isinstance(lengths, Variable) else lengths, np.int64)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """A `PackedSequence` of padded sequences.

    input           (length, n, ...), or (n, length, ...) with `batch_first`
    lengths         n positive integers
    enforce_sorted  complain if the lengths do not fall

    Raises   ValueError for a length that is not 1 ... length, or if they do not fall and should.
    Example  >>> rnn = mg.nn.utils.rnn
             >>> x = mg.tensor([[3.0, 0.0], [1.0, 2.0]])
             >>> rnn.pack_padded_sequence(x, [1, 2], batch_first=True, enforce_sorted=False).data
             tensor([1., 3., 2.])
    """
    sizes = as_integers(lengths)
    steps = ops.transpose(input, 0, 1) if batch_first else input
    if sizes.shape != (steps.shape[1],) or sizes.min() < 1 or sizes.max() > steps.shape[0]:
        raise ArgumentError(
            f"pack_padded_sequence: lengths are {steps.shape[1]} integers from 1 to "
            f"{steps.shape[0]}, got {sizes.tolist()}"
        )
    order = None
    if not enforce_sorted:
        order = wrap(np.argsort(-sizes, kind="stable"))
        sizes = sizes[order._array]
        steps = ops.index_select(steps, 1, order)
    elif (np.diff(sizes) > 0).any():
        raise ArgumentError(
            f"pack_padded_sequence: lengths fall, got {sizes.tolist()}; or enforce_sorted=False"
        )
    present = np.arange(sizes[0])[:, None] < sizes  # (time, sequence)
    data = steps[wrap(np.nonzero(present)[0]), wrap(np.nonzero(present)[1])]
    return PackedSequence(data, wrap(present.sum(1)), order, invert_permutation(order))


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Any]:
    """The padded sequences of a `PackedSequence`, and their lengths.

    total_length   how long they are to be; None: as the longest

    Raises   ValueError if total_length is less than the longest.
    Example  >>> rnn = mg.nn.utils.rnn
             >>> packed = rnn.pack_sequence([mg.tensor([1.0, 2.0]), mg.tensor([3.0])])
             >>> rnn.pad_packed_sequence(packed, batch_first=True)
             (tensor([[1., 2.],
                     [3., 0.]]), tensor([2, 1]))
    """
    sizes = as_integers(sequence.batch_sizes)
    longest = len(sizes) if total_length is None else total_length
    if longest < len(sizes):
        raise ArgumentError(
            f"pad_packed_sequence: total_length is at least {len(sizes)}, got {total_length}"
        )
    # every place of the result says which entry of the data it has, the last is the padding
    places = np.full((longest, sizes[0]), sequence.data.shape[0])
    lengths = (np.arange(sizes[0])[:, None] < sizes).sum(1)
    present = np.arange(longest)[:, None] < lengths
    places[present] = np.arange(present.sum())
    padding = np.full_like(sequence.data._array[:1], padding_value)
    padded = ops.cat([sequence.data, wrap(padding)], 0)[wrap(places)]
    if sequence.unsorted_indices is not None:
        back = sequence.unsorted_indices
        padded, lengths = ops.index_select(padded, 1, back), lengths[back._array]
    return (ops.transpose(padded, 0, 1) if batch_first else padded), wrap(lengths)


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """A `PackedSequence` of tensors (lengthᵢ, ...).

    Raises   ValueError as `pad_sequence` and `pack_padded_sequence`.
    Example  >>> rnn = mg.nn.utils.rnn
             >>> rnn.pack_sequence([mg.tensor([1.0, 2.0]), mg.tensor([3.0])]).batch_sizes
             tensor([2, 1])
    """
    lengths = [len(each) for each in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a `PackedSequence`.

    Example  >>> rnn = mg.nn.utils.rnn
             >>> rnn.unpack_sequence(rnn.pack_sequence([mg.tensor([1.0, 2.0]), mg.tensor([3.0])]))
             [tensor([1., 2.]), tensor([3.])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
