"""What type checkers are told of results; when a program runs, nothing here does anything.

A forward takes and returns arrays, so that an op's own annotations are not those of its callers.
`op` tells a checker that a call returns a tensor, and `returns` that it returns several.

A tensor's methods are ops, and an op returns tensors: for a type checker that is a circle.  This
file is the one place where it closes; all others that name the result import it from here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from minigrad.tensor import Tensor
else:
    Tensor = Any

__all__ = ["Each", "Tensor", "returns"]

P = ParamSpec("P")
Each = TypeVar("Each")  # of the results of one call: arrays inside an op, tensors outside
Results = TypeVar("Results", bound=tuple[Any, ...])


def returns(kind: type[Results]) -> Callable[[Callable[P, Any]], Callable[P, Results]]:
    """The op as it is; checkers take its result for `kind`, a named tuple of tensors."""
    return lambda operation: operation
