"""Tensors and models that travel: pickles, joblib, multiprocessing, Dask, torch's DataLoader."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.utils.data import DataLoader, Dataset, TensorDataset
from tests.neighbours import need

LARGE = 600  # a 600 x 600 weight has 1.44 MB: joblib maps arrays above 1 MB, read-only


def model(inputs=LARGE, hidden=LARGE):
    return mg.nn.Sequential(
        mg.nn.Linear(inputs, hidden),
        mg.nn.BatchNorm1d(hidden),
        mg.nn.Tanh(),
        mg.nn.Linear(hidden, 1),
    )


def step_of(net, x, y):
    """One step of training, in whatever process; the loss after it."""
    optimizer = mg.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(2):
        optimizer.zero_grad()
        loss = mg.nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
    return loss.item(), float(net[1].running_mean.abs().sum())


def doubled(t):
    t = t.clone()
    t *= 2
    return t


def in_place(t):
    t *= 2
    return t


def data(n=8, inputs=LARGE):
    mg.manual_seed(1)
    return mg.randn(n, inputs), mg.randn(n, 1)


@pytest.mark.parametrize("max_nbytes", ["1M", 100, None])
def test_models_train_in_joblib_workers_whatever_their_size(max_nbytes):
    joblib = need("joblib")
    mg.manual_seed(0)
    net = model()
    x, y = data()
    expected = step_of(copy.deepcopy(net), x, y)
    before = [p.detach().clone() for p in net.parameters()]
    results = joblib.Parallel(n_jobs=2, max_nbytes=max_nbytes)(
        joblib.delayed(step_of)(net, x, y) for _ in range(2)
    )
    for result in results:
        assert result == pytest.approx(expected, rel=1e-4)
    for p, old in zip(net.parameters(), before):
        assert mg.equal(p, old)


def test_an_in_place_update_of_a_read_only_tensor_says_so():
    joblib = need("joblib")
    t = mg.zeros(LARGE, LARGE)
    done = joblib.Parallel(n_jobs=2, max_nbytes=100)(joblib.delayed(doubled)(t) for _ in range(2))
    assert mg.equal(done[0], t)
    with pytest.raises(ValueError, match=r"read-only array.*a clone\(\)"):
        joblib.Parallel(n_jobs=2, max_nbytes=100)(joblib.delayed(in_place)(t) for _ in range(2))


def test_read_only_parameters_are_refused_by_name():
    net = mg.nn.Linear(3, 2)
    net.weight.detach().numpy().flags.writeable = False
    optimizer = mg.optim.SGD(net.parameters(), lr=0.1)
    net(mg.ones(1, 3)).sum().backward()
    with pytest.raises(ValueError, match=r"parameter of shape \(2, 3\) is read-only.*clone\(\)"):
        optimizer.step()


def test_pickles_of_every_kind():
    cloudpickle = need("cloudpickle")
    scale = 3.0
    t = mg.tensor([1.0, 2.0], requires_grad=True)
    function = cloudpickle.loads(cloudpickle.dumps(lambda x: (x * t * scale).sum()))
    x = mg.ones(2, requires_grad=True)
    function(x).backward()
    assert x.grad.tolist() == [3, 6]

    class Local(mg.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = mg.nn.Linear(2, 1)

        def forward(self, x):
            return self.layer(x) * scale

    net = Local()
    again = cloudpickle.loads(cloudpickle.dumps(net))
    assert mg.equal(again(t), net(t))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert mg.equal(pickle.loads(pickle.dumps(t, protocol)), t)


def test_spawned_processes_train_and_return_models():
    mg.manual_seed(0)
    net = model(4, 4)
    x, y = data(8, 4)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(step_of, (net, x, y))
        sent_back = pool.apply(doubled, (net[0].weight.detach(),))
    assert there == pytest.approx(step_of(copy.deepcopy(net), x, y), rel=1e-5)
    assert mg.equal(sent_back, net[0].weight.detach() * 2)


# ------------------------------------------------------------------------------------------- Dask


def test_dask_tokens_are_those_of_the_numbers_in_every_process():
    base = need("dask.base")
    t = mg.arange(6.0).reshape(2, 3)
    assert base.tokenize(t) == base.tokenize(t.clone())
    others = [t + 1, t.double(), t.reshape(3, 2), t.clone().requires_grad_(), mg.nn.Parameter(t)]
    assert len({base.tokenize(other) for other in (t, *others)}) == 6
    program = (
        "import minigrad as mg; from dask.base import tokenize;"
        "print(tokenize(mg.arange(6.0).reshape(2, 3)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                         env={**os.environ, "PYTHONHASHSEED": "7"})  # fmt: skip
    assert run.stdout.strip() == base.tokenize(t), run.stderr
    base.tokenize(mg.nn.Linear(2, 2))


def test_dask_computes_with_tensors():
    dask = need("dask")
    t = mg.ones(3)
    total = dask.delayed(lambda parts: sum(part.sum() for part in parts))(
        [dask.delayed(doubled)(t), dask.delayed(doubled)(t + 1)]
    )
    assert total.compute(scheduler="threads").item() == 18


# ---------------------------------------------------------------------------- datasets of PyTorch


class Squares(Dataset):
    def __getitem__(self, i):
        return np.float32(i * i), i

    def __len__(self):
        return 5


def test_torchs_loader_reads_our_datasets():
    torch = need("torch")
    x, y = mg.arange(10.0).reshape(5, 2), mg.arange(5)
    collate = mg.utils.data.default_collate
    batches = list(torch.utils.data.DataLoader(Squares(), batch_size=2, collate_fn=collate))
    assert [b[0].tolist() for b in batches] == [[0, 1], [4, 9], [16]]
    batches = list(torch.utils.data.DataLoader(Squares(), batch_size=2))
    assert batches[1][1].tolist() == [2, 3]
    loader = torch.utils.data.DataLoader(TensorDataset(x, y), batch_size=2, collate_fn=collate)
    assert [tuple(b[0].shape) for b in loader] == [(2, 2), (2, 2), (1, 2)]
    assert [b[1].tolist() for b in loader] == [[0, 1], [2, 3], [4]]


def test_our_loader_reads_torchs_datasets():
    torch = need("torch")
    x, y = torch.arange(10.0).reshape(5, 2), torch.arange(5)
    batches = list(DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=2))
    assert all(mg.is_tensor(part) for batch in batches for part in batch)
    assert [b[0].shape for b in batches] == [(2, 2), (2, 2), (1, 2)]
    assert batches[2][1].tolist() == [4]
    assert batches[0][0].dtype == np.float32
