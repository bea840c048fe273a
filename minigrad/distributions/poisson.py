"""The Poisson distribution."""

from __future__ import annotations

from typing import Any

from minigrad import ops, random
from minigrad.distributions import constraints
from minigrad.distributions.distribution import ExponentialFamily
from minigrad.distributions.utils import (
    broadcast_all,
)
from minigrad.modes import no_grad

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """How often something happens in a time in which it happens λ times on average.

    rate   λ ≥ 0

    Forward    log_prob = x log λ - λ - log x!
    Raises     ValueError if a rate is negative
    Example    >>> mg.distributions.Poisson(2.0).log_prob(mg.tensor(1.0))
               tensor(-1.3069)
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.rate

    @property
    def mode(self) -> Any:
        return ops.floor(self.rate)

    @property
    def variance(self) -> Any:
        return self.rate

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            return random.poisson(ops.expand(self.rate, self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return ops.xlogy(value, rate) - rate - ops.lgamma(value + 1)
