"""Gradients at kinks and degenerate points, and numbers near the ends of their range."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg


def gradient(function: Callable[..., Any], *values: Any, dtype: Any = mg.float64) -> list[Any]:
    """The gradients of the sum of `function` at `values`; a warning of NumPy is an error."""
    leaves = [mg.tensor(value, dtype=dtype, requires_grad=True) for value in values]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = function(*leaves)
        mg.sum(out).backward()
    return [leaf.grad.tolist() for leaf in leaves]


# ---------------------------------------------------------------------------------------- kinks


@pytest.mark.parametrize(
    ("function", "values", "expected"),
    [
        (mg.relu, [[-1.0, 0.0, 1.0]], [[0, 0, 1]]),
        (lambda x: mg.maximum(x, 0), [[-1.0, 0.0, 1.0]], [[0, 0.5, 1]]),
        (mg.maximum, [[1.0, 2.0], [1.0, 3.0]], [[0.5, 0], [0.5, 1]]),
        (mg.minimum, [[1.0, 2.0], [1.0, 3.0]], [[0.5, 1], [0.5, 0]]),
        (mg.fmax, [[1.0, np.nan], [1.0, 3.0]], [[0.5, 0], [0.5, 1]]),
        (mg.fmin, [[1.0, 2.0], [1.0, np.nan]], [[0.5, 1], [0.5, 0]]),
        (mg.abs, [[-2.0, 0.0, 2.0]], [[-1, 0, 1]]),
        (mg.sign, [[-2.0, 0.0, 2.0]], [[0, 0, 0]]),
        (lambda x: mg.clamp(x, -1, 1), [[-2.0, -1.0, 0.0, 1.0, 2.0]], [[0, 1, 1, 1, 0]]),
        (mg.clamp, [[0.0, 5.0], [1.0, 1.0], [2.0, 2.0]], [[0, 0], [1, 0], [0, 1]]),
        (mg.amax, [[1.0, 3.0, 3.0]], [[0, 0.5, 0.5]]),
        (mg.amin, [[1.0, 3.0, 1.0]], [[0.5, 0, 0.5]]),
        (mg.max, [[1.0, 3.0, 3.0]], [[0, 0.5, 0.5]]),
        (lambda x: mg.max(x, 0).values, [[1.0, 3.0, 3.0]], [[0, 1, 0]]),
        (lambda x: mg.min(x, 0).values, [[1.0, 3.0, 1.0]], [[1, 0, 0]]),
        (mg.median, [[1.0, 2.0, 2.0]], [[0, 0.5, 0.5]]),
        (mg.std, [[2.0, 2.0, 2.0]], [[0, 0, 0]]),
        (mg.var, [[2.0, 2.0, 2.0]], [[0, 0, 0]]),
        (mg.hypot, [[0.0, 3.0], [0.0, 4.0]], [[0, 0.6], [0, 0.8]]),
        (mg.atan2, [0.0, 0.0], [0, 0]),
        (mg.sinc, [0.0], [0]),
        (lambda x: x**0, [[0.0, 2.0]], [[0, 0]]),
        (lambda x: x**0.0, [[0.0, 2.0]], [[0, 0]]),
        (mg.pow, [[0.0, 0.0], [0.0, 2.0]], [[0, 0], [0, 0]]),
        (mg.xlogy, [[0.0, 0.0], [0.0, 1.0]], [[0, 0], [0, 0]]),
        (mg.prod, [[0.0, 2.0, 3.0]], [[6, 0, 0]]),
        (mg.prod, [[0.0, 2.0, 0.0]], [[0, 0, 0]]),
        (lambda x: mg.prod(x, (0, 1)), [[[0.0, 2.0], [3.0, 4.0]]], [[[24, 0], [0, 0]]]),
        (lambda x: mg.cumprod(x, 0), [[0.0, 2.0, 3.0]], [[9, 0, 0]]),
        (lambda x: mg.cumprod(x, 0), [[2.0, 0.0, 3.0]], [[1, 8, 0]]),
        (mg.floor, [[0.5, 1.0]], [[0, 0]]),
        (mg.nansum, [[1.0, np.nan]], [[1, 0]]),
        (mg.nan_to_num, [[1.0, np.nan, np.inf]], [[1, 0, 0]]),
        (lambda x: mg.logsumexp(x, 0), [[-np.inf, -np.inf]], [[0, 0]]),
        (lambda x: mg.logsumexp(x, 0), [[-np.inf, 0.0]], [[0, 1]]),
        (lambda x: mg.logcumsumexp(x, 0), [[-np.inf, -np.inf, 0.0]], [[0, 0, 1]]),
        (mg.logaddexp, [-np.inf, -np.inf], [0.5, 0.5]),
    ],
)
def test_the_gradient_at_a_kink(function: Any, values: list[Any], expected: list[Any]) -> None:
    assert gradient(function, *values) == expected


def test_sqrt_at_0_is_infinite() -> None:
    x = mg.tensor(0.0, requires_grad=True)
    with np.errstate(divide="ignore"):
        x.sqrt().backward()
    assert x.grad.item() == np.inf


def test_where_does_not_hide_an_infinite_branch() -> None:
    """0 times an infinite derivative is NaN: the input of the branch has to be masked."""
    x = mg.tensor([0.0, 4.0], requires_grad=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        mg.where(x > 0, x.sqrt(), 0.0).sum().backward()
    assert np.isnan(x.grad.tolist()[0])
    x.grad = None
    mg.where(x > 0, mg.where(x > 0, x, 1.0).sqrt(), 0.0).sum().backward()
    assert x.grad.tolist() == [0, 0.25]


@pytest.mark.parametrize("values", [[0.0, 2.0, 3.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_second_derivative_of_products_with_zeros(name: str, values: list[float]) -> None:
    """The Hessian of a product of three has the third factor in each entry off the diagonal."""
    x = mg.tensor(values, dtype=mg.float64, requires_grad=True)
    out = mg.prod(x) if name == "prod" else mg.cumprod(x, 0)[-1]
    (slope,) = mg.autograd.grad(out, x, create_graph=True)
    hessian = [mg.autograd.grad(s, x, retain_graph=True)[0].tolist() for s in slope]
    a, b, c = values
    np.testing.assert_allclose(hessian, [[0, c, b], [c, 0, a], [b, a, 0]], atol=1e-14)


def test_second_derivative_of_sinc_at_0() -> None:
    x = mg.tensor(0.0, dtype=mg.float64, requires_grad=True)
    (slope,) = mg.autograd.grad(mg.sinc(x), x, create_graph=True)
    (curvature,) = mg.autograd.grad(slope, x)
    assert curvature.item() == pytest.approx(-(np.pi**2) / 3)


# ------------------------------------------------------------------------- far ends of the range


LARGE = {np.float32: 1e30, np.float64: 1e300}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize(
    "function",
    [
        mg.sigmoid, mg.softplus, mg.tanh, mg.erf, mg.erfc, mg.atan, mg.asinh,
        lambda x: mg.softmax(mg.stack([x, x * 0]), 0)[0],
        lambda x: mg.log_softmax(mg.stack([x, x * 0.5]), 0),
        lambda x: mg.logsumexp(mg.stack([x, x]), 0),
        lambda x: mg.logcumsumexp(mg.stack([x, x]), 0),
        lambda x: mg.logaddexp(x, 0.0), lambda x: mg.std(mg.stack([x, -x])),
        lambda x: mg.hypot(x, x), lambda x: mg.atan2(x, x),
    ],
)  # fmt: skip
def test_huge_numbers_give_finite_results(function: Any, dtype: Any, sign: float) -> None:
    """Neither value nor gradient is NaN, or infinite where the result is representable."""
    x = mg.tensor(np.asarray(sign * LARGE[dtype], dtype), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = function(x)
        out.backward(np.ones_like(out.detach().numpy()))
    assert out.dtype == x.grad.dtype == dtype
    assert np.isfinite(out.detach().numpy()).all()
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
@pytest.mark.parametrize(
    ("function", "degree"),
    [
        (mg.std, 1), (mg.amax, 1), (lambda x: mg.max(x, 0).values, 1), (mg.mean, 1), (mg.abs, 1),
        (lambda x: mg.hypot(x, 2 * x), 1), (lambda x: mg.atan2(x, 2 * x), 0), (mg.median, 1),
        (lambda x: mg.quantile(x, 0.4), 1), (mg.sqrt, 0.5), (lambda x: mg.cumsum(x, 0), 1),
    ],
)  # fmt: skip
def test_homogeneous_functions_scale(function: Any, degree: float, scale: float) -> None:
    """f(k x) = k^d f(x), and its gradient is k^(d - 1) times that at x."""
    x = np.random.default_rng(3).uniform(0.5, 2.0, 5)
    values, slopes = [], []
    for k in (1.0, scale):
        leaf = mg.tensor(k * x, requires_grad=True)
        out = function(leaf)
        out.backward(np.ones_like(out.detach().numpy()))
        values.append(out.detach().numpy())
        slopes.append(leaf.grad.numpy())
    np.testing.assert_allclose(values[1], values[0] * scale**degree, 1e-12)
    np.testing.assert_allclose(slopes[1], slopes[0] * scale ** (degree - 1), 1e-12)


def test_the_tails_of_erfc_keep_their_relative_accuracy() -> None:
    """erfc(x) x √π e^(x²) is 1 - 1/(2x²) + 3/(4x⁴) - ... for large x."""
    x = np.array([10.0, 20.0, 26.0])
    series = 1 - 1 / (2 * x**2) + 3 / (4 * x**4) - 15 / (8 * x**6) + 105 / (16 * x**8)
    scaled = mg.erfc(mg.tensor(x)).numpy() * x * np.sqrt(np.pi) / np.exp(-(x**2))
    np.testing.assert_allclose(scaled, series, 1e-8)
    total = mg.erf(mg.tensor(x / 7)) + mg.erfc(mg.tensor(x / 7))
    np.testing.assert_allclose(total.numpy(), 1, 1e-15)


def test_small_differences_survive() -> None:
    x = mg.tensor(1e-12, dtype=mg.float64)
    assert mg.expm1(x).item() == pytest.approx(1e-12, rel=1e-11)
    assert mg.log1p(x).item() == pytest.approx(1e-12, rel=1e-11)
    assert mg.sigmoid(mg.tensor(-700.0, dtype=mg.float64)).item() == pytest.approx(np.exp(-700.0))
    assert mg.log_softmax(mg.tensor([40.0, 0.0]), 0).tolist()[0] == pytest.approx(
        -np.exp(-40.0), abs=1e-7
    )


# ---------------------------------------------------------------------------- answers and refusals


def test_allclose_and_equal_answer_with_a_bool() -> None:
    x, y = mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.0 + 1e-6])
    assert mg.allclose(x, y) is True
    assert mg.allclose(x, y, rtol=0, atol=1e-9) is False
    assert mg.equal(x, y) is False
    assert mg.equal(x, x.clone()) is True
    assert mg.equal(x, x[:1]) is False


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: mg.div(x, 2, rounding_mode="up"), ValueError),
        (lambda x: mg.clamp(x), ValueError),
        (lambda x: mg.where(x > 0, x), ValueError),
        (lambda x: mg.masked_fill(x, x > 0, x), ValueError),
        (lambda x: mg.masked_select(x, x), TypeError),
        (lambda x: mg.quantile(x, 1.5), ValueError),
        (lambda x: mg.quantile(x, 0.5, interpolation="cubic"), ValueError),
        (lambda x: mg.topk(x, 4), ValueError),
        (lambda x: mg.diff(x, -1), ValueError),
        (lambda x: mg.max(x, (0,)), TypeError),
        (lambda x: mg.min(x, [0]), TypeError),
        (lambda x: mg.diff(x[0]), ValueError),
        (lambda x: mg.amax(x[:0]), ValueError),
        (lambda x: mg.median(x[:0].long()), ValueError),
        (lambda x: mg.sum(x, (0, 0)), ValueError),
        (lambda x: mg.add(x, mg.ones(2)), ValueError),
        (lambda x: x & 1, TypeError),
        (lambda x: mg.sum(x, 0, axis=0), TypeError),
        (lambda x: mg.topk(x, 1, dim=0, axis=0), TypeError),
        (lambda x: np.sum(x, out=np.zeros(())), TypeError),
        (lambda x: np.unwrap(x), TypeError),
    ],
)
def test_bad_arguments_are_refused(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call(mg.tensor([1.0, 2.0, 3.0], requires_grad=True))


# ------------------------------------------------------------------------------ operators and types


def test_operators_of_tensors_numbers_and_arrays() -> None:
    t = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = np.array([1.0, 2.0, 3.0], np.float32)
    for operator in ("+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!="):
        for expression in (f"a {operator} 2", f"2 {operator} a", f"a {operator} a"):
            found = eval(expression, {"a": t})
            expected = eval(expression, {"a": x})
            assert found.dtype == expected.dtype, expression
            np.testing.assert_allclose(found.detach().numpy(), expected, 1e-6, err_msg=expression)
        mixed = eval(f"x {operator} t", {"x": x, "t": t})
        assert isinstance(mixed, mg.Tensor)
        assert mixed.requires_grad == (operator not in ("<", "<=", ">", ">=", "==", "!="))


def test_a_tensor_is_hashed_by_identity() -> None:
    s, t = mg.tensor([1.0]), mg.tensor([1.0])
    assert len({s, t, s}) == 2
    assert (s == t).all()
    assert s != None  # noqa: E711 - one of the two operators has to answer for None


@pytest.mark.parametrize("name", ["exp", "sqrt", "sigmoid", "erf", "mean", "std", "softmax"])
def test_integers_become_the_default_type(name: str) -> None:
    ints = mg.tensor([1, 2, 3])
    out = getattr(mg, name)(ints, 0) if name == "softmax" else getattr(mg, name)(ints)
    assert out.dtype == np.float32


def test_integers_stay_integers() -> None:
    ints = mg.tensor([5, -7, 3])
    for out in (ints.abs(), ints**2, ints // 2, ints % 3, ints.sum(), ints.cumsum(0), ints.max()):
        assert out.dtype == np.int64
    exact = mg.tensor([2**60 + 1])
    assert mg.div(exact, 1, rounding_mode="trunc").tolist() == [2**60 + 1]
    assert mg.div(mg.tensor([-7, 7]), 2, rounding_mode="trunc").tolist() == [-3, 3]


@pytest.mark.parametrize(
    "name",
    ["exp", "sqrt", "abs", "neg", "relu", "sigmoid", "tanh", "log1p", "floor", "reciprocal"],
)
def test_in_place_methods_change_the_memory_and_return_the_tensor(name: str) -> None:
    t = mg.tensor([0.25, 1.0, 2.25])
    memory = t.numpy()
    expected = getattr(mg, name)(t).numpy()
    assert getattr(t, f"{name}_")() is t
    np.testing.assert_array_equal(memory, expected)


def test_in_place_methods_with_arguments() -> None:
    t = mg.tensor([1.0, -2.0, 3.0])
    t.add_(1).mul_(2).clamp_(min=0).pow_(2).sub_(mg.ones(3)).div_(4)
    assert t.tolist() == [3.75, -0.25, 15.75]
    leaf = mg.tensor([1.0], requires_grad=True)
    with pytest.raises(RuntimeError):
        leaf.exp_()
    with mg.no_grad():
        leaf.exp_()
    assert leaf.item() == pytest.approx(np.e)
    y = leaf * 2
    y.exp_()
    y.sum().backward()
    assert leaf.grad.item() == pytest.approx(2 * np.exp(2 * np.e), rel=1e-6)


@pytest.mark.parametrize("scale", [1.0, 1e8, 1e30])
def test_gradients_of_logsumexp_add_up_to_one_at_any_scale(scale: float) -> None:
    """The sum itself rounds to `scale`: exp(x - out) would be 1 for each of equal entries."""
    x = mg.tensor(np.full((2, 4), scale, np.float32), requires_grad=True)
    (g,) = mg.autograd.grad(mg.logsumexp(x, 1).sum(), x)
    np.testing.assert_allclose(g.numpy(), 0.25, rtol=1e-6)


@pytest.mark.parametrize("size", [2, 3000])  # few entries and many are chosen in two ways
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.clamp(0), lambda x: x.clamp(0, 9), lambda x: -(-x).clamp(None, 0),
        lambda x: mg.maximum(x, mg.zeros_like(x)), lambda x: -mg.minimum(-x, mg.zeros_like(x)),
    ],
)  # fmt: skip
def test_an_infinite_gradient_stops_where_a_bound_was_chosen(f: Any, dtype: str, size: int) -> None:
    x = mg.tensor(np.resize([-1.0, 4.0], size).astype(dtype), requires_grad=True)
    with np.errstate(divide="ignore"):
        f(x).sqrt().sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.resize([0, 0.25], size).astype(dtype))
