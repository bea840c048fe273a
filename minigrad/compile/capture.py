"""From one traced call of a function to a `Program`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import random
from minigrad.backward import walk
from minigrad.calls import CAST
from minigrad.compile import layout
from minigrad.compile.afterwards import (
    Afterwards,
    check_order,
    gradients_of,
    is_traceable,
    run_untraced,
)
from minigrad.compile.captured import Captured, Stepped
from minigrad.compile.places import constant_name, line_of, line_text, path_of
from minigrad.compile.program import NotCompiled, Program, Statement, Value, values_in
from minigrad.compile.surroundings import Surroundings, bound_names
from minigrad.compile.updates import Truth, number_names, update_statements
from minigrad.graph import Leaf, Node, Variable, ancestors, wrap
from minigrad.memory import clock, original, owner_of, writes
from minigrad.modes import WRITE, Call, NotTraced, recording, trace
from minigrad.ops import indexing, sorting
from minigrad.optim.blocks import Block, Together
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.recorder import recorder
from minigrad.primitive import op_of
from minigrad.pytrees import flatten, paths_of

GETITEM = op_of(indexing._getitem)
SHAPED_BY_NUMBERS = {op_of(function) for function in (indexing._nonzero, sorting._unique)}

__all__ = ["Captured", "NotCompiled", "Stepped", "capture"]


def capture(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Captured:
    """Run `function` once, for real, and make a program of what it did."""
    return Capture(function, args, kwargs).run()


class Capture:
    """The values of a call, found by the identity of arrays."""

    def __init__(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        named = bound_names(function, args, kwargs)
        self.surroundings = Surroundings(function, named)
        for optimizer in self.surroundings.optimizers.values():
            optimizer.gather_memory()
        self.names: dict[int, str] = {}
        self.values: dict[int, Value] = {}  # id of an array -> what it stands for now
        self.kept: list[Any] = []  # arrays that must not die while their id is known
        self.statements: list[Statement] = []
        self.leading: list[Statement] = []  # views of parameters that lie side by side
        self.placed: dict[Value, Any] = {}
        self.updates: dict[Value, Value] = {}
        self.views: dict[Value, Value] = {}  # a view -> what owns its memory
        self.stale: set[Value] = set()  # views whose memory was written to since
        self.sources: dict[Value, Any] = {}
        self.inputs: list[Value] = []
        self.positions: list[Any] = []
        self.steps: list[Stepped] = []
        self.afterwards: list[Afterwards] = []
        self.written: list[Any] = []  # memory that is a constant at first, and is written to
        self.own_writes: set[int] = set()  # memory that these steps wrote to
        self.truths: list[Truth] = []
        self.leaves, self.rebuild_arguments = flatten((args, kwargs))
        self.first_backward: int | None = None
        self.entering = [  # where arguments stand that have a gradient
            leaf._node
            for leaf in self.leaves
            if isinstance(leaf, Variable) and leaf._node is not None
        ]
        self.read_arguments(named)
        self.read_tensors()
        self.handles = [(t, t._array) for t in self.leaves if isinstance(t, Variable)]

    # --------------------------------------------------------------------------- before the call

    def know(self, array: Any, value: Value) -> Value:
        self.values[id(array)] = value
        self.kept.append(array)
        return value

    def read_arguments(self, named: dict[str, Any]) -> None:
        names: dict[int, str] = {}
        for name, argument in named.items():
            for path, leaf in zip(paths_of(argument), flatten(argument)[0]):
                text = name + "".join([c if c.isalnum() else "_" for c in path]).rstrip("_")
                names.setdefault(id(leaf), text.replace("__", "_"))
        for position, leaf in enumerate(self.leaves):
            array = leaf._array if isinstance(leaf, Variable) else leaf
            if not isinstance(array, np.ndarray) or id(array) in self.values:
                continue
            name = names.get(id(leaf), f"input{position}")
            value = Value(name, array.shape, array.dtype, "input")
            self.inputs.append(self.know(array, value))
            self.positions.append(position)

    def read_tensors(self) -> None:
        """Parameters, buffers and other tensors that the function refers to."""
        self.parameters: dict[Any, Any] = {}  # leaf -> tensor
        for name, tensor in self.surroundings.tensors.items():
            self.read_tensor(name, tensor)
        for optimizer in self.surroundings.optimizers.values():
            for group in optimizer.param_groups:
                for i, tensor in enumerate(group["params"]):
                    self.read_tensor(f"parameter{i}", tensor)
        for leaf in self.leaves:
            if isinstance(leaf, Variable) and type(leaf._node) is Leaf:
                self.parameters[leaf._node] = leaf

    def read_tensor(self, name: str, tensor: Variable) -> None:
        array = tensor._array
        if id(array) in self.values or not isinstance(array, np.ndarray):
            return
        kind = "parameter" if type(tensor._node) is Leaf else "state"
        value = Value(name, array.shape, array.dtype, kind, array)  # type: ignore[arg-type]
        self.sources[self.know(array, value)] = tensor
        if type(tensor._node) is Leaf:
            self.parameters[tensor._node] = tensor

    def enter_gradients(self) -> None:
        """Put zeros where there is no gradient, to see whether the call adds to what it finds."""
        self.sentinels: dict[Any, Any] = {}
        self.entry: dict[Any, Value] = {}
        for leaf, tensor in self.parameters.items():
            known = self.values.get(id(tensor._array))
            name = f"d_{known.name}" if known else "d"
            if leaf.grad is None:
                leaf.grad = self.sentinels[leaf] = wrap(layout.zeros_like(tensor._array))
            array = leaf.grad._array
            value = Value(f"{name}_before", array.shape, array.dtype, "state", array)
            self.entry[leaf] = self.know(array, value)
            self.sources[value] = leaf

    def leave_gradients(self) -> None:
        """Take away the zeros that nobody looked at."""
        for leaf, zeros in self.sentinels.items():
            if leaf.grad is zeros and not self.touched(zeros._array):
                leaf.grad = None

    # ---------------------------------------------------------------------------------- the call

    def run(self) -> Captured:
        self.enter_gradients()
        self.begin = next(clock)
        before = recorder.record
        try:
            with trace() as t:
                self.trace = t
                for array in self.kept:
                    t.watch(array)
                recorder.record, recorder.own = self.record_step, self.run_own_step
                result = self.function(*self.args, **self.kwargs)
                self.refuse_histories()
                self.differentiate(result)
        except NotTraced as error:
            raise NotCompiled(str(error)) from None
        finally:
            recorder.record, recorder.own = before, None
            self.leave_gradients()
        try:
            return self.build(t.calls, result)
        finally:
            t.forget()  # the results of the call know where they were made, and so the trace

    def refuse_histories(self) -> None:
        """Raise if the call changed what a program cannot: the history of an argument."""
        for tensor, array in self.handles:
            if tensor._array is not array:
                raise NotCompiled(
                    "an argument is changed in place, and the change is part of its gradient: "
                    "return the new tensor, or change it inside mg.no_grad()"
                )
        reached = {id(edge) for edge, _ in self.trace.cotangents}
        if any(id(edge) in reached and type(edge) is not Leaf for edge in self.entering):
            raise NotCompiled(
                "backward inside of the function goes on into the history of an argument: "
                "detach the argument, or call backward outside"
            )

    def differentiate(self, result: Any) -> None:
        """Follow the call by a backward pass from its results, if it can have one."""
        self.cotangents: list[Value] = []
        self.places: list[Any] = []
        self.gradients: list[Any] = []
        tensors = [t for t in flatten(result)[0] if isinstance(t, Variable)]
        roots = [t._node for t in tensors if t._node is not None]
        if not roots or not recording.enabled:
            return
        seen = ancestors(roots)
        if any(type(e) is Node and e.saved is None for e in seen) or self.steps or self.afterwards:
            return  # its backward was in the call
        if any(self.got_gradient(leaf) for leaf in self.parameters):
            if any(type(edge) is Node for edge in seen):
                raise NotCompiled(
                    "the function calls backward, and returns what has a gradient still: detach "
                    "the result, or call backward outside"
                )
            return
        known = {edge: i for i, edge in enumerate([*self.entering, *self.parameters])}
        # a leaf that was made inside, and dropped, has a gradient that nobody can ask for
        alive = {edge for edge in seen if type(edge) is Leaf and edge.tensor() is not None}
        leaves = [edge for edge in seen if edge in alive or edge in known]
        if not leaves:
            return
        leaves.sort(key=lambda edge: known.get(edge, len(known)))
        pairs = []
        for tensor in tensors:
            array = tensor._array
            cotangent = np.ones_like(array)
            value = Value("d_out", array.shape, array.dtype, "input")
            self.cotangents.append(self.know(cotangent, value))
            if tensor._node is not None:
                pairs.append((tensor._node, wrap(cotangent)))
        self.first_backward = len(self.trace.calls)
        found = walk(pairs, False, True, leaves)
        for leaf in leaves:
            g = found.get(leaf)
            self.places.append(self.place_of(leaf))
            self.gradients.append(None if g is None else g._array if isinstance(g, Variable) else g)

    def got_gradient(self, leaf: Any) -> bool:
        """Whether the call changed the `.grad` of a leaf, other than to None."""
        if leaf.grad is None:
            return False
        array = leaf.grad._array
        return self.values.get(id(array)) is not self.entry[leaf] or self.touched(array)

    def place_of(self, edge: Any) -> Any:
        """What a gradient belongs to: the number of a leaf of the arguments, or a tensor."""
        for i, leaf in enumerate(self.leaves):
            if isinstance(leaf, Variable) and leaf._node is edge:
                return i
        tensor = self.parameters.get(edge)
        return edge.tensor() if tensor is None else tensor

    def record_step(self, optimizer: Optimizer) -> None:
        """Run a step of an optimizer for real, and note it."""
        self.leave_gradients()
        if optimizer._before or optimizer._after:
            raise NotCompiled(
                f"{optimizer.name} has hooks, which a program cannot call: remove them"
            )
        if self.afterwards:
            raise NotCompiled(
                f"{optimizer.name} comes after {self.afterwards[0].optimizer.name}, which reads "
                "numbers and so runs after the program: step in the other order"
            )
        grads = gradients_of(optimizer)
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.kept += [*grads.values(), *[p._array for p in parameters]]
        arrays = {id(p): p._array for p in parameters}
        stepped = Stepped(optimizer, len(self.trace.calls), grads, before=arrays)
        _, written = run_untraced(optimizer._step)
        if is_traceable(optimizer):
            stepped.blocks = list(optimizer._blocks)
            self.steps.append(stepped)
        else:
            self.afterwards.append(Afterwards(optimizer, stepped.position, grads))
            self.own_writes |= written
        self.put_zeros_back()

    def run_own_step(self, optimizer: Optimizer, run: Callable[[], Any], given: bool) -> Any:
        """Run a step that is no update of blocks, and note that it runs after the program."""
        if given:
            raise NotCompiled(
                f"{optimizer.name} with a closure runs the function again and again: compile the "
                "closure, not the step"
            )
        self.leave_gradients()
        grads = gradients_of(optimizer)
        self.kept += grads.values()
        result, written = run_untraced(run)
        self.afterwards.append(Afterwards(optimizer, len(self.trace.calls), grads))
        self.own_writes |= written
        self.put_zeros_back()
        return result

    def own_memory(self) -> set[Value]:
        """Parameters and state, and views of them."""
        return {*self.sources, *[v for v, base in self.views.items() if base in self.sources]}

    def put_zeros_back(self) -> None:
        for leaf, zeros in self.sentinels.items():  # the rest of the call may look at them
            if leaf.grad is None:
                leaf.grad = zeros

    # ----------------------------------------------------------------------------- the program

    def build(self, calls: list[Call], result: Any) -> Captured:
        steps = list(self.steps)
        spans = self.trace.backward
        self.drawing = set(random.drawing.values())
        if self.trace.unnoted:
            raise NotCompiled(f"random numbers: {self.trace.unnoted}")
        self.refuse_writes()
        for position, call in enumerate(calls):
            while steps and steps[0].position <= position:
                self.add_step(steps.pop(0))
            self.backward = any(start <= position < end for start, end in spans)
            if self.first_backward is not None and position >= self.first_backward:
                self.backward = True
            self.add_call(call)
        for step in steps:
            self.add_step(step)
        grads: list[tuple[Any, Value | None]] = []
        given = {id(leaf) for leaf in self.leaves}
        for leaf, tensor in sorted(self.parameters.items(), key=lambda p: id(p[1]) not in given):
            if leaf.grad is None:
                if leaf not in self.sentinels:
                    grads.append((tensor, None))
            elif self.values.get(id(leaf.grad._array)) is not self.entry[leaf]:
                grads.append((tensor, self.value_of(leaf.grad._array)))
        read = {value for s in self.statements for value in s.reads()}
        entered, plain = [], {}
        for leaf, value in self.entry.items():
            del self.sources[value]
            if value in read:
                if leaf not in self.sentinels:
                    value.kind, value.array = "input", None
                    self.inputs.append(value)
                    self.positions.append(leaf)
                entered.append((self.parameters[leaf], leaf not in self.sentinels))
                if leaf in self.sentinels:  # zeros of ours: 0 + g is g
                    plain.update(self.without_zeros(value))
        leaves, rebuild = flatten(result)
        outputs: list[Value] = []
        described: list[Any] = []
        for leaf in leaves:
            if isinstance(leaf, Variable):
                described.append(len(outputs))
                outputs.append(self.read(leaf._array))
            else:
                described.append((leaf,))
        self.name_gradients(grads)
        if self.afterwards:
            check_order(self.afterwards, calls, self.own_writes, outputs, self.own_memory())
        count = len(outputs)
        if self.cotangents:
            outputs += self.differentiated()
            self.inputs = [*self.cotangents, *self.inputs]
            grads = []
        outputs += [value for _, value in grads if value is not None]
        program = Program(
            self.inputs,
            self.leading + self.statements,
            outputs,
            list(self.updates.items()),
            primals=self.primals,
        ).substituted(plain)
        for step in self.steps:  # so that the arrays of the first call need not stay
            step.grads, step.before = {}, {}
        for after in self.afterwards:
            after.grads = {}
        return Captured(
            program, count, self.leaves, self.positions, self.sources, grads, entered, self.steps,
            self.truths, self.placed, result, described, rebuild, self.surroundings,
            [*self.parameters.values()], self.cotangents, self.places, self.rebuild_arguments,
            self.examples(), self.afterwards, self.written,
        )  # fmt: skip

    def differentiated(self) -> list[Value]:
        """The gradients of a call that can be differentiated; zeros where there is none."""
        found = []
        for place, g in zip(self.places, self.gradients):
            tensor = self.leaves[place] if isinstance(place, int) else place
            array = np.zeros_like(tensor._array) if g is None else g
            found.append(self.value_of(array))
            primal = self.values.get(id(tensor._array))
            if primal is not None:
                self.primals[found[-1]] = primal
        return found

    def name_gradients(self, grads: list[tuple[Any, Value | None]]) -> None:
        """Note which value each cotangent is the gradient of."""
        self.primals: dict[Value, Value] = {}
        for edge, gradient in self.trace.cotangents:
            if not isinstance(gradient, Variable):
                continue
            cotangent = self.values.get(id(gradient._array))
            if type(edge) is Leaf:
                array = getattr(edge.tensor(), "_array", None)
            else:
                array = self.trace.made.get(edge)
            primal = None if array is None else self.values.get(id(array))
            if cotangent is not None and primal is not None:
                self.primals[cotangent] = primal
        for tensor, value in grads:
            primal = self.values.get(id(tensor._array))
            if value is not None and primal is not None:
                self.primals[value] = primal

    def examples(self) -> list[Any]:
        """The arrays of the inputs."""
        arrays = [np.ones(value.shape, value.dtype) for value in self.cotangents]
        for position in self.positions:
            leaf = position.grad if isinstance(position, Leaf) else self.leaves[position]
            arrays.append(leaf._array if isinstance(leaf, Variable) else leaf)
        return arrays

    def touched(self, array: Any) -> bool:
        """Whether the call wrote to an array in place."""
        return any(call.op is WRITE and call.operands[0] is array for call in self.trace.calls)

    def without_zeros(self, zeros: Value) -> dict[Value, Value]:
        """What adding `zeros` gives: the other addend."""
        plain = {}
        for statement in list(self.statements):
            if zeros in statement.reads():
                others = [value for value in statement.operands if value is not zeros]
                if statement.op.kind != "add" or len(others) != 1:
                    raise NotCompiled("a .grad that is None was read before backward")
                self.statements.remove(statement)
                plain[statement.result] = others[0]
        return plain

    def value_of(self, array: Any) -> Value:
        """What an array stands for; a constant, if nothing in the call made it."""
        value = self.values.get(id(array))
        if value is None:
            was = original(self.trace, array)
            made = Value(constant_name(was), array.shape, array.dtype, "constant", was)
            value = self.know(array, made)
        return value

    def read(self, array: Any) -> Value:
        """What an array that the call reads, or returns, stands for."""
        value = self.value_of(array)
        if value in self.stale:
            raise NotCompiled(
                "a view is read after the tensor that it is a view of was changed in place: "
                "take the view again, or use the operation that is not in place"
            )
        return value

    def argument(self, argument: Any) -> Any:
        """An operand or static argument, values in the place of arrays."""
        if isinstance(argument, Variable):
            argument = argument._array
        if isinstance(argument, np.ndarray):
            return self.read(argument)
        if isinstance(argument, tuple):
            parts = [self.argument(each) for each in argument]
            return type(argument)(*parts) if hasattr(argument, "_fields") else tuple(parts)
        if isinstance(argument, list):
            return [self.argument(each) for each in argument]
        if isinstance(argument, slice):
            return slice(
                *[self.argument(x) for x in (argument.start, argument.stop, argument.step)]
            )
        return argument

    def add_call(self, call: Call) -> None:
        if call.op is WRITE:
            return self.add_write(call)
        operands = tuple([self.argument(each) for each in call.operands])
        if call.op.joint is not None:
            operands = (operands,)
        statics = tuple([self.argument(each) for each in call.statics])
        masks = any(v.dtype.kind == "b" and v.kind != "constant" for v in values_in(statics))
        if call.op in SHAPED_BY_NUMBERS or (masks and call.op is GETITEM):
            raise NotCompiled(
                f"{call.op.name}: the shape of the result depends on numbers ({line_text(call)}): "
                "use mg.where, which keeps the shape"
            )
        results = []
        for array in call.results:
            if array is None:
                continue
            if isinstance(array, tuple):
                raise NotCompiled(f"{call.op.name} keeps several arrays together for its gradient")
            results.append(self.know(array, Value("t", array.shape, array.dtype)))
        if call.op.view and isinstance(operands[0], Value):
            self.note_views(operands[0], call.operands[0], results, call.results)
        section = "backward" if self.in_backward(call) else "forward"
        module = path_of(call.frame, self.surroundings)
        self.statements.append(
            Statement(call.op, operands, statics, tuple(results), section, module, line_of(call),
                      call.op in self.drawing or not results)
        )  # fmt: skip
        return None

    def note_views(self, base: Value, memory: Any, views: list[Value], arrays: Any) -> None:
        """Note which results are views of an operand: what is written to one shows in the other."""
        memory = memory._array if isinstance(memory, Variable) else memory
        for view, array in zip(views, arrays):
            if np.may_share_memory(memory, array):
                self.views[view] = self.views.get(base, base)

    def refuse_writes(self) -> None:
        """Raise if memory of the call was written by something that the trace does not note."""
        noted = self.own_writes | {
            id(owner_of(c.operands[0])) for c in self.trace.calls if c.op is WRITE
        }
        for step in self.steps:
            for block in step.blocks:
                noted |= {id(owner_of(array)) for array in block.arrays}
                noted |= {id(owner_of(array)) for array in step.before.values()}
        known = {id(owner_of(a)) for a in self.trace.known.values() if type(a) is np.ndarray}
        known |= {id(owner_of(array)) for array in self.kept if type(array) is np.ndarray}
        for key, (time, writer) in writes.times.copy().items():
            if time > self.begin and key in known and key not in noted:
                raise NotCompiled(
                    f"{writer} changes memory in place in a way that a program cannot: use the "
                    "operation that is not in place, or do it outside of the compiled function"
                )

    def in_backward(self, call: Call) -> bool:
        return self.backward

    def add_write(self, call: Call) -> None:
        """An in-place change: the array stands for the new value from here on."""
        array, new = call.operands
        value = self.value_of(array)
        base = self.views.get(value, value)
        if base is not value and self.root_of(base) is not None:
            raise NotCompiled(
                f"a view of another tensor is changed in place ({line_text(call)}): change the "
                "tensor itself, or use the operation that is not in place"
            )
        if base.kind == "constant":
            self.written.append(owner_of(array))
        others = {base, *[view for view, root in self.views.items() if root is base]}
        self.stale |= others - {value}
        changed = self.argument(new)
        if isinstance(changed, Value) and changed.dtype != value.dtype:
            cast = Value("t", changed.shape, value.dtype)
            self.statements.append(Statement(CAST, (), (changed, value.dtype), (cast,)))
            changed = cast
        root = self.root_of(value)
        if root is not None and root not in self.entry.values():
            self.updates[root] = changed
        self.know(array, changed)

    def root_of(self, value: Value) -> Value | None:
        """The parameter or state whose memory `value` is the present content of."""
        if value in self.sources or value in self.inputs:
            return value
        for old, new in self.updates.items():
            if new is value:
                return old
        return None

    def add_step(self, step: Stepped) -> None:
        """The statements of an optimizer's step."""
        for number, block in enumerate(step.blocks):
            names = number_names(step.optimizer, len(block.numbers))
            numbers = [self.state(name, a) for name, a in zip(names, block.numbers)]
            decay = self.state("decay", block.decay) if block.group["weight_decay"] else None
            olds = [self.value_of(step.before[id(p)]) for p in block.parameters]
            grads = [self.value_of(step.grads[leaf]) for leaf in block.leaves]
            if isinstance(block, Together) and block.home is not None and len(olds) > 1:
                self.step_together(step, block, number, olds, grads, numbers, decay)
                continue
            for i, (old, g) in enumerate(zip(olds, grads)):
                parts = {name: arrays[i] for name, arrays in block.state.items()}
                state = [self.state(f"{old.name}_{name}", a) for name, a in parts.items()]
                made, new, states = update_statements(
                    step.optimizer, block, old, g, state, numbers, decay, self.truths
                )
                self.statements += made
                self.finish_step(block, i, old, new, state, states)

    def step_together(
        self, step: Stepped, block: Together, number: int, olds: list[Value], grads: list[Value],
        numbers: list[Value], decay: Value | None,
    ) -> None:  # fmt: skip
        """Parameters side by side: one update of one flat array."""
        suffix = str(number + 1) if len(step.blocks) > 1 else ""
        orders = tuple([layout.memory_order(a) for a in block.arrays])
        shapes = tuple([value.shape for value in olds])
        p = self.side_by_side(block, olds, shapes, orders, f"parameters{suffix}")
        g = self.emit(layout.FLAT, (tuple(grads),), (orders,), f"gradient{suffix}")
        state = [
            self.state(f"{name}{suffix}", array) for name, array in zip(block.state, block.flat)
        ]
        made, new, states = update_statements(
            step.optimizer, block, p, g, state, numbers, decay, self.truths
        )
        self.statements += made
        self.placed[g] = block.g
        news = [Value(value.name, value.shape, value.dtype) for value in olds]
        self.statements.append(
            Statement(layout.PARTS, (new,), (shapes, orders), tuple(news), "update")
        )
        for parameter, part in zip(block.parameters, news):
            self.know(parameter._array, part)
        self.updates[self.root_of(p) or p] = new
        self.updates.update(zip(state, states))

    def side_by_side(
        self, block: Together, olds: list[Value], shapes: Any, orders: Any, name: str
    ) -> Value:
        """The parameters of a block as one array; each is a view of it from the beginning."""
        memory: Any = block.home
        home = self.values.get(id(memory))
        if home is None:
            home = Value(name, memory.shape, memory.dtype, "parameter", memory)
            self.sources[self.know(memory, home)] = block
            self.leading.append(Statement(layout.PARTS, (home,), (shapes, orders), tuple(olds)))
            for old in olds:
                del self.sources[old]
                old.kind, old.array = "temporary", None
            return home
        return self.updates[home]

    def finish_step(
        self, block: Block, i: int, old: Value, new: Value, state: list[Value], states: list[Value]
    ) -> None:
        root = self.root_of(old) or old
        self.updates[root] = new
        self.know(block.parameters[i]._array, new)
        if root in self.sources and root.array is not None:
            root.array = block.parameters[i]._array
        for before, after in zip(state, states):
            self.updates[before] = after

    def state(self, name: str, array: Any) -> Value:
        """State that is an array of the optimizer's."""
        value = self.values.get(id(array))
        if value is None:
            value = self.know(array, Value(name, array.shape, array.dtype, "state", array))
            self.sources[value] = array
        return self.updates.get(value, value)

    def emit(
        self, op: Any, operands: tuple[Any, ...], statics: tuple[Any, ...], name: str
    ) -> Value:
        """A statement of the update whose result is flat."""
        size = sum([value.size for value in operands[0]])
        result = Value(name, (size,), operands[0][0].dtype)
        self.statements.append(Statement(op, operands, statics, (result,), "update"))
        return result
