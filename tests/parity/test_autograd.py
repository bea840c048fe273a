"""The semantics of autograd are PyTorch's: one program, run by both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")

pytestmark = [  # what PyTorch says of its own internals, and of backward with create_graph
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Using backward:UserWarning"),
]

rng = np.random.default_rng(0)
X, W, G = rng.standard_normal((3, 2, 3))


def leaf(library: Any, array: np.ndarray) -> Any:
    return library.tensor(array, requires_grad=True)


def plain(value: Any) -> Any:
    """Numbers of either library, for comparison."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return np.asarray(value.detach().numpy())


PROGRAMS: dict[str, Callable[[Any, Any, Any, Any], Any]] = {}


def program(function: Any) -> Any:
    PROGRAMS[function.__name__] = function
    return function


@program
def accumulate(lib, x, w, g):
    (x * w).backward(g)
    (x * x).backward(g)
    return [x.grad, w.grad]


@program
def retained(lib, x, w, g):
    y = lib.exp(x * w)
    y.backward(g, retain_graph=True)
    y.backward(g)
    return [x.grad, w.grad]


@program
def fan_out(lib, x, w, g):
    h = x * w
    (h * h + lib.exp(h) - h).backward(g)
    return [x.grad, w.grad]


@program
def grad_with_unused(lib, x, w, g):
    return lib.autograd.grad(lib.sin(x), [x, w], g, allow_unused=True)


@program
def grad_materialized(lib, x, w, g):
    return lib.autograd.grad(lib.sin(x), [x, w], g, materialize_grads=True)


@program
def grad_of_several_outputs(lib, x, w, g):
    return lib.autograd.grad([x * w, lib.exp(x), x.sum()], [x, w], [g, 2 * g, None])


@program
def grad_of_an_intermediate(lib, x, w, g):
    h = x * w
    return lib.autograd.grad(h * h, [h, x], g)


@program
def third_order(lib, x, w, g):
    y = lib.sin(x) * w
    for _ in range(3):
        (y,) = lib.autograd.grad(y, x, g, create_graph=True)
    return [y, y.requires_grad]


@program
def backward_of_a_gradient(lib, x, w, g):
    lib.exp(x * w).backward(g, create_graph=True)
    penalty = (x.grad * x.grad).sum()
    x.grad, before = None, x.grad
    penalty.backward()
    return [before, x.grad, w.grad]


@program
def hooks(lib, x, w, g):
    seen = []
    h = x * w
    h.register_hook(lambda g: seen.append(g.detach().clone()))
    h.register_hook(lambda g: g * 2)
    x.register_hook(lambda g: -g)
    (h * 3 + h).backward(g)
    return [seen, x.grad, w.grad]


@program
def removed_hook(lib, x, w, g):
    handle = x.register_hook(lambda g: g * 5)
    handle.remove()
    (x * w).backward(g)
    return x.grad


@program
def retain_grad(lib, x, w, g):
    h = x * w
    h.retain_grad()
    k = h * 2
    k.backward(g, retain_graph=True)
    k.backward(g)
    return [h.grad, h.retains_grad, k.retains_grad, x.grad, x.is_leaf, h.is_leaf]


@program
def backward_inputs(lib, x, w, g):
    (x * w).backward(g, inputs=[w])
    return [x.grad, w.grad]


@program
def modes(lib, x, w, g):
    with lib.no_grad():
        a = x * w
        with lib.enable_grad():
            b = x * w
    with lib.set_grad_enabled(False):
        c = x * w
    with lib.inference_mode():
        d = x * 2
    return [t.requires_grad for t in (a, b, c, d, x * w)]


@program
def detached(lib, x, w, g):
    y = x * (x * w).detach() + x.detach() * w
    y.backward(g)
    return [x.grad, w.grad]


@program
def views(lib, x, w, g):
    y = x[0] * w[1] + x.T[1].sum() * w[0]
    y.backward(g[0])
    return [x.grad, w.grad]


@program
def autograd_backward(lib, x, w, g):
    lib.autograd.backward([x * w, (x * x).sum()], [g, None])
    return [x.grad, w.grad]


