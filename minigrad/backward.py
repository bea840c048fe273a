"""The backward pass: cotangents are carried from results back to leaves.

The walk visits nodes in falling order of creation.  A node is created after its operands, so when
it is visited every contribution to its gradient has arrived.  VJPs are plain NumPy: given arrays
they run at NumPy's speed; given tensors (``create_graph=True``, or in a trace) the same lines
record themselves, which is how derivatives of every order come from one formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from heapq import heappop, heappush
from threading import RLock
from typing import Any, NamedTuple

import numpy as np

from minigrad.graph import (
    KINDS,
    Array,
    Edge,
    Extras,
    Leaf,
    Node,
    Output,
    Variable,
    leading_to,
    new,
    unbroadcast,
    where_recorded,
    wrap,
)
from minigrad.memory import clock, own, writes
from minigrad.modes import Call, NotTraced, caller, enable_grad, no_grad, recording, untraced
from minigrad.primitive import Op, arguments_of
from minigrad.pytrees import flatten

ndarray = np.ndarray


def walk(
    roots: Iterable[tuple[Edge, Any]],
    create_graph: bool = False,
    retain_graph: bool | None = None,
    targets: Sequence[Edge] | None = None,
) -> dict[Any, Any]:
    """Carry cotangents from `roots` back to the leaves, or to `targets`, and return what arrives.

    roots    pairs of an edge and the cotangent that enters there (tensors with create_graph)
    targets  edges whose gradients are wanted; None: all leaves.  Nodes that lead to none of them
             are not visited.

    Nodes wait in a heap by falling sequence, so each is visited once, after all that depends on
    it; there is no recursion.  What a node saved is dropped as soon as it was used.
    """
    if retain_graph is None:
        retain_graph = create_graph
    trace = recording.trace
    as_tensors = create_graph or trace is not None
    begin = 0 if trace is None else len(trace.calls)
    needed = None if targets is None else leading_to(targets, [edge for edge, _ in roots])
    wanted = None if targets is None else set(targets)
    results: dict[Any, Any] = {}
    # what has arrived at leaves, and at nodes that were not visited yet
    gradients: dict[Any, Any] = {}
    edge: Any
    summed: set[Any] = set()  # where the array in `gradients` is a sum of ours, free to be added to
    waiting: list[tuple[int, Node]] = []
    for root, g in roots:
        if needed is None or root in needed:
            add(gradients, summed, waiting, root, g)

    following: Any = None  # the only node that waits, where the graph is a chain
    while following is not None or waiting:
        if following is not None:
            node, following = following, None
        else:
            node = heappop(waiting)[1]
        g = gradients.pop(node)
        if trace is not None:
            trace.cotangents.append((node, g))
        plan = node.plan
        saved = node.saved
        extras = node.extras
        if extras is not None:
            g = run_hooks(extras, g, create_graph)
        if wanted is not None and node in wanted:
            results[node] = g
        if type(node) is Output:
            deliver_output(gradients, waiting, node, g)
            continue
        if saved is None:
            raise RuntimeError(
                f"backward through {plan.op.name} a second time: what it saved was freed by the "
                "first. Pass retain_graph=True to the first backward, or compute the result again"
            )
        if node.sequence < writes.latest:
            complain_if_written(node)
        source: Any = node
        if as_tensors:
            saved = lift(node, create_graph)
            source = node if trace is None else Traced(node, trace.known)
        if type(g) is list:
            g = gather_outputs(node, g)
        for position, vjp, pick in plan.steps:
            if position < 0:  # a joint VJP: a list of gradients, one for each of a list of tensors
                given = (g, *pick(saved, source))
                try:
                    gradient = call_vjp(vjp, given, node)
                except NotTraced:
                    if create_graph:
                        raise
                    gradient = opaque_vjp(node, vjp, given)
                for edge, each in zip(node.inputs, gradient):
                    if edge is None or each is None:
                        continue
                    if needed is None or edge in needed:
                        add(gradients, summed, waiting, edge, unbroadcast(each, edge, node))
                continue
            edge = node.operands[position]
            if needed is not None and edge not in needed:
                continue
            try:
                if pick is None:
                    gradient = vjp(g, *saved)
                elif type(pick) is int:
                    gradient = vjp(g, saved[pick])
                else:
                    gradient = vjp(g, *pick(saved, source))
            except NotTraced:
                given = (g, *picked(source, saved, pick))
                take = nested_vjp if create_graph else opaque_vjp
                gradient = take(node, vjp, given)
            except Exception as error:
                note_backward(error, node)
                raise
            if gradient is None:
                continue
            if gradient.shape != edge.shape or gradient.dtype is not edge.dtype:
                gradient = unbroadcast(gradient, edge, node)
            if extras is not None and extras.stack is not None:
                complain_if_nan(gradient, node)
            # `add`, written out: this is the inner loop of every training step
            if edge not in gradients:
                gradients[edge] = gradient
                if type(edge) is not Leaf:
                    if following is not None:
                        heappush(waiting, (-following.sequence, following))
                        following = None
                    elif not waiting:
                        following = edge
                        continue
                    heappush(waiting, (-edge.sequence, edge))
            elif edge in summed:
                np.add(gradients[edge], gradient, out=gradients[edge])
            else:
                gradients[edge] = total = gradients[edge] + gradient
                if type(total) is ndarray:
                    summed.add(edge)
        if not retain_graph and saved:
            node.saved = None
    if trace is not None:
        trace.backward.append((begin, len(trace.calls)))
        trace.cotangents += gradients.items()
    if wanted is None:
        return gradients
    for leaf, g in gradients.items():
        results[leaf] = g if leaf.extras is None else run_hooks(leaf.extras, g, create_graph)
    return results


class Contribution(NamedTuple):
    """One vector-Jacobian product of the backward pass, and what it adds to where.

    node       the call whose VJP it is
    position   which operand it is for
    vjp        the function, and its `arguments` by the names that it gives them, ``g`` the first
    raw        what it returned
    gradient   the same with broadcasting undone: of the shape of the operand
    target     the edge that the operand came from
    """

    node: Node
    position: int
    vjp: Callable[..., Any]
    arguments: dict[str, Any]
    raw: Any
    gradient: Any
    target: Edge


def contributions(
    order: Sequence[Node],
    cotangents: dict[Any, Any],
    saved_of: Callable[[Node], Any] = lambda node: node.saved,
    passing: Callable[[Node, Any], Any] = lambda node, g: g,
) -> Iterator[Contribution]:
    """The backward pass, spelled out: what `walk` does, one VJP at a time.

    order       the nodes between the roots and the leaves, in the order of their calls
    cotangents  edge -> what has arrived there; it is kept up to date here
    saved_of    what a node saved; where it returns None the node sends nothing on
    passing     called with each node and all that arrived there: what goes on from it (a hook)

    Example  >>> import numpy as np, minigrad as mg
             >>> from minigrad.backward import contributions
             >>> from minigrad.graph import recorded_before
             >>> x = mg.tensor([3.0], requires_grad=True)
             >>> y = x * x
             >>> for each in contributions(recorded_before([y._node]), {y._node: np.ones(1)}):
             ...     print(each.node.name(), each.position, each.gradient)
             mul 0 [3.]
             mul 1 [3.]
    """
    for node in reversed(order):
        g = cotangents.get(node)
        if g is None:
            continue
        g = cotangents[node] = passing(node, g)
        if type(node) is Output:
            of: Any = node.operands[0]
            slots = cotangents.setdefault(of, [None] * len(of.shape))
            slots[node.position] = g
            continue
        saved = saved_of(node)
        if saved is None:
            continue
        for position, vjp, pick in node.plan.steps:
            given = (gather_outputs(node, g) if type(g) is list else g, *picked(node, saved, pick))
            arguments = dict(zip(arguments_of(vjp), given))
            raw = call_vjp(vjp, given, node)
            pairs = enumerate(raw) if position < 0 else [(position, raw)]
            for i, each in pairs:
                target = node.operands[i]
                if each is None or type(target) not in KINDS:
                    continue
                gradient = as_array(unbroadcast(each, target, node))
                yield Contribution(node, i, vjp, arguments, each, gradient, target)
                before = cotangents.get(target)
                cotangents[target] = gradient if before is None else as_array(before + gradient)


def as_array(value: Any) -> Any:
    """NumPy's scalars as 0-d arrays."""
    return np.asarray(value) if isinstance(value, np.generic) else value


