"""Dropout as modules: random zeros in training, nothing in evaluation.

Of all of them `p` is the probability of a zero; what is left is scaled so that the mean is kept.
"""

from __future__ import annotations

from typing import Any

from minigrad.errors import ArgumentError
from minigrad.nn import functional
from minigrad.nn.module import Module, shown
from minigrad.tensor import Tensor

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "FeatureAlphaDropout"]


class DropoutBase(Module):
    """What all have in common.

    p         probability of a zero, 0 ... 1
    inplace   overwrite the input

    Raises    ValueError if `p` is not a probability.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ArgumentError(f"{type(self).__name__}: p is a probability from 0 to 1, got {p}")
        self.p, self.inplace = p, inplace

    def extra_repr(self) -> str:
        return shown(self, "p", "inplace")


class Dropout(DropoutBase):
    """Each entry is 0 with probability `p`, else divided by 1 - p; in evaluation all are kept.

    Shapes   (...), unchanged
    Source   Srivastava et al. 2014
    Example  >>> mg.nn.Dropout(0.5).eval()(mg.tensor([1.0, 2.0]))
             tensor([1., 2.])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(DropoutBase):
    """Whole channels of sequences are 0 with probability `p`.

    Shapes   (n, channels, length) or (channels, length), unchanged
    Example  >>> mg.nn.Dropout1d(0.5).eval()(mg.ones(1, 2, 3)).equal(mg.ones(1, 2, 3))
             True
    """

    def forward(self, input: Any) -> Tensor:
        return functional.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(DropoutBase):
    """Whole channels of images are 0 with probability `p`.

    Shapes   (n, channels, height, width) or without n, unchanged
    Example  >>> mg.nn.Dropout2d(0.5).eval()(mg.ones(1, 2, 3, 3)).equal(mg.ones(1, 2, 3, 3))
             True
    """

    def forward(self, input: Any) -> Tensor:
        return functional.dropout2d(input, self.p, self.training, self.inplace)


class AlphaDropout(DropoutBase):
    """Dropout that keeps mean 0 and variance 1 of what `SELU` returns.

    Source   Klambauer et al. 2017
    Example  >>> mg.nn.AlphaDropout(0.5).eval()(mg.ones(2, 3)).equal(mg.ones(2, 3))
             True
    """

    def forward(self, input: Any) -> Tensor:
        return functional.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(DropoutBase):
    """`AlphaDropout` of whole channels.

    Example  >>> mg.nn.FeatureAlphaDropout(0.5).eval()(mg.ones(2, 3)).equal(mg.ones(2, 3))
             True
    """

    def forward(self, input: Any) -> Tensor:
        return functional.feature_alpha_dropout(input, self.p, self.training)
