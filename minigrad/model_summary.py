"""A table of a model's layers: shapes, parameters, and the memory that backward needs."""

from __future__ import annotations

import html
from typing import Any, NamedTuple

import numpy as np

from minigrad.graph import Leaf, Variable, wrap
from minigrad.memory import clock, owner_of
from minigrad.modes import enable_grad
from minigrad.promotion import get_default_dtype
from minigrad.visualize.names import shown

__all__ = ["Row", "Summary", "summary"]


class Row(NamedTuple):
    """One call of a module.

    name          path of the module, as in ``model.named_modules()``
    layer         its class
    output        shape of what it returned; several, if it returned several tensors
    parameters    entries of its own parameters, without those of its children
    kept          bytes that the graph keeps of this call for backward, parameters not counted
    """

    name: str
    layer: str
    output: Any
    parameters: int
    kept: int


class Summary:
    """What `summary` found out: ``rows``, and totals; printed as a table.

    rows         one `Row` for each call of a module without children, in order
    parameters   entries of all parameters, shared ones counted once
    trainable    of these, the entries of parameters that require grad
    kept         bytes that the graph of the whole model keeps for backward
    """

    def __init__(self, rows: list[Row], parameters: int, trainable: int, kept: int) -> None:
        self.rows = rows
        self.parameters = parameters
        self.trainable = trainable
        self.kept = kept

    def __str__(self) -> str:
        header = ("layer", "output shape", "parameters", "kept for backward")
        lines = [
            (written(r), str(r.output), f"{r.parameters:,}", in_bytes(r.kept)) for r in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(header, *lines)]

        def line(cells: tuple[str, ...]) -> str:
            left = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2])]
            right = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:])]
            return "  ".join(left + right).rstrip()

        rule = "-" * (sum(widths) + 6)
        fixed = self.parameters - self.trainable
        total = f"{self.parameters:,} parameters" + (f", {fixed:,} of them fixed" if fixed else "")
        return "\n".join(
            [
                line(header),
                rule,
                *map(line, lines),
                rule,
                f"{total}; {in_bytes(self.kept)} kept for backward",
            ]
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre style='line-height:1.35'>{html.escape(str(self))}</pre>"


def written(row: Row) -> str:
    """The name and class of a row; what a terminal would obey stands there as an escape."""
    name = f"{row.name} ({row.layer})" if row.name else row.layer
    return shown(name, len(name))


def in_bytes(number: int) -> str:
    """A number of bytes, with a unit that leaves few digits."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} B"


def summary(model: Any, *inputs: Any) -> Summary:
    """Run a model once, and tabulate what each layer returned and keeps.

    model     a module
    inputs    its arguments: tensors, arrays, or shapes, ``(32, 784)``, of which random numbers are
              made

    The model runs in the mode that it is in; buffers that the run changes are put back.

    Raises    RuntimeError if a layer fails: with the table up to it, its name, and what it said.
    Example   >>> model = mg.nn.Sequential(mg.nn.Linear(4, 3), mg.nn.ReLU())
              >>> print(mg.summary(model, (2, 4)))
              layer       output shape  parameters  kept for backward
              -------------------------------------------------------
              0 (Linear)  (2, 3)                15               32 B
              1 (ReLU)    (2, 3)                 0               24 B
              -------------------------------------------------------
              15 parameters; 56 B kept for backward
    """
    arguments = [as_input(value) for value in inputs]
    parameters = list(model.parameters())
    excluded = {id(owner_of(p._array)) for p in parameters}
    rows: list[Row] = []
    running: list[tuple[str, Any]] = []
    begun: dict[int, list[int]] = {}
    handles = []

    def watch(name: str, module: Any) -> None:
        def before(module: Any, args: Any) -> None:
            running.append((name, module))
            begun.setdefault(id(module), []).append(next(clock))

        def after(module: Any, args: Any, output: Any) -> None:
            running.pop()
            since = begun[id(module)].pop()
            if any(True for _ in module.children()):
                return
            own = sum(p._array.size for p in module.parameters(recurse=False))
            kept = kept_bytes(output, since, excluded)
            rows.append(Row(name, type(module).__name__, shapes_of(output), own, kept))

        handles.append(module.register_forward_pre_hook(before))
        handles.append(module.register_forward_hook(after))

    for name, module in model.named_modules():
        watch(name, module)
    buffers = [(buffer._array, buffer._array.copy()) for buffer in model.buffers()]
    total = sum(p._array.size for p in parameters)
    trainable = sum(p._array.size for p in parameters if p._node is not None)
    try:
        with enable_grad():
            output = model(*arguments)
    except Exception as error:
        name, module = running[-1] if running else ("", model)
        table = Summary(rows, total, trainable, sum(row.kept for row in rows))
        raise RuntimeError(
            f"{table}\n{name or 'the model'} ({type(module).__name__}) failed: {error}"
            + "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
        ) from error
    finally:
        for handle in handles:
            handle.remove()
        for array, value in buffers:
            array[...] = value
    return Summary(rows, total, trainable, kept_bytes(output, -1, excluded))


def as_input(value: Any) -> Any:
    """A tensor; of a shape, random numbers."""
    if isinstance(value, tuple) and all(isinstance(size, int) for size in value):
        return wrap(np.random.default_rng(0).random(value).astype(get_default_dtype()))
    return wrap(value) if isinstance(value, np.ndarray) else value


def tensors_in(value: Any) -> list[Any]:
    """All tensors in nested tuples, lists and dicts."""
    if isinstance(value, Variable):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return [tensor for item in value for tensor in tensors_in(item)]
    return []


def shapes_of(output: Any) -> Any:
    """The shape of a tensor, or the shapes of several."""
    shapes = [tensor._array.shape for tensor in tensors_in(output)]
    return shapes[0] if len(shapes) == 1 else shapes


def kept_bytes(output: Any, since: int, excluded: set[int]) -> int:
    """Bytes of the arrays that nodes recorded after `since` saved, each piece of memory once."""
    stack: list[Any] = [tensor._node for tensor in tensors_in(output)]
    seen: set[int] = set()
    owners: dict[int, int] = {}
    while stack:
        node = stack.pop()
        if node is None or type(node) is Leaf or id(node) in seen or node.sequence < since:
            continue
        seen.add(id(node))
        stack.extend(node.inputs)
        for value in node.saved or ():
            for array in value if isinstance(value, (tuple, list)) else (value,):
                if isinstance(array, np.ndarray):
                    owner = owner_of(array)
                    if id(owner) not in excluded:
                        owners[id(owner)] = owner.nbytes
    return sum(owners.values())
