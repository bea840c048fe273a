"""The exponential distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import ExponentialFamily
from minigrad.distributions.utils import (
    broadcast_all,
    standard_uniform,
)
from minigrad.graph import wrap

__all__ = ["Exponential"]


class Exponential(ExponentialFamily):
    """The exponential distribution, of the time until something happens.

    rate   λ > 0, how often it happens

    Forward    log_prob = log λ - λ x for x ≥ 0
               rsample = -log(u) / λ, with u uniform in (0, 1)
    Raises     ValueError if a rate is not positive
    Example    >>> mg.distributions.Exponential(2.0).log_prob(mg.tensor(1.0))
               tensor(-1.3069)
    """

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return 1 / self.rate

    @property
    def mode(self) -> Any:
        return wrap(np.zeros_like(self.rate._array))

    @property
    def stddev(self) -> Any:
        return 1 / self.rate

    @property
    def variance(self) -> Any:
        return self.rate**-2

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = standard_uniform(self._extended_shape(sample_shape), self.rate.dtype)
        return -ops.log(u) / self.rate

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return ops.log(self.rate) - self.rate * value

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return -ops.expm1(-self.rate * value)

    def icdf(self, value: Any) -> Any:
        return -ops.log1p(-value) / self.rate

    def entropy(self) -> Any:
        return 1 - ops.log(self.rate)
