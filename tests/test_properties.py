"""Broadcasting and reductions, on shapes and axes that Hypothesis thinks of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import minigrad as mg

few = settings(max_examples=60, deadline=None)
numbers = st.floats(-3, 3).map(lambda x: round(x, 3) + 0.0)
positive = st.floats(0.5, 3)
shapes = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)


@st.composite
def array_of(draw: Any, shape: tuple[int, ...], elements: Any = numbers) -> np.ndarray:
    return draw(arrays.arrays(np.float64, shape, elements=elements))


@st.composite
def broadcasting(draw: Any, elements: Any = numbers) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays whose shapes broadcast."""
    pair = draw(
        arrays.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3)
    )
    return tuple(draw(array_of(shape, elements)) for shape in pair.input_shapes)  # type: ignore[return-value]


@st.composite
def array_and_axes(
    draw: Any, elements: Any = numbers, min_side: int = 1
) -> tuple[np.ndarray, Any, bool]:
    """An array, axes to reduce as NumPy takes them (signs mixed), and keepdims."""
    shape = draw(arrays.array_shapes(min_dims=1, max_dims=4, min_side=min_side, max_side=3))
    axes = draw(st.one_of(
        st.none(),
        st.integers(-len(shape), len(shape) - 1),
        arrays.valid_tuple_axes(len(shape), min_size=1),
    ))  # fmt: skip
    return draw(array_of(shape, elements)), axes, draw(st.booleans())


