"""What goes into a gradient check: inputs and parameters of every form, all left as they were."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import check_gradients


def draw(*shape: int, seed: int = 0, dtype: str = "float64") -> mg.Tensor:
    return mg.tensor(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def checked(report: mg.testing.Report) -> list[str]:
    return list(dict.fromkeys(jacobian.input for jacobian in report.jacobians))


# ----------------------------------------------------------------------------- what must not change


class Counting(mg.nn.Module):
    """Counts its calls in a buffer, in place, and keeps its last result in another one."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", mg.tensor(0))
        self.register_buffer("last", None)
        self.weight = mg.nn.Parameter(mg.tensor([2.0, 3.0]))
        self.fails = False

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        self.count += 1
        out = x * self.weight
        self.last = out.detach()
        if self.fails:
            raise ZeroDivisionError
        return out


class Holder:
    """An object with a module, as a trainer has one."""

    def __init__(self, net: mg.nn.Module) -> None:
        self.net = net

    def loss(self, x: mg.Tensor) -> mg.Tensor:
        return self.net(x).sum()


def state_of(module: mg.nn.Module) -> list[tuple[str, int, bytes]]:
    """The tensors of a module, which they are and what they hold."""
    tables = [part._buffers for part in module.modules()]
    found = [(key, t) for table in tables for key, t in table.items() if t is not None]
    return [(key, id(t), t.numpy().tobytes()) for key, t in found]


def calls(module: mg.nn.Module) -> dict[str, Callable[[], Any]]:
    """A module checked in every way in which it can be handed over."""
    x = draw(4, 2, dtype="float32")

    def method(x: mg.Tensor) -> mg.Tensor:
        return module(x) * 2

    layers, table = [module], {"net": module}
    return {
        "fn": lambda: check_gradients(module, x),
        "params": lambda: check_gradients(lambda: method(x), params=module),
        "both": lambda: check_gradients(module, x, params=module),
        "bound method": lambda: check_gradients(module.forward, x),
        "partial": lambda: check_gradients(partial(module), x),
        "object": lambda: check_gradients(Holder(module).loss, x),
        "closure": lambda: check_gradients(lambda x: module(x) * 2, x),
        "input": lambda: check_gradients(lambda m, x: m(x), (module, x)),
        "input, twice": lambda: mg.gradgradcheck(lambda m, x: m(x), (module, x)),
        "list": lambda: check_gradients(lambda x: layers[0](x), x),
        "dict": lambda: check_gradients(lambda x: table["net"](x), x),
        "gradcheck": lambda: mg.gradcheck(module, x),
        "gradgradcheck": lambda: mg.gradgradcheck(lambda x: module(x), x),
    }


@pytest.mark.parametrize("way", calls(Counting()))
@pytest.mark.parametrize("make", [Counting, lambda: mg.nn.BatchNorm1d(2)], ids=["own", "norm"])
def test_buffers_are_afterwards_as_they_were(make: Any, way: str) -> None:
    module = make()
    before = state_of(module)
    calls(module)[way]()
    assert state_of(module) == before
    module(draw(4, 2, dtype="float32"))
    assert state_of(module) != before  # it counts as ever


def test_buffers_are_restored_when_the_function_fails() -> None:
    module = Counting()
    module.fails = True
    before = state_of(module)
    with pytest.raises(ZeroDivisionError):
        check_gradients(module, draw(4, 2), params=module)
    assert state_of(module) == before


def test_random_numbers_go_on_as_if_nothing_had_been_checked() -> None:
    mg.manual_seed(3)
    expected = mg.rand(4)
    mg.manual_seed(3)
    check_gradients(lambda x: mg.nn.functional.dropout(x) + mg.rand(3), draw(3))
    assert mg.equal(mg.rand(4), expected)


@pytest.mark.parametrize("constant", [np.ones(3, "float32"), np.arange(3)], ids=["float", "int"])
def test_inputs_that_are_not_checked_are_restored_too(constant: np.ndarray) -> None:
    given = mg.tensor(constant)

    def changes(x: mg.Tensor, scale: mg.Tensor) -> mg.Tensor:
        scale.add_(1)
        return x * scale

    report = check_gradients(changes, (draw(3).requires_grad_(), given))
    np.testing.assert_array_equal(given.numpy(), constant)
    assert [d.kind for d in report.diagnoses] == ["in-place"]
    assert "scale in place" in str(report)


# ----------------------------------------------------------------------------- random functions


