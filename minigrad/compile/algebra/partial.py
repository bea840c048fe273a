"""Only what is read is computed: entries, rows, diagonals, traces and sums of products and sums.

``(A @ B)[i, j]`` is a product of a row and a column, ``(A + B)[i]`` a sum of two rows,
``trace(A @ B)`` the sum of A · Bᵀ, ``(A @ B).sum()`` the product of the sums.  And, in backward
passes, a product with a gradient that is zero but for some rows is made of these rows alone, and
one with a gradient of equal entries is of rank one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.compile.algebra import kernels
from minigrad.compile.algebra.rewriting import (
    MATMUL,
    MT,
    MUL,
    OUTER,
    Writer,
    note,
    op_of,
    readers,
    removed_dead,
    statement_cost,
    transposes_of,
)
from minigrad.compile.program import Program, Statement, Value

__all__ = ["partial"]

GETITEM = op_of(ops.indexing._getitem)
SUM = op_of(ops.sum)
ALL = slice(None)
ENTRYWISE = {
    "add", "sub", "mul", "true_divide", "neg", "exp", "log", "sqrt", "square", "abs", "tanh",
    "sigmoid", "relu", "sin", "cos", "maximum", "minimum", "reciprocal", "pow",
}  # fmt: skip


def partial(program: Program) -> Program:
    """The program with entries, rows, diagonals, traces and sums taken before the arithmetic."""
    while True:
        rewritten = one_step(program)
        if rewritten is None:
            return program
        program = rewritten


def one_step(program: Program) -> Program | None:
    """The program with the first rewriting that pays, or None."""
    makers, reading = program.makers(), readers(program)
    results, transposes = set(program.results()), transposes_of(program)
    for statement in program.statements:
        rule = rule_of(statement)
        source = statement.operands[0] if statement.operands else None
        maker = makers.get(source) if isinstance(source, Value) else None
        if rule is None or maker is None or maker.effect:
            continue
        assert isinstance(source, Value)
        if source in results or len(reading[source]) > 1:
            continue
        writer = Writer(program)
        writer.transposes.update(transposes)
        emitted: list[Statement] = []
        for old in program.statements:
            if old is not statement:
                writer.statements.append(old)
                continue
            start = len(writer.statements)
            if not rule(writer, old, maker):
                break
            emitted = writer.statements[start:]
        if not emitted:
            continue
        before = [statement_cost(s, transposes) for s in (maker, statement)]
        after = [statement_cost(s, writer.transposes) for s in emitted]
        gain = sum([time for _, time in before]) - sum([time for _, time in after])
        if gain > 0 or (gain == 0 and maker.op is MT):  # behind a transpose there may be a product
            flops = sum([f for f, _ in before]), sum([f for f, _ in after])
            what = f"{statement.op.name} taken before {maker.op.name}"
            exact = () if maker.op.kind in ENTRYWISE | {"mT"} else ("may round differently",)
            return removed_dead(writer.done(note(statement, what, *flops, *exact)))
    return None


def rule_of(statement: Statement) -> Callable[[Writer, Statement, Statement], bool] | None:
    """How a statement may be taken before the one that makes its operand."""
    name, statics = statement.op.kind, statement.statics
    if name in ("getitem", "entry"):
        return rows_and_columns if plain_index(statics[0]) is not None else None
    if name == "trace":
        return trace
    if name == "diagonal" and statics == (0, 0, 1):
        return diagonal
    if name == "sum" and (not statics[1] or statics[0] is None) and statics[2] is None:
        return total
    return None


# ----------------------------------------------------------------------------------- entries, rows


def plain_index(index: Any) -> tuple[Any, ...] | None:
    """An index of integers and slices as a tuple, without ``...``; else None."""
    index = index if isinstance(index, tuple) else (index,)
    if index and index[-1] is ...:
        index = index[:-1]
    return index if index and all([is_plain(part) for part in index]) else None


def is_plain(part: Any) -> bool:
    """Whether a part of an index is an integer, or a slice of integers."""
    if isinstance(part, slice):
        ends = (part.start, part.stop, part.step)
        return all([end is None or isinstance(end, (int, np.integer)) for end in ends])
    return isinstance(part, (int, np.integer)) and not isinstance(part, (bool, np.bool_))


def indexed_shape(shape: tuple[int, ...], index: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape of ``x[index]``."""
    return np.broadcast_to(np.empty(()), shape)[index].shape


def taken(writer: Writer, x: Value, index: tuple[Any, ...], like: Statement) -> Value:
    """``x[index]``; x itself where the index takes everything."""
    if all([i == ALL for i in index]):
        return x
    shape = indexed_shape(x.shape, index)
    op = GETITEM if shape else kernels.ENTRY
    return writer.call(op, [x], shape, like=like, statics=(index,), name=f"{x.name}_part")


