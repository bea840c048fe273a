"""Where a layer written by hand keeps its parameters and their gradients, and how it is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any

FORWARD = ("forward", "forward_pass", "forward_propagation", "fprop", "__call__")
BACKWARD = ("backward", "backward_pass", "backward_propagation", "backprop", "bprop")
ZERO = ("zero_grad", "zero_grads", "zero_gradients", "flush_gradients", "reset_gradients", "clear")
RATES = ("lr", "learning_rate", "eta", "alpha", "step_size", "output_learning_rate")
OPTIMIZERS = ("optimizer", "optim", "opt")
PAIRED = (("params", "grads"), ("parameters", "gradients"), ("weights", "grads"), ("p", "g"))
DEPTH = 3  # of layers inside of layers


@dataclass(frozen=True, eq=False)
class Place:
    """An array that a layer holds: an attribute, or an item of a dict or list."""

    owner: Any
    key: Any
    name: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and self.owner is other.owner and self.key == other.key

    def __hash__(self) -> int:
        return hash((id(self.owner), self.key))

    def get(self) -> Any:
        if isinstance(self.owner, (dict, list)):
            try:
                return self.owner[self.key]
            except (KeyError, IndexError):
                return None
        return getattr(self.owner, self.key, None)

    def set(self, value: Any) -> None:
        if isinstance(self.owner, (dict, list)):
            self.owner[self.key] = value
        else:
            setattr(self.owner, self.key, value)


def is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def places(owner: Any, prefix: str = "", depth: int = 0) -> Iterator[Place]:
    """The floating-point arrays that a layer holds, those of layers inside included."""
    items: list[tuple[Any, Any, str]] = []
    if isinstance(owner, dict):
        items = [(key, value, f"{prefix}[{key!r}]") for key, value in owner.items()]
    elif isinstance(owner, list):
        items = [(i, value, f"{prefix}[{i}]") for i, value in enumerate(owner)]
    elif hasattr(owner, "__dict__") and not isinstance(owner, type):
        dot = "." if prefix else ""
        items = [(key, value, f"{prefix}{dot}{key}") for key, value in vars(owner).items()]
    for key, value, name in items:
        if is_array(value):
            yield Place(owner, key, name)
        elif isinstance(value, (dict, list)) or (
            hasattr(value, "__dict__") and not callable(value) and depth < DEPTH
        ):
            yield from places(value, name, depth + 1) if depth < DEPTH else ()
    if depth == 0 and hasattr(owner, "__dict__"):
        hidden = [(k, v) for k, v in vars(owner).items() if callable(v) and hasattr(v, "__dict__")]
        for key, value in hidden:  # layers that can be called
            if not inspect.isroutine(value) and not isinstance(value, type):
                yield from places(value, key, 1)


def gradient_names(name: str) -> list[str]:
    """What the gradient of a parameter is called."""
    return [
        f"d{name}", f"d_{name}", f"{name}_grad", f"grad_{name}", f"g{name}", f"{name}_gradient",
        f"d{name.lower()}", f"grad{name}", f"D{name}", f"{name}grad", f"delta_{name}", f"{name}_d",
    ]  # fmt: skip


def gradient_place(place: Place, root: Any) -> Place | None:
    """Where the gradient of a parameter is kept, after a backward pass; None if nowhere."""
    owner, key = place.owner, place.key
    shape = np.shape(place.get())
    tried = []
    if isinstance(key, str):
        tried += [Place(owner, name, name) for name in gradient_names(key)]
        if key in ("data", "value", "val", "w"):
            tried += [Place(owner, name, name) for name in ("grad", "gradient", "g", "dw")]
    for parent in (root, *layers_inside(root)):
        for held, grads in PAIRED:
            there = getattr(parent, grads, None)
            if getattr(parent, held, None) is not owner or not isinstance(there, (dict, list)):
                continue
            names = [key] if isinstance(there, list) else [key, *gradient_names(str(key))]
            tried += [Place(there, name, f"{grads}[{name!r}]") for name in names]
        for grads in ("grads", "gradients", "grad"):
            there = getattr(parent, grads, None)
            if parent is owner and isinstance(there, dict):
                names = [key, *gradient_names(str(key))]
                tried += [Place(there, name, f"{grads}[{name!r}]") for name in names]
    for candidate in tried:
        value = candidate.get()
        if value is not None and np.shape(value) == shape and np.ndim(value) == len(shape):
            return candidate
    loose = [c for c in tried if isinstance(c.get(), np.ndarray)]
    return loose[0] if loose else None


def layers_inside(root: Any) -> Iterator[Any]:
    """The objects that a layer holds, in attributes and lists."""
    for value in vars(root).values() if hasattr(root, "__dict__") else ():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if hasattr(item, "__dict__") and not inspect.isroutine(item):
                yield item


def method_of(layer: Any, names: Sequence[str], role: str, given: str | None) -> Callable[..., Any]:
    """The method for a pass, by the name given or a usual one."""
    for name in [given] if given else names:
        method = getattr(layer, name, None)
        if callable(method):
            return method
    tried = f"{given!r}" if given else ", ".join(names)
    raise TypeError(
        f"check_layer: {type(layer).__name__} has no {role} pass: looked for {tried}; name it with "
        f"{role}="
    )


class FakeOptimizer:
    """Makes an update that leaves ``w - gradient``, so that the gradient can be read off."""

    def update(self, w: Any, gradient: Any, *rest: Any, **more: Any) -> Any:
        if isinstance(w, dict):
            for key in w:
                w[key] = w[key] - gradient.get(key, gradient.get(f"d{key}"))
            return w
        if isinstance(w, list):
            w[:] = [each - g for each, g in zip(w, gradient)]
            return w
        return w - gradient

    step = __call__ = update


def fake_optimizers(layer: Any) -> None:
    """Put a fake optimizer in the place of those that a layer holds."""
    for holder in (layer, *layers_inside(layer)):
        for name, value in list(vars(holder).items()) if hasattr(holder, "__dict__") else ():
            named = name.lower().rsplit("_", 1)[-1] in OPTIMIZERS
            if named and (value is None or hasattr(value, "update") or hasattr(value, "step")):
                setattr(holder, name, FakeOptimizer())


def extra_arguments(backward: Callable[..., Any], cache: Sequence[Any]) -> list[Any]:
    """What a backward pass takes beside g: the cache, a learning rate (1), an optimizer (fake)."""
    try:
        parameters = list(inspect.signature(backward).parameters.values())[1:]
    except (TypeError, ValueError):
        return list(cache)
    found: list[Any] = []
    left = list(cache)
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            return found + left
        if parameter.kind not in (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        ):
            continue
        if parameter.name in RATES:
            found.append(1.0)
        elif parameter.name in OPTIMIZERS:
            found.append(FakeOptimizer())
        elif left:
            found.append(left.pop(0))
        elif parameter.default is inspect.Parameter.empty:
            raise TypeError(
                f"check_layer: the backward pass takes {parameter.name!r}, for which there is "
                f"nothing: looked for a cache that the forward pass returns, a learning rate "
                f"({', '.join(RATES[:3])}) and an optimizer"
            )
        else:
            break
    return found


def zero_gradients(layer: Any, kept: Sequence[Place]) -> None:
    """Call what a layer has for this; else put zeros where gradients are."""
    for holder in (layer, *layers_inside(layer)):
        for name in ZERO:
            if callable(getattr(holder, name, None)) and not isinstance(holder, (dict, list)):
                getattr(holder, name)()
                break
    for place in kept:
        if isinstance(place.get(), np.ndarray):
            place.set(np.zeros_like(place.get()))
