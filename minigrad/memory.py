"""Memory: which tensors share it, when it was written in place, and who owns a gradient's.

Two things need this.  An in-place operation must reach every tensor that looks at the same memory
(`Alias`).  And no gradient may be computed from numbers that changed after a node saved them
(`Writes`).
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import count
from sys import getrefcount
from typing import Any, Protocol

import numpy as np

Array = Any
ndarray = np.ndarray

clock = count()  # one clock for the creation of nodes and for writes; next() is atomic


# ----------------------------------------------------------------------------------------- shared


class Handle(Protocol):
    """A tensor, as this file sees it: its array, and who else looks at that memory."""

    _array: Any
    _alias: Any


class Alias:
    """The handles that look at one piece of memory: the first of them, and the views made of it.

    `copied` refers to the array that the memory is a copy of, where a view was meant.
    """

    __slots__ = ("copied", "detached", "limit", "members", "root")

    def __init__(self, root: Handle) -> None:
        self.root = weakref.ref(root)
        self.members: list[weakref.ref[Handle]] = []
        self.limit = 64  # so many members, and those that are gone are looked for
        self.detached = False  # a detached tensor or an array shares the memory too
        self.copied: weakref.ref[Any] | None = None

    def live(self) -> list[Handle]:
        handles = [self.root(), *[member() for member in self.members]]
        return [handle for handle in handles if handle is not None]


def share_memory(base: Handle, view: Handle) -> None:
    """Note that `view` may look at the memory of `base`, for in-place operations to know."""
    array, memory = view._array, base._array
    if array is not memory:
        owner = getattr(array, "base", None)
        if owner is None:
            return
        near = owner is memory or owner is memory.base
        if not near and owner_of(array) is not owner_of(memory):  # a view of a copy
            if getattr(owner, "shape", None) == memory.shape != array.shape:
                note_copy(base, view)
            return
    alias = base._alias
    if alias is None:
        alias = base._alias = Alias(base)
    view._alias = alias
    members = alias.members
    if len(members) > alias.limit:
        members[:] = [member for member in members if member() is not None]
        alias.limit = max(64, 2 * len(members))
    members.append(weakref.ref(view))


def note_copy(base: Any, copy: Handle) -> None:
    """Note that `copy`, in another shape, does not look at the memory of `base`, as one may expect.

    It would in PyTorch, where results without a history lie in row-major order.  Of a view, such
    as x.T, it is a copy there as well.
    """
    root = base if base._alias is None else base._alias.root()
    same = root is not None and root._array.strides == base._array.strides
    if same and root._array.shape == base._array.shape and base.is_leaf:
        copy._alias = alias = Alias(copy)
        alias.detached = True
        alias.copied = weakref.ref(owner_of(root._array))


def is_copy(tensor: Handle) -> bool:
    """Whether a change of `tensor` would be meant for another one that lives, and not reach it."""
    alias = tensor._alias
    return alias is not None and alias.copied is not None and alias.copied() is not None


# ---------------------------------------------------------------------------------------- written


class Writes:
    """When memory was last written in place, and by what.

    Node.sequence and the times here come from one clock: a node whose saved array was written
    later than the node was created would compute a wrong gradient.  In ordinary training nothing is
    written between forward and backward, and the check is one comparison of integers.
    """

    def __init__(self) -> None:
        self.latest = -1
        self.times: dict[int, tuple[int, str]] = {}  # id of the owner of the memory -> time, writer
        self.owners: dict[int, weakref.ref[Any]] = {}

    def note(self, array: Array, writer: str) -> None:
        """Note that the memory of `array` was written just now."""
        key = id(owner_of(array))
        self.latest = next(clock)
        if key in self.owners or self.watch([array]):
            self.times[key] = (self.latest, writer)

    def watch(self, arrays: Iterable[Array]) -> list[int]:
        """Keys of the memory of `arrays`, for `note_all`; they hold while the arrays live."""
        keys = []
        for owner in map(owner_of, arrays):
            key = id(owner)
            if key not in self.owners:
                try:
                    self.owners[key] = weakref.ref(owner, partial(self.forget, key))
                except TypeError:  # an array type that cannot be referred to weakly
                    continue
            keys.append(key)
        return keys

    def note_all(self, keys: Sequence[int], writer: str) -> None:
        """Note that all the memory of `keys` was written just now."""
        self.latest = next(clock)
        self.times.update(dict.fromkeys(keys, (self.latest, writer)))

    def forget(self, key: int, _: Any = None) -> None:
        self.owners.pop(key, None)
        self.times.pop(key, None)

    def since(self, time: int, value: Any) -> str | None:
        """What wrote to an array, or to one in a tuple of them, after `time`; None: nothing did."""
        for array in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(array, ndarray):
                written, writer = self.times.get(id(owner_of(array)), (-1, ""))
                if written > time:
                    return writer
        return None


def owner_of(array: Array) -> Array:
    """The array that owns the memory of `array`."""
    while isinstance(array.base, ndarray):
        array = array.base
    return array


def keep_original(trace: Any, array: Array) -> None:
    """Keep the numbers of memory that is about to be written, and that no traced call computed."""
    owner = owner_of(array)
    if id(owner) not in trace.known and id(owner) not in trace.originals:
        trace.originals[id(owner)] = owner, owner.copy("K")


def original(trace: Any, array: Array) -> Array:
    """An array as it was before what is traced wrote to it."""
    owner, copy = trace.originals.get(id(owner_of(array)), (None, None))
    if owner is None:
        return array
    if copy.strides != owner.strides:
        return copy if array is owner else array
    first, start = [each.__array_interface__["data"][0] for each in (array, owner)]
    memory = copy.reshape(-1, order="A").view(np.uint8)
    return np.ndarray(array.shape, array.dtype, memory, first - start, array.strides)


writes = Writes()


# ------------------------------------------------------------------------------------------ owned


def references(array: Array) -> int:
    return getrefcount(array)


def count_when_unshared() -> int:
    array = np.empty(1)
    return references(array)


UNSHARED = count_when_unshared()  # what `references` counts for an array that one variable holds


def own(array: Any) -> Array:
    """`array`, or a copy of it if anyone else might hold its memory."""
    if type(array) is not ndarray:
        return np.array(array)
    base = array.base
    # the caller and `array` here hold it, as in `references`; a base is held by its view and here
    if getrefcount(array) <= UNSHARED and (
        base is None
        or (
            getrefcount(base) <= UNSHARED
            and type(base) is ndarray
            and base.base is None
            and array.flags.writeable
        )
    ):
        return array
    return array.copy(order="K")
