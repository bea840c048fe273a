"""Where in the user's program a traced call was made, and what a reader calls its constants."""

from __future__ import annotations

from typing import Any

from minigrad.compile.surroundings import Surroundings
from minigrad.modes import Call


def path_of(frame: Any, surroundings: Surroundings) -> str:
    """The path of the module that was running, "" outside modules."""
    module = None if frame is None else frame.module
    if module is None:
        return ""
    for name, root in surroundings.modules.items():
        for path, each in root.named_modules():
            if each is module:
                prefix = name if len(surroundings.modules) > 1 or not path else ""
                return ".".join([part for part in (prefix, path) if part])
    return type(module).__name__


def constant_name(array: Any) -> str:
    """What a reader calls a constant."""
    if array.size and array.dtype.kind in "fiu" and array.size < 1 << 20:
        for number, name in ((1, "ones"), (0, "zeros")):
            if (array == number).all():
                return name
        if array.ndim == 1 and array.dtype.kind == "i" and (array == range(len(array))).all():
            return "positions"
    return "constant"


def line_text(call: Call) -> str:
    file, _, line = line_of(call).rpartition(":")
    return f"{file.rsplit('/', 1)[-1]}, line {line}"


def line_of(call: Call) -> str:
    line = call.line
    return line if isinstance(line, str) else f"{line[0]}:{line[1]}"
