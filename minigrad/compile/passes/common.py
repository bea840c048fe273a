"""Common subexpressions: the same op on the same values is computed once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from minigrad.compile.program import Program, Statement, Value

__all__ = ["key_of", "merge_common"]


def merge_common(program: Program) -> Program:
    """The program with each call of an op on the same values made once."""
    first: dict[Hashable, Statement] = {}
    same: dict[Value, Value] = {}
    kept = []
    for statement in program.statements:
        if same:
            statement = statement.substituted(same)
        if statement.effect:
            kept.append(statement)
            continue
        key = key_of(statement)
        before = first.get(key)
        if before is None or len(before.results) != len(statement.results):
            first[key] = statement
            kept.append(statement)
        else:
            same.update(zip(statement.results, before.results))
    if not same:
        return program
    merged = program.with_statements(kept).substituted(same)
    count = len(program.statements) - len(kept)
    merged.notes.append(f"common subexpressions: {count} calls are not made a second time")
    return merged


def key_of(statement: Statement) -> Hashable:
    """What two calls of one op on the same values have in common."""
    return statement.op, hashable((statement.operands, statement.statics))


def hashable(argument: Any) -> Hashable:
    """An argument as a key: values and arrays by identity, numbers by type and value."""
    if isinstance(argument, Value):
        return argument
    if isinstance(argument, (tuple, list)):
        return type(argument).__name__, tuple([hashable(each) for each in argument])
    if isinstance(argument, dict):
        return tuple([(key, hashable(each)) for key, each in argument.items()])
    if isinstance(argument, slice):
        return "slice", hashable((argument.start, argument.stop, argument.step))
    if isinstance(argument, (bool, int, float, str, type(None), type(Ellipsis), np.dtype, type)):
        return type(argument).__name__, repr(argument)
    return "object", id(argument)
