"""Elementwise ops give PyTorch's values, types and gradients.

Where PyTorch is not followed, and why:

* fmax and fmin at a tie: PyTorch gives the whole gradient to the first operand, minigrad half to
  each, as both do for maximum.  The numbers here have no ties.
* The sign of NaN is 0 in PyTorch; it is NaN here, as in NumPy.
* logaddexp of two equal infinities has the gradient NaN there, one half here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from tests.parity.comparing import agree, torch

few = settings(max_examples=15, deadline=None)


def rounded(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers with three decimals: none so close to a kink that it is a matter of rounding."""
    return st.integers(int(low * 1000), int(high * 1000)).map(lambda n: n / 1000 + 0.00037)


anything, positive, unit = rounded(-4, 4), rounded(0.05, 4), rounded(-0.98, 0.98)

UNARY: dict[str, Any] = {
    "abs": anything, "neg": anything, "positive": anything, "sign": anything,
    "reciprocal": positive, "square": anything, "sqrt": positive, "rsqrt": positive,
    "floor": anything, "ceil": anything, "round": anything, "trunc": anything, "frac": anything,
    "exp": anything, "exp2": anything, "expm1": anything, "log": positive, "log2": positive,
    "log10": positive, "log1p": positive, "sigmoid": rounded(-40, 40), "logit": rounded(0.02, 0.98),
    "sin": anything, "cos": anything, "tan": unit, "asin": unit, "acos": unit, "atan": anything,
    "sinh": anything, "cosh": anything, "tanh": anything, "asinh": anything,
    "acosh": rounded(1.05, 4), "atanh": unit, "sinc": anything, "deg2rad": anything,
    "rad2deg": anything, "erf": anything, "erfc": anything, "relu": anything,
    "nan_to_num": anything, "isnan": anything, "isinf": anything, "isfinite": anything,
    "signbit": anything, "logical_not": anything,
}  # fmt: skip

