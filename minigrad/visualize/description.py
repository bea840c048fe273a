"""One description of a graph, which every view only formats.

A description lists the tensors of a graph in the order in which they were computed: leaves,
constants, and results with the op that computed them.  It is built without recursion, before or
after backward.  The graph keeps few numbers; where a value is not known, the description says so.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

from minigrad.func import functional_call
from minigrad.graph import Node, Variable
from minigrad.modes import Frame, enable_grad, is_ours
from minigrad.pytrees import leaves_of
from minigrad.visualize import values
from minigrad.visualize.backprop import recover_gradients
from minigrad.visualize.builder import Builder, Names, Variables, with_leaves
from minigrad.visualize.parts import Call, Cut, Description, Operand, Vertex
from minigrad.visualize.ran import describe_ran
from minigrad.visualize.recording import Watch, record_values, watch_of

__all__ = ["Call", "Cut", "Description", "Operand", "Vertex", "describe"]


def describe(
    x: Any, input: Any = None, *, names: Mapping[str, Any] | None = None, numbers: bool = True
) -> Description:
    """Describe the graph of a tensor, of several, or of a module applied to an input.

    x        a tensor that requires grad; a list of them; or a module, or any function, with `input`
    input    what the module is called with: a tensor or a tuple of arguments.  The call is
             recorded with all values, and changes no buffer of the module.
    names    names for the tensors: a mapping from names to tensors and modules, such as `locals()`;
             None: those of the variables of the function that calls this
    numbers  find values and gradients; without them only the structure is described

    Raises   TypeError if x is something else, if no tensor of it requires grad, or if `names` is no
             mapping from strings.
    Example  >>> import minigrad as mg
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> y = (x * x).sum()
             >>> [v.formula for v in mg.visualize.describe(y, names=locals()).vertices]
             ['', 'x * x', 'Σ t1']
    """
    return described(*computed(x, input), names, numbers)


def described(
    roots: list[Any],
    implied: Mapping[str, Any],
    watch: Watch | None,
    given: Mapping[str, Any] | None,
    numbers: bool = True,
) -> Description:
    """The description of tensors, and of all that ran if they were recorded with their values.

    implied  names that the call of a module implies, beside those `given`
    """
    names = of_caller(implied) if given is None else {**implied, **checked(given)}
    watch = watch or watch_of(roots)
    edges = with_leaves([root._node for root in roots if root._node is not None])
    description: Description | None = None
    frames: list[Frame | None]
    if watch is not None:
        frames = [call.frame for call in watch.calls]
        named = Names(roots, names, edges, frames)
        description = describe_ran(watch, roots, named)
    if description is None:
        if not edges:
            raise TypeError(
                "this tensor has no graph: nothing that it was computed from requires grad "
                "(or it was computed inside no_grad, or detached). Compute it in a block "
                "`with mg.visualize.record_values():` to see all that ran"
            )
        frames = [edge.frame if isinstance(edge, Node) else None for edge in edges]
        named = Names(roots, names, edges, frames)
        builder = Builder(roots, named)
        for edge in edges:
            builder.add(edge)
        description = builder.finish()
    if numbers:
        values.fill(description, [*roots, *named.tensors])
        recover_gradients(description)
    return description


def of_caller(implied: Mapping[str, Any]) -> Variables:
    """The variables of the function that called this package, and names beside them."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return Variables({**(frame.f_locals if frame is not None else {}), **implied})


def checked(names: Any) -> Mapping[str, Any]:
    """`names`, if they are a mapping from strings."""
    if not isinstance(names, Mapping):
        raise TypeError(
            f"names is a mapping such as {{'x': x}}, or locals(); got {type(names).__name__}"
        )
    for name in names:
        if not isinstance(name, str):
            raise TypeError(
                f"names maps strings to tensors: the key {name!r} is of type {type(name).__name__}"
            )
    return names


def computed(x: Any, input: Any) -> tuple[list[Any], dict[str, Any], Watch | None]:
    """The tensors to describe, names that a call of a module implies, and what ran in it."""
    names: dict[str, Any] = {}
    watch = None
    if callable(x) and not isinstance(x, Variable):
        arguments = () if input is None else input if isinstance(input, tuple) else (input,)
        if input is None and needs_input(x):
            raise TypeError(
                "a module is called for its picture: pass its input, too, as in draw(model, x)"
            )
        names.update(named_arguments(x, input))
        with enable_grad(), record_values() as block:  # the picture is of what would be recorded
            x = called(x, arguments)
        watch = block.watch
        if isinstance(x, (tuple, Mapping)):  # an LSTM returns (output, (h, c))
            names.update({k: v for k, v in x.items() if k} if isinstance(x, Mapping) else {})
            x = [each for each in leaves_of(x) if isinstance(each, Variable)]
        if isinstance(x, Variable):
            names["loss" if x._array.ndim == 0 else "output"] = x
    elif input is not None:
        raise TypeError("describe: `input` is for a module or a function; x is neither")
    roots = list(x) if isinstance(x, (list, tuple)) else [x]
    if not roots:
        raise ValueError("an empty list has no graph")
    for root in roots:
        if not isinstance(root, Variable):
            raise TypeError(
                f"a picture is drawn of a tensor, a list of tensors, or a module with an input, "
                f"got {type(root).__name__}"
            )
    return roots, names, watch


def called(x: Any, arguments: tuple[Any, ...]) -> Any:
    """What a function or a module returns; buffers, such as running means, stay as they are."""
    if not hasattr(x, "named_buffers"):
        return x(*arguments)
    buffers = {name: buffer.clone() for name, buffer in x.named_buffers()}
    return functional_call(x, buffers, arguments)


def named_arguments(module: Any, input: Any) -> dict[str, Any]:
    """What the tensors that a module is called with are named: as the parameters of its forward."""
    if not isinstance(input, tuple):
        return {"input": input}
    function = getattr(module, "forward", module)
    try:
        return dict(inspect.signature(function).bind(*input).arguments)
    except (TypeError, ValueError):  # a function of C, or the call itself will fail
        return {}


def needs_input(module: Any) -> bool:
    """Whether it is a module that cannot be called without arguments."""
    if not hasattr(module, "forward"):
        return False
    try:
        inspect.signature(module.forward).bind()
    except TypeError:
        return True
    return False
