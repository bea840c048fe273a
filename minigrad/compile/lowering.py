"""From a program to the text of a NumPy function that writes into buffers of its own.

Memory is decided here, once: every array that lives between calls (parameters, state, constants,
buffers) is known while the text is written, so views of them are made here and not at each call.
A temporary is written, in this order of preference, to where its value must end up (a gradient's
place, the memory of a parameter), over an operand that is not needed again, or to a buffer that is
free at that point.  Only the calls remain: ``dot(hidden, weight_T, z)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.calls import Array
from minigrad.compile import chunks, emitters, layout
from minigrad.compile.program import Program, Statement, Value, substituted, values_in

__all__ = ["Lowered", "lower"]


class Memory:
    """A piece of memory, and the value that lives in it now.

    lasting   belongs to a parameter, to state, or is handed out: no buffer for temporaries
    until     a statement that takes the memory back: what is lent here is not read from it on
    """

    def __init__(self, array: Array, lasting: bool, until: int | None = None) -> None:
        self.array = array
        self.lasting = lasting
        self.until = until
        self.holder: Value | None = None


class Loan:
    """Memory of a gradient, until the gradient is computed: temporaries may lie there before.

    space   its bytes that are not lent yet
    until   the statement that writes the gradient
    """

    def __init__(self, array: Array, until: int) -> None:
        self.space = array.transpose(layout.memory_order(array)).reshape(-1).view(np.uint8)
        self.until = until

    def lend(self, size: int) -> Memory:
        taken, self.space = self.space[:size], self.space[size + -size % 64 :]
        return Memory(taken, False, self.until)


SMALLEST_LOAN = 1 << 16  # bytes: memory that is worth lending


class Lowered:
    """The text of a program, and what its names are bound to.

    text      ``def make(...)``, a function that returns the function of a call
    names     what `make` is called with
    buffers   how many bytes of buffers there are
    arrays    values that are in known memory, and their arrays
    returned  what the function of a call returns
    """

    def __init__(
        self,
        text: str,
        names: dict[str, Any],
        buffers: int,
        arrays: dict[Value, Array],
        returned: list[Value],
    ) -> None:
        self.text, self.names, self.buffers, self.arrays = text, names, buffers, arrays
        self.returned = returned
        self.lines = text.split("\n")[2:-3]

    def function(self) -> Callable[..., Any]:
        """The function of a call: the program's inputs in, a tuple of its outputs out."""
        code = compile(self.text, "<minigrad compiled>", "exec")
        scope: dict[str, Any] = {}
        exec(code, scope)
        made: Callable[..., Any] = scope["make"](**self.names)
        return made


def lower(
    program: Program,
    results: int | None = None,
    placed: Mapping[Value, Array] | None = None,
    arrays: Mapping[Value, Array] | None = None,
) -> Lowered:
    """The text of a program.

    results   how many of the outputs are new arrays at each call (None: all); the arrays of the
              others are handed out once, and written again by the next call
    placed    values that must be written to given arrays, which outlive the call
    arrays    the arrays of parameters and state, where they differ from those in the program
    """
    count = len(program.outputs) if results is None else results
    return Lowering(program, placed or {}, count, arrays or {}).lower()


