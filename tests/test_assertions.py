"""`mg.testing.assert_close` and `assert_gradients_close`: what they compare, and what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import assert_close, assert_gradients_close

TREE = {"a": np.ones(3), "b": [np.zeros((2, 2)), (1.0, None)]}


def same_tree_in_another_order() -> Any:
    return {"b": (mg.zeros(2, 2, dtype=mg.float64), [1.0, None]), "a": np.ones(3)}


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (TREE, same_tree_in_another_order()),
        (mg.tensor([1.0, 2.0]), np.array([1, 2], "float32")),
        (mg.tensor(2.0), 2.0),
        (np.float32(0.1), 0.1),
        (3, 3.0),
        ([], ()),
        (np.array([np.inf, -np.inf]), np.array([np.inf, -np.inf])),
        (np.array([1 + 1j]), np.array([1 + 1j + 1e-9])),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        ("relu", "relu"),
    ],
)
def test_what_is_close(actual: Any, expected: Any) -> None:
    assert_close(actual, expected)
    assert_close(expected, actual)


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], "list of 2, expected list of 3"),
        ({"a": 1.0}, {"b": 1.0}, r"\['a'\], expected .*\['b'\]"),
        ({"a": [1.0, 2.0]}, {"a": [[1.0], 2.0]}, r"\['a'\]\[0\]: float, expected list of 1"),
        ([1.0, [2.0, 3.0]], [[1.0, 2.0], 3.0], r"\[0\]: float, expected list of 2"),
        (np.ones(3), [1.0, 1.0, 1.0], "ndarray, expected list of 3"),
        (np.ones(3), np.ones((1, 3)), r"shape \(3,\), expected \(1, 3\)"),
        ({"w": np.ones(3)}, {"w": np.ones(1)}, r"at \['w'\]: shape \(3,\), expected \(1,\)"),
        (np.ones(()), np.ones(1), r"shape \(\), expected \(1,\)"),
        (np.ones(2), np.ones(2, "float32"), "dtype float64, expected float32"),
        (mg.tensor([1, 2]), mg.tensor([1.0, 2.0]), "dtype int64, expected float32"),
        (np.array([1, 2]), np.array([1, 3]), r"1 of 2 .*\(1,\): 2, expected 3 \(rtol=0, atol=0"),
        (np.array([1, 2], "uint8"), np.array([1, 3], "uint8"), "2, expected 3"),
        (np.array([True]), np.array([False]), "True, expected False"),
        (np.array([1 + 1j]), np.array([1 + 2j]), "1 of 1"),
        (np.array([np.inf]), np.array([-np.inf]), "inf, expected -inf"),
        (np.array([0.0, np.nan]), np.array([1.0, 1.0]), r"2 of 2 .*\(1,\): nan, expected 1\.0"),
        (2.0, 2.1, r"1 of 1 entries differ: 2\.0, expected 2\.1"),
        (None, np.ones(1), "None, expected ndarray"),
        (np.ones(1), None, "ndarray, expected None"),
        ("relu", "tanh", "'relu', expected 'tanh'"),
    ],
)
def test_what_differs_is_named(actual: Any, expected: Any, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        assert_close(actual, expected)
    with pytest.raises(AssertionError):
        assert_close(expected, actual)


def test_tolerances_may_be_given_alone_and_are_not_negative() -> None:
    a, b = np.array([1.0, 0.0]), np.array([1.001, 0.0])
    assert_close(a, b, rtol=1e-2)
    assert_close(a, b, atol=1e-2)
    with pytest.raises(AssertionError):
        assert_close(a, b, rtol=1e-4)
    with pytest.raises(ValueError, match="rtol=-1"):
        assert_close(a, b, rtol=-1)
    with pytest.raises(ValueError, match="atol=nan"):
        assert_close(a, b, atol=float("nan"))


def test_types_need_not_agree_and_the_less_exact_one_decides() -> None:
    exact = np.array([1 / 3])
    assert_close(exact, exact.astype("float32"), check_dtype=False)
    with pytest.raises(AssertionError):
        assert_close(exact, exact + 1e-6, check_dtype=False)


def test_a_message_of_ones_own() -> None:
    with pytest.raises(AssertionError, match=r"^weights differ$"):
        assert_close(1.0, 2.0, msg="weights differ")
    with pytest.raises(AssertionError, match=r"^layer 3: 1 of 1"):
        assert_close(1.0, 2.0, msg=lambda text: f"layer 3: {text}")


# ---------------------------------------------------------------------------------------- gradients


@pytest.fixture
def leaves() -> tuple[mg.Tensor, mg.Tensor]:
    return mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor([3.0, 4.0], requires_grad=True)


def test_gradients_are_compared_input_by_input(leaves: Any) -> None:
    x, w = leaves
    y = (x * w).sum()
    assert_gradients_close(y, [x, w], [w.detach(), x.detach()])
    assert_gradients_close(y, (x, w), ([3.0, 4.0], [1.0, 2.0]))
    assert_gradients_close(x * w, [x], [[30.0, 4.0]], mg.tensor([10.0, 1.0]))
    assert_gradients_close(x.sum(), [x, w], [[1.0, 1.0], None])
    assert x.grad is None
    assert w.grad is None


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ([[3.0, 4.0]], "list of 1: give one gradient for each of 2 inputs"),
        ([[3.0, 4.0], [1.0, 2.0], None], "list of 3"),
        (np.array([[3.0, 4.0], [1.0, 2.0]]), "ndarray: give one"),
        ({"x": [3.0, 4.0], "w": [1.0, 2.0]}, "dict with keys"),
        ([[[3.0, 4.0]], [1.0, 2.0]], r"input 0: shape \(2,\), expected \(1, 2\)"),
        ([[3.0, 4.0], [1.0]], r"input 1: shape \(2,\), expected \(1,\)"),
        ([[3.0, 4.0], [1.0, 2.5]], r"input 1: 1 of 2 .* 2\.0, expected 2\.5"),
        ([np.array([3.0, 4.0]), [1.0, 2.0]], "input 0: dtype float32, expected float64"),
        ([[3.0, 4.0], None], "input 1 is not None"),
    ],
)
def test_a_wrong_gradient_is_named(leaves: Any, expected: Any, words: str) -> None:
    x, w = leaves
    with pytest.raises(AssertionError, match=words):
        assert_gradients_close((x * w).sum(), [x, w], expected)


def test_a_gradient_of_one_input_has_its_shape(leaves: Any) -> None:
    x, _ = leaves
    y = (x * x).sum()
    assert_gradients_close(y, x, [2.0, 4.0])
    with pytest.raises(AssertionError, match=r"shape \(2,\), expected \(3,\)"):
        assert_gradients_close(y, x, [2.0, 4.0, 0.0])
    with pytest.raises(AssertionError, match=r"shape \(2,\), expected \(1, 2\)"):
        assert_gradients_close(y, x, mg.tensor([[2.0, 4.0]]))


@pytest.mark.parametrize("size", [2**53, 2**60])
def test_integers_are_compared_exactly_where_floats_have_no_room(size: int) -> None:
    assert_close(mg.tensor([size + 1]), np.array([size + 1]))
    for actual in (mg.tensor([size + 1]), np.array([size + 1])):
        with pytest.raises(AssertionError, match="1 of 1 entries differ"):
            assert_close(actual, np.array([size]))
