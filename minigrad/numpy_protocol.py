"""NumPy's door: what ``np.f(t)`` does when t is a tensor.

NumPy hands the call over by its own protocols (NEP 13 for ufuncs, NEP 18 for other functions).
Functions that mean the same as an op are named in the op's decorator.  Those whose meaning or
arguments differ are mapped here.  A function that is in neither place raises a TypeError that names
it: a tensor is never silently turned into an array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.operation import Variable, numpy_functions

REFLECTED = {np.add, np.subtract, np.multiply, np.divide, np.power, np.matmul, np.floor_divide,
             np.remainder}  # fmt: skip

functions: dict[Any, Callable[..., Any]] = {}  # NumPy function -> what to call with its arguments


def array_ufunc(self: Any, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    """NEP 13: ``np.exp(t)``, ``array * t``."""
    if kwargs.get("out") is not None or "where" in kwargs:
        raise TypeError(f"np.{ufunc.__name__} of a tensor takes neither out= nor where=")
    operation = numpy_functions.get(ufunc)
    if method == "__call__" and operation is not None:
        # `np.float64(2) * t` comes in here as well; like `t * np.float64(2)` it keeps t's type
        reflected = isinstance(args[0], np.generic) and ufunc in REFLECTED
        return operation.call(args, kwargs, numpy_door=not reflected)
    mapped = functions.get((ufunc, method)) or (functions.get(ufunc) if method == "__call__" else None)
    if mapped is not None:
        return mapped(*args, **kwargs)
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    raise unmapped(name)


def array_function(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """NEP 18: ``np.sum(t, axis=0)``, ``np.stack([s, t])``."""
    mapped = functions.get(function)
    if mapped is not None:
        return mapped(*args, **kwargs)
    operation = numpy_functions.get(function)
    if operation is not None:
        return operation.call(args, kwargs, numpy_door=True)
    raise unmapped(function.__name__)


def unmapped(name: str) -> TypeError:
    return TypeError(
        f"np.{name} has no differentiable counterpart for tensors in minigrad: use an op that has, or "
        "t.detach().numpy() to leave the graph"
    )


def of(*names: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Map NumPy's functions `names` to the decorated one, which takes NumPy's arguments."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            functions[name] = function
        return function

    return register


@of(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    return ops.T(a)


@of(np.reshape)
def reshape(a: Any, shape: Any) -> Any:
    return ops.reshape(a, shape)


@of(np.dot)
def dot(a: Any, b: Any) -> Any:
    return ops.matmul(a, b)


@of(np.shape)
def shape(a: Any) -> Any:
    return a.shape


@of(np.ndim)
def ndim(a: Any) -> int:
    return a.ndim  # type: ignore[no-any-return]


@of(np.size)
def size(a: Any, axis: int | None = None) -> int:
    return a.numel() if axis is None else a.shape[axis]  # type: ignore[no-any-return]


def is_tensor(value: Any) -> bool:
    return isinstance(value, Variable)


@of(np.broadcast_to)
def broadcast_to(a: Any, shape: Any) -> Any:
    return ops.expand(a, *shape)
