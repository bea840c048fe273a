"""Further names of arguments, where NumPy's differs in more than the usual way."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, ParamSpec, TypeVar

__all__ = ["also_named"]

P = ParamSpec("P")
R = TypeVar("R")


def also_named(**others: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take arguments by other names, too: ``also_named(axis="dims")``.

    Raises   TypeError at the call, if an argument comes under two names.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if kwargs and not others.keys().isdisjoint(kwargs):
                translated: Any = {others.get(name, name): v for name, v in kwargs.items()}
                if len(translated) < len(kwargs):
                    name = getattr(function, "__name__", "function")
                    raise TypeError(f"{name}() got an argument under two names: {kwargs}")
                return function(*args, **translated)
            return function(*args, **kwargs)

        update_wrapper(call, function)
        return call

    return decorate
