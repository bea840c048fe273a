"""How NumPy's calls find their op: the table of functions, and NumPy's two protocols."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from minigrad.calls import numpy_functions
from minigrad.numpy_protocol import scipy_special

REFLECTED = {np.add, np.subtract, np.multiply, np.divide, np.power, np.matmul, np.floor_divide,
             np.remainder}  # fmt: skip

functions: dict[Any, Callable[..., Any]] = {}  # NumPy function -> what to call with its arguments


def array_ufunc(self: Any, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    """NEP 13: ``np.exp(t)``, ``array * t``; ``array += t`` on the numbers alone."""
    out = kwargs.get("out")
    if out is not None and all(type(x) is np.ndarray for x in out) and "where" not in kwargs:
        numbers = [np.asarray(x) if hasattr(x, "_node") else x for x in args]  # refuses a graph
        return getattr(ufunc, method)(*numbers, **kwargs)
    if out is not None or "where" in kwargs:
        name = f"{scipy_special.module_of(ufunc)}.{ufunc.__name__}"
        raise TypeError(f"{name} of a tensor takes neither out= nor where=")
    operation = numpy_functions.get(ufunc)
    if method == "__call__" and operation is not None:
        # `np.float64(2) * t` comes in here as well; like `t * np.float64(2)` it keeps t's type
        reflected = isinstance(args[0], np.generic) and ufunc in REFLECTED
        return (operation.call if reflected else operation.call_from_numpy)(*args, **kwargs)
    mapped = functions.get((ufunc, method))
    if mapped is None and method == "__call__":
        mapped = functions.get(ufunc) or scipy_special.special(ufunc)
    if mapped is not None:
        return mapped(*args, **kwargs)
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    raise unmapped(name, scipy_special.module_of(ufunc))


def array_function(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """NEP 18: ``np.sum(t, axis=0)``, ``np.stack([s, t])``."""
    if function.__module__ == "numpy.fft":
        import_module("minigrad.fft.transforms")  # which names its functions here
    mapped = functions.get(function)
    if mapped is not None:
        return mapped(*args, **kwargs)
    operation = numpy_functions.get(function)
    if operation is not None:
        return operation.call_from_numpy(*args, **kwargs)
    module = function.__module__.removeprefix("numpy").lstrip(".")
    raise unmapped(f"{module}.{function.__name__}" if module else function.__name__)


def unmapped(name: str, module: str = "np") -> TypeError:
    return TypeError(
        f"{module}.{name} has no differentiable counterpart for tensors in minigrad: use an op "
        "that has, or t.detach().numpy() to leave the graph"
    )


def of(*names: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Map NumPy's functions `names` to the decorated one, which takes NumPy's arguments."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            functions[name] = function
        return function

    return register
