"""Invertible functions, with the logarithm of the determinant of their Jacobian."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.transform import (
    ComposeTransform,
    IndependentTransform,
    ReshapeTransform,
    Transform,
    identity_transform,
)
from minigrad.distributions.utils import (
    as_tensor,
    broadcast_all,
    size_of_triangle,
    sum_rightmost,
    tril_matrix_to_vec,
    vec_to_tril_matrix,
)
from minigrad.graph import wrap
from minigrad.tensor import Tensor

__all__ = [
    "AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform",
    "CorrCholeskyTransform", "CumulativeDistributionTransform", "ExpTransform",
    "IndependentTransform", "LowerCholeskyTransform", "PositiveDefiniteTransform", "PowerTransform",
    "ReshapeTransform",
    "SigmoidTransform", "SoftmaxTransform", "SoftplusTransform", "StackTransform",
    "StickBreakingTransform", "TanhTransform", "Transform", "identity_transform",
]  # fmt: skip


class ExpTransform(Transform):
    """y = eˣ.

    Example   >>> mg.distributions.ExpTransform()(mg.tensor(0.0))
              tensor(1.)
    """

    bijective = True
    codomain = constraints.positive
    sign = 1

    def _call(self, x: Any) -> Any:
        return ops.exp(x)

    def _inverse(self, y: Any) -> Any:
        return ops.log(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return x


class PowerTransform(Transform):
    """y = xᵃ, of positive x.

    Example   >>> mg.distributions.PowerTransform(2.0)(mg.tensor(3.0))
              tensor(9.)
    """

    bijective = True
    domain = constraints.positive
    codomain = constraints.positive

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        (self.exponent,) = broadcast_all(exponent)

    @property
    def sign(self) -> Any:
        return ops.sign(self.exponent)

    def _call(self, x: Any) -> Any:
        return x**self.exponent

    def _inverse(self, y: Any) -> Any:
        return y ** (1 / self.exponent)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return ops.log(ops.abs(self.exponent * y / x))

    def forward_shape(self, shape: Any) -> Any:
        return np.broadcast_shapes(tuple(shape), tuple(self.exponent.shape))

    inverse_shape = forward_shape


class SigmoidTransform(Transform):
    """y = 1 / (1 + e⁻ˣ).

    Example   >>> mg.distributions.SigmoidTransform()(mg.tensor(0.0))
              tensor(0.5)
    """

    bijective = True
    codomain = constraints.unit_interval
    sign = 1

    def _call(self, x: Any) -> Any:
        kind = np.finfo(x.dtype)
        return ops.clamp(ops.sigmoid(x), float(kind.tiny), 1 - float(kind.eps))

    def _inverse(self, y: Any) -> Any:
        kind = np.finfo(y.dtype)
        y = ops.clamp(y, float(kind.tiny), 1 - float(kind.eps))
        return ops.log(y) - ops.log1p(-y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -ops.softplus(-x) - ops.softplus(x)


class SoftplusTransform(Transform):
    """y = log(1 + eˣ).

    Example   >>> mg.distributions.SoftplusTransform()(mg.tensor(0.0))
              tensor(0.6931)
    """

    bijective = True
    codomain = constraints.positive
    sign = 1

    def _call(self, x: Any) -> Any:
        return ops.softplus(x)

    def _inverse(self, y: Any) -> Any:
        return ops.log(-ops.expm1(-y)) + y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -ops.softplus(-x)


class TanhTransform(Transform):
    """y = tanh x.

    Example   >>> mg.distributions.TanhTransform().inv(mg.tensor(0.5))
              tensor(0.5493)
    """

    bijective = True
    codomain = constraints.interval(-1.0, 1.0)
    sign = 1

    def _call(self, x: Any) -> Any:
        return ops.tanh(x)

    def _inverse(self, y: Any) -> Any:
        return ops.atanh(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        # log(1 - tanh² x), exact for large x, too
        return 2 * (math.log(2) - x - ops.softplus(-2 * x))


class AbsTransform(Transform):
    """y = |x|, whose inverse gives the positive x.

    Example   >>> mg.distributions.AbsTransform()(mg.tensor(-2.0))
              tensor(2.)
    """

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return ops.abs(x)

    def _inverse(self, y: Any) -> Any:
        return y


class AffineTransform(Transform):
    """y = a + b x.

    loc, scale   a and b
    event_dim    how many axes make a sample

    Example   >>> mg.distributions.AffineTransform(1.0, 2.0)(mg.tensor(3.0))
              tensor(7.)
    """

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale = loc, scale
        self._event_dim = event_dim
        real = constraints.independent(constraints.real, event_dim)
        self.domain = self.codomain = real if event_dim else constraints.real

    @property
    def sign(self) -> Any:
        if isinstance(self.scale, Tensor):
            return ops.sign(self.scale)
        return 1 if self.scale > 0 else -1 if self.scale < 0 else 0

    def _call(self, x: Any) -> Any:
        return self.loc + self.scale * x

    def _inverse(self, y: Any) -> Any:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        slope = ops.log(ops.abs(as_tensor(self.scale, x.dtype)))
        return sum_rightmost(ops.expand(slope, tuple(x.shape)), self._event_dim)

    def forward_shape(self, shape: Any) -> Any:
        sizes = [tuple(getattr(each, "shape", ())) for each in (self.loc, self.scale)]
        return np.broadcast_shapes(tuple(shape), *sizes)

    inverse_shape = forward_shape


class SoftmaxTransform(Transform):
    """Probabilities of logits along the last axis; not bijective.

    Example   >>> mg.distributions.SoftmaxTransform()(mg.zeros(2))
              tensor([0.5, 0.5])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        return ops.softmax(x, -1)

    def _inverse(self, y: Any) -> Any:
        return ops.log(y)


