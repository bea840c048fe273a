"""Training loops ready to use: `fit`, what it calls after each epoch, and `lr_find`.

The loop itself is four lines, and writing it out is the first way to train::

    for x, y in batches:
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

`fit` adds what surrounds it: averages, validation, a progress bar, early stopping, and checkpoints
from which a run goes on as if it had never been interrupted.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from minigrad.training.callbacks import Callback, EarlyStopping, Run
from minigrad.training.checkpoint import Checkpoint
from minigrad.training.history import History
from minigrad.training.learning_rates import LearningRates, lr_find
from minigrad.training.loop import evaluate, fit, predict
from minigrad.training.metrics import (
    accuracy,
    binary_accuracy,
    class_weights,
    confusion_matrix,
    f1,
    mae,
    mse,
    over_epoch,
    r2,
)

if _TYPE_CHECKING:
    from minigrad.training.estimators import Classifier, Regressor

__all__ = [
    "Callback",
    "Checkpoint",
    "Classifier",
    "EarlyStopping",
    "History",
    "LearningRates",
    "Regressor",
    "Run",
    "accuracy",
    "binary_accuracy",
    "class_weights",
    "confusion_matrix",
    "evaluate",
    "f1",
    "fit",
    "lr_find",
    "mae",
    "mse",
    "over_epoch",
    "predict",
    "r2",
]


def __getattr__(name: str) -> _Any:
    """The estimators import scikit-learn, and so are imported when they are asked for."""
    if name in ("Classifier", "Regressor"):
        from minigrad.training import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
