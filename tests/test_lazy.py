"""Lazy layers become the ordinary ones at the first call, and load state dicts before and after."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.modules.lazy import LazyModuleMixin

torch = pytest.importorskip("torch")

# name of the layer, its size of the input, the other arguments, shape of an input
ROWS = [
    ("Linear", 4, (3,), {}, (2, 4)),
    ("Linear", 4, (3,), {"bias": False}, (2, 5, 4)),
    ("Conv1d", 2, (4, 3), {"padding": 1}, (2, 2, 6)),
    ("Conv2d", 4, (6, (3, 2)), {"groups": 2, "stride": 2}, (1, 4, 6, 5)),
    ("Conv2d", 2, (3, 2), {"bias": False, "padding_mode": "reflect", "padding": 1}, (2, 5, 5)),
    ("ConvTranspose1d", 2, (4, 3), {"stride": 2}, (2, 2, 6)),
    ("ConvTranspose2d", 4, (6, 3), {"groups": 2, "output_padding": 1, "stride": 2}, (1, 4, 4, 4)),
    ("Conv3d", 2, (3, 2), {"padding": 1}, (1, 2, 3, 4, 3)),
    ("ConvTranspose3d", 2, (3, 2), {}, (1, 2, 2, 2, 3)),
    ("BatchNorm3d", 2, (), {}, (2, 2, 2, 2, 3)),
    ("InstanceNorm3d", 2, (), {}, (2, 2, 2, 2, 3)),
    ("BatchNorm1d", 3, (), {"eps": 1e-3}, (4, 3)),
    ("BatchNorm2d", 3, (), {"affine": False}, (2, 3, 4, 4)),
    ("BatchNorm1d", 3, (), {"track_running_stats": False, "bias": False}, (4, 3, 2)),
    ("InstanceNorm1d", 3, (), {}, (2, 3, 4)),
    ("InstanceNorm2d", 3, (), {"affine": True, "track_running_stats": True}, (2, 3, 4, 4)),
]
EACH = pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[3]}")
NAMES = [name for name in dir(nn) if name.startswith("Lazy")]


def lazy(library, row):
    return getattr(library.nn, "Lazy" + row[0])(*row[2], **row[3])


def ordinary(library, row):
    options = {"affine": True, "track_running_stats": True} if "Norm" in row[0] else {}
    return getattr(library.nn, row[0])(row[1], *row[2], **{**options, **row[3]})


def example(row):
    return np.random.default_rng(0).standard_normal(row[4]).astype(np.float32)


def test_every_lazy_layer_is_in_the_table():
    assert {"Lazy" + row[0] for row in ROWS} == set(NAMES)


@EACH
def test_it_becomes_the_ordinary_layer_at_the_first_call(row):
    ours, theirs = lazy(mg, row), lazy(torch, row)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    before = list(ours.parameters())
    x = example(row)
    out, expected = ours(mg.tensor(x)), theirs(torch.tensor(x))
    assert type(ours) is getattr(nn, row[0])
    assert repr(ours) == repr(theirs)
    assert [id(p) for p in ours.parameters()] == [id(p) for p in before]
    assert all(type(p) is nn.Parameter for p in before)
    ours.load_state_dict(theirs.state_dict())
    ours.eval(), theirs.eval()
    out, expected = ours(mg.tensor(x)), theirs(torch.tensor(x))
    np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), 1e-5, 1e-6)
    if before:
        (out * out).sum().backward()
        assert all(p.grad.shape == p.shape for p in before)


@EACH
def test_first_values_are_those_of_the_ordinary_layer(row):
    """Drawn in the same order, of the same distribution, in the same order of memory."""
    mg.manual_seed(3)
    made = lazy(mg, row)
    made.eval()(mg.tensor(example(row)))
    mg.manual_seed(3)
    expected = ordinary(mg, row).state_dict()
    for name, tensor in made.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), expected[name].numpy())
        assert tensor.numpy().strides == expected[name].numpy().strides


@EACH
def test_it_loads_before_the_first_call(row):
    """A state dict of the ordinary layer, of either library; and one of a lazy layer."""
    x = mg.tensor(example(row))
    for library in (mg, torch):
        source = ordinary(library, row)
        made = lazy(mg, row)
        assert not [*made.load_state_dict(source.state_dict()).missing_keys]
        assert not made.has_uninitialized_params()
        assert type(made).__name__ == "Lazy" + row[0]
        made.eval()(x)
        assert type(made) is getattr(nn, row[0])
        for name, tensor in made.state_dict().items():
            np.testing.assert_array_equal(tensor.numpy(), source.state_dict()[name].numpy())
    again = lazy(mg, row)
    again.load_state_dict(lazy(mg, row).state_dict())
    again(x)
    again.load_state_dict(ordinary(mg, row).state_dict())


@EACH
def test_copies_and_types(row):
    for copied in (copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))):
        made = copied(lazy(mg, row)).double()
        made(mg.tensor(example(row).astype(np.float64)))
        assert {t.dtype for n, t in made.state_dict().items() if n != "num_batches_tracked"} <= {
            np.dtype(np.float64)
        }
    frozen = lazy(mg, row).requires_grad_(False)
    frozen(mg.tensor(example(row)))
    assert not any(p.requires_grad for p in frozen.parameters())
    typed = getattr(nn, "Lazy" + row[0])(*row[2], **row[3], dtype=mg.float64)
    typed(mg.tensor(example(row).astype(np.float64)))
    assert all(p.dtype == np.float64 for p in typed.parameters())


def test_an_optimizer_made_before_the_first_call_learns():
    for library in (mg, torch):
        net = library.nn.Sequential(
            library.nn.LazyLinear(3), library.nn.Tanh(), library.nn.LazyLinear(1)
        )
        optimizer = library.optim.Adam(net.parameters(), lr=0.1)
        optimizer.step()
        optimizer.zero_grad()
        net(library.ones(4, 2)).sum().backward()
        before = net[0].bias.detach().clone()
        optimizer.step()
        assert not library.equal(net[0].bias, before)


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda p: p.shape, RuntimeError), (lambda p: p + 1, ValueError),
        (lambda p: p.numel(), ValueError), (lambda p: p.sum(), ValueError),
        (lambda p: np.exp(p), ValueError), (lambda p: p[0], ValueError),
        (lambda p: nn.init.zeros_(p), ValueError), (lambda p: mg.tensor(p), ValueError),
    ],
)  # fmt: skip
def test_before_the_first_call_its_numbers_cannot_be_used(use, error):
    for tensor in (nn.LazyLinear(2).weight, nn.LazyBatchNorm1d().running_mean):
        with pytest.raises(error, match="Call the module once"):
            use(tensor)


def test_what_is_refused():
    wrong = nn.LazyLinear(3)
    wrong.load_state_dict(nn.Linear(5, 3).state_dict())
    with pytest.raises(ValueError, match="in_features=5, the input has 4"):
        wrong(mg.ones(2, 4))
    with pytest.raises(RuntimeError, match="no shape yet"):
        nn.Linear(5, 3).load_state_dict(nn.LazyLinear(3).state_dict())
    with pytest.raises(ValueError, match="groups"):
        nn.LazyConv1d(4, 2, groups=2)(mg.ones(1, 3, 5))
    with pytest.raises(ValueError, match="axes"):
        nn.LazyConv2d(4, 2)(mg.ones(3, 5))
    with pytest.raises(ValueError, match="axes"):
        nn.LazyBatchNorm2d()(mg.ones(3, 5))


def test_a_lazy_layer_of_ones_own():
    class Scale(LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.UninitializedParameter()

        def initialize_parameters(self, x):
            self.scale.materialize(x.shape[-1:])
            nn.init.constant_(self.scale, 2.0)

        def forward(self, x):
            return x * self.scale

    layer = Scale()
    assert layer(mg.ones(2, 3)).tolist() == layer(mg.ones(2, 3)).tolist() == [[2.0] * 3] * 2

    class Forgetful(Scale):
        def initialize_parameters(self, x):
            pass

    with pytest.raises(RuntimeError, match="left a parameter"):
        Forgetful()(mg.ones(2))


def test_lazy_layers_within_a_network_know_their_hooks():
    seen = []
    layer = nn.LazyLinear(3)
    layer.register_forward_pre_hook(lambda m, args: seen.append((type(m), m.weight.shape)))
    nn.Sequential(layer)(mg.ones(1, 2))
    assert seen == [(nn.Linear, (3, 2))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "UninitializedParameter" in repr(nn.LazyLinear(2).state_dict())
