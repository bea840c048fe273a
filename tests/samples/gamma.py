"""Rows of the gamma function's kin: derivatives are values of SciPy's next function."""

from __future__ import annotations

import numpy as np
from scipy import special

import minigrad as mg
from tests.samples.sample import Sample, between, unary

left = between(-2.8, -2.2)  # between two poles

SAMPLES: list[Sample] = [
    unary("lgamma", special.gammaln, between(0.3, 6.0)),
    unary("lgamma", special.gammaln, left, case="negative"),
    unary("digamma", special.digamma, between(0.3, 6.0)),
    unary("digamma", special.digamma, left, case="negative"),
    unary("digamma", special.digamma, between(20.0, 3000.0), case="large"),
    unary("polygamma", special.digamma, between(0.3, 6.0), lambda x: mg.polygamma(0, x), case="0"),
    *[
        unary("polygamma", lambda x, n=n: special.polygamma(n, x), between(0.3, 14.0),
              lambda x, n=n: mg.polygamma(n, x), case=str(n))
        for n in (1, 2, 3)
    ],
    unary("polygamma", lambda x: np.pi**2 / np.sin(np.pi * x) ** 2 - special.polygamma(1, 1 - x),
          left, lambda x: mg.polygamma(1, x), case="negative"),
    unary("mvlgamma", np.vectorize(lambda v: special.multigammaln(v, 3), otypes="d"),
          between(1.5, 5.0), lambda x: mg.mvlgamma(x, 3)),
]  # fmt: skip
