"""The normal distribution."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.calls import op
from minigrad.distributions import constraints
from minigrad.distributions.distribution import ExponentialFamily
from minigrad.distributions.utils import (
    broadcast_all,
    standard_normal,
)

__all__ = ["Normal"]


class Normal(ExponentialFamily):
    """The normal distribution.

    loc     its mean μ
    scale   its standard deviation σ > 0

    Forward    log_prob = -(x - μ)² / 2σ² - log σ - log √2π
               rsample = μ + σ z, with z standard normal
    Raises     ValueError if a scale is not positive
    Example    >>> d = mg.distributions.Normal(0.0, 2.0)
               >>> d.log_prob(mg.tensor(2.0)), d.entropy()
               (tensor(-2.1121), tensor(2.1121))
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
    def stddev(self) -> Any:
        return self.scale

    @property
    def variance(self) -> Any:
        return self.scale**2

    def rsample(self, sample_shape: Any = ()) -> Any:
        noise = standard_normal(self._extended_shape(sample_shape), self.loc.dtype)
        return self.loc + self.scale * noise

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return -0.5 * z * z - ops.log(self.scale) - 0.5 * math.log(2 * math.pi)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return 0.5 * ops.erfc((value - self.loc) / self.scale * -math.sqrt(0.5))

    def icdf(self, value: Any) -> Any:
        return self.loc + self.scale * standard_normal_quantile(value)

    def entropy(self) -> Any:
        return 0.5 + 0.5 * math.log(2 * math.pi) + ops.log(self.scale)


@op(lambda g, out: g / standard_density(out), promote=True, notation="Φ⁻¹({p})")
def standard_normal_quantile(p: Any) -> Any:
    """The number below which a standard normal one lies with probability p.

    Forward    out such that Φ(out) = p
    Gradient   p̄ = ḡ √2π e^(out²/2)
    Shapes     (...) -> (...)
    """
    # Python's own, by Wichura 1988, algorithm AS 241, is exact to the last digits
    quantile = NormalDist().inv_cdf
    out = np.empty_like(p)
    for i, number in enumerate(np.ravel(p).tolist()):
        if 0 < number < 1:
            out.flat[i] = quantile(number)
        else:
            out.flat[i] = math.inf if number == 1 else -math.inf if number == 0 else math.nan
    return out


def standard_density(x: Any) -> Any:
    """e^(-x²/2) / √2π."""
    return np.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
