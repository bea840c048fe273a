"""Who runs the runs: this process, joblib, Dask, or whatever has ``submit``.

Each scheduler is a generator of (run, outcome), in the order in which runs end.
"""

from __future__ import annotations

import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, as_completed
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigrad import random
from minigrad.graph import Variable
from minigrad.pytrees import describe
from minigrad.sweeps.journal import Outcome
from minigrad.sweeps.space import RESERVED, Run, takes
from minigrad.training import History

__all__ = ["Task", "scheduled"]

Outcomes = Iterator[tuple[Run, Outcome]]
TURN = threading.Lock()  # the runs of one process share its random numbers, so they take turns


class Task(NamedTuple):
    """What a worker is sent: the function and one run of it.

    metric   the name of the result of a function that returns one number
    folder   where the run may keep files, or None
    """

    train: Callable[..., Any]
    run: Run
    metric: str
    folder: Path | None


def perform(task: Task) -> Outcome:
    """Run it, wherever this is; what goes wrong in it is part of the outcome."""
    arguments = dict(task.run.arguments)
    if takes(task.train, "seed"):
        arguments["seed"] = task.run.seed
    if task.folder is not None:
        task.folder.mkdir(parents=True, exist_ok=True)
        arguments["folder"] = task.folder
    with TURN:
        state = random.get_rng_state()
        begun = time.perf_counter()
        try:
            random.manual_seed(task.run.seed)
            results = checked(task.train(**arguments), task)
            return Outcome(results, time.perf_counter() - begun)
        except (Exception, SystemExit) as error:
            text = traceback.format_exception(error)
            return Outcome({}, time.perf_counter() - begun, in_a_line(error), "".join(text))
        finally:
            random.set_rng_state(state)


def in_a_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".split("\n")[0]


def checked(returned: Any, task: Task) -> dict[str, Any]:
    """Results by name, as plain Python values."""
    taken = {*RESERVED, *task.run.arguments}
    if isinstance(returned, History):  # its last epoch; the learning rate is often a setting
        last = {name: column[-1] for name, column in returned.items() if column}
        returned = {name: value for name, value in last.items() if name not in taken}
    if not isinstance(returned, Mapping):
        returned = {task.metric: returned}
    for name in returned:
        if name in taken or not isinstance(name, str):
            raise ValueError(f"a result is called {name!r}, which the table has already")
    return {name: plain(name, value) for name, value in returned.items()}


def plain(name: str, value: Any) -> Any:
    """A number, text, or list of these."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    array = value._array if isinstance(value, Variable) else value
    if isinstance(array, (np.generic, np.ndarray)) and array.size == 1:
        return array.item()
    if isinstance(value, (list, tuple)):
        return [plain(name, entry) for entry in value]
    raise TypeError(
        f"a run returns numbers by name, and {name!r} is {describe(value)}; save larger things in "
        "the folder of the run, an argument folder of the function"
    )


# ------------------------------------------------------------------------------------- schedulers


def scheduled(scheduler: Any, tasks: Sequence[Task], workers: int | None) -> Outcomes:
    """The outcomes of tasks, in the order in which they end.

    Raises   ValueError for a scheduler that is not known; ImportError where its library is missing.
    """
    if not tasks:
        return iter(())
    if scheduler == "serial":
        return ((task.run, perform(task)) for task in tasks)
    if scheduler in (None, "joblib"):
        return by_joblib(tasks, workers)
    if scheduler == "dask":
        return by_local_dask(tasks, workers)
    if isinstance(scheduler, Executor):
        return by_executor(scheduler, tasks)
    if hasattr(scheduler, "submit") and hasattr(scheduler, "scheduler_info"):
        return by_dask(scheduler, tasks)
    raise ValueError(
        'sweep: scheduler is "joblib", "dask", "serial", a distributed.Client or an executor of '
        f"concurrent.futures, got {describe(scheduler)}"
    )


def by_joblib(tasks: Sequence[Task], workers: int | None) -> Outcomes:
    """Processes of joblib; the run of a process that dies fails, and the others are run again."""
    try:
        import joblib
    except ImportError as error:
        raise ImportError(
            "sweeps run on joblib: pip install 'minigrad-numpy[sweep]'; or give "
            'scheduler="serial" to run one after the other'
        ) from error
    waiting = list(tasks)
    while waiting:
        begun: dict[int, Task] = {}
        try:
            for number, outcome in in_processes(joblib, waiting, workers, begun):
                yield begun.pop(number).run, outcome
        except BrokenExecutor:  # one of those that had begun did it: each of them again, alone
            for task in begun.values():
                yield task.run, alone(joblib, task)


def in_processes(
    joblib: Any, waiting: list[Task], workers: int | None, begun: dict[int, Task]
) -> Iterator[tuple[int, Outcome]]:
    """Outcomes by number; tasks go from `waiting` to `begun` as they are sent to a process."""

    def jobs() -> Iterator[Any]:
        while waiting:
            task = waiting.pop(0)
            begun[task.run.number] = task
            yield joblib.delayed(numbered)(task)

    parallel = joblib.Parallel(
        n_jobs=-1 if workers is None else workers,
        return_as="generator_unordered",
        batch_size=1,
        pre_dispatch="n_jobs",
    )
    found: Iterator[tuple[int, Outcome]] = parallel(jobs())
    return found


def alone(joblib: Any, task: Task) -> Outcome:
    """The outcome of a run in a process that no other run shares."""
    try:
        ((_, outcome),) = in_processes(joblib, [task], 2, {})
        return outcome
    except BrokenExecutor as error:
        return died(error)


def numbered(task: Task) -> tuple[int, Outcome]:
    return task.run.number, perform(task)


def died(error: BaseException) -> Outcome:
    """The outcome of a run whose process is gone."""
    return Outcome({}, None, "the process of the run died: " + in_a_line(error), str(error))


def by_executor(executor: Executor, tasks: Sequence[Task]) -> Outcomes:
    """An executor of concurrent.futures, or one with its interface, as mpi4py's."""
    futures = {executor.submit(perform, task): task.run for task in tasks}
    try:
        for future in as_completed(futures):
            error = future.exception()
            yield futures[future], future.result() if error is None else died(error)
    finally:
        for future in futures:
            future.cancel()


def by_local_dask(tasks: Sequence[Task], workers: int | None) -> Outcomes:
    """Dask on this machine, for as long as the sweep takes."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise ImportError("Dask is not installed: pip install 'minigrad-numpy[dask]'") from error
    local = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.Client(**local) as client:
        yield from by_dask(client, tasks)


def by_dask(client: Any, tasks: Sequence[Task]) -> Outcomes:
    """A cluster of Dask's; it runs the runs of a worker that was lost on another one."""
    distributed: Any = import_module("distributed")
    name = f"sweep-{uuid.uuid4().hex}"  # not a pure function: another sweep runs it anew
    futures = {
        client.submit(perform, task, key=f"{name}-{task.run.number}", pure=False): task.run
        for task in tasks
    }
    try:
        for future in distributed.as_completed(futures):
            error = future.exception()
            yield futures.pop(future), future.result() if error is None else died(error)
    finally:
        client.cancel(list(futures))
