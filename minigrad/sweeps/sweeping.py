"""`sweep`: one function over hyperparameters and seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from minigrad.sweeps.halving import SuccessiveHalving
from minigrad.sweeps.journal import Journal, Outcome
from minigrad.sweeps.progress import Bar
from minigrad.sweeps.schedulers import Task, scheduled
from minigrad.sweeps.space import Run, check_signature, runs_of, settings_of, takes
from minigrad.sweeps.table import Table

__all__ = ["sweep"]


def sweep(
    train: Callable[..., Any],
    space: Any,
    *,
    seeds: int | Iterable[int] = 1,
    samples: int | None = None,
    halving: SuccessiveHalving | None = None,
    metric: str = "loss",
    mode: str = "min",
    scheduler: Any = None,
    workers: int | None = None,
    path: str | Path | None = None,
    retry: bool = False,
    progress: bool = True,
    sample_seed: int = 0,
) -> Table:
    """Call a training function with every setting of its hyperparameters, and every seed.

    Before each call the common random numbers start from the seed of the run, so a run gives what
    it would give alone, wherever it runs.

    train      called with the hyperparameters by name; with ``seed``, if it has such a parameter;
               with ``folder``, a path of the run's own that lasts, if it has such a parameter.  It
               returns a number, or numbers by name, or the history of `training.fit`
    space      names of hyperparameters -> lists of values, of which all combinations are run; a
               value alone is the same in all runs.  A list of such dicts: one after the other.
               With `samples` also distributions, SciPy's or those of `minigrad.distributions`
    seeds      how many for each setting, or which
    samples    draw so many settings at random, repeatably by `sample_seed`
    halving    a `SuccessiveHalving`: all settings for a short time, the best ones longer
    metric     the result by which settings are ranked
    mode       "min": smaller is better; "max": larger is
    scheduler  None or "joblib": processes on this machine; "dask": a cluster of Dask's on this
               machine; a ``distributed.Client``: that one; "serial": this process; or an executor
               of ``concurrent.futures``
    workers    how many runs at a time, for "joblib" and "dask"; None: as many as there are cores
    path       a file in which outcomes are kept.  If it is there, the runs in it are not run again:
               a sweep that was killed goes on, and one with a larger space runs what is new
    retry      run those again whose outcome in the file is an error
    progress   show a bar in a terminal, elsewhere a line for each run

    Returns  a `Table`: a list with a dict for each run, in the order of the space.
    Raises   TypeError, ValueError, before the first run, if the space cannot be run; RuntimeError
             if another sweep writes the same file.  What a run raises is in the table.
    Example  >>> import minigrad as mg
             >>> def train(lr, seed):
             ...     w = mg.randn(3, requires_grad=True)
             ...     optimizer = mg.optim.SGD([w], lr=lr)
             ...     for _ in range(20):
             ...         optimizer.zero_grad()
             ...         loss = (w * w).sum()
             ...         loss.backward()
             ...         optimizer.step()
             ...     return loss
             >>> table = mg.sweep(train, {"lr": [0.01, 0.1, 1.0]}, seeds=2, scheduler="serial",
             ...                  progress=False)
             >>> table.best()
             {'lr': 0.1}
    """
    if mode not in ("min", "max"):
        raise ValueError(f'sweep: mode is "min" or "max", got {mode!r}')
    runs = runs_of(settings_of(space, samples, sample_seed), seeds)
    of_run = folders(Path(path) if path is not None else None, takes(train, "folder"))
    first = runs[0]
    if halving is not None:
        check_budget(halving, first)
        first = replace(first, budget=(halving.budget, halving.smallest))
    check_signature(train, first, takes(train, "seed"), of_run(first))
    journal = Journal(None if path is None else Path(path), name_of(train))
    bar = Bar(count(runs, halving), metric, mode, progress)
    found = Table([], metric, mode, list(dict.fromkeys(n for r in runs for n in r.settings)))

    def finish(these: Sequence[Run]) -> None:
        """Run those of which nothing is known; all go into the table."""
        known = {} if retry else journal.outcomes
        known = {**known, **{k: o for k, o in journal.outcomes.items() if o.error is None}}
        todo = [run for run in these if run.key not in known]
        bar.known(len(these) - len(todo))
        tasks = [Task(train, run, metric, of_run(run)) for run in todo]
        for run, outcome in scheduled(scheduler, tasks, workers):
            journal.add(run, outcome)
            bar.add(run, outcome)
        for run in these:
            add_row(found, run, journal.outcomes[run.key])

    try:
        if halving is None:
            finish(runs)
        else:
            climb(halving, runs, found, finish)
    finally:
        bar.close()
        journal.close()
    return even(found)


def climb(
    halving: SuccessiveHalving, runs: Sequence[Run], found: Table, finish: Callable[..., None]
) -> None:
    """The rungs of a halving, one after the other."""
    settings = len({repr(run.settings) for run in runs})
    number = 0
    for rung, (budget, kept) in enumerate(halving.rungs(settings)):
        if rung:
            if len(found.failures) == len(found):
                return
            best = [repr(found.setting(place)) for place in found.ranking()[:kept]]
            runs = [run for run in runs if repr(run.settings) in best]
        runs = [
            replace(run, number=number + k, budget=(halving.budget, budget), rung=rung)
            for k, run in enumerate(runs)
        ]
        number += len(runs)
        finish(runs)


def count(runs: Sequence[Run], halving: SuccessiveHalving | None) -> int:
    """How many runs there will be."""
    if halving is None:
        return len(runs)
    settings = len({repr(run.settings) for run in runs})
    return sum(kept for _, kept in halving.rungs(settings)) * (len(runs) // settings)


def check_budget(halving: SuccessiveHalving, run: Run) -> None:
    if halving.budget in run.settings:
        raise ValueError(
            f"sweep: {halving.budget} is what the halving spends, so it is not in the space"
        )


def folders(path: Path | None, wanted: bool) -> Callable[[Run], Path | None]:
    """Where each run keeps its files: one folder for all rungs, so that a run can go on."""
    if not wanted:
        return lambda run: None
    if path is None:
        raise ValueError("sweep: the function wants a folder, and folders lie beside path=...")
    beside = path.absolute().with_name(path.name + ".folders")
    return lambda run: beside / hashlib.sha256(run.training.encode()).hexdigest()[:16]


def name_of(train: Callable[..., Any]) -> str:
    """The name of a function; its module may have another name when it is the main program."""
    return getattr(train, "__qualname__", type(train).__qualname__)


def add_row(found: Table, run: Run, outcome: Outcome) -> None:
    """A run and its outcome as a row of the table."""
    rung = {} if run.budget is None else {"rung": run.rung, run.budget[0]: run.budget[1]}
    ours = {"run": run.number, **rung, **run.settings, "seed": run.seed}
    found.append({**ours, **outcome.results, "seconds": outcome.seconds, "error": outcome.error})
    if outcome.traceback is not None:
        found.tracebacks[run.number] = outcome.traceback


def even(found: Table) -> Table:
    """The same table with all names in every row: None where a run has none of them."""
    last = ("seconds", "error")
    names = dict.fromkeys(n for row in found for n in row if n not in last)
    order = ["run", *[n for n in names if n != "run"], *last]
    found[:] = [{name: row.get(name) for name in order} for row in found]
    return found
