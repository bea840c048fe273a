# ruff: noqa: N999 - the name of PyTorch's module
"""Student's t distribution."""

from __future__ import annotations

import math
from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.gamma import standard_gamma
from minigrad.distributions.utils import (
    broadcast_all,
    standard_normal,
)

__all__ = ["StudentT"]


class StudentT(Distribution):
    """Student's t distribution, whose tails are heavier than the normal one's.

    df      degrees of freedom ν > 0
    loc     its centre μ
    scale   σ > 0

    Forward    log_prob = -(ν + 1) / 2 log(1 + z² / ν) - log σ - ½ log πν
               + lgamma((ν + 1) / 2) - lgamma(ν / 2), with z = (x - μ) / σ
               rsample = μ + σ n √(ν / c), with n standard normal, c chi-squared
    Raises     ValueError if df or scale is not positive
    Example    >>> mg.distributions.StudentT(1.0).log_prob(mg.tensor(0.0))
               tensor(-1.1447)
    """

    arg_constraints = {
        "df": constraints.positive, "loc": constraints.real, "scale": constraints.positive,
    }  # fmt: skip
    support = constraints.real
    has_rsample = True

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return ops.where(self.df > 1, self.loc, math.nan)

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        finite = self.scale**2 * self.df / (self.df - 2)
        infinite = ops.where(self.df > 1, math.inf, math.nan)
        return ops.where(self.df > 2, finite, infinite)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        noise = standard_normal(shape, self.loc.dtype)
        chi2 = 2 * standard_gamma(ops.expand(0.5 * self.df, shape))
        return self.loc + self.scale * noise * ops.rsqrt(chi2 / self.df)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        z, df = (value - self.loc) / self.scale, self.df
        normalizer = ops.log(self.scale) + 0.5 * ops.log(df * math.pi)
        normalizer = normalizer + ops.lgamma(0.5 * df) - ops.lgamma(0.5 * (df + 1))
        return -0.5 * (df + 1) * ops.log1p(z * z / df) - normalizer

    def entropy(self) -> Any:
        half, more = 0.5 * self.df, 0.5 * (self.df + 1)
        log_beta = ops.lgamma(half) + math.lgamma(0.5) - ops.lgamma(more)
        slopes = more * (ops.digamma(more) - ops.digamma(half))
        return ops.log(self.scale) + slopes + 0.5 * ops.log(self.df) + log_beta
