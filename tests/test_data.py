"""Datasets, samplers and the loader."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.utils import data


def generator(seed=0):
    return mg.Generator().manual_seed(seed)


def numbers(n=10):
    rng = np.random.default_rng(0)
    return data.TensorDataset(mg.tensor(rng.standard_normal((n, 3))), np.arange(n))


def flat(batches):
    return [int(i) for batch in batches for i in batch]


def test_rows_of_tensors():
    x, y = mg.tensor(np.arange(12.0).reshape(4, 3)), np.arange(4)
    dataset = data.TensorDataset(x, y)
    assert len(dataset) == 4
    row, label = dataset[2]
    np.testing.assert_array_equal(row.numpy(), [6, 7, 8])
    assert label.item() == 2


@pytest.mark.parametrize("indices", [[3, 1], np.array([0, 0, 2]), slice(1, 3)])
def test_a_batch_at_once_is_what_its_samples_are(indices):
    dataset = numbers()
    x, y = dataset.__getitems__(indices)
    listed = range(10)[indices] if isinstance(indices, slice) else indices
    for i, row, label in zip(listed, x, y, strict=True):
        np.testing.assert_array_equal(row.numpy(), dataset[int(i)][0].numpy())
        assert label.item() == dataset[int(i)][1].item()


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 5, 10, 11])
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_sample_comes_once(batch_size, shuffle, drop_last):
    loader = data.DataLoader(numbers(), batch_size, shuffle=shuffle, drop_last=drop_last)
    batches = list(loader)
    assert len(batches) == len(loader)
    sizes = [len(y) for _, y in batches]
    assert all(size == batch_size for size in sizes[:-1])
    seen = flat(y.numpy() for _, y in batches)
    assert len(seen) == len(set(seen)) == (10 // batch_size * batch_size if drop_last else 10)
    if not shuffle:
        assert seen == sorted(seen)
    for x, y in batches:
        assert x.shape == (len(y), 3)
        np.testing.assert_array_equal(x.numpy(), numbers().arrays[0][y.numpy()])


def test_batches_are_made_without_a_loop_over_samples():
    class Counted(data.TensorDataset):
        calls = 0

        def __getitem__(self, index):
            Counted.calls += 1
            return super().__getitem__(index)

        def __getitems__(self, indices):
            return super().__getitems__(indices)

    whole = Counted(*numbers().tensors)
    part = data.Subset(whole, [7, 5, 3])
    for dataset in (whole, part, data.Subset(part, [1, 0])):
        assert sum(len(y) for _, y in data.DataLoader(dataset, 2, shuffle=True)) == len(dataset)
    assert Counted.calls == 0


def test_batches_do_not_share_memory_with_the_data():
    dataset = numbers()
    for x, _ in data.DataLoader(dataset, 5):
        assert not np.shares_memory(x.numpy(), dataset.arrays[0])


def test_the_same_generator_gives_the_same_order():
    def orders(generator):
        loader = data.DataLoader(numbers(), 4, shuffle=True, generator=generator)
        return [flat(y.numpy() for _, y in loader) for _ in range(3)]

    first = orders(generator(1))
    assert first == orders(generator(1))
    assert first != orders(generator(2))
    assert first[0] != first[1]
    mg.manual_seed(5)
    common = orders(None)
    mg.manual_seed(5)
    assert orders(None) == common


def test_own_datasets_samplers_and_collate():
    class Squares(data.Dataset):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return index, mg.tensor([float(index * index)])

    x, y = next(iter(data.DataLoader(Squares(), batch_size=3)))
    np.testing.assert_array_equal(x.numpy(), [0, 1, 2])
    np.testing.assert_array_equal(y.numpy(), [[0], [1], [4]])
    found = list(
        data.DataLoader(Squares(), 2, sampler=[4, 0, 1], collate_fn=lambda b: [i for i, _ in b])
    )
    assert found == [[4, 0], [1]]
    found = list(data.DataLoader(Squares(), batch_sampler=[[0], [3, 2]], collate_fn=len))
    assert found == [1, 2]
    assert [i for i, _ in data.DataLoader(Squares(), batch_size=None)] == list(range(5))
    assert [i for i, _ in Squares() + Squares()] == [*range(5), *range(5)]


def test_samples_without_numbers():
    class Stream(data.IterableDataset):
        def __iter__(self):
            return ((i, float(i)) for i in range(5))

    assert [x.tolist() for x, _ in data.DataLoader(Stream(), 2)] == [[0, 1], [2, 3], [4]]
    assert [x.tolist() for x, _ in data.DataLoader(Stream(), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert [x for x, _ in data.DataLoader(Stream(), None)] == [0, 1, 2, 3, 4]
    with pytest.raises(TypeError, match="length"):
        len(data.DataLoader(Stream(), 2))
    with pytest.raises(ValueError, match="order"):
        data.DataLoader(Stream(), 2, shuffle=True)


def test_arrays_and_tuples_are_datasets():
    batch = next(iter(data.DataLoader(np.arange(6), batch_size=4)))
    np.testing.assert_array_equal(batch.numpy(), np.arange(4))
    x, y = next(iter(data.DataLoader((mg.ones(6, 2), np.arange(6)), batch_size=4)))
    assert (x.shape, y.shape) == ((4, 2), (4,))


def test_collate():
    batch = [{"x": np.ones(2), "pair": (1, 2.5)}, {"x": np.zeros(2), "pair": (3, 4.5)}]
    joined = data.default_collate(batch)
    np.testing.assert_array_equal(joined["x"].numpy(), [[1, 1], [0, 0]])
    np.testing.assert_array_equal(joined["pair"][0].numpy(), [1, 3])
    assert joined["pair"][1].dtype == np.float64
    assert data.default_collate(["a", "b"]) == ["a", "b"]
    w = mg.tensor([1.0], requires_grad=True)
    (data.default_collate([w, w * 2]) * 3).sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), [9.0])
    with pytest.raises(TypeError, match="object"):
        data.default_collate([object()])
    with pytest.raises(ValueError, match="lengths"):
        data.default_collate([(1, 2), (1,)])


@pytest.mark.parametrize("lengths", [[7, 3], [0.7, 0.3], [0.35, 0.35, 0.3], [10], [0, 10]])
def test_random_split(lengths):
    parts = data.random_split(numbers(), lengths, generator=generator())
    assert len(parts) == len(lengths)
    seen = flat(y.numpy() for part in parts for _, y in data.DataLoader(part, 4))
    assert sorted(seen) == list(range(10))
    again = data.random_split(numbers(), lengths, generator=generator())
    for part, same in zip(parts, again):
        np.testing.assert_array_equal(part.indices, same.indices)


def test_subset_and_concat():
    both = data.ConcatDataset([numbers(3), numbers(4)])
    assert [int(both[i][1]) for i in (0, 2, 3, -1)] == [0, 2, 0, 3]
    with pytest.raises(IndexError):
        both[7]
    part = data.Subset(both, [6, 0])
    assert [int(part[i][1]) for i in range(len(part))] == [3, 0]


def test_random_sampler():
    sampler = data.RandomSampler(range(5), replacement=True, num_samples=100, generator=generator())
    drawn = list(sampler)
    assert len(drawn) == len(sampler) == 100
    assert set(drawn) == set(range(5))
    twice = list(data.RandomSampler(range(5), num_samples=8, generator=generator()))
    assert sorted(twice[:5]) == list(range(5))
    assert len(twice) == 8
    assert sorted(data.SubsetRandomSampler([4, 2], generator())) == [2, 4]


def test_weighted_sampler():
    weights = mg.tensor([0.0, 1.0, 3.0])
    drawn = np.array(list(data.WeightedRandomSampler(weights, 4000, generator=generator())))
    assert 0 not in drawn
    assert abs((drawn == 2).mean() - 0.75) < 0.03  # four standard deviations
    assert sorted(data.WeightedRandomSampler(weights, 2, replacement=False)) == [1, 2]


@pytest.mark.parametrize(
    "options",
    [
        {"num_workers": -1},
        {"timeout": -1},
        {"prefetch_factor": 2},
        {"persistent_workers": True},
        {"shuffle": True, "sampler": [0, 1]},
        {"batch_sampler": [[0]], "shuffle": True},
        {"batch_sampler": [[0]], "batch_size": 3},
        {"batch_size": 0},
        {"batch_size": 2.5},
        {"batch_size": None, "drop_last": True},
    ],
)
def test_options_that_exclude_each_other(options):
    with pytest.raises(ValueError, match="DataLoader"):
        data.DataLoader(numbers(), **options)


def test_what_is_refused():
    with pytest.raises(ValueError, match="sizes"):
        data.TensorDataset(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="sizes"):
        data.TensorDataset(np.ones(()))
    with pytest.raises(TypeError, match="list"):
        data.TensorDataset([1, 2, 3])
    with pytest.raises(ValueError, match="add up"):
        data.random_split(numbers(), [3, 3])
    with pytest.raises(ValueError, match="weights"):
        data.WeightedRandomSampler([-1.0, 2.0], 3)
    with pytest.raises(ValueError, match="num_samples"):
        data.WeightedRandomSampler([0.0, 2.0], 2, replacement=False)
    with pytest.raises(ValueError, match="num_samples"):
        data.RandomSampler(range(3), num_samples=0)
    with pytest.raises(TypeError, match="Generator"):
        list(data.DataLoader(numbers(), shuffle=True, generator=3))
    with pytest.raises(ValueError, match="at least one"):
        data.ConcatDataset([])
