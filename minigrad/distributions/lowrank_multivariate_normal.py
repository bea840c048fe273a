"""The normal distribution of vectors of a covariance with few factors."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.multivariate_normal import MultivariateNormal
from minigrad.distributions.utils import (
    standard_normal,
)

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(MultivariateNormal):
    """The normal distribution whose covariance is W Wᵀ + diag(d).

    loc          its mean μ, a vector of length n
    cov_factor   W, (..., n, k)
    cov_diag     d > 0, (..., n)

    Forward    as `MultivariateNormal`, of the whole covariance; samples are μ + W a + √d b
    Raises     ValueError if the shapes do not go together, or a d is not positive
    Example    >>> d = mg.distributions.LowRankMultivariateNormal(
               ...     mg.zeros(2), mg.ones(2, 1), mg.ones(2)
               ... )
               >>> d.covariance_matrix
               tensor([[2., 1.],
                       [1., 2.]])
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }

    def __init__(
        self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None
    ) -> None:
        if cov_factor.ndim < 2 or cov_factor.shape[-2:-1] != loc.shape[-1:]:
            raise ValueError(
                f"LowRankMultivariateNormal: cov_factor has shape {tuple(cov_factor.shape)} for a "
                f"loc of shape {tuple(loc.shape)}"
            )
        batch = np.broadcast_shapes(
            tuple(loc.shape[:-1]), tuple(cov_factor.shape[:-2]), tuple(cov_diag.shape[:-1])
        )
        self.cov_factor = ops.expand(cov_factor, (*batch, *cov_factor.shape[-2:]))
        self.cov_diag = ops.expand(cov_diag, (*batch, *cov_diag.shape[-1:]))
        factor = ops.matmul(self.cov_factor, ops.transpose(self.cov_factor, -2, -1))
        covariance = factor + ops.diag_embed(self.cov_diag)
        super().__init__(loc, covariance, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        batch = tuple(batch_shape)
        parts = (self.loc, self.cov_factor, self.cov_diag)
        events = (1, 2, 1)
        sizes = [(*batch, *part.shape[part.ndim - n :]) for part, n in zip(parts, events)]
        loc, factor, diagonal = [ops.expand(part, size) for part, size in zip(parts, sizes)]
        return LowRankMultivariateNormal(loc, factor, diagonal, self._validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        few = standard_normal((*shape[:-1], self.cov_factor.shape[-1]), self.loc.dtype)
        many = standard_normal(shape, self.loc.dtype)
        common = ops.matmul(self.cov_factor, few[..., None])[..., 0]
        return self.loc + common + ops.sqrt(self.cov_diag) * many
