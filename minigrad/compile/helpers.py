"""Functions that a program calls, as text that needs NumPy alone."""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad import random
from minigrad.backward import by_engine
from minigrad.calls import Op
from minigrad.compile.formulas import function_tree

__all__ = ["Helpers"]


class Helpers:
    """The functions that were asked for, and what they refer to, in an order that runs.

    imports   ``import`` lines that the functions need
    texts     name -> definition
    by_engine names of those that are no formula: they differentiate
    taken     names of the program's values: a function of that name would be hidden by its result
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = {"np", "step", "main", *taken}
        self.by_engine: list[str] = []
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
        while name in self.texts or name in self.taken:
            name += "_of"
        self.names[id(function)] = name
        if function in by_engine:
            self.by_engine.append(name)
            self.texts[name] = (
                f"def {name}(arrays, form):\n    ...  # minigrad's engine computes it"
            )
            return name
        tree = own_tree(function)
        self.texts[name] = ""  # taken; filled below, after what it refers to
        tree.name = name
        self.adopt(function, tree)
        del self.texts[name]
        self.texts[name] = ast.unparse(tree)
        return name

    def adopt(self, function: Any, tree: ast.FunctionDef) -> None:
        """Define what a function refers to, and give it in `tree` the names that it has here.

        What is taken from a module of minigrad's, ``ops.sigmoid``, becomes a name of its own.
        """
        plain = inspect.unwrap(function)
        known = dict(plain.__globals__)
        known.update(
            zip(plain.__code__.co_freevars, [c.cell_contents for c in plain.__closure__ or ()])
        )
        own = {arg.arg for node in ast.walk(tree) if isinstance(node, ast.arguments)
               for arg in [*node.args, *node.kwonlyargs, *filter(None, [node.vararg])]}  # fmt: skip
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - own
        ours = {name for name in used if is_ours(known.get(name))}
        renamed = {
            name: self.define(name, known[name]) for name in sorted(used - ours) if name in known
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in renamed:
                node.id = renamed[node.id]
        OutOfModules(self, {name: known[name] for name in ours}).visit(tree)

    def define(self, name: str, value: Any) -> str:
        """Make a global of a helper known in the text."""
        if value is random.source:
            return self.source_of_random_numbers()
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
            self.named_tuple(name, value)
            return name
        if isinstance(value, (bool, int, float, str, tuple, frozenset, set, type(None))):
            return self.put(name, f"{{}} = {literal(value)}")
        if isinstance(value, np.ndarray):
            return self.put(name, f"{{}} = np.array({value.tolist()!r}, np.{value.dtype.name})")
        text = named_in_numpy(value)
        if text is not None:
            return self.put(name, f"{{}} = {text}")
        if isinstance(value, (types.BuiltinFunctionType, type)) and value.__module__ != "builtins":
            root = value.__module__.split(".")[0]
            if root == "minigrad":
                return self.put(name, f"class {{}}{bases_of(value)}:\n    pass")
            self.imports.add(f"from {value.__module__} import {value.__name__} as {name}")
            return name
        return self.put(name, "{} = None  # of no use outside minigrad")

    def put(self, name: str, text: str) -> str:
        """Define a name by a text that holds {} in its place, and return the name that it got.

        Functions of several files may call different things by one name.
        """
        before, after = text.split("{}", 1)
        while self.texts.get(name, before + name + after) != before + name + after:
            name += "_"
        self.texts[name] = before + name + after
        return name

    def source_of_random_numbers(self) -> str:
        """A function that returns NumPy's generator, at the place where minigrad's is now."""
        if "source" not in self.texts:
            self.texts["generator"] = generator_text("generator", random.default_generator)
            self.texts["source"] = (
                "def source(given):\n    return generator if given is None else given"
            )
        return "source"

    def named_tuple(self, name: str, kind: Any) -> None:
        """Define a class of named tuples, with the methods that it has."""
        if name in self.texts:
            return
        self.imports.add("from collections import namedtuple")
        made = f"namedtuple({name!r}, {list(kind._fields)!r})"
        methods = [
            (key, value.fget if isinstance(value, property) else value)
            for key, value in vars(kind).items()
            if not key.startswith("_") and isinstance(value, (property, types.FunctionType))
        ]
        if not methods:
            self.texts[name] = f"{name} = {made}"
            return
        lines = [f"class {name}({made}):"]
        for key, method in methods:
            tree = own_tree(method)
            self.adopt(method, tree)
            decorator = "@property\n" if isinstance(vars(kind)[key], property) else ""
            lines.append(textwrap.indent(decorator + ast.unparse(tree), "    "))
        self.texts[name] = "\n".join(lines)

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


class OutOfModules(ast.NodeTransformer):
    """Puts a name in the place of ``module.attribute``, for modules of minigrad's."""

    def __init__(self, helpers: Helpers, modules: dict[str, Any]) -> None:
        self.helpers, self.modules = helpers, modules

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id in self.modules:
            value = getattr(self.modules[node.value.id], node.attr)
            return ast.Name(self.helpers.define(node.attr, value), node.ctx)
        self.generic_visit(node)
        return node


def is_ours(value: Any) -> bool:
    return isinstance(value, types.ModuleType) and value.__name__.split(".")[0] == "minigrad"


def own_tree(function: Any) -> ast.FunctionDef:
    """The definition of a function, to be changed by the caller.

    Raises   TypeError if its source cannot be read
    """
    tree = function_tree(inspect.unwrap(function))
    if tree is None:
        raise TypeError(f"the source of {function.__name__} cannot be read, so it is not written")
    copied = ast.parse(ast.unparse(tree)).body[0]
    assert isinstance(copied, ast.FunctionDef)
    return copied


def generator_text(name: str, value: Any) -> str:
    """Lines that make a generator of NumPy's at the place of `value`, minigrad's or NumPy's."""
    given = getattr(value, "numpy", value)
    kind = type(given.bit_generator).__name__
    return (
        f"{name} = np.random.Generator(np.random.{kind}())\n"
        f"{name}.bit_generator.state = {given.bit_generator.state!r}"
    )


def literal(value: Any) -> str:
    """A constant as Python reads it, types in sets and tuples by their names."""
    if isinstance(value, type):
        return {type(None): "type(None)", type(...): "type(...)"}.get(value, value.__name__)
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
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
