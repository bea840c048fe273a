"""The Gumbel distribution."""

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

__all__ = ["Gumbel"]


class Gumbel(Distribution):
    """The Gumbel distribution, of the largest of many numbers.

    loc     its mode μ
    scale   β > 0

    Forward    log_prob = -z - e⁻ᶻ - log β, with z = (x - μ) / β
               rsample = μ - β log(-log u), with u uniform in (0, 1)
    Raises     ValueError if a scale is not positive
    Example    >>> mg.distributions.Gumbel(0.0, 1.0).log_prob(mg.tensor(0.0))
               tensor(-1.)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.loc + self.scale * euler_gamma()

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return self.scale**2 * (math.pi**2 / 6)

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = standard_uniform(self._extended_shape(sample_shape), self.loc.dtype)
        return self.loc - self.scale * ops.log(-ops.log(u))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return -z - ops.exp(-z) - ops.log(self.scale)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return ops.exp(-ops.exp((self.loc - value) / self.scale))

    def icdf(self, value: Any) -> Any:
        return self.loc - self.scale * ops.log(-ops.log(value))

    def entropy(self) -> Any:
        return ops.log(self.scale) + (1 + euler_gamma())
