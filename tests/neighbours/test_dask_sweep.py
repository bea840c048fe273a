"""Sweeps on Dask, killed and resumed; workers with threads; pandas; Optuna."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import minigrad as mg
from tests.neighbours import need

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "programs" / "forty_runs.py"
RUNS = 40


def start(folder: Path, scheduler: str) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(folder), scheduler],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # so that it can be killed with its workers
    )


def to_the_end(folder: Path, scheduler: str) -> list[dict[str, object]]:
    """The table of a sweep that is not disturbed."""
    process = start(folder, scheduler)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    table: list[dict[str, object]] = json.loads((folder / "table.json").read_text("utf-8"))
    return table


def kept(folder: Path) -> list[str]:
    """The runs whose outcome is in the file."""
    path = folder / "runs.jsonl"
    lines = path.read_bytes().split(b"\n")[1:-1] if path.exists() else []
    return [json.loads(line)["key"] for line in lines]


def noted(folder: Path, what: str) -> Counter[str]:
    """How often each run did that, by what it noted itself."""
    lines = (folder / "notes.txt").read_text("utf-8").splitlines()
    return Counter(line.removeprefix(what) for line in lines if line.startswith(what))


def in_notes(key: str) -> str:
    """The name of a run in its own notes."""
    run = json.loads(key)
    return f" {run['settings']['lr']} {run['settings']['hidden']} {run['seed']}"


def test_a_sweep_killed_half_way_and_resumed_is_the_sweep(tmp_path):
    need("distributed")
    killed = tmp_path / "killed"
    process = start(killed, "dask")
    deadline = time.monotonic() + 90
    while len(kept(killed)) < RUNS // 2:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "the sweep does not get on"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = kept(killed)
    assert RUNS // 2 <= len(before) < RUNS
    begun_before = noted(killed, "begun")

    resumed = to_the_end(killed, "dask")
    assert len(kept(killed)) == len(set(kept(killed))) == RUNS
    assert kept(killed)[: len(before)] == before
    begun = noted(killed, "begun")
    assert len(begun) == RUNS
    for key in before:  # what was in the file is not run again
        assert begun[in_notes(key)] == begun_before[in_notes(key)] == 1
    again = [name for name, times in begun.items() if times > 1]
    assert set(again) <= set(begun_before) - {in_notes(key) for key in before}
    assert max(begun.values()) <= 2  # only what the kill interrupted, once more

    undisturbed = to_the_end(tmp_path / "undisturbed", "serial")
    assert len(resumed) == RUNS
    assert resumed == undisturbed
    failed = [(row["lr"], row["hidden"], row["seed"]) for row in resumed if row["error"]]
    assert failed == [(0.03, 8, 3)]


def dropout_mask(p, seed):
    """Numbers that depend on all random draws of the run, made slowly."""
    total, places = 0.0, mg.arange(1.0, 51.0)
    for _ in range(20):
        total += mg.nn.functional.dropout(places, p).sum().item()
        time.sleep(0.001)
    return {"loss": total, "process": os.getpid()}


def test_runs_in_threads_of_one_worker_have_random_numbers_of_their_own():
    distributed = need("distributed")
    space = {"p": [0.2, 0.5]}
    alone = mg.sweep(dropout_mask, space, seeds=4, scheduler="serial", progress=False)
    with distributed.Client(
        processes=False, n_workers=1, threads_per_worker=4, dashboard_address=None
    ) as client:
        table = mg.sweep(dropout_mask, space, seeds=4, scheduler=client, progress=False)
        assert client.status == "running"  # it is not ours to close
    assert [row["loss"] for row in table] == [row["loss"] for row in alone]
    assert len({row["loss"] for row in table}) == 8


def test_pandas_and_pictures_take_the_table(tmp_path):
    pandas = need("pandas")
    table = mg.sweep(dropout_mask, {"p": [0.2, 0.5]}, seeds=2, scheduler="serial", progress=False)
    frame = table.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == ["run", "p", "seed", "loss", "process", "seconds", "error"]
    assert frame.groupby("p")["loss"].mean().to_dict() == pytest.approx(
        {place["p"]: place["loss"] for place in table.ranking()}
    )


def test_optuna_finds_what_random_settings_do_not(capsys, monkeypatch):
    need("optuna")
    examples = ROOT / "examples"
    monkeypatch.syspath_prepend(examples)
    monkeypatch.setattr(sys, "argv", ["optuna_search.py"])
    runpy.run_path(str(examples / "optuna_search.py"), run_name="__main__")
    optuna, chosen, random, every = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss ")[1].split()[0]) for line in (optuna, random)]
    assert losses[0] < losses[1] < 0.4  # the loss of no network at all is 0.69
    assert int(chosen.split(": ")[1].split(",")[0]) < int(every.split(": ")[1]) == 200
