"""Loss functions as modules; `minigrad.nn.functional` has their mathematics.

Everywhere, `reduction` is "mean", "sum" or "none".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.nn import functional
from minigrad.nn.module import Module
from minigrad.nn.shaping import PairwiseDistance
from minigrad.tensor import Tensor

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CosineEmbeddingLoss", "CrossEntropyLoss",
    "GaussianNLLLoss", "HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss",
    "MarginRankingLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss",
    "NLLLoss", "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss", "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]  # fmt: skip


class Loss(Module):
    """Base of the losses: how the losses of the samples become one.

    Raises   ValueError if `reduction` is not "mean", "sum" or "none".
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ArgumentError(
                f"{type(self).__name__}: reduction is 'mean', 'sum' or 'none', got {reduction!r}"
            )
        self.reduction = reduction


class WeightedLoss(Loss):
    """Base of the losses with a weight for each class or entry, a buffer."""

    weight: Any

    def __init__(self, weight: Any = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)


# -------------------------------------------------------------------------------------- regression


class MSELoss(Loss):
    """Squared error (x - y)².

    Shapes   (...) and the same, -> () or, unreduced, (...)
    Example  >>> mg.nn.MSELoss()(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
             tensor(2.)
    """

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """Absolute error |x - y|.

    Example  >>> mg.nn.L1Loss()(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
             tensor(1.)
    """

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """(x - y)² / 2β where |x - y| < β, |x - y| - β/2 elsewhere.

    Example  >>> mg.nn.SmoothL1Loss()(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
             tensor(0.75)
    """

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """(x - y)² / 2 where |x - y| < δ, δ (|x - y| - δ/2) elsewhere.

    Example  >>> mg.nn.HuberLoss()(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
             tensor(0.75)
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class PoissonNLLLoss(Loss):
    """Negative log-likelihood of counts under a Poisson distribution.

    log_input  whether the input is the logarithm of the rate
    full       whether to add Stirling's approximation of log(target!)
    eps        keeps log(rate) finite where the input is the rate

    Example  >>> mg.nn.PoissonNLLLoss()(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
             tensor(0.5537)
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        *,
        eps: float = 1e-8,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Any, target: Any) -> Tensor:
        return functional.poisson_nll_loss(
            log_input, target, log_input=self.log_input, full=self.full, eps=self.eps,
            reduction=self.reduction,
        )  # fmt: skip


class GaussianNLLLoss(Loss):
    """Negative log-likelihood under a normal distribution whose variance is predicted, too.

    full   whether to add the constant log(2π) / 2
    eps    the least variance

    Example  >>> mg.nn.GaussianNLLLoss()(mg.tensor([1.0]), mg.tensor([3.0]), mg.tensor([1.0]))
             tensor(2.)
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Any, target: Any, var: Any) -> Tensor:
        return functional.gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction
        )


# ---------------------------------------------------------------------------------- classification


class CrossEntropyLoss(WeightedLoss):
    """Cross-entropy of scores (logits) against classes, or against probabilities of classes.

    weight           a weight for each class, (classes,)
    ignore_index     a class that does not count
    label_smoothing  this much of each target is spread over all classes, 0 ... 1

    Shapes   (n, classes, ...), and (n, ...) of integers or (n, classes, ...) of probabilities
             -> () or, unreduced, (n, ...)
    Example  >>> mg.nn.CrossEntropyLoss()(mg.tensor([[0.0, 0.0]]), mg.tensor([1]))
             tensor(0.6931)
    """

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.cross_entropy(
            input, target, weight=self.weight, ignore_index=self.ignore_index,
            reduction=self.reduction, label_smoothing=self.label_smoothing,
        )  # fmt: skip


class NLLLoss(WeightedLoss):
    """Negative log-likelihood: minus the score of the true class; the scores are log-probabilities.

    Shapes   as in `CrossEntropyLoss`, with classes as targets
    Example  >>> scores = mg.tensor([[0.25, 0.75]]).log()
             >>> mg.nn.NLLLoss()(scores, mg.tensor([0]))
             tensor(1.3863)
    """

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.nll_loss(
            input, target, weight=self.weight, ignore_index=self.ignore_index,
            reduction=self.reduction,
        )  # fmt: skip


class BCELoss(WeightedLoss):
    """Binary cross-entropy of probabilities: -(y log p + (1 - y) log(1 - p)).

    Example  >>> mg.nn.BCELoss()(mg.tensor([0.5, 0.25]), mg.tensor([1.0, 0.0]))
             tensor(0.4904)
    """

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.binary_cross_entropy(
            input, target, weight=self.weight, reduction=self.reduction
        )


class BCEWithLogitsLoss(WeightedLoss):
    """Binary cross-entropy of scores x, with p = σ(x), without loss of accuracy.

    weight      a weight for each entry; broadcasts
    pos_weight  a weight of the positive class, for each class

    Example  >>> mg.nn.BCEWithLogitsLoss()(mg.tensor([0.0, -1000.0]), mg.tensor([1.0, 0.0]))
             tensor(0.3466)
    """

    pos_weight: Any

    def __init__(
        self,
        weight: Any = None,
        *,
        reduction: str = "mean",
        pos_weight: Any = None,
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.binary_cross_entropy_with_logits(
            input, target, weight=self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class KLDivLoss(Loss):
    """Kullback-Leibler divergence y (log y - x), where the input x is a log-probability.

    log_target   whether the target is a log-probability, too

    Example  >>> p, q = mg.tensor([0.5, 0.5]), mg.tensor([0.25, 0.75])
             >>> mg.nn.KLDivLoss(reduction="sum")(p.log(), q)
             tensor(0.1308)
    """

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        # "batchmean", which divides by the size of the batch, is known to this loss alone
        super().__init__(reduction="mean" if reduction == "batchmean" else reduction)
        if reduction == "batchmean":
            self.reduction = reduction
        self.log_target = log_target

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.kl_div(
            input, target, reduction=self.reduction, log_target=self.log_target
        )


# ----------------------------------------------------------------------------------------- margins


class MarginLoss(Loss):
    """Base of the losses with a margin."""

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin


class HingeEmbeddingLoss(MarginLoss):
    """x where the target is 1, max(0, margin - x) where it is -1.

    Example  >>> mg.nn.HingeEmbeddingLoss()(mg.tensor([0.5, 0.5]), mg.tensor([1.0, -1.0]))
             tensor(0.5)
    """

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(margin, reduction=reduction)

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.hinge_embedding_loss(
            input, target, margin=self.margin, reduction=self.reduction
        )


class CosineEmbeddingLoss(MarginLoss):
    """1 - cos(x1, x2) where the target is 1, max(0, cos(x1, x2) - margin) where it is -1.

    Example  >>> x, y = mg.tensor([[1.0, 0.0]]), mg.tensor([[0.0, 1.0]])
             >>> mg.nn.CosineEmbeddingLoss()(x, y, mg.tensor([1.0]))
             tensor(1.)
    """

    def forward(self, input1: Any, input2: Any, target: Any) -> Tensor:
        return functional.cosine_embedding_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class MarginRankingLoss(MarginLoss):
    """max(0, margin - y (x1 - x2)), where y = 1 asks for x1 > x2, and y = -1 for x2 > x1.

    Example  >>> mg.nn.MarginRankingLoss()(mg.tensor([1.0]), mg.tensor([3.0]), mg.tensor([1.0]))
             tensor(2.)
    """

    def forward(self, input1: Any, input2: Any, target: Any) -> Tensor:
        return functional.margin_ranking_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class SoftMarginLoss(Loss):
    """log(1 + exp(-y x)), with targets y of 1 and -1.

    Example  >>> mg.nn.SoftMarginLoss()(mg.tensor([0.0, 1000.0]), mg.tensor([1.0, 1.0]))
             tensor(0.3466)
    """

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.soft_margin_loss(input, target, reduction=self.reduction)


class MultiMarginLoss(WeightedLoss):
    """Σ over the wrong classes of max(0, margin - x[true] + x[wrong])ᵖ / classes.

    Example  >>> mg.nn.MultiMarginLoss()(mg.tensor([[1.0, 1.0]]), mg.tensor([0]))
             tensor(0.5)
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Any = None,
        *,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.p, self.margin = p, margin

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight,
            reduction=self.reduction,
        )  # fmt: skip


