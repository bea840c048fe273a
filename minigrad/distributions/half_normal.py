"""The half-normal distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.normal import Normal
from minigrad.distributions.utils import (
    broadcast_all,
)
from minigrad.graph import wrap

__all__ = ["HalfNormal"]


class HalfNormal(Distribution):
    """The distribution of the magnitude of a normal number of mean 0.

    scale   σ > 0, its standard deviation

    Forward    log_prob = log 2 + that of `Normal`, for x ≥ 0
    Raises     ValueError if a scale is not positive
    Example    >>> mg.distributions.HalfNormal(1.0).mean
               tensor(0.7979)
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast_all(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @property
    def normal(self) -> Normal:
        """The normal distribution."""
        return Normal(0.0, self.scale, validate_args=False)

    @property
    def mean(self) -> Any:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def mode(self) -> Any:
        return wrap(np.zeros_like(self.scale._array))

    @property
    def variance(self) -> Any:
        return self.scale**2 * (1 - 2 / math.pi)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return ops.abs(self.normal.rsample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return ops.where(value >= 0, self.normal.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return 2 * self.normal.cdf(value) - 1

    def icdf(self, value: Any) -> Any:
        return self.normal.icdf((value + 1) / 2)

    def entropy(self) -> Any:
        return self.normal.entropy() - math.log(2)
