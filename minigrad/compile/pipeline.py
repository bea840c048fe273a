"""Which passes run, in which order."""

from __future__ import annotations

from minigrad import ops
from minigrad.compile.passes.common import merge_common
from minigrad.compile.passes.dead import remove_dead
from minigrad.compile.passes.fold import fold_constants
from minigrad.compile.passes.simplify import simplify
from minigrad.compile.program import Program, Statement, Value, op_of

__all__ = ["copy_of", "optimise"]

CLONE = op_of(ops.shaping.clone)


def optimise(program: Program, algebra: bool | None) -> Program:
    """The program after all passes; `keep` of the program says what must survive."""
    program = remove_dead(program)
    for _ in range(3):
        before = len(program.statements)
        program = fold_constants(program)
        program = simplify(program)
        program = merge_common(program)
        program = remove_dead(program)
        if len(program.statements) == before:
            break
    return program.check()


def copy_of(value: Value, name: str) -> Statement:
    """A statement that copies a value."""
    result = Value(name, value.shape, value.dtype)
    return Statement(CLONE, (value,), (), (result,), "backward")
