"""The graph: ops record themselves as nodes, and ``backward`` walks the nodes.

Three ideas carry the library, and all three live in this file.

1. **An op is a NumPy function with its derivative beside it.**  ``@op`` takes one
   vector-Jacobian product (VJP) per tensor argument.  A VJP names what it needs: ``g`` is
   the cotangent (the gradient that arrives), ``out`` the result, and any argument of the op
   goes by its own name; ``x_shape`` is the shape of ``x`` where its numbers do not matter.
   Only what is named is kept for the backward pass.

2. **A node is what an op leaves behind**: which op, where its inputs came from, what it kept.
   Edges point from a result to its inputs and never back, so there are no reference cycles
   and a dropped loss frees its graph at once.

3. **The walk** visits nodes in falling order of creation.  A node is created after its inputs,
   so when it is visited every contribution to its gradient has arrived.  VJPs are plain NumPy:
   given arrays they run at NumPy's speed; given tensors (``create_graph=True``) the same lines
   record themselves, which is how derivatives of every order come from one formula.

This file knows no op by name, and it never imports ``Tensor``: the engine's view of a tensor is
``Variable``, an array and the node that made it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial, wraps
from heapq import heappop, heappush
from inspect import isgeneratorfunction
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from minigrad import errors
from minigrad.memory import clock, own, writes

if TYPE_CHECKING:
    from minigrad.operation import Op, Plan

P = ParamSpec("P")
Array = Any  # anything that speaks NumPy's array protocols

ndarray = np.ndarray
new = object.__new__


# ---------------------------------------------------------------- tensors, as the engine sees them


class Variable:
    """What the engine knows of a tensor: an array, and the node or leaf that it came from.

    ``_node`` is None for a constant, a ``Leaf`` for a tensor that the user asked gradients of, and
    a ``Node`` for a result.  ``_alias`` is shared by the handles that look at the same memory.
    """

    __slots__ = ("__weakref__", "_alias", "_array", "_node")
    _alias: Any
    _array: Array
    _node: Edge | None

    result_class: type[Variable]  # the class that results are built of

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not hasattr(Variable, "result_class"):
            Variable.result_class = cls


def wrap(array: Array, node: Edge | None = None) -> Any:
    """A tensor around `array`, standing at `node` of the graph."""
    tensor = new(Variable.result_class)
    tensor._array = array
    tensor._node = node
    tensor._alias = None
    return tensor


def plain(value: Any) -> Any:
    """The array of a tensor, whose numbers have no derivative; anything else as it is."""
    return value._array if isinstance(value, Variable) else value


# --------------------------------------------------------------------------------- recording modes


class Frame:
    """One call of a module: what is recorded inside it knows where it was.

    How things are recorded is a matter of the class, which calls inside the call take over:
    in a `DetailedFrame` ops note where they were called (detect_anomaly); in a `ValuesFrame` they
    keep copies of their operands and results as well, for pictures.
    """

    __slots__ = ("module", "parent")
    detailed = False
    values = False

    def __init__(self, module: Any, parent: Frame | None) -> None:
        self.module = module
        self.parent = parent


class DetailedFrame(Frame):
    __slots__ = ()
    detailed = True


class ValuesFrame(DetailedFrame):
    __slots__ = ()
    values = True


OUTERMOST = Frame(None, None)


class Recording(threading.local):
    """What the current thread records.

    frame      the module call that is running; None while nothing is recorded
    suspended  the frame that `no_grad` put aside, for `enable_grad` to take up again

    The engine reads `frame` once for each op, and nothing else.
    """

    frame: Frame | None = OUTERMOST
    suspended: Frame = OUTERMOST

    @property
    def enabled(self) -> bool:
        return self.frame is not None

    @enabled.setter
    def enabled(self, value: bool) -> None:
        if not value:
            self.suspended = self.frame or self.suspended
            self.frame = None
        elif self.frame is None:
            self.frame = self.suspended

    @property
    def anomaly(self) -> bool:
        """Whether ops note where they were called, and backward looks for NaN."""
        return (self.frame or self.suspended).detailed

    @anomaly.setter
    def anomaly(self, value: bool) -> None:
        self.set_flags(value, self.values)

    @property
    def values(self) -> bool:
        """Whether ops keep copies of their operands and results (only with `anomaly`)."""
        return (self.frame or self.suspended).values

    @values.setter
    def values(self, value: bool) -> None:
        self.set_flags(self.anomaly, value)

    def set_flags(self, detailed: bool, values: bool) -> None:
        before = self.frame or self.suspended
        kind = ValuesFrame if detailed and values else DetailedFrame if detailed else Frame
        self.suspended = kind(before.module, before.parent)
        if self.frame is not None:
            self.frame = self.suspended


recording = Recording()


class Mode:
    """Base of the recording modes: context managers and decorators that nest, thread by thread."""

    mode: bool

    def __new__(cls, function: Callable[P, Any] | None = None) -> Any:
        mode = new(cls)
        mode.before = []
        return mode(function) if callable(function) else mode

    before: list[bool]

    def __enter__(self) -> None:
        self.before.append(recording.enabled)
        recording.enabled = self.mode

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        recording.enabled = self.before.pop()

    def __call__(self, function: Callable[P, Any]) -> Callable[P, Any]:
        return within(type(self), function)


def within(mode: Callable[[], Any], function: Callable[P, Any]) -> Callable[P, Any]:
    """`function`, run inside a ``with mode():`` of its own at each call.

    A generator runs in it whenever it runs, and its caller does not, in between.
    """

    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Any:
        with mode():
            return function(*args, **kwargs)

    @wraps(function)
    def generator(*args: P.args, **kwargs: P.kwargs) -> Any:
        steps = function(*args, **kwargs)
        act: Callable[..., Any] = next
        given: tuple[Any, ...] = ()
        while True:
            try:
                with mode():
                    value = act(steps, *given)
            except StopIteration as stop:
                return stop.value
            try:
                act, given = type(steps).send, ((yield value),)
            except GeneratorExit:
                with mode():
                    steps.close()
                raise
            except BaseException as error:
                act, given = type(steps).throw, (error,)

    return generator if isgeneratorfunction(function) else inside


class no_grad(Mode):
    """Record nothing: inside ``with mg.no_grad():``, or in a function decorated with it.

    Example  >>> import minigrad as mg
             >>> x = mg.ones(2, requires_grad=True)
             >>> with mg.no_grad():
             ...     y = x * 2
             >>> y.requires_grad
             False
    """

    mode = False


class enable_grad(Mode):
    """Record again, inside a `no_grad`.

    Example  >>> x = mg.ones(2, requires_grad=True)
             >>> with mg.no_grad(), mg.enable_grad():
             ...     y = x * 2
             >>> y.requires_grad
             True
    """

    mode = True


class inference_mode(no_grad):
    """The same as `no_grad`: PyTorch's name for the mode in which a model is only used.

    mode     False: record as usual

    Example  >>> import minigrad as mg
             >>> x = mg.ones(2, requires_grad=True)
             >>> with mg.inference_mode():
             ...     (x * 2).requires_grad
             False
    """

    def __new__(cls, mode: Any = True) -> Any:
        made = super().__new__(cls, mode if callable(mode) else None)
        if not callable(mode):
            made.mode = not mode
        return made

    def __call__(self, function: Callable[P, Any]) -> Callable[P, Any]:
        return within(partial(type(self), not self.mode), function)


class set_grad_enabled:
    """Record or do not record, from here on, or until the end of a ``with`` block.

    As a decorator it changes nothing but how the function runs.

    Example  >>> import minigrad as mg
             >>> x = mg.ones(2, requires_grad=True)
             >>> with mg.set_grad_enabled(False):
             ...     y = x * 2
             >>> y.requires_grad
             False
    """

    def __init__(self, mode: bool) -> None:
        self.before = recording.enabled
        self.mode = bool(mode)
        recording.enabled = self.mode

    def __enter__(self) -> None:
        recording.enabled = self.mode

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        recording.enabled = self.before

    def __call__(self, function: Callable[P, Any]) -> Callable[P, Any]:
        recording.enabled = self.before
        return within(partial(set_grad_enabled, self.mode), function)


def is_grad_enabled() -> bool:
    """Whether the current thread records.

    Example  >>> with mg.no_grad():
             ...     mg.is_grad_enabled()
             False
    """
    return recording.enabled


# -------------------------------------------------------------------------------- nodes and leaves


class Extras:
    """What few nodes and leaves have: hooks, a kept gradient, the place that recorded them.

    `values`, of a graph recorded for a picture: copies of ``(out, *operands, *kept)``.
    """

    __slots__ = ("grad", "hooks", "name", "retain", "stack", "values")

    def __init__(self) -> None:
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.retain = False
        self.grad: Any = None
        self.stack: Any = None
        self.name: str | None = None
        self.values: tuple[Any, ...] | None = None


class Leaf:
    """Where gradients come to rest: the identity of a tensor that requires grad.

    A leaf refers to its tensor weakly, so tensor and leaf form no cycle.
    """

    __slots__ = ("dtype", "extras", "grad", "name", "shape", "tensor")

    def __init__(self, tensor: Variable) -> None:
        self.tensor = weakref.ref(tensor)  # for pictures: its numbers as they are now
        self.shape = tensor._array.shape
        self.dtype = tensor._array.dtype
        self.grad: Any = None
        self.extras: Extras | None = None
        self.name: str | None = None


class Node:
    """One recorded op.

    plan      the op, and which of its VJPs are needed here
    inputs    where each argument came from: a Node, a Leaf, or None for a constant
    saved     what the VJPs named; None once it was freed
    statics   the arguments that are not tensors (``dim``, ``keepdim``, an index)
    shape     shape of the result; ``dtype`` its type
    sequence  time of creation: larger than that of every input
    frame     the module call that was running
    extras    hooks and the like; None for nearly every node
    constants operands that are numbers or left out (None), by position; unset where there are none
    """

    __slots__ = (
        "constants", "dtype", "extras", "frame", "inputs", "plan", "saved", "sequence", "shape",
        "statics",
    )  # fmt: skip
    plan: Plan
    inputs: tuple[Edge | None, ...]
    saved: tuple[Any, ...] | None
    statics: tuple[Any, ...]
    shape: tuple[Any, ...]  # of an op with several results: their shapes
    dtype: np.dtype[Any]
    sequence: int
    frame: Frame | None
    extras: Extras | None
    constants: dict[int, Any]

    @property
    def op(self) -> Op:
        return self.plan.op

    def name(self) -> str:
        """The name of the op."""
        return self.plan.op.name

    def input_shape(self, i: int) -> tuple[int, ...]:
        """Shape of operand `i`, if it needs a gradient."""
        edge = self.inputs[i]
        if edge is None:
            raise TypeError(f"{self.name()}: operand {i} needs no gradient, its shape is not known")
        return edge.shape


class Output(Node):
    """One result of an op with several: its gradient goes to slot `position` of the op's node."""

    __slots__ = ("position",)
    position: int

    def __init__(self, node: Node, position: int, array: Array) -> None:
        self.plan = node.plan
        self.inputs = (node,)
        self.saved = ()
        self.statics = ()
        self.shape = array.shape
        self.dtype = array.dtype
        self.sequence = next(clock)
        self.frame = node.frame
        self.extras = None
        self.position = position