def opaque_vjp(node: Node, vjp: Any, given: tuple[Any, ...]) -> Any:
    """The gradient by a VJP that looks at numbers, for a trace: one call, of the VJP itself."""
    arguments = arrays_of(given)
    gradient = vjp(*arguments)
    if gradient is None:
        return None
    together = isinstance(gradient, list)
    gradients = tuple(map(np.asarray, gradient if together else [gradient]))
    note_derivative(derivative(node.op, vjp), (), arguments, gradients)
    return [wrap(each) for each in gradients] if together else wrap(gradients[0])


def note_derivative(op: Op, operands: Any, statics: Any, results: Any) -> None:
    trace: Any = recording.trace
    frame: Any = recording.frame
    trace.note(Call(op, operands, statics, results, frame, caller()))


def arrays_of(values: Any) -> Any:
    """Arrays in the place of tensors, in nested tuples too."""
    if isinstance(values, (tuple, list)):
        parts = [arrays_of(value) for value in values]
        return type(values)(*parts) if hasattr(values, "_fields") else type(values)(parts)
    return values._array if isinstance(values, Variable) else values


@lru_cache(maxsize=512)
def derivative(op: Op, vjp: Callable[..., Any]) -> Op:
    """A VJP as an op of its own, all of whose arguments are static."""
    made = Op.of_vjp(vjp)
    made.name = f"{op.name}_vjp"
    return made


