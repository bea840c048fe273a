"""Modules that hold modules or parameters: Sequential, lists and dictionaries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from operator import index as as_index
from typing import Any, TypeVar

from minigrad.graph import Variable
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]

Self = TypeVar("Self", bound="Chain")


class Chain(Module):
    """Modules numbered 0, 1, 2, ...: what `Sequential` and `ModuleList` have in common."""

    def _names(self) -> list[str]:
        return list(self._modules)

    def _name_at(self, position: int) -> str:
        position = as_index(position)
        names = self._names()
        if not -len(names) <= position < len(names):
            raise IndexError(
                f"index {position} is out of range: {type(self).__name__} holds {len(names)}"
            )
        return names[position]

    def _renumber(self, modules: Iterable[Module]) -> None:
        """Hold `modules`, named by their positions."""
        modules = list(modules)
        for name in self._names():
            delattr(self, name)
        for position, module in enumerate(modules):
            self.add_module(str(position), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._sliced(self._names()[index])
        return self._modules[self._name_at(index)]

    def _sliced(self, names: list[str]) -> Any:
        raise NotImplementedError

    def __setitem__(self, index: Any, module: Module) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: Any) -> None:
        names = self._names()[index] if isinstance(index, slice) else [self._name_at(index)]
        self._renumber(
            [m for name, m in self._modules.items() if name not in names and m is not None]
        )

    def append(self: Self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Add a module before position `index`.

        Raises   TypeError if it is not a module; IndexError if the position is out of range.
        """
        if not isinstance(module, Module):
            raise TypeError(f"insert takes an nn.Module, got {type(module).__name__}")
        n = len(self)
        if not -n <= index <= n:
            raise IndexError(f"cannot insert at {index}: {type(self).__name__} holds {n} modules")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def extend(self: Self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def pop(self, index: int) -> Module:
        """Take a module out, and return it."""
        module: Module = self[index]
        del self[index]
        return module

    def __add__(self, other: Iterable[Module]) -> Any:
        return type(self)(*self, *other)

    def __iadd__(self: Self, other: Iterable[Module]) -> Self:
        return self.extend(other)


class Sequential(Chain):
    """Modules applied one after the other.

    args   modules, named 0, 1, ..., or one dictionary of named modules

    Forward    out = f_n(... f_2(f_1(x)))
    Example    >>> net = mg.nn.Sequential(mg.nn.Linear(4, 3), mg.nn.ReLU())
               >>> net
               Sequential(
                 (0): Linear(in_features=4, out_features=3, bias=True)
                 (1): ReLU()
               )
               >>> net(mg.ones(2, 4)).shape
               (2, 3)
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for position, module in enumerate(args):
                if isinstance(module, (list, tuple)):
                    raise TypeError("Sequential takes the modules one by one: Sequential(*modules)")
                self.add_module(str(position), module)

    def forward(self, input: Any) -> Tensor:
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]  # a child is None only if a user says so
        return input

    def _sliced(self, names: list[str]) -> Sequential:
        return type(self)(OrderedDict((name, self._modules[name]) for name in names))


class ModuleList(Chain):
    """A list of modules, whose parameters the module that holds it learns.

    modules   an iterable of modules
    Example   >>> layers = mg.nn.ModuleList(mg.nn.Linear(2, 2) for _ in range(3))
              >>> len(layers), len(list(layers.parameters()))
              (3, 6)
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(() if modules is None else modules)

    def _sliced(self, names: list[str]) -> ModuleList:
        return type(self)([self._modules[name] for name in names])  # type: ignore[misc]  # as above

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return type(self)([*self, *other])

    def __repr__(self) -> str:
        """Like PyTorch, says equal neighbours once: ``(0-2): 3 x Linear(...)``."""
        groups: list[tuple[str, int]] = []
        for module in self:
            text = repr(module)
            if groups and groups[-1][0] == text:
                groups[-1] = (text, groups[-1][1] + 1)
            else:
                groups.append((text, 1))
        if not groups:
            return f"{self._get_name()}()"
        lines, start = [], 0
        for text, count in groups:
            text = text.replace("\n", "\n  ")
            end = start + count - 1
            lines.append(
                f"({start}-{end}): {count} x {text}" if count > 1 else f"({start}): {text}"
            )
            start = end + 1
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


class ModuleDict(Module):
    """A dictionary of modules, whose parameters the module that holds it learns.

    modules   a dictionary, or pairs of a name and a module
    Example   >>> heads = mg.nn.ModuleDict({"mean": mg.nn.Linear(4, 1), "std": mg.nn.Linear(4, 1)})
              >>> heads["mean"](mg.ones(2, 4)).shape
              (2, 1)
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        self.update({} if modules is None else modules)

    def update(self, modules: Any) -> None:
        """Add the modules of a dictionary, or of pairs of a name and a module."""
        pairs = modules.items() if isinstance(modules, (Mapping, ModuleDict)) else modules
        for name, module in pairs:
            self[name] = module

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        if key not in self._modules:
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Pairs of a name and a module."""
        return self._modules.items()

    def values(self) -> Iterable[Any]:
        """The modules."""
        return self._modules.values()

    def pop(self, key: str) -> Any:
        """Take a module out, and return it."""
        module = self[key]
        del self[key]
        return module

    def clear(self) -> None:
        """Take all modules out."""
        for key in list(self._modules):
            del self[key]


class ParameterList(Module):
    """A list of parameters.  Tensors that are added become parameters; other values stay.

    values    an iterable of tensors
    Example   >>> weights = mg.nn.ParameterList([mg.zeros(2), mg.ones(3)])
              >>> len(weights), [name for name, _ in weights.named_parameters()]
              (2, ['0', '1'])
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._length = 0
        self.extend(() if values is None else values)

    def _name_at(self, position: Any) -> str:
        position = as_index(position)
        if not -self._length <= position < self._length:
            raise IndexError(f"index {position} is out of range: the list holds {self._length}")
        return str(position % self._length)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, self._name_at(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        setattr(self, self._name_at(index), as_parameter(value))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        return iter([getattr(self, str(i)) for i in range(self._length)])

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)

    def append(self, value: Any) -> ParameterList:
        """Add a parameter at the end."""
        setattr(self, str(self._length), as_parameter(value))
        self._length += 1
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Add parameters at the end.

        Raises   TypeError if `values` is a single tensor.
        """
        if isinstance(values, Variable):
            raise TypeError("ParameterList takes a list of tensors, got one tensor")
        for value in list(values):
            self.append(value)
        return self

    def extra_repr(self) -> str:
        return describe_entries(enumerate(self))


class ParameterDict(Module):
    """A dictionary of parameters.  Tensors that are added become parameters.

    parameters   a dictionary, or pairs of a name and a tensor
    Example      >>> weights = mg.nn.ParameterDict({"scale": mg.ones(2), "shift": mg.zeros(2)})
                 >>> [name for name, _ in weights.named_parameters()]
                 ['scale', 'shift']
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        self.update({} if parameters is None else parameters)

    def update(self, parameters: Any) -> None:
        """Add the entries of a dictionary, or of pairs of a name and a tensor."""
        mapping = isinstance(parameters, (Mapping, ParameterDict))
        for key, value in parameters.items() if mapping else parameters:
            self[key] = value

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in self._keys:
            self._check_name(key, "_parameters")
        setattr(self, key, as_parameter(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        if key not in self._keys:
            raise KeyError(key)
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._keys))

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def get(self, key: str, default: Any = None) -> Any:
        """The parameter of a name, or `default` if there is none."""
        return self[key] if key in self._keys else default

    def keys(self) -> Iterable[str]:
        """The names."""
        return list(self._keys)

    def values(self) -> Iterable[Any]:
        """The parameters."""
        return [getattr(self, key) for key in self._keys]

    def items(self) -> Iterable[tuple[str, Any]]:
        """Pairs of a name and a parameter."""
        return [(key, getattr(self, key)) for key in self._keys]

    def pop(self, key: str) -> Any:
        """Take a parameter out, and return it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take the last parameter out, and return it with its name.

        Raises   KeyError if there is none.
        """
        last = list(self)[-1:]
        if not last:
            raise KeyError("popitem of an empty ParameterDict")
        return last[0], self.pop(last[0])

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The entry of a name; `default`, put there, if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def copy(self) -> ParameterDict:
        """Another dict of the same parameters."""
        return ParameterDict(dict(self.items()))

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A dict with one entry under several names."""
        return ParameterDict(dict.fromkeys(keys, default))

    def clear(self) -> None:
        """Take all parameters out."""
        for key in self:
            del self[key]

    def extra_repr(self) -> str:
        return describe_entries(self.items())


def as_parameter(value: Any) -> Any:
    """A tensor as a parameter of the same memory; anything else as it is."""
    if isinstance(value, Variable) and not isinstance(value, Parameter):
        return Parameter(value)
    return value


def describe_entries(entries: Iterable[tuple[Any, Any]]) -> str:
    """One line for each parameter: its number or name, its type and size."""
    lines = []
    for key, value in entries:
        if isinstance(value, Variable):
            size = "x".join(str(n) for n in value._array.shape)
            kind = type(value).__name__
            lines.append(f"  ({key}): {kind} containing: [{value._array.dtype} of size {size}]")
        else:
            lines.append(f"  ({key}): Object of type: {type(value).__name__}")
    return "\n".join(lines)