Edge = Node | Leaf


# ------------------------------------------------------------------------------- the backward walk


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
    needed = None if targets is None else leading_to(targets, [edge for edge, _ in roots])
    wanted = None if targets is None else set(targets)
    results: dict[Any, Any] = {}
    # what has arrived at leaves, and at nodes that were not visited yet
    gradients: dict[Any, Any] = {}
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
        if create_graph:
            saved = lift(node)
        if type(g) is list:
            g = gather_outputs(node, g)
        for position, vjp, pick in plan.steps:
            if position < 0:  # a joint VJP: a list of gradients, one for each of a list of tensors
                gradient = call_vjp(vjp, (g, *pick(saved, node)), node)
                for source, each in zip(node.inputs, gradient):
                    if source is None or each is None:
                        continue
                    if needed is None or source in needed:
                        add(gradients, summed, waiting, source, fit(each, source, node))
                continue
            edge: Any = node.inputs[position]
            if needed is not None and edge not in needed:
                continue
            try:
                if pick is None:
                    gradient = vjp(g, *saved)
                elif type(pick) is int:
                    gradient = vjp(g, saved[pick])
                else:
                    gradient = vjp(g, *pick(saved, node))
            except Exception as error:
                note_backward(error, node)
                raise
            if gradient is None:
                continue
            if gradient.shape != edge.shape or gradient.dtype is not edge.dtype:
                gradient = fit(gradient, edge, node)
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
    if wanted is None:
        return gradients
    for leaf, g in gradients.items():
        results[leaf] = g if leaf.extras is None else run_hooks(leaf.extras, g, create_graph)
    return results


