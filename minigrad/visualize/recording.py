"""Recording a graph with all its numbers, and all that ran beside it, for pictures."""

from __future__ import annotations

import sys
import weakref
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from minigrad.calls import copied
from minigrad.memory import owner_of, writes
from minigrad.modes import WRITE, Block, Call, Trace, caller, is_ours, recording

__all__ = ["Reading", "Watch", "record_values", "watch_of"]

MOST_CALLS = 20_000  # that are noted of one block: a training loop is not a picture
MOST_BYTES = 2**28  # of their numbers


class Reading(NamedTuple):
    """Numbers that left the tensors: ``x.item()``.

    array  of the tensor that was read
    what   how: "item()", "numpy()"
    number what was read, if it is a single one
    line   where: file, number of the line, function
    time   how many calls had run
    """

    array: Any
    what: str
    number: Any
    line: tuple[str, int, str]
    time: int


class Watch(Trace):
    """A trace that only looks on: every call that ran, the numbers as they were, and what left.

    An array is changed in place at times, so what a call computed is kept as a copy.  Nodes are
    known by their sequence, so that a graph is freed when its loss is dropped.
    """

    watches = True
    full = False  # more ran than is kept: nothing is

    def __init__(self) -> None:
        super().__init__()
        self.sequences: list[int | None] = []  # of the node that each call left
        self.results: list[tuple[Any, ...]] = []  # copies of what each call computed
        self.constants: dict[int, tuple[Any, Any]] = {}  # id of an operand -> it, and a copy
        self.copies: dict[int, tuple[Any, Any]] = {}  # id of a node's copy -> it, and of what
        self.readings: list[Reading] = []
        self.detached: list[tuple[Any, tuple[str, int, str], int]] = []
        self.times: dict[int, int] = {}  # id of an array -> when its numbers were copied
        self.bytes = 0
        self.made = self.sequence_made = Sequences()
        watches.add(self)

    def note(self, call: Call) -> None:
        sequence, self.sequence_made.last = self.sequence_made.last, None
        if self.full:
            return
        for array in (*flat(call.operands), *flat(call.statics)):
            seen = self.times.get(id(array))
            if seen is None:
                self.constants[id(array)] = array, np.array(array)
                self.times[id(array)] = writes.latest
            elif call.op is not WRITE and changed_since(array, seen):
                self.note(Call(WRITE, (array,), (), (array,), call.frame, call.line))
        super().note(call)
        self.times.update({id(array): writes.latest for array in flat(call.results)})
        self.sequences.append(sequence)
        self.results.append(copied(call.results))
        self.bytes += sum([2 * getattr(each, "nbytes", 0) for each in call.results])
        if len(self.calls) > MOST_CALLS or self.bytes > MOST_BYTES:
            self.full = True
            for kept in (self.calls, self.results, self.constants, self.known, self.copies):
                kept.clear()

    def refuse_reading(self, array: Any, what: str) -> None:
        if id(array) in self.known and what != "printing" and not read_by_us():
            number = array.item() if array.size == 1 else None
            self.readings.append(Reading(array, what, number, caller(), len(self.calls)))

    def note_copy(self, array: Any, copy: Any) -> None:
        if not self.full:
            self.copies[id(copy)] = copy, array

    def note_detached(self, array: Any) -> None:
        self.detached.append((array, caller(), len(self.calls)))


class Sequences(dict[Any, Any]):
    """What `Trace.made` is for a watch, which keeps no node: the sequence of the last one."""

    last: int | None = None

    def __setitem__(self, node: Any, array: Any) -> None:
        self.last = node.sequence


READERS = ("tensor.py", "graph.py", "interchange.py", "recording.py")  # the methods that read


def read_by_us() -> bool:
    """Whether numbers are read by this package, for a purpose of its own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        if not frame.f_code.co_filename.endswith(READERS):
            return True
        frame = frame.f_back
    return False


watches: weakref.WeakSet[Watch] = weakref.WeakSet()  # those whose numbers somebody may draw


def changed_since(array: Any, time: int) -> bool:
    """Whether the memory of `array` was written in place after `time`."""
    return time < writes.latest and writes.times.get(id(owner_of(array)), (-1, ""))[0] > time


def flat(values: Any) -> list[Any]:
    """The arrays among `values`, and in tuples of them."""
    found = []
    for value in values:
        if isinstance(value, (tuple, list)):
            found += flat(value)
        elif isinstance(value, np.ndarray):
            found.append(value)
    return found


def watch_of(roots: Any) -> Watch | None:
    """The block of `record_values` that all of these tensors were computed in, or None."""
    for watch in watches:
        if all(watch.known.get(id(root._array)) is root._array for root in roots):
            return watch
    return None


class record_values(Block):
    """Keep all that runs inside for pictures: ``with mg.visualize.record_values():``

    A graph usually keeps only what backward needs, and lets go of it in backward.  In this block
    ops also keep copies of their operands and results, and the line of the program that called
    them, so that pictures can show all of it, before and after backward.  What needs no gradient
    is kept as well, and so is the place where the way of a gradient ends: at ``detach``, in
    ``no_grad``, at ``.item()``.  Of more than 20,000 calls, or 256 MiB, only the graph is kept.

    Example  >>> import minigrad as mg
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> with mg.visualize.record_values():
             ...     y = (x + 1).sum()
             >>> y.backward()
             >>> [v.value.tolist() for v in mg.visualize.describe(y).vertices]
             [[1.0, 2.0], [2.0, 3.0], 5.0]
    """

    watch: Watch

    def now(self) -> Any:
        return recording.frame, recording.suspended, recording.enabled

    def begin(self) -> record_values:
        around = recording.watch
        self.watch = around if isinstance(around, Watch) else Watch()
        trace = self.watch if around is None else around
        recording.change(stack=True, values=True, trace=trace, grad=recording.enabled)
        return self

    def end(self, before: Any) -> None:
        frame, suspended, enabled = before
        now = recording.enabled
        recording.frame, recording.suspended = frame, suspended
        if now != enabled:  # set_grad_enabled was called inside
            recording.enabled = now
