"""Dead code: what no output and no update depends on is not computed."""

from __future__ import annotations

from minigrad.compile.program import Program, Value

__all__ = ["remove_dead"]


def remove_dead(program: Program) -> Program:
    """The program without the statements whose results nobody reads; those with effects stay."""
    needed: set[Value] = set(program.results())
    kept = []
    for statement in reversed(program.statements):
        if statement.effect or needed.intersection(statement.results):
            needed.update(statement.reads())
            kept.append(statement)
    gone = len(program.statements) - len(kept)
    if not gone:
        return program
    return program.with_statements(reversed(kept), f"dead code: {gone} statements left out")
