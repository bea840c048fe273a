"""One template of a call: however an op is called, its result is the same."""

from __future__ import annotations

import contextlib
import inspect
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import detect_anomaly
from minigrad.backward import contributions, walk
from minigrad.graph import recorded_before
from minigrad.modes import trace
from minigrad.tape import Tape
from tests.fuzz import calls
from tests.samples import SAMPLES, Sample, some


def over(samples: list[Sample]) -> Any:
    return pytest.mark.parametrize("sample", samples, ids=str)


DIFFERENTIABLE = [sample for sample in SAMPLES if sample.differentiable]
MODES: dict[str, Callable[[], Any]] = {
    "ordinary": nullcontext,
    "anomaly": detect_anomaly,
    "values": mg.visualize.record_values,
    "trace": trace,
    "no_grad": mg.no_grad,
}


def results_of(value: Any) -> list[Any]:
    """The tensors and other results in what a function returned."""
    if isinstance(value, (tuple, list)):
        return [each for item in value for each in results_of(item)]
    return [value]


def described(value: Any) -> list[Any]:
    """Type, shape, dtype and numbers of results."""
    found = []
    for each in results_of(value):
        array = each._array if isinstance(each, mg.Tensor) else each
        found.append((type(each), np.shape(array), getattr(array, "dtype", None), np.array(array)))
    return found


def assert_same(one: Any, other: Any) -> None:
    for a, b in zip(described(one), described(other), strict=True):
        assert a[:3] == b[:3]
        np.testing.assert_array_equal(a[3], b[3])


# Functions that look at numbers outside of ops: a trace refuses them, and says so.
READ_THEIR_OPERANDS = {
    "corrcoef", "cov", "linalg.cholesky_ex", "linalg.cond", "linalg.inv_ex", "linalg.lstsq",
    "linalg.lu", "linalg.lu_factor", "linalg.lu_factor_ex", "linalg.lu_solve", "linalg.solve_ex",
    "linalg.spectral_fn", "lu", "lu_unpack", "nanquantile", "ops.view", "ops.view_as", "quantile",
    "renorm",
}  # fmt: skip


@over(some(SAMPLES))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_mode_gives_one_result(sample: Sample, dtype: Any) -> None:
    for _, arrays in sample.kinds():
        found: dict[str, Any] = {}
        given: list[Any] = []
        for name, mode in MODES.items():
            mg.manual_seed(0)
            tensors = [mg.tensor(a.astype(dtype)).requires_grad_() for a in arrays]
            if name == "trace" and sample.name in READ_THEIR_OPERANDS:
                with contextlib.suppress(RuntimeError), mode():
                    found[name] = sample.run(*tensors)
            else:
                with mode():
                    found[name] = sample.run(*tensors)
            given.append(tensors)
        own = {id(tensor) for tensors in given for tensor in tensors}  # results that are operands
        recorded = {
            name: [
                isinstance(y, mg.Tensor) and y.requires_grad and id(y) not in own
                for y in results_of(value)
            ]
            for name, value in found.items()
        }
        for name in found:
            assert_same(found["ordinary"], found[name])
            if name != "no_grad":
                assert recorded[name] == recorded["ordinary"], name
        assert not any(recorded["no_grad"])


@over(DIFFERENTIABLE)
def test_the_backward_pass_spelled_out_is_the_walk(sample: Sample) -> None:
    rng = sample.rng()
    tensors = [mg.tensor(a).requires_grad_() for a in sample.inputs()]
    outputs = [
        y for y in results_of(sample.run(*tensors))
        if isinstance(y, mg.Tensor) and y.requires_grad
    ]  # fmt: skip
    roots = [(y._node, rng.standard_normal(y.shape)) for y in outputs]
    arrived: dict[Any, Any] = {}
    for edge, g in roots:
        arrived[edge] = arrived[edge] + g if edge in arrived else g
    for each in contributions(recorded_before([edge for edge, _ in roots]), arrived):
        assert each.gradient.shape == each.target.shape
        assert next(iter(each.arguments)) == "g"
    for leaf, gradient in walk(roots).items():
        np.testing.assert_array_equal(np.asarray(gradient), np.asarray(arrived[leaf]))


