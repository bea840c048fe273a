"""The numba back end: runs of statements as compiled loops, all else as NumPy calls.

Every value has its memory from the beginning.  Statements that `numba_loops` can write become
functions of addresses, compiled once for a program's sizes and kept on disk; statements between
them that it cannot write call the forwards of their ops.  Results agree with the numpy back end to
rounding: float32 stays float32, sums go in blocks, NaN and infinities are kept.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.calls import Array
from minigrad.compile.numba_loops import (
    LARGEST_PRODUCT,
    Place,
    Text,
    is_elementwise,
    turned,
)
from minigrad.compile.program import Program, Statement, Value, evaluate, values_in

__all__ = ["NumbaLowered", "cache_folder", "lower"]

HEADER = '''"""Loops of a program that minigrad compiled."""
import numpy as np
from numba import carray, njit

from minigrad.compile.numba_runtime import *

'''
DECORATOR = (
    '@njit("int64(int64[::1])", cache=True, error_model="numpy", fastmath={"reassoc", "contract"})'
)
HAS_BLAS = importlib.util.find_spec("scipy") is not None  # through which numba calls it
ADD: Any = ops.add.op  # type: ignore[attr-defined]  # what @op returns has it
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def lower(
    program: Program,
    results: int | None = None,
    placed: Mapping[Value, Array] | None = None,
    arrays: Mapping[Value, Array] | None = None,
) -> NumbaLowered:
    """A program as compiled loops; the arguments are those of the numpy back end.

    results   how many of the outputs are new arrays at each call (None: all); the arrays of the
              others are handed out once, and written again by the next call
    placed    values that must be written to given arrays, which outlive the call
    arrays    the arrays of parameters and state, where they differ from those in the program

    Raises    ImportError, with the line that installs it, where numba is missing
    """
    if importlib.util.find_spec("numba") is None:
        raise ImportError(
            'backend="numba" needs numba, which is not installed: '
            "pip install 'minigrad-numpy[numba]'"
        )
    count = len(program.outputs) if results is None else results
    return NumbaLowered(program, count, placed or {}, arrays or {})


def cache_folder() -> Path:
    """Where compiled loops are kept: $MINIGRAD_CACHE, or the user's folder for caches."""
    given = os.environ.get("MINIGRAD_CACHE")
    if given:
        return Path(given) / "numba"
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(home) / "minigrad" / "numba"


