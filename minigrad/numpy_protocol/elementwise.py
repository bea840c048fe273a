"""NumPy's door: functions of each entry: ufuncs, their methods, and what NumPy builds on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.numpy_protocol.dispatch import of
