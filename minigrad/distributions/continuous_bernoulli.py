"""The continuous Bernoulli distribution."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.bernoulli import Probabilities
from minigrad.distributions.utils import standard_uniform

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(Probabilities):
    """Numbers in [0, 1] whose density is that of `Bernoulli`, made to add up to one.

    probs    λ in [0, 1], which is not the mean; or
    logits   s = log(λ / (1 - λ))
    lims     accepted for PyTorch's sake: near λ = ½ the formulas are replaced by series where these
             are exact

    Forward    log_prob = s x - log((eˢ - 1) / s)
               rsample = log(1 + u (eˢ - 1)) / s, with u uniform in (0, 1)
    Raises     ValueError unless exactly one of both is given, or for a λ outside of [0, 1]
    Source     Loaiza-Ganem and Cunningham 2019
    Example    >>> mg.distributions.ContinuousBernoulli(0.9).mean
               tensor(0.6699)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._lims = lims
        self._take(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._param.shape

    @property
    def mean(self) -> Any:
        return slope_of_norm(self.logits)

    @property
    def variance(self) -> Any:
        near, s = split(self.logits)
        sinh = ops.sinh(ops.clamp(s / 2, -300, 300))
        h = self.logits / 2
        series = 1 / 12 - h**2 * (1 / 60 - h**2 / 378)
        return ops.where(near, series, 1 / (s * s) - 1 / (4 * sinh * sinh))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(standard_uniform(self._extended_shape(sample_shape), self._param.dtype))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return self.logits * value - log_norm(self.logits)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        near, s = split(self.logits, 1e-4)
        # (1 - e^(-s x)) / (1 - e⁻ˢ), times e^(s (x - 1)) where s is positive: nothing overflows
        share = ops.expm1(-ops.abs(s) * value) / ops.expm1(-ops.abs(s))
        share = ops.where(s > 0, share * ops.exp(ops.clamp(s, min=0) * (value - 1)), share)
        x, t = value, self.logits
        series = x - t * x * (1 - x) / 2 + t**2 * x * (1 - x) * (1 - 2 * x) / 12
        return ops.clamp(ops.where(near, series, share), 0, 1)

    def icdf(self, value: Any) -> Any:
        near, s = split(self.logits, 1e-4)
        # of a positive s the mirror image: the exponential then does not overflow
        u = ops.where(s > 0, 1 - value, value)
        x = ops.log1p(u * ops.expm1(-ops.abs(s))) / -ops.abs(s)
        x = ops.where(s > 0, 1 - x, x)
        u, t = value, self.logits
        series = u + t * u * (1 - u) / 2 + t**2 * u * (1 - u) * (1 - 2 * u) / 6
        return ops.where(near, series, x)

    def entropy(self) -> Any:
        return log_norm(self.logits) - self.logits * self.mean


def split(logits: Any, near: float = 0.05) -> Any:
    """Which logits are near 0, and all of them with ones in their place."""
    small = ops.abs(logits) < near
    return small, ops.where(small, 1.0, logits)


def log_norm(logits: Any) -> Any:
    """log((eˢ - 1) / s); near 0 by the series of log(sinh h / h) with h = s / 2."""
    near, s = split(logits)
    a = ops.abs(s)
    far = ops.clamp(s, min=0) + ops.log(-ops.expm1(-a) / a)
    h = logits / 2
    series = h + h**2 * (1 / 6 - h**2 * (1 / 180 - h**2 * (1 / 2835 - h**2 / 37800)))
    return ops.where(near, series, far)


def slope_of_norm(logits: Any) -> Any:
    """The derivative of `log_norm`."""
    near, s = split(logits)
    a = ops.abs(s)
    share = ops.exp(-a) / -ops.expm1(-a)  # 1 / (e^|s| - 1)
    far = ops.where(s > 0, 1 + share, -share)
    h = logits / 2
    series = 0.5 + h * (1 / 6 - h**2 * (1 / 90 - h**2 * (1 / 945 - h**2 / 9450)))
    return ops.where(near, series, far - 1 / s)
