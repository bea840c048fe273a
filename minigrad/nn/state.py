"""The state of a module, as a dictionary from dotted names to tensors: saving and loading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad.backward import HookHandle
from minigrad.graph import Variable, wrap
from minigrad.memory import writes
from minigrad.nn.parameter import Parameter, is_lazy

if TYPE_CHECKING:
    from minigrad.nn.module import Module

__all__ = ["IncompatibleKeys", "Stateful", "load", "named_state"]

EXTRA = "_extra_state"


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


def holders(module: Module, prefix: str = "") -> Iterator[tuple[str, Module]]:
    """All modules with the prefixes of their names, one as often as it has names."""
    yield prefix, module
    for name, child in module._modules.items():
        if child is not None:
            yield from holders(child, f"{prefix}{name}.")


def extra_of(module: Module) -> dict[str, Module]:
    """The modules that keep more than tensors, by the names in the state dict."""
    plain = Stateful.get_extra_state
    found = [(p, m) for p, m in holders(module) if type(m).get_extra_state is not plain]
    return {prefix + EXTRA: each for prefix, each in found}


class Stateful:
    """What modules have in common that is about their state."""

    def state_dict(
        self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """All parameters and persistent buffers by dotted name, detached, sharing memory.

        Example  >>> list(mg.nn.Linear(2, 3).state_dict())
                 ['weight', 'bias']
        """
        module: Any = self
        found = {} if destination is None else destination
        hooked = [(p, m, m._state_hooks) for p, m in holders(module, prefix) if m._state_hooks]
        for place, each, hooks in hooked:
            for hook in hooks.of("before_state_dict"):
                hook(each, place, keep_vars)
        for name, (_, _, tensor) in named_state(module, prefix).items():
            found[name] = tensor if keep_vars else tensor.detach()
        for name, each in extra_of(module).items():
            found[prefix + name] = each.get_extra_state()
        for place, each, hooks in reversed(hooked):
            for hook in hooks.of("after_state_dict"):
                hook(each, found, place, {})
        return found

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values into parameters and buffers: tensors of minigrad or PyTorch, or arrays.

        strict   complain about names that are missing or unexpected
        assign   put the given tensors in the place of the module's, instead of copying

        Returns  a named tuple (missing_keys, unexpected_keys)
        Raises   RuntimeError that lists every missing, unexpected and mismatched name; then nothing
                 was changed.
        """
        module: Any = self
        hooked = [(p, m, m._state_hooks) for p, m in holders(module) if m._state_hooks]
        for place, each, hooks in hooked:
            for hook in hooks.of("before_load"):  # each may change the part that is its module's
                part = {k: v for k, v in state_dict.items() if k.startswith(place)}
                rest = {k: v for k, v in state_dict.items() if k not in part}
                hook(each, part, place, {}, strict, [], [], [])
                state_dict = {**rest, **part}
        found = load(module, state_dict, strict, assign)
        for _, each, hooks in reversed(hooked):
            for hook in hooks.of("after_load"):
                hook(each, found)
        return found

    def get_extra_state(self) -> Any:
        """What the state dict is to hold besides tensors; a class that overrides it has some.

        It goes through `mg.save` if it is made of numbers and tensors.

        Raises   RuntimeError unless overridden.
        """
        raise RuntimeError("override get_extra_state, and set_extra_state with it")

    def set_extra_state(self, state: Any) -> None:
        """Take what `get_extra_state` gave.

        Raises   RuntimeError unless overridden.
        """
        raise RuntimeError("override set_extra_state, and get_extra_state with it")

    def _add_state_hook(self, kind: str, hook: Callable[..., Any]) -> HookHandle:
        if not self._state_hooks:
            self._state_hooks = StateHooks()
        return HookHandle(self._state_hooks.kinds[kind], hook)

    _state_hooks: StateHooks | None = None

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call ``hook(module, prefix, keep_vars)`` before `state_dict` reads the module."""
        return self._add_state_hook("before_state_dict", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` when the dict is made.

        It may change the dict in place; the metadata are an empty dict.
        """
        return self._add_state_hook("after_state_dict", hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call `hook` with the module and the state dict before that is loaded.

        It is ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)``, where all from the metadata on are empty or as given, and it
        may change the dict, a copy of what belongs to the module.
        """
        return self._add_state_hook("before_load", hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call ``hook(module, incompatible_keys)`` after a state dict was loaded."""
        return self._add_state_hook("after_load", hook)

    _register_state_dict_hook = register_state_dict_post_hook

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> HookHandle:
        """PyTorch's older name; without `with_module` the hook is called without the module."""
        return self._add_state_hook(
            "before_load", hook if with_module else lambda module, *rest: hook(*rest)
        )


class StateHooks:
    """Functions that are called when a state dict is made or loaded."""

    def __init__(self) -> None:
        names = ("before_state_dict", "after_state_dict", "before_load", "after_load")
        self.kinds: dict[str, dict[int, Callable[..., Any]]] = {name: {} for name in names}

    def of(self, kind: str) -> list[Callable[..., Any]]:
        return list(self.kinds[kind].values())


def load(
    module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool
) -> IncompatibleKeys:
    """Copy values into parameters and buffers, all of them or, on any complaint, none."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            "load_state_dict takes a dictionary from names to tensors, got "
            f"{type(state_dict).__name__}"
        )
    own, extra = named_state(module), extra_of(module)
    missing = [name for name in (*own, *extra) if name not in state_dict]
    unexpected = [name for name in state_dict if name not in own and name not in extra]
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
    for name, each in extra.items():
        if name in state_dict:
            each.set_extra_state(state_dict[name])
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
