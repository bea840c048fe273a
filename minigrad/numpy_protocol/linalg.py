"""NumPy's door: ``np.linalg``."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.numpy_protocol.dispatch import of
