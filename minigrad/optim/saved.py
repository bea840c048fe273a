"""The state of an optimizer as it is kept, saved and read again."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from functools import partial, wraps
from inspect import CO_VARKEYWORDS
from typing import Any, NamedTuple

import numpy as np

from minigrad.graph import Variable, wrap
from minigrad.optim.recorder import recorder

Array = Any
Counts = dict[str, float]


class Entry(NamedTuple):
    """The state of one parameter: numbers, and arrays of its shape."""

    counts: Counts
    arrays: dict[str, Array]


def read_entry(state: dict[str, Any], p: Any) -> Entry:
    """The saved state of one parameter, from tensors of minigrad or PyTorch, or arrays."""
    counts: Counts = {}
    arrays: dict[str, Array] = {}
    for name, value in state.items():
        if value is None:
            continue
        array = to_array(value)
        if array.shape == p._array.shape and (array.ndim or name not in COUNTS):
            arrays[name] = array.astype(p._array.dtype)
        elif array.ndim == 0:
            counts[name] = float(array)
        else:
            raise ValueError(
                f"load_state_dict: {name} has shape {array.shape}, its parameter {p._array.shape}"
            )
    return Entry(counts, arrays)


COUNTS = {"step", "mu_product"}


def to_array(value: Any) -> Array:
    """A tensor of this library or PyTorch's, an array or a number as an array."""
    if isinstance(value, Variable):
        return value._array
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


# -------------------------------------- optimizers that have a step and a state of their own


# of PyTorch: which of its implementations to use; the numbers are the same
UNUSED = ("foreach", "fused", "capturable", "differentiable")


def with_unused(init: Callable[..., Any]) -> Callable[..., Any]:
    """The ``__init__`` of an optimizer, which then takes PyTorch's switches, too."""
    code = init.__code__
    unused = set(UNUSED) - set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    if code.co_flags & CO_VARKEYWORDS:  # it sees to them itself
        return init

    @wraps(init)
    def call(self: Any, *args: Any, **kwargs: Any) -> None:
        if not unused.isdisjoint(kwargs):
            if kwargs.get("differentiable") and "differentiable" in unused:
                raise NotImplementedError(
                    f"{type(self).__name__}: a step is not recorded; for gradients through it, "
                    "write p - lr * g with func.functional_call"
                )
            kwargs = {name: value for name, value in kwargs.items() if name not in unused}
        init(self, *args, **kwargs)

    return call


def own_step(step: Callable[..., Any]) -> Callable[..., Any]:
    """A `step` that somebody wrote as for PyTorch: counted for schedulers, between the hooks."""

    @wraps(step)
    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._within_step:  # a step that calls the step of its base
            return step(self, *args, **kwargs)
        if recorder.own is not None:
            own, recorder.own = recorder.own, None
            try:
                return own(self, partial(counted, self, *args, **kwargs), bool(args or kwargs))
            finally:
                recorder.own = own
        self._within_step = True
        try:
            self._call(self._before)
            result = step(self, *args, **kwargs)
            self.steps_taken += 1
            self._call(self._after)
        finally:
            self._within_step = False
        return result

    return counted


def own_state(saved: dict[Any, dict[str, Any]], parameters: list[Any]) -> dict[Any, dict[str, Any]]:
    """State that was saved of the `parameters`, by parameter; arrays in the parameter's type."""
    state: dict[Any, dict[str, Any]] = defaultdict(dict)
    for i, values in saved.items():
        p = parameters[i]
        state[p] = {name: as_state(value, p) for name, value in values.items()}
    return state


def as_state(value: Any, p: Any) -> Any:
    if not isinstance(value, Variable) and not hasattr(value, "detach"):
        return copy.deepcopy(value)
    array = to_array(value)
    fits = array.dtype.kind == "f" and array.ndim > 0
    return wrap(array.astype(p._array.dtype if fits else array.dtype))
