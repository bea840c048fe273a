"""The F distribution."""

from __future__ import annotations

import math
from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.gamma import standard_gamma
from minigrad.distributions.utils import (
    broadcast_all,
)

__all__ = ["FisherSnedecor"]


class FisherSnedecor(Distribution):
    """The F distribution, of the ratio of two mean squares.

    df1, df2   degrees of freedom, positive

    Forward    log_prob = d₁/2 log(d₁ / d₂) + (d₁/2 - 1) log x - (d₁ + d₂)/2 log(1 + d₁ x / d₂)
               + lgamma((d₁ + d₂)/2) - lgamma(d₁/2) - lgamma(d₂/2)
    Raises     ValueError if a parameter is not positive
    Example    >>> mg.distributions.FisherSnedecor(2.0, 4.0).mean
               tensor(2.)
    """

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return ops.where(self.df2 > 2, self.df2 / (self.df2 - 2), math.nan)

    @property
    def mode(self) -> Any:
        mode = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return ops.where(self.df1 > 2, mode, math.nan)

    @property
    def variance(self) -> Any:
        a, b = self.df1, self.df2
        finite = 2 * b**2 * (a + b - 2) / (a * (b - 2) ** 2 * (b - 4))
        return ops.where(b > 4, finite, math.nan)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        above = standard_gamma(ops.expand(0.5 * self.df1, shape)) / self.df1
        return above / (standard_gamma(ops.expand(0.5 * self.df2, shape)) / self.df2)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        a, b, ratio = 0.5 * self.df1, 0.5 * self.df2, self.df1 / self.df2
        normalizer = ops.lgamma(a + b) - ops.lgamma(a) - ops.lgamma(b)
        powers = a * ops.log(ratio) + (a - 1) * ops.log(value)
        return normalizer + powers - (a + b) * ops.log1p(ratio * value)
