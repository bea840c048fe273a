"""The beta distribution."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.dirichlet import Dirichlet
from minigrad.distributions.distribution import ExponentialFamily
from minigrad.distributions.gamma import standard_gamma
from minigrad.distributions.utils import (
    broadcast_all,
)

__all__ = ["Beta"]


class Beta(ExponentialFamily):
    """The beta distribution, of probabilities.

    concentration1, concentration0   α, β > 0

    Forward    log_prob = (α - 1) log x + (β - 1) log(1 - x) + lgamma(α + β) - lgamma(α) - lgamma(β)
               rsample = a / (a + b), with a and b gamma-distributed of concentrations α and β
    Raises     ValueError if a parameter is not positive
    Example    >>> mg.distributions.Beta(2.0, 3.0).mean
               tensor(0.4)
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

    @property
    def mean(self) -> Any:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Any:
        both = ops.stack([self.concentration1, self.concentration0], -1)
        return Dirichlet(both, validate_args=False).mode[..., 0]

    @property
    def variance(self) -> Any:
        both = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (both**2 * (both + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        a = standard_gamma(ops.expand(self.concentration1, shape))
        b = standard_gamma(ops.expand(self.concentration0, shape))
        return a / (a + b)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        powers = ops.xlogy(a - 1, value) + ops.xlogy(b - 1, 1 - value)
        return powers + ops.lgamma(a + b) - ops.lgamma(a) - ops.lgamma(b)

    def entropy(self) -> Any:
        a, b = self.concentration1, self.concentration0
        normalizer = ops.lgamma(a) + ops.lgamma(b) - ops.lgamma(a + b)
        inner = (a - 1) * ops.digamma(a) + (b - 1) * ops.digamma(b)
        return normalizer - inner + (a + b - 2) * ops.digamma(a + b)
