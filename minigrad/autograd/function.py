"""``Function``: PyTorch's way to write an op with its own backward, as a node of this graph.

For new code `minigrad.op` is shorter, and its derivative can be differentiated without further
care.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from minigrad.graph import Variable, enable_grad, no_grad, wrap
from minigrad.operation import Op, op

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
        self._inputs = [a for a in arguments if isinstance(a, Variable)]
        self._to_save: tuple[Any, ...] = ()
        self._saved: list[Any] = []
        self._lifted: list[Any] | None = None
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
        if self._lifted is None:  # during forward
            return self._to_save
        return tuple(self._lifted)

    # -- the engine's side

    def _keep(self, outputs: Sequence[Any]) -> tuple[Array, ...]:
        """Note where each saved tensor stands in the graph, without holding an output's node."""
        inputs, self._inputs = self._inputs, []
        for tensor in self._to_save:
            if tensor is None:
                self._saved.append((None, None, None))
                continue
            place = next((i for i, y in enumerate(outputs) if y is tensor), None)
            known = any(x is tensor for x in inputs)
            self._saved.append((tensor._array, tensor._node if known else None, place))
        self._to_save = ()
        self._constant_outputs = tuple(
            i for i, y in enumerate(outputs) if any(y is c for c in self._constant_outputs)
        )
        return tuple(array for array, _, _ in self._saved if array is not None)

    def _lift(self, outputs: Sequence[Any], recorded: bool) -> None:
        """Make `saved_tensors`: at their places in the graph if backward itself is recorded."""
        self._lifted = []
        for array, edge, place in self._saved:
            if array is None:
                self._lifted.append(None)
            elif recorded and place is not None:
                self._lifted.append(outputs[place])
            else:
                self._lifted.append(wrap(array, edge if recorded else None))


class FunctionOp(Op):
    """The op behind a `Function`: its one VJP calls the function's backward."""

    def __init__(self, cls: type[Function]) -> None:
        def forward(tensors: Any, ctx: Any, saved: Any) -> Any:
            return tensors

        def backward(g: Any, out: Any, ctx: Any) -> list[Any]:
            return call_backward(cls, g, out, ctx)

        forward.__name__ = cls.__name__
        super().__init__(forward, (), joint=backward, notation=None)
        self.function = cls

    def gradients(self, node: Any, g: Array) -> list[Any]:
        """What backward returns at `node` for the cotangent `g`, before its shapes are fitted."""
        out, ctx = node.saved[0], node.statics[0]
        return call_backward(self.function, g, out, ctx)

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any], numpy_door: bool = False) -> Any:
        """Call the function again, on other tensors: what the gradient checker does."""
        operands, ctx = list(args[0]), args[1]
        arguments = list(ctx._arguments)
        for i, operand in zip(ctx._tensors, operands):
            arguments[i] = operand if isinstance(operand, Variable) else wrap(np.asarray(operand))
        return self.function.apply(*arguments)


def call_backward(cls: type[Function], g: Any, out: Any, ctx: Context) -> list[Any]:
    """The gradients of the tensor arguments, from the user's backward."""
    outputs = out if isinstance(out, tuple) else (out,)
    cotangents = list(g) if isinstance(g, (list, tuple)) else [g]
    recorded = any(isinstance(c, Variable) for c in cotangents)
    given = []
    for c, y in zip(cotangents, outputs):
        if c is None and ctx._materialize:
            c = np.zeros_like(y._array if isinstance(y, Variable) else y)
        given.append(c if c is None or isinstance(c, Variable) else wrap(c))
    ctx._lift(outputs, recorded)
    with enable_grad() if recorded else no_grad():
        returned = cls.backward(ctx, *given)
    gradients = list(returned) if isinstance(returned, (tuple, list)) else [returned]
    count = len(ctx._arguments)
    if len(gradients) > count and all(extra is None for extra in gradients[count:]):
        gradients = gradients[:count]
    if len(gradients) != count:
        raise RuntimeError(
            f"{cls.__name__}.backward returned {len(gradients)} gradients, forward took {count} "
            "arguments: return one for each, None for those without a gradient"
        )
    for i, gradient in enumerate(gradients):
        if gradient is not None and not isinstance(gradient, Variable):
            raise TypeError(
                f"{cls.__name__}.backward returned {type(gradient).__name__} for argument {i}; it "
                "returns tensors, or None"
            )
    chosen = [gradients[i] for i in ctx._tensors]
    return chosen if recorded else [None if each is None else each._array for each in chosen]


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

    _op: FunctionOp
    setup_context: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._op = FunctionOp(cls)

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
        with no_grad():
            if cls.setup_context is not None:
                returned = cls.forward(*args)
                cls.setup_context(ctx, args, returned)
            else:
                returned = cls.forward(ctx, *args)
        outputs = returned if isinstance(returned, tuple) else (returned,)
        for y in outputs:
            if not isinstance(y, Variable):
                raise TypeError(
                    f"{cls.__name__}.forward must return tensors, it returned {type(y).__name__}"
                )
        tensors = [args[i] for i in ctx._tensors]
        edges = tuple(x._node for x in tensors)
        saved = ctx._keep(outputs)
        arrays = tuple(y._array for y in outputs)
        out = arrays if isinstance(returned, tuple) else arrays[0]
        operands = tuple(x._array for x in tensors)
        result = cls._op.conclude(out, (), edges, [operands], (ctx, saved))
        results = result if isinstance(result, tuple) else (result,)
        for i in ctx._constant_outputs:
            results[i]._node = None
        return result


@op(lambda g: refuse(g))
def _once(x: Array) -> Array:
    """The identity, whose gradient refuses: behind `once_differentiable`."""
    return x


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
        recorded = any(isinstance(c, Variable) and c._node is not None for c in cotangents)
        recorded |= any(isinstance(t, Variable) and t._node is not None for t in ctx.saved_tensors)
        with no_grad():
            returned = backward(ctx, *cotangents)
        if not recorded:
            return returned

        def marked(gradient: Any) -> Any:
            return _once(wrap(gradient._array).requires_grad_()) if gradient is not None else None

        if isinstance(returned, tuple):
            return tuple(marked(gradient) for gradient in returned)
        return marked(returned)

    return wrapped
