"""Taking and putting entries: values and gradients are PyTorch's, for arguments from Hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

torch = pytest.importorskip("torch")

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)
MATRICES = hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=4)


def compare(shapes: list[tuple[int, ...]], function: Callable[..., Any]) -> None:
    """`function`, of a library and its tensors, gives the same values and gradients in both."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    found = []
    for library in (mg, torch):
        tensors = [library.tensor(array, requires_grad=True) for array in arrays]
        out = function(library, *tensors)
        weights = np.random.default_rng(1).standard_normal(tuple(out.shape))
        total = (out * library.tensor(weights)).sum() + sum(0 * x.sum() for x in tensors)
        total.backward()
        found.append([out.detach().numpy(), *[x.grad.numpy() for x in tensors]])
    for ours, theirs in zip(*found):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, 1e-10, 1e-10)


def axis_and_index(
    draw: Any, shape: tuple[int, ...], unique: bool = False
) -> tuple[int, list[int]]:
    """An axis, counted from either end, and positions along it."""
    d = draw(st.integers(-len(shape), len(shape) - 1))
    n = shape[d]
    return d, draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n, unique=unique))


def full_index(draw: Any, shape: tuple[int, ...], unique: bool = False) -> tuple[int, np.ndarray]:
    """An axis, and an index as `gather` takes it, not larger than x along the other axes."""
    d = draw(st.integers(-len(shape), len(shape) - 1))
    axis, n = d % len(shape), shape[d]
    sizes = [draw(st.integers(1, size)) for size in shape]
    if unique:
        order = np.argsort(
            draw(hnp.arrays(float, shape, elements=st.floats(0, 1), unique=True)), axis
        )
        return d, order[tuple(map(slice, sizes))]
    sizes[axis] = draw(st.integers(1, n + 2))
    return d, draw(hnp.arrays(np.int64, sizes, elements=st.integers(0, n - 1)))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_index_select(data: Any) -> None:
    shape = data.draw(SHAPES)
    d, index = axis_and_index(data.draw, shape)
    compare([shape], lambda m, x: m.index_select(x, d, m.tensor(index)))


@pytest.mark.parametrize("name", ["index_add", "index_copy", "index_fill"])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_index_put_along_an_axis(name: str, data: Any) -> None:
    shape = data.draw(SHAPES)
    d, index = axis_and_index(data.draw, shape, unique=name == "index_copy")
    if name == "index_fill":
        compare([shape, ()], lambda m, x, v: m.index_fill(x, d, m.tensor(index), v))
        return
    source = list(shape)
    source[d] = len(index)
    alpha = {"alpha": 2.5} if name == "index_add" else {}
    compare([shape, tuple(source)],
            lambda m, x, v: getattr(m, name)(x, d, m.tensor(index), v, **alpha))  # fmt: skip


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_gather(data: Any) -> None:
    shape = data.draw(SHAPES)
    d, index = full_index(data.draw, shape)
    compare([shape], lambda m, x: m.gather(x, d, m.tensor(index)))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_scatter(data: Any) -> None:
    """Positions that occur twice are left out: PyTorch says of these that its gradient is wrong."""
    shape = data.draw(SHAPES)
    d, index = full_index(data.draw, shape, unique=True)
    compare([shape, index.shape], lambda m, x, v: m.scatter(x, d, m.tensor(index), v))
    compare([shape], lambda m, x: m.scatter(x, d, m.tensor(index), 2.5))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_scatter_add(data: Any) -> None:
    shape = data.draw(SHAPES)
    d, index = full_index(data.draw, shape)
    compare([shape, index.shape], lambda m, x, v: m.scatter_add(x, d, m.tensor(index), v))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_take_and_take_along_dim(data: Any) -> None:
    shape = data.draw(SHAPES)
    n = int(np.prod(shape))
    flat = data.draw(hnp.arrays(np.int64, (2, 3), elements=st.integers(-n, n - 1)))
    compare([shape], lambda m, x: m.take(x, m.tensor(flat)))
    d = data.draw(st.integers(-len(shape), len(shape) - 1))
    sizes = [data.draw(st.sampled_from([1, size])) for size in shape]
    index = data.draw(hnp.arrays(np.int64, sizes, elements=st.integers(0, shape[d] - 1)))
    compare([shape], lambda m, x: m.take_along_dim(x, m.tensor(index), d))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_index_put(data: Any) -> None:
    shape = data.draw(MATRICES)
    unique = data.draw(st.booleans())
    pairs = st.tuples(st.integers(0, shape[0] - 1), st.integers(0, shape[1] - 1))
    places = data.draw(st.lists(pairs, min_size=1, max_size=4, unique=unique))
    rows, columns = zip(*places)
    compare([shape, (len(places), *shape[2:])],
            lambda m, x, v: m.index_put(x, (m.tensor(rows), m.tensor(columns)), v,
                                        accumulate=not unique))  # fmt: skip


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_masks(data: Any) -> None:
    shape = data.draw(SHAPES)
    mask = data.draw(hnp.arrays(bool, shape))
    compare([shape], lambda m, x: m.masked_select(x, m.tensor(mask)))
    compare([shape, ()], lambda m, x, v: m.masked_fill(x, m.tensor(mask), v))
    compare([shape, shape], lambda m, x, v: m.masked_scatter(x, m.tensor(mask), v))


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_select_narrow_unfold(data: Any) -> None:
    shape = data.draw(SHAPES)
    d, (start, *_) = axis_and_index(data.draw, shape)
    length = data.draw(st.integers(0, shape[d] - start))
    compare([shape], lambda m, x: m.select(x, d, start))
    compare([shape], lambda m, x: m.narrow(x, d, start, length))
    size, step = data.draw(st.integers(1, shape[d])), data.draw(st.integers(1, 3))
    compare([shape], lambda m, x: x.unfold(d, size, step))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_diagonals_and_triangles(data: Any) -> None:
    shape = data.draw(MATRICES)
    k = data.draw(st.integers(-3, 3))
    a, b = data.draw(st.permutations(range(len(shape))))[:2]
    a -= len(shape) if data.draw(st.booleans()) else 0
    compare([shape], lambda m, x: m.tril(x, k))
    compare([shape], lambda m, x: m.triu(x, k))
    compare([shape[:2]], lambda m, x: m.diag(x, k) if -shape[0] < k < shape[1] else x)
    compare([shape[:1]], lambda m, x: m.diag(x, k))
    compare([shape[:2]], lambda m, x: m.diagflat(x, k))
    compare([shape[:2]], lambda m, x: m.trace(x))
    if -shape[a] < k < shape[b]:
        compare([shape], lambda m, x: m.diagonal(x, k, a, b))
    compare([shape[1:]], lambda m, x: m.diag_embed(x, k, a, b))