def rows_and_columns(writer: Writer, statement: Statement, maker: Statement) -> bool:
    """``(A @ B)[i, j]`` from row i of A and column j of B; entries of a sum from its terms'."""
    index = plain_index(statement.statics[0])
    assert index is not None
    result = statement.result
    if result.size == 0:
        return False
    if maker.op in (MATMUL, OUTER) and maker.result.ndim <= 2:
        x, y = maker.operands
        if not (isinstance(x, Value) and isinstance(y, Value)) or max(x.ndim, y.ndim) > 2:
            return False
        if maker.op is OUTER:
            row, column = index[:1], index[1:]
        else:
            row = index[:1] if x.ndim > 1 else (ALL,)
            column = (ALL, *index[x.ndim - 1 :]) if y.ndim > 1 else (ALL,)
        x, y = taken(writer, x, row, statement), taken(writer, y, column, statement)
        if maker.op is OUTER:
            op = MUL if x.ndim + y.ndim < 2 else OUTER
            writer.call(op, [x, y], result.shape, like=statement, result=result)
        else:
            writer.matmul(x, y, statement, result)
        return True
    if maker.op is MT and maker.result.ndim == 2:
        turned = (index[1] if len(index) > 1 else ALL, index[0])
        x = taken(writer, maker.operands[0], turned, statement)
        return finish_transposed(writer, statement, x)
    if maker.op.kind in ENTRYWISE and len(maker.results) == 1 and same_shapes(maker):
        operands = [taken(writer, x, index, statement) if isinstance(x, Value) and x.ndim else x
                    for x in maker.operands]  # fmt: skip
        writer.call(maker.op, operands, result.shape, like=statement, statics=maker.statics,
                    result=result)  # fmt: skip
        return True
    return False


def finish_transposed(writer: Writer, statement: Statement, x: Value) -> bool:
    """The part of a transpose, from the same part `x` of what it is the transpose of."""
    op: Any = MT
    if x.ndim < 2:  # the last statement took it: its result is the one wanted
        last = writer.statements.pop()
        writer.call(last.op, last.operands, x.shape, like=statement, statics=last.statics,
                    result=statement.result)  # fmt: skip
        return True
    writer.call(op, [x], statement.result.shape, like=statement, result=statement.result)
    return True


def same_shapes(maker: Statement) -> bool:
    """Whether all operands have the shape of the result, or are numbers."""
    values = [x for x in maker.operands if isinstance(x, Value)]
    return (
        bool(values)
        and all([x.shape in ((), maker.result.shape) for x in values])
        and any([x.ndim for x in values])
    )


# -------------------------------------------------------------------------- traces, diagonals, sums


def trace(writer: Writer, statement: Statement, maker: Statement) -> bool:
    """``trace(A @ B)`` from the entries of A and Bᵀ; that of ``x yᵀ`` is ``x · y``."""
    if maker.op is OUTER and maker.operands[0].shape == maker.operands[1].shape:
        writer.call(MATMUL, maker.operands, (), like=statement, result=statement.result)
        return True
    if maker.op is not MATMUL or not matrices(maker) or not square(maker.result):
        return False
    writer.call(kernels.TRACE, maker.operands, (), like=statement, result=statement.result)
    return True


def diagonal(writer: Writer, statement: Statement, maker: Statement) -> bool:
    """The diagonal of ``A @ B``, entry by entry."""
    if maker.op is not MATMUL or not matrices(maker) or not square(maker.result):
        return False
    writer.call(kernels.ENTRIES, maker.operands, statement.result.shape, like=statement,
                result=statement.result)  # fmt: skip
    return True


def matrices(maker: Statement) -> bool:
    return all([isinstance(x, Value) and x.ndim == 2 for x in maker.operands])


def square(value: Value) -> bool:
    return value.shape[0] == value.shape[1]


def total(writer: Writer, statement: Statement, maker: Statement) -> bool:
    """``(A @ B).sum()`` as ``A.sum(0) @ B.sum(1)``; along one axis only one is summed."""
    if maker.op is not MATMUL or not matrices(maker) or maker.result.dtype.kind != "f":
        return False
    dim, result = statement.statics[0], statement.result
    if statement.statics[1]:  # keepdim: the result would have another shape
        return False
    dims = {0, 1} if dim is None else {d % 2 for d in (dim if isinstance(dim, tuple) else (dim,))}
    x, y = maker.operands
    if 0 in dims:
        x = writer.call(SUM, [x], x.shape[1:], like=statement, statics=(0, False, None),
                        name=f"{x.name}_sum")  # fmt: skip
    if 1 in dims:
        y = writer.call(SUM, [y], y.shape[:1], like=statement, statics=(1, False, None),
                        name=f"{y.name}_sum")  # fmt: skip
    writer.call(MATMUL, [x, y], result.shape, like=statement, result=result)
    return True
