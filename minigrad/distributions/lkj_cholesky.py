"""The distribution of Lewandowski, Kurowicka and Joe, of correlation matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.distributions import constraints
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.utils import broadcast_all, standard_normal
from minigrad.graph import wrap

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Cholesky factors L of correlation matrices L Lᵀ, whose density is det(L Lᵀ)^(η - 1).

    dim             n, the size of the matrices
    concentration   η > 0: 1 makes all correlation matrices equally probable, more prefers the
                    identity

    Forward    log_prob = Σ (n - i + 2 η - 2) log Lᵢᵢ over i = 2 ... n, less the logarithm of its
               integral
    Shapes     samples (..., n, n), lower triangular with rows of length 1
    Raises     ValueError if n is less than 2, or a concentration is not positive
    Source     Lewandowski, Kurowicka and Joe 2009, section 3 (samples: the onion method)
    Example    >>> d = mg.distributions.LKJCholesky(2, 1.0)
               >>> d.log_prob(mg.eye(2))
               tensor(-0.6931)
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(
        self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        if dim < 2:
            raise ValueError(f"LKJCholesky: dim is 2 or more, got {dim}")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args=validate_args)

    def sample(self, sample_shape: Any = ()) -> Any:
        eta, n = self.concentration._array, self.dim
        shape = self._extended_shape(sample_shape)
        kept = np.zeros(shape, eta.dtype)
        kept[..., 0, 0] = 1
        for row in range(1, n):  # a direction at random, and how far the row reaches along it
            direction = standard_normal((*shape[:-2], row), eta.dtype)._array
            length = np.linalg.norm(direction, axis=-1, keepdims=True)
            beta = np.asarray(eta + 0.5 * (n - 1 - row), float)
            square = random.source(None).beta(row / 2, beta, shape[:-2]).astype(eta.dtype)
            kept[..., row, :row] = direction / length * np.sqrt(square)[..., None]
            kept[..., row, row] = np.sqrt(np.maximum(1 - square, np.finfo(eta.dtype).tiny))
        return wrap(kept)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        eta, n = self.concentration, self.dim
        rows = wrap(np.arange(2, n + 1).astype(eta.dtype))
        powers = 2 * (eta[..., None] - 1) + (n - rows)
        diagonal = ops.diagonal(value, 0, -2, -1)[..., 1:]
        alpha = eta + 0.5 * (n - 1)
        integral = ops.mvlgamma(alpha - 0.5, n - 1) - (n - 1) * ops.lgamma(alpha)
        integral = integral + 0.5 * (n - 1) * math.log(math.pi)
        return ops.sum(powers * ops.log(diagonal), -1) - integral
