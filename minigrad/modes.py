"""What the current thread records: frames of module calls, ``no_grad`` and its kin, traces.

The engine reads one thing for each op, `recording.frame`: None while nothing is recorded.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import partial, wraps
from inspect import isgeneratorfunction
from types import FrameType
from typing import Any, NamedTuple, ParamSpec
from weakref import ref

HERE = os.path.dirname(__file__)
P = ParamSpec("P")
new = object.__new__


class Detail(NamedTuple):
    """What calls note beside the graph, while anything but ordinary recording is on.

    stack    the line that called (detect_anomaly)
    values   copies of operands and results, for pictures
    trace    where every call is written down, whether or not it needs a gradient
    grad     whether nodes are recorded: False inside a `no_grad` in a trace
    """

    stack: bool = False
    values: bool = False
    trace: Trace | None = None
    grad: bool = True


class Frame:
    """One call of a module: what is recorded inside it knows where it was.

    detail   what calls note beside the graph; None in ordinary recording
    """

    __slots__ = ("detail", "module", "parent")

    def __init__(self, module: Any, parent: Frame | None, detail: Detail | None = None) -> None:
        self.module = module
        self.parent = parent
        self.detail = detail


OUTERMOST = Frame(None, None)


class Recording(threading.local):
    """What the current thread records.

    frame      the module call that is running; None while nothing is recorded
    suspended  the frame that `no_grad` put aside, for `enable_grad` to take up again
    entry      of a ``with`` statement that is about to enter its block

    The engine reads `frame` once for each op, and nothing else.
    """

    frame: Frame | None = OUTERMOST
    suspended: Frame = OUTERMOST
    entry: Entry | None = None

    @property
    def enabled(self) -> bool:
        frame = self.frame
        return frame is not None and (frame.detail is None or frame.detail.grad)

    @enabled.setter
    def enabled(self, value: bool) -> None:
        frame = self.frame
        if frame is not None and frame.detail is not None and frame.detail.trace is not None:
            self.change(grad=value)
        elif not value:
            self.suspended = frame or self.suspended
            self.frame = None
        elif frame is None:
            self.frame = self.suspended

    @property
    def detail(self) -> Detail:
        return (self.frame or self.suspended).detail or Detail()

    def change(self, **values: Any) -> None:
        """Change fields of `detail` for what is recorded from here on."""
        before = self.frame or self.suspended
        detail = self.detail._replace(**values)
        self.suspended = Frame(before.module, before.parent, None if detail == Detail() else detail)
        if self.frame is not None or detail.trace is not None:
            self.frame = self.suspended

    @property
    def watch(self) -> Trace | None:
        """The trace that is running, of either kind, or None."""
        frame = self.frame
        return None if frame is None or frame.detail is None else frame.detail.trace

    @property
    def trace(self) -> Trace | None:
        """The trace that is running, or None; one that only watches changes nothing."""
        frame = self.frame  # `watch`, written out: a backward pass asks three times
        if frame is None or frame.detail is None:
            return None
        watch = frame.detail.trace
        return None if watch is None or watch.watches else watch


recording = Recording()


# ---------------------------------------------------------------------------------- with statements


Entry = list[Any]  # one run of a ``with`` block: the block, what was before it, and a watch


class Exit:
    """The ``__exit__`` of a `Block`: it restores what was before, or its end does.

    A KeyboardInterrupt may come when ``__exit__`` has begun and not yet done anything, or in
    ``__enter__`` when it has done something: then nothing would undo that.  So each ``with``
    statement gets an object of its own to call, which dies with the statement, whatever happens;
    if it has not been called by then, its death restores what was before.
    """

    def __get__(self, block: Block | None, owner: Any = None) -> Callable[..., None]:
        if block is None:  # an ExitStack asks the class
            return leave_block
        entry: Entry = [block, None, None]
        called = partial(leave, entry)
        entry[2] = ref(called, partial(restore, entry))
        recording.entry = entry
        return called


def leave(entry: Entry, *error: Any) -> None:
    block, before, _ = entry
    if before is None:  # __enter__ was called without a `with` statement
        leave_block(block)
    else:
        block.end(before)
        entry[1] = None
    entry[2] = None


def restore(entry: Entry, watch: Any = None) -> None:
    """Restore what was before the block, if `leave` has not come to that."""
    block, before, _ = entry
    if before is not None:
        block.end(before)
        entry[1] = None
    entry[2] = None


def leave_block(block: Block, *error: Any) -> None:
    restore(block.__dict__["called"].pop())


def entry_of(block: Block) -> Entry:
    """The entry of the ``with`` statement that calls ``__enter__`` just now."""
    entry = recording.entry
    if entry is not None and entry[0] is block:
        recording.entry = None
        return entry
    entry = [block, None, None]
    block.__dict__.setdefault("called", []).append(entry)
    return entry


class Block:
    """Base of what changes the recording in a ``with`` block.  Blocks nest, thread by thread."""

    def __enter__(self) -> Any:
        entry = entry_of(self)
        entry[1] = self.now()
        return self.begin()

    __exit__ = Exit()

    def now(self) -> Any:
        """What `end` will need: not None."""
        return recording.frame, recording.suspended

    def begin(self) -> Any:
        """Change the recording, and return the value of ``with ... as``."""
        raise NotImplementedError

    def end(self, before: Any) -> None:
        """Restore what `now` said."""
        recording.frame, recording.suspended = before


# ------------------------------------------------------------------------------------------ traces


class Call(NamedTuple):
    """One call that a trace wrote down.

    op        the op; `WRITE` for an in-place change of the first operand by the second
    operands  arrays, numbers and None, in the order of the op's signature
    statics   the other arguments, by the op's `static_names`; index arrays may be among them
    results   arrays: the result or results, then what the forward keeps for its VJPs
    frame     the module call that was running
    line      file, line number and function of the program that called
    """

    op: Any
    operands: tuple[Any, ...]
    statics: tuple[Any, ...]
    results: tuple[Any, ...]
    frame: Frame
    line: tuple[str, int, str]


class Write:
    """The op of an in-place change: ``operands[0][...] = operands[1]``."""

    name = "write"


WRITE = Write()


class NotTraced(RuntimeError):  # noqa: N818 - what is wrong is in the name
    """A program does what a trace cannot write down: it reads numbers outside of ops."""


class Trace:
    """Every call that ran inside ``with trace() as t:``, in order: ``t.calls``.

    The identity of an array object is the identity of a value: the operand of one call is the
    result of another where both are one object.  All of them are kept alive for that.
    """

    watches = False  # whether the program runs as it would without it, and may read numbers
    drawing = False  # whether random numbers that are drawn just now will be noted
    unnoted = ""  # what the program did that no call tells of
    pure = False  # whether a change in place is refused, before it is made

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.made: dict[Any, Any] = {}  # node -> the array that it computed
        self.cotangents: list[tuple[Any, Any]] = []  # node or leaf, and the gradient that arrived
        self.backward: list[tuple[int, int]] = []  # which calls belong to backward passes
        self.known: dict[int, Any] = {}  # id of an array that a call computed, or an input -> it
        self.originals: dict[int, Any] = {}  # id of other memory that was written -> it, as it was

    def watch(self, array: Any) -> None:
        """Count `array` among what the program computes with: its numbers may not be read."""
        self.known[id(array)] = array

    def note(self, call: Call) -> None:
        self.calls.append(call)
        for array in call.results:
            self.known[id(array)] = array

    def forget(self) -> None:
        """Let go of all calls and arrays."""
        for noted in (self.calls, self.made, self.cotangents, self.known, self.originals):
            noted.clear()

    def refuse_writing(self, what: str) -> None:
        """Raise an error before a change in place, where only what has no effect is traced."""
        if self.pure:
            raise NotTraced(f"{what} changes memory in place")

    def note_detached(self, array: Any) -> None:
        """Note that a tensor was taken out of the graph: a trace knows arrays, and no tensors."""

    def note_copy(self, array: Any, copy: Any) -> None:
        """Note that a node keeps a copy of a plain array, which its owner may change."""

    def note_write(self, array: Any, value: Any) -> None:
        """Note that `array` was given the entries of `value` in place."""
        frame = recording.frame
        assert frame is not None
        self.note(Call(WRITE, (array, value), (), (array,), frame, caller()))

    def refuse_reading(self, array: Any, what: str) -> None:
        """Raise an error if the program reads the numbers of a traced tensor outside an op."""
        if id(array) in self.known:
            file, line, function = caller()
            raise NotTraced(
                f"{what} reads the numbers of a traced tensor, which another call would have "
                f"others of ({file}, line {line}, in {function}). Keep it a tensor (mg.where for "
                "a choice), or compute it outside of what is traced"
            )


class trace(Block):
    """Write down every call of an op inside a ``with`` block, also of those without a gradient.

    Example  >>> import minigrad as mg
             >>> from minigrad.modes import trace
             >>> x = mg.ones(2)
             >>> with trace() as t:
             ...     y = (x + 1).exp()
             >>> [call.op.name for call in t.calls]
             ['add', 'exp']
    """

    def begin(self) -> Trace:
        grad = recording.enabled
        made = Trace()
        recording.change(trace=made, grad=grad)
        return made


class untraced(Block):
    """Leave the trace inside a ``with`` block, and record."""

    def begin(self) -> None:
        recording.change(trace=None, grad=True)


def caller() -> tuple[str, int, str]:
    """File, line and function of the innermost call outside this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return "", 0, ""
    return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name


