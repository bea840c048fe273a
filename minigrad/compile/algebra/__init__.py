"""What every student of linear algebra would do to a program, pass by pass.

Each pass is a function from programs to programs; what it did stands in the program's notes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minigrad.compile.algebra.canonical import canonical
from minigrad.compile.algebra.distributive import distributed
from minigrad.compile.algebra.inverses import without_inverses
from minigrad.compile.algebra.ordering import ordered
from minigrad.compile.algebra.partial import partial
from minigrad.compile.algebra.rewriting import MATMUL, program_time, removed_dead
from minigrad.compile.algebra.sharing import shared
from minigrad.compile.algebra.sparse import sparse
from minigrad.compile.algebra.structured import structured
from minigrad.compile.program import Program

__all__ = ["PASSES", "simplified"]

Pass = Callable[[Program], Program]
PASSES: tuple[Pass, ...] = (
    canonical, shared, ordered, partial, sparse, shared, distributed, ordered, partial, shared,
    without_inverses, structured, shared, canonical,
)  # fmt: skip


def simplified(program: Program) -> Program:
    """The program with its linear algebra done at the least cost.

    Results agree to rounding.  A program that the passes do not make cheaper stays as it is.
    """
    if not applies(program):
        return program
    better = program
    for each in PASSES:
        better = each(better)
    better = removed_dead(better)
    return better if program_time(better) < program_time(program) else program


def applies(program: Program) -> bool:
    """Whether there is linear algebra in a program, in floating-point numbers."""
    names = {"inv", "solve", "trace", "diagonal", "getitem", "linear", "outer", "mT", "T", "t"}
    return any([
        (s.op is MATMUL or s.op.kind in names) and np.issubdtype(s.results[0].dtype, np.floating)
        for s in program.statements
    ])  # fmt: skip
