"""``mg.compile``: what it takes, what it refuses, and when it makes a program."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.capture import NotCompiled

F, nn = mg.nn.functional, mg.nn
rng = np.random.default_rng(0)


def numbers(*shape: int, grad: bool = False) -> mg.Tensor:
    return mg.tensor(rng.standard_normal(shape), requires_grad=grad)


def f(x: Any, w: Any) -> Any:
    return (x @ w).tanh().sum() * 2


def test_functions_are_differentiable_to_any_order():
    compiled = mg.compile(f)
    for _ in range(3):
        x, w = numbers(4, 3, grad=True), numbers(3, 2, grad=True)
        found = mg.autograd.grad(compiled(x, w), [x, w], create_graph=True)
        expected = mg.autograd.grad(f(x, w), [x, w], create_graph=True)
        for a, b in zip(found, expected):
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
        seconds = [mg.autograd.grad((g[0] ** 2).sum(), w)[0] for g in (found, expected)]
        np.testing.assert_allclose(seconds[0].numpy(), seconds[1].numpy(), rtol=1e-12)
    assert len(compiled.programs) == 1


def test_gradients_inside_a_function():
    def penalty(x: Any, w: Any) -> Any:
        (g,) = mg.autograd.grad(f(x, w), x, create_graph=True)
        return (g * g).sum()

    compiled = mg.compile(penalty)
    for _ in range(3):
        x, w = numbers(4, 3, grad=True), numbers(3, 2, grad=True)
        grads = []
        for function in (compiled, penalty):
            w.grad = None
            function(x, w).backward()
            grads.append(w.grad.numpy())
        np.testing.assert_allclose(grads[0], grads[1], rtol=1e-12)


def test_a_module_is_compiled_with_its_backward():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    compiled = mg.compile(model)
    for _ in range(3):
        x = mg.tensor(rng.standard_normal((5, 3)).astype(np.float32))
        grads = []
        for each in (compiled, model):
            model.zero_grad()
            each(x).square().sum().backward()
            grads.append([p.grad.numpy().copy() for p in model.parameters()])
        for a, b in zip(*grads):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    with mg.no_grad():
        assert not compiled(x).requires_grad
    assert [program.reason for program in compiled.programs][1:] == [
        "the recording mode changed (no_grad)"
    ]


def test_as_a_decorator_with_keywords_and_nested_results():
    @mg.compile(limit=4)
    def both(x: Any, *, scale: Any = 1.0, more: Any = ()) -> Any:
        """Sums."""
        return {"sum": x.sum() * scale, "rest": [m + x for m in more], "one": 1}

    assert both.__doc__ == "Sums."
    for _ in range(3):
        x, m = numbers(2), numbers(2)
        found = both(x, scale=3.0, more=(m,))
        assert found["one"] == 1
        np.testing.assert_array_equal(found["rest"][0].numpy(), (m + x).numpy())
        np.testing.assert_array_equal(found["sum"].numpy(), (x.sum() * 3.0).numpy())
    assert len(both.programs) == 1
    both(x)
    assert len(both.programs) == 2


REFUSED = {
    "item": lambda x: x * x.sum().item(),
    "branch": lambda x: x if x.sum() > 0 else -x,
    "print": lambda x: (print(x * 1), x)[1],
    "numpy": lambda x: x * mg.tensor((x * 2).numpy()),
    "write": lambda x: (x * 2).__setitem__(0, 1.0),
}


@pytest.mark.parametrize("name", [name for name in REFUSED if name != "write"])
def test_what_reads_numbers_is_refused_with_the_line(name):
    with pytest.raises(NotCompiled, match=r"reads the numbers .*test_front.py, line \d+"):
        mg.compile(REFUSED[name])(numbers(3))


def test_numbers_taken_outside_of_ops_are_noticed_at_the_second_call():
    def leaking(x: Any) -> Any:
        return x * float(np.sum(x._array))  # past every guard: the array of the tensor

    compiled = mg.compile(leaking)
    x = numbers(3)
    np.testing.assert_array_equal(compiled(x).numpy(), leaking(x).numpy())
    compiled(numbers(3))
    with pytest.raises(NotCompiled, match="mul is given"):
        compiled(numbers(3))


UNCOMPILED = {
    **{name: function for name, function in REFUSED.items() if name != "write"},
    "bool": lambda x: x * bool((x > 0).all()),
    "int": lambda x: x[: int(x.abs().sum()) % 3],
    "loop": lambda x: sum([x * value for value in x.tolist()]),
    "nonzero": lambda x: x.nonzero().double(),
    "mask": lambda x: x[x > 0],
}


@pytest.mark.parametrize("name", UNCOMPILED)
def test_fallback_warns_once_and_runs(name):
    function = UNCOMPILED[name]
    with pytest.raises(NotCompiled, match=r"test_front.py, line \d+"):
        mg.compile(function)(numbers(3))
    compiled, x = mg.compile(function, fallback=True), numbers(3)
    with pytest.warns(UserWarning, match="not compiled, runs as it is") as warned:
        found = [compiled(x)]
    assert len(warned) == 1
    others = [numbers(3) for _ in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found += [compiled(other) for other in others]
    for given, result in zip([x, *others], found):
        np.testing.assert_array_equal(result.numpy(), function(given).numpy())


@pytest.mark.parametrize("kind", ["tensor", "module", "optimizer"])
def test_fallback_with_hooks(kind):
    """A whole step with a hook that reads numbers: the same weights, one warning."""
    ends = []
    for compiler in (lambda f: f, lambda f: mg.compile(f, fallback=True)):
        mg.manual_seed(0)
        model, seen = mg.nn.Linear(3, 2), []
        optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
        if kind == "module":
            model.register_forward_hook(lambda m, i, out, seen=seen: seen.append(out.sum().item()))
        if kind == "optimizer":
            optimizer.register_step_post_hook(lambda *given, seen=seen: seen.append(1))

        def step(x: Any, model: Any = model, optimizer: Any = optimizer, seen: Any = seen) -> Any:
            optimizer.zero_grad()
            y = model(x)
            if kind == "tensor":
                y.register_hook(lambda g: seen.append(g.sum().item()))
            loss = y.square().sum()
            loss.backward()
            optimizer.step()
            return loss

        compiled = compiler(step)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            losses = [compiled(x).item() for x in mg.ones(4, 5, 3)]
        ends.append((losses, seen, [p.detach().numpy() for p in model.parameters()], len(warned)))
    assert ends[0][:2] == ends[1][:2]
    assert (ends[0][3], ends[1][3]) == (0, 1)
    for a, b in zip(ends[0][2], ends[1][2], strict=True):
        np.testing.assert_array_equal(a, b)


def test_endless_compilation_stops():
    compiled = mg.compile(lambda x, n: x * n, limit=3)
    for n in range(3):
        compiled(numbers(2), n)
    with pytest.raises(NotCompiled, match="3 programs were made"):
        compiled(numbers(2), 3)
    assert len(compiled.programs) == 3


def test_arguments_that_it_does_not_know():
    with pytest.raises(ValueError, match="backend is"):
        mg.compile(f, backend="cuda")
    with pytest.raises(RuntimeError, match="call the function once"):
        _ = mg.compile(f).source


def test_results_are_new_at_each_call():
    compiled = mg.compile(lambda x: (x, x + 1, x.T, mg.ones(2)))
    results = []
    for i in range(4):
        results.append((i, compiled(mg.tensor([[float(i)], [1.0]]))))
    for i, (same, more, turned, ones) in results:
        x = np.array([[float(i)], [1.0]], np.float32)
        for found, expected in zip((same, more, turned, ones), (x, x + 1, x.T, np.ones(2))):
            np.testing.assert_array_equal(found.numpy(), expected)


def test_a_failing_call_says_what_eager_says():
    compiled = mg.compile(lambda x, y: F.cross_entropy(x, y))
    x = mg.tensor(rng.standard_normal((4, 3)).astype(np.float32))
    for _ in range(3):
        compiled(mg.tensor(rng.standard_normal((4, 3)).astype(np.float32)),
                 mg.tensor(rng.integers(0, 3, 4)))  # fmt: skip
    for labels in ([0, 1, 2, 3], [0, -1, 1, 2]):
        with pytest.raises((IndexError, ValueError)):
            compiled(x, mg.tensor(labels))


OF_NUMPY_SCALARS = {
    "max": (lambda x: x.max(0).values, 3),
    "min": (lambda x: x.min(0).values, 3),
    "median": (lambda x: x.median(0).values, 3),
    "silu": (mg.nn.functional.silu, ()),
    "gelu": (mg.nn.functional.gelu, ()),
    "gelu by tanh": (lambda x: mg.nn.functional.gelu(x, approximate="tanh"), ()),
    "std": (lambda x: x.std(), 3),
}


@pytest.mark.parametrize("name", OF_NUMPY_SCALARS)
def test_numbers_that_numpy_returns_as_scalars_depend_on_the_arguments(name):
    """What an op gives or keeps without axes is a NumPy scalar, and no constant for all that."""
    function, shape = OF_NUMPY_SCALARS[name]

    def step(x):
        function(x).square().backward()
        return x.grad

    compiled = mg.compile(lambda x: step(x))
    for _ in range(4):
        numbers = rng.standard_normal(shape)
        given, expected = (mg.tensor(numbers, requires_grad=True) for _ in range(2))
        np.testing.assert_allclose(compiled(given).numpy(), step(expected).numpy(), rtol=1e-12)
