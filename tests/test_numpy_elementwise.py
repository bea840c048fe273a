"""NumPy's door, for NumPy functions that are no op of their own: the same function, on a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests import numerical

X = np.random.default_rng(5).permutation(24).reshape(2, 3, 4) * 0.25 - 2.6
Y = np.random.default_rng(6).uniform(0.5, 2.0, (3, 4))
W = np.array([0.2, 0.3, 0.5])

DIFFERENTIABLE: dict[str, Callable[..., Any]] = {
    "fabs": np.fabs,
    "real": np.real,
    "conjugate": np.conjugate,
    "modf": lambda x: np.modf(x)[0],
    "divmod": lambda x: np.divmod(x, 0.77)[1],
    "clip": lambda x: np.clip(x, -1.0, 1.5),
    "clip above": lambda x: np.clip(x, None, 1.5),
    "nan_to_num": lambda x: np.nan_to_num(x, nan=2.0),
    "where": lambda x: np.where(X > 0, x, 2 * x),
    "select": lambda x: np.select([X > 1, X > 0], [x, 3 * x], 0.5),
    "float_power": lambda x: np.float_power(x * x, 1.5),
    "add.reduce": np.add.reduce,
    "add.reduce axis": lambda x: np.add.reduce(x, axis=(0, 2), keepdims=True),
    "add.reduce dtype": lambda x: np.add.reduce(x, 1, np.float64),
    "multiply.reduce": lambda x: np.multiply.reduce(x, axis=-1),
    "maximum.reduce": lambda x: np.maximum.reduce(x, axis=1),
    "minimum.reduce": np.minimum.reduce,
    "logaddexp.reduce": np.logaddexp.reduce,
    "add.accumulate": np.add.accumulate,
    "multiply.accumulate": lambda x: np.multiply.accumulate(x, axis=2),
    "logaddexp.accumulate": lambda x: np.logaddexp.accumulate(x, axis=1),
    "add.outer": lambda x: np.add.outer(x[0, 0], x[0]),
    "multiply.outer": lambda x: np.multiply.outer(x[0, 0], Y),
    "arctan2.outer": lambda x: np.arctan2.outer(Y, x[0, 0]),
    "sum": lambda x: np.sum(x, axis=(0, -1), keepdims=True),
    "sum over nothing": lambda x: np.sum(x, axis=()),
    "sum dtype": lambda x: np.sum(x, 1, np.float64),
    "prod": lambda x: np.prod(x, axis=(0, 1)),
    "mean": lambda x: np.mean(x, (0, 2)),
    "max": lambda x: np.max(x, axis=(0, 2)),
    "amax": lambda x: np.amax(x, 1, keepdims=True),
    "nanmax": lambda x: np.nanmax(x, axis=1),
    "nanmin": lambda x: np.nanmin(x),
    "nansum": lambda x: np.nansum(x, axis=1),
    "var": np.var,
    "var ddof": lambda x: np.var(x, axis=(0, 1), ddof=1, keepdims=True),
    "std": lambda x: np.std(x, 2),
    "std correction": lambda x: np.std(x, axis=0, correction=0.5),
    "ptp": lambda x: np.ptp(x, axis=1),
    "average": np.average,
    "average weights": lambda x: np.average(x, axis=1, weights=W),
    "average of all": lambda x: np.average(x[0], weights=Y, keepdims=True),
    "average returned": lambda x: np.average(x, axis=(1, 2), weights=Y, returned=True)[0],
    "median": np.median,
    "median axes": lambda x: np.median(x, axis=(0, 2), keepdims=True),
    "quantile": lambda x: np.quantile(x, [0.1, 0.6], axis=(0, 2)),
    "quantile lower": lambda x: np.quantile(x, 0.4, method="lower"),
    "percentile": lambda x: np.percentile(x, 30, axis=1),
    "percentiles": lambda x: np.percentile(x, [[30, 60]], axis=-1, keepdims=True),
    "cumsum": np.cumsum,
    "cumsum axis": lambda x: np.cumsum(x, -1),
    "cumprod": lambda x: np.cumprod(x[0, 0]),
    "diff": lambda x: np.diff(x, n=2),
    "diff joined": lambda x: np.diff(x, axis=1, prepend=0.0, append=x[:, :1]),
    "trapezoid": lambda x: np.trapezoid(x, dx=0.5),
    "trapezoid places": lambda x: np.trapezoid(x, [0.0, 0.5, 2.0], axis=1),
    "gradient": lambda x: np.gradient(x, axis=2),
    "gradient places": lambda x: np.gradient(x, [0.0, 0.5, 2.0], axis=1, edge_order=2),
    "gradient of all": lambda x: np.stack(np.gradient(x, 0.5, 1.0, 2.0)),
    "sort": np.sort,
    "sort all": lambda x: np.sort(x, axis=None),
    "partition": lambda x: np.sort(np.partition(x, 1, axis=1), axis=1),
    "sinc": np.sinc,
    "logaddexp2": lambda x: np.logaddexp2(x, 0.5),
    "deg2rad": np.deg2rad,
    "rad2deg": np.rad2deg,
}
if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
    DIFFERENTIABLE["clip by name"] = lambda x: np.clip(x, min=-1.0)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_function_of_numpy_on_a_tensor(name: str) -> None:
    """It gives NumPy's values, records, and its gradient is that of finite differences."""
    function = DIFFERENTIABLE[name]
    x = mg.tensor(X, requires_grad=True)
    out = function(x)
    expected = function(X)
    assert isinstance(out, mg.Tensor)
    assert out.shape == expected.shape
    np.testing.assert_allclose(out.detach().numpy(), expected, 1e-12, 1e-13)
    cotangent = np.random.default_rng(7).standard_normal(expected.shape)
    out.backward(cotangent)
    (numeric,) = numerical.gradient(lambda a: float(np.sum(function(a) * cotangent)), [X])
    error, entry = numerical.worst(x.grad.numpy(), numeric)
    assert error < 1e-6, entry


