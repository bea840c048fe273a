"""Tensors and ops, right and mistaken, for the tests of the gradient checker."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg


def draw(*shape: int, seed: int = 0, dtype: str = "float64") -> mg.Tensor:
    return mg.tensor(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def op_with(vjp: Any) -> Any:
    """The cube, with a VJP that may be wrong."""

    @mg.op(vjp)
    def cube(x):
        return x * x * x

    return cube


def mistaken(forward: Any, *vjps: Any) -> Any:
    """An op with mistaken VJPs, for an operand `x`, or for `x` and `y`."""
    if len(vjps) == 1:
        return mg.op(*vjps)(lambda x: forward(x))
    return mg.op(*vjps)(lambda x, y: forward(x, y))


def kinds(report: mg.testing.Report) -> set[str]:
    return {diagnosis.kind for diagnosis in report.diagnoses}
