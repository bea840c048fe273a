"""Rows of ops that act on each entry on its own."""

from __future__ import annotations

import numpy as np

from tests.samples.sample import Sample, binary, unary

SAMPLES: list[Sample] = [
    binary("add", np.add, door=True),
    binary("sub", np.subtract, door=True),
    binary("mul", np.multiply, door=True),
    unary("neg", np.negative, door=True),
    unary("exp", np.exp, door=True),
    unary("relu", lambda x: np.where(x > 0, x, 0)),
]
