"""Connectionist temporal classification: sequences whose labels are not aligned with time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.composition import composition
from minigrad.nn.functional.reducing import plain
from minigrad.tensor import Tensor

__all__ = ["ctc_loss"]

NEVER = -1e30  # a log-probability that stays finite in float32 when such are added


@composition
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Negative log-likelihood of label sequences under all their alignments with time.

    log_probs        logarithms of probabilities of the classes at each time, by log_softmax
    targets          the labels, padded to one length, or one sequence after the other
    input_lengths    how many times of each sequence count
    target_lengths   how many labels of each
    blank            the class that stands for no label
    reduction        "mean" divides each loss by its number of labels first
    zero_infinity    0 in place of an infinite loss, where the labels do not fit into the times

    Forward    l = -log Σ over alignments of Πₜ p[t, label at t]
    Gradient   x̄[t, c] = -ḡ p(label at t is c | the labels), the derivative in each of log_probs
    Shapes     (t, n, c), (n, s) or (Σ lengths,), (n,), (n,) -> () or, with "none", (n,); the same
               without n
    Raises     ValueError if the shapes do not go together, or a label is the blank
    Source     Graves et al. 2006, section 4.1
    Example    >>> x = mg.log(mg.tensor([[0.5, 0.5], [0.5, 0.5]]))
               >>> mg.nn.functional.ctc_loss(x, mg.tensor([1]), [2], [1], reduction="sum")
               tensor(0.2877)
    """
    single = len(log_probs.shape) == 2
    if single:
        log_probs = log_probs[:, None]
    if len(log_probs.shape) != 3:
        raise ValueError(f"ctc_loss takes (t, n, c) or (t, c), got {tuple(log_probs.shape)}")
    times, count, classes = log_probs.shape
    lengths = lengths_of("input_lengths", input_lengths, count, times)
    sizes = lengths_of("target_lengths", target_lengths, count)
    labels = padded_labels(plain(targets), sizes, count, classes, blank)
    loss = -likelihoods(log_probs, labels, lengths, sizes, blank)
    loss = ops.where(loss < -NEVER / 10, loss, 0.0 if zero_infinity else np.inf)
    if reduction == "mean":
        return ops.mean(loss / np.maximum(sizes, 1).astype(loss.dtype))
    if reduction == "sum":
        return ops.sum(loss)
    if reduction != "none":
        raise ValueError(f'reduction is "mean", "sum" or "none", got {reduction!r}')
    return loss[0] if single else loss


def lengths_of(name: str, given: Any, count: int, most: int | None = None) -> Any:
    """Lengths as integers, one for each sequence."""
    lengths = np.atleast_1d(np.asarray(plain(given)))
    if lengths.shape != (count,) or lengths.dtype.kind not in "iu":
        raise ValueError(f"ctc_loss: {name} are {count} integers, got {lengths.tolist()}")
    if lengths.min(initial=0) < 0 or (most is not None and lengths.max(initial=0) > most):
        raise ValueError(f"ctc_loss: {name} are from 0 to {most}, got {lengths.tolist()}")
    return lengths.astype(np.int64)


def padded_labels(targets: Any, sizes: Any, count: int, classes: int, blank: int) -> Any:
    """The labels of each sequence in a row, and the blank after their end."""
    if not 0 <= blank < classes:
        raise ValueError(f"ctc_loss: the blank is one of {classes} classes, got {blank}")
    longest = int(sizes.max(initial=0))
    counts = np.arange(longest) < sizes[:, None]
    labels = np.full((count, longest), blank)
    if targets.ndim == 1 and count * longest != targets.size:
        if targets.size != sizes.sum():
            raise ValueError(
                f"ctc_loss: {targets.size} labels, target_lengths add to {sizes.sum()}"
            )
        labels[counts] = targets
    elif targets.ndim == 1:
        labels[counts] = targets if sizes.sum() == targets.size else targets.reshape(count, -1)
    elif targets.ndim == 2 and targets.shape[0] == count and targets.shape[1] >= longest:
        labels[counts] = targets[:, :longest][counts]
    else:
        raise ValueError(f"ctc_loss: targets are ({count}, {longest}) labels, got {targets.shape}")
    found = labels[counts]
    if found.size and (found.min() < 0 or found.max() >= classes or (found == blank).any()):
        raise ValueError(
            f"ctc_loss: labels are from 0 to {classes - 1}, and not the blank, {blank}"
        )
    return labels


def likelihoods(log_probs: Any, labels: Any, lengths: Any, sizes: Any, blank: int) -> Any:
    """The log-probability of each row of labels: the forward pass over the labels with blanks."""
    count, longest = labels.shape
    states = np.full((count, 2 * longest + 1), blank)
    states[:, 1::2] = labels
    skips = np.zeros(states.shape, bool)  # where the blank between two labels may be left out
    skips[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    index = np.broadcast_to(states, (len(log_probs), *states.shape))
    scores = ops.clamp(ops.gather(log_probs, 2, index), NEVER, None)
    alpha = ops.where(np.arange(states.shape[1]) < 2, scores[0], NEVER)
    for t in range(1, int(lengths.max(initial=0))):
        stay, step = alpha, ops.pad(alpha[:, :-1], (1, 0), value=NEVER)
        jump = ops.pad(alpha[:, :-2], (2, 0), value=NEVER) if longest else step
        ways = ops.stack([stay, step, ops.where(skips, jump, NEVER)])
        going_on = ops.logsumexp(ways, 0) + scores[t]
        alpha = ops.where((t < lengths)[:, None], going_on, alpha)
    last = ops.gather(alpha, 1, (2 * sizes)[:, None])[:, 0]
    before = ops.gather(alpha, 1, np.maximum(2 * sizes - 1, 0)[:, None])[:, 0]
    whole = ops.logaddexp(last, ops.where(sizes > 0, before, NEVER))
    # of no times at all, the empty sequence is certain
    return ops.where(lengths > 0, whole, np.where(sizes == 0, 0.0, NEVER).astype(whole.dtype))
