"""Updates of large parameters in pieces that stay in the cache, as `optim.blocks` computes them.

A run of elementwise statements on arrays of one shape reads and writes each entry by itself, so it
may be computed piece by piece; what only the run itself reads needs no more memory than a piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from minigrad.calls import Array
from minigrad.compile import emitters, layout
from minigrad.compile.program import Statement, Value
from minigrad.optim.blocks import SMALL

if TYPE_CHECKING:
    from minigrad.compile.lowering import Lowering

__all__ = ["lower_run", "run_at"]

CHUNK = 32_768  # entries computed at a time: a loop over pieces costs less here than in eager


def wide(statement: Statement) -> list[Value]:
    """The operands that have an entry for each of the result."""
    return [value for value in statement.reads() if value.shape == statement.result.shape]


def fits(statement: Statement) -> bool:
    """Whether a statement can be part of a run."""
    return (
        statement.section == "update"
        and emitters.elementwise_ufunc(statement) is not None
        and statement.result.size > SMALL
        and emitters.same_types(statement)
        and all(v.shape == statement.result.shape or not v.shape for v in statement.reads())
    )


def run_at(statements: Sequence[Statement], start: int) -> int:
    """Where the run ends that begins at `start`; `start` itself if there is none.

    Two parameters one after the other, whose statements have no array in common, are two runs.
    """
    end = start
    while end < len(statements) and fits(statements[end]):
        if statements[end].result.shape != statements[start].result.shape:
            break
        end += 1
    touched = [{*wide(s), s.result} for s in statements[start:end]]
    for cut in range(1, len(touched)):
        if not set().union(*touched[:cut]) & set().union(*touched[cut:]):
            return start + cut
    return end


class Run:
    """A run on its way to text: ``for m, p, g in pieces: ...``.

    whole    names in the loop, and the arrays that they are pieces of
    scratch  names in the loop of what exists for a piece only, and its memory
    """

    def __init__(self, lowering: Lowering, shape: tuple[int, ...], order: tuple[int, ...]) -> None:
        self.lowering, self.shape, self.order = lowering, shape, order
        self.whole: dict[str, Array] = {}
        self.by_memory: dict[int, str] = {}
        self.names: dict[Value, str] = {}
        self.scratch: dict[str, Array] = {}
        self.free: list[str] = []

    def flat(self, array: Array) -> Array:
        return array.transpose(self.order).reshape(-1)

    def name_whole(self, value: Value, array: Array) -> None:
        """The name in the loop of a value in known memory."""
        address = array.__array_interface__["data"][0]
        if address not in self.by_memory:
            self.by_memory[address] = self.lowering.unused(value.name)
            self.whole[self.by_memory[address]] = array
        self.names[value] = self.by_memory[address]

    def name_scratch(self, value: Value, size: int) -> None:
        """The name in the loop of a value that only a piece needs."""
        fitting = [n for n in self.free if self.scratch[n].dtype == value.dtype]
        if fitting:
            self.free.remove(fitting[0])
            self.names[value] = fitting[0]
            return
        name = self.names[value] = self.lowering.unused(value.name)
        self.scratch[name] = self.lowering.scratch(len(self.scratch), size, value.dtype)

    def pieces(self, size: int, step: int) -> Iterator[tuple[Array, ...]]:
        flats = [self.flat(array) for array in self.whole.values()]
        for start in range(0, size, step):
            length = min(step, size - start)
            yield (
                *[flat[start : start + length] for flat in flats],
                *[array[:length] for array in self.scratch.values()],
            )


def common_order(lowering: Lowering, statements: Sequence[Statement]) -> Any:
    """The order of the axes in the memory of all arrays of a run; None if they differ."""
    order = None
    inside = {statement.result for statement in statements}
    values = {v for s in statements for v in wide(s)} - inside
    arrays = [lowering.array(value) for value in values]
    arrays += [lowering.target[value][0] for value in inside if value in lowering.target]
    for array in arrays:
        if array is None or array.shape != statements[0].result.shape:
            return None
        own = layout.memory_order(array)
        if not array.transpose(own).flags.c_contiguous or order not in (None, own):
            return None
        order = own
    return order


def lower_run(lowering: Lowering, start: int, end: int) -> bool:
    """Write the statements from `start` to `end` as a loop over pieces; False if it cannot be."""
    statements = lowering.program.statements[start:end]
    order = common_order(lowering, statements)
    scalars = [v for s in statements for v in s.reads() if not v.shape]
    if order is None or any(value not in lowering.arrays for value in scalars):
        return False
    if not all(can_place(lowering, s.result, start + i, end) for i, s in enumerate(statements)):
        return False
    size = statements[0].result.size
    step = min(CHUNK, size)
    run = Run(lowering, statements[0].result.shape, order)
    lines = []
    for i, statement in enumerate(statements):
        lowering.index = start + i
        for value in wide(statement):
            if value not in run.names:
                run.name_whole(value, lowering.arrays[value])
        texts = [
            run.names[each] if isinstance(each, Value) and each.shape else lowering.text(each)
            for each in (*statement.operands, *statement.statics)
        ]
        result = statement.result
        for value in dict.fromkeys(wide(statement)):
            if lowering.is_last(value) and run.names[value] in run.scratch:
                run.free.append(run.names[value])
        if result in lowering.target:
            run.name_whole(result, lowering.put(result, *lowering.target[result]))
        else:
            run.name_scratch(result, step)
        ufunc = emitters.elementwise_ufunc(statement)
        name = lowering.bind(ufunc, ufunc.__name__)
        lines.append(f"    {name}({', '.join(texts)}, out={run.names[result]})")
    loop = [*run.whole, *run.scratch]
    pieces = lowering.bind(list(run.pieces(size, step)), "pieces")
    lowering.emit(f"for {', '.join(loop)}{',' * (len(loop) == 1)} in {pieces}:")
    for line in lines:
        lowering.emit(line)
    return True


def can_place(lowering: Lowering, result: Value, index: int, end: int) -> bool:
    """Whether a result has memory to be written to: its own place, or it ends with the run."""
    root = lowering.root.get(result, result)
    if root in lowering.fresh or root in lowering.lasting or result.dtype.kind != "f":
        return False
    if result not in lowering.target:
        return lowering.last.get(root, end) < end
    array, memory = lowering.target[result]
    if array.dtype != result.dtype:
        return False
    holder = memory.holder
    return holder is None or lowering.last.get(holder, -1) <= index
