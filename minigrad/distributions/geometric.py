"""The geometric distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.bernoulli import Probabilities
from minigrad.distributions.utils import (
    broadcast_all,
    standard_uniform,
)
from minigrad.graph import wrap
from minigrad.modes import no_grad

__all__ = ["Geometric"]


class Geometric(Probabilities):
    """How often something fails before it succeeds, with a probability p each time.

    probs    p in (0, 1]; or
    logits   log(p / (1 - p))

    Forward    log_prob = x log(1 - p) + log p
    Raises     ValueError unless exactly one is given, or for a p outside of (0, 1]
    Example    >>> mg.distributions.Geometric(0.5).log_prob(mg.tensor(2.0))
               tensor(-2.0794)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._take(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not bool(ops.all(self.probs > 0)):
            raise ValueError("Geometric: probs are positive")

    @property
    def mean(self) -> Any:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Any:
        return wrap(np.zeros_like(self.probs._array))

    @property
    def variance(self) -> Any:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            p = self.probs
            u = standard_uniform(self._extended_shape(sample_shape), p.dtype)
            return ops.floor(ops.log(u) / ops.log1p(-p))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        return ops.xlogy(value, 1 - probs) + ops.log(probs)

    def entropy(self) -> Any:
        p = self.probs
        return -(ops.xlogy(1 - p, 1 - p) + ops.xlogy(p, p)) / p
