"""What PyTorch programs set or ask of the libraries behind it: none of them is here.

A switch can be set, and switches nothing: results on a CPU are the same every time.

Example  >>> mg.backends.cudnn.deterministic = True
         >>> mg.backends.mps.is_available()
         False
"""

from __future__ import annotations

__all__ = ["cudnn", "mps"]


class Backend:
    """A library that is absent."""

    deterministic = True
    benchmark = False
    enabled = False

    def is_available(self) -> bool:
        """False: minigrad computes with NumPy."""
        return False

    is_built = is_available


cudnn = Backend()
mps = Backend()
