"""Derivatives by central differences, to hold the library's own against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def gradient(
    function: Callable[..., float], arrays: Sequence[np.ndarray], step: float = 1e-5
) -> list[np.ndarray]:
    """The gradient of a function of float64 arrays with one number as its value, entry by entry.

    The error is about step² times the third derivative, plus 1e-16 / step.
    """
    gradients = []
    for k, array in enumerate(arrays):
        result = np.zeros_like(array)
        moved = array.copy()
        operands = [*arrays[:k], moved, *arrays[k + 1 :]]
        for index in np.ndindex(array.shape):
            moved[index] = array[index] + step
            above = function(*operands)
            moved[index] = array[index] - step
            below = function(*operands)
            moved[index] = array[index]
            result[index] = (above - below) / (2 * step)
        gradients.append(result)
    return gradients


def worst(analytic: Any, numeric: np.ndarray) -> tuple[float, str]:
    """The largest relative difference of two gradients, and a sentence that names its entry."""
    if analytic.shape != numeric.shape:
        return np.inf, f"shape {analytic.shape} instead of {numeric.shape}"
    if numeric.size == 0:
        return 0.0, "no entries"
    scale = max(float(np.max(np.abs(numeric))), 1e-3)
    error = np.nan_to_num(np.abs(analytic - numeric), nan=np.inf) / scale
    index = np.unravel_index(int(np.argmax(error)), error.shape)
    place = tuple(int(i) for i in index)
    return float(error[index]), (
        f"entry {place}: {analytic[index]:.9g}, by finite differences {numeric[index]:.9g}"
    )
