"""The negative binomial distribution."""

from __future__ import annotations

from typing import Any

from minigrad import ops, random
from minigrad.distributions import constraints
from minigrad.distributions.bernoulli import Probabilities
from minigrad.distributions.gamma import standard_gamma
from minigrad.modes import no_grad

__all__ = ["NegativeBinomial"]


class NegativeBinomial(Probabilities):
    """How often something of probability p happens before it has failed to n times.

    total_count   n ≥ 0; it need not be an integer
    probs         p in [0, 1); or
    logits        log(p / (1 - p))

    Forward    log_prob = n log(1 - p) + x log p + log Γ(n + x) - log Γ(n) - log x!
    Raises     ValueError unless exactly one is given, or for values out of their range
    Example    >>> mg.distributions.NegativeBinomial(3.0, 0.5).mean
               tensor(3.)
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self,
        total_count: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        (count,) = self._take(probs, logits, total_count)
        self.total_count = ops.to(count, self._param.dtype)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.total_count * ops.exp(self.logits)

    @property
    def mode(self) -> Any:
        return ops.clamp(ops.floor((self.total_count - 1) * ops.exp(self.logits)), min=0)

    @property
    def variance(self) -> Any:
        return self.mean / ops.sigmoid(-self.logits)

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            shape = self._extended_shape(sample_shape)
            rate = standard_gamma(ops.expand(self.total_count, shape)) * ops.exp(self.logits)
            return random.poisson(rate)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        n, logits = self.total_count, self.logits
        powers = -n * ops.softplus(logits) - value * ops.softplus(-logits)
        normalizer = ops.lgamma(value + 1) + ops.lgamma(n) - ops.lgamma(n + value)
        return powers - ops.where(n + value == 0, 0.0, normalizer)
