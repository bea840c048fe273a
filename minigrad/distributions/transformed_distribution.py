"""Distributions of functions of a random tensor."""

from __future__ import annotations

from typing import Any

from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.independent import Independent
from minigrad.distributions.transforms import ComposeTransform, Transform
from minigrad.distributions.utils import (
    sum_rightmost,
)
from minigrad.modes import no_grad

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """The distribution of f(x), for an invertible f and an x of a known distribution.

    base_distribution   of x
    transforms          f, a `Transform` or a list of them, the first applied first

    Forward    log_prob(y) = base.log_prob(f⁻¹(y)) - log |det ∂f / ∂x|
               rsample = f(base.rsample)
    Raises     ValueError if these are not transforms, or if samples have too few axes for them
    Example    >>> base = mg.distributions.Normal(0.0, 1.0)
               >>> d = mg.distributions.TransformedDistribution(
               ...     base, [mg.distributions.AffineTransform(1.0, 2.0)]
               ... )
               >>> d.log_prob(mg.tensor(1.0))
               tensor(-1.6121)
    """

    arg_constraints: Any = {}

    def __init__(
        self, base_distribution: Any, transforms: Any, validate_args: bool | None = None
    ) -> None:
        given = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(each, Transform) for each in given):
            raise ValueError(
                "TransformedDistribution: transforms is a Transform, or a list of them"
            )
        self.transforms = given
        whole = ComposeTransform(given)
        shape = base_distribution.batch_shape + base_distribution.event_shape
        if len(shape) < whole.domain.event_dim:
            raise ValueError(
                f"TransformedDistribution: the transforms take samples of at least "
                f"{whole.domain.event_dim} axes, the base has shape {shape}"
            )
        forward = whole.forward_shape(shape)
        # f may need more axes together than a sample of the base has
        base_distribution = base_distribution.expand(
            whole.inverse_shape(forward)[: len(shape) - len(base_distribution.event_shape)]
        )
        missing = whole.domain.event_dim - len(base_distribution.event_shape)
        if missing > 0:
            base_distribution = Independent(base_distribution, missing)
        self.base_dist = base_distribution
        extra = len(base_distribution.event_shape) - whole.domain.event_dim
        event = whole.codomain.event_dim + max(extra, 0)
        cut = len(forward) - event
        super().__init__(forward[:cut], forward[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self.__class__.__new__(self.__class__)
        whole = ComposeTransform(self.transforms)
        shape = whole.inverse_shape((*batch_shape, *self._event_shape))
        cut = len(shape) - len(self.base_dist.event_shape)
        base = self.base_dist.expand(shape[:cut])
        TransformedDistribution.__init__(new, base, self.transforms, self._validate_args)
        return new

    @property
    def has_rsample(self) -> bool:
        """Whether the base has `rsample`."""
        return bool(self.base_dist.has_rsample)

    @constraints.dependent_property
    def support(self) -> Any:
        if not self.transforms:
            return self.base_dist.support
        last = self.transforms[-1].codomain
        missing = len(self._event_shape) - last.event_dim
        return constraints.independent(last, missing) if missing > 0 else last

    def sample(self, sample_shape: Any = ()) -> Any:
        with no_grad():
            x = self.base_dist.sample(sample_shape)
            for transform in self.transforms:
                x = transform(x)
            return x

    def rsample(self, sample_shape: Any = ()) -> Any:
        x = self.base_dist.rsample(sample_shape)
        for transform in self.transforms:
            x = transform(x)
        return x

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        axes, total, y = len(self._event_shape), 0.0, value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            axes += transform.domain.event_dim - transform.codomain.event_dim
            slope = transform.log_abs_det_jacobian(x, y)
            total = total - sum_rightmost(slope, axes - transform.domain.event_dim)
            y = x
        inner = self.base_dist.log_prob(y)
        return total + sum_rightmost(inner, axes - len(self.base_dist.event_shape))

    def cdf(self, value: Any) -> Any:
        sign: Any = 1
        for transform in reversed(self.transforms):
            value = transform.inv(value)
            sign = sign * transform.sign
        p = self.base_dist.cdf(value)
        return sign * (p - 0.5) + 0.5

    def icdf(self, value: Any) -> Any:
        sign: Any = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        x = self.base_dist.icdf(sign * (value - 0.5) + 0.5)
        for transform in self.transforms:
            x = transform(x)
        return x

    def __repr__(self) -> str:
        shown = super().__repr__()
        return shown if not shown.endswith("()") else f"{type(self).__name__}({self.base_dist!r})"