@program
def toggled_leaf(lib, x, w, g):
    w.requires_grad_(False)
    (x * w).backward(g)
    return [x.grad, w.grad, w.requires_grad]


@program
def jacobian(lib, x, w, g):
    f = lambda a: lib.exp(a) * w.detach()
    return lib.autograd.functional.jacobian(f, x.detach())


@program
def hessian_of_two(lib, x, w, g):
    f = lambda a, b: (lib.exp(a) * b * b).sum()
    return lib.autograd.functional.hessian(f, (x.detach(), w.detach()))


@program
def products(lib, x, w, g):
    f = lambda a: (lib.exp(a) * a).sum()
    h = lambda a: lib.exp(a) * a
    a, of = x.detach(), lib.autograd.functional
    return [of.hvp(f, a, g), of.vhp(f, a, g), of.vjp(h, a, g), of.jvp(h, a, g)]


@program
def func_transforms(lib, x, w, g):
    f = lambda a, b: (lib.sin(a) * b).sum()
    a, b = x.detach(), w.detach()
    both = (0, 1)
    return [
        lib.func.grad(f, argnums=both)(a, b),
        lib.func.grad_and_value(f)(a, b),
        lib.func.jacrev(lib.func.grad(f), argnums=1)(a, b),
        lib.func.hessian(f)(a, b),
        lib.func.vjp(lib.sin, a)[1](g),
        lib.func.jvp(lib.sin, (a,), (g,)),
        lib.func.vmap(lambda r, s: (r * s).sum(), in_dims=(0, None))(a, b[0]),
    ]


def function(library: Any, forward: Any, backward: Any) -> Any:
    """The ``apply`` of a Function of either library."""
    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Custom", (library.autograd.Function,), members).apply


@program
def function_that_saves_nothing(lib, x, w, g):
    y = function(lib, lambda ctx, x: x * 3, lambda ctx, g: g * 3)(x)
    y.backward(g)
    y.backward(g)
    return x.grad


@program
def function_that_saves_its_results(lib, x, w, g):
    def forward(ctx, x, w):
        y = lib.exp(x) * w
        z = lib.sin(y)
        ctx.save_for_backward(x, None, y, z)
        return y, z

    def backward(ctx, g, h):
        x, nothing, y, _ = ctx.saved_tensors
        total = g + h * lib.cos(y)
        return total * y, total * lib.exp(x), nothing

    y, z = function(lib, forward, backward)(x, w)
    first = lib.autograd.grad(y * z, [x, w], g, create_graph=True)
    second = lib.autograd.grad(first[0] + first[1], [x, w], g, create_graph=True)
    return [first, second, lib.autograd.grad(second[0], x, g)]


@program
def function_with_unused_results(lib, x, w, g):
    seen = []
    for materialize in (True, False):

        def forward(ctx, x, factor, w, materialize=materialize):
            ctx.set_materialize_grads(materialize)
            seen.append(list(ctx.needs_input_grad))
            return x * factor, x * 3

        def backward(ctx, g, h):
            seen.append(list(ctx.needs_input_grad))
            seen.append(h)
            return g * 2, None, None

        apply = function(lib, forward, backward)
        apply(x, 2.0, w.detach())[0].backward(g)
    return [seen, x.grad, w.grad]


@program
def function_with_constant_results(lib, x, w, g):
    def forward(ctx, x):
        mask, copy = x > 0, x * 2
        ctx.mark_non_differentiable(mask, copy)
        return mask, copy, x * 3

    results = function(lib, forward, lambda ctx, a, b, g: g * 3)(x)
    results[2].backward(g)
    return [[y.requires_grad for y in results], x.grad]


@program
def function_without_a_gradient(lib, x, w, g):
    y = function(lib, lambda ctx, x, w: x * w, lambda ctx, g: (None, g))(x, w)
    y.backward(g)
    return [x.grad, w.grad]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gives_the_same_in_both_libraries(name: str) -> None:
    results = []
    for library in (torch, mg):
        x, w = leaf(library, X), leaf(library, W)
        results.append(plain(PROGRAMS[name](library, x, w, library.tensor(G))))
    compare(*results)


