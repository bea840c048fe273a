"""Constants: what depends on constants alone is computed at compile time."""

from __future__ import annotations

import numpy as np

from minigrad.compile.program import Program, Value, evaluate

__all__ = ["fold_constants"]

LARGEST = 1 << 20  # bytes of a constant that is worth keeping in place of a call


def fold_constants(program: Program) -> Program:
    """The program with calls on constants replaced by what they return.

    A call that raises, or warns of a number that is not finite, is left for the program to make.
    """
    arrays = {
        value: value.array
        for value in program.values()
        if value.kind == "constant" and value.array is not None
    }
    kept = []
    constants: dict[Value, Value] = {}
    for statement in program.statements:
        statement = statement.substituted(constants) if constants else statement
        size = sum([value.nbytes for value in statement.results])
        if statement.effect or size > LARGEST or any(v not in arrays for v in statement.reads()):
            kept.append(statement)
            continue
        try:
            with np.errstate(all="raise"):
                results = evaluate(statement, arrays)
        except Exception:
            kept.append(statement)
            continue
        for value, array in zip(statement.results, results):
            constants[value] = constant(value, array)
            arrays[constants[value]] = constants[value].array
    folded = len(program.statements) - len(kept)
    if not folded:
        return program
    program = program.with_statements(kept, f"constants: {folded} calls are made at compile time")
    return program.substituted(constants)


def constant(value: Value, array: np.ndarray) -> Value:
    """A constant in the place of a value."""
    array = np.array(array)
    array.flags.writeable = False
    return Value(value.name, value.shape, value.dtype, "constant", array)