class Lowering:
    """One program on its way to text.

    arrays   values whose memory is known now, and their arrays
    local    other values, and the names that the text has for them
    """

    def __init__(
        self,
        program: Program,
        placed: Mapping[Value, Array],
        results: int,
        arrays: Mapping[Value, Array],
    ) -> None:
        self.program = program
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self.known: dict[int, str] = {}  # id of a bound object -> its name
        self.arrays: dict[Value, Array] = {}
        self.local: dict[Value, str] = {}
        self.memory: dict[Value, Memory] = {}  # root value -> its memory
        self.copied: dict[Value, str] = {}  # results that are copied before they are returned
        self.free: list[Memory] = []
        self.views: dict[Any, str] = {}
        self.scratches: dict[tuple[int, np.dtype[Any]], Array] = {}
        self.buffer_bytes = 0
        self.index = 0
        self.taken: set[str] = set()
        self.results = program.outputs[:results]
        self.lasting = set(program.outputs[results:])
        self.makers = program.makers()
        for value in program.inputs:
            self.local[value] = self.unused(value.name)
        for value in program.values():
            if value.array is not None:
                self.arrays[value] = arrays.get(value, value.array)
                self.memory[value] = Memory(self.arrays[value], True)
                self.memory[value].holder = value
        self.find_roots()
        self.find_targets(placed)
        self.find_loans(placed)

    # ------------------------------------------------------------------------------- before lines

    def find_roots(self) -> None:
        """Which value owns the memory of each, and by which statement that is last read."""
        self.root: dict[Value, Value] = {}
        for statement in self.program.statements:
            if emitters.is_view(statement):
                base = next(values_in(statement.operands), None)
                for value in statement.results:
                    if base is not None:
                        self.root[value] = self.root.get(base, base)
        self.last: dict[Value, int] = {}
        for i, statement in enumerate(self.program.statements):
            for value in [*statement.reads(), *statement.results]:
                self.last[self.root.get(value, value)] = i
        end = len(self.program.statements)
        for value in self.program.results():
            self.last[self.root.get(value, value)] = end
        self.fresh = {self.root.get(value, value) for value in self.results}
        self.updated = {old for old, _ in self.program.updates}
        self.lasting = {self.root.get(value, value) for value in self.lasting}

    def find_targets(self, placed: Mapping[Value, Array]) -> None:
        """Where values have to end up: new parameters and state, parts of a flat gradient."""
        self.target: dict[Value, tuple[Array, Memory]] = {}
        for old, new in self.program.updates:
            if old in self.arrays and new not in self.arrays:
                self.aim(new, self.arrays[old], self.memory[old])
        for value, array in placed.items():
            self.aim(value, array, Memory(array, True))
        for statement in reversed(self.program.statements):
            if statement.op is layout.FLAT:
                self.aim_parts(statement)
            elif emitters.is_view(statement) and len(statement.results) == 1:
                self.aim_base(statement)

    def find_loans(self, placed: Mapping[Value, Array]) -> None:
        """Memory that is written late in the program, and can be used before."""
        self.loans: list[Loan] = []
        flat = {s.result for s in self.program.statements if s.op is layout.FLAT}
        for value, array in placed.items():
            if array.nbytes < SMALLEST_LOAN or value in flat or value not in self.target:
                continue
            aimed, memory = self.target[value]
            contiguous = array.transpose(layout.memory_order(array)).flags.c_contiguous
            if aimed is not array or not contiguous:
                continue
            writers = [
                i
                for i, statement in enumerate(self.program.statements)
                if any(v in self.target and self.target[v][1] is memory for v in statement.results)
            ]
            self.loans.append(Loan(array, min(writers)))

    def aim(self, value: Value, array: Array, memory: Memory) -> None:
        if value not in self.target and value not in self.arrays and value not in self.local:
            self.target[value] = array, memory

    def aim_parts(self, statement: Statement) -> None:
        """A flat array is there from the beginning: its parts are written in place."""
        result = statement.result
        if result not in self.target:
            array = np.empty(result.shape, result.dtype)
            self.target[result] = array, Memory(array, True)
        array, _ = self.target[result]
        shapes = [value.shape for value in statement.operands[0]]
        for value, part in zip(
            statement.operands[0], layout.parts(array, shapes, statement.statics[0])
        ):
            if self.root.get(value, value) not in self.fresh:
                self.aim(value, part, Memory(part, True))

    def aim_base(self, statement: Statement) -> None:
        """What a view is taken of is written so that the view lies where it must."""
        target = self.target.get(statement.result)
        base = statement.operands[0] if statement.operands else None
        if target is None or not isinstance(base, Value):
            return
        array = emitters.inverse_view(statement, target[0], base.shape)
        if array is not None:
            self.aim(base, array, target[1])

    # --------------------------------------------------------------------------------------- names

    def unused(self, name: str) -> str:
        number, free = 1, name
        while free in self.taken:
            number += 1
            free = f"{name}_{number}"
        self.taken.add(free)
        return free

    def bind(self, value: Any, name: str) -> str:
        """The name under which the text knows an object."""
        known = self.known.get(id(value))
        if known is None:
            known = self.known[id(value)] = self.unused(name)
            self.names[known] = value
        return known

    def ref(self, value: Value) -> str:
        """A value in the text."""
        if value in self.arrays:
            return self.bind(self.arrays[value], value.name)
        return self.local[value]

    def text(self, argument: Any) -> str:
        """An argument in the text."""
        if isinstance(argument, Value):
            return self.ref(argument)
        if isinstance(argument, (bool, int, str, type(None), type(Ellipsis))):
            return "..." if argument is Ellipsis else repr(argument)
        if type(argument) is float and np.isfinite(argument):
            return repr(argument)
        if not list(values_in(argument)):
            return self.bind(argument, "argument")
        if isinstance(argument, slice):
            parts = (argument.start, argument.stop, argument.step)
            return f"slice({', '.join([self.text(part) for part in parts])})"
        texts = tuple([self.text(each) for each in argument])
        if hasattr(argument, "_fields"):
            return f"{self.bind(type(argument), type(argument).__name__)}({', '.join(texts)})"
        if isinstance(argument, list):
            return f"[{', '.join(texts)}]"
        return f"({', '.join(texts)}{',' * (len(texts) == 1)})"

    def bind_array(self, array: Array, name: str) -> str:
        """The name of an array that is made now, such as a view of a known one."""
        key = (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str)
        if key not in self.views:
            self.views[key] = self.bind(array, name)
        return self.views[key]

    def bind_method(self, array: Array, name: str) -> str:
        """The name of ``array.dot``, bound beforehand."""
        key = (array.__array_interface__["data"][0], array.shape, array.strides, "dot")
        if key not in self.views:
            self.views[key] = self.bind(array.dot, f"{name}_dot")
        return self.views[key]

    def turned(self, pair: tuple[str, Array | None]) -> tuple[str, Array | None]:
        """The transpose of a matrix or vector: its text, and its array if that is known."""
        text, array = pair
        if array is None:
            return f"{text}.T", None
        return self.bind_array(array.T, f"{text}_T"), array.T

    def add_bias(self, result: Value, bias: Value) -> None:
        """Add a row to all rows of a result, in place."""
        out, row = self.ref(result), self.ref(bias)
        self.emit(f"{self.bind(np.add, 'add')}({out}, {row}, {out})")

    def local_or_copy(self, value: Value, expression: str, out: Array | None) -> None:
        """Assign an expression that has no ``out=``: a new array, or written to `out`."""
        if out is None:
            self.assign(value, expression)
        else:
            self.emit(f"{self.ref(value)}[...] = {expression}")

    def array(self, value: Any) -> Array | None:
        """The array of a value, if it is known now."""
        return self.arrays.get(value) if isinstance(value, Value) else None

    # -------------------------------------------------------------------------------------- memory

    def is_last(self, value: Value) -> bool:
        """Whether nothing reads the memory of a value after the present statement."""
        return self.last.get(self.root.get(value, value), -1) <= self.index

    def is_free(self, memory: Memory, elementwise: bool, reads: Sequence[Value]) -> bool:
        """Whether memory may be written by the present statement."""
        holder = memory.holder
        if holder is None:
            return True
        if self.last.get(holder, -1) < self.index:
            return True
        return self.last[holder] == self.index and (
            elementwise or holder not in [self.root.get(v, v) for v in reads]
        )

    def destination(
        self,
        statement: Statement,
        result: Value,
        elementwise: bool = True,
        contiguous: bool = False,
    ) -> Array | None:
        """The array that a result is to be written to; None if it must be a new one each time."""
        root = self.root.get(result, result)
        if root in self.fresh or not result.size:
            return None
        reads = statement.reads()
        if result in self.target:
            array, memory = self.target[result]
            usable = array.shape == result.shape and array.dtype == result.dtype
            if contiguous and usable:
                usable = array.flags.c_contiguous or array.T.flags.c_contiguous
            if usable and self.is_free(memory, elementwise, reads):
                return self.put(result, array, memory)
        if elementwise and root not in self.lasting:
            for value in reads:
                if (found := self.overwritable(value, result)) is not None:
                    return self.put(result, *found)
        return self.allocate(result, self.order_like(reads, result) if elementwise else None)

    def order_like(self, reads: Sequence[Value], result: Value) -> tuple[int, ...] | None:
        """The order of the axes in memory that NumPy gives an elementwise result: the operands'."""
        for value in reads:
            array = self.arrays.get(value)
            if array is not None and array.shape == result.shape and 0 not in array.strides:
                return layout.memory_order(array)
        return None

    def overwritable(self, value: Value, result: Value) -> tuple[Array, Memory] | None:
        """The array of an operand that is not needed again, if a result fits into it."""
        array = self.arrays.get(value)
        root = self.root.get(value, value)
        memory = self.memory.get(root)
        if array is None or memory is None or not self.is_last(value) or memory.holder is not root:
            return None
        if memory.lasting and root not in self.updated:
            return None
        if not self.lives_within(result, memory.until):
            return None
        fits = value.shape == result.shape and value.dtype == result.dtype
        if not fits or not array.flags.writeable or (0 in array.strides and array.size > 1):
            return None
        return array, memory

    def put(self, result: Value, array: Array, memory: Memory) -> Array:
        memory.holder = result
        self.memory[result] = memory
        self.arrays[result] = array
        return array

    def allocate(self, result: Value, order: tuple[int, ...] | None = None) -> Array:
        """A buffer that is free, or a new one, its axes in memory in the given order."""
        size = result.nbytes
        lasting = self.root.get(result, result) in self.lasting
        fitting = [
            m
            for m in ([] if lasting else self.free)
            if size <= m.array.nbytes
            and (m.until is not None or m.array.nbytes <= 2 * size + 64)
            and self.lives_within(result, m.until)
        ]
        lenders = [
            loan
            for loan in ([] if lasting else self.loans)
            if len(loan.space) >= size and self.lives_within(result, loan.until)
        ]
        if fitting:  # what must be given back early is of least use to others
            memory = min(fitting, key=lambda m: (m.until or np.inf, m.array.nbytes))
            self.free.remove(memory)
        elif lenders:
            memory = min(lenders, key=lambda loan: loan.until).lend(size)
        else:
            memory = Memory(np.empty(size, np.uint8), lasting)
            self.buffer_bytes += size
        array = memory.array[:size].view(result.dtype)
        axes = tuple(range(result.ndim)) if order is None else order
        return self.put(result, layout.arranged(array, result.shape, axes), memory)

    def lives_within(self, result: Value, until: int | None) -> bool:
        """Whether a result is not read any more when its memory is taken back."""
        return until is None or self.last.get(self.root.get(result, result), until) < until

    def passing(self, shape: tuple[int, ...], dtype: Any, name: str) -> Array:
        """Memory that the present statement alone needs."""
        value = Value(name, shape, np.dtype(dtype))
        self.last[value] = self.index
        return self.allocate(value)

    def scratch(self, number: int, size: int, dtype: np.dtype[Any]) -> Array:
        """Memory for a piece of an array: the same for all loops over pieces."""
        key = number, dtype
        if key not in self.scratches or self.scratches[key].size < size:
            self.scratches[key] = np.empty(size, dtype)
            self.buffer_bytes += self.scratches[key].nbytes
        return self.scratches[key]

    def release(self) -> None:
        """Give back the buffers of what is not read again."""
        for value in [v for v in self.memory if self.last.get(v, -1) <= self.index]:
            memory = self.memory[value]
            if memory.holder is value and not memory.lasting and memory not in self.free:
                memory.holder = None
                self.free.append(memory)
            del self.memory[value]

    # --------------------------------------------------------------------------------------- lines

    def emit(self, line: str) -> None:
        self.lines.append(line)

    def assign(self, value: Value, expression: str) -> None:
        """A value that is a new array at each call."""
        name = self.local[value] = self.unused(value.name)
        self.emit(f"{name} = {expression}")

    def lower(self) -> Lowered:
        statements = self.program.statements
        self.index = 0
        while self.index < len(statements):
            start = self.index
            end = chunks.run_at(statements, start)
            if end == start or not chunks.lower_run(self, start, end):
                self.index = start
                self.statement(statements[start])
            self.release()
            self.index += 1
        for value in dict.fromkeys(self.results):
            if value in self.arrays:  # memory that later calls write to
                text = self.ref(value)
                name = self.unused(value.name)
                self.emit(f"{name} = {text}.copy()")
                self.copied[value] = name
        self.finish_updates()
        returned = self.results + [
            value for value in self.program.outputs[len(self.results) :] if value not in self.arrays
        ]
        outputs = ", ".join([self.copied.get(value) or self.ref(value) for value in returned])
        arguments = ", ".join([self.local[value] for value in self.program.inputs])
        head = "".join([f"{name}, " for name in self.names])
        body = "\n".join([f"        {line}" for line in self.lines])
        last = f"        return ({outputs}{',' * (len(returned) == 1)})"
        text = (
            f"def make({head.rstrip(', ')}):\n    def step({arguments}):\n{body}\n{last}\n"
            "    return step\n"
        )
        return Lowered(text, self.names, self.buffer_bytes, self.arrays, returned)

    def statement(self, statement: Statement) -> None:
        if statement.op is layout.FLAT:
            return self.flat(statement)
        if emitters.is_view(statement) and self.view(statement):
            return None
        emitter = emitters.find(statement)
        if emitter is not None and emitter(self, statement):
            return None
        return self.call(statement)

    def flat(self, statement: Statement) -> None:
        """Copy into a flat array what was not computed there."""
        array, memory = self.target[statement.result]
        self.put(statement.result, array, memory)
        shapes = [value.shape for value in statement.operands[0]]
        for value, part in zip(
            statement.operands[0], layout.parts(array, shapes, statement.statics[0])
        ):
            own = self.array(value)
            if own is None or not same_memory(own, part):
                self.emit(f"{self.bind(part, f'{value.name}_part')}[...] = {self.ref(value)}")

    def view(self, statement: Statement) -> bool:
        """A view of known memory is made now; False if this is none, or the memory not known."""
        if not statement.reads() or any(value not in self.arrays for value in statement.reads()):
            return False
        if list(values_in(statement.statics)):  # an index among the buffers: not filled yet
            return False
        with np.errstate(all="ignore"):
            out = run_now(statement, self.arrays)
        if not all(
            np.may_share_memory(each, self.arrays[statement.reads()[0]]) and each.base is not None
            for each in out
            if each.size
        ):
            return False
        for value, array in zip(statement.results, out):
            self.arrays[value] = array
        return True

    def call(self, statement: Statement) -> None:
        """Any op: its own forward, whose result is new."""
        op = statement.op
        statics: tuple[Any, ...] = statement.statics
        if op.varargs:
            statics = (*statics[:-1], *statics[-1])
        arguments = ", ".join([self.text(each) for each in (*statement.operands, *statics)])
        call = f"{self.bind(op.forward, op.name)}({arguments})"
        names = []
        for value in statement.results:
            names.append(self.unused(value.name))
            self.local[value] = names[-1]
        if not names:  # a check
            self.emit(call)
            return
        count = len(names) - len(op.keep)
        if op.keep and (count > 1 or emitters.returns_tuple_of_one(statement)):
            inner = f"({', '.join(names[:count])}{',' * (count == 1)})"
            self.emit(f"{inner}, {', '.join(names[count:])} = {call}")
        elif len(names) == 1 and not op.keep and not emitters.returns_tuple(statement):
            self.emit(f"{names[0]} = {call}")
        else:
            self.emit(f"{', '.join(names)}, *_ = {call}")
        for value in statement.results:
            if emitters.may_change_type(statement):
                dtype = self.bind(value.dtype, str(value.dtype))
                self.emit(f"{self.local[value]} = {self.bind(np.asarray, 'asarray')}"
                          f"({self.local[value]}, {dtype})")  # fmt: skip

    def finish_updates(self) -> None:
        """Copy new values to where they live, as far as they were not computed there."""
        self.index = len(self.program.statements)
        copies = []
        for old, new in self.program.updates:
            own, place = self.array(new), self.array(old)
            if own is None or place is None or not same_memory(own, place):
                copies.append((place, old, new))
        many = len(copies) > 1
        names = []
        for _, _, new in copies:
            name = self.ref(new)
            if many and self.memory_is_lasting(new):
                copied = self.unused(f"{new.name}_now")
                self.emit(f"{copied} = {name}.copy()")
                name = copied
            names.append(name)
        for (_, old, _), name in zip(copies, names):
            self.emit(f"{self.ref(old)}[...] = {name}")

    def memory_is_lasting(self, value: Value) -> bool:
        """Whether a value lies where another new value may be written to."""
        array = self.array(value)
        if array is None:  # an argument, or made of one
            return any(old not in self.arrays for old in self.updated)
        homes = [self.arrays[old] for old in self.updated if old in self.arrays]
        return any(np.may_share_memory(array, home) for home in homes)


def run_now(statement: Statement, arrays: Mapping[Value, Array]) -> list[Array]:
    """The results of a view, whose numbers do not matter."""
    operands = substituted(statement.operands, arrays)
    statics = substituted(statement.statics, arrays)
    if statement.op.varargs:
        statics = (*statics[:-1], *statics[-1])
    out = statement.op.forward(*operands, *statics)
    return list(out) if isinstance(out, (tuple, list)) else [np.asarray(out)]


def same_memory(x: Array, y: Array) -> bool:
    """Whether two arrays are the same entries in the same order."""
    return (
        x.__array_interface__["data"][0] == y.__array_interface__["data"][0]
        and x.shape == y.shape
        and (x.strides == y.strides or x.size <= 1)
        and x.dtype == y.dtype
    )
