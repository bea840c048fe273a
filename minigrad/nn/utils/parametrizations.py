"""Ready-made parametrizations: `weight_norm`, `spectral_norm` and `orthogonal`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.errors import ArgumentError
from minigrad.graph import wrap
from minigrad.linalg import householder_product, matrix_exp, solve
from minigrad.modes import no_grad
from minigrad.nn import functional
from minigrad.nn.module import Module
from minigrad.nn.utils.parametrize import register_parametrization
from minigrad.ops.flagged import geqrf

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def other_axes(x: Any, dim: int | None) -> tuple[int, ...]:
    """All axes but one; all of them for None or -1, as PyTorch has it."""
    return tuple([axis for axis in range(x.ndim) if dim in (None, -1) or axis != dim % x.ndim])


def norm_except(v: Any, dim: int | None) -> Any:
    """The norm of each slice of `v` along an axis, with axes of size 1 for the others."""
    axes = other_axes(v, dim)
    return ops.sqrt(ops.sum(v * v, axes, True)) if axes else ops.abs(v)


class _WeightNorm(Module):
    """A tensor as a length of each row, and a direction."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight: Any) -> Any:
        return norm_except(weight, self.dim), weight


class _SpectralNorm(Module):
    """A matrix divided by its largest singular value, which power iteration estimates."""

    _u: Any
    _v: Any

    def __init__(
        self, weight: Any, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: dim {dim} is not an axis of a {weight.ndim}-D weight")
        if n_power_iterations <= 0:
            raise ArgumentError(
                f"spectral_norm: n_power_iterations is positive, got {n_power_iterations}"
            )
        self.dim, self.eps = dim % weight.ndim, eps
        self.n_power_iterations = n_power_iterations
        if weight.ndim > 1:
            matrix = self._as_matrix(weight.detach())
            for name, size in zip(("_u", "_v"), matrix.shape):
                self.register_buffer(name, random_direction(size, matrix.dtype, eps))
            self._iterate(matrix, 15)

    def _as_matrix(self, weight: Any) -> Any:
        moved = ops.movedim(weight, self.dim, 0)
        return ops.reshape(moved, (moved.shape[0], -1))

    def _iterate(self, matrix: Any, steps: int) -> None:
        with no_grad():
            self._u, self._v = power_iteration(matrix, self._u, self._v, steps, self.eps)

    def forward(self, weight: Any) -> Any:
        if weight.ndim == 1:
            return functional.normalize(weight, dim=0, eps=self.eps)
        matrix = self._as_matrix(weight)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        return weight / ops.sum(self._u * ops.matmul(matrix, self._v))

    def right_inverse(self, value: Any) -> Any:
        return value


def random_direction(size: int, dtype: Any, eps: float) -> Any:
    drawn = wrap(random.normal_array((size,), np.dtype(dtype), None))
    return functional.normalize(drawn, dim=0, eps=eps)


def power_iteration(matrix: Any, u: Any, v: Any, steps: int, eps: float) -> tuple[Any, Any]:
    """Estimates of the first left and right singular vectors, nearer by so many steps."""
    for _ in range(steps):
        u = functional.normalize(ops.matmul(matrix, v), dim=0, eps=eps)
        v = functional.normalize(ops.matmul(ops.transpose(matrix, 0, 1), u), dim=0, eps=eps)
    return u, v


MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    """A matrix with orthogonal columns (or rows, if there are fewer of these), of free numbers."""

    base: Any

    def __init__(self, weight: Any, orthogonal_map: str, *, use_trivialization: bool) -> None:
        super().__init__()
        self.shape, self.orthogonal_map = tuple(weight.shape), orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Any) -> Any:
        wide = X.shape[-2] < X.shape[-1]
        X = X.mT if wide else X
        Q = self._reflected(X) if self.orthogonal_map == "householder" else self._rotated(X)
        if hasattr(self, "base"):
            Q = ops.matmul(self.base, Q)
        return Q.mT if wide else Q

    def _rotated(self, X: Any) -> Any:
        """The first columns of a rotation, made of a skew-symmetric matrix."""
        n, k = X.shape[-2:]
        lower = ops.pad(ops.tril(X), (0, n - k))
        skew = lower - lower.mT
        if self.orthogonal_map == "matrix_exp":
            Q = matrix_exp(skew)
        else:
            identity = wrap(np.eye(n, dtype=X.dtype))
            Q = solve(identity - skew / 2, identity + skew / 2)
        return Q[..., :k]

    def _reflected(self, X: Any) -> Any:
        """A product of reflections, in directions that stand below the diagonal."""
        lower = ops.tril(X, -1)
        tau = 2 / (1 + ops.sum(lower * lower, -2))
        signs = ops.diagonal(X.detach(), 0, -2, -1)
        return householder_product(lower, tau) * ops.trunc(signs)[..., None, :]

    def right_inverse(self, Q: Any) -> Any:
        if tuple(Q.shape) != self.shape:
            raise ArgumentError(f"orthogonal: a matrix of shape {self.shape}, got {tuple(Q.shape)}")
        wide = Q.shape[-2] < Q.shape[-1]
        given = Q.mT if wide else Q
        n, k = given.shape[-2:]
        if hasattr(self, "base"):
            self.base = completed(given)
            start = np.broadcast_to(-np.eye(n, k, dtype=Q.dtype), given.shape)
        elif self.orthogonal_map != "householder":
            raise NotImplementedError(
                f"orthogonal: a weight given by {self.orthogonal_map} can be assigned to with "
                "use_trivialization=True only"
            )
        else:
            packed, tau = geqrf(given)
            start, rows = packed._array.copy(), np.arange(k)
            # where there is nothing to reflect LAPACK leaves the sign as it is
            keeps = np.where(tau._array == 0, -1, 1)
            start[..., rows, rows] = np.sign(start[..., rows, rows]) * keeps
        return wrap(np.array(start.swapaxes(-1, -2) if wide else start))


