"""A program as NumPy that a person reads, and that runs where minigrad is not installed."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping
from typing import Any

from minigrad.compile import emitters, layout
from minigrad.compile.formulas import argument, cross_entropy_lines, expression, parsed
from minigrad.compile.helpers import Helpers, literal
from minigrad.compile.program import Program, Statement, Value
from minigrad.ops import neural
from minigrad.primitive import op_of

__all__ = ["Source", "written"]

WIDTH = 96
TITLES = {"forward": "forward", "backward": "backward", "update": "update"}


class Source:
    """What `written` returns.

    text       the function ``step`` with its comments
    helpers    the functions above it
    bound      name -> an object that the text refers to: parameters, state, constants
    """

    def __init__(self, text: str, helpers: Helpers, bound: dict[str, Any]) -> None:
        self.text, self.helpers, self.bound = text, helpers, bound


def written(
    program: Program,
    results: int,
    modules: Mapping[str, Any],
    update: str,
    telling: set[Value],
    name: str = "step",
) -> Source:
    """The text of a program.

    results   how many of the outputs the function returns
    modules   path -> module, for comments
    update    what the update is: "SGD"
    telling   values whose names say something: they get lines of their own
    name      of the function
    """
    return Writer(program, results, modules, update, telling, name).write()


class Writer:
    """One program on its way to readable text.

    inlined   values that stand as formulas where they are used
    """

    def __init__(
        self, program: Program, results: int, modules: Mapping[str, Any], update: str,
        telling: set[Value], name: str,
    ) -> None:  # fmt: skip
        self.telling = telling
        self.program, self.modules, self.update, self.name = program, modules, update, name
        self.results = program.outputs[:results]
        self.uses = program.uses()
        for value in program.outputs[results:]:  # gradients: seen, but not returned
            self.uses[value] = self.uses.get(value, 0)
        self.kept = {*program.results()}
        self.helpers = Helpers([value.name for value in program.values()])
        self.inlined: dict[Value, ast.expr] = {}
        self.bound: dict[str, Any] = {}
        self.lines: list[str] = []
        self.last: dict[Value, int] = {}
        for i, statement in enumerate(program.statements):
            for value in statement.reads():
                self.last[value] = i
        for statement in program.statements:  # parts are read where they lie
            if statement.op is layout.PARTS and statement.operands[0].kind != "temporary":
                whole = statement.operands[0]
                for part in statement.results:
                    self.last[whole] = max(self.last[whole], self.last.get(part, -1))
        self.olds = {new: old for old, new in program.updates}
        self.late: list[tuple[Value, Value]] = []
        self.readers: dict[Value, list[Statement]] = {}
        for statement in program.statements:
            for value in statement.reads():
                self.readers.setdefault(value, []).append(statement)

    def ref(self, value: Value) -> ast.expr:
        if value in self.inlined:
            return self.inlined[value]
        if value.array is not None:
            if value.kind == "constant" and value.ndim == 0:
                return parsed(literal(value.array.item()))
            self.bound[value.name] = value.array
        return ast.Name(value.name, ast.Load())

    def array(self, value: Value) -> ast.expr:
        """The same for a function that takes arrays: a number has the type of one."""
        text = self.ref(value)
        if value.kind == "constant" and value.ndim == 0:
            return parsed(f"np.{value.dtype.name}({ast.unparse(text)})")
        return text

    def bind(self, value: Any) -> str:
        if isinstance(value, type) and hasattr(value, "_fields"):
            return self.helpers.define(value.__name__, value)
        name = f"argument{len(self.bound)}"
        self.bound[name] = value
        return name

    # --------------------------------------------------------------------------------- the function

    def write(self) -> Source:
        section = module = None
        for i, statement in enumerate(self.program.statements):
            if statement.op is layout.PARTS:
                continue
            lines = self.statement(i, statement)
            if not lines:
                continue
            if statement.section != section:
                section, module = statement.section, ""
                title = TITLES[section]
                if section == "update":
                    title += f": {self.update}" if self.update else ""
                self.lines += ([""] if self.lines else []) + [f"# {title}"]
            if statement.module != module and statement.section == "forward" and statement.module:
                self.lines.append(f"# {self.module_comment(statement.module)}")
            module = statement.module
            self.lines += lines
        for old, new in self.late:
            self.lines.append(f"{ast.unparse(self.ref(old))}[...] = {ast.unparse(self.ref(new))}")
        returned = ", ".join([ast.unparse(self.ref(value)) for value in self.results])
        if returned:
            self.lines.append(f"return {returned}")
        arguments = ", ".join([value.name for value in self.program.inputs])
        body = textwrap.indent("\n".join(self.lines) or "pass", "    ")
        return Source(f"def {self.name}({arguments}):\n{body}\n", self.helpers, self.bound)

    def module_comment(self, path: str) -> str:
        module = self.modules.get(path)
        text = "" if module is None else f": {str(module).splitlines()[0].rstrip('(')}"
        return path + text

    def statement(self, i: int, statement: Statement) -> list[str]:
        """The lines of a statement; none if it stands as a formula in another."""
        if statement.op is op_of(neural.cross_entropy) and len(statement.results) == 2:
            return cross_entropy_lines(
                statement, self.ref, self.uses.get(statement.results[1], 0) > 0
            )
        formula = expression(statement, self.ref, self.bind)
        if formula is None:
            return self.helper_call(statement)
        result = statement.result
        if self.can_inline(statement, formula):
            self.inlined[result] = formula
            return []
        old = self.olds.get(result)
        if old is not None:
            if self.last.get(old, -1) <= i and not self.awaited(old, i):
                return [self.changed(old, statement, formula)]
            self.late.append((old, result))
        line = f"{result.name} = {ast.unparse(formula)}"
        return wrapped(line, self.shape_comment(result))

    def awaited(self, old: Value, i: int) -> bool:
        """Whether a formula that stands in a later line reads `old`."""
        names = {old.name}
        for statement in self.program.statements:
            if statement.op is layout.PARTS and statement.operands[0] is old:
                names.update([value.name for value in statement.results])
        for value, formula in self.inlined.items():
            read = {n.id for n in ast.walk(formula) if isinstance(n, ast.Name)}
            if self.last.get(value, -1) > i and names & read:
                return True
        return False

    def changed(self, old: Value, statement: Statement, formula: ast.expr) -> str:
        """A new value of a parameter or of state, in place."""
        name = ast.unparse(self.ref(old))
        self.inlined[statement.result] = self.ref(old)
        if isinstance(formula, ast.BinOp) and ast.unparse(formula.left) == name:
            sign = {ast.Sub: "-=", ast.Add: "+=", ast.Mult: "*="}.get(type(formula.op))
            if sign is not None:
                return f"{name} {sign} {ast.unparse(formula.right)}"
        return f"{name}[...] = {ast.unparse(formula)}"

    def can_inline(self, statement: Statement, formula: ast.expr) -> bool:
        """Whether a result is better read inside the formula that uses it."""
        result = statement.result
        readers = self.readers.get(result, [])
        if result in self.kept or len(readers) != 1 or self.uses.get(result, 0) != 1:
            return False
        if statement.effect or readers[0].section != statement.section:
            return False
        if result in self.telling or len(ast.unparse(formula)) > 60:
            return False
        simple = emitters.elementwise_ufunc(statement) is not None or emitters.is_view(statement)
        return simple or emitters.is_view(readers[0])

    def shape_comment(self, value: Value) -> str:
        return f"# {value.shape}" if value.ndim else ""

    def helper_call(self, statement: Statement) -> list[str]:
        """A call of a helper function."""
        statics: tuple[Any, ...] = statement.statics
        if statement.op.varargs:
            statics = (*statics[:-1], *statics[-1])
        given = [argument(each, self.array, self.bind) for each in (*statement.operands, *statics)]
        name = self.helpers.forward(statement.op)
        names = ", ".join([value.name for value in statement.results])
        if statement.op.keep and len(statement.results) == 1:
            names += ", *_"
        elif emitters.returns_tuple(statement) and len(statement.results) == 1:
            names += ","
        count = len(statement.results) - len(statement.op.keep)
        if statement.op.keep and count > 1:
            kinds = [value.name for value in statement.results]
            names = f"({', '.join(kinds[:count])}), {', '.join(kinds[count:])}"
        call = ast.unparse(ast.Call(ast.Name(name, ast.Load()), given, []))
        if not statement.results:  # a check
            return wrapped(call, "")
        for result in statement.results:
            if result in self.olds:
                self.late.append((self.olds[result], result))
        return wrapped(f"{names} = {call}", self.shape_comment(statement.results[0]))


def wrapped(line: str, comment: str) -> list[str]:
    """A line with its comment, over several lines if it is long."""
    if len(line) + len(comment) + 2 <= WIDTH:
        return [f"{line}  {comment}".rstrip()]
    if len(line) <= WIDTH:
        return [line]
    lines = folded(line)
    try:
        ast.parse("\n".join(lines))
    except SyntaxError:  # broken outside of brackets
        name, _, value = line.partition(" = ")
        lines = folded(f"({value})", f"{name} = ")
    return lines


def folded(text: str, start: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=start, subsequent_indent="    ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
