"""The inverse gamma distribution."""

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

__all__ = ["InverseGamma"]


class InverseGamma(Distribution):
    """The distribution of one over a gamma-distributed number.

    concentration   α > 0
    rate            β > 0

    Forward    log_prob = α log β - (α + 1) log x - β / x - lgamma(α)
    Raises     ValueError if a parameter is not positive
    Example    >>> mg.distributions.InverseGamma(2.0, 3.0).mean
               tensor(3.)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        alpha = self.concentration
        return ops.where(alpha > 1, self.rate / (alpha - 1), math.inf)

    @property
    def mode(self) -> Any:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Any:
        alpha = self.concentration
        finite = self.rate**2 / ((alpha - 1) ** 2 * (alpha - 2))
        return ops.where(alpha > 2, finite, math.inf)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        return self.rate / standard_gamma(ops.expand(self.concentration, shape))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        alpha, beta = self.concentration, self.rate
        power = (alpha + 1) * ops.log(value)
        return alpha * ops.log(beta) - power - beta / value - ops.lgamma(alpha)

    def entropy(self) -> Any:
        alpha = self.concentration
        rest = (1 + alpha) * ops.digamma(alpha)
        return alpha + ops.log(self.rate) + ops.lgamma(alpha) - rest
