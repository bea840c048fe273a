"""What backward and grad mean: accumulation, freeing, hooks, modes, and what they leave alone."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import minigrad as mg


def draw(*shape: int, seed: int = 0, dtype: str = "float64") -> mg.Tensor:
    array = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    return mg.tensor(array, requires_grad=True)


@pytest.fixture
def g() -> np.ndarray:
    return np.random.default_rng(99).standard_normal((2, 3))


# ------------------------------------------------------------------------------------- accumulation


def test_gradients_add_up_in_grad(g: np.ndarray) -> None:
    x = draw(2, 3)
    (x * x).backward(mg.tensor(g))
    first = x.grad.numpy().copy()
    (x * x).backward(mg.tensor(g))
    np.testing.assert_array_equal(x.grad.numpy(), 2 * first)
    np.testing.assert_allclose(first, 2 * x.detach().numpy() * g, rtol=1e-15)


@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (lambda x: x * x, lambda x: 2 * x),
        (lambda x: x - x, lambda x: 0 * x),
        (lambda x: x + x, lambda x: 0 * x + 2),
        (lambda x: x / x, lambda x: 0 * x),
        (lambda x: (x * 2) * (x * 3), lambda x: 12 * x),
        (lambda x: 1.0 - x, lambda x: 0 * x - 1),
        (lambda x: mg.exp(x) * mg.exp(-x) + x, lambda x: 0 * x + 1),
    ],
    ids=["x*x", "x-x", "x+x", "x/x", "diamond", "1-x", "two paths"],
)
def test_every_path_to_an_input_counts(function, derivative, g: np.ndarray) -> None:
    x = draw(2, 3)
    (found,) = mg.autograd.grad(function(x), x, mg.tensor(g))
    np.testing.assert_allclose(found.numpy(), g * derivative(x.detach().numpy()), atol=1e-15)


def test_a_parameter_used_twice_gets_both_contributions() -> None:
    weight, x = draw(3, 3, seed=1), draw(2, 3, seed=2)
    mg.testing.check_gradients(
        lambda x, w: mg.exp(mg.exp(x @ w) @ w * 0.1), (x, weight), raise_exception=True
    )


def test_gradients_reach_a_base_through_its_views(g: np.ndarray) -> None:
    x = draw(4, 3)
    y = x[1:3] * 2 + x[:2]
    (found,) = mg.autograd.grad(y, x, mg.tensor(g))
    want = np.zeros((4, 3))
    want[1:3] += 2 * g
    want[:2] += g
    np.testing.assert_allclose(found.numpy(), want)


def test_grad_touches_no_grad_attribute() -> None:
    x, w = draw(3), draw(3, seed=1)
    mg.autograd.grad((x * w).sum(), x)
    assert x.grad is None
    assert w.grad is None


def test_backward_with_inputs_fills_only_those() -> None:
    x, w = draw(3), draw(3, seed=1)
    (x * w).sum().backward(inputs=[w])
    assert x.grad is None
    np.testing.assert_array_equal(w.grad.numpy(), x.detach().numpy())


def test_backward_of_several_tensors_adds_them() -> None:
    x = draw(3)
    v = np.arange(3.0)
    mg.autograd.backward([x.sum(), x * x], [None, mg.tensor(v)])
    np.testing.assert_allclose(x.grad.numpy(), 1 + 2 * x.detach().numpy() * v)


# -------------------------------------------------------------------- a second backward, and orders


def test_second_backward_is_an_error_unless_the_graph_was_retained() -> None:
    x = draw(3)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match=r"second time.*retain_graph=True"):
        y.backward()


def test_a_failed_second_backward_leaves_grad_alone() -> None:
    x = draw(3)
    y = (x * x).sum()
    y.backward()
    before = x.grad.numpy().copy()
    with pytest.raises(RuntimeError):
        (y * 2 + x.sum()).backward()
    np.testing.assert_array_equal(x.grad.numpy(), before)


def test_derivatives_of_any_order() -> None:
    x = mg.tensor(0.7, dtype=mg.float64, requires_grad=True)
    y = mg.exp(2 * x)
    for order in range(1, 6):
        (y,) = mg.autograd.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(2**order * np.exp(1.4), rel=1e-12)


def test_create_graph_makes_grad_differentiable() -> None:
    x = draw(3)
    (x * x * x).sum().backward(create_graph=True)
    penalty = (x.grad * x.grad).sum()
    (second,) = mg.autograd.grad(penalty, x)
    np.testing.assert_allclose(second.numpy(), 36 * x.detach().numpy() ** 3, rtol=1e-12)


def test_create_graph_retains_the_graph() -> None:
    x = draw(3)
    y = (x * x).sum()
    (first,) = mg.autograd.grad(y, x, create_graph=True)
    (again,) = mg.autograd.grad(y, x)
    np.testing.assert_array_equal(again.numpy(), first.detach().numpy())


# --------------------------------------------------------------------------------- grad's arguments


def test_unused_inputs() -> None:
    x, w = draw(3), draw(2, seed=1)
    y = x.sum()
    with pytest.raises(RuntimeError, match="allow_unused=True"):
        mg.autograd.grad(y, [x, w], retain_graph=True)
    found = mg.autograd.grad(y, [x, w], allow_unused=True, retain_graph=True)
    assert found[1] is None
    found = mg.autograd.grad(y, [x, w], materialize_grads=True)
    np.testing.assert_array_equal(found[1].numpy(), np.zeros(2))


def test_gradient_of_a_result_on_the_way() -> None:
    x = draw(3)
    h = x * 2
    y = (h * h).sum()
    found = mg.autograd.grad(y, [h, x])
    np.testing.assert_allclose(found[0].numpy(), 2 * h.detach().numpy())
    np.testing.assert_allclose(found[1].numpy(), 4 * h.detach().numpy())


def test_gradient_of_a_tensor_for_itself(g: np.ndarray) -> None:
    for y in (draw(2, 3), draw(2, 3) * 2):
        (found,) = mg.autograd.grad(y, y, mg.tensor(g))
        np.testing.assert_array_equal(found.numpy(), g)


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda x: (x * 2).backward(), RuntimeError, "single number"),
        (lambda x: x.detach().sum().backward(), RuntimeError, "does not require grad"),
        (lambda x: x.argmax().backward(), RuntimeError, "an operation without a gradient"),
        (lambda x: mg.linalg.matrix_rank(x[None]).backward(), RuntimeError, r"\(a rank, argmax"),
        (lambda x: (x * 2).backward(mg.ones(2)), ValueError, r"\(2,\).*\(3,\)"),
        (lambda x: (x * 2).backward("one"), TypeError, "str"),
        (lambda x: mg.autograd.grad(x.sum(), mg.ones(3)), RuntimeError, "input 0"),
        (lambda x: mg.autograd.grad(x.sum(), [1.0]), TypeError, "float"),
        (lambda x: mg.autograd.grad(x * 2, x, [mg.ones(3)] * 2), ValueError, "2 given for 1"),
        (
            lambda x: mg.autograd.grad(x.sum(), x, is_grads_batched=True),
            ValueError,
            "first axis",
        ),
        (lambda x: x.sum().backward(inputs=[]), RuntimeError, "empty"),
        (lambda x: x.sum().backward(inputs=[x * 2]), RuntimeError, "leaves"),
        (lambda x: mg.tensor([1, 2], requires_grad=True), RuntimeError, "floating"),
        (lambda x: mg.tensor([True], requires_grad=True), RuntimeError, "floating"),
    ],
)
def test_refusals_say_why_and_change_nothing(act, error, words) -> None:
    x = draw(3)
    with pytest.raises(error, match=words):
        act(x)
    assert x.grad is None


# -------------------------------------------------------------------------------------------- hooks


def test_hooks_on_leaves_and_results_see_and_replace_gradients() -> None:
    x = draw(3)
    seen = []
    h = x * 2
    h.register_hook(lambda g: seen.append(g.numpy().copy()))
    handle = x.register_hook(lambda g: g * 10)
    (h * 3).sum().backward()
    np.testing.assert_array_equal(seen, [[3.0, 3.0, 3.0]])
    np.testing.assert_array_equal(x.grad.numpy(), [60.0, 60.0, 60.0])
    handle.remove()
    x.grad = None
    (x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 2.0, 2.0])


def test_a_hook_sees_the_whole_gradient_once() -> None:
    x = draw(3)
    calls = []
    h = x * 2
    h.register_hook(lambda g: calls.append(g.numpy().copy()))
    (h * h + h).sum().backward()
    assert len(calls) == 1
    np.testing.assert_allclose(calls[0], 2 * h.detach().numpy() + 1)


def test_a_hook_that_returns_another_shape_is_refused() -> None:
    x = draw(3)
    x.register_hook(lambda g: g.sum())
    with pytest.raises(ValueError, match="hook"):
        x.sum().backward()
    assert x.grad is None


def test_retain_grad_keeps_the_gradient_of_a_result() -> None:
    x = draw(3)
    h = x * 2
    with pytest.warns(UserWarning, match=r"result of mul.*retain_grad"):
        assert h.grad is None
    h.retain_grad()
    assert h.grad is None  # and says nothing: it will come
    (h * h).sum().backward()
    np.testing.assert_allclose(h.grad.numpy(), 2 * h.detach().numpy())


# -------------------------------------------------------------------------------------------- modes


def test_modes_nest_and_come_back_after_an_error() -> None:
    x = draw(3)
    with mg.no_grad():
        assert not (x * 2).requires_grad
        with mg.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    with pytest.raises(KeyError), mg.no_grad():
        raise KeyError
    assert mg.is_grad_enabled()


def test_modes_decorate_functions() -> None:
    x = draw(3)
    for mode in (mg.no_grad(), mg.no_grad, mg.inference_mode(), mg.inference_mode):
        assert not mode(lambda: x * 2)().requires_grad
    assert mg.inference_mode(False)(lambda: x * 2)().requires_grad
    assert mg.is_grad_enabled()


def test_modes_are_per_thread() -> None:
    x, seen = draw(3), []
    with mg.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_threads_can_differentiate_at_the_same_time() -> None:
    def work(seed: int) -> None:
        for _ in range(50):
            x = draw(20, seed=seed)
            (mg.exp(x) * x).sum().backward()
            a = x.detach().numpy()
            results.append(np.allclose(x.grad.numpy(), np.exp(a) * (1 + a)))

    results: list[bool] = []
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 200
    assert all(results)


def test_anomaly_detection_names_the_op_and_the_line() -> None:
    x = mg.tensor([0.0, 1.0], requires_grad=True)
    with mg.autograd.detect_anomaly(), np.errstate(all="ignore"):
        y = (x / x).sum()
        with pytest.raises(RuntimeError, match=r"divide[\s\S]*y = \(x / x\)\.sum\(\)"):
            y.backward()
    assert not mg.autograd.is_anomaly_enabled()
    assert x.grad is None


# ------------------------------------------------------------------------------ who owns a gradient


def test_gradients_of_two_leaves_never_share_memory(g: np.ndarray) -> None:
    x, y = draw(2, 3), draw(2, 3, seed=1)
    cotangent = mg.tensor(g)
    (x + y).backward(cotangent)
    assert not np.shares_memory(x.grad.numpy(), y.grad.numpy())
    assert not np.shares_memory(x.grad.numpy(), cotangent.numpy())
    x.grad.zero_()
    np.testing.assert_array_equal(y.grad.numpy(), g)
    np.testing.assert_array_equal(cotangent.numpy(), g)


def test_gradients_that_grad_returns_never_share_memory(g: np.ndarray) -> None:
    x, y = draw(2, 3), draw(2, 3, seed=1)
    cotangent = mg.tensor(g)
    found = mg.autograd.grad(x + y, [x, y, x], cotangent)
    arrays = [t.numpy() for t in found] + [cotangent.numpy()]
    for i, a in enumerate(arrays):
        for b in arrays[:i]:
            assert not np.shares_memory(a, b)


def test_a_gradient_that_is_a_broadcast_view_becomes_an_array_of_its_own() -> None:
    x = draw(2, 3)
    x.sum().backward()
    x.grad += 1
    np.testing.assert_array_equal(x.grad.numpy(), np.full((2, 3), 2.0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_have_the_type_of_their_tensor(dtype: str) -> None:
    x, w = draw(2, 3, dtype=dtype), draw(3, 2, seed=1, dtype=dtype)
    (mg.exp(x @ w) * 2.5 / np.sqrt(2)).sum().backward()
    assert x.grad.dtype == w.grad.dtype == np.dtype(dtype)


def test_mixed_types_each_get_their_own() -> None:
    x, w = draw(3, dtype="float32"), draw(3, seed=1)
    y = x * w
    assert y.dtype == np.float64
    y.sum().backward()
    assert x.grad.dtype == np.float32
    assert w.grad.dtype == np.float64


# --------------------------------------------------------------------------- nothing silently wrong


@mg.op(lambda g, x: fail())
def _failing(x):
    return np.array(x)


def fail() -> None:
    raise ZeroDivisionError("planted")


def test_a_failing_vjp_leaves_grad_as_it_was() -> None:
    x, w = draw(3), draw(3, seed=1)
    (x * w).sum().backward()
    before = x.grad.numpy().copy(), w.grad.numpy().copy()
    with pytest.raises(ZeroDivisionError) as caught:
        (w.sum() + (_failing(x) * w).sum()).backward()
    assert "failing" in "".join(caught.value.__notes__)
    np.testing.assert_array_equal(x.grad.numpy(), before[0])
    np.testing.assert_array_equal(w.grad.numpy(), before[1])


def test_changing_what_a_node_saved_is_an_error() -> None:
    x, w = draw(3), mg.tensor(np.ones(3))
    y = (x * w).sum()
    w += 1
    with pytest.raises(RuntimeError, match=r"\+=.*in place.*mul"):
        y.backward()
    assert x.grad is None


def test_changing_what_no_node_saved_is_fine() -> None:
    x, w = draw(3), mg.tensor(np.ones(3))
    y = (x + w).sum()
    w += 1
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.ones(3))


# ---------------------------------------------------------------- what one tensor's gradient is not


def test_a_hook_that_writes_to_its_gradient_changes_that_of_its_tensor_only() -> None:
    x, y, cotangent = draw(3), draw(3, seed=1), mg.ones(3, dtype=mg.float64)

    def enlarge(gradient: mg.Tensor) -> None:
        gradient.mul_(5)

    x.register_hook(enlarge)
    (x + y).backward(cotangent)
    assert x.grad.tolist() == [5.0] * 3
    assert y.grad.tolist() == [1.0] * 3
    assert cotangent.tolist() == [1.0] * 3


def test_a_hook_may_write_to_the_gradient_that_backward_starts_from() -> None:
    x = mg.tensor(2.0, requires_grad=True)
    y = x * 3
    y.register_hook(lambda gradient: gradient.mul_(10))
    y.backward()
    assert x.grad.item() == 30.0


def test_a_hook_keeps_the_type_of_the_gradient() -> None:
    x = draw(3, dtype="float32")
    x.register_hook(lambda gradient: gradient.double() * 2)
    x.sum().backward()
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [2.0] * 3


def test_a_hook_that_returns_no_tensor_is_refused() -> None:
    x = draw(3)
    x.register_hook(lambda gradient: 5)
    with pytest.raises(TypeError, match="returns None or a tensor, got int"):
        x.sum().backward()
    assert x.grad is None


def test_recorded_gradients_of_two_leaves_never_share_memory() -> None:
    x, y = draw(3), draw(3, seed=1)
    (x + y).sum().backward(create_graph=True)
    with mg.no_grad():
        x.grad.zero_()
    assert y.grad.tolist() == [1.0] * 3


def test_retain_grad_follows_a_tensor_that_is_changed_in_place() -> None:
    x = draw(3)
    y = x * 2
    y.retain_grad()
    y *= 3
    (y * 5).sum().backward()
    assert y.grad.tolist() == [5.0] * 3
    assert x.grad.tolist() == [30.0] * 3


# ------------------------------------------------------------------------ plain arrays that change


@pytest.mark.parametrize(
    ("use", "change", "expected"),
    [
        (lambda x, a: x * a, 7.0, [1.0, 2.0, 3.0]),
        (lambda x, a: a * x, 7.0, [1.0, 2.0, 3.0]),
        (lambda x, a: np.multiply(a, x), 7.0, [1.0, 2.0, 3.0]),
        (lambda x, a: a @ x, 7.0, [1.0, 2.0, 3.0]),
        (lambda x, a: mg.where(a > 1.5, x, 0.0), 7.0, [0.0, 1.0, 1.0]),
        (lambda x, a: np.einsum("i,i->", a, x), 7.0, [1.0, 2.0, 3.0]),
    ],
    ids=["x*a", "a*x", "np.multiply", "a@x", "where", "einsum"],
)
def test_an_array_that_was_used_may_change(use, change, expected) -> None:
    x = mg.ones(3, dtype=mg.float64, requires_grad=True)
    array = np.array([1.0, 2.0, 3.0])
    out = use(x, array).sum()
    array[:] = change
    out.backward()
    assert x.grad.tolist() == expected


@pytest.mark.parametrize(
    "use",
    [
        lambda x, index: x[index],
        lambda x, index: x[index, ...],
        lambda x, index: mg.gather(x, 0, index),
        lambda x, index: mg.take(x, index),
        lambda x, index: np.take(x, index),
        lambda x, index: mg.index_select(x, 0, index),
    ],
    ids=["x[i]", "x[i, ...]", "gather", "take", "np.take", "index_select"],
)
def test_an_index_array_that_was_used_may_change(use) -> None:
    x = mg.ones(3, requires_grad=True)
    index = np.array([0, 1])
    out = use(x, index).sum()
    index[:] = 2
    out.backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.0]


# --------------------------------------------------------------------------------- modes, once more


@pytest.mark.parametrize("mode", [mg.no_grad, mg.no_grad(), mg.inference_mode()])
def test_a_mode_decorates_generators_and_leaves_their_callers_alone(mode) -> None:
    @mode
    def steps():
        given = yield (draw(2) * 2).requires_grad
        try:
            yield given, (draw(2) * 2).requires_grad
        except ValueError:
            yield (draw(2) * 2).requires_grad
        return "done"

    running = steps()
    assert next(running) is False
    assert mg.is_grad_enabled()
    assert running.send(4) == (4, False)
    assert running.throw(ValueError()) is False
    assert mg.is_grad_enabled()
    with pytest.raises(StopIteration, match="done"):
        next(running)


def test_set_grad_enabled_decorates_and_changes_nothing_else() -> None:
    @mg.set_grad_enabled(False)
    def double(x: mg.Tensor) -> mg.Tensor:
        return x * 2

    assert mg.is_grad_enabled()
    assert not double(draw(2)).requires_grad
    assert mg.is_grad_enabled()


def test_a_message_without_a_module_names_none() -> None:
    x = draw(3)
    y = (x * x).sum()
    x.data.zero_()
    with pytest.raises(RuntimeError) as caught:
        y.backward()
    assert "recorded in" not in str(caught.value)


# ---------------------------------------------------------------------- several cotangents at once


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_batch_of_cotangents_gives_a_batch_of_gradients(create_graph: bool) -> None:
    rng = np.random.default_rng(0)
    x = mg.tensor(rng.standard_normal(3), requires_grad=True)
    w = mg.tensor(rng.standard_normal((2, 3)), requires_grad=True)
    unused = mg.tensor([1.0], requires_grad=True)

    def outputs() -> Any:
        return (w @ x) ** 2, x.sum() * x[0]

    batches = [mg.tensor(rng.standard_normal((4, 2))), mg.tensor(rng.standard_normal(4))]
    found = mg.autograd.grad(
        outputs(), [x, w, unused], batches, create_graph=create_graph, allow_unused=True,
        is_grads_batched=True,
    )  # fmt: skip
    assert found[2] is None
    for i in range(4):
        row = [batch[i] for batch in batches]
        expected = mg.autograd.grad(outputs(), [x, w], row)
        for batch, single in zip(found, expected):
            np.testing.assert_allclose(batch[i].detach().numpy(), single.numpy(), 1e-12)
    assert found[0].requires_grad is create_graph
    y = (w @ x) ** 2
    jacobian = mg.autograd.grad(y, x, mg.eye(2, dtype=mg.float64), is_grads_batched=True)[0]
    np.testing.assert_allclose(jacobian.numpy(), (2 * (w @ x)[:, None] * w).detach().numpy(), 1e-12)
    with pytest.raises(RuntimeError, match="second time"):
        mg.autograd.grad(y, x, mg.ones(2, dtype=mg.float64))


@pytest.mark.parametrize("batches", [None, mg.ones(()), mg.ones(0, 2), [mg.ones(2, 2), mg.ones(3)]])
def test_a_batch_of_cotangents_has_a_first_axis(batches: Any) -> None:
    x = mg.ones(2, requires_grad=True)
    outputs = [x * 2, x.sum()] if isinstance(batches, list) else x * 2
    with pytest.raises(ValueError, match="first axis"):
        mg.autograd.grad(outputs, x, batches, is_grads_batched=True)


def test_only_inputs_is_for_older_programs() -> None:
    x = mg.ones(2, requires_grad=True)
    assert mg.autograd.grad(x.sum(), x, only_inputs=True)[0].tolist() == [1, 1]
    with pytest.raises(ValueError, match="backward"):
        mg.autograd.grad(x.sum(), x, only_inputs=False)
