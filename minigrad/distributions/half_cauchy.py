"""The half-Cauchy distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.cauchy import Cauchy
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import (
    broadcast_all,
)
from minigrad.graph import wrap

__all__ = ["HalfCauchy"]


class HalfCauchy(Distribution):
    """The distribution of the magnitude of a Cauchy number of median 0.

    scale   γ > 0, its median

    Forward    log_prob = log 2 + that of `Cauchy`, for x ≥ 0
    Raises     ValueError if a scale is not positive
    Example    >>> mg.distributions.HalfCauchy(1.0).log_prob(mg.tensor(0.0))
               tensor(-0.4516)
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast_all(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @property
    def cauchy(self) -> Cauchy:
        """The Cauchy distribution."""
        return Cauchy(0.0, self.scale, validate_args=False)

    @property
    def mean(self) -> Any:
        return wrap(np.full_like(self.scale._array, np.inf))

    @property
    def mode(self) -> Any:
        return wrap(np.zeros_like(self.scale._array))

    @property
    def variance(self) -> Any:
        return self.cauchy.variance

    def rsample(self, sample_shape: Any = ()) -> Any:
        return ops.abs(self.cauchy.rsample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return ops.where(value >= 0, self.cauchy.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return 2 * self.cauchy.cdf(value) - 1

    def icdf(self, value: Any) -> Any:
        return self.cauchy.icdf((value + 1) / 2)

    def entropy(self) -> Any:
        return self.cauchy.entropy() - math.log(2)
