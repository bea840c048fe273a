"""Which passes run, in which order."""

from __future__ import annotations

from minigrad import ops
from minigrad.compile.algebra import simplified
from minigrad.compile.passes.common import merge_common
from minigrad.compile.passes.dead import remove_dead
from minigrad.compile.passes.fold import fold_constants
from minigrad.compile.passes.simplify import simplify
from minigrad.compile.program import Program, Statement, Value
from minigrad.primitive import op_of

__all__ = ["copy_of", "optimise"]

CLONE = op_of(ops.shaping.clone)


def optimise(program: Program, algebra: bool | None) -> Program:
    """The program after all passes; `keep` of the program says what must survive."""
    if algebra or (algebra is None and in_double_precision(program)):
        program = simplified(program)  # before constants are folded: their structure is used
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


def in_double_precision(program: Program) -> bool:
    """Whether all floating-point numbers have 64 bits, so that results agree to rounding."""
    return {v.dtype.itemsize for v in program.values() if v.dtype.kind == "f"} == {8}


def copy_of(value: Value, name: str) -> Statement:
    """A statement that copies a value."""
    result = Value(name, value.shape, value.dtype)
    return Statement(CLONE, (value,), (), (result,), "backward")
