"""Process groups: who takes part, and how a process waits for the others without hanging."""

from __future__ import annotations

import atexit
import os
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

import numpy as np

from minigrad import random

__all__ = [
    "ProcessGroup", "current", "destroy_process_group", "get_backend", "get_rank",
    "get_world_size", "group_of", "init_process_group", "is_available", "is_initialized",
    "is_mpi_available", "manual_seed", "new_group", "require_same",
]  # fmt: skip

ENDED = 1  # the tag of "this process takes part in no further collective"
EAGER = 0.002  # seconds of waiting in which the processor is only lent, not given up
LONGEST_NAP = 0.001
LOOK_OUT = 0.05  # seconds between two looks for processes that ended


class ProcessGroup:
    """Processes that call collectives together.

    comm      mpi4py's communicator
    timeout   seconds after which waiting for the others is an error
    calls     collectives so far, the same number in all processes
    """

    def __init__(self, comm: Any, timeout: float) -> None:
        self.comm = comm
        self.control = comm.Dup()
        self.timeout = timeout
        self.calls = 0
        self.ended: dict[int, int] = {}

    def rank(self) -> int:
        """Which of the processes this is, from 0."""
        return int(self.comm.rank)

    def size(self) -> int:
        """How many processes there are."""
        return int(self.comm.size)

    def run(self, name: str, start: Callable[[], Any]) -> None:
        """Begin a collective and wait until it is done here."""
        self.finish(name, self.begin(name, start))

    def begin(self, name: str, start: Callable[[], Any]) -> Any:
        """MPI's request of a collective that has begun."""
        self.calls += 1
        with explained(name, self):
            return start()

    def finish(self, name: str, request: Any) -> None:
        """Wait for a request; other processes may need the processor meanwhile.

        Raises   RuntimeError if a process has ended that would be needed, or after `timeout`.
        """
        begun = looked = time.monotonic()
        nap = 0.0
        while True:
            with explained(name, self):
                if request.Test():
                    return
            now = time.monotonic()
            if now - begun < EAGER:
                os.sched_yield() if hasattr(os, "sched_yield") else time.sleep(0)
                continue
            nap = min(LONGEST_NAP, nap + 2e-5)
            time.sleep(nap)
            if now - looked > LOOK_OUT:
                looked = now
                self.look_for_the_ended(name)
            if now - begun > self.timeout:
                raise RuntimeError(
                    f"{name}: rank {self.rank()} has waited {self.timeout:.0f} s for the others; "
                    "do all ranks call the same collectives in the same order?"
                )

    def look_for_the_ended(self, name: str) -> None:
        """Raise an error if a process ended before the collective that this one waits in."""
        from mpi4py import MPI

        status = MPI.Status()
        while self.control.Iprobe(MPI.ANY_SOURCE, ENDED, status):
            calls = np.empty(1, np.int64)
            self.control.Recv(calls, status.Get_source(), ENDED)
            self.ended[status.Get_source()] = int(calls[0])
        for rank, calls_there in self.ended.items():
            if calls_there < self.calls:
                raise RuntimeError(
                    f"{name}: rank {rank} ended after {calls_there} collectives, and rank "
                    f"{self.rank()} waits for it in its {self.calls}th; have all ranks the same "
                    "number of batches and epochs?"
                )

    def say_goodbye(self) -> None:
        """Tell the others that this process calls no further collective."""
        calls = np.array([self.calls], np.int64)
        for rank in range(self.size()):
            if rank != self.rank():
                self.control.Send(calls, rank, ENDED)

    def agree(self, name: str, what: str) -> None:
        """Raise an error in all processes if `what` is not the same text in all.

        One small message; the texts travel only if they differ.
        """
        if self.size() == 1:
            return
        code = zlib.crc32(what.encode())
        both = np.array([code, -code], np.int64)
        highest = np.empty_like(both)
        from mpi4py import MPI

        self.run(name, lambda: self.comm.Iallreduce(both, highest, MPI.MAX))
        if highest[0] == -highest[1]:
            return
        texts = self.texts(name, what)
        other = next(rank for rank, text in enumerate(texts) if text != texts[0])
        raise ValueError(
            f"{name}: the ranks differ: rank 0 has {texts[0]}, rank {other} has {texts[other]}"
        )

    def texts(self, name: str, text: str) -> list[str]:
        """A text of each process."""
        data = text.encode()
        sizes = np.empty(self.size(), np.int64)
        mine = np.array([len(data)], np.int64)
        self.run(name, lambda: self.comm.Iallgather(mine, sizes))
        joined = bytearray(int(sizes.sum()))
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        from mpi4py import MPI

        receive = [joined, (sizes.tolist(), starts.tolist()), MPI.BYTE]
        self.run(name, lambda: self.comm.Iallgatherv([data, MPI.BYTE], receive))
        return [bytes(joined[s : s + n]).decode() for s, n in zip(starts, sizes)]


class explained:
    """MPI's errors as RuntimeErrors that name the collective."""

    def __init__(self, name: str, group: ProcessGroup) -> None:
        self.name, self.group = name, group

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is not None and type(error).__module__.startswith("mpi4py"):
            raise RuntimeError(
                f"{self.name}: MPI failed at rank {self.group.rank()}: {error}; ranks that call "
                "different collectives, or with arrays of different sizes, are the usual cause"
            ) from error


# --------------------------------------------------------------------------------- the usual group


class World:
    """The group of all processes, while there is one, and what was there before it."""

    group: ProcessGroup | None = None
    excepthook: Any = None
    said_goodbye = False


