"""The Wishart distribution."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.distribution import ExponentialFamily
from minigrad.distributions.gamma import standard_gamma
from minigrad.distributions.multivariate_normal import factor_of_inverse, given_matrix
from minigrad.distributions.utils import as_tensor, lazy_property, standard_normal
from minigrad.graph import wrap
from minigrad.linalg import cholesky, solve_triangular

__all__ = ["Wishart"]


class Wishart(ExponentialFamily):
    """The Wishart distribution, of sums of x xᵀ over normal vectors x.

    df                  ν > n - 1, how many vectors; it need not be an integer
    covariance_matrix   V, that of the vectors, n by n and positive definite; or
    precision_matrix    its inverse; or
    scale_tril          L, lower triangular with V = L Lᵀ: the quickest

    Forward    log_prob = ½ (ν - n - 1) log det X - ½ tr(V⁻¹ X) - ½ ν n log 2 - ½ ν log det V
               - log Γₙ(½ ν)
               rsample = (L A)(L A)ᵀ, with A lower triangular: below its diagonal standard normal
               numbers, on it roots of chi-squared ones with ν, ν - 1, ... degrees of freedom
    Raises     ValueError unless exactly one matrix is given, or if ν is not above n - 1
    Source     Bartlett 1933; Anderson 2003, chapter 7
    Example    >>> mg.distributions.Wishart(mg.tensor(3.0), mg.eye(2)).mean
               tensor([[3., 0.],
                       [0., 3.]])
    """

    support = constraints.positive_definite
    has_rsample = True

    def __init__(
        self,
        df: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        name, matrix = given_matrix("Wishart", covariance_matrix, precision_matrix, scale_tril)
        df = as_tensor(df, matrix.dtype)
        batch = np.broadcast_shapes(tuple(matrix.shape[:-2]), tuple(df.shape))
        n = matrix.shape[-1]
        self.df = ops.expand(df, batch)
        self.__dict__[name] = ops.expand(matrix, (*batch, *matrix.shape[-2:]))
        if not bool(ops.all(self.df > n - 1)):
            raise ValueError(f"Wishart: df is above {n - 1} for matrices of size {n}, got {df}")
        if bool(ops.any(self.df < n)):
            warnings.warn(
                f"Wishart: samples of less than {n} degrees of freedom are nearly singular",
                stacklevel=2,
            )
        super().__init__(batch, tuple(matrix.shape[-2:]), validate_args=validate_args)

    arg_constraints = {
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
        "df": constraints.positive,
    }

    @lazy_property
    def scale_tril(self) -> Any:
        """L, lower triangular with V = L Lᵀ."""
        if "covariance_matrix" in self.__dict__:
            return cholesky(self.covariance_matrix)
        return factor_of_inverse(self.precision_matrix)

    @lazy_property
    def covariance_matrix(self) -> Any:
        """V."""
        return ops.matmul(self.scale_tril, ops.transpose(self.scale_tril, -2, -1))

    @lazy_property
    def precision_matrix(self) -> Any:
        """V⁻¹."""
        return ops.cholesky_inverse(self.scale_tril)

    @property
    def mean(self) -> Any:
        return self.df[..., None, None] * self.covariance_matrix

    @property
    def mode(self) -> Any:
        factor = self.df - (self._event_shape[-1] + 1)
        factor = ops.where(factor > 0, factor, math.nan)
        return factor[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Any:
        V = self.covariance_matrix
        diagonal = ops.diagonal(V, 0, -2, -1)
        return self.df[..., None, None] * (V**2 + diagonal[..., :, None] * diagonal[..., None, :])

    def _halves(self) -> Any:
        """½ (ν - i) for each row i."""
        rows = wrap(np.arange(self._event_shape[-1]).astype(self.df.dtype))
        return 0.5 * (self.df[..., None] - rows)

    def rsample(self, sample_shape: Any = (), max_try_correction: int | None = None) -> Any:
        """Samples with gradients in all parameters; positive definite, so none is drawn again."""
        shape = self._extended_shape(sample_shape)
        halves = self._halves()
        squares = 2 * standard_gamma(ops.expand(halves, shape[:-1]))
        least = float(np.finfo(squares.dtype).eps)
        roots = ops.diag_embed(ops.clamp(ops.sqrt(squares), min=least))
        noise = ops.tril(standard_normal(shape, squares.dtype), -1)
        factor = ops.matmul(self.scale_tril, roots + noise)
        return ops.matmul(factor, ops.transpose(factor, -2, -1))

    def _half_log_det(self) -> Any:
        return ops.sum(ops.log(ops.diagonal(self.scale_tril, 0, -2, -1)), -1)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        n, nu = self._event_shape[-1], self.df
        lower = cholesky(value)
        half_log_det = ops.sum(ops.log(ops.diagonal(lower, 0, -2, -1)), -1)
        inner = solve_triangular(self.scale_tril, lower, upper=False)  # |L⁻¹ A|² = tr(V⁻¹ X)
        integral = nu * (0.5 * n * math.log(2) + self._half_log_det()) + ops.mvlgamma(nu / 2, n)
        return (nu - n - 1) * half_log_det - 0.5 * ops.sum(inner**2, (-2, -1)) - integral

    def entropy(self) -> Any:
        n, nu = self._event_shape[-1], self.df
        slopes = ops.sum(ops.digamma(self._halves()), -1)
        volume = (n + 1) * (self._half_log_det() + 0.5 * n * math.log(2))
        rest = 0.5 * n * nu - 0.5 * (nu - n - 1) * slopes
        return volume + ops.mvlgamma(nu / 2, n) + rest
