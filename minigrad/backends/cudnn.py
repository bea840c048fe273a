"""cuDNN, which is absent: its switches can be set, and switch nothing."""

from __future__ import annotations

from minigrad.backends.absent import flags as flags
from minigrad.backends.absent import is_available as is_available

deterministic = False
benchmark = False
enabled = True
allow_tf32 = True
benchmark_limit = 10


def version() -> int | None:
    """None: there is no cuDNN."""
    return None
