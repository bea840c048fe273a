"""Memory that a call shares with its caller: arguments, their gradients, writes in place."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.capture import NotCompiled

F, nn = mg.nn.functional, mg.nn


def numbers(seed: int, *shape: int, grad: bool = False) -> mg.Tensor:
    array = np.random.default_rng(seed).standard_normal(shape)
    return mg.tensor(array, requires_grad=grad)


def test_two_arguments_that_are_one_array_and_two_that_are_not():
    compiled = mg.compile(lambda x, y: x * y + y)
    a, b = numbers(0, 3), numbers(1, 3)
    for x, y in ((a, a), (b, b), (a, b), (b, a), (a, a)):
        np.testing.assert_array_equal(compiled(x, y).numpy(), (x * y + y).numpy())
    assert len(compiled.programs) == 2


def test_gradients_of_arguments_belong_to_the_arguments_of_the_call():
    def step(x: Any, y: Any) -> Any:
        loss = (x * x * y).sum()
        loss.backward()
        return loss

    compiled = mg.compile(step)
    pairs = [(numbers(i, 3, grad=True), numbers(10 + i, 3, grad=True)) for i in range(4)]
    for times in (1, 2, 3):
        for x, y in pairs:
            compiled(x, y)
        for x, y in pairs:
            a, b = x.detach().numpy(), y.detach().numpy()
            np.testing.assert_allclose(x.grad.numpy(), times * 2 * a * b, rtol=1e-12)
            np.testing.assert_allclose(y.grad.numpy(), times * a * a, rtol=1e-12)
    assert len(compiled.programs) == 2  # without gradients before the call, and with them
    x = numbers(5, 3, grad=True)
    compiled(x, x)
    np.testing.assert_allclose(x.grad.numpy(), 3 * x.detach().numpy() ** 2, rtol=1e-12)


def test_a_history_behind_an_argument_is_refused():
    def step(x: Any) -> Any:
        loss = (x * x).sum()
        loss.backward()
        return loss

    with pytest.raises(NotCompiled, match="goes on into the history"):
        mg.compile(step)(numbers(0, 3, grad=True) * 2)


def test_an_argument_that_is_returned_is_the_argument():
    compiled = mg.compile(lambda x: (x, x * 2))
    for seed in range(3):
        x = numbers(seed, 3)
        assert compiled(x)[0] is x


def in_place(change: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def function(w: Any, x: Any) -> Any:
        with mg.no_grad():
            change(w, x)
        return w @ x

    return function


def copied_turned(w: Any, x: Any) -> None:
    before = w.clone()
    w.copy_(w.T)
    w.add_(before * x)


def set_entries(w: Any, x: Any) -> None:
    w[0] = w[1] + x
    w[1, 2] = 5.0
    w[:, [0, 1]] = 0.5


WRITES = {
    "mul_": in_place(lambda w, x: w.mul_(0.5)),
    "copy_": in_place(lambda w, x: w.copy_(w * 0.5 + x)),
    "fill_": in_place(lambda w, x: w.fill_(0.5)),
    "zero_": in_place(lambda w, x: w.zero_()),
    "turned": in_place(copied_turned),
    "entries": in_place(set_entries),
    "data": in_place(lambda w, x: w.data.mul_(0.5)),
    "detach": in_place(lambda w, x: w.detach().sub_(x)),
    "an argument": lambda w, x: w @ x.add_(1),
    "what is local": lambda w, x: w @ mg.zeros(3).double().add_(x).mul_(2),
}


@pytest.mark.parametrize("name", WRITES)
def test_what_is_written_in_place_is_written(name):
    ends = []
    for compiler in (lambda f: f, mg.compile):
        w = nn.Parameter(numbers(0, 3, 3))

        def function(x: Any, w: Any = w) -> Any:
            return WRITES[name](w, x)

        compiled, seen = compiler(function), []
        for seed in range(4):
            x = numbers(seed, 3)
            seen += [compiled(x), x, w.clone()]
        ends.append([t.detach().numpy() for t in seen])
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-13, atol=1e-15)


def makes_its_own(x: Any) -> Any:
    sums = mg.zeros(3, dtype="float64")
    with mg.no_grad():
        sums.add_(x).mul_(2)
    return sums + x


def makes_rows_of_its_own(x: Any) -> Any:
    rows = mg.ones(2, 3, dtype="float64")
    first = rows[0]
    with mg.no_grad():
        first.mul_(x)
    return first + x


@pytest.mark.parametrize("function", [makes_its_own, makes_rows_of_its_own])
@pytest.mark.parametrize("changes", [False, True])
def test_memory_that_the_call_makes_begins_anew_at_each(function, changes):
    compiled, x = mg.compile(function), numbers(0, 3)
    for seed in range(4):
        x = numbers(seed, 3) if changes else x
        np.testing.assert_allclose(compiled(x).numpy(), function(x).numpy(), rtol=1e-13)


def test_memory_that_the_first_call_makes_and_others_go_on_with_is_refused():
    class Lazy:
        sums: Any = None

    def function(x: Any) -> Any:
        if Lazy.sums is None:
            Lazy.sums = mg.zeros(3, dtype="float64")
        with mg.no_grad():
            Lazy.sums.add_(x)
        return Lazy.sums * 2

    compiled, x = mg.compile(function), numbers(0, 3)
    compiled(x)
    compiled(x)
    with pytest.raises(NotCompiled, match="make it before the first call"):
        compiled(x)


def view_of_local(w: Any, x: Any) -> Any:
    z = x * 1
    part = z[:2]
    z.mul_(2)
    return part


def view_of_parameter(w: Any, x: Any) -> Any:
    with mg.no_grad():
        w[0].mul_(0.5)
    return w @ x


@pytest.mark.parametrize("function", [view_of_local, view_of_parameter])
def test_views_across_a_write_are_refused(function):
    w = nn.Parameter(numbers(0, 3, 3))
    with pytest.raises(NotCompiled, match="view"):
        mg.compile(lambda x: function(w, x))(numbers(1, 3))


CLIPPED = {
    "norm": lambda p: nn.utils.clip_grad_norm_(p, 0.1),
    "largest": lambda p: nn.utils.clip_grad_norm_(p, 0.1, norm_type=float("inf")),
    "never": lambda p: nn.utils.clip_grad_norm_(p, 1e9, error_if_nonfinite=True),
    "value": lambda p: nn.utils.clip_grad_value_(p, 0.01),
    "by hand": lambda p: [each.grad.mul_(0.5) for each in p],
}


@pytest.mark.parametrize("name", CLIPPED)
def test_fifty_steps_with_clipped_gradients(name):
    ends = []
    for compiler in (lambda f: f, mg.compile):
        mg.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
        optimizer = mg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def step(x: Any, y: Any, model: Any = model, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            total = CLIPPED[name](list(model.parameters()))
            optimizer.step()
            return loss, total if isinstance(total, mg.Tensor) else loss

        compiled, seen = compiler(step), []
        for seed in range(50):
            y = mg.tensor(np.random.default_rng(seed).integers(0, 3, 8))
            seen += compiled(numbers(seed, 8, 4).float(), y)
        seen += [*model.parameters(), *[p.grad for p in model.parameters()]]
        ends.append([t.detach().numpy() for t in seen])
    assert len(compiled.programs) == 1
    for a, b in zip(*ends, strict=True):
        np.testing.assert_array_equal(b, a)


def test_gradients_that_are_not_finite_raise_in_the_program():
    w = nn.Parameter(numbers(0, 3))

    @mg.compile
    def step(x: Any) -> Any:
        w.grad = None
        (w * x).sum().backward()
        return nn.utils.clip_grad_norm_([w], 1.0, error_if_nonfinite=True)

    for seed in range(3):
        step(numbers(seed, 3))
    with pytest.raises(RuntimeError, match="not finite"):
        step(numbers(3, 3) * np.inf)


# ------------------------------------------------------------------------------- compiled modules


def model_of(seed: int) -> Any:
    mg.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2))


def test_a_compiled_module_is_the_module():
    model = model_of(0)
    compiled = mg.compile(model)
    assert isinstance(compiled, nn.Module)
    assert list(compiled.state_dict()) == list(model.state_dict())
    assert all(p is q for p, q in zip(compiled.parameters(), model.parameters(), strict=True))
    assert (compiled[0], len(compiled), bool(compiled)) == (model[0], 4, True)
    compiled.eval()
    assert not model.training
    assert not model[1].training
    x = numbers(0, 5, 3)
    compiled.double()
    np.testing.assert_allclose(compiled(x).detach().numpy(), model(x).detach().numpy(), rtol=1e-12)
    compiled.requires_grad_(False)
    assert not any(p.requires_grad for p in model.parameters())
    for other in (copy.deepcopy(compiled), pickle.loads(pickle.dumps(compiled))):
        assert other[0].weight is not model[0].weight
        np.testing.assert_allclose(other(x).numpy(), model(x).numpy(), rtol=1e-12)


def test_a_compiled_module_trains_inside_another():
    ends = []
    for compiler in (lambda m: m, mg.compile):
        whole = nn.Sequential(compiler(model_of(1)), nn.Linear(2, 1)).double()
        mg.manual_seed(2)
        nn.init.normal_(whole[1].weight)
        optimizer = mg.optim.Adam(whole.parameters())
        for seed in range(5):
            optimizer.zero_grad()
            whole(numbers(seed, 6, 3)).square().sum().backward()
            optimizer.step()
        ends.append([t.numpy() for t in whole.state_dict().values()][:-1])
    assert len(whole[0].programs) == 1
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-9)
