"""Graphs, views, modes and threads in which a gradient could be wrong without an error."""

from __future__ import annotations

import array
import contextlib
import sys
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import minigrad as mg

F = mg.nn.functional


def leaf(*numbers: float) -> mg.Tensor:
    return mg.tensor(numbers, dtype=mg.float64, requires_grad=True)


def close(found: Any, right: Any) -> None:
    np.testing.assert_allclose(found.detach().numpy(), right, rtol=1e-12)


# ------------------------------------------------------------------------------ hooks


def test_a_hook_of_a_leaf_runs_once_for_its_input() -> None:
    x = leaf(1.0, 1.0)
    x.register_hook(lambda g: g * 2)
    (x * 3).sum().backward(inputs=[x])
    close(x.grad, [6.0, 6.0])


def test_a_hook_of_a_result_runs_once_for_its_input() -> None:
    x = leaf(1.0, 1.0)
    y = x * 3
    y.register_hook(lambda g: g * 2)
    (gradient,) = mg.autograd.grad(y.sum(), y)
    close(gradient, [2.0, 2.0])


def test_a_retained_gradient_survives_detach_in_place() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    z = y * 3
    y.detach_()
    z.sum().backward()
    close(y.grad, [3.0, 3.0])
    close(x.grad, [6.0, 6.0])


def test_a_gradient_kept_before_detach_in_place_stays() -> None:
    y = leaf(1.0, 2.0) * 2
    y.retain_grad()
    (y * 3).sum().backward(retain_graph=True)
    y.detach_()
    close(y.grad, [3.0, 3.0])


def test_hooks_run_where_they_were_and_for_the_leaf_after_detach_in_place() -> None:
    """As in PyTorch: for what was computed before, and for the tensor once it requires grad."""
    x = leaf(1.0, 2.0)
    y = x * 2
    handle = y.register_hook(lambda g: g * 10)
    z = y * 3
    y.detach_().requires_grad_()
    (z.sum() + (y * 5).sum()).backward()
    close(x.grad, [60.0, 60.0])
    close(y.grad, [50.0, 50.0])
    handle.remove()
    (y * 5).sum().backward()
    close(y.grad, [55.0, 55.0])


# ------------------------------------------------------------------------------ views


def view_changed() -> tuple[mg.Tensor, mg.Tensor, mg.Tensor]:
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2
    v = y[0:1]
    v += 1
    return x, y, v


def test_the_gradient_of_a_base_counts_its_changed_views() -> None:
    _, y, v = view_changed()
    (gradient,) = mg.autograd.grad(y.sum() + 3 * v.sum(), y)
    close(gradient, [4.0, 1.0, 1.0])


def test_the_gradient_of_a_leaf_counts_changed_views() -> None:
    x, y, v = view_changed()
    (y.sum() + 3 * v.sum()).backward()
    close(x.grad, [8.0, 2.0, 2.0])


def test_hooks_of_a_base_see_what_its_changed_views_add() -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2
    v = y[0:1]
    v += 1
    seen = []
    y.register_hook(lambda g: seen.append(g.numpy().copy()))
    (y.sum() + 3 * v.sum()).backward()
    np.testing.assert_array_equal(seen, [[4.0, 1.0, 1.0]])


def test_retained_gradients_of_a_base_count_its_changed_views() -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2
    v = y[0:1]
    v += 1
    y.retain_grad()
    (y.sum() + 3 * v.sum()).backward()
    close(y.grad, [4.0, 1.0, 1.0])


def test_a_retained_gradient_stays_through_an_in_place_operation() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    y += 1
    (y * 3).sum().backward()
    close(y.grad, [3.0, 3.0])


def error_or(right: Any, run: Callable[[], Any]) -> None:
    """An error of the engine is fine, and so is the right gradient; another number is not."""
    with contextlib.suppress(RuntimeError):
        close(run(), right)


