"""``Function``: PyTorch's way to write an op with its own backward, as a node of this graph.

For new code `minigrad.op` is shorter, and its derivative can be differentiated without further
care.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from minigrad.calls import Op, conclude, op
from minigrad.graph import Variable, wrap
from minigrad.modes import enable_grad, no_grad, recording

Array = Any


class Context:
    """The ``ctx`` of a `Function`: what its forward leaves for its backward.

    needs_input_grad   for each argument of forward, whether its gradient is wanted
    saved_tensors      what `save_for_backward` was given
    Other attributes may be set freely.
    """

    needs_input_grad: tuple[bool, ...]

    def __init__(self, arguments: Sequence[Any]) -> None:
        self.needs_input_grad = tuple(
            isinstance(a, Variable) and a._node is not None for a in arguments
        )
        self._arguments = tuple(None if isinstance(a, Variable) else a for a in arguments)
        self._tensors = tuple(i for i, a in enumerate(arguments) if isinstance(a, Variable))
        self._to_save: tuple[Any, ...] | None = ()  # None once forward is over
        self._places: list[tuple[Any, int | None]] = []
        self._lifted: tuple[Any, ...] | None = None
        self._results: list[tuple[tuple[int, ...], Any]] = []
        self._constant_outputs: tuple[Any, ...] = ()
        self._materialize = True

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (inputs, outputs or others) for backward, as ``ctx.saved_tensors``."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Variable):
                raise TypeError(
                    f"save_for_backward takes tensors, got {type(tensor).__name__}; keep anything "
                    "else as an attribute, ctx.name = value"
                )
        self._to_save = tensors

    def mark_non_differentiable(self, *outputs: Any) -> None:
        """Say that these results have no gradient (indices, masks)."""
        self._constant_outputs = outputs

    def mark_dirty(self, *tensors: Any) -> None:
        """Not supported: a forward must not change its inputs."""
        raise NotImplementedError(
            "mark_dirty: a Function must not change its inputs; return a new one"
        )

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (the default) or None for results that were not used."""
        self._materialize = bool(value)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        saved = self._to_save if self._lifted is None else self._lifted
        if saved is None:
            raise RuntimeError("saved_tensors: what forward saved is at hand inside backward only")
        return saved

    # -- the engine's side

    def _filled(self, tensors: Sequence[Any]) -> list[Any]:
        """The arguments of forward, with `tensors` in the places of its tensors."""
        arguments = list(self._arguments)
        for i, tensor in zip(self._tensors, tensors):
            arguments[i] = tensor if isinstance(tensor, Variable) else wrap(np.asarray(tensor))
        return arguments

    def _close(self, outputs: Sequence[Any]) -> tuple[Array, ...]:
        """What forward saved, as arrays for the node to keep and to free.

        Of their tensors the context remembers where they stand in the graph, and nothing else.
        """
        to_save, self._to_save = self._to_save or (), None
        for tensor in to_save:
            place = next((i for i, y in enumerate(outputs) if y is tensor), None)
            self._places.append((None if tensor is None else tensor._node, place))
        self._results = [(y._array.shape, y._array.dtype) for y in outputs]
        self._constant_outputs = tuple(
            i for i, y in enumerate(outputs) if any(y is c for c in self._constant_outputs)
        )
        return tuple(None if tensor is None else tensor._array for tensor in to_save)

    def _lift(self, saved: Sequence[Array], outputs: Any, recorded: bool) -> tuple[Any, ...]:
        """The saved tensors: at their places in the graph if backward itself is recorded."""
        lifted: list[Any] = []
        for array, (edge, place) in zip(saved, self._places):
            if array is None:
                lifted.append(None)
            elif recorded and place is not None:
                lifted.append(outputs[place] if isinstance(outputs, tuple) else outputs)
            else:
                lifted.append(wrap(array, edge if recorded else None))
        return tuple(lifted)


