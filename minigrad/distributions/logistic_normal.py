"""The logistic-normal distribution."""

from __future__ import annotations

from typing import Any

from minigrad.distributions import constraints
from minigrad.distributions.normal import Normal
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.distributions.transforms import StickBreakingTransform

__all__ = ["LogisticNormal"]


class LogisticNormal(TransformedDistribution):
    """Probabilities that `StickBreakingTransform` makes of normal numbers.

    loc, scale   mean and standard deviation > 0 of n numbers, along the last axis

    Forward    samples are n + 1 probabilities
    Raises     ValueError if a scale is not positive
    Example    >>> mg.distributions.LogisticNormal(mg.zeros(2), mg.ones(2)).sample().shape
               (3,)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args)
        if not base.batch_shape:
            base = base.expand((1,))
        super().__init__(base, StickBreakingTransform(), validate_args)

    @property
    def loc(self) -> Any:
        """The mean of the numbers."""
        return self.base_dist.base_dist.loc

    @property
    def scale(self) -> Any:
        """The standard deviation of the numbers."""
        return self.base_dist.base_dist.scale