def test_a_view_made_without_recording_and_changed_outside() -> None:
    def run() -> Any:
        x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=mg.float64, requires_grad=True)
        b = x * 1
        with mg.no_grad():
            v = b[0]
        v += b[1]
        (b * b).sum().backward()
        return x.grad

    # b = [x0 + x1, x1]: of the square 2 (x0 + x1), and 2 (x0 + x1) + 2 x1
    error_or([[8.0, 12.0], [14.0, 20.0]], run)


def test_a_view_of_a_leaf_made_without_recording_and_changed_outside() -> None:
    x = leaf(1.0, 2.0)
    with mg.no_grad():
        v = x[0:1]
    with pytest.raises(RuntimeError):
        v += x[1:2]


def test_a_view_made_and_scaled_under_and_after_no_grad() -> None:
    def run() -> Any:
        x = leaf(1.0, 2.0, 3.0)
        y = x * 2
        with mg.no_grad():
            v = y[0:1]
        v *= 3
        y.sum().backward()
        return x.grad

    error_or([6.0, 2.0, 2.0], run)


def test_a_view_of_what_was_detached_in_place() -> None:
    def run() -> Any:
        x = leaf(1.0, 2.0, 3.0)
        y = x * 2
        v = y.view(3)
        y.detach_()
        y *= 3
        v.sum().backward()
        return x.grad

    error_or([6.0, 6.0, 6.0], run)


def test_views_of_a_leaf_under_no_grad_change_it() -> None:
    """The way to initialise: no history, and the memory of the leaf."""
    x = leaf(1.0, 2.0)
    with mg.no_grad():
        x[0:1].fill_(5.0)
    (x * x).sum().backward()
    close(x.grad, [10.0, 4.0])


# ------------------------------------------------------------------------------ leaves, modes


def test_a_leaf_that_no_longer_requires_grad_gets_none() -> None:
    w = leaf(1.0)
    loss = (w * 2).sum()
    w.requires_grad_(False)
    with contextlib.suppress(RuntimeError):
        loss.backward()
    assert w.grad is None


def test_unique_numbers_are_recorded_or_refused() -> None:
    def run() -> Any:
        x = leaf(1.0, 2.0)
        (x.unique() * x).sum().backward()
        return x.grad

    error_or([2.0, 4.0], run)


def test_a_parameter_of_a_tensor_that_is_changed_in_place_shares_its_memory() -> None:
    t = mg.ones(2)
    p = mg.nn.Parameter(t)
    x = leaf(1.0, 2.0).float()
    with contextlib.suppress(RuntimeError):
        t += x
        close(p, t.detach().numpy())


# ---------------------------------------------------------------- masks, indices, other operands


def refilled(call: Callable[[Any, mg.Tensor], Any]) -> Any:
    """The gradient through a call with a mask that is filled anew before backward."""
    x = leaf(1.0, 2.0)
    mask = np.array([True, False])
    loss = call(mask, x).sum()
    np.equal(x.detach().numpy(), 2.0, out=mask)
    loss.backward()
    return x.grad


@pytest.mark.parametrize(
    "call",
    [
        lambda mask, x: mg.where(mask, x, 0.0),
        lambda mask, x: np.where(mask, x, 0.0),
        lambda mask, x: mg.where(mg.from_numpy(mask), x, 0.0),
        lambda mask, x: x.masked_fill(~mg.from_numpy(mask), 0.0),
        lambda mask, x: x[mask],
        lambda mask, x: x.masked_select(mg.from_numpy(mask)),
        lambda mask, x: np.compress(mask, x),
        lambda mask, x: x * mask,
        lambda mask, x: x * memoryview(mask),
    ],
)
def test_a_mask_that_is_filled_anew_counts_as_it_was(call: Any) -> None:
    error_or([1.0, 0.0], lambda: refilled(call))


def test_a_filled_mask_of_masked_fill_counts_as_it_was() -> None:
    """Kept where the mask is false."""
    error_or([0.0, 1.0], lambda: refilled(lambda mask, x: x.masked_fill(mask, 0.0)))


