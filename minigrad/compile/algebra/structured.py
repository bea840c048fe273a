"""Products and systems with matrices that have structure.

The structure of a constant is found once, when the program is compiled; that of ``diag(d)``,
``tril(A)`` and ``triu(A)`` follows from the op.  A constant matrix of a system is decomposed once.

Where a factor is zero its partner's entry is not read.  So an infinite entry or NaN there, times
zero, does not become the NaN that it is in the full product; `explain` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.compile.algebra import kernels
from minigrad.compile.algebra.rewriting import (
    MATMUL,
    MT,
    Writer,
    note,
    op_of,
    removed_dead,
    statement_cost,
    transposes_of,
)
from minigrad.compile.algebra.structure import SMALLEST, Structure, structure_of
from minigrad.compile.program import Program, Statement, Value

__all__ = ["structured"]

CLONE = op_of(ops.clone)
GETITEM = op_of(ops.indexing._getitem)
ZEROS = "may round differently; a zero is not multiplied, not even by inf or NaN"


@dataclass(frozen=True)
class Found:
    """A matrix with structure, and the diagonal that it is made of, if it is.

    transposed   the structure is that of the transpose of the value that stands in the program
    """

    value: Value
    structure: Structure
    transposed: bool
    diagonal: Value | None = None


def structured(program: Program) -> Program:
    """The program with products and systems that use structure, where that takes less time."""
    rewriting = Rewriting(program)
    for statement in program.statements:
        rewriting.statement(statement)
    if not rewriting.notes:
        return program
    return removed_dead(rewriting.writer.done(*rewriting.notes).substituted(rewriting.same))


class Rewriting:
    """One pass over a program."""

    def __init__(self, program: Program) -> None:
        self.writer = Writer(program)
        self.makers = program.makers()
        self.transposes = transposes_of(program)
        self.results = set(program.results())
        self.notes: list[str] = []
        self.same: dict[Value, Value] = {}
        self.constants: dict[tuple[int, str], Value] = {}
        self.found: dict[Value, Found | None] = {}

    def statement(self, old: Statement) -> None:
        """Write a statement, or what it is replaced by."""
        start, before = len(self.writer.statements), statement_cost(old, self.transposes)
        if not self.replaced(old.substituted(self.same)):
            self.writer.keep(old)
            return
        written = self.writer.statements[start:]
        after = [statement_cost(s, self.writer.transposes) for s in written]
        if sum([time for _, time in after]) >= before[1]:
            del self.writer.statements[start:]
            self.same.pop(old.results[0], None)
            self.forget_views()
            self.writer.keep(old)
            return
        self.notes.append(
            note(old, self.what, before[0], sum([flops for flops, _ in after]), ZEROS)
        )

    def forget_views(self) -> None:
        """Forget transposes whose statements were taken back."""
        present = {value for s in self.writer.statements for value in s.results}
        views = self.writer.transposes
        self.writer.transposes = {
            a: b for a, b in views.items()
            if all([v in present or v not in self.writer.made for v in (a, b)])
        }  # fmt: skip

    def replaced(self, old: Statement) -> bool:
        """Write a product or system with structure; whether this is one."""
        if old.op is MATMUL:
            x, y = old.operands
            if not (isinstance(x, Value) and isinstance(y, Value)) or max(x.ndim, y.ndim) > 2:
                return False
            for left in (True, False):
                matrix, other = (x, y) if left else (y, x)
                found = self.structure(matrix)
                if found is not None and self.product(old, found, other, left):
                    return True
        if old.op is kernels.SOLUTION:
            return self.system(old, old.operands[0], old.operands[1], old.result)
        if old.op.kind == "solve" and old.operands[0][0].ndim == old.operands[0][1].ndim == 2:
            return self.system(old, old.operands[0][0], old.operands[0][1], old.result)
        return False

    # ------------------------------------------------------------------------- finding structure

    def structure(self, value: Value) -> Found | None:
        """The structure of a matrix, or None."""
        if value not in self.found:
            self.found[value] = self.look(value)
        return self.found[value]

    def look(self, value: Value) -> Found | None:
        if value.ndim != 2 or value.shape[0] != value.shape[1] or value.shape[0] < SMALLEST:
            return None
        if value.kind == "constant":
            assert value.array is not None
            kind = structure_of(value.array)
            return None if kind is None else Found(value, kind, False)
        maker = self.makers.get(value)
        if maker is None:
            return None
        if maker.op is MT:
            found = self.structure(maker.operands[0])
            if found is None:
                return None
            return Found(found.value, found.structure, not found.transposed, found.diagonal)
        name = maker.op.kind
        if name == "diagonal_into" and maker.statics[1:] in ((0, 0, 1), (0, -2, -1)):
            share = Structure("diagonal", 1 / value.shape[0])
            return Found(value, share, False, maker.operands[0])
        if name in ("tril", "triu") and maker.statics == (0,):
            return Found(value, Structure({"tril": "lower", "triu": "upper"}[name], 0.5), False)
        return None

    def constant(self, origin: Value, what: str, array: Any) -> Value:
        """A new constant, made of the numbers of another; each once."""
        key = (id(origin), what)
        if key not in self.constants:
            name = self.writer.name(f"{origin.name}_{what}")
            array = np.ascontiguousarray(array)
            self.constants[key] = Value(name, array.shape, array.dtype, "constant", array)
        return self.constants[key]

    # ---------------------------------------------------------------------------------- products

    def product(self, old: Statement, found: Found, other: Value, left: bool) -> bool:
        """Write a product whose left or right factor has structure."""
        kind, matrix = found.structure.kind, found.value
        if kind == "symmetric":
            return False
        self.what = f"{matrix.name} is {found.structure}"
        if kind == "identity":
            if old.result in self.results or other.kind != "temporary":
                self.writer.call(CLONE, [other], other.shape, like=old, result=old.result)
            else:
                self.same[old.result] = other
            return True
        if kind == "diagonal":
            d = found.diagonal
            if d is None:
                d = self.constant(matrix, "diagonal", np.diagonal(numbers_of(matrix)))
            op, pair = (kernels.DIAGONAL, [d, other]) if left else (kernels.COLUMNS, [other, d])
            self.writer.call(op, pair, other.shape, like=old, result=old.result)
            return True
        if kind == "permutation":
            return self.permuted(old, found, other, left)
        flag = found.transposed != (not left)  # a product from the right is one of the transposes
        right = other if left else self.writer.transpose(other, old)
        op, statics = kernel_of(found.structure, flag)
        if matrix.kind == "constant":
            a = self.constant(matrix, "T", numbers_of(matrix).T) if flag else matrix
        else:
            a = self.writer.transpose(matrix, old) if flag else matrix
        self.finish(old, op, [a, right], statics, left)
        return True

    def permuted(self, old: Statement, found: Found, other: Value, left: bool) -> bool:
        """A permutation of the rows or columns of the other factor."""
        assert found.value.array is not None
        numbers = found.value.array.T if found.transposed else found.value.array
        order = np.argmax(numbers, 1 if left else 0)
        index = (slice(None), order) if not left and other.ndim == 2 else (order,)
        self.writer.call(GETITEM, [other], other.shape, like=old, statics=(index,),
                         result=old.result)  # fmt: skip
        return True

    def finish(
        self, old: Statement, op: Any, operands: list[Value], statics: tuple[Any, ...], left: bool
    ) -> None:
        """The statement of the result; of a product from the right, of its transpose."""
        shape = old.result.shape
        if left or len(shape) < 2:
            self.writer.call(op, operands, shape, like=old, statics=statics, result=old.result)
            return
        part = self.writer.call(op, operands, shape[::-1], like=old, statics=statics)
        self.writer.call(MT, [part], shape, like=old, result=old.result)

    # ----------------------------------------------------------------------------------- systems

    def system(self, old: Statement, a: Value, b: Value, result: Value) -> bool:
        """Write a system whose matrix has structure, or is constant."""
        found = self.structure(a)
        if found is not None:
            kind, flag = found.structure.kind, found.transposed
            self.what = f"{found.value.name} is {found.structure}"
            if kind == "diagonal" and found.value.kind == "constant":
                numbers = np.diagonal(numbers_of(found.value))
                if np.all(numbers != 0) and np.all(np.isfinite(1 / numbers)):
                    d = self.constant(found.value, "reciprocals", 1 / numbers)
                    self.writer.call(
                        kernels.DIAGONAL, [d, b], result.shape, like=old, result=result
                    )
                    return True
            if kind == "identity":
                self.writer.call(CLONE, [b], result.shape, like=old, result=result)
                return True
            if kind == "permutation":  # the inverse is the transpose
                turned = Found(found.value, found.structure, not flag)
                return self.permuted(old, turned, b, True)
            if kind in ("lower", "upper", "banded", "block diagonal") and self.regular(found):
                op, statics = system_of(found.structure, flag)
                if op is not None:
                    matrix = found.value
                    if flag and matrix.kind == "constant":
                        matrix = self.constant(matrix, "T", numbers_of(matrix).T)
                    elif flag:
                        matrix = self.writer.transpose(matrix, old)
                    self.writer.call(op, [matrix, b], result.shape, like=old, statics=statics,
                                     result=result)  # fmt: skip
                    return True
        maker = self.makers.get(a)
        flag = maker is not None and maker.op is MT
        a = maker.operands[0] if maker is not None and flag else a
        if a.kind == "constant" and kernels.HAS_SCIPY and a.dtype in (np.float32, np.float64):
            return self.decomposed(old, a, flag, b, result)
        return False

    def regular(self, found: Found) -> bool:
        """Whether a matrix is known to be regular; LAPACK's triangular solution does not look."""
        if found.structure.kind not in ("lower", "upper"):
            return True  # their solution raises itself
        array = found.value.array
        return (
            array is not None
            and found.value.kind == "constant"
            and bool(np.all(np.diagonal(array)))
        )

    def decomposed(self, old: Statement, a: Value, flag: bool, b: Value, result: Value) -> bool:
        """A system of a constant matrix, or its transpose, by its decomposition, made now."""
        try:
            lu, pivots = kernels.decomposition(a.array)
        except np.linalg.LinAlgError:  # the program raises when it runs, as without the rewriting
            return False
        factors = [self.constant(a, "lu", lu), self.constant(a, "pivots", pivots)]
        self.what = f"{a.name} is constant, and decomposed when the program is compiled"
        self.writer.call(kernels.FACTORED, [*factors, b], result.shape, like=old,
                         statics=(flag,), result=result)  # fmt: skip
        return True


def numbers_of(constant: Value) -> Any:
    """The numbers of a constant."""
    assert constant.array is not None
    return constant.array


def kernel_of(structure: Structure, flag: bool) -> tuple[Any, tuple[Any, ...]]:
    """The op of a product with such a matrix, or with its transpose, and its statics."""
    if structure.kind == "banded":
        width = (structure.below, structure.above)
        return kernels.BANDED, width[::-1] if flag else width
    if structure.kind == "block diagonal":
        return kernels.BLOCKS, (structure.blocks,)
    return kernels.TRIANGULAR, ((structure.kind == "lower") != flag,)


def system_of(structure: Structure, flag: bool) -> tuple[Any, tuple[Any, ...]]:
    """The op of a system with such a matrix, or with its transpose; None without SciPy."""
    if structure.kind == "block diagonal":
        return kernels.BLOCKS_SYSTEM, (structure.blocks,)
    if not kernels.HAS_SCIPY:
        return None, ()
    if structure.kind == "banded":
        width = (structure.below, structure.above)
        return kernels.BANDED_SYSTEM, width[::-1] if flag else width
    return kernels.TRIANGULAR_SYSTEM, ((structure.kind == "lower") != flag,)
