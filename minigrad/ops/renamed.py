"""Ops that ``mg`` has under other names than `ops`, and the few that it has of the other themes.

Of the themes that are imported here, most ops belong to ``mg.linalg`` and ``mg.special``.
"""

from minigrad.ops.bessel import i0
from minigrad.ops.combining import vander_columns
from minigrad.ops.elementwise import minus, plus
from minigrad.ops.factorizations import cholesky, cholesky_inverse, cholesky_solve
from minigrad.ops.flagged import (
    geqrf,
    householder_product,
    lu_older,
    lu_unpack,
    ormqr,
    qr_older,
    svd_older,
)
from minigrad.ops.incomplete import igamma, igammac
from minigrad.ops.indexing import index_put, narrow, nonzero, put, select, take
from minigrad.ops.joining import chunk, split
from minigrad.ops.matrix_functions import matrix_exp, matrix_power
from minigrad.ops.norms import cdist, norm
from minigrad.ops.probabilities import erfinv
from minigrad.ops.products import outer
from minigrad.ops.shaping import copied, mT
from minigrad.ops.solving import det, inv, logdet, pinv, slogdet

__all__ = [
    "add", "adjoint", "cdist", "cholesky", "cholesky_inverse", "cholesky_solve", "clone", "det",
    "erfinv", "geqrf", "ger", "i0", "igamma", "igammac", "index_put", "inverse", "logdet", "lu",
    "lu_unpack", "matrix_exp", "matrix_power", "narrow", "nonzero", "norm", "orgqr", "ormqr",
    "pinverse", "put",
    "qr", "select", "slogdet", "split_with_sizes", "sub", "svd", "take", "unsafe_chunk",
    "unsafe_split",
    "vander",
]  # fmt: skip

add = plus
adjoint = mT
clone = copied
ger = outer
inverse = inv
lu = lu_older
orgqr = householder_product
pinverse = pinv
qr = qr_older
split_with_sizes = split
sub = minus
svd = svd_older
unsafe_chunk = chunk
unsafe_split = split
vander = vander_columns