def picked(node: Node, saved: Any, pick: Any) -> Sequence[Any]:
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
    node: Any = output.inputs[0]
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


def ancestors(roots: Iterable[Edge | None], beyond: Iterable[Edge | None] = ()) -> set[Any]:
    """All edges that `roots` were computed from, themselves included, up to those of `beyond`."""
    seen: set[Any] = set()
    stack: list[Any] = list(roots)
    passed = {None, *beyond}
    while stack:
        edge = stack.pop()
        if edge not in seen and edge not in passed:
            seen.add(edge)
            if type(edge) is not Leaf:
                stack.extend(edge.inputs)
    return seen


def recorded_before(roots: Iterable[Edge | None]) -> list[Any]:
    """The nodes that `roots` were computed from, themselves included, in the order of their calls.

    Parts of a node with several results are among them.
    """
    return in_order(ancestors(roots))


def in_order(edges: Iterable[Edge]) -> list[Any]:
    """The nodes among edges, in the order of their calls."""
    return sorted([e for e in edges if type(e) is not Leaf], key=lambda node: node.sequence)


def leading_to(targets: Sequence[Edge], roots: Sequence[Edge]) -> set[Any]:
    """All edges between `roots` and `targets`, both included."""
    seen = ancestors(roots)
    needed = set(targets) & seen
    for node in in_order(seen):
        if any(edge in needed for edge in node.inputs):
            needed.add(node)
    return needed


