"""Whether a call does more than return a result: some raise for the numbers that they get.

An inverse that nobody reads still raises for a singular matrix, as it does without the compiler.
That a forward may raise is read off its source, so that it holds for ops of the user's, too.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import lru_cache
from inspect import unwrap
from typing import Any

import numpy as np

from minigrad.calls import Op
from minigrad.compile import emitters
from minigrad.compile.formulas import function_tree
from minigrad.compile.program import Statement, values_in

__all__ = ["may_raise"]

# what ops of the library raise for kinds, shapes and missing packages: these fit, or the traced
# call would have raised
OF_SHAPES = {"TypeError", "ValueError", "ArgumentError", "ImportError"}


def may_raise(statement: Statement) -> bool:
    """Whether a call raises for some numbers, not only for some shapes."""
    if emitters.elementwise_ufunc(statement) is not None:
        return False
    indices = any(value.dtype.kind in "iu" for value in values_in(statement.statics))
    powers = statement.op.kind == "pow" and statement.result.dtype.kind in "iu"
    return indices or powers or forward_may_raise(statement.op)


@lru_cache(maxsize=4096)
def forward_may_raise(op: Op) -> bool:
    """Whether the forward of an op, or what it calls, has a ``raise`` that looks at numbers."""
    return any(raising(function) for function in called(op.forward))


def raising(function: Callable[..., Any]) -> bool:
    """Whether a function raises, or asks LAPACK, which raises for singular matrices."""
    tree = function_tree(function)
    if tree is None:
        return True
    ours = (function.__module__ or "").split(".")[0] == "minigrad"
    return any(raises(node, ours) for node in ast.walk(tree))


def raises(node: ast.AST, ours: bool) -> bool:
    """Whether a node raises for numbers; `ours`: by the rules of this library."""
    if isinstance(node, ast.Raise):
        kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        # None: what NumPy raised, raised again with a note
        return not ours or not (kind is None or ast.unparse(kind) in OF_SHAPES)
    if isinstance(node, ast.Assert):
        return not ours
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("np.linalg.")


def called(forward: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """A function, and those of Python that it refers to, NumPy's and SciPy's left out."""
    waiting, seen = [unwrap(forward)], set()
    while waiting:
        function = waiting.pop()
        if function in seen or not hasattr(function, "__code__"):
            continue
        seen.add(function)
        yield function
        for value in referred_to(function):
            value = getattr(value, "op", value)
            value = unwrap(value.forward if isinstance(value, Op) else value)
            if (getattr(value, "__module__", "") or "").split(".")[0] not in ("numpy", "scipy"):
                waiting.append(value)


def referred_to(function: Callable[..., Any]) -> Iterator[Any]:
    """The functions among the globals and the closure that a function names."""
    code: Any = function.__code__
    named = [function.__globals__.get(name) for name in code.co_names]
    named += [cell.cell_contents for cell in function.__closure__ or () if holds(cell)]
    for value in named:
        if callable(value) and not isinstance(value, (type, np.ufunc)):
            yield value


def holds(cell: Any) -> bool:
    """Whether a cell of a closure has a value already."""
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
