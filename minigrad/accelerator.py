"""What programs ask before they choose a device, in PyTorch's newer words: there is no GPU here."""

from __future__ import annotations

__all__ = ["current_accelerator", "is_available"]


def is_available() -> bool:
    """False: minigrad is a CPU library.

    Example  >>> mg.accelerator.is_available()
             False
    """
    return False


def current_accelerator(check_available: bool = False) -> None:
    """None: there is no accelerator."""
