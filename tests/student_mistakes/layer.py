"""A layer as people write it, its wrong versions, and what the checker makes of each.

A wrong version is the right one with a piece of its text replaced.  So a mistake stands in the
table as it stands in the code of whoever made it.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.testing import Report, check_layer, check_vjp

Array = np.ndarray

# diagnoses that say where the wrong entries are, or what they are off by, or what they break
NEUTRAL = {
    "unknown", "one slice", "where zero", "where tied", "where negative", "where positive",
    "matrix part", "beyond a bound", "offset", "contribution", "extra", "row sums", "carried",
}  # fmt: skip

LAYERS: list[Layer] = []


@dataclass(frozen=True)
class Wrong:
    """A mistake: the text `old` of the layer became `new`; `kinds` are names that fit it."""

    old: str
    new: str
    kinds: frozenset[str]
    only64: bool = False  # too small to be seen in float32

    def __str__(self) -> str:
        return f"{self.old}  ->  {self.new}"


@dataclass(frozen=True)
class Layer:
    """A function that returns the two passes of a layer, or a layer object, and its wrong versions.

    inputs   a shape, for normal random numbers, or an array, for each input by name
    options  for `check_layer`
    """

    make: Callable[[], Any]
    inputs: dict[str, Any]
    wrongs: tuple[Wrong, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.make.__name__

    def arrays(self) -> dict[str, Array]:
        rng = np.random.default_rng(len(str(self)))
        return {
            name: rng.standard_normal(given) if isinstance(given, tuple) else np.array(given)
            for name, given in self.inputs.items()
        }

    def version(self, wrong: Wrong | None) -> Any:
        """The right layer, or a wrong one."""
        if wrong is None:
            return self.make()
        source = textwrap.dedent(inspect.getsource(self.make))
        source = source[source.index(f"def {self}(") :]
        start = max(source.find("def backward"), 0)  # a loss has no pass of that name
        before, source = source[:start], source[start:]
        if source.count(wrong.old) != 1:
            raise ValueError(f"{self}: {wrong.old!r} occurs {source.count(wrong.old)} times")
        scope = dict(self.make.__globals__)
        exec(compile(before + source.replace(wrong.old, wrong.new), f"<{self}>", "exec"), scope)
        return scope[str(self)]()

    def check(self, wrong: Wrong | None, inside: str) -> Report:
        """The checker's report on a version that computes in a type `inside`."""
        made = self.version(wrong)
        with np.errstate(all="ignore"):
            if isinstance(made, tuple):
                forward, backward = (computed(inside)(each) for each in made)
                if "cache" in inspect.signature(backward).parameters:
                    return check_layer((forward, backward), *self.arrays().values())
                return check_vjp(forward, backward, self.arrays())
            if inspect.isfunction(made):
                made = computed(inside)(made)
            elif inside != "float64":
                made = narrow_layer(made, inside)
            return check_layer(made, *self.arrays().values(), **self.options)


def layer(inputs: dict[str, Any], *wrongs: tuple[Any, ...], **options: Any) -> Any:
    """Put the decorated function into the table; a wrong version is (old, new, kinds)."""

    def register(make: Callable[[], Any]) -> Callable[[], Any]:
        rows = [Wrong(w[0], w[1], frozenset(w[2].split("|")), len(w) > 3) for w in wrongs]
        LAYERS.append(Layer(make, inputs, tuple(rows), options))
        return make

    return register


# ---------------------------------------------------------------------------------- float32 inside

INSIDE = ("float64", "float32", "hidden float32")


def convert(tree: Any, dtype: Any) -> Any:
    """Floating-point arrays and numbers in another type, in tuples, lists and dicts, too."""
    if isinstance(tree, dict):
        return {k: convert(v, dtype) for k, v in tree.items()}
    if isinstance(tree, (tuple, list)):
        return type(tree)([convert(v, dtype) for v in tree])
    if isinstance(tree, (float, np.floating)):
        return dtype(tree)
    if isinstance(tree, np.ndarray) and tree.dtype.kind == "f":
        return tree.astype(dtype)
    return tree


def computed(inside: str) -> Callable[[Any], Any]:
    """Let a function compute in float32; "hidden": what it returns looks like float64."""

    def wrap(function: Any) -> Any:
        if inside == "float64":
            return function

        def narrowed(*arguments: Any) -> Any:
            found = function(*convert(list(arguments), np.float32))
            return convert(found, np.float64 if inside.startswith("hidden") else np.float32)

        narrowed.__signature__ = inspect.signature(function)
        return narrowed

    return wrap


def narrow_layer(made: Any, inside: str) -> Any:
    """A layer object whose parameters are float32, and whose passes compute in float32."""
    for name, value in vars(made).items():
        setattr(made, name, convert(value, np.float32))
    if not hasattr(made, "forward"):
        made.forward = made.__call__
    for name in ("forward", "backward"):
        setattr(made, name, computed(inside)(getattr(made, name)))
    return made
