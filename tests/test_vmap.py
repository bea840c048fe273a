"""vmap over every row of the table of ops gives what a loop over the samples gives."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.func import batched as engine
from minigrad.func import grad, hessian, jacfwd, jacrev, rules, vmap
from minigrad.pytrees import leaves_of
from tests.samples import SAMPLES, Sample, some

BATCH = 6  # more than the few for which a loop is as quick


# rows that draw random numbers, or whose results have a size that hangs on the numbers
UNEVEN = {"where-places", "argwhere", "masked_select", "nonzero", "nonzero-as_tuple"}
DRAWN = {"dropout", "rrelu", "gumbel_softmax", "alpha_dropout", "feature_alpha_dropout"}
ROWS = [
    sample
    for sample in SAMPLES
    if str(sample) not in UNEVEN and sample.name.split(".")[-1].rstrip("123d") not in DRAWN
]


def over(samples: list[Sample]) -> Any:
    return pytest.mark.parametrize("sample", samples, ids=str)


def batches(sample: Sample, shapes: Any) -> list[mg.Tensor]:
    """A batch of inputs of `shapes` from the domain of a row."""
    domains = sample.domain
    listed = domains if isinstance(domains, tuple) else (domains,) * len(shapes)
    rng = sample.rng()
    return [
        mg.tensor(np.stack([np.asarray(draw(rng, shape)) for _ in range(BATCH)]))
        for draw, shape in zip(listed, shapes, strict=True)
    ]


def loop(
    function: Callable[..., Any], inputs: list[Any], dims: tuple[int | None, ...]
) -> list[Any]:
    """The results of `function` for each sample, stacked: the meaning of vmap."""
    rows = []
    for i in range(BATCH):
        given = [x if d is None else x[i] for x, d in zip(inputs, dims, strict=True)]
        rows.append(leaves_of(function(*given)))
    return [
        np.stack([np.asarray(y.detach()) for y in column]) for column in zip(*rows, strict=True)
    ]


def assert_same(got: Any, expected: list[Any]) -> None:
    found = leaves_of(got)
    assert len(found) == len(expected)
    for y, reference in zip(found, expected, strict=True):
        assert y.shape == reference.shape
        assert y.dtype == reference.dtype
        size = np.abs(reference[np.isfinite(reference)]).max(initial=1)
        np.testing.assert_allclose(y.detach().numpy(), reference, 1e-10, 1e-10 * size)


def kinds_of(sample: Sample) -> list[tuple[Any, ...]]:
    kinds = [sample.shapes, sample.zero_d, sample.broadcast]
    return [shapes for shapes in kinds if shapes is not None]


@over(some(ROWS))
def test_values(sample: Sample) -> None:
    for shapes in kinds_of(sample):
        inputs = batches(sample, shapes)
        all_axes = (0,) * len(inputs)
        for dims in {all_axes, (0, *[None] * (len(inputs) - 1))}:
            given = [x if d == 0 else x[0] for x, d in zip(inputs, dims, strict=True)]
            assert_same(vmap(sample.run, in_dims=dims)(*given), loop(sample.run, given, dims))


@over(some([sample for sample in ROWS if sample.differentiable]))
def test_gradients(sample: Sample) -> None:
    rng = np.random.default_rng(zlib.crc32(str(sample).encode()) + 1)
    for shapes in {sample.shapes, sample.broadcast or sample.shapes}:
        inputs = batches(sample, shapes)
        first = leaves_of(sample.run(*[x[0] for x in inputs]))
        cotangents = [rng.standard_normal(y.shape) for y in first]

        def number(*xs: mg.Tensor) -> mg.Tensor:
            ys = leaves_of(sample.run(*xs))
            terms = [(y * mg.tensor(c)).sum() for y, c in zip(ys, cotangents) if y.requires_grad]
            return sum(terms, start=mg.zeros(()))

        argnums = tuple(range(len(inputs)))
        gradients = grad(number, argnums)
        dims = (0,) * len(inputs)
        assert_same(vmap(gradients)(*inputs), loop(gradients, inputs, dims))


def runs_at_once(function: Callable[..., Any], *inputs: mg.Tensor) -> bool:
    return engine.batched(function, inputs) is not None


def test_most_rows_take_a_batch_at_once() -> None:
    taken = [runs_at_once(sample.run, *batches(sample, sample.shapes)) for sample in ROWS]
    assert sum(taken) > 0.9 * len(taken)


W = mg.tensor(np.random.default_rng(3).standard_normal((5, 4)), requires_grad=True)
X = mg.tensor(np.random.default_rng(4).standard_normal((BATCH, 4)))


def layer(x: mg.Tensor) -> mg.Tensor:
    return (W @ x).tanh()


def test_a_tensor_of_a_closure_gets_its_gradient() -> None:
    cotangent = mg.tensor(np.random.default_rng(5).standard_normal((BATCH, 5)))
    assert runs_at_once(layer, X)
    (got,) = mg.autograd.grad((vmap(layer)(X) * cotangent).sum(), [W])
    (expected,) = mg.autograd.grad((mg.stack([layer(x) for x in X]) * cotangent).sum(), [W])
    np.testing.assert_allclose(got.numpy(), expected.numpy(), 1e-12)


def test_what_is_detached_inside_has_no_gradient() -> None:
    function = lambda x: (x * x.detach()).sum()
    assert runs_at_once(grad(function), X)
    np.testing.assert_array_equal(vmap(grad(function))(X).numpy(), X.numpy())
    x = X.clone().requires_grad_()
    (outside,) = mg.autograd.grad(vmap(function)(x).sum(), [x])
    np.testing.assert_array_equal(outside.numpy(), X.numpy())


def test_inner_no_grad_is_kept() -> None:
    def function(x: mg.Tensor) -> mg.Tensor:
        with mg.no_grad():
            factor = x.exp()
        return (x * factor).sum()

    x = X.clone().requires_grad_()
    (outside,) = mg.autograd.grad(vmap(function)(x).sum(), [x])
    np.testing.assert_allclose(outside.numpy(), np.exp(X.numpy()), 1e-14)


def test_transforms_nest() -> None:
    pairs = vmap(lambda x: vmap(lambda y: (x * y).sum())(X))(X)
    np.testing.assert_allclose(pairs.numpy(), X.numpy() @ X.numpy().T, 1e-12, 1e-14)
    second = vmap(hessian(layer))(X)
    w, y = W.detach().numpy(), np.tanh(X.numpy() @ W.detach().numpy().T)
    formula = np.einsum("bi,ij,ik->bijk", -2 * y * (1 - y * y), w, w)
    np.testing.assert_allclose(second.detach().numpy(), formula, 1e-10, 1e-12)
    both = vmap(jacfwd(jacrev(layer)))(X), vmap(jacrev(jacfwd(layer)))(X)
    for each in both:
        np.testing.assert_allclose(each.detach().numpy(), formula, 1e-10, 1e-12)


@pytest.mark.parametrize("chunk_size", [1, 2, 4, 100])
def test_pieces_of_a_batch_are_joined(chunk_size: int) -> None:
    whole = vmap(layer)(X)
    np.testing.assert_allclose(
        vmap(layer, chunk_size=chunk_size)(X).detach().numpy(), whole.detach().numpy(), 1e-14
    )
    rows = jacrev(lambda x: x**3, chunk_size=chunk_size)(X[0])
    np.testing.assert_allclose(rows.numpy(), np.diag(3 * X[0].numpy() ** 2), 1e-14)


def test_a_branch_on_a_number_is_a_loop() -> None:
    function = lambda x: x * 2 if x.sum() > 0 else x * 3
    assert not runs_at_once(function, X)
    factor = np.where(X.numpy().sum(1, keepdims=True) > 0, 2, 3)
    np.testing.assert_array_equal(vmap(function)(X).numpy(), X.numpy() * factor)


def test_an_index_that_is_a_number_of_the_sample_is_not_that_of_the_first() -> None:
    places = mg.tensor([0, 2, 1, 3, 3, 1])
    got = vmap(lambda x, i: x[i])(X, places)
    np.testing.assert_array_equal(got.numpy(), X.numpy()[np.arange(BATCH), places.numpy()])


def test_a_change_in_place_happens_once_for_each_sample() -> None:
    total = mg.zeros(4, dtype=mg.float64)

    def function(x: mg.Tensor) -> mg.Tensor:
        total.add_(x)
        return x * 1

    vmap(function)(X)
    np.testing.assert_allclose(total.numpy(), X.numpy().sum(0), 1e-12)


def test_random_numbers_are_drawn_for_each_sample() -> None:
    function = lambda x: x + mg.randn(4, dtype=mg.float64)
    mg.manual_seed(1)
    got = vmap(function, randomness="different")(X)
    mg.manual_seed(1)
    np.testing.assert_array_equal(got.numpy(), mg.stack([function(x) for x in X]).numpy())


def test_a_wrong_rule_is_noticed_and_its_result_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    function = lambda x: (x * x).sum()
    assert runs_at_once(function, X)
    wrong = lambda op, operands, statics, size: mg.zeros(size, dtype=mg.float64)
    monkeypatch.setitem(rules.RULES, mg.sum.op, wrong)
    assert not runs_at_once(function, X)
    np.testing.assert_allclose(vmap(function)(X).numpy(), (X.numpy() ** 2).sum(1), 1e-14)


def test_a_rule_that_does_not_foresee_a_case_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def unforeseen(op: Any, operands: Any, statics: Any, size: int) -> Any:
        raise ValueError("a rule of another signature")

    monkeypatch.setitem(rules.RULES, mg.sum.op, unforeseen)
    function = lambda x: (x * x).sum()
    assert runs_at_once(function, X)  # the op sample by sample, the others at once
    np.testing.assert_allclose(vmap(function)(X).numpy(), (X.numpy() ** 2).sum(1), 1e-14)


def test_what_a_trace_overlooks_is_noticed() -> None:
    hidden = lambda x: x * float(x._array[0])  # numbers read where no trace sees it
    assert not runs_at_once(hidden, X)
    np.testing.assert_allclose(vmap(hidden)(X).numpy(), X.numpy() * X.numpy()[:, :1], 1e-14)


def test_per_sample_gradients_of_a_module() -> None:
    net = mg.nn.Sequential(mg.nn.Linear(4, 3), mg.nn.ReLU(), mg.nn.Linear(3, 2)).double()
    labels = mg.tensor([0, 1, 1, 0, 1, 0])
    weights = {name: p.detach() for name, p in net.named_parameters()}

    def loss(weights: Any, x: mg.Tensor, y: mg.Tensor) -> mg.Tensor:
        out = mg.func.functional_call(net, weights, (x[None],))
        return mg.nn.functional.cross_entropy(out, y[None])

    got = vmap(grad(loss), in_dims=(None, 0, 0))(weights, X, labels)
    for i in range(BATCH):
        net.zero_grad()
        mg.nn.functional.cross_entropy(net(X[i : i + 1]), labels[i : i + 1]).backward()
        for name, p in net.named_parameters():
            np.testing.assert_allclose(got[name][i].numpy(), p.grad.numpy(), 1e-12, 1e-15)


def test_an_ensemble_is_one_expression() -> None:
    nets = [mg.nn.Linear(4, 2).double() for _ in range(BATCH)]
    parameters, buffers = mg.func.stack_module_state(nets)
    call = lambda p, b, x: mg.func.functional_call(nets[0], (p, b), (x,))
    got = vmap(call, in_dims=(0, 0, None))(parameters, buffers, X)
    for net, y in zip(nets, got, strict=True):
        np.testing.assert_allclose(y.detach().numpy(), net(X).detach().numpy(), 1e-12, 1e-14)
