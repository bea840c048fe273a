"""The von Mises distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import broadcast_all
from minigrad.graph import wrap

__all__ = ["VonMises"]


class VonMises(Distribution):
    """The von Mises distribution, of angles: the normal distribution on a circle.

    loc             the mean angle μ, in radians
    concentration   κ > 0: 1 / κ is about the variance where that is small

    Forward    log_prob = κ cos(x - μ) - log 2π - log I₀(κ)
               mean = mode = μ;  variance = 1 - I₁(κ) / I₀(κ), that of angles
    Raises     ValueError if a concentration is not positive
    Source     Best and Fisher 1979
    Example    >>> mg.distributions.VonMises(0.0, 2.0).log_prob(mg.tensor(0.0))
               tensor(-0.6619)
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return 1 - ops.i1e(self.concentration) / ops.i0e(self.concentration)

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        loc, kappa = self.loc._array, self.concentration._array
        turned = random.source(None).vonmises(0.0, kappa, shape) + loc
        around = np.mod(turned + math.pi, 2 * math.pi) - math.pi
        return wrap(around.astype(loc.dtype))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        kappa = self.concentration
        # exponentially scaled: I₀ overflows at κ = 713
        below = ops.cos(value - self.loc) - 1
        return kappa * below - math.log(2 * math.pi) - ops.log(ops.i0e(kappa))
