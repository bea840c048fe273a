"""Ops that rearrange entries without changing them."""

from __future__ import annotations

import numpy as np

from minigrad.operation import Array, op


@op(
    lambda g, x_shape: np.reshape(g, x_shape),
    view=True,
    notation="reshape({x})",
)
def reshape(x: Array, *shape: int) -> Array:
    """The same entries in another shape, in row-major order; a view where possible.

    Forward    out = x, read row by row into `shape`; one size may be -1
    Gradient   x̄ = ḡ, read back into the shape of x
    Shapes     (...) -> shape
    Raises     ValueError if the sizes differ
    Example    >>> mg.arange(6).reshape(2, 3)
               tensor([[0, 1, 2],
                       [3, 4, 5]])
    """
    return np.reshape(x, shape)


@op(lambda g: g.T, view=True, notation="{x}ᵀ")
def T(x: Array) -> Array:
    """All axes reversed: the transpose of a matrix.

    Forward    out[i, ..., j] = x[j, ..., i]
    Gradient   x̄ = ḡᵀ
    Shapes     (n, ..., m) -> (m, ..., n)
    Example    >>> mg.T(mg.tensor([[1.0, 2.0]]))
               tensor([[1.],
                       [2.]])
    """
    return x.T


@op(lambda g: g.mT, numpy=np.matrix_transpose, view=True, notation="{x}ᵀ")
def mT(x: Array) -> Array:
    """The transpose of each matrix of a stack.

    Forward    out[..., i, j] = x[..., j, i]
    Gradient   x̄ = ḡᵀ, matrix by matrix
    Shapes     (..., n, m) -> (..., m, n)
    Raises     ValueError if x has fewer than two axes
    Example    >>> mg.mT(mg.tensor([[[1.0, 2.0]]])).shape
               (1, 2, 1)
    """
    return x.mT


@op(lambda g: g, view=True, notation="expand({x})")
def expand(x: Array, *shape: int) -> Array:
    """Repeat x along axes of size 1, and along new leading axes, without copying.

    Forward    out = x, broadcast to `shape`; -1 leaves a size as it is
    Gradient   x̄ = ḡ, summed over the repeated axes (by the engine)
    Shapes     (..., 1, ...) -> shape
    Raises     ValueError if the shapes do not broadcast
    Example    >>> mg.expand(mg.tensor([[1.0], [2.0]]), 2, 3)
               tensor([[1., 1., 1.],
                       [2., 2., 2.]])
    """
    lead = len(shape) - x.ndim
    sizes = [x.shape[i - lead] if size == -1 else size for i, size in enumerate(shape)]
    return np.broadcast_to(x, sizes)