def unbroadcast(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The sum over the axes that broadcasting added or stretched, entry by entry."""
    total = np.zeros(shape)
    positions = np.broadcast_to(np.arange(total.size).reshape(shape), g.shape)
    np.add.at(total.reshape(-1), positions.ravel(), g.ravel())
    return total


BINARY: dict[str, Any] = {
    "add": (np.add, lambda x, y: (1.0, 1.0)),
    "sub": (np.subtract, lambda x, y: (1.0, -1.0)),
    "mul": (np.multiply, lambda x, y: (y, x)),
    "true_divide": (np.divide, lambda x, y: (1 / y, -x / y**2)),
    "pow": (np.power, lambda x, y: (y * x ** (y - 1), x**y * np.log(x))),
    "hypot": (np.hypot, lambda x, y: (x / np.hypot(x, y), y / np.hypot(x, y))),
    "logaddexp": (np.logaddexp, lambda x, y: (1 / (1 + np.exp(y - x)), 1 / (1 + np.exp(x - y)))),
}


@pytest.mark.parametrize("name", BINARY)
@few
@given(broadcasting(positive), st.data())
def test_broadcasting_is_undone(name: str, pair: Any, data: Any) -> None:
    """The gradient has the operand's shape: slopes of all results that used an entry, summed."""
    function, slopes = BINARY[name]
    x, y = (mg.tensor(a, requires_grad=True) for a in pair)
    out = getattr(mg, name)(x, y)
    expected = function(*pair)
    assert out.shape == expected.shape
    np.testing.assert_allclose(out.detach().numpy(), expected, 1e-13)
    g = data.draw(array_of(out.shape))
    out.backward(g)
    for leaf, array, slope in zip((x, y), pair, slopes(*pair), strict=True):
        assert leaf.grad.shape == array.shape
        np.testing.assert_allclose(
            leaf.grad.numpy(), unbroadcast(g * slope, array.shape), 1e-11, 1e-12
        )


@few
@given(broadcasting(), st.data())
def test_where_sends_each_gradient_one_way(pair: tuple[np.ndarray, np.ndarray], data: Any) -> None:
    x, y = (mg.tensor(a, requires_grad=True) for a in pair)
    shape = np.broadcast_shapes(*(a.shape for a in pair))
    mask = data.draw(arrays.arrays(bool, shape))
    g = data.draw(array_of(shape))
    mg.where(mg.tensor(mask), x, y).backward(g)
    np.testing.assert_allclose(x.grad.numpy(), unbroadcast(g * mask, pair[0].shape), 1e-12, 1e-12)
    np.testing.assert_allclose(y.grad.numpy(), unbroadcast(g * ~mask, pair[1].shape), 1e-12, 1e-12)


@few
@given(shapes, shapes)
def test_shapes_that_do_not_broadcast_are_refused(first: Any, second: Any) -> None:
    x, y = mg.tensor(np.ones(first), requires_grad=True), mg.tensor(np.ones(second))
    try:
        shape = np.broadcast_shapes(first, second)
    except ValueError:
        with pytest.raises(ValueError, match="add"):
            mg.add(x, y)
    else:
        assert mg.add(x, y).shape == shape


# A reduction: NumPy's function, and its slope for each entry (the result restored to x's shape)
REDUCTIONS: dict[str, Any] = {
    "sum": (np.sum, lambda x, out, n: np.ones_like(x)),
    "mean": (np.mean, lambda x, out, n: np.ones_like(x) / n),
    "prod": (np.prod, lambda x, out, n: out / x),
    "amax": (np.max, None),
    "amin": (np.min, None),
    "var": (np.var, None),
    "std": (np.std, None),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@few
@given(array_and_axes(positive), st.data())
def test_reductions(name: str, case: tuple[np.ndarray, Any, bool], data: Any) -> None:
    """Both doors agree with NumPy on arrays; every entry gets the cotangent times its slope."""
    array, axes, keepdims = case
    function, slope = REDUCTIONS[name]
    x = mg.tensor(array, requires_grad=True)
    more = {"correction": 0} if name in ("var", "std") else {}
    out = getattr(mg, name)(x, dim=axes, keepdim=keepdims, **more)
    expected = function(array, axis=axes, keepdims=keepdims)
    assert out.shape == np.shape(expected)
    np.testing.assert_allclose(out.detach().numpy(), expected, 1e-12, 1e-14)
    np.testing.assert_allclose(
        function(x, axis=axes, keepdims=keepdims).detach().numpy(), expected, 1e-12, 1e-14
    )
    g = data.draw(array_of(out.shape))
    out.backward(g)
    axis = tuple(range(array.ndim)) if axes is None else axes
    restored = g if keepdims else np.expand_dims(g, axis)
    if slope is not None:
        whole = function(array, axis=axes, keepdims=True)
        n = array.size // max(whole.size, 1)
        np.testing.assert_allclose(x.grad.numpy(), restored * slope(array, whole, n), 1e-11, 1e-12)
    # what every homogeneous function of degree d satisfies (Euler): Σ x f'(x) = d f(x)
    degree = {"prod": array.size // max(np.size(expected), 1), "var": 2}.get(name, 1)
    paired = np.sum(array * x.grad.numpy(), axis=axes, keepdims=True)
    whole = function(array, axis=axes, keepdims=True)
    np.testing.assert_allclose(paired, degree * whole * restored, 1e-9, 1e-10)


@pytest.mark.parametrize(
    "name", ["cumsum", "cumprod", "logcumsumexp", "softmax", "log_softmax", "sort"]
)
@few
@given(array_and_axes(positive), st.data())
def test_scans_act_on_each_line(name: str, case: tuple[np.ndarray, Any, bool], data: Any) -> None:
    """Along an axis of an array means: on each 1-D line along it, for values and gradients."""
    array, _, _ = case
    axis = data.draw(st.integers(-array.ndim, array.ndim - 1))
    g = data.draw(array_of(array.shape))

    def run(values: np.ndarray, cotangent: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
        x = mg.tensor(values, requires_grad=True)
        out = getattr(mg, name)(x, dim)
        out = out.values if name == "sort" else out
        out.backward(cotangent)
        return out.detach().numpy(), x.grad.numpy()

    out, gradient = run(array, g, axis)
    lines = np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis])
    lines_g = np.moveaxis(g, axis, -1).reshape(-1, array.shape[axis])
    for found, position in ((out, 0), (gradient, 1)):
        expected = [run(line, c, 0)[position] for line, c in zip(lines, lines_g, strict=True)]
        rows = np.moveaxis(found, axis, -1).reshape(lines.shape)
        np.testing.assert_allclose(rows, np.array(expected), 1e-11, 1e-12)


@few
@given(array_and_axes(), st.data())
def test_softmax_is_a_distribution_and_its_gradient_sums_to_0(case: Any, data: Any) -> None:
    array, _, _ = case
    axis = data.draw(st.integers(-array.ndim, array.ndim - 1))
    x = mg.tensor(array, requires_grad=True)
    out = mg.softmax(x, axis)
    out.backward(data.draw(array_of(array.shape)))
    assert (out.detach().numpy() > 0).all()
    np.testing.assert_allclose(out.detach().numpy().sum(axis), 1, 1e-12)
    np.testing.assert_allclose(x.grad.numpy().sum(axis), 0, atol=1e-12)


@few
@given(array_and_axes(), st.data())
def test_cumsum_and_diff_undo_each_other(case: Any, data: Any) -> None:
    array, _, _ = case
    axis = data.draw(st.integers(-array.ndim, array.ndim - 1))
    x = mg.tensor(array, requires_grad=True)
    layer = np.zeros_like(np.take(array, [0], axis))
    out = mg.diff(mg.cumsum(x, axis), dim=axis, prepend=mg.tensor(layer))
    g = data.draw(array_of(array.shape))
    out.backward(g)
    np.testing.assert_allclose(out.detach().numpy(), array, atol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), g, atol=1e-12)


@few
@given(
    array_and_axes(), st.floats(0, 1), st.sampled_from(["linear", "lower", "higher", "midpoint"])
)
def test_quantiles_are_numpys(case: Any, q: float, method: str) -> None:
    array, axes, keepdims = case
    found = np.quantile(mg.tensor(array), q, axis=axes, keepdims=keepdims, method=method)
    expected = np.quantile(array, q, axis=axes, keepdims=keepdims, method=method)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found.numpy(), expected, 1e-12, 1e-13)


@few
@given(st.data(), st.integers(1, 2))
def test_gradient_is_numpys(data: Any, edge_order: int) -> None:
    array = data.draw(array_of(data.draw(arrays.array_shapes(min_dims=1, max_dims=3, min_side=3))))
    spacing = data.draw(st.floats(0.5, 2))
    found = np.gradient(mg.tensor(array), spacing, edge_order=edge_order)
    expected = np.gradient(array, spacing, edge_order=edge_order)
    for here, there in zip(
        found if array.ndim > 1 else [found],
        expected if array.ndim > 1 else [expected],
        strict=True,
    ):
        np.testing.assert_allclose(here.numpy(), there, 1e-11, 1e-11)
