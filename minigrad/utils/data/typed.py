"""What type checkers are told of data: what a dataset holds, and what a loader gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # a part of what checkers bring along

    Sample = TypeVar("Sample", covariant=True, default=Any)
    Batch = TypeVar("Batch", covariant=True, default=Any)
else:
    from typing import TypeVar

    Sample = TypeVar("Sample", covariant=True)
    Batch = TypeVar("Batch", covariant=True)

__all__ = ["Batch", "Sample"]
