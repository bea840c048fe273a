"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import ExponentialFamily
from minigrad.distributions.gamma import standard_gamma

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """The Dirichlet distribution, of probabilities that add up to one.

    concentration   α > 0 for each class, along the last axis

    Forward    log_prob = Σ (αᵢ - 1) log xᵢ + lgamma(Σ αᵢ) - Σ lgamma(αᵢ)
               rsample = a / Σ aᵢ, with aᵢ gamma-distributed of concentration αᵢ
    Raises     ValueError if a parameter is not positive, or if there is no axis of classes
    Example    >>> mg.distributions.Dirichlet(mg.tensor([1.0, 3.0])).mean
               tensor([0.25, 0.75])
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ValueError("Dirichlet: concentration has an axis of classes")
        self.concentration = concentration
        shape = tuple(concentration.shape)
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / ops.sum(self.concentration, -1, True)

    @property
    def mode(self) -> Any:
        a = self.concentration
        above = ops.clamp(a - 1, min=0)
        total = ops.sum(above, -1, True)
        inner = above / ops.where(total == 0, 1.0, total)
        # where all are below 1 there is a peak at each corner: the highest, or the first
        numbers = a._array
        corner = np.arange(numbers.shape[-1]) == numbers.argmax(-1)[..., None]
        at_corners = (numbers < 1).all(-1, keepdims=True)
        return ops.where(at_corners, corner.astype(numbers.dtype), inner)

    @property
    def variance(self) -> Any:
        a, total = self.concentration, ops.sum(self.concentration, -1, True)
        return a * (total - a) / (total**2 * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        drawn = standard_gamma(ops.expand(self.concentration, self._extended_shape(sample_shape)))
        return drawn / ops.sum(drawn, -1, True)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        a = self.concentration
        powers = ops.sum(ops.xlogy(a - 1, value), -1)
        return powers + ops.lgamma(ops.sum(a, -1)) - ops.sum(ops.lgamma(a), -1)

    def entropy(self) -> Any:
        a = self.concentration
        k, total = a.shape[-1], ops.sum(a, -1)
        inner = ops.sum((a - 1) * ops.digamma(a), -1)
        normalizer = ops.sum(ops.lgamma(a), -1) - ops.lgamma(total)
        return normalizer - (k - total) * ops.digamma(total) - inner
