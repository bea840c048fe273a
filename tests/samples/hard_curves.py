"""Functions of one number at points where a plausible formula gives a wrong derivative.

Their right values are derivatives of an expression in mpmath, taken with 200 digits or more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np

import minigrad as mg

F = mg.nn.functional
f64 = np.float64


@dataclass(frozen=True)
class Curve:
    """A function of one number, and the points where it is hard.

    name       where the op is under `minigrad`
    formula    the same in mpmath: takes the module and a number
    points     in float64
    singles    in float32; left out: `points`
    orders     derivatives that are compared
    call       the op with its other arguments
    case       tells apart several curves of one op
    """

    name: str
    formula: Callable[[Any, Any], Any]
    points: tuple[float, ...]
    singles: tuple[float, ...] | None = None
    orders: tuple[int, ...] = (0, 1, 2, 3)
    call: Callable[[Any], Any] | None = None
    case: str = ""

    def __str__(self) -> str:
        return f"{self.name}-{self.case}" if self.case else self.name


def sigma(m: Any, x: Any) -> Any:
    return 1 / (1 + m.exp(-x))


def half_erfc(m: Any, x: Any) -> Any:
    return m.erfc(-x / m.sqrt(2)) / 2


def gelu_u(m: Any, x: Any) -> Any:
    """The argument of `gelu` by tanh; its rate is a number of float64, like the op's."""
    return m.mpf((2 / pi) ** 0.5) * (x + m.mpf("0.044715") * x**3)


BOTH_TAILS = (-40.0, -20.0, -3.0, 0.0, 1e-9, 3.0, 20.0, 40.0)
HALF_TAILS = (-20.0, -10.0, -3.0, 0.0, 3.0, 10.0, 20.0)

