"""The Laplace distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import (
    broadcast_all,
    standard_uniform,
)

__all__ = ["Laplace"]


class Laplace(Distribution):
    """The double exponential distribution.

    loc     its mean μ
    scale   b > 0, the mean distance from it

    Forward    log_prob = -|x - μ| / b - log 2b
               rsample = μ - b sign(u) log(1 - |u|), with u uniform in (-1, 1)
    Raises     ValueError if a scale is not positive
    Example    >>> mg.distributions.Laplace(0.0, 1.0).log_prob(mg.tensor(1.0))
               tensor(-1.6931)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return 2 * self.scale**2

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        u = 2 * standard_uniform(shape, self.loc.dtype) - 1
        tail = ops.log1p(-ops.clamp(ops.abs(u), max=1 - float(np.finfo(u.dtype).epsneg)))
        return self.loc - self.scale * ops.sign(u) * tail

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return -ops.abs(value - self.loc) / self.scale - ops.log(2 * self.scale)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return 0.5 - 0.5 * ops.sign(z) * ops.expm1(-ops.abs(z))

    def icdf(self, value: Any) -> Any:
        term = value - 0.5
        return self.loc - self.scale * ops.sign(term) * ops.log1p(-2 * ops.abs(term))

    def entropy(self) -> Any:
        return 1 + ops.log(2 * self.scale)
