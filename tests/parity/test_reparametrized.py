"""Weight and spectral norms, parametrizations, pruning and packed sequences, as in PyTorch."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")
pytest.importorskip("torch.nn.utils.prune")

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated")  # of PyTorch


def same(a, b, tolerance=1e-4):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), tolerance, tolerance)


def alike(a, b):
    """The same names, repr, numbers."""
    ours, theirs = a.state_dict(), b.state_dict()
    assert list(ours) == list(theirs)
    for name in ours:
        same(ours[name], theirs[name])


def pair(build):
    """A layer of both libraries with the same numbers, then given to `build(library, layer)`."""
    layers = []
    for library, make in ((mg, mg.tensor), (torch, torch.tensor)):
        rng = np.random.default_rng(0)
        layer = library.nn.Conv1d(3, 4, 2) if build in CONVOLUTIONS else library.nn.Linear(3, 4)
        for p in layer.parameters():
            p.data = make(rng.standard_normal(tuple(p.shape)).astype(np.float32))
        layers.append(build(library, layer))
    return layers


def old_weight(library, layer):
    return library.nn.utils.weight_norm(layer)


def old_weight_of_columns(library, layer):
    return library.nn.utils.weight_norm(layer, "weight", dim=1)


def new_weight(library, layer):
    return library.nn.utils.parametrizations.weight_norm(layer)


def new_weight_of_all(library, layer):
    return library.nn.utils.parametrizations.weight_norm(layer, dim=None)


def new_weight_of_bias(library, layer):
    return library.nn.utils.parametrizations.weight_norm(layer, "bias")


def convolution(library, layer):
    return library.nn.utils.parametrizations.weight_norm(layer, dim=2)


def old_spectral(library, layer):
    library.nn.utils.spectral_norm(layer, n_power_iterations=2)
    return with_directions(library, layer, "weight_u", "weight_v")


def new_spectral(library, layer):
    library.nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=3)
    return with_directions(library, layer, "parametrizations.weight.0._u",
                           "parametrizations.weight.0._v")  # fmt: skip


def spectral_convolution(library, layer):
    library.nn.utils.parametrizations.spectral_norm(layer, dim=1)
    return with_directions(library, layer, "parametrizations.weight.0._u",
                           "parametrizations.weight.0._v")  # fmt: skip


def with_directions(library, layer, *names):
    """Start the power iteration from the same vectors."""
    rng = np.random.default_rng(1)
    state = layer.state_dict()
    for name in names:
        drawn = rng.standard_normal(tuple(state[name].shape)).astype(np.float32)
        state[name] = library.tensor(drawn / np.linalg.norm(drawn))
    layer.load_state_dict(state)
    return layer


CONVOLUTIONS = (convolution, spectral_convolution)
NORMS = [old_weight, old_weight_of_columns, new_weight, new_weight_of_all, new_weight_of_bias,
         convolution, old_spectral, new_spectral, spectral_convolution]  # fmt: skip


@pytest.mark.parametrize("build", NORMS)
def test_normalized_layers_learn_the_same(build):
    ours, theirs = pair(build)
    alike(ours, theirs)
    x = np.random.default_rng(2).standard_normal((5, 3, 6) if build in CONVOLUTIONS else (5, 3))
    x = x.astype(np.float32)
    optimizers = [mg.optim.SGD(ours.parameters(), lr=0.1)]
    optimizers.append(torch.optim.SGD(theirs.parameters(), lr=0.1))
    for mode in (True, True, False):
        outputs = []
        for library, layer, optimizer in zip((mg, torch), (ours, theirs), optimizers):
            layer.train(mode)
            out = layer(library.tensor(x))
            optimizer.zero_grad()
            (out * out).sum().backward()
            optimizer.step()
            outputs.append(out)
        same(*outputs, 1e-4)
        alike(ours, theirs)
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (2, 4, 3)])
@pytest.mark.parametrize("trivial", [True, False])
@pytest.mark.parametrize("way", ["matrix_exp", "cayley", "householder"])
def test_orthogonal_weights_learn_the_same(way, trivial, shape):
    rng = np.random.default_rng(0)
    start = rng.standard_normal(shape).astype(np.float32)
    layers, losses = [], []
    for library in (torch, mg):
        layer = library.nn.Module()
        layer.weight = library.nn.Parameter(library.tensor(start))
        library.nn.utils.parametrizations.orthogonal(
            layer, orthogonal_map=way, use_trivialization=trivial
        )
        layers.append(layer)
    theirs, ours = layers
    # a base that is not square is completed at random
    ours.load_state_dict({k: mg.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    target = rng.standard_normal(shape).astype(np.float32)
    for library, layer in ((torch, theirs), (mg, ours)):
        optimizer = library.optim.SGD(layer.parameters(), lr=0.05)
        for _ in range(4):
            optimizer.zero_grad()
            loss = ((layer.weight - library.tensor(target)) ** 2).sum()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    np.testing.assert_allclose(losses[:4], losses[4:], 1e-4)
    alike(ours, theirs)
    assert repr(ours) == repr(theirs)
    weight = ours.weight if shape[-2] >= shape[-1] else ours.weight.mT
    np.testing.assert_allclose(
        (weight.mT @ weight).detach().numpy(),
        np.broadcast_to(np.eye(weight.shape[-1]), (*shape[:-2], *[weight.shape[-1]] * 2)),
        atol=1e-5,
    )
    if trivial:
        q, _ = np.linalg.qr(rng.standard_normal(shape) if shape[-2] >= shape[-1]
                            else rng.standard_normal(shape).swapaxes(-1, -2))  # fmt: skip
        q = (q if shape[-2] >= shape[-1] else q.swapaxes(-1, -2)).astype(np.float32)
        ours.weight = mg.tensor(q)
        np.testing.assert_allclose(ours.weight.detach().numpy(), q, atol=1e-5)
    elif way != "householder":
        with pytest.raises(NotImplementedError, match="use_trivialization"):
            ours.weight = ours.weight.detach()


def test_what_cannot_be_orthogonal_is_refused():
    orthogonal = mg.nn.utils.parametrizations.orthogonal
    with pytest.raises(ValueError, match="a weight is a matrix"):
        orthogonal(mg.nn.Linear(2, 3), "bias")
    with pytest.raises(ValueError, match="one of matrix_exp"):
        orthogonal(mg.nn.Linear(2, 3), orthogonal_map="qr")
    with pytest.raises(ValueError, match="no weight 'other'"):
        orthogonal(mg.nn.Linear(2, 3), "other")


@pytest.mark.parametrize("build", NORMS)
def test_they_can_be_copied_and_removed(build):
    ours, theirs = pair(build)
    x = mg.tensor(np.ones((2, 3, 6) if build in CONVOLUTIONS else (2, 3), np.float32))
    ours.eval()
    expected = ours(x).detach().numpy()
    if build not in (old_weight, old_weight_of_columns, old_spectral):
        copied = copy.deepcopy(ours)
        np.testing.assert_array_equal(copied(x).detach().numpy(), expected)
        for p in copied.parameters():
            p.data = p * 0 + 0.5
        np.testing.assert_array_equal(ours(x).detach().numpy(), expected)
        with pytest.raises(RuntimeError, match="state_dict"):
            pickle.dumps(ours)
    name = "bias" if build is new_weight_of_bias else "weight"
    for library, layer in ((mg, ours), (torch, theirs)):
        layer.eval()
        utils = library.nn.utils
        if build in (old_weight, old_weight_of_columns):
            utils.remove_weight_norm(layer)
        elif build is old_spectral:
            utils.remove_spectral_norm(layer)
        else:
            assert utils.parametrize.is_parametrized(layer, name)
            utils.parametrize.remove_parametrizations(layer, name)
            assert not utils.parametrize.is_parametrized(layer)
    assert type(ours).__name__ == type(theirs).__name__
    alike(ours, theirs)
    np.testing.assert_allclose(ours(x).detach().numpy(), expected, 1e-5, 1e-6)
    assert {p.requires_grad for p in ours.parameters()} == {True}


def symmetric(library):
    class Symmetric(library.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, a):
            return a.triu()

    return Symmetric()


def doubled(library):
    class Doubled(library.nn.Module):
        def forward(self, x):
            return x * 2

    return Doubled()


def test_parametrizations_of_ones_own():
    layers = []
    for library in (mg, torch):
        parametrize = library.nn.utils.parametrize
        layer = library.nn.Linear(3, 3)
        layer.weight.data = library.tensor(np.arange(9.0).reshape(3, 3).astype(np.float32))
        layer.bias.data = library.ones(3)
        same_object = layer.weight
        parametrize.register_parametrization(layer, "weight", symmetric(library))
        assert layer.parametrizations.weight.original is same_object
        assert library.equal(layer.weight, layer.weight.T)
        layer.weight = library.eye(3)  # goes through right_inverse
        assert library.equal(layer.weight, library.eye(3))
        parametrize.register_parametrization(layer, "weight", doubled(library))
        with pytest.raises(RuntimeError, match=r"right_inverse|right inverse"):
            layer.weight = library.eye(3)
        with parametrize.cached():
            assert layer.weight is layer.weight
        assert layer.weight is not layer.weight
        layer(library.ones(2, 3)).sum().backward()
        layers.append(layer)
    assert [name for name, _ in layers[0].named_parameters()] == [
        name for name, _ in layers[1].named_parameters()
    ]
    same(layers[0].weight, layers[1].weight)
    same(*[layer.parametrizations.weight.original.grad for layer in layers])
    for library, layer in zip((mg, torch), layers):
        library.nn.utils.parametrize.remove_parametrizations(layer, "weight", False)
    same(layers[0].weight, layers[1].weight)


def test_what_parametrizations_refuse():
    class Halved(mg.nn.Module):
        def forward(self, x):
            return x[:1]

    register = mg.nn.utils.parametrize.register_parametrization
    with pytest.raises(ValueError, match="unsafe"):
        register(mg.nn.Linear(2, 3), "weight", Halved())
    with pytest.raises(ValueError, match="nothing"):
        register(mg.nn.Linear(2, 3), "nothing", Halved())
    with pytest.raises(ValueError, match="no parametrized"):
        mg.nn.utils.parametrize.remove_parametrizations(mg.nn.Linear(2, 3), "weight")
    with pytest.raises(RuntimeError, match="already"):
        mg.nn.utils.weight_norm(mg.nn.utils.weight_norm(mg.nn.Linear(2, 3)))
    with pytest.raises(ValueError, match="WeightNorm"):
        mg.nn.utils.remove_weight_norm(mg.nn.Linear(2, 3))
    with pytest.raises(ValueError, match="positive"):
        mg.nn.utils.spectral_norm(mg.nn.Linear(2, 3), n_power_iterations=0)


# ------------------------------------------------------------------------------------------ pruning


def every_other(library):
    class EveryOther(library.nn.utils.prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    return EveryOther


PRUNINGS = {
    "l1": lambda lib, m: lib.nn.utils.prune.l1_unstructured(m, "weight", amount=0.4),
    "l1 number": lambda lib, m: lib.nn.utils.prune.l1_unstructured(m, name="weight", amount=3),
    "scores": lambda lib, m: lib.nn.utils.prune.l1_unstructured(
        m, "weight", 5, importance_scores=lib.arange(12.0).reshape(4, 3)),
    "l1 twice": lambda lib, m: [
        lib.nn.utils.prune.l1_unstructured(m, "weight", amount=0.5) for _ in range(2)],
    "structured": lambda lib, m: lib.nn.utils.prune.ln_structured(m, "weight", 0.5, n=2, dim=0),
    "structured then l1": lambda lib, m: [
        lib.nn.utils.prune.ln_structured(m, "weight", 1, n=1, dim=1),
        lib.nn.utils.prune.l1_unstructured(m, "weight", 0.5),
        lib.nn.utils.prune.ln_structured(m, "weight", 1, n=1, dim=1)],
    "mask": lambda lib, m: lib.nn.utils.prune.custom_from_mask(
        m, "bias", lib.tensor([1, 0, 1, 0])),
    "own": lambda lib, m: every_other(lib).apply(m, "bias"),
    "identity": lambda lib, m: lib.nn.utils.prune.identity(m, "weight"),
    "global": lambda lib, m: lib.nn.utils.prune.global_unstructured(
        [(m, "weight"), (m, "bias")], lib.nn.utils.prune.L1Unstructured, amount=0.6),
}  # fmt: skip


@pytest.mark.parametrize("name", PRUNINGS)
def test_pruning(name):
    ours, theirs = pair(lambda library, layer: layer)
    x = np.random.default_rng(2).standard_normal((5, 3)).astype(np.float32)
    for library, layer in ((mg, ours), (torch, theirs)):
        PRUNINGS[name](library, layer)
        assert library.nn.utils.prune.is_pruned(layer)
        optimizer = library.optim.SGD(layer.parameters(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            (layer(library.tensor(x)) ** 2).sum().backward()
            optimizer.step()
        layer(library.tensor(x))
    assert set(ours.state_dict()) == set(theirs.state_dict())
    for key, value in ours.state_dict().items():
        same(value, theirs.state_dict()[key])
    same(ours.weight, theirs.weight)
    same(ours.bias, theirs.bias)
    for library, layer in ((mg, ours), (torch, theirs)):
        for each in ("weight", "bias"):
            if hasattr(layer, f"{each}_mask"):
                library.nn.utils.prune.remove(layer, each)
        assert not library.nn.utils.prune.is_pruned(layer)
        with pytest.raises(ValueError):
            library.nn.utils.prune.remove(layer, "weight")
    assert set(ours.state_dict()) == {"weight", "bias"}
    same(ours.weight, theirs.weight)


@pytest.mark.parametrize("amount", [-1, 1.5, 100, -0.5])
def test_amounts_that_make_no_sense(amount):
    for library in (mg, torch):
        with pytest.raises(ValueError):
            library.nn.utils.prune.random_unstructured(library.nn.Linear(3, 4), "weight", amount)


# ------------------------------------------------------------------------------------------ packed

LENGTHS = [[5, 3, 3, 1], [2, 5, 1, 4], [1, 1, 1, 1], [5, 5, 5, 5]]


def packed(library, lengths, batch_first, **options):
    x = np.random.default_rng(0).standard_normal((4, 5, 3))
    x = library.tensor(x if batch_first else np.swapaxes(x, 0, 1), requires_grad=True)
    rnn = library.nn.utils.rnn
    return x, rnn.pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False, **options)


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("batch_first", [False, True])
def test_packing_and_padding(lengths, batch_first):
    results = []
    for library in (mg, torch):
        x, made = packed(library, lengths, batch_first)
        rnn = library.nn.utils.rnn
        padded, sizes = rnn.pad_packed_sequence(made, batch_first, -1.0, total_length=6)
        (padded * padded).sum().backward()
        assert sizes.tolist() == lengths
        sequences = rnn.unpack_sequence(made)
        assert [len(each) for each in sequences] == lengths
        results.append([made.data, made.batch_sizes, made.sorted_indices, padded, x.grad])
    for a, b in zip(*results):
        same(a, b, 1e-12)
    again = mg.nn.utils.rnn.pack_sequence(sequences_of(lengths), enforce_sorted=False)
    expected = torch.nn.utils.rnn.pack_sequence(
        [torch.tensor(s.numpy()) for s in sequences_of(lengths)], enforce_sorted=False
    )
    same(again.data, expected.data)


def sequences_of(lengths):
    return [mg.arange(float(n)) + 10 * i for i, n in enumerate(lengths)]


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("options", [
    {}, {"bidirectional": True}, {"num_layers": 2, "bidirectional": True}, {"bias": False},
    {"num_layers": 2, "batch_first": True},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_recurrent_layers_take_packed_sequences(name, lengths, options):
    theirs = getattr(torch.nn, name)(3, 4, **options).double()
    ours = getattr(mg.nn, name)(3, 4, **options).double()
    ours.load_state_dict(theirs.state_dict())
    cells = len(theirs.all_weights)
    states = np.random.default_rng(3).standard_normal((2, cells, 4, 4))
    results = []
    for library, layer in ((mg, ours), (torch, theirs)):
        x, given = packed(library, lengths, True)
        first = [library.tensor(each, requires_grad=True) for each in states]
        first = first if name == "LSTM" else first[:1]
        out, last = layer(given, tuple(first) if name == "LSTM" else first[0])
        last = last if name == "LSTM" else (last,)
        assert type(out) is type(given)
        (sum((each * each).sum() for each in last) + (out.data**3).sum()).backward()
        gradients = [p.grad for _, p in sorted(layer.named_parameters())]
        results.append([out.data, *last, x.grad, *[each.grad for each in first], *gradients])
        out_without, _ = layer(given)
        results[-1].append(out_without.data)
    for a, b in zip(*results, strict=True):
        same(a, b, 1e-9)


def test_what_packing_refuses():
    pack = mg.nn.utils.rnn.pack_padded_sequence
    for lengths, says in (([1, 2], "fall"), ([3, 0], "from 1"), ([4, 1], "to 3"), ([1], "2 int")):
        with pytest.raises(ValueError, match=says):
            pack(mg.ones(3, 2), lengths)
    with pytest.raises(ValueError, match="total_length"):
        mg.nn.utils.rnn.pad_packed_sequence(pack(mg.ones(3, 2), [2, 1]), total_length=1)
