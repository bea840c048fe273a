"""The binomial distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.distributions import constraints
from minigrad.distributions.bernoulli import Probabilities
from minigrad.graph import wrap
from minigrad.modes import no_grad

__all__ = ["Binomial"]


class Binomial(Probabilities):
    """How often out of n times something happens that has a probability p.

    total_count   n, not negative
    probs         p in [0, 1]; or
    logits        log(p / (1 - p))

    Forward    log_prob = log (n choose x) + x log p + (n - x) log(1 - p)
    Raises     ValueError unless exactly one is given, or for values out of their range
    Example    >>> mg.distributions.Binomial(4, 0.5).log_prob(mg.tensor(2.0))
               tensor(-0.9808)
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        (count,) = self._take(probs, logits, total_count)
        self.total_count = ops.to(count, self._param.dtype)
        super().__init__(self._param.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Any:
        return self.total_count * self.probs

    @property
    def mode(self) -> Any:
        return ops.clamp_max(ops.floor((self.total_count + 1) * self.probs), self.total_count)

    @property
    def variance(self) -> Any:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            count = self.total_count._array.astype(np.int64)
            shape = self._extended_shape(sample_shape)
            drawn = random.source(None).binomial(count, self.probs._array, shape)
            return wrap(np.asarray(drawn).astype(self._param.dtype))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        n, logits = self.total_count, self.logits
        choose = ops.lgamma(n + 1) - ops.lgamma(value + 1) - ops.lgamma(n - value + 1)
        # log p = logits - softplus(logits), log(1 - p) = -softplus(logits)
        return choose + value * logits - n * ops.softplus(logits)

    def entropy(self) -> Any:
        n = int(ops.max(self.total_count))
        if not bool(ops.all(self.total_count == n)):
            raise NotImplementedError("Binomial: the entropy needs one total_count for all")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -ops.sum(ops.exp(log_prob) * log_prob, 0)

    def enumerate_support(self, expand: bool = True) -> Any:
        n = int(ops.max(self.total_count))
        if not bool(ops.all(self.total_count == n)):
            raise NotImplementedError("Binomial: the support needs one total_count for all")
        values = np.arange(n + 1, dtype=self._param.dtype)
        values = wrap(values.reshape(-1, *[1] * len(self._batch_shape)))
        return ops.expand(values, (n + 1, *self._batch_shape)) if expand else values
