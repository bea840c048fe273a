"""The uniform distribution."""

from __future__ import annotations

import math
from typing import Any

from minigrad import ops, random
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import (
    broadcast_all,
)
from minigrad.graph import wrap

__all__ = ["Uniform"]


class Uniform(Distribution):
    """The uniform distribution between two numbers.

    low, high   low < high; low is included, high is not

    Forward    log_prob = -log(high - low) within, -∞ outside
               rsample = low + (high - low) u, with u uniform in [0, 1)
    Raises     ValueError if a low is not below its high
    Example    >>> mg.distributions.Uniform(0.0, 4.0).log_prob(mg.tensor(1.0))
               tensor(-1.3863)
    """

    arg_constraints = {"low": constraints.dependent, "high": constraints.dependent}
    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)
        if self._validate_args and not bool(ops.all(self.low < self.high)):
            raise ValueError("Uniform: low is not below high")

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Any:
        return (self.low + self.high) / 2

    @property
    def mode(self) -> Any:
        return self.high * math.nan

    @property
    def variance(self) -> Any:
        return (self.high - self.low) ** 2 / 12

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        u = wrap(random.uniform_array(shape, self.low.dtype, None))
        return self.low + (self.high - self.low) * u

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        within = (value >= self.low) & (value < self.high)
        return ops.where(within, -ops.log(self.high - self.low), -math.inf)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return ops.clamp((value - self.low) / (self.high - self.low), 0, 1)

    def icdf(self, value: Any) -> Any:
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Any:
        return ops.log(self.high - self.low)
