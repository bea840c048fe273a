"""NumPy's door for shape, joining, indexing: NumPy's arguments, values and types, with gradients.

Every function here is linear in its tensors, so its gradient g for a cotangent c is tested exactly:
⟨f(v), c⟩ = ⟨v, g⟩ for any v, with NumPy's own f.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

ONE: list[Callable[[Any], Any]] = [
    lambda x: np.reshape(x, (4, 6)),
    lambda x: np.reshape(x, -1),
    lambda x: np.reshape(x, (4, 6), order="F"),
    lambda x: np.ravel(x),
    lambda x: np.ravel(x, order="F"),
    lambda x: np.squeeze(x[:1]),
    lambda x: np.squeeze(x[:1], axis=0),
    lambda x: np.expand_dims(x, (0, -1)),
    lambda x: np.transpose(x),
    lambda x: np.transpose(x, (1, 0, 2)),
    lambda x: np.permute_dims(x, axes=(2, 1, 0)),
    lambda x: np.matrix_transpose(x),
    lambda x: np.swapaxes(x, axis1=0, axis2=-1),
    lambda x: np.moveaxis(x, 0, -1),
    lambda x: np.rollaxis(x, 2),
    lambda x: np.rollaxis(x, 0, 3),
    lambda x: np.rollaxis(x, 1, -1),
    lambda x: np.broadcast_to(x, (5, 2, 3, 4)),
    lambda x: np.flip(x),
    lambda x: np.flip(x, axis=(0, 2)),
    lambda x: np.fliplr(x),
    lambda x: np.flipud(x),
    lambda x: np.rot90(x, k=3, axes=(1, 2)),
    lambda x: np.roll(x, 5),
    lambda x: np.roll(x, 1, axis=(0, 1)),
    lambda x: np.roll(x, (1, 2), axis=(0, 1)),
    lambda x: np.roll(x, shift=-1, axis=-1),
    lambda x: np.tile(x, 2),
    lambda x: np.tile(x, (2, 1, 1, 3)),
    lambda x: np.repeat(x, 2),
    lambda x: np.repeat(x, [1, 0, 2], axis=1),
    lambda x: np.pad(x, 1),
    lambda x: np.pad(x, (1, 2)),
    lambda x: np.pad(x, ((0, 1), (2, 0), (1, 1)), mode="edge"),
    lambda x: np.pad(x, 1, mode="reflect"),
    lambda x: np.pad(x, 2, mode="symmetric"),
    lambda x: np.pad(x, ((0, 0), (4, 5), (0, 0)), mode="wrap"),
    lambda x: np.copy(x),
    lambda x: np.atleast_1d(x),
    lambda x: np.atleast_3d(x[0]),
    lambda x: np.astype(x, np.float64),
    lambda x: np.take(x, [3, -1, 3]),
    lambda x: np.take(x, [[0, 1], [1, 1]], axis=1),
    lambda x: np.take(x, [7, -9], axis=1, mode="wrap"),
    lambda x: np.take(x, [7, -9], axis=1, mode="clip"),
    lambda x: np.take_along_axis(x, np.array([[[0]], [[2]]]), axis=1),
    lambda x: np.compress([True, False, True], x, axis=1),
    lambda x: np.extract(np.arange(24).reshape(2, 3, 4) % 3 == 0, x),
    lambda x: np.delete(x, 1),
    lambda x: np.delete(x, [0, 2], axis=1),
    lambda x: np.delete(x, slice(None, None, 2), axis=2),
    lambda x: np.insert(x, 2, 0.0, axis=1),
    lambda x: np.insert(x, [0, 3], 0.0, axis=2),
    lambda x: np.diagonal(x, 1, axis1=1, axis2=2),
    lambda x: np.diag(x[0]),
    lambda x: np.diag(x[0, 0], k=-1),
    lambda x: np.diagflat(x, 1),
    lambda x: np.trace(x, offset=1, axis1=1, axis2=2),
    lambda x: np.tril(x, k=-1),
    lambda x: np.triu(x, 1),
]
MANY: list[Callable[[Any], Any]] = [
    lambda x: np.split(x, 3, axis=1),
    lambda x: np.split(x, [1, 3], axis=-1),
    lambda x: np.array_split(x, 3, axis=2),
    lambda x: np.hsplit(x, 3),
    lambda x: np.vsplit(x, 2),
    lambda x: np.dsplit(x, [1]),
    lambda x: np.broadcast_arrays(x, x[0]),
    lambda x: np.atleast_2d(x[0, 0], x[0, 0, 0]),
    lambda x: np.meshgrid(x[0, 0], x[1, 1]),
    lambda x: np.meshgrid(x[0, 0], x[1, 1], indexing="ij", copy=False),
]
if hasattr(np, "unstack"):  # NumPy 2.1
    MANY.append(lambda x: np.unstack(x, axis=1))
TWO: list[Callable[[Any, Any], Any]] = [
    lambda x, y: np.concatenate([x, y]),
    lambda x, y: np.concatenate((x, y), axis=-1),
    lambda x, y: np.concatenate([x, y], axis=None),
    lambda x, y: np.stack([x, y], axis=1),
    lambda x, y: np.hstack([x, y]),
    lambda x, y: np.vstack([x, y]),
    lambda x, y: np.dstack([x, y]),
    lambda x, y: np.column_stack([x[0, 0], y[0, 0]]),
    lambda x, y: np.append(x, y),
    lambda x, y: np.append(x, y, axis=1),
    lambda x, y: np.block([[x[0], y[0]], [y[1], x[1]]]),
    lambda x, y: np.block([x[0, 0], y[1, 1]]),
    lambda x, y: np.insert(x, 1, y[:, 0], axis=1),
]


def parts(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def check(function: Callable[..., Any], count: int) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((2, 3, 4)) for _ in range(count)]
    leaves = [mg.tensor(a, requires_grad=True) for a in arrays]
    outputs, expected = parts(function(*leaves)), parts(function(*arrays))
    assert len(outputs) == len(expected)
    cotangents = [rng.standard_normal(np.shape(e)) for e in expected]
    total: Any = 0
    for out, value, c in zip(outputs, expected, cotangents, strict=True):
        assert isinstance(out, mg.Tensor)
        assert out.shape == np.shape(value)
        np.testing.assert_array_equal(out.detach().numpy(), value)
        total = total + mg.sum(out * mg.tensor(c))
    total.backward()
    gradients = [np.zeros((2, 3, 4)) if x.grad is None else x.grad.numpy() for x in leaves]
    for _ in range(3):
        directions = [rng.standard_normal((2, 3, 4)) for _ in arrays]
        forward = sum(np.sum(v * c) for v, c in zip(parts(function(*directions)), cotangents))
        backward = sum(np.sum(v * g) for v, g in zip(directions, gradients))
        np.testing.assert_allclose(backward, forward, 1e-10)


@pytest.mark.parametrize("case", range(len(ONE)))
def test_one_tensor(case: int) -> None:
    check(ONE[case], 1)


@pytest.mark.parametrize("case", range(len(MANY)))
def test_several_results(case: int) -> None:
    check(MANY[case], 1)


@pytest.mark.parametrize("case", range(len(TWO)))
def test_two_tensors(case: int) -> None:
    check(TWO[case], 2)


def test_arrays_and_tensors_may_be_mixed() -> None:
    x = mg.tensor([[1.0, 2.0]], requires_grad=True)
    a = np.array([[3.0, 4.0]], np.float32)
    for joined in (np.concatenate([a, x]), np.vstack([x, a])):
        assert isinstance(joined, mg.Tensor)
        assert joined.requires_grad


@pytest.mark.parametrize("first", ["int64", "float32", "float64", "bool", "int8"])
@pytest.mark.parametrize("second", ["int64", "float32", "float64", "bool", "uint8"])
def test_joined_types_are_those_of_numpy(first: str, second: str) -> None:
    a, b = np.ones(2, first), np.ones(2, second)
    for join in (np.concatenate, np.stack, np.hstack):
        assert join([mg.tensor(a), mg.tensor(b)]).dtype == join([a, b]).dtype
    assert np.concatenate([mg.tensor(a), b], dtype=np.float64).dtype == np.float64


def test_padding_with_numbers() -> None:
    array = np.arange(6.0).reshape(2, 3)
    for widths, values in (
        (1, 5.0),
        (((1, 0), (2, 1)), ((1.0, 2.0), (3.0, 4.0))),
        ((1, 2), (7, 8)),
    ):
        expected = np.pad(array, widths, constant_values=values)
        padded = np.pad(mg.tensor(array), widths, constant_values=values)
        np.testing.assert_array_equal(padded.numpy(), expected)


def test_values_inserted_are_those_of_numpy() -> None:
    array = np.arange(6.0).reshape(2, 3)
    for obj, values, axis in ((1, 9.0, None), ([0, 2], [7.0, 8.0], 1), (-1, [5.0, 6.0], 1)):
        expected = np.insert(array, obj, values, axis)
        np.testing.assert_array_equal(
            np.insert(mg.tensor(array), obj, values, axis).numpy(), expected
        )


PUT: list[Callable[[Any], Any]] = [
    lambda x: np.put(x, [0, 5], [7.0, 8.0]),
    lambda x: np.put(x, [0, 5, 2], 7.0),
    lambda x: np.put_along_axis(x, np.array([[1], [0]]), 5.0, axis=1),
    lambda x: np.copyto(x, 30.0),
    lambda x: np.fill_diagonal(x, 9.0),
]


@pytest.mark.parametrize("case", range(len(PUT)))
def test_functions_that_write(case: int) -> None:
    array = np.arange(6.0).reshape(2, 3)
    constant, leaf = mg.tensor(array), mg.tensor(array, requires_grad=True)
    recorded = leaf * 1
    for target in (array, constant, recorded):
        PUT[case](target)
    np.testing.assert_array_equal(constant.numpy(), array)
    np.testing.assert_array_equal(recorded.detach().numpy(), array)
    recorded.sum().backward()
    unchanged = array == np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(leaf.grad.numpy(), unchanged)


def test_constants() -> None:
    x = mg.tensor(np.ones((2, 3)), requires_grad=True)
    for function, value in ((np.zeros_like, 0), (np.ones_like, 1)):
        made = function(x)
        assert isinstance(made, mg.Tensor)
        assert not made.requires_grad
        assert (made == value).all()
    assert np.full_like(x, 7.0, shape=(2,)).tolist() == [7, 7]
    assert np.empty_like(x, dtype=np.float32).dtype == np.float32
    assert (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1)) == ((2, 3), 2, 6, 3)
    assert [p.tolist() for p in np.nonzero(mg.tensor([0, 1, 1]))] == [[1, 2]]
    assert np.flatnonzero(mg.tensor([[0, 1], [1, 0]])).tolist() == [1, 2]
    assert np.argwhere(mg.tensor([0, 1])).tolist() == [[1]]
    assert np.shares_memory(x, x.T)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: np.squeeze(x, axis=0), ValueError, "not 1"),
        (lambda x: np.split(x, 2, axis=1), ValueError, "array_split"),
        (lambda x: np.pad(x, 1, mode="median"), TypeError, "median"),
        (lambda x: np.pad(x, -1), ValueError, "negative"),
        (lambda x: np.take(x, [9], axis=1), IndexError, "size 3"),
        (lambda x: np.take(x, [0], out=np.zeros(1)), TypeError, "out"),
        (lambda x: np.stack([x, x], out=np.zeros(1)), TypeError, "out"),
        (lambda x: np.concatenate([x, x[0]]), ValueError, "as many axes"),
        (lambda x: np.broadcast_to(x, (-1, 3)), ValueError, "negative"),
        (lambda x: np.meshgrid(x[0], x[0], sparse=True), TypeError, "sparse"),
        (lambda x: np.resize(x, (3, 3)), TypeError, "resize"),
        (lambda x: np.array([x, x]), RuntimeError, "np.stack"),
    ],
)
def test_refusals(call: Any, kind: type[Exception], message: str) -> None:
    x = mg.zeros(2, 3, requires_grad=True)
    with pytest.raises(kind) as caught:
        call(x)
    assert message in str(caught.value)