def is_ours(filename: str) -> bool:
    """Whether a file, or text that was compiled under that name, belongs to this package."""
    return filename.startswith((HERE, "<minigrad"))


# ---------------------------------------------------------------------------------- no_grad and kin


class Mode(Block):
    """Base of the recording modes: context managers and decorators that nest, thread by thread."""

    mode: bool

    def __new__(cls, function: Callable[P, Any] | None = None) -> Any:
        mode = new(cls)
        return mode(function) if callable(function) else mode

    def __enter__(self) -> None:
        entry = recording.entry
        if entry is None or entry[0] is not self:
            entry = entry_of(self)
        else:
            recording.entry = None
        frame = recording.frame
        if frame is None or frame.detail is not None:
            entry[1] = recording.enabled
            recording.enabled = self.mode
        else:  # the usual case, without the calls
            entry[1] = True
            if not self.mode:
                recording.suspended = frame
                recording.frame = None

    def end(self, before: bool) -> None:
        if before and recording.frame is None:
            recording.frame = recording.suspended
        else:
            recording.enabled = before

    def __call__(self, function: Callable[P, Any]) -> Callable[P, Any]:
        return within(type(self), function)


def within(mode: Callable[[], Any], function: Callable[P, Any]) -> Callable[P, Any]:
    """`function`, run inside a ``with mode():`` of its own at each call.

    A generator runs in it whenever it runs, and its caller does not, in between.
    """

    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Any:
        with mode():
            return function(*args, **kwargs)

    @wraps(function)
    def generator(*args: P.args, **kwargs: P.kwargs) -> Any:
        steps = function(*args, **kwargs)
        act: Callable[..., Any] = next
        given: tuple[Any, ...] = ()
        while True:
            try:
                with mode():
                    value = act(steps, *given)
            except StopIteration as stop:
                return stop.value
            try:
                act, given = type(steps).send, ((yield value),)
            except GeneratorExit:
                with mode():
                    steps.close()
                raise
            except BaseException as error:
                act, given = type(steps).throw, (error,)

    return generator if isgeneratorfunction(function) else inside


