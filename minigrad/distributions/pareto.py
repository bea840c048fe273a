"""The Pareto distribution."""

from __future__ import annotations

import math
from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import (
    broadcast_all,
    standard_uniform,
)

__all__ = ["Pareto"]


class Pareto(Distribution):
    """The Pareto distribution.

    scale   m > 0, the smallest value
    alpha   α > 0: the higher, the rarer are large values

    Forward    log_prob = log α + α log m - (α + 1) log x for x ≥ m
               rsample = m u^(-1/α), with u uniform in (0, 1)
    Raises     ValueError if a parameter is not positive
    Example    >>> mg.distributions.Pareto(1.0, 3.0).mean
               tensor(1.5)
    """

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}
    has_rsample = True

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Any:
        return ops.where(self.alpha > 1, self.alpha * self.scale / (self.alpha - 1), math.inf)

    @property
    def mode(self) -> Any:
        return self.scale

    @property
    def variance(self) -> Any:
        a = self.alpha
        finite = self.scale**2 * a / ((a - 1) ** 2 * (a - 2))
        return ops.where(a > 2, finite, math.inf)

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = standard_uniform(self._extended_shape(sample_shape), self.scale.dtype)
        return self.scale * ops.exp(-ops.log(u) / self.alpha)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        a, m = self.alpha, self.scale
        return ops.log(a) + a * ops.log(m) - (a + 1) * ops.log(value)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return 1 - (self.scale / value) ** self.alpha

    def icdf(self, value: Any) -> Any:
        return self.scale * (1 - value) ** (-1 / self.alpha)

    def entropy(self) -> Any:
        return ops.log(self.scale / self.alpha) + (1 + 1 / self.alpha)