# ------------------------------------------------- derivatives of VJPs that look at numbers, traced


def nested_vjp(node: Node, vjp: Any, given: tuple[Any, ...]) -> Any:
    """The same where the gradient will be differentiated: a recorded call with a VJP of its own."""
    leaves, rebuild = flatten(given)
    form = rebuild([SLOT if isinstance(leaf, Variable) else leaf for leaf in leaves])
    tensors = [leaf for leaf in leaves if isinstance(leaf, Variable)]
    arrays = tuple([tensor._array for tensor in tensors])
    if vjp(*filled(form, arrays)) is None:
        return None
    op = nested(node.op, vjp)
    out = op.forward(arrays, form)
    note_derivative(op, arrays, (form,), (out,))
    edges = [tensor._node for tensor in tensors]
    if not any(edges):
        return wrap(out)
    made = new(Node)
    made.plan = op.plan((True,))
    made.operands = tuple([a if e is None else e for a, e in zip(arrays, edges)])
    made.saved = made.plan.save(out, arrays)
    made.statics = (form,)
    made.shape, made.dtype = out.shape, out.dtype
    made.frame, made.extras = recording.frame, None
    made.sequence = next(clock)
    trace: Any = recording.trace
    trace.made[made] = out
    return wrap(out, made)


class Slot:
    """Where a tensor stood among the arguments of a VJP."""

    def __repr__(self) -> str:
        return "SLOT"


SLOT = Slot()


def filled(form: Any, values: Sequence[Any]) -> Any:
    """The arguments of a VJP, with `values` in the place of the slots."""
    leaves, rebuild = flatten(form)
    rest = iter(values)
    return rebuild([next(rest) if leaf is SLOT else leaf for leaf in leaves])


@lru_cache(maxsize=512)
def nested(op: Op, vjp: Callable[..., Any]) -> Op:
    """A VJP as an op of the tensors among its arguments, differentiated by the engine itself."""

    def forward(tensors: Any, form: Any) -> Any:
        return np.asarray(vjp(*filled(form, tensors)))

    def joint(g: Any, tensors: Any, form: Any) -> list[Any]:
        if isinstance(g, Variable):
            raise NotTraced(f"a derivative of a derivative of {op.name} reads numbers")
        with untraced():
            inputs = [wrap(np.asarray(array)) for array in tensors]
            for each in inputs:
                each._node = Leaf(each) if each._array.dtype.kind == "f" else None
            out = vjp(*filled(form, inputs))
            found = {}
            if out._node is not None:
                found = walk([(out._node, g)], targets=[x._node for x in inputs if x._node])
        return [found.get(x._node, np.zeros_like(x._array)) for x in inputs]

    forward.__name__, joint.__name__ = f"{op.name}_vjp", f"{op.name}_second_vjp"
    by_engine.update([forward, joint])
    return Op(forward, (), joint=joint)