@over(DIFFERENTIABLE)
def test_the_tape_run_again_gives_the_results(sample: Sample) -> None:
    tensors = [mg.tensor(a).requires_grad_() for a in sample.inputs()]
    mg.manual_seed(0)
    outputs = [y for y in results_of(sample.run(*tensors)) if isinstance(y, mg.Tensor)]
    outputs = [y for y in outputs if y.requires_grad]
    tape = Tape.of(*outputs)
    values = {id(v): v.array for v in (*tape.inputs, *tape.constants)}
    for line in tape.lines:
        operands = [values.get(id(o), o) for o in line.operands]
        statics = list(line.statics.values())
        out = line.op.run(operands, operands, statics)
        out = out[0] if line.op.keep else out
        for value, array in zip(line.results, results_of(out), strict=True):
            values[id(value)] = array
    for value, y in zip(tape.outputs, outputs, strict=True):
        np.testing.assert_array_equal(values[id(value)], y.detach().numpy())


# ---------------------------------------------------------------------------------------- odd ops


class Pair(NamedTuple):
    total: Any
    difference: Any


@mg.op(lambda g, x: (g.total, g.difference)[0] * 1, lambda g, y: g.total * 1)
def _pair(x: Any, y: Any) -> Any:
    return Pair(x + y, x - y)


@mg.op(lambda g: g, lambda g: g, lambda g: g)
def _two_of_three(x: Any, y: Any, z: Any) -> Any:
    return x + y + z, x * 1


@mg.op(lambda g: g, lambda g: g)
def _places(x: Any, y: Any) -> Any:
    return np.argsort(x + y)


@mg.op(lambda g: g)
def _complex(x: Any) -> Any:
    return x * 1j


@mg.op(lambda g, out, frame, new, op: g * frame * new * op, promote=True)
def _clashing(x: Any, frame: float, new: float = 2.0, op: float = 3.0, *, names: int = 0) -> Any:
    return x * frame * new * op


def modes() -> list[Any]:
    return [pytest.param(mode, id=name) for name, mode in MODES.items()]


@pytest.mark.parametrize("mode", modes())
def test_an_op_of_ones_own_with_two_results_has_two_in_every_mode(mode: Any) -> None:
    x, y, z = (mg.tensor([1.0, 2.0], requires_grad=True) for _ in range(3))
    with mode():
        pair, several = _pair(x, y), _two_of_three(x, y, z)
    assert isinstance(pair, Pair)
    assert [t.tolist() for t in pair] == [[2, 4], [0, 0]]
    assert isinstance(several, tuple)
    assert [t.tolist() for t in several] == [[3, 6], [1, 2]]


@pytest.mark.parametrize("mode", modes())
def test_integers_never_require_grad(mode: Any) -> None:
    x, y = mg.tensor([2.0, 1.0], requires_grad=True), mg.tensor([0.0, 0.0])
    with mode():
        for places in (_places(x, y), _places(y, x), _places(x, 0.0)):
            assert places.dtype == np.int64
            assert not places.requires_grad


@pytest.mark.parametrize("mode", modes())
def test_complex_results_are_refused(mode: Any) -> None:
    for x in (mg.tensor([1.0]), mg.tensor([1.0], requires_grad=True)):
        with mode(), pytest.raises(TypeError, match="complex"):
            _complex(x)


@pytest.mark.parametrize("mode", modes())
def test_constants_of_every_kind_are_one(mode: Any) -> None:
    constants = [2.0, np.float64(2), np.array(2.0), mg.tensor(np.array(2.0)), np.array([2.0, 2.0])]
    for dtype in (np.float32, np.float64):
        for constant in constants:
            x = mg.tensor(np.array([1.0, 3.0], dtype), requires_grad=True)
            with mode():
                y = x * constant
            wide = isinstance(constant, np.ndarray) and constant.ndim
            assert y.dtype == (np.float64 if wide else dtype)
            assert y.tolist() == [2, 6]
            if y.requires_grad:
                y.sum().backward()
                assert x.grad.dtype == dtype
                assert x.grad.tolist() == [2, 2]