def completed(Q: Any) -> Any:
    """The columns of Q and others, orthogonal; Q itself, if it is square and orthogonal."""
    n, k = Q.shape[-2:]
    array = Q._array
    close = 10 * n * float(np.finfo(array.dtype).eps)
    if n == k and np.allclose(array.swapaxes(-1, -2) @ array, np.eye(k), atol=close):
        return Q.clone()
    others = random.normal_array((*array.shape[:-2], n, n - k), array.dtype, None)
    orthogonal_columns, R = np.linalg.qr(np.concatenate([array, others], -1))
    signs = np.sign(np.diagonal(R, axis1=-2, axis2=-1))
    return wrap(orthogonal_columns * signs[..., None, :])


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Keep the columns of a weight orthonormal; its rows, if it has fewer rows.

    name                 of the weight, a matrix or a batch of matrices
    orthogonal_map       "matrix_exp": of a skew-symmetric matrix (for square weights the default);
                         "cayley": (I - A/2)⁻¹ (I + A/2); "householder": a product of reflections
    use_trivialization   begin at the weight that is there, made orthogonal, and move away from it;
                         needed for assigning to the weight, except by "householder"

    Forward  weight = base Q, with an orthogonal Q of ``parametrizations.weight.original``
    Source   Lezcano-Casado 2019, Trivializations for gradient-based optimization on manifolds
    Raises   ValueError if the weight is not a matrix, or for another map
    Example  >>> layer = mg.nn.utils.parametrizations.orthogonal(mg.nn.Linear(3, 3))
             >>> Q = layer.weight
             >>> mg.allclose(Q.T @ Q, mg.eye(3), atol=1e-5)
             True
    """
    weight = getattr(module, name, None)
    if weight is None:
        raise ArgumentError(f"{type(module).__name__} has no weight {name!r}")
    if weight.ndim < 2:
        raise ArgumentError(f"orthogonal: a weight is a matrix, {name} has shape {weight.shape}")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in MAPS:
        raise ArgumentError(f"orthogonal_map is one of {', '.join(MAPS)}, got {orthogonal_map!r}")
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn the length and the direction of each row of a weight apart.

    name   of the weight
    dim    the axis along which each slice has a length of its own; None: one length for all

    Forward  weight = g v / |v|; g and v are ``parametrizations.weight.original0`` and ``original1``
    Source   Salimans and Kingma 2016, equation 2
    Example  >>> layer = mg.nn.utils.parametrizations.weight_norm(mg.nn.Linear(2, 3))
             >>> list(layer.state_dict())
             ['bias', 'parametrizations.weight.original0', 'parametrizations.weight.original1']
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight by its largest singular value, so that a layer stretches nothing.

    name                 of the weight
    n_power_iterations   steps of power iteration at each use in training
    eps                  keeps from dividing by zero
    dim                  the axis of the outputs; None: 0, of transposed convolutions 1

    Forward  weight = W / (uᵀ W v), with estimates u, v of the first singular vectors
    Source   Miyato, Kataoka, Koyama and Yoshida 2018
    Raises   ValueError if the module has no such weight
    Example  >>> layer = mg.nn.utils.parametrizations.spectral_norm(mg.nn.Linear(4, 4))
             >>> abs(mg.linalg.matrix_norm(layer.eval().weight, 2).item() - 1) < 0.1
             True
    """
    weight = getattr(module, name, None)
    if weight is None:
        raise ArgumentError(f"{type(module).__name__} has no weight {name!r}")
    if dim is None:
        dim = 1 if getattr(module, "transposed", False) else 0
    made = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return register_parametrization(module, name, made)
