"""One spelling for one thing: the other passes then look for few ops."""

from __future__ import annotations

from typing import Any

from minigrad.compile.algebra.rewriting import MT, MUL, OUTER, Writer, is_vector_or_matrix
from minigrad.compile.program import Program, Statement, Value

__all__ = ["canonical"]

EVERYTHING = slice(None)


def canonical(program: Program) -> Program:
    """Transposes of matrices as mT, columns times rows as outer products, no copies.

    * ``T``, ``t``, ``transpose`` and ``permute``, where they exchange the last two axes
    * ``x[:, None] * y`` of two vectors: the form in which derivatives of products write ``x yᵀ``
    * a linear layer without bias as the product that it is
    * a copy of a temporary is the temporary: nothing is written in place

    These change nothing in the numbers.
    """
    writer = Writer(program)
    makers = program.makers()
    same: dict[Value, Value] = {}
    for old in program.statements:
        statement = old.substituted(same)
        x = statement.operands[0] if statement.operands else None
        if not isinstance(x, Value) or statement.effect:
            writer.keep(statement)
        elif is_transpose(statement, x):
            if x.ndim < 2:
                same[old.result] = x
            elif x in writer.transposes:
                same[old.result] = writer.transposes[x]
            else:
                writer.call(MT, [x], old.result.shape, like=statement, result=old.result)
                writer.transposes.setdefault(x, old.result)
                writer.transposes.setdefault(old.result, x)
        elif statement.op.kind == "clone" and x.kind == "temporary":
            same[old.result] = x
        elif statement.op.kind == "linear" and without_bias(statement):
            transpose = writer.transpose(statement.operands[1], statement)
            writer.matmul(x, transpose, statement, old.result)
        elif statement.op is MUL and (vectors := outer_factors(statement, makers, same)):
            writer.call(OUTER, vectors, old.result.shape, like=statement, result=old.result)
        else:
            writer.keep(statement)
    return writer.done().substituted(same)


def is_transpose(statement: Statement, x: Value) -> bool:
    """Whether a statement exchanges the last two axes of x, or is the transpose of a vector."""
    name, n = statement.op.kind, x.ndim
    if name == "mT":
        return True
    if name in ("T", "t"):
        return n <= 2
    if n < 2:
        return False
    if name == "transpose":
        return {dim % n for dim in statement.statics} == {n - 2, n - 1}
    if name == "permute":
        dims = [dim % n for dim in statement.statics[0]]
        return dims == [*range(n - 2), n - 1, n - 2]
    return False


def without_bias(statement: Statement) -> bool:
    """Whether a linear layer is a plain product of two matrices."""
    x, weight, bias = statement.operands
    plain = isinstance(weight, Value) and x.ndim in (1, 2) and weight.ndim == 2
    return bias is None and plain


def outer_factors(
    statement: Statement, makers: dict[Value, Statement], same: dict[Value, Value]
) -> tuple[Value, Value] | None:
    """The vectors x and y of a product ``x[:, None] * y``, or None."""
    for left, right in (statement.operands, statement.operands[::-1]):
        if not (is_vector_or_matrix(left) and is_vector_or_matrix(right)):
            return None
        column, row = column_vector(left, makers), row_vector(right, makers)
        if column is not None and row is not None and column.dtype == row.dtype:
            return same.get(column, column), same.get(row, row)
    return None


def column_vector(value: Value, makers: dict[Value, Statement]) -> Value | None:
    """The vector of which a value is the column ``x[:, None]``."""
    maker = makers.get(value)
    if maker is None or value.ndim != 2 or value.shape[1] != 1:
        return None
    x = maker.operands[0] if maker.operands else None
    if not isinstance(x, Value) or x.ndim != 1 or x.shape[0] != value.shape[0]:
        return None
    return x if adds_axis(maker, ((..., None), (EVERYTHING, None)), (1, -1)) else None


def row_vector(value: Value, makers: dict[Value, Statement]) -> Value | None:
    """The vector that a value is, or of which it is the row ``x[None]``."""
    if value.ndim == 1:
        return value
    maker = makers.get(value)
    if maker is None or value.ndim != 2 or value.shape[0] != 1:
        return None
    x = maker.operands[0] if maker.operands else None
    if not isinstance(x, Value) or x.ndim != 1 or x.shape[0] != value.shape[1]:
        return None
    indices = ((None,), (None, ...), (None, EVERYTHING), (..., None, EVERYTHING))
    return x if adds_axis(maker, indices, (0, -2)) else None


def adds_axis(maker: Statement, indices: Any, dims: tuple[int, ...]) -> bool:
    """Whether a statement is one of these indexings, or adds an axis at one of `dims`."""
    if maker.op.kind == "getitem":
        index = maker.statics[0] if isinstance(maker.statics[0], tuple) else maker.statics
        return len(index) <= 3 and all([
            part is None or part is ... or isinstance(part, slice) for part in index
        ]) and tuple(index) in indices  # fmt: skip
    return maker.op.kind == "unsqueeze" and maker.statics[0] in dims
