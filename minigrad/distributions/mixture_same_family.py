"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.categorical import Categorical
from minigrad.distributions.distribution import Distribution
from minigrad.graph import wrap
from minigrad.modes import no_grad

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """A mixture: one of several distributions, side by side in the last batch axis.

    mixture_distribution     a `Categorical`: which of them
    component_distribution   the distributions; its last batch axis has one for each category

    Forward    log_prob = logsumexp(log weights + log_prob of each component)
    Raises     ValueError if the weights are not a `Categorical`, or their number does not fit
    Example    >>> weights = mg.distributions.Categorical(mg.tensor([0.5, 0.5]))
               >>> parts = mg.distributions.Normal(mg.tensor([-1.0, 1.0]), 0.5)
               >>> mg.distributions.MixtureSameFamily(weights, parts).mean
               tensor(0.)
    """

    arg_constraints: Any = {}

    def __init__(
        self,
        mixture_distribution: Any,
        component_distribution: Any,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError("MixtureSameFamily: mixture_distribution is a Categorical")
        batch, count = component_distribution.batch_shape, mixture_distribution._num_events
        if not batch or batch[-1] != count:
            raise ValueError(
                f"MixtureSameFamily: the last batch axis of {batch} has one component for each of "
                f"{count} categories"
            )
        self.mixture_distribution = mixture_distribution
        self.component_distribution = component_distribution
        event = component_distribution.event_shape
        super().__init__(batch[:-1], event, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        count = self.mixture_distribution._num_events
        parts = self.component_distribution.expand((*batch_shape, count))
        return MixtureSameFamily(self.mixture_distribution.expand(batch_shape), parts)

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.dependent  # a component's bounds have one axis more than a sample

    def _weights(self) -> Any:
        probs = self.mixture_distribution.probs
        return ops.reshape(probs, (*probs.shape, *[1] * len(self._event_shape)))

    @property
    def _axis(self) -> int:
        return -1 - len(self._event_shape)

    @property
    def mean(self) -> Any:
        return ops.sum(self._weights() * self.component_distribution.mean, self._axis)

    @property
    def variance(self) -> Any:
        parts, axis = self.component_distribution, self._axis
        away = parts.mean - ops.unsqueeze(self.mean, axis)
        return ops.sum(self._weights() * (parts.variance + away**2), axis)

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            which = self.mixture_distribution.sample(sample_shape)
            drawn = self.component_distribution.sample(sample_shape)
            axis = which.ndim
            index = ops.reshape(which, (*which.shape, *[1] * (drawn.ndim - axis)))
            taken = np.take_along_axis(drawn._array, index._array, axis)
            return wrap(np.squeeze(taken, axis))

    def log_prob(self, value: Any) -> Any:
        spread = ops.unsqueeze(value, self._axis)
        each = self.component_distribution.log_prob(spread)
        weights = ops.log_softmax(self.mixture_distribution.logits, -1)
        return ops.logsumexp(each + weights, -1)

    def cdf(self, value: Any) -> Any:
        each = self.component_distribution.cdf(ops.unsqueeze(value, self._axis))
        return ops.sum(each * self.mixture_distribution.probs, -1)

    def __repr__(self) -> str:
        return (
            f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
        )