def fit(gradient: Any, edge: Edge, node: Node) -> Any:
    """Give a gradient the shape and type of what it is the gradient of: broadcasting, undone.

    This is the only place that does so.  Axes that broadcasting added or stretched are summed.
    """
    shape = edge.shape
    if gradient.shape != shape:
        extra = len(gradient.shape) - len(shape)
        pairs = list(zip(shape, gradient.shape[max(extra, 0) :]))
        if extra < 0 or not all([own in (got, 1) for own, got in pairs]):
            raise ValueError(
                f"the VJP of {node.name()} returned a gradient of shape {tuple(gradient.shape)} "
                f"for an argument of shape {shape}" + where_recorded(node)
            )
        stretched = [extra + i for i, (own, got) in enumerate(pairs) if own != got]
        gradient = gradient.sum((*range(extra), *stretched)).reshape(shape)
    if gradient.dtype != edge.dtype:
        gradient = gradient.astype(edge.dtype)
    return gradient


def lift(node: Node) -> tuple[Any, ...]:
    """What `node` saved, as tensors at their places in the graph, so that its VJPs are recorded."""
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
        extras.grad = tensor if extras.grad is None else extras.grad + tensor
    return g


def separate(g: Any) -> Any:
    """A gradient as a tensor of its own: `g` itself may be on its way to other tensors, too."""
    if isinstance(g, Variable):
        return wrap(g._array.copy(order="K"), g._node)
    return wrap(np.array(g))


def complain_if_written(node: Node) -> None:
    written = writes.since(node)
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


def where_recorded(node: Node) -> str:
    """For messages: the module and, with detect_anomaly, the line that recorded `node`."""
    text = ""
    frame = node.frame
    if frame is not None and frame.module is not None:
        text += f" (recorded in {errors.module_path(frame)})"
    if node.extras is not None and node.extras.stack is not None:
        text += f"\nrecorded here:\n{node.extras.stack}"
    return text


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
    roots = [start(tensor, gradient, create_graph) for tensor, gradient in pairs]
    targets = None if inputs is None else [tensor._node for tensor in inputs]
    if create_graph:
        with enable_grad():
            accumulate(walk(roots, True, retain_graph, targets), True)
    else:
        accumulate(walk(roots, False, retain_graph, targets), False)


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


def accumulate(gradients: dict[Any, Any], create_graph: bool) -> None:
    """Add what the walk brought to the leaves to their ``.grad``, after their hooks."""
    for leaf in gradients:  # all of them first: a hook that raises leaves every .grad as it was
        if leaf.extras is not None:
            gradients[leaf] = run_hooks(leaf.extras, gradients[leaf], create_graph)
    while gradients:
        leaf, gradient = gradients.popitem()
        before = leaf.grad
        if before is None:
            if type(gradient) is ndarray:
                leaf.grad = tensor = new(Variable.result_class)
                tensor._array = own(gradient)
                tensor._node = None
                tensor._alias = None
            else:
                leaf.grad = separate(gradient)
        elif create_graph or before._node is not None:
            leaf.grad = before + gradient
        else:
            array = before._array
            if isinstance(gradient, Variable):
                gradient = gradient._array
            np.add(array, gradient, out=array)
            writes.note(array, "backward (adding to .grad)")