CURVES = [
    Curve("sigmoid", sigma, (*BOTH_TAILS, 300.0), HALF_TAILS),
    Curve("tanh", lambda m, x: m.tanh(x), (-20.0, -9.0, 0.0, 1e-9, 5.0, 20.0, 40.0),
          (-10.0, 0.0, 1e-4, 5.0, 10.0)),
    Curve("exp", lambda m, x: m.exp(x), (-700.0, -40.0, 0.0, 300.0), (-40.0, 0.0, 40.0)),
    Curve("exp2", lambda m, x: 2**x, (-1000.0, 0.0, 1000.0), (-100.0, 0.0, 100.0)),
    Curve("expm1", lambda m, x: m.expm1(x), (-40.0, -1e-12, 0.0, 1e-9, 40.0),
          (-20.0, -1e-6, 0.0, 20.0)),
    Curve("log", lambda m, x: m.log(x), (1e-300, 1e-9, 1.0, 1e100), (1e-10, 1.0, 1e9),
          orders=(0, 1)),
    Curve("log2", lambda m, x: m.log(x, 2), (1e-300, 8.0, 1e300), (1e-30, 8.0, 1e30), (0, 1)),
    Curve("log10", lambda m, x: m.log10(x), (1e-300, 100.0, 1e308), (1e-30, 100.0, 1e38), (0, 1)),
    Curve("log1p", lambda m, x: m.log1p(x), (-0.999999, -1e-12, 0.0, 1e-9, 1e9),
          (-0.9375, -1e-6, 0.0, 1e6), (0, 1, 2)),
    Curve("logit", lambda m, x: m.log(x) - m.log(1 - x), (1e-12, 0.25, 0.5, 1 - 2.0**-40),
          (1e-6, 0.25, 0.5, 1 - 2.0**-18), (1, 2)),
    Curve("softplus", lambda m, x: m.log1p(m.exp(x)), (-40.0, -1e-9, 0.0, 3.0, 19.0),
          (-20.0, 0.0, 3.0, 15.0)),
    Curve("nn.functional.logsigmoid", lambda m, x: -m.log1p(m.exp(-x)),
          (-40.0, -3.0, 0.0, 3.0, 40.0), (-20.0, 0.0, 20.0)),
    Curve("nn.functional.silu", lambda m, x: x * sigma(m, x), (-40.0, -5.0, 0.0, 5.0, 40.0),
          (-20.0, 0.0, 5.0, 20.0), (0, 1, 2)),
    Curve("nn.functional.mish", lambda m, x: x * m.tanh(m.log1p(m.exp(x))),
          (-30.0, -3.0, 0.0, 3.0, 18.0, 30.0), (-15.0, 0.0, 3.0, 15.0), (0, 1, 2)),
    Curve("nn.functional.gelu", lambda m, x: x * half_erfc(m, x), (-20.0, -8.0, 0.0, 3.0, 10.0),
          (-8.0, -4.0, 0.0, 3.0), (0, 1, 2)),
    Curve("nn.functional.gelu", lambda m, x: x * sigma(m, 2 * gelu_u(m, x)),
          (-8.0, -5.0, -1.0, 0.0, 4.0), (-4.0, -1.0, 0.0, 3.0), (0, 1, 2),
          lambda x: F.gelu(x, approximate="tanh"), "tanh"),
    Curve("nn.functional.softsign", lambda m, x: x / (1 + abs(x)), (-1e100, -3.0, 1e-9, 1e9, 1e100),
          (-1e15, -3.0, 3.0, 1e15), (0, 1)),
    Curve("nn.functional.tanhshrink", lambda m, x: x - m.tanh(x), (-20.0, 0.5, 20.0),
          (-10.0, 0.5, 10.0), (0, 1, 2)),
    Curve("nn.functional.elu", lambda m, x: m.expm1(x), (-40.0, -1.0, -1e-9), (-20.0, -1.0, -1e-6)),
    Curve("nn.functional.selu", lambda m, x: m.mpf(1.0507009873554804934193349852946)
          * m.mpf(1.6732632423543772848170429916717) * m.expm1(x), (-40.0, -1.0), (-20.0, -1.0)),
    Curve("nn.functional.celu", lambda m, x: 2 * m.expm1(x / 2), (-80.0, -1.0), (-40.0, -1.0),
          call=lambda x: F.celu(x, 2.0)),
    Curve("sinc", lambda m, x: m.sincpi(x), (0.0, 1e-9, 1e-3, 0.1, 0.5, 2.2, 7.3),
          (0.0, 1e-4, 0.1, 0.5, 2.2), (0, 1, 2, 3, 4)),
    Curve("sin", lambda m, x: m.sin(x), (0.0, 1e-9, 1e6), (0.0, 1e-4, 100.0)),
    Curve("cos", lambda m, x: m.cos(x), (0.0, 1e-9, 1e6), (0.0, 1e-4, 100.0)),
    Curve("tan", lambda m, x: m.tan(x), (0.0, 1e-9, 1.57), (0.0, 1e-4, 1.5), (0, 1, 2)),
    Curve("asin", lambda m, x: m.asin(x), (0.0, 1e-9, 1 - 2.0**-40), (0.0, 1 - 2.0**-18), (0, 1)),
    Curve("acos", lambda m, x: m.acos(x), (0.0, -1 + 2.0**-40), (0.0, -1 + 2.0**-18), (0, 1)),
    Curve("atan", lambda m, x: m.atan(x), (0.0, 1e-9, 1e9, 1e120), (0.0, 1e-4, 1e15), (0, 1)),
    Curve("asinh", lambda m, x: m.asinh(x), (-1e100, 0.0, 1e-9, 1e100), (-1e15, 1e-4, 1e15), (0,
         1)),
    Curve("acosh", lambda m, x: m.acosh(x), (1 + 2.0**-40, 2.0, 1e100), (1 + 2.0**-18, 1e15), (1,)),
    Curve("atanh", lambda m, x: m.atanh(x), (0.0, 1e-9, 1 - 2.0**-40), (0.0, 1 - 2.0**-18), (0, 1)),
    Curve("sinh", lambda m, x: m.sinh(x), (-40.0, 0.0, 1e-9, 300.0), (-40.0, 1e-4, 40.0)),
    Curve("cosh", lambda m, x: m.cosh(x), (-40.0, 0.0, 1e-9, 300.0), (-40.0, 1e-4, 40.0)),
    Curve("erf", lambda m, x: m.erf(x), (-5.0, 0.0, 1e-9, 5.0), (-3.0, 1e-4, 3.0), (0, 1, 2)),
    Curve("erfc", lambda m, x: m.erfc(x), (-5.0, 0.0, 5.0, 10.0), (-3.0, 0.0, 5.0), (0, 1, 2)),
    Curve("sqrt", lambda m, x: m.sqrt(x), (1e-300, 2.0, 1e300), (1e-30, 2.0, 1e30), (0, 1)),
    Curve("rsqrt", lambda m, x: 1 / m.sqrt(x), (1e-200, 2.0, 1e200), (1e-20, 2.0, 1e20), (0, 1)),
    Curve("reciprocal", lambda m, x: 1 / x, (-1e100, 1e-100, 2.0), (-1e10, 1e-10, 2.0), (0, 1, 2)),
    Curve("square", lambda m, x: x * x, (-1e100, 0.0, 1e-100), (-1e10, 0.0, 1e-10)),
    Curve("pow", lambda m, x: x**3, (-1e50, 0.0, 1e-50), (-1e5, 0.0, 1e-5), call=lambda x: x**3,
          case="cube"),
    Curve("pow", lambda m, x: 1 / x**2, (-1e50, 1e-50), (-1e5, 1e-5), (0, 1, 2), lambda x: x**-2,
          "inverse square"),
    Curve("hypot", lambda m, x: m.sqrt(x * x + 9), (0.0, 1e-9, 4.0, 1e200), (0.0, 1e-4, 1e25),
          (0, 1), lambda x: mg.hypot(x, 3.0)),
    Curve("atan2", lambda m, x: m.atan(x / 3), (0.0, 1e-9, 1e200), (0.0, 1e-4, 1e25), (0, 1),
          lambda x: mg.atan2(x, 3.0)),
    Curve("logaddexp", lambda m, x: m.log(m.exp(x) + m.exp(m.mpf(f64(0.5)))),
          (-29.5, 0.5, 0.5 + 1e-9, 30.5), (-14.5, 0.5, 15.5), (0, 1, 2),
          lambda x: mg.logaddexp(x, 0.5)),
    Curve("logaddexp2", lambda m, x: m.log(2**x + 2 ** m.mpf(f64(0.5)), 2),
          (-29.5, 0.5, 0.5 + 1e-9, 30.5), (-14.5, 0.5, 15.5), (0, 1, 2),
          lambda x: mg.logaddexp2(x, 0.5)),
    Curve("xlogy", lambda m, x: x * m.log(m.mpf("0.5")), (0.0, 1e-300, 1e100), (0.0, 1e-30, 1e20),
          (0, 1), lambda x: mg.xlogy(x, 0.5)),
    Curve("deg2rad", lambda m, x: x * m.mpf(pi / 180), (0.0, 1e300), (0.0, 1e30), (0, 1)),
    Curve("nn.functional.hardswish", lambda m, x: x * (x + 3) / 6, (-2.9, 0.0, 2.9),
          orders=(0, 1, 2)),
    Curve("nn.functional.smooth_l1_loss", lambda m, x: x * x / 2, (1e-9, 0.5), orders=(0, 1, 2),
          call=lambda x: F.smooth_l1_loss(x, x * 0.0, reduction="none")),
    Curve("nn.functional.soft_margin_loss", lambda m, x: m.log1p(m.exp(-x)), (-40.0, 0.0, 40.0),
          (-20.0, 0.0, 20.0), (0, 1, 2),
          lambda x: F.soft_margin_loss(x, mg.ones_like(x), reduction="none")),
    Curve("nn.functional.binary_cross_entropy_with_logits", lambda m, x: m.log1p(m.exp(-x)),
          (-40.0, 0.0, 40.0), (-20.0, 0.0, 20.0), (0, 1, 2),
          lambda x: F.binary_cross_entropy_with_logits(x, mg.ones_like(x), reduction="none")),
    Curve("special.i1", lambda m, x: m.besseli(1, x), (-3.0, 1e-30, 1e-8, 40.0), (1e-20, 1e-4, 9.0),
          (0, 1, 2)),
    Curve("special.i0e", lambda m, x: m.exp(-x) * m.besseli(0, x), (1e-9, 49.0, 51.0),
          (1e-4, 11.0, 13.0), (0, 1, 2)),
    Curve("special.i1e", lambda m, x: m.exp(-x) * m.besseli(1, x), (1e-9, 49.0, 51.0),
          (1e-4, 11.0, 13.0), (0, 1, 2)),
    Curve("special.bessel_j1", lambda m, x: m.besselj(1, x), (1e-30, 1e-8, 2.0), (1e-20, 1e-4, 2.0),
          (0, 1, 2)),
    Curve("special.erfcx", lambda m, x: m.exp(x * x) * m.erfc(x), (-1.0, 0.0, 9.5, 50.0),
          (-1.0, 0.0, 50.0), (0, 1, 2)),
    Curve("special.log_ndtr", lambda m, x: m.log(half_erfc(m, x)), (-100.0, -30.0, 0.0, 5.0),
          (-50.0, 0.0, 3.0), (0, 1, 2)),
    Curve("digamma", lambda m, x: m.digamma(x), (-1e-8, 1e-8, -20.75), (-1e-4, 1e-4),
          (0, 1, 2)),
    Curve("lgamma", lambda m, x: m.loggamma(x), (1e-300, 1e-9, 1.0, 2.0, 30.5, 1e10),
          (1e-30, 1.0, 2.0, 30.5, 1e6), (0, 1)),
    Curve("erfinv", lambda m, x: m.erfinv(x), (-1 + 2.0**-40, 0.0, 1e-9, 0.5, 1 - 2.0**-40),
          (-1 + 2.0**-18, 0.0, 0.5), (0, 1, 2)),
    Curve("i0", lambda m, x: m.besseli(0, x), (-3.0, 0.0, 1e-9, 40.0), (-3.0, 0.0, 9.0), (0, 1, 2)),
    Curve("special.ndtr", lambda m, x: half_erfc(m, x), (-20.0, -5.0, 0.0, 5.0),
          (-5.0, 0.0, 5.0), (0, 1, 2)),
    Curve("special.ndtri", lambda m, x: m.sqrt(2) * m.erfinv(2 * x - 1), (1e-12, 0.5, 0.75),
          (1e-6, 0.5, 0.75), (0, 1)),
    Curve("special.entr", lambda m, x: -x * m.log(x), (1e-300, 1e-9, 1.0, 1e9),
          (1e-30, 1e-4, 1e9), (0, 1, 2)),
    Curve("special.xlog1py", lambda m, x: 3 * m.log1p(x), (-0.999999, -1e-12, 0.0, 1e-9, 1e9),
          (-0.9375, 0.0, 1e-6, 1e6), (0, 1), lambda x: mg.special.xlog1py(3.0, x)),
    Curve("special.bessel_j0", lambda m, x: m.besselj(0, x), (0.0, 1e-9, 1.0, 2.0),
          (0.0, 1e-4, 1.0), (0, 1, 2)),
    Curve("special.spherical_bessel_j0", lambda m, x: m.sinc(x), (0.0, 1e-9, 1e-3, 0.5, 2.2),
          (0.0, 1e-4, 0.1, 0.5, 2.2), (0, 1, 2)),
    Curve("nn.functional.softmin", lambda m, x: sigma(m, -x), (-3.0, 0.0, 3.0, 40.0),
          (-3.0, 0.0, 3.0, 20.0), (0, 1, 2),
          lambda x: F.softmin(mg.stack([x, x * 0.0]), 0)[0]),
    Curve("nn.functional.glu", lambda m, x: 3 * sigma(m, x), BOTH_TAILS, HALF_TAILS, (0, 1, 2),
          lambda x: F.glu(mg.stack([x * 0.0 + 3.0, x]), 0)[0]),
    Curve("nn.functional.huber_loss", lambda m, x: x * x / 2, (1e-9, 0.5), orders=(0, 1, 2),
          call=lambda x: F.huber_loss(x, x * 0.0, reduction="none")),
    Curve("nn.functional.poisson_nll_loss", lambda m, x: m.exp(x) - 3 * x, (-40.0, 0.0, 300.0),
          (-20.0, 0.0, 40.0), (0, 1, 2),
          lambda x: F.poisson_nll_loss(x, x.detach() * 0.0 + 3.0, reduction="none")),
    Curve("nn.functional.kl_div", lambda m, x: m.log(m.mpf("0.5")) / 2 - x / 2, (-700.0, 0.0),
          (-80.0, 0.0), (0, 1),
          lambda x: F.kl_div(x, x.detach() * 0.0 + 0.5, reduction="none")),
    Curve("nn.functional.binary_cross_entropy", lambda m, x: -m.log(x), (1e-9, 0.5),
          (1e-9, 0.5), (0, 1), lambda x: F.binary_cross_entropy(x, x.detach() * 0.0 + 1.0,
                                                                  reduction="none")),
    Curve("nn.functional.hardsigmoid", lambda m, x: (x + 3) / 6, (-2.9, 0.0, 2.9),
          orders=(0, 1, 2)),
    Curve("nn.functional.softshrink", lambda m, x: x - m.mpf("0.5"), (0.6, 1e300), (0.6, 1e30),
          (0, 1)),
    Curve("rad2deg", lambda m, x: x * m.mpf(180 / pi), (0.0, 1e300), (0.0, 1e30), (0, 1)),
    Curve("mul", lambda m, x: 3 * x, (1e-300, 1e300), (1e-30, 1e30), (0, 1), lambda x: x * 3.0),
    Curve("div", lambda m, x: 3 / x, (1e-100, 1e100), (1e-10, 1e10), (0, 1, 2), lambda x: 3.0 / x),
    Curve("softmax", sigma, (-40.0, -3.0, 0.0, 3.0), (-20.0, -3.0, 0.0, 3.0),
          (0, 1, 2), lambda x: mg.softmax(mg.stack([x, x * 0.0]), 0)[0], "of two"),
    Curve("log_softmax", lambda m, x: -m.log1p(m.exp(-x)), (-40.0, -3.0, 0.0), (-20.0, -3.0, 0.0),
          (0, 1, 2), lambda x: mg.log_softmax(mg.stack([x, x * 0.0]), 0)[0], "of two"),
    Curve("logsumexp", lambda m, x: m.log1p(m.exp(x)), (0.0, 3.0, 20.0), (0.0, 3.0, 10.0),
          (0, 1), lambda x: mg.logsumexp(mg.stack([x, x * 0.0]), 0), "of two"),
    Curve("nn.functional.cosine_similarity", lambda m, x: x / m.sqrt(1 + x * x),
          (0.0, 1e-9, 3.0), (0.0, 1e-4, 3.0), (0, 1),
          lambda x: F.cosine_similarity(mg.stack([x, x * 0.0 + 1.0]),
                                        mg.stack([x * 0.0 + 1.0, x * 0.0]), 0)),
    Curve("polygamma", lambda m, x: m.polygamma(2, x), (-20.75, -0.25, 9.0),
          (-20.75, -0.25), (0, 1), lambda x: mg.polygamma(2, x)),
]  # fmt: skip
