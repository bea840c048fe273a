"""What programs ask before they choose a device: there is no GPU here."""

from __future__ import annotations

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all"]


def is_available() -> bool:
    """False: minigrad is a CPU library.

    Example  >>> import minigrad as mg
             >>> mg.device("cuda" if mg.cuda.is_available() else "cpu")
             device(type='cpu')
    """
    return False


def device_count() -> int:
    """Number of GPUs that can be used: 0.

    Example  >>> mg.cuda.device_count()
             0
    """
    return 0


def empty_cache() -> None:
    """Nothing: there is no cache of a GPU."""


def manual_seed(seed: int) -> None:
    """Nothing: there are no generators of a GPU; `minigrad.manual_seed` sets the CPU's."""


def manual_seed_all(seed: int) -> None:
    """Nothing: there are no generators of a GPU; `minigrad.manual_seed` sets the CPU's."""