class no_grad(Mode):
    """Record nothing: inside ``with mg.no_grad():``, or in a function decorated with it.

    Example  >>> import minigrad as mg
             >>> x = mg.ones(2, requires_grad=True)
             >>> with mg.no_grad():
             ...     y = x * 2
             >>> y.requires_grad
             False
    """

    mode = False


class enable_grad(Mode):
    """Record again, inside a `no_grad`.

    Example  >>> x = mg.ones(2, requires_grad=True)
             >>> with mg.no_grad(), mg.enable_grad():
             ...     y = x * 2
             >>> y.requires_grad
             True
    """

    mode = True


class inference_mode(no_grad):
    """The same as `no_grad`: PyTorch's name for the mode in which a model is only used.

    mode     False: record as usual

    Example  >>> import minigrad as mg
             >>> x = mg.ones(2, requires_grad=True)
             >>> with mg.inference_mode():
             ...     (x * 2).requires_grad
             False
    """

    def __new__(cls, mode: Any = True) -> Any:
        made = super().__new__(cls, mode if callable(mode) else None)
        if not callable(mode):
            made.mode = not mode
        return made

    def __call__(self, function: Callable[P, Any]) -> Callable[P, Any]:
        return within(partial(type(self), not self.mode), function)


class set_grad_enabled(Block):
    """Record or do not record, from here on, or until the end of a ``with`` block.

    As a decorator it changes nothing but how the function runs.

    Example  >>> import minigrad as mg
             >>> x = mg.ones(2, requires_grad=True)
             >>> with mg.set_grad_enabled(False):
             ...     y = x * 2
             >>> y.requires_grad
             False
    """

    def __init__(self, mode: bool) -> None:
        self.before = recording.enabled
        self.mode = bool(mode)
        recording.enabled = self.mode

    def now(self) -> bool:
        return self.before

    def begin(self) -> None:
        recording.enabled = self.mode

    def end(self, before: bool) -> None:
        recording.enabled = before

    def __call__(self, function: Callable[P, Any]) -> Callable[P, Any]:
        recording.enabled = self.before
        return within(partial(set_grad_enabled, self.mode), function)


def is_grad_enabled() -> bool:
    """Whether the current thread records.

    Example  >>> with mg.no_grad():
             ...     mg.is_grad_enabled()
             False
    """
    return recording.enabled
