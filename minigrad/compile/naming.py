"""Names for the values of a program: those of the user's variables and modules."""

from __future__ import annotations

import ast
import keyword
import linecache
import re
from collections.abc import Iterable, Mapping
from typing import Any

from minigrad.compile.program import Program, Statement, Value, unused
from minigrad.compile.surroundings import module_name

__all__ = ["assigned_names", "name_values"]

RESERVED = {"np", "step", "make", "main", *keyword.kwlist}


def assigned_names(file: str) -> dict[int, tuple[int, str]]:
    """For each line of an assignment to one name: the last line of it, and the name."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return {}
    found: dict[int, tuple[int, str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target: Any = node.targets[0]
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
            target = node.target
        else:
            continue
        if isinstance(target, ast.Name):
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                found[line] = (node.end_lineno or node.lineno, target.id)
    return found


def name_values(program: Program, modules: Mapping[str, Any]) -> set[Value]:
    """Give every temporary a name that a reader knows, each name once.

    modules   path -> module

    Returns   the values whose names come from a variable, a module or a gradient.
    """
    taken = set(RESERVED)
    named: set[Value] = set()
    for value in program.values():
        if value.kind != "temporary" or value.name != "t":
            value.name = unused(identifier(value.name), taken)
            named.add(value)
    forward = [s for s in program.statements if s.section == "forward" and s.results]
    for statement in last_of_each_line(forward):
        give(statement.result, variable_of(statement), taken, named)
    for statement in last_of_each_module(forward):
        own = module_name(statement.module, modules.get(statement.module))
        give(statement.result, own, taken, named)
    telling = set(named)
    for value in [value for statement in forward for value in statement.results]:
        if value in program.primals:  # a gradient that the forward computes beside its result
            give(value, f"d_{program.primals[value].name}", taken, named)
            telling.add(value)
    for statement in forward:
        for value in statement.results:
            give(value, simple_name(statement), taken, named)
    for statement in program.statements:
        for value in statement.results:
            primal = program.primals.get(value)
            if primal is not None and value not in named:
                give(value, f"d_{primal.name}", taken, named)
                telling.add(value)
    for statement in program.statements:
        for value in statement.results:
            give(value, simple_name(statement), taken, named)
    return telling


def give(value: Value, name: str, taken: set[str], named: set[Value]) -> None:
    if value not in named and name:
        value.name = unused(identifier(name), taken)
        named.add(value)


def identifier(name: str) -> str:
    """`name` as Python reads it."""
    text = re.sub(r"\W", "_", name)
    return text if not text[:1].isdigit() else f"v{text}"


def last_of_each_line(statements: Iterable[Statement]) -> list[Statement]:
    """For each assignment of the user's, the last call that it made."""
    last: dict[str, Statement] = {}
    for statement in statements:
        if statement.line and variable_of(statement):
            last[statement.line] = statement
    return list(last.values())


def last_of_each_module(statements: Iterable[Statement]) -> list[Statement]:
    last: dict[str, Statement] = {}
    for statement in statements:
        if statement.module:
            last[statement.module] = statement
    return list(last.values())


FILES: dict[str, dict[int, tuple[int, str]]] = {}


def variable_of(statement: Statement) -> str:
    """The variable that the line of a statement assigns to, "" if it does not."""
    file, _, line = statement.line.rpartition(":")
    if file not in FILES:
        FILES[file] = assigned_names(file)
    return FILES[file].get(int(line or 0), (0, ""))[1]


def simple_name(statement: Statement) -> str:
    """What a result is called by its op alone."""
    name = statement.op.name
    operand = next((v for v in statement.reads()), None)
    if name in ("T", "mT", "t") and operand is not None:
        return f"{operand.name}_T"
    if name == "linear":
        return "z"
    return {"add": "total", "mul": "product", "sub": "difference", "true_divide": "ratio"}.get(
        name, name
    )
