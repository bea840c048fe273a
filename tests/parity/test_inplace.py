"""In-place operations give what PyTorch's give: values of every handle, and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")

rng = np.random.default_rng(0)
X, W = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 4))


def leaf(library: Any, array: np.ndarray) -> Any:
    if library is torch:
        return torch.tensor(array, requires_grad=True)
    return mg.tensor(array, requires_grad=True)


# Each program takes the library and two leaves, and returns every handle that it holds at the end.

PROGRAMS: dict[str, Callable[..., list[Any]]] = {}


def program(function: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    PROGRAMS[function.__name__] = function
    return function


@program
def base_seen_through_a_view(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    v = y[1]
    y += w
    return [y, v]


@program
def view_seen_in_its_base(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    v = y[:, 1]
    v *= w[:, 1]
    return [y, v]


@program
def views_of_views(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    a = y[0]
    b = a.T
    c = b[1:3]
    b *= w[0].T
    c += 1
    return [y, a, b, c]


@program
def sibling_views_that_overlap(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    a, b = y[:, :2], y[:, 1:]
    a += w[:, :2]
    b *= 3
    return [y, a, b]


@program
def sibling_views_apart(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    a, b = y[:, :1], y[:, 2:]
    a *= w[:, :1]
    return [y, a, b]


@program
def base_gone(m: Any, x: Any, w: Any) -> list[Any]:
    v = (x * 2)[0]
    u = v[1:]
    v += w[0]
    return [v, u]


@program
def augmented_item(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    y[0] += w[0]
    y[1, 2] *= w[1, 2]
    y[0, 0, 0] -= w[1, 1, 1]
    return [y]


@program
def constant_filled_row_by_row(m: Any, x: Any, w: Any) -> list[Any]:
    y = m.zeros(2, 3, 4, dtype=m.float64)
    for i in range(2):
        y[i] = x[i] * w[i]
    return [y]


@program
def constant_base_of_a_recorded_view(m: Any, x: Any, w: Any) -> list[Any]:
    y = m.zeros(2, 3, 4, dtype=m.float64)
    v = y[0]
    v += w[0] * x[0]
    return [y, v]


@program
def reshaped(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    v = y.view(6, 4)
    v[4:] = w[1, :2]
    y.mul_(3)
    return [y, v]


@program
def reshaped_with_a_copy(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    v = y.permute(2, 0, 1).reshape(-1)
    v += 1
    y *= 3
    return [y, v]


@program
def expanded(m: Any, x: Any, w: Any) -> list[Any]:
    y = x[:1] * 2
    v = y.expand(2, 3, 4)
    y += w[:1]
    return [y, v]


@program
def split_base_changed(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    a, b = y[0], y.select(0, 1)
    y *= w
    return [y, a, b]


@program
def diagonal_written(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    d = y.diagonal(0, 1, 2)
    d += w[:, 0, :3]
    return [y, d]


@program
def all_kinds_of_index(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    y[0, 1] = w[0, 1]
    y[:, ::2, 1:3] = w[:, ::2, :2]
    y[..., 3] = 7.0
    y[1, [2, 0]] = w[1, [0, 1]]
    y[m.tensor([0, 1]), m.tensor([2, 2])] = w[0, :2]
    y[None, 0, 0] = w[1, 1]
    return [y]


@program
def masks(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    y[y > 1] = 0.0
    y[y < -1] = w[0, 0, 0]
    y[m.tensor([True, False])] = w[:1]
    return [y]


@program
def masked_values(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    mask = m.tensor(X > 0)
    y[mask] = w[mask] * 3
    return [y]


@program
def named_methods(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    y.add_(w).mul_(2).sub_(x).div_(3)
    a = x * 1
    a.zero_()
    b = x * 1
    b.fill_(2.0)
    c = x * 1
    c.copy_(w)
    return [y, a, b, c]


@program
def indexed_methods(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    y.index_add_(1, m.tensor([0, 0, 2]), w)
    z = x * 2
    index = m.tensor([[[0, 1, 2, 0]], [[1, 1, 1, 1]]])
    z.scatter_(1, index, w[:, :1])
    t = x * 2
    t.scatter_add_(1, index, w[:, 1:2])
    u = x * 2
    u.index_fill_(2, m.tensor([1]), 5.0)
    v = x * 2
    v.index_copy_(1, m.tensor([2, 0]), w[:, :2])
    s = x * 2
    s.masked_scatter_(m.tensor(X > 0), w)
    return [y, z, t, u, v, s]


@program
def detached_shares_memory(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    d = y.detach()
    y += w
    return [y, d]


@program
def detached_written(m: Any, x: Any, w: Any) -> list[Any]:
    y = x + 2
    d = y.detach()
    d *= 3
    return [y, d]


@program
def detached_and_recorded(m: Any, x: Any, w: Any) -> list[Any]:
    y = m.ones(2, 3, 4, dtype=m.float64)
    d = y.detach()
    d += w
    return [d]


@program
def inside_no_grad(m: Any, x: Any, w: Any) -> list[Any]:
    y = x + 2
    with m.no_grad():
        y *= 3
        y[0] = 0.0
        x += 1
        x[1, 1] = 5.0
    return [y, x * w]


@program
def twice_the_same_operand(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 2
    v = y[0]
    y += y
    return [y, v]


@program
def repeated_changes_of_an_exponential(m: Any, x: Any, w: Any) -> list[Any]:
    y = x * 0.5
    for _ in range(3):
        y *= w
        y[0] = y[1] + 1
    return [y]


def run(library: Any, name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The values of all handles, and the gradients of a random combination of them."""
    leaves = [leaf(library, X), leaf(library, W)]
    handles = PROGRAMS[name](library, *leaves)
    draws = np.random.default_rng(1)
    total: Any = 0
    for handle in handles:
        weights = draws.standard_normal(tuple(handle.shape))
        if handle.requires_grad:
            total = total + (handle * library.tensor(weights)).sum()
    total.backward()
    values = [handle.detach().numpy().copy() for handle in handles]
    zero = np.zeros(X.shape)
    return values, [zero if x.grad is None else x.grad.numpy() for x in leaves]


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_values_and_gradients(name: str) -> None:
    values, gradients = run(mg, name)
    expected_values, expected_gradients = run(torch, name)
    for value, expected in zip(values + gradients, expected_values + expected_gradients):
        np.testing.assert_allclose(value, expected, 1e-12, 1e-12)


