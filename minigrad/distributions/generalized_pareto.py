"""The generalized Pareto distribution."""

from __future__ import annotations

import math
from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import broadcast_all, standard_uniform

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """The generalized Pareto distribution: how far values exceed a threshold.

    loc             μ, the smallest value
    scale           σ > 0
    concentration   ξ: positive for heavy tails, 0 for the exponential distribution, negative for
                    values below μ - σ / ξ

    Forward    log_prob = -log σ - (1 + 1/ξ) log(1 + ξ z) with z = (x - μ) / σ; -log σ - z for ξ = 0
               rsample = μ + σ (u^-ξ - 1) / ξ, with u uniform in (0, 1)
    Raises     ValueError if a scale is not positive
    Source     Pickands 1975
    Example    >>> mg.distributions.GeneralizedPareto(0.0, 1.0, 0.5).mean
               tensor(2.)
    """

    arg_constraints = {
        "loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real,
    }  # fmt: skip
    has_rsample = True

    def __init__(
        self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        xi = self.concentration
        bounded = xi < 0
        end = self.loc - self.scale / ops.where(bounded, xi, -1.0)
        return constraints.interval(self.loc, ops.where(bounded, end, math.inf))

    @property
    def mean(self) -> Any:
        xi = self.concentration
        finite = xi < 1
        return ops.where(finite, self.loc + self.scale / (1 - ops.where(finite, xi, 0.0)), math.nan)

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        finite = self.concentration < 0.5
        xi = ops.where(finite, self.concentration, 0.0)
        return ops.where(finite, self.scale**2 / ((1 - xi) ** 2 * (1 - 2 * xi)), math.nan)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(standard_uniform(self._extended_shape(sample_shape), self.loc.dtype))

    def _rest(self, value: Any) -> Any:
        """Minus the logarithm of the probability of more than `value`."""
        z = (value - self.loc) / self.scale
        near, t = split(self.concentration * z)
        series = 1 + t * (-1 / 2 + t * (1 / 3 + t * (-1 / 4 + t / 5)))
        ones = ops.where(near, 1.0, self.concentration)
        return ops.where(near, z * series, ops.log1p(ones * z) / ones)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        rest, xi = self._rest(value), self.concentration
        # at the end of a uniform distribution, ξ = -1, it would be 0 times ∞
        rest = ops.where((xi == -1) & ops.isinf(rest), 0.0, rest)
        return -ops.log(self.scale) - (1 + xi) * rest

    def log_survival_function(self, value: Any) -> Any:
        """The logarithm of the probability of more than `value`."""
        self._validate_sample(value)
        return -self._rest(value)

    def log_cdf(self, value: Any) -> Any:
        """The logarithm of the probability of at most `value`."""
        return ops.log(self.cdf(value))

    def cdf(self, value: Any) -> Any:
        return -ops.expm1(self.log_survival_function(value))

    def icdf(self, value: Any) -> Any:
        rest = -ops.log1p(-value)
        near, t = split(self.concentration * rest)
        series = 1 + t * (1 / 2 + t * (1 / 6 + t * (1 / 24 + t / 120)))
        ones = ops.where(near, 1.0, self.concentration)
        z = ops.where(near, rest * series, ops.expm1(ones * rest) / ones)
        return self.loc + self.scale * z

    def entropy(self) -> Any:
        return ops.log(self.scale) + self.concentration + 1


def split(t: Any) -> tuple[Any, Any]:
    """Which numbers are near 0, where a series is exact; these, and 0 for the others."""
    near = ops.abs(t) < 1e-3
    return near, ops.where(near, t, 0.0)
