"""Derivatives of functions: minigrad.func, autograd.functional, autograd.Function."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import func
from minigrad.autograd import functional

rng = np.random.default_rng(0)
A = mg.tensor(rng.standard_normal((3, 3)))
X = mg.tensor(rng.standard_normal(3))
V = mg.tensor(rng.standard_normal(3))


def vector(x: Any) -> Any:
    return mg.exp(A @ x) * x


def number(x: Any) -> Any:
    return mg.exp(x * (A @ x)).sum()


def close(a: Any, b: Any, rtol: float = 1e-10) -> None:
    mg.testing.assert_close(a, b, rtol=rtol, atol=1e-12)


def numeric(f: Any, x: Any = X) -> np.ndarray:
    return mg.testing.numerical_jacobian(lambda a: f(mg.tensor(a)).numpy(), x.numpy())[0]


# ---------------------------------------------------------------------------- values of derivatives


def test_jacobians_by_both_modes_are_the_numeric_one() -> None:
    want = numeric(vector)
    np.testing.assert_allclose(func.jacrev(vector)(X).numpy(), want, rtol=1e-8)
    close(func.jacfwd(vector)(X), func.jacrev(vector)(X))


def test_grad_and_value() -> None:
    gradient, value = func.grad_and_value(number)(X)
    np.testing.assert_allclose(gradient.numpy(), numeric(number), rtol=1e-8)
    close(value, number(X))
    gradient, (value, aux) = func.grad_and_value(lambda x: (number(x), x * 2), has_aux=True)(X)
    close(aux, X * 2)
    assert not gradient.requires_grad
    assert not aux.requires_grad


@pytest.mark.parametrize("outer", [func.jacrev, func.jacfwd])
@pytest.mark.parametrize("inner", [func.jacrev, func.jacfwd])
def test_hessians_by_all_four_combinations(outer: Any, inner: Any) -> None:
    want = numeric(func.grad(number))
    np.testing.assert_allclose(outer(inner(number))(X).numpy(), want, rtol=1e-7)


def test_hessian_vector_products_are_those_of_the_hessian() -> None:
    hessian = func.hessian(number)(X)
    close(functional.hvp(number, X, V)[1], hessian @ V)
    close(functional.vhp(number, X, V)[1], V @ hessian)
    close(func.jvp(func.grad(number), (X,), (V,))[1], hessian @ V)
    close(func.vjp(func.grad(number), X)[1](V)[0], V @ hessian)
    close(functional.hessian(number, X), hessian)
    close(functional.hessian(number, X, outer_jacobian_strategy="forward-mode"), hessian)


def test_products_with_the_jacobian_from_either_side() -> None:
    jacobian = func.jacrev(vector)(X)
    output, pull_back = func.vjp(vector, X)
    close(output, vector(X))
    close(pull_back(V)[0], V @ jacobian)
    output, pushed = func.jvp(vector, (X,), (V,))
    close(output, vector(X))
    close(pushed, jacobian @ V)
    output, push = func.linearize(vector, X)
    close(push(V), jacobian @ V)
    close(push(2 * V), 2 * (jacobian @ V))
    close(functional.jacobian(vector, X), jacobian)
    close(functional.jacobian(vector, X, strategy="forward-mode"), jacobian)
    close(functional.vjp(vector, X, V)[1], V @ jacobian)
    close(functional.jvp(vector, X, V)[1], jacobian @ V)


def test_jacobians_have_the_shapes_of_output_and_input() -> None:
    x = mg.tensor(rng.standard_normal((2, 3)))
    f = lambda x: mg.exp(x @ A)[:, :2]
    assert func.jacrev(f)(x).shape == func.jacfwd(f)(x).shape == (2, 2, 2, 3)
    close(func.jacfwd(f)(x), func.jacrev(f)(x))


# ------------------------------------------------------------------------------------------ nesting


def test_derivatives_nest_to_any_depth() -> None:
    f = mg.exp
    for _ in range(4):
        f = func.grad(lambda x, f=f: f(2 * x).sum() if f is mg.exp else f(x))
    assert f(mg.tensor(0.3, dtype=mg.float64)).item() == pytest.approx(16 * np.exp(0.6))


def test_an_inner_derivative_depends_on_the_outer_variable() -> None:
    x, y = mg.tensor(2.0), mg.tensor(3.0)
    # d/dx d/dy (x y²) = 2 y
    assert func.grad(lambda x: func.grad(lambda y: x * y * y)(y))(x).item() == 6.0
    # perturbations are not confused: d/dx (x d/dy (x + y)) = 1
    assert func.grad(lambda x: x * func.grad(lambda y: x + y)(mg.tensor(1.0)))(x).item() == 1.0


def test_a_derivative_can_be_differentiated_by_backward() -> None:
    w = mg.tensor(2.0, requires_grad=True)
    func.grad(lambda x: w * x * x)(mg.tensor(3.0)).backward()
    assert w.grad.item() == 6.0


def test_plain_derivatives_are_constants_and_touch_no_grad() -> None:
    x = mg.tensor(rng.standard_normal(3), requires_grad=True)
    assert func.grad(number)(X).requires_grad is False
    assert func.grad(number)(x).requires_grad is True  # x may be differentiated further
    assert x.grad is None
    with mg.no_grad():
        assert func.grad(number)(x).requires_grad is False


# --------------------------------------------------------------------------------- trees, arguments


def test_trees_of_tuples_lists_and_dicts() -> None:
    tree = {"a": X, "b": [V, (X * 2,)]}
    f = lambda p: (p["a"] * p["b"][0]).sum() + (p["b"][1][0] ** 2).sum()
    found = func.grad(f)(tree)
    close(found["a"], V)
    close(found["b"][0], X)
    close(found["b"][1][0], 4 * X)
    rows = func.jacrev(lambda p: {"y": p["a"] * p["b"]})({"a": X, "b": V})
    close(rows["y"]["a"], mg.tensor(np.diag(V.numpy())))


def test_argnums() -> None:
    f = lambda x, y: (x * y * y).sum()
    close(func.grad(f, argnums=1)(X, V), 2 * X * V)
    first, second = func.grad(f, argnums=(0, 1))(X, V)
    close(first, V * V)
    close(second, 2 * X * V)
    close(func.grad(f, argnums=-1)(X, V), second)
    with pytest.raises(ValueError, match="argnums 2"):
        func.grad(f, argnums=2)(X, V)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="one entry"):
        func.grad(vector)(X)
    with pytest.raises(TypeError, match="floating-point"):
        func.grad(number)(mg.tensor([1, 2]))
    with pytest.raises(TypeError, match="tuples"):
        func.jvp(vector, X, V)
    with pytest.raises(ValueError, match="cotangents"):
        func.vjp(vector, X)[1]((V, V))
    with pytest.raises(RuntimeError, match="single number"):
        functional.hvp(vector, X, V)
    with pytest.raises(RuntimeError, match="v has shapes"):
        functional.vjp(vector, X, mg.ones(2))
    with pytest.raises(ValueError, match="strategy"):
        functional.jacobian(vector, X, strategy="sideways")
    with pytest.raises(ValueError, match="strategy"):
        functional.hessian(number, X, outer_jacobian_strategy="sideways")


# --------------------------------------------------------------------------------------------- vmap


def test_vmap_is_a_loop_over_the_batch_axis() -> None:
    batch = mg.tensor(rng.standard_normal((4, 3)))
    want = np.stack([vector(x).numpy() for x in batch])
    close(func.vmap(vector)(batch), mg.tensor(want))
    close(func.vmap(vector, in_dims=1)(batch.T), mg.tensor(want))
    close(func.vmap(vector, out_dims=1)(batch), mg.tensor(want.T))
    close(func.vmap(lambda x, w: x @ w, in_dims=(0, None))(batch, X), batch @ X)
    per_example = func.vmap(func.grad(number))(batch)
    close(per_example, mg.stack([func.grad(number)(x) for x in batch]))
    with pytest.raises(ValueError, match="batch"):
        func.vmap(lambda x, y: x * y)(batch, X)


# ------------------------------------------------------------------------------------------ modules


NET = mg.nn.Linear(3, 3)


def test_functional_call_replaces_parameters_for_one_call() -> None:
    net = mg.nn.Sequential(mg.nn.Linear(3, 2), mg.nn.Tanh(), mg.nn.Linear(2, 1))
    x = mg.tensor(rng.standard_normal((5, 3)).astype("float32"))
    before = net(x)
    parameters = {name: p.detach() * 2 for name, p in net.named_parameters()}
    other = func.functional_call(net, parameters, (x,))
    assert not np.allclose(other.detach().numpy(), before.detach().numpy())
    mg.testing.assert_close(net(x).detach(), before.detach())
    loss = lambda p: (func.functional_call(net, p, x) ** 2).mean()
    found = func.grad(loss)({name: p.detach() for name, p in net.named_parameters()})
    (net(x) ** 2).mean().backward()
    for name, p in net.named_parameters():
        mg.testing.assert_close(found[name], p.grad, rtol=1e-5)
    with pytest.raises(KeyError, match="nothing"):
        func.functional_call(net, {"nothing": x}, x)
    with pytest.raises(KeyError, match="strict"):
        func.functional_call(net, {}, x, strict=True)


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ((NET, ({"weight": A}, {"weight": A}), X), ValueError, "'weight' is in two"),
        ((NET, {"weight": 3.0}, X), TypeError, "'weight' is float, not a tensor"),
        ((NET, 3, X), TypeError, "come in a dict, or several, got int"),
        ((number, {}, X), TypeError, "first argument is a module, got function"),
    ],
)
def test_functional_call_refuses_what_it_cannot_put_in(
    arguments: Any, kind: Any, words: str
) -> None:
    weight = NET.weight
    with pytest.raises(kind, match=words):
        func.functional_call(*arguments)
    assert NET.weight is weight


def test_models_that_cannot_be_stacked_are_refused() -> None:
    one, other = mg.nn.Linear(2, 3), mg.nn.Linear(2, 3)
    with pytest.raises(ValueError, match=r"'weight' has shape \(3, 2\) .* \(3, 4\)"):
        func.stack_module_state([one, mg.nn.Linear(4, 3)])
    with pytest.raises(ValueError, match="training mode"):
        func.stack_module_state([one, other.eval()])


def test_an_ensemble_by_stacked_parameters() -> None:
    nets = [mg.nn.Linear(3, 2) for _ in range(4)]
    parameters, buffers = func.stack_module_state(nets)
    x = mg.tensor(rng.standard_normal((5, 3)).astype("float32"))
    call = lambda p, b, x: func.functional_call(nets[0], (p, b), x)
    together = func.vmap(call, in_dims=(0, None, None))(parameters, buffers, x)
    one_by_one = mg.stack([net(x) for net in nets])
    mg.testing.assert_close(together.detach(), one_by_one.detach())


# ----------------------------------------------------------------------------------------- Function


class Cube(mg.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 3 * x * x


class ExpBySaving(mg.autograd.Function):
    """Saves its output; the newer form with setup_context."""

    @staticmethod
    def forward(x: Any) -> Any:
        return mg.exp(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * ctx.saved_tensors[0]


class Several(mg.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, factor: float, y: Any) -> Any:
        ctx.factor = factor
        ctx.save_for_backward(x, y)
        order = mg.tensor(np.argsort(x.detach().numpy()))
        ctx.mark_non_differentiable(order)
        Several.needed = ctx.needs_input_grad
        return x * factor, order, x * y

    @staticmethod
    def backward(ctx: Any, g: Any, g_order: Any, h: Any) -> Any:
        x, y = ctx.saved_tensors
        return g * ctx.factor + h * y, None, h * x


@pytest.mark.parametrize("function", [Cube, ExpBySaving])
def test_functions_are_right_to_second_order(function: Any) -> None:
    assert mg.gradcheck(function.apply, X)
    assert mg.gradgradcheck(function.apply, X)
    assert mg.gradcheck(lambda x: mg.exp(function.apply(x * 0.5)), X)


def test_a_function_with_several_arguments_and_results() -> None:
    assert mg.gradcheck(lambda x, y: Several.apply(x, 3.0, y)[::2], (X, V))
    assert mg.gradcheck(lambda x, y: Several.apply(x, 3.0, y)[2], (X, V))
    x = mg.tensor(X.numpy(), requires_grad=True)
    first, order, last = Several.apply(x, 3.0, V)
    assert Several.needed == (True, False, False)
    assert first.requires_grad
    assert last.requires_grad
    assert not order.requires_grad


def test_a_function_is_freed_and_refuses_a_second_backward() -> None:
    x = mg.tensor([1.0], requires_grad=True)
    y = Cube.apply(x)
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


@pytest.mark.parametrize("function", [Cube, ExpBySaving])
def test_what_a_function_saved_is_freed_by_backward_and_by_nothing_later(function: Any) -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    h = x * 2
    y = function.apply(h)
    saved = [weakref.ref(t._array) for t in (h, y)]
    loss = y.sum()
    del h, y
    assert any(array() is not None for array in saved)
    gc.disable()  # the arrays go at once: no cycle holds them
    try:
        loss.backward(retain_graph=True)
        assert any(array() is not None for array in saved)
        loss.backward()
        assert all(array() is None for array in saved)
    finally:
        gc.enable()


def test_results_that_were_not_saved_are_not_kept() -> None:
    y = Cube.apply(mg.tensor([1.0, 2.0], requires_grad=True))
    result, loss = weakref.ref(y._array), y.sum()
    del y
    assert result() is None
    loss.backward()


def test_saved_tensors_are_at_hand_in_backward_only() -> None:
    class Leaking(Cube):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            Leaking.context = ctx
            return Cube.forward(ctx, x)

    Leaking.apply(mg.tensor([1.0], requires_grad=True)).backward()
    with pytest.raises(RuntimeError, match="inside backward"):
        _ = Leaking.context.saved_tensors


def test_a_picture_computes_the_result_of_a_function_again_after_backward() -> None:
    x = mg.tensor([5.0], requires_grad=True)
    loss = Cube.apply(x).sum()
    loss.backward()
    (vertex,) = [v for v in mg.visualize.describe(loss).vertices if v.op == "Cube"]
    assert vertex.value.item() == 125.0


def test_once_differentiable_refuses_the_second_derivative() -> None:
    class Once(Cube):
        backward = staticmethod(mg.autograd.once_differentiable(Cube.backward))

    x = mg.tensor([2.0], requires_grad=True)
    (g,) = mg.autograd.grad(Once.apply(x), x, create_graph=True)
    assert g.item() == 12.0
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.backward()
    # asked for x alone, it refuses as well, instead of saying that there is no dependence
    (g,) = mg.autograd.grad(Once.apply(x), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        mg.autograd.grad(g, x, allow_unused=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        mg.gradgradcheck(Once.apply, X)


def test_faulty_functions_say_what_is_wrong() -> None:
    class TooMany(Cube):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g, g

    class NoTensor(Cube):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 1.0

    class NoResult(Cube):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return 1.0

    x = mg.tensor([1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"2 gradients.*1 argument"):
        TooMany.apply(x).backward()
    with pytest.raises(TypeError, match="float for argument 0"):
        NoTensor.apply(x).backward()
    with pytest.raises(TypeError, match="must return tensors"):
        NoResult.apply(x)
    assert x.grad is None


def test_changing_what_a_function_saved_is_an_error() -> None:
    x, w = mg.tensor([1.0], requires_grad=True), mg.tensor([2.0])
    y = Several.apply(x, 1.0, w)[2]
    w += 1
    with pytest.raises(RuntimeError, match="in place"):
        y.backward()


@pytest.mark.parametrize("transform", ["jacrev", "jacfwd", "hessian"])
def test_derivatives_of_a_function_of_one_number(transform: str) -> None:
    x = mg.tensor(2.0, dtype=mg.float64)
    found = getattr(mg.func, transform)(lambda x: x * x * x)(x)
    assert found.shape == ()
    np.testing.assert_allclose(found.item(), 12.0, rtol=1e-12)  # 3 x² and 6 x are both 12 at 2


def test_trees_are_matched_by_key_whatever_the_order() -> None:
    """Cotangents, tangents and axes given in another order belong to the same keys."""
    f = lambda p: {"first": p["a"] * 2, "second": p["b"] * 3}
    primals = {"a": X, "b": V}
    _, pull_back = func.vjp(f, primals)
    (found,) = pull_back({"second": X, "first": V})
    close(found["a"], 2 * V)
    close(found["b"], 3 * X)
    _, pushed = func.jvp(f, (primals,), ({"b": X, "a": V},))
    close(pushed["first"], 2 * V)
    close(pushed["second"], 3 * X)
    batch = {"a": A, "b": V}
    summed = func.vmap(lambda p: p["a"] @ p["b"], in_dims=({"b": None, "a": 0},))(batch)
    close(summed, A @ V)


def test_integers_in_a_tree_have_no_derivative_of_any_order() -> None:
    f = lambda p: (p["x"][p["i"]] ** 2).sum()
    tree = {"x": X, "i": mg.tensor([0, 2])}
    assert func.grad(f)(tree)["i"] is None
    found = func.hessian(f)(tree)
    close(found["x"]["x"], mg.tensor(np.diag([2.0, 0.0, 2.0])))
    assert found["x"]["i"] is None
    assert found["i"] is None


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (lambda: func.grad(number, argnums=(0, 0))(X), ValueError, "twice"),
        (lambda: func.grad(number)(mg.tensor([1, 2])), TypeError, r"int64.*x\.float\(\)"),
        (lambda: func.grad(number)(X.numpy()), TypeError, r"ndarray.*mg\.tensor"),
        (lambda: func.grad(number, has_aux=True)(X), TypeError, r"pair \(output, aux\)"),
        (lambda: func.grad(vector)(X), ValueError, r"shape \(3,\).*jacrev"),
        (lambda: func.jacrev(lambda x: 2.0)(X), TypeError, "returned float"),
        (lambda: func.jacfwd(lambda x: x.long())(X), TypeError, "int64.*has_aux"),
        (lambda: func.vjp(lambda x: {"y": x}, X)[1]({"z": X}), ValueError, "keys.*'z'.*'y'"),
        (lambda: func.vjp(vector, X)[1](A), ValueError, r"\(3, 3\).*\(3,\)"),
        (lambda: func.jvp(vector, (X,), (A,)), ValueError, r"\(3, 3\) at \[0\].*\(3,\)"),
        (lambda: func.vmap(lambda x: 2.0)(X), TypeError, "returned float"),
        (lambda: func.vmap(number)(X[0]), ValueError, r"in_dims 0.*shape \(\)"),
        (lambda: func.vmap(number, in_dims=1)(X), ValueError, r"in_dims 1.*shape \(3,\)"),
        (lambda: func.vmap(mg.exp, out_dims=2)(X), ValueError, "out_dims 2"),
        (lambda: func.vmap(lambda x: x * mg.rand(1))(X), RuntimeError, 'randomness="different"'),
    ],
)
def test_a_refusal_says_what_was_given_and_what_would_do(fault: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words):
        fault()


def test_random_numbers_in_slices_are_repeated_or_not() -> None:
    draw = lambda x: x * 0 + mg.rand(4)
    batch = mg.zeros(3, 4)
    same = func.vmap(draw, randomness="same")(batch).numpy()
    assert (same == same[0]).all()
    different = func.vmap(draw, randomness="different")(batch).numpy()
    assert len(np.unique(different)) == 12
