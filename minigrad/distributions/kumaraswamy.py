"""The Kumaraswamy distribution."""

from __future__ import annotations

import math
from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import (
    broadcast_all,
    euler_gamma,
    standard_uniform,
)

__all__ = ["Kumaraswamy"]


class Kumaraswamy(Distribution):
    """A distribution of probabilities much like `Beta`, with simple samples.

    concentration1, concentration0   a, b > 0

    Forward    log_prob = log a b + (a - 1) log x + (b - 1) log(1 - xᵃ)
               rsample = (1 - u^(1/b))^(1/a), with u uniform in (0, 1)
    Raises     ValueError if a parameter is not positive
    Example    >>> mg.distributions.Kumaraswamy(1.0, 1.0).mean
               tensor(0.5)
    """

    arg_constraints = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, concentration1: Any, concentration0: Any, validate_args: bool | None = None
    ) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        super().__init__(self.concentration1.shape, validate_args=validate_args)

    def _moment(self, n: int) -> Any:
        a, b = self.concentration1, self.concentration0
        log_beta = ops.lgamma(1 + n / a) + ops.lgamma(b) - ops.lgamma(1 + n / a + b)
        return b * ops.exp(log_beta)

    @property
    def mean(self) -> Any:
        return self._moment(1)

    @property
    def mode(self) -> Any:
        a, b = self.concentration1, self.concentration0
        inner = (a >= 1) & (b >= 1)
        peak = ops.where(inner, a - 1, 0.0) / ops.where(inner, a * b - 1, 1.0)
        return ops.where(inner, peak ** (1 / a), math.nan)

    @property
    def variance(self) -> Any:
        return self._moment(2) - self._moment(1) ** 2

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = standard_uniform(self._extended_shape(sample_shape), self.concentration1.dtype)
        inner = -ops.expm1(ops.log(u) / self.concentration0)
        return inner ** (1 / self.concentration1)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        powers = ops.xlogy(a - 1, value) + ops.xlogy(b - 1, 1 - value**a)
        return ops.log(a) + ops.log(b) + powers

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return 1 - (1 - value**self.concentration1) ** self.concentration0

    def icdf(self, value: Any) -> Any:
        inner = 1 - (1 - value) ** (1 / self.concentration0)
        return inner ** (1 / self.concentration1)

    def entropy(self) -> Any:
        a, b = self.concentration1, self.concentration0
        harmonic = ops.digamma(b + 1) + euler_gamma()
        return (1 - 1 / b) + (1 - 1 / a) * harmonic - ops.log(a) - ops.log(b)
