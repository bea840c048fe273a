"""``Module``: parameters, buffers and other modules, and the function that they compute."""

from __future__ import annotations

import inspect
import typing
import warnings
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any, TypeVar

import numpy as np

from minigrad import devices, errors
from minigrad.backward import HookHandle
from minigrad.graph import Variable, wrap
from minigrad.modes import Frame, recording
from minigrad.nn.hooks import Hook, Hooks, add_hook
from minigrad.nn.parameter import Buffer, Parameter, WithoutShape
from minigrad.nn.state import Stateful
from minigrad.nn.typed import HasForward, P, R
from minigrad.tensor import Tensor

__all__ = ["Module"]

Self = TypeVar("Self", bound="Module")

REGISTRIES = {
    "_parameters": ("parameter", "nn.Parameter"),
    "_buffers": ("buffer", "tensor"),
    "_modules": ("child module", "nn.Module"),
}


class Changes:
    """How often an attribute of any module was set or deleted: a compiled program looks here."""

    count = 0


changes = Changes()


class Construction:
    """What is asked of the arguments of a module's constructor before ``__init__`` gets them.

    It is a base of `Module`, since signatures are read from the first ``__init__`` or ``__new__``.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> typing.Self:
        if args and cls.__module__.rpartition(".")[0] == __package__:
            refuse_input(cls, args)
        return object.__new__(cls)


def refuse_input(cls: type, args: tuple[Any, ...]) -> None:
    """Raise a TypeError if the constructor of a layer is given the tensors to compute with."""
    names = list(inspect.signature(cls).parameters)
    for name, value in zip_longest(names, args):
        array = value._array if isinstance(value, Variable) else value
        if isinstance(array, np.ndarray) and array.ndim and not (name or "").endswith("weight"):
            made = cls.__name__
            use = f"layer = {made}(...), then y = layer(x)"
            if made.endswith("Loss"):
                use = f"loss_fn = {made}(), then loss = loss_fn(input, target)"
            raise TypeError(f"{made} is made first, and called with tensors later: {use}")


class Module(Stateful, Construction):
    """Base of all layers and networks.

    A subclass assigns parameters and other modules to attributes in ``__init__``, after
    ``super().__init__()``, and computes in ``forward``.  Attributes that are a `Parameter`, a
    `Module` or a buffer are registered by name, and stay ordinary attributes: ``self.weight`` costs
    what any attribute costs.

    Example  >>> class Net(mg.nn.Module):
             ...     def __init__(self):
             ...         super().__init__()
             ...         self.hidden = mg.nn.Linear(2, 8)
             ...         self.out = mg.nn.Linear(8, 1)
             ...     def forward(self, x):
             ...         return self.out(self.hidden(x).relu())
             >>> net = Net()
             >>> [name for name, _ in net.named_parameters()]
             ['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias']
             >>> net(mg.ones(3, 2)).shape
             (3, 1)
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers: set[str]
    _module_hooks: Hooks | None

    def __init__(self) -> None:
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _modules={},
            _non_persistent_buffers=set(),
            _module_hooks=None,
        )

    # ------------------------------------------------------------------------------------- calling

    def __call__(self: HasForward[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Compute ``forward``, between the hooks if there are any."""
        if self._module_hooks is not None:
            return self._module_hooks.run(self, args, kwargs)
        # `call_forward`, written out: one more call would be a tenth of the cost of a small layer
        parent = recording.frame
        if parent is not None:
            recording.frame = Frame(self, parent, parent.detail)
        try:
            return self.forward(*args, **kwargs)
        except Exception as error:
            errors.note_module(error, self, args)
            raise
        finally:
            recording.frame = parent

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; a subclass defines it.

        Raises   NotImplementedError here.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no forward: define forward(self, ...)"
        )

    # --------------------------------------------------------------------------------- registration

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        if isinstance(value, Buffer):
            self.register_buffer(name, value, value.persistent)
            return
        kind = registry_of(value)
        if kind is not None:
            if kind not in attributes:
                what = REGISTRIES[kind][0]
                raise AttributeError(
                    f"call super().__init__() before assigning the {what} {name!r}"
                )
            for registry in REGISTRIES:
                if registry != kind:
                    attributes[registry].pop(name, None)
            attributes[kind][name] = value
        elif "_modules" in attributes:
            for registry, (what, wanted) in REGISTRIES.items():
                if name in attributes[registry]:
                    if value is not None and not (
                        registry == "_buffers" and isinstance(value, Variable)
                    ):
                        raise TypeError(
                            f"cannot assign a {type(value).__name__} as {what} {name!r}: "
                            f"a {wanted} or None is expected"
                        )
                    attributes[registry][name] = value
        object.__setattr__(self, name, value)
        changes.count += 1

    def __delattr__(self, name: str) -> None:
        changes.count += 1
        object.__delattr__(self, name)
        for registry in REGISTRIES:
            self.__dict__[registry].pop(name, None)
        self._non_persistent_buffers.discard(name)

    def __dir__(self) -> list[str]:
        return [name for name in object.__dir__(self) if not name[:1].isdigit()]

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register a parameter, or with None the name of one that is absent (``bias=False``).

        Raises   TypeError if it is not a `Parameter`; KeyError if the name cannot be used.
        """
        self._check_name(name, "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"register_parameter takes an nn.Parameter or None, got {type(param).__name__}"
            )
        setattr(self, name, param)
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Register a tensor that is state, but not learned, such as a running mean.

        persistent  whether it belongs to the state dict
        Raises      TypeError if it is not a tensor; KeyError if the name cannot be used.
        """
        self._check_name(name, "_buffers")
        if tensor is not None and not isinstance(tensor, Variable):
            raise TypeError(f"register_buffer takes a tensor or None, got {type(tensor).__name__}")
        self._buffers[name] = tensor
        object.__setattr__(self, name, tensor)
        if persistent:
            self._non_persistent_buffers.discard(name)
        else:
            self._non_persistent_buffers.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """Register another module as a child of this one.

        Raises   TypeError if it is not a module; KeyError if the name cannot be used.
        """
        self._check_name(name, "_modules")
        given: Any = module
        if isinstance(given, type):
            kind = f"the class {given.__name__}; did you mean {given.__name__}(...)?"
            raise TypeError(f"add_module takes an nn.Module or None, got {kind}")
        if given is not None and not isinstance(given, Module):
            raise TypeError(f"add_module takes an nn.Module or None, got {type(given).__name__}")
        setattr(self, name, module)
        self._modules[name] = module

    def _check_name(self, name: str, registry: str) -> None:
        what = REGISTRIES[registry][0]
        if registry not in self.__dict__:
            raise AttributeError(f"call super().__init__() before registering the {what} {name!r}")
        if not isinstance(name, str):
            raise TypeError(f"the name of a {what} is a string, got {type(name).__name__}")
        if name == "" or "." in name:
            raise KeyError(f"the name of a {what} is not empty and has no dot, got {name!r}")
        if name not in self.__dict__[registry] and hasattr(self, name):
            raise KeyError(f"the module has an attribute {name!r} already")

    # ------------------------------------------------------------------------------------ iteration

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with dotted names; each once, the first name counts."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                below = f"{prefix}.{name}" if prefix else name
                yield from child.named_modules(memo, below, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules that are attributes of this one, each once."""
        seen: set[Any] = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules that are attributes of this one, without their names."""
        for _, child in self.named_children():
            yield child

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with dotted names; a shared one once, the first name counts."""
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once: what an optimizer takes.

        A UserWarning names layers that are in a plain list or dict, where they are not found; an
        attribute whose name begins with an underscore may hold some on purpose.
        """
        if recurse:
            self._warn_of_hidden_layers()
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def _warn_of_hidden_layers(self) -> None:
        known = list(self.modules())
        for module in known:
            for name, value in vars(module).items():
                if not isinstance(value, (list, tuple, dict)) or name.startswith("_"):
                    continue
                hidden = [
                    each
                    for each in (value.values() if isinstance(value, dict) else value)
                    if isinstance(each, Module) and each not in known and is_trained(each)
                ]
                if hidden:
                    kind = "ModuleDict" if isinstance(value, dict) else "ModuleList"
                    warnings.warn(
                        f"{type(module).__name__}.{name} is a {type(value).__name__}, in which "
                        f"parameters() does not find layers: {len(hidden)} of them are not trained;"
                        f" write self.{name} = nn.{kind}(...)",
                        stacklevel=3,
                    )

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with dotted names; a shared one once."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def _named_members(
        self, registry: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in modules:
            for name, member in module.__dict__[registry].items():
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield f"{path}.{name}" if path else name, member

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name; this one for the empty name.

        Raises   AttributeError if there is none.
        """
        here: Any = self
        for name in target.split(".") if target else ():
            child = here._modules.get(name)
            if child is None:
                known = ", ".join(here._modules) or "none"
                raise AttributeError(
                    f"{type(here).__name__} has no child module {name!r} (of {target!r}); "
                    f"it has {known}"
                )
            here = child
        return here

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module in the place of the one with a dotted name.

        strict   there has to be one

        Raises   AttributeError if what it belongs to does not exist, or it with `strict`.
        Example  >>> net = mg.nn.Sequential(mg.nn.Sequential(mg.nn.Linear(2, 2)))
                 >>> net.set_submodule("0.0", mg.nn.ReLU())
                 >>> net.get_submodule("0.0")
                 ReLU()
        """
        if not target:
            raise ValueError("set_submodule: a name is needed, the module itself has none")
        if strict:
            self.get_submodule(target)
        owner, _, name = target.rpartition(".")
        self.get_submodule(owner).add_module(name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name.

        Raises   AttributeError if there is none.
        """
        return self._get_member("_parameters", target)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of a dotted name.

        Raises   AttributeError if there is none.
        """
        return self._get_member("_buffers", target)

    def _get_member(self, registry: str, target: str) -> Any:
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        member = owner.__dict__[registry].get(name)
        if member is None:
            raise AttributeError(
                f"{type(owner).__name__} has no {REGISTRIES[registry][0]} {name!r}"
            )
        return member

    # ---------------------------------------------------------------------------------- all at once

    def apply(self: Self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module, children first, and return this one: to initialise weights."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self: Self, mode: bool = True) -> Self:
        """Switch this module and all below to training (dropout drops, batch norm updates)."""
        if not isinstance(mode, bool):
            raise TypeError(f"train takes True or False, got {type(mode).__name__}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """Switch this module and all below to evaluation."""
        return self.train(False)

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Learn all parameters, or freeze them."""
        for _, parameter in self.named_parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros."""
        for _, parameter in self.named_parameters():
            grad = parameter.grad
            if grad is not None:
                parameter.grad = None if set_to_none else wrap(np.zeros_like(grad._array))

    def to(self: Self, *args: Any, **kwargs: Any) -> Self:
        """Convert floating-point parameters and buffers, in place: ``to(mg.float64)``.

        Accepted are a dtype, a device (the CPU), or a tensor of the wanted type, in PyTorch's
        positions; ``non_blocking`` changes nothing.  Parameters stay the same objects.

        Raises   ValueError for a device that is not the CPU; TypeError if the type is not of
                 floating-point numbers.
        """
        dtype = kwargs.pop("dtype", None)
        devices.check(kwargs.pop("device", None))
        kwargs.pop("non_blocking", None)
        if kwargs:
            raise TypeError(f"to() got an unexpected keyword argument {next(iter(kwargs))!r}")
        for value in args:
            if isinstance(value, Variable):
                dtype = value._array.dtype
            elif (isinstance(value, str) and value.split(":")[0] in {"cpu", "cuda", "mps"}) or (
                hasattr(value, "type") and not isinstance(value, (type, np.dtype))
            ):
                devices.check(value)
            elif value is not None and not isinstance(value, bool):
                dtype = value
        if dtype is not None:
            dtype = np.dtype(dtype)
            if dtype.kind != "f":
                raise TypeError(f"a module is converted to floating-point types only, got {dtype}")
            self._convert(dtype, only_floats=True)
        return self

    def _convert(self, dtype: Any, only_floats: bool) -> None:
        for tensor in [*self.parameters(), *self.buffers()]:
            if isinstance(tensor, WithoutShape):
                tensor.convert(dtype)
            elif not only_floats or tensor._array.dtype.kind == "f":
                grad = tensor.grad
                tensor.data = wrap(tensor._array.astype(dtype, order="K", copy=False))
                if grad is not None:
                    tensor.grad = wrap(grad._array.astype(dtype, order="K", copy=False))

    def type(self: Self, dst_type: Any) -> Self:
        """Convert all parameters and buffers to `dst_type`."""
        self._convert(np.dtype(dst_type), only_floats=False)
        return self

    def float(self: Self) -> Self:
        """Convert to float32."""
        return self.to(np.float32)

    def double(self: Self) -> Self:
        """Convert to float64."""
        return self.to(np.float64)

    def half(self: Self) -> Self:
        """Convert to float16."""
        return self.to(np.float16)

    def bfloat16(self: Self) -> Self:
        """Round to bfloat16; the numbers stay float32."""
        for tensor in [*self.parameters(), *self.buffers()]:
            if not isinstance(tensor, WithoutShape) and tensor._array.dtype.kind == "f":
                tensor.data = tensor.detach().bfloat16()
        return self

    def cpu(self: Self) -> Self:
        """This module: it is on the CPU."""
        return self

    def share_memory(self: Self) -> Self:
        """This module; processes share their weights by `minigrad.distributed`."""
        return self

    def to_empty(self: Self, *, device: Any, recurse: bool = True) -> Self:
        """This module, whose numbers may be any: they stay as they are.

        Raises   ValueError if `device` is not the CPU.
        """
        devices.check(device)
        return self

    def cuda(self: Self, device: Any = None) -> Self:
        """There is no GPU here.

        Raises   ValueError always.
        """
        devices.check("cuda")
        return self

    # ---------------------------------------------------------------------------------------- hooks

    def _get_hooks(self) -> Hooks:
        if self._module_hooks is None:
            self._module_hooks = Hooks()
        return self._module_hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call ``hook(module, args)`` before forward; what it returns replaces the arguments."""
        return add_hook(self._get_hooks().before_forward, Hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call ``hook(module, args, output)`` after forward; what it returns replaces the output.

        Returns  a handle; ``handle.remove()`` takes the hook away.
        """
        return add_hook(self._get_hooks().after_forward, Hook(hook, with_kwargs), prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> HookHandle:
        """Call ``hook(module, grad_output)`` when backward arrives at the module."""
        return add_hook(self._get_hooks().before_backward, Hook(hook), prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> HookHandle:
        """Call ``hook(module, grad_input, grad_output)`` when backward has gone through the module.

        The gradients are tuples with one entry for each positional argument and for each output,
        None where there is none.  What the hook returns replaces `grad_input`.
        """
        return add_hook(self._get_hooks().after_backward, Hook(hook), prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """The older name of `register_full_backward_hook`."""
        return self.register_full_backward_hook(hook)

    # ----------------------------------------------------------------------------------------- text

    def extra_repr(self) -> str:
        """What stands between the parentheses of the repr; a subclass says its arguments."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take up what was pickled; what is trained can be written to.

        joblib maps large arrays of a pickle read-only: parameters and buffers are copied, so that
        a model steps in a worker as it did at home.
        """
        self.__dict__.update(state)
        for t in (*self._parameters.values(), *self._buffers.values()):
            if t is None or isinstance(t, WithoutShape):
                continue
            if not t._array.flags.writeable:
                t._array = t._array.copy(order="K")

    def __repr__(self) -> str:
        extra = self.extra_repr()
        children = [
            f"({name}): " + repr(child).replace("\n", "\n  ")
            for name, child in self._modules.items()
        ]
        if not children and "\n" not in extra:
            return f"{self._get_name()}({extra})"
        lines = ([*extra.split("\n")] if extra else []) + children
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


def shown(module: Module, *names: str) -> str:
    """Attributes as the repr of a module shows them: ``alpha=1.0, inplace=True``."""
    return ", ".join(f"{name}={getattr(module, name)!r}" for name in names)


def is_trained(module: Module) -> bool:
    return any(parameter.requires_grad for _, parameter in module.named_parameters())


def registry_of(value: Any) -> str | None:
    """Where a module registers a value that is assigned to an attribute."""
    if isinstance(value, Parameter):
        return "_parameters"
    return "_modules" if isinstance(value, Module) else None
