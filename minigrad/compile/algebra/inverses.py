"""Systems instead of inverses: ``inv(A) @ b`` is the solution of ``A x = b``.

A singular matrix still raises: the decomposition that the system needs is the one of the inverse.
With SciPy, several systems of one matrix share a decomposition, and a matrix that is symmetric by
construction (``X @ X.T``, or a sum of such and a multiple of the identity) is solved by Cholesky.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.compile.algebra import kernels
from minigrad.compile.algebra.rewriting import (
    ADD,
    MATMUL,
    MT,
    MUL,
    Writer,
    note,
    number,
    program_cost,
    readers,
    removed_dead,
)
from minigrad.compile.program import Program, Statement, Value

__all__ = ["without_inverses"]


def without_inverses(program: Program) -> Program:
    """The program with systems in the place of inverses that are only multiplied."""
    for statement in program.statements:
        if statement.op.kind == "inv" and statement.operands[0].ndim == 2:
            candidate = solved(program, statement)
            if candidate is not None and program_cost(candidate)[1] < program_cost(program)[1]:
                before, after = program_cost(program)[0], program_cost(candidate)[0]
                line = note(statement, "a system is solved instead of inverting", before, after,
                            "may round differently; a singular matrix still raises")  # fmt: skip
                program = candidate.with_statements(candidate.statements, line)
    return program


def solved(program: Program, inverse: Statement) -> Program | None:
    """The program with each product of this inverse as a solution; None if it is read otherwise."""
    results, reading = set(program.results()), readers(program)
    straight = {inverse.result: False}
    for reader in reading.get(inverse.result, []):
        if reader.op is MT:
            straight[reader.result] = True
    users = [u for value in straight for u in reading.get(value, []) if u.result not in straight]
    products = [u for u in users if u.op is MATMUL and len(straight.keys() & set(u.reads())) == 1
                and u.operands[0] is not u.operands[1] and u.operands[0].ndim <= 2
                and u.operands[1].ndim <= 2]  # fmt: skip
    if not users or len(products) < len(users) or not results.isdisjoint(straight):
        return None
    a = inverse.operands[0]
    writer = Writer(program)
    makers = program.makers()
    several = len(products) > 1 and kernels.HAS_SCIPY
    symmetric = kernels.HAS_SCIPY and a.kind != "constant" and is_symmetric(a, makers)
    op: Any
    statics: tuple[Any, ...]
    factors: tuple[Value, ...] = ()
    for old in program.statements:
        if old is inverse:
            if several:
                factors = decomposed(writer, a, old)
            continue
        if old.op is MT and old.operands[0] is inverse.result:
            continue
        if not any([old is each for each in products]):
            writer.keep(old)
            continue
        x, y = old.operands
        left = x in straight
        transposed = straight[x if left else y] != (not left)
        b = y if left else writer.transpose(x, old)
        if several:
            op, operands, statics = kernels.FACTORED, [*factors, b], (transposed,)
        else:
            matrix = writer.transpose(a, old) if transposed and not symmetric else a
            op = kernels.POSITIVE if symmetric else kernels.SOLUTION
            operands, statics = [matrix, b], ()
        if left or b.ndim == 1:
            writer.call(op, operands, old.result.shape, like=old, statics=statics,
                        result=old.result)  # fmt: skip
        else:
            x = writer.call(op, operands, b.shape, like=old, statics=statics)
            writer.call(MT, [x], old.result.shape, like=old, result=old.result)
    return removed_dead(writer.done())


def decomposed(writer: Writer, a: Value, like: Statement) -> tuple[Value, ...]:
    """The statement that decomposes a matrix."""
    lu = Value(writer.name(f"{a.name}_lu"), a.shape, a.dtype)
    pivots = Value(writer.name(f"{a.name}_pivots"), a.shape[:1], np.dtype(np.int32))
    statement = Statement(
        kernels.FACTOR, (a,), (), (lu, pivots), like.section, like.module, like.line
    )
    writer.statements.append(statement)
    return statement.results


def is_symmetric(a: Value, makers: dict[Value, Statement]) -> bool:
    """Whether a matrix is symmetric by construction: a sum of ``X @ X.T`` and the like."""
    if a.kind == "constant" and a.array is not None:
        return bool(np.array_equal(a.array, a.array.T))
    maker = makers.get(a)
    if maker is None:
        return False
    if maker.op is MATMUL:
        x, y = maker.operands
        return any([
            isinstance(v, Value) and (m := makers.get(v)) is not None
            and m.op is MT and m.operands[0] is w
            for v, w in ((x, y), (y, x))
        ])  # fmt: skip
    if maker.op is ADD:
        return all([isinstance(x, Value) and x.shape == a.shape and is_symmetric(x, makers)
                    for x in maker.operands])  # fmt: skip
    if maker.op is MUL:
        return any([number(x) and isinstance(y, Value) and y.shape == a.shape
                    and is_symmetric(y, makers)
                    for x, y in (maker.operands, maker.operands[::-1])])  # fmt: skip
    return False
