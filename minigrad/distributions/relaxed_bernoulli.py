"""Bernoulli's distribution, made continuous."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.bernoulli import Probabilities
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.distributions.transforms import SigmoidTransform
from minigrad.distributions.utils import (
    as_tensor,
    broadcast_all,
    standard_uniform,
)

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(Probabilities):
    """The logits of a `RelaxedBernoulli`.

    temperature   τ > 0
    probs         p in [0, 1]; or
    logits        log(p / (1 - p))

    Forward    rsample = (logits + log u - log(1 - u)) / τ, with u uniform in (0, 1)
    Raises     ValueError unless exactly one is given
    Source     Maddison, Mnih and Teh 2017, The concrete distribution
    Example    >>> from minigrad.distributions.relaxed_bernoulli import LogitRelaxedBernoulli
               >>> LogitRelaxedBernoulli(0.5, mg.tensor([0.5])).rsample().shape
               (1,)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature = temperature
        self._take(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = standard_uniform(self._extended_shape(sample_shape), self._param.dtype)
        return (ops.log(u) - ops.log1p(-u) + self.logits) / self.temperature

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        difference = logits - value * self.temperature
        scale = ops.log(as_tensor(self.temperature, logits.dtype))
        return scale + difference - 2 * ops.softplus(difference)


class RelaxedBernoulli(TransformedDistribution):
    """Numbers in (0, 1) that are near 0 and 1, the nearer the lower the temperature.

    temperature   τ > 0
    probs         p in [0, 1]; or
    logits        log(p / (1 - p))

    Forward    rsample = sigmoid((logits + log u - log(1 - u)) / τ), with u uniform in (0, 1)
    Raises     ValueError unless exactly one is given
    Source     Maddison, Mnih and Teh 2017, The concrete distribution
    Example    >>> d = mg.distributions.RelaxedBernoulli(mg.tensor(0.5), mg.tensor([0.3]))
               >>> d.log_prob(mg.tensor([0.5]))
               tensor([-0.8675])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Any:
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Any:
        """The log-odds."""
        return self.base_dist.logits

    @property
    def probs(self) -> Any:
        """The probabilities."""
        return self.base_dist.probs
