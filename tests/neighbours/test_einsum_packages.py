"""einops and opt_einsum on tensors: the values that they have on arrays, and gradients."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck
from tests.neighbours import need

einops = need("einops")
opt_einsum = need("opt_einsum")

rng = np.random.default_rng(0)
X = rng.standard_normal((2, 4, 6))

CALLS = [
    ("rearrange", ("a b c -> c (b a)",), {}),
    ("rearrange", ("a (b1 b2) c -> b1 a (c b2)",), {"b2": 2}),
    ("rearrange", ("... c -> c ...",), {}),
    ("rearrange", ("a b c -> a 1 b c 1",), {}),
    ("reduce", ("a b c -> b", "sum"), {}),
    ("reduce", ("a b (c 3) -> a c", "mean"), {}),
    ("reduce", ("a b c -> a", "max"), {}),
    ("reduce", ("a (b 2) c -> b c", "min"), {}),
    ("reduce", ("a b c -> ", "prod"), {}),
    ("reduce", ("a b c -> a 1 c", "mean"), {}),
    ("repeat", ("a b c -> a r b c",), {"r": 3}),
    ("repeat", ("a b c -> (r a) b (c s)",), {"r": 2, "s": 3}),
    ("repeat", ("a b c -> r a b s c",), {"r": 2, "s": 3}),
]


@pytest.mark.parametrize(("name", "arguments", "sizes"), CALLS, ids=lambda x: str(x))
def test_einops_on_tensors_is_einops_on_arrays_and_differentiated(name, arguments, sizes):
    function = getattr(einops, name)
    expected = function(X, *arguments, **sizes)
    np.testing.assert_allclose(function(mg.tensor(X), *arguments, **sizes).numpy(), expected)
    t = mg.tensor(X, requires_grad=True)
    out = function(t, *arguments, **sizes)
    np.testing.assert_allclose(out.detach().numpy(), expected)
    assert out.requires_grad
    assert gradcheck(lambda t: function(t, *arguments, **sizes), (t,))


def test_any_and_all_are_reductions_of_booleans():
    mask = mg.tensor(X > 0)
    for operation in ("any", "all"):
        found = einops.reduce(mask, "a b c -> a", operation)
        np.testing.assert_array_equal(found.numpy(), einops.reduce(X > 0, "a b c -> a", operation))


def test_lists_pack_unpack_einsum_and_shapes():
    tensors = [mg.tensor(X, requires_grad=True), mg.tensor(X + 1, requires_grad=True)]
    stacked = einops.rearrange(tensors, "n a b c -> a (n b) c")
    np.testing.assert_allclose(
        stacked.detach().numpy(), einops.rearrange([X, X + 1], "n a b c -> a (n b) c")
    )
    packed, shapes = einops.pack(tensors, "a b *")
    back = einops.unpack(packed, shapes, "a b *")
    for t, again in zip(tensors, back):
        assert mg.equal(t.detach(), again.detach())
    (packed * packed).sum().backward()
    np.testing.assert_allclose(tensors[0].grad.numpy(), 2 * X)
    out = einops.einsum(*tensors, "a b c, a d c -> b d")
    np.testing.assert_allclose(out.detach().numpy(), np.einsum("abc,adc->bd", X, X + 1))
    assert gradcheck(lambda s, t: einops.einsum(s, t, "a b c, a d c -> b d"), tuple(tensors))
    assert einops.parse_shape(tensors[0], "a b _") == {"a": 2, "b": 4}
    with pytest.raises(einops.EinopsError, match="expected 2 dims"):
        einops.rearrange(tensors[0], "a b -> b a")
    assert mg.is_tensor(einops.asnumpy(tensors[0])) is False


def test_layers_of_einops_are_modules():
    from minigrad.neighbours.einops import EinMix, Rearrange, Reduce

    mg.manual_seed(0)
    net = mg.nn.Sequential(
        Rearrange("a (h w) c -> a h w c", h=2),
        EinMix("a h w c -> a h w d", "c d", bias_shape="d", c=6, d=3),
        Reduce("a h w d -> a d", "max"),
        EinMix("a (d) -> a (d k)", "k d", k=2, d=3),
    )
    assert [name for name, _ in net.named_parameters()] == ["1.weight", "1.bias", "3.weight"]
    x = mg.tensor(X)
    out = net(x)
    assert out.shape == (2, 6)
    out.sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert net[1].weight.abs().max() <= (3 / 6) ** 0.5
    assert gradcheck(net.double(), (mg.tensor(X, requires_grad=True),))
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(again(x).detach().numpy(), net(x).detach().numpy())


@pytest.mark.parametrize("order", ["einops, minigrad", "minigrad, einops"])
def test_the_backend_is_there_whichever_is_imported_first(order):
    program = (
        f"import {order}; import sys; before = 'minigrad.neighbours.einops' in sys.modules;"
        "print(before, einops.rearrange(minigrad.ones(2, 3), 'a b -> (b a)').shape)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "True (6,)\n", run.stderr


def test_minigrad_imports_no_neighbour_by_itself():
    program = (
        "import minigrad, sys; print(sorted({'einops', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr


# -------------------------------------------------------------------------------------- opt_einsum

EQUATIONS = ["ab,bc,cd->ad", "abc,cd,bd->a", "ab,ab->", "ij,jk,kl,lm->im", "aab,b->a", "ab,c->cab"]


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("optimize", ["auto", "greedy", "optimal", False])
def test_contract_is_einsum_and_differentiated(equation, optimize):
    terms = equation.split("->")[0].split(",")
    sizes = dict(zip("abcdijklm", [2, 3, 4, 2, 3, 2, 4, 3, 2]))
    sizes["a"] = 3
    arrays = [rng.standard_normal([sizes[i] for i in term]) for term in terms]
    tensors = tuple(mg.tensor(a, requires_grad=True) for a in arrays)
    out = opt_einsum.contract(equation, *tensors, optimize=optimize)
    expected = np.einsum(equation, *arrays)
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol=1e-12, atol=1e-12)
    assert gradcheck(lambda *t: opt_einsum.contract(equation, *t, optimize=optimize), tensors)


def test_a_contraction_prepared_for_shapes_takes_tensors():
    expression = opt_einsum.contract_expression("ab,bc,cd->ad", (2, 3), (3, 4), (4, 5))
    arrays = [rng.standard_normal(s) for s in ((2, 3), (3, 4), (4, 5))]
    tensors = tuple(mg.tensor(a, requires_grad=True) for a in arrays)
    np.testing.assert_allclose(
        expression(*tensors).detach().numpy(), np.linalg.multi_dot(arrays), rtol=1e-12
    )
    assert gradgradcheck(expression, tensors)


# --------------------------------------------------------------- NumPy's names, for PyTorch's axes


def test_arguments_go_by_numpys_names_too():
    t = mg.tensor(X, requires_grad=True)
    pairs = [
        (mg.flip(t, axis=0), np.flip(X, axis=0)),
        (t.flip(axis=(0, 2)), np.flip(X, axis=(0, 2))),
        (mg.roll(t, 1, axis=1), np.roll(X, 1, axis=1)),
        (t.roll(shift=(1, 2), axis=(0, 1)), np.roll(X, shift=(1, 2), axis=(0, 1))),
        (mg.transpose(t, axes=(2, 0, 1)), np.transpose(X, axes=(2, 0, 1))),
        (mg.transpose(t, (2, 0, 1)), np.transpose(X, (2, 0, 1))),
        (t.transpose(axes=(1, 0, 2)), np.transpose(X, axes=(1, 0, 2))),
        (mg.tensordot(t, t, axes=([1, 2], [1, 2])), np.tensordot(X, X, axes=([1, 2], [1, 2]))),
        (mg.tensordot(t, t[0].mT, axes=1), np.tensordot(X, X[0].mT, axes=1)),
        (mg.rot90(t, axes=(1, 2)), np.rot90(X, axes=(1, 2))),
        (mg.linalg.vecdot(t, t, axis=0), (X * X).sum(0)),
        (mg.linalg.cross(t[..., :3], t[..., 3:], axis=-1), np.cross(X[..., :3], X[..., 3:])),
    ]
    for found, expected in pairs:
        assert found.requires_grad
        np.testing.assert_allclose(found.detach().numpy(), expected)


def test_functional_takes_axis_for_dim():
    F = mg.nn.functional
    t = mg.tensor(X)
    for function in (F.softmax, F.softmin, F.log_softmax, F.normalize, F.glu):
        assert mg.equal(function(t, axis=1), function(t, dim=1))
    assert mg.equal(F.cosine_similarity(t, t + 1, axis=2), F.cosine_similarity(t, t + 1, dim=2))
    assert F.pairwise_distance(t, t, keepdims=True).shape == (2, 4, 1)
    with pytest.raises(TypeError, match="under two names"):
        F.softmax(t, dim=0, axis=0)
    with pytest.raises(TypeError, match="under two names"):
        mg.flip(t, dims=0, axis=0)
    with pytest.warns(UserWarning, match="softmax without dim") as noted:
        F.softmax(t)
    assert noted[0].filename == __file__
