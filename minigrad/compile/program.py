"""A program: what a compiled function computes, as a list of calls of ops on named values.

A `Program` is in static single assignment form: each value is made once, by one statement, and
nothing is written in place.  What a call leaves behind (the new weights, a running mean) stands in
`Program.updates`.  So a pass is a function from programs to programs that looks at
``statement.op is mg.matmul.op`` and at the shapes of values, and need not ask who else sees the
memory.  Buffers, ``out=`` and in-place writes are decided last, by the back end.

`run` is the reference: it calls the ops' own forwards, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from minigrad.calls import Array, Op

__all__ = [
    "Builder", "NotCompiled", "Program", "Statement", "Value", "evaluate", "run",
    "substituted", "unused", "values_in",
]  # fmt: skip

Kind = Literal["input", "parameter", "state", "constant", "temporary"]


class NotCompiled(RuntimeError):  # noqa: N818 - what is wrong is in the name
    """A function does what a program cannot: the message names the line, and what to do."""


@dataclass(eq=False, slots=True)
class Value:
    """A named array; two values are the same only if they are one object.

    kind    input      given at each call
            parameter  of the model: lives between calls, `Program.updates` may replace it
            state      the same, of an optimizer, a running mean, a `.grad`
            constant   known at compile time: `array` holds its numbers
            temporary  the result of a statement
    array   a constant's numbers; of a parameter or state the array at compile time; else None
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    kind: Kind = "temporary"
    array: Array | None = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} {self.shape} {self.dtype}>"


@dataclass(eq=False, slots=True)
class Statement:
    """One call of an op: ``results = op.forward(*operands, *statics)``.

    operands   one for each of ``op.operand_names``: a Value, a number or None; of an op that takes
               a list of tensors (``op.joint``), one tuple of them
    statics    one for each of ``op.static_names``; a Value may stand in them too, also inside a
               tuple or a slice (the labels of a cross-entropy, the rows of an index)
    results    the results of the op, and after them what its forward keeps for the derivative
    section    "forward", "backward" or "update"
    module     path of the module that called the op ("net.0"), "" outside modules
    line       the user's line, ``file:number``, "" if not known
    effect     does more than return a result (draws random numbers, or is a check without one):
               never left out or merged
    """

    op: Op
    operands: tuple[Any, ...]
    statics: tuple[Any, ...]
    results: tuple[Value, ...]
    section: str = "forward"
    module: str = ""
    line: str = ""
    effect: bool = False

    @property
    def result(self) -> Value:
        """The result of an op that has one."""
        return self.results[0]

    def reads(self) -> list[Value]:
        """The values that the call reads, in order, each as often as it is read."""
        return list(values_in((self.operands, self.statics)))

    def substituted(self, values: Mapping[Value, Any]) -> Statement:
        """The same call on other values: each that is a key of `values` is replaced."""
        return replace(
            self,
            operands=substituted(self.operands, values),
            statics=substituted(self.statics, values),
        )

    def __repr__(self) -> str:
        parts = [text(part) for part in (*self.operands, *self.statics)]
        names = ", ".join([value.name for value in self.results])
        return f"{names} = {self.op.name}({', '.join(parts)})"


