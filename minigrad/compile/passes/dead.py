"""Dead code: what no output and no update depends on is not computed, unless it may raise."""

from __future__ import annotations

from minigrad.compile.effects import may_raise
from minigrad.compile.program import Program, Value

__all__ = ["remove_dead"]


def remove_dead(program: Program) -> Program:
    """The program without the statements whose results nobody reads.

    Those with effects stay, and those that raise for some numbers: an inverse that nobody reads
    still raises for a singular matrix.  A pass that puts another call in the place of such a
    statement, one that raises in the same cases, takes the statement out itself.
    """
    needed: set[Value] = set(program.results())
    kept = []
    for statement in reversed(program.statements):
        wanted = statement.effect or needed.intersection(statement.results)
        if wanted or may_raise(statement):
            needed.update(statement.reads())
            kept.append(statement)
    gone = len(program.statements) - len(kept)
    if not gone:
        return program
    return program.with_statements(reversed(kept), f"dead code: {gone} statements left out")
