"""Loaders with workers make PyTorch's batches; samplers draw what is asked for and no more."""

# ruff: noqa: NPY002 - what workers seed is the generator that programs share

from __future__ import annotations

import random

import numpy as np
import pytest

import minigrad as mg
from minigrad.utils import data

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")  # of PyTorch


def stream(library):
    """A dataset that its workers share, as PyTorch's documentation has it."""

    class Stream(library.utils.data.IterableDataset):
        def __init__(self):
            self.start, self.end = 0, 11

        def __iter__(self):
            return iter(range(self.start, self.end))

    return Stream()


def take_share(library):
    def init(number):
        info = library.utils.data.get_worker_info()
        assert info.id == number
        info.dataset.start = number * 4
        info.dataset.end = min(11, number * 4 + 4)

    return init


def squares(library):
    class Squares(library.utils.data.Dataset):
        def __len__(self):
            return 7

        def __getitem__(self, index):
            info = library.utils.data.get_worker_info()
            return index * index, -1 if info is None else info.id

    return Squares()


def both(make):
    """The batches of two passes in both libraries, as lists."""
    found = []
    for library in (mg, torch):
        loader = make(library)
        found.append([[as_lists(batch) for batch in loader] for _ in range(2)])
    return found


def as_lists(batch):
    if hasattr(batch, "tolist"):
        return batch.tolist()
    return [as_lists(each) for each in batch] if isinstance(batch, (list, tuple)) else batch


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("options", [
    {"batch_size": 2}, {"batch_size": 3, "drop_last": True}, {"batch_size": None},
    {"batch_size": 2, "collate_fn": sum},
])  # fmt: skip
@pytest.mark.parametrize("shares", [False, True])
def test_streams_come_as_from_processes(workers, options, shares):
    def make(library):
        init = take_share(library) if shares and workers else None
        return library.utils.data.DataLoader(
            stream(library), num_workers=workers, worker_init_fn=init, **options
        )

    ours, theirs = both(make)
    assert ours == theirs


@pytest.mark.parametrize("options", [
    {"num_workers": 2, "batch_size": 2}, {"num_workers": 3, "batch_size": 2, "drop_last": True},
    {"num_workers": 2, "batch_size": None}, {"num_workers": 2, "batch_sampler": [[3, 0], [1]]},
    {"num_workers": 1, "batch_size": 4, "persistent_workers": True, "prefetch_factor": 4},
])  # fmt: skip
def test_samples_come_as_from_processes(options):
    ours, theirs = both(lambda lib: lib.utils.data.DataLoader(squares(lib), **options))
    assert ours == theirs


def test_a_worker_that_seeds_disturbs_nobody_else():
    class Noise(data.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return np.random.rand(), random.random(), mg.rand(()).item()

    def seed(number):
        np.random.seed(number)
        random.seed(number)
        mg.manual_seed(number)

    mg.manual_seed(5)
    loader = data.DataLoader(Noise(), num_workers=2, batch_size=None, worker_init_fn=seed)
    before = np.random.get_state()[1].copy(), random.getstate()
    first = list(loader)
    assert first == list(loader)  # the workers begin anew at each pass
    rng = np.random.RandomState(1)
    assert [first[1][0], first[3][0]] == [rng.rand(), rng.rand()]
    assert random.getstate() == before[1]
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])


def test_a_dataset_whose_samples_are_changed_is_not_asked_for_whole_batches():
    class Negated(data.TensorDataset):
        def __getitem__(self, index):
            return (-super().__getitem__(index)[0],)

    for dataset in (Negated(mg.arange(4)), data.Subset(Negated(mg.arange(4)), [0, 1, 2, 3])):
        assert [x.tolist() for (x,) in data.DataLoader(dataset, 3)] == [[0, -1, -2], [-3]]


