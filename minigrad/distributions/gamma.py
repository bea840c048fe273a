"""The gamma distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.calls import op
from minigrad.distributions import constraints
from minigrad.distributions.distribution import ExponentialFamily
from minigrad.distributions.utils import (
    broadcast_all,
)

__all__ = ["Gamma"]


class Gamma(ExponentialFamily):
    """The gamma distribution.

    concentration   α > 0, the shape
    rate            β > 0, one over the scale

    Forward    log_prob = α log β + (α - 1) log x - β x - lgamma(α)
               rsample = a sample of shape α / β; its derivative in α is that of the number below
               which the sample's probability lies
    Raises     ValueError if a parameter is not positive
    Source     Figurnov, Mohamed and Mnih 2018, Implicit reparameterization gradients
    Example    >>> mg.distributions.Gamma(2.0, 3.0).log_prob(mg.tensor(1.0))
               tensor(-0.8028)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.rate

    @property
    def mode(self) -> Any:
        return ops.clamp((self.concentration - 1) / self.rate, min=0)

    @property
    def variance(self) -> Any:
        return self.concentration / self.rate**2

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        return standard_gamma(ops.expand(self.concentration, shape)) / self.rate

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        alpha, beta = self.concentration, self.rate
        power = ops.xlogy(alpha - 1, value)
        return alpha * ops.log(beta) + power - beta * value - ops.lgamma(alpha)

    def entropy(self) -> Any:
        alpha = self.concentration
        rest = (1 - alpha) * ops.digamma(alpha)
        return alpha - ops.log(self.rate) + ops.lgamma(alpha) + rest


def standard_gamma(concentration: Any) -> Any:
    """One sample of rate 1 for each concentration, with a gradient."""
    array = concentration._array
    drawn = random.source(None).standard_gamma(array)
    # of a very small concentration the sample may be less than any number of its type
    drawn = np.maximum(drawn, np.finfo(array.dtype).tiny).astype(array.dtype)
    return _standard_gamma(concentration, drawn)


MOST_TERMS = 100_000


def no_second_derivative(g: Any) -> Any:
    raise NotImplementedError(
        "rsample of a gamma distribution (and of beta, Dirichlet, Student's t) has a first "
        "derivative in the concentration, and no second"
    )


@op(no_second_derivative, notation="∂gamma({concentration})")
def _sample_slope(concentration: Any, sample: Any) -> Any:
    """How a sample of the gamma distribution moves with its concentration.

    Forward    out = -Σ zᵏ⁺¹ / (α (α + 1) ... (α + k)) (log z - ψ(α + k + 1)) over k = 0, 1, ...,
               the series of the incomplete gamma function, differentiated term by term
    Gradient   none: NotImplementedError
    Shapes     (...) -> (...)
    """
    alpha = np.asarray(concentration, dtype=np.float64)
    z = np.asarray(sample, dtype=np.float64)
    log_z, psi = np.log(z), ops.digamma(alpha)
    total, term, below = np.zeros_like(z), np.ones_like(z), alpha
    for _ in range(MOST_TERMS):
        term = term * z / below
        psi = psi + 1 / below
        added = term * (psi - log_z)
        total = total + added
        below = below + 1
        if np.all((np.abs(added) <= 1e-17 * np.abs(total)) & (z < below)):
            break
    return total.astype(np.asarray(concentration).dtype)


@op(
    lambda g, concentration, sample: g * _sample_slope(concentration, sample),
    notation="gamma({concentration})",
)
def _standard_gamma(concentration: Any, sample: Any) -> Any:
    """A sample of the gamma distribution of rate 1, which was drawn before.

    Forward    out = sample
    Gradient   concentration̄ = -ḡ (∂F / ∂α) / f at the sample, with the distribution F and density f
    Shapes     (...) -> (...)
    """
    return np.array(sample)
