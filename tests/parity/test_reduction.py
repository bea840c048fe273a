"""Reductions, scans and sorting give PyTorch's values, types and gradients.

Where PyTorch is not followed, and why:

* The mean of integers is refused there; here it is a float, as in NumPy.
* The index of equal largest entries is any of them there; here it is the first.  The numbers here
  are distinct where an index is asked for.
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
numbers = st.integers(-3000, 3000).map(lambda n: n / 1000 + 0.00037)


@st.composite
def array(draw: Any, min_dims: int = 1, min_side: int = 1, unique: bool = False) -> np.ndarray:
    shape = draw(hnp.array_shapes(min_dims=min_dims, max_dims=3, min_side=min_side, max_side=3))
    return draw(hnp.arrays(np.float64, shape, elements=numbers, unique=unique))


@st.composite
def with_dim(draw: Any, several: bool = False, **more: Any) -> tuple[np.ndarray, Any, bool]:
    """An array, one or several of its axes, and keepdim."""
    x = draw(array(**more))
    one = st.integers(-x.ndim, x.ndim - 1)
    dim = draw(st.one_of(one, hnp.valid_tuple_axes(x.ndim, min_size=1)) if several else one)
    return x, dim, draw(st.booleans())


@pytest.mark.parametrize(
    "name", ["sum", "mean", "amax", "amin", "logsumexp", "var", "std", "nansum", "nanmean"]
)
@few
@given(with_dim(several=True, unique=True))
def test_reductions_over_several_axes(name: str, case: Any) -> None:
    x, dim, keepdim = case
    if name in ("var", "std") and np.prod([x.shape[i] for i in np.atleast_1d(dim)]) == 1:
        return  # the variance of one number: NaN with a warning, in both
    agree(lambda m, x: getattr(m, name)(x, dim, keepdim=keepdim), [x])


@pytest.mark.parametrize("name", ["prod", "all", "any", "argmax", "argmin", "max", "min", "median"])
@few
@given(with_dim(unique=True))
def test_reductions_over_one_axis(name: str, case: Any) -> None:
    x, dim, keepdim = case
    agree(lambda m, x: getattr(m, name)(x, dim, keepdim=keepdim), [x])
    agree(lambda m, x: getattr(m, name)(x, axis=dim, keepdims=keepdim), [x])


@pytest.mark.parametrize(
    "name",
    ["sum", "mean", "prod", "max", "min", "amax", "amin", "median", "argmax", "all", "any",
     "nansum", "nanmean", "count_nonzero"],
)  # fmt: skip
@few
@given(array(min_dims=0, unique=True))
def test_reductions_of_everything(name: str, x: np.ndarray) -> None:
    agree(lambda m, x: getattr(m, name)(x), [x])


@few
@given(with_dim(several=True, unique=True), st.sampled_from([0, 0.5, 1]))
def test_spread_with_correction(case: Any, correction: float) -> None:
    x, dim, keepdim = case
    if np.prod([x.shape[i] for i in np.atleast_1d(dim)]) <= 1:
        return
    for name in ("var", "std", "var_mean", "std_mean"):
        agree(
            lambda m, x, name=name: getattr(m, name)(
                x, dim=dim, correction=correction, keepdim=keepdim
            ),
            [x],
        )
    agree(lambda m, x: m.var(x, dim, False), [x])


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "logcumsumexp", "softmax", "log_softmax"])
@few
@given(with_dim())
def test_scans(name: str, case: Any) -> None:
    x, dim, _ = case
    agree(lambda m, x: getattr(m, name)(x, dim), [x])


@few
@given(with_dim())
def test_softmin(case: Any) -> None:
    x, dim, _ = case
    agree(lambda m, x: m.softmin(x, dim), [x], lambda m, x: m.nn.functional.softmin(x, dim))


@few
@given(with_dim(), st.data())
def test_products_with_zeros(case: Any, data: Any) -> None:
    x, dim, keepdim = case
    x = x * data.draw(hnp.arrays(bool, x.shape))
    agree(lambda m, x: m.prod(x, dim, keepdim=keepdim), [x])
    agree(lambda m, x: m.prod(x), [x])
    agree(lambda m, x: m.cumprod(x, dim), [x])


@few
@given(with_dim(unique=True), st.booleans(), st.data())
def test_order(case: Any, descending: bool, data: Any) -> None:
    x, dim, _ = case
    k = data.draw(st.integers(0, x.shape[dim]))
    agree(lambda m, x: tuple(m.sort(x, dim, descending)), [x])
    agree(lambda m, x: m.argsort(x, dim, descending), [x])
    agree(lambda m, x: tuple(m.topk(x, k, dim, descending)), [x])


@few
@given(hnp.arrays(np.int64, (7,), elements=st.integers(0, 3)), st.booleans())
def test_a_stable_sort_keeps_the_order_of_equal_entries(x: np.ndarray, descending: bool) -> None:
    agree(lambda m, x: tuple(m.sort(x, dim=0, descending=descending, stable=True)), [x])
    agree(lambda m, x: m.bincount(x, minlength=2), [x])
    agree(lambda m, x: m.unique(x, return_inverse=True, return_counts=True), [x])
    agree(lambda m, x: m.unique(x), [x])


@pytest.mark.parametrize("how", ["linear", "lower", "higher", "nearest", "midpoint"])
@few
@given(with_dim(unique=True), st.lists(st.floats(0, 1), min_size=1, max_size=3))
def test_quantile(how: str, case: Any, q: list[float]) -> None:
    x, dim, keepdim = case
    wanted = torch.tensor(q, dtype=torch.float64)
    agree(
        lambda m, x: m.quantile(x, q, dim, keepdim, interpolation=how),
        [x],
        lambda m, x: m.quantile(x, wanted, dim, keepdim, interpolation=how),
    )
    agree(lambda m, x: m.quantile(x, q[0], interpolation=how), [x])


@few
@given(with_dim(), st.integers(1, 2))
def test_differences_and_integrals(case: Any, n: int) -> None:
    x, dim, _ = case
    agree(lambda m, x: m.diff(x, n, dim), [x])
    agree(lambda m, x: m.trapezoid(x, dx=0.3, dim=dim), [x])
    places = np.cumsum(np.linspace(0.5, 1, x.shape[dim]))
    agree(lambda m, y, x: m.trapezoid(y, x, dim=dim), [x, places])


@few
@given(array(), st.sampled_from([1.0, 2.0, 3.0]))
def test_dist(x: np.ndarray, p: float) -> None:
    agree(lambda m, x, y: m.dist(x, y, p), [x, x[::-1] * 0.5 + 3.7])


@few
@given(hnp.arrays(np.int64, (2, 3), elements=st.integers(-5, 5)))
def test_integers(x: np.ndarray) -> None:
    for name in ("sum", "prod", "amax", "amin", "any", "all", "count_nonzero"):
        agree(lambda m, x, name=name: getattr(m, name)(x), [x])
    agree(lambda m, x: m.cumsum(x, 1), [x])
    agree(lambda m, x: m.cumprod(x, 1), [x])
    agree(lambda m, x: m.diff(x), [x])


def test_nan_is_treated_as_in_pytorch() -> None:
    x = np.array([[1.0, np.nan, 3.0], [0.5, 2.0, -1.0]])
    for name in ("sum", "max", "min", "amax", "median", "nansum", "nanmean", "logsumexp"):
        for dim in (0, 1):
            here = getattr(mg, name)(mg.tensor(x), dim)
            there = getattr(torch, name)(torch.tensor(x), dim)
            here, there = (r[0] if isinstance(r, tuple) else r for r in (here, there))
            np.testing.assert_allclose(here.numpy(), there.numpy(), 1e-14, err_msg=name)
    for descending in (False, True):
        here = mg.sort(mg.tensor(x), 1, descending).values.numpy()
        there = torch.sort(torch.tensor(x), 1, descending).values.numpy()
        np.testing.assert_array_equal(here, there)