class FunctionOp(Op):
    """The op behind a `Function`: its one VJP calls the function's backward.

    saves        whether forward saved tensors: the node keeps them, and frees them after backward
    saves_output  whether a result is among them, whose place in the graph is the node itself
    """

    def __init__(self, function: type[Function], saves: bool, saves_output: bool) -> None:
        def forward(tensors: Any, ctx: Any) -> Any:
            again = Context(ctx._filled(tensors))
            outputs, returned = run_forward(function, again, ctx._filled(tensors))
            saved = again._close(outputs)
            out = tuple(y._array for y in outputs) if returned is outputs else outputs[0]._array
            return (out, saved) if saves else out

        def from_nothing(g: Any, ctx: Any) -> list[Any]:
            return call_backward(function, g, ctx, (), None)

        def from_saved(g: Any, saved: Any, ctx: Any) -> list[Any]:
            return call_backward(function, g, ctx, saved, None)

        def from_output(g: Any, out: Any, saved: Any, ctx: Any) -> list[Any]:
            return call_backward(function, g, ctx, saved, out)

        forward.__name__ = function.__name__
        vjp = from_output if saves_output else from_saved if saves else from_nothing
        keep = {"saved": lambda saved: saved} if saves else None
        super().__init__(forward, (), joint=vjp, keep=keep, notation=None)
        self.function = function
        self.call = self.call_again

    def cotangents(self, node: Any, value: float) -> list[Array]:
        """A cotangent for each result of `node`, all of whose entries are `value`."""
        return [np.full(shape, value, dtype) for shape, dtype in node.statics[0]._results]

    def gradients(self, node: Any, cotangents: list[Array]) -> list[Any]:
        """What backward returns at `node` for `cotangents`, before its shapes are fitted."""
        kept = dict(zip(node.plan.names, node.saved or ()))
        ctx = node.statics[0]
        saved, out = kept.get("saved", ()), kept.get("out")
        return call_backward(self.function, cotangents, ctx, saved, out)

    def call_again(self, tensors: Sequence[Any], ctx: Any) -> Any:
        """Call the function again, on other tensors: what the gradient checker does."""
        return self.function.apply(*ctx._filled(tensors))


def run_forward(
    function: type[Function], ctx: Context, arguments: Sequence[Any]
) -> tuple[tuple[Any, ...], Any]:
    """The results of forward as a tuple, and as they were returned."""
    with no_grad():
        if function.setup_context is not None:
            returned = function.forward(*arguments)
            function.setup_context(ctx, tuple(arguments), returned)
        else:
            returned = function.forward(ctx, *arguments)
    outputs = returned if isinstance(returned, tuple) else (returned,)
    for y in outputs:
        if not isinstance(y, Variable):
            raise TypeError(
                f"{function.__name__}.forward must return tensors, it returned {type(y).__name__}"
            )
    return outputs, returned


def call_backward(
    function: type[Function], g: Any, ctx: Context, saved: Sequence[Array], outputs: Any
) -> list[Any]:
    """The gradients of the tensor arguments, from the user's backward."""
    cotangents = list(g) if isinstance(g, (list, tuple)) else [g]
    recorded = any(isinstance(c, Variable) for c in cotangents)
    given = []
    for c, (shape, dtype) in zip(cotangents, ctx._results):
        if c is None and ctx._materialize:
            c = np.zeros(shape, dtype)
        given.append(c if c is None or isinstance(c, Variable) else wrap(c))
    before, ctx._lifted = ctx._lifted, ctx._lift(saved, outputs, recorded)
    try:
        with enable_grad() if recorded else no_grad():
            returned = function.backward(ctx, *given)
    finally:
        ctx._lifted = before
    gradients = checked(function, returned, len(ctx._arguments))
    chosen = [gradients[i] for i in ctx._tensors]
    return chosen if recorded else [None if each is None else each._array for each in chosen]


def checked(function: type[Function], returned: Any, count: int) -> list[Any]:
    """What backward returned, one gradient or None for each of the `count` arguments."""
    gradients = list(returned) if isinstance(returned, (tuple, list)) else [returned]
    if len(gradients) > count and all(extra is None for extra in gradients[count:]):
        gradients = gradients[:count]
    if len(gradients) != count:
        raise RuntimeError(
            f"{function.__name__}.backward returned {len(gradients)} gradients, forward took "
            f"{count} arguments: return one for each, None for those without a gradient"
        )
    for i, gradient in enumerate(gradients):
        if gradient is not None and not isinstance(gradient, Variable):
            raise TypeError(
                f"{function.__name__}.backward returned {type(gradient).__name__} for argument "
                f"{i}; it returns tensors, or None"
            )
    return gradients


