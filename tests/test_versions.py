"""What a node saved and someone changed since is an error at backward, never a wrong gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.memory import writes


def leaf() -> Any:
    return mg.tensor([1.0, 2.0, 3.0], requires_grad=True)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "+=": lambda t: t.__iadd__(1),
    "*=": lambda t: t.__imul__(2),
    "an entry": lambda t: t.__setitem__(0, 5.0),
    "through a view": lambda t: t[1:].add_(1),
    "through a detached tensor": lambda t: t.detach().zero_(),
    "through data": lambda t: t.data.mul_(3),
    "through a reshaped view": lambda t: t.reshape(3, 1).fill_(0.0),
    "copy_": lambda t: t.copy_(mg.zeros(3)),
    "random numbers": lambda t: t.normal_(),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_a_saved_constant(change: str) -> None:
    x, c = leaf(), mg.tensor([4.0, 5.0, 6.0])
    y = (x * c).sum()
    CHANGES[change](c)
    with pytest.raises(RuntimeError, match=r"changed `y` in place after mul"):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_a_saved_leaf(change: str) -> None:
    x = leaf()
    y = (x * x).sum()
    with mg.no_grad():
        CHANGES[change](x)
    with pytest.raises(RuntimeError, match="in place after mul"):
        y.backward()


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_a_saved_result(change: str) -> None:
    x = leaf()
    y = x.exp()
    z = y.sum()
    with mg.no_grad():
        CHANGES[change](y)
    with pytest.raises(RuntimeError, match=r"changed `out` in place after exp"):
        z.backward()


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_what_was_not_saved_may_change(change: str) -> None:
    x, c = leaf(), mg.tensor([4.0, 5.0, 6.0])
    y = (x + c).sum()
    CHANGES[change](c)
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.ones(3))


def test_a_change_before_is_no_change_since() -> None:
    x, c = leaf(), mg.tensor([4.0, 5.0, 6.0])
    c += 1
    y = (x * c).sum()
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), c.numpy())


def test_a_change_of_other_memory_is_none_of_its_business() -> None:
    x, c = leaf(), mg.tensor([4.0, 5.0, 6.0])
    y = (x * c).sum()
    other = c.clone()
    other += 1
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), c.numpy())


def test_an_index_that_changed() -> None:
    """The op keeps a copy of an index; of several it keeps the arrays, and complains."""
    x = leaf()
    index = mg.tensor([0, 2])
    alone, among_others = x[index].sum(), x[(index,)].sum()
    index += 1
    alone.backward()
    assert x.grad.tolist() == [1, 0, 1]
    with pytest.raises(RuntimeError, match="index"):
        among_others.backward()


def test_a_mask_that_changed() -> None:
    x = leaf()
    mask = mg.tensor([True, False, True])
    y = (x[mask] * 2).sum()
    mask[0] = False
    y.backward()
    assert x.grad.tolist() == [2, 0, 2]


def test_a_list_of_tensors() -> None:
    x, c = leaf(), mg.tensor([4.0, 5.0, 6.0])
    y = mg.einsum("i,i->", x, c)
    c += 1
    with pytest.raises(RuntimeError, match="in place"):
        y.backward()


def test_the_message_names_both_operations() -> None:
    x = leaf()
    y = x.exp()
    z = y.sum()
    with mg.no_grad():
        y.zero_()
    with pytest.raises(RuntimeError, match=r"zero_ changed `out` in place after exp had saved it"):
        z.backward()


def test_with_create_graph() -> None:
    x, c = leaf(), mg.tensor([4.0, 5.0, 6.0])
    y = ((x * x) * (x * c)).sum()
    (g,) = mg.autograd.grad(y, [x], create_graph=True)
    c += 1
    with pytest.raises(RuntimeError, match="in place"):
        g.sum().backward()


def test_forgotten_memory_is_forgotten() -> None:
    """Nothing is kept of arrays that are gone."""
    before = len(writes.times)
    for _ in range(20):
        t = mg.zeros(3)
        t += 1
    del t
    assert len(writes.times) <= before + 1
