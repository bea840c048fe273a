"""Runs that are cut and go on, files, and types that meet: each with what is right."""

from __future__ import annotations

import array
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    SequentialLR,
    StepLR,
)
from minigrad.serialization import write_atomically
from minigrad.utils import data

# --------------------------------------------------------------------------------------- schedulers

SCHEDULERS: dict[str, Callable[[Any, int], Any]] = {
    "LinearLR": lambda o, e: LinearLR(o, 0.1, 1.0, 8, last_epoch=e),
    "StepLR": lambda o, e: StepLR(o, 3, last_epoch=e),
    "MultiStepLR": lambda o, e: MultiStepLR(o, [2, 5], last_epoch=e),
    "ConstantLR": lambda o, e: ConstantLR(o, 0.5, 4, last_epoch=e),
    "ExponentialLR": lambda o, e: ExponentialLR(o, 0.9, last_epoch=e),
    "PolynomialLR": lambda o, e: PolynomialLR(o, 8, last_epoch=e),
    "CosineAnnealingLR": lambda o, e: CosineAnnealingLR(o, 5, 0.01, last_epoch=e),
    "WarmRestarts": lambda o, e: CosineAnnealingWarmRestarts(o, 3, last_epoch=e),
    "OneCycleLR": lambda o, e: OneCycleLR(o, 1.0, 20, cycle_momentum=False, last_epoch=e),
    "LambdaLR": lambda o, e: LambdaLR(o, lambda t: 0.9**t, last_epoch=e),
    "chained": lambda o, e: [
        LinearLR(o, 0.1, 1.0, 8, last_epoch=e),
        ExponentialLR(o, 0.9, last_epoch=e),
    ],
    "SequentialLR": lambda o, e: SequentialLR(
        o, [LinearLR(o, 0.1, 1.0, 4), ExponentialLR(o, 0.9)], [4], last_epoch=e
    ),
}


def rates(make: Callable[[Any, int], Any], cut: int | None) -> list[float]:
    """The learning rates of twelve epochs, begun anew from saved state before epoch `cut`."""
    w = mg.ones(1, requires_grad=True)
    optimizer = mg.optim.SGD([w], lr=1.0)
    scheduler = make(optimizer, -1)
    found = []
    for epoch in range(12):
        if epoch == cut:
            saved = optimizer.state_dict()
            optimizer = mg.optim.SGD([w], lr=1.0)
            optimizer.load_state_dict(saved)
            scheduler = make(optimizer, epoch - 1)
        found.append(optimizer.param_groups[0]["lr"])
        w.sum().backward()
        optimizer.step()
        for each in scheduler if isinstance(scheduler, list) else [scheduler]:
            each.step()
    return found


@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedulers_go_on_as_if_they_had_not_been_interrupted(name: str) -> None:
    right = rates(SCHEDULERS[name], None)
    for cut in range(1, 12):
        assert rates(SCHEDULERS[name], cut) == right


def test_a_linear_schedule_resumed_at_its_middle() -> None:
    assert rates(SCHEDULERS["LinearLR"], 4)[4] == pytest.approx(0.1 + 0.9 * 4 / 8)


# ------------------------------------------------------------------------------------ randomness


@pytest.mark.parametrize(
    "layer", [mg.nn.Dropout, mg.nn.Dropout1d, mg.nn.AlphaDropout, mg.nn.FeatureAlphaDropout]
)
def test_dropout_in_evaluation_draws_nothing(layer: Any) -> None:
    before = mg.random.get_rng_state()
    x = mg.ones(2, 3, 4)
    assert layer(0.5).eval()(x) is x
    np.testing.assert_equal(mg.random.get_rng_state(), before)


def loaders(kind: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    samples = data.TensorDataset(rng.random((12, 2), np.float32), rng.random((12, 1), np.float32))
    own = np.random.default_rng(1) if kind == "numpy" else mg.Generator().manual_seed(1)
    if kind == "batch_sampler":
        sampler = data.RandomSampler(samples, generator=own)
        return data.DataLoader(samples, batch_sampler=data.BatchSampler(sampler, 4, False)), None
    loader = data.DataLoader(samples, batch_size=4, shuffle=True, generator=own)
    if kind != "validation":
        return loader, None
    other = mg.Generator().manual_seed(2)
    return loader, data.DataLoader(samples, batch_size=4, shuffle=True, generator=other)


def fit(kind: str, path: Path, epochs: int) -> tuple[np.ndarray, list[Any]]:
    mg.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Linear(2, 4), mg.nn.Dropout(0.5), mg.nn.Linear(4, 1))
    optimizer = mg.optim.Adam(model.parameters(), 0.05)
    train, validation = loaders(kind)
    history = mg.training.fit(
        model, mg.nn.MSELoss(), optimizer, train, epochs=epochs, validation=validation,
        callbacks=[mg.training.Checkpoint(path)], progress=False,
    )  # fmt: skip
    weights = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    return weights, history.get("val_loss", [])


