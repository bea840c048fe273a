"""What the absent libraries have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["flags", "is_available"]


def is_available() -> bool:
    """False: minigrad computes with NumPy."""
    return False


@contextmanager
def flags(*args: Any, **kwargs: Any) -> Iterator[None]:
    """Switches of this library for a while: without effect.

    Example  >>> with mg.backends.cudnn.flags(enabled=False):
             ...     mg.nn.Conv1d(1, 1, 2)(mg.ones(1, 3)).shape
             (1, 2)
    """
    yield
