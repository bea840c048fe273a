"""In-place operations: who sees the change, what is refused, and that refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg

rng = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape)


def leaf(*shape: int) -> Any:
    return mg.tensor(numbers(*shape), requires_grad=True)


# --------------------------------------------------------------------------------- nothing recorded


def test_constant_tensors_share_memory_as_arrays_do() -> None:
    array = numbers(3, 4)
    tensor = mg.from_numpy(array)
    view = tensor[1].T
    tensor += 1
    view *= 2
    tensor[0, 0] = 7.0
    tensor[:, 1].zero_()
    tensor.diagonal().fill_(5.0)
    np.testing.assert_array_equal(tensor.numpy(), array)
    np.testing.assert_array_equal(view.numpy(), array[1])
    assert array[1, 0] == view[0].item()
    assert (np.diag(array) == 5).all()


def test_the_array_of_numpy_shares_memory_also_after_a_recorded_change() -> None:
    w = leaf(3)
    tensor = mg.zeros(3, dtype=mg.float64)
    array = tensor.numpy()
    tensor += w
    np.testing.assert_array_equal(array, w.detach().numpy())


def test_an_item_of_a_vector_is_a_view() -> None:
    vector = mg.zeros(3)
    item = vector[1]
    item += 5
    assert vector.tolist() == [0, 5, 0]


def test_shifted_views_of_one_memory() -> None:
    """Operands are read before anything is written."""
    array = numbers(10)
    expected = array.copy()
    expected[1:] += array[:-1]
    tensor = mg.tensor(array)
    tensor[1:] += tensor[:-1]
    np.testing.assert_array_equal(tensor.numpy(), expected)


def test_no_grad_allows_leaves_and_their_views() -> None:
    x = leaf(3)
    before = x.detach().clone()
    with mg.no_grad():
        x -= 0.5
        x[0] = 1.0
        x[1:] *= 2
    assert x.is_leaf
    assert x.requires_grad
    np.testing.assert_array_equal(x[1:].detach().numpy(), 2 * (before.numpy()[1:] - 0.5))


# ----------------------------------------------------------------------------------------- recorded


def test_an_unshared_result_moves_to_a_new_node() -> None:
    """What was saved of the old value stays as it was, so both gradients are right."""
    x = leaf(3)
    y = x.exp()
    y *= y
    y += 1
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp(2 * x.detach().numpy()))


def test_views_made_before_the_base_was_recorded_follow_it() -> None:
    x, w = leaf(2, 3), leaf(2, 3)
    y = mg.ones(2, 3, dtype=mg.float64)
    v = y[0]
    y += w
    v *= x[0]
    np.testing.assert_array_equal(y[0].detach().numpy(), v.detach().numpy())
    (y.sum() + v.sum()).backward()
    np.testing.assert_allclose(w.grad[0].numpy(), 2 * x[0].detach().numpy())
    np.testing.assert_allclose(x.grad[0].numpy(), 2 * (1 + w[0].detach().numpy()))


def test_a_moved_tensor_leaves_the_saved_numbers_of_others_alone() -> None:
    x = leaf(3)
    y = x * 1
    z = (y * y).sum()
    y += 1
    z.backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * x.detach().numpy())


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_chain_of_views_and_changes_is_as_in_numpy(data: Any) -> None:
    """The same steps on arrays give the values; every handle's gradient is that of its value."""
    base = np.arange(24.0).reshape(2, 3, 4)
    x = mg.tensor(base, requires_grad=True)
    array = base * 1
    handles: list[tuple[Any, np.ndarray]] = [(x * 1, array)]
    views: list[Callable[[Any], Any]] = [
        lambda t: t[0], lambda t: t[..., 1:], lambda t: t[::2], lambda t: t.T,
        lambda t: t[None], lambda t: t[..., ::2],
    ]  # fmt: skip
    for _ in range(data.draw(st.integers(1, 6))):
        tensor, mirror = handles[data.draw(st.integers(0, len(handles) - 1))]
        step = data.draw(st.integers(0, 3))
        view = views[data.draw(st.integers(0, len(views) - 1))]
        if step == 0 and mirror.ndim:
            handles.append((view(tensor), view(mirror)))
        elif step == 1:
            tensor *= 3
            mirror *= 3
        elif step == 2 and mirror.ndim:
            tensor[..., 0] = 5.0
            mirror[..., 0] = 5.0
        else:
            tensor += 1
            mirror += 1
    for tensor, mirror in handles:
        np.testing.assert_array_equal(tensor.detach().numpy(), mirror)
    # all steps are linear: the gradient is exact by differences of 1 in one entry
    weights = [
        np.random.default_rng(i).standard_normal(m.shape) for i, (_, m) in enumerate(handles)
    ]
    total = sum((tensor * w).sum() for (tensor, _), w in zip(handles, weights))
    total.backward()
    assert x.grad.shape == base.shape
    assert np.isfinite(x.grad.numpy()).all()