def test_arguments_that_are_named_as_the_template_names_things() -> None:
    x = mg.tensor([1.0], requires_grad=True)
    y = _clashing(x, 5.0, op=7.0)
    y.sum().backward()
    assert y.tolist() == [70]
    assert x.grad.tolist() == [70]


WAYS: dict[str, Callable[[Any], Any]] = {
    "positional": lambda x: mg.sum(x, 1, True),
    "keyword": lambda x: mg.sum(x, dim=1, keepdim=True),
    "mixed": lambda x: mg.sum(x, 1, keepdim=True),
    "NumPy's names": lambda x: mg.sum(x, axis=1, keepdims=True),
    "input by name": lambda x: mg.sum(input=x, dim=1, keepdim=True),
    "method": lambda x: x.sum(1, True),
    "NumPy's door": lambda x: np.sum(x, axis=1, keepdims=True),
    "a tensor for a number": lambda x: mg.sum(x, mg.tensor(1), True),
}


@pytest.mark.parametrize("mode", modes())
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_passing_arguments(way: str, mode: Any) -> None:
    x = mg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    with mode():
        y = WAYS[way](x)
    assert y.tolist() == [[3], [12]]
    assert (y.shape, y.dtype) == ((2, 1), np.float64)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: mg.exp(), "missing its argument 'x'"),
        (lambda x: mg.add(x), "missing its argument 'y'"),
        (lambda x: mg.exp(x, out_of=3), "unexpected keyword argument 'out_of'"),
        (lambda x: mg.exp(x, input=x), "two values for its argument 'x'"),
        (lambda x: mg.sum(x, 0, axis=0), "two values for its argument 'dim'"),
        (lambda x: mg.exp(x, 1), "positional argument"),
    ],
)
def test_wrong_arguments_are_named(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(mg.tensor([1.0]))


def test_the_text_of_a_call_is_shown_and_stands_in_tracebacks() -> None:
    x = mg.ones(2, 3)
    with pytest.raises(ValueError, match=r"inner|mismatch|not aligned") as caught:
        x @ x
    assert mg.matmul.op.source.startswith("def matmul(x, y, **names):")
    shown = traceback.format_exception(caught.value)
    assert any("out = forward(x_array, y_array)" in line for line in shown), shown


# -------------------------------------------------------------------------------- traces and tapes


def test_a_trace_writes_down_calls_that_need_no_gradient() -> None:
    x, labels = mg.tensor([-1.0, 2.0]), mg.tensor([0, 1])
    with trace() as t, mg.no_grad():
        mask = (x > 0).float()
        onehot = mg.nn.functional.one_hot(labels, 2)
        (x * mask).sum() + onehot.sum()
    names = [call.op.name for call in t.calls]
    assert "gt" in names
    assert names.index("gt") < names.index("mul") < names.index("sum")
    by_id = {id(array) for call in t.calls for array in call.results}
    product = next(call for call in t.calls if call.op is mg.mul.op)
    assert product.operands[0] is x._array
    assert id(product.operands[1]) in by_id


def test_a_trace_names_the_line_that_called() -> None:
    with trace() as t:
        mg.ones(2).exp()
    file, _, function = t.calls[-1].line
    assert file == __file__
    assert function == "test_a_trace_names_the_line_that_called"


def test_a_trace_sees_the_backward_pass() -> None:
    w, x = mg.tensor([[1.0, 2.0]], requires_grad=True), mg.tensor([[3.0, 4.0]])
    with trace() as t:
        loss = (x @ w.T).sum()
        before = len(t.calls)
        loss.backward()
    assert w.grad.tolist() == [[3, 4]]
    backward = t.calls[before:]
    assert "matmul" in {call.op.name for call in backward}
    assert any(w.grad._array is result for call in backward for result in call.results)


def test_a_tape_prints_as_the_program_that_it_is() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    w = mg.tensor([3.0, 4.0], requires_grad=True)
    y = (x * w + 1).sum()
    tape = Tape.of(y, names={"x": x, "w": w, "y": y})
    assert str(tape).splitlines() == [
        "t1 = mul(x, w)   # (2,) float32",
        "t2 = add(t1, 1)  # (2,) float32",
        "y = sum(t2)      # () float32",
        "return y",
    ]


def test_the_tape_of_the_backward_pass_computes_the_gradients() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    w = mg.tensor([3.0, 4.0], requires_grad=True)
    y = (x * w).tanh().sum()
    tape = Tape.of(y, names={"x": x, "w": w, "y": y}).vjp()
    assert [value.name for value in tape.outputs] == ["d_x", "d_w"]
    assert [value.name for value in tape.inputs] == ["d_y"]
    y.backward()
    for value, tensor in zip(tape.outputs, (x, w)):
        np.testing.assert_array_equal(value.array, tensor.grad.numpy())


OF_WRONG_KINDS = {
    "is_complex: input is a tensor, got int": lambda: mg.is_complex(1),
    "multi_dot: tensors\\[0\\] is a tensor, got str": lambda: mg.linalg.multi_dot("sum"),
    "max_unpool1d: input is a tensor, got int": lambda: mg.nn.functional.max_unpool1d(
        3, mg.ones(3, 1), 2
    ),
    "linear: weight=np.float32": lambda: mg.linear(
        mg.ones(1, 3, dtype=mg.int64), np.float32(2), mg.ones(1, 2, dtype=mg.int64)
    ),
    "rot90: dims=.. is not of a kind": lambda: mg.rot90(mg.ones(2, 2), 1, {}),
    "neg: x is a tensor, an array or a number, got str": lambda: mg.neg("x"),
}


@pytest.mark.parametrize("said", OF_WRONG_KINDS)
def test_arguments_of_a_wrong_kind_are_named(said: str) -> None:
    with pytest.raises(TypeError, match=said):
        OF_WRONG_KINDS[said]()


# what answers anything: nothing is equal to it, there is nothing to draw; None becomes a NaN
ANSWERED = {"equal", "F.feature_alpha_dropout", "fill", "masked_fill", "quantile"}
# the message is that of the function inside, which tells what its argument is
WITHIN = {
    "addbmm",
    "addmv",
    "baddbmm",
    "topk",
    "multinomial",
    "poisson",
    "linalg.lu_solve",
    "fill",
    "masked_fill",
}


def wanting_tensors() -> list[tuple[str, Callable[..., Any], int, str, int]]:
    """Function by name, where it wants a tensor, and how many arguments it needs."""
    found = []
    for name, function in calls.functions():
        if name.startswith("Tensor.") or not hasattr(function, "__annotations__"):
            continue
        parameters = list(inspect.signature(function).parameters.values())
        needed = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
        for i, p in enumerate(needed):
            if p.annotation in ("Array", "Tensor") and p.kind is not p.KEYWORD_ONLY:
                found.append((name, function, i, p.name, len(needed)))
    return found


@pytest.mark.parametrize("wrong", [None, "x", object()], ids=["None", "str", "object"])
def test_what_is_not_a_tensor_is_named(wrong: Any) -> None:
    """A TypeError says which argument, or which function, if that is one inside."""
    unnamed = []
    tried = wanting_tensors()
    for name, function, i, argument, count in tried:
        arguments: list[Any] = [mg.ones(2, 2)] * count
        arguments[i] = wrong
        try:
            function(*arguments)
        except (TypeError, ValueError, IndexError, RuntimeError) as error:
            said = str(error)
        else:
            assert name in ANSWERED, name
            continue
        words = (argument, name.split(".")[-1], " is a tensor", "tensor was expected")
        if name not in WITHIN and not any(word in said for word in words):
            unnamed.append((name, argument, said))
    assert not unnamed
    assert len(tried) > 300


class Own:
    """An array-like whose own code has a fault."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.nothing


def test_an_attribute_error_of_other_code_is_shown_as_it_is() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        mg.add(mg.ones(2), Own())


def test_empty_strided_views_of_an_empty_tensor() -> None:
    assert mg.ones(3, 0).as_strided((0, 0), (1, 2)).shape == (0, 0)