class NumbaLowered:
    """A program on memory of its own.

    text      the loops
    arrays    values that are in known memory, and their arrays
    returned  what the function of a call returns
    buffers   how many bytes of buffers there are
    names     what the text refers to: nothing but the addresses
    """

    def __init__(
        self,
        program: Program,
        results: int,
        placed: Mapping[Value, Array],
        arrays: Mapping[Value, Array],
    ) -> None:
        program = self.program = biases_apart(program)
        self.arrays: dict[Value, Array] = {}
        self.addresses: list[int] = []  # of pieces of memory, by number
        self.numbers: dict[Any, int] = {}
        self.sizes: list[int] = []
        self.places: dict[Value, Place] = {}
        self.buffers = 0
        self.names: dict[str, Any] = {}
        self.returned = program.outputs[:results]
        self.roots = roots_of(program)
        self.makers = program.makers()
        self.targets = dict(placed)
        for value in program.inputs:
            self.arrays[value] = np.empty(value.shape, value.dtype)
        for value in program.values():
            if value.array is not None:
                self.arrays[value] = arrays.get(value, value.array)
        self.in_place_updates()
        self.flat_parts()
        self.functions: list[Text] = []
        self.steps: list[tuple[str, Any]] = []  # "loops" and a number, or "call" and a function
        self.failures: dict[int, list[Statement]] = {}  # loops that may find wrong arguments
        self.write()
        texts = [self.function_text(i) for i in range(len(self.functions))]
        self.text = HEADER + "\n\n".join(texts)

    # -------------------------------------------------------------------------------------- memory

    def in_place_updates(self) -> None:
        """New values of parameters and state go where they must be, if that is safe.

        It is where the value is computed entry by entry, nothing later reads the old one, and
        nothing in the same loop reads it at other places.
        """
        statements = self.program.statements
        for old, new in self.program.updates:
            maker = self.makers.get(new)
            if maker is None or not is_elementwise(maker) or new in self.targets:
                continue
            later = statements[statements.index(maker) + 1 :]
            read_later = any([self.roots.get(v, v) is old for s in later for v in s.reads()])
            turned = any([
                self.roots.get(v, v) is old and v is not old and v.shape == new.shape
                for s in statements for v in s.reads() if is_elementwise(s)
            ])  # fmt: skip
            returned = any([self.roots.get(v, v) is old for v in self.program.results()])
            if not (read_later or turned or returned):
                self.targets[new] = self.arrays[old]

    def flat_parts(self) -> None:
        """The parts of a flat array are computed where they lie in it."""
        for statement in self.program.statements:
            if statement.op.kind == "flat":
                result = statement.result
                target = self.targets.setdefault(result, np.empty(result.shape, result.dtype))
                for value, part in zip(statement.operands[0], parts_of(statement, target)):
                    self.aim(value, part)

    def aim(self, value: Value, part: Array) -> None:
        """Let a value be computed in given memory; of a transpose, what it is the transpose of."""
        maker = self.makers.get(value)
        if maker is None or value in self.targets:
            return
        if maker.op.kind in ("T", "mT", "t") and value.ndim == 2:
            self.aim(maker.operands[0], part.T)
        elif not maker.op.view and len(maker.results) == 1:
            self.targets[value] = part

    def allocate(self, value: Value) -> None:
        """Memory for the result of a statement."""
        array = self.targets.get(value)
        if array is None or array.shape != value.shape or array.dtype != value.dtype:
            array = np.empty(value.shape, value.dtype)
            self.buffers += value.nbytes
        self.arrays[value] = array

    def view(self, statement: Statement) -> bool:
        """Let the results of a view be views of the memory of its operand; whether they are."""
        first = next(values_in(statement.operands), None)
        if first is None or list(values_in(statement.statics)) or len(statement.reads()) != 1:
            return False
        base = self.arrays[first]
        with np.errstate(all="ignore"):
            out = evaluate(statement, {first: base})
        if any([each.size and not np.may_share_memory(each, base) for each in out]):
            return False
        self.arrays.update(zip(statement.results, out))
        return True

    def place(self, value: Value) -> Place:
        """Where a value lies, for the loops."""
        if value not in self.places:
            array = self.arrays[value]
            low, high = np.lib.array_utils.byte_bounds(owner(array))
            key = low, array.dtype.str
            if key not in self.numbers:
                self.numbers[key] = len(self.addresses)
                self.addresses.append(low)
                self.sizes.append(max((high - low) // array.itemsize, 1))
            self.places[value] = Place(self.numbers[key], array, low)
        return self.places[value]

    # --------------------------------------------------------------------------------------- lines

    def write(self) -> None:
        """Go through the statements: chains of elementwise ones, products, sums, and the rest."""
        self.last_use = {v: i for i, s in enumerate(self.program.statements) for v in s.reads()}
        results = {*self.program.results(), *self.targets}
        chain: list[Statement] = []
        end = -1

        def outlives(value: Value) -> bool:
            return value in results or self.last_use.get(value, -1) > end

        def finish() -> None:
            if chain:
                stored = [s.result for s in chain if outlives(s.result)]
                self.chain(chain, stored)
                chain.clear()

        for i, statement in enumerate(self.program.statements):
            if is_elementwise(statement) and not self.reads_turned(statement, chain):
                if chain and chain[0].result.shape != statement.result.shape:
                    finish()
                chain.append(statement)
                end = i
                continue
            finish()
            end = i
            if is_elementwise(statement):
                chain.append(statement)
            elif not (may_be_view(statement) and self.view(statement)):
                self.single(statement)
        finish()

    def reads_turned(self, statement: Statement, chain: list[Statement]) -> bool:
        """Whether a statement reads a value of the chain at other places than its own."""
        made = {s.result for s in chain}
        return any([self.roots.get(v, v) in made and v not in made for v in statement.reads()])

    def chain(self, chain: list[Statement], stored: list[Value]) -> None:
        for value in stored:
            self.allocate(value)
        for statement in chain:
            for value in statement.reads():
                if value in self.arrays:
                    self.place(value)
        places = {v: self.place(v) for v in stored}
        text = self.loops()
        text.places.update(places)
        text.elementwise(chain, stored)

    def loops(self) -> Text:
        """The function of loops that is being written."""
        if not self.steps or self.steps[-1][0] != "loops":
            self.steps.append(("loops", len(self.functions)))
            self.functions.append(Text(self.places))
        return self.functions[-1]

    def single(self, statement: Statement) -> None:
        """A statement of its own: a product, a sum, a cross-entropy, or a call."""
        for value in statement.results:
            self.allocate(value)
        name = statement.op.kind
        writers: dict[str, Callable[[Statement], bool]] = {
            "matmul": self.product, "linear": self.linear, "sum": self.total, "mean": self.total,
            "cross_entropy": self.cross_entropy, "flat": self.flat,
        }  # fmt: skip
        if name in writers and writers[name](statement):
            return
        self.steps.append(("call", self.call(statement)))

    def product(self, statement: Statement) -> bool:
        x, y = statement.operands
        return isinstance(x, Value) and isinstance(y, Value) and self.dot(x, y, statement.result)

    def dot(self, x: Value, y: Value, out: Value, y_turned: bool = False) -> bool:
        """A product as loops, or by BLAS; whether it is one that is written here."""
        if {x.dtype, y.dtype} != {out.dtype} or out.dtype not in FLOATS:
            return False
        if not (0 < x.ndim <= 2 and 0 < y.ndim <= 2) or not (x.size and y.size):
            return False
        a, b, c = self.place(x), self.place(y), self.place(out)
        b = turned(b) if y_turned else b
        if out.size * x.shape[-1] > LARGEST_PRODUCT:
            return out.ndim > 0 and HAS_BLAS and self.loops().blas(a, b, c)
        self.loops().product(a, b, c)
        return True

    def linear(self, statement: Statement) -> bool:
        x, weight, bias = statement.operands
        result = statement.result
        if not isinstance(x, Value) or x.ndim != 2 or not isinstance(weight, Value):
            return False
        return bias is None and self.dot(x, weight, result, y_turned=True)

    def total(self, statement: Statement) -> bool:
        (x,) = statement.operands
        dim, _, dtype = statement.statics
        result = statement.result
        if not isinstance(x, Value) or x.dtype != result.dtype or x.dtype not in FLOATS:
            return False
        if dtype is not None or not x.size:
            return False
        axes = range(x.ndim) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
        axes = tuple([axis % x.ndim for axis in axes]) if x.ndim else ()
        mean = statement.op.kind == "mean"
        return self.loops().total(self.place(x), self.place(result), axes, mean)

    def cross_entropy(self, statement: Statement) -> bool:
        (x,), (target, ignored) = statement.operands, statement.statics
        loss, *slope = statement.results
        fits = isinstance(target, Value) and target.dtype.kind == "i" and x.dtype in FLOATS
        if not fits or target.shape != x.shape[:1] or not x.shape[0]:
            return False
        if slope:
            place = self.place(slope[0])
        else:
            unread = Value("slope", x.shape, x.dtype)
            self.allocate(unread)
            place = self.place(unread)
        places = self.place(x), self.place(target), self.place(loss), place
        self.loops().cross_entropy(*places, ignored)
        self.failures.setdefault(len(self.functions) - 1, []).append(statement)
        return True

    def flat(self, statement: Statement) -> bool:
        """What was not computed in its part of a flat array is copied there."""
        for value, part in zip(
            statement.operands[0], parts_of(statement, self.arrays[statement.result])
        ):
            array = self.arrays[value]
            if not same_memory(array, part):
                self.steps.append(("call", copier(part, array)))
        return True

    def call(self, statement: Statement) -> Callable[[], None]:
        """The forward of an op, on the arrays where its operands lie."""
        arrays = {v: self.arrays[v] for v in statement.reads()}
        results = [self.arrays[v] for v in statement.results]
        if statement.op.kind == "matmul" and results[0].ndim:
            x, y = [arrays[v] for v in statement.operands]

            def multiply() -> None:
                np.matmul(x, y, out=results[0])

            return multiply

        def call() -> None:
            for array, out in zip(results, evaluate(statement, arrays)):
                array[...] = out

        return call

    # ------------------------------------------------------------------------------------- running

    def function_text(self, number: int) -> str:
        """The text of one function of loops."""
        text = self.functions[number]
        memory = [
            f"    m{i} = carray(pointer(p[{i}]), ({self.sizes[i]},), np.{dtype})"
            for i, dtype in sorted(text.memories.items())
        ]
        body = "\n".join([*memory, *text.lines, "    return 0"])
        return f"{DECORATOR}\ndef loops{number}(p):\n{body}\n"

    def function(self) -> Callable[..., Any]:
        """The function of a call: the program's inputs in, a tuple of its outputs out."""
        loops = loaded(self.text)
        names: dict[str, Any] = {"copyto": np.copyto, "p": np.array(self.addresses, np.int64)}
        lines = []
        arguments = [f"a{i}" for i in range(len(self.program.inputs))]
        for argument, value in zip(arguments, self.program.inputs):
            names[f"{argument}_here"] = self.arrays[value]
            lines.append(f"copyto({argument}_here, {argument})")
        for i, (kind, what) in enumerate(self.steps):
            if kind == "call":
                names[f"call{i}"] = what
                lines.append(f"call{i}()")
                continue
            names[f"loops{what}"] = getattr(loops, f"loops{what}")
            if what in self.failures:
                names[f"failed{what}"] = self.failure(self.failures[what])
                lines.append(f"if loops{what}(p): failed{what}()")
            else:
                lines.append(f"loops{what}(p)")
        for i, (to, source) in enumerate(self.copies()):
            names.update({f"to{i}": to, f"from{i}": source})
            lines.append(f"copyto(to{i}, from{i})")
        for i, value in enumerate(self.returned):
            names[f"out{i}"] = self.arrays[value]
        outputs = "".join([f"out{i}.copy(), " for i in range(len(self.returned))])
        body = "\n".join([f"    {line}" for line in [*lines, f"return ({outputs})"]])
        text = f"def step({', '.join(arguments)}):\n{body}\n"
        exec(compile(text, "<minigrad compiled for numba>", "exec"), names)
        step: Callable[..., Any] = names["step"]
        return step

    def copies(self) -> list[tuple[Array, Array]]:
        """What goes to parameters and state at the end, because it was not computed there."""
        pairs = [(self.arrays[old], self.arrays[new]) for old, new in self.program.updates]
        pairs = [(to, source) for to, source in pairs if not same_memory(to, source)]
        first: list[tuple[Array, Array]] = []
        for i, (to, source) in enumerate(pairs):
            if any([np.may_share_memory(source, other) for other, _ in pairs]):
                aside = np.empty_like(source)
                first.append((aside, source))
                pairs[i] = to, aside
        return [*first, *pairs]

    def failure(self, statements: list[Statement]) -> Callable[[], None]:
        """What raises the error of the op that refused its arguments."""

        def failed() -> None:
            for statement in statements:
                evaluate(statement, {v: self.arrays[v] for v in statement.reads()})
            raise RuntimeError("compiled loops refused arguments that the ops accept")

        return failed


# -------------------------------------------------------------------------------------- small parts


def biases_apart(program: Program) -> Program:
    """The program with each bias of a linear layer added by a statement of its own.

    The sum then stands in one loop with the activation that follows.
    """
    statements = []
    for statement in program.statements:
        bias = statement.operands[2] if statement.op.kind == "linear" else None
        if not isinstance(bias, Value) or bias.dtype != statement.result.dtype:
            statements.append(statement)
            continue
        result = statement.result
        plain = Value(f"{result.name}_product", result.shape, result.dtype)
        x, weight, _ = statement.operands
        statements.append(replace(statement, operands=(x, weight, None), results=(plain,)))
        statements.append(replace(statement, op=ADD, operands=(plain, bias), statics=()))
    return program.with_statements(statements)


def may_be_view(statement: Statement) -> bool:
    """Whether the results may share memory with the operand."""
    return bool(statement.op.view) or statement.op.kind == "parts"


def roots_of(program: Program) -> dict[Value, Value]:
    """A view -> the value whose memory it looks at."""
    roots: dict[Value, Value] = {}
    for statement in program.statements:
        base = next(values_in(statement.operands), None)
        if may_be_view(statement) and base is not None:
            roots.update(dict.fromkeys(statement.results, roots.get(base, base)))
    return roots


def parts_of(statement: Statement, flat: Array) -> list[Array]:
    """The parts of the result of a statement that joins arrays to a flat one, as they lie in it."""
    parts, start = [], 0
    for value, order in zip(statement.operands[0], statement.statics[0]):
        inner = flat[start : start + value.size].reshape([value.shape[axis] for axis in order])
        parts.append(inner.transpose(np.argsort(order)) if order else inner)
        start += value.size
    return parts


def copier(to: Array, source: Array) -> Callable[[], None]:
    return lambda: np.copyto(to, source)


def owner(array: Array) -> Array:
    """The array that owns the memory of a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def same_memory(x: Array, y: Array) -> bool:
    """Whether two arrays are the same entries of the same memory."""
    return (
        x.shape == y.shape
        and x.strides == y.strides
        and (x.__array_interface__["data"][0] == y.__array_interface__["data"][0])
    )


def loaded(text: str) -> Any:
    """The module of a text: kept in a file by its contents, so that numba keeps the compiled loops.

    The file is written under another name first, so that two processes never read half of it.
    """
    runtime = Path(__file__).with_name("numba_runtime.py").read_bytes()
    digest = hashlib.sha256(text.encode() + runtime).hexdigest()[:24]
    name = f"minigrad_loops_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a home that cannot be written: compile without keeping
        folder = Path(tempfile.mkdtemp(prefix="minigrad"))
    path = folder / f"{name}.py"
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
