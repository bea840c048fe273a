"""What the passes of linear algebra share: looking at a program, and writing statements into it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.compile.algebra import kernels
from minigrad.compile.algebra.costs import (
    CALL,
    elementwise_time,
    inverse_flops,
    product_flops,
    product_time,
    solve_flops,
    solve_time,
)
from minigrad.compile.passes.dead import remove_dead
from minigrad.compile.program import Program, Statement, Value

__all__ = [
    "ADD", "MATMUL", "MT", "MUL", "NEG", "OUTER", "SUB", "Writer", "is_vector_or_matrix", "note",
    "number", "op_of", "program_flops", "program_time", "removed_dead",
]  # fmt: skip


def op_of(function: Any) -> Any:
    """The op behind a public function."""
    return function.op


MATMUL = op_of(ops.matmul)
MT = op_of(ops.mT)
OUTER = op_of(ops.products._outer)
ADD = op_of(ops.add)
SUB = op_of(ops.sub)
MUL = op_of(ops.mul)
NEG = op_of(ops.neg)

FREE = {"mT", "getitem", "reshape", "T", "unsqueeze", "squeeze", "expand", "diagonal"}  # views


class Writer:
    """New statements for a program, each under a name that the program does not use yet.

    ``writer.statements`` is the program as it is written anew: a pass goes through the old
    statements, and for each either keeps it or writes others in its place.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.statements: list[Statement] = []
        self.names = {value.name for value in program.values()}
        self.transposes: dict[Value, Value] = {}
        self.made: set[Value] = set()

    def keep(self, statement: Statement) -> None:
        """The statement as it is."""
        self.statements.append(statement)
        if statement.op is MT:
            x = statement.operands[0]
            self.transposes.setdefault(x, statement.result)
            self.transposes.setdefault(statement.result, x)

    def name(self, wanted: str) -> str:
        """`wanted`, with a number behind it if the program uses it already."""
        free, count = wanted, 1
        while free in self.names:
            count += 1
            free = f"{wanted}_{count}"
        self.names.add(free)
        return free

    def call(
        self,
        op: Any,
        operands: Sequence[Any],
        shape: tuple[int, ...],
        *,
        like: Statement,
        statics: tuple[Any, ...] = (),
        name: str = "",
        result: Value | None = None,
    ) -> Value:
        """The result of a new statement that belongs where `like` stands.

        result   the value that it computes, if there is one already
        """
        if result is None:
            source = like.results[0]
            result = Value(self.name(name or f"{source.name}_part"), shape, source.dtype)
        assert result.shape == shape, f"{op.name}: {shape} in the place of {result}"
        statement = replace(
            like, op=op, operands=tuple(operands), statics=statics, results=(result,), effect=False
        )
        self.statements.append(statement)
        self.made.add(result)
        return result

    def transpose(self, value: Value, like: Statement) -> Value:
        """The transpose of a matrix: one that the program has, or a new view; a vector's is it."""
        if value.ndim < 2:
            return value
        known = self.transposes.get(value)
        if known is None:
            shape = (*value.shape[:-2], value.shape[-1], value.shape[-2])
            known = self.call(MT, [value], shape, like=like, name=f"{value.name}_T")
            self.transposes[value], self.transposes[known] = known, value
        return known

    def matmul(self, x: Value, y: Value, like: Statement, result: Value | None = None) -> Value:
        """The product of two matrices or vectors."""
        batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        shape = (*batch, *x.shape[-2:-1], *(y.shape[-1:] if y.ndim > 1 else ()))
        return self.call(MATMUL, [x, y], shape, like=like, result=result)

    def done(self, *notes: str) -> Program:
        """The program with the statements written."""
        return self.program.with_statements(self.statements, *notes)


# --------------------------------------------------------------------------------------- looking


def number(argument: Any) -> bool:
    """Whether an argument is a number: a Python or NumPy scalar, or a 0-d constant or value."""
    if isinstance(argument, Value):
        return argument.shape == ()
    return isinstance(argument, (int, float, np.floating, np.integer))


def is_vector_or_matrix(argument: Any) -> bool:
    """Whether an argument is a value of floating-point numbers, with at least one axis."""
    return isinstance(argument, Value) and argument.ndim >= 1 and argument.dtype.kind == "f"


def removed_dead(program: Program) -> Program:
    """The program without statements whose results nobody reads; no note says so."""
    after = remove_dead(program)
    return program if after is program else replace(after, notes=program.notes)


