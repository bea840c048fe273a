"""Rows of the special functions: their references are SciPy's."""

from __future__ import annotations

import numpy as np
from scipy import special

import minigrad as mg
from tests.samples.sample import Sample, between, binary, positive, unary

unit = between(-0.9, 0.9)
share = between(0.05, 0.95)

BESSEL = [
    unary("i0", special.i0),
    unary("special.i0e", special.i0e),
    unary("special.i1", special.i1),
    unary("special.i1e", special.i1e),
    unary("special.bessel_j0", special.j0),
    unary("special.bessel_j1", special.j1),
    unary("special.bessel_y0", special.y0, positive),
    unary("special.bessel_y1", special.y1, positive),
    unary("special.modified_bessel_k0", special.k0, positive),
    unary("special.modified_bessel_k1", special.k1, positive),
    unary("special.scaled_modified_bessel_k0", special.k0e, positive),
    unary("special.scaled_modified_bessel_k1", special.k1e, positive),
    unary("special.spherical_bessel_j0", lambda x: special.spherical_jn(0, x)),
    unary("special.airy_ai", lambda x: special.airy(x)[0]),
]

PROBABILITIES = [
    unary("erfinv", special.erfinv, unit),
    unary("special.erfcx", special.erfcx, between(-1.0, 2.0)),
    unary("special.ndtr", special.ndtr),
    unary("special.ndtri", special.ndtri, share),
    unary("special.log_ndtr", special.log_ndtr),
    unary("special.log_ndtr", special.log_ndtr, between(-30.0, -20.0), case="tail"),
    unary("special.entr", special.entr, positive),
    binary("special.xlog1py", special.xlog1py, between(0.1, 2.0)),
]

# the first argument has no derivative: a number is in its place
INCOMPLETE = [
    unary("igamma", lambda y: special.gammainc(1.7, y), positive, lambda y: mg.igamma(1.7, y)),
    unary("igammac", lambda y: special.gammaincc(1.7, y), positive, lambda y: mg.igammac(1.7, y)),
    unary("special.zeta", lambda y: special.zeta(2.5, y), positive,
          lambda y: mg.special.zeta(2.5, y)),
]  # fmt: skip


def polynomial(name: str, family: object, domain: object = unit) -> list[Sample]:
    """Rows of the polynomials of degrees 1 and 4, with SciPy's coefficients."""
    function = getattr(mg.special, name)
    return [
        unary(f"special.{name}", lambda x, n=n: family(n, x), domain, lambda x, n=n: function(x, n),
              case=str(n), second=n > 1)
        for n in (1, 4)
    ]  # fmt: skip


def third_kind(n: int, x: np.ndarray) -> np.ndarray:
    """cos((n + ½) θ) / cos(θ / 2) with x = cos θ."""
    angle = np.arccos(x)
    return np.cos((n + 0.5) * angle) / np.cos(angle / 2)


def fourth_kind(n: int, x: np.ndarray) -> np.ndarray:
    """sin((n + ½) θ) / sin(θ / 2) with x = cos θ."""
    angle = np.arccos(x)
    return np.sin((n + 0.5) * angle) / np.sin(angle / 2)


def shifted(family: object) -> object:
    return lambda n, x: family(n, 2 * x - 1)


POLYNOMIALS = [
    *polynomial("chebyshev_polynomial_t", special.eval_chebyt),
    *polynomial("chebyshev_polynomial_u", special.eval_chebyu),
    *polynomial("chebyshev_polynomial_v", third_kind),
    *polynomial("chebyshev_polynomial_w", fourth_kind),
    *polynomial("shifted_chebyshev_polynomial_t", shifted(special.eval_chebyt), share),
    *polynomial("shifted_chebyshev_polynomial_u", shifted(special.eval_chebyu), share),
    *polynomial("shifted_chebyshev_polynomial_v", shifted(third_kind), share),
    *polynomial("shifted_chebyshev_polynomial_w", shifted(fourth_kind), share),
    *polynomial("hermite_polynomial_h", special.eval_hermite),
    *polynomial("hermite_polynomial_he", special.eval_hermitenorm),
    *polynomial("laguerre_polynomial_l", special.eval_laguerre),
    *polynomial("legendre_polynomial_p", special.eval_legendre),
]

SAMPLES: list[Sample] = [*BESSEL, *PROBABILITIES, *INCOMPLETE, *POLYNOMIALS]
