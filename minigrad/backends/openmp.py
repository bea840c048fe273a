"""OpenMP, which is absent."""

from minigrad.backends.absent import flags as flags
from minigrad.backends.absent import is_available as is_available

enabled = False