def init_process_group(
    backend: str | None = "mpi",
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    **others: Any,
) -> None:
    """Join the processes that ``mpiexec -n ... python ...`` started.

    Without mpiexec the group is this process alone, and everything works with a world size of 1.
    From here on an exception that nobody catches ends all processes, after its traceback.

    backend       "mpi"; PyTorch's other backends are not here
    timeout       how long to wait for the others in a collective, 30 minutes if None
    world_size, rank   may be given; they must be those that mpiexec set

    Raises   ValueError for another backend, size or rank; ImportError if mpi4py is not installed;
             RuntimeError if there is a group already.
    Example  >>> import minigrad as mg
             >>> mg.distributed.init_process_group("mpi")
             >>> mg.distributed.get_rank(), mg.distributed.get_world_size()
             (0, 1)
             >>> mg.distributed.destroy_process_group()
    """
    if backend not in (None, "mpi", "undefined"):
        raise ValueError(
            f'init_process_group: the backend is "mpi", got {backend!r}; start the program with '
            "mpiexec -n 4 python ..."
        )
    if World.group is not None:
        raise RuntimeError("init_process_group: there is a process group already")
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ImportError(
            "minigrad.distributed needs mpi4py and an MPI: pip install 'minigrad-numpy[mpi]'"
        ) from error
    comm = MPI.COMM_WORLD.Dup()
    if world_size not in (-1, comm.size) or rank not in (-1, comm.rank):
        raise ValueError(
            f"init_process_group: rank {rank} of {world_size}, but mpiexec made this process "
            f"{comm.rank} of {comm.size}"
        )
    seconds = 1800.0 if timeout is None else timeout.total_seconds()
    World.group = ProcessGroup(comm, seconds)
    World.said_goodbye = False
    if comm.size > 1:
        World.excepthook, sys.excepthook = sys.excepthook, end_all
        atexit.register(goodbye)


def end_all(kind: Any, error: BaseException, trace: Any) -> None:
    """Print the traceback of this process, and end all: the others would wait for it forever."""
    from mpi4py import MPI

    rank = MPI.COMM_WORLD.rank
    text = "".join(traceback.format_exception(kind, error, trace))
    sys.stdout.flush()
    sys.stderr.write(f"rank {rank} failed, and all processes end:\n{text}")
    sys.stderr.flush()
    time.sleep(0.2)  # the text is to be out before mpiexec closes the pipes
    MPI.COMM_WORLD.Abort(1)


def goodbye() -> None:
    """At the end of the program."""
    if World.group is not None and not World.said_goodbye:
        World.said_goodbye = True
        World.group.say_goodbye()


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Leave the group: this process calls no further collective.

    Raises   RuntimeError if there is no group.
    """
    world = current()
    if group is not None and group is not world:
        return
    goodbye()
    if World.excepthook is not None:
        sys.excepthook, World.excepthook = World.excepthook, None
    World.group = None


def is_available() -> bool:
    """Whether there is a backend: whether mpi4py is installed.

    Example  >>> isinstance(mg.distributed.is_available(), bool)
             True
    """
    return find_spec("mpi4py") is not None


is_mpi_available = is_available


def is_initialized() -> bool:
    """Whether `init_process_group` was called.

    Example  >>> mg.distributed.is_initialized()
             False
    """
    return World.group is not None


def current() -> ProcessGroup:
    """The group of all processes.

    Raises   RuntimeError if there is none.
    """
    if World.group is None:
        raise RuntimeError(
            "there is no process group: call mg.distributed.init_process_group('mpi') first"
        )
    return World.group


def group_of(group: ProcessGroup | None) -> ProcessGroup:
    """`group`, or that of all processes if it is None."""
    return current() if group is None else group


def get_rank(group: ProcessGroup | None = None) -> int:
    """Which of the processes this is, from 0.

    Raises   RuntimeError if there is no process group.
    """
    return group_of(group).rank()


def get_world_size(group: ProcessGroup | None = None) -> int:
    """How many processes there are.

    Raises   RuntimeError if there is no process group.
    """
    return group_of(group).size()


def get_backend(group: ProcessGroup | None = None) -> str:
    """The name of the backend, "mpi".

    Raises   RuntimeError if there is no process group.
    """
    group_of(group)
    return "mpi"


def new_group(ranks: Sequence[int] | None = None, **others: Any) -> ProcessGroup | None:
    """A group of some of the processes; all processes must call this.

    ranks    which; None: all

    Returns  the group, with ranks of its own from 0; None in a process that is not in it.
    Raises   RuntimeError if there is no process group.
    """
    world = current()
    members = range(world.size()) if ranks is None else sorted(ranks)
    comm = world.comm.Create(world.comm.group.Incl(list(members)))
    return ProcessGroup(comm, world.timeout) if world.rank() in members else None


def require_same(name: str, value: Any, group: ProcessGroup | None = None) -> None:
    """Raise an error in every process unless `value` prints the same in all of them.

    name     what is compared, for the message
    Raises   ValueError, in all processes, that names two ranks that differ.
    """
    group_of(group).agree(name, str(value))


def manual_seed(seed: int) -> Any:
    """Start the library's random numbers at `seed`, each rank with numbers of its own.

    With `minigrad.manual_seed` all ranks draw the same numbers: right for initial parameters, wrong
    for dropout, where each rank sees other samples.

    Returns  the generator.
    Raises   RuntimeError if there is no process group.
    """
    own = np.random.SeedSequence(seed % 2**64, spawn_key=(get_rank(),))
    return random.manual_seed(int(own.generate_state(1, np.uint64)[0]))
