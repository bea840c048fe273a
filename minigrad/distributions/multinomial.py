"""The multinomial distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.distributions import constraints
from minigrad.distributions.binomial import Binomial
from minigrad.distributions.categorical import Categorical
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import (
    broadcast_all,
)
from minigrad.graph import wrap
from minigrad.modes import no_grad

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """How often each class comes up in n draws.

    total_count   n, an integer, the same for all
    probs         weights along the last axis, which are divided by their sum; or
    logits        their logarithms, up to a constant

    Forward    log_prob = log n! - Σ log xᵢ! + Σ xᵢ log pᵢ
    Raises     ValueError unless exactly one is given, or for negative weights
    Example    >>> d = mg.distributions.Multinomial(3, mg.tensor([1.0, 1.0]))
               >>> d.log_prob(mg.tensor([1.0, 2.0]))
               tensor(-0.9808)
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(
        self,
        total_count: int = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("Multinomial: total_count is one integer for all")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits, validate_args)
        shape = tuple(self._categorical.param_shape)
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        inner = self._categorical
        shape = (*batch_shape, *self._event_shape)
        given: Any = {inner.given: ops.expand(inner._param, shape)}
        return Multinomial(self.total_count, **given)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    @property
    def probs(self) -> Any:
        """The probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        """Logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def mean(self) -> Any:
        return self.probs * self.total_count

    @property
    def variance(self) -> Any:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            probs = self.probs._array.astype(np.float64)
            shares = probs / probs.sum(-1, keepdims=True)
            shape = self._extended_shape(sample_shape)[:-1]
            drawn = random.source(None).multinomial(self.total_count, shares, shape)
            return wrap(np.asarray(drawn).astype(self.probs.dtype))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        # 0 log 0 is 0: a class that cannot come up, and does not
        none = (value == 0) & (logits == -math.inf)
        powers = ops.sum(ops.where(none, 0.0, logits) * value, -1)
        factorials = ops.lgamma(ops.sum(value, -1) + 1) - ops.sum(ops.lgamma(value + 1), -1)
        return factorials + powers

    def entropy(self) -> Any:
        n = self.total_count
        counts = wrap(np.arange(1, n + 1, dtype=self.probs.dtype))
        counts = ops.reshape(counts, (-1, *[1] * self.probs.ndim))
        each = Binomial(n, probs=self.probs, validate_args=False).log_prob(counts)
        repeated = ops.sum(ops.exp(each) * ops.lgamma(counts + 1), (0, -1))
        return n * self._categorical.entropy() - math.lgamma(n + 1) + repeated

    def __repr__(self) -> str:
        return f"Multinomial(total_count: {self.total_count})"
