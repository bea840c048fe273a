"""Modules as functions of their parameters: ``functional_call stack_module_state``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.graph import Variable, wrap
from minigrad.pytrees import describe


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: Any = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call `module` with other parameters and buffers in place of its own.

    parameter_and_buffer_dicts  a dict from the names of named_parameters and named_buffers to
                                tensors,
                 or a tuple of such dicts; names that are left out keep the module's own
    args, kwargs  arguments of the call: a tuple (or one tensor), and a dict
    tie_weights  a tensor that the module holds under several names is replaced under all of them
    strict       every name must be given

    Returns  what the module returns; afterwards the module is as it was.
    Raises   KeyError for a name that the module does not have, or, with `strict`, one that is
             missing; ValueError for a name in two of the dicts; TypeError for anything but a
             module, dicts and tensors.
    Example  >>> import minigrad as mg
             >>> net = mg.nn.Linear(2, 1)
             >>> weights = {"weight": mg.tensor([[1.0, 2.0]]), "bias": mg.tensor([0.5])}
             >>> mg.func.functional_call(net, weights, mg.tensor([[3.0, 4.0]])).tolist()
             [[11.5]]
    """
    if not hasattr(module, "named_modules"):
        raise TypeError(f"functional_call: the first argument is a module, got {describe(module)}")
    given = merged(parameter_and_buffer_dicts)
    slots = slots_of(module)
    unknown = sorted(set(given) - set(slots))
    if unknown:
        raise KeyError(f"functional_call: {type(module).__name__} has no parameter {unknown[0]!r}")
    if strict and set(slots) - set(given):
        missing = sorted(set(slots) - set(given))[0]
        raise KeyError(f"functional_call: no value for {missing!r}, and strict=True")
    if tie_weights:
        shared = {id(slots[name].tensor): tensor for name, tensor in given.items()}
        for name, slot in slots.items():
            if id(slot.tensor) in shared and slot.tensor is not None:
                given.setdefault(name, shared[id(slot.tensor)])
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for name, tensor in given.items():
            slots[name].put(tensor)
        return module(*arguments, **(kwargs or {}))
    finally:
        for name in given:
            slots[name].put(slots[name].tensor)


def merged(dicts: Any) -> dict[str, Any]:
    """One dict of several that share no name, their values all tensors."""
    found: dict[str, Any] = {}
    for each in dicts if isinstance(dicts, (tuple, list)) else (dicts,):
        if not isinstance(each, dict):
            raise TypeError(
                "functional_call: parameters and buffers come in a dict, or several, got "
                f"{describe(each)}"
            )
        for name, tensor in each.items():
            if name in found:
                raise ArgumentError(f"functional_call: {name!r} is in two of the dicts")
            if not isinstance(tensor, Variable):
                raise TypeError(f"functional_call: {name!r} is {describe(tensor)}, not a tensor")
            found[name] = tensor
    return found


class Slot:
    """Where a module keeps a parameter or buffer: in a table, and as an attribute."""

    def __init__(self, module: Any, table: dict[str, Any], key: str) -> None:
        self.module, self.table, self.key = module, table, key
        self.tensor = table[key]

    def put(self, tensor: Any) -> None:
        self.table[self.key] = tensor
        object.__setattr__(self.module, self.key, tensor)


def slots_of(module: Any) -> dict[str, Slot]:
    """Every slot of a module and those below it, by full name."""
    slots = {}
    for prefix, part in module.named_modules(remove_duplicate=False):
        for table in (part._parameters, part._buffers):
            for key in table:
                slots[f"{prefix}.{key}" if prefix else key] = Slot(part, table, key)
    return slots


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers of models of one kind, each stacked along a new first axis.

    Returns  two dicts, for `vmap` over `functional_call`: an ensemble in one expression.
    Raises   ValueError if there is no model, or they are of different types, in different modes
             (``train()``, ``eval()``), or have tensors of different shapes.
    Example  >>> import minigrad as mg
             >>> nets = [mg.nn.Linear(2, 3) for _ in range(4)]
             >>> parameters, buffers = mg.func.stack_module_state(nets)
             >>> parameters["weight"].shape
             (4, 3, 2)
    """
    if not models:
        raise ArgumentError("stack_module_state: no models")
    if any(type(model) is not type(models[0]) for model in models):
        raise ArgumentError("stack_module_state: the models are of different types")
    if any(model.training != models[0].training for model in models):
        raise ArgumentError(
            "stack_module_state: some models are in training mode, and some are not"
        )

    def stack(tables: list[dict[str, Any]]) -> dict[str, Any]:
        stacks = {}
        for name, first in tables[0].items():
            arrays = [table[name]._array for table in tables]
            for array in arrays:
                if array.shape != arrays[0].shape:
                    raise ArgumentError(
                        f"stack_module_state: {name!r} has shape {arrays[0].shape} in one model, "
                        f"and {array.shape} in another"
                    )
            joined = wrap(np.stack(arrays))
            stacks[name] = joined.requires_grad_() if first._node is not None else joined
        return stacks

    parameters = [dict(model.named_parameters()) for model in models]
    return stack(parameters), stack([dict(model.named_buffers()) for model in models])
