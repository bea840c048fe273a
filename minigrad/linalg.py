"""Linear algebra: decompositions, solvers, norms, under the names of ``torch.linalg``.

Every function takes a matrix, or a batch of matrices with the matrices in the last two axes, and is
differentiable where its result is.

Eigenvectors and singular vectors are fixed only up to sign, and inside a repeated value up to a
rotation: a loss that depends on that choice has no gradient.  Where values are tied and their
vectors are used, the gradient is NaN and a warning names the pair; `spectral_fn`, `matrix_exp`,
`pinv` and the nuclear norm have rules of their own and are finite there:

    >>> import minigrad as mg
    >>> A = mg.eye(2, requires_grad=True)
    >>> mg.linalg.spectral_fn(A, mg.exp).sum().backward()
    >>> A.grad
    tensor([[2.7183, 2.7183],
            [2.7183, 2.7183]])
"""

from minigrad.ops.contraction import tensordot
from minigrad.ops.factorizations import (
    cholesky,
    cholesky_solve,
    lq,
    lu,
    lu_factor,
    lu_solve,
    qr,
)
from minigrad.ops.flagged import (
    cholesky_ex,
    householder_product,
    inv_ex,
    lu_factor_ex,
    solve_ex,
    tensorinv,
    tensorsolve,
)
from minigrad.ops.ldl import ldl_factor, ldl_factor_ex, ldl_solve
from minigrad.ops.matrices import LinAlgError, symmetrize
from minigrad.ops.matrix_functions import linalg_diagonal as diagonal
from minigrad.ops.matrix_functions import matrix_exp, matrix_power, matrix_rank, vander
from minigrad.ops.norms import cond, matrix_norm, vector_norm
from minigrad.ops.norms import linalg_norm as norm
from minigrad.ops.products import linalg_cross as cross
from minigrad.ops.products import matmul, multi_dot, vecdot
from minigrad.ops.solving import (
    det,
    inv,
    logdet,
    lstsq,
    pinv,
    slogdet,
    solve,
    solve_triangular,
)
from minigrad.ops.spectral import (
    eig,
    eigh,
    eigvals,
    eigvals_pairs,
    eigvalsh,
    spectral_fn,
    svd,
    svdvals,
)

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cholesky_solve", "cond", "cross", "det", "diagonal",
    "eig", "eigh", "eigvals", "eigvals_pairs", "eigvalsh", "householder_product", "inv", "inv_ex",
    "ldl_factor", "ldl_factor_ex", "ldl_solve", "logdet", "lq", "lstsq", "lu", "lu_factor",
    "lu_factor_ex", "lu_solve", "matmul", "matrix_exp",
    "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet",
    "solve", "solve_ex", "solve_triangular", "spectral_fn", "svd", "svdvals", "symmetrize",
    "tensordot", "tensorinv", "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip
