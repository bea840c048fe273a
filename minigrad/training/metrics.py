"""Numbers beside the loss that say how good a model is."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.graph import Variable

__all__ = ["accuracy"]


def accuracy(output: Any, target: Any) -> float:
    """The share of rows whose largest entry is at the target's class, a metric for `fit`.

    Shapes    (n, c), (n,) of classes -> a number in 0 ... 1
    Example   >>> mg.training.accuracy(mg.tensor([[0.1, 0.9], [0.8, 0.2]]), mg.tensor([1, 1]))
              0.5
    """
    pair = (output, target)
    scores, classes = (t._array if isinstance(t, Variable) else np.asarray(t) for t in pair)
    if scores.ndim != 2 or classes.shape != scores.shape[:1]:
        raise ValueError(f"accuracy takes (n, c) and (n,), got {scores.shape}, {classes.shape}")
    return float((scores.argmax(1) == classes).mean())
