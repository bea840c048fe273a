"""Indexing and assignment: what NumPy does, for every kind of index, with gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)


@st.composite
def indexed(draw: Any) -> tuple[np.ndarray, Any]:
    """An array and an index that NumPy accepts: slices, integers, arrays, masks, None and ... ."""
    shape = draw(SHAPES)
    array = np.arange(float(np.prod(shape))).reshape(shape) - 3
    kind = draw(st.sampled_from(["basic", "integers", "mixed", "mask", "mask of an axis"]))
    if kind == "basic":
        index = draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    elif kind == "mask":
        index = draw(hnp.arrays(bool, shape))
    elif kind == "mask of an axis":
        axis = draw(st.integers(0, len(shape) - 1))
        index = (slice(None),) * axis + (draw(hnp.arrays(bool, shape[axis])),)
    elif 0 in shape:
        index = (slice(None), ...)
    elif kind == "integers":
        count = draw(st.integers(1, len(shape)))
        result = draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))
        index = tuple([
            draw(hnp.arrays(np.int64, result, elements=st.integers(-n, n - 1)))
            for n in shape[:count]
        ])  # fmt: skip
    else:
        index = tuple([draw(part_of_axis(n)) for n in shape])
    return array, index


def part_of_axis(n: int) -> st.SearchStrategy[Any]:
    """One entry of an index that mixes kinds; arrays of one size, so that they broadcast."""
    return st.one_of(
        st.integers(-n, n - 1),
        st.slices(n),
        st.none().map(lambda _: slice(None)),
        hnp.arrays(np.int64, 2, elements=st.integers(-n, n - 1)),
    )


def in_tensors(index: Any) -> Any:
    """The same index, with arrays as tensors."""
    if isinstance(index, tuple):
        return tuple([in_tensors(i) for i in index])
    return mg.tensor(index) if isinstance(index, np.ndarray) else index


def taken(array: np.ndarray, index: Any) -> np.ndarray:
    """``array[index]`` with integers taken before arrays: PyTorch's order of axes."""
    if not (isinstance(index, tuple) and any(isinstance(i, np.ndarray) for i in index)):
        return array[index]
    first = tuple([i if isinstance(i, int) else slice(None) for i in index])
    return np.asarray(array[first])[tuple([i for i in index if not isinstance(i, int)])]


def transposed(array: np.ndarray, index: Any, cotangent: np.ndarray) -> np.ndarray:
    """The gradient of ``array[index]``: each cotangent at the place its entry came from."""
    places = taken(np.arange(array.size).reshape(array.shape), index)
    return np.bincount(np.ravel(places), np.ravel(cotangent), array.size).reshape(array.shape)


@given(indexed())
@settings(max_examples=300, deadline=None)
def test_getitem(case: tuple[np.ndarray, Any]) -> None:
    array, index = case
    expected = taken(array, index)
    cotangent = np.random.default_rng(0).standard_normal(np.shape(expected))
    for each in (index, in_tensors(index)):
        x = mg.tensor(array, requires_grad=True)
        out = x[each]
        np.testing.assert_array_equal(out.detach().numpy(), expected)
        (out * cotangent).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), transposed(array, index, cotangent), atol=1e-12)


