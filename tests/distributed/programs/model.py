"""DistributedDataParallel against one process with the whole batch."""

from __future__ import annotations

import copy
import sys
import tempfile
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import distributed as dist
from minigrad import nn
from minigrad.nn.parallel import DistributedDataParallel
from minigrad.utils.data import DataLoader, DistributedSampler, TensorDataset

F = nn.functional
dist.init_process_group("mpi")
rank, size = dist.get_rank(), dist.get_world_size()
folder = [tempfile.mkdtemp()]
dist.broadcast_object_list(folder, 0)


def data(n=24, dtype=mg.float64):
    generator = mg.Generator().manual_seed(3)
    x = mg.randn(n, 5, generator=generator).to(dtype)
    return x, mg.randn(n, 2, generator=generator).to(dtype)


def network(dtype=mg.float64):
    mg.manual_seed(100 + rank)  # other numbers at each rank: the first one's are taken
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2)).to(dtype)


def same_everywhere(model):
    """The parameters of all ranks are equal to the last bit."""
    flat = np.concatenate([p.detach().numpy().ravel(order="K") for p in model.parameters()])
    everything = [mg.zeros(flat.size, dtype=flat.dtype) for _ in range(size)]
    dist.all_gather(everything, mg.from_numpy(flat))
    return all(mg.equal(e, everything[0]) for e in everything)


def close(model, reference, tolerance=1e-12):
    for (name, p), q in zip(model.named_parameters(), reference.parameters()):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=tolerance,
                                   atol=tolerance, err_msg=name)  # fmt: skip


def share(x, cuts):
    return x[cuts[rank] : cuts[rank + 1]]


EVEN = [24 * r // size for r in range(size + 1)]
UNEVEN = [0, *(1 + r + 20 * r // size for r in range(1, size)), 24]

for cuts in (EVEN, UNEVEN):
    for make in (mg.optim.SGD, mg.optim.Adam):
        for dtype, tolerance in ((mg.float64, 1e-12), (mg.float32, 2e-5)):
            x, y = data(dtype=dtype)
            model = DistributedDataParallel(network(dtype))
            alone = copy.deepcopy(model.module)
            ours, theirs = (make(m.parameters(), lr=0.01) for m in (model, alone))
            for _step in range(6):
                ours.zero_grad()
                F.mse_loss(model(share(x, cuts)), share(y, cuts)).backward()
                norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                ours.step()
                theirs.zero_grad()
                F.mse_loss(alone(x), y).backward()
                expected = nn.utils.clip_grad_norm_(alone.parameters(), 0.5)
                theirs.step()
                np.testing.assert_allclose(norm.item(), expected.item(), rtol=1e3 * tolerance)
            close(model.module, alone, tolerance)
            assert same_everywhere(model)

# bytes: one flat gradient a step, and two numbers
count = sum(p.numel() for p in model.parameters())
if size > 1:
    assert model.reducer.bytes_sent == 6 * 4 * (count + 2), model.reducer.bytes_sent

# accumulation: two calls inside no_sync, one outside, one message
x, y = data()
model = DistributedDataParallel(network())
alone = copy.deepcopy(model.module)
thirds = [slice(0, 2), slice(2, 4), slice(4, 6)]
mine = x[6 * rank : 6 * rank + 6], y[6 * rank : 6 * rank + 6]
before = model.reducer.bytes_sent
with model.no_sync():
    for part in thirds[:2]:
        (F.mse_loss(model(mine[0][part]), mine[1][part]) / 3).backward()
assert model.reducer.bytes_sent == before
(F.mse_loss(model(mine[0][thirds[2]]), mine[1][thirds[2]]) / 3).backward()
whole = slice(0, 6 * size)
F.mse_loss(alone(x[whole]), y[whole]).backward()
for p, q in zip(model.parameters(), alone.parameters()):
    np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-12, atol=1e-14)
assert model.reducer.bytes_sent - before <= 8 * (count + 2)


class Branches(nn.Module):
    """A module of which each rank uses what it likes."""

    def __init__(self):
        super().__init__()
        self.always, self.some, self.never = nn.Linear(5, 2), nn.Linear(5, 2), nn.Linear(5, 2)

    def forward(self, x, some):
        return self.always(x) + self.some(x) if some else self.always(x)


model = DistributedDataParallel(Branches().double())
model(x[:4], some=rank == 0).sum().backward()
assert model.module.never.weight.grad is None
np.testing.assert_allclose(model.module.always.bias.grad.numpy(), [4, 4])
np.testing.assert_allclose(model.module.some.bias.grad.numpy(), [4 / size] * 2)

# two calls before one backward; frozen parameters; tied ones; hooks see the reduced gradient
net = nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 5)).double()
net[1].weight = net[0].weight
net[1].bias.requires_grad_(False)
model = DistributedDataParallel(net)
assert len(model.reducer.parameters) == 2
seen = []
net[0].weight.register_hook(lambda g: seen.append(g.detach().numpy().copy()))
own = x[2 * rank : 2 * rank + 2]
(model(own).square().mean() + model(own + 1).square().mean()).backward()
alone = copy.deepcopy(net)
alone.zero_grad()
rows = x[: 2 * size]
(alone(rows).square().mean() + alone(rows + 1).square().mean()).backward()
np.testing.assert_allclose(net[0].weight.grad.numpy(), alone[0].weight.grad.numpy(), rtol=1e-12)
np.testing.assert_allclose(seen[0], net[0].weight.grad.numpy(), rtol=1e-12)
assert net[1].bias.grad is None
flags = [w.detach().numpy().flags for w in (net[0].weight, net[0].weight.grad)]
assert flags[0].f_contiguous == flags[1].f_contiguous