by_engine: set[Any] = (
    set()
)  # functions that differentiate: no text in NumPy alone says what they do


def picked(node: Any, saved: Any, pick: Any) -> Sequence[Any]:
    """What a VJP of `node` is passed after the cotangent; `walk` has it written out."""
    if pick is None:
        return tuple(saved)
    return tuple(pick(saved, node)) if callable(pick) else (saved[pick],)


def call_vjp(vjp: Callable[..., Any], arguments: tuple[Any, ...], node: Node) -> Any:
    try:
        return vjp(*arguments)
    except Exception as error:
        note_backward(error, node)
        raise


def note_backward(error: Exception, node: Node) -> None:
    error.add_note(f"in the backward of {node.name()}{where_recorded(node)}")


def add(
    gradients: dict[Any, Any], summed: set[Any], waiting: list[Any], edge: Any, gradient: Any
) -> None:
    """Add a contribution to what has arrived at `edge`.

    The first contribution is kept as it is, for it may be shared (``x + y`` passes one array to
    both); the second makes a sum that belongs to the walk, and later ones are added to it in place.
    """
    arrived = gradients.get(edge)
    if arrived is None:
        gradients[edge] = gradient
        if type(edge) is not Leaf:
            heappush(waiting, (-edge.sequence, edge))
    elif edge in summed:
        np.add(arrived, gradient, out=arrived)
    else:
        gradients[edge] = total = arrived + gradient
        if type(total) is ndarray:
            summed.add(edge)


def deliver_output(
    gradients: dict[Any, Any], waiting: list[Any], output: Output, gradient: Any
) -> None:
    """Put the gradient of one of several results into its slot at the op's node."""
    node: Any = output.operands[0]
    slots = gradients.get(node)
    if slots is None:
        slots = gradients[node] = [None] * len(node.shape)
        heappush(waiting, (-node.sequence, node))
    before = slots[output.position]
    slots[output.position] = gradient if before is None else before + gradient


def gather_outputs(node: Node, slots: list[Any]) -> Any:
    """The cotangents of an op with several results, as the op's own tuple; None where none came."""
    outputs = node.op.outputs_class
    return outputs(*slots) if outputs is not None else slots


def lift(node: Node, create_graph: bool) -> tuple[Any, ...]:
    """What `node` saved, as tensors at their places in the graph, so that its VJPs are recorded."""
    if not create_graph:  # in a trace: what was computed, under another name
        return tuple([as_tensors_of(value) for value in node.saved or ()])
    operation = node.op
    lifted: dict[str, Any] = {}
    for name, value in zip(node.plan.names, node.saved or ()):
        if name == "out":
            lifted[name] = finish_again(value, node)
        elif name in operation.keep:
            lifted[name] = value
        elif operation.joint is not None:
            lifted[name] = tuple(
                value[i] if edge is None else wrap(value[i], edge)
                for i, edge in enumerate(node.inputs)
            )
        else:
            edge = node.inputs[operation.index[name]]
            lifted[name] = value if edge is None else wrap(value, edge)
    for name, function in operation.keep.items():
        if name in lifted:  # an intermediate is computed again, differentiably
            statics = dict(zip(operation.static_names, node.statics))
            code = function.__code__
            names = code.co_varnames[: code.co_argcount]
            lifted[name] = function(*[lifted[n] if n in lifted else statics[n] for n in names])
    return tuple(lifted[name] for name in node.plan.names)


class Traced:
    """What VJPs take from a node in a trace: arrays that are known there, a mask, are tensors."""

    def __init__(self, node: Node, known: dict[int, Any]) -> None:
        self.operand_shape = node.operand_shape
        self.statics = tuple([wrap(s) if id(s) in known else s for s in node.statics])


