"""Optimizers in a program: what `Optimizer.update` does in place, as statements.

An optimizer's mathematics is written once, with NumPy on flat arrays and ``out=``.  Called with
`Symbol`s in the place of arrays, the same lines write the statements of a program: a symbol that is
written to stands for the new value from then on.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from minigrad.calls import Op, numpy_functions
from minigrad.compile.program import Statement, Value
from minigrad.optim.blocks import Block, Piece
from minigrad.optim.optimizer import Optimizer

__all__ = ["Symbol", "Truth", "number_names", "update_statements"]


@dataclass
class Truth:
    """A number of an optimizer on whose truth the statements depend, and what it was."""

    block: Block
    position: int
    truth: bool


class Symbol:
    """An array of an update: ``np.add(m, g, out=m)`` makes `m` stand for the sum."""

    __array_priority__ = 1000

    def __init__(self, value: Any, emit: Callable[..., Value]) -> None:
        self.value = value
        self.emit = emit

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        (out,) = options.pop("out", (None,))
        if method != "__call__" or options or ufunc not in numpy_functions:
            return NotImplemented
        op: Op = numpy_functions[ufunc]
        operands = [each.value if isinstance(each, Symbol) else each for each in inputs]
        value = self.emit(op, tuple(operands))
        if out is None:
            return Symbol(value, self.emit)
        out.value = value
        return out

    def __setitem__(self, index: Any, value: Any) -> None:
        if index is not Ellipsis:
            raise TypeError("an update writes whole arrays")
        self.value = value.value if isinstance(value, Symbol) else value


class NumberSymbol(Symbol):
    """A number of an update; a branch on its truth is noted."""

    def __init__(self, value: Value, emit: Any, truths: list[Truth], block: Block, i: int) -> None:
        super().__init__(value, emit)
        self.truths, self.block, self.position = truths, block, i

    def __bool__(self) -> bool:
        truth = bool(self.block.numbers[self.position])
        self.truths.append(Truth(self.block, self.position, truth))
        return truth


def number_names(optimizer: Optimizer, count: int) -> list[str]:
    """What `update` calls its numbers: the names in ``lr, momentum = numbers``."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(type(optimizer).update)))
    except (OSError, TypeError, SyntaxError):  # no source, as in an interactive session
        tree = ast.parse("")
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Name)
            and node.value.id == "numbers"
            and isinstance(node.targets[0], ast.Tuple)
        ):
            names = [each.id for each in node.targets[0].elts if isinstance(each, ast.Name)]
            if len(names) == count:
                return names
    return [f"coefficient{i}" for i in range(count)]


def update_statements(
    optimizer: Optimizer,
    block: Block,
    p: Value,
    g: Value,
    state: list[Value],
    numbers: list[Value],
    decay: Value | None,
    truths: list[Truth],
) -> tuple[list[Statement], Value, list[Value]]:
    """The statements of one step on one block: these, the new parameters, the new state.

    p, g, state   flat, or all of the shape of one parameter
    numbers       what `Optimizer.coefficients` returns; `decay` what the weight decay multiplies by
    truths        numbers that the statements depend on are appended
    """
    statements: list[Statement] = []

    def emit(op: Op, operands: tuple[Any, ...]) -> Value:
        like = [each for each in operands if isinstance(each, Value)]
        shape = np.broadcast_shapes(*[each.shape for each in like])
        result = Value("t", shape, np.result_type(*[each.dtype for each in like]))
        statements.append(Statement(op, operands, (), (result,), "update"))
        return result

    scratch = [Symbol(None, emit) for _ in range(2 + optimizer.scratches)]
    change, own, *more = scratch
    parameters = Symbol(p, emit)
    states = [Symbol(each, emit) for each in state]
    symbols = [NumberSymbol(v, emit, truths, block, i) for i, v in enumerate(numbers)]
    fake: Any = SimpleNamespace(
        group=block.group, numbers=symbols, decay=None if decay is None else Symbol(decay, emit)
    )
    piece = Piece(slice(None), change, own, parameters, (*states, *more))
    Block.compute(fake, optimizer, piece, Symbol(g, emit))
    np.subtract(parameters, change, out=parameters)  # type: ignore[call-overload]  # symbols
    return statements, parameters.value, [each.value for each in states]