WITH_FLOAT64 = {  # an operand is float64, or the type is asked for: NumPy's promotion holds
    "trapezoid places", "multiply.outer", "arctan2.outer", "average weights", "average of all",
    "average returned", "float_power", "add.reduce dtype", "sum dtype",
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_types_are_numpys(name: str) -> None:
    x = mg.tensor(X.astype(np.float32), requires_grad=True)
    out = DIFFERENTIABLE[name](x)
    assert out.dtype == (np.float64 if name in WITH_FLOAT64 else np.float32)


PLAIN: dict[str, Callable[..., Any]] = {
    "imag": np.imag,
    "isreal": np.isreal,
    "iscomplex": np.iscomplex,
    "isrealobj": np.isrealobj,
    "iscomplexobj": np.iscomplexobj,
    "all": lambda x: np.all(x > 0, axis=1),
    "any": lambda x: np.any(x, axis=(0, 1)),
    "logical_and.reduce": np.logical_and.reduce,
    "logical_or.reduce": np.logical_or.reduce,
    "argmax": lambda x: np.argmax(x, 1),
    "argmin": np.argmin,
    "argsort": lambda x: np.argsort(x, axis=0),
    "argsort all": lambda x: np.argsort(x, axis=None),
    "sign": np.sign,
    "count_nonzero": lambda x: np.count_nonzero(x > 0, axis=(0, 2)),
    "allclose": lambda x: np.allclose(x, x),
    "array_equal": lambda x: np.array_equal(x, x + 1),
    "array_equiv": lambda x: np.array_equiv(x[0], x[0]),
    "result_type": lambda x: np.result_type(x, 1),
    "unique": lambda x: np.unique(x > 0),
    "unique counts": lambda x: np.unique(x, return_counts=True)[1],
    "searchsorted": lambda x: np.searchsorted(np.sort(x[0, 0]), 0.1),
    "isin": lambda x: np.isin(x, X[0]),
    "bincount": lambda x: np.bincount(np.ravel(x > 0)),
    "histogram": lambda x: np.histogram(x, 3)[0],
    "can_cast": lambda x: np.can_cast(x.dtype, np.float64),
    "less.outer": lambda x: np.less.outer(x, x[0]),
    "isclose": lambda x: np.isclose(x, X + 1e-12),
    "modf": lambda x: np.modf(x)[1],
    "argpartition": lambda x: np.sort(np.argpartition(x, 2, axis=1), axis=1),
}


@pytest.mark.parametrize("name", PLAIN)
def test_functions_without_gradient_give_plain_results(name: str) -> None:
    found, expected = PLAIN[name](mg.tensor(X)), PLAIN[name](X)
    if isinstance(found, mg.Tensor):
        found = found.numpy()
        assert found.dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.add(x, x, where=np.ones(3, bool)),
        lambda x: np.sum(x, where=np.ones(3, bool)),
        lambda x: np.unwrap(x),
        lambda x: np.hypot.accumulate(x),
        lambda x: np.average(x, weights=np.ones(2)),
        lambda x: np.gradient(x, 1.0, 2.0),
    ],
)
def test_what_has_no_counterpart_is_refused(call: Any) -> None:
    with pytest.raises(TypeError):
        call(mg.tensor([1.0, 2.0, 3.0], requires_grad=True))


def test_an_array_as_out_takes_no_tensor_with_a_graph() -> None:
    with pytest.raises(RuntimeError, match="would lose its graph"):
        np.add(mg.tensor([1.0, 2.0], requires_grad=True), 1.0, out=np.zeros(2))
