"""Products with gradients that are mostly zeros or all equal, in backward passes.

The gradient of ``x[i]`` is zero but at i, that of a sum is the same everywhere, and that of a trace
is a multiple of the identity.  A derivative formula multiplies them like any matrix; here only what
is not zero is multiplied, and a matrix of equal entries as what it is, one of rank one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.compile.algebra.partial import GETITEM, SUM, plain_index
from minigrad.compile.algebra.rewriting import (
    MATMUL,
    MT,
    MUL,
    OUTER,
    Writer,
    note,
    number,
    op_of,
    removed_dead,
    statement_cost,
    transposes_of,
)
from minigrad.compile.program import Program, Statement, Value

__all__ = ["sparse"]

SCATTER = op_of(ops.indexing._scatter_into)
EXPAND = op_of(ops.expand)
WHAT = "only entries that differ from zero, or from each other, are multiplied"


def sparse(program: Program) -> Program:
    """The program with products of such gradients made of what is not zero."""
    makers = program.makers()
    writer = Writer(program)
    notes = []
    for old in program.statements:
        start = len(writer.statements)
        if old.op is MATMUL and all([isinstance(x, Value) for x in old.operands]):
            for left in (True, False):
                if product(writer, old, makers, left):
                    written = writer.statements[start:]
                    before = statement_cost(old, transposes_of(program))[0]
                    after = sum([statement_cost(s, writer.transposes)[0] for s in written])
                    notes.append(note(old, WHAT, before, after, "may round differently"))
                    break
            else:
                writer.keep(old)
        else:
            writer.keep(old)
    return removed_dead(writer.done(*notes)) if notes else program


def product(writer: Writer, old: Statement, makers: dict[Value, Statement], left: bool) -> bool:
    """Write ``S @ y``, or ``y @ S``, for such a gradient S; whether it is one."""
    s, y = old.operands if left else old.operands[::-1]
    if s.ndim != 2 or y.ndim != 2 or min(s.shape) < 2:
        return False
    flag, maker = not left, makers.get(s)
    while maker is not None and maker.op is MT:
        flag, maker = not flag, makers.get(maker.operands[0])
    if maker is None:
        c = repeated_number(s)
        return c is not None and equal(writer, old, c, y, left)
    if maker.op is EXPAND and number(x := origin(maker.operands[0], makers)):
        return equal(writer, old, x, y, left)
    return scattered(writer, old, maker, flag, y, left) or scaled_identity(writer, old, maker, y)


def origin(x: Any, makers: dict[Value, Statement]) -> Any:
    """The number that a value of one entry is made of by adding axes."""
    while isinstance(x, Value) and x.size == 1 and x.ndim and x in makers:
        maker = makers[x]
        if maker.op.kind not in ("reshape", "unsqueeze", "getitem", "expand"):
            break
        x = maker.operands[0]
    return x


def repeated_number(value: Value) -> Any:
    """The number that all entries of a constant are, or None."""
    array = value.array
    if value.kind != "constant" or array is None or not array.size:
        return None
    first = array.flat[0]
    return float(first) if array.dtype.kind == "f" and bool(np.all(array == first)) else None


def finish(
    writer: Writer, old: Statement, op: Any, operands: list[Any], statics: Any, left: bool
) -> bool:
    """The statement of the result, or of its transpose and the transpose."""
    shape = old.result.shape
    if left:
        writer.call(op, operands, shape, like=old, statics=statics, result=old.result)
    else:
        part = writer.call(op, operands, shape[::-1], like=old, statics=statics)
        writer.call(MT, [part], shape, like=old, result=old.result)
    return True


def scattered(
    writer: Writer, old: Statement, maker: Statement, flag: bool, y: Value, left: bool
) -> bool:
    """Zeros but for a row or an entry, times y: zeros but for a row."""
    if maker.op is not SCATTER:
        return False
    g, index = maker.operands[0], plain_index(maker.statics[1])
    shape = tuple(maker.statics[0])
    if index is None or len(shape) != 2 or not isinstance(g, Value):
        return False
    index = (*index, slice(None))[:2]
    if flag:
        index = index[::-1]
    row, column = index
    integer = isinstance(row, (int, np.integer)), isinstance(column, (int, np.integer))
    if not any(integer):
        return False
    right = y if left else writer.transpose(y, old)
    inner = right.shape[0] if right.ndim > 1 else right.size
    chosen = right
    if column != slice(None):
        size = (right.shape[1],) if integer[1] else (len(range(inner)[column]), right.shape[1])
        chosen = writer.call(GETITEM, [right], size, like=old, statics=((column,),))
    result = old.result.shape if left else old.result.shape[::-1]
    if all(integer):
        part = writer.call(MUL, [chosen, g], chosen.shape, like=old)
    elif integer[0]:
        part = writer.matmul(g, chosen, old)
    else:  # a column, times one row of y: of rank one
        part = writer.call(OUTER, [g, chosen], (g.size, chosen.size), like=old)
        if row == slice(None):
            writer.statements.pop()
            return finish(writer, old, OUTER, [g, chosen], (), left)
    return finish(writer, old, SCATTER, [part], (result, (row,)), left)


def scaled_identity(writer: Writer, old: Statement, maker: Statement, y: Value) -> bool:
    """A multiple of the identity, times y: the gradient of a trace."""
    if maker.op is not MUL:
        return False
    for c, eye in (maker.operands, maker.operands[::-1]):
        if number(c) and is_identity(eye):
            writer.call(MUL, [y, c], old.result.shape, like=old, result=old.result)
            return True
    return False


def is_identity(value: Any) -> bool:
    """Whether a value is a constant identity matrix, of any type."""
    array = value.array if isinstance(value, Value) and value.kind == "constant" else value
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.shape[0] != array.shape[1]:
        return False
    return bool(np.array_equal(array, np.eye(len(array), dtype=array.dtype)))


def equal(writer: Writer, old: Statement, c: Any, y: Value, left: bool) -> bool:
    """A matrix of entries c, times y: equal rows, c times the sum of the rows of y."""
    dim = 0 if left else 1
    size = y.shape[1 - dim]
    row = writer.call(SUM, [y], (size,), like=old, statics=(dim, False, None), name=f"{y.name}_sum")
    if isinstance(c, Value) or c != 1:
        row = writer.call(MUL, [row, c], (size,), like=old)
    shape = old.result.shape if left else old.result.shape[::-1]
    return finish(writer, old, EXPAND, [row], (shape,), left)