@given(indexed(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_setitem(case: tuple[np.ndarray, Any], broadcast: bool) -> None:
    array, index = case
    rng = np.random.default_rng(0)
    places = taken(np.arange(array.size).reshape(array.shape), index)
    shape = np.shape(places)
    values = rng.standard_normal(shape[-1:] if broadcast and shape else shape)
    expected = array.copy()
    expected.reshape(-1)[places] = values
    cotangent = rng.standard_normal(array.shape)

    constant = mg.tensor(array)
    constant[in_tensors(index)] = mg.tensor(values)
    np.testing.assert_array_equal(constant.numpy(), expected)

    x, v = mg.tensor(array, requires_grad=True), mg.tensor(values, requires_grad=True)
    y = x * 1
    y[in_tensors(index)] = v
    np.testing.assert_array_equal(y.detach().numpy(), expected)
    (y * cotangent).sum().backward()
    # which of the values, counted in row-major order of the result, each entry now holds
    holds = np.full(array.shape, -1)
    holds.reshape(-1)[places] = np.arange(int(np.prod(shape))).reshape(shape)
    np.testing.assert_array_equal(x.grad.numpy(), np.where(holds < 0, cotangent, 0))
    each = np.zeros(int(np.prod(shape)))
    each[holds[holds >= 0]] = cotangent[holds >= 0]
    each = each.reshape(shape)
    if values.shape != shape:
        each = each.sum(tuple(range(len(shape) - 1)))
    np.testing.assert_allclose(v.grad.numpy(), each, atol=1e-12)


@given(indexed())
@settings(max_examples=100, deadline=None)
def test_a_view_where_numpy_gives_one(case: tuple[np.ndarray, Any]) -> None:
    array, index = case
    tensor = mg.from_numpy(array)
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [np.ndim(part) for part in parts if isinstance(part, np.ndarray)]
    if not arrays:  # NumPy gives a number for a single entry, minigrad a view
        there = np.asarray(array[(*parts, ...) if ... not in parts else parts])
        assert np.shares_memory(tensor[index].numpy(), array) == np.shares_memory(there, array)
    elif max(arrays):
        assert not np.shares_memory(tensor[index].numpy(), array)


def test_gradient_of_the_gradient() -> None:
    x = mg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    index = mg.tensor([0, 0, 1])
    y = (x[index, index] ** 3).sum()
    (g,) = mg.autograd.grad(y, [x], create_graph=True)
    (h,) = mg.autograd.grad((g * g).sum(), [x])
    count = np.array([[2.0, 0, 0], [0, 1, 0]])
    a = np.arange(6.0).reshape(2, 3)
    # g = count 3 x², so d(g²)/dx = 2 g count 6 x
    np.testing.assert_allclose(h.numpy(), 2 * (count * 3 * a**2) * count * 6 * a)


@pytest.mark.parametrize(
    ("index", "axis", "size"),
    [(2, 0, 2), ((0, 3), 1, 3), ((0, -4), 1, 3), (([0, 1], [0, 5]), 1, 3), ([2, 0], 0, 2)],
)
def test_out_of_range_names_axis_and_size(index: Any, axis: int, size: int) -> None:
    x = mg.zeros(2, 3, requires_grad=True)
    with pytest.raises(IndexError, match=f"axis {axis} with size {size}"):
        x[index]
    y = x * 1
    with pytest.raises(IndexError, match=f"axis {axis} with size {size}"):
        y[index] = 1.0
    assert (y == 0).all()


@pytest.mark.parametrize("index", [0.5, "a", mg.tensor([0.5]), (0, 0, 0), np.zeros((2, 2), bool)])
def test_what_is_no_index(index: Any) -> None:
    x = mg.zeros(2, 3)
    with pytest.raises(IndexError):
        x[index]
    with pytest.raises(IndexError):
        x[index] = 1.0


def test_0d() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    for index, shape in (((), ()), (..., ()), (None, (1,)), ((None, ...), (1,))):
        assert x[index].shape == shape
    with pytest.raises(IndexError):
        x[0]
    assert x[mg.tensor(True)].shape == (1,)
    assert x[mg.tensor(False)].shape == (0,)


def test_a_list_is_an_array_and_a_tuple_is_not() -> None:
    x = mg.arange(12).reshape(3, 4)
    assert x[[0, 1]].shape == (2, 4)
    assert x[0, 1].shape == ()
    assert x[[mg.tensor(0), mg.tensor(2)]].tolist() == x[[0, 2]].tolist()
    assert x[[]].shape == (0, 4)
    assert x[[True, False, True]].shape == (2, 4)


def test_a_0d_integer_tensor_is_an_integer() -> None:
    x = mg.zeros(3, 2)
    row = x[mg.tensor(1)]
    row += 1
    assert x[1].tolist() == [1, 1]


# ------------------------------------------------------------------------------- refusals by name


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: mg.gather(x, 1, mg.tensor([[3]])), IndexError, "size 3"),
        (lambda x: mg.gather(x, 1, mg.tensor([0])), ValueError, "as many axes"),
        (lambda x: mg.gather(x, 1, mg.tensor([[0]] * 3)), ValueError, "larger"),
        (lambda x: mg.gather(x, 1, mg.tensor([[0.5]])), IndexError, "integers"),
        (lambda x: mg.gather(x, 2, mg.tensor([[0]])), IndexError, "axis 2"),
        (lambda x: mg.index_select(x, 0, mg.tensor([[0]])), ValueError, "vector"),
        (lambda x: mg.index_select(x, 0, mg.tensor([2])), IndexError, "size 2"),
        (lambda x: mg.index_add(x, 0, mg.tensor([0]), mg.zeros(2, 3)), ValueError, "needed"),
        (lambda x: mg.scatter(x, 0, mg.tensor([[0, 1]]), mg.zeros(1, 1)), ValueError, "smaller"),
        (lambda x: mg.scatter(x, 0, mg.tensor([[0, 1]]), 1.0, reduce="max"), ValueError, "reduce"),
        (lambda x: mg.masked_scatter(x, x == 0, mg.zeros(2)), ValueError, "only 2"),
        (lambda x: mg.masked_scatter(x, mg.ones(2, 3), mg.zeros(6)), TypeError, "boolean"),
        (lambda x: mg.narrow(x, 1, 2, 2), IndexError, "size 3"),
        (lambda x: mg.select(x, 1, 3), IndexError, "size 3"),
        (lambda x: mg.take(x, mg.tensor([6])), IndexError, "size 6"),
        (lambda x: mg.diagonal(x, 0, 1, 1), ValueError, "twice"),
        (lambda x: mg.diag(mg.zeros(2, 2, 2)), ValueError, "diag_embed"),
        (lambda x: mg.trace(mg.zeros(2)), ValueError, "matrix"),
        (lambda x: mg.tril(mg.zeros(2)), ValueError, "matrices"),
        (lambda x: x.unfold(1, 4, 1), ValueError, "do not fit"),
        (lambda x: x.unfold(1, 2, 0), ValueError, "positive"),
        (lambda x: mg.nn.functional.one_hot(mg.tensor([3]), 3), ValueError, "0 to 2"),
        (lambda x: mg.nn.functional.one_hot(mg.tensor([-1]), 3), ValueError, "0 to 2"),
        (lambda x: mg.nn.functional.one_hot(x), TypeError, "integers"),
    ],
)  # fmt: skip
def test_refusals(call: Any, kind: type[Exception], message: str) -> None:
    x = mg.zeros(2, 3)
    with pytest.raises(kind, match=message):
        call(x)
    assert (x == 0).all()


def test_large_tensors_add_up_as_small_ones_do() -> None:
    """Beyond a thousand entries another way of adding is taken."""
    rng = np.random.default_rng(0)
    table, rows = rng.standard_normal((50, 40)), rng.integers(0, 50, (7, 9))
    x = mg.tensor(table, requires_grad=True)
    cotangent = rng.standard_normal((7, 9, 40))
    (x[mg.tensor(rows)] * cotangent).sum().backward()
    expected = np.stack([cotangent[rows == i].sum(0) for i in range(50)])
    np.testing.assert_allclose(x.grad.numpy(), expected, 1e-10, 1e-12)
    added = mg.index_put(x.detach().T.contiguous().T, (mg.tensor(rows),), 1.0, accumulate=True)
    counts = np.bincount(rows.ravel(), minlength=50)
    np.testing.assert_allclose(added.numpy(), table + counts[:, None], 1e-12)
