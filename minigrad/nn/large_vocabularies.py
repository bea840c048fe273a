"""Losses of very many classes, of which most are rare, and of labels without alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad import ops
from minigrad.errors import ArgumentError
from minigrad.graph import plain
from minigrad.nn import functional
from minigrad.nn.containers import ModuleList, Sequential
from minigrad.nn.linear import Linear
from minigrad.nn.loss import Loss
from minigrad.nn.module import Module
from minigrad.tensor import Tensor

__all__ = ["AdaptiveLogSoftmaxWithLoss", "CTCLoss"]


class CTCLoss(Loss):
    """Labels of sequences that are not aligned with time: connectionist temporal classification.

    blank          the class that stands for no label
    zero_infinity  0 in place of an infinite loss, where the labels do not fit into the times

    Shapes   (t, n, c), (n, s), (n,), (n,) -> () or, unreduced, (n,); see `functional.ctc_loss`
    Source   Graves et al. 2006
    Example  >>> scores = mg.zeros(5, 1, 3).log_softmax(2)
             >>> mg.nn.CTCLoss()(scores, mg.tensor([[1, 2]]), [5], [2])
             tensor(0.9689)
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction=reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(
        self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any
    ) -> Tensor:
        return functional.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction,
            self.zero_infinity,
        )  # fmt: skip


class ASMoutput(NamedTuple):
    """The log-probability of each sample's class, and the mean loss."""

    output: Any
    loss: Any


class AdaptiveLogSoftmaxWithLoss(Module):
    """The softmax of many classes, in clusters: the frequent ones first, the rare ones in less
    detail.

    in_features  size of the inputs
    n_classes    how many classes, the frequent ones first
    cutoffs      where clusters begin: those before the first cutoff are scored at once
    div_value    cluster i is scored from in_features / div_value^(i + 1) features
    head_bias    whether the scores of the head have a bias

    Parameters  head.weight (shortlist + clusters, in_features), tail.i.0.weight, tail.i.1.weight
    Shapes      (n, in_features), classes (n,) -> output (n,), loss (); or without n
    Raises      ValueError for cutoffs that do not rise from 1 to n_classes - 1
    Source      Grave et al. 2017
    Example     >>> layer = mg.nn.AdaptiveLogSoftmaxWithLoss(8, 10, cutoffs=[4], div_value=2.0)
                >>> layer(mg.zeros(3, 8), mg.tensor([0, 3, 9])).output.shape
                (3,)
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = [int(cutoff) for cutoff in cutoffs]
        rising = all(a < b for a, b in zip([0, *cutoffs], [*cutoffs, n_classes]))
        if not cutoffs or not rising:
            raise ArgumentError(
                f"AdaptiveLogSoftmaxWithLoss: cutoffs rise from 1 to {n_classes - 1}, got {cutoffs}"
            )
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i, (first, end) in enumerate(zip(self.cutoffs, self.cutoffs[1:])):
            hidden = int(in_features // div_value ** (i + 1))
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, False, device, dtype),
                    Linear(hidden, end - first, False, device, dtype),
                )
            )

    def reset_parameters(self) -> None:
        self.head.reset_parameters()
        for projection, scores in self.tail:
            projection.reset_parameters()
            scores.reset_parameters()

    def forward(self, input: Any, target: Any) -> ASMoutput:
        classes = np.atleast_1d(plain(target))
        if input.ndim != np.ndim(plain(target)) + 1 or len(classes) != len(
            input.reshape(-1, self.in_features)
        ):
            raise ArgumentError(
                f"AdaptiveLogSoftmaxWithLoss takes (n, {self.in_features}) and classes (n,), got "
                f"{tuple(input.shape)} and {np.shape(plain(target))}"
            )
        if classes.size and (classes.min() < 0 or classes.max() >= self.n_classes):
            raise ArgumentError(
                f"AdaptiveLogSoftmaxWithLoss: classes are from 0 to {self.n_classes - 1}"
            )
        rows = input.reshape(-1, self.in_features)
        cluster = np.searchsorted(self.cutoffs, classes, side="right")  # 0: the shortlist
        entry = np.where(cluster == 0, classes, self.shortlist_size + cluster - 1)
        head = functional.log_softmax(self.head(rows), 1)
        output = ops.gather(head, 1, entry[:, None])[:, 0]
        for i, scores in enumerate(self.tail, start=1):
            (members,) = np.nonzero(cluster == i)
            if members.size:
                within = functional.log_softmax(scores(ops.index_select(rows, 0, members)), 1)
                places = classes[members] - self.cutoffs[i - 1]
                found = ops.gather(within, 1, places[:, None])[:, 0]
                output = ops.index_add(output, 0, members, found)
        if np.ndim(plain(target)) == 0:
            output = output[0]
        return ASMoutput(output, -ops.mean(output))

    def log_prob(self, input: Any) -> Tensor:
        """The log-probabilities of all classes, (n, n_classes)."""
        head = functional.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i, scores in enumerate(self.tail):
            within = functional.log_softmax(scores(input), 1)
            parts.append(within + head[:, self.shortlist_size + i, None])
        return ops.cat(parts, 1)

    def predict(self, input: Any) -> Tensor:
        """The class of the highest probability of each sample."""
        return ops.argmax(self.log_prob(input), 1)
