"""Categories as vectors, made continuous."""

from __future__ import annotations

import math
from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.categorical import Categorical
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.distributions.transforms import ExpTransform
from minigrad.distributions.utils import (
    as_tensor,
    broadcast_all,
    standard_uniform,
)

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(Distribution):
    """The logarithm of a `RelaxedOneHotCategorical`.

    temperature   τ > 0
    probs         weights along the last axis; or
    logits        their logarithms, up to a constant

    Forward    rsample = log_softmax((logits - log(-log u)) / τ), with u uniform in (0, 1)
    Raises     ValueError unless exactly one is given
    Source     Maddison, Mnih and Teh 2017, The concrete distribution
    Example    >>> from minigrad.distributions.relaxed_categorical import ExpRelaxedCategorical
               >>> ExpRelaxedCategorical(0.5, mg.ones(3)).rsample().shape
               (3,)
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        shape = tuple(self._categorical.param_shape)
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        inner = self._categorical
        shape = (*batch_shape, *self._event_shape)
        given: Any = {inner.given: ops.expand(inner._param, shape)}
        return type(self)(self.temperature, **given)

    @property
    def logits(self) -> Any:
        """Logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def probs(self) -> Any:
        """The probabilities."""
        return self._categorical.probs

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = standard_uniform(self._extended_shape(sample_shape), self.logits.dtype)
        scores = (self.logits - ops.log(-ops.log(u))) / self.temperature
        return scores - ops.logsumexp(scores, -1, True)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        k = self._event_shape[0]
        logits, value = broadcast_all(self.logits, value)
        temperature = as_tensor(self.temperature, logits.dtype)
        scale = math.lgamma(k) + (k - 1) * ops.log(temperature)
        score = logits - value * temperature
        score = ops.sum(score - ops.logsumexp(score, -1, True), -1)
        return score + scale


class RelaxedOneHotCategorical(TransformedDistribution):
    """Vectors of probabilities near one-hot ones, the nearer the lower the temperature.

    temperature   τ > 0
    probs         weights along the last axis; or
    logits        their logarithms, up to a constant

    Forward    rsample = softmax((logits - log(-log u)) / τ), with u uniform in (0, 1)
    Raises     ValueError unless exactly one is given
    Source     Jang, Gu and Poole 2017; Maddison, Mnih and Teh 2017
    Example    >>> d = mg.distributions.RelaxedOneHotCategorical(mg.tensor(0.5), mg.ones(3))
               >>> d.rsample((2,)).shape
               (2, 3)
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Any:
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Any:
        """Logarithms of the probabilities."""
        return self.base_dist.logits

    @property
    def probs(self) -> Any:
        """The probabilities."""
        return self.base_dist.probs
