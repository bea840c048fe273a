"""Categories as vectors that have one 1."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.categorical import Categorical
from minigrad.distributions.distribution import Distribution
from minigrad.nn.functional import one_hot

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(Distribution):
    """A vector that is 1 at one of its entries, each with a probability.

    probs    weights along the last axis, which are divided by their sum; or
    logits   their logarithms, up to a constant

    Forward    log_prob = that of `Categorical` at the place of the 1
    Raises     ValueError unless exactly one is given, or for negative weights
    Example    >>> d = mg.distributions.OneHotCategorical(mg.tensor([1.0, 3.0]))
               >>> d.log_prob(mg.tensor([0.0, 1.0]))
               tensor(-0.2877)
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        shape = tuple(self._categorical.param_shape)
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        inner = self._categorical
        shape = (*batch_shape, *self._event_shape)
        given: Any = {inner.given: ops.expand(inner._param, shape)}
        return type(self)(**given)

    @property
    def probs(self) -> Any:
        """The probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        """Logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def _param(self) -> Any:
        return self._categorical._param

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Any:
        return self.probs

    @property
    def mode(self) -> Any:
        return self._as_vector(self._categorical.mode)

    @property
    def variance(self) -> Any:
        return self.probs * (1 - self.probs)

    def _as_vector(self, number: Any) -> Any:
        return ops.to(one_hot(number, self._event_shape[0]), self._param.dtype)

    def sample(self, sample_shape: Any = ()) -> Any:
        return self._as_vector(self._categorical.sample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return self._categorical.log_prob(ops.argmax(value, -1))

    def entropy(self) -> Any:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._as_vector(self._categorical.enumerate_support(expand))

    def __repr__(self) -> str:
        return repr(self._categorical).replace("Categorical", type(self).__name__, 1)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """A `OneHotCategorical` whose `rsample` has the gradient of the probabilities.

    Forward    rsample = a sample + probs - (probs without gradient)
    Source     Bengio, Léonard and Courville 2013
    Example    >>> p = mg.tensor([0.5, 0.5], requires_grad=True)
               >>> mg.distributions.OneHotCategoricalStraightThrough(p).rsample().requires_grad
               True
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
