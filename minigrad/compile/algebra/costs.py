"""What linear algebra costs: flops, and an estimate of time.

Rewritings are chosen by estimated time, because a product of a matrix and a vector is limited by
memory and not by flops, and because a call of NumPy on small arrays costs about a microsecond
whatever it does.  The unit is a thousand flops of a large matrix product.  Only ratios matter; the
constants are those of one core of a common processor with AVX2 and float64.
"""

from __future__ import annotations

import math

__all__ = [
    "CALL",
    "elementwise_time",
    "inverse_flops",
    "product_flops",
    "product_time",
    "solve_flops",
    "solve_time",
]

CALL = 25.0  # a call of NumPy: as long as 25,000 flops of a matrix product
PER_ENTRY = 0.016  # reading or writing a number of a large array: 16 flops


def product_flops(
    rows: int, inner: int, columns: int, *, batch: int = 1, gram: bool = False
) -> float:
    """Flops of a product of matrices; half of them where it is ``A @ A.T`` (BLAS: syrk)."""
    flops = 2.0 * batch * rows * inner * columns
    return flops / 2 if gram else flops


def product_time(
    rows: int,
    inner: int,
    columns: int,
    *,
    batch: int = 1,
    gram: bool = False,
    share: float = 1.0,
) -> float:
    """Estimated time of a product: that of its arithmetic or of its memory, whichever is longer.

    share  of the flops that are done, where a factor has structure
    """
    entries = batch * (rows * inner + inner * columns + rows * columns)
    flops = share * product_flops(rows, inner, columns, batch=batch, gram=gram)
    return CALL + max(flops / 1000, entries * PER_ENTRY)


def elementwise_time(shape: tuple[int, ...], operands: int = 2) -> float:
    """Estimated time of a call that touches each entry of its operands and its result once."""
    return CALL + math.prod(shape) * (operands + 1) * PER_ENTRY


def solve_flops(n: int, columns: int) -> float:
    """Flops of ``solve(A, B)``: an LU decomposition, and two triangular solves a column."""
    return 2 * n**3 / 3 + 2.0 * n * n * columns


def inverse_flops(n: int) -> float:
    """Flops of an inverse as LAPACK's driver computes it for NumPy: a solve with the identity."""
    return solve_flops(n, n)


def solve_time(n: int, columns: int) -> float:
    """Estimated time of ``solve(A, B)``, which runs at two thirds of a product's rate."""
    return 2 * CALL + solve_flops(n, columns) * 1.5 / 1000