@dataclass(eq=False)
class Program:
    """Statements in the order of computation, and what goes in and comes out.

    inputs      the arguments of a call, in order
    statements  each reads inputs, parameters, state, constants and earlier results
    outputs     what a call returns, in order
    updates     pairs of a parameter or state and the value it has after the call
    notes       what passes did, for `explain`: one line each
    primals     gradient -> the value that it is the gradient of, for names
    """

    inputs: list[Value]
    statements: list[Statement]
    outputs: list[Value]
    updates: list[tuple[Value, Value]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    primals: dict[Value, Value] = field(default_factory=dict)

    def results(self) -> list[Value]:
        """What must be computed: outputs, and the new values of parameters and state."""
        return [*self.outputs, *[new for _, new in self.updates]]

    def values(self) -> list[Value]:
        """Every value that occurs, once, in order of appearance."""
        seen: dict[Value, None] = dict.fromkeys(self.inputs)
        for statement in self.statements:
            seen.update(dict.fromkeys([*statement.reads(), *statement.results]))
        for old, new in self.updates:
            seen.update({old: None, new: None})
        seen.update(dict.fromkeys(self.outputs))
        return list(seen)

    def makers(self) -> dict[Value, Statement]:
        """Value -> the statement that computes it."""
        return {value: s for s in self.statements for value in s.results}

    def uses(self) -> dict[Value, int]:
        """Value -> how often statements read it, outputs and updates counted as one use each."""
        counts: dict[Value, int] = {}
        for value in [v for s in self.statements for v in s.reads()] + self.results():
            counts[value] = counts.get(value, 0) + 1
        return counts

    def with_statements(self, statements: Iterable[Statement], *notes: str) -> Program:
        """The same program with other statements, and more notes."""
        return replace(self, statements=list(statements), notes=[*self.notes, *notes])

    def substituted(self, values: Mapping[Value, Value]) -> Program:
        """The same program with values replaced wherever they are read."""
        return replace(
            self,
            statements=[s.substituted(values) for s in self.statements],
            outputs=[values.get(value, value) for value in self.outputs],
            updates=[(old, values.get(new, new)) for old, new in self.updates],
            primals={values.get(g, g): values.get(x, x) for g, x in self.primals.items()},
        )

    def check(self) -> Program:
        """The program itself; AssertionError if it reads what no earlier statement computes."""
        known = set(self.inputs)
        for statement in self.statements:
            for value in statement.reads():
                assert value.kind != "temporary" or value in known, f"{statement} reads {value}"
            for value in statement.results:
                assert value not in known, f"{value} is computed twice"
                known.add(value)
        for value in self.results():
            assert value.kind != "temporary" or value in known, f"{value} is never computed"
        return self

    def __str__(self) -> str:
        lines = [f"inputs {', '.join([value.name for value in self.inputs])}"]
        lines += [f"{s!r:60} # {list(s.results)}" for s in self.statements]
        lines += [f"{old.name} <- {new.name}" for old, new in self.updates]
        return "\n".join([*lines, f"return {', '.join([value.name for value in self.outputs])}"])


# ------------------------------------------------------------------ values in nested arguments


def values_in(arguments: Any) -> Iterator[Value]:
    """The values among arguments, also those inside tuples, lists, slices and dicts."""
    if isinstance(arguments, Value):
        yield arguments
    elif isinstance(arguments, (tuple, list)):
        for each in arguments:
            yield from values_in(each)
    elif isinstance(arguments, slice):
        yield from values_in((arguments.start, arguments.stop, arguments.step))
    elif isinstance(arguments, dict):
        yield from values_in(list(arguments.values()))


def substituted(arguments: Any, values: Mapping[Value, Any]) -> Any:
    """The same arguments with each value that is a key of `values` replaced."""
    if isinstance(arguments, Value):
        return values.get(arguments, arguments)
    if isinstance(arguments, (tuple, list)):
        parts = [substituted(each, values) for each in arguments]
        if hasattr(arguments, "_fields"):
            return type(arguments)(*parts)
        return tuple(parts) if isinstance(arguments, tuple) else parts
    if isinstance(arguments, slice):
        return slice(*substituted((arguments.start, arguments.stop, arguments.step), values))
    if isinstance(arguments, dict):
        return {key: substituted(each, values) for key, each in arguments.items()}
    return arguments


def text(argument: Any) -> str:
    """An argument as it is written in a listing."""
    if isinstance(argument, Value):
        return argument.name
    if isinstance(argument, tuple):
        return f"({', '.join([text(each) for each in argument])}{',' * (len(argument) == 1)})"
    if isinstance(argument, list):
        return f"[{', '.join([text(each) for each in argument])}]"
    if isinstance(argument, np.ndarray):
        return f"<array {argument.shape}>"
    return repr(argument)


# -------------------------------------------------------------------------------------- running it


def evaluate(statement: Statement, arrays: Mapping[Value, Array]) -> tuple[Array, ...]:
    """The results of a statement, one array for each of ``statement.results``."""
    op = statement.op
    operands = substituted(statement.operands, arrays)
    statics = substituted(statement.statics, arrays)
    if op.varargs:
        statics = (*statics[:-1], *statics[-1])
    out = op.forward(*operands, *statics)
    if op.keep:
        out, *kept = out
    else:
        kept = []
    results = list(out) if isinstance(out, (tuple, list)) else [out]
    results = [*results, *kept][: len(statement.results)]
    return tuple([
        np.asarray(result, value.dtype) for result, value in zip(results, statement.results)
    ])  # fmt: skip


def run(
    program: Program,
    inputs: Iterable[Array],
    state: Mapping[Value, Array] | None = None,
) -> tuple[list[Array], list[Array]]:
    """Compute a program by calling the ops' own forwards.

    state     arrays for parameters and state, where they differ from those at compile time

    Returns   the outputs, and the new values of `Program.updates`, in order; nothing is written to.
    """
    arrays: dict[Value, Array] = dict(zip(program.inputs, inputs, strict=True))
    for value in program.values():
        if value.array is not None:
            arrays.setdefault(value, value.array)
    arrays.update(state or {})
    for statement in program.statements:
        arrays.update(zip(statement.results, evaluate(statement, arrays)))
    return [arrays[v] for v in program.outputs], [arrays[new] for _, new in program.updates]


# ------------------------------------------------------------------------------------- building one


class Builder:
    """Programs by hand, for passes and their tests: shapes and types come from example numbers.

    Example  >>> import numpy as np, minigrad as mg
             >>> b = Builder()
             >>> x, w = b.input("x", np.ones((2, 3))), b.parameter("w", np.ones((3, 1)))
             >>> y = b(mg.matmul, x, w, name="y")
             >>> print(b.program(y).statements[0])
             y = matmul(x, w)
    """

    def __init__(self) -> None:
        self.inputs: list[Value] = []
        self.statements: list[Statement] = []
        self.examples: dict[Value, Array] = {}
        self.names: set[str] = set()

    def value(self, name: str, array: Array, kind: Kind, keep: bool) -> Value:
        """A value of the kind, with the shape and type of an example."""
        array = np.asarray(array)
        name = unused(name, self.names)
        value = Value(name, array.shape, array.dtype, kind, array if keep else None)
        self.examples[value] = array
        return value

    def input(self, name: str, example: Array) -> Value:
        """An argument of the program."""
        value = self.value(name, example, "input", False)
        self.inputs.append(value)
        return value

    def parameter(self, name: str, array: Array) -> Value:
        """A parameter of the model."""
        return self.value(name, array, "parameter", True)

    def state(self, name: str, array: Array) -> Value:
        """An array that lives between calls."""
        return self.value(name, array, "state", True)

    def constant(self, name: str, array: Array) -> Value:
        """An array that is known at compile time."""
        return self.value(name, array, "constant", True)

    def __call__(self, function: Any, *args: Any, name: str = "t", **kwargs: Any) -> Any:
        """A statement: an op, or the function that is one, on values and numbers; its result(s)."""
        op: Op = function if isinstance(function, Op) else function.op
        bound = op.bind(args, kwargs)
        operands = (tuple(bound[0]),) if op.joint is not None else tuple(bound[: op.arity])
        statement = Statement(op, operands, tuple(bound[op.arity :]), ())
        out = op.forward(*self.arrays(op, statement))
        results = out[0] if op.keep else out
        several = isinstance(results, (tuple, list))
        statement.results = tuple(
            [self.value(name, array, "temporary", False) for array in results]
            if several
            else [self.value(name, results, "temporary", False)]
        )
        self.statements.append(statement)
        return statement.results if several else statement.result

    def arrays(self, op: Op, statement: Statement) -> list[Any]:
        """The arguments of the forward, examples in the place of values."""
        statics = substituted(statement.statics, self.examples)
        if op.varargs:
            statics = (*statics[:-1], *statics[-1])
        return [*substituted(statement.operands, self.examples), *statics]

    def program(self, *outputs: Value, updates: Iterable[tuple[Value, Value]] = ()) -> Program:
        """The program that returns `outputs`."""
        return Program(self.inputs, list(self.statements), list(outputs), list(updates)).check()


def unused(name: str, names: set[str]) -> str:
    """`name`, with a number after it if it is among `names`; noted there."""
    number, free = 1, name
    while free in names:
        number += 1
        free = f"{name}{number}"
    names.add(free)
    return free
