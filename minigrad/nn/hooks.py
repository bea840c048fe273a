"""Hooks of modules: functions called before and after forward, and around backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import errors
from minigrad.backward import HookHandle
from minigrad.calls import op
from minigrad.graph import Variable, wrap
from minigrad.modes import Frame, recording

if TYPE_CHECKING:
    from minigrad.nn.module import Module

__all__ = ["Hook", "Hooks"]


class Hook:
    """A function that was registered, and how it wants to be called."""

    __slots__ = ("function", "with_kwargs")

    def __init__(self, function: Callable[..., Any], with_kwargs: bool = False) -> None:
        if not callable(function):
            raise TypeError(f"a hook is a function, got {type(function).__name__}")
        self.function = function
        self.with_kwargs = with_kwargs

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


class Hooks:
    """The hooks of one module, by the time at which they are called."""

    def __init__(self) -> None:
        self.before_forward: dict[int, Any] = {}
        self.after_forward: dict[int, Any] = {}
        self.before_backward: dict[int, Any] = {}
        self.after_backward: dict[int, Any] = {}

    def run(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the module's forward between its hooks."""
        for hook in list(self.before_forward.values()):
            args, kwargs = call_before_forward(hook, module, args, kwargs)
        watched = None
        if self.before_backward or self.after_backward:
            watched = WatchedBackward(module, self)
            args = watched.watch_inputs(args)
        out = call_forward(module, args, kwargs)
        for hook in list(self.after_forward.values()):
            given = (module, args, kwargs, out) if hook.with_kwargs else (module, args, out)
            replaced = hook(*given)
            if replaced is not None:
                out = replaced
        return out if watched is None else watched.watch_outputs(out)


def call_forward(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``forward``: what it records, and what it raises, knows that this module was running."""
    parent = recording.frame
    if parent is not None:  # None: nothing is recorded
        recording.frame = Frame(module, parent, parent.detail)
    try:
        return module.forward(*args, **kwargs)
    except Exception as error:
        errors.note_module(error, module, args)
        raise
    finally:
        recording.frame = parent


def add_hook(hooks: dict[int, Any], hook: Hook, prepend: bool = False) -> HookHandle:
    """Add `hook` behind the others, or in front of them."""
    handle = HookHandle(hooks, hook)
    if prepend:
        rest = [key for key in hooks if key != handle.key]
        for key in rest:
            hooks[key] = hooks.pop(key)
    return handle


def call_before_forward(
    hook: Hook, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments as `hook` leaves them."""
    if not hook.with_kwargs:
        replaced = hook(module, args)
        if replaced is not None:
            args = replaced if isinstance(replaced, tuple) else (replaced,)
        return args, kwargs
    replaced = hook(module, args, kwargs)
    if replaced is None:
        return args, kwargs
    if not (isinstance(replaced, tuple) and len(replaced) == 2):
        raise RuntimeError("a forward pre-hook with kwargs returns None or a tuple (args, kwargs)")
    return tuple(replaced[0]), dict(replaced[1])


# ---------------------------------------------------------------------------------------- backward


@op(joint=lambda g, hook: hook(g), notation="{tensors}")
def _boundary(tensors: Sequence[Any], hook: Callable[..., Any]) -> Any:
    """The tensors that enter or leave a module, unchanged: `hook` sees all their gradients at once.

    Forward    out_i = x_i
    Gradient   x̄ᵢ = part i of what the hook of the module makes of ḡ
    Shapes     (...), ... -> (...), ...
    """
    return tuple(tensors)


class WatchedBackward:
    """One call of a module whose backward is watched.

    The tensors that enter and those that leave pass through one node each, which the backward
    walk reaches when all gradients of these tensors have arrived.
    """

    def __init__(self, module: Module, hooks: Hooks) -> None:
        self.module = module
        self.hooks = hooks
        self.entered = 0  # how many arguments there are
        self.positions: list[int] = []  # those that need a gradient
        self.grad_output: tuple[Any, ...] = ()

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.entered = len(args)
        self.positions = recorded(args)
        return through(args, self.positions, self.inputs_reached)

    def watch_outputs(self, out: Any) -> Any:
        outputs = (out,) if isinstance(out, Variable) else out
        if not isinstance(outputs, (tuple, list)):
            return out
        positions = recorded(outputs)
        watched = through(
            tuple(outputs), positions, lambda g: self.outputs_reached(g, positions, outputs)
        )
        if isinstance(out, Variable):
            return watched[0]
        if hasattr(out, "_fields"):
            return type(out)(*watched)
        return type(out)(watched)

    def outputs_reached(
        self, g: Sequence[Any], positions: list[int], outputs: Sequence[Any]
    ) -> Any:
        """The backward walk arrives at the module's end."""
        grads: list[Any] = [None] * len(outputs)
        for position, gradient in zip(positions, g):
            grads[position] = as_tensor(gradient)
        grad_output = tuple(grads)
        for hook in list(self.hooks.before_backward.values()):
            grad_output = replaced_by(hook(self.module, grad_output), grad_output)
        self.grad_output = grad_output
        if not self.positions:
            self.call_after_backward((None,) * self.entered)
        return [alike(grad_output[p], gradient) for p, gradient in zip(positions, g)]

    def inputs_reached(self, g: Sequence[Any]) -> Any:
        """The backward walk arrives at the module's beginning: it has gone through it."""
        grads: list[Any] = [None] * self.entered
        for position, gradient in zip(self.positions, g):
            grads[position] = as_tensor(gradient)
        grad_input = self.call_after_backward(tuple(grads))
        return [alike(grad_input[p], gradient) for p, gradient in zip(self.positions, g)]

    def call_after_backward(self, grad_input: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in list(self.hooks.after_backward.values()):
            grad_input = replaced_by(hook(self.module, grad_input, self.grad_output), grad_input)
        return grad_input


def recorded(values: Sequence[Any]) -> list[int]:
    """Positions of the tensors that need a gradient."""
    return [i for i, v in enumerate(values) if isinstance(v, Variable) and v._node is not None]


def through(
    values: tuple[Any, ...], positions: list[int], hook: Callable[..., Any]
) -> tuple[Any, ...]:
    """`values`, where those at `positions` have passed a boundary."""
    if not positions:
        return values
    passed = list(values)
    for position, tensor in zip(positions, _boundary([values[p] for p in positions], hook)):
        passed[position] = tensor
    return tuple(passed)


def as_tensor(gradient: Any) -> Any:
    return wrap(gradient) if isinstance(gradient, np.ndarray) else gradient


def alike(gradient: Any, model: Any) -> Any:
    """`gradient` as a tensor where the walk has tensors, else as an array."""
    if isinstance(gradient, Variable) and not isinstance(model, Variable):
        return gradient._array
    return gradient


def replaced_by(returned: Any, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
    """The gradients that a hook returned, or those that it was given if it returned None."""
    if returned is None:
        return gradients
    given = tuple(returned) if isinstance(returned, (tuple, list)) else (returned,)
    if len(given) != len(gradients):
        raise RuntimeError(
            f"a backward hook was given {len(gradients)} gradients and returned {len(given)}"
        )
    return given
