"""Whether two traced calls computed the same: what a program takes for constant must be so.

Numbers that a function reads from its tensors and calculates with outside of ops leave no trace.
They stand in the program as constants; a second call with other numbers shows them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.compile.captured import Captured
from minigrad.compile.program import Statement, Value
from minigrad.memory import owner_of

__all__ = ["difference"]


def difference(first: Captured, second: Captured) -> str | None:
    """What differs between two calls besides the numbers of inputs, parameters and state."""
    one, two = first.program, second.program
    if len(one.statements) != len(two.statements):
        return "the number of calls of ops differs from call to call"
    steps = [[id(step.optimizer) for step in each.afterwards] for each in (first, second)]
    if steps[0] != steps[1]:
        return "optimizers step at one call, and do not at another"
    lasting = [*second.written, *[owner_of(v.array) for v in two.values() if v.kind == "state"]]
    if any(array is other for array in first.written for other in lasting):
        return (
            "a tensor that outlives the call is changed in place, and nothing leads to it from the "
            "function: make it before the first call, or pass it as an argument"
        )
    numbers: dict[Value, Value] = dict(zip(one.inputs, two.inputs))
    for a, b in zip(one.statements, two.statements):
        text = statement_difference(a, b, numbers)
        if text is not None:
            where = f" ({place(a)})" if a.line else ""
            return text + where
        numbers.update(zip(a.results, b.results))
    for left, right in zip(first.outputs, second.outputs):
        if isinstance(left, tuple) and not equal(left[0], right[0]):
            return (
                "the function returns a number that it read from a tensor (item(), float()); "
                "return the tensor"
            )
    for x, y in zip(one.results(), two.results()):
        text = value_difference(x, y, numbers)
        if text is not None:
            return text
    return None


def statement_difference(a: Statement, b: Statement, numbers: dict[Value, Value]) -> str | None:
    if a.op is not b.op:
        return f"{a.op.name} was called where {b.op.name} was called later"
    if [value.shape for value in a.results] != [value.shape for value in b.results]:
        return f"{a.op.name}: the shape of the result depends on numbers"
    return argument_difference((a.operands, a.statics), (b.operands, b.statics), numbers, a)


def argument_difference(x: Any, y: Any, numbers: dict[Value, Value], a: Statement) -> str | None:
    if isinstance(x, Value) and isinstance(y, Value):
        return value_difference(x, y, numbers)
    if isinstance(x, (tuple, list)) and isinstance(y, (tuple, list)) and len(x) == len(y):
        for left, right in zip(x, y):
            text = argument_difference(left, right, numbers, a)
            if text is not None:
                return text
        return None
    if isinstance(x, slice) and isinstance(y, slice):
        left, right = [(s.start, s.stop, s.step) for s in (x, y)]
        return argument_difference(left, right, numbers, a)
    if not equal(x, y):
        return f"{a.op.name} is given {x!r}, and {y!r} at the next call"
    return None


def value_difference(x: Value, y: Value, numbers: dict[Value, Value]) -> str | None:
    known = numbers.setdefault(x, y)
    if known is y:
        if x.kind == "constant" and not equal(x.array, y.array):
            return (
                f"an array of shape {x.shape} is computed from numbers outside of ops, and differs "
                "from call to call: compute it with mg's functions, or pass it as an argument"
            )
        return None
    if known.kind == y.kind == "constant" and equal(known.array, y.array):
        return None
    return f"{x.name} stands for different arrays"


def equal(x: Any, y: Any) -> bool:
    """Whether two plain values are the same, NaN included."""
    if isinstance(x, np.ndarray) or isinstance(y, np.ndarray):
        same_shape = np.shape(x) == np.shape(y)
        return same_shape and bool(np.all((np.asarray(x) == y) | ((x != x) & (y != y))))
    if type(x) is not type(y):
        return False
    try:
        return bool(x == y) or x is y or (x != x and y != y)
    except Exception:
        return x is y


def place(statement: Statement) -> str:
    file, _, line = statement.line.rpartition(":")
    return f"{file.rsplit('/', 1)[-1]}, line {line}"
