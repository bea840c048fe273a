"""The Weibull distribution."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import (
    broadcast_all,
    euler_gamma,
    standard_uniform,
)

__all__ = ["Weibull"]


class Weibull(Distribution):
    """The Weibull distribution, of lifetimes.

    scale           λ > 0
    concentration   k > 0: above 1 things age

    Forward    log_prob = log(k / λ) + (k - 1) log(x / λ) - (x / λ)ᵏ
               rsample = λ (-log u)^(1/k), with u uniform in (0, 1)
    Raises     ValueError if a parameter is not positive
    Example    >>> mg.distributions.Weibull(1.0, 2.0).mean
               tensor(0.8862)
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.scale * ops.exp(ops.lgamma(1 + 1 / self.concentration))

    @property
    def mode(self) -> Any:
        k = self.concentration
        peak = self.scale * (ops.clamp(k - 1, min=0) / k) ** (1 / k)
        return ops.where(k > 1, peak, 0.0)

    @property
    def variance(self) -> Any:
        second = ops.exp(ops.lgamma(1 + 2 / self.concentration))
        return self.scale**2 * (second - ops.exp(2 * ops.lgamma(1 + 1 / self.concentration)))

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = standard_uniform(self._extended_shape(sample_shape), self.scale.dtype)
        return self.scale * (-ops.log(u)) ** (1 / self.concentration)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        k, ratio = self.concentration, value / self.scale
        return ops.log(k / self.scale) + (k - 1) * ops.log(ratio) - ratio**k

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return -ops.expm1(-((value / self.scale) ** self.concentration))

    def icdf(self, value: Any) -> Any:
        return self.scale * (-ops.log1p(-value)) ** (1 / self.concentration)

    def entropy(self) -> Any:
        k = self.concentration
        return euler_gamma() * (1 - 1 / k) + ops.log(self.scale / k) + 1
