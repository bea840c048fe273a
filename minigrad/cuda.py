"""What programs ask before they choose a device: there is no GPU here."""

from __future__ import annotations

__all__ = ["device_count", "is_available"]


def is_available() -> bool:
    """False: minigrad is a CPU library.

    Example  >>> import minigrad as mg
             >>> mg.device("cuda" if mg.cuda.is_available() else "cpu")
             device(type='cpu')
    """
    return False


def device_count() -> int:
    """Number of GPUs that can be used: 0."""
    return 0
