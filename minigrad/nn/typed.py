"""What type checkers are told of a call of a module: it takes and returns what `forward` does."""

from __future__ import annotations

from typing import Any, ParamSpec, Protocol, TypeVar

__all__ = ["HasForward", "P", "R"]

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class HasForward(Protocol[P, R]):
    """A module, by what its `forward` takes and returns."""

    _module_hooks: Any

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
