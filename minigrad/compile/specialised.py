"""One program of a compiled function: when it fits, and how it is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter, is_
from sys import getrefcount
from typing import Any

import numpy as np

from minigrad.calls import Array
from minigrad.compile import layout, naming, numba_backend, pipeline
from minigrad.compile.capture import Captured, Stepped
from minigrad.compile.differentiable import CompiledOp, split
from minigrad.compile.lowering import Lowered, lower
from minigrad.compile.program import Value
from minigrad.compile.source import Source, written
from minigrad.graph import Leaf, Variable, wrap
from minigrad.memory import clock, writes
from minigrad.modes import recording
from minigrad.nn.module import changes
from minigrad.optim.blocks import Together
from minigrad.pytrees import flatten, paths_of

__all__ = ["MISS", "Specialised"]

MISS = object()


class Specialised:
    """A program, and the guards that say whether it fits a call.

    program    what it computes
    lowered    the text that runs
    reason     why it was made
    entry      a function of the leaves of the arguments: the result, or MISS
    fits       a function of the leaves: whether the guards hold
    is_flat    whether the arguments of the call are its leaves
    verified   whether a second call, on other numbers, was seen to compute the same; until then
               the program runs on the very tensors of the first call only
    """

    def __init__(
        self,
        function: Callable[..., Any],
        captured: Captured,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        reason: str,
        algebra: bool | None,
        backend: str,
    ) -> None:
        self.captured, self.reason, self.backend = captured, reason, backend
        self.function = function
        self.verified = self.replaced = False
        self.paths = paths_of((args, kwargs))
        self.is_flat = not kwargs and len(flatten((args, kwargs))[0]) == len(args)
        self.leaves = [described(leaf) for leaf in flatten((args, kwargs))[0]]
        self.program = pipeline.optimise(captured.program, algebra)
        self.grads: list[tuple[Any, Value | None]] = []
        self.separate_gradients()
        self.telling = naming.name_values(self.program, self.modules())
        self.lowered: Lowered
        self.entry: Callable[[Any], Any]
        self.bind()

    def accept(self) -> None:
        """The program holds for other numbers, too."""
        self.verified = True
        self.make_entry()

    def same_inputs(self, leaves: list[Any]) -> bool:
        """Whether a call has the very tensors of the first."""
        same = all(a is b for a, b in zip(leaves, self.captured.leaves))
        return same and not self.captured.written  # which the next call may begin with

    def modules(self) -> dict[str, Any]:
        """The modules by their paths, as comments name them."""
        roots = self.captured.surroundings.modules
        found = {}
        for name, root in roots.items():
            for path, module in root.named_modules():
                prefix = name if len(roots) > 1 or not path else ""
                found[".".join([part for part in (prefix, path) if part])] = module
        return found

    def source(self) -> Source:
        """The program as a person reads it."""
        steps = self.captured.steps
        update = ", ".join([type(step.optimizer).__name__ for step in steps])
        return written(self.program, self.captured.results, self.modules(), update, self.telling)

    def explain(self) -> str:
        """What the passes did, and the memory of the program."""
        before = sum([v.nbytes for s in self.captured.program.statements for v in s.results])
        lines = [
            f"made for: {self.reason}",
            f"{len(self.captured.program.statements)} calls recorded, "
            f"{len(self.program.statements)} in the program, {len(self.lowered.lines)} lines run",
            *self.program.notes,
            f"buffers: {self.lowered.buffers:,} bytes; all results together have {before:,}",
        ]
        return "\n".join(lines)

    def examples(self) -> list[Array]:
        """The inputs of the call that the program was made of."""
        return self.captured.examples

    def same_form(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a call has its leaves at the same places."""
        return paths_of((args, kwargs)) == self.paths

    def why_not(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """What differs between the call that made this program and another."""
        if not self.same_form(args, kwargs):
            return "the arguments have another form"
        for path, before, leaf in zip(self.paths, self.leaves, flatten((args, kwargs))[0]):
            now = described(leaf)
            if now != before:
                return f"argument {path.removeprefix('[0]')} is {now}, was {before}"
        leaves = flatten((args, kwargs))[0]
        for check, text in self.checks:
            if not check(leaves):
                return text
        return "something that the function refers to changed"

    def separate_gradients(self) -> None:
        """Gradients that stay after the call have memory of their own."""
        count = self.captured.results
        seen: set[Value] = set(self.program.outputs[:count])
        statements, outputs = list(self.program.statements), list(self.program.outputs)
        gradients = iter(range(count, len(outputs)))
        for tensor, value in self.captured.grads:
            if value is None:
                self.grads.append((tensor, None))
                continue
            i = next(gradients)
            value = outputs[i]
            if value.kind != "temporary" or value in seen:
                statements.append(pipeline.copy_of(value, f"d_{value.name}"))
                value = outputs[i] = statements[-1].result
            seen.add(value)
            self.grads.append((tensor, value))
        self.program = replace(self.program, statements=statements, outputs=outputs)

    # -------------------------------------------------------------------------------------- binding

    def bind(self) -> None:
        """Write the text, allocate its buffers, and make the entry."""
        captured = self.captured
        arrays = {value: self.array_of(source) for value, source in captured.sources.items()}
        self.op: CompiledOp | None = None
        if captured.cotangents:
            halves = split(self.program, captured.results, captured.cotangents)
            self.op = CompiledOp(captured, halves, arrays, self.function)
            self.lowered = self.op.forward
        else:
            write: Any = lower if self.backend == "numpy" else numba_backend.lower
            placed = {**self.own_gradients(), **captured.placed}
            self.lowered = write(self.program, self.new, placed, arrays)
            self.run = self.lowered.function()
        self.gradients()
        written = [arrays[old] for old, _ in self.program.updates if old in arrays]
        written += [a for step in captured.steps for b in step.blocks for a in b.arrays]
        self.keys = writes.watch(written)
        self.make_entry()

    def array_of(self, source: Any) -> Array:
        """The array that a parameter or state has now."""
        if isinstance(source, Variable):
            return source._array
        return getattr(source, "home", source)

    @property
    def new(self) -> int:
        """How many outputs are new arrays at each call: results, and gradients of arguments."""
        of_arguments = [
            tensor
            for tensor, value in self.grads
            if value is not None and self.captured.position(tensor) is not None
        ]
        return self.captured.results + len(of_arguments)

    def own_gradients(self) -> dict[Value, Array]:
        """The memory of gradients that the first call made, where nobody else can see it.

        Later calls write there, so that the gradients of the first call do not stand beside them.
        """
        found: dict[Value, Array] = {}
        elsewhere = {id(tensor) for tensor, wanted in self.captured.entered if wanted}
        elsewhere |= {id(leaf) for leaf in self.captured.leaves} | {*self.flat_parts()}
        for tensor, value in self.grads:
            if value is None or tensor.grad is None or id(tensor) in elsewhere:
                continue
            if not is_alone(tensor.grad):
                continue
            array = tensor.grad._array
            if value.shape == array.shape and value.dtype == array.dtype:
                found[value] = array
        return found

    def gradients(self) -> None:
        """The tensors that `.grad` is set to after each call."""
        self.held: list[tuple[Any, int | None]] = []  # None: in `tensors`; else an output
        self.tensors: list[Any] = []
        self.owners: list[Any] = []  # the leaf of each
        parts = self.flat_parts()
        for tensor, value in self.grads:
            if value is None:
                continue
            array = parts.get(id(tensor), self.lowered.arrays.get(value))
            if array is None or self.captured.position(tensor) is not None:
                self.held.append((tensor, self.lowered.returned.index(value)))
            else:
                self.held.append((tensor, None))
                own = tensor.grad is not None and tensor.grad._array is array
                self.tensors.append(tensor.grad if own else wrap(array))
                self.owners.append(tensor._get_leaf())

    def flat_parts(self) -> dict[int, Array]:
        """The gradient of each parameter that is updated side by side with others."""
        found = {}
        for step in self.captured.steps:
            for block in step.blocks:
                if isinstance(block, Together) and block.home is not None and block.parameters[1:]:
                    orders = [layout.memory_order(a) for a in block.arrays]
                    shapes = [a.shape for a in block.arrays]
                    for p, part in zip(block.parameters, layout.parts(block.g, shapes, orders)):
                        found[id(p)] = part
        return found

    def release_held(self) -> None:
        """Let those who hold a gradient tensor keep a copy of it: its memory is written next."""
        tensors = self.tensors
        for i, count in enumerate(self.counts):
            if getrefcount(tensors[i]) > count - (self.owners[i].grad is not tensors[i]):
                array = tensors[i]._array
                tensors[i]._array = array.copy(order="K")
                tensors[i] = wrap(array)

    # ---------------------------------------------------------------------------------------- entry

    def make_entry(self) -> None:
        """Write and make the function that checks the guards and runs the program."""
        writer = EntryWriter(self)
        self.checks = writer.checks
        self.entry_text = writer.text()
        scope: dict[str, Any] = dict(writer.names)
        exec(compile_text(self.entry_text), scope)
        self.entry, self.fits = scope["entry"], scope["fits"]
        unseen = [object()]  # what only a list holds; a leaf holds each of `tensors`, too
        self.counts = [count + 1 for count in map(getrefcount, unseen)] * len(self.tensors)


def is_alone(gradient: Any) -> bool:
    """Whether only a leaf holds a gradient, and only the gradient its memory."""
    unseen: list[Any] = [object()]
    (count,) = map(getrefcount, unseen)
    holders: list[Any] = [gradient, gradient._array]
    if holders[1].base is not None:
        holders.append(holders[1].base)
    if type(holders[-1]) is not np.ndarray or not holders[-1].flags.owndata:
        return False
    if not holders[1].flags.writeable or 0 in holders[1].strides:
        return False
    counts = [*map(getrefcount, holders)]
    return counts[0] <= count + 2 and all(each <= count + 1 for each in counts[1:])


def compile_text(text: str) -> Any:
    return compile(text, "<minigrad compiled entry>", "exec")


def described(leaf: Any) -> Any:
    """What a guard compares of an argument."""
    if isinstance(leaf, Variable):
        kind = "a tensor" if leaf._node is None else "a tensor that requires grad"
        return f"{kind} of shape {leaf._array.shape}, {leaf._array.dtype}"
    if isinstance(leaf, np.ndarray):
        return f"an array of shape {leaf.shape}, {leaf.dtype}"
    return leaf


class EntryWriter:
    """The text of an entry: guards, the optimizers' numbers, the call, gradients, the result."""

    def __init__(self, program: Specialised) -> None:
        self.program = program
        self.captured = program.captured
        self.names: dict[str, Any] = {"MISS": MISS}
        self.conditions: list[str] = []
        self.checks: list[tuple[Callable[[list[Any]], bool], str]] = []
        self.watches: dict[int, StepWatch] = {}

    def bind(self, value: Any, name: str) -> str:
        free, number = name, 0
        while free in self.names and self.names[free] is not value:
            number += 1
            free = f"{name}{number}"
        self.names[free] = value
        return free

    def require(self, condition: str, text: str) -> None:
        """A condition, and what its failure means."""
        self.conditions.append(condition)
        names = self.names

        def check(leaves: list[Any]) -> bool:
            given = {f"leaf{i}": leaf for i, leaf in enumerate(leaves)}
            arrays = {f"array{i}": getattr(leaf, "_array", leaf) for i, leaf in enumerate(leaves)}
            return bool(eval(condition, {**names, **given, **arrays}))

        if text:
            self.checks.append((check, text))

    def text(self) -> str:
        self.guard_arguments()
        self.guard_tensors()
        self.guard_surroundings()
        self.guard_optimizers()
        count = len(self.program.leaves)
        unpack = (
            f"    ({''.join([f'leaf{i}, ' for i in range(count)])}) = leaves\n" if count else ""
        )
        alone = "\n        and ".join(self.conditions) or "True"
        if not self.program.verified:
            self.conditions += [
                f"leaf{i} is {self.bind(leaf, 'first')}" for i, leaf in enumerate(self.leaves())
            ]
        checks = "\n            and ".join(self.conditions) or "True"
        lines = [
            f"    if len(leaves) != {count}:\n        return MISS\n{unpack}"
            f"    try:\n        if not (\n            {checks}\n        ):\n"
            "            return MISS\n"
            "    except AttributeError:\n        return MISS",
            *[f"    {line}" for line in self.prologue()],
            *self.noted_call(),
            *[f"    {line}" for line in self.epilogue()],
        ]
        fits = f"def fits(leaves):\n{unpack}    return (\n        {alone}\n    )\n"
        return "def entry(leaves):\n" + "\n".join(lines) + "\n\n\n" + fits

    # --------------------------------------------------------------------------------------- guards

    def guard_arguments(self) -> None:
        for i, leaf in enumerate(self.leaves()):
            name = f"leaf{i}"
            if isinstance(leaf, Variable):
                array = leaf._array
                kind = self.bind(type(leaf), "Tensor")
                self.require(f"type({name}) is {kind}", "")
                self.require(f"(array{i} := {name}._array).shape == {array.shape!r}", "")
                self.require(f"array{i}.dtype is {self.bind(array.dtype, str(array.dtype))}", "")
                wants = "is" if leaf._node is None else "is not"
                self.require(f"{name}._node {wants} None", "")
            elif isinstance(leaf, np.ndarray):
                self.require(f"type({name}) is {self.bind(np.ndarray, 'ndarray')}", "")
                self.require(f"(array{i} := {name}).shape == {leaf.shape!r}", "")
                self.require(f"array{i}.dtype is {self.bind(leaf.dtype, str(leaf.dtype))}", "")
            elif isinstance(leaf, (bool, int, float, str, type(None))):
                kind = self.bind(type(leaf), "kind")
                self.require(f"type({name}) is {kind}", "")
                self.require(f"{name} == {self.bind(leaf, 'given')}", "")
            else:
                self.require(f"{name} is {self.bind(leaf, 'given')}", "")

        self.guard_same_arrays()

    def guard_same_arrays(self) -> None:
        """Where two arguments are one array, or one tensor with a gradient, and where not."""
        first: dict[int, int] = {}
        for i, leaf in enumerate(self.leaves()):
            array = leaf._array if isinstance(leaf, Variable) else leaf
            if not isinstance(array, np.ndarray):
                continue
            before = first.setdefault(id(array), i)
            if before != i:
                self.require(f"array{i} is array{before}", "two arguments were one array")
        changed = [tensor for tensor, _ in self.captured.grads]
        places = [i for i, leaf in enumerate(self.leaves()) if any(leaf is t for t in changed)]
        places += [
            place for value, place in self.input_places().items() if value in self.updated_values()
        ]
        for i in places:
            for j in first.values():
                if self.leaves()[i] is not self.leaves()[j]:
                    self.require(f"array{i} is not array{j}", "two arguments are one array")

    def leaves(self) -> list[Any]:
        return self.captured.leaves

    def leaf_of(self, tensor: Any) -> str:
        """The `Leaf` of a tensor: that of an argument changes from call to call."""
        position = self.captured.position(tensor)
        if position is None:
            return self.bind(tensor._get_leaf(), "leaf_of")
        return f"leaf{position}._node"

    def guard_tensors(self) -> None:
        """Parameters and other tensors are where they were, and require grad as they did."""
        for tensor, array, node in self.captured.tensors():
            t = self.bind(tensor, "tensor")
            self.require(f"{t}._array is {self.bind(array, 'memory')}", "a tensor has other memory")
            if node is None or type(node) is Leaf:
                self.require(f"{t}._node is {self.bind(node, 'leaf_of') if node else None}",
                             "requires_grad of a tensor changed")  # fmt: skip
        for tensor, _ in self.captured.grads:
            if self.captured.position(tensor) is not None:
                kind = self.bind(Leaf, "Leaf")
                self.require(f"type({self.leaf_of(tensor)}) is {kind}", "an argument is not a leaf")
        for tensor, wanted in self.captured.entered:
            leaf = self.leaf_of(tensor)
            operator = "is not" if wanted else "is"
            self.require(f"{leaf}.grad {operator} None", "a .grad is None that was not, or was")

    def guard_surroundings(self) -> None:
        self.bind(recording, "recording")
        wanted = "is None" if recording.frame is None else "is not None and frame.detail is None"
        self.require(f"(frame := recording.frame) {wanted}", "the recording mode changed (no_grad)")
        for holder, key, value in self.captured.surroundings.readings:
            where = self.bind(holder, "holder")
            read = f"{where}.cell_contents" if key is None else f"{where}.get({key!r})"
            if isinstance(value, (bool, int, float, str)):
                self.require(
                    f"{read} == {self.bind(value, 'was')}", f"{key or 'a variable'} changed"
                )
            else:
                self.require(
                    f"{read} is {self.bind(value, 'was')}", f"{key or 'a variable'} changed"
                )
        watch = self.bind(ModuleWatch(self.captured.surroundings.modules), "modules")
        self.bind(changes, "changes")
        self.require(
            f"({watch}.count == changes.count or {watch}.check())",
            "a module changed: train or eval, or an attribute",
        )

    def guard_optimizers(self) -> None:
        for step in self.captured.steps:
            self.watches[id(step)] = StepWatch(step, self.captured)
            watch = self.bind(self.watches[id(step)], "groups")
            optimizer = self.bind(step.optimizer, "optimizer")
            blocks = self.bind(step.optimizer._blocks, "blocks")
            self.require(f"{optimizer}._blocks is {blocks}", "the optimizer's state was loaded")
            same = " and ".join([
                f"{self.bind(group, 'group')} == {watch}.snapshots[{i}]"
                for i, group in enumerate(step.optimizer.param_groups)
            ])  # fmt: skip
            self.require(
                f"(({same}) or {watch}.check())",
                "an option of the optimizer changed on which the formulas depend",
            )
            if watch_truths := self.names[watch].truths:
                assert watch_truths
                self.require(f"{watch}.same_truths()", "the optimizer takes another branch")

    # ------------------------------------------------------------------------------------- the rest

    def prologue(self) -> list[str]:
        lines = []
        if self.program.tensors:
            tensors = self.bind(self.program.tensors, "gradients")
            self.bind(getrefcount, "getrefcount")
            self.bind(self.program, "program")
            owners = self.bind(self.program.owners, "owners")
            self.bind(attrgetter("grad"), "grad_of")
            self.bind(is_, "is_")
            lines = [
                f"if [*map(getrefcount, {tensors})] != program.counts or not all(",
                f"    map(is_, map(grad_of, {owners}), {tensors})",
                "):",
                "    program.release_held()",
            ]
        for step in self.captured.steps:
            optimizer = self.bind(step.optimizer, "optimizer")
            watch = self.bind(self.watches[id(step)], "groups")
            if not any(block.counts for block in step.blocks):
                lines.append(f"if {watch}.stale: {watch}.prepare()")
            else:
                for block in step.blocks:
                    lines.append(f"{self.bind(block.prepare, 'prepare')}({optimizer})")
            lines.append(f"{optimizer}.steps_taken += 1")
        return lines

    def call(self) -> str:
        if self.program.op is not None:
            return self.op_call(self.program.op)
        run = self.bind(self.program.run, "run")
        arguments = ", ".join(self.input_texts())
        outputs = "".join([f"out{i}, " for i in range(len(self.program.lowered.returned))])
        return f"({outputs}) = {run}({arguments})" if outputs else f"{run}({arguments})"

    def input_places(self) -> dict[Value, Any]:
        """The inputs of the program, and which leaf of the arguments each is."""
        count = len(self.captured.cotangents)
        return dict(zip(self.program.program.inputs[count:], self.captured.inputs, strict=True))

    def updated_values(self) -> set[Value]:
        return {old for old, _ in self.program.program.updates}

    def input_texts(self) -> list[str]:
        """The arrays of the inputs: of arguments, or of gradients that are added to."""
        return [
            f"array{source}"
            if isinstance(source, int)
            else f"{self.leaf_of(source.tensor())}.grad._array"
            for source in self.captured.inputs
        ]

    def op_call(self, made: CompiledOp) -> str:
        """The call of a compiled function that is differentiable."""
        places = [
            f"leaf{place}" if isinstance(place, int) else self.bind(place, "tensor")
            for place in self.captured.places
        ]
        inputs = "".join([f"{text}, " for text in self.input_texts()])
        outputs = "".join([f"out{i}, " for i in range(self.captured.results)])
        if self.captured.results == 1:
            outputs = "out0"
        tensors = "".join([f"{place}, " for place in places])
        return f"{outputs} = {self.bind(made.call, 'compiled')}(({tensors}), ({inputs}), leaves)"

    def noted_call(self) -> list[str]:
        """The call, and the note of what it writes: before a node is made of it, else after."""
        notes, call = self.notes_of_writes(), self.call()
        order = [call, *notes] if self.program.op is None else [*notes, call]
        return [f"    {line}" for line in order]

    def notes_of_writes(self) -> list[str]:
        lines = []
        for text in self.written_arguments():
            lines.append(f"writes.note({text}, 'a compiled function')")
            self.bind(writes, "writes")
        if self.program.keys:
            name = self.captured.steps[0].optimizer.name if self.captured.steps else "compiled"
            written: list[Any] = [0, name]  # time and writer: one entry for all, brought up to date
            entry = self.bind(written, "written")
            times = self.bind(writes.times, "times")
            entries = self.bind(dict.fromkeys(self.program.keys, written), "entries")
            self.bind(writes, "writes")
            self.bind(clock, "clock")
            lines += [f"{entry}[0] = writes.latest = next(clock)", f"{times}.update({entries})"]
        return lines

    def epilogue(self) -> list[str]:
        lines, number = [], 0
        for tensor, grad in self.program.held:
            leaf = self.leaf_of(tensor)
            if grad is None:
                lines.append(
                    f"{leaf}.grad = {self.bind(self.program.tensors, 'gradients')}[{number}]"
                )
                number += 1
            else:
                lines.append(f"{leaf}.grad = {self.bind(finished, 'finished')}(out{grad})")
        for tensor, value in self.program.grads:
            if value is None:
                lines.append(f"{self.leaf_of(tensor)}.grad = None")
        for step in self.captured.afterwards:
            lines.append(f"{self.bind(step.optimizer, 'optimizer')}.step()")
        return [*lines, f"return {self.returned()}"]

    def written_arguments(self) -> list[str]:
        """The arrays of arguments that the program changes in place."""
        updated = self.updated_values()
        return [f"array{i}" for value, i in self.input_places().items() if value in updated]

    def returned(self) -> str:
        """The text that builds the result."""
        self.bind(finished, "finished")
        parts: list[str] = []
        for leaf, made in zip(self.captured.outputs, flatten(self.captured.result)[0]):
            position = self.captured.position(made) if isinstance(made, Variable) else None
            if position is not None:  # an argument itself
                parts.append(f"leaf{position}")
            elif isinstance(leaf, int):
                parts.append(f"out{leaf}" if self.program.op else f"finished(out{leaf})")
            elif isinstance(leaf, tuple):
                parts.append(self.bind(leaf[0], "plain") if leaf[0] is not None else "None")
        if len(parts) == 1 and isinstance(self.captured.result, Variable):
            return parts[0]
        if not parts:
            return self.bind(self.captured.result, "plain")
        return f"{self.bind(self.captured.rebuild, 'rebuild')}([{', '.join(parts)}])"


def finished(array: Any) -> Any:
    """A tensor around a result."""
    return wrap(array if type(array) is np.ndarray else np.asarray(array))


class ModuleWatch:
    """Whether modules are as they were: their mode, their numbers, what they consist of."""

    def __init__(self, modules: dict[str, Any]) -> None:
        self.modules = modules
        self.state = self.read()
        self.count = changes.count

    def read(self) -> list[Any]:
        state: list[Any] = []
        for module in self.modules.values():
            for each in module.modules():
                for key, value in vars(each).items():
                    if isinstance(value, (bool, int, float, str, type(None))):
                        state.append((key, value))
                    elif not isinstance(value, (dict, set)):
                        state.append((key, id(value)))
        return state

    def check(self) -> bool:
        if self.read() != self.state:
            return False
        self.count = changes.count
        return True


class StepWatch:
    """Whether an optimizer's options are as they were, where its formulas depend on them."""

    def __init__(self, step: Stepped, captured: Captured) -> None:
        self.optimizer, self.blocks = step.optimizer, step.blocks
        self.stale = True  # the numbers of the blocks are to be computed anew
        self.snapshots = [dict(group) for group in self.optimizer.param_groups]
        self.structure = self.read()
        blocks = {id(block) for block in step.blocks}
        self.truths = [truth for truth in captured.truths if id(truth.block) in blocks]

    def read(self) -> list[Any]:
        """What the formulas depend on: flags, and whether numbers are zero."""
        return [
            [
                *[
                    (key, bool(value) if isinstance(value, (int, float)) else type(value))
                    for key, value in group.items()
                    if key != "lr"
                ],
                [id(p) for p in group["params"]],
            ]
            for group in self.optimizer.param_groups
        ]

    def check(self) -> bool:
        if self.read() != self.structure:
            return False
        self.snapshots[:] = [dict(group) for group in self.optimizer.param_groups]
        self.stale = True
        return True

    def prepare(self) -> None:
        """Compute the numbers of the blocks, of an optimizer whose numbers follow from options."""
        for block in self.blocks:
            block.prepare(self.optimizer)
        self.stale = False

    def same_truths(self) -> bool:
        for truth in self.truths:
            block = truth.block
            values = self.optimizer.coefficients(block.group, dict(block.counts), block.first)
            if bool(values[truth.position]) != truth.truth:
                return False
        return True
