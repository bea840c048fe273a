"""The Cauchy distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import (
    broadcast_all,
    standard_uniform,
)
from minigrad.graph import wrap

__all__ = ["Cauchy"]


class Cauchy(Distribution):
    """The Cauchy distribution, which has a median and no mean.

    loc     its median m
    scale   γ > 0, half the width at half the height

    Forward    log_prob = -log π - log γ - log(1 + ((x - m) / γ)²)
               rsample = m + γ tan(π (u - ½)), with u uniform in (0, 1)
    Raises     ValueError if a scale is not positive
    Example    >>> mg.distributions.Cauchy(0.0, 1.0).log_prob(mg.tensor(0.0))
               tensor(-1.1447)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return wrap(np.full_like(self.loc._array, np.nan))

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return wrap(np.full_like(self.loc._array, np.inf))

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = standard_uniform(self._extended_shape(sample_shape), self.loc.dtype)
        return self.loc + self.scale * ops.tan(math.pi * (u - 0.5))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return -math.log(math.pi) - ops.log(self.scale) - ops.log1p(z * z)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return ops.atan((value - self.loc) / self.scale) / math.pi + 0.5

    def icdf(self, value: Any) -> Any:
        return self.loc + self.scale * ops.tan(math.pi * (value - 0.5))

    def entropy(self) -> Any:
        return math.log(4 * math.pi) + ops.log(self.scale)
