"""Sweeps: which runs there are, what is kept, and that a failing run fails alone."""

from __future__ import annotations

import functools
import io
import json
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.sweeps import SuccessiveHalving, Table
from minigrad.sweeps.journal import Outcome
from minigrad.sweeps.progress import Bar
from minigrad.sweeps.space import Run, settings_of
from minigrad.training import Checkpoint, fit

quiet = functools.partial(mg.sweep, progress=False)
serial = functools.partial(quiet, scheduler="serial")


def product(a, b, seed):
    """Depends on the settings, the seed, and the random numbers of the run."""
    return {"loss": a * b + seed, "random": mg.rand(1).item()}


def rows_of(table):
    """What must be the same wherever runs are run."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in table]


# ------------------------------------------------------------------------------------------- runs


def test_every_setting_with_every_seed_in_order():
    table = serial(product, {"a": [1, 2], "b": (3.0, 4.0)}, seeds=[5, 9])
    assert isinstance(table, list)
    assert [(r["run"], r["a"], r["b"], r["seed"], r["loss"]) for r in table] == [
        (0, 1, 3.0, 5, 8.0), (1, 1, 3.0, 9, 12.0), (2, 1, 4.0, 5, 9.0), (3, 1, 4.0, 9, 13.0),
        (4, 2, 3.0, 5, 11.0), (5, 2, 3.0, 9, 15.0), (6, 2, 4.0, 5, 13.0), (7, 2, 4.0, 9, 17.0),
    ]  # fmt: skip
    assert {tuple(row) for row in table} == {
        ("run", "a", "b", "seed", "loss", "random", "seconds", "error")
    }
    for row in table:  # a run starts from its seed, and from nothing else
        mg.manual_seed(row["seed"])
        assert row["random"] == mg.rand(1).item()


def test_the_random_numbers_of_the_program_go_on_as_if_nothing_had_run():
    mg.manual_seed(3)
    expected = mg.rand(4).tolist()
    mg.manual_seed(3)
    serial(product, {"a": [1], "b": [1]})
    assert mg.rand(4).tolist() == expected


SPACES = {
    # space: settings
    "a grid": ({"a": [1, 2], "b": "xy"}, [{"a": 1, "b": "xy"}, {"a": 2, "b": "xy"}]),
    "arrays": ({"a": mg.arange(2).numpy(), "b": range(1)}, [{"a": 0, "b": 0}, {"a": 1, "b": 0}]),
    "several": ([{"a": [1, 2]}, {"a": 3, "b": None}], [{"a": 1}, {"a": 2}, {"a": 3, "b": None}]),
    "a set": ({"a": {"q", "p"}}, [{"a": "p"}, {"a": "q"}]),
    "lists in a list": ({"a": [[8, 8], [16]]}, [{"a": [8, 8]}, {"a": [16]}]),
    "nothing varies": ({}, [{}]),
}


@pytest.mark.parametrize("space", SPACES)
def test_settings_of(space):
    given, expected = SPACES[space]
    assert settings_of(given, None, 0) == expected


def test_random_settings_are_repeatable():
    stats = pytest.importorskip("scipy.stats")
    space = {
        "lr": stats.loguniform(1e-4, 1e-1),
        "width": stats.randint(4, 9),
        "p": mg.distributions.Uniform(0.0, 0.5),
        "name": ["sgd", "adam"],
    }
    state = mg.get_rng_state()
    drawn = settings_of(space, 200, 1)
    assert mg.get_rng_state() == state
    assert drawn == settings_of(space, 200, 1) != settings_of(space, 200, 2)
    rates = sorted(s["lr"] for s in drawn)
    assert 1e-4 <= rates[0] <= 2e-4
    assert 5e-2 <= rates[-1] <= 1e-1
    assert 10**-2.7 < rates[100] < 10**-2.3  # the median of a log-uniform is in the middle
    assert {s["width"] for s in drawn} == {4, 5, 6, 7, 8}
    assert all(type(s["width"]) is int and type(s["p"]) is float for s in drawn)
    assert {s["name"] for s in drawn} == {"sgd", "adam"}
    grid = {"a": list(range(10)), "b": list(range(10))}
    some = settings_of(grid, 30, 0)
    assert len({(s["a"], s["b"]) for s in some}) == 30


def takes_x(x):
    return x


REFUSED = {
    # what is wrong: (space, arguments, error, message)
    "no value": ({"x": []}, {}, ValueError, "x has no value to try"),
    "no dict": ([1], {}, TypeError, "a space is a dict, or a list of dicts, got int"),
    "name": ({"error": [1]}, {}, ValueError, "'error' is a column of the table"),
    "seed": ({"seed": [1]}, {}, ValueError, "'seed' is a column of the table; give seeds="),
    "number": ({3: [1]}, {}, TypeError, "hyperparameters have names, got 3"),
    "twice": ({"x": [1, 1]}, {}, ValueError, r"the run \{'x': 1\}, seed 0, is there twice"),
    "unknown": ({"y": [1]}, {}, TypeError, r"takes_x\(x\) cannot be called with y: missing"),
    "seeds": ({"x": [1]}, {"seeds": 0}, ValueError, "seeds is a number of seeds"),
    "no seeds": ({"x": [1]}, {"seeds": []}, ValueError, "there are no seeds"),
    "mode": ({"x": [1]}, {"mode": "best"}, ValueError, 'mode is "min" or "max", got \'best\''),
    "scheduler": ({"x": [1]}, {"scheduler": "slurm"}, ValueError, 'scheduler is "joblib", "dask"'),
    "samples": ({"x": [1]}, {"samples": 2}, ValueError, "2 samples of a space that has 1 settings"),
    "no samples": ({"x": [1]}, {"samples": 0}, ValueError, "samples is a number of settings"),
    "distribution": ({"x": mg.distributions.Normal(0.0, 1.0)}, {}, ValueError, "samples=20"),
    "empty": ([], {}, ValueError, "the space is empty"),
    "spent": ({"x": [1]}, {"halving": SuccessiveHalving("x", 1, 2)}, ValueError, "x is what"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_run_is_refused_before_anything_runs(fault):
    space, arguments, error, message = REFUSED[fault]
    with pytest.raises(error, match=message):
        mg.sweep(takes_x, space, progress=False, **{"scheduler": "serial", **arguments})


def test_budgets_are_checked():
    with pytest.raises(ValueError, match="budgets go from 1 upwards, got 5 to 2"):
        SuccessiveHalving("epochs", 5, 2)
    with pytest.raises(ValueError, match="factor is at least 2, got 1"):
        SuccessiveHalving("epochs", 1, 2, 1)


# ---------------------------------------------------------------------------------------- results


def test_a_failing_run_fails_alone():
    def train(x):
        if x == 1:
            raise LookupError("the first line\nand a second")
        if x == 2:
            sys.exit("stop")
        if x == 3:
            return {"loss": mg.ones(2)}
        if x == 4:
            return {"x": 1.0}
        return mg.tensor([x * 0.5])

    table = serial(train, {"x": [0, 1, 2, 3, 4, 5]}, metric="score", mode="max")
    assert [row["score"] for row in table] == [0.0, None, None, None, None, 2.5]
    errors = [row["error"] for row in table]
    assert errors[:3] == [None, "LookupError: the first line", "SystemExit: stop"]
    assert errors[3].startswith("TypeError: a run returns numbers by name, and 'loss' is Tensor;")
    assert errors[4] == "ValueError: a result is called 'x', which the table has already"
    assert "in train" in table.tracebacks[1]
    assert "and a second" in table.tracebacks[1]
    assert [row["run"] for row in table.failures] == [1, 2, 3, 4]
    assert table.best() == {"x": 5}


def test_what_a_run_may_return():
    returned = {"loss": mg.tensor(1.5), "n": 3, "ok": True, "name": "a", "curve": [1.0, 2.0]}
    (row,) = serial(lambda: returned, {})
    assert {name: row[name] for name in returned} == {**returned, "loss": 1.5}
    history = mg.training.History(epoch=[1, 2], loss=[3.0, 2.5], lr=[0.1, 0.05])
    (row,) = serial(lambda lr: history, {"lr": 0.1})
    assert (row["epoch"], row["loss"], row["lr"]) == (2, 2.5, 0.1)


def test_ranking_is_by_the_mean_over_seeds():
    losses = {("a", 0): 1.0, ("a", 1): 3.0, ("b", 0): 1.5, ("b", 1): 1.7}

    def train(x, seed):
        return losses[x, seed] if x != "c" or seed else float("nan")

    table = serial(train, {"x": ["a", "b"]}, seeds=2)
    first, second = table.ranking()
    assert first == pytest.approx(
        {"x": "b", "loss": 1.6, "loss std": 0.02**0.5, "runs": 2, "failed": 0}
    )
    assert (second["loss"], second["loss std"]) == (2.0, pytest.approx(2**0.5))
    assert serial(train, {"x": ["a", "b"]}, seeds=2, mode="max").best() == {"x": "a"}
    losses["c", 1] = -9.0  # its other run is not a number, so it stands last
    table = serial(train, {"x": ["c", "a", "b"]}, seeds=2)
    assert [place["x"] for place in table.ranking()] == ["b", "a", "c"]
    assert str(table).splitlines() == [
        "x  loss  loss std  runs  failed",
        "b   1.6    0.1414     2       0",
        "a     2     1.414     2       0",
        "c    -9               2       1",
        "6 runs",
    ]
    assert "<td>0.1414</td>" in table._repr_html_()


def test_a_table_without_a_winner_says_why():
    table = serial(lambda x: 1 / 0, {"x": [1, 2]})
    with pytest.raises(ValueError, match=r"all 2 runs failed; run 0 with ZeroDivisionError[\s\S]*"
                       r"1 / 0"):  # fmt: skip
        table.best()
    assert "ZeroDivisionError" in str(table)
    assert "2 runs, 2 failed" in str(table)
    table = serial(lambda x: {"accuracy": x}, {"x": [1, 2]})
    with pytest.raises(ValueError, match="returned a number called 'loss', but accuracy: say"):
        table.best()


def test_plot_shows_the_winners():
    pyplot = pytest.importorskip("matplotlib.pyplot")

    def train(lr, name, width, epochs, seed):
        return abs(lr - 0.1) / epochs + (name == "sgd") + 0.01 * seed

    space = {"lr": [0.001, 0.01, 0.1], "name": ["sgd", "adam"], "width": 8}
    table = serial(train, space, seeds=2, halving=SuccessiveHalving("epochs", 1, 4, 2))
    axes = table.plot(winners=2)
    try:
        assert [ax.get_xlabel() for ax in axes] == ["lr", "name", "rung"]
        assert axes[0].get_xscale() == "log"
        assert axes[0].get_ylabel() == "loss"
        assert [t.get_text() for t in axes[1].get_xticklabels()] == ["adam", "sgd"]
        legend = [text.get_text() for text in axes[0].figure.legends[0].get_texts()]
        assert sorted(legend) == ["1. lr 0.1, name adam, width 8", "2. lr 0.01, name adam, width 8"]
        assert sum(len(c.get_offsets()) for c in axes[0].collections) == len(table)
        assert len(axes[2].lines) == 6
    finally:
        pyplot.close("all")


# ------------------------------------------------------------------------------- a file of the runs


def noting(x, notes):
    with open(notes, "a", encoding="utf-8") as file:
        file.write(f"{x}\n")
    if x == 3:
        raise ValueError("three")
    return x * 2.0


@pytest.fixture
def kept(tmp_path):
    """A sweep with a file, and which runs were run since the last look."""

    class Kept:
        path, notes = tmp_path / "deep" / "runs.jsonl", tmp_path / "notes"

        def run(self, values, function=noting, **others):
            self.notes.write_text("")
            table = serial(function, {"x": values, "notes": str(self.notes)}, path=self.path,
                           **others)  # fmt: skip
            return table, [int(line) for line in self.notes.read_text().split()]

    return Kept()


def test_a_sweep_goes_on_where_it_was(kept):
    first, ran = kept.run([1, 2, 3])
    assert ran == [1, 2, 3]
    again, ran = kept.run([1, 2, 3])
    assert ran == []
    assert list(again) == list(first)
    assert again.tracebacks == first.tracebacks
    larger, ran = kept.run([0, 1, 2, 3, 4])
    assert ran == [0, 4]
    assert [row["loss"] for row in larger] == [0, 2, 4, None, 8]
    assert [row["run"] for row in larger] == [0, 1, 2, 3, 4]
    _, ran = kept.run([1, 2, 3], retry=True)
    assert ran == [3]
    _, ran = kept.run([1, 2], seeds=[0, 1])
    assert ran == [1, 2]


def test_of_a_line_that_was_being_written_the_beginning_is_removed(kept):
    whole, _ = kept.run([1, 2, 3])
    data = kept.path.read_bytes()
    header = data.index(b"\n") + 1
    second = data.index(b"\n", header) + 1
    for cut in {0, 5, header - 1, header, header + 1, second - 1, second, second + 9, len(data)}:
        kept.path.write_bytes(data[:cut])
        table, ran = kept.run([1, 2, 3])
        done = max(0, data[:cut].count(b"\n") - 1)
        assert ran == [1, 2, 3][done:], cut
        assert rows_of(table) == rows_of(whole)
        lines = [json.loads(line) for line in kept.path.read_text().splitlines()]
        assert len(lines) == 4


def test_a_file_that_is_not_of_this_sweep_is_left_as_it_is(kept):
    kept.run([1])
    data = kept.path.read_bytes()
    with pytest.raises(ValueError, match=r"runs.jsonl has runs of noting, and this sweep is of "):
        kept.run([1], function=lambda x, notes: x)
    assert kept.path.read_bytes() == data
    for damaged, line in ((data.replace(b'"key"', b'"kez"'), 2), (b"a,b\n1,2\n", 1)):
        kept.path.write_bytes(damaged)
        with pytest.raises(ValueError, match=f"line {line} of .*jsonl is not a run of a sweep"):
            kept.run([1])
        assert kept.path.read_bytes() == damaged


def test_two_sweeps_do_not_write_one_file(kept):
    pytest.importorskip("fcntl")
    program = (
        "import minigrad as mg, sys, pathlib\n"
        "try: mg.sweep(lambda: 1.0, {}, path=sys.argv[1], scheduler='serial', progress=False)\n"
        "except RuntimeError as error: print(error)\n"
    )

    def train(x):
        run = subprocess.run([sys.executable, "-c", program, str(kept.path)], capture_output=True,
                             text=True, timeout=60)  # fmt: skip
        return {"loss": x, "said": run.stdout + run.stderr}

    (row,) = serial(train, {"x": 1}, path=kept.path)
    assert "runs.jsonl is being written by another sweep that still runs" in row["said"]


def test_values_have_names_that_last():
    class Local:
        pass

    keys = {
        Run(0, {"x": value}, 0).key
        for value in (1, 1.5, True, None, "1", [1], {"a": 1}, mg.optim.SGD, mg.float32, print)
    }
    assert len(keys) == 10
    for value in (Local(), lambda: 0):
        with pytest.raises(TypeError, match=r"x has the value .* which has no name that lasts"):
            serial(takes_x, {"x": [value]})
    table = serial(lambda optimizer: 1.0, {"optimizer": [mg.optim.SGD, mg.optim.Adam]})
    assert table[1]["optimizer"] is mg.optim.Adam
    assert " SGD" in str(table)


# --------------------------------------------------------------------------------------- halving


def test_halving_trains_the_best_ones_longer():
    called = []

    def train(x, steps, seed):
        called.append((x, steps, seed))
        return (x - 4) ** 2 / steps + seed * 0.01

    space = {"x": list(range(9))}
    table = serial(train, space, seeds=2, halving=SuccessiveHalving("steps", 1, 9, 3))
    assert [(r["x"], r["steps"], r["seed"]) for r in table] == called
    by_rung = [[r["x"] for r in table if r["rung"] == k and r["seed"] == 0] for k in range(3)]
    assert by_rung == [list(range(9)), [3, 4, 5], [4]]
    assert [r["run"] for r in table] == list(range(2 * 13))
    assert table.best() == {"x": 4}
    assert [place["x"] for place in table.ranking()[:3]] == [4, 3, 5]
    assert SuccessiveHalving("n", 2, 9, 2).rungs(20) == [(2, 20), (4, 10), (8, 5), (9, 3)]
    assert SuccessiveHalving("n", 2, 100, 2).rungs(2) == [(2, 2), (4, 1)]
    broken = serial(lambda x, steps: 1 / 0, space, halving=SuccessiveHalving("steps", 1, 9, 3))
    assert len(broken) == len(broken.failures) == 9


def with_checkpoint(lr, epochs, folder, notes):
    """A run that goes on from what it had on the rung before."""
    model = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1))
    x = mg.linspace(-1, 1, 8)[:, None]
    batches = [(x, x * x)]
    with open(notes, "a", encoding="utf-8") as file:
        return fit(
            model, nn.MSELoss(), mg.optim.SGD(model.parameters(), lr=lr), batches, epochs=epochs,
            callbacks=[Checkpoint(folder / "run.npz"), Noted(file)], progress=False,
        )  # fmt: skip


class Noted(mg.training.Callback):
    def __init__(self, file):
        self.file = file

    def epoch_end(self, run):
        self.file.write("epoch\n")


def test_a_run_with_a_folder_goes_on_from_its_checkpoint(tmp_path):
    notes = tmp_path / "notes"
    space = {"lr": [0.3, 0.1, 0.03, 0.01], "notes": str(notes)}
    halving = SuccessiveHalving("epochs", 2, 8, 2)
    table = serial(with_checkpoint, space, halving=halving, path=tmp_path / "runs.jsonl")
    assert not table.failures
    assert notes.read_text().count("epoch") == 4 * 2 + 2 * 2 + 1 * 4  # none is trained twice
    assert [row["epoch"] for row in table] == [2] * 4 + [4] * 2 + [8]
    folders = list((tmp_path / "runs.jsonl.folders").iterdir())
    assert len(folders) == 4
    at_once = serial(with_checkpoint, {"lr": table.best()["lr"], "notes": str(notes), "epochs": 8},
                     path=tmp_path / "other.jsonl")  # fmt: skip
    assert at_once[0]["loss"] == table[-1]["loss"]
    with pytest.raises(ValueError, match="the function wants a folder, and folders lie beside"):
        serial(with_checkpoint, space, halving=halving)


# -------------------------------------------------------------------------------------- schedulers


def falls(a, b, seed):
    """One run fails, and one takes its process with it."""
    if (a, seed) == (2, 1):
        raise ValueError("two")
    if (a, seed) == (3, 0) and multiprocessing.parent_process() is not None:
        os._exit(7)
    return product(a, b, seed)


def test_joblib_gives_what_one_process_gives_and_survives_a_dead_worker():
    pytest.importorskip("joblib")
    space = {"a": [1, 2, 3, 4], "b": [1.0]}
    table = quiet(falls, space, seeds=3, workers=2)
    expected = serial(falls, space, seeds=3)
    died = table[6]["error"]
    assert died.startswith("the process of the run died: TerminatedWorkerError")
    assert expected[6]["error"] is None
    others = [k for k in range(12) if k != 6]
    assert [rows_of(table)[k] for k in others] == [rows_of(expected)[k] for k in others]
    assert table[4]["error"] == "ValueError: two"


@pytest.mark.parametrize("kind", [ProcessPoolExecutor, ThreadPoolExecutor])
def test_executors_give_what_one_process_gives(kind):
    own = {"mp_context": multiprocessing.get_context("spawn")} if "Proc" in kind.__name__ else {}
    space = {"a": [1, 2], "b": [1.0]}
    with kind(2, **own) as executor:
        table = quiet(falls, space, seeds=2, scheduler=executor)
    assert rows_of(table) == rows_of(serial(falls, space, seeds=2))


# ---------------------------------------------------------------------------------------- progress


def test_lines_where_there_is_no_terminal(capsys, kept):
    kept.run([1, 3], progress=True)
    kept.run([1, 2, 3], progress=True)
    lines = [line.split("  ") for line in capsys.readouterr().err.splitlines()]
    assert [(line[0], line[-1]) for line in lines] == [
        ("run 1/2", "loss 2"),
        ("run 2/2", "ValueError: three"),
        ("1 runs failed; retry=True runs them again",) * 2,
        ("2 of 3 runs are done already",) * 2,
        ("run 3/3", "loss 4"),
    ]
    assert lines[0][1] == "x 1"


def test_a_bar_in_a_terminal_says_the_best_so_far():
    pytest.importorskip("tqdm")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    file = Terminal()
    bar = Bar(3, "accuracy", "max", True, file)
    bar.known(1)
    bar.add(Run(0, {}, 0), Outcome({"accuracy": 0.5}, 1.0))
    bar.add(Run(1, {}, 0), Outcome({}, 1.0, "ValueError: no"))
    bar.close()
    text = file.getvalue()
    assert "3/3" in text
    assert "best accuracy 0.5, 1 failed" in text


def test_many_runs_do_not_fill_a_log(capsys):
    bar = Bar(1000, "loss", "min", True)
    for k in range(1000):
        bar.add(Run(k, {"x": k}, 0), Outcome({"loss": 1.0}, 1.0))
    assert len(capsys.readouterr().err.splitlines()) == 200


def test_a_table_is_made_of_rows():
    table = Table([{"run": 0, "x": 1, "seed": 0, "loss": 2.0, "error": None}], names=["x"])
    assert table.best() == {"x": 1}
