"""Networks of one shape trained together: each ends with the weights that it has alone."""

from __future__ import annotations

import copy

import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.func import functional_call, stack_module_state, vmap

NETS, BATCH, STEPS = 7, 5, 6


class Residual(nn.Module):
    """A forward of its own, with a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 3)
        self.scale = nn.Parameter(mg.rand(3))

    def forward(self, x):
        return x * self.scale + self.second(self.first(x).tanh())


class Tied(nn.Module):
    """One matrix, used twice."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x).relu())


KINDS = {
    "mlp": lambda: nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3)),
    "norm": lambda: nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 3)),
    "residual": Residual,
    "tied": Tied,
    "conv": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 3)), nn.Conv1d(1, 2, 3, padding=1), nn.PReLU(), nn.Flatten(),
        nn.Linear(6, 3),
    ),
    "attention": lambda: nn.Sequential(
        nn.Unflatten(1, (3, 1)), nn.Linear(1, 4),
        nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True), nn.Flatten(),
        nn.Linear(12, 3),
    ),
}  # fmt: skip
OPTIMIZERS = {
    "sgd": lambda parameters: mg.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.01),
    "adam": lambda parameters: mg.optim.Adam(parameters, lr=0.01),
}


def loss_of(net):
    def loss(parameters, buffers, x, y):
        return F.cross_entropy(functional_call(net, (parameters, buffers), (x,)), y)

    return loss


@pytest.mark.parametrize("shared", [True, False], ids=["one batch", "a batch each"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_network_ends_with_its_own_weights(kind, optimizer, shared):
    # softmax does not see a bias of the keys: Adam steps by the rounding errors of a gradient 0
    tolerance = 1e-10 if (kind, optimizer) == ("attention", "adam") else 1e-12
    mg.manual_seed(1)
    nets = [KINDS[kind]().double() for _ in range(NETS)]
    start = copy.deepcopy(nets)
    axis = None if shared else 0
    data = [
        (mg.randn(NETS, BATCH, 3, dtype=mg.float64), mg.randint(0, 3, (NETS, BATCH)))
        for _ in range(STEPS)
    ]
    parameters, buffers = stack_module_state(nets)
    together = OPTIMIZERS[optimizer](list(parameters.values()))
    losses = vmap(loss_of(nets[0]), in_dims=(0, 0, axis, axis))
    found = []
    for x, y in data:
        together.zero_grad()
        given = (x[0], y[0]) if shared else (x, y)
        each = losses(parameters, buffers, *given)
        found.append(each.detach())
        each.sum().backward()
        together.step()
    for i, net in enumerate(nets):
        alone = OPTIMIZERS[optimizer](net.parameters())
        for step, (x, y) in enumerate(data):
            k = 0 if shared else i
            alone.zero_grad()
            loss = F.cross_entropy(net(x[k]), y[k])
            loss.backward()
            alone.step()
            assert found[step][i].item() == pytest.approx(loss.item(), rel=1e-11)
        for name, p in net.named_parameters():
            assert (parameters[name][i] - p).abs().max().item() < tolerance, name
            moved = (p - dict(start[i].named_parameters())[name]).abs().max().item()
            assert moved > 0 or name.endswith("in_proj_bias"), (
                name
            )  # the comparison is of something
    first, second = (next(net.parameters()) for net in nets[:2])
    assert not mg.allclose(first, second)


def test_networks_in_evaluation_use_their_own_statistics():
    mg.manual_seed(0)
    nets = [nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)) for _ in range(NETS)]
    for net in nets:
        net(mg.randn(20, 3) * 3 + 1)
        net.eval()
    x = mg.randn(BATCH, 3)
    state = stack_module_state(nets)
    together = vmap(lambda p, b, x: functional_call(nets[0], (p, b), (x,)), (0, 0, None))(*state, x)
    for i, net in enumerate(nets):
        assert mg.allclose(together[i], net(x), atol=1e-5)
