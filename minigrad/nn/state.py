"""The state of a module, as a dictionary from dotted names to tensors: saving and loading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad.graph import Variable, wrap
from minigrad.memory import writes
from minigrad.nn.parameter import Parameter, is_lazy

if TYPE_CHECKING:
    from minigrad.nn.module import Module

__all__ = ["IncompatibleKeys", "load", "named_state"]


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` found: names that were missing, and names that no module has."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        missing, unexpected = self.missing_keys, self.unexpected_keys
        return f"_IncompatibleKeys(missing_keys={missing}, unexpected_keys={unexpected})"


def named_state(module: Module, prefix: str = "") -> dict[str, tuple[Module, str, Any]]:
    """For each name in the state dict: the module that owns it, its attribute there, the tensor."""
    found: dict[str, tuple[Module, str, Any]] = {}
    for registry in (module._parameters, module._buffers):
        for name, tensor in registry.items():
            if tensor is not None and name not in module._non_persistent_buffers:
                found[prefix + name] = (module, name, tensor)
    for name, child in module._modules.items():
        if child is not None:
            found.update(named_state(child, f"{prefix}{name}."))
    return found


def load(
    module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool
) -> IncompatibleKeys:
    """Copy values into parameters and buffers, all of them or, on any complaint, none."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            "load_state_dict takes a dictionary from names to tensors, got "
            f"{type(state_dict).__name__}"
        )
    own = named_state(module)
    missing = [name for name in own if name not in state_dict]
    unexpected = [name for name in state_dict if name not in own]
    complaints = [message_of_names("missing", missing), message_of_names("unexpected", unexpected)]
    complaints = [message for message in complaints if message] if strict else []
    values: dict[str, Any] = {}
    for name, (_, _, tensor) in own.items():
        if name in state_dict:
            if is_lazy(state_dict[name]):
                if not is_lazy(tensor):
                    complaints.append(f"{name}: the state dict's has no shape yet")
                continue
            values[name] = array_of(state_dict[name], name)
            shapeless = is_lazy(tensor)
            mine = np.empty(values[name].shape, tensor.dtype) if shapeless else tensor._array
            complaint = mismatch(name, mine, values[name], assign)
            if complaint:
                complaints.append(complaint)
    if complaints:
        what = type(module).__name__
        raise RuntimeError(
            f"load_state_dict of {what}, nothing was changed:\n  " + "\n  ".join(complaints)
        )
    for name, array in values.items():
        owner, attribute, tensor = own[name]
        if assign:
            assign_value(owner, attribute, tensor, state_dict[name], array)
        else:
            if is_lazy(tensor):
                tensor.materialize(array.shape)
            np.copyto(tensor._array, array, casting="same_kind")
            writes.note(tensor._array, "load_state_dict")
    return IncompatibleKeys(missing, unexpected)


def message_of_names(kind: str, names: list[str]) -> str:
    return f"{kind}: {', '.join(names)}" if names else ""


def array_of(value: Any, name: str) -> Any:
    """The array of a tensor of minigrad or of PyTorch, or of what NumPy can read."""
    if isinstance(value, Variable):
        return value._array
    if hasattr(value, "detach"):  # a tensor of PyTorch, which is not imported here
        value = value.detach().cpu()
        try:
            value = value.numpy()
        except TypeError:  # a type that NumPy does not have, such as bfloat16
            value = value.float().numpy()
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"load_state_dict: {name} is a {type(value).__name__}, not an array of numbers"
        )
    return array


def mismatch(name: str, mine: Any, given: Any, assign: bool) -> str:
    """What is wrong with loading `given` into, or assigning it for, `mine`; empty if nothing is."""
    if mine.shape != given.shape:
        return f"{name}: the module has shape {mine.shape}, the state dict {given.shape}"
    fits = np.can_cast(given.dtype, mine.dtype, "same_kind")
    if not fits or (assign and given.dtype.kind != mine.dtype.kind):
        return f"{name}: the module has {mine.dtype} numbers, the state dict {given.dtype}"
    return (
        ""
        if assign or mine.flags.writeable
        else f"{name}: the memory of the module's tensor is read-only"
    )


def assign_value(owner: Module, name: str, before: Any, value: Any, array: Any) -> None:
    """Put the given tensor itself in the place of the module's."""
    tensor = value if isinstance(value, Variable) else wrap(array)
    if isinstance(before, Parameter) and not isinstance(tensor, Parameter):
        tensor = Parameter(tensor, before.requires_grad)
    setattr(owner, name, tensor)
