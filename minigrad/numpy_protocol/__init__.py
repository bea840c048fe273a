"""NumPy's door: what ``np.f(t)`` does when t is a tensor.

NumPy hands the call over by its own protocols (NEP 13 for ufuncs, NEP 18 for other functions).
Functions that mean the same as an op are named in the op's decorator.  Those whose meaning or
arguments differ are mapped here, one file for each theme, by ``@of(np.f)`` on a function that takes
NumPy's arguments.  A function that is in neither place raises a TypeError that names it: a tensor
is never silently turned into an array.
"""

from minigrad.numpy_protocol import (
    elementwise,
    indexing,
    linalg,
    products,
    ranges,
    reduction,
    shaping,
    undefined,
)
from minigrad.numpy_protocol.dispatch import array_function, array_ufunc, functions, of

__all__ = [
    "array_function", "array_ufunc", "elementwise", "functions", "indexing", "linalg", "of",
    "products", "ranges", "reduction", "shaping", "undefined",
]  # fmt: skip
