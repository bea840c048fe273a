"""The distributive law, in the direction that costs less.

``A @ B + A @ C`` is one product, ``A @ (B + C)``.  ``(A - H.T @ H) @ x`` needs no product of
matrices, ``A @ x - H.T @ (H @ x)``.  Both are tried where they may help, and kept if the program,
with its products in the best order, then takes less time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minigrad.compile.algebra.ordering import ordered
from minigrad.compile.algebra.rewriting import (
    ADD,
    MATMUL,
    MT,
    OUTER,
    SUB,
    Writer,
    is_vector_or_matrix,
    note,
    program_flops,
    program_time,
    readers,
    removed_dead,
)
from minigrad.compile.algebra.sharing import shared
from minigrad.compile.program import Program, Statement, Value

__all__ = ["distributed"]

MOST_TRIALS = 16  # so that compiling stays fast
WORTH = 0.98


def distributed(program: Program) -> Program:
    """The program with sums multiplied out, and factors taken out, where that saves time."""
    trials = 0
    improved = True
    while improved and trials < MOST_TRIALS:
        improved = False
        for what, statement, candidate in candidates(program):
            trials += 1
            now, then = ordered(program), ordered(shared(candidate))
            if program_time(then) < WORTH * program_time(now):
                flops = program_flops(now), program_flops(then)
                line = note(statement, what, *flops, "may round differently")
                program = candidate.with_statements(candidate.statements, line)
                improved = True
                break
            if trials == MOST_TRIALS:
                break
    return program


def candidates(program: Program) -> Iterator[tuple[str, Statement, Program]]:
    """Programs with one sum multiplied out or one factor taken out, and what was done where."""
    makers, reading = program.makers(), readers(program)
    results = set(program.results())

    def alone(value: Any) -> bool:
        """Whether one statement reads a temporary, once."""
        return (
            isinstance(value, Value)
            and value in makers
            and value not in results
            and len(reading[value]) == 1
            and reading[value][0].reads().count(value) == 1
        )

    for statement in program.statements:
        if statement.op in (ADD, SUB):
            yield from factored(program, statement, makers, alone)
    for statement in program.statements:
        if statement.op in (ADD, SUB) and statement.result not in results:
            yield from expanded(program, statement, makers, reading)


# --------------------------------------------------------------------------------- taking out


def factored(
    program: Program, statement: Statement, makers: dict[Value, Statement], alone: Any
) -> Iterator[tuple[str, Statement, Program]]:
    """``A B ± A C`` as ``A (B ± C)``, and the same from the right."""
    p, q = statement.operands
    if not (alone(p) and alone(q) and p.shape == q.shape):
        return
    if makers[p].op is not MATMUL or makers[q].op is not MATMUL:
        return
    (a, b), (c, d) = makers[p].operands, makers[q].operands
    sign = "+" if statement.op is ADD else "-"
    for common, x, y, first in ((a, b, d, True), (b, a, c, False)):
        if (common is not (c if first else d)) or not sums(x, y):
            continue
        writer = Writer(program)
        for old in program.statements:
            if old is not statement:
                writer.keep(old)
                continue
            total = writer.call(
                statement.op, [x, y], x.shape, like=old, name=f"{old.result.name}_sum"
            )
            left, right = (common, total) if first else (total, common)
            writer.matmul(left, right, old, old.result)
        formula = f"({x.name} {sign} {y.name})"
        text = f"{common.name} {formula}" if first else f"{formula} {common.name}"
        yield f"common factor taken out: {text}", statement, removed_dead(writer.done())


def sums(x: Any, y: Any) -> bool:
    """Whether two values can be added without broadcasting."""
    both = is_vector_or_matrix(x) and is_vector_or_matrix(y)
    return both and x.shape == y.shape and x.dtype == y.dtype


# ------------------------------------------------------------------------------- multiplying out


def expanded(
    program: Program,
    statement: Statement,
    makers: dict[Value, Statement],
    reading: dict[Value, list[Statement]],
) -> Iterator[tuple[str, Statement, Program]]:
    """``(P ± Q) x`` as ``P x ± Q x``, where P or Q is a product and only products read the sum."""
    p, q = statement.operands
    if not sums(p, q) or p.ndim != 2 or not (is_product(p, makers) or is_product(q, makers)):
        return
    total = statement.result
    views = {total: (p, q)}
    users = []
    for reader in reading.get(total, []):
        if reader.op is MT and reader.result not in program.results():
            views[reader.result] = (p, q)
            users += reading.get(reader.result, [])
        else:
            users.append(reader)
    if not users or not all([u.op is MATMUL and len(views.keys() & set(u.reads())) == 1
                             and u.operands[0] is not u.operands[1] for u in users]):  # fmt: skip
        return
    writer = Writer(program)
    for old in program.statements:
        if not any([old is user for user in users]):
            writer.keep(old)
            continue
        terms = []
        for term in (p, q):
            x, y = [
                each if each not in views
                else term if each is total else writer.transpose(term, old)
                for each in old.operands
            ]  # fmt: skip
            terms.append(writer.matmul(x, y, old))
        writer.call(statement.op, terms, old.result.shape, like=old, result=old.result)
    yield f"{total.name} multiplied out", users[0], removed_dead(writer.done())


def is_product(value: Value, makers: dict[Value, Statement]) -> bool:
    """Whether a value is a product, also a transposed or scaled one."""
    maker = makers.get(value)
    while maker is not None and maker.op is MT:
        maker = makers.get(maker.operands[0])
    if maker is None:
        return False
    if maker.op in (MATMUL, OUTER):
        return True
    return any([isinstance(x, Value) and x is not value and x.ndim == value.ndim == 2
                and maker.op.kind in ("mul", "neg", "add", "sub") and is_product(x, makers)
                for x in maker.operands])  # fmt: skip
