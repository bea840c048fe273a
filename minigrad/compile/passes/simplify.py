"""Calls that change nothing: a product with 1, a transpose of a transpose, a shape that is there.

Only what is exact in floating-point arithmetic, for every number, is here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.calls import numpy_functions
from minigrad.compile.program import Program, Statement, Value
from minigrad.ops import shaping
from minigrad.primitive import op_of

__all__ = ["simplify"]

Makers = dict[Value, Statement]


MUL, DIVIDE = numpy_functions[np.multiply], numpy_functions[np.divide]
TURNS = {op_of(shaping.T), op_of(shaping.mT), op_of(shaping.t)}
SHAPES = {op_of(f) for f in (shaping.reshape, shaping.expand, shaping.flatten, shaping.squeeze)}


def is_one(operand: Any) -> bool:
    """Whether an operand is the number 1, known at compile time."""
    if isinstance(operand, Value):
        array = operand.array
        return operand.kind == "constant" and array is not None and bool(np.all(array == 1))
    return isinstance(operand, (int, float)) and operand == 1


def is_like(operand: Any, result: Value) -> bool:
    return (
        isinstance(operand, Value)
        and operand.shape == result.shape
        and operand.dtype == result.dtype
    )


def simpler(statement: Statement, makers: Makers) -> Value | None:
    """The value that a call returns unchanged, or None."""
    op, operands, result = statement.op, statement.operands, statement.result
    if op is MUL:
        for one, other in (operands, operands[::-1]):
            if is_one(one) and is_like(other, result):
                return other
    if op is DIVIDE and is_one(operands[1]) and is_like(operands[0], result):
        return operands[0]
    if op in TURNS:
        inner = makers.get(operands[0])
        if inner is not None and inner.op in TURNS and is_like(inner.operands[0], result):
            return inner.operands[0]
    if op in SHAPES and is_like(operands[0], result):
        return operands[0]
    return None


def simplify(program: Program) -> Program:
    """The program without calls that return an operand unchanged."""
    makers: Makers = {}
    same: dict[Value, Value] = {}
    kept = []
    for statement in program.statements:
        if same:
            statement = statement.substituted(same)
        found = None
        if len(statement.results) == 1 and statement.operands and not statement.effect:
            found = simpler(statement, makers)
        if found is None:
            kept.append(statement)
            makers.update(dict.fromkeys(statement.results, statement))
        else:
            same[statement.result] = found
    if not same:
        return program
    simplified = program.with_statements(kept).substituted(same)
    simplified.notes.append(f"simplified: {len(same)} calls return what they are given")
    return simplified
