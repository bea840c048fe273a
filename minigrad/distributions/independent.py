"""Axes of a batch taken as axes of a sample."""

from __future__ import annotations

from typing import Any

from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import (
    sum_rightmost,
)

__all__ = ["Independent"]


class Independent(Distribution):
    """A distribution whose last batch axes are axes of its samples: `log_prob` sums over them.

    base_distribution            a distribution
    reinterpreted_batch_ndims    how many of its batch axes

    Forward    log_prob = Σ of the base's log_prob over these axes
    Raises     ValueError if the base has not so many batch axes
    Example    >>> d = mg.distributions.Normal(mg.zeros(3), 1.0)
               >>> d = mg.distributions.Independent(d, 1)
               >>> d.batch_shape, d.event_shape, d.log_prob(mg.zeros(3))
               ((), (3,), tensor(-2.7568))
    """

    arg_constraints: Any = {}

    def __init__(
        self,
        base_distribution: Any,
        reinterpreted_batch_ndims: int,
        validate_args: bool | None = None,
    ) -> None:
        batch = base_distribution.batch_shape
        if reinterpreted_batch_ndims > len(batch):
            raise ValueError(
                f"Independent: the base has {len(batch)} batch axes, not "
                f"{reinterpreted_batch_ndims}"
            )
        split = len(batch) - reinterpreted_batch_ndims
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        event = (*batch[split:], *base_distribution.event_shape)
        super().__init__(batch[:split], event, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        n = self.reinterpreted_batch_ndims
        inner = self.base_dist.expand((*batch_shape, *self._event_shape[:n]))
        return Independent(inner, n, self._validate_args)

    @property
    def has_rsample(self) -> bool:
        """Whether the base has `rsample`."""
        return bool(self.base_dist.has_rsample)

    @property
    def has_enumerate_support(self) -> bool:
        """Whether the base has, and no axis was taken."""
        return not self.reinterpreted_batch_ndims and bool(self.base_dist.has_enumerate_support)

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.independent(self.base_dist.support, self.reinterpreted_batch_ndims)

    @property
    def mean(self) -> Any:
        return self.base_dist.mean

    @property
    def mode(self) -> Any:
        return self.base_dist.mode

    @property
    def variance(self) -> Any:
        return self.base_dist.variance

    def sample(self, sample_shape: Any = ()) -> Any:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Any) -> Any:
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Any:
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand: bool = True) -> Any:
        if self.reinterpreted_batch_ndims:
            raise NotImplementedError("Independent: the support of several entries is a product")
        return self.base_dist.enumerate_support(expand)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"
