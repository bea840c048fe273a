"""What a function computes with beside its arguments: modules, optimizers and tensors it refers to.

A compiled function is called again and again; what it refers to may change in between.  Here it is
found, with the names that a reader knows it by.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from minigrad.graph import Variable
from minigrad.nn.module import Module
from minigrad.optim.optimizer import Optimizer

__all__ = ["Surroundings", "bound_names", "referred_to"]

PLAIN = (bool, int, float, str, type(None))


def referred_to(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Names and values of what a function refers to: its self, its closure, its globals."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    if isinstance(function, Module):
        yield "self", function
        return
    owner = getattr(function, "__self__", None)
    if owner is not None:
        yield "self", owner
        function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return
    variables = inspect.getclosurevars(function) if inspect.isfunction(function) else None
    if variables is not None:
        yield from variables.nonlocals.items()
        yield from variables.globals.items()


def defaults_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The default arguments of a function, by name."""
    plain = inspect.unwrap(function)
    plain = getattr(plain, "__func__", plain)
    code, values = getattr(plain, "__code__", None), getattr(plain, "__defaults__", None) or ()
    if code is None:
        return {}
    names = code.co_varnames[code.co_argcount - len(values) : code.co_argcount]
    return {**dict(zip(names, values)), **(plain.__kwdefaults__ or {})}


class Surroundings:
    """What `function` refers to, itself or by other functions that it calls.

    modules     the outermost modules, by name
    optimizers  by name
    tensors     by name, those of modules too: ``layer1_weight``
    readings    where each was found: a cell of a closure, or a dict and the key; and what it was
    """

    def __init__(self, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        self.modules: dict[str, Module] = {}
        self.optimizers: dict[str, Optimizer] = {}
        self.tensors: dict[str, Variable] = {}
        self.readings: list[tuple[Any, str | None, Any]] = []
        self.seen: set[int] = set()
        for name, value in arguments.items():
            if not isinstance(value, Variable):
                self.note(name, value)
        self.read(function)
        single = len(self.modules) == 1
        for name, module in self.modules.items():
            self.note_module("" if single or name == "self" else name, module)

    def read(self, function: Callable[..., Any]) -> None:
        """Note all that a function refers to."""
        if id(function) in self.seen:
            return
        self.seen.add(id(function))
        for name, value in defaults_of(function).items():
            self.note(name, value)
        for name, value in referred_to(function):
            if name != "self" and not inspect.ismodule(value):
                self.readings.append((*place_of(function, name), value))
            if not isinstance(value, PLAIN):
                self.note(name, value)

    def note(self, name: str, value: Any) -> None:
        if isinstance(value, Module):
            if value not in self.modules.values():
                self.modules[name] = value
        elif isinstance(value, Optimizer):
            self.optimizers.setdefault(name, value)
        elif isinstance(value, Variable):
            self.tensors.setdefault(name, value)
        elif isinstance(value, (list, tuple)) and len(value) < 1000:
            for i, each in enumerate(value):
                self.note(f"{name}{i}", each)
        elif isinstance(value, dict) and len(value) < 1000:
            for key, each in value.items():
                self.note(f"{name}_{key}", each)
        elif inspect.isfunction(value) and not is_library(value):
            self.read(value)
        elif inspect.ismethod(value) and not is_library(value.__func__):
            self.note("self", value.__self__)
            self.read(value)
        elif self.is_new_object(value):
            self.seen.add(id(value))
            for key, each in list(vars(value).items()):
                self.note(key, each)

    def is_new_object(self, value: Any) -> bool:
        """Whether a value is an object of the user's, with attributes not yet looked at."""
        plain = inspect.ismodule(value) or inspect.isfunction(value) or isinstance(value, type)
        known = id(value) in self.seen or is_library(type(value))
        return hasattr(value, "__dict__") and not plain and not known

    def note_module(self, prefix: str, module: Module) -> None:
        owners = dict(module.named_modules())
        for registry in (module.named_parameters(), module.named_buffers()):
            for path, tensor in registry:
                owner, _, last = path.rpartition(".")
                own = module_name(owner, owners.get(owner))
                name = "_".join([part for part in (prefix, own, last) if part])
                self.tensors.setdefault(name, tensor)


def module_name(path: str, module: Any) -> str:
    """The path of a module as part of a name: a number alone says nothing, so its kind leads it."""
    parts = path.split(".")
    if module is not None and parts[-1].isdigit():
        parts[-1] = f"{type(module).__name__.lower()}{parts[-1]}"
    return "_".join([part if not part.isdigit() else f"layer{part}" for part in parts if part])


def place_of(function: Any, name: str) -> tuple[Any, str | None]:
    """Where `function` finds what it knows by `name`: a cell, or its globals and the name."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    function = getattr(function, "__func__", function)
    code = function.__code__
    if name in code.co_freevars:
        return function.__closure__[code.co_freevars.index(name)], None
    return function.__globals__, name


def is_library(value: Any) -> bool:
    module = getattr(value, "__module__", None) or ""
    return module.split(".")[0] in {"minigrad", "numpy", "builtins", "math", "functools"}


def bound_names(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name."""
    target = function.forward if hasattr(function, "forward") else function
    try:
        return dict(inspect.signature(target).bind(*args, **kwargs).arguments)
    except (TypeError, ValueError):
        return {**{f"x{i}": arg for i, arg in enumerate(args)}, **kwargs}
