"""Special functions, under the names of ``torch.special``.

The gamma and polygamma functions, erf and its inverse need NumPy only; Bessel functions, incomplete
gamma functions and quantiles are SciPy's: ``pip install 'minigrad-numpy[special]'``.
"""

from minigrad.ops.bessel import (
    airy_ai,
    bessel_j0,
    bessel_j1,
    bessel_y0,
    bessel_y1,
    i0,
    i0e,
    i1,
    i1e,
    modified_bessel_k0,
    modified_bessel_k1,
    scaled_modified_bessel_k0,
    scaled_modified_bessel_k1,
    spherical_bessel_j0,
)
from minigrad.ops.bessel import i0 as modified_bessel_i0
from minigrad.ops.bessel import i1 as modified_bessel_i1
from minigrad.ops.elementwise import round
from minigrad.ops.exponential import exp2, expm1, log1p, logit, xlogy
from minigrad.ops.exponential import sigmoid as expit
from minigrad.ops.gamma import digamma, polygamma
from minigrad.ops.gamma import digamma as psi
from minigrad.ops.gamma import lgamma as gammaln
from minigrad.ops.gamma import mvlgamma as multigammaln
from minigrad.ops.incomplete import igamma as gammainc
from minigrad.ops.incomplete import igammac as gammaincc
from minigrad.ops.incomplete import zeta
from minigrad.ops.polynomials import (
    chebyshev_polynomial_t,
    chebyshev_polynomial_u,
    chebyshev_polynomial_v,
    chebyshev_polynomial_w,
    hermite_polynomial_h,
    hermite_polynomial_he,
    laguerre_polynomial_l,
    legendre_polynomial_p,
    shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w,
)
from minigrad.ops.probabilities import entr, erfcx, erfinv, log_ndtr, ndtr, ndtri, xlog1py
from minigrad.ops.reduction import log_softmax, logsumexp, softmax
from minigrad.ops.special import erf, erfc
from minigrad.ops.trigonometric import sinc

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "chebyshev_polynomial_t",
    "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w", "digamma", "entr",
    "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammainc", "gammaincc", "gammaln",
    "hermite_polynomial_h", "hermite_polynomial_he", "i0", "i0e", "i1", "i1e",
    "laguerre_polynomial_l", "legendre_polynomial_p", "log1p", "log_ndtr", "log_softmax", "logit",
    "logsumexp", "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0",
    "modified_bessel_k1", "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "round",
    "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w", "sinc", "softmax", "spherical_bessel_j0", "xlog1py", "xlogy",
    "zeta",
]  # fmt: skip