NUMPYS = np.random.default_rng(0)
RECURRENT = mg.nn.LSTM(3, 2, num_layers=2, dropout=0.5)
DROPOUT = mg.nn.Sequential(mg.nn.Linear(3, 3), mg.nn.Dropout(0.5))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (DROPOUT, "1 (Dropout(p=0.5"),
        (lambda x: DROPOUT(x) * 2, "is in training mode"),
        (lambda x: RECURRENT(x)[0], "LSTM"),
        (lambda x: x * mg.rand(3), "mg.manual_seed(0) inside the function"),
        (lambda x: x * NUMPYS.random(), "does not seed"),
    ],
)
def test_a_random_function_is_reported_with_what_to_do(function: Any, words: str) -> None:
    report = check_gradients(function, draw(2, 3))
    assert [d.kind for d in report.diagnoses] == ["non-deterministic"]
    assert words in str(report)


def test_what_the_report_of_a_random_function_advises_works() -> None:
    def seeded(x: mg.Tensor) -> mg.Tensor:
        mg.manual_seed(0)
        return DROPOUT(x)

    assert check_gradients(seeded, draw(2, 3), params=DROPOUT).ok
    DROPOUT.eval()
    try:
        assert check_gradients(DROPOUT, draw(2, 3), params=DROPOUT).ok
    finally:
        DROPOUT.train()


# --------------------------------------------------------------------------------------- parameters


def test_a_parameter_that_is_named_twice_is_checked_once() -> None:
    w = draw(3, seed=1).requires_grad_()
    report = check_gradients(lambda x: x * w, draw(3), params={"w": w, "v": draw(3), "again": w})
    assert report.ok
    assert checked(report) == ["w", "v"]
    assert check_gradients(lambda x: x * w, draw(3), params=[w, w]).ok
    assert check_gradients(lambda x: x * w, (w,), params=[w]).ok  # two different variables
    assert check_gradients(lambda x, y: x * y, (w, w)).ok


def test_frozen_parameters_are_left_out_and_the_report_says_so() -> None:
    net = mg.nn.Linear(3, 2)
    net.weight.requires_grad_(False)
    report = check_gradients(net, draw(4, 3), params=net)
    assert checked(report) == ["bias"]
    assert "weight is frozen" in str(report)
    assert "weight is frozen" in report.to_html()
    assert not net.weight.requires_grad
    net.bias.requires_grad_(False)
    assert checked(check_gradients(net, draw(4, 3), params=net)) == ["input"]
    with pytest.raises(TypeError, match="all parameters are frozen"):
        check_gradients(lambda: net(mg.ones(1, 3)), params=net)


def test_parameters_come_as_a_module_a_dict_a_list_or_what_parameters_returns() -> None:
    net = mg.nn.Linear(3, 2)
    f = lambda: mg.exp(net(mg.ones(1, 3)))
    for params in (net, dict(net.named_parameters()), list(net.parameters()), net.parameters()):
        report = check_gradients(f, params=params)
        assert report.ok
        assert len(checked(report)) == 2


def test_a_parameter_has_another_name_than_an_input() -> None:
    net = mg.nn.Linear(3, 2)
    f = lambda weight, bias: net(weight) * bias
    inputs = draw(2, 3, dtype="float32").requires_grad_(), draw(2, dtype="float32").requires_grad_()
    report = check_gradients(f, inputs, params=net)
    assert report.ok
    assert checked(report) == ["weight", "bias", "weight (2)", "bias (2)"]


# ---------------------------------------------------------------------------------- forms and names


def test_inputs_and_results_are_named_as_in_code() -> None:
    def f(p: Any, y: Any) -> Any:
        a, (b, c) = p["a"], p["bs"]
        return {"sum": (a + b + c).max(0), "rest": [y * y]}

    tree = {"a": draw(3), "bs": (draw(3, seed=1), draw(3, seed=2))}
    report = check_gradients(f, (tree, draw(2)))
    assert report.ok
    assert checked(report) == ["p['a']", "p['bs'][0]", "p['bs'][1]", "y"]
    # the integers that max returns are passed over, and do not change the names of others
    outputs = list(dict.fromkeys(jacobian.output for jacobian in report.jacobians))
    assert outputs == ["out['sum'][0]", "out['rest'][0]"]


