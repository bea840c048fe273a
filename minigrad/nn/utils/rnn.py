"""Sequences of different lengths, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad import ops
from minigrad.tensor import Tensor

__all__ = ["pad_sequence", "unpad_sequence"]


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
        raise ValueError("pad_sequence: there are no sequences")
    if padding_side not in ("right", "left"):
        raise ValueError(f"pad_sequence: padding_side is 'right' or 'left', got {padding_side!r}")
    if any(each.ndim == 0 or each.shape[1:] != sequences[0].shape[1:] for each in sequences):
        raise ValueError(
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
        raise ValueError(
            f"unpad_sequence: {len(padded_sequences)} sequences, but {len(lengths)} lengths"
        )
    return [padded_sequences[i, :length] for i, length in enumerate(lengths)]