class MultiLabelMarginLoss(Loss):
    """The sum over true and wrong classes of max(0, 1 - x[true] + x[wrong]) / classes.

    Shapes   (n, classes) or (classes,), and integers of the same shape: the true classes of each
             sample, then -1 -> () or, unreduced, (n,)
    Raises   ValueError if the shapes differ; IndexError if a class is out of range.
    Example  >>> mg.nn.MultiLabelMarginLoss()(mg.tensor([0.5, 1.0]), mg.tensor([0, -1]))
             tensor(0.75)
    """

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """Binary cross-entropy of each class, averaged over the classes.

    Example  >>> mg.nn.MultiLabelSoftMarginLoss()(mg.tensor([[0.0, 0.0]]), mg.tensor([[1.0, 0.0]]))
             tensor(0.6931)
    """

    def forward(self, input: Any, target: Any) -> Tensor:
        return functional.multilabel_soft_margin_loss(
            input, target, weight=self.weight, reduction=self.reduction
        )


class TripletMarginLoss(MarginLoss):
    """max(0, margin + d(anchor, positive) - d(anchor, negative)), with the p-norm as distance d.

    swap   compare with d(positive, negative) instead where that is less

    Example  >>> near, far = mg.tensor([[0.6, 0.8]]), mg.tensor([[0.9, 1.2]])
             >>> mg.nn.TripletMarginLoss()(mg.zeros(1, 2), near, far)
             tensor(0.5)
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        *,
        reduction: str = "mean",
    ) -> None:
        super().__init__(margin, reduction=reduction)
        self.p, self.eps, self.swap = p, eps, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Tensor:
        return functional.triplet_margin_loss(
            anchor, positive, negative, margin=self.margin, p=self.p, eps=self.eps, swap=self.swap,
            reduction=self.reduction,
        )  # fmt: skip


class TripletMarginWithDistanceLoss(MarginLoss):
    """`TripletMarginLoss` with a distance of one's own; `PairwiseDistance` if there is none.

    Example  >>> near, far = mg.tensor([[0.6, 0.8]]), mg.tensor([[0.9, 1.2]])
             >>> loss = mg.nn.TripletMarginWithDistanceLoss(
             ...     distance_function=lambda x, y: (x - y).abs().sum(-1)
             ... )
             >>> loss(mg.zeros(1, 2), near, far)
             tensor(0.3)
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(margin, reduction=reduction)
        self.distance_function = distance_function or PairwiseDistance()
        self.swap = swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Tensor:
        return functional.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function,
            margin=self.margin, swap=self.swap, reduction=self.reduction,
        )  # fmt: skip