def as_tensors_of(value: Any) -> Any:
    """Arrays as tensors that need no gradient, in tuples as well."""
    if isinstance(value, (tuple, list)):
        each = [as_tensors_of(item) for item in value]
        return type(value)(*each) if hasattr(value, "_fields") else tuple(each)
    return wrap(np.asarray(value)) if isinstance(value, (ndarray, np.generic)) else value


def finish_again(out: Any, node: Node) -> Any:
    """The result of `node` as a tensor, or as a tuple of tensors if it had several."""
    if not isinstance(out, (tuple, list)):
        return wrap(out, node)
    tensors = [wrap(o, Output(node, i, o)) if o is not None else None for i, o in enumerate(out)]
    outputs = node.op.outputs_class
    return tuple(tensors) if outputs is None else outputs(*tensors)


def run_hooks(extras: Extras, g: Any, create_graph: bool) -> Any:
    """Call the hooks with the gradient as a tensor; what a hook returns replaces it."""
    for hook in list(extras.hooks.values()):
        tensor = separate(g)  # what the hook changes in place is the gradient of this tensor only
        replaced = hook(tensor)
        if replaced is None:
            replaced = tensor
        if not isinstance(replaced, Variable):
            raise TypeError(
                f"a gradient hook returns None or a tensor, got {type(replaced).__name__}"
            )
        if replaced._array.shape != g.shape:
            raise ValueError(
                "a gradient hook returns None or a tensor of the gradient's shape "
                f"{tuple(g.shape)}, got one of shape {replaced._array.shape}"
            )
        given: Any = replaced if create_graph else replaced._array
        g = given if given.dtype == g.dtype else given.astype(g.dtype)
    if extras.retain:
        tensor = separate(g)
        keeper = extras if extras.retain is True else extras.retain
        keeper.grad = tensor if keeper.grad is None else keeper.grad + tensor
    return g


def separate(g: Any) -> Any:
    """A gradient as a tensor of its own: `g` itself may be on its way to other tensors, too."""
    if isinstance(g, Variable):
        return wrap(g._array.copy(order="K"), g._node)
    return wrap(np.array(g))


def written_since(node: Node) -> tuple[str, str] | None:
    """The name under which `node` saved something that was written since, and the writer."""
    op = node.op
    for name, value in [
        *zip(node.plan.names, node.saved or ()),
        *zip(op.static_names, node.statics),
    ]:
        writer = writes.since(node.sequence, value)
        if writer is not None:
            return name, writer
    return None


def complain_if_written(node: Node) -> None:
    written = written_since(node)
    if written is not None:
        name, writer = written
        raise RuntimeError(
            f"{writer} changed `{name}` in place after {node.name()} had saved it for its "
            f"gradient, which would now be wrong{where_recorded(node)}. Change a copy (t.clone()), "
            "or use the operation that is not in place"
        )


def complain_if_nan(gradient: Any, node: Node) -> None:
    array = gradient._array if isinstance(gradient, Variable) else gradient
    shown = node.extras is not None and node.extras.values is not None
    if not shown and np.isnan(array).any():  # a picture shows NaN rather than refuse it
        raise RuntimeError(f"the backward of {node.name()} returned NaN{where_recorded(node)}")


# ------------------------------------------------------------------------- from tensors to the walk


class HookHandle:
    """What register_hook returns: ``remove()`` takes the hook away."""

    def __init__(self, hooks: dict[int, Callable[[Any], Any]], hook: Callable[[Any], Any]) -> None:
        self.hooks = hooks
        self.key = next(clock)
        hooks[self.key] = hook

    def remove(self) -> None:
        self.hooks.pop(self.key, None)


def backward(
    pairs: Sequence[tuple[Any, Any]],
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Any = None,
) -> None:
    """Carry cotangents back from tensors, and add what arrives to the ``.grad`` of leaves."""
    if inputs is not None:
        inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if not inputs:
            raise RuntimeError("backward: inputs is empty; leave it out to reach every leaf")
        for tensor in inputs:
            if not tensor.is_leaf:
                raise RuntimeError(
                    "backward: inputs are leaves; of a result, use retain_grad or autograd.grad"
                )
            if tensor._node is None:
                raise RuntimeError("backward: one of the inputs does not require grad")
    as_tensors = create_graph or recording.trace is not None
    roots = [start(tensor, gradient, as_tensors) for tensor, gradient in pairs]
    targets = None if inputs is None else [tensor._node for tensor in inputs]
    hooked = targets is not None  # the walk to given targets has run their hooks
    if create_graph:
        with enable_grad():
            accumulate(walk(roots, True, retain_graph, targets), True, hooked)
    elif as_tensors:
        with no_grad():
            accumulate(walk(roots, False, retain_graph, targets), False, hooked)
    else:
        accumulate(walk(roots, False, retain_graph, targets), False, hooked)