# float16, empty and 0-d parameters, in one module of two types
class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.half = nn.Parameter(mg.ones(3, dtype=mg.float16))
        self.empty = nn.Parameter(mg.zeros(0, 4))
        self.scale = nn.Parameter(mg.tensor(2.0))

    def forward(self, x):
        return (x * self.half.float()).sum() * self.scale + self.empty.sum()


model = DistributedDataParallel(Odd())
model(mg.full((1, 3), float(rank))).backward()
mean = (size - 1) / 2
np.testing.assert_allclose(model.module.half.grad.numpy(), 2 * mean)
assert model.module.half.grad.dtype == np.float16
np.testing.assert_allclose(model.module.scale.grad.numpy(), 3 * mean)
assert model.module.empty.grad.shape == (0, 4)

# buffers become those of the first rank before each call
model = DistributedDataParallel(nn.BatchNorm1d(5).double())
for _ in range(2):
    model(x[4 * rank : 4 * rank + 4] + rank)
statistics = [None] * size
model(x[:4])  # the second call's statistics are handed out before the third
dist.all_gather_object(statistics, model.module.running_mean.tolist())
assert all(s == statistics[0] for s in statistics)

# without recording, and in evaluation, nothing is sent
sent, calls = model.reducer.bytes_sent, dist.group.current().calls
with mg.no_grad():
    model.eval()(x)
assert (model.reducer.bytes_sent, dist.group.current().calls) == (sent, calls)

# ------------------------------------------------------------------------------------------- fit


def run_of(path, epochs):
    """fit with a sampler, validation and a checkpoint: the model and its history."""
    x, y = data(26)
    model = DistributedDataParallel(network())
    sampler = DistributedSampler(range(26), seed=4)
    loader = DataLoader(TensorDataset(x, y), batch_size=3, sampler=sampler)
    held_back = DataLoader(TensorDataset(x[rank::size], y[rank::size]), batch_size=4)
    dist.manual_seed(8)
    history = mg.training.fit(
        model, nn.MSELoss(), mg.optim.Adam(model.parameters(), lr=0.01), loader, held_back,
        epochs=epochs, callbacks=[mg.training.Checkpoint(path), mg.training.EarlyStopping()],
    )  # fmt: skip
    return model, history


path = Path(folder[0]) / "run.npz"
model, history = run_of(Path(folder[0]) / "whole.npz", 4)
histories = [None] * size
dist.all_gather_object(histories, dict(history))
assert all(h == histories[0] for h in histories)
assert same_everywhere(model)
run_of(path, 2)
drawn = mg.rand(1).item()
resumed, again = run_of(path, 4)
assert dict(again) == dict(history)
close(resumed.module, model.module, 0)
stored = mg.load(path)
assert len(stored["generators"]) == size
orders = [None] * size
sampler = DistributedSampler(range(26), seed=4)
first = list(sampler)
sampler.set_epoch(1)
assert first != list(sampler)
dist.all_gather_object(orders, first)
assert {i for order in orders for i in order} == set(range(26))
print(f"rank {rank} of {size}: model right", file=sys.stdout, flush=True)
dist.destroy_process_group()
