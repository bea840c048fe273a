"""Rows of ops that act on each entry on its own."""

from __future__ import annotations

from math import erf, erfc

import numpy as np

import minigrad as mg
from tests.samples.sample import (
    Sample,
    between,
    binary,
    distinct,
    normal,
    outside,
    positive,
    unary,
)  # fmt: skip

unit = between(-0.9, 0.9)
nonzero = outside(-0.2, 0.2)


def steps(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers whose distance from the next integer is at least 0.1: off the jumps of rounding."""
    return rng.integers(-3, 3, shape) + rng.uniform(0.1, 0.4, shape)


def apart(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers in steps of 0.1, offset by 0.03 from those of `grid`."""
    return rng.integers(-10, 10, shape) * 0.1 + 0.03


def one(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.ones(shape)


def grid(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers in steps of 0.1."""
    return rng.integers(-10, 10, shape) * 0.1


# NumPy 2.5 has deprecated np.fix, which is np.trunc by another name
FIX = [unary("trunc", np.fix, steps, case="fix", door=True, second=False)]
FIX = FIX if np.lib.NumpyVersion(np.__version__) < "2.5.0" else []

ARITHMETIC = [
    binary("add", np.add, door=True),
    binary("sub", np.subtract, door=True),
    binary("mul", np.multiply, door=True),
    binary("true_divide", np.divide, (normal, nonzero), door=True),
    binary("div", np.divide, (normal, nonzero)),
    binary("div", lambda x, y: np.floor(x / y), (steps, one),
           lambda x, y: mg.div(x, y, rounding_mode="floor"), case="floor", second=False),
    binary("div", lambda x, y: np.trunc(x / y), (steps, one),
           lambda x, y: mg.div(x, y, rounding_mode="trunc"), case="trunc", second=False),
    binary("floor_divide", np.floor_divide, (steps, one), door=True, second=False),
    binary("remainder", np.remainder, (between(2.1, 2.9), between(0.8, 1.0)), door=True),
    binary("fmod", np.fmod, (between(-2.9, -2.1), between(0.8, 1.0)), door=True),
    binary("lerp", lambda x, y: x + 0.3 * (y - x), call=lambda x, y: mg.lerp(x, y, 0.3)),
    Sample("lerp", lambda x, y, w: x + w * (y - x), ((2, 3), (2, 3), (2, 3)),
           (normal, normal, unit), case="tensor", zero_d=((), (), ()), empty=((0,), (0,), (1,)),
           broadcast=((2, 3), (3,), (2, 1))),
    Sample("addcmul", lambda x, y, z: x + 0.5 * y * z, ((2, 3), (2, 3), (2, 3)),
           call=lambda x, y, z: mg.addcmul(x, y, z, value=0.5), zero_d=((), (), ()),
           empty=((0, 3), (3,), (1,)), broadcast=((2, 3), (3,), (2, 1))),
    Sample("addcdiv", lambda x, y, z: x + 0.5 * y / z, ((2, 3), (2, 3), (2, 3)),
           (normal, normal, nonzero), lambda x, y, z: mg.addcdiv(x, y, z, value=0.5),
           zero_d=((), (), ()), empty=((0, 3), (3,), (1,)), broadcast=((2, 3), (3,), (2, 1))),
    unary("neg", np.negative, door=True),
    unary("positive", np.positive, door=True),
    unary("abs", np.abs, door=True),
    unary("abs", np.fabs, case="fabs", door=True),
    unary("sign", np.sign, door=True, second=False),
    unary("reciprocal", np.reciprocal, nonzero, door=True),
    unary("square", np.square, door=True),
    unary("sqrt", np.sqrt, positive, door=True),
    unary("rsqrt", lambda x: 1 / np.sqrt(x), positive, door=True),
    binary("pow", np.power, (positive, normal), door=True),
    unary("pow", lambda x: x**2, normal, call=lambda x: mg.pow(x, 2), case="square"),
    unary("pow", lambda x: x**3, normal, call=lambda x: mg.pow(x, 3), case="cube"),
    unary("pow", lambda x: x**-1.5, positive, call=lambda x: mg.pow(x, -1.5), case="-1.5"),
    unary("pow", lambda x: 2.0**x, normal, call=lambda x: mg.pow(2.0, x), case="of 2"),
    binary("hypot", np.hypot, door=True),
    unary("floor", np.floor, steps, door=True, second=False),
    unary("ceil", np.ceil, steps, door=True, second=False),
    unary("trunc", np.trunc, steps, door=True, second=False),
    *FIX,
    unary("round", np.round, steps, door=True, second=False),
    unary("round", np.rint, steps, case="rint", door=True, second=False),
    unary("round", lambda x: np.round(x, 1), lambda r, s: steps(r, s) / 10,
          call=lambda x: mg.round(x, decimals=1), case="decimals", second=False, door=True),
    unary("frac", lambda x: np.modf(x)[0], steps, door=True, second=False),
]  # fmt: skip


def log_odds(x: np.ndarray) -> np.ndarray:
    return np.log(x / (1 - x))


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


EXPONENTIAL = [
    unary("exp", np.exp, door=True),
    unary("exp2", np.exp2, door=True),
    unary("expm1", np.expm1, door=True),
    unary("log", np.log, positive, door=True),
    unary("log2", np.log2, positive, door=True),
    unary("log10", np.log10, positive, door=True),
    unary("log1p", np.log1p, positive, door=True),
    binary("logaddexp", np.logaddexp, door=True),
    binary("logaddexp2", np.logaddexp2, door=True),
    binary("xlogy", lambda x, y: x * np.log(y), positive),
    unary("sigmoid", lambda x: 1 / (1 + np.exp(-x)), door=True),
    unary("logit", log_odds, between(0.1, 0.9)),
    unary("logit", log_odds, between(0.3, 0.7), call=lambda x: mg.logit(x, 0.1), case="eps"),
    unary("softplus", softplus),
    unary("softplus", lambda x: softplus(2 * x) / 2, call=lambda x: mg.softplus(x, 2), case="beta"),
]

TRIGONOMETRIC = [
    unary("sin", np.sin, door=True),
    unary("cos", np.cos, door=True),
    unary("tan", np.tan, unit, door=True),
    unary("asin", np.arcsin, unit, door=True),
    unary("acos", np.arccos, unit, door=True),
    unary("atan", np.arctan, door=True),
    binary("atan2", np.arctan2, door=True),
    unary("sinc", np.sinc, door=True),
    unary("deg2rad", np.deg2rad, door=True),
    unary("deg2rad", np.radians, case="radians", door=True),
    unary("rad2deg", np.rad2deg, door=True),
    unary("rad2deg", np.degrees, case="degrees", door=True),
    unary("sinh", np.sinh, door=True),
    unary("cosh", np.cosh, door=True),
    unary("tanh", np.tanh, door=True),
    unary("asinh", np.arcsinh, door=True),
    unary("acosh", np.arccosh, between(1.2, 3.0), door=True),
    unary("atanh", np.arctanh, unit, door=True),
    unary("erf", lambda x: np.vectorize(erf, otypes="d")(x), between(-3, 3)),
    unary("erf", lambda x: np.vectorize(erf, otypes="d")(x), between(-0.4, 0.4), case="small"),
    unary("erfc", lambda x: np.vectorize(erfc, otypes="d")(x), between(-3, 6)),
]

SELECTION = [
    binary("maximum", np.maximum, (apart, grid), door=True),
    binary("minimum", np.minimum, (apart, grid), door=True),
    binary("fmax", np.fmax, (apart, grid), door=True),
    binary("fmin", np.fmin, (apart, grid), door=True),
    unary("relu", lambda x: np.where(x > 0, x, 0), door=True),
    unary("clamp", lambda x: np.clip(x, -0.5, 0.8), apart, call=lambda x: mg.clamp(x, -0.5, 0.8),
          door=True),
    unary("clamp", lambda x: np.clip(x, None, 0.2), apart, call=lambda x: mg.clamp(x, max=0.2),
          case="max", door=True),
    Sample("clamp", np.clip, ((2, 3), (2, 3), (2, 3)), (apart, lambda r, s: grid(r, s) - 0.3,
           lambda r, s: grid(r, s) + 0.3), zero_d=((), (), ()), empty=((0, 3), (3,), (1, 1)),
           broadcast=((2, 3), (3,), (2, 1)), case="tensors", door=True),
    unary("clamp_min", lambda x: np.maximum(x, 0.2), apart, call=lambda x: mg.clamp_min(x, 0.2)),
    unary("clamp_max", lambda x: np.minimum(x, 0.2), apart, call=lambda x: mg.clamp_max(x, 0.2)),
    unary("nan_to_num", np.nan_to_num, door=True),
    binary("where", lambda x, y: np.where(x > 0, x, y), call=lambda x, y: mg.where(x > 0, x, y),
           door=True),
    unary("where", lambda x: np.where(x > 0, x, 0.0), call=lambda x: mg.where(x > 0, x, 0.0),
          case="number", door=True),
    Sample("where", lambda x: np.nonzero(x > 0), ((2, 3),), call=lambda x: mg.where(x > 0),
           case="places", empty=((0, 3),), differentiable=False),
    binary("masked_fill", lambda x, y: np.where(x > 0, y, x), shapes=((2, 3), ()),
           call=lambda x, y: mg.masked_fill(x, x > 0, y), empty=((0, 3), ()), broadcast=None),
    unary("masked_select", lambda x: x[x > 0], call=lambda x: mg.masked_select(x, x > 0),
          zero_d=None, door=True),
]  # fmt: skip

COMPARISON = [
    binary(name, function, distinct, door=True, differentiable=False)
    for name, function in [
        ("eq", np.equal), ("ne", np.not_equal), ("lt", np.less), ("le", np.less_equal),
        ("gt", np.greater), ("ge", np.greater_equal), ("logical_and", np.logical_and),
        ("logical_or", np.logical_or), ("logical_xor", np.logical_xor), ("isclose", np.isclose),
    ]
] + [
    unary(name, function, door=True, differentiable=False)
    for name, function in [
        ("logical_not", np.logical_not), ("isnan", np.isnan), ("isinf", np.isinf),
        ("isfinite", np.isfinite), ("signbit", np.signbit),
    ]
] + [
    binary(name, lambda x, y, f=function: f(x > 0, y > 0), door=True, differentiable=False,
           call=lambda x, y, n=name: getattr(mg, n)(x > 0, y > 0))
    for name, function in [
        ("bitwise_and", np.bitwise_and), ("bitwise_or", np.bitwise_or),
        ("bitwise_xor", np.bitwise_xor),
    ]
] + [
    unary("bitwise_not", lambda x: np.invert(x > 0), call=lambda x: mg.bitwise_not(x > 0),
          door=True, differentiable=False),
]  # fmt: skip

SAMPLES: list[Sample] = [
    *ARITHMETIC, *EXPONENTIAL, *TRIGONOMETRIC, *SELECTION, *COMPARISON,
]  # fmt: skip
