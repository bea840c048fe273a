"""Functions that a program calls, as text that needs NumPy alone."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.calls import Op
from minigrad.compile.formulas import function_tree

__all__ = ["Helpers"]


class Helpers:
    """The functions that were asked for, and what they refer to, in an order that runs.

    imports   ``import`` lines that the functions need
    texts     name -> definition
    """

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.texts: dict[str, str] = {}
        self.names: dict[int, str] = {}

    def forward(self, op: Op) -> str:
        """The name of the function that is the forward of an op."""
        return self.function(op.forward, op.name)

    def function(self, function: Any, wanted: str | None = None) -> str:
        """The name of a function, defined here with all that it refers to."""
        if id(function) in self.names:
            return self.names[id(function)]
        name = wanted or function.__name__.lstrip("_")
        while name in self.texts or name in ("np", "step", "main"):
            name += "_"
        self.names[id(function)] = name
        tree = function_tree(inspect.unwrap(function))
        if tree is None:
            raise TypeError(f"{name}: its source is not to be had, so it cannot be written down")
        self.texts[name] = ""  # taken; filled below, after what it refers to
        copied = ast.parse(ast.unparse(tree)).body[0]
        assert isinstance(copied, ast.FunctionDef)
        tree = copied
        tree.name = name
        renamed = self.referred_to(function, tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in renamed:
                node.id = renamed[node.id]
        del self.texts[name]
        self.texts[name] = ast.unparse(tree)
        return name

    def referred_to(self, function: Any, tree: ast.FunctionDef) -> dict[str, str]:
        """Define what a function refers to; under which names."""
        plain = inspect.unwrap(function)
        own = {arg.arg for node in ast.walk(tree) if isinstance(node, ast.arguments)
               for arg in [*node.args, *node.kwonlyargs, *filter(None, [node.vararg])]}  # fmt: skip
        renamed = {}
        for name in sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - own):
            if name in plain.__globals__:
                renamed[name] = self.define(name, plain.__globals__[name])
            elif plain.__closure__ and name in plain.__code__.co_freevars:
                cell = plain.__closure__[plain.__code__.co_freevars.index(name)]
                renamed[name] = self.define(name, cell.cell_contents)
        return renamed

    def define(self, name: str, value: Any) -> str:
        """Make a global of a helper known in the text."""
        if isinstance(value, types.ModuleType):
            line = f"import {value.__name__}"
            self.imports.add("import numpy as np" if value is np else
                             line if value.__name__ == name else f"{line} as {name}")  # fmt: skip
            return name
        op = getattr(value, "op", None)
        if isinstance(op, Op):
            return self.op_function(op)
        if isinstance(value, types.FunctionType) or hasattr(value, "__wrapped__"):
            return self.wrapped(value)
        if isinstance(value, type) and hasattr(value, "_fields"):
            self.imports.add("from collections import namedtuple")
            self.texts.setdefault(name, f"{name} = namedtuple({name!r}, {list(value._fields)!r})")
            return name
        if isinstance(value, (bool, int, float, str, tuple, frozenset, set, type(None))):
            self.texts.setdefault(name, f"{name} = {literal(value)}")
            return name
        text = named_in_numpy(value)
        if text is not None:
            self.texts.setdefault(name, f"{name} = {text}")
            return name
        if isinstance(value, (types.BuiltinFunctionType, type)) and value.__module__ != "builtins":
            root = value.__module__.split(".")[0]
            if root == "minigrad":
                self.texts.setdefault(name, f"class {name}{bases_of(value)}:\n    pass")
            else:
                self.imports.add(f"from {value.__module__} import {value.__name__} as {name}")
            return name
        self.texts.setdefault(name, f"{name} = None  # of no use outside minigrad")
        return name

    def wrapped(self, value: Any) -> str:
        """A function, without its cache if it has one."""
        function: Callable[..., Any] = value
        return self.function(function, value.__name__.lstrip("_"))

    def op_function(self, op: Op) -> str:
        """An op that a helper calls: on arrays it is its forward, without what it keeps."""
        name = self.forward(op)
        if op.keep:
            alone = f"{name}_alone"
            self.texts.setdefault(
                alone, f"def {alone}(*arguments):\n    return {name}(*arguments)[0]"
            )
            return alone
        return name

    def text(self) -> str:
        return "\n\n\n".join(self.texts.values())


def literal(value: Any) -> str:
    """A constant as Python reads it, types in sets and tuples by their names."""
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, (set, frozenset)):
        inner = ", ".join(sorted(map(literal, value)))
        return f"{{{inner}}}" if value else "set()"
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
    return repr(value)


def bases_of(value: Any) -> str:
    """The bases of an error class, so that it can be raised; nothing for others."""
    if not (isinstance(value, type) and issubclass(value, Exception)):
        return ""
    names = [named_in_numpy(base) or base.__name__ for base in value.__bases__]
    return f"({', '.join(names)})"


def named_in_numpy(value: Any) -> str | None:
    """How NumPy itself names a function: ``np.exp``, ``np.add.reduce``."""
    name = getattr(value, "__name__", None)
    owner = getattr(value, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{name}"
    if name and getattr(np, name, None) is value:
        return f"np.{name}"
    if name and getattr(np.linalg, name, None) is value:
        return f"np.linalg.{name}"
    return None