def moved(call: Callable[[Any, mg.Tensor], Any]) -> Any:
    """The gradient through a call with an index that is changed before backward."""
    x = mg.tensor([[1.0], [2.0]], dtype=mg.float64, requires_grad=True)
    index = np.array([0, 0])
    loss = call(index, x).sum()
    index[:] = 1
    loss.backward()
    return x.grad


@pytest.mark.parametrize(
    "call",
    [
        lambda index, x: x[index],
        lambda index, x: F.embedding(mg.from_numpy(index), x),
        lambda index, x: F.embedding(index, x),
        lambda index, x: x.index_select(0, mg.from_numpy(index)),
        lambda index, x: x.gather(0, mg.from_numpy(index[:, None])),
        lambda index, x: np.take(x, index, 0),
        lambda index, x: np.take_along_axis(x, index[:, None], 0),
        lambda index, x: mg.take(x, mg.from_numpy(index)),
    ],
)
def test_an_index_that_is_changed_counts_as_it_was(call: Any) -> None:
    error_or([[2.0], [0.0]], lambda: moved(call))


class Shares:
    """An array-like that gives out its own memory."""

    def __init__(self, numbers: np.ndarray) -> None:
        self.numbers = numbers

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.numbers


def series(numbers: np.ndarray) -> Any:
    return pytest.importorskip("pandas").Series(numbers, copy=False)


@pytest.mark.parametrize("make", [memoryview, Shares, series], ids=["memoryview", "own", "series"])
def test_an_operand_that_shares_memory_counts_as_it_was(make: Any) -> None:
    def run() -> Any:
        x, numbers = leaf(1.0, 1.0), np.array([2.0, 3.0])
        loss = mg.mul(x, make(numbers)).sum()
        numbers[:] = 7.0
        loss.backward()
        return x.grad

    error_or([2.0, 3.0], run)


def test_an_array_of_python_that_is_changed_counts_as_it_was() -> None:
    def run() -> Any:
        x, numbers = leaf(1.0, 1.0), array.array("d", [2.0, 3.0])
        loss = mg.mul(x, numbers).sum()
        numbers[0] = 7.0
        loss.backward()
        return x.grad

    error_or([2.0, 3.0], run)


@pytest.mark.parametrize(
    "strange",
    [
        np.array([1, 2.5], object),
        Fraction(5, 2),
        np.array([2.0, 2.5]).view(np.matrix),
        np.array([1, 2], "m8[s]"),
        np.ma.masked_array([1.0, 2.0], [True, False]),
    ],
    ids=["object", "Fraction", "matrix", "timedelta", "masked"],
)
@pytest.mark.parametrize("call", [lambda x, y: x * y, lambda x, y: y * x, mg.add, mg.maximum])
def test_strange_operands_are_numbers_or_refused(strange: Any, call: Any) -> None:
    """Never a graph that is cut, and never another shape."""
    x = leaf(1.0, 2.0)
    try:
        out = call(x, strange)
    except (TypeError, RuntimeError):  # where NumPy asks for an array: it would lose the graph
        return
    numbers = np.asarray(strange, float)
    assert out.requires_grad
    assert out.shape == np.broadcast_shapes((2,), numbers.shape)
    out.sum().backward()
    assert x.grad is not None


SPARSE = {
    "where": lambda A: mg.where(A, mg.ones(2, 2), 0.0),
    "np.where": lambda A: np.where(A, mg.ones(2, 2), 0.0),
    "add": lambda A: mg.ones(2, 2) + A,
    "maximum": lambda A: mg.maximum(mg.ones(2, 2), A),
    "masked_fill": lambda A: mg.ones(2, 2).masked_fill(A, 1.0),
    "copy_": lambda A: mg.ones(2, 2).copy_(A),
    "t[i] = A": lambda A: mg.ones(2, 2).__setitem__(0, A),
    "linear": lambda A: F.linear(mg.ones(2, 2), A),
    "tensor": mg.tensor,
}


