"""An ONNX graph in the making, and the table of translations."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.calls import CAST
from minigrad.primitive import Op
from minigrad.tape import Line, Tape, Value

Array = Any
OPSET = 18
IR_VERSION = 8  # the format of the file that this opset came with


TRANSLATIONS: dict[str, Callable[..., Any]] = {}  # where an op is -> what translates it
BATCHWISE: set[Any] = set()  # translations of ops that do the same whatever the first axis's size
TAKES_VALUES: set[Any] = set()  # translations that take arguments which depend on the inputs
RECOMPUTES: set[Any] = set()  # translations that do without such arguments


def translation(
    *places: str, batchwise: bool = False, takes_values: bool = False, recomputes: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The decorated function translates the ops at these places under `minigrad`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for place in places:
            TRANSLATIONS[place] = function
        BATCHWISE.update([function] * batchwise)
        TAKES_VALUES.update([function] * (takes_values or recomputes))
        RECOMPUTES.update([function] * recomputes)
        return function

    return register


@cache
def table() -> dict[Op, Callable[..., Any]]:
    """Op -> its translation.  Ops are told apart as objects: another one may have the same name."""
    found = {CAST: TRANSLATIONS["ops.conversion._astype"]}
    for place, function in TRANSLATIONS.items():
        found[attrgetter(place)(mg).op] = function
    return found


class Step:
    """A call as translations see it: its static arguments, and the shape and type of its result."""

    def __init__(self, line: Line, known: dict[int, str]) -> None:
        self.op = line.op
        arguments = [*line.operands, *line.statics.values()]
        count = len(line.operands)
        while (
            not line.op.arity and count < len(arguments) and is_dependent(arguments[count], known)
        ):
            count += 1  # an op without derivatives has no operands by declaration
        self.operands = tuple(arguments[:count])
        self.statics = tuple([numbers_in(value, known) for value in arguments[count:]])
        results = [value for value in line.results if value.kind != "kept"]
        self.results = results
        several = len(results) > 1
        self.shape: Any = tuple(v.shape for v in results) if several else results[0].shape
        self.dtype = results[0].dtype

    def operand_shape(self, i: int) -> tuple[int, ...]:
        value = self.operands[i]
        return value.shape if isinstance(value, Value) else np.shape(value)


class Translation:
    """An ONNX graph in the making: its nodes, its constants, and the name of each value."""

    def __init__(self, onnx: Any, tape: Tape, names: list[str]) -> None:
        self.onnx = onnx
        self.tape = tape
        self.names = names
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}
        self.known: dict[int, str] = {}  # id of a value that depends on an input -> its name
        for value, name in zip(tape.inputs, names):
            self.known[id(value)] = name
        sizes = [value.shape[:1] for value in tape.inputs]
        self.batched = () not in sizes and len(set(sizes)) == 1

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node of the file with one result; returns the result's name."""
        return self.add_several(1, kind, *inputs, **attributes)[0]

    def add_several(self, number: int, kind: str, *inputs: str, **attributes: Any) -> list[str]:
        """A node of the file with so many results; returns their names."""
        names = [f"v{len(self.nodes)}_{i}" for i in range(number)]
        node = self.onnx.helper.make_node(kind, list(inputs), names, **attributes)
        self.nodes.append(node)
        return names

    def constant(self, value: Any) -> str:
        """Numbers that are stored in the file."""
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value)
        return name

    def name_of(self, value: Any) -> str:
        """The name of a value, which is stored if it does not depend on the inputs."""
        if not isinstance(value, Value):
            return self.constant(value)
        return self.known.get(id(value)) or self.constant(value.array)

    def finish(self, names: list[str], is_batchwise: Callable[[], bool]) -> Any:
        """The model, all that depends on the inputs translated."""
        for line in needed_lines(self.tape):
            if is_dependent((*line.operands, *line.statics.values()), self.known):
                self.translate(line)
        self.batched = self.batched and is_batchwise()
        for value, name in zip(self.tape.outputs, names):
            self.nodes.append(self.onnx.helper.make_node("Identity", [self.name_of(value)], [name]))
        helper = self.onnx.helper
        graph = helper.make_graph(
            self.nodes,
            "minigrad",
            [self.described(name, v) for name, v in zip(self.names, self.tape.inputs)],
            [self.described(name, v) for name, v in zip(names, self.tape.outputs)],
            [self.onnx.numpy_helper.from_array(v, name) for name, v in self.constants.items()],
        )
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(
            graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="minigrad"
        )

    def described(self, name: str, value: Value) -> Any:
        """The declaration of an input or output."""
        helper = self.onnx.helper
        shape: list[Any] = list(value.shape)
        if self.batched and shape and shape[:1] == list(self.tape.inputs[0].shape[:1]):
            shape[0] = "batch"
        return helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), shape
        )

    def translate(self, line: Line) -> None:
        """Add the nodes for one call."""
        name = line.op.name
        translate = table().get(line.op)
        if translate is None:
            raise NotImplementedError(
                f"export: the op {name} has no translation to ONNX; in minigrad/onnx.py, write one"
            )
        call = Step(line, self.known)
        if is_dependent(call.statics, self.known) and translate not in TAKES_VALUES:
            raise NotImplementedError(
                f"export: an argument of {name} depends on the inputs, which its translation does "
                "not take"
            )
        if translate not in BATCHWISE:
            self.batched = False
        operands = []
        for value in call.operands:
            if value is None:
                operands.append("")
            elif isinstance(value, (bool, int, float)):
                operands.append(self.constant(np.array(value, operand_type(call))))
            else:
                operands.append(self.name_of(value))
        found = translate(self, call, *operands)
        for value, each in zip(call.results, found if isinstance(found, list) else [found]):
            self.known[id(value)] = each


def needed_lines(tape: Tape) -> list[Line]:
    """The lines that lead to an output, but for arguments that translations do without."""
    found: list[Line] = []
    wanted: set[int] = set()

    def want(value: Any) -> None:
        if isinstance(value, (tuple, list)):
            for each in value:
                want(each)
        wanted.add(id(value))

    want(tape.outputs)
    for line in reversed(tape.lines):
        if any(id(value) in wanted for value in line.results):
            found.append(line)
            want(line.operands)
            if table().get(line.op) not in RECOMPUTES:
                want(tuple(line.statics.values()))
    return found[::-1]


def is_dependent(value: Any, known: dict[int, str]) -> bool:
    """Whether a value, or one in nested tuples, depends on an input."""
    if isinstance(value, (tuple, list)):
        return any(is_dependent(each, known) for each in value)
    return id(value) in known


def numbers_in(value: Any, known: dict[int, str]) -> Any:
    """Arrays in the place of values that do not depend on the inputs, in tuples as well."""
    if isinstance(value, (tuple, list)):
        return type(value)([numbers_in(each, known) for each in value])
    return value.array if isinstance(value, Value) and id(value) not in known else value


def operand_type(call: Step) -> Any:
    """The type of a number beside tensors: theirs, of a comparison as well."""
    types = [v.dtype for v in call.operands if isinstance(v, Value)]
    return types[0] if types else call.dtype
