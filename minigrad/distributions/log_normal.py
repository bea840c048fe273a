"""The log-normal distribution."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.normal import Normal
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.distributions.transforms import ExpTransform

__all__ = ["LogNormal"]


class LogNormal(TransformedDistribution):
    """The distribution of eˣ for a normal x.

    loc, scale   mean μ and standard deviation σ > 0 of x

    Forward    log_prob(y) = that of `Normal` at log y, minus log y
    Raises     ValueError if a scale is not positive
    Example    >>> mg.distributions.LogNormal(0.0, 1.0).mean
               tensor(1.6487)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)

    @property
    def loc(self) -> Any:
        """The mean of the logarithm."""
        return self.base_dist.loc

    @property
    def scale(self) -> Any:
        """The standard deviation of the logarithm."""
        return self.base_dist.scale

    @property
    def mean(self) -> Any:
        return ops.exp(self.loc + self.scale**2 / 2)

    @property
    def mode(self) -> Any:
        return ops.exp(self.loc - self.scale**2)

    @property
    def variance(self) -> Any:
        square = self.scale**2
        return ops.expm1(square) * ops.exp(2 * self.loc + square)

    def entropy(self) -> Any:
        return self.base_dist.entropy() + self.loc