REFUSED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "leaf += 1": lambda m, x, w: x.add_(1),
    "leaf[0] = 0": lambda m, x, w: x.__setitem__(0, 0.0),
    "view of a leaf": lambda m, x, w: x[0].add_(1),
    "leaf.zero_()": lambda m, x, w: x.zero_(),
    "expanded": lambda m, x, w: changed_where_expanded(w[:1] * 2),
    "saved, then changed": lambda m, x, w: changed_after_exp(x),
    "operand of a product changed": lambda m, x, w: changed_after_mul(x, w),
    "changed through a detached tensor": lambda m, x, w: changed_through_detach(x),
    "changed through a view": lambda m, x, w: changed_through_view(x),
}


def changed_where_expanded(y: Any) -> None:
    y.expand(2, 3, 4).add_(1)


def changed_after_exp(x: Any) -> None:
    y = x * 1
    v = y[0]
    z = (y * y).sum()
    v += 1
    z.backward()


def changed_after_mul(x: Any, w: Any) -> None:
    y = w.detach().clone()
    z = (x * y).sum()
    y += 1
    z.backward()


def changed_through_detach(x: Any) -> None:
    y = x.exp()
    y.detach().zero_()
    y.sum().backward()


def changed_through_view(x: Any) -> None:
    y = x.exp()
    z = y.sum()
    v = y[0]
    v *= 2
    z.backward()
    y.sum().backward()


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_pytorch_refuses_is_refused(case: str) -> None:
    for library in (mg, torch):
        with pytest.raises((RuntimeError, ValueError)):
            REFUSED[case](library, leaf(library, X), leaf(library, W))
