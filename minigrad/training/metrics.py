"""Numbers beside the loss that say how good a model is."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from minigrad.graph import Variable, wrap
from minigrad.promotion import get_default_dtype

__all__ = [
    "accuracy", "binary_accuracy", "class_weights", "confusion_matrix", "f1", "mae", "mse",
    "over_epoch", "r2",
]  # fmt: skip


def plain(value: Any) -> Any:
    return value._array if isinstance(value, Variable) else np.asarray(value)


def predicted_classes(name: str, output: Any, target: Any) -> tuple[Any, Any]:
    """The class of each row of scores, or the classes as they are, and those of the targets."""
    scores, classes = plain(output), plain(target)
    chosen = scores.ndim == 1 and scores.dtype.kind in "biu"
    if not (scores.ndim == 2 or chosen) or classes.shape != scores.shape[:1]:
        raise ValueError(
            f"{name} takes (n, c) scores, or (n,) classes, and (n,) targets, got {scores.shape}, "
            f"{classes.shape}; of one score to a row, binary_accuracy(threshold) is the accuracy"
        )
    return (scores.astype(int) if chosen else scores.argmax(1)), classes


def accuracy(output: Any, target: Any) -> float:
    """The share of rows whose largest entry is at the target's class, a metric for `fit`.

    Shapes    (n, c) scores, or (n,) classes, and (n,) classes -> a number in 0 ... 1
    Raises    ValueError for other shapes
    Example   >>> mg.training.accuracy(mg.tensor([[0.1, 0.9], [0.8, 0.2]]), mg.tensor([1, 1]))
              0.5
    """
    found, classes = predicted_classes("accuracy", output, target)
    return float((found == classes).mean())


def binary_accuracy(threshold: float = 0.0) -> Callable[[Any, Any], float]:
    """The accuracy of a model with one score to a row, as a metric for `fit`.

    threshold   the class is 1 above it: 0 for logits, 0.5 for probabilities

    Returns   a function of scores (n,) or (n, 1) and of classes in the same shape or as (n,).
    Example   >>> metric = mg.training.binary_accuracy()
              >>> metric(mg.tensor([[-1.0], [2.0], [0.5]]), mg.tensor([0, 1, 0]))
              0.6666666666666666
    """

    def binary_accuracy(output: Any, target: Any) -> float:
        scores, classes = plain(output), plain(target)
        if scores.size != classes.size or scores.ndim > 2 or scores.shape[1:] not in ((), (1,)):
            raise ValueError(
                f"binary_accuracy takes (n,) or (n, 1) and (n,), got {scores.shape}, "
                f"{classes.shape}"
            )
        return float(((scores.reshape(-1) > threshold) == (classes.reshape(-1) > 0.5)).mean())

    return binary_accuracy


def mae(output: Any, target: Any) -> float:
    """The mean of the absolute errors.

    Raises    ValueError if the shapes differ
    Example   >>> mg.training.mae(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
              1.0
    """
    return float(np.abs(errors_of("mae", output, target)).mean())


def mse(output: Any, target: Any) -> float:
    """The mean of the squared errors.

    Raises    ValueError if the shapes differ
    Example   >>> mg.training.mse(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 4.0]))
              2.0
    """
    return float((errors_of("mse", output, target) ** 2).mean())


def errors_of(name: str, output: Any, target: Any) -> Any:
    found, wanted = plain(output), plain(target)
    if found.shape != wanted.shape:
        raise ValueError(f"{name} takes equal shapes, got {found.shape} and {wanted.shape}")
    return found.astype(float) - wanted


def over_epoch(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], float]:
    """A metric of all outputs and targets of an epoch, where the mean over batches would be wrong.

    function   is called once an epoch with two arrays: all outputs and all targets

    Example   >>> @mg.training.over_epoch
              ... def spread(output, target):
              ...     return output.max() - output.min()
              >>> data = mg.utils.data.TensorDataset(mg.ones(4, 1), mg.ones(4, 1))
              >>> loader = mg.utils.data.DataLoader(data, batch_size=2)
              >>> mg.training.evaluate(mg.nn.Linear(1, 1), "mse", loader, [spread])["spread"]
              0.0
    """

    @wraps(function)
    def metric(output: Any, target: Any) -> float:
        return float(function(plain(output), plain(target)))

    metric.__dict__["over_epoch"] = True
    return metric


@over_epoch
def f1(output: Any, target: Any) -> float:
    """The mean over classes of the harmonic mean of precision and recall.

    Shapes    as `accuracy`
    Raises    ValueError for other shapes
    Example   >>> mg.training.f1(mg.tensor([[0.1, 0.9], [0.8, 0.2]]), mg.tensor([1, 0]))
              1.0
    """
    found, classes = predicted_classes("f1", output, target)
    scores = []
    for k in np.union1d(found, classes):
        hits = np.sum((found == k) & (classes == k))
        scores.append(2 * hits / (np.sum(found == k) + np.sum(classes == k)))
    return float(np.mean(scores)) if scores else 0.0


@over_epoch
def r2(output: Any, target: Any) -> float:
    """The share of the targets' variance that the outputs explain; 0 where there is none.

    Raises    ValueError if the shapes differ
    Example   >>> mg.training.r2(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.0]))
              1.0
    """
    errors, wanted = errors_of("r2", output, target), plain(target).astype(float)
    spread = float(((wanted - wanted.mean(0)) ** 2).sum())
    return 1 - float((errors**2).sum()) / spread if spread else 0.0


def confusion_matrix(output: Any, target: Any, classes: int | None = None) -> Any:
    """How many samples of each class (rows) were given which class (columns).

    classes   how many there are; None: as many as scores, or as the numbers in use tell

    Shapes    as `accuracy` -> (classes, classes)
    Raises    ValueError for other shapes, or a class that is not in 0 ... classes - 1
    Example   >>> scores = mg.tensor([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
              >>> mg.training.confusion_matrix(scores, mg.tensor([0, 1, 1]))
              tensor([[1, 0],
                      [1, 1]])
    """
    found, wanted = predicted_classes("confusion_matrix", output, target)
    if classes is None:
        scores = plain(output)
        many = scores.shape[1] if scores.ndim == 2 else 0
        classes = int(max(many, 2, *(a.max(initial=-1) + 1 for a in (found, wanted))))
    for name, numbers in (("output", found), ("target", wanted)):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < classes:
            raise ValueError(
                f"confusion_matrix: classes are 0 ... {classes - 1}, the {name} has "
                f"{numbers.min()} ... {numbers.max()}"
            )
    counts = np.bincount(wanted.astype(int) * classes + found, minlength=classes * classes)
    return wrap(counts.reshape(classes, classes))


def class_weights(target: Any, classes: int | None = None) -> Any:
    """Weights with which rare classes count as much as frequent ones: n / (classes * count).

    To be given to a loss: ``nn.CrossEntropyLoss(weight=class_weights(y))``.  A class without a
    sample gets 0.

    Raises    ValueError if target is not a vector of classes
    Example   >>> mg.training.class_weights(mg.tensor([0, 0, 0, 1]))
              tensor([0.6667, 2.    ])
    """
    numbers = plain(target)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or (numbers < 0).any():
        raise ValueError(f"class_weights takes a vector of classes, got shape {numbers.shape}")
    counts = np.bincount(numbers, minlength=classes or 0)
    with np.errstate(divide="ignore"):
        weights = np.where(counts > 0, len(numbers) / (len(counts) * counts), 0.0)
    return wrap(weights.astype(get_default_dtype()))