BASE = draw(5)


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda x: x, draw(3)),
        (lambda x: (x, x), draw(3)),
        (lambda x: x * x, mg.tensor(3.0)),
        (lambda x: x * x, mg.ones(0, 3)),
        (lambda x: x.sum(), mg.ones(0, 3)),
        (lambda x: x[:0], draw(3)),
        (lambda x: mg.ones(2), draw(3)),
        (lambda x: mg.exp(x @ mg.ones(2, dtype=mg.float64)), draw(2, 3).T),
        (lambda x: mg.exp(x), draw(6)[::-2]),
        (lambda x: x * x, draw(1, 3).expand(2, 3)),
        (lambda x, y: x * y, (BASE[:3], BASE[1:4])),
        (lambda *xs: xs[0] * xs[1], (draw(3), draw(3, seed=1))),
        (lambda x, power: x**power, (draw(3), 2)),
        (lambda x, mode=None: x * 2 if mode is None else x, (draw(3), None)),
        (lambda x, i: x[i], (draw(3), mg.tensor([0, 0, 2]))),
    ],
)
def test_inputs_of_every_kind_are_checked_without_a_false_alarm(function: Any, inputs: Any) -> None:
    before = [x.numpy().tobytes() for x in mg.pytrees.leaves_of(inputs) if hasattr(x, "numpy")]
    report = check_gradients(function, inputs)
    assert report.ok, report
    after = [x.numpy().tobytes() for x in mg.pytrees.leaves_of(inputs) if hasattr(x, "numpy")]
    assert after == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((mg.nn.Embedding(4, 3), mg.tensor([0, 2])), r"int64\).*params=module"),
        ((lambda x: x, mg.tensor([1, 2])), r"x: int64\)$"),
        ((lambda x: x, np.ones(3)), r"mg\.tensor\(x\)"),
        ((lambda x, y: x, (mg.tensor([1]), 3.0)), r"mg\.tensor\(y\)"),
        ((lambda: mg.ones(2),), "nothing to check"),
        ((mg.ones(2), mg.ones(2)), "fn is a function of tensors, got Tensor"),
        ((lambda x: x.sum().item(), mg.ones(2)), r"but float: .*without \.item"),
        ((lambda x: x.detach().numpy(), mg.ones(2)), r"but ndarray: .*\.numpy"),
        ((lambda x: None, mg.ones(2)), "return missing"),
        ((lambda x: x.long(), mg.ones(2)), "int64: whole numbers"),
    ],
)
def test_what_cannot_be_checked_says_why_and_what_would_do(arguments: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        check_gradients(*arguments)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ([np.ones(3)], r"params\[0\] is ndarray"),
        ({"i": mg.tensor([1])}, "i is a tensor of int64"),
        ([mg.nn.Linear(2, 2)], r"params\[0\] is Linear"),
    ],
)
def test_parameters_that_are_no_floating_point_tensors_are_refused(params: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        check_gradients(lambda x: x, mg.ones(2), params=params)


def test_an_error_in_the_function_comes_through_with_its_own_words() -> None:
    with pytest.raises(ValueError, match="matmul"):
        check_gradients(lambda x: x @ mg.ones(7), draw(3))


@pytest.mark.parametrize("name", ["atol", "rtol"])
def test_a_negative_tolerance_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}=-1 is not a tolerance"):
        check_gradients(lambda x: x, mg.ones(2), **{name: -1})
    with pytest.raises(ValueError, match=f"{name}=-1 is not a tolerance"):
        mg.testing.check_vjp(lambda x: x, lambda g, x: g, (np.ones(2),), **{name: -1})


# ------------------------------------------------------------------------------- types of gradients


class Narrow(mg.autograd.Function):
    """Its backward makes float32 numbers, whatever it is given."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 3

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return mg.tensor(3 * g.detach().numpy().astype("float32"))


@mg.op(lambda g, x: (2 * g * x).astype("float32"))
def narrow(x):
    return x * x


@pytest.mark.parametrize("function", [Narrow.apply, narrow, lambda x: mg.exp(narrow(x))])
def test_a_gradient_that_loses_digits_is_named(function: Any) -> None:
    x = mg.tensor([0.5, 0.25, 2.0])  # 2 g x is exact in either type
    assert check_gradients(function, x).ok  # for float32 inputs, float32 gradients are right
    report = check_gradients(function, x.double())
    assert {d.kind for d in report.problems} == {"dtype"}
    assert "narrow" in report.problems[0].text.lower()
    assert "float32" in str(report)


def test_operands_of_several_types_are_no_loss() -> None:
    x, y = mg.tensor([1.0, 2.0], requires_grad=True), draw(2).requires_grad_()
    assert check_gradients(lambda x, y: mg.exp(x * y), (x, y)).ok
    assert mg.gradcheck(lambda y: y * mg.tensor([1.5, 2.5]), y)


@pytest.mark.parametrize("cotangents", [draw(2), (draw(3), draw(3))])
def test_gradgradcheck_refuses_other_cotangents_than_the_outputs(cotangents: Any) -> None:
    with pytest.raises(ValueError, match=r"grad_outputs have shapes .* the outputs \[\(3,\)\]"):
        mg.gradgradcheck(lambda x: x * x, draw(3), cotangents)


def test_an_output_whose_shape_depends_on_precision() -> None:
    x = mg.tensor([0.1, 1.0, 2.0])  # 0.1 in float32 is more than 0.1
    report = check_gradients(lambda x: x[x > 0.1] * 2, x)
    assert "another number of entries in the inputs' own type" in report.to_text()
