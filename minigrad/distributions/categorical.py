"""The categorical distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import (
    lazy_property,
    logits_to_probs,
    probs_to_logits,
)
from minigrad.graph import wrap
from minigrad.modes import no_grad

__all__ = ["Categorical"]


class Categorical(Distribution):
    """One of the numbers 0 ... n - 1, each with a probability.

    probs    weights along the last axis, which are divided by their sum; or
    logits   their logarithms, up to a constant

    Forward    log_prob = log_softmax(logits)[x]
    Raises     ValueError unless exactly one is given, or for negative weights
    Example    >>> d = mg.distributions.Categorical(mg.tensor([1.0, 3.0]))
               >>> d.probs, d.log_prob(mg.tensor(1))
               (tensor([0.25, 0.75]), tensor(-0.2877))
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if (probs is None) == (logits is None):
            raise ValueError(f"{type(self).__name__}: give probs or logits, and not both")
        given = logits if probs is None else probs
        if given.ndim < 1:
            raise ValueError(f"{type(self).__name__}: probs and logits have an axis of classes")
        if probs is not None:
            self.given = "probs"
            self.probs = probs / ops.sum(probs, -1, True)
        else:
            self.given = "logits"
            self.logits = logits - ops.logsumexp(logits, -1, True)
        self._num_events = given.shape[-1]
        super().__init__(tuple(given.shape[:-1]), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def _param(self) -> Any:
        return self.__dict__[self.given]

    @lazy_property
    def logits(self) -> Any:
        """Logarithms of the probabilities."""
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Any:
        """The probabilities."""
        return logits_to_probs(self.logits)

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._param.shape

    @property
    def mean(self) -> Any:
        return wrap(np.full(self._extended_shape(), np.nan, self._param.dtype))

    @property
    def mode(self) -> Any:
        return ops.argmax(self.probs, -1)

    @property
    def variance(self) -> Any:
        return self.mean

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            shape = self._extended_shape(sample_shape)
            share = np.cumsum(self.probs._array, -1)
            u = random.uniform_array(shape, np.dtype(np.float64), None)[..., None]
            # the number of classes whose probabilities together are below u
            drawn = (u * share[..., -1:] >= share[..., :-1]).sum(-1)
            return wrap(np.asarray(drawn, dtype=np.int64))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        shape = np.broadcast_shapes(tuple(value.shape), self._batch_shape)
        logits = ops.expand(self.logits, (*shape, self._num_events))
        indices = ops.expand(ops.to(value, np.int64), shape)[..., None]
        return ops.gather(logits, -1, indices)[..., 0]

    def entropy(self) -> Any:
        # a logit of -∞ has probability 0, and counts 0
        finite = ops.clamp(self.logits, min=float(np.finfo(self.logits.dtype).min))
        return -ops.sum(finite * self.probs, -1)

    def enumerate_support(self, expand: bool = True) -> Any:
        values = wrap(np.arange(self._num_events).reshape(-1, *[1] * len(self._batch_shape)))
        return ops.expand(values, (self._num_events, *self._batch_shape)) if expand else values
