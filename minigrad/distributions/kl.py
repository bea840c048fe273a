"""How far two distributions are apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minigrad import ops
from minigrad.distributions.bernoulli import Bernoulli
from minigrad.distributions.beta import Beta
from minigrad.distributions.binomial import Binomial
from minigrad.distributions.categorical import Categorical
from minigrad.distributions.cauchy import Cauchy
from minigrad.distributions.continuous_bernoulli import ContinuousBernoulli, log_norm
from minigrad.distributions.dirichlet import Dirichlet
from minigrad.distributions.exponential import Exponential
from minigrad.distributions.gamma import Gamma
from minigrad.distributions.geometric import Geometric
from minigrad.distributions.gumbel import Gumbel
from minigrad.distributions.half_normal import HalfNormal
from minigrad.distributions.independent import Independent
from minigrad.distributions.laplace import Laplace
from minigrad.distributions.log_normal import LogNormal
from minigrad.distributions.multivariate_normal import MultivariateNormal
from minigrad.distributions.normal import Normal
from minigrad.distributions.one_hot_categorical import OneHotCategorical
from minigrad.distributions.poisson import Poisson
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.distributions.uniform import Uniform
from minigrad.distributions.utils import (
    euler_gamma,
    sum_rightmost,
)
from minigrad.linalg import solve_triangular

__all__ = ["kl_divergence", "register_kl"]

KNOWN: dict[tuple[type, type], Callable[..., Any]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[..., Any]:
    """A decorator: the function computes KL(p ‖ q) for distributions of these classes.

    Example  >>> class Mine(mg.distributions.Normal):
             ...     pass
             >>> @mg.distributions.register_kl(Mine, Mine)
             ... def zero(p, q):
             ...     return mg.zeros(p.batch_shape)
             >>> mg.distributions.kl_divergence(Mine(0.0, 1.0), Mine(1.0, 1.0))
             tensor(0.)
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        KNOWN[type_p, type_q] = function
        return function

    return register


def kl_divergence(p: Any, q: Any) -> Any:
    """The Kullback-Leibler divergence of p from q: the mean of log p - log q under p.

    Forward    KL(p ‖ q) = ∫ p(x) log(p(x) / q(x)) dx, one for each of a batch
    Raises     NotImplementedError if it is not known for these classes
    Source     Kullback and Leibler 1951
    Example    >>> Normal = mg.distributions.Normal
               >>> mg.distributions.kl_divergence(Normal(1.0, 1.0), Normal(0.0, 1.0))
               tensor(0.5)
    """
    found = None
    for a in type(p).__mro__:  # the classes nearest to those of p and q
        for b in type(q).__mro__:
            if found is None and (a, b) in KNOWN:
                found = KNOWN[a, b]
    if found is None:
        raise NotImplementedError(
            f"kl_divergence of {type(p).__name__} and {type(q).__name__} is not known; estimate it "
            "by (p.log_prob(x) - q.log_prob(x)).mean() for samples x of p"
        )
    return found(p, q)


@register_kl(Normal, Normal)
def of_normals(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale) ** 2
    distance = ((p.loc - q.loc) / q.scale) ** 2
    return 0.5 * (ratio + distance - 1 - ops.log(ratio))


@register_kl(MultivariateNormal, MultivariateNormal)
def of_multivariate_normals(p: Any, q: Any) -> Any:
    n = p.event_shape[0]
    between = solve_triangular(q.scale_tril, p.scale_tril, upper=False)
    away = solve_triangular(q.scale_tril, (q.loc - p.loc)[..., None], upper=False)
    squares = ops.sum(between**2, (-2, -1)) + ops.sum(away**2, (-2, -1))
    return q._half_log_det() - p._half_log_det() + 0.5 * (squares - n)


@register_kl(LogNormal, LogNormal)
def of_log_normals(p: Any, q: Any) -> Any:
    return of_normals(p.base_dist, q.base_dist)


@register_kl(HalfNormal, HalfNormal)
def of_half_normals(p: Any, q: Any) -> Any:
    return of_normals(p.normal, q.normal)


@register_kl(Bernoulli, Bernoulli)
def of_bernoullis(p: Any, q: Any) -> Any:
    sure = p.probs * (ops.softplus(-q.logits) - ops.softplus(-p.logits))
    return sure + (1 - p.probs) * (ops.softplus(q.logits) - ops.softplus(p.logits))


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def of_continuous_bernoullis(p: Any, q: Any) -> Any:
    norms = log_norm(q.logits) - log_norm(p.logits)
    return norms + (p.logits - q.logits) * p.mean


@register_kl(ContinuousBernoulli, Exponential)
def of_continuous_bernoulli_and_exponential(p: Any, q: Any) -> Any:
    return -p.entropy() - ops.log(q.rate) + q.rate * p.mean


