"""Transforms from all real numbers to a constraint."""

from __future__ import annotations

from typing import Any

from minigrad.distributions import constraints, transforms

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """Which transform leads to which kind of constraint: ``registry(constraint)`` makes it.

    Example   >>> mg.distributions.biject_to(mg.distributions.constraints.positive)
              ExpTransform()
    """

    def __init__(self) -> None:
        self._registry: dict[type, Any] = {}

    def register(self, constraint: Any, factory: Any = None) -> Any:
        """Say how to make the transform of a kind of constraint; also as a decorator."""
        if factory is None:
            return lambda function: self.register(constraint, function)
        kind = constraint if isinstance(constraint, type) else type(constraint)
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        """The transform to a constraint.

        Raises   NotImplementedError if none is registered.
        """
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"no transform leads to {constraint}")
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def to_interval(constraint: Any) -> Any:
    low, high = constraint.lower_bound, constraint.upper_bound
    unit = [each == bound for each, bound in ((low, 0), (high, 1))]
    if all(isinstance(each, bool) and each for each in unit):
        return transforms.SigmoidTransform()
    parts = [transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)]
    return transforms.ComposeTransform(parts)


def above(constraint: Any) -> Any:
    low = constraint.lower_bound
    if isinstance(low, (int, float)) and low == 0:
        return transforms.ExpTransform()
    parts = [transforms.ExpTransform(), transforms.AffineTransform(low, 1)]
    return transforms.ComposeTransform(parts)


def below(constraint: Any) -> Any:
    parts = [transforms.ExpTransform(), transforms.AffineTransform(constraint.upper_bound, -1)]
    return transforms.ComposeTransform(parts)


for registry in (biject_to, transform_to):
    registry.register(constraints.real, lambda constraint: transforms.identity_transform)
    registry.register(constraints.greater_than, above)
    registry.register(constraints.greater_than_eq, above)
    registry.register(constraints.less_than, below)
    registry.register(constraints.interval, to_interval)
    registry.register(constraints.half_open_interval, to_interval)

    def independent(constraint: Any, registry: Any = registry) -> Any:
        inner = registry(constraint.base_constraint)
        return transforms.IndependentTransform(inner, constraint.reinterpreted_batch_ndims)

    registry.register(constraints.independent, independent)
    registry.register(constraints.corr_cholesky, lambda c: transforms.CorrCholeskyTransform())
biject_to.register(constraints.simplex, lambda c: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda c: transforms.SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda c: transforms.LowerCholeskyTransform())
transform_to.register(
    constraints.positive_definite, lambda c: transforms.PositiveDefiniteTransform()
)