@pytest.mark.parametrize("call", SPARSE.values(), ids=SPARSE)
def test_a_sparse_matrix_where_an_array_is_wanted(call: Any) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"toarray\(\)"):
        call(sparse.csr_matrix(np.eye(2)))


def test_a_gathered_number_does_not_share_memory() -> None:
    x = mg.tensor(1.5)
    x.gather(0, mg.tensor(0)).add_(1)
    assert x.item() == 1.5


# ------------------------------------------------------------------------------ memory of layers


@pytest.mark.parametrize(
    "make",
    [
        lambda: mg.nn.Linear(3, 2).weight,
        lambda: mg.nn.LSTM(2, 3).weight_ih_l0,
        lambda: mg.nn.GRUCell(2, 3).weight_hh,
        lambda: mg.nn.MultiheadAttention(4, 2).in_proj_weight,
        lambda: mg.ones(2, 3)[:, [0, 1]],
        lambda: mg.ones(2, 3).index_select(1, mg.tensor([0, 1])),
        lambda: F.interpolate(mg.ones(1, 1, 3), 6, mode="linear"),
    ],
    ids=["Linear", "LSTM", "GRUCell", "attention", "columns", "index_select", "interpolate"],
)
@pytest.mark.parametrize("flat", ["view", "reshape", "flatten", "ravel"])
def test_a_flat_view_changes_the_tensor_or_is_refused(make: Any, flat: str) -> None:
    """A copy would take the change without a word: a numerical gradient by hand would be 0."""
    t = make()
    shape = (-1,) if flat in ("view", "reshape") else ()
    try:
        getattr(t.data, flat)(*shape).zero_()
    except (RuntimeError, ValueError):
        assert not t.is_contiguous()
        return
    assert not t.detach().numpy().any()


@pytest.mark.parametrize("flat", ["view", "reshape", "flatten", "ravel"])
def test_a_flat_view_of_a_gradient_changes_it_or_is_refused(flat: str) -> None:
    layer = mg.nn.Linear(3, 2)
    layer(mg.ones(4, 3)).sum().backward()
    shape = (-1,) if flat in ("view", "reshape") else ()
    try:
        getattr(layer.weight.grad, flat)(*shape)[0] = 7.0
    except ValueError:
        assert not layer.weight.grad.is_contiguous()
        return
    assert layer.weight.grad.numpy().flat[0] == 7.0


def test_a_copy_where_a_view_was_meant_gives_no_array_to_write_to() -> None:
    layer = mg.nn.Linear(3, 2)
    flat = layer.weight.detach().reshape(-1).numpy()
    assert np.shares_memory(flat, layer.weight.detach().numpy()) or not flat.flags.writeable


