"""The form of what a hand-written backward pass returns: how many gradients, shapes, types."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from minigrad.pytrees import describe, leaves_of, paired
from minigrad.testing.linearity import gradients_of
from minigrad.testing.report import Diagnosis

Array = Any
Shape = tuple[int, ...]


def is_float(value: Any) -> bool:
    return bool(np.asarray(value).dtype.kind == "f")


def kind_of(value: Any) -> str:
    """For messages: ``int64 array``, ``str``."""
    return f"{value.dtype} array" if isinstance(value, np.ndarray) else describe(value)


def rounding_of(gradient: Any) -> float:
    """The rounding of the type of an array; 0 for None and whole numbers."""
    return float(np.finfo(np.asarray(gradient).dtype).eps) if is_float(gradient) else 0.0


def check_signature(
    function: Callable[..., Any], role: str, arguments: Sequence[Any], call: str
) -> None:
    """Raise a TypeError that shows the `call` if `function` does not take these arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a function in C
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise TypeError(
            f"check_vjp: the {role} is {name}{signature}, but it is called as {call}: {error}"
        ) from None


# --------------------------------------------------------------------------- one for each argument


def listed(returned: Any, given: Sequence[Any], keys: Sequence[Any] | None) -> list[Any]:
    """What the backward pass returned, one entry for each argument.

    given    the arguments
    keys     their keys, if they came in a dict
    """
    if keys is not None and isinstance(returned, dict):
        return by_key(returned, keys, given)
    count = len(given)
    if not isinstance(returned, (tuple, list)):
        found = [returned]
    elif count == 1 and fits(returned, given[0]):
        return [returned]
    else:
        found = list(returned)
    if len(found) == count:
        return found
    checked = [i for i, x in enumerate(given) if any(map(is_float, leaves_of(x)))]
    if len(found) != len(checked):
        names = "input" if count == 1 else "inputs"
        raise ValueError(
            f"check_vjp: the backward pass returned {len(found)} gradients for {count} {names}: "
            "return one for each, as a tuple, None for an input that needs none"
        )
    of = dict(zip(checked, found))
    return [of.get(i) for i in range(count)]


def fits(tree: Any, pattern: Any) -> bool:
    try:
        paired(tree, pattern)
    except ValueError:
        return False
    return True


def by_key(returned: dict[Any, Any], keys: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """The gradients of a dict in the order of the inputs; only integers may be left out."""
    unknown = [k for k in returned if k not in keys]
    if unknown:
        raise ValueError(
            f"check_vjp: the backward pass returned a gradient for {unknown[0]!r}, which is none "
            f"of the inputs {list(keys)}"
        )
    for k, x in zip(keys, given):
        if k not in returned and any(map(is_float, leaves_of(x))):
            raise ValueError(
                f"check_vjp: the backward pass returned no gradient for {k!r}; return None for an "
                "input that needs none"
            )
    return [returned.get(k) for k in keys]


def leaves_for(argument: Any, gradient: Any, name: str) -> list[Any]:
    """The gradient for each leaf of an argument."""
    if not isinstance(argument, (dict, tuple, list)):
        return [gradient]
    if gradient is None:
        return [None] * len(leaves_of(argument))
    try:
        return [g for _, g, _ in paired(gradient, argument)]
    except ValueError as error:
        raise ValueError(
            f"check_vjp: the gradient of input {name} has not its form: {error}"
        ) from None


# --------------------------------------------------------------------------------- shapes and types


def wrong_form(name: str, x: Array, dtype: Any, gradient: Any) -> list[Diagnosis]:
    """Whether a gradient has the shape of its input, and a type that can hold it."""
    if gradient is None:
        return []
    g = np.asarray(gradient)
    if g.dtype.kind not in "fiubc":
        raise TypeError(f"check_vjp: the gradient of {name} is {kind_of(gradient)}; it is an array")
    if g.shape != x.shape:
        return [Diagnosis(*wrong_shape(name, x.shape, g.shape), name)]
    text = f"the gradient of {name} is {g.dtype}, {name} is {dtype}: "
    if g.dtype.kind == "c":
        return [Diagnosis("dtype", text + "return its real part, .real", name)]
    if g.dtype.kind != "f" and np.any(g):
        return [Diagnosis("dtype", text + "it was cut down to whole numbers", name)]
    if rounding_of(g) > np.finfo(dtype).eps:
        return [Diagnosis("precision", text + "digits are lost on the way", name)]
    return []


def squeezed(shape: Shape) -> list[int]:
    """The sizes of a shape that are not 1."""
    return [size for size in shape if size != 1]


def wrong_shape(name: str, want: Shape, got: Shape) -> tuple[str, str]:
    text = f"the gradient of {name} has shape {got}, {name} has shape {want}"
    if squeezed(got) == squeezed(want):
        return "shape", text + f": it lacks or has axes of size 1 (keepdims?), .reshape({want})"
    try:
        broadcast = np.broadcast_shapes(want, got) == got
    except ValueError:
        broadcast = False
    if broadcast and got != want:
        extra = len(got) - len(want)
        axes = [i for i in range(len(got)) if i < extra or (want[i - extra] == 1 and got[i] != 1)]
        listed_axes = axes[0] if len(axes) == 1 else tuple(axes)
        text += f": the sum over the broadcast axis is missing, g.sum(axis={listed_axes})"
        return "missing sum", text
    if got == want[::-1]:
        return "transposed", text + ": it is transposed"
    return "shape", text


def exchanged(want: Sequence[Shape], got: Sequence[Shape]) -> list[int]:
    """Positions of gradients of which each has the shape of another one's input."""
    wrong = [k for k, (a, b) in enumerate(zip(want, got)) if a != b]
    for group in [wrong, *map(list, combinations(wrong, 2))]:
        transposed = all(got[k] == want[k][::-1] for k in group)  # more likely than exchanged
        if not transposed and sorted(want[k] for k in group) == sorted(got[k] for k in group):
            return group
    return []


def wrong_order(group: Sequence[int], names: Sequence[str], got: Sequence[Shape]) -> Diagnosis:
    """The diagnosis for gradients that are exchanged, with the shapes in which they came."""
    concerned = [names[k] for k in group]
    shapes = " and ".join(str(got[k]) for k in group)
    text = (
        f"{gradients_of(concerned)} seem to be {'swapped' if len(group) == 2 else 'out of order'}: "
        f"they have shapes {shapes}; return those of {', '.join(names)} in this order"
    )
    return Diagnosis("other input", text, concerned[0])