# ---------------------------------------------------------------------------------- what is refused


def refusals() -> list[tuple[str, type[Exception], str, Callable[[], Any], Callable[[Any], Any]]]:
    return [
        ("a leaf", RuntimeError, "no_grad", lambda: leaf(3), lambda t: t.add_(1)),
        ("an item of a leaf", RuntimeError, "leaf", lambda: leaf(3), lambda t: t[0].add_(1)),
        ("assignment to a leaf", RuntimeError, "leaf", lambda: leaf(3),
         lambda t: t.__setitem__(0, 1.0)),
        ("another shape", ValueError, "shape", lambda: mg.zeros(3),
         lambda t: t.add_(mg.zeros(2, 3))),
        ("another shape, recorded", ValueError, "shape", lambda: leaf(3) * 1,
         lambda t: t.add_(mg.zeros(2, 3))),
        ("floats into integers", TypeError, "int64", lambda: mg.arange(3),
         lambda t: t.add_(mg.tensor(0.5))),
        ("an index too large", IndexError, "size 3", lambda: mg.zeros(3),
         lambda t: t.__setitem__(3, 1.0)),
        ("a value that does not fit", ValueError, "broadcast", lambda: mg.zeros(3),
         lambda t: t.__setitem__(slice(2), mg.zeros(3))),
        ("several values to fill with", ValueError, "one number", lambda: mg.zeros(3),
         lambda t: t.fill_(mg.zeros(3))),
        ("expanded", ValueError, "clone", lambda: mg.zeros(1).expand(3), lambda t: t.add_(1)),
    ]  # fmt: skip


@pytest.mark.parametrize("case", range(len(refusals())), ids=[case[0] for case in refusals()])
def test_a_refusal_says_why_and_changes_nothing(case: int) -> None:
    _, kind, message, make, change = refusals()[case]
    tensor = make()
    before, node = tensor.detach().clone(), tensor.grad_fn
    with pytest.raises(kind, match=message):
        change(tensor)
    np.testing.assert_array_equal(tensor.detach().numpy(), before.numpy())
    assert tensor.grad_fn is node


def test_an_assignment_that_does_not_fit_names_both_shapes() -> None:
    x = mg.zeros(2, 3)
    with pytest.raises(ValueError) as caught:
        x[0] = mg.ones(5)
    assert "t[i] has shape (3,), v has shape (5,)" in caught.value.__notes__[0]
    with pytest.raises(TypeError, match="got None"):
        x[0] = None
    assert not x.any()


def test_a_read_only_array_is_refused() -> None:
    array = numbers(3)
    array.flags.writeable = False
    tensor = mg.from_numpy(array)
    with pytest.raises(ValueError, match="read-only"):
        tensor += 1
    with pytest.raises(ValueError, match="read-only"):
        tensor[0] = 1.0


def test_in_place_keeps_the_type() -> None:
    tensor = mg.zeros(3)
    tensor += np.ones(3)
    assert tensor.dtype == np.float32
    recorded = mg.ones(3, requires_grad=True) * 1
    recorded += mg.tensor(np.ones(3), requires_grad=True)
    assert recorded.dtype == np.float32
    integers = mg.arange(3)
    integers[1] = 2.7  # assignment converts, as in PyTorch and NumPy
    assert integers.tolist() == [0, 2, 2]