def test_copies_that_are_meant_can_be_changed() -> None:
    """Of a transpose, and of what nobody holds any longer, `reshape` is a copy in PyTorch, too."""
    x = mg.arange(6.0).reshape(2, 3)
    close(x.T.reshape(-1).add_(1), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0])
    close((x.T * 2).flatten().add_(1), [1.0, 7.0, 3.0, 9.0, 5.0, 11.0])
    close(x, [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
    weight = mg.nn.Linear(3, 2).weight
    weight.data.reshape(-1).clone().zero_()


FRESH = {
    "columns": lambda x: x[:, [0, 1]],
    "mask": lambda x: x[:, np.array([True, False, True])],
    "index_select": lambda x: x.index_select(1, mg.tensor([2, 0])),
    "cat": lambda x: mg.cat([x.T, x.T]),
    "stack": lambda x: mg.stack([x.T, x.T]),
    "pad": lambda x: F.pad(x.T, (1, 1)),
}


@pytest.mark.parametrize("make", FRESH.values(), ids=FRESH)
def test_a_flat_view_of_a_recorded_result_is_one(make: Any) -> None:
    """In PyTorch these results lie row by row, so that a flat view sees them, and they see it."""
    x = leaf(*range(1, 7))
    y = make(x.reshape(2, 3))
    total = float(y.detach().square().sum())
    y.reshape(-1).mul_(3)
    loss = y.square().sum()
    assert loss.item() == pytest.approx(9 * total)
    loss.backward()
    # of a function of degree 2 the gradient times x is twice the value
    assert float((x.grad * x.detach()).sum()) == pytest.approx(2 * 9 * total)


def test_a_copy_instead_of_a_recorded_view_cannot_be_changed() -> None:
    y = leaf(*range(6)).reshape(2, 3).T * 2
    flat = y.view(-1)
    with pytest.raises(ValueError, match="cannot be written to"):
        flat += 1


# ------------------------------------------------------------------------------ threads


def in_threads(function: Callable[[], None], count: int = 8) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[0]


def test_threads_add_to_one_gradient() -> None:
    w = mg.zeros(200_000, requires_grad=True)

    def run() -> None:
        for _ in range(25):
            (w * 1.0).sum().backward()

    in_threads(run)
    np.testing.assert_array_equal(w.grad.numpy(), 200.0)


def test_two_threads_through_one_graph() -> None:
    w = leaf(*range(1000))
    loss = (w * w).sum()
    in_threads(lambda: loss.backward(retain_graph=True), 2)
    close(w.grad, 4.0 * np.arange(1000))


def test_a_mode_that_threads_share_does_not_leak() -> None:
    mode = mg.no_grad()
    meet = threading.Barrier(2, timeout=10)

    def run() -> None:
        with mode:
            meet.wait()
            assert not mg.is_grad_enabled()
        meet.wait()
        assert mg.is_grad_enabled()

    in_threads(run, 2)
    assert mg.is_grad_enabled()


def test_sixteen_threads_train_sixteen_nets_as_one_after_the_other() -> None:
    rng = np.random.default_rng(0)
    X, y = mg.tensor(rng.random((32, 4), np.float32)), mg.tensor(rng.integers(0, 3, 32))

    def nets() -> list[mg.nn.Module]:
        made = []
        for seed in range(16):
            mg.manual_seed(seed)
            made.append(mg.nn.Sequential(mg.nn.Linear(4, 8), mg.nn.ReLU(), mg.nn.Linear(8, 3)))
        return made

    def train(net: mg.nn.Module) -> None:
        optimizer = mg.optim.Adam(net.parameters(), 0.01)
        for _ in range(20):
            optimizer.zero_grad()
            F.cross_entropy(net(X), y).backward()
            optimizer.step()

    alone, together = nets(), nets()
    for net in alone:
        train(net)
    waiting = list(together)
    in_threads(lambda: train(waiting.pop()), 16)
    for one, other in zip(alone, together):
        for p, q in zip(one.parameters(), other.parameters()):
            np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


# ------------------------------------------------------------------------------ many views


def calls_made(function: Callable[[], Any]) -> int:
    """How many calls of Python and C functions running `function` takes."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        kept = function()
    finally:
        sys.setprofile(None)
    assert kept is not None
    return count


ROWS: dict[str, Callable[[mg.Tensor], Any]] = {
    "list": list,
    "unbind": lambda x: x.unbind(),
    "split": lambda x: x.split(1),
    "indices": lambda x: [x[i] for i in range(len(x))],
}


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("take", ROWS.values(), ids=ROWS)
def test_the_rows_of_a_tensor_cost_as_much_as_there_are(take: Any, recorded: bool) -> None:
    """All of them are kept, and each is a view that knows the others."""
    made = [mg.zeros(n, 2, requires_grad=recorded) * 1 for n in (500, 1000, 2000)]
    few, more, most = [calls_made(lambda x=x: take(x)) for x in made]
    assert most - more <= 2.2 * (more - few)