@lru_cache
def one(dtype: Any) -> Array:
    """The number 1 as a 0-d array: where most backward passes start."""
    array = np.ones((), dtype)
    array.flags.writeable = False
    return array


def start(tensor: Any, gradient: Any, create_graph: bool) -> tuple[Edge, Any]:
    """The edge where a cotangent enters the graph, and the cotangent."""
    edge = tensor._node
    array = tensor._array
    if edge is None:
        raise RuntimeError(
            "backward of a tensor that does not require grad: it was computed from none that does, "
            "under no_grad, or by an operation without a gradient (a rank, argmax, a comparison, "
            "detach)"
        )
    if gradient is None:
        if array.size != 1:
            raise RuntimeError(
                f"backward of a tensor of shape {array.shape}: only that of a single number needs "
                "no gradient argument. Reduce it (t.sum(), t.mean()), or pass one of the same shape"
            )
        gradient = (
            np.ones_like(array) if array.ndim or type(array) is not ndarray else one(array.dtype)
        )
    else:
        if not isinstance(gradient, Variable):
            if not isinstance(gradient, (ndarray, float, int, np.generic)):
                raise TypeError(f"gradient is a tensor or an array, got {type(gradient).__name__}")
            gradient = wrap(np.asarray(gradient, dtype=array.dtype))
        if gradient._array.shape != array.shape:
            raise ValueError(
                f"gradient has shape {gradient._array.shape}, the tensor has shape {array.shape}"
            )
        if not create_graph:
            gradient = gradient._array
        if gradient.dtype != array.dtype:
            gradient = gradient.astype(array.dtype)
    if create_graph and not isinstance(gradient, Variable):
        gradient = wrap(gradient)
    return edge, gradient


accumulating = RLock()  # threads that add to one gradient take turns


def accumulate(gradients: dict[Any, Any], create_graph: bool, hooked: bool) -> None:
    """Add what the walk brought to the leaves to their ``.grad``, after their hooks.

    hooked   whether the hooks have run
    """
    special = [leaf for leaf in gradients if leaf.extras is not None]
    if not hooked:
        for leaf in special:  # all of them first: a hook that raises leaves every .grad as it was
            gradients[leaf] = run_hooks(leaf.extras, gradients[leaf], create_graph)
    with accumulating:
        add_to_leaves(gradients, create_graph)
    for leaf in special:
        tensor = leaf.tensor()
        for hook in list(leaf.extras.after.values()) if tensor is not None else ():
            hook(tensor)


def add_to_leaves(gradients: dict[Any, Any], create_graph: bool) -> None:
    trace = recording.trace
    if trace is not None:
        trace.refuse_writing("backward")
    result_class = Variable.result_class
    while gradients:
        leaf, gradient = gradients.popitem()
        tensor = leaf.tensor()
        if tensor is not None and tensor._node is not leaf:
            leaf = tensor._node
            if type(leaf) is not Leaf:  # it does not require grad any more
                continue
        before = leaf.grad
        if before is None:
            if type(gradient) is ndarray:
                leaf.grad = grad = new(result_class)
                grad._array = own(gradient)
                grad._node = None
                grad._alias = None
            elif trace is not None:
                leaf.grad = gradient
            else:
                leaf.grad = separate(gradient)
        elif create_graph or before._node is not None:
            leaf.grad = before + gradient
        elif trace is not None:
            total = before + gradient
            np.copyto(before._array, total._array)
            trace.note_write(before._array, total._array)
        else:
            array = before._array
            if isinstance(gradient, Variable):
                gradient = gradient._array
            np.add(array, gradient, out=array)
            writes.note(array, "backward (adding to .grad)")