@pytest.mark.parametrize("kind", ["generator", "numpy", "batch_sampler", "validation"])
def test_all_generators_are_in_a_checkpoint(kind: str, tmp_path: Path) -> None:
    whole, numbers = fit(kind, tmp_path / "whole.npz", 5)
    fit(kind, tmp_path / "cut.npz", 2)
    resumed, numbers_resumed = fit(kind, tmp_path / "cut.npz", 5)
    np.testing.assert_array_equal(whole, resumed)
    assert numbers == numbers_resumed


def checkpoint(path: Path, width: int = 4, decay: bool = False, groups: bool = False) -> Any:
    mg.manual_seed(width)
    model = mg.nn.Linear(2, width)
    parameters = [{"params": [p]} for p in model.parameters()] if groups else model.parameters()
    optimizer = mg.optim.SGD(parameters, lr=0.1, momentum=0.9)
    scheduler = ExponentialLR(optimizer, 0.9) if decay else None
    batches = [(mg.ones(1, 2), mg.ones(1, width))]
    before = model.weight.detach().numpy().copy()
    run = lambda: mg.training.fit(
        model, mg.nn.MSELoss(), optimizer, batches, epochs=2, scheduler=scheduler,
        callbacks=[mg.training.Checkpoint(path)], progress=False,
    )  # fmt: skip
    return model, before, run


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"width": 3}, "weight|shape"), ({"decay": True}, "scheduler"), ({"groups": True}, "groups")],
    ids=["another model", "a scheduler more", "other groups"],
)
def test_resuming_another_run_is_refused_and_changes_nothing(
    changed: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.npz"
    checkpoint(path)[2]()
    model, before, run = checkpoint(path, **changed)
    with pytest.raises(ValueError, match=said):
        run()
    np.testing.assert_array_equal(model.weight.detach().numpy(), before)


# ------------------------------------------------------------------------------------------- files


def test_what_a_killed_write_left_is_swept_away(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    code = (
        "import os, sys\n"
        "from minigrad.serialization import write_atomically\n"
        "write_atomically(sys.argv[1], lambda file: (file.write(b'half'), os._exit(9)))\n"
    )
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == 9
    assert len(list(tmp_path.iterdir())) == 1
    mg.save({"w": mg.ones(2)}, path)
    assert [each.name for each in tmp_path.iterdir()] == ["weights.npz"]


def test_the_write_of_another_process_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    seen = []

    def write(file: Any) -> None:
        mg.save({"w": mg.ones(2)}, path)
        seen.append(sorted(each.suffix for each in tmp_path.iterdir()))
        file.write(b"new")

    write_atomically(path, write)
    assert seen == [[".npz", ".tmp"]]
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.npz", tmp_path / "link.npz"
    mg.save({"w": mg.ones(1)}, real)
    real.chmod(0o640)
    link.symlink_to(real)
    mg.save({"w": mg.ones(2)}, link)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert mg.load(real)["w"].shape == (2,)


def test_a_full_disk_leaves_the_last_file_whole(tmp_path: Path) -> None:
    """A limit of the size of files stands for the disk."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "weights.npz"
    mg.save({"w": mg.ones(2)}, path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match=r"too large|space"):
            mg.save({"w": mg.zeros(10**5)}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [each.name for each in tmp_path.iterdir()] == ["weights.npz"]
    np.testing.assert_array_equal(mg.load(path)["w"].numpy(), [1.0, 1.0])


def test_a_full_disk_leaves_the_last_checkpoint_whole(tmp_path: Path) -> None:
    """The run ends with what the system says, and goes on later to the bits of a whole run."""
    resource = pytest.importorskip("resource")
    whole, _ = fit("generator", tmp_path / "whole.npz", 5)
    path = tmp_path / "cut.npz"
    fit("generator", path, 2)
    saved = path.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OSError, match=r"too large|space"):
            fit("generator", path, 5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == saved
    assert sorted(each.name for each in tmp_path.iterdir()) == ["cut.npz", "whole.npz"]
    np.testing.assert_array_equal(fit("generator", path, 5)[0], whole)


def test_a_compressed_archive_of_zeros_is_loaded(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "zeros.npz", a=np.zeros(10**6))
    assert mg.load(tmp_path / "zeros.npz")["a"].shape == (10**6,)


def test_names_that_safetensors_keeps_for_itself(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    with pytest.raises(ValueError, match="__metadata__"):
        mg.save({"__metadata__": mg.ones(2)}, tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


def safetensors_file(path: Path, dtype: str, content: bytes, count: int) -> None:
    n = len(content)
    entries = {
        name: {"dtype": dtype, "shape": [count], "data_offsets": [i * n, (i + 1) * n]}
        for i, name in enumerate("zay")
    }
    header = json.dumps(entries).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + content * 3)


def test_bfloat16_is_read_as_float32_and_the_order_is_the_files(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    halves = np.array([1.5, -2.25], np.float32).view(np.uint32) >> 16
    safetensors_file(tmp_path / "a.safetensors", "BF16", halves.astype("<u2").tobytes(), 2)
    for _ in range(5):
        found = mg.load(tmp_path / "a.safetensors")
        assert list(found) == ["z", "a", "y"]
        np.testing.assert_array_equal(found["a"].numpy(), [1.5, -2.25])
        assert found["a"].dtype == np.float32


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    safetensors_file(tmp_path / "a.safetensors", "C64", b"\0" * 16, 2)
    with pytest.raises(ValueError, match="C64"):
        mg.load(tmp_path / "a.safetensors")


def test_long_doubles_cannot_be_saved(tmp_path: Path) -> None:
    if np.dtype(np.longdouble).itemsize == 8:
        pytest.skip("a long double is a float64 here")
    with pytest.raises(TypeError, match="not of numbers"):
        mg.save({"a": np.ones(2, np.longdouble)}, tmp_path / "a.npz")


# ------------------------------------------------------------------------------- types, and loaders


@pytest.mark.parametrize(
    "make",
    [
        lambda x: array.array("d", x),
        lambda x: memoryview(np.array(x)),
        lambda x: pytest.importorskip("pandas").Series(x),
        lambda x: pytest.importorskip("pandas").DataFrame({"a": x})["a"],
    ],
    ids=["array.array", "memoryview", "Series", "column"],
)
def test_numbers_with_a_type_of_their_own_keep_it(make: Any) -> None:
    t = mg.tensor(make([16777217.0]))  # the first integer that float32 does not have
    assert t.dtype == np.float64
    assert t.tolist() == [16777217.0]


class Batches(data.Dataset):
    """PyTorch's way of asking for several samples at once."""

    def __getitem__(self, i: int) -> tuple[float, int]:
        return float(i), i

    def __getitems__(self, numbers: list[int]) -> list[tuple[float, int]] | tuple[Any, ...]:
        return tuple(self[i] for i in numbers)

    def __len__(self) -> int:
        return 4


def test_samples_that_come_together_are_collated() -> None:
    x, y = next(iter(data.DataLoader(Batches(), batch_size=2)))
    np.testing.assert_array_equal(x.numpy(), [0.0, 1.0])
    np.testing.assert_array_equal(y.numpy(), [0, 1])


@pytest.mark.parametrize("kind", [mg.tensor, np.array])
def test_batches_of_a_tensor_are_tensors(kind: Any) -> None:
    batches = list(data.DataLoader(kind([[1.0], [2.0], [3.0]]), batch_size=2))
    assert [type(batch) for batch in batches] == [mg.Tensor, mg.Tensor]
    assert [batch.shape for batch in batches] == [(2, 1), (1, 1)]


def test_a_batch_of_several_tensors_is_a_list() -> None:
    loader = data.DataLoader(data.TensorDataset(mg.ones(4, 2), mg.zeros(4)), batch_size=2)
    batch = next(iter(loader))
    assert isinstance(batch, list)
    assert [each.shape for each in batch] == [(2, 2), (2,)]


def test_differences_of_a_huge_order_end() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mg.diff(mg.ones(5), n=10**12).shape == (0,)
        assert np.diff(mg.ones(5), n=10**12).shape == (0,)


# ------------------------------------------------------------------------------ names, pictures


@pytest.mark.parametrize("name", ["a\0b", "a\x1b[31m", "a\x7fb", "a\ud800b", "a\u202eb"], ids=ascii)
def test_names_that_a_terminal_would_obey_are_escaped(name: str) -> None:
    model = mg.nn.Sequential()
    model.add_module(name, mg.nn.Linear(2, 1))
    y = model(mg.ones(1, 2)).sum()
    drawn = mg.visualize.draw(y)
    summary = str(mg.summary(model, mg.ones(1, 2)))
    assert ascii(name)[1:-1] in summary
    for text in (summary, drawn.source, drawn._repr_svg_()):
        assert not (set(name) - set("ab[31m")) & set(text)
        text.encode()


def test_a_histogram_of_a_matrix_has_its_columns() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    array = np.random.default_rng(0).random((5, 3))
    t = mg.tensor(array)
    np.testing.assert_array_equal(plt.hist(t)[0], plt.hist(array)[0])
    assert len(plt.boxplot(t)["boxes"]) == len(plt.violinplot(t)["bodies"]) == 3
    plt.close("all")
