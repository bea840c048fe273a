"""The normal distribution of vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import (
    lazy_property,
    standard_normal,
)
from minigrad.graph import wrap
from minigrad.linalg import cholesky, solve_triangular

__all__ = ["MultivariateNormal"]


class MultivariateNormal(Distribution):
    """The normal distribution of vectors.

    loc                 its mean μ, a vector
    covariance_matrix   Σ, positive definite; or
    precision_matrix    its inverse; or
    scale_tril          L, lower triangular with Σ = L Lᵀ: the quickest

    Forward    log_prob = -½ |L⁻¹ (x - μ)|² - Σ log Lᵢᵢ - n/2 log 2π
               rsample = μ + L z, with z standard normal
    Raises     ValueError unless exactly one of the three matrices is given, and valid
    Example    >>> d = mg.distributions.MultivariateNormal(mg.zeros(2), mg.eye(2))
               >>> d.log_prob(mg.tensor([0.0, 1.0]))
               tensor(-2.3379)
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.ndim < 1:
            raise ValueError("MultivariateNormal: loc is a vector, got a single number")
        matrices = (covariance_matrix, precision_matrix, scale_tril)
        name, matrix = given_matrix("MultivariateNormal", *matrices)
        batch = np.broadcast_shapes(tuple(matrix.shape[:-2]), tuple(loc.shape[:-1]))
        event = tuple(loc.shape[-1:])
        self.loc = ops.expand(loc, (*batch, *event))
        self.__dict__[name] = ops.expand(matrix, (*batch, *matrix.shape[-2:]))
        super().__init__(batch, event, validate_args=validate_args)

    @lazy_property
    def scale_tril(self) -> Any:
        """L, lower triangular with Σ = L Lᵀ."""
        if "covariance_matrix" in self.__dict__:
            return cholesky(self.covariance_matrix)
        return factor_of_inverse(self.precision_matrix)

    @lazy_property
    def covariance_matrix(self) -> Any:
        """Σ."""
        return ops.matmul(self.scale_tril, ops.transpose(self.scale_tril, -2, -1))

    @lazy_property
    def precision_matrix(self) -> Any:
        """Σ⁻¹."""
        return ops.cholesky_inverse(self.scale_tril)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return ops.sum(self.scale_tril**2, -1)

    def rsample(self, sample_shape: Any = ()) -> Any:
        noise = standard_normal(self._extended_shape(sample_shape), self.loc.dtype)
        return self.loc + ops.matmul(self.scale_tril, noise[..., None])[..., 0]

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        difference = (value - self.loc)[..., None]
        z = solve_triangular(self.scale_tril, difference, upper=False)[..., 0]
        n = self._event_shape[0]
        return -0.5 * ops.sum(z * z, -1) - self._half_log_det() - 0.5 * n * math.log(2 * math.pi)

    def _half_log_det(self) -> Any:
        return ops.sum(ops.log(ops.diagonal(self.scale_tril, 0, -2, -1)), -1)

    def entropy(self) -> Any:
        return 0.5 * self._event_shape[0] * (1 + math.log(2 * math.pi)) + self._half_log_det()


def given_matrix(
    name: str, covariance_matrix: Any, precision_matrix: Any, scale_tril: Any
) -> tuple[str, Any]:
    """The one of three matrices that is given, and its name.

    Raises   ValueError unless exactly one is given, and is a matrix.
    """
    matrices = {
        "covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix,
        "scale_tril": scale_tril,
    }  # fmt: skip
    given = {which: matrix for which, matrix in matrices.items() if matrix is not None}
    if len(given) != 1:
        raise ValueError(
            f"{name}: give one of covariance_matrix, precision_matrix and scale_tril, "
            f"got {' and '.join(given) or 'none'}"
        )
    ((which, matrix),) = given.items()
    if matrix.ndim < 2:
        raise ValueError(f"{name}: {which} is a matrix, got shape {matrix.shape}")
    return which, matrix


def factor_of_inverse(precision: Any) -> Any:
    """L, lower triangular with P⁻¹ = L Lᵀ."""
    # of P = A Aᵀ, turned upside down: then L = A⁻ᵀ is lower triangular
    turned = cholesky(ops.flip(precision, (-2, -1)))
    upper = ops.transpose(ops.flip(turned, (-2, -1)), -2, -1)
    identity = wrap(np.eye(precision.shape[-1], dtype=precision.dtype))
    return solve_triangular(upper, identity, upper=False)
