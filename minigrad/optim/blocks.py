"""Parameters that are updated together: side by side in memory, or one large one in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad.memory import UNSHARED, references, writes
from minigrad.optim.saved import Entry

if TYPE_CHECKING:
    from minigrad.optim.optimizer import Optimizer

Array = Any
Group = dict[str, Any]
Counts = dict[str, float]

SMALL = 16_384  # entries up to which a parameter is copied into a flat array with others
CHUNK = 131_072  # entries that are updated at a time


class Piece(NamedTuple):
    """A part of a block, small enough for the cache: flat arrays of the same length.

    where    which entries of the block
    change   for what is to be subtracted from the parameters
    g        for the gradient, if it is not the one that backward brought
    p        the parameters
    state    the optimizer's state, and arrays for its intermediate results
    """

    where: slice
    change: Array
    g: Array
    p: Array
    state: tuple[Array, ...]


class Block:
    """Parameters of one group that are updated together, with a common history.

    counts    the numbers that their history consists of (``step``), the same for all
    first     whether their state is new: no update was computed yet
    state     name -> the part of each parameter, of its shape
    flat      the same, flat, in the order of the names
    """

    pieces: list[Piece]

    def __init__(self, optimizer: Optimizer, group: Group, parameters: list[Any]) -> None:
        self.group = group
        self.parameters = parameters
        self.arrays = [p._array for p in parameters]
        self.leaves = [p._get_leaf() for p in parameters]
        self.dtype = self.arrays[0].dtype
        self.keys = writes.watch(self.arrays)
        self.values: tuple[float, ...] = ()
        self.numbers: list[Array] = []
        self.decay = np.empty((), self.dtype)
        self.state: dict[str, list[Array]] = {}
        self.flat: list[Array] = []
        names = optimizer.state_names(group)
        entries = [optimizer._kept.get(p._get_leaf(), Entry({}, {})) for p in parameters]
        self.counts: Counts = dict(entries[0].counts)
        self.first = not all(name in entries[0].arrays for name in names)
        for name in names:
            flat, parts = self.flat_array()
            flat.fill(optimizer.initial(name, group))
            for entry, part in zip(entries, parts):
                if name in entry.arrays:
                    part[...] = entry.arrays[name]
            self.flat.append(flat)
            self.state[name] = parts

    def flat_array(self) -> tuple[Array, list[Array]]:
        """An uninitialised flat array for all entries, and the part of each parameter."""
        flat = np.empty(sum(array.size for array in self.arrays), self.dtype)
        parts, start = [], 0
        for array in self.arrays:
            parts.append(view_like(flat[start : start + array.size], array))
            start += array.size
        return flat, parts

    def gather(self) -> bool:
        """Take the gradients; False if a parameter has none, or has other memory than before."""
        raise NotImplementedError

    def update(self, optimizer: Optimizer) -> None:
        """One step of `optimizer` on these parameters."""
        raise NotImplementedError

    def prepare(self, optimizer: Optimizer) -> None:
        """The coefficients of this step as 0-d arrays, with which a ufunc costs half as much."""
        values = optimizer.coefficients(self.group, self.counts, self.first)
        if len(values) != len(self.values):
            self.numbers = [np.array(value, self.dtype) for value in values]
        elif values != self.values:
            for number, value, before in zip(self.numbers, values, self.values):
                if value != before:
                    number[...] = value
        self.values = values
        self.first = False
        group = self.group
        decay = group["weight_decay"]
        if decay:
            decoupled = group.get("decoupled_weight_decay", False)
            self.decay[...] = decay * group["lr"] if decoupled else decay

    def compute(self, optimizer: Optimizer, piece: Piece, g: Array) -> None:
        """Write the change of `piece` by the gradient `g`: maximize and weight decay live here."""
        _, change, own, p, state = piece
        group = self.group
        if group["maximize"]:
            g = np.negative(g, own)
        if not group["weight_decay"]:
            optimizer.update(change, g, state, self.numbers, group)
            return
        decoupled = group.get("decoupled_weight_decay", False)
        if not decoupled:
            g = np.add(g, np.multiply(p, self.decay, change), own)
        optimizer.update(change, g, state, self.numbers, group)
        if decoupled:
            np.add(change, np.multiply(p, self.decay, own), change)


class Together(Block):
    """Small parameters, or such whose memory is not contiguous, side by side in flat arrays.

    home      the parameters' own memory as one flat array, if it could be moved there; else None
    copies    where the parameters are copied to for an update that reads them, if there is no home
    changes   what each parameter subtracts from its own memory, if there is no home
    """

    def __init__(self, optimizer: Optimizer, group: Group, parameters: list[Any]) -> None:
        super().__init__(optimizer, group, parameters)
        self.home = self.move()
        self.g, gradients = self.flat_array()
        change, changes = self.flat_array()
        p = change
        self.copies: list[Array] = []
        if self.home is not None:
            p = self.home
        elif group["weight_decay"]:
            p, self.copies = self.flat_array()
        self.sources = list(zip(parameters, self.arrays, self.leaves, gradients))
        self.changes = list(zip(self.arrays, changes)) if self.home is None else []
        self.pieces = [
            Piece(where, change[where], self.g[where], p[where], state)
            for where, state in optimizer._chunks(self.g, self.flat)
        ]

    def move(self) -> Array | None:
        """Move the parameters side by side, and return the memory of all; see `move_together`."""
        self.arrays = self.arrays_again()
        home = side_by_side(self.arrays)
        if home is None:
            self.arrays = []
            moved = move_together(self.parameters)
            self.arrays = self.arrays_again()
            home = side_by_side(self.arrays) if moved else None
            self.keys = writes.watch(self.arrays)
        return home

    def arrays_again(self) -> list[Array]:
        return [p._array for p in self.parameters]

    def gather(self) -> bool:
        for tensor, array, leaf, view in self.sources:
            grad = leaf.grad
            if grad is None or tensor._array is not array:
                return False
            view[...] = grad._array
        return True

    def update(self, optimizer: Optimizer) -> None:
        self.prepare(optimizer)
        for view, array in zip(self.copies, self.arrays):
            view[...] = array
        for piece in self.pieces:
            self.compute(optimizer, piece, piece.g)
            if self.home is not None:
                np.subtract(piece.p, piece.change, out=piece.p)
        for array, change in self.changes:
            array -= change
        writes.note_all(self.keys, optimizer.name)


class Alone(Block):
    """One large parameter, in chunks of its own memory."""

    def __init__(self, optimizer: Optimizer, group: Group, parameters: list[Any]) -> None:
        super().__init__(optimizer, group, parameters)
        (self.array,), (self.leaf,), (self.tensor,) = self.arrays, self.leaves, parameters
        self.order = memory_order(self.array)
        self.g: Array = None
        self.buffer: Array = None
        p = self.array.transpose(self.order).reshape(-1)
        change, own = optimizer._buffers(self.dtype, 2)
        self.pieces = [
            Piece(where, change[: len(p[where])], own[: len(p[where])], p[where], state)
            for where, state in optimizer._chunks(p, self.flat)
        ]

    def gather(self) -> bool:
        grad = self.leaf.grad
        if grad is None or self.tensor._array is not self.array:
            return False
        g = grad._array.transpose(self.order)
        if not g.flags.c_contiguous or g.dtype != self.dtype:
            if self.buffer is None:
                self.buffer = np.empty(g.shape, self.dtype)
            self.buffer[...] = g
            g = self.buffer
        self.g = g.reshape(-1)
        return True

    def update(self, optimizer: Optimizer) -> None:
        self.prepare(optimizer)
        for piece in self.pieces:
            self.compute(optimizer, piece, self.g[piece.where])
            np.subtract(piece.p, piece.change, piece.p)
        self.g = None  # the gradient is the user's to drop
        writes.note_all(self.keys, optimizer.name)


def move_together(parameters: list[Any]) -> bool:
    """Move parameters side by side, if nobody but their tensors holds their memory.

    Then one subtraction updates all of them.  An array or a tensor that shares memory with a
    parameter (``p.detach().numpy()``) would be left behind, so one such stops the move.
    """
    for p in parameters:
        array = p._array
        base = array.base
        # held by its tensor and by `array`; a base by its view and by `base`
        if references(array) > UNSHARED + 1:
            return False
        if base is not None and (
            type(base) is not np.ndarray
            or isinstance(base.base, np.ndarray)
            or references(base) > UNSHARED + 1
        ):
            return False
    # as far as NumPy knows each array owns its memory, so that a write to one parameter is not
    # taken for a write to another (memory.Writes)
    memory = bytearray(sum([p._array.nbytes for p in parameters]))
    start = 0
    for p in parameters:
        array = p._array
        own = view_like(np.frombuffer(memory, array.dtype, array.size, start), array)
        own[...] = array
        p._array = own
        start += array.nbytes
    return True


def side_by_side(arrays: list[Array]) -> Array | None:
    """The memory of arrays that `move_together` moved as one flat array; None for others."""
    memory: Any = None
    end: int | None = None
    first = 0
    for array in arrays:
        base = array
        while isinstance(base.base, np.ndarray):
            base = base.base
        owner = base.base.obj if isinstance(base.base, memoryview) else base.base
        start = array.__array_interface__["data"][0]
        if type(owner) is not bytearray or (memory is not None and owner is not memory):
            return None
        if memory is None:
            memory = owner
            first = start - np.frombuffer(owner, np.uint8).__array_interface__["data"][0]
        elif start != end:
            return None
        end = start + array.nbytes
    if memory is None:
        return None
    size = sum([array.size for array in arrays])
    return np.frombuffer(memory, arrays[0].dtype, size, first)


def memory_order(array: Array) -> list[int]:
    """The axes of `array` from the largest stride to the smallest."""
    return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))


def view_like(flat: Array, array: Array) -> Array:
    """`flat` with the shape of `array`, its entries in the order of the memory of `array`."""
    order = memory_order(array)
    arranged = flat.reshape([array.shape[axis] for axis in order])
    return arranged.transpose(np.argsort(order)) if order else arranged


def is_alone(array: Array) -> bool:
    """Whether a parameter is large enough to be updated in its own memory, and can be."""
    contiguous = array.transpose(memory_order(array)).flags.c_contiguous
    return array.size > SMALL and contiguous