class StickBreakingTransform(Transform):
    """n numbers as n + 1 probabilities: each says how much of the rest of a stick is broken off.

    Source    Stan reference manual, simplex transform
    Example   >>> mg.distributions.StickBreakingTransform()(mg.zeros(2))
              tensor([0.3333, 0.3333, 0.3333])
    """

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        z = self._shares(x)
        rest = ops.cumprod(1 - z, -1)
        return ops.pad(z, (0, 1), value=1.0) * ops.pad(rest, (1, 0), value=1.0)

    def _shares(self, x: Any) -> Any:
        offset = wrap(np.arange(x.shape[-1], 0, -1).astype(x.dtype))
        return ops.sigmoid(x - ops.log(offset))

    def _inverse(self, y: Any) -> Any:
        n = y.shape[-1] - 1
        offset = wrap(np.arange(n, 0, -1).astype(y.dtype))
        rest = 1 - ops.cumsum(y[..., :-1], -1)
        rest = ops.clamp(rest, min=float(np.finfo(y.dtype).tiny))
        return ops.log(y[..., :-1]) - ops.log(rest) + ops.log(offset)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        offset = wrap(np.arange(x.shape[-1], 0, -1).astype(x.dtype))
        shifted = x - ops.log(offset)
        return ops.sum(-ops.softplus(shifted) + ops.log(y[..., :-1]), -1)

    def forward_shape(self, shape: Any) -> Any:
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Any) -> Any:
        return (*shape[:-1], shape[-1] - 1)


