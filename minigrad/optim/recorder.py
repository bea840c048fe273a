"""Where the compiler takes part in the steps of optimizers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Recorder(threading.local):
    """What runs a step in the place of the optimizer, and notes it.

    record   a step whose mathematics is `Optimizer.update`
    own      a step that somebody wrote: the optimizer, what runs it, and whether it has arguments
    """

    record: Callable[[Any], None] | None = None
    own: Callable[[Any, Callable[[], Any], bool], Any] | None = None


recorder = Recorder()