@pytest.mark.parametrize("as_tuple", [False, True])
def test_nonzero_and_one_hot(as_tuple: bool) -> None:
    array = np.random.default_rng(0).integers(0, 2, (3, 4))
    ours, theirs = (m.nonzero(m.tensor(array), as_tuple=as_tuple) for m in (mg, torch))
    for a, b in zip(ours if as_tuple else [ours], theirs if as_tuple else [theirs]):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    for classes in (-1, 5):
        ours = mg.nn.functional.one_hot(mg.tensor(array), classes)
        theirs = torch.nn.functional.one_hot(torch.tensor(array), classes)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


INDICES: list[Callable[[Any], Any]] = [
    lambda m: 1, lambda m: -1, lambda m: (0, 1), lambda m: (slice(1, None), 0), lambda m: (..., 0),
    lambda m: (None, 0), lambda m: (slice(None), None, slice(None, None, 2)), lambda m: [0, 1, 1],
    lambda m: (m.tensor([0, 2]), m.tensor([1, 1])), lambda m: (slice(None), m.tensor([[0], [2]])),
    lambda m: (m.tensor([0, 1]), slice(None), m.tensor([1, 0])), lambda m: m.tensor(1),
    lambda m: (0, m.tensor([True, False, True])), lambda m: m.tensor([True, False, True]),
    lambda m: (..., m.tensor([0, 0])), lambda m: (m.tensor([[0, 1]]), None, [1, 0]),
    lambda m: m.tensor([-1, -3]), lambda m: (m.tensor([0, 1]), 1, slice(None, 1)),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(INDICES)))
def test_every_kind_of_index(case: int) -> None:
    index = INDICES[case]
    compare([(3, 3, 2)], lambda m, x: x[index(m)])
    shape = torch.zeros(3, 3, 2)[index(torch)].shape

    def assign(m: Any, x: Any, v: Any) -> Any:
        y = x * 1
        y[index(m)] = v
        return y

    places = np.arange(18).reshape(3, 3, 2)
    if len(set(torch.tensor(places)[index(torch)].ravel().tolist())) == np.prod(shape):
        compare([(3, 3, 2), tuple(shape)], assign)
