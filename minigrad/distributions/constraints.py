"""Sets of values that parameters and samples belong to.

Example  >>> constraints = mg.distributions.constraints
         >>> constraints.positive.check(mg.tensor([-1.0, 2.0]))
         tensor([False,  True])
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.graph import wrap
from minigrad.tensor import Tensor

__all__ = [
    "Constraint", "boolean", "cat", "corr_cholesky", "dependent", "dependent_property",
    "greater_than", "greater_than_eq", "half_open_interval", "independent", "integer_interval",
    "interval", "is_dependent", "less_than", "lower_cholesky", "lower_triangular", "multinomial",
    "nonnegative", "nonnegative_integer", "one_hot", "positive", "positive_definite",
    "positive_integer", "positive_semidefinite", "real", "real_vector", "simplex", "square",
    "stack", "symmetric", "unit_interval",
]  # fmt: skip


class Constraint:
    """A set of values; ``check(value)`` says of each sample whether it belongs to it.

    is_discrete   whether the set consists of separate values
    event_dim     how many of the last axes make one sample

    Example  >>> mg.distributions.constraints.unit_interval
             Interval(lower_bound=0.0, upper_bound=1.0)
    """

    is_discrete = False
    event_dim = 0
    shown: tuple[str, ...] = ()

    def check(self, value: Any) -> Any:
        """Which samples belong to the set, without the axes of a sample.

        Raises   NotImplementedError in a class that does not say it.
        """
        raise NotImplementedError(f"{type(self).__name__} has no check")

    def __repr__(self) -> str:
        name = type(self).__name__.lstrip("_")
        if not self.shown:
            return f"{name}()"
        return f"{name}({', '.join(f'{each}={getattr(self, each)}' for each in self.shown)})"


class _Dependent(Constraint):
    """A set that depends on the distribution's parameters, unknown before there are any."""

    def __init__(self, is_discrete: bool = False, event_dim: int = 0) -> None:
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, *args: Any, **kwargs: Any) -> _Dependent:
        return _Dependent(*args, **kwargs)

    def check(self, value: Any) -> Any:
        raise ValueError("a dependent constraint cannot be checked without its distribution")


def is_dependent(constraint: Any) -> bool:
    """Whether a set depends on parameters.

    Example  >>> constraints = mg.distributions.constraints
             >>> constraints.is_dependent(constraints.dependent)
             True
    """
    return isinstance(constraint, _Dependent)


class dependent_property(property, _Dependent):
    """A property that is a constraint: of a distribution the actual one, of its class a dependent.

    Example  >>> mg.distributions.Uniform(0.0, 2.0).support
             Interval(lower_bound=0.0, upper_bound=2.0)
    """

    def __init__(self, fn: Any = None, *, is_discrete: bool = False, event_dim: int = 0) -> None:
        super().__init__(fn)
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, fn: Any) -> Any:
        return dependent_property(fn, is_discrete=self.is_discrete, event_dim=self.event_dim)


def integral(value: Any) -> Any:
    return (ops.floor(value) == value) & ops.isfinite(value)


class _Boolean(Constraint):
    is_discrete = True

    def check(self, value: Any) -> Any:
        return (value == 0) | (value == 1)


class _OneHot(Constraint):
    is_discrete = True
    event_dim = 1

    def check(self, value: Any) -> Any:
        return ops.all((value == 0) | (value == 1), -1) & (ops.sum(value, -1) == 1)


class _Bounded(Constraint):
    """Numbers between bounds, either of which may be open or missing."""

    low_open = high_open = False
    whole = False

    def __init__(self, lower_bound: Any = None, upper_bound: Any = None) -> None:
        self.lower_bound, self.upper_bound = lower_bound, upper_bound
        bounds = {"lower_bound": lower_bound, "upper_bound": upper_bound}
        self.shown = tuple([name for name, bound in bounds.items() if bound is not None])
        self.is_discrete = self.whole

    def check(self, value: Any) -> Any:
        fits = integral(value) if self.whole else value == value
        low, high = self.lower_bound, self.upper_bound
        if low is not None:
            fits = fits & (value > low if self.low_open else value >= low)
        if high is not None:
            fits = fits & (value < high if self.high_open else value <= high)
        return fits

    def __repr__(self) -> str:
        bounds = [(name, getattr(self, name)) for name in self.shown]
        shown = [f"{name}={plain_number(bound)}" for name, bound in bounds]
        return f"{type(self).__name__.lstrip('_')}({', '.join(shown)})"


def plain_number(bound: Any) -> Any:
    return bound.item() if isinstance(bound, Tensor) and bound.ndim == 0 else bound


class _Real(_Bounded):
    pass


class _GreaterThan(_Bounded):
    low_open = True


class _GreaterThanEq(_Bounded):
    pass


class _LessThan(_Bounded):
    high_open = True

    def __init__(self, upper_bound: Any) -> None:
        super().__init__(None, upper_bound)


