"""A compiled step as a file that needs NumPy alone, with its numbers beside it."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.compile import layout
from minigrad.compile.helpers import generator_text, literal, own_tree
from minigrad.random import Generator

if TYPE_CHECKING:
    from minigrad.compile.specialised import Specialised

__all__ = ["save"]

HEAD = '''"""A program that minigrad wrote: `step({arguments})`.  It needs NumPy alone.

Its numbers are in {numbers}.  `python {file}` runs it on the inputs of the call that it was
written from.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

{imports}
'''

TAIL = '''

def save_numbers(path):
    """Write parameters and state to a file like the one they were read from."""
    np.savez(path, **{**arrays, **{name: globals()[name] for name in arrays}})


def main(steps=1):
    """Run the program on the inputs that were saved with it."""
    given = [arrays["input_" + name] for name in INPUTS]
    start = time.perf_counter()
    for _ in range(steps):
        result = step(*given)
    seconds = (time.perf_counter() - start) / steps
    print(f"{steps} calls, {seconds * 1e6:.1f} µs each; the last returned {result}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
'''


def save(program: Specialised, path: str | os.PathLike[str]) -> None:
    """Write a program and its numbers: ``step.py`` and ``step.npz``."""
    path = Path(path)
    if path.suffix != ".py":
        raise ValueError(f"save writes a Python file, step.py, got {path.name}")
    Saved(program, path).write()


class Saved:
    """One program on its way to a file."""

    def __init__(self, program: Specialised, path: Path) -> None:
        self.program, self.path = program, path
        self.source = program.source()
        self.values = {value.name: value for value in program.program.values()}
        self.arrays: dict[str, Any] = {}

    def write(self) -> None:
        helpers = self.source.helpers
        if helpers.by_engine:
            raise TypeError(
                f"save: {helpers.by_engine[0]}, a second derivative, is computed by minigrad's "
                "engine: such a program runs with minigrad only"
            )
        for after in self.program.captured.afterwards:
            raise TypeError(
                f"save: {after.optimizer.name} reads numbers and runs after the program, by "
                "minigrad: save a step of another optimizer, or of the gradients alone"
            )
        body = [*self.numbers(), *self.views(), *self.coefficients()]
        imports = sorted(helpers.imports | {"import numpy as np"})
        text = HEAD.format(
            arguments=", ".join([value.name for value in self.program.program.inputs]),
            numbers=self.path.with_suffix(".npz").name, file=self.path.name,
            imports="\n".join(imports),
        )  # fmt: skip
        step = self.source.text
        changed = sorted(set(re.findall(r"^    (\w+) [-+*]= ", step, re.MULTILINE)))
        if changed:
            self.prologue.insert(0, f"global {', '.join(changed)}")
        if self.prologue:
            head, _, rest = step.partition("\n")
            step = "\n".join([head, *[f"    {line}" for line in self.prologue], rest])
        parts = [text.rstrip(), helpers.text(), "\n".join(body), step.rstrip()]
        whole = "\n\n\n".join([part for part in parts if part])
        self.path.write_text(whole + "\n" + TAIL, encoding="utf-8")
        np.savez(self.path.with_suffix(".npz"), **self.arrays)

    def numbers(self) -> list[str]:
        """Lines that read parameters, state and constants."""
        inputs = self.program.program.inputs
        examples = self.program.examples()
        for value, array in zip(inputs, examples):
            self.arrays[f"input_{value.name}"] = array
        lines = [
            "with np.load(Path(__file__).with_suffix('.npz')) as numbers:",
            "    arrays = dict(numbers)",
            f"INPUTS = {[value.name for value in inputs]!r}",
        ]
        numbers = self.number_names()
        whole = {s.operands[0].name for s in self.leading()}
        for name in sorted({*self.source.bound, *whole}):
            array = self.current(name)
            if name in numbers:
                continue
            if isinstance(array, np.ndarray):
                self.arrays[name] = np.ascontiguousarray(array)
                lines.append(f"{name} = arrays[{name!r}]  # {array.shape}")
            elif isinstance(array, (Generator, np.random.Generator)):
                lines += generator_text(name, array).splitlines()
            elif isinstance(array, (bool, int, float, str, type, tuple, type(None), np.generic)):
                lines.append(f"{name} = {literal(array)}")
            else:
                raise TypeError(f"save: a {type(array).__name__} cannot be written into a file")
        return lines

    def current(self, name: str) -> Any:
        """The object that the text knows by `name`, as it is now."""
        value = self.values.get(name)
        if value is None:
            return self.source.bound[name]
        return self.program.lowered.arrays.get(value, value.array)

    def leading(self) -> list[Any]:
        """The statements that say which part of an array each parameter is."""
        return [
            s
            for s in self.program.program.statements
            if s.op is layout.PARTS and s.operands[0].kind == "parameter"
        ]

    def views(self) -> list[str]:
        lines = []
        for statement in self.leading():
            self.source.helpers.function(layout.parts)
            names = ", ".join([value.name for value in statement.results])
            shapes, orders = statement.statics
            whole = statement.operands[0].name
            lines.append(f"{names}{',' * (len(statement.results) == 1)} = parts(\n"
                         f"    {whole}, {shapes!r}, {orders!r}\n)")  # fmt: skip
        return lines

    # ---------------------------------------------------------------------- the optimizer's numbers

    def number_names(self) -> set[str]:
        """Names of the optimizers' numbers: they are computed at each step."""
        found: set[str] = set()
        for step in self.program.captured.steps:
            for block in step.blocks:
                ids = {id(number) for number in [*block.numbers, block.decay]}
                found |= {
                    name
                    for name, value in self.values.items()
                    if value.array is not None and id(value.array) in ids
                }
        return found

    def coefficients(self) -> list[str]:
        """Lines that compute an optimizer's numbers, from its own source."""
        self.prologue: list[str] = []
        lines: list[str] = []
        for number, step in enumerate(self.program.captured.steps):
            lines += self.coefficients_of(number, step)
        return lines

    def coefficients_of(self, number: int, step: Any) -> list[str]:
        optimizer = step.optimizer
        tree = own_tree(type(optimizer).coefficients)
        tree.args.args = tree.args.args[1:]
        tree.name = f"coefficients{number or ''}"
        self.source.helpers.adopt(type(optimizer).coefficients, tree)
        lines = ["", "", *ast.unparse(tree).splitlines(), "", ""]
        for i, block in enumerate(step.blocks):
            suffix = f"{number or ''}_{i}" if len(step.blocks) > 1 else f"{number or ''}"
            group = {
                key: value for key, value in block.group.items()
                if key != "params" and isinstance(value, (bool, int, float, tuple, str, type(None)))
            }  # fmt: skip
            lines.append(f"group{suffix} = {group!r}")
            lines.append(f"counts{suffix} = {dict(block.counts)!r}")
            ids = {id(a): position for position, a in enumerate(block.numbers)}
            names = ["_"] * len(block.numbers)
            for name, value in self.values.items():
                if value.array is not None and id(value.array) in ids:
                    names[ids[id(value.array)]] = name
            given = f"{tree.name}(group{suffix}, counts{suffix}, {block.first})"
            self.prologue.append(f"{', '.join(names)}{',' * (len(names) == 1)} = {given}")
            for name, value in self.values.items():
                if value.array is block.decay:
                    text = f"group{suffix}['weight_decay']"
                    if block.group.get("decoupled_weight_decay"):
                        text += f" * group{suffix}['lr']"
                    self.prologue.append(f"{name} = {text}")
        return lines
