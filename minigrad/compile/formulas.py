"""Ops as formulas: the expression of a call in the names of the program.

Most forwards are one expression: it is taken from the op's own source, with the program's names in
the place of the arguments.  A table has what reads better another way.  Any other forward becomes a
helper function above the program.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.calls import Op
from minigrad.compile import emitters, layout
from minigrad.compile.program import Statement, Value, values_in
from minigrad.ops import products, reduction, selection, shaping
from minigrad.primitive import op_of

__all__ = ["expression", "function_tree", "parsed", "single_return"]

TABLE: dict[Op, str] = {
    op_of(products.linear): "{0} @ {1}.T + {2}",
    op_of(products.matmul): "{0} @ {1}",
    op_of(selection.relu): "np.maximum({0}, 0)",
    op_of(selection._where): "np.where({2}, {0}, {1})",
    op_of(shaping.T): "{0}.T",
    op_of(shaping.mT): "{0}.mT",
}
INFIX = {
    np.add: "{0} + {1}", np.subtract: "{0} - {1}", np.multiply: "{0} * {1}",
    np.divide: "{0} / {1}", np.negative: "-{0}", np.square: "{0} * {0}",
    np.greater: "{0} > {1}", np.less: "{0} < {1}", np.greater_equal: "{0} >= {1}",
    np.less_equal: "{0} <= {1}", np.equal: "{0} == {1}", np.not_equal: "{0} != {1}",
}  # fmt: skip


def parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class Substitution(ast.NodeTransformer):
    """Names replaced by expressions."""

    def __init__(self, names: dict[str, ast.expr]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.names.get(node.id, node)


def filled(template: str, arguments: list[ast.expr]) -> ast.expr:
    """A template with expressions in its places; ``ast.unparse`` sets the parentheses."""
    names = {f"_{i}": argument for i, argument in enumerate(arguments)}
    tree = parsed(template.format(*names))
    return Substitution(names).visit(tree)


@lru_cache(maxsize=512)
def function_tree(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """The definition of a function, without decorators, docstring and annotations."""
    if function.__name__ == "<lambda>":
        return lambda_tree(function)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
    if not isinstance(tree, ast.FunctionDef):
        return None
    tree.decorator_list = []
    tree.returns = None
    arguments = tree.args
    for argument in [*arguments.args, *arguments.kwonlyargs, arguments.vararg]:
        if argument is not None:
            argument.annotation = None
    first = tree.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and tree.body[1:]:
        tree.body = tree.body[1:]
    return tree


def lambda_tree(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """The same of a lambda, if it is the only one with its arguments on its line."""
    code = function.__code__
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except SyntaxError:
        return None
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        and node.lineno == code.co_firstlineno
        and [each.arg for each in node.args.args] == list(code.co_varnames[: code.co_argcount])
    ]
    if len(found) != 1:
        return None
    definition: Any = ast.parse("def function(): return 0").body[0]
    definition.args, definition.body[0].value = found[0].args, found[0].body
    return definition


def single_return(op: Op) -> ast.expr | None:
    """The expression that a forward returns, if that is all it does, and with NumPy alone."""
    tree = function_tree(op.forward)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Return):
        return None
    value = tree.body[0].value
    if value is None or op.varargs:
        return None
    names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    return value if names <= {"np", "len", "abs", *op.arguments} else None


def argument(value: Any, ref: Callable[[Value], ast.expr], bind: Callable[[Any], str]) -> ast.expr:
    """An argument of a call as an expression."""
    if isinstance(value, Value):
        return ref(value)
    if isinstance(value, tuple):
        parts = [argument(each, ref, bind) for each in value]
        if hasattr(value, "_fields"):
            return ast.Call(ast.Name(bind(type(value)), ast.Load()), parts, [])
        return ast.Tuple(parts, ast.Load())
    if isinstance(value, list):
        return ast.List([argument(each, ref, bind) for each in value], ast.Load())
    if isinstance(value, slice):
        parts = [argument(x, ref, bind) for x in (value.start, value.stop, value.step)]
        return ast.Call(ast.Name("slice", ast.Load()), parts, [])
    if isinstance(value, np.dtype):
        return parsed(f"np.{value.name}")
    if isinstance(value, type) and issubclass(value, np.generic):
        return parsed(f"np.{value.__name__}")
    if isinstance(value, (bool, int, str, type(None), type(Ellipsis))):
        return ast.Constant(value)
    if isinstance(value, float):
        return parsed(repr(value)) if np.isfinite(value) else parsed(f"float('{value}')")
    return ast.Name(bind(value), ast.Load())


def index_text(value: Any, ref: Callable[[Value], ast.expr]) -> str | None:
    """A basic index as it is written: ``:, 0``."""
    parts = value if isinstance(value, tuple) else (value,)
    texts = []
    for part in parts:
        if isinstance(part, slice):
            if list(values_in(part)):
                return None
            start, stop, step = ["" if x is None else str(x) for x in
                                 (part.start, part.stop, part.step)]  # fmt: skip
            texts.append(f"{start}:{stop}" + (f":{step}" if step else ""))
        elif isinstance(part, Value):
            texts.append(ast.unparse(ref(part)))
        elif part is None or isinstance(part, (int, np.integer)):
            texts.append(str(part))
        elif part is Ellipsis:
            texts.append("...")
        else:
            return None
    return ", ".join(texts) or "()"


def expression(
    statement: Statement, ref: Callable[[Value], ast.expr], bind: Callable[[Any], str]
) -> ast.expr | None:
    """The formula of a call with one result; None if it needs a helper function.

    ref    value -> its name, or the formula that stands in its place
    bind   an object that cannot be written -> a name for it
    """
    op = statement.op
    given = (*statement.operands, *statement.statics)
    if len(statement.results) != 1 or op.keep:
        return None
    if op.kind == "getitem":
        inside = index_text(statement.statics[0], ref)
        if inside is not None:
            return filled("{0}[" + inside + "]", [ref(statement.operands[0])])
    if op is layout.FLAT:
        return flat_expression(statement, ref)
    if op is op_of(reduction.sum):
        return reduced("sum", statement, ref)
    if op is op_of(reduction.mean):
        return reduced("mean", statement, ref)
    if op is op_of(shaping.reshape):
        sizes = ", ".join(map(str, statement.result.shape)) or "()"
        return filled("{0}.reshape(" + sizes + ")",
                      [ref(statement.operands[0])])  # fmt: skip
    arguments = [argument(each, ref, bind) for each in given]
    if op is op_of(products.linear) and given[2] is None:
        return filled("{0} @ {1}.T", arguments)
    ufunc = emitters.elementwise_ufunc(statement)
    if op is op_of(products.matmul) and is_ones(given[1]):
        return row_sums(arguments[0])
    if op in TABLE:
        return filled(TABLE[op], arguments)
    if ufunc in INFIX:
        return filled(INFIX[ufunc], arguments)
    if ufunc is not None:
        places = ", ".join([f"{{{i}}}" for i in range(len(arguments))])
        return filled(f"np.{ufunc.__name__}({places})", arguments)
    value = single_return(op)
    if value is None:
        return None
    names = dict(zip(op.arguments, arguments))
    copy = ast.parse(ast.unparse(value), mode="eval").body
    return Substitution(names).visit(copy)


def is_ones(value: Any) -> bool:
    """Whether an operand is a vector of ones, known at compile time."""
    return (
        isinstance(value, Value)
        and value.kind == "constant"
        and value.ndim == 1
        and value.array is not None
        and bool((value.array == 1).all())
    )


def row_sums(x: ast.expr) -> ast.expr:
    """A product with ones, as the sum that it is."""
    if isinstance(x, ast.Attribute) and x.attr == "T":
        return filled("{0}.sum(0)", [x.value])
    return filled("{0}.sum(-1)", [x])


def cross_entropy_lines(
    statement: Statement, ref: Callable[[Value], ast.expr], slope_used: bool
) -> list[str]:
    """The loss, and its gradient, as formulas."""
    loss, slope = statement.results
    x, target = [ast.unparse(ref(v)) for v in (statement.operands[0], statement.statics[0])]
    n, c = statement.operands[0].shape
    dtype = statement.operands[0].dtype
    lines = [
        f"shifted = {x} - {x}.max(1, keepdims=True)  # {(n, c)}",
        f"total = np.exp(shifted).sum(1, keepdims=True)  # {(n, 1)}",
        f"{loss.name} = np.mean(np.log(total[:, 0]) - shifted[np.arange({n}), {target}])",
    ]
    if slope_used:
        one_hot = f"np.eye({c}, dtype=np.{dtype.name})[{target}]"
        lines.append(f"{slope.name} = (np.exp(shifted) / total - {one_hot}) / {n}  # {(n, c)}")
    return lines


def reduced(name: str, statement: Statement, ref: Callable[[Value], ast.expr]) -> ast.expr:
    """``x.sum(0)``, ``x.mean((0, 2), keepdims=True)``."""
    dim, keepdim, dtype = statement.statics
    parts = [] if dim is None or dim == () else [repr(tuple(dim) if isinstance(dim, list) else dim)]
    if keepdim:
        parts.append("keepdims=True")
    if dtype is not None:
        parts.append(f"dtype=np.{np.dtype(dtype).name}")
    return filled("{0}." + f"{name}({', '.join(parts)})", [ref(statement.operands[0])])


def flat_expression(statement: Statement, ref: Callable[[Value], ast.expr]) -> ast.expr:
    """Arrays side by side, each in the order of its parameter's memory."""
    parts = []
    for value, order in zip(statement.operands[0], statement.statics[0]):
        if value.ndim <= 1:
            text = "{0}"
        elif order == tuple(range(value.ndim)):
            text = "{0}.ravel()"
        elif order == tuple(range(value.ndim))[::-1]:
            text = "{0}.T.ravel()"
        else:
            text = "{0}.transpose(" + ", ".join(map(str, order)) + ").ravel()"
        parts.append(filled(text, [ref(value)]))
    return ast.Call(parsed("np.concatenate"), [ast.List(parts, ast.Load())], [])