def note(statement: Statement, what: str, before: float = 0, after: float = 0, *more: str) -> str:
    """A line for `explain`: what was rewritten, where, and what it saved."""
    saved = before - after
    parts = [what]
    if saved > 0:
        parts.append(f"saves {flops_text(saved)} of {flops_text(before)}")
    parts += more
    where = statement.line or statement.module
    text = f"{statement.results[0].name}: " + "; ".join(parts)
    return f"{text} ({where})" if where else text


def flops_text(flops: float) -> str:
    """A number of flops with three digits and a unit.

    Example  >>> flops_text(2.0e9)
             '2 Gflop'
    """
    for unit, size in (("Gflop", 1e9), ("Mflop", 1e6), ("kflop", 1e3)):
        if flops >= size:
            return f"{flops / size:.3g} {unit}"
    return f"{flops:.3g} flop"


# ----------------------------------------------------------------------------------------- costs


def product_sizes(x: Any, y: Any) -> tuple[int, int, int, int]:
    """Rows, inner size, columns and batch of ``x @ y``."""
    rows = x.shape[-2] if x.ndim > 1 else 1
    columns = y.shape[-1] if y.ndim > 1 else 1
    batch = int(np.prod(np.broadcast_shapes(x.shape[:-2], y.shape[:-2])))
    return rows, x.shape[-1], columns, batch


def is_gram(x: Value, y: Value, transposes: dict[Value, Value]) -> bool:
    """Whether a product is one of a matrix and its own transpose."""
    return x.ndim == 2 and (transposes.get(x) is y or transposes.get(y) is x)


def statement_cost(statement: Statement, transposes: dict[Value, Value]) -> tuple[float, float]:
    """Flops and estimated time of a statement."""
    op, operands = statement.op, statement.operands
    if not statement.results:
        return 0.0, 0.0
    result = statement.results[0]
    values = [x for x in operands if isinstance(x, Value)]
    if op is MATMUL and len(values) == 2:
        *sizes, batch = product_sizes(*values)
        gram = is_gram(values[0], values[1], transposes)
        return (
            product_flops(*sizes, batch=batch, gram=gram),
            product_time(*sizes, batch=batch, gram=gram),
        )
    if op.kind in kernels.COSTS:
        return kernels.COSTS[op.kind](statement)
    if op.kind == "linear":
        rows, inner, columns = values[0].size // values[0].shape[-1], *values[1].shape[::-1]
        return product_flops(rows, inner, columns), product_time(rows, inner, columns)
    if op.kind == "inv":
        n, batch = result.shape[-1], result.size // max(result.shape[-1] ** 2, 1)
        return batch * inverse_flops(n), batch * solve_time(n, n)
    if op.kind == "solve":
        n = statement.reads()[0].shape[-1]
        columns = result.size // max(n, 1)
        return solve_flops(n, columns), solve_time(n, columns)
    if op.kind in FREE and op.kind != "getitem":
        return 0.0, 0.0
    if op.kind == "getitem":
        return 0.0, CALL / 10
    largest = max([value.size for value in [*statement.reads(), result]], default=0)
    return float(largest), elementwise_time((largest,), len(values))


def transposes_of(program: Program) -> dict[Value, Value]:
    """Value -> its transpose, both ways, where the program makes one."""
    pairs = [(s.operands[0], s.result) for s in program.statements if s.op is MT]
    return {a: b for pair in pairs for a, b in (pair, pair[::-1])}


def program_cost(program: Program) -> tuple[float, float]:
    """Flops and estimated time of the statements of a program."""
    transposes = transposes_of(program)
    costs = [statement_cost(s, transposes) for s in program.statements]
    return sum([flops for flops, _ in costs]), sum([time for _, time in costs])


def program_flops(program: Program) -> float:
    """How many flops a program takes: those of products, solutions and inverses, and a flop for
    each entry of everything else."""
    return program_cost(program)[0]


def program_time(program: Program) -> float:
    """The estimated time of a program, in the units of `costs`."""
    return program_cost(program)[1]


def readers(program: Program) -> dict[Value, list[Statement]]:
    """Value -> the statements that read it."""
    found: dict[Value, list[Statement]] = {}
    for statement in program.statements:
        for value in dict.fromkeys(statement.reads()):
            found.setdefault(value, []).append(statement)
    return found


def all_products(statements: Iterable[Statement]) -> bool:
    """Whether all of them are products."""
    return all([s.op is MATMUL for s in statements])