BINARY: dict[str, Any] = {
    "add": anything, "sub": anything, "mul": anything, "true_divide": positive, "div": positive,
    "remainder": positive, "fmod": positive, "pow": positive, "hypot": anything,
    "atan2": anything, "maximum": anything, "minimum": anything, "fmax": anything, "fmin": anything,
    "logaddexp": rounded(-40, 40), "logaddexp2": rounded(-40, 40), "xlogy": positive,
    "eq": anything, "ne": anything, "lt": anything, "le": anything, "gt": anything, "ge": anything,
    "logical_and": anything, "logical_or": anything, "logical_xor": anything, "isclose": anything,
}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
@few
@given(st.data())
def test_unary(name: str, data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    x = data.draw(hnp.arrays(np.float64, shape, elements=UNARY[name]))
    agree(lambda m, x: getattr(m, name)(x), [x])


@pytest.mark.parametrize("name", BINARY)
@few
@given(st.data())
def test_binary(name: str, data: Any) -> None:
    pair = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
    x, y = (data.draw(hnp.arrays(np.float64, s, elements=BINARY[name])) for s in pair.input_shapes)
    agree(lambda m, x, y: getattr(m, name)(x, y + 0.0001), [x, y])  # no ties


@pytest.mark.parametrize("mode", [None, "floor", "trunc"])
@few
@given(hnp.arrays(np.float64, (3,), elements=anything), positive)
def test_div_with_rounding(mode: str | None, x: np.ndarray, y: float) -> None:
    agree(lambda m, x: m.div(x, y, rounding_mode=mode), [x])


@few
@given(hnp.arrays(np.int64, (4,), elements=st.integers(-9, 9)), st.sampled_from([-3, -1, 2, 5]))
def test_integers(x: np.ndarray, y: int) -> None:
    for name in ("add", "sub", "mul", "true_divide", "floor_divide", "remainder", "fmod"):
        agree(lambda m, x, name=name: getattr(m, name)(x, y), [x], tolerance=1e-7)
    for mode in ("floor", "trunc"):
        agree(lambda m, x, mode=mode: m.div(x, y, rounding_mode=mode), [x])
    for name in ("abs", "sign", "square"):
        agree(lambda m, x, name=name: getattr(m, name)(x), [x])
    for name in ("exp", "sigmoid", "atan", "erf"):
        agree(lambda m, x, name=name: getattr(m, name)(x), [x], tolerance=1e-6)


TYPES = ["bool", "uint8", "int32", "int64", "float32", "float64"]


@pytest.mark.parametrize("operator", ["add", "mul", "true_divide", "lt"])
@pytest.mark.parametrize("first", TYPES)
@pytest.mark.parametrize("number", [2, 2.0], ids=["int", "float"])
def test_types_of_results_with_python_numbers(operator: str, first: str, number: float) -> None:
    """They are weakest: only their kind counts."""
    x = np.array([1, 0, 1]).astype(first)
    agree(lambda m, x: getattr(m, operator)(x.detach(), number), [x], tolerance=1e-6)


@pytest.mark.parametrize("operator", ["add", "mul", "true_divide", "maximum", "lt"])
@pytest.mark.parametrize("first", TYPES)
@pytest.mark.parametrize("second", [*TYPES, "0-d float64", "0-d int64"])
def test_types_of_results(operator: str, first: str, second: str) -> None:
    """PyTorch's promotion: kinds first, then dimensions."""
    x = np.array([1, 0, 1]).astype(first)
    y = np.array(1, second[4:]) if second.startswith("0-d") else np.array([1, 1, 1]).astype(second)
    agree(lambda m, x, y: getattr(m, operator)(x.detach(), y.detach()), [x, y], tolerance=1e-6)


@few
@given(
    hnp.arrays(np.float64, (2, 3), elements=anything),
    hnp.arrays(np.float64, (3,), elements=anything),
    rounded(-1, 2),
)
def test_three_operands(x: np.ndarray, y: np.ndarray, number: float) -> None:
    z = np.full((2, 1), 1.7)
    agree(lambda m, x, y: m.lerp(x, y, number), [x, y])
    agree(lambda m, x, y, z: m.lerp(x, y, z), [x, y, z])
    agree(lambda m, x, y, z: m.addcmul(x, y, z, value=number), [x, y, z])
    agree(lambda m, x, y, z: m.addcdiv(x, y, z, value=number), [x, y, z])
    agree(lambda m, x, y: m.where(x > y, x, y), [x, y])
    agree(lambda m, x: m.where(x > 0, x, number), [x])
    agree(lambda m, x: m.masked_fill(x, x > 0, number), [x])
    agree(lambda m, x: m.masked_select(x, x > 0), [x])
    agree(lambda m, x: m.clamp(x, -1, number), [x])
    agree(lambda m, x: m.clamp(x, min=number), [x])
    agree(lambda m, x, y, z: m.clamp(x, y, z), [x, y, z])
    agree(lambda m, x: m.clamp_min(x, number), [x])
    agree(lambda m, x: m.clamp_max(x, number), [x])
    agree(lambda m, x: m.round(x, decimals=2), [x])
    agree(lambda m, x: m.logit(m.sigmoid(x), 0.3), [x])


@few
@given(hnp.arrays(np.float64, (5,), elements=rounded(-30, 30)), st.sampled_from([0.5, 1.0, 3.0]))
def test_softplus(x: np.ndarray, beta: float) -> None:
    agree(
        lambda m, x: m.softplus(x, beta, 15),
        [x],
        theirs=lambda m, x: m.nn.functional.softplus(x, beta, 15),
    )


@pytest.mark.parametrize("exponent", [-2, -1, -0.5, 0, 0.5, 1, 2, 3, 2.5])
@few
@given(hnp.arrays(np.float64, (3,), elements=positive))
def test_powers(exponent: float, x: np.ndarray) -> None:
    agree(lambda m, x: x**exponent, [x])
    agree(lambda m, x: exponent**x if exponent > 0 else x, [x])


@pytest.mark.parametrize("name", UNARY)
def test_special_values(name: str) -> None:
    x = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan])
    x = x[:-1] if name == "sign" else x
    with np.errstate(all="ignore"):
        here = getattr(mg, name)(mg.tensor(x)).numpy()
    there = getattr(torch, name)(torch.tensor(x)).numpy()
    np.testing.assert_allclose(here, there, 1e-12)
