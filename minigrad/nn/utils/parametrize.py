"""Parametrizations: a parameter that is computed from others each time it is read.

``register_parametrization(layer, "weight", f)`` makes ``layer.weight`` a function f of a parameter
``layer.parametrizations.weight.original``, which is what optimizers learn.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.graph import Variable
from minigrad.modes import no_grad
from minigrad.nn.containers import ModuleDict, ModuleList
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization",
    "remove_parametrizations", "type_before_parametrizations",
]  # fmt: skip

kept: dict[tuple[int, str], Any] | None = None  # within `cached`: the tensors computed so far


@contextmanager
def cached() -> Iterator[None]:
    """While it lasts, each parametrized tensor is computed once.

    Example  >>> from minigrad.nn.utils import parametrizations, parametrize
             >>> layer = parametrizations.weight_norm(mg.nn.Linear(2, 3))
             >>> with parametrize.cached():
             ...     print(layer.weight is layer.weight)
             True
    """
    global kept
    before, kept = kept, {} if kept is None else kept
    try:
        yield
    finally:
        kept = before


class ParametrizationList(ModuleList):
    """The functions that a tensor goes through, and the tensors that it begins with.

    original, or original0, original1, ...   what is learned

    Raises   ValueError if what a ``right_inverse`` returned is neither a tensor nor several.
    Example  >>> from minigrad.nn.utils.parametrizations import weight_norm
             >>> list(weight_norm(mg.nn.Linear(2, 3)).parametrizations.weight.state_dict())
             ['original0', 'original1']
    """

    def __init__(self, modules: Any, original: Any, unsafe: bool = False) -> None:
        super().__init__(modules)
        first = self[0]
        value = original
        with no_grad():
            if hasattr(first, "right_inverse"):
                with suppress(NotImplementedError):  # the parameter is then what was the tensor
                    value = first.right_inverse(original)
        self.is_tensor = isinstance(value, Variable)
        if self.is_tensor:
            original.data = value
            self._keep("original", original, original)
            return
        if not isinstance(value, (tuple, list)):
            raise ArgumentError(
                f"right_inverse returns a tensor or a sequence of them, got {type(value).__name__}"
            )
        self.ntensors = len(value)
        for i, each in enumerate(value):
            self._keep(f"original{i}", each, original)

    def _keep(self, name: str, tensor: Any, like: Any) -> None:
        if not isinstance(like, Parameter):
            self.register_buffer(name, tensor)
        elif isinstance(tensor, Parameter):
            self.register_parameter(name, tensor)
        else:
            self.register_parameter(name, Parameter(tensor.detach(), like.requires_grad))

    def _originals(self) -> list[Any]:
        if self.is_tensor:
            return [self._parameters.get("original", self._buffers.get("original"))]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Any) -> None:
        """Set the originals so that the result is `value`, in place.

        Raises   RuntimeError if a parametrization has no right_inverse.
        """
        with no_grad():
            for parametrization in reversed(list(self)):
                if not hasattr(parametrization, "right_inverse"):
                    raise RuntimeError(
                        f"{type(parametrization).__name__} has no right_inverse: the tensor "
                        "cannot be assigned"
                    )
                value = parametrization.right_inverse(value)
            values = [value] if self.is_tensor else list(value)
            for original, each in zip(self._originals(), values, strict=True):
                original.data = each.detach()

    def forward(self) -> Any:
        first, *others = list(self)
        value = first(*self._originals())
        for parametrization in others:
            value = parametrization(value)
        return value


# --------------------------------------------------------------------------- modules that have them


def parametrized_class(module: Module) -> type:
    """A class for this module alone, on which properties can be put."""
    base = type(module)

    def set_attribute(self: Any, name: str, value: Any) -> None:
        parametrizations = self.__dict__.get("_modules", {}).get("parametrizations")
        if parametrizations is not None and name in parametrizations:
            parametrizations[name].right_inverse(value)
        else:
            base.__setattr__(self, name, value)

    def reduce(self: Any) -> Any:
        raise RuntimeError("a parametrized module is saved by its state_dict() alone")

    def deepcopy(self: Any, memo: dict[int, Any]) -> Any:
        copied = object.__new__(base)
        memo[id(self)] = copied
        for name, value in self.__dict__.items():
            copied.__dict__[name] = copy.deepcopy(value, memo)
        made = parametrized_class(copied)
        for name in copied.__dict__["_modules"]["parametrizations"]:
            setattr(made, name, parametrized_property(name))
        copied.__class__ = made
        return copied

    members = {
        "__setattr__": set_attribute, "__reduce__": reduce, "__deepcopy__": deepcopy,
        "__doc__": base.__doc__, "parametrized_base": base,
    }  # fmt: skip
    return type(f"Parametrized{base.__name__}", (base,), members)


def parametrized_property(name: str) -> property:
    def compute(self: Any) -> Any:
        if kept is None:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in kept:
            kept[key] = self.parametrizations[name]()
        return kept[key]

    return property(compute)


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a tensor of the module, or any, is computed from others.

    Example  >>> from minigrad.nn.utils import parametrize
             >>> parametrize.is_parametrized(mg.nn.Linear(2, 3))
             False
    """
    parametrizations = module.__dict__.get("_modules", {}).get("parametrizations")
    if parametrizations is None or not hasattr(type(module), "parametrized_base"):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def type_before_parametrizations(module: Module) -> type:
    """The class of the module before it was parametrized.

    Example  >>> from minigrad.nn.utils import parametrizations, parametrize
             >>> layer = parametrizations.weight_norm(mg.nn.Linear(2, 3))
             >>> parametrize.type_before_parametrizations(layer).__name__
             'Linear'
    """
    return getattr(type(module), "parametrized_base", type(module))


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let a parameter or buffer of a module be computed by another module.

    tensor_name       "weight", for instance
    parametrization   a module of the tensor, and of the same shape; its ``right_inverse``, if it
                      has one, says what the tensor is computed from so that it stays as it is
    unsafe            leave out the check that shape and type stay

    A second one for the same tensor is applied to the result of the first.

    Returns  the module
    Raises   ValueError if the module has no such tensor, or if the shape or type changes.
    Example  >>> from minigrad.nn.utils import parametrize
             >>> class Symmetric(mg.nn.Module):
             ...     def forward(self, x):
             ...         return x.triu() + x.triu(1).T
             >>> layer = mg.nn.Linear(2, 2)
             >>> layer = parametrize.register_parametrization(layer, "weight", Symmetric())
             >>> mg.equal(layer.weight, layer.weight.T)
             True
    """
    if is_parametrized(module, tensor_name):
        add_parametrization(module, tensor_name, parametrization, unsafe)
        return module
    registry = next(
        (each for each in ("_parameters", "_buffers") if tensor_name in module.__dict__[each]), None
    )
    tensor = None if registry is None else module.__dict__[registry][tensor_name]
    if registry is None or tensor is None:
        raise ArgumentError(f"{type(module).__name__} has no parameter or buffer {tensor_name!r}")
    before: Any = tensor.detach().clone()
    made = ParametrizationList([parametrization], tensor, unsafe)
    if not unsafe:
        check_alike(before, made(), parametrization)
    if not is_parametrized(module):
        module.__dict__["_modules"]["parametrizations"] = ModuleDict()
        module.__dict__["parametrizations"] = module.__dict__["_modules"]["parametrizations"]
        module.__class__ = parametrized_class(module)
    del module.__dict__[registry][tensor_name]
    del module.__dict__[tensor_name]
    setattr(type(module), tensor_name, parametrized_property(tensor_name))
    module.__dict__["parametrizations"][tensor_name] = made
    return module


def add_parametrization(module: Any, name: str, parametrization: Module, unsafe: bool) -> None:
    """One more, on the result of those that there are."""
    before: Any = getattr(module, name).detach().clone()
    parametrizations = module.parametrizations[name]
    if not unsafe:
        check_alike(before, parametrization(before), parametrization)
    parametrizations.append(parametrization)
    if hasattr(parametrization, "right_inverse"):
        setattr(module, name, before)


def check_alike(before: Any, after: Any, parametrization: Module) -> None:
    name = type(parametrization).__name__
    if not isinstance(after, Variable):
        raise ArgumentError(f"{name} returned a {type(after).__name__}, not a tensor")
    old, new = before._array, after._array
    if old.shape != new.shape or old.dtype != new.dtype:
        raise ArgumentError(
            f"{name} made a tensor of shape {new.shape} and type {new.dtype} of one of shape "
            f"{old.shape} and type {old.dtype}; pass unsafe=True if that is meant"
        )


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make a tensor an ordinary parameter again.

    leave_parametrized   with the value that it has now; else the original one

    Returns  the module
    Raises   ValueError if it is not parametrized, or if several originals are to be left.
    Example  >>> from minigrad.nn.utils import parametrizations, parametrize
             >>> layer = parametrizations.weight_norm(mg.nn.Linear(2, 3))
             >>> list(parametrize.remove_parametrizations(layer, "weight").state_dict())
             ['bias', 'weight']
    """
    if not is_parametrized(module, tensor_name):
        raise ArgumentError(f"{type(module).__name__} has no parametrized tensor {tensor_name!r}")
    found: Any = module
    parametrizations = found.parametrizations[tensor_name]
    if not parametrizations.is_tensor and not leave_parametrized:
        raise ArgumentError("leave_parametrized=False needs a tensor with one original")
    learned = any(parametrizations._parameters)
    with no_grad():
        value = getattr(module, tensor_name).detach()
        if parametrizations.is_tensor:
            original = parametrizations.original
            if leave_parametrized:
                original.data = value
        else:
            grad = any(p.requires_grad for p in parametrizations._originals())
            original = Parameter(value, grad) if learned else value
    del found.parametrizations[tensor_name]
    delattr(type(module), tensor_name)
    if not len(found.parametrizations):
        module.__class__ = type_before_parametrizations(module)
        del module.__dict__["_modules"]["parametrizations"], module.__dict__["parametrizations"]
    if learned:
        module.register_parameter(tensor_name, original)
    else:
        module.register_buffer(tensor_name, original)
    return module
