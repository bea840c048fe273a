"""Apple's GPUs, which are not used."""

from minigrad.backends.absent import is_available as is_available
from minigrad.backends.absent import is_available as is_built

__all__ = ["is_available", "is_built"]