class _Interval(_Bounded):
    pass


class _HalfOpenInterval(_Bounded):
    high_open = True


class _IntegerInterval(_Bounded):
    whole = True


class _IntegerGreaterThan(_Bounded):
    whole = True


class _Simplex(Constraint):
    event_dim = 1

    def check(self, value: Any) -> Any:
        return ops.all(value >= 0, -1) & (ops.abs(ops.sum(value, -1) - 1) < 1e-6)


class _Multinomial(Constraint):
    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Any) -> Any:
        return ops.all(value >= 0, -1) & (ops.sum(value, -1) <= self.upper_bound)


def numbers(value: Any) -> Any:
    """The array of a tensor: whether a matrix is in a set is decided in NumPy."""
    return value._array if isinstance(value, Tensor) else np.asarray(value)


class _LowerTriangular(Constraint):
    event_dim = 2

    def check(self, value: Any) -> Any:
        x = numbers(value)
        return wrap(np.asarray((np.tril(x) == x).all((-2, -1))))


class _LowerCholesky(_LowerTriangular):
    def check(self, value: Any) -> Any:
        x = numbers(value)
        diagonal = np.diagonal(x, axis1=-2, axis2=-1)
        return super().check(value) & wrap(np.asarray((diagonal > 0).all(-1)))


class _CorrCholesky(_LowerCholesky):
    def check(self, value: Any) -> Any:
        x = numbers(value)
        long = np.abs(np.linalg.norm(x, axis=-1) - 1) <= np.finfo(x.dtype).eps * x.shape[-1] * 10
        return super().check(value) & wrap(np.asarray(long.all(-1)))


class _Square(Constraint):
    event_dim = 2

    def check(self, value: Any) -> Any:
        x = numbers(value)
        return wrap(np.full(x.shape[:-2], x.shape[-2] == x.shape[-1]))


class _Symmetric(_Square):
    def check(self, value: Any) -> Any:
        x = numbers(value)
        if x.shape[-2] != x.shape[-1]:
            return super().check(value)
        close = np.isclose(x, np.swapaxes(x, -2, -1), atol=1e-6)
        return wrap(np.asarray(close.all((-2, -1))))


class _PositiveSemidefinite(_Symmetric):
    strictly = False

    def check(self, value: Any) -> Any:
        symmetric = super().check(value)
        if not symmetric.all():
            return symmetric
        least = np.linalg.eigvalsh(numbers(value)).min(-1)
        return wrap(np.asarray(least > 0 if self.strictly else least >= 0))


class _PositiveDefinite(_PositiveSemidefinite):
    strictly = True


class _Independent(Constraint):
    """Samples that are in a set in each of their last entries."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims

    def check(self, value: Any) -> Any:
        fits = self.base_constraint.check(value)
        n = self.reinterpreted_batch_ndims
        return ops.all(fits, tuple(range(-n, 0))) if n else fits

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class _Joined(Constraint):
    """Samples that lie side by side along an axis, each kind in a set of its own."""

    def __init__(self, cseq: Any, dim: int = 0, lengths: Any = None) -> None:
        self.cseq, self.dim = list(cseq), dim
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        self.is_discrete = any(c.is_discrete for c in self.cseq)
        self.event_dim = max(c.event_dim for c in self.cseq)

    def check(self, value: Any) -> Any:
        parts = ops.split(value, self.lengths, self.dim)
        return ops.cat([c.check(part) for c, part in zip(self.cseq, parts)], self.dim)


class _Stack(_Joined):
    def __init__(self, cseq: Any, dim: int = 0) -> None:
        super().__init__(cseq, dim)
        self.event_dim += self.dim + self.event_dim < 0  # the axis of the stack is a sample's

    def check(self, value: Any) -> Any:
        parts = ops.unbind(value, self.dim)
        return ops.stack([c.check(part) for c, part in zip(self.cseq, parts)], self.dim)


dependent = _Dependent()
boolean = _Boolean()
one_hot = _OneHot()
real = _Real()
positive = _GreaterThan(0.0)
nonnegative = _GreaterThanEq(0.0)
unit_interval = _Interval(0.0, 1.0)
nonnegative_integer = _IntegerGreaterThan(0)
positive_integer = _IntegerGreaterThan(1)
simplex = _Simplex()
lower_triangular = _LowerTriangular()
lower_cholesky = _LowerCholesky()
corr_cholesky = _CorrCholesky()
square = _Square()
symmetric = _Symmetric()
positive_semidefinite = _PositiveSemidefinite()
positive_definite = _PositiveDefinite()
independent = _Independent
real_vector = independent(real, 1)
greater_than = _GreaterThan
greater_than_eq = _GreaterThanEq
less_than = _LessThan
interval = _Interval
half_open_interval = _HalfOpenInterval
integer_interval = _IntegerInterval
multinomial = _Multinomial
cat = _Joined
stack = _Stack