class Function:
    """An op with its own backward, written as in PyTorch.

    Subclass it with two static methods, and call ``apply``:

    ``forward(ctx, *args)``       computes on tensors, unrecorded, and keeps what it needs with
                                  ``ctx.save_for_backward(...)``; or ``forward(*args)`` together
                                  with ``setup_context(ctx, inputs, output)``
    ``backward(ctx, *cotangents)``  returns the gradient of each argument, None for one without

    Written with tensor operations, backward can be differentiated in turn.  As in PyTorch, a
    gradient that still has broadcast axes is summed over them; `minigrad.gradcheck` tells of it.

    Example  >>> import minigrad as mg
             >>> class Cube(mg.autograd.Function):
             ...     @staticmethod
             ...     def forward(ctx, x):
             ...         ctx.save_for_backward(x)
             ...         return x * x * x
             ...     @staticmethod
             ...     def backward(ctx, g):
             ...         (x,) = ctx.saved_tensors
             ...         return g * 3 * x * x
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> Cube.apply(x).sum().backward()
             >>> x.grad
             tensor([ 3., 12.])
    """

    _ops: dict[tuple[bool, bool], FunctionOp]
    setup_context: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._ops = {}

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The value; see the class."""
        raise NotImplementedError("a Function needs a static method forward(ctx, ...)")

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        """The gradients of the arguments; see the class."""
        raise NotImplementedError("a Function needs a static method backward(ctx, ...)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Call the function, and record it if an argument requires grad.

        Raises   TypeError if forward returns something that is not a tensor or a tuple of tensors.
        """
        ctx = Context(args)
        outputs, returned = run_forward(cls, ctx, args)
        tensors = [args[i] for i in ctx._tensors]
        saved = ctx._close(outputs)
        arrays = tuple(y._array for y in outputs)
        out = arrays if returned is outputs else arrays[0]
        kind = bool(saved), any(place is not None for _, place in ctx._places)
        operation = cls._ops.get(kind)
        if operation is None:
            operation = cls._ops[kind] = FunctionOp(cls, *kind)
        edges = tuple(x._node for x in tensors)
        operands = tuple(x._array for x in tensors)
        frame = recording.frame
        kept = (saved,) if saved else ()
        result = conclude(operation, frame, out, kept, tensors, operands, edges, (ctx,))
        results = result if isinstance(result, tuple) else (result,)
        for i in ctx._constant_outputs:
            results[i]._node = None
        return result


@op(joint=lambda g: refuse(g))
def _once(tensors: Any) -> Array:
    """The first tensor of a list, whose VJP raises: it ends a graph for `once_differentiable`."""
    return tensors[0]


def refuse(g: Any) -> Any:
    raise RuntimeError(
        "this backward is marked once_differentiable: its gradient cannot be differentiated again"
    )


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a `Function`'s backward as one that is not differentiable itself (plain NumPy in it).

    Raises   RuntimeError, later, if its result is differentiated.
    Example  >>> import minigrad as mg
             >>> class Double(mg.autograd.Function):
             ...     @staticmethod
             ...     def forward(ctx, x):
             ...         return x * 2
             ...     @staticmethod
             ...     @mg.autograd.once_differentiable
             ...     def backward(ctx, g):
             ...         return mg.tensor(g.detach().numpy() * 2)
             >>> x = mg.tensor([1.0], requires_grad=True)
             >>> mg.autograd.grad(Double.apply(x).sum(), x)
             (tensor([2.]),)
    """

    @wraps(backward)
    def wrapped(ctx: Any, *cotangents: Any) -> Any:
        recorded = [
            t
            for t in (*cotangents, *ctx.saved_tensors)
            if isinstance(t, Variable) and t._node is not None
        ]
        with no_grad():
            returned = backward(ctx, *cotangents)
        if not recorded:
            return returned

        def marked(gradient: Any) -> Any:
            return None if gradient is None else _once([wrap(gradient._array), *recorded])

        if isinstance(returned, tuple):
            return tuple(marked(gradient) for gradient in returned)
        return marked(returned)

    return wrapped