class CorrCholeskyTransform(Transform):
    """n (n - 1) / 2 numbers as the Cholesky factor of a correlation matrix of size n.

    The hyperbolic tangent of each, in row order below the diagonal, says how much of what is left
    of the length of its row it takes; the diagonal takes the rest.

    Source    Stan reference manual, Cholesky factors of correlation matrices
    Example   >>> mg.distributions.CorrCholeskyTransform()(mg.zeros(1))
              tensor([[1., 0.],
                      [0., 1.]])
    """

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.corr_cholesky

    def _call(self, x: Any) -> Any:
        eps = float(np.finfo(x.dtype).eps)
        shares = vec_to_tril_matrix(ops.clamp(ops.tanh(x), -1 + eps, 1 - eps), -1)
        left = ops.cumprod(ops.sqrt(1 - shares**2), -1)[..., :-1]
        identity = wrap(np.eye(shares.shape[-1], dtype=x.dtype))
        return (shares + identity) * ops.pad(left, (1, 0), value=1.0)

    def _inverse(self, y: Any) -> Any:
        left = ops.pad(1 - ops.cumsum(y * y, -1)[..., :-1], (1, 0), value=1.0)
        return ops.atanh(tril_matrix_to_vec(y, -1) / ops.sqrt(tril_matrix_to_vec(left, -1)))

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        left = tril_matrix_to_vec(1 - ops.cumsum(y * y, -1), -2)
        slopes = -2 * (x + ops.softplus(-2 * x) - math.log(2))
        return 0.5 * ops.sum(ops.log(left), -1) + ops.sum(slopes, -1)

    def forward_shape(self, shape: Any) -> Any:
        n = size_of_triangle(shape[-1])
        return (*shape[:-1], n, n)

    def inverse_shape(self, shape: Any) -> Any:
        n = shape[-1]
        if len(shape) < 2 or shape[-2] != n:
            raise ValueError(f"CorrCholeskyTransform: a matrix is square, got shape {tuple(shape)}")
        return (*shape[:-2], n * (n - 1) // 2)


class LowerCholeskyTransform(Transform):
    """A matrix as a lower triangular one, whose diagonal is positive; not bijective.

    Example   >>> mg.distributions.LowerCholeskyTransform()(mg.zeros(2, 2))
              tensor([[1., 0.],
                      [0., 1.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        return ops.tril(x, -1) + ops.diag_embed(ops.exp(ops.diagonal(x, 0, -2, -1)))

    def _inverse(self, y: Any) -> Any:
        return ops.tril(y, -1) + ops.diag_embed(ops.log(ops.diagonal(y, 0, -2, -1)))


class PositiveDefiniteTransform(Transform):
    """A matrix as a positive definite one, L Lᵀ; not bijective.

    Example   >>> mg.distributions.PositiveDefiniteTransform()(mg.zeros(1, 1))
              tensor([[1.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Any) -> Any:
        lower = LowerCholeskyTransform()(x)
        return ops.matmul(lower, ops.transpose(lower, -2, -1))

    def _inverse(self, y: Any) -> Any:
        return LowerCholeskyTransform().inv(ops.cholesky(y))


class JoinedTransform(Transform):
    """Several transforms side by side along an axis."""

    def __init__(self, tseq: Any, dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.transforms, self.dim = list(tseq), dim
        self.bijective = all(each.bijective for each in self.transforms)

    def _split(self, x: Any) -> Any:
        raise NotImplementedError

    def _join(self, parts: Any) -> Any:
        raise NotImplementedError

    def _call(self, x: Any) -> Any:
        return self._join([t(part) for t, part in zip(self.transforms, self._split(x))])

    def _inverse(self, y: Any) -> Any:
        return self._join([t.inv(part) for t, part in zip(self.transforms, self._split(y))])

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        parts = zip(self.transforms, self._split(x), self._split(y))
        return self._join([t.log_abs_det_jacobian(a, b) for t, a, b in parts])


class CatTransform(JoinedTransform):
    """Transforms of parts of given lengths along an axis.

    Example   >>> t = mg.distributions.CatTransform(
              ...     [mg.distributions.ExpTransform(), mg.distributions.identity_transform],
              ...     lengths=[1, 2],
              ... )
              >>> t(mg.zeros(3))
              tensor([1., 0., 0.])
    """

    def __init__(self, tseq: Any, dim: int = 0, lengths: Any = None, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        both = [[each.domain for each in self.transforms], [t.codomain for t in self.transforms]]
        self.domain, self.codomain = [constraints.cat(c, dim, self.lengths) for c in both]

    def _split(self, x: Any) -> Any:
        return ops.split(x, self.lengths, self.dim)

    def _join(self, parts: Any) -> Any:
        return ops.cat(parts, self.dim)


class StackTransform(JoinedTransform):
    """One transform for each entry of an axis.

    Example   >>> t = mg.distributions.StackTransform(
              ...     [mg.distributions.ExpTransform(), mg.distributions.identity_transform]
              ... )
              >>> t(mg.zeros(2))
              tensor([1., 0.])
    """

    def __init__(self, tseq: Any, dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)
        both = [[each.domain for each in self.transforms], [t.codomain for t in self.transforms]]
        self.domain, self.codomain = [constraints.stack(c, dim) for c in both]

    def _split(self, x: Any) -> Any:
        return ops.unbind(x, self.dim)

    def _join(self, parts: Any) -> Any:
        return ops.stack(parts, self.dim)


class CumulativeDistributionTransform(Transform):
    """y = the probability of at most x.

    Example   >>> t = mg.distributions.CumulativeDistributionTransform(
              ...     mg.distributions.Normal(0.0, 1.0)
              ... )
              >>> t(mg.tensor(0.0))
              tensor(0.5)
    """

    bijective = True
    codomain = constraints.unit_interval
    sign = 1

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution
        self.domain = distribution.support

    def _call(self, x: Any) -> Any:
        return self.distribution.cdf(x)

    def _inverse(self, y: Any) -> Any:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return self.distribution.log_prob(x)
