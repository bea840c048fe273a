"""Common subexpressions: what is computed twice is computed once, also if transposed."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.compile.algebra.rewriting import (
    MATMUL,
    MT,
    OUTER,
    Writer,
    note,
    op_of,
    statement_cost,
    transposes_of,
)
from minigrad.compile.program import Program, Statement, Value

__all__ = ["shared"]

CLONE = op_of(ops.clone)
COMMUTATIVE = {"add", "mul", "maximum", "minimum"}
ENTRYWISE = {"add", "sub", "mul", "true_divide", "neg"}  # these commute with a transpose
CHEAP = 0.0  # views are shared silently


def shared(program: Program) -> Program:
    """The same values computed once; where a transpose is computed again, it becomes a view.

    ``A @ B`` and ``B.T @ A.T`` are one product and its transpose: BLAS may round these differently.
    Work that is the same in every turn of an unrolled loop is found here, too.
    """
    writer = Writer(program)
    known: dict[Hashable, tuple[Value, ...]] = {}
    same: dict[Value, Value] = {}
    base: dict[Value, tuple[Value, bool]] = {}  # a transpose -> what it is the transpose of
    results = set(program.results())
    notes: list[str] = []
    transposes = transposes_of(program)
    for old in program.statements:
        statement = old.substituted(same)
        if statement.effect:
            writer.keep(statement)
            continue
        direct, mirrored = keys(statement, base)
        found = None if direct is None else known.get(direct)
        flops, time = statement_cost(statement, transposes)
        if found is not None and len(found) == len(old.results):
            if results.isdisjoint(old.results):
                same.update(zip(old.results, found))
            else:  # what is returned twice are two arrays
                for value, first in zip(old.results, found):
                    writer.call(CLONE, [first], value.shape, like=statement, result=value)
            if time > CHEAP:
                notes.append(note(old, f"is {found[0].name}, computed before", flops))
            continue
        turned = None if mirrored is None else known.get(mirrored)
        if turned is not None:
            view = writer.transpose(turned[0], statement)
            if old.result in results:
                writer.call(CLONE, [view], view.shape, like=statement, result=old.result)
            else:
                same[old.result] = view
            if view.ndim == 2:
                origin, flag = base.get(turned[0], (turned[0], False))
                base[view] = (origin, not flag)
            of = "the transpose of " if view.ndim == 2 else ""
            what = f"is {of}{turned[0].name}, computed before"
            notes.append(note(old, what, flops, 0, "may round differently"))
            continue
        writer.keep(statement)
        if statement.op is MT:
            origin, flag = base.get(statement.operands[0], (statement.operands[0], False))
            base[old.result] = (origin, not flag)
        if direct is not None:
            known[direct] = old.results
    return writer.done(*notes).substituted(same)


def keys(
    statement: Statement, base: dict[Value, tuple[Value, bool]]
) -> tuple[Hashable | None, Hashable | None]:
    """What identifies the result of a statement, and what would identify its transpose."""
    try:
        statics = frozen(statement.statics)
        parts = tuple([part_key(x, base) for x in statement.operands])
    except TypeError:  # something that has no hash
        return None, None
    name = statement.op.kind
    if name in COMMUTATIVE:
        parts = tuple(sorted(parts, key=lambda part: str(part)))
    direct = (statement.op, parts, statics)
    if len(statement.results) != 1 or statement.result.ndim > 2:
        return direct, None
    turned: Any = [turn(part) for part in parts]
    if statement.op in (MATMUL, OUTER):
        return direct, (statement.op, tuple(turned[::-1]), statics)
    if name in ENTRYWISE and statement.result.ndim == 2 and all_matrices(statement):
        if name in COMMUTATIVE:
            turned = sorted(turned, key=lambda part: str(part))
        return direct, (statement.op, tuple(turned), statics)
    return direct, None


def all_matrices(statement: Statement) -> bool:
    """Whether all operands have the shape of the result, or are numbers."""
    shapes = [x.shape for x in statement.operands if isinstance(x, Value)]
    return all([shape in ((), statement.result.shape) for shape in shapes])


def part_key(operand: Any, base: dict[Value, tuple[Value, bool]]) -> Hashable:
    """An operand as part of a key: a value and whether it is transposed, a number and its type."""
    if isinstance(operand, Value):
        value, flag = base.get(operand, (operand, False))
        return ("value", id(value), flag, value.ndim)
    return frozen(operand, base)


def turn(part: Any) -> Hashable:
    """The key of the transpose; vectors and numbers are their own."""
    if isinstance(part, tuple) and part and part[0] == "value" and part[3] >= 2:
        return ("value", part[1], not part[2], part[3])
    return part


def frozen(argument: Any, base: dict[Value, tuple[Value, bool]] | None = None) -> Hashable:
    """An argument as something with a hash that is equal only for equal arguments.

    Raises  TypeError if there is none.
    """
    if isinstance(argument, Value):
        return part_key(argument, base or {})
    if isinstance(argument, (tuple, list)):
        return (type(argument), tuple([frozen(each, base) for each in argument]))
    if isinstance(argument, slice):
        return ("slice", frozen((argument.start, argument.stop, argument.step), base))
    if isinstance(argument, np.ndarray):
        return ("array", argument.shape, str(argument.dtype), argument.tobytes())
    if isinstance(argument, (float, np.floating)):
        return (type(argument), repr(argument))  # 0.0 and -0.0 are equal, and not the same
    hash(argument)
    return (type(argument), argument)