def test_several_samples_at_once_are_joined():
    class Pairs(data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return index, 2 * index

        def __getitems__(self, indices):
            assert type(indices) is list
            return [self[i] for i in indices]

    batches = [[x.tolist() for x in batch] for batch in data.DataLoader(Pairs(), 2)]
    assert batches == [[[0, 1], [0, 2]], [[2], [4]]]
    joined = data.DataLoader(data.Subset(Pairs(), [2, 0]), 2, collate_fn=lambda batch: batch)
    assert list(joined) == [[(2, 4), (0, 0)]]


@pytest.mark.parametrize("sampler", [
    lambda: data.RandomSampler(range(5), replacement=True, num_samples=10**10),
    lambda: data.RandomSampler(range(5), num_samples=10**10),
    lambda: data.SequentialSampler(range(10**10)),
])  # fmt: skip
def test_a_long_pass_is_drawn_as_it_is_needed(sampler):
    sampler = sampler()
    assert len(sampler) == 10**10
    batches = iter(data.BatchSampler(sampler, 3, drop_last=True))
    assert all(len(next(batches)) == 3 for _ in range(4))
    loader = iter(data.DataLoader(range(10**10), 4, sampler=sampler))
    assert next(loader).shape == (4,)
    assert 0 <= next(iter(sampler)) < 5


def test_a_long_pass_is_the_short_ones_joined(monkeypatch):
    whole = data.RandomSampler(range(7), True, 50, mg.Generator().manual_seed(3))
    expected = list(whole)
    monkeypatch.setattr(data.sampler, "PIECE", 8)
    pieces = data.RandomSampler(range(7), True, 50, mg.Generator().manual_seed(3))
    batches = list(data.BatchSampler(pieces, 6, drop_last=False))
    assert [i for batch in batches for i in batch] == expected
    assert [len(batch) for batch in batches] == [6] * 8 + [2]
    assert [list(b) for b in data.BatchSampler(range(20), 8, True)] == [
        [*range(8)], [*range(8, 16)]]  # fmt: skip


def test_a_sampler_of_ones_own_may_give_keys():
    class Backwards(data.SubsetRandomSampler):
        def __iter__(self):
            return iter(sorted(self.indices, reverse=True))

    assert [x.tolist() for x in data.DataLoader(range(9), 2, sampler=Backwards([1, 5, 3]))] == [
        [5, 3], [1]]  # fmt: skip
    named = {"a": 1.0, "b": 2.0}
    assert [x.tolist() for x in data.DataLoader(named, 2, sampler=["b", "a"])] == [[2.0, 1.0]]


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize("drop_last", [False, True])
def test_processes_share_a_dataset(size, drop_last):
    for rank in range(4):
        options = {"num_replicas": 4, "rank": rank, "drop_last": drop_last, "shuffle": False}
        ours = data.DistributedSampler(range(size), **options)
        theirs = torch.utils.data.DistributedSampler(range(size), **options)
        assert list(ours) == list(theirs)
        assert len(ours) == len(theirs)
    drawn = [list(data.DistributedSampler(range(8), 2, rank, seed=3)) for rank in (0, 1)]
    assert sorted(drawn[0] + drawn[1]) == list(range(8))
    epochs = data.DistributedSampler(range(50))
    first = list(epochs)
    epochs.set_epoch(1)
    assert list(epochs) != first


def test_stacked_and_chained_datasets():
    pairs = data.StackDataset(x=mg.arange(3), y="abc")
    assert (pairs[1]["y"], len(pairs)) == ("b", 3)
    both = stream(mg) + stream(mg)
    assert list(both) == [*range(11), *range(11)]
    for make in (lambda: data.StackDataset(), lambda: data.StackDataset("ab", "c")):
        with pytest.raises(ValueError, match="StackDataset"):
            make()


def test_one_sample_at_a_time_is_converted():
    ours, theirs = both(
        lambda lib: lib.utils.data.DataLoader(
            [(np.ones(2), {"a": [1, "b"]}), (np.zeros(2), {"a": [2, "c"]})], batch_size=None
        )
    )
    assert ours == theirs
    point = next(iter(data.DataLoader([(np.ones(2), 1)], batch_size=None)))
    assert isinstance(point[0], mg.Tensor)