@register_kl(ContinuousBernoulli, Normal)
def of_continuous_bernoulli_and_normal(p: Any, q: Any) -> Any:
    squares = 0.5 * (p.variance + (p.mean - q.loc) ** 2) / q.scale**2
    return ops.log(math.sqrt(2 * math.pi) * q.scale) + squares - p.entropy()


@register_kl(ContinuousBernoulli, Uniform)
def of_continuous_bernoulli_and_uniform(p: Any, q: Any) -> Any:
    found = ops.log(q.high - q.low) - p.entropy()
    return ops.where((q.low > 0) | (q.high < 1), math.inf, found)


@register_kl(Binomial, Binomial)
def of_binomials(p: Any, q: Any) -> Any:
    more = p.total_count > q.total_count
    if not bool(ops.all(more | (p.total_count == q.total_count))):
        raise NotImplementedError("kl_divergence of binomials needs p.total_count ≥ q.total_count")
    return ops.where(more, math.inf, p.total_count * of_bernoullis(p, q))


@register_kl(Categorical, Categorical)
def of_categoricals(p: Any, q: Any) -> Any:
    terms = p.probs * (p.logits - q.logits)
    terms = ops.where(q.probs == 0, math.inf, terms)
    return ops.sum(ops.where(p.probs == 0, 0.0, terms), -1)


@register_kl(OneHotCategorical, OneHotCategorical)
def of_one_hot_categoricals(p: Any, q: Any) -> Any:
    return of_categoricals(p._categorical, q._categorical)


@register_kl(Geometric, Geometric)
def of_geometrics(p: Any, q: Any) -> Any:
    return -p.entropy() - ops.log1p(-q.probs) / p.probs - q.logits


@register_kl(Poisson, Poisson)
def of_poissons(p: Any, q: Any) -> Any:
    return p.rate * (ops.log(p.rate) - ops.log(q.rate)) - (p.rate - q.rate)


@register_kl(Gamma, Gamma)
def of_gammas(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    rates = b * ops.log(p.rate / q.rate)
    normalizers = ops.lgamma(b) - ops.lgamma(a)
    return rates + normalizers + (a - b) * ops.digamma(a) + (q.rate - p.rate) * (a / p.rate)


@register_kl(Exponential, Exponential)
def of_exponentials(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return ratio - 1 - ops.log(ratio)


@register_kl(Beta, Beta)
def of_betas(p: Any, q: Any) -> Any:
    a, b = p.concentration1, p.concentration0
    c, d = q.concentration1, q.concentration0
    log_p = ops.lgamma(a) + ops.lgamma(b) + ops.lgamma(c + d)
    log_q = ops.lgamma(c) + ops.lgamma(d) + ops.lgamma(a + b)
    slopes = (a - c) * ops.digamma(a) + (b - d) * ops.digamma(b)
    return log_q - log_p + slopes + (c + d - a - b) * ops.digamma(a + b)


@register_kl(Dirichlet, Dirichlet)
def of_dirichlets(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    total = ops.sum(a, -1)
    sums = ops.lgamma(total) - ops.lgamma(ops.sum(b, -1))
    each = ops.lgamma(b) - ops.lgamma(a)
    slopes = (a - b) * (ops.digamma(a) - ops.digamma(total)[..., None])
    return sums + ops.sum(each + slopes, -1)


@register_kl(Laplace, Laplace)
def of_laplaces(p: Any, q: Any) -> Any:
    ratio, distance = p.scale / q.scale, ops.abs(p.loc - q.loc)
    return -ops.log(ratio) + distance / q.scale + ratio * ops.exp(-distance / p.scale) - 1


@register_kl(Cauchy, Cauchy)
def of_cauchys(p: Any, q: Any) -> Any:
    squares = (p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2
    return ops.log(squares) - ops.log(4 * p.scale * q.scale)


@register_kl(Gumbel, Gumbel)
def of_gumbels(p: Any, q: Any) -> Any:
    ratio = p.scale / q.scale
    away = (q.loc - p.loc) / q.scale
    slopes = ops.exp(away + ops.lgamma(1 + ratio))
    return -ops.log(ratio) - away + ratio * euler_gamma() + slopes - (1 + euler_gamma())


@register_kl(Uniform, Uniform)
def of_uniforms(p: Any, q: Any) -> Any:
    found = ops.log((q.high - q.low) / (p.high - p.low))
    return ops.where((q.low > p.low) | (q.high < p.high), math.inf, found)


@register_kl(Uniform, Normal)
def of_uniform_and_normal(p: Any, q: Any) -> Any:
    width = p.high - p.low
    middle = (p.high + p.low - 2 * q.loc) / 2
    squares = 0.5 * (middle**2 + width**2 / 12) / q.scale**2
    return ops.log(math.sqrt(2 * math.pi) * q.scale / width) + squares


@register_kl(Independent, Independent)
def of_independents(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("kl_divergence of Independents that take different axes")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def of_transformed(p: Any, q: Any) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("kl_divergence of distributions that are transformed differently")
    return kl_divergence(p.base_dist, q.base_dist)
