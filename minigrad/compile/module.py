"""A compiled model: a module as the model is, whose forward and backward are programs."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from minigrad.nn.module import Module

if TYPE_CHECKING:
    from minigrad.compile.front import Compiled

__all__ = ["CompiledModule"]

SHARED = ("_parameters", "_buffers", "_modules", "_non_persistent_buffers")


class CompiledModule(Module):
    """What ``mg.compile(model)`` returns.

    Its parameters, buffers and modules are the model's, under the same names: it is trained, saved,
    moved and switched to evaluation as the model is, and the model with it.
    """

    compiled: Compiled

    def __init__(self, compiled: Compiled) -> None:
        super().__init__()
        model = compiled.function.__dict__
        self.__dict__.update({name: model[name] for name in SHARED}, compiled=compiled)
        del self.__dict__["training"]  # the model's, by __getattr__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._module_hooks is not None:
            return self._module_hooks.run(self, args, kwargs)
        return self.compiled(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the model."""
        return self.compiled(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        compiled = self.__dict__.get("compiled")
        if compiled is None or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        if name in ("programs", "source", "save", "explain"):
            return getattr(compiled, name)
        return getattr(compiled.function, name)

    def __getitem__(self, index: Any) -> Any:
        return self.compiled.function[index]  # type: ignore[index]  # a Sequential, or an error

    def __len__(self) -> int:
        return len(self.compiled.function)  # type: ignore[arg-type]  # likewise

    def __bool__(self) -> bool:
        return True

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.compiled.function, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.compiled.function, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledModule:
        return CompiledModule(self.compiled.copied(deepcopy(self.compiled.function, memo)))

    def __reduce__(self) -> Any:
        return CompiledModule, (self.compiled.copied(self.compiled.function),)

    def __str__(self) -> str:
        return str(self.compiled) if self.compiled.programs else repr(self)
