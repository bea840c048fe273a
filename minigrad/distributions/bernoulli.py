"""The Bernoulli distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.distributions import constraints
from minigrad.distributions.distribution import ExponentialFamily
from minigrad.distributions.utils import (
    broadcast_all,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
)
from minigrad.graph import wrap
from minigrad.modes import no_grad
from minigrad.nn.functional import binary_cross_entropy_with_logits

__all__ = ["Bernoulli"]


class Probabilities(ExponentialFamily):
    """A probability of each entry, given as such or as logits (log-odds): exactly one of both."""

    def _take(self, probs: Any, logits: Any, *others: Any) -> list[Any]:
        """Keep what is given, broadcast with the `others`, which are returned."""
        if (probs is None) == (logits is None):
            raise ValueError(f"{type(self).__name__}: give probs or logits, and not both")
        name, given = ("logits", logits) if probs is None else ("probs", probs)
        self.given = name
        self.__dict__[name], *rest = broadcast_all(given, *others)
        return rest

    @property
    def _param(self) -> Any:
        return self.__dict__[self.given]

    @lazy_property
    def logits(self) -> Any:
        """The log-odds log(p / (1 - p))."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        """The probabilities."""
        return logits_to_probs(self.logits, is_binary=True)


class Bernoulli(Probabilities):
    """1 with a probability p, and 0 otherwise.

    probs    p in [0, 1]; or
    logits   log(p / (1 - p))

    Forward    log_prob = x log p + (1 - x) log(1 - p)
    Raises     ValueError unless exactly one is given, or for a p outside of [0, 1]
    Example    >>> mg.distributions.Bernoulli(0.25).log_prob(mg.tensor([0.0, 1.0]))
               tensor([-0.2877, -1.3863])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._take(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.probs

    @property
    def mode(self) -> Any:
        p = self.probs._array
        return wrap(np.where(p == 0.5, np.nan, p >= 0.5).astype(p.dtype))

    @property
    def variance(self) -> Any:
        return self.probs * (1 - self.probs)

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._param.shape

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            p = ops.expand(self.probs, self._extended_shape(sample_shape))
            return random.bernoulli(p)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        value = ops.to(value, logits.dtype)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Any:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Any:
        values = wrap(np.arange(2, dtype=self._param.dtype).reshape(2, *[1] * self._param.ndim))
        return ops.expand(values, (2, *self._batch_shape)) if expand else values
