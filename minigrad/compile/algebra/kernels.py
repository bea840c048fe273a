"""Products and solutions that use the structure of a matrix, in plain NumPy.

SciPy's BLAS and LAPACK wrappers are used where SciPy is installed and saves something NumPy cannot:
half of a triangular product, a triangular, banded or Cholesky solution, one decomposition for
several systems.  Every kernel has a way without it.  What raises here raises as the inverse does
that it stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.calls import Array, Op
from minigrad.compile.algebra.costs import (
    CALL,
    PER_ENTRY,
    elementwise_time,
    solve_flops,
    solve_time,
)
from minigrad.ops.matrices import singular

try:
    from scipy.linalg import blas, lapack
except ImportError:  # the kernels below have a way without it
    blas = lapack = None

__all__ = ["COSTS", "FACTOR", "FACTORED", "HAS_SCIPY", "kernel"]

HAS_SCIPY = lapack is not None
STRIP = 32  # rows at a time of a banded matrix: few enough that little outside the band is read
PANELS = 8  # row panels of a triangular product: 9/16 of the flops of a full one


# ---------------------------------------------------------------------------------------- products


def diagonal_product(d: Array, x: Array) -> Array:
    """``diag(d) @ x``: rows scaled."""
    return d[:, None] * x if x.ndim > 1 else d * x


def product_diagonal(x: Array, d: Array) -> Array:
    """``x @ diag(d)``: columns scaled."""
    return x * d


def banded_product(a: Array, x: Array, below: int, above: int) -> Array:
    """``a @ x`` where only so many diagonals below and above the main one are not zero.

    A strip of rows reads only the columns of its band; for a vector, one diagonal after another.
    """
    n = len(a)
    if x.ndim == 1:
        y = np.diagonal(a) * x
        for k in range(1, above + 1):
            y[:-k] += np.diagonal(a, k) * x[k:]
        for k in range(1, below + 1):
            y[k:] += np.diagonal(a, -k) * x[:-k]
        return y
    out = np.empty((n, *x.shape[1:]), np.result_type(a, x))
    for start in range(0, n, STRIP):
        stop = min(n, start + STRIP)
        first, last = max(0, start - below), min(n, stop + above)
        np.matmul(a[start:stop, first:last], x[first:last], out=out[start:stop])
    return out


def blocks_product(a: Array, x: Array, blocks: tuple[tuple[int, int], ...]) -> Array:
    """``a @ x`` of a block-diagonal matrix: each block times its rows of x.

    `np.matmul` gives parts of matrices to BLAS as they are; `np.dot` copies them first.
    """
    out = np.empty((len(a), *x.shape[1:]), np.result_type(a, x))
    for start, stop in blocks:
        np.matmul(a[start:stop, start:stop], x[start:stop], out=out[start:stop])
    return out


def triangular_product(a: Array, x: Array, lower: bool) -> Array:
    """``a @ x`` of a triangular matrix: BLAS's trmm and trmv, or panels up to the diagonal."""
    if blas is not None and x.dtype == a.dtype and x.dtype in (np.float32, np.float64) and x.size:
        prefix = "d" if x.dtype == np.float64 else "s"
        columns_first = a.flags.f_contiguous and not a.flags.c_contiguous
        if x.ndim == 1:
            trmv = getattr(blas, prefix + "trmv")
            return (
                trmv(a, x, lower=lower) if columns_first else trmv(a.T, x, lower=not lower, trans=1)
            )
        trmm = getattr(blas, prefix + "trmm")
        if columns_first:
            return trmm(1.0, a, x.T, side=1, lower=lower, trans_a=1).T
        return trmm(1.0, a.T, x.T, side=1, lower=not lower).T
    n = len(a)
    out = np.empty((n, *x.shape[1:]), np.result_type(a, x))
    height = -(-n // PANELS)
    for start in range(0, n, height):
        stop = min(n, start + height)
        first, last = (0, stop) if lower else (start, n)
        np.matmul(a[start:stop, first:last], x[first:last], out=out[start:stop])
    return out


def entry(x: Array, index: Any) -> Array:
    """``x[index]``, one entry: as a number, which NumPy makes sooner than a view."""
    return x[index]


def trace_of_product(x: Array, y: Array) -> Array:
    """``trace(x @ y)`` without the product: the sum of x · yᵀ, entry by entry."""
    return np.einsum("ij,ji->", x, y)


def diagonal_of_product(x: Array, y: Array) -> Array:
    """The diagonal of ``x @ y`` without the product."""
    return np.einsum("ij,ji->i", x, y)


# --------------------------------------------------------------------------------------- solutions


def matrix_solution(a: Array, b: Array) -> Array:
    """``inv(a) @ b``: the solution of ``a x = b``, for a vector or a matrix b."""
    try:
        return np.linalg.solve(a, b[:, None])[:, 0] if b.ndim == 1 else np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise singular("inv", a, None) from None


def decomposition(a: Array) -> tuple[Array, Array]:
    """The LU decomposition of a matrix, for several solutions; it raises where an inverse does."""
    getrf = lapack.dgetrf if a.dtype == np.float64 else lapack.sgetrf
    lu, pivots, info = getrf(a)
    if info > 0:
        raise singular("inv", a, None)
    return lu, pivots


def decomposed_solution(lu: Array, pivots: Array, b: Array, transposed: bool) -> Array:
    """The solution of ``a x = b``, or of ``aᵀ x = b``, by a decomposition of a."""
    getrs = lapack.dgetrs if lu.dtype == np.float64 else lapack.sgetrs
    return getrs(lu, pivots, b, trans=int(transposed))[0]


def positive_solution(a: Array, b: Array) -> Array:
    """``inv(a) @ b`` of a symmetric matrix: by Cholesky, or by LU if it is not positive."""
    posv = lapack.dposv if a.dtype == np.float64 else lapack.sposv
    _, x, info = posv(a, b)
    return x if info == 0 else matrix_solution(a, b)


def triangular_solution(a: Array, b: Array, lower: bool) -> Array:
    """``inv(a) @ b`` of a regular triangular matrix."""
    trtrs = lapack.dtrtrs if a.dtype == np.float64 else lapack.strtrs
    if a.flags.f_contiguous:
        return trtrs(a, b, lower=lower)[0]
    return trtrs(a.T, b, lower=not lower, trans=1)[0]


def banded_solution(a: Array, b: Array, below: int, above: int) -> Array:
    """``inv(a) @ b`` of a banded matrix, in time proportional to the number of rows."""
    band = np.zeros((2 * below + above + 1, len(a)), a.dtype)
    for k in range(-below, above + 1):
        diagonal = np.diagonal(a, k)
        start = max(k, 0)
        band[below + above - k, start : start + len(diagonal)] = diagonal
    gbsv = lapack.dgbsv if a.dtype == np.float64 else lapack.sgbsv
    _, _, x, info = gbsv(below, above, band, b)
    if info > 0:
        raise singular("inv", a, None)
    return x


def blocks_solution(a: Array, b: Array, blocks: tuple[tuple[int, int], ...]) -> Array:
    """``inv(a) @ b`` of a block-diagonal matrix: a system for each block."""
    parts = [matrix_solution(a[i:j, i:j], b[i:j]) for i, j in blocks]
    return np.concatenate(parts)


# ------------------------------------------------------------------------------------ as ops


def kernel(forward: Callable[..., Any], operands: int, notation: str) -> Op:
    """An op that stands in programs only: no derivative, because programs are derived before."""
    return Op(forward, (None,) * operands, notation=notation)


def columns(x: Any) -> int:
    """How many columns a right factor has; a vector has one."""
    return x.shape[1] if x.ndim > 1 else 1


def product_cost(share: float, a: Any, x: Any) -> tuple[float, float]:
    """Flops and time of a product of which this share of the factor a is read."""
    flops = 2.0 * share * a.shape[0] * a.shape[1] * columns(x)
    entries = share * a.size + 2 * x.size
    return flops, 2 * CALL + max(flops / 1000, entries * PER_ENTRY)


def banded_cost(statement: Any) -> tuple[float, float]:
    a, x = statement.operands
    below, above = statement.statics
    n, width = len_of(a), below + above + 1
    flops = 2.0 * n * width * columns(x)
    if x.ndim == 1:
        return flops, 2 * width * CALL + flops * 3 * PER_ENTRY
    read = 2.0 * n * (below + above + STRIP) * columns(x)
    return flops, -(-n // STRIP) * CALL + max(read / 1000, 3 * x.size * PER_ENTRY)


def blocks_cost(statement: Any) -> tuple[float, float]:
    a, x = statement.operands
    (blocks,) = statement.statics
    share = sum([(j - i) ** 2 for i, j in blocks]) / a.size
    flops, time = product_cost(share, a, x)
    return flops, time + len(blocks) * CALL


def len_of(a: Any) -> int:
    return int(a.shape[0])


def triangular_cost(statement: Any) -> tuple[float, float]:
    a, x = statement.operands[:2]
    if HAS_SCIPY:
        return product_cost(0.5, a, x)
    flops, time = product_cost((PANELS + 1) / (2 * PANELS), a, x)
    return flops, time + PANELS * CALL


def scaling_cost(statement: Any) -> tuple[float, float]:
    size = statement.results[0].size
    return float(size), elementwise_time((size,), 1)


def entrywise_cost(statement: Any) -> tuple[float, float]:
    size = statement.operands[0].size
    return 2.0 * size, CALL + 2 * size * PER_ENTRY


def system_cost(share: float) -> Callable[[Any], tuple[float, float]]:
    """The cost of solving a system, as a share of that of one with a full matrix."""

    def cost(statement: Any) -> tuple[float, float]:
        a, b = statement.operands[0], statement.operands[-1]
        n, k = len_of(a), columns(b)
        lu, back = 2 * n**3 / 3, 2.0 * n * n * k
        flops = share * lu + back
        return flops, 2 * CALL + flops * 1.5 / 1000

    return cost


def substitution_cost(statement: Any) -> tuple[float, float]:
    """Of triangular systems: those of a decomposition that is there, or of a triangular matrix."""
    a, b = statement.operands[0], statement.operands[-1]
    triangles = 2 if statement.op.kind == "decomposed_solution" else 1
    flops = float(triangles * len_of(a) ** 2 * columns(b))
    return flops, CALL + max(flops * 1.5 / 1000, a.size * PER_ENTRY)


def banded_system_cost(statement: Any) -> tuple[float, float]:
    a, b = statement.operands
    width = sum(statement.statics) + 1
    flops = 2.0 * len_of(a) * width * (width + columns(b))
    return flops, (3 + width) * CALL + max(3 * flops / 1000, b.size * PER_ENTRY)


def blocks_system_cost(statement: Any) -> tuple[float, float]:
    b = statement.operands[1]
    costs = [(j - i, columns(b)) for i, j in statement.statics[0]]
    return sum([solve_flops(*c) for c in costs]), sum([solve_time(*c) for c in costs])


def decomposition_cost(statement: Any) -> tuple[float, float]:
    flops = 2 * len_of(statement.operands[0]) ** 3 / 3
    return flops, CALL + flops * 1.5 / 1000


DIAGONAL = kernel(diagonal_product, 2, "diag({d}) {x}")
COLUMNS = kernel(product_diagonal, 2, "{x} diag({d})")
BANDED = kernel(banded_product, 2, "{a} {x}")
BLOCKS = kernel(blocks_product, 2, "{a} {x}")
TRIANGULAR = kernel(triangular_product, 2, "{a} {x}")
ENTRY = kernel(entry, 1, "{x}[{index}]")
TRACE = kernel(trace_of_product, 2, "tr({x} {y})")
ENTRIES = kernel(diagonal_of_product, 2, "diagonal({x} {y})")
SOLUTION = kernel(matrix_solution, 2, "{a}⁻¹ {b}")
FACTOR = kernel(decomposition, 1, "LU({a})")
FACTORED = kernel(decomposed_solution, 3, "{lu}⁻¹ {b}")
POSITIVE = kernel(positive_solution, 2, "{a}⁻¹ {b}")
TRIANGULAR_SYSTEM = kernel(triangular_solution, 2, "{a}⁻¹ {b}")
BANDED_SYSTEM = kernel(banded_solution, 2, "{a}⁻¹ {b}")
BLOCKS_SYSTEM = kernel(blocks_solution, 2, "{a}⁻¹ {b}")

COSTS: dict[str, Callable[[Any], tuple[float, float]]] = {
    DIAGONAL.name: scaling_cost,
    COLUMNS.name: scaling_cost,
    BANDED.name: banded_cost,
    BLOCKS.name: blocks_cost,
    TRIANGULAR.name: triangular_cost,
    ENTRY.name: lambda statement: (0.0, CALL / 10),
    TRACE.name: entrywise_cost,
    ENTRIES.name: entrywise_cost,
    SOLUTION.name: system_cost(1.0),
    FACTOR.name: decomposition_cost,
    FACTORED.name: substitution_cost,
    POSITIVE.name: system_cost(0.5),
    TRIANGULAR_SYSTEM.name: substitution_cost,
    BANDED_SYSTEM.name: banded_system_cost,
    BLOCKS_SYSTEM.name: blocks_system_cost,
}