def compare(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, list):
        assert len(a) == len(b)
        for each, other in zip(a, b):
            compare(each, other)
    elif isinstance(a, np.ndarray):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-14)
    else:
        assert a == b


def saving(library: Any) -> Any:
    """A Function that saves its input."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    return function(library, forward, lambda ctx, g: 2 * g * ctx.saved_tensors[0])


FAULTS: list[Callable[[Any, Any, Any], Any]] = [
    lambda lib, x, w: (x * w).backward(),
    lambda lib, x, w: x.detach().sum().backward(),
    lambda lib, x, w: [y.backward() for y in [(x * x).sum()] * 2],
    lambda lib, x, w: lib.autograd.grad(x.sum(), w),
    lambda lib, x, w: lib.autograd.grad(x.sum(), []),
    lambda lib, x, w: lib.autograd.grad(x.sum(), x.detach()),
    lambda lib, x, w: lib.tensor([1, 2], requires_grad=True),
    lambda lib, x, w: (x * w).requires_grad_(False),
    lambda lib, x, w: x.add_(1),
    lambda lib, x, w: x.numpy(),
    lambda lib, x, w: x.detach().register_hook(print),
    lambda lib, x, w: [y.backward() for y in [saving(lib)(x).sum()] * 2],
]


@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
def test_what_pytorch_refuses_is_refused(fault: Any) -> None:
    for library in (torch, mg):
        with pytest.raises(RuntimeError):
            fault(library, leaf(library, X), leaf(library, W))


class Share:
    """A Function written once for both libraries."""

    @staticmethod
    def make(library: Any) -> Any:
        class Weighted(library.autograd.Function):
            @staticmethod
            def forward(ctx, x, factor, w):
                ctx.factor = factor
                out = library.exp(x) * w * factor
                ctx.save_for_backward(out, x, w)
                return out

            @staticmethod
            def backward(ctx, g):
                out, x, _ = ctx.saved_tensors
                grad_w = g * library.exp(x) * ctx.factor if ctx.needs_input_grad[2] else None
                return g * out, None, grad_w

        return Weighted


def test_a_function_moves_between_the_libraries() -> None:
    results = []
    for library in (torch, mg):
        function = Share.make(library)
        x, w, g = leaf(library, X), leaf(library, W), library.tensor(G)
        first = library.autograd.grad(function.apply(x, 2.0, w), [x, w], g, create_graph=True)
        second = library.autograd.grad(first[0], [x, w], g)
        results.append(plain([*first, *second]))
    compare(*results)


def test_a_function_saves_tensors_that_are_not_its_inputs() -> None:
    results = []
    for library in (torch, mg):
        x, w, g = leaf(library, X), leaf(library, W), library.tensor(G)

        class Scaled(library.autograd.Function):
            @staticmethod
            def forward(ctx, x, w=w):
                ctx.save_for_backward(x, w)
                return x * x * w.detach()

            @staticmethod
            def backward(ctx, g):
                x, w = ctx.saved_tensors
                return 2 * g * x * w

        (first,) = library.autograd.grad(Scaled.apply(x), x, g, create_graph=True)
        results.append(plain([first, *library.autograd.grad(first, [x, w], g)]))
    compare(*results)


def test_hooks_after_a_gradient_has_been_added():
    found = []
    for m in (torch, mg):
        seen = []
        w = m.ones(3, requires_grad=True)
        b = m.ones(3, requires_grad=True)
        optimizers = {id(p): m.optim.SGD([p], lr=0.5) for p in (w, b)}

        def step(p, optimizers=optimizers, seen=seen):
            seen.append(p.grad.tolist())
            optimizers[id(p)].step()
            p.grad = None

        handles = [p.register_post_accumulate_grad_hook(step) for p in (w, b)]
        w.register_hook(lambda g: g * 10)
        for _ in range(2):
            (w * 2 + b).sum().backward()
            assert w.grad is None
        (w * b).sum().backward(inputs=[w])
        handles[0].remove()
        (w * 2).sum().backward()
        with pytest.raises(RuntimeError, match="lea"):
            (w * 2).register_post_accumulate_grad_hook(step)
        found.append([sorted(seen), w.tolist(), b.tolist(), w.grad.tolist()])
    assert found[0] == found[1]
