"""``Distribution``: what all distributions can do."""

from __future__ import annotations

import copy
from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.utils import lazy_property
from minigrad.modes import no_grad
from minigrad.tensor import Tensor

__all__ = ["Distribution", "ExponentialFamily"]

Shape = Any


class Distribution:
    """A distribution of random tensors, or a batch of them.

    batch_shape     the shape of the parameters: so many distributions side by side
    event_shape     the shape of one sample of one of them
    validate_args   whether parameters, and values given to `log_prob`, are checked; None: they are

    A subclass says its ``arg_constraints``, its ``support``, and computes `rsample` or `sample`,
    `log_prob`, and what else it can.

    Raises    ValueError if a parameter is not what ``arg_constraints`` says.
    Example   >>> d = mg.distributions.Normal(mg.zeros(3), 1.0)
              >>> d.batch_shape, d.event_shape, d.sample((2,)).shape
              ((3,), (), (2, 3))
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    arg_constraints: Any = {}
    support: Any = None
    _validate_args = True

    def __init__(
        self, batch_shape: Shape = (), event_shape: Shape = (), validate_args: bool | None = None
    ) -> None:
        self._batch_shape, self._event_shape = tuple(batch_shape), tuple(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        for name, constraint in self.arg_constraints.items():
            if name not in self.__dict__:  # not given, and computed when it is asked for
                continue
            if constraints.is_dependent(constraint):
                continue
            value = self.__dict__[name]
            if isinstance(value, Tensor) and not bool(ops.all(constraint.check(value))):
                raise ValueError(
                    f"{type(self).__name__}: the parameter {name} is to be in {constraint}, got "
                    f"{value.detach()}"
                )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Say whether distributions check parameters and values, where they are not told.

        Raises   ValueError if `value` is neither True nor False.
        """
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args takes True or False, got {value!r}")
        Distribution._validate_args = value

    # ------------------------------------------------------------------------------------- shapes

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one sample of one distribution."""
        return self._event_shape

    def _extended_shape(self, sample_shape: Shape = ()) -> tuple[int, ...]:
        """The shape of so many samples."""
        sizes = (sample_shape,) if isinstance(sample_shape, int) else tuple(sample_shape)
        return (*sizes, *self._batch_shape, *self._event_shape)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        """The same distribution with a larger batch, as `Tensor.expand` does it."""
        new = copy.copy(self)
        shape = tuple(batch_shape)
        for name, constraint in self.arg_constraints.items():
            value = self.__dict__.get(name)
            if isinstance(value, Tensor):
                kept = value.ndim - constraint.event_dim
                new.__dict__[name] = ops.expand(value, (*shape, *value.shape[kept:]))
        for name in [n for n in new.__dict__ if self._is_derived(n)]:
            del new.__dict__[name]
        new._batch_shape = shape
        return new

    def _is_derived(self, name: str) -> bool:
        """Whether an attribute was computed from the parameters, and can be again."""
        derived = isinstance(getattr(type(self), name, None), lazy_property)
        return derived and name not in self.arg_constraints

    # ----------------------------------------------------------------------------------- samples

    def sample(self, sample_shape: Shape = ()) -> Any:
        """Samples, without gradients: (*sample_shape, *batch_shape, *event_shape)."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Any:
        """Samples that are functions of the parameters, with gradients (reparametrised).

        Raises   NotImplementedError if there is no such function; use the score function then.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no rsample: its samples are not functions of its "
            "parameters. Use sample(), and log_prob for the gradient of an expectation"
        )

    def sample_n(self, n: int) -> Any:
        """The older name of ``sample((n,))``."""
        return self.sample((n,))

    def enumerate_support(self, expand: bool = True) -> Any:
        """All values of a discrete distribution, along a new first axis.

        Raises   NotImplementedError if there are not finitely many.
        """
        raise NotImplementedError(f"{type(self).__name__} has no finite support")

    # ------------------------------------------------------------------------------- probabilities

    def log_prob(self, value: Any) -> Any:
        """Logarithm of the density, or of the probability, at `value`.

        Raises   NotImplementedError if it is not known; ValueError for an impossible `value`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no log_prob")

    def cdf(self, value: Any) -> Any:
        """Probability of at most `value`.

        Raises   NotImplementedError if it is not known.
        """
        raise NotImplementedError(f"{type(self).__name__} has no cdf")

    def icdf(self, value: Any) -> Any:
        """The number up to which the probability is `value`: the inverse of `cdf`.

        Raises   NotImplementedError if it is not known.
        """
        raise NotImplementedError(f"{type(self).__name__} has no icdf")

    def entropy(self) -> Any:
        """The mean of -log_prob.

        Raises   NotImplementedError if it is not known.
        """
        raise NotImplementedError(f"{type(self).__name__} has no entropy")

    def perplexity(self) -> Any:
        """The exponential of the entropy."""
        return ops.exp(self.entropy())

    @property
    def mean(self) -> Any:
        """The expectation."""
        raise NotImplementedError(f"{type(self).__name__} has no mean")

    @property
    def mode(self) -> Any:
        """The most probable value."""
        raise NotImplementedError(f"{type(self).__name__} has no mode")

    @property
    def variance(self) -> Any:
        """The expectation of the squared distance from the mean."""
        raise NotImplementedError(f"{type(self).__name__} has no variance")

    @property
    def stddev(self) -> Any:
        """The square root of the variance."""
        return ops.sqrt(self.variance)

    def _validate_sample(self, value: Any) -> None:
        """Complain of a value that no sample could be.

        Raises   ValueError for a wrong shape or a value outside of the support.
        """
        if not self._validate_args:
            return
        name = type(self).__name__
        if not isinstance(value, Tensor):
            raise ValueError(f"{name}: a value is a tensor, got {type(value).__name__}")
        expected, shape = self._batch_shape + self._event_shape, tuple(value.shape)
        event = len(self._event_shape)
        short = len(shape) < event
        for have, want in zip(reversed(shape), reversed(expected)):
            short = short or (have != want and have != 1 and want != 1)
        if short:
            raise ValueError(f"{name}: a value of shape {shape} does not go with {expected}")
        support = self.support
        if support is not None and not constraints.is_dependent(support):
            fits = ops.all(support.check(value))
            if not bool(fits):
                raise ValueError(f"{name}: a value is to be in {support}, got {value.detach()}")

    def __repr__(self) -> str:
        shown = []
        for name in self.arg_constraints:
            value = self.__dict__.get(name)
            if value is not None:
                one = isinstance(value, Tensor) and value.numel() == 1
                number = value.item() if one else getattr(value, "shape", value)
                shown.append(f"{name}: {number}")
        return f"{type(self).__name__}({', '.join(shown)})"


class ExponentialFamily(Distribution):
    """Base of the distributions of the exponential family; a name for ``isinstance``.

    Example   >>> isinstance(mg.distributions.Gamma(1.0, 1.0), mg.distributions.ExponentialFamily)
              True
    """
